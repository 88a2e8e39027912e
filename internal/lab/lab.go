package lab

import "testing"

// Option says how a lab differs from the plain one.
type Option func(*config)

// config is what the options fill in.
type config struct {
	// services run once the world's namespace is up, in order, and before
	// any server starts.
	services []func(*World)
}

// Lab is a world with at least one server in it.
type Lab struct {
	// World is the network around the servers.
	World *World
	t     testing.TB
}

// New builds a lab that vanishes with the test.
func New(t testing.TB, opts ...Option) *Lab {
	t.Helper()
	panic("not written yet")
}

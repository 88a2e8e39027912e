package lab

import (
	"os"
	"testing"
	"time"
)

// Lab is a world with at least one server in it.
type Lab struct {
	// World is the network around the servers.
	World *World
	// Server is the first server.
	Server *Server

	t       testing.TB
	cfg     *config
	servers []*Server
}

// New builds a lab that vanishes with the test. It fails the test when the
// lab cannot be had: without root, without debootstrap for a first root, ...
func New(t testing.TB, opts ...Option) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("lab: test hosts are made of namespaces and need root; run the tests of the tag lab as root")
	}
	l := &Lab{t: t, cfg: plain().with(opts)}
	w, err := newWorld(t)
	if err != nil {
		t.Fatalf("lab: world: %v", err)
	}
	l.World = w
	for _, start := range l.cfg.services {
		start(w)
	}
	l.Server = l.AddServer()
	return l
}

// AddServer adds one more server to the world. It is like the first, but for
// the options given here.
func (l *Lab) AddServer(opts ...Option) *Server {
	l.t.Helper()
	s, err := newServer(l, l.cfg.with(opts), len(l.servers))
	if err != nil {
		l.t.Fatalf("lab: server: %v", err)
	}
	l.servers = append(l.servers, s)
	if s.cfg.started {
		s.StartPostfix()
	}
	return s
}

// Run runs a command on the first server; see [Server.Run].
func (l *Lab) Run(args ...string) Result {
	l.t.Helper()
	return l.Server.Run(args...)
}

// RoundTrips tells how many round trips of the delayed link fit into d.
func (l *Lab) RoundTrips(d time.Duration) float64 {
	return float64(d) / float64(2*l.cfg.delay)
}

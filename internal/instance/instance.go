// Package instance runs a private Postfix: own configuration, queue and data
// folder, own log, no listener. It is the rehearsal of setup, the Postfix of
// demo, and nothing of the system's Postfix is touched by it.
package instance

import (
	"context"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Options of an instance.
type Options struct {
	Dir   string // folder that is made for it and removed by Close
	State postfix.State
	Plan  plan.Plan
	Keep  bool // leave the folder
}

// Instance is a running private Postfix.
type Instance struct {
	ConfigDir string
	Log       postfix.Log
}

// Start makes and starts an instance with exactly the planned configuration.
func Start(ctx context.Context, h *host.Host, o Options) (*Instance, error) { panic("not written yet") }

// Close stops it and removes its folder, whatever state it is in.
func (i *Instance) Close() error { panic("not written yet") }

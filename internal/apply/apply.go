// Package apply is the transaction: lock, journal, write, check, reload, trial,
// commit, recover, roll back. It decides nothing about mail: what is written
// comes from plan, and the proof is handed in.
package apply

import (
	"context"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/plan"
)

// StateDir is where journal and history live (0700).
const StateDir = "/var/lib/relayhost"

// Options of a run.
type Options struct {
	ConfigDir string
	StateDir  string // "" is StateDir
	// Reload tells Postfix (postfix reload, or start with consent).
	Reload func(context.Context) error
	// Prove runs after the reload; its error rolls back. nil skips the proof.
	Prove func(context.Context) error
	// KeepOnFailure keeps the new configuration when Prove fails.
	KeepOnFailure bool
	// Progress is told of each step; may be nil.
	Progress func(step string)
}

// Record is what a finished change did; it is kept for rollback.
type Record struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Relay    string    `json:"relay"`
	Host     string    `json:"host"`
	Port     int       `json:"port"`
	State    string    `json:"state"` // committed | rolled_back
	Files    []Change  `json:"files"`
	Commands []string  `json:"commands"`
}

// Change is one file of a Record.
type Change struct {
	Path   string `json:"path"`
	Action string `json:"action"` // create | modify
	Before string `json:"before"` // SHA-256, "" when it did not exist
	After  string `json:"after"`
}

// Run applies p as one transaction. On any error the host is as it was before,
// or the error is (or wraps) a *NeedsPerson.
func Run(ctx context.Context, h *host.Host, p plan.Plan, o Options) (Record, error) {
	panic("not written yet")
}

// Recover finishes the undoing of a run that died. It reports whether there
// was one.
func Recover(ctx context.Context, h *host.Host, o Options) (bool, error) { panic("not written yet") }

// RollBack undoes the change with the id, or the last one for "".
func RollBack(ctx context.Context, h *host.Host, id string, o Options) (Record, error) {
	panic("not written yet")
}

// History lists the changes that can be undone, newest first.
func History(r *host.Reader, o Options) ([]Record, error) { panic("not written yet") }

// NeedsPerson says that undoing was not complete. Files names what is not as
// it should be (exit code 4).
type NeedsPerson struct {
	Files []string
	Err   error
}

func (e *NeedsPerson) Error() string { return "rolling back was not complete: " + e.Err.Error() }
func (e *NeedsPerson) Unwrap() error { return e.Err }

// Package apply is the transaction: lock, journal, write, check, reload, proof,
// commit, recover, roll back. It decides nothing about mail: what is written
// comes from plan, and the proof is handed in. While it changes the server, mail that is
// under way neither waits for it nor goes twice (addBetween, drain).
package apply

import (
	"context"
	"errors"
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
	// Reload tells Postfix (postfix reload, or start with consent). nil is
	// "postfix reload" where Postfix runs, and nothing where it does not.
	Reload func(context.Context) error
	// ReloadBack is Reload for an undoing; nil is Reload. A Postfix that did not run
	// before is not started by it.
	ReloadBack func(context.Context) error
	// Watch is called before the reload and starts to follow the log; what it
	// returns is called after the reload and fails when Postfix has logged
	// "fatal:" or "throttling", or with ErrProofLog. nil watches nothing. configDir
	// is that of the instance of Postfix that is reloaded.
	Watch func(ctx context.Context, configDir string) (func(context.Context) error, error)
	// Override are parameters that main.cf has besides while Prove runs, and no
	// longer: a maillog_file that shows the delivery, say (ProofLog).
	Override map[string]string
	// ProofLogLabel is the SELinux label that ProofLog gets, which is made before
	// Postfix is told of it; "" leaves making it to Postfix.
	ProofLogLabel string
	// Prove runs after the reload; its error rolls back, with KeepOnFailure as well where
	// it is a maillog.ErrDied. nil skips the proof.
	Prove func(context.Context) error
	// KeepOnFailure keeps the new configuration when Prove fails.
	KeepOnFailure bool
	// Hold are the queue ids of messages that are put on hold before anything
	// is written, so that they do not leave by the new way. Whoever undoes the
	// change releases exactly these.
	Hold []string
	// Installed are packages that were installed for the change. They stay when
	// it is rolled back, and are named then.
	Installed []string
	// Force lets RollBack and Recover overwrite what others have changed.
	Force bool
	// Progress is told of each step; may be nil.
	Progress func(step string)
	// Watchdog is the command line of the watchdog, to which its own
	// arguments are appended: this binary and "watch-transaction". nil starts
	// none.
	Watchdog []string
	// Deadline is how long the run may take from the first write to the commit
	// before the watchdog ends it; 0 is 3 minutes.
	Deadline time.Duration
	// Now is the clock; nil is the system's. Nothing waits by it.
	Now func() time.Time
}

// Record is what a finished change did; it is kept for rollback.
type Record struct {
	ID    string    `json:"id"`
	Time  time.Time `json:"time"`
	Relay string    `json:"relay"`
	Host  string    `json:"host"`
	Port  int       `json:"port"`
	State string    `json:"state"` // committed | rolled_back
	// ConfigDir is that of the instance of Postfix that was changed.
	ConfigDir string   `json:"config_dir"`
	Files     []Change `json:"files"`
	Commands  []string `json:"commands"`
	Held      int      `json:"held,omitempty"`     // messages that were put on hold
	Packages  []string `json:"packages,omitempty"` // that were installed for it, and stay
	Notes     []string `json:"notes,omitempty"`
}

// The states of a Record.
const (
	Committed  = "committed"
	RolledBack = "rolled_back"
)

// Change is one file of a Record.
type Change struct {
	Path   string `json:"path"`
	Action string `json:"action"` // create | modify | remove
	// SHA-256 of the content, "" where there is no file. Of files with secrets
	// it is secret.Mask: a short password could be guessed from a hash.
	Before string `json:"before"`
	After  string `json:"after"`
}

// Run applies p as one transaction. On any error the host is as it was before,
// or the error is (or wraps) a *Incomplete. A plan that changes nothing
// returns a Record without an ID.
func Run(ctx context.Context, h *host.Host, p plan.Plan, o Options) (rec Record, err error) {
	if p.Incomplete {
		return Record{}, errors.New("the plan has placeholders for credentials: it can be shown, not applied")
	}
	o.Force = false // to set up in spite of something is no leave to undo over somebody's edits
	t, err := begin(ctx, h, o)
	if err != nil {
		return Record{}, host.Denied(err)
	}
	defer func() {
		tidyBridge(ctx, t.h, t.store.dir)
		t.end()
	}()
	if _, err := t.recover(ctx); err != nil {
		return Record{}, err
	}
	j, err := t.journal(ctx, p)
	if err != nil {
		return Record{}, host.Denied(err)
	}
	if overrideOnly(j.Steps) {
		return Record{Relay: p.First().Relay, Host: p.First().Host, Port: p.First().Port}, nil
	}
	return t.perform(ctx, j)
}

// journal is what p comes to, built and checked, before anything is changed.
func (t *transaction) journal(ctx context.Context, p plan.Plan) (journal, error) {
	files, err := fileSteps(ctx, t.h, t.o, p)
	if err != nil {
		return journal{}, err
	}
	if files, err = withOverride(t.h, t.o, files); err != nil {
		return journal{}, err
	}
	if err := t.uses(directories(files)...); err != nil {
		return journal{}, err
	}
	maps, err := indexNeeds(t.h, p, files)
	if err != nil {
		return journal{}, err
	}
	if err := preflight(t.h, t.o, files, maps...); err != nil {
		return journal{}, err
	}
	if err := checkRoom(ctx, t.h, t.o); err != nil {
		return journal{}, err
	}
	steps, err := staged(ctx, t.h, t.o, p, files)
	if err != nil {
		return journal{}, err
	}
	j := journal{Kind: kindChange, Steps: steps, Held: t.o.Hold, Record: Record{Relay: p.First().Relay, Host: p.First().Host, Port: p.First().Port, Packages: t.o.Installed}}
	return j, nil
}

// staged turns files into all the steps of p, built and checked.
func staged(ctx context.Context, h *host.Host, o Options, p plan.Plan, files []step) ([]step, error) {
	stage, err := newStage(ctx, h, o, p, files)
	defer stage.close()
	if err != nil {
		return nil, err
	}
	steps := stage.steps(files)
	return steps, stage.addBetween(ctx, steps)
}

func (o Options) stateDir() string {
	if o.StateDir == "" {
		return StateDir
	}
	return o.StateDir
}

func (o Options) configDir() string {
	if o.ConfigDir == "" {
		return "/etc/postfix"
	}
	return o.ConfigDir
}

func (o Options) say(step string) {
	if o.Progress != nil {
		o.Progress(step)
	}
}

func (o Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

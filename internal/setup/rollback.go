package setup

import (
	"context"
	"os"

	"relayhost/internal/apply"
	"relayhost/internal/postfix"
)

// RollBackOptions say what is undone.
type RollBackOptions struct {
	To    string // ID of a change, with all that came after it; "" is the last
	All   bool   // as if relayhost had never been here
	Force bool   // overwrite what others have changed since
	// Consent is asked with the changes that could be undone, the last first.
	Consent func([]apply.Record) error
}

// RollBack restores what was there before a change and reloads Postfix; it finishes
// the undoing of a run that died first. It returns what was undone: nothing where
// there is no change. died is set where Postfix does not work with what was there
// before.
func RollBack(ctx context.Context, deps Deps, r RollBackOptions) (undone []apply.Record, died, err error) {
	if _, err := Recover(ctx, deps, r.Force); err != nil {
		return nil, nil, err
	}
	o := apply.Options{ConfigDir: deps.ConfigDir, StateDir: deps.StateDir, Reload: deps.Control().ReloadIfRunning, Force: r.Force}
	changes, err := apply.History(&deps.Host.Reader, o)
	if err != nil || len(changes) == 0 {
		return nil, nil, err
	}
	if err := r.Consent(changes); err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	o.Watchdog, o.Watch = []string{self, WatchdogCommand}, watchRollback(deps, &died)
	if r.All {
		undone, err = apply.RollBackAll(ctx, deps.Host, o)
		return undone, died, err
	}
	one, err := apply.RollBack(ctx, deps.Host, r.To, o)
	return []apply.Record{one}, died, err
}

// watchRollback is apply.Options.Watch for a rollback. A Postfix that dies of what
// was there before is told in died, and is no reason not to go back.
func watchRollback(deps Deps, died *error) func(context.Context) (func(context.Context) error, error) {
	return func(ctx context.Context) (func(context.Context) error, error) {
		state, err := postfix.Read(ctx, &deps.Host.Reader, deps.ConfigDir)
		if err != nil || !state.Running {
			return func(context.Context) error { return nil }, nil //nolint:nilerr // nothing to watch, and no reason to stay
		}
		live := liveLog{deps: deps, state: state}
		see, err := live.watch(ctx, nil, settleLonger) // no proof follows
		return func(ctx context.Context) error {
			*died = see(ctx)
			return ctx.Err()
		}, err
	}
}

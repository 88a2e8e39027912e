package apply

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"relayhost/internal/host"
)

// Recover finishes the undoing of a run that died. It reports whether there
// was one. Every command that writes calls it before it reads anything.
func Recover(ctx context.Context, h *host.Host, o Options) (bool, error) {
	if _, err := h.Stat(o.stateDir()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	t, err := begin(ctx, h, o)
	if err != nil {
		return false, err
	}
	defer t.end()
	undone, err := t.recover(ctx)
	if err == nil {
		tidyBridge(ctx, t.h, t.store.dir)
	}
	return undone, err
}

// recover undoes what is in progress and clears finished rollbacks away.
func (t *transaction) recover(ctx context.Context) (bool, error) {
	if err := t.store.clearDone(); err != nil {
		return false, err
	}
	_, err := t.h.Lstat(filepath.Join(t.store.dir, inProgress))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.o.say("an earlier run did not finish: restoring everything")
	// Once begun it is better ended, whatever signal comes.
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	return true, t.undo(fresh, byNext)
}

// Pending returns the change of a run that did not finish, nil when there is
// none. It changes nothing and takes no lock: a run that is at work now shows
// as well.
func Pending(r *host.Reader, o Options) (*Record, error) {
	j, err := readJournal(r, filepath.Join(o.stateDir(), inProgress))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &j.Record, nil
}

package apply

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"relayhost/internal/host"
)

// RollBack undoes the change with the id and all later ones, or the last one
// for "". It needs nothing but the journal. When a file is no longer what
// relayhost wrote, foreign edits are kept where they can be told apart;
// otherwise the error is an *Edited and nothing has been written (o.Force
// overwrites). It returns the change with the id.
func RollBack(ctx context.Context, h *host.Host, id string, o Options) (Record, error) {
	undone, err := rollBack(ctx, h, o, func(past []journal) int {
		if id == "" {
			return 1
		}
		return 1 + slices.IndexFunc(past, func(j journal) bool { return j.Record.ID == id })
	})
	if len(undone) == 0 {
		return Record{}, err
	}
	return undone[len(undone)-1], err
}

// RollBackAll undoes every change, as if relayhost had never been here. The
// state directory goes too. It returns the changes, newest first.
func RollBackAll(ctx context.Context, h *host.Host, o Options) ([]Record, error) {
	return rollBack(ctx, h, o, func(past []journal) int { return len(past) })
}

// rollBack undoes the newest changes, as many as count says.
func rollBack(ctx context.Context, h *host.Host, o Options, count func([]journal) int) ([]Record, error) {
	if _, err := h.Stat(o.stateDir()); err != nil {
		return nil, ErrNothing
	}
	t, err := begin(ctx, h, o)
	if err != nil {
		return nil, host.Denied(err)
	}
	defer func() { t.end() }()
	if _, err := t.recover(ctx); err != nil {
		return nil, err
	}
	defer tidyBridge(ctx, t.h, t.store.dir) // before end
	past, err := t.store.history()
	if err != nil {
		return nil, err
	}
	n := count(past)
	if n == 0 || len(past) == 0 {
		return nil, ErrNothing
	}
	chosen := past[:n]
	whole := journal{Steps: compose(chosen)}
	if err := t.uses(directories(whole.Steps)...); err != nil {
		return nil, err
	}
	steps, err := backwards(t.h, t.o, whole, false)
	if err != nil {
		return nil, err
	}
	if err := forBridges(ctx, t.h, t.o, steps); err != nil {
		return nil, err
	}
	if err := preflight(t.h, t.o, steps); err != nil {
		return nil, err
	}
	if err := mayTell(ctx, t.h, queueDir(ctx, t.h, t.o)); err != nil {
		return nil, err
	}
	addBetweenBack(ctx, t.h, t.o, steps)
	_, err = t.perform(ctx, undoing(chosen, steps))
	var proof *ProofFailed
	if err != nil && !(errors.As(err, &proof) && proof.Kept) {
		return nil, err
	}
	var undone []Record
	for _, c := range chosen {
		c.Record.State = RolledBack
		undone = append(undone, c.Record)
	}
	// Committed by now; what is left of the changes is cleared by the next
	// run if this fails.
	if t.store.clearDone() == nil && len(chosen) == len(past) {
		tidyBridge(ctx, t.h, t.store.dir)
		t.store.forgetAll()
	}
	return undone, err
}

// undoing is the journal of a rollback of the chosen changes, newest first.
func undoing(chosen []journal, steps []step) journal {
	last := chosen[0].Record
	j := journal{Kind: kindRollback, Steps: steps, Record: Record{Relay: last.Relay, Host: last.Host, Port: last.Port}}
	for _, c := range chosen {
		j.Undoes = append(j.Undoes, c.Record.ID)
		j.Released = append(j.Released, c.Held...)
	}
	return j
}

// addBetweenBack is addBetween for a rollback, which goes on without: where no map can be
// built there is no Postfix that would look it up.
func addBetweenBack(ctx context.Context, h *host.Host, o Options, steps []step) {
	s := &stage{h: h, o: o}
	defer s.close()
	if s.addBetween(ctx, steps) == nil {
		return
	}
	for i := range steps {
		if !o.isConfig(steps[i]) {
			steps[i].Between = nil
		}
	}
}

// forgetAll empties the state directory once no change is left: notes and
// verifications of what is not there any more. end removes the directory.
func (st store) forgetAll() {
	names, err := st.h.ReadDir(st.dir)
	if err != nil {
		return
	}
	for _, name := range names {
		if name != lockName && name != madeUser {
			_ = st.h.RemoveAll(filepath.Join(st.dir, name))
		}
	}
}

package apply

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"relayhost/internal/host"
)

// RollBack undoes the change with the id and all later ones, or the last one
// for "". It needs nothing but the journal. When a file is no longer what
// relayhost wrote, foreign edits are kept where they can be told apart;
// otherwise the error is an *Edited and nothing has been written (o.Force
// overwrites).
func RollBack(ctx context.Context, h *host.Host, id string, o Options) (Record, error) {
	return rollBack(ctx, h, o, func(past []journal) ([]journal, error) {
		if len(past) == 0 {
			return nil, ErrNothing
		}
		if id == "" {
			return past[:1], nil
		}
		i := slices.IndexFunc(past, func(j journal) bool { return j.Record.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("%q: %w", id, ErrNothing)
		}
		return past[:i+1], nil
	})
}

// RollBackAll undoes every change, as if relayhost had never been here. The
// state folder goes too.
func RollBackAll(ctx context.Context, h *host.Host, o Options) (Record, error) {
	return rollBack(ctx, h, o, func(past []journal) ([]journal, error) {
		if len(past) == 0 {
			return nil, ErrNothing
		}
		return past, nil
	})
}

func rollBack(ctx context.Context, h *host.Host, o Options, choose func([]journal) ([]journal, error)) (Record, error) {
	if _, err := h.Stat(o.stateDir()); err != nil {
		return Record{}, ErrNothing
	}
	t, err := begin(ctx, h, o)
	if err != nil {
		return Record{}, err
	}
	defer func() { t.end() }()
	if _, err := t.recover(ctx); err != nil {
		return Record{}, err
	}
	past, err := t.history()
	if err != nil {
		return Record{}, err
	}
	chosen, err := choose(past)
	if err != nil {
		return Record{}, err
	}
	whole := journal{Steps: compose(chosen)}
	if err := t.uses(folders(whole.Steps)...); err != nil {
		return Record{}, err
	}
	steps, err := t.backwards(whole)
	if err != nil {
		return Record{}, err
	}
	if err := t.preflight(steps); err != nil {
		return Record{}, err
	}
	last := chosen[0].Record
	j := journal{Kind: kindRollback, Steps: steps, Record: Record{Relay: last.Relay, Host: last.Host, Port: last.Port}}
	for _, c := range chosen {
		j.Undoes = append(j.Undoes, c.Record.ID)
		for _, done := range slices.Backward(c.Commands) {
			if len(done.Undo) > 0 {
				j.Commands = append(j.Commands, command{Args: done.Undo, Undo: done.Args})
			}
		}
	}
	rec, err := t.perform(ctx, j)
	if err != nil {
		var proof *ProofFailed
		if !errors.As(err, &proof) || !proof.Kept {
			return rec, err
		}
	}
	rec.State = RolledBack
	// Committed by now; what is left of the changes is cleared by the next
	// run if this fails.
	if t.clearDone() == nil && len(chosen) == len(past) {
		_ = t.h.Remove(filepath.Join(t.dir, undoneName), "")
	}
	return rec, err
}

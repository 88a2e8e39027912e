package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"relayhost/internal/host"
	"relayhost/internal/secret"
)

// perform does the steps of j as one transaction: journal, files, commands,
// reload, proof, commit. On any failure everything is undone first.
func (t *transaction) perform(ctx context.Context, j journal) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, &Interrupted{context.Cause(ctx)}
	}
	if err := t.number(&j); err != nil {
		return Record{}, err
	}
	var err error
	if t.dog, err = startWatchdog(ctx, t, j.Record.ID); err != nil {
		return Record{}, err
	}
	t.o.say("writing the journal")
	if err := j.write(t.h, t.dir, inProgress); err != nil {
		return Record{}, t.abandon(err)
	}
	t.ownsMain = slices.ContainsFunc(j.Steps, t.isMain)
	err = t.change(ctx, &j)
	if err == nil {
		err = t.commit(&j)
	}
	if err == nil {
		t.prune()
		return j.Record, kept(j)
	}
	return t.failed(ctx, j, err)
}

// kept is the error of a change that was committed although its proof failed.
func kept(j journal) error {
	if j.failure == nil {
		return nil
	}
	return &ProofFailed{Kept: true, Err: j.failure}
}

// failed undoes j and says what became of the host.
func (t *transaction) failed(ctx context.Context, j journal, err error) (Record, error) {
	t.o.say("putting everything back")
	j.Record.State = RolledBack
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	if undoErr := t.undo(fresh, byRun); undoErr != nil {
		return j.Record, errors.Join(undoErr, err)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return j.Record, &Interrupted{context.Cause(ctx)}
	}
	return j.Record, err
}

// abandon removes a journal that may have got its name although writing it
// failed; nothing else has been changed yet.
func (t *transaction) abandon(err error) error {
	if _, statErr := t.h.Lstat(filepath.Join(t.dir, inProgress)); statErr != nil {
		return err
	}
	return errors.Join(err, t.discard(filepath.Join(t.dir, inProgress)))
}

// number gives the change its place and its name.
func (t *transaction) number(j *journal) error {
	past, err := t.history()
	if err != nil {
		return err
	}
	j.Version, j.ConfigDir, j.Seq = journalVersion, t.o.configDir(), 1
	if len(past) > 0 {
		j.Seq = past[0].Seq + 1
	}
	now := t.o.now().UTC()
	j.Record.Time = now.Truncate(1e9)
	j.Record.ID = fmt.Sprintf("%s-%d", now.Format("20060102-150405"), j.Seq)
	j.Record.State = Committed
	j.Record.Files, j.Record.Held = changes(j.Steps), len(j.Held)
	j.Record.Commands = []string{} // a list in JSON, though an empty one
	return nil
}

// changes is what a Record says of the steps.
func changes(steps []step) []Change {
	var list []Change
	for _, s := range steps {
		if s.Before.Dir || s.After.Dir || s.idle() {
			continue
		}
		c := Change{Path: s.Path, Action: "modify", Before: shown(s, s.Before), After: shown(s, s.After)}
		switch {
		case !s.Before.Exists:
			c.Action = "create"
		case !s.After.Exists:
			c.Action = "remove"
		}
		list = append(list, c)
	}
	return list
}

func shown(s step, at state) string {
	if s.Secret && at.Exists {
		return secret.Mask
	}
	return at.Sum
}

// change writes the files, runs the commands, reloads, proves and tidies up.
func (t *transaction) change(ctx context.Context, j *journal) error {
	if err := t.postsuper(ctx, "-h", j.Held); err != nil {
		return err
	}
	if err := t.prepare(ctx, j.Steps, t.reload, false); err != nil {
		return err
	}
	see, err := t.watchLog(ctx)
	if err != nil {
		return err
	}
	if err := t.labelProofLog(); err != nil {
		return err
	}
	if err := t.switchOver(ctx, overridden(j.Steps)); err != nil {
		return err
	}
	if err := t.reload(ctx); err != nil {
		return err
	}
	switch err := see(ctx); {
	case errors.Is(err, ErrProofLog):
		if err := t.endOverride(ctx, j); err != nil {
			return err
		}
	case err != nil:
		return &ProofFailed{Err: err}
	}
	if err := t.prove(ctx, j); err != nil {
		return err
	}
	if err := t.endOverride(ctx, j); err != nil {
		return err
	}
	if err := t.tidy(ctx, j.Steps, t.reload); err != nil {
		return err
	}
	return t.postsuper(ctx, "-H", j.Released)
}

func (t *transaction) prove(ctx context.Context, j *journal) error {
	if t.o.Prove == nil {
		return ctx.Err()
	}
	t.o.say("proving delivery")
	err := t.o.Prove(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return nil
	case t.o.KeepOnFailure:
		j.failure = err
		j.Record.Notes = append(j.Record.Notes, "kept although the proof failed")
		return j.save(t.h, filepath.Join(t.dir, inProgress))
	}
	return &ProofFailed{Err: err}
}

func (t *transaction) watchLog(ctx context.Context) (func(context.Context) error, error) {
	if t.o.Watch == nil {
		return func(context.Context) error { return nil }, nil
	}
	return t.o.Watch(ctx)
}

// isConfig reports whether Postfix reads the file as its configuration.
func (t *transaction) isConfig(s step) bool {
	name := filepath.Base(s.Path)
	return filepath.Dir(s.Path) == filepath.Clean(t.o.configDir()) && (name == "main.cf" || name == "master.cf")
}

// do makes one file what its step says.
func (t *transaction) do(s step) error {
	switch {
	case s.After.Dir && s.Before.Exists, !s.After.Exists && !s.Before.Exists:
		return nil
	case s.After.Dir:
		t.o.say("making " + s.Path)
		return t.h.Mkdir(s.Target, s.After.Mode)
	case s.Before.Dir:
		return t.removeDirectory(s.Target)
	case !s.After.Exists:
		t.o.say("removing " + s.Path)
		return t.h.Remove(s.Target, s.Before.Sum)
	}
	t.o.say("writing " + s.Path)
	if s.After.Mtime.IsZero() && s.Source == "" && s.After.same(s.Before) {
		// Mode or owner alone: what is compiled from the file is as new as before.
		s.After.Mtime = s.Before.Mtime
	}
	return t.h.WriteFile(s.Target, s.After.data, host.Spec{Mode: s.After.Mode, UID: s.After.UID, GID: s.After.GID,
		Xattrs: s.After.Xattrs, Mtime: t.mtime(s.After), Expect: s.Before.expect()})
}

// commit makes the change final by one rename.
func (t *transaction) commit(j *journal) error {
	from, to := filepath.Join(t.dir, inProgress), filepath.Join(t.dir, donePrefix+j.Record.ID)
	if j.Kind == kindChange {
		to = filepath.Join(t.dir, historyDir, j.Record.ID)
		if err := t.h.Mkdir(filepath.Dir(to), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	err := t.h.Rename(from, to)
	if err == nil {
		return nil
	}
	// A rename whose sync failed has been done, but may not last: it is
	// turned round, and the change undone.
	if _, gone := t.h.Lstat(from); errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, t.h.Rename(to, from))
	}
	return err
}

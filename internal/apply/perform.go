package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"relayhost/internal/host"
	"relayhost/internal/maillog"
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
	if err := j.write(t.h, t.o.stateDir(), inProgress); err != nil {
		return Record{}, t.store.abandon(err)
	}
	err = t.change(ctx, &j)
	if err == nil {
		err = t.store.commit(&j)
	}
	if err == nil {
		t.store.prune()
		return j.Record, kept(j)
	}
	return t.failed(ctx, j, err)
}

// change does j in each instance of Postfix that it is of.
func (t *transaction) change(ctx context.Context, j *journal) error {
	if len(j.Others) == 0 {
		return newExecutor(t.h, t.o, *j).change(ctx, j)
	}
	for _, p := range j.parts() {
		if err := newExecutor(t.h, t.o.of(p), p).change(ctx, &p); err != nil {
			return fmt.Errorf("%s: %w", p.ConfigDir, err)
		}
	}
	return nil
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
	t.o.say("restoring everything")
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
func (st store) abandon(err error) error {
	if _, statErr := st.h.Lstat(filepath.Join(st.dir, inProgress)); statErr != nil {
		return err
	}
	return errors.Join(err, discard(st.h, filepath.Join(st.dir, inProgress)))
}

// number gives the change its place and its name.
func (t *transaction) number(j *journal) error {
	past, err := t.store.history()
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
	j.Record.State, j.Record.ConfigDir = Committed, filepath.Clean(j.ConfigDir)
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
func (x executor) change(ctx context.Context, j *journal) error {
	if err := x.postsuper(ctx, "-h", j.Held); err != nil {
		return err
	}
	if err := x.prepare(ctx, j.Steps, x.reload, false); err != nil {
		return err
	}
	see, err := x.o.watchLog(ctx)
	if err != nil {
		return err
	}
	if err := x.labelProofLog(); err != nil {
		return err
	}
	if err := x.switchOver(ctx, overridden(j.Steps)); err != nil {
		return err
	}
	if err := x.reload(ctx); err != nil {
		return err
	}
	switch err := see(ctx); {
	case errors.Is(err, ErrProofLog):
		if err := x.endOverride(ctx, j); err != nil {
			return err
		}
	case err != nil:
		return &ProofFailed{Err: err}
	}
	if err := x.prove(ctx, j); err != nil {
		return err
	}
	if err := x.endOverride(ctx, j); err != nil {
		return err
	}
	if err := x.tidy(ctx, j.Steps, x.reload); err != nil {
		return err
	}
	return x.postsuper(ctx, "-H", j.Released)
}

func (x executor) prove(ctx context.Context, j *journal) error {
	if x.o.Prove == nil {
		return ctx.Err()
	}
	x.o.say("proving delivery")
	err := x.o.Prove(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return nil
	case x.o.KeepOnFailure && !errors.Is(err, maillog.ErrDied):
		j.failure = err
		j.Record.Notes = append(j.Record.Notes, "kept although the proof failed")
		return j.save(x.h, filepath.Join(x.o.stateDir(), inProgress))
	}
	return &ProofFailed{Err: err}
}

func (o Options) watchLog(ctx context.Context) (func(context.Context) error, error) {
	if o.Watch == nil {
		return func(context.Context) error { return nil }, nil
	}
	return o.Watch(ctx, o.configDir())
}

// isConfig reports whether Postfix reads the file as its configuration.
func (o Options) isConfig(s step) bool {
	name := filepath.Base(s.Path)
	return filepath.Dir(s.Path) == filepath.Clean(o.configDir()) && (name == "main.cf" || name == "master.cf")
}

// do makes one file what its step says.
func (x executor) do(s step) error {
	switch {
	case s.After.Dir && s.Before.Exists, !s.After.Exists && !s.Before.Exists:
		return nil
	case s.After.Dir:
		x.o.say("making " + s.Path)
		return x.h.Mkdir(s.Target, s.After.Mode)
	case s.Before.Dir:
		return removeDirectory(x.h, s.Target)
	case !s.After.Exists:
		x.o.say("removing " + s.Path)
		return x.h.Remove(s.Target, s.Before.Sum)
	}
	x.o.say("writing " + s.Path)
	if s.After.Mtime.IsZero() && s.Source == "" && s.After.same(s.Before) {
		// Mode or owner alone: what is compiled from the file is as new as before.
		s.After.Mtime = s.Before.Mtime
	}
	return x.h.WriteFile(s.Target, s.After.data, host.Spec{Mode: s.After.Mode, UID: s.After.UID, GID: s.After.GID,
		Xattrs: s.After.Xattrs, Mtime: mtime(s.After), Expect: s.Before.expect()})
}

// commit makes the change final by one rename.
func (st store) commit(j *journal) error {
	from, to := filepath.Join(st.dir, inProgress), filepath.Join(st.dir, donePrefix+j.Record.ID)
	if j.Kind == kindChange {
		to = filepath.Join(st.dir, historyDir, j.Record.ID)
		if err := st.h.Mkdir(filepath.Dir(to), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	err := st.h.Rename(from, to)
	if err == nil {
		return nil
	}
	// A rename whose sync failed has been done, but may not last: it is
	// turned round, and the change undone.
	if _, gone := st.h.Lstat(from); errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, st.h.Rename(to, from))
	}
	return err
}

package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
)

// Restored is what a rollback has done.
type Restored struct {
	Changes []Record // that it has undone, newest first
	Files   []Change // what it did to each file; it removes those that the changes had created
	Gone    []string // configuration directories that are no longer there: nothing was restored in them
}

// RollBack undoes the change with the id and all later ones, or the last one
// for "". It needs nothing but the journal. When a file is no longer what
// relayhost wrote, foreign edits are kept where they can be told apart;
// otherwise the error is an *Edited and nothing has been written (o.Force
// overwrites). Postfix is the one that each change is of: o.ConfigDir does not
// choose among them.
func RollBack(ctx context.Context, h *host.Host, id string, o Options) (Restored, error) {
	return rollBack(ctx, h, o, func(past []journal) int {
		if id == "" {
			return 1
		}
		return 1 + slices.IndexFunc(past, func(j journal) bool { return j.Record.ID == id })
	})
}

// RollBackAll undoes every change, as if relayhost had never been here. The
// state directory goes too.
func RollBackAll(ctx context.Context, h *host.Host, o Options) (Restored, error) {
	return rollBack(ctx, h, o, func(past []journal) int { return len(past) })
}

// rollBack undoes the newest changes, as many as count says.
func rollBack(ctx context.Context, h *host.Host, o Options, count func([]journal) int) (done Restored, err error) {
	if _, err := h.Stat(o.stateDir()); err != nil {
		return done, ErrNothing
	}
	t, err := begin(ctx, h, o)
	if err != nil {
		return done, host.Denied(err)
	}
	defer func() { t.end() }()
	if _, err := t.recover(ctx); err != nil {
		return done, err
	}
	defer tidyBridge(ctx, t.h, t.store.dir) // before end
	past, err := t.store.history()
	if err != nil {
		return done, err
	}
	n := count(past)
	if n == 0 || len(past) == 0 {
		return done, ErrNothing
	}
	whole := compose(past[:n])
	if err := t.uses(directories(whole)...); err != nil {
		return done, err
	}
	if err := t.rollBackParts(ctx, byInstance(past[:n], whole, o), &done); err != nil {
		return done, err
	}
	if n == len(past) && t.cleared {
		tidyBridge(ctx, t.h, t.store.dir)
		t.store.forgetAll()
	}
	return done, nil
}

// part is what one instance of Postfix has of a rollback.
type part struct {
	configDir string
	changes   []journal // newest first
	steps     []step
}

// byInstance shares the steps of changes, newest first, among the instances of
// Postfix that they are of: each is told by itself. What no directory of
// an instance holds belongs to the one whose changes have it, such as the configuration of
// its bridge; what several have is undone with the oldest change.
func byInstance(changes []journal, steps []step, o Options) []part {
	var parts []part
	at := func(dir string) int { return slices.IndexFunc(parts, func(p part) bool { return p.configDir == dir }) }
	for _, j := range changes {
		dir := o.of(j).configDir()
		i := at(dir)
		if i < 0 {
			i, parts = len(parts), append(parts, part{configDir: dir})
		}
		parts[i].changes = append(parts[i].changes, j)
	}
	last := at(o.of(changes[len(changes)-1]).configDir())
	parts = append(slices.Delete(slices.Clone(parts), last, last+1), parts[last])
	var dirs []string
	for _, p := range parts {
		dirs = append(dirs, p.configDir)
	}
	for _, s := range steps {
		i := len(parts) - 1 // the last has the rest
		if dir := instanceOf(s.Path, dirs); dir != "" {
			i = at(dir)
		} else {
			for k := range parts[:i] {
				others := slices.Concat(parts[:k], parts[k+1:])
				if !slices.ContainsFunc(others, func(p part) bool { return p.has(s.Path) }) {
					i = k
					break
				}
			}
		}
		parts[i].steps = append(parts[i].steps, s)
	}
	return parts
}

// has reports whether a change of p is one of the file.
func (p part) has(path string) bool {
	return slices.ContainsFunc(p.changes, func(j journal) bool {
		return slices.ContainsFunc(j.Steps, func(s step) bool { return s.Path == path })
	})
}

// instanceOf is the one of the configuration directories that path is in, "" for none. One
// may be below another.
func instanceOf(path string, dirs []string) (in string) {
	for _, dir := range dirs {
		if strings.HasPrefix(path, dir+"/") && len(dir) > len(in) {
			in = dir
		}
	}
	return in
}

// leaveGone takes out of p what lay in a configuration directory that is gone: somebody has
// removed that instance, and half of its files would not bring it back. That takes o.Force.
func (t *transaction) leaveGone(p *part, done *Restored) error {
	if _, err := t.h.Stat(p.configDir); !errors.Is(err, fs.ErrNotExist) {
		return nil // or perform says why not
	}
	if !t.o.Force {
		return &Edited{Files: []Difference{{Path: p.configDir, Diff: p.configDir + " is gone: with --force only the rest is restored\n"}}}
	}
	done.Gone = append(done.Gone, p.configDir)
	p.steps = slices.DeleteFunc(p.steps, func(s step) bool { return strings.HasPrefix(s.Path, p.configDir+"/") })
	return nil
}

// of is o for the instance of Postfix that j is of, which may be another than that of
// this run: it is reloaded by itself.
func (o Options) of(j journal) Options {
	dir := filepath.Clean(cmp.Or(j.ConfigDir, o.configDir()))
	if dir != filepath.Clean(o.configDir()) {
		o.Reload, o.ReloadBack = nil, nil
	}
	o.ConfigDir = dir
	return o
}

// rollBackParts undoes the changes of all instances as one transaction, and adds them to
// done: where something stands in the way in one instance, or fails there, all of them are as
// before.
func (t *transaction) rollBackParts(ctx context.Context, parts []part, done *Restored) (err error) {
	for i := range parts { // all is decided before the first write
		p := &parts[i]
		if err := t.leaveGone(p, done); err != nil {
			return err
		}
		if p.steps, err = backwards(t.h, t.o.of(p.changes[0]), journal{Steps: p.steps}, false); err != nil {
			return err
		}
	}
	for _, p := range parts {
		o := t.o.of(p.changes[0])
		if err := forBridges(ctx, t.h, o, p.steps); err != nil {
			return err
		}
		if err := preflight(t.h, o, p.steps); err != nil {
			return err
		}
		if err := mayTell(ctx, t.h, queueDir(ctx, t.h, o)); err != nil {
			return err
		}
		addBetweenBack(ctx, t.h, o, p.steps)
	}
	if len(parts) > 1 {
		t.o.Deadline = cmp.Or(t.o.Deadline, defaultDeadline) * time.Duration(len(parts))
	}
	t.o = t.o.of(parts[len(parts)-1].changes[0])
	j := undoing(parts)
	if _, err := t.perform(ctx, j); err != nil {
		var incomplete *Incomplete
		var interrupted *Interrupted
		if len(parts) > 1 && !errors.As(err, &incomplete) && !errors.As(err, &interrupted) {
			err = fmt.Errorf("none of the %d instances is rolled back: %w", len(parts), err)
		}
		return err
	}
	for _, p := range parts {
		for _, c := range p.changes {
			c.Record.State = RolledBack
			done.Changes = append(done.Changes, c.Record)
		}
	}
	done.Files = changes(j.Steps)
	t.dog.stop()
	// Committed by now; what is left of the changes is cleared by the next
	// run if this fails.
	t.cleared = t.store.clearDone() == nil
	return nil
}

// undoing is the journal of a rollback: what it does in the last of its instances is its own.
func undoing(parts []part) journal {
	last := parts[0].changes[0].Record
	j := journal{Kind: kindRollback, Record: Record{Relay: last.Relay, Host: last.Host, Port: last.Port}}
	for i, p := range parts {
		var released []string
		for _, c := range p.changes {
			j.Undoes = append(j.Undoes, c.Record.ID)
			released = append(released, c.Held...)
		}
		j.Steps = append(j.Steps, p.steps...)
		if i == len(parts)-1 {
			j.Released = released
		} else {
			j.Others = append(j.Others, otherPart{ConfigDir: p.configDir, Steps: len(p.steps), Released: released})
		}
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

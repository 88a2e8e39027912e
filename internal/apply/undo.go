package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// Who undoes a run.
const (
	byRun   = "the run itself"
	byNext  = "the next run"
	byWatch = "the watchdog"
)

// undo restores what the journal in progress says, whoever wrote it, and
// removes the journal. by is who does it, for the note that it leaves. Files
// that somebody else has changed meanwhile keep that change; where the two
// cannot be told apart nothing is written and the error is a *Incomplete.
func (t *transaction) undo(ctx context.Context, by string) error {
	dir := filepath.Join(t.o.stateDir(), inProgress)
	j, err := readJournal(&t.h.Reader, dir)
	if err != nil {
		return &Incomplete{Files: []string{dir}, Err: err}
	}
	parts := j.parts()
	backs := make([][]step, len(parts))
	for i, p := range parts { // all is decided before the first write
		if backs[i], err = backwards(t.h, t.o.of(p), p, true); err != nil {
			return needsPerson(p, err)
		}
	}
	if err := t.uses(directories(j.Steps)...); err != nil {
		return needsPerson(j, err)
	}
	var left []error
	for i, p := range parts { // what cannot be restored in one instance is no reason to leave another
		left = append(left, t.undoPart(ctx, p, backs[i]))
	}
	if err := errors.Join(left...); err != nil {
		return err
	}
	if err := noteUndone(t.h, t.o, j, by); err != nil {
		return err
	}
	return discard(t.h, dir)
}

// undoPart restores one instance of Postfix by the steps of back.
func (t *transaction) undoPart(ctx context.Context, p journal, back []step) error {
	o := t.o.of(p)
	x := newExecutor(t.h, o, p)
	x.undoing = true
	tell, err := x.walkBack(ctx, back)
	if err != nil {
		return needsPerson(p, err)
	}
	if tell {
		if err := x.reload(ctx); err != nil {
			again := postfix.ByHand(ctx, &t.h.Reader, o.configDir(), "reload")
			return &Incomplete{Err: fmt.Errorf("the files are as before, but Postfix was not reloaded: run %q: %w", again, err)}
		}
	}
	if err := x.unhold(ctx, p); err != nil {
		return &Incomplete{Err: err}
	}
	return nil
}

// walkBack does the steps of an undoing and reports whether Postfix has to be
// told at the end. A Postfix that cannot be asked or told on the way is no reason
// to leave files as they are: it is told again, and that counts. Nor is a limit
// that it has used up. What it has read last is not known of a run that died, so it
// is told at every turn.
func (x executor) walkBack(ctx context.Context, back []step) (tell bool, err error) {
	if len(back) == 0 {
		return true, nil
	}
	failed := false
	reload := func(context.Context) error {
		// A Postfix command that hangs must leave time for the last one.
		ctx, cancel := context.WithTimeout(ctx, undoTime/4)
		defer cancel()
		failed = failed || x.reload(ctx) != nil
		return nil
	}
	files := context.WithoutCancel(ctx)
	if err := x.prepare(files, back, reload, true); err != nil {
		return true, err
	}
	if err := x.switchOver(files, back); err != nil {
		return true, err
	}
	_ = reload(ctx)
	return failed, x.tidy(files, back, reload)
}

// needsPerson names the files of j that are not back.
func needsPerson(j journal, err error) error {
	var edited *Edited
	if errors.As(err, &edited) {
		return &Incomplete{Files: edited.paths(), Err: err}
	}
	var files []string
	for _, c := range changes(j.Steps) {
		files = append(files, c.Path)
	}
	return &Incomplete{Files: files, Err: err}
}

// backwards turns the journal's steps round, from what is on disk now to what
// was before. All decisions are made before the first write. Of an unfinished
// run it is not known which steps it has done.
func backwards(h *host.Host, o Options, j journal, unfinished bool) ([]step, error) {
	var back []step
	edited := &Edited{}
	for _, s := range slices.Backward(j.Steps) {
		now, err := look(&h.Reader, s.Target)
		if err != nil {
			return nil, err
		}
		s.After = s.written(now)
		if unfinished && untouched(s, now) {
			continue
		}
		want, err := o.decide(s, now)
		var conflict *Edited
		switch {
		case errors.As(err, &conflict):
			edited.Files = append(edited.Files, conflict.Files...)
			continue
		case err != nil:
			return nil, err
		}
		if !want.alike(now) {
			turned := step{Path: s.Path, Target: s.Target, Link: s.Link, Secret: s.Secret, Source: s.Source, Map: s.Map,
				Before: now, After: want}
			if unfinished && want.same(s.Before) {
				turned.Between = o.between(s, now, j.Steps)
			}
			back = append(back, turned)
		}
	}
	if len(edited.Files) > 0 {
		return nil, edited
	}
	return back, nil
}

// between is what s, which is now like that, becomes during the rollback before
// main.cf does: what it was on the way in. nil where that does not matter.
func (o Options) between(s step, now state, steps []step) *state {
	switch {
	case !o.hasBetween(s, steps):
		return nil
	case s.Between == nil && now.same(s.After):
		return &now
	case s.Between != nil && (now.same(s.After) || now.same(*s.Between)):
		return s.Between
	}
	return nil
}

// untouched reports whether a file that somebody has edited holds nothing of
// what the step would have written: it was not done, and needs no undoing.
func untouched(s step, now state) bool {
	if now.same(s.Before) || now.same(s.After) || !now.Exists || quieted(s, now) || s.Before.data == nil || s.After.data == nil {
		return false
	}
	return holdsNone(s.Before.data, s.After.data, now.data)
}

// decide says what the file of s is to become, given what it is now.
func (o Options) decide(s step, now state) (state, error) {
	switch {
	case s.Edit != nil && now.Exists && !o.Force:
		return state{}, &Edited{Files: []Difference{*s.Edit}}
	case now.same(s.After):
	case now.same(s.Before):
		return now, nil
	case s.Between != nil && now.same(*s.Between):
	case quieted(s, now):
	case s.After.Dir || s.Before.Dir:
	case !now.Exists: // removed by somebody: putting it back overwrites nothing
	case s.Source != "": // made from its source, which is decided by itself
	case o.Force:
	case s.Path == config.Path:
		// Ours to begin with, and theirs to edit: a part of it would be no file
		// that can be read, and the routes in it are no trace of ours.
		return now, nil
	default:
		return keepForeign(s, now)
	}
	want := s.Before
	if want.Exists && !want.Dir && want.data == nil {
		if !now.same(want) {
			return state{}, fmt.Errorf("%s: %w", s.Path, ErrForgotten)
		}
		want.data = now.data
	}
	return want, nil
}

// keepForeign takes only our part out of a text that somebody else has edited.
func keepForeign(s step, now state) (state, error) {
	conflict := &Edited{Files: []Difference{difference(s, now)}}
	if s.Secret || s.After.data == nil || s.Before.Exists && s.Before.data == nil {
		return state{}, conflict
	}
	merged, ok := merge(s.After.data, s.Before.data, now.data)
	if !ok && s.Between != nil && s.Between.data != nil {
		merged, ok = merge(s.Between.data, s.Before.data, now.data)
	}
	if !ok {
		return state{}, conflict
	}
	return withText(now, merged, s.Before.Exists), nil
}

// removeDirectory removes a directory that we made, unless others use it by now.
func removeDirectory(h *host.Host, path string) error {
	names, err := h.ReadDir(path)
	if err != nil || len(names) > 0 {
		return err
	}
	return h.Remove(path, "")
}

// directories lists the directories that temporary files of steps may lie in.
func directories(steps []step) []string {
	var dirs []string
	for _, s := range steps {
		// A directory that is to be made is tried through the one above it.
		for dir := filepath.Dir(s.Target); !slices.Contains(dirs, dir); dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Undone is the note that an undoing leaves for status.
type Undone struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	By   string    `json:"by"`
}

// noteUndone writes down that j was undone by somebody other than its own run.
func noteUndone(h *host.Host, o Options, j journal, by string) error {
	if by == byRun {
		return nil
	}
	text, err := json.Marshal(Undone{ID: j.Record.ID, Time: o.now().UTC().Truncate(time.Second), By: by})
	if err != nil {
		return err
	}
	return h.WriteFile(filepath.Join(o.stateDir(), undoneName), append(text, '\n'),
		host.Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
}

// LastUndone reads the note of the last undoing that no run did itself; nil if
// there was none since the last change.
func LastUndone(r *host.Reader, o Options) (*Undone, error) {
	text, err := r.ReadFile(filepath.Join(o.stateDir(), undoneName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var u Undone
	return &u, json.Unmarshal(text, &u)
}

package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/apply"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
)

// RollBackOptions say what is undone.
type RollBackOptions struct {
	To    string // ID of a change, with all that came after it; "" is the last
	All   bool   // as if relayhost had never been here
	Force bool   // overwrite what others have changed since
	// Consent is asked with the changes that are going to be undone, the last first.
	Consent func([]apply.Record) error
}

// RollBack restores what was there before a change and reloads Postfix, each instance
// that is concerned; it finishes the undoing of a run that died first. It returns what
// was undone: nothing where there is no such change. died is set where Postfix does not
// work with what was there before.
func RollBack(ctx context.Context, deps Deps, r RollBackOptions) (done apply.Restored, died, err error) {
	if _, err := Recover(ctx, deps, r.Force); err != nil {
		return done, nil, err
	}
	o := apply.Options{ConfigDir: deps.ConfigDir, StateDir: deps.StateDir, Force: r.Force}
	changes, err := apply.History(&deps.Host.Reader, o)
	if err != nil {
		return done, nil, err
	}
	if changes = r.chosen(changes); len(changes) == 0 {
		return done, nil, nil
	}
	if of := changes[0].ConfigDir; r.To == "" && !r.All && deps.ConfigDir != "" && of != filepath.Clean(deps.ConfigDir) {
		return done, nil, Hint(fmt.Errorf("the last change, %s, is one of the Postfix in %s, not of that in %s", changes[0].ID, of, deps.ConfigDir),
			"run relayhost rollback without --config-dir, or see relayhost rollback --list and choose with --to")
	}
	if err := r.Consent(changes); err != nil {
		return done, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return done, nil, err
	}
	o.Watchdog, o.Watch = []string{self, WatchdogCommand}, watchRollback(deps, &died)
	if r.All {
		done, err = apply.RollBackAll(ctx, deps.Host, o)
	} else {
		done, err = apply.RollBack(ctx, deps.Host, r.To, o)
	}
	return done, died, err
}

// chosen are the changes that r undoes, of all, newest first.
func (r RollBackOptions) chosen(all []apply.Record) []apply.Record {
	for i, c := range all {
		if !r.All && (r.To == "" || r.To == c.ID) {
			return all[:i+1]
		}
	}
	if !r.All {
		return nil
	}
	return all
}

// watchRollback is apply.Options.Watch for a rollback. A Postfix that dies of what
// was there before is told in died, and is no reason not to go back.
func watchRollback(deps Deps, died *error) func(context.Context, string) (func(context.Context) error, error) {
	return func(ctx context.Context, configDir string) (func(context.Context) error, error) {
		deps.ConfigDir = configDir
		state, err := postfix.Read(ctx, &deps.Host.Reader, configDir)
		if err != nil || !state.Running {
			return func(context.Context) error { return nil }, nil //nolint:nilerr // nothing to watch, and no reason to stay
		}
		live := liveLog{deps: deps, state: state}
		see, err := live.watch(ctx, nil, settleLonger) // no proof follows
		return func(ctx context.Context) error {
			if err := see(ctx); err != nil {
				*died = err
			}
			return ctx.Err()
		}, err
	}
}

// RolledBack says what a rollback has done: the changes that it has undone, for each
// instance of Postfix, what became of each file, and which packages stay.
func RolledBack(done apply.Restored) string {
	var b strings.Builder
	var packages []string
	dirs := Instances(done.Changes)
	for _, dir := range dirs {
		count, oldest := 0, ""
		for _, c := range done.Changes {
			if c.ConfigDir == dir {
				count, oldest, packages = count+1, c.ID, append(packages, c.Packages...)
			}
		}
		if slices.Contains(done.Gone, dir) {
			fmt.Fprintf(&b, "nothing restored in %s, which is gone: its %s forgotten\n", dir, plural.Of(count, "change"))
			continue
		}
		fmt.Fprintf(&b, "restored%s: what was there before change %s", inDirectories([]string{dir}, len(dirs) > 1), oldest)
		if count > 1 {
			fmt.Fprintf(&b, ", and %s undone", plural.Of(count-1, "later change"))
		}
		b.WriteString("\n")
	}
	for _, f := range done.Files {
		what := "restored"
		if f.Action == "remove" {
			what = "removed "
		}
		fmt.Fprintf(&b, "  %s  %s\n", what, f.Path)
	}
	if len(packages) > 0 {
		fmt.Fprintf(&b, "stay installed: %s\n", strings.Join(packages, ", "))
	}
	return b.String()
}

// ToUndo names changes that are going to be undone, the last first, and the instances
// of Postfix that they are of.
func ToUndo(changes []apply.Record) string {
	oldest := changes[len(changes)-1].ID
	dirs := Instances(changes)
	text := "change " + oldest
	if n := len(changes) - 1; n > 0 {
		text += " and " + plural.Of(n, "later change")
	}
	return text + inDirectories(dirs, len(dirs) > 1)
}

// Instances are the configuration directories that changes are of, in their order.
func Instances(changes []apply.Record) (dirs []string) {
	for _, c := range changes {
		if !slices.Contains(dirs, c.ConfigDir) {
			dirs = append(dirs, c.ConfigDir)
		}
	}
	return dirs
}

// inDirectories names the directories of instances where more than the default one is
// concerned, or always.
func inDirectories(dirs []string, always bool) string {
	if !always && len(dirs) == 1 && dirs[0] == postfix.DefaultConfigDir {
		return ""
	}
	return " in " + strings.Join(dirs, " and ")
}

// Touched counts the files of a change by what it did to them: "6 files: 2 changed, 4
// created", and names the instance of Postfix where that is not the default one.
func Touched(c apply.Record) string {
	count := map[string]int{}
	for _, f := range c.Files {
		count[f.Action]++
	}
	var words []string
	for _, a := range [][2]string{{"modify", "changed"}, {"create", "created"}, {"remove", "removed"}} {
		if n := count[a[0]]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, a[1]))
		}
	}
	text := plural.Of(len(c.Files), "file") + ": " + strings.Join(words, ", ")
	if len(words) == 1 {
		text = plural.Of(len(c.Files), "file") + strings.TrimLeft(words[0], "0123456789")
	}
	return text + inDirectories([]string{c.ConfigDir}, false)
}

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/apply"
	"relayhost/internal/ask"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

type rollbackFlags struct {
	to                    string
	list, all, yes, force bool
}

func newRollbackCmd(a *app) *cobra.Command {
	var f rollbackFlags
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Restore what was there before the last change",
		Long: `rollback restores what was there before the last change, or before a named one,
byte for byte, and reloads Postfix. A file that was edited since is not
overwritten: rollback shows the difference, and --force discards the edit.
--all restores the state before relayhost; installed packages stay. A change is
of one instance of Postfix: --all undoes those of every instance, and
rollback names them.` + exitHelp(
			meaning{exitDone, "restored, or nothing to do"},
			meaning{exitIncomplete, "rollback incomplete; repair the named files by hand"}),
		Example: `  # Undo the last change
  sudo relayhost rollback
  # List the changes that can be undone
  sudo relayhost rollback --list
  # Restore the state before relayhost
  sudo relayhost rollback --all --yes`,
		Args: noArgs,
		RunE: a.inTime(func(ctx context.Context) error {
			if f.list {
				return a.listChanges()
			}
			return a.rollBack(ctx, f)
		}),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "`id` of the change to undo, with all that came after it")
	fs.BoolVar(&f.list, "list", false, "list the changes that can be undone")
	fs.BoolVar(&f.all, "all", false, "undo everything: restore the state before relayhost")
	fs.BoolVarP(&f.yes, "yes", "y", false, "ask nothing")
	fs.BoolVar(&f.force, "force", false, "overwrite what others have changed since")
	cmd.MarkFlagsMutuallyExclusive("to", "all", "list")
	return cmd
}

// rollbackDoc is the document that `rollback --json` prints.
type rollbackDoc struct {
	Version int            `json:"version"`
	Result  string         `json:"result"` // restored | nothing_to_do | listed | refused | failed
	Changes []apply.Record `json:"changes"`
	// Files is what was done to each: "remove" for one that a change had created.
	Files []apply.Change `json:"files,omitempty"`
	// Differences are what others have changed since, where that is why nothing
	// was rolled back.
	Differences []difference `json:"differences,omitempty"`
	Error       string       `json:"error,omitempty"`
}

func (a *app) listChanges() error {
	changes, err := apply.History(&a.host.Reader, apply.Options{ConfigDir: a.configDir})
	if errors.Is(err, fs.ErrPermission) {
		return hint(err, "run it with sudo: what was there before may hold secrets")
	}
	if err != nil {
		return err
	}
	if a.json {
		if changes == nil {
			changes = []apply.Record{}
		}
		return a.printJSON(rollbackDoc{Version: 1, Result: "listed", Changes: changes})
	}
	if len(changes) == 0 {
		fmt.Fprintln(a.io.Out, "no change to undo")
	}
	for _, c := range changes {
		fmt.Fprintf(a.io.Out, "%s  %s  %s port %d, %s\n", c.ID, c.Time.Local().Format(time.DateTime), c.Relay, c.Port, setup.Touched(c))
	}
	return nil
}

func (a *app) rollBack(ctx context.Context, f rollbackFlags) error {
	if os.Geteuid() != 0 {
		return hint(errors.New("rollback changes the mail configuration and must run as root"), "run it with sudo")
	}
	done, died, err := setup.RollBack(ctx, a.deps(), setup.RollBackOptions{To: f.to, All: f.all, Force: f.force, Consent: func(changes []apply.Record) error {
		if f.yes {
			return nil
		}
		return ask.RollBack(ctx, a.io, a.json, changes)
	}})
	switch {
	case errors.Is(err, ask.ErrDeclined) || exitCode(err) == exitUsage:
		return err
	case err != nil:
		doc, err := refused(err, f)
		if a.json {
			err = errors.Join(err, a.printJSON(doc))
		}
		return err
	case len(done.Changes) == 0 && f.to != "":
		return hint(fmt.Errorf("%s: %w", f.to, apply.ErrNothing), "relayhost rollback --list shows the changes")
	case len(done.Changes) == 0 && a.json:
		return a.printJSON(rollbackDoc{Version: 1, Result: "nothing_to_do", Changes: []apply.Record{}})
	case len(done.Changes) == 0:
		fmt.Fprintln(a.io.Out, "no change to undo")
		return nil
	}
	if died != nil {
		a.io.Tell("warning: ", "the previous configuration was restored, but Postfix does not work with it: %v", died)
	}
	if a.json {
		return a.printJSON(rollbackDoc{Version: 1, Result: "restored", Changes: done.Changes, Files: done.Files})
	}
	fmt.Fprint(a.io.Out, setup.RolledBack(done))
	return nil
}

// difference is what somebody else has made of a file of ours; no Diff where it
// would show a secret.
type difference struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
}

// refused is the document about why nothing was rolled back, and the error with its hint.
func refused(err error, f rollbackFlags) (doc rollbackDoc, hinted error) {
	doc = rollbackDoc{Version: 1, Result: "failed", Changes: []apply.Record{}, Differences: differences(err), Error: err.Error()}
	if len(doc.Differences) > 0 {
		doc.Result = "refused"
		again := "sudo relayhost rollback"
		switch {
		case f.all:
			again += " --all"
		case f.to != "":
			again += " --to " + f.to
		}
		err = hint(err, "undo your edit, or discard it: "+again+" --force")
	}
	return doc, err
}

func differences(err error) []difference {
	var edited *apply.Edited
	var all []difference
	if errors.As(err, &edited) {
		for _, f := range edited.Files {
			all = append(all, difference(f))
		}
	}
	return all
}

// showDifferences prints what stands in the way of an undoing.
func showDifferences(io *ui.Streams, err error) {
	for _, d := range differences(err) {
		for line := range strings.Lines(d.Diff) {
			io.Say("%s", smtpprobe.Sanitize(strings.TrimRight(line, "\r\n")))
		}
	}
}

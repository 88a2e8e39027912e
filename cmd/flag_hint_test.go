package cmd

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"relayhost/internal/apply"
	"relayhost/internal/postfix"
	"relayhost/internal/ui"
)

func TestFlagHint(t *testing.T) {
	setup, _, err := newRootCmd(&app{}).Find([]string{"setup"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ typed, want string }{
		{"unknown flag: --form", "did you mean --from"},
		{"unknown flag: --relai", "did you mean --relay"},
		{"unknown flag: --password", "a password is never passed on the command line: see relayhost help credentials"},
		{"unknown flag: --pasword", "a password is never passed on the command line: see relayhost help credentials"},
		{"unknown flag: --something", "see --help"},
		{"invalid argument", "see --help"},
		{"invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"", "give a duration with its unit, such as 30s or 2h"},
	} {
		t.Run(test.typed, func(t *testing.T) {
			if got := flagHint(setup, errors.New(test.typed)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Flags that exclude each other are named, in the words of a person.
func TestExcluded(t *testing.T) {
	root := newRootCmd(&app{io: &ui.Streams{Out: io.Discard, Err: io.Discard}})
	root.SetOut(io.Discard)
	root.SetArgs([]string{"rollback", "--list", "--all"})
	if err := root.Execute(); err == nil || err.Error() != "--all and --list exclude each other" || exitCode(err) != exitUsage {
		t.Errorf("got the error %v with exit code %d, want that --all and --list exclude each other, and %d", err, exitCode(err), exitUsage)
	}
}

// A rollback that stops at an edit is repeated as it was asked for.
func TestRefusedAgain(t *testing.T) {
	edited := &apply.Edited{Files: []apply.Difference{{Path: "/etc/postfix/main.cf"}}}
	for _, test := range []struct {
		f    rollbackFlags
		want string
	}{
		{rollbackFlags{}, "sudo relayhost rollback --force"},
		{rollbackFlags{all: true}, "sudo relayhost rollback --all --force"},
		{rollbackFlags{to: "x-1"}, "sudo relayhost rollback --to x-1 --force"},
	} {
		t.Run(test.want, func(t *testing.T) {
			_, err := refused(edited, test.f)
			got := strings.Join(hints(err), "; ")
			if !strings.HasSuffix(got, ": "+test.want) {
				t.Errorf("got the hint %q, want %q at its end", got, test.want)
			}
		})
	}
}

// A directory without a configuration of Postfix is told once, with what --config-dir is.
func TestNoConfiguration(t *testing.T) {
	_, err := os.ReadFile("/nowhere/main.cf")
	err = &postfix.ConfigError{Path: "/nowhere/main.cf", Err: err}
	if got, want := err.Error(), "/nowhere/main.cf: no such file or directory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := strings.Join(hints(err), "; "); !strings.HasPrefix(got, "--config-dir DIR is the directory of main.cf") {
		t.Errorf("got the hint %q, want what --config-dir is", got)
	}
}

//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabCompletion loads the completions into zsh and fish; bash does so in the
// script tests.
func TestLabCompletion(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoPostfix(), lab.Packages("zsh", "fish"))
	l.Server.Install()
	fish := func(line string) []string {
		t.Helper()
		res := l.Run("fish", "--no-config", "-c", "relayhost completion fish | source; complete -C '"+line+"'")
		if res.Code != 0 || res.Stderr != "" {
			t.Fatalf("fish: want exit code 0 and empty stderr, got %s", res)
		}
		var names []string
		for offer := range strings.Lines(res.Stdout) {
			name, _, _ := strings.Cut(strings.TrimSpace(offer), "\t")
			names = append(names, name)
		}
		return names
	}
	for line, want := range map[string]string{
		"relayhost setu":                "setup",
		"relayhost setup --cred":        "--credentials-file",
		"relayhost setup --relay mailg": "mailgun",
	} {
		t.Run(line, func(t *testing.T) {
			if got := fish(line); len(got) != 1 || got[0] != want {
				t.Errorf("fish completes %q: got %q, want %q", line, got, want)
			}
		})
	}
	res := l.Run("zsh", "-f", "-c", "autoload -U compinit && compinit -u -D && source <(relayhost completion zsh) && print $_comps[relayhost] && functions _relayhost")
	if res.Code != 0 || res.Stderr != "" || !strings.HasPrefix(res.Stdout, "_relayhost\n") || !strings.Contains(res.Stdout, "__complete") {
		t.Errorf("zsh: want exit code 0, empty stderr, %q at the start of stdout and %q in stdout, got %s", "_relayhost\n", "__complete", res)
	}
}

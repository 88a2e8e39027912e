package cmd

import (
	"errors"
	"testing"
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
	} {
		t.Run(test.typed, func(t *testing.T) {
			if got := flagHint(setup, errors.New(test.typed)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

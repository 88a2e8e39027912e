package cmd

import (
	"io"
	"regexp"
	"testing"

	"relayhost/internal/ui"
)

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D13: an example with an id in a form that no change has":          TestRollbackExample,
	"D17: no --version, and no hint for a mistyped flag or a password": TestFlagHint,
}

// Examples name changes in the form that an id has, 20261122-101500-1.
func TestRollbackExample(t *testing.T) {
	other := regexp.MustCompile(`[0-9]{8}T[0-9]{6}|[0-9]{8}-[0-9]{6}\b[^-]`)
	root := newRootCmd(&app{io: &ui.Streams{Out: io.Discard, Err: io.Discard}})
	for _, c := range root.Commands() {
		if id := other.FindString(c.Example + c.Long); id != "" {
			t.Errorf("%s: got the id %q, want one of the form 20261122-101500-1", c.Name(), id)
		}
	}
}

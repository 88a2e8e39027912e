// Package claimtest tests sentences about a server: each is said where it holds, and in no
// state in which it is false.
package claimtest

import (
	"strings"
	"testing"
)

// Check runs a subtest of the name text: said tells what is said in a state, which has
// text where it holds, and in none of the states in which it is false. S is whatever
// the caller describes a state by.
func Check[S any](t *testing.T, text string, said func(*testing.T, S) string, holds S, fails []S) {
	t.Helper()
	t.Run(text, func(t *testing.T) {
		if got := said(t, holds); !strings.Contains(got, text) {
			t.Errorf("where it holds: got\n%s\nwant %q", got, text)
		}
		for i, state := range fails {
			if got := said(t, state); strings.Contains(got, text) {
				t.Errorf("state %d, where it is false: got\n%s\nwant no %q", i, got, text)
			}
		}
	})
}

package claimtest

import (
	"slices"
	"testing"
)

func TestExempt(t *testing.T) {
	e := NewExempt("never said", "a relay", "the port")
	for text, want := range map[string]bool{"the port of a relay": true, "no such text": false} {
		t.Run(text, func(t *testing.T) {
			if got := e.Has(text); got != want {
				t.Errorf("got exempt %v, want %v", got, want)
			}
		})
	}
	e.Has("the port of a relay")
	if got, want := e.Unmet(), []string{"never said"}; !slices.Equal(got, want) {
		t.Errorf("got the parts %q unmet, want %q", got, want)
	}
}

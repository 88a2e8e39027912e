package claimtest

import (
	"slices"
	"strings"
	"testing"
)

// Exempt are parts of texts that need no row in a table of claims. It notes which of them
// it has met, since one that no text has any more would exempt a later text unseen.
type Exempt struct {
	parts []string
	met   map[string]bool
}

// NewExempt returns the exemption of every text that has one of the parts.
func NewExempt(parts ...string) *Exempt {
	return &Exempt{parts: parts, met: make(map[string]bool)}
}

// Has reports whether the text has one of the parts.
func (e *Exempt) Has(text string) bool {
	found := false
	for _, part := range e.parts {
		if strings.Contains(text, part) {
			e.met[part], found = true, true
		}
	}
	return found
}

// Unmet returns the parts that no text had which Has was asked for.
func (e *Exempt) Unmet() []string {
	return slices.DeleteFunc(slices.Clone(e.parts), func(part string) bool { return e.met[part] })
}

// Check fails for each part that no text had. It is for the end of a test, when Has was asked
// for all texts.
func (e *Exempt) Check(t *testing.T) {
	t.Helper()
	for _, part := range e.Unmet() {
		t.Errorf("exemption %q: got no text that has it, want one", part)
	}
}

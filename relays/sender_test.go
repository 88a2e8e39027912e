package relays

import (
	"strings"
	"testing"
)

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D9: sender notes that do not fit their sentence": TestSenderRule,
}

// TestSenderRule: what is said of the senders of each relay is a sentence, whichever
// way its note is worded.
func TestSenderRule(t *testing.T) {
	all, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		t.Run(r.ID, func(t *testing.T) {
			got := r.SenderRule()
			if !strings.HasPrefix(got, r.Name) || !strings.HasSuffix(got, ".") || strings.HasPrefix(got, r.Name+" takes ") || strings.HasSuffix(got, "..") {
				t.Errorf("got %q, want a sentence that begins with the name", got)
			}
			if r.Sender.Note != "" && !strings.HasPrefix(got, r.Name+": ") {
				t.Errorf("got %q, want the note after a colon", got)
			}
		})
	}
}

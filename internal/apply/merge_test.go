package apply

import "testing"

// TestHoldsNone: a file that somebody has edited in the moment before it would
// have been written holds nothing of ours, though it has blank lines as ours has.
func TestHoldsNone(t *testing.T) {
	const (
		before = "a = 1\n\nrelayhost =\nb = 2\n# edit 2\n"
		after  = "a = 1\n\nrelayhost = [h]:587\nb = 2\n# edit 2\n\n# ours\nc = 3\n"
	)
	for now, want := range map[string]bool{
		"a = 1\n\nrelayhost =\nb = 2\n# edit 3\n":                          true,
		"a = 1\nrelayhost =\nb = 2\n# edit 3\n":                            true,
		"a = 1\n\nrelayhost =\nb = 2\n# edit 3\n\n# ours\nc = 3\n":         false,
		"a = 1\n\nrelayhost = [h]:587\nb = 2\n# edit 3\n":                  false,
		"a = 1\n\nb = 2\n# edit 3\n":                                       false,
		"a = 1\n\nrelayhost = [h]:587\nb = 2\n# edit 3\n\n# ours\nc = 3\n": false,
	} {
		if got := holdsNone([]byte(before), []byte(after), []byte(now)); got != want {
			t.Errorf("%q: got %v, want %v", now, got, want)
		}
	}
}

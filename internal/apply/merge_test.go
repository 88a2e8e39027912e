package apply

import "testing"

// TestHoldsNone: a file that somebody has edited in the moment before it would
// have been written holds nothing of ours, though it has blank lines as ours has.
func TestHoldsNone(t *testing.T) {
	const (
		before = "a = 1\n\nrelayhost =\nb = 2\n# edit 2\n"
		after  = "a = 1\n\nrelayhost = [h]:587\nb = 2\n# edit 2\n\n# ours\nc = 3\n"
	)
	for _, tt := range []struct {
		name, now string
		want      bool
	}{
		{"a comment edited", "a = 1\n\nrelayhost =\nb = 2\n# edit 3\n", true},
		{"a blank line removed too", "a = 1\nrelayhost =\nb = 2\n# edit 3\n", true},
		{"our comment", "a = 1\n\nrelayhost =\nb = 2\n# edit 3\n\n# ours\nc = 3\n", false},
		{"our value", "a = 1\n\nrelayhost = [h]:587\nb = 2\n# edit 3\n", false},
		{"a line removed", "a = 1\n\nb = 2\n# edit 3\n", false},
		{"all of ours", "a = 1\n\nrelayhost = [h]:587\nb = 2\n# edit 3\n\n# ours\nc = 3\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := holdsNone([]byte(before), []byte(after), []byte(tt.now)); got != tt.want {
				t.Errorf("%q: got %v, want %v", tt.now, got, tt.want)
			}
		})
	}
}

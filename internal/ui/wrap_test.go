package ui

import "testing"

// TestHanging: what begins with words goes on under them, unless a narrow terminal
// would have no room left for it.
func TestHanging(t *testing.T) {
	for _, tt := range []struct {
		first string
		width int
		want  int
	}{
		{"relayhost: error: ", 80, 18}, {"relayhost: error: ", 40, 2}, {"note: ", 40, 6}, {"note: ", 20, 6}, {"Password: ", 20, 2}, {"", 80, 0},
	} {
		if got := len(hanging(tt.first, tt.width)); got != tt.want {
			t.Errorf("%q at %d columns: %d, want %d", tt.first, tt.width, got, tt.want)
		}
	}
}

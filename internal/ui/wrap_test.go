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

// TestWrapAddress: an address of the web has a line of its own where it would be cut, and
// no indent if it needs all columns.
func TestWrapAddress(t *testing.T) {
	const address = "https://example.com/docs/managing-your-account/security/app-passwords.html"
	for _, tt := range []struct{ text, want string }{
		{"Get a key at " + address + " first.", "key: Get a key at\n" + address + "\n     first.\n"},
		{"Get a key at https://example.com/docs/managing-your-account/keys-for-programs first.", "key: Get a key at\n     https://example.com/docs/managing-your-account/keys-for-programs first.\n"},
		{"Get a key at https://example.com now.", "key: Get a key at https://example.com now.\n"},
	} {
		if got := Wrap(tt.text, "key: ", "     ", 76); got != tt.want {
			t.Errorf("got\n%swant\n%s", got, tt.want)
		}
	}
}

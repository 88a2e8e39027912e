package ui

import "testing"

// TestHanging: what begins with words goes on under them, unless a narrow terminal
// would have no room left for it.
func TestHanging(t *testing.T) {
	for _, tt := range []struct {
		name, first string
		width       int
		want        int
	}{
		{"long", "relayhost: error: ", 80, 18},
		{"long, on a narrow terminal", "relayhost: error: ", 40, 2},
		{"short, on a narrow terminal", "note: ", 40, 6},
		{"short, on a very narrow terminal", "note: ", 20, 6},
		{"a question on a very narrow terminal", "Password: ", 20, 2},
		{"none", "", 80, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := len(hanging(tt.first, tt.width)); got != tt.want {
				t.Errorf("%q at %d columns: got %d, want %d", tt.first, tt.width, got, tt.want)
			}
		})
	}
}

// TestWrapAddress: an address of the web has a line of its own where it would be cut, and
// no indent if it needs all columns.
func TestWrapAddress(t *testing.T) {
	const address = "https://example.com/docs/managing-your-account/security/app-passwords.html"
	for _, tt := range []struct{ name, text, want string }{
		{"all columns", "Get a key at " + address + " first.", "key: Get a key at\n" + address + "\n     first.\n"},
		{"a line of its own", "Get a key at https://example.com/docs/managing-your-account/keys-for-programs first.", "key: Get a key at\n     https://example.com/docs/managing-your-account/keys-for-programs first.\n"},
		{"short", "Get a key at https://example.com now.", "key: Get a key at https://example.com now.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Wrap(tt.text, "key: ", "     ", 76); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

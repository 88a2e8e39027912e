package ui

import "testing"

// Text that is typed at a list after arrows begins with the cursor back in the first
// row: "post" after two rows down chooses Postmark, whatever follows it in the list.
func TestListCursorGoesHome(t *testing.T) {
	for _, test := range []struct{ typed, want string }{
		{"\x1b[B\x1b[Bp", "\x1b[B\x1b[B\x1b[A\x1b[Ap"},
		{"\x1b[Ap", "\x1b[A\x1b[Bp"},
		{"\x1b[B\x1b[Apo", "\x1b[B\x1b[Apo"},
		{"po\x1b[B\r", "po\x1b[B\r"},
	} {
		k := &keyboard{pending: []byte(test.typed), list: new(int)}
		got := ""
		for len(k.pending) > 0 {
			buf := make([]byte, 8)
			n, err := k.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += string(buf[:n])
		}
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.typed, got, test.want)
		}
	}
}

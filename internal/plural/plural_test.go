package plural

import "testing"

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		n          int
		noun, want string
	}{
		{0, "message", "0 messages"}, {1, "message", "1 message"}, {2, "more message", "2 more messages"},
		{1, "IPv6 address", "1 IPv6 address"}, {2, "address", "2 addresses"}, {3, "mailbox", "3 mailboxes"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			if got := Of(tt.n, tt.noun); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabQueueHold: what waits stays where it is, on hold while the set-up
// stands and as it was when it is taken back.
func TestLabQueueHold(t *testing.T) {
	tests := map[string]struct {
		refuse bool
		queue  string
		code   int
	}{
		"set_up":      {false, `"queue_name": "hold"`, 0},
		"rolled_back": {true, `"queue_name": "deferred"`, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := 0
			l := newLab(t, lab.Relay("postmark", func(c *smtpd.Config) {
				c.Message = func(smtpd.Envelope) *smtpd.Reply {
					if taken++; test.refuse && taken > 1 {
						return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
					}
					return nil
				}
			}))
			credentials(l, "postmark", "")
			for _, to := range []string{"customer@gmail.com", "another@gmail.com"} {
				l.Server.SendMail("root", to, "an invoice")
				l.Server.WaitLog(`to=<` + to + `>.*status=deferred`)
			}
			if res := l.Run(setupArgs(five[4], "--queue", "hold")...); res.Code != test.code {
				t.Fatalf("exit code %d, want %d\n%s\n%s", res.Code, test.code, res, l.Server.MailLog())
			}
			if q := l.Server.Queue(); strings.Count(q, test.queue) != 2 || strings.Count(q, "queue_id") != 2 {
				t.Errorf("want twice %s:\n%s", test.queue, q)
			}
		})
	}
}

//go:build lab

package cmd_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabVerifyTerminal: on a terminal findings are shown one by one as they are
// known. A silent port is waited for by nobody, a relay that is slow to take the
// message holds up the log-in alone, and nothing that it says steers the terminal.
func TestLabVerifyTerminal(t *testing.T) {
	for _, cols := range []int{80, 40} {
		t.Run(map[int]string{80: "80_columns", 40: "40_columns"}[cols], func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Relay("ses"))
			credentials(l, "ses", five[0].host)
			if res := l.Run(setupArgs(five[0], "--to", "you@example.net")...); res.Code != 0 {
				t.Fatalf("setup: %s\n%s", res, l.Server.MailLog())
			}
			l.World.Block(2587, lab.Dropped, lab.Both)
			l.World.Relay("ses").Configure(func(c *smtpd.Config) {
				c.Greeting = "relay\x1b[2J\x1b]0;owned\x07\x1b[31m"
				c.Delays = map[smtpd.Step]time.Duration{smtpd.StepMessage: 4 * time.Second}
			})
			p := sit(t, l, cols, false, "relayhost", "verify")
			const silent = "port 2587 is not in use"
			running := func(shown string, notYet ...string) {
				t.Helper()
				p.sees(shown)
				all := flat(p.screen.String())
				for _, text := range append(notYet, silent, "result:") {
					if strings.Contains(all, flat(text)) {
						t.Errorf("%q is shown already:\n%s", text, p.screen)
					}
				}
				select {
				case <-p.term.Done():
					t.Errorf("it has ended when %q is shown:\n%s", shown, p.screen)
				default:
				}
			}
			running(`port 587 answers: relay\x1b[2J\x1b]0;owned\x07\x1b[31m`, "took the message", "takes the stored credentials")
			running("the certificate verified for email-smtp.eu-west-1.amazonaws.com", "took the message")
			running("passconfig", "took the message")
			running("took the message")
			running("port 587 takes the stored credentials")
			p.sees(silent + ", and would not work from here")
			p.ends(0)
			p.sees("result: ")
			text := p.screen.String()
			if n := strings.Count(flat(text), "result:"); n != 1 {
				t.Errorf("%d results:\n%s", n, text)
			}
			t.Logf("%s", text)
			if w := p.screen.Wrapped(); cols == 80 && w != 0 {
				t.Errorf("%d lines are wider than the terminal:\n%s", w, text)
			}
		})
	}
}

//go:build lab

package cmd_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
)

// TestLabVerifyTerminal: on a terminal findings are shown in the order that they have
// in a pipe, and nothing that a relay says steers the terminal.
func TestLabVerifyTerminal(t *testing.T) {
	t.Parallel()
	for _, cols := range []int{80, 40} {
		t.Run(map[int]string{80: "80_columns", 40: "40_columns"}[cols], func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Relay("ses"))
			credentials(l, "ses", five[0].host)
			if res := l.Run(setupArgs(five[0], "--to", "you@example.net")...); res.Code != 0 {
				t.Fatalf("setup: want exit code 0, got %s\n%s", res, l.Server.MailLog())
			}
			l.World.Block(2587, lab.Dropped, lab.Both)
			l.World.Relay("ses").Configure(func(c *smtpd.Config) {
				c.Greeting = "relay\x1b[2J\x1b]0;owned\x07\x1b[31m"
				c.Delays = map[smtpd.Step]time.Duration{smtpd.StepMessage: 4 * time.Second}
			})
			p := sit(t, l, cols, false, "relayhost", "verify", "--verbose")
			const silent = "port 2587 is not in use"
			p.ends(0)
			p.sees(silent + ", and not usable from here")
			p.sees(`port 587 answers: relay\x1b[2J\x1b]0;owned\x07\x1b[31m`)
			p.sees("accepted the message")
			p.sees("result: ")
			text := p.screen.String()
			if n := strings.Count(flat(text), "result:"); n != 1 {
				t.Errorf("got %d results, want 1:\n%s", n, text)
			}
			t.Logf("%s", text)
			// The order is that of a pipe, whichever check ends first.
			piped, at := l.Run("relayhost", "verify", "--no-send", "--json"), -1
			for _, f := range decode[verify.Report](t, piped).Findings {
				if f.Check == "delivery" || f.Result != verify.Pass || f.Check == "drift" {
					continue
				}
				next := strings.Index(text, string(f.Result)+"  "+f.Check)
				if next < at {
					t.Errorf("%s is above the finding before it, want the order of the findings:\n%s", f.Check, text)
				}
				at = next
			}
			if w := p.screen.Wrapped(); cols == 80 && w != 0 {
				t.Errorf("%d lines are wider than the terminal, want 0:\n%s", w, text)
			}
		})
	}
}

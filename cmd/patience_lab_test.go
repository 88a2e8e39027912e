//go:build lab

package cmd_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabPatience: greylisting and slow replies are no faults of the setup.
func TestLabPatience(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	tests := map[string]func(*smtpd.Config){
		"greylisted_once": func(c *smtpd.Config) {
			c.Recipient = func(string, string) *smtpd.Reply {
				if asked.Add(1) == 1 {
					return &smtpd.Reply{Code: 451, Enhanced: "4.7.1", Text: "Greylisted, please come back"}
				}
				return nil
			}
		},
		"slow": func(c *smtpd.Config) {
			c.Delays = map[smtpd.Step]time.Duration{}
			for _, step := range []smtpd.Step{smtpd.StepGreeting, smtpd.StepEHLO, smtpd.StepSTARTTLS, smtpd.StepAuth, smtpd.StepMail} {
				c.Delays[step] = 2 * time.Second
			}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Relay("postmark", change))
			credentials(l, "postmark", "")
			res := l.Run(setupArgs(five[4], "--port", "587", "--no-probe")...)
			if res.Code != 0 {
				t.Fatalf("want exit code 0, got %s", res)
			}
			if n := len(l.World.Relay("postmark").Mailbox()); n != 2 {
				t.Errorf("%d messages, want 2", n)
			}
		})
	}
}

// TestLabUnknownRefusal: where nobody knows the relay's words, the step says
// what to do.
func TestLabUnknownRefusal(t *testing.T) {
	t.Parallel()
	tests := map[smtpd.Step]string{
		smtpd.StepGreeting: "ask there whether it bars this address",
		smtpd.StepAuth:     "check user name and password",
		smtpd.StepMail:     "--from",
		smtpd.StepRcpt:     "--to",
		smtpd.StepData:     "what it rejects",
		smtpd.StepMessage:  "what it rejects",
	}
	l := newLab(t, lab.Relay("postmark"))
	credentials(l, "postmark", "")
	for step, says := range tests {
		t.Run(string(step), func(t *testing.T) {
			l.World.Relay("postmark").Configure(func(c *smtpd.Config) {
				c.Replies = map[smtpd.Step]smtpd.Reply{step: {Code: 554, Text: "Qx9"}}
			})
			doc := decode[setupResult](t, unchangedAfter(t, l, 3, setupArgs(five[4], "--port", "587", "--no-probe")...))
			if !strings.Contains(doc.Error, "Qx9") || !strings.Contains(doc.Hint, says) || strings.Contains(doc.Error, "SOFTBOUNCE") {
				t.Errorf("%s: error %q, hint %q, want %q in it and no %q in it and %v in it", step, doc.Error, doc.Hint, "Qx9", "SOFTBOUNCE", says)
			}
		})
	}
}

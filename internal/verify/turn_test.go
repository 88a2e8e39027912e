package verify

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/postfix"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
)

// TestHungUp: a relay that closes the connection on which the log-in waits for
// Postfix is asked again.
func TestHungUp(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.Accepted, env.State.Running, env.Mailer = true, true, failing{}
	var mu sync.Mutex
	var before []bool // of the probes with a log-in: whether they would wait
	env.Probe = func(ctx context.Context, target smtpprobe.Target) smtpprobe.Result {
		if target.Until != smtpprobe.StepAuth {
			return smtpprobe.Probe(ctx, target)
		}
		mu.Lock()
		before = append(before, target.BeforeAuth != nil)
		mu.Unlock()
		if target.BeforeAuth != nil {
			ask := target.BeforeAuth
			target.BeforeAuth = func(ctx context.Context, r smtpprobe.Result) bool {
				yes := ask(ctx, r)
				s.Configure(func(c *smtpd.Config) {
					c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepAuth: {Code: 421, Text: "idle for too long"}}
				})
				return yes
			}
			defer s.Configure(func(c *smtpd.Config) { c.Replies = nil })
		}
		return smtpprobe.Probe(ctx, target)
	}
	r := Run(t.Context(), env, Options{})
	if got := summary(r, "tls", "auth"); got != "tls:pass auth:pass" || !slices.Equal(before, []bool{true, false}) {
		t.Errorf("%s, %v", got, before)
	}
}

// failing is a Mailer of a Postfix that takes no mail.
type failing struct{ Mailer }

func (failing) Send(context.Context, string, string, []byte) error { return ErrNoTrace }

func (failing) Find(context.Context, string, time.Time) (m postfix.QueuedMessage, ok bool, err error) {
	return m, false, nil
}

func TestLoginRefused(t *testing.T) {
	for text, want := range map[string]bool{
		"SASL authentication failed; server a.test[192.0.2.1] said: 535 5.7.8 no":                                 true,
		"SASL authentication failed; cannot authenticate to server a.test[192.0.2.1]: no mechanism available":     false,
		"delivery temporarily suspended: SASL authentication failed; server a.test[192.0.2.1] said: 535 5.7.8 no": false,
		"host a.test[192.0.2.1] said: 550 SASL authentication failed; server x said: no":                          false,
	} {
		if got := loginRefused(text); got != want {
			t.Errorf("%s: %t", strings.TrimSpace(text), got)
		}
	}
}

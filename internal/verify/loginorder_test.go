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

// TestHungUp: a relay that closes the connection on which the login waits for
// Postfix is asked again.
func TestHungUp(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.Accepted, env.State.Running, env.Mailer = true, true, failing{}
	var mu sync.Mutex
	var before []bool // of the probes with a login: whether they would wait
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
		t.Errorf("got %s, %v, want %q and %v", got, before, "tls:pass auth:pass", []bool{true, false})
	}
}

// TestTimeIsUp: a login that waits for Postfix until the time is up is not tried,
// and not said to have passed or failed.
func TestTimeIsUp(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.Accepted, env.State.Running, env.Mailer = true, true, hanging{}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	r := Run(ctx, env, Options{})
	if got := summary(r, "tls", "auth"); got != "tls:pass auth:skip" || s.Counters().Logins != 0 {
		t.Errorf("got %s, %d logins, want %q and 0", got, s.Counters().Logins, "tls:pass auth:skip")
	}
}

// hanging is a Mailer of a Postfix that is at work until the time is up, and for
// a moment after.
type hanging struct{ failing }

func (hanging) Send(ctx context.Context, _, _ string, _ []byte) error {
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond)
	return ErrNoTrace
}

// failing is a Mailer of a Postfix that takes no mail.
type failing struct{ Mailer }

func (failing) Send(context.Context, string, string, []byte) error { return ErrNoTrace }

func (failing) Find(context.Context, string, time.Time) (m postfix.QueuedMessage, ok bool, err error) {
	return m, false, nil
}

func TestLoginRefused(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"535", "SASL authentication failed; server a.test[192.0.2.1] said: 535 5.7.8 no", true},
		{"cached 535", "SASL [CACHED] authentication failed; server a.test[192.0.2.1] said: 535 5.7.8 no", true},
		{"no mechanism", "SASL authentication failed; cannot authenticate to server a.test[192.0.2.1]: no mechanism available", false},
		{"suspended", "delivery temporarily suspended: SASL authentication failed; server a.test[192.0.2.1] said: 535 5.7.8 no", false},
		{"words in another reply", "host a.test[192.0.2.1] said: 550 SASL authentication failed; server x said: no", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := loginRefused(tt.text); got != tt.want {
				t.Errorf("%s: got %t, want %t", strings.TrimSpace(tt.text), got, tt.want)
			}
		})
	}
}

// TestOwnMessages: the queue check does not count what the run itself sends.
func TestOwnMessages(t *testing.T) {
	now := time.Now()
	r := &run{Env: Env{To: "b@example.net", Routes: []Route{{From: "a@example.com"}, {From: "c@example.com"}}}, began: now}
	message := func(age time.Duration, from string, to ...string) postfix.QueuedMessage {
		m := postfix.QueuedMessage{Arrival: now.Add(-age).Truncate(time.Second), Sender: from}
		for _, addr := range to {
			m.Recipients = append(m.Recipients, postfix.QueuedRecipient{Address: addr})
		}
		return m
	}
	for _, tt := range []struct {
		name string
		m    postfix.QueuedMessage
		want bool
	}{
		{"of the first route", message(0, "a@example.com", "b@example.net"), true},
		{"of the second route", message(0, "c@example.com", "B@example.net"), true},
		{"from before the run", message(5*time.Second, "a@example.com", "b@example.net"), false},
		{"another sender", message(0, "d@example.com", "b@example.net"), false},
		{"another recipient", message(0, "a@example.com", "e@example.net"), false},
		{"one recipient more", message(0, "a@example.com", "b@example.net", "e@example.net"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.tests(tt.m); got != tt.want {
				t.Errorf("%+v: got %t, want %t", tt.m, got, tt.want)
			}
		})
	}
}

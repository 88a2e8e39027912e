package verify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

func TestStepOf(t *testing.T) {
	const host = "host a.test[192.0.2.1]"
	for _, tt := range []struct {
		name, reply string
		want        smtpprobe.Step
	}{
		{"MAIL", host + " said: 550 no (in reply to MAIL FROM command)", smtpprobe.StepMail},
		{"RCPT", host + " said: 550 no (in reply to RCPT TO command)", smtpprobe.StepRcpt},
		{"EHLO", host + " said: 550 no (in reply to EHLO command)", smtpprobe.StepEHLO},
		{"end of DATA", host + " said: 550 no (in reply to end of DATA command)", ""},
		{"greeting", host + " refused to talk to me: 554 no", smtpprobe.StepGreeting},
		{"AUTH", "SASL authentication failed; server a.test[192.0.2.1] said: 535 no", smtpprobe.StepAuth},
		{"last of two", host + " said: 550 x (in reply to EHLO) y (in reply to MAIL FROM command)", smtpprobe.StepMail},
		{"RCPT about authentication", host + " said: 550 SASL authentication failed (in reply to RCPT TO command)", smtpprobe.StepRcpt},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := StepOf(tt.reply); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.reply, got, tt.want)
			}
		})
	}
}

// TestOneLine: no finding shows the marks of a line feed, whatever it is made of.
func TestOneLine(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.First().Relay.Docs = "https://docs.test/smtp"
	s.Configure(func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepAuth: {Code: 550, Text: "nobody has ever seen this"}}
	})
	for _, f := range Run(t.Context(), env, Options{}).Findings {
		if strings.Contains(f.Detail+f.Remedy, `\n`) {
			t.Errorf("got %+v, want no %s in its detail and remedy", f, `\n`)
		}
		if f.Check == "auth" && !strings.HasSuffix(f.Remedy, " there. See https://docs.test/smtp") {
			t.Errorf("got %+v, want a remedy that ends in %q", f, " there. See https://docs.test/smtp")
		}
	}
	r := &run{Env: Env{Routes: []Route{{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}}}}}
	r.found(Finding{Detail: fmt.Sprint(errors.Join(errors.New("a\x1b"), errors.New("b")))})
	if got := r.findings[0].Detail; got != `a\x1b; b` {
		t.Errorf("got %q, want %q", got, `a\x1b; b`)
	}
}

// The relay is named for what it has said, and not for what Postfix says itself.
func TestRemedyOfPostfixItself(t *testing.T) {
	relay := relays.Relay{Docs: "https://docs.test/smtp"}
	for here, want := range map[bool]string{true: "Postfix's own reply", false: "The relay's reply"} {
		t.Run(fmt.Sprintf("here %v", here), func(t *testing.T) {
			got := Finding{Result: Fail}.Remedied(Refusal{Relay: relay, Here: here}).Remedy
			if !strings.Contains(got, want) || strings.Contains(got, relay.Docs) == here {
				t.Errorf("here %v: got %q, want %q, and the relay's page only where the relay said it", here, got, want)
			}
		})
	}
}

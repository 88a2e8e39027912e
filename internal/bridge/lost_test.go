//go:build unix

package bridge_test

import (
	"context"
	"slices"
	"testing"

	"relayhost/internal/bridge"
	"relayhost/internal/smtpd"
)

// TestTokenEndsWhileConnected: a connection that the relay ends because the token of its
// login has ended is made again with a new one, and no message is lost or sent twice.
func TestTokenEndsWhileConnected(t *testing.T) {
	r := newRelay(t)
	p := r.start(t)
	p.hello()
	send := func() {
		t.Helper()
		p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
		p.want("250")
		p.want("250")
		p.want("354")
		p.say("hello", ".")
		p.want("250")
	}
	send()
	r.mu.Lock()
	r.valid = "token-2"
	r.mu.Unlock()
	ended := false
	r.Configure(func(c *smtpd.Config) {
		c.Sender = func(string) *smtpd.Reply {
			r.mu.Lock()
			defer r.mu.Unlock()
			if ended {
				return nil
			}
			ended = true
			return &smtpd.Reply{Code: 421, Enhanced: "4.7.66", Text: "Access token has expired", Close: true}
		}
	})
	send()
	p.say("QUIT")
	p.want("221")
	if got := len(r.Mailbox()); got != 2 {
		t.Errorf("messages: got %d, want 2", got)
	}
	if r.asked != 3 { // at first, for the second login, and in place of the one that it refused
		t.Errorf("tokens asked for: got %d, want 3", r.asked)
	}
}

// TestNoReply: what the relay has not accepted is not acknowledged, at whichever step it
// hangs up.
func TestNoReply(t *testing.T) {
	for step, want := range map[smtpd.Step]string{
		smtpd.StepMail: "421 4.4.1 relayhost: relay.example: ", smtpd.StepRcpt: "421 4.4.1 relayhost: relay.example: ", smtpd.StepData: "421 4.4.1 relayhost: relay.example: ",
		smtpd.StepMessage: "421 4.4.1 relayhost: relay.example: after the message, which may be sent twice: ",
	} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, func(c *smtpd.Config) { c.Replies = map[smtpd.Step]smtpd.Reply{step: {}} })
			p := r.start(t)
			p.hello()
			p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
			if step == smtpd.StepMessage {
				p.want("250")
				p.want("250")
				p.want("354")
				p.say("hello", ".")
			}
			p.want(want)
			if err := <-p.done; err == nil {
				t.Error("Serve: got no error, want one")
			}
			if got := len(r.Mailbox()); got != 0 {
				t.Errorf("messages: got %d, want 0", got)
			}
		})
	}
}

// TestCommandsUnchanged: parameters of the envelope are handed on as Postfix gave them,
// those of delivery reports (RFC 3461) too.
func TestCommandsUnchanged(t *testing.T) {
	hop := &sink{}
	p := start(t, func(context.Context) (bridge.Hop, error) { return hop, nil })
	p.hello()
	lines := []string{
		"MAIL FROM:<app@contoso.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=q1+2B SMTPUTF8",
		"RCPT TO:<grün@example.net> NOTIFY=FAILURE,DELAY ORCPT=utf-8;gr\\x{FC}n@example.net", `RCPT TO:<"a>b"@example.net>`,
	}
	p.say(lines...)
	for range lines {
		p.want("250")
	}
	p.say("QUIT")
	p.want("221")
	if err := <-p.done; err != nil {
		t.Errorf("Serve: got %v, want no error", err)
	}
	var got []string
	for _, c := range hop.commands {
		got = append(got, c.String())
	}
	if !slices.Equal(got, lines) {
		t.Errorf("commands: got %q, want %q", got, lines)
	}
}

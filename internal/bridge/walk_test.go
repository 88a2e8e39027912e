//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"relayhost/internal/bridge"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// filters are like those of a plan: the recipient's address stays, a refused client or
// sender does not.
func filters() []conf.Filter {
	return []conf.Filter{
		{Match: `^5(\.[12]\.[0-9]+ host [^ ]+ said: 5[0-9][0-9][ -].*\(in reply to RCPT TO command\))$`, Keep: true},
		{Match: `^5(\.[0-9]+\.[0-9]+ host [^ ]+ said: 5(0[0-9]|5[0-4])[ -]([^"<>]|<[^"<>]*>)*(relay access denied).*\(in reply to (MAIL FROM|RCPT TO) command\))$`},
		{Match: `^5(\.7\.[0-9]+ host [^ ]+ said: 5[0-9][0-9][ -].*\(in reply to MAIL FROM command\))$`},
	}
}

// step is a hop of a walk that goes to r.
func (r *relay) step(t *testing.T, name string, change ...func(*bridge.Server, *bridge.Deps)) *bridge.Step {
	t.Helper()
	server, deps := r.server(), r.deps(t)
	server.Impatient = true
	for _, f := range change {
		f(&server, &deps)
	}
	return &bridge.Step{Name: name, Filters: filters(), Open: func(ctx context.Context) (bridge.Hop, error) {
		hop, err := bridge.Connect(ctx, server, deps)
		if err != nil {
			return nil, err
		}
		return hop, nil
	}}
}

// walk runs a bridge that walks steps for one connection.
func walk(t *testing.T, steps ...*bridge.Step) *postfix {
	t.Helper()
	dir := t.TempDir()
	return start(t, func(ctx context.Context) (bridge.Hop, error) {
		w, err := bridge.OpenWalk(ctx, dir, steps)
		if err != nil {
			return nil, err
		}
		return w, nil
	})
}

// byPassword has a hop log in as user with a password, or without any login.
func byPassword(user string) func(*bridge.Server, *bridge.Deps) {
	return func(s *bridge.Server, d *bridge.Deps) {
		s.Username, s.Password, d.Token = user, secret.New("Gehe1m"), nil
	}
}

// TestWalk: what one hop defers, or refuses for a fault of the account, goes to the
// next; a fault of the recipient or the message ends where it is said; nothing is sent
// twice, and the reply of the hop that had the last word comes through unchanged.
func TestWalk(t *testing.T) {
	t.Parallel()
	const deliver = "250 2.0.0 Ok: queued as"
	said := func(code int, enhanced, text string) *smtpd.Reply {
		return &smtpd.Reply{Code: code, Enhanced: enhanced, Text: text}
	}
	for _, row := range []struct {
		name   string
		first  func(*smtpd.Config)
		second func(*smtpd.Config)
		params string
		to     []string
		want   []string // the last line of each reply
		note   string   // in the first line of the first reply; "" is none
		count  [2]int   // messages taken by each
	}{
		{name: "the first takes all", to: []string{"a", "b"}, want: []string{deliver, deliver}, count: [2]int{1, 0}},
		{name: "sender refused", first: func(c *smtpd.Config) {
			c.Sender = func(string) *smtpd.Reply { return said(550, "5.7.60", "cannot send as this sender") }
		}, to: []string{"a"}, want: []string{deliver}, note: "250-2.0.0 relayhost: fallback second.example after first.example: 4.7.60 cannot send as this sender", count: [2]int{0, 1}},
		{name: "one recipient of three deferred", first: func(c *smtpd.Config) {
			c.Recipient = func(_, to string) *smtpd.Reply {
				if strings.HasPrefix(to, "b@") {
					return said(451, "4.7.1", "greylisted")
				}
				return nil
			}
		}, to: []string{"a", "b", "c"}, want: []string{deliver, deliver, deliver}, count: [2]int{1, 1}},
		{name: "recipient unknown", first: func(c *smtpd.Config) {
			c.Recipient = func(_, to string) *smtpd.Reply {
				if strings.HasPrefix(to, "a@") {
					return said(550, "5.1.1", "no such user: relay access denied")
				}
				return nil
			}
		}, to: []string{"a", "b"}, want: []string{"550 5.1.1 no such user: relay access denied", deliver}, count: [2]int{1, 0}},
		{name: "relay access denied for a recipient", first: func(c *smtpd.Config) {
			c.Recipient = func(string, string) *smtpd.Reply { return said(554, "5.7.1", "Relay access denied") }
		}, to: []string{"a"}, want: []string{deliver}, note: "first.example: 4.7.1 Relay access denied", count: [2]int{0, 1}},
		{name: "message refused", first: func(c *smtpd.Config) {
			c.Message = func(smtpd.Envelope) *smtpd.Reply { return said(554, "5.7.1", "message looks like spam") }
		}, to: []string{"a"}, want: []string{"554 5.7.1 message looks like spam"}},
		{name: "message deferred", first: func(c *smtpd.Config) {
			c.Message = func(smtpd.Envelope) *smtpd.Reply { return said(451, "4.3.0", "try again") }
		}, to: []string{"a", "b"}, want: []string{deliver, deliver}, count: [2]int{0, 1}},
		{name: "DATA deferred", first: func(c *smtpd.Config) {
			c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepData: {Code: 421, Enhanced: "4.3.2", Text: "shutting down"}}
		}, to: []string{"a"}, want: []string{deliver}, count: [2]int{0, 1}},
		{name: "refused login at both", first: func(c *smtpd.Config) {
			c.Token = func(string, string) *smtpd.Reply { return said(535, "5.7.3", "Authentication unsuccessful") }
		}, second: func(c *smtpd.Config) {
			c.Sender = func(string) *smtpd.Reply { return said(550, "5.7.1", "account suspended") }
		}, to: []string{"a"}, want: []string{"450 4.7.1 account suspended"}, note: "said: 535 5.7.3 Authentication unsuccessful"},
		{name: "the first lacks SMTPUTF8", first: func(c *smtpd.Config) { c.Extensions = []string{"PIPELINING", "8BITMIME"} }, params: " SMTPUTF8",
			to: []string{"ä"}, want: []string{deliver}, note: "does not offer SMTPUTF8", count: [2]int{0, 1}},
		{name: "neither offers SMTPUTF8", first: func(c *smtpd.Config) { c.Extensions = []string{"8BITMIME"} }, second: func(c *smtpd.Config) { c.Extensions = []string{} },
			params: " SMTPUTF8", to: []string{"ä"}, want: []string{"553 5.6.7 relayhost: second.example does not offer SMTPUTF8"}, note: "first.example"},
		{name: "no 8BITMIME, no PIPELINING", first: func(c *smtpd.Config) { c.Extensions = []string{} }, params: " BODY=8BITMIME", to: []string{"a"}, want: []string{deliver}, count: [2]int{1, 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			change := func(f func(*smtpd.Config)) []func(*smtpd.Config) {
				if f == nil {
					return nil
				}
				return []func(*smtpd.Config){f}
			}
			first := newRelay(t, change(row.first)...)
			second := newRelay(t, append(change(row.second), func(c *smtpd.Config) { c.Accounts = []smtpd.Account{{Username: user, Password: secret.New("Gehe1m")}} })...)
			p := walk(t, first.step(t, "first.example"), second.step(t, "second.example", byPassword(user)))
			p.hello()
			for n := range 2 { // again on the same connections
				lines := []string{"MAIL FROM:<app@contoso.example>" + row.params}
				for _, to := range row.to {
					lines = append(lines, "RCPT TO:<"+to+"@example.net>")
				}
				p.say(append(lines, "DATA")...)
				for range lines {
					p.want("250")
				}
				p.want("354")
				p.say("Subject: hello", "", "..dot", ".")
				for i, want := range row.want {
					got := p.want(want[:3])
					lines := strings.Split(got, "\n")
					if last := strings.TrimPrefix(got, want[:4]); !strings.HasPrefix(lines[len(lines)-1], want[4:]) && !strings.HasPrefix(last, want[4:]) {
						t.Errorf("message %d, recipient %d: got %q, want %q at its end", n, i, got, want)
					}
					note := strings.Replace(row.note, "250-", "250 ", 1)
					if i == 0 && (len(lines) > 1) != (row.note != "") && row.name != "message deferred" && row.name != "DATA deferred" || i == 0 && !strings.Contains(got, note) {
						t.Errorf("message %d: got %q, want %q in it", n, got, row.note)
					}
				}
			}
			p.say("QUIT")
			p.want("221")
			for i, r := range []*relay{first, second} {
				if got := len(r.Mailbox()); got != 2*row.count[i] {
					t.Errorf("messages at hop %d: got %d, want %d", i, got, 2*row.count[i])
				}
				for _, m := range r.Mailbox() {
					if got, want := string(m.Data), "Subject: hello\r\n\r\n.dot\r\n"; got != want {
						t.Errorf("message at hop %d: got %q, want %q", i, got, want)
					}
				}
			}
		})
	}
}

// TestWalkUnreachable: a hop that cannot be reached or signed in to costs no message,
// is left out for a while, and where no hop is left Postfix is told of each.
func TestWalkUnreachable(t *testing.T) {
	t.Parallel()
	second := newRelay(t)
	opened := 0
	down := &bridge.Step{Name: "first.example", Open: func(context.Context) (bridge.Hop, error) {
		opened++
		return nil, errors.New("first.example[192.0.2.1]:587: connection refused")
	}}
	p := walk(t, down, second.step(t, "second.example"))
	p.hello()
	for range 3 {
		p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
		p.want("250")
		p.want("250")
		p.want("354")
		p.say("hello", ".")
		if got := p.want("250 2.0.0 relayhost: fallback second.example after first.example"); !strings.Contains(got, "connection refused\n2.0.0 Ok") {
			t.Errorf("reply: got %q, want the reason and then the relay's reply", got)
		}
	}
	if opened != 1 {
		t.Errorf("connections tried: got %d, want 1 in a minute", opened)
	}
	if got := len(second.Mailbox()); got != 3 {
		t.Errorf("messages: got %d, want 3", got)
	}

	refused := newRelay(t)
	last := refused.step(t, "last.example", func(_ *bridge.Server, d *bridge.Deps) { d.Token = refusing })
	p = walk(t, down, last)
	got := p.want("421 4.4.1 relayhost: first.example[192.0.2.1]:587: ")
	for _, want := range []string{"connection refused; last.example: ", "the sign-in at login.microsoftonline.com is no longer valid"} {
		if !strings.Contains(got, want) {
			t.Errorf("greeting: got %q, want %q in it", got, want)
		}
	}
}

// TestWalkLarge: a message that does not fit into memory goes to both hops as it is.
func TestWalkLarge(t *testing.T) {
	t.Parallel()
	first := newRelay(t, func(c *smtpd.Config) {
		c.MaxBytes = 10 << 20
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			return &smtpd.Reply{Code: 452, Enhanced: "4.3.1", Text: "no room"}
		}
	})
	second := newRelay(t)
	p := walk(t, first.step(t, "first.example"), second.step(t, "second.example"))
	p.hello()
	p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("354")
	line := strings.Repeat("x", 70)
	var want bytes.Buffer
	for n := range 20000 {
		fmt.Fprintf(&want, "%s %d\r\n", line, n)
	}
	p.say(want.String() + ".")
	p.want("250")
	if box := second.Mailbox(); len(box) != 1 || !bytes.Equal(box[0].Data, want.Bytes()) {
		t.Errorf("messages at the second: got %d, want 1 as it was sent", len(box))
	}
}

// TestWalkByAddress: a hop that knows this host by its address is not logged in to.
func TestWalkByAddress(t *testing.T) {
	t.Parallel()
	r := newRelay(t, func(c *smtpd.Config) { c.NoAuth, c.TLS, c.Token, c.Mechanisms = true, nil, nil, nil })
	p := walk(t, r.step(t, "127.0.0.1", func(s *bridge.Server, d *bridge.Deps) {
		s.Host, s.NoTLS, s.Username, d.Token = "127.0.0.1", true, "", nil
		d.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
	}))
	p.hello()
	p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("354")
	p.say("hello", ".")
	p.want("250 2.0.0 Ok")
	if got := len(r.Mailbox()); got != 1 {
		t.Errorf("messages: got %d, want 1", got)
	}
}

// TestWalkConfig: a list of hops comes back from its file as it was.
func TestWalkConfig(t *testing.T) {
	t.Parallel()
	c := conf.Config{
		Walk: true, Host: "smtp.office365.com", Port: 587, HELO: "host.example", Username: user, Password: secret.New("Gehe1m"), CAFile: "/etc/ssl/ca.pem", Connections: 3,
		Filters: filters(),
		Fallback: []conf.Config{
			{Walk: true, Number: 1, Host: "smtp.sendgrid.net", Port: 465, Implicit: true, Username: "apikey", Password: secret.New("SG.x"), CAFile: "/etc/ssl/ca.pem"},
			{Walk: true, Number: 2, Host: "192.168.1.2", Port: 25, NoTLS: true},
			{Walk: true, Number: 3, Via: conf.ViaHTTPS, API: &conf.APIConfig{ID: "postmark", Key: secret.New("key"), Settings: map[conf.Field]string{}}},
		},
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := conf.Parse(text)
	if err != nil {
		t.Fatalf("Parse of what Marshal gave: got %v, want no error", err)
	}
	again, err := got.Marshal()
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("written again: got the error %v and %d bytes, want none and the %d of the first time", err, len(again), len(text))
	}
	if len(got.Hops()) != 4 || got.Hops()[3].API == nil || got.Hops()[2].Number != 2 {
		t.Errorf("hops: got %+v, want 4, the third with number 2, the fourth with an API", got.Hops())
	}
	for _, bad := range []struct{ name, from, to string }{
		{"no walk", "walk = true\n", ""},
		{"no pattern", "match = '", "match = '("},
		{"login without TLS", `tls = 'none'`, "tls = 'none'\nusername = 'a'\npassword = 'b'"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			if _, err := conf.Parse([]byte(strings.Replace(string(text), bad.from, bad.to, 1))); err == nil {
				t.Error("Parse: got no error, want one")
			}
		})
	}
}

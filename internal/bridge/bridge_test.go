package bridge_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/bridge"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// relay is an SMTP server on loopback that takes tokens, as Microsoft's does.
type relay struct {
	*smtpd.Server
	ca   *smtpd.CA
	port int

	mu    sync.Mutex
	valid string // the token that is taken
	asked int    // tokens asked for
}

const user = "app@contoso.example"

func newRelay(t *testing.T, change ...func(*smtpd.Config)) *relay {
	t.Helper()
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("relay.example")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{ca: ca, valid: "token-1"}
	cfg := smtpd.Config{
		Name: "relay.example", TLS: smtpd.ServerTLS(cert), Mechanisms: []string{"LOGIN", "XOAUTH2"},
		Extensions: []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"},
		Token: func(u, token string) *smtpd.Reply {
			r.mu.Lock()
			defer r.mu.Unlock()
			if u == user && token == r.valid {
				return nil
			}
			return &smtpd.Reply{Code: 535, Enhanced: "5.7.3", Text: "Authentication unsuccessful [BN0.namprd.example]"}
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	r.Server = smtpd.New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.port = l.Addr().(*net.TCPAddr).Port
	r.Start(l, false)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *relay) server() bridge.Server {
	return bridge.Server{Host: "relay.example", Port: r.port, HELO: "host.example", Username: user, Roots: r.ca.Pool()}
}

func (r *relay) deps(t *testing.T) bridge.Deps {
	return bridge.Deps{
		Slots: t.TempDir(),
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
		Token: func(_ context.Context, refused secret.Value) (secret.Value, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.asked++
			if refused.IsZero() {
				return secret.New("token-1"), nil
			}
			return secret.New("token-2"), nil
		},
	}
}

// postfix is the other end: it speaks LMTP as lmtp(8) does.
type postfix struct {
	t    *testing.T
	conn net.Conn
	r    *textproto.Reader
	done chan error
}

// start runs a bridge for one connection.
func start(t *testing.T, open func(context.Context) (bridge.Hop, error)) *postfix {
	t.Helper()
	ours, theirs := socketPair(t)
	p := &postfix{t, ours, textproto.NewReader(bufio.NewReader(ours)), make(chan error, 1)}
	go func() {
		defer theirs.Close()
		p.done <- bridge.Serve(context.WithoutCancel(t.Context()), theirs, "bridge.example", open)
	}()
	t.Cleanup(func() { _ = ours.Close() })
	if err := ours.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *relay) start(t *testing.T) *postfix {
	t.Helper()
	deps := r.deps(t)
	return start(t, func(ctx context.Context) (bridge.Hop, error) {
		hop, err := bridge.Connect(ctx, r.server(), deps)
		if err != nil {
			return nil, err
		}
		return hop, nil
	})
}

// socketPair is what spawn(8) hands over: one end of a Unix socket.
func socketPair(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// say sends lines in one segment.
func (p *postfix) say(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		p.t.Fatal(err)
	}
}

// want reads a reply and compares its first line and code.
func (p *postfix) want(want string) string {
	p.t.Helper()
	code, text, err := p.r.ReadResponse(0)
	if err != nil {
		var said *textproto.Error
		if !errors.As(err, &said) {
			p.t.Fatalf("want %q: %v", want, err)
		}
	}
	got := fmt.Sprintf("%d %s", code, text)
	if !strings.HasPrefix(got, want) {
		p.t.Fatalf("reply: got %q, want %q", got, want)
	}
	return got
}

func (p *postfix) hello() string {
	p.t.Helper()
	p.want("220 ")
	p.say("LHLO host.example")
	return p.want("250 ")
}

func TestDelivery(t *testing.T) {
	r := newRelay(t)
	p := r.start(t)
	offered := p.hello()
	for _, want := range []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"} {
		if !strings.Contains(offered, want) {
			t.Errorf("LHLO: got %q, want %s in it", offered, want)
		}
	}
	for n := 1; n <= 3; n++ {
		p.say("MAIL FROM:<app@contoso.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=q1", "RCPT TO:<a@example.net> NOTIFY=FAILURE ORCPT=rfc822;a@example.net", "RCPT TO:<b@example.net>", "DATA")
		p.want("250 2.1.0")
		p.want("250 2.1.5")
		p.want("250 2.1.5")
		p.want("354")
		p.say(fmt.Sprintf("Subject: %d", n), "", "..", "...two", "line with ü", "end", ".")
		for range 2 {
			p.want("250 2.0.0")
		}
	}
	p.say("QUIT")
	p.want("221")
	if err := <-p.done; err != nil {
		t.Errorf("Serve: got %v, want no error", err)
	}
	box := r.Mailbox()
	if len(box) != 3 {
		t.Fatalf("messages: got %d, want 3", len(box))
	}
	if got, want := string(box[2].Data), "Subject: 3\r\n\r\n.\r\n..two\r\nline with ü\r\nend\r\n"; got != want {
		t.Errorf("message: got %q, want %q", got, want)
	}
	if got, want := box[0].To, []string{"a@example.net", "b@example.net"}; !slices.Equal(got, want) {
		t.Errorf("recipients: got %v, want %v", got, want)
	}
	counters := r.Counters()
	if counters.Logins != 1 {
		t.Errorf("logins: got %d, want 1 for three messages", counters.Logins)
	}
	session := r.Sessions()[0]
	for end := time.Now().Add(5 * time.Second); !session.Quit && time.Now().Before(end); session = r.Sessions()[0] {
		time.Sleep(time.Millisecond) // the relay reads QUIT after the bridge has ended
	}
	if !session.Quit || session.AuthBeforeTLS {
		t.Errorf("session: got quit %v, AUTH before TLS %v, want a good-bye and no login in clear", session.Quit, session.AuthBeforeTLS)
	}
}

// TestReplies: every reply comes through as it is, at the command that it is for.
func TestReplies(t *testing.T) {
	r := newRelay(t, func(c *smtpd.Config) {
		c.Sender = func(from string) *smtpd.Reply {
			if strings.HasPrefix(from, "other@") {
				return &smtpd.Reply{Code: 550, Enhanced: "5.7.60", Text: "SMTP; Client does not have permissions to send as this sender"}
			}
			return nil
		}
		c.Recipient = func(_, to string) *smtpd.Reply {
			switch {
			case strings.HasPrefix(to, "nobody@"):
				return &smtpd.Reply{Code: 550, Enhanced: "5.1.10", Text: "RESOLVER.ADR.RecipientNotFound; not found\nsecond line"}
			case strings.HasPrefix(to, "later@"):
				return &smtpd.Reply{Code: 451, Enhanced: "4.7.500", Text: "Server busy"}
			}
			return nil
		}
		c.Message = func(e smtpd.Envelope) *smtpd.Reply {
			if bytes.Contains(e.Data, []byte("sendas")) {
				return &smtpd.Reply{Code: 554, Enhanced: "5.2.252", Text: "SendAsDenied; app@contoso.example not allowed to send as other"}
			}
			return nil
		}
	})
	p := r.start(t)
	p.hello()
	p.say("MAIL FROM:<other@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
	p.want("550 5.7.60 SMTP; Client does not have permissions")
	p.want("50") // no MAIL before
	p.want("50")
	p.say("RSET")
	p.want("250")

	p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<nobody@example.net>", "RCPT TO:<a@example.net>", "RCPT TO:<later@example.net>", "DATA")
	p.want("250")
	if got := p.want("550 5.1.10 RESOLVER.ADR"); !strings.Contains(got, "\n5.1.10 second line") {
		t.Errorf("reply: got %q, want both lines", got)
	}
	p.want("250")
	p.want("451 4.7.500 Server busy")
	p.want("354")
	p.say("hello", ".")
	p.want("250 2.0.0 Ok: queued as")

	p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("354")
	p.say("sendas", ".")
	p.want("554 5.2.252 SendAsDenied")

	p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<nobody@example.net>", "DATA")
	p.want("250")
	p.want("550 5.1.10")
	p.want("5") // no recipient
	p.say("RSET", "MAIL FROM:<>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("250")
	p.want("354")
	p.say("bounce", ".")
	p.want("250")
	if got := len(r.Mailbox()); got != 2 {
		t.Errorf("messages: got %d, want 2", got)
	}
	if got := r.Counters().Logins; got != 1 {
		t.Errorf("logins: got %d, want 1", got)
	}
}

// TestUnavailable: Postfix is told in words why the bridge cannot go on.
func TestUnavailable(t *testing.T) {
	for _, row := range []struct {
		name   string
		relay  func(*smtpd.Config)
		server func(*bridge.Server)
		deps   func(*bridge.Deps)
		want   string
	}{
		{"SMTP AUTH is off", func(c *smtpd.Config) {
			c.Token = func(string, string) *smtpd.Reply {
				return &smtpd.Reply{Code: 535, Enhanced: "5.7.139", Text: "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."}
			}
		}, nil, nil, "421 4.7.8 relayhost: relay.example[127.0.0.1]:%d: said: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."},
		{"Google's refusal", func(c *smtpd.Config) {
			c.TokenChallenge = `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`
			c.Token = func(string, string) *smtpd.Reply {
				return &smtpd.Reply{Code: 535, Enhanced: "5.7.8", Text: "Username and Password not accepted."}
			}
		}, nil, nil, "421 4.7.8 relayhost: relay.example[127.0.0.1]:%d: said: 535 5.7.8 Username and Password not accepted."},
		{"PRX4", func(c *smtpd.Config) {
			c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepAuth: {Code: 451, Enhanced: "4.7.0", Text: "Temporary server error. Please try again later. PRX4"}}
		}, nil, nil, "421 4.7.8 relayhost: relay.example[127.0.0.1]:%d: said: 451 4.7.0 Temporary server error. Please try again later. PRX4"},
		{"a token that ends soon", func(c *smtpd.Config) {
			c.Token = func(string, string) *smtpd.Reply {
				return &smtpd.Reply{Code: 501, Enhanced: "5.5.127", Text: "Access token is about to expire"}
			}
		}, nil, nil, "421 4.7.8 relayhost: relay.example[127.0.0.1]:%d: said: 501 5.5.127 Access token is about to expire"},
		{"a token of another user", nil, func(s *bridge.Server) { s.Username = "other@contoso.example" }, nil,
			"421 4.7.8 relayhost: relay.example[127.0.0.1]:%d: said: 535 5.7.3 Authentication unsuccessful"},
		{"no XOAUTH2", func(c *smtpd.Config) { c.Mechanisms = []string{"LOGIN"}; c.Token = nil }, nil, nil, "421 4.7.8 relayhost:"},
		{"no STARTTLS", func(c *smtpd.Config) { c.NoSTARTTLS = true }, nil, nil, "421 4.7.5 relayhost:"},
		{"wrong name", nil, func(s *bridge.Server) { s.Host = "other.example" }, nil, "421 4.7.5 relayhost: other.example[127.0.0.1]:%d: the certificate is for relay.example, not for other.example"},
		{"untrusted", nil, func(s *bridge.Server) { s.Roots = nil }, nil, "421 4.7.5 relayhost:"},
		{"nobody there", nil, func(s *bridge.Server) { s.Port = 1 }, nil, "421 4.4.1 relayhost:"},
		{"revoked", nil, nil, func(d *bridge.Deps) { d.Token = refusing }, "421 4.7.8 relayhost: the sign-in at login.microsoftonline.com is no longer valid (invalid_grant: AADSTS50173"},
		{"no address", nil, nil, func(d *bridge.Deps) {
			d.Resolve = func(context.Context, string) ([]netip.Addr, error) { return nil, nil }
		}, "421 4.4.1 relayhost: look up relay.example: no address"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var change []func(*smtpd.Config)
			if row.relay != nil {
				change = append(change, row.relay)
			}
			r := newRelay(t, change...)
			server, deps := r.server(), r.deps(t)
			if row.server != nil {
				row.server(&server)
			}
			if row.deps != nil {
				row.deps(&deps)
			}
			p := start(t, func(ctx context.Context) (bridge.Hop, error) {
				hop, err := bridge.Connect(ctx, server, deps)
				if err != nil {
					return nil, err
				}
				return hop, nil
			})
			want := row.want
			if strings.Contains(want, "%d") {
				want = fmt.Sprintf(want, server.Port)
			}
			p.want(want)
			if err := <-p.done; err == nil {
				t.Error("Serve: got no error, want one")
			}
			for _, s := range r.Sessions() {
				if s.Messages > 0 || s.AuthBeforeTLS {
					t.Errorf("session: got %+v, want no message and no login in clear", s)
				}
			}
		})
	}
}

// TestHangUp: a connection that Postfix ends between two commands is no fault, which
// spawn(8) would log of each; one that ends in the middle of a command is.
func TestHangUp(t *testing.T) {
	for _, row := range []struct {
		name, last string
		fault      bool
	}{{"between commands", "", false}, {"in a command", "MAIL FROM:<app@contoso", true}} {
		t.Run(row.name, func(t *testing.T) {
			p := newRelay(t).start(t)
			p.hello()
			if _, err := io.WriteString(p.conn, row.last); err != nil {
				t.Fatal(err)
			}
			_ = p.conn.Close()
			if err := <-p.done; (err != nil) != row.fault {
				t.Errorf("after %q: got %v, want a fault: %t", row.last, err, row.fault)
			}
		})
	}
}

// TestTokenReplaced: a token that was revoked before its end is replaced once.
func TestTokenReplaced(t *testing.T) {
	r := newRelay(t)
	r.valid = "token-2"
	p := r.start(t)
	p.hello()
	p.say("QUIT")
	p.want("221")
	if r.asked != 2 {
		t.Errorf("tokens asked for: got %d, want 2", r.asked)
	}
}

// TestReconnect: a connection that the server ended between two messages is made
// again, and no message is lost or sent twice.
func TestReconnect(t *testing.T) {
	r := newRelay(t, func(c *smtpd.Config) { c.MessagesPerConnection = 2 })
	p := r.start(t)
	p.hello()
	for range 5 {
		p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
		p.want("250")
		p.want("250")
		p.want("354")
		p.say("hello", ".")
		p.want("250")
	}
	if got := len(r.Mailbox()); got != 5 {
		t.Errorf("messages: got %d, want 5", got)
	}
	if got := len(r.Sessions()); got != 3 {
		t.Errorf("connections: got %d, want 3", got)
	}
}

// TestConnections: the limit of connections holds over processes.
func TestConnections(t *testing.T) {
	r := newRelay(t)
	server, deps := r.server(), r.deps(t)
	server.Connections = 2
	var open []bridge.Hop
	for range 2 {
		hop, err := bridge.Connect(t.Context(), server, deps)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, hop)
	}
	brief, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := bridge.Connect(brief, server, deps)
	if got, want := bridge.Unavailable(err).Text(), "4.3.2 relayhost: relay.example: all 2 connections are in use"; got != want {
		t.Errorf("third: got %q, want %q", got, want)
	}
	time.AfterFunc(100*time.Millisecond, open[0].Close)
	hop, err := bridge.Connect(t.Context(), server, deps)
	if err != nil {
		t.Fatalf("Connect after one was closed: got %v, want no error", err)
	}
	hop.Close()
	open[1].Close()
}

// TestMessageEndsHalfWay: what Postfix did not finish is not taken for a message.
func TestMessageEndsHalfWay(t *testing.T) {
	r := newRelay(t)
	p := r.start(t)
	p.hello()
	p.say("MAIL FROM:<app@contoso.example>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("354")
	p.say("Subject: half")
	_ = p.conn.Close()
	if err := <-p.done; err == nil {
		t.Error("Serve of half a message: got no error, want one")
	}
	if got := len(r.Mailbox()); got != 0 {
		t.Errorf("messages: got %d, want 0", got)
	}
}

// TestHostileInput: lines that Postfix would not send end in an error reply, not in
// a command of somebody's choice.
func TestHostileInput(t *testing.T) {
	r := newRelay(t)
	p := r.start(t)
	p.hello()
	for _, line := range []string{
		"MAIL FROM:a@b", "MAIL FROM:<a@b", "MAIL FROM:<a@b>RCPT TO:<c@d>", "RCPT TO:<>", "MAIL FROM:<a\x01@b>", "DATA now", "RCPT TO:<a@b>\x00X",
	} {
		p.say(line)
		p.want("501")
	}
	p.say("EHLO x", "HELP")
	p.want("500")
	p.want("500")
	p.say(strings.Repeat("x", 5000))
	if err := <-p.done; err == nil {
		t.Error("Serve of a line of 5,000 bytes: got no error, want one")
	}
	if got := r.Sessions()[0].Count("MAIL"); got != 0 {
		t.Errorf("MAIL at the relay: got %d, want 0", got)
	}
}

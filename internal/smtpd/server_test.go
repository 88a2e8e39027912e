package smtpd

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"relayhost/internal/secret"
)

const (
	user = "apikey"
	pass = "SG.correct-horse"
)

// service starts a server on loopback and returns it with its two addresses.
func service(t *testing.T, cfg Config) (s *Server, submission, submissions string) {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = ServerTLS(certificate(t, "relay.test"))
	}
	cfg.Name = "relay.test"
	cfg.Accounts = []Account{{Username: user, Password: secret.New(pass)}}
	s = New(cfg)
	var addrs [2]string
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs[i] = l.Addr().String()
		s.Start(l, i == 1)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: got %v, want no error", err)
		}
	})
	return s, addrs[0], addrs[1]
}

// A service that is closed before it has begun to serve ends all the same.
func TestCloseAtOnce(t *testing.T) {
	for range 200 {
		s := New(Config{})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Start(l, false)
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("Close right after Start: got no end within 20 s, want one")
		}
	}
}

var testCA = func() *CA {
	ca, err := NewCA()
	if err != nil {
		panic(err)
	}
	return ca
}()

func certificate(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	cert, err := testCA.Issue(names...)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// client is a small SMTP client that shows every reply.
type client struct {
	testing.TB
	conn net.Conn
	*textproto.Conn
}

func dial(t *testing.T, addr string, implicit bool) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := &client{TB: t, conn: conn}
	if implicit {
		c.secure()
	} else {
		c.Conn = textproto.NewConn(conn)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

func (c *client) secure() {
	c.Helper()
	t := tls.Client(c.conn, &tls.Config{RootCAs: testCA.Pool(), ServerName: "relay.test", MinVersion: tls.VersionTLS12})
	if err := t.Handshake(); err != nil {
		c.Fatalf("handshake: got %v, want no error", err)
	}
	c.conn, c.Conn = t, textproto.NewConn(t)
}

// want reads a reply, which must begin with text.
func (c *client) want(text string) string {
	c.Helper()
	code, msg, err := c.ReadResponse(0)
	got := fmt.Sprintf("%d %s", code, msg)
	if err != nil && code == 0 || !strings.HasPrefix(got, text) {
		c.Fatalf("reply %q (%v), want %q", got, err, text)
	}
	return got
}

// say sends lines together, as a client that pipelines does.
func (c *client) say(lines ...string) {
	c.Helper()
	if _, err := io.WriteString(c.conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		c.Fatal(err)
	}
}

// ask sends one line and wants a reply.
func (c *client) ask(line, reply string) string {
	c.Helper()
	c.say(line)
	return c.want(reply)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func plain(user, pass string) string { return "AUTH PLAIN " + b64("\x00"+user+"\x00"+pass) }

// loggedIn is a client on implicit TLS after AUTH.
func loggedIn(t *testing.T, addr string) *client {
	t.Helper()
	c := dial(t, addr, true)
	c.want("220 ")
	c.ask("EHLO host.test", "250 ")
	c.ask(plain(user, pass), "235 ")
	return c
}

func send(c *client, from, to, body string) {
	c.Helper()
	c.ask("MAIL FROM:<"+from+">", "250 2.1.0")
	c.ask("RCPT TO:<"+to+">", "250 2.1.5")
	c.ask("DATA", "354 ")
	c.ask(body+"\r\n.", "250 2.0.0 Ok: queued as ")
}

func TestSTARTTLSAndPlain(t *testing.T) {
	s, addr, _ := service(t, Config{MaxBytes: 1000})
	c := dial(t, addr, false)
	c.want("220 relay.test ESMTP")
	before := c.ask("EHLO host.test", "250 relay.test\n")
	if !strings.Contains(before, "STARTTLS") || strings.Contains(before, "AUTH") || !strings.Contains(before, "SIZE 1000") {
		t.Errorf("EHLO before TLS: got %q, want %q in it and no %q in it and %q in it", before, "STARTTLS", "AUTH", "SIZE 1000")
	}
	c.ask("STARTTLS", "220 2.0.0")
	c.secure()
	c.ask("MAIL FROM:<a@example.com>", "503 5.5.1") // what was said before TLS is forgotten
	after := c.ask("EHLO host.test", "250 relay.test\n")
	if strings.Contains(after, "STARTTLS") || !strings.Contains(after, "AUTH PLAIN LOGIN") {
		t.Errorf("EHLO after TLS: got %q, want no %q in it and %q in it", after, "STARTTLS", "AUTH PLAIN LOGIN")
	}
	c.ask("MAIL FROM:<a@example.com>", "530 5.7.0 Authentication required")
	c.ask(plain(user, pass), "235 ")
	c.say("MAIL FROM:<a@example.com> SIZE=20", "RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>", "DATA")
	for _, code := range []string{"250 2.1.0", "250 2.1.5", "250 2.1.5", "354"} {
		c.want(code)
	}
	c.say("Subject: x", "", "..dot", "AUTH LOGIN", ".", "QUIT")
	c.want("250 2.0.0 Ok: queued as 00000001")
	c.want("221 ")

	box := s.Mailbox()
	if len(box) != 1 {
		t.Fatalf("got %d messages, want 1", len(box))
	}
	if m := box[0]; m.From != "a@example.com" || strings.Join(m.To, " ") != "b@example.net c@example.net" ||
		string(m.Data) != "Subject: x\r\n\r\n.dot\r\nAUTH LOGIN\r\n" || m.Reply != "Ok: queued as 00000001" || m.Session.ID != 1 || m.Session.Username != user || m.Session.Messages != 1 {
		t.Errorf("message: got %s to %s: %q, reply %q, session %+v\n"+
			"want a@example.com to [b@example.net c@example.net]: %q, reply %q, session 1 of %s with 1 message",
			m.From, m.To, m.Data, m.Reply, m.Session, "Subject: x\r\n\r\n.dot\r\nAUTH LOGIN\r\n", "Ok: queued as 00000001", user)
	}
	r := s.Sessions()[0]
	want := "EHLO STARTTLS MAIL EHLO MAIL AUTH MAIL RCPT RCPT DATA QUIT"
	if got := strings.Join(r.Commands, " "); got != want {
		t.Errorf("commands %s, want %s", got, want)
	}
	if r.TLSVersion != "TLS 1.3" || r.SNI != "relay.test" || r.HELO != "host.test" || r.Username != user || !r.Authenticated ||
		r.AuthBeforeTLS || !r.Quit || r.Messages != 1 || strings.Join(r.Mechanisms, " ") != "PLAIN" || r.Count("RCPT") != 2 {
		t.Errorf("session: got %+v\n"+
			"want TLS 1.3, SNI relay.test, HELO host.test, a login of %s by PLAIN and none before TLS, QUIT, 1 message and 2 RCPT", r, user)
	}
	if n := s.Counters(); n.Connections != 1 || n.Handshakes != 1 || n.Logins != 1 || n.Messages != 1 {
		t.Errorf("counters: got %+v, want 1 connection, 1 handshake, 1 login and 1 message", n)
	}
}

func TestImplicitTLSAndLogin(t *testing.T) {
	for _, initial := range []bool{false, true} {
		t.Run(fmt.Sprintf("initial response %v", initial), func(t *testing.T) {
			s, _, addr := service(t, Config{Mechanisms: []string{"LOGIN"}})
			c := dial(t, addr, true)
			c.want("220 ")
			if got := c.ask("EHLO h", "250 "); !strings.HasSuffix(got, "AUTH LOGIN") {
				t.Errorf("EHLO: got %q, want %q at its end", got, "AUTH LOGIN")
			}
			c.ask(plain(user, pass), "504 ")
			if initial {
				c.ask("AUTH LOGIN "+b64(user), "334 "+b64("Password:"))
			} else {
				c.ask("AUTH LOGIN", "334 "+b64("Username:"))
				c.ask(b64(user), "334 "+b64("Password:"))
			}
			c.ask(b64(pass), "235 ")
			send(c, "a@example.com", "b@example.net", "hello")
			c.ask("QUIT", "221 ")
			r := s.Sessions()[0]
			// The answers to challenges are no commands, and are not kept.
			if strings.Contains(strings.Join(r.Commands, " "), b64(pass)) || r.Count("AUTH") != 2 || r.Username != user || !r.Implicit {
				t.Errorf("session with an initial response %v: got %d AUTH, user name %q, implicit TLS %v; want 2, %q, true, and no password among the commands",
					initial, r.Count("AUTH"), r.Username, r.Implicit, user)
			}
		})
	}
}

func TestCredentialsNeverPrint(t *testing.T) {
	s, _, addr := service(t, Config{})
	c := loggedIn(t, addr)
	c.ask("QUIT", "221 ")
	out := fmt.Sprintf("%v %+v %#v %+v", s.Sessions(), s.config(), s.config(), s.Counters())
	for form, word := range []string{pass, b64(pass), b64("\x00" + user + "\x00" + pass)} {
		if strings.Contains(out, word) {
			t.Errorf("sessions, configuration and counters: got the password in them (0 plain, 1 base64, 2 as AUTH PLAIN: %d), want none of it", form)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	s, _, addr := service(t, Config{})
	c := dial(t, addr, true)
	c.want("220 ")
	c.ask("EHLO h", "250 ")
	c.ask(plain(user, "wrong"), "535 5.7.8")
	c.ask(plain("other", pass), "535 5.7.8")
	c.ask("MAIL FROM:<a@example.com>", "530 ")
	c.ask(plain(user, pass), "235 ")
	if n := s.Counters(); n.Refusals != 2 || n.Logins != 1 {
		t.Errorf("counters: got %+v, want 2 refusals and 1 login", n)
	}
}

func TestPlainTextConnection(t *testing.T) {
	s, addr, _ := service(t, Config{})
	c := dial(t, addr, false)
	c.want("220 ")
	c.ask("EHLO h", "250 ")
	c.ask("MAIL FROM:<a@example.com>", "530 5.7.0 Must issue a STARTTLS command first")
	c.ask(plain(user, pass), "530 5.7.0 Must issue a STARTTLS command first")
	c.say("STARTTLS", "MAIL FROM:<injected@example.com>")
	c.want("220 ")
	c.secure()
	c.ask("EHLO h", "250 ")
	r := s.Sessions()[0]
	if !r.AuthBeforeTLS || r.Authenticated || r.Injected != len("MAIL FROM:<injected@example.com>\r\n") || r.Count("MAIL") != 1 {
		t.Errorf("session with STARTTLS: got %+v, want AUTH before TLS, no login, %d bytes injected and 1 MAIL",
			r, len("MAIL FROM:<injected@example.com>\r\n"))
	}

	s.Configure(func(c *Config) { c.AuthWithoutTLS = true; c.NoSTARTTLS = true })
	c = dial(t, addr, false)
	c.want("220 ")
	if got := c.ask("EHLO h", "250 "); strings.Contains(got, "STARTTLS") || !strings.Contains(got, "AUTH") {
		t.Errorf("EHLO: got %q, want no %q in it and %q in it", got, "STARTTLS", "AUTH")
	}
	c.ask("STARTTLS", "502 ")
	c.ask(plain(user, pass), "235 ")
	if r := s.Sessions()[1]; !r.AuthBeforeTLS || !r.Authenticated || r.TLSVersion != "" {
		t.Errorf("session without STARTTLS: got %+v, want AUTH before TLS, a login and no TLS version", r)
	}
}

func TestRepliesAtEachStep(t *testing.T) {
	steps := []Step{StepGreeting, StepEHLO, StepSTARTTLS, StepAuth, StepMail, StepRcpt, StepData, StepMessage}
	dialogue := func(c *client) (Step, string) {
		read := func(step Step) (Step, string, bool) {
			code, msg, err := c.ReadResponse(0)
			if code == 0 {
				return step, err.Error(), false
			}
			return step, fmt.Sprintf("%d %s", code, msg), code < 400
		}
		lines := map[Step]string{
			StepEHLO: "EHLO h", StepSTARTTLS: "STARTTLS", StepAuth: plain(user, pass), StepMail: "MAIL FROM:<a@example.com>",
			StepRcpt: "RCPT TO:<b@example.net>", StepData: "DATA", StepMessage: "x\r\n.",
		}
		for _, step := range steps {
			if line := lines[step]; line != "" {
				c.say(line)
			}
			if at, got, ok := read(step); !ok {
				return at, got
			}
			if step == StepSTARTTLS {
				c.secure()
				c.ask("EHLO h", "250 ")
			}
		}
		return "", ""
	}
	replies := []struct {
		reply Reply
		want  string
	}{
		{Reply{Code: 454, Enhanced: "4.7.0", Text: "Throttling failure: daily quota exceeded."}, "454 4.7.0 Throttling failure: daily quota exceeded."},
		{Reply{Code: 554, Text: "one\ntwo"}, "554 one\ntwo"},
		{Reply{Code: 421, Text: "go away"}, "421 go away"},
		{Reply{}, "EOF"},
	}
	for _, step := range steps {
		for _, tt := range replies {
			t.Run(fmt.Sprintf("%s/%d", step, tt.reply.Code), func(t *testing.T) {
				s, addr, _ := service(t, Config{Replies: map[Step]Reply{step: tt.reply}})
				c := dial(t, addr, false)
				at, got := dialogue(c)
				if at != step || got != tt.want {
					t.Errorf("refused at %q with %q, want %q with %q", at, got, step, tt.want)
				}
				if c.say("NOOP"); tt.reply.Code == 421 {
					if _, err := c.ReadLine(); err == nil {
						t.Error("NOOP after 421: got a reply, want the connection closed")
					}
				}
				if n := len(s.Mailbox()); n != 0 {
					t.Errorf("got %d messages taken, want 0", n)
				}
			})
		}
	}
}

func TestServiceRefusals(t *testing.T) {
	unverified := Reply{Code: 554, Text: "Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: root@host"}
	s, _, addr := service(t, Config{
		Sender: func(from string) *Reply {
			if !strings.HasSuffix(from, "@example.com") {
				return &Reply{Code: 501, Enhanced: "5.1.7", Text: "Invalid MAIL FROM address provided"}
			}
			return nil
		},
		Recipient: func(_, to string) *Reply {
			if to == "nobody@example.net" {
				return &Reply{Code: 550, Enhanced: "5.1.1", Text: "No such user"}
			}
			return nil
		},
		Message: func(e Envelope) *Reply {
			if strings.Contains(string(e.Data), "From: root@host") && e.Username == user {
				return &unverified
			}
			return nil
		},
		Accepted: func(n int) Reply { return Reply{Code: 250, Text: fmt.Sprintf("Ok 0100018c-%d", n)} },
	})
	c := loggedIn(t, addr)
	c.ask("MAIL FROM:<root@host>", "501 5.1.7")
	c.ask("RCPT TO:<x@example.net>", "502 ")
	c.ask("MAIL FROM:<a@example.com>", "250 ")
	c.ask("RCPT TO:<nobody@example.net>", "550 5.1.1")
	c.ask("DATA", "502 ")
	c.ask("RCPT TO:<x@example.net>", "250 ")
	c.ask("DATA", "354 ")
	c.ask("From: root@host\r\n\r\nx\r\n.", "554 "+unverified.Text)
	c.ask("MAIL FROM:<a@example.com>", "250 ")
	c.ask("RCPT TO:<x@example.net>", "250 ")
	c.ask("DATA", "354 ")
	c.ask("From: a@example.com\r\n\r\nx\r\n.", "250 Ok 0100018c-1")
	if box := s.Mailbox(); len(box) != 1 || box[0].Reply != "Ok 0100018c-1" {
		t.Errorf("mailbox: got %+v, want one message with the reply %q", box, "Ok 0100018c-1")
	}
}

func TestLimits(t *testing.T) {
	s, _, addr := service(t, Config{MaxBytes: 100, MaxRecipients: 1, MaxConnections: 1, MessagesPerConnection: 2, Extensions: []string{"8BITMIME"}})
	c := loggedIn(t, addr)
	if got := c.ask("EHLO h", "250 "); strings.Contains(got, "PIPELINING") {
		t.Errorf("PIPELINING offered: got %q, want no %q in it", got, "PIPELINING")
	}
	c.ask("MAIL FROM:<a@example.com> SIZE=101", "552 5.3.4")
	c.ask("MAIL FROM:<a@example.com>", "250 ")
	c.ask("RCPT TO:<b@example.net>", "250 ")
	c.ask("RCPT TO:<c@example.net>", "452 4.5.3")
	c.ask("DATA", "354 ")
	c.ask(strings.Repeat("x", 200)+"\r\n.", "552 5.3.4")

	second := dial(t, addr, true)
	second.want("421 4.7.0 Too many concurrent connections")

	send(c, "a@example.com", "b@example.net", "one")
	send(c, "a@example.com", "b@example.net", "two")
	c.ask("MAIL FROM:<a@example.com>", "421 4.7.0")
	if _, err := c.ReadLine(); !errors.Is(err, io.EOF) {
		t.Errorf("after 421: got %v, want %v", err, io.EOF)
	}
	if n := s.Counters(); n.Connections != 2 || n.MostOpen != 2 || n.Messages != 2 {
		t.Errorf("counters: got %+v, want Connections 2, MostOpen 2 and Messages 2", n)
	}
	if r := s.Sessions(); !r[1].Refused || r[0].Messages != 2 {
		t.Errorf("sessions: got %+v, want 2 messages in the first and the second refused", r)
	}
}

func TestRecipientsPerConnection(t *testing.T) {
	s, _, addr := service(t, Config{RecipientsPerConnection: 2})
	c := loggedIn(t, addr)
	send(c, "a@example.com", "b@example.net", "one")
	c.ask("MAIL FROM:<a@example.com>", "250 ")
	c.ask("RCPT TO:<c@example.net>", "250 ")
	c.ask("RCPT TO:<d@example.net>", "452 4.5.3")
	if got := s.Sessions()[0].Recipients; got != 2 {
		t.Errorf("got %d recipients in the record, want 2", got)
	}
}

func TestUntrustedClientHandshake(t *testing.T) {
	s, _, addr := service(t, Config{})
	_, err := tls.Dial("tcp", addr, &tls.Config{ServerName: "other.test", RootCAs: testCA.Pool()})
	if err == nil {
		t.Fatal("handshake for another name than the certificate's: got no error, want one")
	}
	deadline := time.Now().Add(5 * time.Second)
	for s.Sessions()[0].Ended.IsZero() && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if r := s.Sessions()[0]; r.SNI != "other.test" || len(r.Commands) != 0 || r.Authenticated {
		t.Errorf("session: got %+v, want SNI other.test, no command and no login", r)
	}
}

func TestWaitMessage(t *testing.T) {
	s, _, addr := service(t, Config{Delays: map[Step]time.Duration{StepMessage: 30 * time.Millisecond}})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	go func() {
		c := loggedIn(t, addr)
		send(c, "a@example.com", "b@example.net", "one")
		send(c, "a@example.com", "b@example.net", "two")
	}()
	for _, want := range []string{"one\r\n", "two\r\n"} {
		m, err := s.WaitMessage(ctx)
		if err != nil || string(m.Data) != want {
			t.Fatalf("got %q, %v; want %q", m.Data, err, want)
		}
	}
	short, stop := context.WithTimeout(ctx, 20*time.Millisecond)
	defer stop()
	if _, err := s.WaitMessage(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("third message: got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestCloseEndsConnections(t *testing.T) {
	s, addr, _ := service(t, Config{Delays: map[Step]time.Duration{StepEHLO: time.Hour}})
	c := dial(t, addr, false)
	c.want("220 ")
	c.say("EHLO h")
	done := make(chan error, 1)
	go func() { done <- s.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Close with an open connection: got no end within 5 s, want one")
	}
	if n := s.Counters(); n.Open != 0 {
		t.Errorf("got %d connections open, want 0", n.Open)
	}
}

func TestMailExchanger(t *testing.T) {
	cert := certificate(t, "relay.test")
	s := New(Config{Name: "mx.test", Greeting: "mx.test ESMTP ready", TLS: ServerTLS(cert), NoAuth: true})
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Start(l, false)
	c := dial(t, l.Addr().String(), false)
	c.want("220 mx.test ESMTP ready")
	if got := c.ask("EHLO h", "250 mx.test"); strings.Contains(got, "AUTH") || !strings.Contains(got, "STARTTLS") {
		t.Errorf("EHLO: got %q, want no %q in it and %q in it", got, "AUTH", "STARTTLS")
	}
	send(c, "a@example.com", "b@example.net", "one")
}

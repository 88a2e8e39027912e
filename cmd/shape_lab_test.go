//go:build lab

package cmd_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// waiting sends n messages that the relay defers, and then has it take mail.
func waiting(t *testing.T, l *lab.Lab, relay *lab.RelayService, prefix string, n int) (to []string) {
	t.Helper()
	relay.Configure(func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepRcpt: {Code: 450, Enhanced: "4.3.2", Text: "later"}}
	})
	for i := range n {
		to = append(to, fmt.Sprintf("%s%d@example.net", prefix, i))
		l.Server.SendMail("app@example.com", to[i], "hello")
		l.Server.WaitLog(`to=<` + to[i] + `>, .*status=deferred`)
	}
	relay.Configure(func(c *smtpd.Config) { c.Replies = nil })
	return to
}

// flushed sends the queue until nothing is left of it, and gives how often each of
// to came to the services.
func flushed(t *testing.T, l *lab.Lab, to []string, services ...*lab.RelayService) map[string]int {
	t.Helper()
	came := map[string]int{}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		l.Server.Shell("postqueue -f")
		clear(came)
		for _, service := range services {
			for _, m := range service.Mailbox() {
				came[m.To[0]]++
			}
		}
		if !slices.ContainsFunc(to, func(one string) bool { return came[one] == 0 }) {
			break
		}
	}
	for _, one := range to {
		if came[one] != 1 {
			t.Errorf("%s came %d times, want once\n%s", one, came[one], l.Server.Queue())
		}
	}
	return came
}

// TestLabQueueThroughChanges: mail waits in the queue while setup goes from port 587 to
// 465, and while rollbacks restore first that and then the relayhost that was there before
// us: each time it leaves by the way that holds then, once, and none bounces.
func TestLabQueueThroughChanges(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.Port25(lab.Reset), lab.Relay("sendgrid"), lab.Relay("postmark"))
	s, relay, former := l.Server, l.World.Relay("sendgrid"), l.World.Relay("postmark")
	s.WriteFile("/etc/postfix/old_passwd", fmt.Sprintf("[smtp.postmarkapp.com]:587 %s:%s\n", former.Username, former.Password), 0o600)
	s.Shell(`postmap hash:/etc/postfix/old_passwd
		postconf -e 'relayhost = [smtp.postmarkapp.com]:587' smtp_sasl_auth_enable=yes smtp_sasl_password_maps=hash:/etc/postfix/old_passwd \
			smtp_sasl_security_options=noanonymous smtp_tls_security_level=encrypt
		postconf -F smtp/unix/chroot=n`)
	s.StartPostfix()
	credentials(l, "sendgrid", "")
	setup := func(port string) {
		t.Helper()
		if r := l.Run(setupArgs(five[1], "--port", port, "--no-probe")...); r.Code != 0 {
			t.Fatalf("port %s: want exit code 0, got %s\n%s", port, r, s.MailLog())
		}
	}
	at := func(to []string, port string) {
		t.Helper()
		for _, m := range relay.Mailbox() {
			if slices.Contains(to, m.To[0]) && (!strings.HasSuffix(m.Session.Local, ":"+port) || m.Session.TLSVersion == "" || m.Session.AuthBeforeTLS) {
				t.Errorf("%s came by %+v, want port %s", m.To[0], m.Session, port)
			}
		}
	}
	const n = 5
	setup("587")
	first := waiting(t, l, relay, "first", n)
	setup("465")
	flushed(t, l, first, relay)
	at(first, "465")
	second := waiting(t, l, relay, "second", n)
	if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", r)
	}
	flushed(t, l, second, relay)
	at(second, "587")
	third := waiting(t, l, relay, "third", n)
	if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", r)
	}
	if services := s.Shell("postconf -M; postconf -n"); strings.Contains(services, "relayhost-") {
		t.Errorf("services of ours are left: got\n%s\nwant no %q in it", services, "relayhost-")
	}
	flushed(t, l, third, former)
	if log := s.MailLog(); strings.Contains(log, "status=bounced") || strings.Contains(log, "fatal:") {
		t.Errorf("bounced, or a service has died: got\n%s\nwant no %q in it and no %q in it", log, "status=bounced", "fatal:")
	}
}

// TestLabDelayNotice: setup switches the notice of waiting mail on. With an account fault
// at the relay, root, whose message waits, has the notice in its mailbox on this server,
// with the relay's words.
func TestLabDelayNotice(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Relay("sendgrid"), lab.Postfix())
	s, relay := l.Server, l.World.Relay("sendgrid")
	credentials(l, "sendgrid", "")
	res := l.Run(setupArgs(five[1], "--port", "587", "--no-probe")...)
	if res.Code != 0 || !strings.Contains(res.Stdout, "delay_warning_time = 4h is set") {
		t.Fatalf("setup: want exit code 0 and %q in stdout, got %s\n%s", "delay_warning_time = 4h is set", res, s.MailLog())
	}
	if got := strings.TrimSpace(s.Shell("postconf -h delay_warning_time")); got != "4h" {
		t.Errorf("delay_warning_time is %s, want 4h", got)
	}
	s.Shell("postconf -e delay_warning_time=1s && postfix reload") // nobody waits for four hours here
	relay.Configure(func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepMessage: {Code: 550, Text: "Unauthenticated senders not allowed: the account is suspended for maximum credits exceeded"},
			smtpd.StepMail: {Code: 530, Enhanced: "5.7.0", Text: "Authentication required"}}
	})
	s.SendMail("root@host.example.com", "ops@example.net", "an alarm")
	s.WaitLog(`to=<ops@example\.net>, .*status=deferred`)
	var notice string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && notice == ""; time.Sleep(500 * time.Millisecond) {
		s.Shell("postqueue -f")
		notice = s.Shell("cat /var/mail/root /var/mail/nobody 2>/dev/null || true")
	}
	for _, want := range []string{"Subject: Delayed Mail (still being retried)", "ops@example.net", "Authentication required"} {
		if !strings.Contains(notice, want) {
			t.Errorf("root's mailbox: want %q in\n%s\n%s", want, notice, s.MailLog())
		}
	}
	if n := len(relay.Mailbox()); n != 2 {
		t.Errorf("%d messages at the relay, want the two of setup", n)
	}
}

// TestLabPinOnImplicitTLS: a pinned certificate on a port with implicit TLS goes through
// setup, a message that asks for no TLS, verify and rollback; another pin gets no login.
func TestLabPinOnImplicitTLS(t *testing.T) {
	t.Parallel()
	cert, err := smtpd.SelfSigned("smtp.corp.test")
	if err != nil {
		t.Fatal(err)
	}
	l := lab.New(t, lab.Postfix(), lab.RelayAt([]string{"smtp.corp.test"}, []relays.Port{{Port: 465, TLS: relays.Implicit}},
		func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(cert) }))
	s, relay := l.Server, l.World.Relay("smarthost")
	s.WriteFile("/root/credentials", "username="+relay.Username+"\npassword="+relay.Password+"\n", 0o600)
	before := s.Tree(mailConfig...)
	args := []string{"relayhost", "setup", "--smarthost", "smtp.corp.test", "--port", "465", "--from", "app@example.com", "--to", "you@example.net",
		"--credentials-file", "/root/credentials", "--yes", "--fingerprint"}
	unchangedAfter(t, l, 3, append(args, strings.Repeat("00:", 31)+"00")...)
	if c := relay.Counters(); c.Logins+c.Refusals != 0 {
		t.Errorf("got a login against another fingerprint, want none: %+v", c)
	}
	if res := l.Run(append(args, fmt.Sprintf("%x", sha256.Sum256(cert.Certificate[0])))...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	s.SendMail("app@example.com", "ops@example.net", "TLS-Required: no\n\nhello")
	s.WaitLog(`to=<ops@example\.net>, relay=smtp\.corp\.test\S*:465, .*status=sent`)
	if res := l.Run("relayhost", "verify", "--no-send"); res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	if res := l.Run("relayhost", "rollback", "--yes"); res.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("rolled back, not as before: got\n%s\nwant none", d)
	}
}

//go:build lab

package plan_test

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestLabHopsThatDiffer: one service with a hop by its name and one by its address, which
// SNI tells apart, has a policy table that it alone reads. Mail goes by the first, by the
// second when the first is down, with the pinned certificate; a message that says
// "TLS-Required: no" changes nothing of it, and with another certificate at the second
// no login and no mail leaves.
func TestLabHopsThatDiffer(t *testing.T) {
	t.Parallel()
	for _, suite := range tlsRequired() {
		t.Run(string(suite), func(t *testing.T) { hopsThatDiffer(t, suite) })
	}
}

func hopsThatDiffer(t *testing.T, suite lab.Suite) {
	var certs []tls.Certificate
	for range 2 {
		cert, err := smtpd.SelfSigned("smtp.corp.test")
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	pin := fmt.Sprintf("%x", sha256.Sum256(certs[0].Certificate[0]))
	shows := func(i int) func(*smtpd.Config) {
		return func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(certs[i]) }
	}
	l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("postmark", shows(0)), lab.RelayAt([]string{"smtp.corp.test"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}, shows(0)))
	s, first, second := l.Server, l.World.Relay("postmark"), l.World.Relay(relays.SmarthostID)
	s.Shell("postconf -e smtp_tls_loglevel=1 smtp_tls_security_level=none")
	hop := hopTo(second, 587)
	hop["Host"], hop["Pin"] = second.Hosts[0].Addrs[0].String(), pin
	a := answersTo(first, 587, relays.StartTLS)
	a["Pin"], a["Fallback"] = pin, []any{hop}
	write(t, s, a)
	readBack(t, s)
	if table := s.Shell("postconf -P relayhost-postmark/unix/smtp_tls_policy_maps"); !strings.Contains(table, "relayhost_tls_policy_") {
		t.Fatalf("no policy table of its own: got %s, want %q in it", table, "relayhost_tls_policy_")
	}
	if main := s.Shell("postconf -h smtp_tls_policy_maps"); strings.TrimSpace(main) != "" {
		t.Errorf("smtp_tls_policy_maps in main.cf = %q, want it empty", strings.TrimSpace(main))
	}
	s.Shell("postfix reload")
	n := 0
	send := func(want string) {
		t.Helper()
		for _, header := range []string{"TLS-Required: no\n\n", "", "TLS-Required: no\n\n", ""} {
			n++
			to := fmt.Sprintf("ops%d@example.net", n)
			s.SendMail("root@host.example.com", to, header+"hello")
			s.WaitLog(`to=<` + to + `>, ` + want)
		}
	}
	send(`relay=smtp\.postmarkapp\.com\S*:587, .*status=sent`)
	first.Configure(says(smtpd.StepGreeting, 421))
	s.Shell("postfix reload") // ends kept connections
	send(`relay=` + strings.ReplaceAll(second.Hosts[0].Addrs[0].String(), ".", `\.`) + `\S*:587, .*status=sent`)
	sni := map[*lab.RelayService]string{first: "smtp.postmarkapp.com", second: ""} // RFC 6066 allows no address
	for relay, name := range sni {
		if len(relay.Mailbox()) != 4 {
			t.Errorf("%s has %d messages, want 4", relay.ID, len(relay.Mailbox()))
		}
		for _, session := range relay.Sessions() {
			if session.Count("MAIL") > 0 && (session.TLSVersion == "" || session.AuthBeforeTLS || session.Username != relay.Username || session.SNI != name) {
				t.Errorf("%s: session %+v, want a login under TLS with the name %q", relay.ID, session, name)
			}
		}
	}

	before := len(second.Sessions())
	second.Configure(shows(1))
	s.Shell("postfix reload")
	send(`.*status=deferred \(Server certificate not verified`)
	for _, session := range second.Sessions()[before:] {
		if session.Count("AUTH")+session.Count("MAIL") != 0 {
			t.Errorf("with another certificate: got the session %+v, want none", session)
		}
	}
	quiet(t, s)
}

// TestLabWithoutLogin: a relay that goes by address gets mail over verified TLS and no
// password, though main.cf has one for that next hop, and though a message asks for no TLS.
func TestLabWithoutLogin(t *testing.T) {
	t.Parallel()
	for _, suite := range tlsRequired() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.RelayAt([]string{"smtp.corp.test"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}, {Port: 465, TLS: relays.Implicit}}))
			s, relay := l.Server, l.World.Relay(relays.SmarthostID)
			relay.Configure(func(c *smtpd.Config) { c.NoAuth, c.Accounts = true, nil })
			s.WriteFile("/etc/postfix/sasl_passwd", "[smtp.corp.test]:587 joe:secret\n[smtp.corp.test]:465 joe:secret\nsmtp.corp.test joe:secret\n", 0o600)
			s.Shell("postmap hash:/etc/postfix/sasl_passwd; postconf -e smtp_sasl_auth_enable=yes smtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd smtp_tls_security_level=may")
			s.StartPostfix()
			for port, mode := range map[int]relays.TLSMode{587: relays.StartTLS, 465: relays.Implicit} {
				a := answersTo(relay, port, mode)
				a["Username"], a["Password"] = "", ""
				write(t, s, a)
				readBack(t, s)
				s.Shell("postfix reload")
				for i, header := range []string{"TLS-Required: no\n\n", ""} {
					to := fmt.Sprintf("ops%d-%d@example.net", port, i)
					s.SendMail("root@host.example.com", to, header+"hello")
					s.WaitLog(fmt.Sprintf(`to=<%s>, relay=smtp\.corp\.test\S*:%d, .*status=sent`, to, port))
				}
			}
			if n := len(relay.Mailbox()); n != 4 {
				t.Errorf("%d messages, want 4", n)
			}
			for _, session := range relay.Sessions() {
				if session.Count("AUTH") != 0 || session.Count("MAIL") > 0 && (session.TLSVersion == "" || session.SNI != "smtp.corp.test") {
					t.Errorf("session %+v, want TLS and no login", session)
				}
			}
			relay.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true })
			a := answersTo(relay, 587, relays.StartTLS)
			a["Username"], a["Password"] = "", ""
			write(t, s, a)
			s.Shell("postfix reload")
			s.SendMail("root@host.example.com", "never@example.net", "TLS-Required: no\n\nhello")
			s.WaitLog(`to=<never@example\.net>, .*status=deferred \(TLS is required, but was not offered`)
			quiet(t, s)
		})
	}
}

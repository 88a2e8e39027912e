//go:build lab

package plan_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// tlsRequired are the releases whose Postfix knows the header, one in the short
// run, and with LAB_FULL the others as well.
func tlsRequired() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Trixie}
	}
	return suites()
}

// A message that says "TLS-Required: no" (RFC 8689) does not turn verified TLS off,
// neither for itself nor for the mail behind it, whatever main.cf has as its level:
// where the relay offers no TLS, or a certificate of somebody else, no byte of mail or
// login leaves, and the mail waits.
func TestLabTLSRequiredHeader(t *testing.T) {
	t.Parallel()
	for _, suite := range tlsRequired() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("sendgrid"))
			l.Server.Shell("postconf -e smtp_tls_loglevel=1")
			n := 0
			for _, port := range []int{587, 465} {
				for _, level := range []string{"none", "may", ""} {
					n++
					t.Run(fmt.Sprintf("%d/level %q", port, level), func(t *testing.T) { notTalkedOutOfTLS(t, l, n, port, level) })
				}
			}
			quiet(t, l.Server)
		})
	}
}

func notTalkedOutOfTLS(t *testing.T, l *lab.Lab, n, port int, level string) {
	relay, s, mode := l.World.Relay("sendgrid"), l.Server, relays.StartTLS
	if port == 465 {
		mode = relays.Implicit
	}
	s.Shell("postconf -e 'smtp_tls_security_level=" + level + "'")
	write(t, s, answersTo(relay, port, mode))
	s.Shell("postfix reload")
	var accounts []smtpd.Account
	relay.Configure(func(c *smtpd.Config) {
		accounts = c.Accounts
		// It takes what comes in the clear, with a login and without.
		c.NoSTARTTLS, c.AuthWithoutTLS, c.NoAuth = true, true, true
	})
	flaw := lab.Flawless
	if port == 465 {
		flaw = lab.SelfSigned
	}
	if err := relay.Present(flaw); err != nil {
		t.Fatal(err)
	}
	before, had := len(relay.Sessions()), len(relay.Mailbox())
	send := func(part string) (to []string) {
		for i, header := range []string{"TLS-Required: no\n\n", "", "TLS-Required: no\n\n", "", ""} {
			to = append(to, fmt.Sprintf("%s%d-%d@example.net", part, n, i))
			s.SendMail("root@host.example.com", to[i], header+"hello")
		}
		return to
	}
	for _, to := range send("hostile") {
		s.WaitLog(`to=<` + to + `>, .*status=deferred`)
	}
	sessions := relay.Sessions()[before:]
	if len(sessions) == 0 {
		t.Fatal("got no connection, want one")
	}
	for _, session := range sessions {
		if session.Count("AUTH")+session.Count("MAIL")+session.Count("DATA") != 0 {
			t.Errorf("session %+v, want neither a login nor mail", session)
		}
	}
	if got := len(relay.Mailbox()) - had; got != 0 {
		t.Errorf("%d messages came, want all to wait", got)
	}

	relay.Configure(func(c *smtpd.Config) {
		c.NoSTARTTLS, c.AuthWithoutTLS, c.NoAuth, c.Accounts = false, false, false, accounts
	})
	if err := relay.Present(lab.Flawless); err != nil {
		t.Fatal(err)
	}
	before = len(relay.Sessions())
	logged := len(s.MailLog())
	s.Shell("postfix reload")
	want := 5 + len(send("honest"))
	for end := time.Now().Add(time.Minute); len(relay.Mailbox())-had < want; time.Sleep(time.Second) {
		s.Shell("postqueue -f") // one that comes before qmgr(8) is ready is lost
		if time.Now().After(end) {
			t.Fatalf("%d messages came, want %d\n%s", len(relay.Mailbox())-had, want, tail(s.MailLog()))
		}
	}
	for _, session := range relay.Sessions()[before:] {
		if session.Count("MAIL") > 0 && (session.TLSVersion == "" || !session.Authenticated || session.AuthBeforeTLS) {
			t.Errorf("session %+v, want a login under TLS", session)
		}
	}
	if loose := regexp.MustCompile(`(?m)^.*(Untrusted|Anonymous|Trusted) TLS connection established to .*:` + fmt.Sprint(port) + `.*$`).FindString(s.MailLog()[logged:]); loose != "" {
		t.Errorf("a session that is not verified: got %s, want none", loose)
	}
}

// quiet holds the log of our services and what "postfix check" says.
func quiet(t *testing.T, s *lab.Server) {
	t.Helper()
	if line := regexp.MustCompile(`(?m)^.*postfix/relayhost-\S*: (warning|error|fatal|panic): .*$`).FindString(s.MailLog()); line != "" {
		t.Errorf("logged: got %s, want none", line)
	}
	if r := s.Run("postfix", "check"); r.Code != 0 || strings.TrimSpace(r.Stdout+r.Stderr) != "" {
		t.Errorf("postfix check: got %s, want exit code 0 and no output", r)
	}
}

// seen is what a relay sees of a connection.
type seen struct {
	Username, TLS, SNI, HELO string
	Mechanisms, Commands     []string
	From                     string
}

// Services of others with the same next hop go on with their own login, TLS and reuse:
// by transport_maps, by a sender-dependent table, and a hand-made one.
func TestLabOtherServicesWithTheSameHop(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Relay("sendgrid", func(c *smtpd.Config) {
				for _, user := range []string{"second", "third"} {
					c.Accounts = append(c.Accounts, smtpd.Account{Username: user, Password: secret.New("pw-" + user)})
				}
			}))
			s, relay := l.Server, l.World.Relay("sendgrid")
			s.WriteFile("/etc/postfix/sasl_passwd", "# ours\n[smtp.sendgrid.net]:587 second:pw-second\n", 0o600)
			s.WriteFile("/etc/postfix/own", "[smtp.sendgrid.net]:587 third:pw-third\n", 0o600)
			s.WriteFile("/etc/postfix/transport", "gmx.test smtp:[smtp.sendgrid.net]:587\nown.test own:[smtp.sendgrid.net]:587\n", 0o644)
			s.WriteFile("/etc/postfix/senders", "boss@example.org [smtp.sendgrid.net]:587\n", 0o644)
			s.Shell(`cd /etc/postfix && postmap hash:sasl_passwd hash:transport hash:senders
				postconf -e smtp_sasl_auth_enable=yes smtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd smtp_sasl_security_options=noanonymous \
					smtp_tls_security_level=may transport_maps=hash:/etc/postfix/transport sender_dependent_relayhost_maps=hash:/etc/postfix/senders
				postconf -M 'own/unix=own unix - - n - - smtp -o smtp_sasl_password_maps=texthash:/etc/postfix/own -o smtp_tls_security_level=encrypt'
				postconf -F smtp/unix/chroot=n relay/unix/chroot=n`)
			s.StartPostfix()
			passwd := s.ReadFile("/etc/postfix/sasl_passwd")
			look := func(when string) (list []seen) {
				for i, mail := range [][2]string{{"a@example.org", "x@gmx.test"}, {"boss@example.org", "x@example.net"}, {"a@example.org", "x@own.test"}} {
					for range 2 { // one by one: no session is left for the next
						had := len(relay.Mailbox())
						s.SendMail(mail[0], mail[1], "hello")
						for end := time.Now().Add(20 * time.Second); len(relay.Mailbox()) == had; time.Sleep(20 * time.Millisecond) {
							if time.Now().After(end) {
								t.Fatalf("%s, mail %d: got no message in 20 s, want one\n%s", when, i, tail(s.MailLog()))
							}
						}
						m := relay.Mailbox()[had]
						for end := time.Now().Add(10 * time.Second); relay.Sessions()[m.Session.ID-1].Ended.IsZero() && time.Now().Before(end); {
							time.Sleep(20 * time.Millisecond)
						}
						x := relay.Sessions()[m.Session.ID-1]
						list = append(list, seen{x.Username, x.TLSVersion, x.SNI, x.HELO, x.Mechanisms, x.Commands, m.From})
					}
				}
				return list
			}
			before := look("before")
			write(t, s, answersTo(relay, 587, relays.StartTLS))
			after := look("after")
			for i := range before {
				if !reflect.DeepEqual(before[i], after[i]) {
					t.Errorf("mail %d: the relay sees %+v, want as before %+v", i, after[i], before[i])
				}
			}
			if before[0].Username != "second" || before[2].Username != "second" || before[4].Username != "third" {
				t.Errorf("before: got the users %q, %q and %q, want second, second and third", before[0].Username, before[2].Username, before[4].Username)
			}
			s.SendMail("root@host.example.com", "ours@example.net", "hello")
			s.WaitLog(`relayhost-sendgrid/smtp\S*: .*to=<ours@example\.net>, relay=smtp\.sendgrid\.net\S*:587, .*status=sent`)
			box := relay.Mailbox()
			if m := box[len(box)-1]; m.Session.Username != relay.Username || m.From != "alerts@example.org" {
				t.Errorf("ours: account %s, from %s, want %s and %q", m.Session.Username, m.From, relay.Username, "alerts@example.org")
			}
			if got := s.ReadFile("/etc/postfix/sasl_passwd"); got != passwd {
				t.Errorf("sasl_passwd is\n%s\nwant\n%s", got, passwd)
			}
			quiet(t, s)
		})
	}
}

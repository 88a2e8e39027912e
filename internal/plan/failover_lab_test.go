//go:build lab

package plan_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// hopTo is a hop of onserver to a service of the lab.
func hopTo(r *lab.RelayService, port int) map[string]any {
	return map[string]any{"Relay": r.ID, "Host": r.Hosts[0].Name, "Port": port, "TLS": relays.StartTLS, "Username": r.Username, "Password": r.Password}
}

// failure is how the first hop does not take mail.
type failure struct {
	name string
	// within it the mail arrives at the second: three times what that takes on a
	// quiet machine, and less than Postfix waits before it tries again.
	within time.Duration
	log    string // what Postfix says of the first
	cause  func(*testing.T, *lab.Lab, *lab.RelayService)
}

// soon is without a time-out.
const soon = 20 * time.Second

// failures of the first hop. The first one is enough to show the mechanism.
var failures = []failure{
	{"refuses the password", soon, `authentication failed|SASL`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(func(c *smtpd.Config) {
			c.Accounts = []smtpd.Account{{Username: "other", Password: secret.New("other")}}
		})
	}},
	{"knows the account no more", soon, `430 5\.7\.0 Authentication required`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(replies(smtpd.StepMail, 530, "5.7.0", "Authentication required"))
	}},
	{"refuses connections", soon, `Connection refused`, func(_ *testing.T, l *lab.Lab, r *lab.RelayService) {
		l.World.Rule(fmt.Sprintf("ip daddr %s tcp dport 587 reject with tcp reset", r.Hosts[0].Addrs[0]))
		l.World.Rule(fmt.Sprintf("ip6 daddr %s tcp dport 587 reject with tcp reset", r.Hosts[0].Addrs[1]))
	}},
	{"drops packets", 105 * time.Second, `Connection timed out`, func(_ *testing.T, l *lab.Lab, r *lab.RelayService) {
		l.World.Rule(fmt.Sprintf("ip daddr %s tcp dport 587 drop", r.Hosts[0].Addrs[0]))
		l.World.Rule(fmt.Sprintf("ip6 daddr %s tcp dport 587 drop", r.Hosts[0].Addrs[1]))
	}},
	{"is silent", 2 * time.Minute, `timed out while receiving the initial server greeting`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(func(c *smtpd.Config) { c.Delays = map[smtpd.Step]time.Duration{smtpd.StepGreeting: time.Hour} })
	}},
	{"is silent after EHLO", 2 * time.Minute, `timed out`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(func(c *smtpd.Config) { c.Delays = map[smtpd.Step]time.Duration{smtpd.StepSTARTTLS: time.Hour} })
	}},
	{"answers 4xx to the connection", soon, `421`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) { r.Configure(says(smtpd.StepGreeting, 421)) }},
	{"answers 4xx to MAIL", soon, `451`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) { r.Configure(says(smtpd.StepMail, 451)) }},
	{"answers 4xx to RCPT", soon, `451`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) { r.Configure(says(smtpd.StepRcpt, 451)) }},
	{"answers 4xx to the message", soon, `451`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) { r.Configure(says(smtpd.StepMessage, 451)) }},
	{"has paused the account", soon, `454 .*Sending paused for this account`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(replies(smtpd.StepMessage, 554, "", "Sending paused for this account."))
	}},
	{"does not know the sender", soon, `454 .*Email address is not verified`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(replies(smtpd.StepMessage, 554, "", "Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.c"))
	}},
	{"denies relaying", soon, `450 5\.7\.1 .*Relay access denied`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(replies(smtpd.StepRcpt, 550, "5.7.1", "<x>: Relay access denied"))
	}},
	// To the relay that message may be one that it has taken: it comes twice rather than not.
	{"loses its 250", soon, `message may be sent more than once`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(func(c *smtpd.Config) { c.Message = func(smtpd.Envelope) *smtpd.Reply { return &smtpd.Reply{} } })
	}},
	{"shows another's certificate", soon, `not trusted|not verified`, func(t *testing.T, _ *lab.Lab, r *lab.RelayService) {
		wrong, err := smtpd.SelfSigned(r.Hosts[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		r.Configure(func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(wrong) })
	}},
	{"has no STARTTLS", soon, `TLS is required, but was not offered`, func(_ *testing.T, _ *lab.Lab, r *lab.RelayService) {
		r.Configure(func(c *smtpd.Config) { c.NoSTARTTLS, c.AuthWithoutTLS = true, true })
	}},
	{"has lost its name", soon, `status=sent`, func(_ *testing.T, l *lab.Lab, r *lab.RelayService) {
		l.World.DNS.Delete(r.Hosts[0].Name)
	}},
}

func replies(step smtpd.Step, code int, enhanced, text string) func(*smtpd.Config) {
	return func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{step: {Code: code, Enhanced: enhanced, Text: text}}
	}
}

func says(step smtpd.Step, code int) func(*smtpd.Config) {
	return func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{step: {Code: code, Text: "4.3.2 try again later"}}
	}
}

// TestLabFailover: whatever the first hop does, mail leaves by the second, none
// is lost, none comes twice, no password goes in the clear; and mail to an
// internal host without TLS goes on beside it.
func TestLabFailover(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			for i, f := range failures {
				if i < 4 || os.Getenv("LAB_FULL") != "" {
					t.Run(f.name, func(t *testing.T) {
						t.Parallel()
						failsOver(t, suite, f)
					})
				}
			}
		})
	}
}

// TestLabFailoverOfFaults: a fault of the account goes on to the next hop and, from
// the last one, waits; a fault of the recipient comes back at once and is told to
// no other hop; and none of it makes two messages of one.
func TestLabFailoverOfFaults(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l, first, second := withFallback(t, suite)
			s := l.Server
			first.Configure(func(c *smtpd.Config) {
				c.Recipient = func(_, to string) *smtpd.Reply {
					switch to {
					case "gone@example.net":
						return &smtpd.Reply{Code: 550, Enhanced: "5.1.1", Text: "User unknown"}
					case "denied@example.net":
						return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
					}
					return nil
				}
			})
			s.Shell("printf 'To: x\\n\\nhello\\n' | sendmail -f root@host.example.com gone@example.net denied@example.net here@example.net")
			s.WaitLog(`to=<gone@example\.net>, relay=email-smtp\S*:587, .*dsn=5\.1\.1, status=bounced`)
			s.WaitLog(`to=<denied@example\.net>, relay=smtp\.postmarkapp\S*:587, .*status=sent`)
			s.WaitLog(`to=<here@example\.net>, relay=email-smtp\S*:587, .*status=sent`)
			if got := recipients(first) + " | " + recipients(second); got != "here@example.net | denied@example.net" {
				t.Errorf("the hops have mail to %s, want %q", got, "here@example.net | denied@example.net")
			}
			for _, r := range []*lab.RelayService{first, second} {
				r.Configure(func(c *smtpd.Config) { c.Recipient = nil })
			}
			first.Configure(replies(smtpd.StepMail, 530, "5.7.0", "Authentication required"))
			second.Configure(replies(smtpd.StepMail, 530, "5.7.0", "Authentication required"))
			s.SendMail("root@host.example.com", "waits@example.net", "hello")
			s.WaitLog(`to=<waits@example\.net>, relay=smtp\.postmarkapp\S*:587, .*dsn=4\.\d\.\d, status=deferred`)
			// A reply of several lines shows its fault in the first, and its code in the last.
			text := "Sending paused for this account.\nSee your inbox."
			first.Configure(replies(smtpd.StepMessage, 554, "5.7.1", text))
			second.Configure(replies(smtpd.StepMessage, 554, "5.7.1", text))
			s.SendMail("root@host.example.com", "lines@example.net", "hello")
			s.WaitLog(`to=<lines@example\.net>, .*dsn=4\.\d\.\d, status=deferred`)
			if got := recipients(first) + " | " + recipients(second); got != "here@example.net | denied@example.net" {
				t.Errorf("then the hops have mail to %s, want %q", got, "here@example.net | denied@example.net")
			}
		})
	}
}

// TestLabFailoverOfPorts: a route with an account of its own goes on to another
// port of its service, with that account, while the default stays where it is.
func TestLabFailoverOfPorts(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Relay("ses"), lab.Relay("mailgun", func(c *smtpd.Config) {
				c.Accounts = append(c.Accounts, smtpd.Account{Username: "shop", Password: secret.New("pw of shop")})
			}))
			l.Server.StartPostfix()
			ses, mailgun := l.World.Relay("ses"), l.World.Relay("mailgun")
			second := as(mailgun, "shop")
			second["Port"] = 2525
			write(t, l.Server, by(ses, routeTo("blog", []string{"blog.example"}, hopTo(mailgun, 587)),
				routeTo("shop", []string{"shop.example"}, as(mailgun, "shop"), second)))
			readBack(t, l.Server)
			for _, blocked := range []bool{false, true} {
				port := ":587"
				if blocked {
					port = ":2525"
					for _, addr := range mailgun.Hosts[0].Addrs {
						family := map[bool]string{true: "ip", false: "ip6"}[addr.Is4()]
						l.World.Rule(fmt.Sprintf("%s daddr %s tcp dport 587 reject with tcp reset", family, addr))
					}
					time.Sleep(3 * time.Second) // kept connections end
				}
				n := len(mailgun.Mailbox())
				l.Server.SendMail("x@shop.example", "ops@example.net", "hello")
				l.Server.WaitLog(fmt.Sprintf(`to=<ops@example\.net>, relay=smtp\.mailgun\S*%s, .*status=sent`, port))
				box := mailgun.Mailbox()
				if len(box) != n+1 {
					t.Errorf("got %d messages, want 1", len(box)-n)
				} else if s := box[n].Session; s.Username != "shop" || !strings.HasSuffix(s.Local, port) {
					t.Errorf("got a message by %+v, want it by the account shop at an address that ends in %s", s, port)
				}
			}
			if n := len(ses.Mailbox()); n != 0 {
				t.Errorf("%d messages by the default, want 0", n)
			}
		})
	}
}

// recipients are those of all mail that r has taken.
func recipients(r *lab.RelayService) string {
	var all []string
	for _, m := range r.Mailbox() {
		all = append(all, m.To...)
	}
	return strings.Join(all, " ")
}

// withFallback sets a server up with SES, and Postmark in its place.
func withFallback(t *testing.T, suite lab.Suite) (l *lab.Lab, first, second *lab.RelayService) {
	t.Helper()
	l = lab.New(t, lab.On(suite), lab.Relay("ses"), lab.Relay("postmark"))
	l.Server.StartPostfix()
	first, second = l.World.Relay("ses"), l.World.Relay("postmark")
	a := answersTo(first, 587, relays.StartTLS)
	a["Fallback"] = []any{hopTo(second, 587)}
	write(t, l.Server, a)
	return l, first, second
}

func failsOver(t *testing.T, suite lab.Suite, f failure) {
	l := lab.New(t, lab.On(suite), lab.Relay("ses"), lab.Relay("postmark"), lab.MailExchanger("corp.test", "mx.corp.test"))
	s := l.Server
	s.WriteFile("/etc/postfix/transport", "corp.test smtp:[mx.corp.test]\n", 0o644)
	s.Shell("postconf -e transport_maps=hash:/etc/postfix/transport; postmap hash:/etc/postfix/transport; postconf -F smtp/unix/chroot=n")
	s.StartPostfix()
	first, second := l.World.Relay("ses"), l.World.Relay("postmark")
	a := answersTo(first, 587, relays.StartTLS)
	a["Fallback"] = []any{hopTo(second, 587)}
	write(t, s, a)
	readBack(t, s)
	f.cause(t, l, first)
	const messages = 5
	began := time.Now()
	for i := range messages {
		s.SendMail("root@host.example.com", fmt.Sprintf("ops%d@example.net", i), "hello")
	}
	s.SendMail("root@host.example.com", "user@corp.test", "hello")
	s.WaitLog(`to=<user@corp\.test>, relay=mx\.corp\.test\S*:25, .*status=sent`)
	for end := began.Add(f.within); len(second.Mailbox()) < messages; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %d messages at the second relay in %v, want %d\n%s", len(second.Mailbox()), f.within, messages, tail(s.MailLog()))
		}
	}
	t.Logf("%d messages in %v", messages, time.Since(began).Round(10*time.Millisecond))
	log := s.MailLog()
	if !regexp.MustCompile(f.log).MatchString(log) {
		t.Errorf("want %q in the log, got\n%s", f.log, tail(log))
	}
	if strings.Contains(log, "status=bounced") || strings.Contains(log, "status=deferred") {
		t.Errorf("want nothing bounced or deferred, got\n%s", tail(log))
	}
	if n, m := len(first.Mailbox()), len(second.Mailbox()); n != 0 || m != messages {
		t.Errorf("%d messages at the first, %d at the second, want 0 and %d", n, m, messages)
	}
	for _, session := range append(first.Sessions(), second.Sessions()...) {
		if session.AuthBeforeTLS {
			t.Errorf("got a password in the clear, want none: %+v", session)
		}
	}
	for _, session := range second.Sessions() {
		if !session.Authenticated || session.Username != second.Username || session.SNI != second.Hosts[0].Name {
			t.Errorf("the second relay: got the session %+v, want a login as %s with SNI %s", session, second.Username, second.Hosts[0].Name)
		}
	}
}

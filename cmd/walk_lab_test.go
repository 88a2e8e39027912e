//go:build lab

package cmd_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// walked has every kind of hop in one route, and a route whose first hop is the
// password's.
const walked = `version = 1
relay = "m365"
port = 587
via = "smtp-oauth"
sign_in = "client_credentials"
tenant = "contoso.example"
client_id = "` + clientID + `"
from = "` + mailbox + `"
to = "ops@example.net"
credentials_file = "/root/m365.txt"
[[fallback]]
relay = "sendgrid"
port = 465
credentials_file = "/root/sendgrid.txt"
[[fallback]]
relay = "mailgun"
via = "https"
credentials_file = "/root/mailgun.txt"

[[route]]
name = "shop"
senders = ["shop.example"]
relay = "sendgrid"
port = 465
credentials_file = "/root/sendgrid.txt"
[[route.fallback]]
relay = "m365"
port = 587
via = "smtp-oauth"
sign_in = "client_credentials"
tenant = "contoso.example"
client_id = "` + clientID + `"
credentials_file = "/root/m365.txt"
`

// walkLab is a server whose relayhost.toml is walked, beside its three relays.
func walkLab(t *testing.T, suite lab.Suite) *lab.Lab {
	t.Helper()
	var l *lab.Lab
	l = lab.New(t, lab.On(suite), lab.Port25(lab.Reset), lab.Postfix(), lab.TokenEndpoint(), lab.API("mailgun", "api.mailgun.net"), lab.Relay("sendgrid"),
		lab.Relay("m365", lab.TakesTokens(func() *lab.Identity { return l.World.Identity() }, mailbox)))
	l.Server.Install()
	accountFile(l, "sendgrid")
	l.Server.WriteFile("/root/m365.txt", ways()[0].file, 0o600)
	l.Server.WriteFile("/root/mailgun.txt", "api_key="+apitest.KeyOf("mailgun")+"\ndomain=mg.example.com\n", 0o600)
	l.Server.WriteFile(answersPath, walked, 0o644)
	return l
}

// walkCounts are the messages at Microsoft 365, SendGrid and Mailgun's API.
func walkCounts(l *lab.Lab) [3]int {
	return [3]int{len(l.World.Relay("m365").Mailbox()), len(l.World.Relay("sendgrid").Mailbox()), len(l.World.API("mailgun").Got())}
}

// TestLabWalk: a route by OAuth, then by password, then by an API: each hop is rehearsed,
// whatever ails one the mail leaves by the next and once only, the fault of a recipient
// ends at the first, and where all fail the mail waits. verify tells of the fallback, and
// rolling back leaves nothing.
func TestLabWalk(t *testing.T) {
	t.Parallel()
	for _, suite := range signInSuites() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			walkOn(t, suite)
		})
	}
}

// bridgesEnd waits for Postfix to close the connections that it keeps.
func bridgesEnd(t *testing.T, s *lab.Server) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if s.Shell("pgrep -u relayhost; true") == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("bridges: got some that run, want none once their connections are closed")
		}
	}
}

func walkOn(t *testing.T, suite lab.Suite) {
	l := walkLab(t, suite)
	l.Server.Shell("postconf -e lmtp_connection_cache_time_limit=1s") // shortens the waiting for bridgesEnd
	s, m365, sendgrid, mailgun := l.Server, l.World.Relay("m365"), l.World.Relay("sendgrid"), l.World.API("mailgun")
	state := append(mailConfig, "/var/lib/postfix-relayhost-bridge")
	before, users := s.Tree(state...), s.ReadFile("/etc/passwd")
	if res := l.Run("/usr/local/bin/relayhost", "setup", "--yes", "--json"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	// Rehearsed: two first hops, two second, one third; proven: two.
	if got, want := walkCounts(l), [3]int{3, 3, 1}; got != want {
		t.Errorf("messages of setup: got %v, want %v\n%s", got, want, s.MailLog())
	}
	if res := l.Run("/usr/local/bin/relayhost", "setup", "--dry-run", "--detailed-exitcode"); res.Code != 0 {
		t.Errorf("a second setup: got %s, want no difference", res)
	}
	if res := l.Run("/usr/local/bin/relayhost", "verify", "--json"); res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	hidesSecrets(t, l)

	later := func(r *lab.RelayService) (now, end func()) {
		return func() {
			r.Configure(func(c *smtpd.Config) {
				c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepGreeting: {Code: 421, Enhanced: "4.3.2", Text: "try later"}}
			})
		}, func() { r.Configure(func(c *smtpd.Config) { c.Replies = nil }) }
	}
	m365Down, m365Up := later(m365)
	sendgridDown, sendgridUp := later(sendgrid)
	for _, ail := range []struct {
		name, from string
		now, end   func()
		want       [3]int
		log        string
	}{
		{"nothing", mailbox, func() {}, func() {}, [3]int{1, 0, 0}, `status=sent \(250 2\.0\.0 Ok`},
		{"down", mailbox, m365Down, m365Up, [3]int{0, 1, 0}, `status=sent \(250-relayhost: fallback smtp\.sendgrid\.net after smtp\.office365\.com.*try later`},
		{"may not send as", mailbox, func() {
			m365.Configure(func(c *smtpd.Config) {
				c.Message = func(smtpd.Envelope) *smtpd.Reply {
					return &smtpd.Reply{Code: 554, Enhanced: "5.2.252", Text: "SendAsDenied; app@contoso.example not allowed to send as other"}
				}
			})
		}, func() { m365.Configure(func(c *smtpd.Config) { c.Message = nil }) }, [3]int{0, 1, 0}, `fallback smtp\.sendgrid\.net after .*4\.2\.252 SendAsDenied`},
		{"recipient unknown", mailbox, func() {
			m365.Configure(func(c *smtpd.Config) {
				c.Recipient = func(_, to string) *smtpd.Reply {
					if strings.HasPrefix(to, "gone") {
						return &smtpd.Reply{Code: 550, Enhanced: "5.1.10", Text: "RESOLVER.ADR.RecipientNotFound"}
					}
					return nil
				}
			})
		}, func() { m365.Configure(func(c *smtpd.Config) { c.Recipient = nil }) }, [3]int{1, 0, 0}, `to=<gone@example\.net>.*status=bounced .*550 5\.1\.10 RESOLVER`},
		{"sign-in withdrawn, the second down", mailbox, func() {
			l.World.Identity().Revoke()
			l.World.Identity().Answer(func(int, lab.TokenRequest) (int, any) {
				return http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired.", "error_codes": []int{7000222}}
			})
			sendgridDown()
		}, func() { l.World.Identity().Answer(nil); sendgridUp() }, [3]int{0, 0, 1}, `fallback api\.mailgun\.net after smtp\.office365\.com: the sign-in at .*AADSTS7000222.*smtp\.sendgrid\.net.*try later`},
		{"the password's hop down", "orders@shop.example", sendgridDown, sendgridUp, [3]int{1, 0, 0}, `fallback smtp\.office365\.com after smtp\.sendgrid\.net`},
	} {
		t.Run(ail.name, func(t *testing.T) {
			bridgesEnd(t, s)
			ail.now()
			defer ail.end()
			had := walkCounts(l)
			s.SendMail(ail.from, "gone@example.net", ail.name)
			if ail.name == "recipient unknown" {
				s.WaitLog(ail.log)
			}
			for end := time.Now().Add(20 * time.Second); walkCounts(l) == had && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
			s.WaitLog(ail.log)
			got := walkCounts(l)
			for i := range got {
				got[i] -= had[i]
			}
			if got != ail.want { // of the recipient unknown, the bounce
				t.Errorf("got %v messages, want %v\n%s", got, ail.want, s.MailLog())
			}
			if ail.name == "down" {
				if res := l.Run("/usr/local/bin/relayhost", "verify", "--json"); res.Code != 3 || !strings.Contains(res.Stdout, "fallback_used") {
					t.Errorf("verify with the first hop down: got %s, want the fallback told", res)
				}
			}
		})
	}

	// All fail: it waits, with the reason of each; then it goes, once.
	bridgesEnd(t, s)
	m365Down()
	sendgridDown()
	mailgun.Answer(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	had := walkCounts(l)
	s.SendMail(mailbox, "last@example.net", "last")
	s.WaitLog(`to=<last@example\.net>.*status=deferred .*smtp\.office365\.com.*try later.*smtp\.sendgrid\.net.*try later`)
	m365Up()
	sendgridUp()
	mailgun.Answer(nil)
	bridgesEnd(t, s)
	s.Flush()
	s.WaitLog(`to=<last@example\.net>.*status=sent`)
	if got := walkCounts(l); got != [3]int{had[0] + 1, had[1], had[2]} {
		t.Errorf("after all failed: got %v messages, want one more than %v by the first", got, had)
	}
	if queue := s.Queue(); queue != "" {
		t.Errorf("queue: got %s, want it empty", queue)
	}
	if res := l.Run("/usr/local/bin/relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(s.Tree(state...)); d != "" {
		t.Errorf("rollback: got the differences\n%s\nwant none", d)
	}
	if got := s.ReadFile("/etc/passwd"); got != users {
		t.Errorf("/etc/passwd: got\n%swant it as before", got)
	}
}

// TestLabWalkRefused: a later hop that does not work stops setup, by preflight or by its
// rehearsal, before anything is written.
func TestLabWalkRefused(t *testing.T) {
	t.Parallel()
	l := walkLab(t, lab.Bookworm)
	refused := func(name string, says ...string) {
		t.Helper()
		doc := decode[setupResult](t, unchangedAfter(t, l, 3, "/usr/local/bin/relayhost", "setup", "--yes", "--json"))
		for _, want := range says {
			if !strings.Contains(doc.Error, want) {
				t.Errorf("%s: got %q, want %q in it", name, doc.Error, want)
			}
		}
	}
	l.Server.WriteFile("/root/sendgrid.txt", "username=apikey\npassword=SG.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0o600)
	refused("wrong password", "fallback 1", "smtp.sendgrid.net port 465", "535")
	accountFile(l, "sendgrid")
	l.World.Relay("sendgrid").Configure(func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "account suspended"}
		}
	})
	refused("message", "rehearsal: ", "account suspended")
}

// TestLabWalkKilled: a bridge that dies at any step of a delivery, also between a relay's
// acceptance and the reply, loses no message, and costs one duplicate at most.
func TestLabWalkKilled(t *testing.T) {
	t.Parallel()
	l := walkLab(t, lab.Bookworm)
	s, m365, mailgun := l.Server, l.World.Relay("m365"), l.World.API("mailgun")
	if res := l.Run("/usr/local/bin/relayhost", "setup", "--no-verify", "--yes"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	var killed atomic.Value // the step at which the bridge dies next
	killed.Store("")
	kill := func(step string) *smtpd.Reply {
		if killed.CompareAndSwap(step, "") {
			endBridges(s)
		}
		return nil
	}
	m365.Configure(func(c *smtpd.Config) {
		c.Sender = func(string) *smtpd.Reply { return kill("MAIL") }
		c.Recipient = func(string, string) *smtpd.Reply { return kill("RCPT") }
		c.Message = func(smtpd.Envelope) *smtpd.Reply { return kill("message") }
	})
	l.World.Identity().Answer(func(int, lab.TokenRequest) (int, any) { kill("token"); return 0, nil })
	mailgun.Answer(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if !killed.CompareAndSwap("API", "") {
			return false
		}
		mailgun.ServeHTTP(httptest.NewRecorder(), r) // which accepts it
		endBridges(s)
		return true
	})
	for n, test := range []struct {
		step string
		most int // messages at the relays
	}{{"token", 1}, {"MAIL", 1}, {"RCPT", 1}, {"message", 2}, {"API", 2}} {
		t.Run(test.step, func(t *testing.T) {
			s.Shell("pkill -KILL -u relayhost; rm -f /var/lib/postfix-relayhost-bridge/*.state/*.token")
			if test.step == "API" {
				s.Shell("nft add table inet gone; nft add chain inet gone out '{ type filter hook output priority 0; }'; nft add rule inet gone out tcp dport '{ 587, 465 }' reject")
			}
			had := walkCounts(l)
			killed.Store(test.step)
			to := fmt.Sprintf("n%d@example.net", n)
			s.SendMail(mailbox, to, test.step)
			s.WaitLog(`to=<` + to + `>.*status=deferred`)
			if test.step == "API" {
				s.Shell("nft delete table inet gone")
			}
			// One whose delivery is not quite over is skipped by a flush.
			s.Shell("for i in $(seq 100); do postqueue -f; grep -q 'to=<" + to + ">.*status=sent' /var/log/mail.log && break; sleep 0.5; done")
			s.WaitLog(`to=<` + to + `>.*status=sent`)
			got := walkCounts(l)
			sum := 0
			for i := range got {
				sum += got[i] - had[i]
			}
			if sum < 1 || sum > test.most {
				t.Errorf("messages: got %d, want 1 to %d\n%s", sum, test.most, s.MailLog())
			}
		})
	}
	if log := s.MailLog(); strings.Contains(log, "status=bounced") {
		t.Errorf("want no bounce, got\n%s", log)
	}
	if res := l.Run("stat", "-c", "%U %a", "/var/lib/postfix-relayhost-bridge/m365.state/m365.token"); res.Stdout != "relayhost 600\n" {
		t.Errorf("token store: got %q, want it to be relayhost's, 0600", res.Stdout)
	}
}

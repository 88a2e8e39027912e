//go:build lab

package bridge_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/lab"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

func suites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

const (
	mailbox  = "app@contoso.example"
	password = "Gehe1mClient~42"
)

// bridged is a server whose Postfix sends through the bridge m365, set up by hand.
func bridged(t *testing.T, suite lab.Suite, change ...func(*smtpd.Config)) (*lab.Lab, *lab.RelayService) {
	t.Helper()
	var l *lab.Lab
	change = append([]func(*smtpd.Config){lab.TakesTokens(func() *lab.Identity { return l.World.Identity() }, mailbox)}, change...)
	l = lab.New(t, lab.On(suite), lab.Postfix(), lab.TokenEndpoint(), lab.Relay("m365", change...))
	l.Server.Install()
	client, err := oauth.Microsoft(oauth.Client{Grant: oauth.ClientCredentials, ID: "7f3a-app", Secret: secret.New(password)}, oauth.Global, "contoso.example")
	if err != nil {
		t.Fatal(err)
	}
	text, err := conf.Config{
		Host: "smtp.office365.com", Port: 587, HELO: "host.example.org", Username: mailbox, CAFile: "/etc/ssl/certs/ca-certificates.crt", Connections: 3, OAuth: &client,
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	l.Server.Shell("groupadd -r relayhost && useradd -r -g relayhost -d /nonexistent -s /usr/sbin/nologin relayhost && mkdir -m 700 " + conf.Directory + " " + conf.StateDirectory(conf.Directory) + " " + conf.OwnDirectory(conf.Directory, "m365"))
	l.Server.WriteFile(conf.ConfigPath(conf.Directory, "m365"), string(text), 0o600)
	l.Server.Shell("chown -R relayhost:relayhost " + conf.Directory)
	l.Server.Shell(`cat >> /etc/postfix/master.cf <<'C'
relayhost-m365 unix - - n - 3 lmtp
  -o syslog_name=postfix/relayhost-m365
  -o lmtp_tls_security_level=none
  -o lmtp_sasl_auth_enable=no
  -o lmtp_connection_cache_destinations=private/relayhost-m365-out
relayhost-m365-out unix - n n - 6 spawn
  user=relayhost argv=/usr/local/bin/relayhost bridge m365
C
postconf -e default_transport=relayhost-m365:unix:private/relayhost-m365-out && postfix reload`)
	return l, l.World.Relay("m365")
}

// TestLabBridge: Postfix's own lmtp(8) and spawn(8) carry mail through the bridge;
// replies for each recipient, a revoked sign-in and its repair show in Postfix's
// log and queue as with smtp(8).
func TestLabBridge(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l, relay := bridged(t, suite, func(c *smtpd.Config) {
				c.Recipient = func(_, to string) *smtpd.Reply {
					if strings.HasPrefix(to, "nobody@") {
						return &smtpd.Reply{Code: 550, Enhanced: "5.1.10", Text: "RESOLVER.ADR.RecipientNotFound"}
					}
					return nil
				}
			})
			l.Server.SendMail(mailbox, "ops@example.net", "first")
			l.Server.WaitLog(`to=<ops@example\.net>.*dsn=2\.0\.0, status=sent \(250 2\.0\.0`)
			l.Server.Shell("printf 'Subject: two\\n\\nbody\\n' | sendmail -f " + mailbox + " nobody@example.net ops2@example.net")
			l.Server.WaitLog(`to=<nobody@example\.net>.*dsn=5\.1\.10, status=bounced .*said: 550 5\.1\.10 RESOLVER\.ADR\.RecipientNotFound \(in reply to RCPT TO command\)`)
			l.Server.WaitLog(`to=<ops2@example\.net>.*status=sent`)
			if got := len(l.World.Identity().Requests()); got != 1 {
				t.Errorf("token requests: got %d, want 1", got)
			}

			// Revoked: mail waits, with the reason in words; after that it goes.
			l.World.Identity().Revoke()
			l.World.Identity().Answer(func(int, lab.TokenRequest) (int, any) {
				return 401, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired. Trace ID: 1"}
			})
			time.Sleep(3 * time.Second) // until Postfix has closed the connection that it keeps
			l.Server.SendMail(mailbox, "late@example.net", "later")
			l.Server.WaitLog(`to=<late@example\.net>.*dsn=4\.7\.8, status=deferred .*421 4\.7\.8 relayhost: the sign-in at login\.microsoftonline\.com is no longer valid \(invalid_client: AADSTS7000222`)
			l.World.Identity().Answer(nil)
			l.Server.Flush()
			l.Server.WaitLog(`to=<late@example\.net>.*status=sent`)

			for _, s := range relay.Sessions() {
				if s.AuthBeforeTLS || s.Messages > 0 && !s.Authenticated {
					t.Errorf("session: got %+v, want a login over TLS", s)
				}
			}
			if log := l.Server.MailLog(); strings.Contains(log, password) || strings.Contains(log, "access-1") {
				t.Error("mail log: got the password or an access token in it, want neither")
			}
			if warnings := l.Server.Run("grep", "-E", `relayhost-m365.*(warning|fatal|panic)`, "/var/log/mail.log"); warnings.Stdout != "" {
				t.Errorf("warnings: got %s, want none", warnings.Stdout)
			}
		})
	}
}

// TestLabBridgeManyAndLarge: 40 messages at once go by the three connections that
// the relay allows, and a message of 24 MB passes in little memory.
func TestLabBridgeManyAndLarge(t *testing.T) {
	t.Parallel()
	l, relay := bridged(t, lab.Bookworm)
	l.Server.Shell("postconf -e message_size_limit=60000000 && postfix reload")
	for n := range 40 {
		l.Server.SendMail(mailbox, fmt.Sprintf("user%d@example.net", n), "hello")
	}
	deadline := time.Now().Add(60 * time.Second)
	for len(relay.Mailbox()) < 40 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	if got := len(relay.Mailbox()); got != 40 {
		t.Fatalf("messages: got %d, want 40; waiting:\n%.2000s", got, l.Server.Queue())
	}
	if got := relay.Counters().MostOpen; got > 3 {
		t.Errorf("connections at once: got %d, want at most 3", got)
	}
	if got := len(l.World.Identity().Requests()); got != 1 {
		t.Errorf("token requests: got %d, want 1", got)
	}
	peak := 0 // kB, once the relay has all of the message
	relay.Configure(func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			for line := range strings.Lines(l.Server.Run("sh", "-c", "for p in $(pgrep -u relayhost); do grep VmHWM /proc/$p/status; done; true").Stdout) {
				var kB int
				_, _ = fmt.Sscanf(strings.TrimPrefix(line, "VmHWM:"), "%d", &kB)
				peak = max(peak, kB)
			}
			return nil
		}
	})
	l.Server.Shell(`(printf 'Subject: large\n\n'; yes '..a line that begins with dots, and some more of it to fill the message' | head -c 24000000; echo) | sendmail -f ` + mailbox + ` large@example.net`)
	l.Server.WaitLog(`to=<large@example\.net>.*status=sent`)
	box := relay.Mailbox()
	if got := len(box[len(box)-1].Data); got < 24_000_000 {
		t.Errorf("large message: got %d bytes, want 24 MB", got)
	}
	t.Logf("figure: 24 MB message: %d kB of resident memory at most", peak)
	if peak == 0 || peak > 25_000 {
		t.Errorf("resident memory: got %d kB, want at most 25,000", peak)
	}
}

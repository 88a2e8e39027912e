//go:build lab

package bridge_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/lab"
)

// TestLabBridgeHTTPS: on an EC2 instance with a role, where no port of mail gets out,
// Postfix's own lmtp(8) and spawn(8) carry mail to Amazon SES by HTTPS, with no key in
// any file. What SES says is in Postfix's log, a 429 makes mail wait without a further
// request, and 25 MB pass in little memory.
func TestLabBridgeHTTPS(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			options := []lab.Option{lab.On(suite), lab.Postfix(), lab.Cloud("aws"), lab.API("ses", "email.eu-west-1.amazonaws.com")}
			for _, port := range []int{25, 465, 587, 2525, 2587, 2465} {
				options = append(options, lab.Port(port, lab.Dropped, lab.Both))
			}
			l := lab.New(t, options...)
			l.Server.Install()
			text, err := conf.Config{
				Via: conf.ViaHTTPS, CAFile: "/etc/ssl/certs/ca-certificates.crt",
				API: &conf.APIConfig{ID: "ses", Settings: map[conf.Field]string{conf.Region: "eu-west-1"}, AWS: &conf.AWSKeys{Source: conf.AWSInstance}},
			}.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			l.Server.Shell("groupadd -r relayhost && useradd -r -g relayhost -d /nonexistent -s /usr/sbin/nologin relayhost && mkdir -m 700 " + conf.Directory + " " + conf.StateDirectory(conf.Directory) + " " + conf.OwnDirectory(conf.Directory, "ses"))
			l.Server.WriteFile(conf.ConfigPath(conf.Directory, "ses"), string(text), 0o600)
			l.Server.Shell("chown -R relayhost:relayhost " + conf.Directory)
			l.Server.Shell(`cat >> /etc/postfix/master.cf <<'C'
relayhost-ses unix - - n - 3 lmtp
  -o syslog_name=postfix/relayhost-ses
  -o lmtp_tls_security_level=none
  -o lmtp_sasl_auth_enable=no
  -o lmtp_connection_cache_destinations=private/relayhost-ses-out
relayhost-ses-out unix - n n - 6 spawn
  user=relayhost argv=/usr/local/bin/relayhost bridge ses
C
postconf -e message_size_limit=60000000 mailbox_size_limit=0 default_transport=relayhost-ses:unix:private/relayhost-ses-out && postfix reload`)
			ses := l.World.API("ses")

			l.Server.Shell("printf 'From: app@example.com\\nTo: ops@example.net\\nSubject: Gr\\303\\274\\303\\237e\\n\\n.\\n..\\nbody\\n' | sendmail -i -f app@example.com ops@example.net hidden@example.net")
			l.Server.WaitLog(`to=<ops@example\.net>.*dsn=2\.0\.0, status=sent \(250 2\.0\.0 Amazon SES: id-1\)`)
			l.Server.WaitLog(`to=<hidden@example\.net>.*status=sent`)
			got := ses.Got()
			if len(got) != 1 {
				t.Fatalf("messages: got %d, want 1", len(got))
			}
			if m := got[0]; len(m.To) != 2 || m.From != "app@example.com" || !bytes.Contains(m.Raw, []byte("Subject: Grüße\r\n")) || !bytes.HasSuffix(m.Raw, []byte("\r\n\r\n.\r\n..\r\nbody\r\n")) || bytes.Contains(m.Raw, []byte("hidden@")) {
				t.Fatalf("message: got %.600q from %q to %q, want it from app@example.com to 2, with the subject and the lines of dots as they were sent, "+
					"and no \"hidden@\"", m.Raw, m.From, m.To)
			}

			ses.Answer(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("X-Amzn-Errortype", "MessageRejected")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"message":"Email address is not verified. The following identities failed the check in region EU-WEST-1: other@example.com"}`)
				return true
			})
			l.Server.SendMail("other@example.com", "unverified@example.net", "x")
			l.Server.WaitLog(`to=<unverified@example\.net>.*dsn=4\.7\.1, status=deferred .*said: 451 4\.7\.1 relayhost: Amazon SES: 400 MessageRejected: Email address is not verified`)

			var mu sync.Mutex
			var size, peak int64
			ses.Answer(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				mu.Lock()
				defer mu.Unlock()
				size, _ = io.Copy(io.Discard, r.Body)
				status := l.Server.Run("sh", "-c", `for p in $(pgrep -u relayhost); do grep VmHWM /proc/$p/status; done`).Stdout
				_, _ = fmt.Sscanf(strings.TrimPrefix(status, "VmHWM:"), "%d", &peak)
				_, _ = io.WriteString(w, `{"MessageId":"large-1"}`)
				return true
			})
			l.Server.Shell(`(printf 'Subject: large\n\n'; yes '..a line that begins with dots, and some more of it to fill the message' | head -c 25000000; echo) | sendmail -i -f app@example.com large@example.net`)
			l.Server.WaitLog(`to=<large@example\.net>.*status=sent \(250 2\.0\.0 Amazon SES: large-1\)`)
			mu.Lock()
			defer mu.Unlock()
			if size < 33_000_000 {
				t.Errorf("request of the large message: got %d bytes, want 25 MB in base64", size)
			}
			t.Logf("figure: 25 MB message: %d kB of resident memory at most", peak)
			if peak == 0 || peak > 40_000 {
				t.Errorf("resident memory: got %d kB, want at most 40,000", peak)
			}

			ses.Answer(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, `{"message":"Too many requests"}`)
				return true
			})
			before := ses.Requests()
			l.Server.SendMail("app@example.com", "later@example.net", "x")
			l.Server.WaitLog(`to=<later@example\.net>.*dsn=4\.7\.28, status=deferred .*TooManyRequestsException`)
			l.Server.SendMail("app@example.com", "later2@example.net", "x")
			l.Server.WaitLog(`to=<later2@example\.net>.*dsn=4\.7\.28, status=deferred .*next one allowed in [0-9]+ seconds`)
			if n := ses.Requests() - before; n != 1 {
				t.Errorf("requests after a 429: got %d, want 1", n)
			}

			if n := l.World.Metadata().WithoutToken(); n != 0 {
				t.Errorf("metadata: got %d requests without an IMDSv2 token, want 0", n)
			}
			for _, secret := range []string{apitest.SecretKey, apitest.Session} {
				if found := l.Server.Run("grep", "-rlF", secret, "/etc", "/var/lib", "/var/log"); found.Stdout != "" {
					t.Errorf("files with a secret: got\n%s\nwant none", found.Stdout)
				}
			}
			if log := l.Server.MailLog(); strings.Contains(log, "panic") || strings.Contains(log, "fatal") {
				t.Errorf("log: got \"panic\" or \"fatal\" in it, want neither")
			}
		})
	}
}

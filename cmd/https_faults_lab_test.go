//go:build lab

package cmd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// starter is who starts the processes of a bridge.
type starter struct {
	name    string
	options []lab.Option
	flags   []string // of setup
}

// The two starters: Postfix's spawn(8), a process for each connection, and systemd, one
// process for all of them.
var (
	bySpawn   = starter{name: "spawn"}
	byService = starter{"service", []lab.Option{lab.Systemd()}, []string{"--bridge-service"}}
)

// starters are those that a test runs under: make test has spawn(8) alone, and
// TestLabBridgeService and TestLabHTTPSKilled for the other.
func starters() []starter {
	if fullTable() {
		return []starter{bySpawn, byService}
	}
	return []starter{bySpawn}
}

// byAPI is a server that sends by the API of a relay, set up by setup.
func byAPI(t *testing.T, by starter, id, host, credentials string, more ...lab.Option) (*lab.Lab, *apitest.Service) {
	t.Helper()
	l := lab.New(t, append(append([]lab.Option{lab.Postfix(), lab.API(id, host)}, by.options...), more...)...)
	l.Server.WriteFile("/root/credentials", credentials, 0o600)
	res := l.Run(append([]string{"relayhost", "setup", "--relay", id, "--via", "https", "--from", "app@example.com", "--credentials-file", "/root/credentials", "--no-verify", "--yes"}, by.flags...)...)
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, l.Server.MailLog())
	}
	return l, l.World.API(id)
}

// endBridges kills the processes of the bridges.
func endBridges(s *lab.Server) { s.Shell("pkill -KILL -u relayhost; true") }

// TestLabHTTPSKilled: a bridge that dies between the API's acceptance and the reply
// costs one duplicate at most, and none where the API recognises a repetition. Nothing
// is lost and nothing bounces.
func TestLabHTTPSKilled(t *testing.T) {
	t.Parallel()
	type row struct {
		id, host, credentials string
		want                  int // messages at the API
	}
	resend := row{"resend", "api.resend.com", "api_key=" + apitest.KeyOf("resend") + "\n", 1}
	mailgun := row{"mailgun", "api.mailgun.net", "api_key=" + apitest.KeyOf("mailgun") + "\ndomain=mg.example.com\n", 2}
	for _, test := range []struct {
		row
		by   starter
		full bool
	}{
		{resend, bySpawn, false}, {mailgun, byService, false}, {mailgun, bySpawn, true}, {resend, byService, true},
	} {
		if test.full && !fullTable() {
			continue
		}
		t.Run(test.id+"_"+test.by.name, func(t *testing.T) {
			t.Parallel()
			l, service := byAPI(t, test.by, test.id, test.host, test.credentials)
			s := l.Server
			var killed atomic.Bool
			service.Answer(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if killed.Swap(true) {
					return false
				}
				service.ServeHTTP(httptest.NewRecorder(), r) // which accepts it
				endBridges(s)
				return true
			})
			s.Shell("printf 'From: app@example.com\\nTo: ops@example.net\\nSubject: once\\nMessage-ID: <once@example.com>\\n\\nbody\\n' | sendmail -i -f app@example.com ops@example.net")
			s.WaitLog(`to=<ops@example\.net>.*status=deferred .*may be sent more than once`)
			s.Flush()
			s.WaitLog(`to=<ops@example\.net>.*status=sent \(250 2\.0\.0`)
			if got := len(service.Got()); got != test.want {
				t.Errorf("messages at the API: got %d, want %d", got, test.want)
			}
			if queue := s.Queue(); strings.Contains(queue, "example.net") {
				t.Errorf("queue: got %s, want none left", queue)
			}
			if log := s.MailLog(); strings.Contains(log, "status=bounced") {
				t.Errorf("log: got a bounce:\n%s\nwant no %q in it", log, "status=bounced")
			}
		})
	}
}

// TestLabHTTPSFaults: whatever stands where the API should be, mail waits with the
// reason in the log, nothing is handed to it, and afterwards all of it goes.
func TestLabHTTPSFaults(t *testing.T) {
	t.Parallel()
	for _, by := range starters() {
		t.Run(by.name, func(t *testing.T) {
			t.Parallel()
			httpsFaults(t, by)
		})
	}
}

func httpsFaults(t *testing.T, by starter) {
	l, mailgun := byAPI(t, by, "mailgun", "api.mailgun.net", "api_key="+apitest.KeyOf("mailgun")+"\ndomain=mg.example.com\n", lab.API("sendgrid", "api.sendgrid.com"))
	s, other := l.Server, l.World.API("sendgrid")
	hosts := s.ReadFile("/etc/hosts")
	checked := mailgun.Requests() // by setup
	at := func(line string) {
		s.WriteFile("/etc/hosts", hosts+line, 0o644)
		endBridges(s) // which remember it
	}
	sent := 0
	deferred := func(t *testing.T, want string) {
		t.Helper()
		sent++
		s.SendMail("app@example.com", fmt.Sprintf("m%d@example.net", sent), "Gehe1mer Text")
		s.WaitLog(fmt.Sprintf(`to=<m%d@example\.net>.*%s`, sent, want))
	}
	say := func(status int, header, body string) {
		mailgun.Answer(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		})
	}
	t.Run("certificate of another name", func(t *testing.T) {
		at(strings.Fields(s.Shell("getent ahostsv4 api.sendgrid.com"))[0] + " api.mailgun.net\n")
		deferred(t, `dsn=4\.7\.5, status=deferred .*451 4\.7\.5 relayhost: Mailgun: api\.mailgun\.net: .*certificate`)
	})
	t.Run("intercepting proxy", func(t *testing.T) {
		s.Shell("cd /root && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=api.mailgun.net -addext subjectAltName=DNS:api.mailgun.net -keyout proxy.key -out proxy.crt 2>/dev/null")
		p := s.Start("sh", "-c", "exec openssl s_server -quiet -accept 127.0.0.1:443 -key /root/proxy.key -cert /root/proxy.crt > /root/seen 2>&1 < /dev/zero")
		defer func() { _ = p.Kill(syscall.SIGKILL) }()
		s.Shell("for i in $(seq 100); do ss -Hltn sport = :443 | grep -q . && break; sleep 0.1; done")
		at("127.0.0.1 api.mailgun.net\n")
		deferred(t, `dsn=4\.7\.5, status=deferred .*certificate signed by unknown authority`)
		if seen := s.ReadFile("/root/seen"); strings.Contains(seen, "POST") || strings.Contains(seen, "Gehe1m") {
			t.Errorf("the proxy: got a POST %v, the key %v, want neither", strings.Contains(seen, "POST"), strings.Contains(seen, "Gehe1m"))
		}
	})
	at("")
	if n := mailgun.Requests() + other.Requests() - checked; n != 0 {
		t.Errorf("requests without a certificate that verifies: got %d, want 0", n)
	}
	t.Run("redirect", func(t *testing.T) {
		say(http.StatusTemporaryRedirect, "Location: https://api.sendgrid.com/v3/mail/send", "")
		deferred(t, `dsn=4\.4\.1, status=deferred .*Mailgun: 307`)
		if n := other.Requests(); n != 0 {
			t.Errorf("requests at the other host: got %d, want 0", n)
		}
	})
	t.Run("200 with an error", func(t *testing.T) {
		say(http.StatusOK, "", `{"message":"something failed"}`)
		deferred(t, `dsn=4\.4\.1, status=deferred .*answers 200 without the id of a message`)
	})
	t.Run("a gigabyte", func(t *testing.T) {
		mailgun.Answer(apitest.Huge)
		deferred(t, `dsn=4\.4\.1, status=deferred .*answers 200 without the id of a message`)
		var peak int
		for line := range strings.Lines(s.Shell(`for p in $(pgrep -u relayhost); do grep VmHWM /proc/$p/status; done; true`)) {
			var kB int
			_, _ = fmt.Sscanf(strings.TrimPrefix(line, "VmHWM:"), "%d", &kB)
			peak = max(peak, kB)
		}
		if peak == 0 || peak > 40_000 {
			t.Errorf("resident memory: got %d kB, want at most 40,000", peak)
		}
	})
	t.Run("hang", func(t *testing.T) {
		release := make(chan struct{})
		mailgun.Answer(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			<-release
			panic(http.ErrAbortHandler) // ends the connection without an answer
		})
		before := mailgun.Requests()
		s.SendMail("app@example.com", "hang@example.net", "x")
		for end := time.Now().Add(20 * time.Second); mailgun.Requests() == before && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		if queue := s.Queue(); !strings.Contains(queue, "hang@example.net") {
			t.Errorf("queue: got %s, want the message in it", queue)
		}
		close(release)
		s.WaitLog(`to=<hang@example\.net>.*dsn=4\.4\.1, status=deferred .*the message may be sent twice`)
	})
	t.Run("429", func(t *testing.T) {
		say(http.StatusTooManyRequests, "Retry-After: 600", `{"message":"slow down"}`)
		before := mailgun.Requests()
		for range 3 {
			deferred(t, `dsn=4\.7\.28, status=deferred`)
		}
		s.Flush()
		for n := range sent {
			s.WaitLog(fmt.Sprintf(`to=<m%d@example\.net>.*next one allowed in [0-9]+ seconds`, n+1))
		}
		if n := mailgun.Requests() - before; n != 1 {
			t.Errorf("requests: got %d, want 1", n)
		}
	})
	// The ten minutes are over.
	mailgun.Answer(nil)
	endBridges(s)
	s.Shell("rm /var/lib/postfix-relayhost-bridge/*.state/*.pause")
	s.Flush()
	for n := range sent {
		s.WaitLog(fmt.Sprintf(`to=<m%d@example\.net>.*status=sent`, n+1))
	}
	s.WaitLog(`to=<hang@example\.net>.*status=sent`)
	if got := len(mailgun.Got()); got != sent+1 {
		t.Errorf("messages at the API: got %d, want %d", got, sent+1)
	}
	if log := s.MailLog(); strings.Contains(log, "status=bounced") || strings.Contains(log, apitest.KeyOf("mailgun")) {
		t.Errorf("log: got a bounce or the key:\n%s\nwant no %q in it and no key", log, "status=bounced")
	}
}

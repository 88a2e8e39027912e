//go:build lab

package cmd_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabHTTPSRoutes: two routes by the same API have a key and a region each. A key
// that is replaced and a region that is changed while Postfix runs count for the next
// message, with one process for all connections as well; 25 MB as they are, and 25 MB
// taken apart into fields, pass that process in little memory.
func TestLabHTTPSRoutes(t *testing.T) {
	t.Parallel()
	l := lab.New(t, append(noPorts(), lab.Postfix(), lab.Systemd(), lab.API("mailgun", "api.mailgun.net", "api.eu.mailgun.net"), lab.API("sendgrid", "api.sendgrid.com"))...)
	s, mailgun, sendgrid := l.Server, l.World.API("mailgun"), l.World.API("sendgrid")
	var mu sync.Mutex
	var asked string // host and key of the last request to Mailgun
	mailgun.Answer(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		_, key, _ := r.BasicAuth()
		mu.Lock()
		asked = r.Host + " " + strings.TrimPrefix(key, apitest.KeyOf("mailgun"))
		mu.Unlock()
		r.SetBasicAuth("api", apitest.KeyOf("mailgun"))
		return false
	})
	account := func(name, suffix string) {
		s.WriteFile("/root/"+name, "api_key="+apitest.KeyOf("mailgun")+suffix+"\ndomain=mg.example.com\n", 0o600)
	}
	setup := func(args ...string) {
		t.Helper()
		if res := l.Run(append([]string{"relayhost", "setup", "--no-verify", "--yes"}, args...)...); res.Code != 0 {
			t.Fatalf("setup %v: want exit code 0, got %s\n%s", args, res, s.MailLog())
		}
	}
	sent := 0
	send := func(from, want string) {
		t.Helper()
		sent++
		s.SendMail(from, fmt.Sprintf("m%d@example.net", sent), "x")
		s.WaitLog(fmt.Sprintf(`to=<m%d@example\.net>.*status=sent`, sent))
		mu.Lock()
		defer mu.Unlock()
		if asked != want {
			t.Errorf("message of %s: got host and key %q, want %q", from, asked, want)
		}
	}
	account("one", "-one")
	account("shop", "-shop")
	setup("--relay", "mailgun", "--via", "https", "--from", "app@example.com", "--credentials-file", "/root/one")
	toml := s.ReadFile("/etc/relayhost/relayhost.toml")
	s.WriteFile("/etc/relayhost/relayhost.toml", toml+"\n[[route]]\nname = \"shop\"\nsenders = [\"shop.example\"]\nrelay = \"mailgun\"\nregion = \"eu\"\nvia = \"https\"\ncredentials_file = \"/root/shop\"\n", 0o644)
	setup()
	send("app@example.com", "api.mailgun.net -one")
	send("orders@shop.example", "api.eu.mailgun.net -shop")

	account("shop", "-new")
	setup()
	send("orders@shop.example", "api.eu.mailgun.net -new")
	send("app@example.com", "api.mailgun.net -one")
	setup("--region", "eu", "--bridge-service")
	send("app@example.com", "api.eu.mailgun.net -one")
	account("one", "-two")
	setup("--credentials-file", "/root/one")
	send("app@example.com", "api.eu.mailgun.net -two")
	if res := l.Run("relayhost", "verify", "--no-send"); res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	passesLarge(t, s, mailgun) // as it is, with one process for all connections

	s.WriteFile("/root/sendgrid", "api_key="+apitest.KeyOf("sendgrid")+"\n", 0o600)
	s.WriteFile("/etc/relayhost/relayhost.toml", toml, 0o644)
	setup("--relay", "sendgrid", "--via", "https", "--bridge-service", "--credentials-file", "/root/sendgrid")
	passesLarge(t, s, sendgrid)
}

// passesLarge sends a message of 25 MB, a text and an attachment. When the API has read
// all of it, the processes of the bridge have needed 40 MB of memory each at most.
func passesLarge(t *testing.T, s *lab.Server, service *apitest.Service) {
	t.Helper()
	var mu sync.Mutex
	var size, peak int64
	service.Answer(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		size, _ = io.Copy(io.Discard, r.Body)
		for line := range strings.Lines(s.Run("sh", "-c", `for p in $(pgrep -u relayhost); do grep VmHWM /proc/$p/status; done; true`).Stdout) {
			var kB int64
			_, _ = fmt.Sscanf(strings.TrimPrefix(line, "VmHWM:"), "%d", &kB)
			peak = max(peak, kB)
		}
		switch service.ID {
		case "sendgrid":
			w.Header().Set("X-Message-Id", "large-1")
			w.WriteHeader(http.StatusAccepted)
		case "mailgun":
			_, _ = io.WriteString(w, `{"id":"<large-1>","message":"Queued. Thank you."}`)
		}
		return true
	})
	defer service.Answer(nil)
	s.Shell("postconf -e message_size_limit=60000000 mailbox_size_limit=0 && postfix reload")
	s.Shell(`(printf 'From: app@example.com\nTo: large-` + service.ID + `@example.net\nSubject: large\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n'; head -c 18500000 /dev/urandom | base64; printf '\n--b--\n') | sendmail -i -f app@example.com large-` + service.ID + `@example.net`)
	s.WaitLog(`to=<large-` + service.ID + `@example\.net>.*status=sent \(250 2\.0\.0 .*large-1`)
	mu.Lock()
	defer mu.Unlock()
	fmt.Printf("figure: %d bytes to the API of %s: %d kB of resident memory at most\n", size, service.ID, peak)
	if size < 24_600_000 || peak == 0 || peak > 40_000 {
		t.Errorf("got %d bytes in %d kB of resident memory, want 25 MB in at most 40,000 kB", size, peak)
	}
}

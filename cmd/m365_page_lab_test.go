//go:build lab

package cmd_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// The names on the page, and what it has an administrator save.
const (
	m365Page     = "../docs/m365.md"
	pageClientID = "11111111-2222-3333-4444-555555555555"
	pageSecret   = "abc8Q~the-Value-of-the-secret"
	pagePassword = "the password of the mailbox"
)

// pageWays are the ways of the page to sign in, by heading; the first needs no LAB_FULL.
var pageWays = []string{"Application with a certificate", "Application with a secret", "Code on another machine", "Address in a browser", "Password, while it lasts"}

// TestLabMicrosoft365Page: what docs/m365.md has an administrator save and type, as it
// stands there, ends in delivered mail, for each way to sign in. The identity provider
// takes the application of the page alone.
func TestLabMicrosoft365Page(t *testing.T) {
	t.Parallel()
	for n, way := range pageWays {
		if n > 0 && !fullTable() {
			break
		}
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			l := signInLab(t, lab.Bookworm, func(c *smtpd.Config) {
				c.Accounts = []smtpd.Account{{Username: mailbox, Password: secret.New(pagePassword)}}
			})
			s := l.Server
			s.Shell("rm /root/m365.pem")
			s.WriteFile("/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755)
			l.World.Identity().Answer(func(_ int, r lab.TokenRequest) (int, any) { return registered(s, r) })
			followPage(t, l, way, way)

			if got := len(l.World.Relay("m365").Mailbox()); got != 2 {
				t.Errorf("messages at the relay: got %d, want 2 (rehearsal and proof)\n%s", got, s.MailLog())
			}
			s.SendMail("root", "someone@elsewhere.example", "hello")
			if m := waitMessages(t, l, "m365", 3)[2]; m.From != mailbox {
				t.Errorf("mail of root: got sender %s, want %s", m.From, mailbox)
			}
			if res := l.Run("/usr/local/bin/relayhost", "verify", "--json"); res.Code != 0 {
				t.Errorf("verify: want exit code 0, got %s", res)
			}
			if way != pageWays[4] {
				followPage(t, l, way, "Renewal")
			}
		})
	}
}

// followPage saves and types what stands below a heading of the page, for a way.
func followPage(t *testing.T, l *lab.Lab, way, heading string) {
	t.Helper()
	typed := 0
	for _, f := range fences(t, m365Page) {
		switch {
		case f.heading != heading:
		case f.lang == "ini":
			l.Server.WriteFile("/root/m365.txt", f.text, 0o600)
		case strings.Contains(f.tag, "run by: "+"TestLabMicrosoft365Page"):
			typed++
			if way == "Address in a browser" {
				atBrowser(t, l, f.text, heading == way)
				continue
			}
			if res := l.Run("sh", "-ec", "cd /root\n"+f.text); res.Code != 0 {
				t.Fatalf("%s:%d: want exit code 0, got %s\n%s", m365Page, f.line, res, l.Server.MailLog())
			}
		}
	}
	if typed == 0 {
		t.Fatalf("%s: got no command below %q, want one", m365Page, heading)
	}
}

var stateOf = regexp.MustCompile(`state=[A-Za-z0-9_-]{43}`)

// atBrowser is somebody at a terminal who answers the questions of a setup, if it is one,
// opens the address that the command shows, and pastes the one at which the browser ends.
func atBrowser(t *testing.T, l *lab.Lab, command string, setup bool) {
	t.Helper()
	p := sit(t, l, 1000, false, "sh", "-ec", "cd /root\n"+command)
	if setup {
		for _, question := range []struct{ see, answer string }{
			{"? Server of Microsoft 365", "\r"}, {"? Send a test message to", "ops@example.net\r"}, {"? Apply this?", "y\r"},
		} {
			p.sees(question.see)
			p.term.Type(question.answer)
		}
	}
	p.sees("paste its whole address here")
	state := ""
	for end := time.Now().Add(time.Minute); state == ""; state = stateOf.FindString(p.screen.String()) {
		if time.Now().After(end) {
			t.Fatalf("%q: want an address to open, got\n%s", command, p.screen)
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.term.Type("https://login.microsoftonline.com/common/oauth2/nativeclient?code=c1&" + state + "\r")
	p.ends(0)
}

// registered is the identity provider's own answer to the application of the page, and a
// refusal for any other.
func registered(s *lab.Server, r lab.TokenRequest) (int, any) {
	refuse := func(text string) (int, any) {
		return http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": text}
	}
	f := r.Form
	switch f.Get("grant_type") {
	case "client_credentials":
		if f.Get("client_secret") != pageSecret && !signedBy(s.ReadFile("/root/cert.pem"), f.Get("client_assertion")) {
			return refuse("AADSTS700027: the assertion is not signed by the certificate that was uploaded")
		}
	case "authorization_code":
		if f.Get("code") != "c1" || f.Get("code_verifier") == "" {
			return refuse("AADSTS70000: another code, or no verifier")
		}
	}
	if !strings.HasPrefix(r.Path, "/contoso.example/oauth2/v2.0/") || f.Get("client_id") != pageClientID {
		return refuse("AADSTS700016: another tenant or application: " + r.Path + " " + f.Get("client_id"))
	}
	return 0, nil
}

// signedBy reports whether an assertion is signed (PS256) by the key of a certificate,
// which its header names.
func signedBy(certificate, assertion string) bool {
	block, _ := pem.Decode([]byte(certificate))
	parts := strings.Split(assertion, ".")
	if block == nil || len(parts) != 3 {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	head, err1 := base64.RawURLEncoding.DecodeString(parts[0])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	var header map[string]string
	if !ok || err1 != nil || err2 != nil || json.Unmarshal(head, &header) != nil {
		return false
	}
	thumbprint := sha256.Sum256(cert.Raw)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return header["x5t#S256"] == base64.RawURLEncoding.EncodeToString(thumbprint[:]) && rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, nil) == nil
}

package setup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// A fingerprint, or none at all, is in place before the ports are probed: their
// certificates need not verify by the CA file then.
func TestCertificateNeedNotVerify(t *testing.T) {
	untrusted := detect.Submission{Result: string(smtpprobe.FaultUntrusted)}
	silent := detect.Submission{Result: string(smtpprobe.FaultTimeout)}
	pin := strings.Repeat("00", 32)
	for _, test := range []struct {
		name  string
		pin   string
		given config.Given
		want  bool
	}{
		{"by the CA file", "", config.Given{}, false},
		{"pinned now", "", config.Given{Fingerprint: pin}, true},
		{"pinned before", pin, config.Given{}, true},
		{"pinned before, by a CA file now", pin, config.Given{CAFile: "/ca.pem"}, false},
		{"not verified", "", config.Given{NoVerify: true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Discovery{Catalog: []relays.Relay{{ID: "corp", Hosts: relays.Hosts{Default: "mail.test"}}}, Stored: config.New()}
			*d.Stored.First() = config.Hop{Relay: relays.Relay{ID: "corp"}, Host: "mail.test", Pin: test.pin}
			d.Before = *d.Stored.First()
			c, err := Named(t.Context(), Deps{}, d, Request{Given: test.given}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := reachable(*c.First(), untrusted); got != test.want {
				t.Errorf("an untrusted certificate: got %v, want %v", got, test.want)
			}
			if reachable(*c.First(), silent) {
				t.Error("silence: got reachable, want not")
			}
		})
	}
}

// A smarthost wants a login wherever credentials are given, however they are.
func TestSmarthostLogsIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "relayhost"), []byte("username=u\npassword=p\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, systemd string
		req           Request
		want          bool
	}{
		{"none", "", Request{}, false},
		{"a file", "", Request{Given: config.Given{CredentialsFile: "-"}}, true},
		{"a user name alone", "", Request{Username: "u"}, true},
		{"systemd's", dir, Request{}, true},
		{"systemd's of something else", t.TempDir(), Request{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("CREDENTIALS_DIRECTORY", test.systemd)
			test.req.Smarthost, test.req.Port = "mail.test", 587
			h, err := smarthost(t.Context(), Discovery{}, test.req, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(h.Relay.Auth.Mechanisms) > 0; got != test.want {
				t.Errorf("login: got %v, want %v", got, test.want)
			}
		})
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	_, err := ReadCredentials(t.Context(), config.New(), Request{}, nil)
	var hinted HintedError
	if !errors.As(err, &hinted) || !strings.Contains(hinted.Hint, dir) {
		t.Errorf("credentials of systemd that others can read: got %v, want a hint on %s", err, dir)
	}
}

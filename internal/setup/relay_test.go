package setup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
			d := Discovery{Catalog: []relays.Relay{{ID: "corp", Hosts: relays.Hosts{Default: "mail.test"}}}, Stored: config.New(), Before: *config.New().First()}
			*d.Stored.First() = config.Hop{Relay: &relays.Relay{ID: "corp"}, Host: "mail.test", Pin: test.pin}
			d.Before = *d.Stored.First()
			c, err := Named(t.Context(), Deps{}, d, Request{Given: test.given}, nobody{})
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
			h, err := smarthost(t.Context(), Discovery{Before: *config.New().First()}, nil, test.req, nobody{})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(h.Relay.Auth.Mechanisms) > 0; got != test.want {
				t.Errorf("login: got %v, want %v", got, test.want)
			}
		})
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	_, err := ReadCredentials(t.Context(), config.New(), Request{}, nobody{})
	var hinted HintedError
	if !errors.As(err, &hinted) || !strings.Contains(hinted.Hint, dir) {
		t.Errorf("credentials of systemd that others can read: got %v, want a hint on %s", err, dir)
	}
}

// somebody answers the questions about a smarthost.
type somebody struct {
	nobody
	login bool
}

func (somebody) Can() bool { return true }

func (s somebody) Smarthost(_ context.Context, _ Discovery, _ *detect.Facts, h config.Hop) (config.Hop, bool, error) {
	h.Host, h.Port, h.TLS, h.Pin = cmp.Or(h.Host, "mail.corp.example"), 25, relays.StartTLS, "00"
	return h, s.login, nil
}

// What is answered about a smarthost is kept: host, port, fingerprint and login.
func TestSmarthostAnswers(t *testing.T) {
	for _, login := range []bool{false, true} {
		t.Run(fmt.Sprintf("login %v", login), func(t *testing.T) {
			h, err := smarthost(t.Context(), Discovery{Before: *config.New().First()}, nil, Request{}, somebody{login: login})
			if err != nil {
				t.Fatal(err)
			}
			if h.Host != "mail.corp.example" || h.Port != 25 || h.Pin != "00" || (len(h.Relay.Auth.Mechanisms) > 0) != login {
				t.Errorf("login %v: got %+v, want the answers", login, h)
			}
		})
	}
	var usage UsageError
	if _, err := smarthost(t.Context(), Discovery{Before: *config.New().First()}, nil, Request{Smarthost: "mail.corp.example"}, nobody{}); !errors.As(err, &usage) {
		t.Errorf("nobody to ask and no port: got %v, want a usage error", err)
	}
}

// A look at a relay shows its certificate and whether it offers a login, whatever the
// certificate is worth; a fingerprint that differs is told as such.
func TestLookAt(t *testing.T) {
	s := newServer(t)
	ready := s.prepare(t, s.request(t, "right"))
	h := config.Hop{Relay: &relays.Relay{}, Host: "relay.test", Port: s.port, TLS: relays.StartTLS}
	res, err := LookAt(t.Context(), s.deps, ready.Discovery, h)
	if _, offered := WantsLogin(res); err != nil || res.Certificate == nil || !offered {
		t.Fatalf("got %+v, %v, want a certificate and AUTH", res, err)
	}
	sum := sha256.Sum256(res.Certificate.Raw)
	h.Pin = hex.EncodeToString(sum[:])
	if res, err := LookAt(t.Context(), s.deps, ready.Discovery, h); err != nil || res.Fault.Certificate() {
		t.Errorf("its fingerprint: got %+v, %v, want it trusted", res, err)
	}
	h.Pin = strings.Repeat("00", 32)
	res, err = LookAt(t.Context(), s.deps, ready.Discovery, h)
	if err != nil || !errors.Is(res.Err, smtpprobe.ErrPin) || res.Certificate == nil {
		t.Fatalf("another fingerprint: got %+v, %v, want ErrPin and the certificate", res, err)
	}
	text := subject{}.failedProbe(res.Err, res)
	var hinted HintedError
	if !strings.Contains(text.Error(), "does not have the pinned fingerprint") || !errors.As(text, &hinted) || !strings.Contains(hinted.Hint, hex.EncodeToString(sum[:])) {
		t.Errorf("got %v, hint %q, want the right cause and the fingerprint", text, hinted.Hint)
	}
}

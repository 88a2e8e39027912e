package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// somebody answers the questions about a smarthost.
type somebody struct {
	nobody
	login bool
}

func (somebody) Can() bool { return true }
func (s somebody) Smarthost(_ context.Context, _ Discovery, h config.Hop) (config.Hop, bool, error) {
	h.Host, h.Port, h.TLS, h.Pin = first(h.Host, "mail.corp.example"), 25, relays.StartTLS, "00"
	return h, s.login, nil
}

// What is answered about a smarthost is kept: host, port, fingerprint and login.
func TestSmarthostAnswers(t *testing.T) {
	for _, login := range []bool{false, true} {
		h, err := smarthost(t.Context(), Discovery{}, Request{}, somebody{login: login})
		if err != nil {
			t.Fatal(err)
		}
		if h.Host != "mail.corp.example" || h.Port != 25 || h.Pin != "00" || (len(h.Relay.Auth.Mechanisms) > 0) != login {
			t.Errorf("login %v: got %+v, want the answers", login, h)
		}
	}
	var usage UsageError
	if _, err := smarthost(t.Context(), Discovery{}, Request{Smarthost: "mail.corp.example"}, nobody{}); !errors.As(err, &usage) {
		t.Errorf("nobody to ask and no port: got %v, want a usage error", err)
	}
}

// A look at a relay shows its certificate and whether it offers a login, whatever the
// certificate is worth; a fingerprint that differs is told as such.
func TestLookAt(t *testing.T) {
	s := newServer(t)
	ready := s.prepare(t, s.request(t, "right"))
	h := config.Hop{Host: "relay.test", Port: s.port, TLS: relays.StartTLS}
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
	if !strings.Contains(text.Error(), "not the one with the fingerprint") || !errors.As(text, &hinted) || !strings.Contains(hinted.Hint, hex.EncodeToString(sum[:])) {
		t.Errorf("got %v, hint %q, want the right cause and the fingerprint", text, hinted.Hint)
	}
}

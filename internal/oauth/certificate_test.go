package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// TestCheckCertificate: what a file holds in place of a key and its certificate is told,
// with what makes it right, and nothing of the key.
func TestCheckCertificate(t *testing.T) {
	now := time.Now()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	long, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, leaf := certificate(t, key, now.Add(time.Hour))
	ended, _ := certificate(t, key, now.Add(-time.Hour))
	begins, _ := certificate(t, key, now.Add(24*time.Hour))
	third, _ := certificate(t, other, now.Add(time.Hour))
	p384, _ := certificate(t, long, now.Add(time.Hour))
	const middle = "-----BEGIN CERTIFICATE-----"
	keyOnly, certOnly, _ := strings.Cut(text, middle)
	certOnly = middle + certOnly
	otherKey, _, _ := strings.Cut(third, middle)
	for _, row := range []struct{ name, text, why, fix string }{
		{"right", text, "", ""},
		{"certificate first, words between", "Bag Attributes\n" + certOnly + "\nBag Attributes\n" + keyOnly, "", ""},
		{"CR LF", strings.ReplaceAll(text, "\n", "\r\n"), "", ""},
		{"no key", certOnly, "holds a certificate and no private key", "cat key.pem cert.pem"},
		{"no certificate", keyOnly, "holds a private key and no certificate", "cat key.pem cert.pem"},
		{"another key", otherKey + certOnly, "key of another certificate", "made together"},
		{"encrypted", string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})) + certOnly, "encrypted with a password", "openssl pkey"},
		{"encrypted, old form", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte("x")})) + certOnly, "encrypted with a password", "openssl pkey"},
		{"damaged key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})) + certOnly, "cannot be read", "openssl req"},
		{"P-384", p384, "neither RSA nor P-256", "openssl req"},
		{"DER", string(leaf.Raw), "DER form", "openssl x509 -inform der"},
		{"PFX", "0\x82\x03\x00binary", "PFX (PKCS #12)", "openssl pkcs12"},
		{"empty", "\n", "is empty", "cat key.pem cert.pem"},
		{"words", "Gehe1m\n", "no PEM", "cat key.pem cert.pem"},
		{"ended", ended, "ended on ", "make a new one"},
		{"not yet", begins, "this server's clock says", "timedatectl"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ends, err := oauth.CheckCertificate(secret.New(row.text), now)
			if row.why == "" {
				if err != nil || ends.Sub(now).Round(time.Minute) != time.Hour {
					t.Errorf("got %v, %v, want an end in an hour", ends, err)
				}
				return
			}
			var unfit *oauth.CertificateError
			if !errors.As(err, &unfit) || !strings.Contains(unfit.Why, row.why) || !strings.Contains(unfit.Fix, row.fix) || strings.Contains(err.Error()+unfit.Fix, "Gehe1m") {
				t.Errorf("got %s (secret: ***), want %q, and %q as the fix, without the secret", strings.ReplaceAll(fmt.Sprintf("%+v", err), "Gehe1m", "***"), row.why, row.fix)
			}
		})
	}
}

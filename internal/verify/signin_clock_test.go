package verify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// TestSignInByAWrongClock: a certificate that has not begun, and a token of the future, are
// told as the clock's fault.
func TestSignInByAWrongClock(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name, want, says string
		token            oauth.Token
		begins           time.Time
	}{
		{"the certificate is of the future", "auth:fail:signin_clock", "this server's clock says", oauth.Token{}, now.Add(3 * time.Hour)},
		{"the token is of the future", "auth:warn:clock_jump auth:pass", "renewed in the future by this server's clock, in 3h0m0s",
			oauth.Token{Access: secret.New("access-1"), Expiry: now.Add(4 * time.Hour), Obtained: now.Add(3 * time.Hour)}, now.Add(-time.Hour)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := relay(t)
			s.Configure(func(c *smtpd.Config) { c.Token = func(string, string) *smtpd.Reply { return nil } })
			source := oauth.Source{Path: filepath.Join(t.TempDir(), "x.token"), HTTP: oauth.HTTPClient(nil),
				Client: oauth.Client{Grant: oauth.ClientCredentials, ID: "7f3a", Certificate: certificateFrom(t, test.begins), TokenURL: "https://127.0.0.1:1/token"}}
			if !test.token.Access.IsZero() {
				if err := source.Save(t.Context(), test.token); err != nil {
					t.Fatal(err)
				}
			}
			env := s.env(t)
			env.First().Password, env.First().Source = secret.Value{}, &source
			r := Run(t.Context(), env, Options{NoSend: true})
			if got := summary(r, "auth"); got != test.want || !strings.Contains(find(r, "auth")[0].Detail, test.says) {
				t.Errorf("got %s: %+v, want %s: %s", got, find(r, "auth"), test.want, test.says)
			}
		})
	}
}

// certificateFrom is a key and its certificate of a year.
func certificateFrom(t *testing.T, begins time.Time) secret.Value {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begins, NotAfter: begins.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secretKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretKey})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

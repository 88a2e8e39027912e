package verify

import (
	"crypto/x509"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestSecretEnds: verify tells how long the client secret is good for, warns from 30
// days before its end on, and says what to do; where nobody has said it, it says so.
func TestSecretEnds(t *testing.T) {
	s := relay(t)
	s.Configure(func(c *smtpd.Config) { c.Token = func(string, string) *smtpd.Reply { return nil } })
	day := 24 * time.Hour
	for _, test := range []struct {
		name  string
		ends  time.Time
		want  string // of the findings of the check "auth"
		says  string
		fixes string // in the remedy
	}{
		{"nobody has said", time.Time{}, "auth:pass auth:pass", "nobody has said when the client secret ends (client_secret_expires= in the credentials file)", ""},
		{"next year", time.Now().Add(400*day + time.Hour), "auth:pass auth:pass", "the client secret ends in 400 days", ""},
		{"soon", time.Now().Add(29*day + time.Hour), "auth:warn:signin_secret_ends auth:pass", "the client secret ends in 29 days", "with client_secret_expires="},
		{"today", time.Now().Add(12 * time.Hour), "auth:warn:signin_secret_ends auth:pass", "the client secret ends in less than a day", "The client secret ends on "},
		{"an hour ago", time.Now().Add(-time.Hour), "auth:warn:signin_secret_ends auth:pass", "the client secret ended less than a day ago", "The client secret ended on "},
		{"past", time.Now().Add(-day - time.Hour), "auth:warn:signin_secret_ends auth:pass", "the client secret ended 1 day ago", "with client_secret_expires="},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := oauth.Client{Grant: oauth.ClientCredentials, ID: "7f3a", Secret: secret.New("Gehe1mClient~42"), TokenURL: "https://login.example/token", SecretEnds: test.ends}
			source := oauth.Source{Client: client, Path: filepath.Join(t.TempDir(), "x.token")}
			now := time.Now()
			if err := source.Save(t.Context(), oauth.Token{Access: secret.New("access-1"), Expiry: now.Add(time.Hour), Obtained: now}); err != nil {
				t.Fatal(err)
			}
			env := s.env(t)
			env.First().Password, env.First().Source = secret.Value{}, &source
			r := Run(t.Context(), env, Options{NoSend: true})
			if got := summary(r, "auth"); got != test.want {
				t.Fatalf("got %s, want %s\n%+v", got, test.want, find(r, "auth"))
			}
			f := find(r, "auth")[0]
			for _, other := range []string{"nobody has said when the client secret ends", "the client secret ends in", "the client secret ended"} {
				if strings.Contains(f.Detail, other) && !strings.HasPrefix(test.says, other) {
					t.Errorf("got %+v, want no %q in its detail", f, other)
				}
			}
			if !strings.Contains(f.Detail, test.says) || !strings.Contains(f.Remedy, test.fixes) || test.fixes != "" && !strings.Contains(f.Remedy, test.ends.UTC().Format(time.DateOnly)) {
				t.Errorf("got %+v, want %q, and %q with the day in the remedy", f, test.says, test.fixes)
			}
		})
	}
}

// TestNotSignedIn: what a missing token is put down to is what its error shows, and the
// sign-in is called refused or revoked only where the identity provider says so.
func TestNotSignedIn(t *testing.T) {
	for _, test := range []struct {
		name, cause, says string
		err               error
	}{
		{"revoked", "signin_revoked", "(login.example: invalid_grant: AADSTS50173", &oauth.Refusal{Host: "login.example", Code: "invalid_grant", Number: "50173", Text: "AADSTS50173: the grant has expired"}},
		{"a secret that has expired", "signin_secret_expired", "login.example", &oauth.Refusal{Host: "login.example", Code: "invalid_client", Number: "7000222"}},
		{"nobody has signed in", "signin_missing", "nobody has signed in yet", &oauth.Refusal{Host: "login.example", Code: "not_signed_in"}},
		{"words that nobody knows", "signin_refused", "login.example: invalid_grant", &oauth.Refusal{Host: "login.example", Code: "invalid_grant", Number: "1"}},
		{"no directory for tokens", "bridge_store", "state/x.token.lock", fmt.Errorf("lock: %w", &fs.PathError{Op: "open", Path: "/state/x.token.lock", Err: fs.ErrNotExist})},
		{"the provider's certificate has expired", "tls_expired_or_clock", "certificate has expired", x509.CertificateInvalidError{Reason: x509.Expired}},
		{"a key that does not fit", "signin_refused", "holds no private key", &oauth.CertificateError{Why: "holds no private key"}},
		{"the clock", "signin_clock", "clock", &oauth.CertificateError{Why: "begins in the future: this server's clock says 2026"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &hopCheck{routeCheck: &routeCheck{run: &run{Env: Env{Routes: []Route{{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}}}}}}}
			f := l.notSignedIn(test.err, time.Now())
			if f.Result != Fail || f.Cause != test.cause || !strings.Contains(f.Detail, test.says) || f.Remedy == "" {
				t.Errorf("got %+v, want the failure %s that says %q, with a remedy", f, test.cause, test.says)
			}
		})
	}
}

package verify

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
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
		{"past", time.Now().Add(-day - time.Hour), "auth:warn:signin_secret_ends auth:pass", "the client secret ended 2 days ago", "with client_secret_expires="},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := oauth.Client{Grant: oauth.ClientCredentials, ID: "7f3a", Secret: secret.New("Gehe1mClient~42"), TokenURL: "https://login.example/token", SecretEnds: test.ends}
			source := oauth.Source{Client: client, Path: filepath.Join(t.TempDir(), "x.token")}
			now := time.Now()
			if err := source.Save(t.Context(), oauth.Token{Access: secret.New("access-1"), Expiry: now.Add(time.Hour), Obtained: now}); err != nil {
				t.Fatal(err)
			}
			env := s.env(t)
			env.Password, env.SignIn = secret.Value{}, &source
			r := Run(t.Context(), env, Options{NoSend: true})
			if got := summary(r, "auth"); got != test.want {
				t.Fatalf("got %s, want %s\n%+v", got, test.want, find(r, "auth"))
			}
			f := find(r, "auth")[0]
			if !strings.Contains(f.Detail, test.says) || !strings.Contains(f.Remedy, test.fixes) || test.fixes != "" && !strings.Contains(f.Remedy, test.ends.UTC().Format(time.DateOnly)) {
				t.Errorf("got %+v, want %q, and %q with the day in the remedy", f, test.says, test.fixes)
			}
		})
	}
}

package oauth_test

import (
	"net/url"
	"strings"
	"testing"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// TestGoogle: at Google a user signs in, for one scope, to an application that has a
// secret, and the sign-in is asked for again so that a refresh token comes with it.
func TestGoogle(t *testing.T) {
	good := oauth.Client{Grant: oauth.AuthorizationCode, ID: "7-a.apps.googleusercontent.com", Secret: secret.New("GOCSPX-x")}
	c, err := oauth.Google(good)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(c.StartURL("app@example.com").URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"scope": "https://www.googleapis.com/auth/gmail.send", "redirect_uri": "http://127.0.0.1", "access_type": "offline", "prompt": "consent",
		"login_hint": "app@example.com", "code_challenge_method": "S256",
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if u.Host != "accounts.google.com" || c.Host() != "oauth2.googleapis.com" || strings.Contains(u.String(), "GOCSPX") {
		t.Errorf("start URL: got host %s and token endpoint %s, want accounts.google.com and oauth2.googleapis.com, and no secret in the URL", u.Host, c.Host())
	}
	bad := good
	bad.Grant = oauth.DeviceCode
	if _, err := oauth.Google(bad); err == nil || !strings.Contains(err.Error(), "choose url") {
		t.Errorf("device: got %v, want an error with %q", err, "choose url")
	}
	bad = good
	bad.Secret = secret.Value{}
	if _, err := oauth.Google(bad); err == nil || !strings.Contains(err.Error(), "client_secret") {
		t.Errorf("no secret: got %v, want an error with %q", err, "client_secret")
	}
}

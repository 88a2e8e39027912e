package config_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/relays"
)

const signedIn = `version = 1
relay = "m365"
port = 587
from = "app@contoso.example"
via = "smtp-oauth"
sign_in = "client_credentials"
tenant = "contoso.example"
client_id = "7f3a-app"
`

// What the file says of a sign-in is read, kept, and written without its secrets.
func TestSignIn(t *testing.T) {
	c, err := resolved(t, signedIn)
	if err != nil {
		t.Fatal(err)
	}
	h := c.First()
	if want := (config.SignIn{Grant: oauth.ClientCredentials, Tenant: "contoso.example", ClientID: "7f3a-app"}); h.SignIn != want || !h.Bridged() || h.StoresPassword() {
		t.Errorf("got %+v, bridged %v, password %v; want %+v by a bridge without a password", h.SignIn, h.Bridged(), h.StoresPassword(), want)
	}
	h.Username, h.SignIn.Secret = "app@contoso.example", secret.New("s3cret")
	if err := c.Validate(true); err != nil {
		t.Fatal(err)
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(signedIn) {
		if !bytes.Contains(text, []byte(strings.ReplaceAll(line, `"`, "'"))) {
			t.Errorf("got\n%swant %s", bytes.ReplaceAll(text, []byte("s3cret"), []byte("***")), line)
		}
	}
	if bytes.Contains(text, []byte("s3cret")) {
		t.Error("got the secret in the file, want none of it")
	}
	if !read(t, signedIn).Says(c) || read(t, strings.Replace(signedIn, "7f3a", "7f3b", 1)).Says(c) {
		t.Errorf("Says: got %t of the same application, %t of another, want true and false",
			read(t, signedIn).Says(c), read(t, strings.Replace(signedIn, "7f3a", "7f3b", 1)).Says(c))
	}
	if !read(t, "version = 1\nrelay = \"m365\"\nfrom = \"a@b.example\"\nvia = \"smtp\"\n").Says(read(t, "version = 1\nrelay = \"m365\"\nfrom = \"a@b.example\"\n")) {
		t.Error(`via = "smtp": got another setup, want that without via`)
	}
}

// What a sign-in lacks is told before anything is tried.
func TestSignInMistakes(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*config.Hop)
		want   string
	}{
		{"no way", func(h *config.Hop) { h.SignIn.Grant = "" }, "the way to sign in is missing"},
		{"no application", func(h *config.Hop) { h.SignIn.ClientID = "" }, "the application's id is missing"},
		{"no tenant", func(h *config.Hop) { h.SignIn.Tenant = "" }, "the tenant is missing"},
		{"no secret", func(h *config.Hop) { h.SignIn.Secret = secret.Value{} }, "missing client_secret or client_certificate"},
		{"secret and certificate", func(h *config.Hop) { h.SignIn.Certificate = secret.New("x") }, "exclude each other"},
		{"no mailbox", func(h *config.Hop) { h.Username = "" }, "no mailbox was given"},
		{"another relay", func(h *config.Hop) { h.Relay = &relays.Relay{ID: "gmail"} }, "signing in by OAuth is not supported for"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := resolved(t, signedIn)
			if err != nil {
				t.Fatal(err)
			}
			c.First().Username, c.First().SignIn.Secret = "app@contoso.example", secret.New("s3cret")
			test.change(c.First())
			if err := c.Validate(true); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Each relay has the endpoints, scopes and time of renewal of its provider.
func TestSignInClient(t *testing.T) {
	for _, test := range []struct {
		relay, host, tenant string
		grant               oauth.Grant
		url, scope          string
		early               time.Duration
	}{
		{"m365", "smtp.office365.com", "contoso.example", oauth.ClientCredentials, "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token", "https://outlook.office365.com/.default", 0},
		{"m365", "smtp.office365.com", "", oauth.DeviceCode, "https://login.microsoftonline.com/organizations/oauth2/v2.0/token", "https://outlook.office.com/SMTP.Send", 0},
		{"m365", "smtp.office365.us", "contoso.example", oauth.ClientCredentials, "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token", "https://outlook.office365.us/.default", 0},
		{"m365", "smtp.partner.outlook.cn", "contoso.example", oauth.ClientCredentials, "https://login.partner.microsoftonline.cn/contoso.example/oauth2/v2.0/token", "https://partner.outlook.cn/.default", 0},
		{"m365-hve", "smtp-hve.office365.com", "contoso.example", oauth.ClientCredentials, "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token", "https://outlook.office365.com/.default", 11 * time.Minute},
		{"outlook", "smtp-mail.outlook.com", "", oauth.DeviceCode, "https://login.microsoftonline.com/consumers/oauth2/v2.0/token", "https://outlook.office.com/SMTP.Send", 0},
	} {
		t.Run(test.relay+" "+string(test.grant)+" "+test.host, func(t *testing.T) {
			h := config.Hop{Relay: &relays.Relay{ID: test.relay}, Host: test.host, Via: config.SMTPOAuth, SignIn: config.SignIn{Grant: test.grant, Tenant: test.tenant, ClientID: "app"}}
			if test.grant == oauth.ClientCredentials {
				h.SignIn.Secret = secret.New("s3cret")
			}
			got, err := h.Client()
			if err != nil {
				t.Fatal(err)
			}
			if got.TokenURL != test.url || !slices.Contains(got.Scopes, test.scope) || got.Early != test.early {
				t.Errorf("got %s, %q, %v early; want %s, %s, %v", got.TokenURL, got.Scopes, got.Early, test.url, test.scope, test.early)
			}
		})
	}
}

// The lists of package relays, which imports nothing of the ways that are no SMTP, name
// the relays that those ways know.
func TestWaysOfRelays(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if got, want := r.ViaHTTPS(), config.HasAPI(&r); got != want {
			t.Errorf("%s: got via HTTPS %v, want %v", r.ID, got, want)
		}
		if got, want := r.SignsIn(), config.TakesTokens(&r); got != want {
			t.Errorf("%s: got signs in %v, want %v", r.ID, got, want)
		}
	}
}

// An API that takes tokens has an application of its own permission, and no hop by one
// goes without.
func TestSignInAPI(t *testing.T) {
	for _, test := range []struct {
		relay, host string
		grant       oauth.Grant
		want        string // scope, or the error
	}{
		{"m365", "smtp.office365.com", oauth.ClientCredentials, "https://graph.microsoft.com/.default"},
		{"m365", "smtp.office365.com", oauth.DeviceCode, "https://graph.microsoft.com/Mail.Send"},
		{"m365", "smtp.office365.us", oauth.ClientCredentials, "https://graph.microsoft.us/.default"},
		{"gmail", "smtp.gmail.com", oauth.AuthorizationCode, "https://www.googleapis.com/auth/gmail.send"},
		{"gmail", "smtp.gmail.com", oauth.ClientCredentials, "at Google a user signs in: choose url"},
	} {
		t.Run(test.relay+" "+string(test.grant)+" "+test.host, func(t *testing.T) {
			h := config.Hop{Relay: &relays.Relay{ID: test.relay}, Host: test.host, Via: config.HTTPS, SignIn: config.SignIn{Grant: test.grant, Tenant: "contoso.example", ClientID: "app", Secret: secret.New("s3cret")}}
			if test.grant == oauth.DeviceCode {
				h.SignIn.Secret = secret.Value{}
			}
			c, err := h.Client()
			if got := strings.Join(c.Scopes, " "); err == nil && !strings.HasPrefix(got, test.want) || err != nil && err.Error() != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
	c, err := resolved(t, strings.Replace(strings.Replace(signedIn, "smtp-oauth", "https", 1), "port = 587\n", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	c.First().Username = "app@contoso.example"
	if err := c.Validate(true); err == nil || !strings.Contains(err.Error(), "missing client_secret") {
		t.Errorf("Graph without a secret: got the error %v, want one with %q", err, "missing client_secret")
	}
}

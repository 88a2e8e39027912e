package setup

import (
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/relays"
)

const (
	clientID    = "7f3a0000-aaaa-bbbb-cccc-000000000001"
	secretValue = "Gehe1mClient~42"
)

// What was pasted into the wrong place is told before anything is tried, and no
// message repeats a secret.
func TestCheckApplication(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*config.SignIn)
		want   string // of the error; "" for none
	}{
		{"as it should be", func(*config.SignIn) {}, ""},
		{"a user signs in", func(s *config.SignIn) { *s = config.SignIn{Grant: oauth.DeviceCode, ClientID: clientID} }, ""},
		{"no client ID", func(s *config.SignIn) { s.ClientID = "" }, "missing client_id"},
		{"the secret as client ID", func(s *config.SignIn) { s.ClientID = secretValue }, "has the form of a client secret"},
		{"a name as client ID", func(s *config.SignIn) { s.ClientID = "mailer" }, "is not an Application (client) ID"},
		{"the tenant as client ID", func(s *config.SignIn) { s.Tenant = strings.ToUpper(clientID) }, "are the same"},
		{"no tenant", func(s *config.SignIn) { s.Tenant = "" }, "missing tenant"},
		{"the secret as tenant", func(s *config.SignIn) { s.Tenant = "Gehe1mClient42" }, "the tenant is no domain or ID"},
		{"a secret of another form as client ID", func(s *config.SignIn) { s.ClientID = "Gehe1mClient42" }, "is not an Application (client) ID"},
		{"no secret", func(s *config.SignIn) { s.Secret = secret.Value{} }, "missing client_secret or client_certificate"},
		{"the secret's ID", func(s *config.SignIn) { s.Secret = secret.New("11111111-2222-3333-4444-555555555555") }, "form of a Secret ID"},
		{"a blank behind it", func(s *config.SignIn) { s.Secret = secret.New(secretValue + " ") }, "begins or ends with a blank"},
		{"a certificate as secret", func(s *config.SignIn) { s.Secret = secret.New("-----BEGIN CERTIFICATE-----") }, "name its file"},
		{"no certificate in the file", func(s *config.SignIn) { s.Secret, s.Certificate = secret.Value{}, secret.New("x") }, "no PEM of a private key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := config.Hop{Relay: &relays.Relay{}, Via: config.SMTPOAuth, Username: "app@contoso.example", SignIn: config.SignIn{
				Grant: oauth.ClientCredentials, Tenant: "contoso.example", ClientID: clientID, Secret: secret.New(secretValue)}}
			test.change(&h.SignIn)
			err := checkApplication(h)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "Gehe1m") {
				t.Error("got the secret in the error, want none of it")
			}
		})
	}
}

// The flags of a sign-in imply the way, and contradictions are told.
func TestGiveSignIn(t *testing.T) {
	for _, test := range []struct {
		name, way, tenant, client string
		want                      string // via and grant, or the error
	}{
		{"nothing", "", "", "", " "},
		{"device", "device", "", clientID, "smtp-oauth device"},
		{"an application", "", "contoso.example", clientID, "smtp-oauth "},
		{"password", "password", "", "", "smtp "},
		{"password and tenant", "password", "contoso.example", "", "go with a sign-in by OAuth"},
		{"unknown", "magic", "", "", "--sign-in magic is not known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g config.Given
			err := GiveSignIn(&g, test.way, test.tenant, test.client)
			got := g.Via + " " + string(g.SignIn.Grant)
			if err != nil {
				got = err.Error()
			}
			if err == nil && got != test.want || err != nil && !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// The ID of an application has the form of its provider.
func TestClientIDCheck(t *testing.T) {
	const microsoft, google = "7f3a0000-aaaa-bbbb-cccc-000000000001", "7-a.apps.googleusercontent.com"
	for _, test := range []struct {
		relay, id string
		ok        bool
	}{{"m365", microsoft, true}, {"m365", google, false}, {"gmail", google, true}, {"gmail", microsoft, false}} {
		t.Run(test.relay+" "+test.id, func(t *testing.T) {
			if err := ClientIDCheck(&relays.Relay{ID: test.relay})(test.id); (err == nil) != test.ok {
				t.Errorf("got %v, want it taken: %v", err, test.ok)
			}
		})
	}
}

package oauth_test

import (
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// TestDevice: a sign-in is asked for once an interval (RFC 8628, section 3.5), which a
// "slow_down" makes five seconds longer. The seconds are those of a clock that waits for
// nothing, and there is no network.
func TestDevice(t *testing.T) {
	for _, row := range []struct {
		name  string
		polls []map[string]any // nil: success
		took  time.Duration    // of an interval of one second
		want  string           // code of the refusal, "" for none
	}{
		{"at once", []map[string]any{nil}, time.Second, ""},
		{"pending, then signed in", []map[string]any{refusal("authorization_pending", ""), nil}, 2 * time.Second, ""},
		{"too often, then signed in", []map[string]any{refusal("slow_down", ""), nil}, 7 * time.Second, ""},
		{"busy, then signed in", []map[string]any{refusal("", ""), nil}, 2 * time.Second, ""},
		{"silent, then signed in", []map[string]any{refusal("silent", ""), nil}, 12 * time.Second, ""}, // the limit of a request is 10 s
		{"denied", []map[string]any{refusal("access_denied", "AADSTS65004: User declined to consent")}, time.Second, "access_denied"},
		{"code ended", []map[string]any{refusal("expired_token", "")}, time.Second, "expired_token"},
		{"blocked by Conditional Access", []map[string]any{refusal("interaction_required", "AADSTS53003: Access has been blocked by Conditional Access policies")}, time.Second, "interaction_required"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var polled atomic.Int64
				release := make(chan struct{})
				e := &endpoint{answer: func(_ int, path string, _ url.Values) (int, any) {
					if strings.HasSuffix(path, "/devicecode") {
						return 200, map[string]any{"device_code": "dev-1", "user_code": "ABCD-EFGH", "verification_uri": "https://microsoft.com/devicelogin", "expires_in": 900, "interval": 1}
					}
					n := int(polled.Add(1))
					if n > len(row.polls) { // the number is wanted below
						return 400, refusal("expired_token", "")
					}
					switch answer := row.polls[n-1]; {
					case answer == nil:
					case answer["error"] == "silent":
						<-release
					case answer["error"] == "":
						return 503, answer
					default:
						return 400, answer
					}
					return 200, token("access-1", "refresh-1", time.Hour)
				}}
				defer close(release)
				client, signIn := oauth.HTTPClient(nil), clientAt("https://login.test", oauth.DeviceCode)
				client.Transport = e
				d, err := signIn.StartDevice(t.Context(), client)
				if err != nil || d.Code != "ABCD-EFGH" || d.URL != "https://microsoft.com/devicelogin" {
					t.Fatalf("StartDevice: got %q, %q, %v, want ABCD-EFGH and https://microsoft.com/devicelogin", d.Code, d.URL, err)
				}
				start := time.Now()
				got, err := signIn.WaitDevice(t.Context(), client, d, time.Now)
				var r *oauth.Refusal
				switch {
				case row.want == "" && (err != nil || got.Refresh.Reveal() != "refresh-1"):
					t.Errorf("WaitDevice: got the refresh token %t, %v, want true and no error", got.Refresh.Reveal() == "refresh-1", err)
				case row.want != "" && (!errors.As(err, &r) || r.Code != row.want):
					t.Errorf("WaitDevice: got %v, want %s", err, row.want)
				}
				if took := time.Since(start); took != row.took {
					t.Errorf("WaitDevice: got an end after %v, want it after %v", took, row.took)
				}
				if got := int(polled.Load()); got != len(row.polls) {
					t.Errorf("polls: got %d, want %d", got, len(row.polls))
				}
				time.Sleep(time.Minute) // x/oauth2 leaves an answer open, until the limit of its request
			})
		})
	}
}

func TestURLSignIn(t *testing.T) {
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access-1", "refresh-1", time.Hour) })
	s := e.source(t, oauth.AuthorizationCode)
	s.Client.RedirectURL = "https://login.example/nativeclient"
	in := s.Client.StartURL("app@contoso.example")
	u, err := url.Parse(in.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("login_hint") != "app@contoso.example" || q.Get("state") == "" {
		t.Errorf("address: got %v, want PKCE, the user and a state", q)
	}
	back := s.Client.RedirectURL + "?code=code-1&state=" + url.QueryEscape(q.Get("state"))
	for _, row := range []struct{ name, pasted, want string }{
		{"no code", s.Client.RedirectURL, "holds no code"},
		{"another sign-in", s.Client.RedirectURL + "?code=code-1&state=other", "another sign-in"},
		{"refused", s.Client.RedirectURL + "?error=access_denied&error_description=AADSTS65004%3A+declined", "access_denied"},
		{"no address", "://", "no address"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := s.Client.FinishURL(t.Context(), s.HTTP, in, row.pasted, time.Now); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("FinishURL: got %v, want %q", err, row.want)
			}
		})
	}
	got, err := s.Client.FinishURL(t.Context(), s.HTTP, in, back, time.Now)
	if err != nil || got.Refresh.Reveal() != "refresh-1" {
		t.Fatalf("FinishURL: got the refresh token %t, %v, want true and no error", got.Refresh.Reveal() == "refresh-1", err)
	}
	forms := e.requests()
	if len(forms) != 1 || forms[0].Get("code_verifier") == "" || forms[0].Get("code") != "code-1" {
		t.Errorf("forms: got %d, want one, with the code and a verifier", len(forms))
	}
}

func TestMicrosoft(t *testing.T) {
	for _, row := range []struct {
		name   string
		grant  oauth.Grant
		cloud  oauth.Cloud
		tenant string
		token  string
		scope  string
		err    string
	}{
		{"application", oauth.ClientCredentials, oauth.Global, "contoso.example", "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token", "https://outlook.office365.com/.default", ""},
		{"device without a tenant", oauth.DeviceCode, oauth.Global, "", "https://login.microsoftonline.com/organizations/oauth2/v2.0/token", "https://outlook.office.com/SMTP.Send offline_access", ""},
		{"Outlook.com", oauth.DeviceCode, oauth.Outlook, "ignored.example", "https://login.microsoftonline.com/consumers/oauth2/v2.0/token", "https://outlook.office.com/SMTP.Send offline_access", ""},
		{"US government", oauth.ClientCredentials, oauth.USGov, "t.example", "https://login.microsoftonline.us/t.example/oauth2/v2.0/token", "https://outlook.office365.us/.default", ""},
		{"China", oauth.ClientCredentials, oauth.China, "t.example", "https://login.partner.microsoftonline.cn/t.example/oauth2/v2.0/token", "https://partner.outlook.cn/.default", ""},
		{"application of a person", oauth.ClientCredentials, oauth.Outlook, "", "", "", "need a sign-in by their user"},
		{"application without a tenant", oauth.ClientCredentials, oauth.Global, "", "", "", "missing tenant"},
		{"tenant with a path", oauth.ClientCredentials, oauth.Global, "a/../b", "", "", "no domain or ID"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := oauth.Client{Grant: row.grant, ID: "id"}
			if row.grant == oauth.ClientCredentials {
				c.Secret = secret.New("a-secret")
			}
			got, err := oauth.Microsoft(c, row.cloud, row.tenant)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Errorf("got %v, want %q", err, row.err)
				}
				return
			}
			if err != nil || got.TokenURL != row.token || strings.Join(got.Scopes, " ") != row.scope {
				t.Errorf("got %s %v %v, want %s %s", got.TokenURL, got.Scopes, err, row.token, row.scope)
			}
		})
	}
}

// TestMicrosoftGraph: tokens of Graph have Graph's scopes, and all else as for SMTP.
func TestMicrosoftGraph(t *testing.T) {
	for _, row := range []struct {
		grant oauth.Grant
		cloud oauth.Cloud
		want  string
	}{
		{oauth.ClientCredentials, oauth.Global, "https://graph.microsoft.com/.default"},
		{oauth.DeviceCode, oauth.Global, "https://graph.microsoft.com/Mail.Send offline_access"},
		{oauth.ClientCredentials, oauth.USGov, "https://graph.microsoft.us/.default"},
		{oauth.ClientCredentials, oauth.China, "https://microsoftgraph.chinacloudapi.cn/.default"},
	} {
		t.Run(string(row.grant)+" "+string(row.cloud), func(t *testing.T) {
			c := oauth.Client{Grant: row.grant, ID: "app"}
			if row.grant == oauth.ClientCredentials {
				c.Secret = secret.New("Gehe1m")
			}
			got, err := oauth.MicrosoftGraph(c, row.cloud, "contoso.example")
			if s := strings.Join(got.Scopes, " "); err != nil || s != row.want {
				t.Errorf("scopes: got %q, %v, want %q", s, err, row.want)
			}
		})
	}
}

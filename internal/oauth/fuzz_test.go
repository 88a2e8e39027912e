package oauth_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// answering is a transport that answers by itself.
type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// FuzzAnswer: whatever an endpoint answers, there is a token that can go into a
// login or an error on one printable line, and the store stays readable.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600}`, `{"error":"invalid_grant","error_description":"AADSTS50173: x\r\ny"}`,
		`{"access_token":"a\nb","token_type":"bearer"}`, `{"expires_in":"1e9"}`, `[]`, ``, `{"access_token":1}`,
	} {
		f.Add(200, seed)
		f.Add(400, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status == 204 || status == 304 {
			return
		}
		// Without a server: the tests have one, and goroutines of the network would look
		// like new paths in the program.
		s := oauth.Source{
			Client: oauth.Client{Grant: oauth.ClientCredentials, ID: "7f3a", Secret: secret.New("Gehe1mClient~42"), TokenURL: "https://login.example/token"},
			Path:   t.TempDir() + "/m365.token",
			HTTP: &http.Client{Transport: answering(func(r *http.Request) *http.Response {
				return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(strings.NewReader(body)), Request: r}
			})},
		}
		got, err := s.Token(t.Context())
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("error: got %q, want one printable line", err)
			}
			return
		}
		if text := got.Reveal(); text == "" || strings.ContainsAny(text, " \r\n\x00\x01") {
			t.Errorf("token: got one of %d bytes, want 1 or more, without space, CR, LF, NUL and 0x01", len(text))
		}
	})
}

// FuzzStore: no content of a store panics, or is echoed.
func FuzzStore(f *testing.F) {
	f.Add(`{"version":1,"client":" ","access_token":"Gehe1mPa55","expiry":"2026-01-01T00:00:00Z"}`)
	f.Add(`{"version":1,"access_token":"Gehe1mPa55"`)
	f.Fuzz(func(t *testing.T, text string) {
		path := t.TempDir() + "/x.token"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := oauth.Load(path, oauth.Client{}); err != nil && strings.Contains(err.Error(), "Gehe1mPa55") {
			t.Error("error: got the secret in it, want none of it")
		}
	})
}

package lab

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"relayhost/internal/smtpd"
)

// TokenRequest is a request to an identity provider.
type TokenRequest struct {
	Path string
	Form url.Values
}

// Identity is an identity provider of OAuth tokens in the world, over HTTPS under
// its real name. By itself it gives a token for every grant, valid for an hour,
// and a new refresh token each time. Tokens are "access-N" for the user of the
// last sign-in.
type Identity struct {
	mu       sync.Mutex
	requests []TokenRequest
	given    int
	revoked  map[string]bool
	answer   func(n int, r TokenRequest) (status int, body any)
}

// TokenEndpoint starts Microsoft's identity platform at login.microsoftonline.com.
func TokenEndpoint() Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) { w.must(w.startIdentity("login.microsoftonline.com")) })
	}
}

// GoogleTokens starts Google's token endpoint.
func GoogleTokens() Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) { w.must(w.startIdentity("oauth2.googleapis.com")) })
	}
}

// Identity returns the identity provider that the option [TokenEndpoint] has
// started.
func (s *services) Identity() *Identity {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.identity == nil {
		s.t.Fatal("lab: no identity provider was started")
	}
	return s.identity
}

func (s *services) startIdentity(host string) error {
	cert, err := s.ca.Issue([]string{host})
	if err != nil {
		return err
	}
	id := &Identity{revoked: map[string]bool{}}
	server := &http.Server{Handler: id, TLSConfig: smtpd.ServerTLS(cert), ReadHeaderTimeout: 10 * time.Second}
	s.t.Cleanup(func() { _ = server.Close() })
	for _, addr := range s.host(host) {
		l, err := s.net.Listen("tcp", net.JoinHostPort(addr.String(), "443"))
		if err != nil {
			return fmt.Errorf("identity provider %s: %w", host, err)
		}
		go func() { _ = server.ServeTLS(l, "", "") }()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity = id
	return nil
}

// Answer has the provider answer as f says; the zero status is its own answer, and
// nil makes it its own again. n counts requests from 1.
func (id *Identity) Answer(f func(n int, r TokenRequest) (status int, body any)) {
	id.mu.Lock()
	defer id.mu.Unlock()
	id.answer = f
}

// Requests are the requests so far.
func (id *Identity) Requests() []TokenRequest {
	id.mu.Lock()
	defer id.mu.Unlock()
	return append([]TokenRequest(nil), id.requests...)
}

// Revoke ends all tokens that were given, refresh tokens included.
func (id *Identity) Revoke() {
	id.mu.Lock()
	defer id.mu.Unlock()
	for n := 1; n <= id.given; n++ {
		id.revoked[fmt.Sprintf("access-%d", n)], id.revoked[fmt.Sprintf("refresh-%d", n)] = true, true
	}
}

// Valid reports whether token is an access token that holds.
func (id *Identity) Valid(token string) bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	for n := 1; n <= id.given; n++ {
		if token == fmt.Sprintf("access-%d", n) {
			return !id.revoked[token]
		}
	}
	return false
}

// ServeHTTP answers one request.
func (id *Identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	req := TokenRequest{r.URL.Path, r.PostForm}
	id.mu.Lock()
	id.requests = append(id.requests, req)
	n, answer := len(id.requests), id.answer
	id.mu.Unlock()
	status, body := 0, any(nil)
	if answer != nil {
		status, body = answer(n, req)
	}
	if status == 0 {
		status, body = id.own(req)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if text, ok := body.(string); ok {
		_, _ = w.Write([]byte(text))
		return
	}
	_ = json.NewEncoder(w).Encode(body)
}

func (id *Identity) own(r TokenRequest) (int, any) {
	if strings.HasSuffix(r.Path, "/devicecode") {
		return http.StatusOK, map[string]any{
			"device_code": "device-1", "user_code": "ABCD-EFGH", "verification_uri": "https://microsoft.com/devicelogin",
			"expires_in": 900, "interval": 1,
		}
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	if refresh := r.Form.Get("refresh_token"); id.revoked[refresh] {
		return http.StatusBadRequest, map[string]any{
			"error": "invalid_grant", "error_description": "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. Trace ID: 1",
		}
	}
	id.given++
	body := map[string]any{"token_type": "Bearer", "access_token": fmt.Sprintf("access-%d", id.given), "expires_in": 3600}
	if r.Form.Get("grant_type") != "client_credentials" {
		body["refresh_token"] = fmt.Sprintf("refresh-%d", id.given)
	}
	return http.StatusOK, body
}

// TakesTokens makes a relay accept the tokens of the identity provider for user,
// and refuse others as Microsoft does.
func TakesTokens(id func() *Identity, user string) func(*smtpd.Config) {
	return func(c *smtpd.Config) {
		c.Mechanisms = []string{"LOGIN", "XOAUTH2"}
		c.Extensions = []string{"SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"}
		c.Token = func(u, token string) *smtpd.Reply {
			if u == user && id().Valid(token) {
				return nil
			}
			return &smtpd.Reply{Code: 535, Enhanced: "5.7.3", Text: "Authentication unsuccessful [FR0P281CA0001.DEUP281.PROD.OUTLOOK.COM]"}
		}
	}
}

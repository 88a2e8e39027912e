package oauth_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// endpoint is a token endpoint on loopback, over TLS, that answers as it is told.
type endpoint struct {
	*httptest.Server

	mu     sync.Mutex
	forms  []url.Values
	paths  []string
	answer func(n int, path string, form url.Values) (status int, body any)
}

// page is a body that is HTML.
type page string

func newEndpoint(t *testing.T, answer func(n int, path string, form url.Values) (int, any)) *endpoint {
	t.Helper()
	e := &endpoint{answer: answer}
	e.Server = httptest.NewTLSServer(http.HandlerFunc(e.serve))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	e.forms, e.paths = append(e.forms, r.PostForm), append(e.paths, r.URL.Path)
	n := len(e.forms)
	e.mu.Unlock()
	status, body := e.answer(n, r.URL.Path, r.PostForm)
	if status/100 == 3 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.Header().Set("Content-Type", "application/json")
	if _, ok := body.(page); ok {
		w.Header().Set("Content-Type", "text/html")
	}
	w.WriteHeader(status)
	switch body := body.(type) {
	case page:
		_, _ = w.Write([]byte(body))
	case string:
		_, _ = w.Write([]byte(body))
	default:
		_ = json.NewEncoder(w).Encode(body)
	}
}

// RoundTrip is a request without a network, for a test that has a clock of its own: what
// waits for the network keeps that clock from moving on.
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	w, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		e.serve(w, r.Clone(r.Context()))
	}()
	select {
	case <-done:
		return w.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// requests are the forms that were posted so far.
func (e *endpoint) requests() []url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]url.Values(nil), e.forms...)
}

func (e *endpoint) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(e.Certificate())
	return pool
}

func (e *endpoint) client(grant oauth.Grant) oauth.Client { return clientAt(e.URL, grant) }

// clientAt is a client of the endpoint at that address.
func clientAt(address string, grant oauth.Grant) oauth.Client {
	return oauth.Client{
		Grant: grant, ID: "7f3a0000-aaaa-bbbb-cccc-000000000001", Secret: secret.New("Gehe1mClient~42"), Scopes: []string{"https://outlook.office365.com/.default"},
		TokenURL: address + "/tenant/token", DeviceURL: address + "/tenant/devicecode", AuthorizeURL: address + "/tenant/authorize",
	}
}

// source keeps its store in a directory of the test.
func (e *endpoint) source(t *testing.T, grant oauth.Grant) oauth.Source {
	t.Helper()
	return oauth.Source{Client: e.client(grant), Path: t.TempDir() + "/m365.token", HTTP: oauth.HTTPClient(e.pool())}
}

// token is an endpoint's answer.
func token(access, refresh string, life time.Duration) map[string]any {
	m := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(life.Seconds())}
	if refresh != "" {
		m["refresh_token"] = refresh
	}
	return m
}

// refusal is an endpoint's error.
func refusal(code, text string) map[string]any {
	return map[string]any{"error": code, "error_description": text}
}

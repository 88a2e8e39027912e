package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

func TestClientCredentials(t *testing.T) {
	e := newEndpoint(t, func(n int, _ string, _ url.Values) (int, any) {
		return 200, token(fmt.Sprintf("access-%d", n), "", time.Hour)
	})
	s := e.source(t, oauth.ClientCredentials)
	for range 3 {
		got, err := s.Token(t.Context())
		if err != nil || got.Reveal() != "access-1" {
			t.Fatalf("Token: got the first one %t, %v, want true, from the store", got.Reveal() == "access-1", err)
		}
	}
	forms := e.requests()
	if len(forms) != 1 {
		t.Fatalf("requests: got %d, want 1", len(forms))
	}
	hidden := strings.NewReplacer(s.Client.Secret.Reveal(), "***")
	for name, want := range map[string]string{
		"grant_type": "client_credentials", "client_id": s.Client.ID, "client_secret": s.Client.Secret.Reveal(), "scope": "https://outlook.office365.com/.default",
	} {
		if got := forms[0].Get(name); got != want {
			t.Errorf("form %s: got %q, want %q", name, hidden.Replace(got), hidden.Replace(want))
		}
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("store: got mode %v, want 0600", info.Mode())
	}
}

func TestRenewal(t *testing.T) {
	for _, row := range []struct {
		name     string
		life     time.Duration
		early    time.Duration
		later    time.Duration
		requests int
	}{
		{"holds for an hour", time.Hour, 0, 58 * time.Minute, 1},
		{"ends within a minute", time.Hour, 0, 59*time.Minute + 30*time.Second, 2},
		{"HVE wants eleven minutes", time.Hour, 11 * time.Minute, 50 * time.Minute, 2},
		{"no life given", 0, 0, 0, 2},
		{"clock went back", time.Hour, 0, -48 * time.Hour, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEndpoint(t, func(n int, _ string, _ url.Values) (int, any) {
				return 200, token(fmt.Sprintf("access-%d", n), "", row.life)
			})
			s := e.source(t, oauth.ClientCredentials)
			s.Client.Early = row.early
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Now = func() time.Time { return time.Now().Add(row.later) }
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := len(e.requests()); got != row.requests {
				t.Errorf("requests: got %d, want %d", got, row.requests)
			}
		})
	}
}

// TestOneRefresh: twelve callers at once make one request, also as processes that
// share nothing but the store.
func TestOneRefresh(t *testing.T) {
	e := newEndpoint(t, func(n int, _ string, _ url.Values) (int, any) {
		time.Sleep(50 * time.Millisecond)
		return 200, token(fmt.Sprintf("access-%d", n), fmt.Sprintf("refresh-%d", n), time.Hour)
	})
	s := e.source(t, oauth.DeviceCode)
	if err := s.Save(t.Context(), oauth.Token{Refresh: secret.New("refresh-0")}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			got, err := s.Token(t.Context())
			if err != nil || got.Reveal() != "access-1" {
				t.Errorf("Token: got the first one %t, %v, want true", got.Reveal() == "access-1", err)
			}
		})
	}
	wg.Wait()
	forms := e.requests()
	if len(forms) != 1 || forms[0].Get("refresh_token") != "refresh-0" {
		t.Errorf("requests: got %d, want one, with the refresh token that was stored", len(forms))
	}
}

func TestRotation(t *testing.T) {
	e := newEndpoint(t, func(n int, _ string, f url.Values) (int, any) {
		if n == 2 {
			return 200, token("access-2", "", time.Hour) // keeps the old refresh token
		}
		return 200, token(fmt.Sprintf("access-%d", n), fmt.Sprintf("refresh-%d", n), time.Hour)
	})
	s := e.source(t, oauth.DeviceCode)
	if err := s.Save(t.Context(), oauth.Token{Refresh: secret.New("refresh-0")}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var used []string
	for _, f := range e.requests() {
		used = append(used, f.Get("refresh_token"))
	}
	if want := "refresh-0 refresh-1 refresh-1"; strings.Join(used, " ") != want {
		t.Errorf("refresh tokens used: got %d others, want the one stored, then twice the first one given", len(used))
	}
	stored, err := oauth.Load(s.Path, s.Client)
	if err != nil || stored.Refresh.Reveal() != "refresh-3" {
		t.Errorf("stored: got the third refresh token %t, %v, want true", stored.Refresh.Reveal() == "refresh-3", err)
	}
}

// TestReplace: a token that the relay refuses is replaced once, whoever is first.
func TestReplace(t *testing.T) {
	e := newEndpoint(t, func(n int, _ string, _ url.Values) (int, any) {
		return 200, token(fmt.Sprintf("access-%d", n), "", time.Hour)
	})
	s := e.source(t, oauth.ClientCredentials)
	first, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		second, err := s.Replace(t.Context(), first)
		if err != nil || second.Reveal() != "access-2" {
			t.Fatalf("Replace: got the second one %t, %v, want true", second.Reveal() == "access-2", err)
		}
	}
	if got := len(e.requests()); got != 2 {
		t.Errorf("requests: got %d, want 2", got)
	}
}

func TestHostileEndpoints(t *testing.T) {
	const secretText = "Gehe1mClient~42"
	for _, row := range []struct {
		name   string
		answer func(n int, path string, form url.Values) (int, any)
		want   string
		final  bool
	}{
		{"revoked", func(int, string, url.Values) (int, any) {
			return 400, refusal("invalid_grant", "AADSTS50173: The provided grant has expired due to it being revoked. The user might have changed their password. Trace ID: x")
		}, "invalid_grant: AADSTS50173: The provided grant has expired due to it being revoked", true},
		{"secret expired", func(int, string, url.Values) (int, any) {
			return 401, refusal("invalid_client", "AADSTS7000222: The provided client secret keys are expired.")
		}, "AADSTS7000222", true},
		{"echoes the secret", func(int, string, url.Values) (int, any) {
			return 401, refusal("invalid_client", "AADSTS7000215: secret "+secretText+" is wrong")
		}, "secret *** is wrong", true},
		{"control characters", func(int, string, url.Values) (int, any) { return 400, refusal("inva\x1blid", "\x1b[31mred\r\n250 ok") }, "?[31mred", false},
		{"unavailable", func(int, string, url.Values) (int, any) { return 503, "<html>busy</html>" }, "HTTP status 503", false},
		{"redirect", func(int, string, url.Values) (int, any) { return 307, "" }, "redirects", false},
		{"four megabytes", func(int, string, url.Values) (int, any) { return 200, strings.Repeat("x", 4<<20) }, "longer than 65536 bytes", false},
		{"a page of a proxy", func(int, string, url.Values) (int, any) { return 200, page("<html>log in first</html>") }, "cannot parse", false},
		{"no JSON", func(int, string, url.Values) (int, any) { return 200, "hello" }, "cannot parse", false},
		{"200 with an error", func(int, string, url.Values) (int, any) {
			return 200, refusal("invalid_grant", "AADSTS700082: unused for 90 days")
		}, "AADSTS700082", true},
		{"no token", func(int, string, url.Values) (int, any) { return 200, map[string]any{"token_type": "Bearer"} }, "token", false},
		{"another type", func(int, string, url.Values) (int, any) {
			return 200, map[string]any{"access_token": "a", "token_type": "pop", "expires_in": 3600}
		}, "not Bearer", false},
		{"line end in the token", func(int, string, url.Values) (int, any) { return 200, token("a\r\nMAIL FROM:<>", "", time.Hour) }, "not printable", false},
		{"70 kB token", func(int, string, url.Values) (int, any) {
			return 200, token(strings.Repeat("a", 70<<10), "", time.Hour)
		}, "longer than 65536 bytes", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEndpoint(t, row.answer)
			s := e.source(t, oauth.ClientCredentials)
			_, err := s.Token(t.Context())
			if err == nil {
				t.Fatalf("Token: got no error, want one with %q", row.want)
			}
			if !strings.Contains(err.Error(), row.want) {
				t.Errorf("error: got %q, want %q in it", strings.ReplaceAll(err.Error(), secretText, "***"), row.want)
			}
			if strings.Contains(err.Error(), secretText) || strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Errorf("error: got the secret in it %t, line ends or ESC %t, want neither", strings.Contains(err.Error(), secretText), strings.ContainsAny(err.Error(), "\r\n\x1b"))
			}
			var r *oauth.Refusal
			if final := errors.As(err, &r) && r.Final(); final != row.final {
				t.Errorf("Final: got %v, want %v (%v)", final, row.final, err)
			}
			if names, _ := filepath.Glob(filepath.Dir(s.Path) + "/.*"); len(names) != 0 {
				t.Errorf("left behind: got %v, want nothing", names)
			}
			if got := len(e.requests()); got != 1 {
				t.Errorf("requests: got %d, want 1", got)
			}
		})
	}
}

// TestSecretStaysWhereTheEndpointIsNotWhoItIs: a certificate that does not verify, or is
// for another name, gets no form.
func TestSecretStaysWhereTheEndpointIsNotWhoItIs(t *testing.T) {
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("a", "", time.Hour) })
	for _, row := range []struct {
		name   string
		change func(*oauth.Source)
	}{
		{"unknown authority", func(s *oauth.Source) { s.HTTP = oauth.HTTPClient(x509.NewCertPool()) }},
		{"another name", func(s *oauth.Source) {
			s.Client.TokenURL = strings.Replace(s.Client.TokenURL, "127.0.0.1", "localhost", 1)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := e.source(t, oauth.ClientCredentials)
			row.change(&s)
			_, err := s.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("Token: got %v, want a certificate error", err)
			}
			if got := len(e.requests()); got != 0 {
				t.Errorf("requests: got %d, want 0", got)
			}
		})
	}
}

// TestEndpointHangs: who asks waits no longer than the caller has time. The limit of the
// client itself ends the silence in TestDevice.
func TestEndpointHangs(t *testing.T) {
	release := make(chan struct{})
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { <-release; return 200, "" })
	defer close(release)
	s := e.source(t, oauth.ClientCredentials)
	s.HTTP.Timeout = 0
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.Token(ctx); err == nil {
		t.Error("Token from an endpoint that hangs: got no error, want one")
	}
}

// TestKilledWhileStoring: what processes that were killed have left takes no room for good.
func TestKilledWhileStoring(t *testing.T) {
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access-1", "", time.Hour) })
	s := e.source(t, oauth.ClientCredentials)
	for _, name := range []string{"/.m365.token.1", "/.m365.token.22", "/.shop.token.1"} {
		if err := os.WriteFile(filepath.Dir(s.Path)+name, []byte("begun"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := filepath.Glob(filepath.Dir(s.Path) + "/.*"); len(got) != 1 || filepath.Base(got[0]) != ".shop.token.1" {
		t.Errorf("left: got %v, want that of another route alone", got)
	}
}

func TestStoreOfAnotherRegistration(t *testing.T) {
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access", "", time.Hour) })
	s := e.source(t, oauth.DeviceCode)
	if err := s.Save(t.Context(), oauth.Token{Refresh: secret.New("refresh-0")}); err != nil {
		t.Fatal(err)
	}
	s.Client.ID = "another"
	_, err := s.Token(t.Context())
	var r *oauth.Refusal
	if !errors.As(err, &r) || r.Code != "not_signed_in" {
		t.Errorf("Token: got %v, want not_signed_in", err)
	}
	if got := len(e.requests()); got != 0 {
		t.Errorf("requests: got %d, want 0: a refresh token is for its own registration", got)
	}
}

func TestBrokenStores(t *testing.T) {
	for _, row := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"readable by others", "{}", 0o644, "readable by other users"},
		{"not JSON", "hello", 0o600, "is not a token store"},
		{"another version", `{"version":9}`, 0o600, "is not a token store"},
		{"too long", strings.Repeat(" ", 1<<20), 0o600, "longer than"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := t.TempDir() + "/x.token"
			if err := os.WriteFile(path, []byte(row.text), row.mode); err != nil {
				t.Fatal(err)
			}
			_, err := oauth.Load(path, oauth.Client{})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("Load: got %v, want %q", err, row.want)
			}
		})
	}
}

func TestCertificate(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		key  any
		alg  string
	}{{"RSA", rsaKey, "PS256"}, {"P-256", ecKey, "ES256"}} {
		t.Run(row.name, func(t *testing.T) {
			text, leaf := certificate(t, row.key, time.Now().Add(time.Hour))
			e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access", "", time.Hour) })
			s := e.source(t, oauth.ClientCredentials)
			s.Client.Secret, s.Client.Certificate = secret.Value{}, secret.New(text)
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			form := e.requests()[0]
			if got, want := form.Get("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"; got != want {
				t.Errorf("client_assertion_type: got %q, want %q", got, want)
			}
			if form.Has("client_secret") && form.Get("client_secret") != "" {
				t.Error("client_secret: got one, want none")
			}
			header, claims := verifyAssertion(t, form.Get("client_assertion"), leaf)
			sum := sha256.Sum256(leaf.Raw)
			if header["alg"] != row.alg || header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(sum[:]) {
				t.Errorf("header: got %v, want alg %s and the certificate's thumbprint", header, row.alg)
			}
			if claims["aud"] != s.Client.TokenURL || claims["iss"] != s.Client.ID || claims["sub"] != s.Client.ID {
				t.Errorf("claims: got %v, want audience %s, issuer and subject %s", claims, s.Client.TokenURL, s.Client.ID)
			}
		})
	}
	text, _ := certificate(t, rsaKey, time.Now().Add(-time.Minute))
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access", "", time.Hour) })
	s := e.source(t, oauth.ClientCredentials)
	s.Client.Secret, s.Client.Certificate = secret.Value{}, secret.New(text)
	if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "client_certificate ended on") {
		t.Errorf("expired: got %v, want that it ended", err)
	}
}

func certificate(t *testing.T, key any, until time.Time) (string, *x509.Certificate) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relayhost"}, NotBefore: until.Add(-2 * time.Hour), NotAfter: until}
	var public any
	switch key := key.(type) {
	case *rsa.PrivateKey:
		public = &key.PublicKey
	case *ecdsa.PrivateKey:
		public = &key.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), leaf
}

// verifyAssertion checks the signature with the certificate's public key.
func verifyAssertion(t *testing.T, jwt string, leaf *x509.Certificate) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("assertion: got %d parts, want 3", len(parts))
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		raw[i] = b
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if err := rsa.VerifyPSS(key, 5, sum[:], raw[2], nil); err != nil { // crypto.SHA256
			t.Fatal(err)
		}
	case *ecdsa.PublicKey:
		if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
			t.Fatal("signature: got one that does not verify, want one by the key of the certificate")
		}
	}
	if json.Unmarshal(raw[0], &header) != nil || json.Unmarshal(raw[1], &claims) != nil {
		t.Fatal("assertion: got no JSON, want it in header and claims")
	}
	return header, claims
}

package oauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// TestClock: with a clock that is wrong by hours a token is had as long as the endpoint
// gives one, and where it does not, the clock is named.
func TestClock(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	// pemFrom is key with a certificate of two hours that begins at a time.
	pemFrom := func(begins time.Time) string {
		text, _ := certificate(t, key, begins.Add(2*time.Hour))
		return text
	}
	for _, row := range []struct {
		name  string
		pem   string
		off   time.Duration // of this host's clock
		there time.Duration // of the endpoint's, to this host's
		code  string        // of a refusal
		want  string        // of the error; "" for a token
	}{
		{"right", pemFrom(now.Add(-time.Hour)), 0, 0, "", ""},
		{"made a moment ago on a host that is ahead", pemFrom(now.Add(4 * time.Minute)), 0, 0, "", ""},
		{"behind the certificate", pemFrom(now), -3 * time.Hour, 0, "", "client_certificate is valid from " + now.UTC().Format("2006-01-02T15:04")},
		{"behind, with an older certificate", pemFrom(now.Add(-time.Hour)), 0, 3 * time.Hour, "AADSTS700024: Client assertion is not within its valid time range. Current time: x", "this server's clock is behind 127.0.0.1 by 3h0m0s"},
		{"ahead", pemFrom(now.Add(-time.Hour)), 0, -26 * time.Hour, "AADSTS700024: Client assertion is not within its valid time range. Current time: x", "this server's clock is ahead of 127.0.0.1 by 26h0m0s"},
		{"refused for another reason", pemFrom(now.Add(-time.Hour)), 0, 3 * time.Hour, "AADSTS700027: The certificate is not registered", "not registered"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEndpoint(t, func(int, string, url.Values) (int, any) {
				if row.code != "" {
					return 401, refusal("invalid_client", row.code)
				}
				return 200, token("access-1", "", time.Hour)
			})
			serve := e.Config.Handler
			e.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", now.Add(row.there).UTC().Format(http.TimeFormat))
				serve.ServeHTTP(w, r)
			})
			s := e.source(t, oauth.ClientCredentials)
			s.Client.Secret, s.Client.Certificate = secret.Value{}, secret.New(row.pem)
			s.Now = func() time.Time { return now.Add(row.off) }
			_, err := s.Token(t.Context())
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Fatalf("Token: got %v, want %q", err, row.want)
			}
			var r *oauth.Refusal
			if strings.Contains(row.code, "700024") && (!errors.As(err, &r) || !strings.Contains(r.Reason().Meaning, "clock") || !strings.Contains(r.Reason().Remedy, "timedatectl")) {
				t.Errorf("Reason: got %+v, want the clock and timedatectl", r)
			}
			if row.code != "" && !strings.Contains(row.code, "700024") && strings.Contains(err.Error(), "clock") {
				t.Errorf("Token: got %v, want nothing of the clock", err)
			}
		})
	}
}

// TestClockSet: a clock that is set, in either direction, costs a request and no mail: a
// token whose end is not believed is renewed, and one that the relay refuses replaced.
func TestClockSet(t *testing.T) {
	for _, row := range []struct {
		name     string
		by       time.Duration
		token    string // after the clock was set
		requests int
	}{
		{"ahead", 5 * time.Hour, "access-2", 2},
		{"back", -5 * time.Hour, "access-1", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := 0
			e := newEndpoint(t, func(int, string, url.Values) (int, any) {
				n++
				return 200, token("access-"+string(rune('0'+n)), "", time.Hour)
			})
			s := e.source(t, oauth.ClientCredentials)
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Now = func() time.Time { return time.Now().Add(row.by) }
			got, err := s.Token(t.Context())
			if err != nil || got.Reveal() != row.token {
				t.Fatalf("Token: got that of request %d %t, %v, want true", row.requests, got.Reveal() == row.token, err)
			}
			if got := len(e.requests()); got != row.requests {
				t.Errorf("requests: got %d, want %d", got, row.requests)
			}
			replaced, err := s.Replace(t.Context(), got)
			if err != nil || replaced.Reveal() == got.Reveal() {
				t.Errorf("Replace: got another token %t, %v, want true", replaced.Reveal() != got.Reveal(), err)
			}
		})
	}
}

// TestRefusedBeforeTheClockWasSet: a refusal is shown whatever the clock said then.
func TestRefusedBeforeTheClockWasSet(t *testing.T) {
	refuse := false
	e := newEndpoint(t, func(int, string, url.Values) (int, any) {
		if refuse {
			return 401, refusal("invalid_client", "AADSTS7000222: expired")
		}
		return 200, token("access-1", "", time.Hour)
	})
	s := e.source(t, oauth.ClientCredentials)
	if _, err := s.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	refuse, s.Now = true, func() time.Time { return time.Now().Add(-24 * time.Hour) }
	if err := s.Renew(t.Context()); err == nil {
		t.Fatal("Renew: got a token, want a refusal")
	}
	if st, err := s.Standing(); err != nil || st.Refused == nil {
		t.Errorf("Standing: got %+v, %v, want the refusal", st, err)
	}
}

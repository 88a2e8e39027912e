package oauth_test

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"relayhost/internal/oauth"
)

// A refusal is kept for status, in words and without secrets, until a token is had.
func TestStanding(t *testing.T) {
	refuse := true
	e := newEndpoint(t, func(int, string, url.Values) (int, any) {
		if refuse {
			return 401, refusal("invalid_client", "AADSTS7000222: Gehe1mClient~42 has expired. Trace ID: 1")
		}
		return 200, token("access-1", "", time.Hour)
	})
	s := e.source(t, oauth.ClientCredentials)
	if _, err := s.Token(t.Context()); err == nil {
		t.Fatal("Token: got one, want a refusal")
	}
	st, err := s.Standing()
	if err != nil || st.Refused == nil || st.Refused.Number != "7000222" || !st.Obtained.IsZero() {
		t.Fatalf("refused: got %+v, %v, want AADSTS7000222 and no token", st, err)
	}
	if got := st.Refused.Refusal().Reason().Meaning; got != "the client secret has expired" {
		t.Errorf("in words: got %q, want %q", got, "the client secret has expired")
	}
	text, err := os.ReadFile(s.Path + ".refused")
	if err != nil || strings.Contains(string(text), "Gehe1m") {
		t.Errorf("record: got the secret in it %t, %v, want false and no error", strings.Contains(string(text), "Gehe1m"), err)
	}
	if info, err := os.Stat(s.Path + ".refused"); err != nil {
		t.Error(err)
	} else if info.Mode().Perm() != 0o600 {
		t.Errorf("record: got mode %v, want 0600", info.Mode())
	}
	refuse = false
	if _, err := s.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Standing(); err != nil || st.Refused != nil || st.Obtained.IsZero() {
		t.Errorf("accepted: got %+v, %v, want a token and no refusal", st, err)
	}
}

// TestStandingSecretEnds: when the secret ends is known where somebody has said it.
func TestStandingSecretEnds(t *testing.T) {
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access-1", "", time.Hour) })
	s := e.source(t, oauth.ClientCredentials)
	if st, err := s.Standing(); err != nil || !st.Ends.IsZero() {
		t.Errorf("not said: got %v, %v, want no time", st.Ends, err)
	}
	s.Client.SecretEnds = time.Date(2028, 11, 29, 0, 0, 0, 0, time.UTC)
	if st, err := s.Standing(); err != nil || !st.Ends.Equal(s.Client.SecretEnds) {
		t.Errorf("said: got %v, %v, want %v", st.Ends, err, s.Client.SecretEnds)
	}
}

// Each number has words, and each remedy says what to do.
func TestReasons(t *testing.T) {
	for number, r := range oauth.Reasons() {
		if got := (&oauth.Refusal{Number: number}).Reason(); got != r || r.Meaning == "" {
			t.Errorf("AADSTS%s: got %+v, want %+v, with a meaning", number, got, r)
		}
	}
	if got := (&oauth.Refusal{Code: "expired_token"}).Reason(); !strings.Contains(got.Remedy, "sign-in") {
		t.Errorf("expired_token: got %+v, want a remedy with %q", got, "sign-in")
	}
	if got := (&oauth.Refusal{Number: "1"}).Reason(); got != (oauth.Reason{}) {
		t.Errorf("unknown number: got %+v, want none", got)
	}
}

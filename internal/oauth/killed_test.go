package oauth_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// TestKilledWhileRenewing: a process that renews is killed at any moment, many times. The
// store is whole: it holds the refresh token that it held before or one that was given
// since, and the next process goes on with it.
func TestKilledWhileRenewing(t *testing.T) {
	if s, ok := renewing(t); ok {
		for { // until it is killed
			if err := s.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Parallel()
	var given atomic.Int64
	reached := make(chan int64, 1)
	e := newEndpoint(t, func(_ int, _ string, form url.Values) (int, any) {
		n := given.Add(1)
		if old, ok := number(form.Get("refresh_token")); !ok || old >= n {
			t.Errorf("request %d: got a refresh token of %d bytes, want one that was given before", n, len(form.Get("refresh_token")))
		}
		select {
		case reached <- n:
		default:
		}
		return 200, token("access", fmt.Sprintf("refresh-%d", n), time.Hour)
	})
	s := e.source(t, oauth.DeviceCode)
	if err := s.Save(t.Context(), oauth.Token{Refresh: secret.New("refresh-0")}); err != nil {
		t.Fatal(err)
	}
	held := int64(0)
	for round := range 8 {
		child := e.renewer(t, s)
		var out strings.Builder
		child.Stdout, child.Stderr = &out, &out
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-reached: // while a request is on its way, or its answer being stored
		case <-time.After(2 * time.Minute):
			t.Errorf("round %d: got no request in two minutes, want one", round)
		}
		time.Sleep(time.Duration(round) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait()
		if strings.Contains(out.String(), "FAIL") {
			t.Fatalf("round %d: got a process that failed by itself, want no \"FAIL\" in\n%s", round, &out)
		}
		got, err := oauth.Load(s.Path, s.Client)
		now, ok := number(got.Refresh.Reveal())
		if last := given.Load(); err != nil || !ok || now < held || now > last {
			t.Fatalf("round %d: got the refresh token number %d (%t), %v, want %d to %d", round, now, ok, err, held, last)
		}
		held = now
		select {
		case <-reached: // of this round
		default:
		}
	}
	if err := s.Renew(t.Context()); err != nil {
		t.Errorf("after all: got %v, want a token", err)
	}
}

// renewer is a process of its own that runs the test t for what renewing returns there.
func (e *endpoint) renewer(t *testing.T, s oauth.Source) *exec.Cmd {
	t.Helper()
	if err := os.WriteFile(s.Path+".ca", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "RENEWING="+s.Path, "RENEWING_AT="+e.URL)
	return child
}

// renewing is the source that a renewer works with, and false in any other process.
func renewing(t *testing.T) (oauth.Source, bool) {
	t.Helper()
	path := os.Getenv("RENEWING")
	if path == "" {
		return oauth.Source{}, false
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(path + ".ca")
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("roots: got %v, want a certificate in %s.ca", err, path)
	}
	return oauth.Source{Client: clientAt(os.Getenv("RENEWING_AT"), oauth.DeviceCode), Path: path, HTTP: oauth.HTTPClient(pool)}, true
}

// number is that of a refresh token "refresh-N".
func number(refresh string) (n int64, ok bool) {
	text, named := strings.CutPrefix(refresh, "refresh-")
	n, err := strconv.ParseInt(text, 10, 64)
	return n, named && err == nil
}

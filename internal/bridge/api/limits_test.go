//go:build unix

package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestLimitsOfSteps: an API that goes silent at a step ends the request after the
// limit of that step, by a clock of the test's own.
func TestLimitsOfSteps(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	certificate, root := s.TLS.Certificates[0], s.Certificate()
	s.Close()
	for name, c := range map[string]struct {
		serve func(net.Conn) // until the silence begins
		want  time.Duration
	}{
		"no handshake": {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, dialLimit},
		"no answer": {func(conn net.Conn) {
			_, _ = io.Copy(io.Discard, tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}}))
		}, stepLimit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				roots := x509.NewCertPool()
				roots.AddCert(root)
				ours, theirs := net.Pipe()
				client, err := HTTPClient(Options{Roots: roots, Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
				if err != nil {
					t.Fatal(err)
				}
				go c.serve(theirs)
				start := time.Now()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/", io.LimitReader(zeros{}, 1<<20))
				if err != nil {
					t.Fatal(err)
				}
				res, err := client.Do(req)
				if err == nil {
					_ = res.Body.Close()
				}
				if got := time.Since(start); err == nil || got != c.want {
					t.Errorf("got %v after %s, want an error after %s", err, got, c.want)
				}
				client.CloseIdleConnections()
				_ = ours.Close()
				_ = theirs.Close()
			})
		})
	}
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

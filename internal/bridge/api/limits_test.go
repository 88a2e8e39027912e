//go:build unix

package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
)

// TestLimitsOfSteps: an API that goes silent at a step, or is slow without end, ends the
// request after the limit of that step, by a clock of the test's own.
func TestLimitsOfSteps(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	certificate, root := s.TLS.Certificates[0], s.Certificate()
	s.Close()
	// every calls f again and again, never when a limit ends, until it fails.
	every := func(f func() error) {
		for f() == nil {
			time.Sleep(50 * time.Second)
		}
	}
	swallow := func(_ context.Context, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	silent := func(http.ResponseWriter, *http.Request) { time.Sleep(2 * wholeLimit) }
	handle := func(protocol string, f http.HandlerFunc) func(context.Context, net.Conn) {
		return func(ctx context.Context, conn net.Conn) { serveOne(ctx, conn, certificate, protocol, f) }
	}
	const unsure = "451 4.4.2 Mailgun: api.mailgun.net: no answer, the message may be sent twice: nothing more for 2m0s"
	type row struct {
		name  string
		proxy string
		serve func(context.Context, net.Conn) // until the context ends
		want  string
		after time.Duration
	}
	rows := []row{
		{"no handshake", "", swallow,
			"451 4.4.2 Mailgun: api.mailgun.net: no answer", dialLimit},
		{"a proxy without an answer", "http://proxy.example:3128", swallow,
			"451 4.4.2 Mailgun: api.mailgun.net: ", time.Minute},
	}
	for _, protocol := range []string{"http/1.1", "h2"} {
		rows = append(rows, []row{
			{protocol + " takes no body", "", handle(protocol, silent), unsure, stepLimit},
			{protocol + " no answer", "", handle(protocol, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				silent(w, r)
			}), unsure, stepLimit},
			{protocol + " half an answer", "", handle(protocol, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, `{"id":`)
				_ = http.NewResponseController(w).Flush()
				silent(w, r)
			}), "451 4.4.2 Mailgun: api.mailgun.net: after the message, which may be sent twice: read the answer: nothing more for 2m0s", stepLimit},
			{protocol + " an answer in drops", "", handle(protocol, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				every(func() error {
					_, _ = io.WriteString(w, " ")
					if err := http.NewResponseController(w).Flush(); err != nil {
						return err
					}
					return r.Context().Err()
				})
			}), "451 4.4.2 Mailgun: api.mailgun.net: after the message, which may be sent twice: read the answer: nothing more for 2m0s", stepLimit},
			{protocol + " takes the body in drops", "", handle(protocol, func(_ http.ResponseWriter, r *http.Request) {
				block := make([]byte, 64<<10)
				every(func() error { _, err := io.ReadFull(r.Body, block); return err })
			}), "451 4.4.2 Mailgun: api.mailgun.net: no answer, the message may be sent twice: context deadline exceeded", wholeLimit},
		}...)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				roots := x509.NewCertPool()
				roots.AddCert(root)
				ours, theirs := net.Pipe()
				client, err := HTTPClient(Options{Roots: roots, Proxy: row.proxy, Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
				if err != nil {
					t.Fatal(err)
				}
				client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com" //nolint:forcetypeassert // HTTPClient's
				mailgun, _ := Get("mailgun")
				c := Client{API: mailgun, HTTP: client, Pause: NewPause(""), Account: Account{Account: conf.Account{
					Key: secret.New("key"), Settings: map[conf.Field]string{conf.Domain: "example.com"},
				}}}
				ctx, end := context.WithCancel(t.Context())
				go row.serve(ctx, theirs)
				data := bytes.Repeat([]byte("A line.\r\n"), 1<<18)
				start := time.Now()
				r := c.Send(t.Context(), &Message{From: "app@example.com", To: []string{"ops@example.net"}, Data: bytes.NewReader(data), Size: int64(len(data))})[0]
				if got := time.Since(start); got != row.after || !strings.HasPrefix(r.Error(), row.want) {
					t.Errorf("got %q after %s, want %q after %s", r.Error(), got, row.want, row.after)
				}
				client.CloseIdleConnections()
				_ = ours.Close()
				_ = theirs.Close()
				end()
				time.Sleep(time.Hour) // for what still waits in net/http
			})
		})
	}
}

// serveOne answers the requests of one connection until the context ends.
func serveOne(ctx context.Context, conn net.Conn, certificate tls.Certificate, protocol string, f http.HandlerFunc) {
	l := &oneConn{make(chan net.Conn, 1), ctx}
	l.conns <- conn
	s := &http.Server{
		Handler: f, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Hour,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{protocol}},
	}
	_ = s.ServeTLS(l, "", "")
}

// oneConn is a listener that has one connection.
type oneConn struct {
	conns chan net.Conn
	ctx   context.Context
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (*oneConn) Close() error   { return nil }
func (*oneConn) Addr() net.Addr { return &net.TCPAddr{} }

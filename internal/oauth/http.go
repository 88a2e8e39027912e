//go:build unix

package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

const (
	requestTimeout = 10 * time.Second
	maxBody        = 64 << 10 // bytes of an answer
)

var (
	errRedirect = errors.New("the endpoint redirects, which is not followed")
	errTooLong  = fmt.Errorf("the answer is longer than %d bytes", maxBody)
)

// HTTPClient is the client for token endpoints: 10 s a request, 64 kB an answer,
// no redirect, no proxy from the environment. roots verify the endpoint; nil are
// the system's.
func HTTPClient(roots *x509.CertPool) *http.Client { return HTTPClientThrough(roots, nil) }

// HTTPClientThrough is HTTPClient by way of an HTTP proxy; nil: none.
func HTTPClientThrough(roots *x509.CertPool, proxy *url.URL) *http.Client {
	dialer := &net.Dialer{Timeout: requestTimeout / 2}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    requestTimeout / 2,
		ResponseHeaderTimeout:  requestTimeout,
		MaxResponseHeaderBytes: 32 << 10,
		DisableKeepAlives:      true, // one request, then an hour of nothing
	}
	if proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
	}
	return &http.Client{
		Transport:     bounded{transport},
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}

// bounded ends an answer that is too long with an error, where x/oauth2 would
// read a megabyte and cut it.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		res.Body = &boundedBody{res.Body, maxBody}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLong
	}
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return n, errTooLong
	}
	return n, err
}

// with makes x/oauth2 use client.
func with(ctx context.Context, client *http.Client) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, client)
}

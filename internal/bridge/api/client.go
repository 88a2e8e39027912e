//go:build unix

package api

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
	"strings"
	"time"

	"relayhost/internal/plural"
	"relayhost/internal/secret"
)

// The limits of a request. The whole is below Postfix's lmtp_data_done_timeout of
// 600 s, so that Postfix still hears what happened.
const (
	dialLimit   = 30 * time.Second
	stepLimit   = 2 * time.Minute // for a request to go on, and for the whole answer after it
	wholeLimit  = 9 * time.Minute
	idleLimit   = 90 * time.Second
	maxHeader   = 64 << 10         // bytes of the head of an answer
	maxIdle     = 1000             // connections of one process that wait for a message
	patience    = 10 * time.Second // an API's wait that is sat out instead of deferring the mail
	maxAttempts = 4                // requests for one message, after 429 and a renewed token
)

// Options are how an API is reached.
type Options struct {
	Roots *x509.CertPool // nil: the system's
	Proxy string         // address of an HTTP proxy, "http://proxy.example:3128"; "": none
	// Dial connects, nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// HTTPClient is the client for APIs: connections are kept, HTTP/2 where it is
// offered, no redirect, no proxy from the environment, no compression, every step
// within a limit.
func HTTPClient(o Options) (*http.Client, error) {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialLimit, KeepAlive: 30 * time.Second}).DialContext
	}
	transport := &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialLimit,
		IdleConnTimeout:        idleLimit,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    maxIdle,
		WriteBufferSize:        32 << 10, // head and body of a usual message in one write
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		HTTP2:                  &http.HTTP2Config{WriteByteTimeout: stepLimit, SendPingTimeout: 30 * time.Second, PingTimeout: 30 * time.Second},
	}
	if o.Proxy != "" {
		u, err := url.Parse(o.Proxy)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, errors.New("https_proxy is no address of the form http://host:port")
		}
		transport.Proxy = http.ProxyURL(u)
		transport.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
			if res.StatusCode != http.StatusOK {
				return &ProxyError{proxy.Host, res.StatusCode}
			}
			return nil
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// errSilent ends a request that does not go on.
var errSilent error = silence{}

type silence struct{}

func (silence) Error() string {
	return fmt.Sprintf("no progress for %d minutes", int(stepLimit.Minutes()))
}
func (silence) Timeout() bool   { return true }
func (silence) Temporary() bool { return true }

// going is a body whose reads show that the request goes on: net/http reads on when
// it has written what it had, by HTTP/2 when the API wants more of it.
type going struct {
	io.ReadCloser
	limit *time.Timer
}

func (g going) Read(p []byte) (int, error) {
	g.limit.Reset(stepLimit)
	return g.ReadCloser.Read(p)
}

// Client sends messages through one account. It can be used by several goroutines
// at once.
type Client struct {
	API     API
	Account Account
	HTTP    *http.Client
	Pause   Pause            // shared by all processes of the account
	Now     func() time.Time // nil: time.Now
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Paused is a refusal when the API has asked for no requests for longer than is
// waited for here; otherwise it waits.
func (c *Client) Paused(ctx context.Context) *Reply {
	for {
		until := c.Pause.Until(c.now())
		d := until.Sub(c.now())
		if d <= 0 {
			return nil
		}
		if d > patience {
			return &Reply{451, "4.7.28", fmt.Sprintf("%s: too many requests, next one allowed in %s", c.API.Name, plural.Of(int(d.Seconds())+1, "second"))}
		}
		if err := sleep(ctx, d); err != nil {
			return &Reply{451, "4.3.2", "shutting down"}
		}
	}
}

// Send sends a message and returns a reply for each recipient, in their order. It
// does not return before the API has answered; what it does not know to be accepted
// is refused for the time being.
func (c *Client) Send(ctx context.Context, m *Message) []Reply {
	ctx, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	all := func(r Reply) []Reply {
		r.Text = c.redact(r.Text)
		list := make([]Reply, len(m.To))
		for i := range list {
			list[i] = r
		}
		return list
	}
	made, err := c.API.build(m, c.Account)
	if err != nil {
		return all(c.failure(err))
	}
	ans, err := c.do(ctx, *made)
	if err != nil {
		return all(c.failure(err))
	}
	took, ok := result{}, false
	if ans.status/100 == 2 && !ans.long {
		took, ok = c.API.result(ans, m)
	}
	if !ok {
		return all(c.API.refusal(ans))
	}
	list := make([]Reply, len(m.To))
	for i, to := range m.To {
		list[i] = Reply{250, "2.0.0", c.API.Name + ": " + took.id}
		for address, r := range took.refused {
			if strings.EqualFold(address, to) {
				r.Text = c.redact(c.API.Name + ": " + r.Text)
				list[i] = r
			}
		}
	}
	return list
}

// do makes a request, again after a short wait that a 429 asks for, and once with
// renewed credentials.
func (c *Client) do(ctx context.Context, made call) (*answer, error) {
	size, err := made.body.measure()
	if err != nil {
		return nil, err
	}
	host, err := c.API.Host(c.Account.Account)
	if err != nil {
		return nil, err
	}
	s := signing{account: c.Account, digest: size}
	renewed := false
	for attempt := 1; ; attempt++ {
		if r := c.Paused(ctx); r != nil {
			return nil, r
		}
		if c.Account.Token != nil && s.token.IsZero() {
			if s.token, err = c.Account.Token(ctx, secret.Value{}); err != nil {
				return nil, &CredentialError{err}
			}
		}
		s.now = c.now()
		ans, err := c.once(ctx, host, made, s)
		if err != nil {
			return nil, err
		}
		d := c.API.wait(ans, c.now())
		if d > 0 {
			c.Pause.Set(c.now().Add(d))
		}
		switch {
		case attempt == maxAttempts:
			return ans, nil
		case ans.status == http.StatusTooManyRequests && d <= patience:
			// Not accepted, so that another request makes no duplicate.
		case (ans.status == http.StatusUnauthorized || ans.status == http.StatusForbidden) && !renewed && c.renewable(ans):
			renewed = true
			if c.Account.Keys != nil {
				c.Account.Keys.Forget()
			} else if s.token, err = c.Account.Token(ctx, s.token); err != nil {
				return nil, &CredentialError{err}
			}
		default:
			return ans, nil
		}
	}
}

// renewable reports whether fresh credentials may help.
func (c *Client) renewable(ans *answer) bool {
	if c.Account.Keys != nil {
		code, _ := ans.fault()
		return code == "ExpiredTokenException" || code == "ExpiredToken" || code == "UnrecognizedClientException" || code == "InvalidClientTokenId"
	}
	return c.Account.Token != nil && ans.status == http.StatusUnauthorized
}

func (c *Client) once(ctx context.Context, host string, made call, s signing) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(stepLimit, func() { cancel(errSilent) })
	defer limit.Stop()
	method := made.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://"+host+made.path, nil)
	if err != nil {
		return nil, err
	}
	body := func() io.ReadCloser { return going{made.body.reader(s.digest), limit} }
	if made.body.write != nil {
		req.Header.Set("Content-Type", made.body.kind)
		req.ContentLength = s.digest.length
		// A connection that the API had closed before the request costs nothing.
		req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
		req.Body = body()
	}
	req.Header.Set("User-Agent", "relayhost")
	req.Header.Set("Accept", "application/json")
	for name, value := range made.header {
		req.Header.Set(name, value)
	}
	if err := c.API.sign(ctx, req, s); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &CredentialError{err}
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = errSilent
		}
		return nil, transportError(host, err, made.asks)
	}
	ans, err := readAnswer(res)
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent
	}
	if err != nil && made.asks {
		return nil, fmt.Errorf("%s: read the answer: %w", host, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: after the message, which may be sent twice: read the answer: %w", host, err)
	}
	return ans, nil
}

// transportError is a request without an answer. Its text names the host, and says
// where the API may have the message; one that asks sends none.
func transportError(host string, err error, asks bool) error {
	var sent *url.Error
	if errors.As(err, &sent) {
		err = sent.Err
	}
	var op *net.OpError
	var proxy *ProxyError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &proxy) || isCertificate(err) {
		return fmt.Errorf("%s: %w", host, err)
	}
	if asks {
		return fmt.Errorf("%s: no answer: %w", host, err)
	}
	return fmt.Errorf("%s: no answer, the message may be sent twice: %w", host, err)
}

func isCertificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &verify) || errors.As(err, &record)
}

// ProxyError is a proxy that does not connect to the API.
type ProxyError struct {
	Proxy  string // host and port
	Status int    // of HTTP
}

func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy %s refuses the connection: %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
}

// CredentialError is a request that was not made because its credentials could not
// be had.
type CredentialError struct{ Err error }

func (e *CredentialError) Error() string { return e.Err.Error() }

func (e *CredentialError) Unwrap() error { return e.Err }

// failure is the reply to a message that got no answer.
func (c *Client) failure(err error) Reply {
	var refused *Reply
	var credential *CredentialError
	var timeout net.Error
	var proxy *ProxyError
	switch {
	case errors.As(err, &refused):
		r := *refused
		r.Text = c.API.Name + ": " + r.Text
		return r
	case errors.As(err, &credential):
		return Reply{451, "4.7.8", c.API.Name + ": " + err.Error()}
	case errors.As(err, &proxy) && proxy.Status == http.StatusProxyAuthRequired:
		return Reply{451, "4.7.8", c.API.Name + ": " + err.Error()}
	case isCertificate(err):
		return Reply{451, "4.7.5", c.API.Name + ": " + err.Error()}
	case errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return Reply{451, "4.4.2", c.API.Name + ": " + err.Error()}
	}
	return Reply{451, "4.4.1", c.API.Name + ": " + err.Error()}
}

// redact takes the secrets out of a text that an API may have echoed.
func (c *Client) redact(text string) string {
	text = secret.Redact(text, "", c.Account.Key)
	if c.Account.Keys != nil {
		text = secret.Redact(text, "", c.Account.Keys.secrets()...)
	}
	return text
}

// Check proves the credentials with a request that sends nothing. A nil error with
// proved false means that the API has no such request.
func (c *Client) Check(ctx context.Context) (proved bool, err error) {
	if !c.API.HasCheck() {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	k := c.API.check(c.Account)
	k.asks = true
	if k.method == "" {
		k.method = http.MethodGet
	}
	ans, err := c.do(ctx, k.call)
	if err != nil {
		r := c.failure(err)
		r.Text = c.redact(r.Text)
		return false, &r
	}
	if ans.status/100 == 2 && ans.json != nil {
		return true, nil
	}
	code, text := ans.fault()
	for _, allowed := range k.allowed {
		if ans.status/100 == 4 && (code == allowed || strings.Contains(text, allowed)) {
			return true, nil
		}
	}
	r := c.API.refusal(ans)
	if ans.status/100 == 2 {
		r.Text = fmt.Sprintf("%s: answers %d, but not as the API does: something else answers in its place", c.API.Name, ans.status)
	}
	r.Text = c.redact(r.Text)
	return false, &r
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

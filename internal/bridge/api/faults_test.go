package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/apitest"
	"relayhost/internal/secret"
)

func say(status int, header, body string) func(int, http.ResponseWriter, *http.Request) bool {
	return func(_ int, w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// TestReplies: what an API says becomes the reply that Postfix can act on.
func TestReplies(t *testing.T) {
	for _, row := range []struct {
		name, api string
		status    int
		header    string
		body      string
		want      string
	}{
		{"not verified", "ses", 400, "X-Amzn-Errortype: MessageRejected", `{"message":"Email address is not verified. The following identities failed the check in region EU-WEST-1: app@example.com"}`, "451 4.7.1 Amazon SES: 400 MessageRejected: Email address is not verified"},
		{"virus", "ses", 400, "X-Amzn-Errortype: MessageRejected:", `{"message":"The message contains a virus"}`, "554 5.6.0"},
		{"suspended", "ses", 400, "X-Amzn-Errortype: AccountSuspendedException", `{}`, "451 4.7.1"},
		{"paused", "ses", 400, "X-Amzn-Errortype: SendingPausedException", `{}`, "451 4.7.1"},
		{"bad recipient", "ses", 400, "X-Amzn-Errortype: BadRequestException", `{"message":"Missing final '@domain'"}`, "550 5.1.3"},
		{"role may not", "ses", 403, "X-Amzn-Errortype: AccessDeniedException", `{"message":"User is not authorized to perform: ses:SendEmail"}`, "451 4.7.1"},
		{"throttled by rule", "ses", 400, "X-Amzn-Errortype: LimitExceededException", `{"message":"Daily message quota exceeded"}`, "451 4.7.28"},
		{"unknown 400", "ses", 400, "X-Amzn-Errortype: NewException", `{"message":"?"}`, "451 4.5.0"},
		{"server error", "ses", 500, "", `<html>oops</html>`, "451 4.3.0 Amazon SES: 500 <html>oops</html>"},
		{"gateway", "ses", 502, "", ``, "451 4.3.0"},
		{"too large", "ses", 413, "", ``, "552 5.3.4"},
		{"redirect", "ses", 302, "Location: https://elsewhere.example/", ``, "451 4.4.1"},
		{"200 with an error", "ses", 200, "", `{"message":"something failed"}`, "451 4.4.1 Amazon SES: answers 200 without the id of a message"},
		{"200 of a login page", "ses", 200, "Content-Type: text/html", `<html>Firewall Authentication</html>`, "451 4.4.1"},
		{"204", "postmark", 204, "", ``, "451 4.4.1"},
		{"200 with an error code", "postmark", 200, "", `{"ErrorCode":300,"Message":"Invalid 'To' address","MessageID":""}`, "550 5.1.3"},
		{"inactive", "postmark", 422, "", `{"ErrorCode":406,"Message":"You tried to send to recipient(s) that have been marked as inactive."}`, "550 5.7.1"},
		{"pending", "postmark", 422, "", `{"ErrorCode":412,"Message":"account is pending"}`, "451 4.7.1"},
		{"free account", "mailgun", 400, "", `{"message":"Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients"}`, "451 4.7.1"},
		{"bad recipient", "mailgun", 400, "", `{"message":"to parameter is not a valid address. please check documentation"}`, "550 5.1.3"},
		{"no such domain", "mailgun", 404, "", `{"message":"Domain not found: mg.example.com"}`, "451 4.3.5"},
		{"sender", "sendgrid", 403, "", `{"errors":[{"message":"The from address does not match a verified Sender Identity.","field":"from"}]}`, "451 4.7.1"},
		{"credits", "sendgrid", 401, "", `{"errors":[{"message":"Maximum credits exceeded"}]}`, "451 4.7.28"},
		{"bad key", "brevo", 401, "", `{"message":"Key not found","code":"unauthorized"}`, "451 4.7.8"},
		{"credits", "brevo", 400, "", `{"code":"not_enough_credits","message":"no credits"}`, "451 4.7.28"},
		{"test addresses", "resend", 403, "", `{"statusCode":403,"name":"validation_error","message":"You can only send testing emails to your own email address"}`, "451 4.7.1"},
		{"to", "resend", 422, "", "{\"statusCode\":422,\"name\":\"validation_error\",\"message\":\"Invalid `to` field\"}", "550 5.1.3"},
		{"sending domain", "sparkpost", 400, "", `{"errors":[{"message":"Unconfigured Sending Domain <example.com>","code":"7001"}]}`, "451 4.7.1"},
		{"denied", "m365", 403, "", `{"error":{"code":"ErrorAccessDenied","message":"Access is denied."}}`, "451 4.7.1"},
		{"nothing back", "m365", 200, "", ``, "451 4.4.1"},
		{"an unknown 400", "sendgrid", 400, "", `{"errors":[{"message":"something new"}]}`, "451 4.5.0"},
		{"an attachment", "sendgrid", 400, "", `{"errors":[{"message":"The attachment content must be base64 encoded."}]}`, "554 5.6.0"},
		{"an unknown 422", "mailersend", 422, "", `{"message":"The given data was invalid.","errors":{"x":["something new"]}}`, "451 4.5.0"},
		{"an unknown 400", "acs", 400, "", `{"error":{"code":"New","message":"something new"}}`, "451 4.5.0"},
		{"an unknown 400", "mailtrap", 400, "", `{"success":false,"errors":["something new"]}`, "451 4.5.0"},
		{"payment", "mandrill", 402, "", `{"status":"error","code":-1,"name":"PaymentRequired","message":"pay"}`, "451 4.7.1"},
	} {
		t.Run(row.api+" "+row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, row.api)
			w.Answer(say(row.status, row.header, row.body))
			r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]
			if got := r.Error(); !strings.HasPrefix(got, row.want) {
				t.Errorf("reply: got %q, want %q", got, row.want)
			}
			if got := w.Requests(); got != 1 {
				t.Errorf("requests: got %d, want 1", got)
			}
		})
	}
}

// TestRetryAfter: after a 429 no request is made before its time, by any process of
// the account; a short time is waited for, a long one defers the mail.
func TestRetryAfter(t *testing.T) {
	t.Run("short", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "resend")
		var first, second time.Time
		w.Answer(func(n int, rw http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				first = time.Now()
				return say(429, "Retry-After: 1", `{"statusCode":429,"name":"rate_limit_exceeded","message":"Too many requests"}`)(n, rw, r)
			}
			second = time.Now()
			return false
		})
		r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]
		if r.Code != 250 || second.Sub(first) < time.Second || w.Requests() != 2 || len(w.Got()) != 1 {
			t.Errorf("got %v, %d requests %v apart, want one message, the second request a second later", r, w.Requests(), second.Sub(first))
		}
	})
	for _, header := range []string{"Retry-After: 3600", "Retry-After: " + time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), "Ratelimit-Reset: " + strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "resend")
			w.Answer(say(429, header, `{"statusCode":429,"name":"rate_limit_exceeded","message":"Too many requests"}`))
			for range 3 {
				r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]
				if r.Code != 451 || r.Enhanced != "4.7.28" {
					t.Errorf("reply: got %v, want 451 4.7.28", r)
				}
			}
			// Another process of the account.
			other := w.client
			other.Pause = api.NewPause(w.client.Pause.Path)
			if p := other.Paused(t.Context()); p == nil || !strings.Contains(p.Text, "seconds") {
				t.Errorf("other process: got %v, want a refusal", p)
			}
			if got := w.Requests(); got != 1 {
				t.Errorf("requests: got %d, want 1", got)
			}
			other.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
			if p := other.Paused(t.Context()); p != nil {
				t.Errorf("after the time: got %v, want no refusal", p)
			}
		})
	}
	t.Run("nonsense in the file", func(t *testing.T) {
		path := t.TempDir() + "/x.pause"
		for _, text := range []string{"", "x", time.Now().AddDate(10, 0, 0).Format(time.RFC3339), strings.Repeat("9", 1000)} {
			t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if until := api.NewPause(path).Until(time.Now()); until.After(time.Now()) {
					t.Errorf("%.20q: got %v, want no pause", text, until)
				}
			})
		}
	})
}

// TestLostAnswer: a request whose answer is lost is not repeated by the client;
// Postfix repeats it, and an API with keys sends it once.
func TestLostAnswer(t *testing.T) {
	for id, want := range map[string]int{"resend": 1, "brevo": 1, "ses": 2, "postmark": 2} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			var lose atomic.Bool
			w := newWorld(t, id, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if !lose.CompareAndSwap(true, false) {
						h.ServeHTTP(rw, r)
						return
					}
					h.ServeHTTP(discard{http.Header{}}, r) // accepted
					panic(http.ErrAbortHandler)            // and killed before the answer
				})
			})
			lose.Store(true)
			r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]
			if r.Code != 451 || !strings.Contains(r.Text, "may be sent twice") {
				t.Errorf("reply: got %v, want 451", r)
			}
			if got := len(w.Got()); got != 1 {
				t.Errorf("messages: got %d, want 1: the client repeats nothing", got)
			}
			if r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]; r.Code != 250 {
				t.Errorf("second attempt: got %v, want 250", r)
			}
			if got := len(w.Got()); got != want {
				t.Errorf("messages: got %d, want %d", got, want)
			}
			// The same words to somebody else, or another message, is no repetition.
			_ = w.send(t, message([]byte(simple), "app@example.com", "ops@example.net", "b@example.net"))
			_ = w.send(t, message([]byte(strings.Replace(simple, "Hello.", "Hello!", 1)), "app@example.com", "ops@example.net"))
			if got := len(w.Got()); got != want+2 {
				t.Errorf("messages: got %d, want %d", got, want+2)
			}
		})
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// TestFaults: nothing is leaked to a stranger, nothing is taken for accepted, and
// nothing is without bounds.
func TestFaults(t *testing.T) {
	m := func() *api.Message { return message([]byte(simple), "app@example.com", "ops@example.net") }
	t.Run("another certificate", func(t *testing.T) {
		w := newWorld(t, "ses")
		var err error
		w.client.HTTP, err = api.HTTPClient(api.Options{Dial: dialTo(t, w)}) // the system's roots
		if err != nil {
			t.Fatal(err)
		}
		r := w.send(t, m())[0]
		if r.Code != 451 || r.Enhanced != "4.7.5" || w.Requests() != 0 {
			t.Errorf("got %v and %d requests, want 451 4.7.5 and none", r, w.Requests())
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		w := newWorld(t, "ses")
		var err error
		w.client.HTTP, err = api.HTTPClient(api.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:1")
		}})
		if err != nil {
			t.Fatal(err)
		}
		r := w.send(t, m())[0]
		if r.Code != 451 || r.Enhanced != "4.4.1" || strings.Contains(r.Text, "twice") {
			t.Errorf("got %v, want 451 4.4.1 without a doubt", r)
		}
	})
	t.Run("hang", func(t *testing.T) {
		w := newWorld(t, "ses")
		w.Answer(apitest.Hang)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		r := w.client.Send(ctx, m())[0]
		if r.Code != 451 || r.Enhanced != "4.4.2" {
			t.Errorf("got %v, want 451 4.4.2", r)
		}
	})
	t.Run("a gigabyte", func(t *testing.T) {
		w := newWorld(t, "ses")
		w.Answer(apitest.Huge)
		begin := time.Now()
		r := w.send(t, m())[0]
		if r.Code != 451 || time.Since(begin) > 10*time.Second {
			t.Errorf("got %v after %v, want 451 at once", r, time.Since(begin))
		}
	})
	t.Run("a megabyte of headers", func(t *testing.T) {
		w := newWorld(t, "ses")
		w.Answer(func(_ int, rw http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			rw.Header().Set("X-Much", strings.Repeat("a", 1<<20))
			_, _ = io.WriteString(rw, `{"MessageId":"1"}`)
			return true
		})
		if r := w.send(t, m())[0]; r.Code != 451 || !strings.Contains(r.Text, "may be sent twice") || len(r.Text) > 1000 {
			t.Errorf("got %v, want 451", r)
		}
	})
	t.Run("no redirect is followed", func(t *testing.T) {
		w := newWorld(t, "ses")
		w.Answer(say(307, "Location: https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails", ""))
		if r := w.send(t, m())[0]; r.Code != 451 || w.Requests() != 1 {
			t.Errorf("got %v and %d requests, want 451 and one", r, w.Requests())
		}
	})
	t.Run("an echoed secret", func(t *testing.T) {
		w := newWorld(t, "sendgrid")
		w.Answer(say(400, "", `{"errors":[{"message":"bad header Bearer `+apitest.KeyOf("sendgrid")+`"}]}`))
		if r := w.send(t, m())[0]; strings.Contains(r.Text, apitest.KeyOf("sendgrid")) {
			t.Errorf("got the secret in the reply %d %s, want none of it", r.Code, r.Enhanced)
		}
	})
	t.Run("a proxy from the environment", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		w := newWorld(t, "ses")
		if r := w.send(t, m())[0]; r.Code != 250 {
			t.Errorf("got %v, want 250 past it", r)
		}
	})
	t.Run("a proxy from the configuration", func(t *testing.T) {
		w := newWorld(t, "ses")
		direct := dialTo(t, w)
		var asked []string
		proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Method+" "+r.Host)
			there, err := direct(t.Context(), "tcp", r.Host)
			if err != nil {
				rw.WriteHeader(http.StatusBadGateway)
				return
			}
			here, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
			go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
			_, _ = io.Copy(here, there)
			_ = here.Close()
		}))
		t.Cleanup(proxy.Close)
		roots := w.client.HTTP.Transport.(*http.Transport).TLSClientConfig.RootCAs
		client, err := api.HTTPClient(api.Options{Roots: roots, Proxy: proxy.URL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		w.client.HTTP = client
		if r := w.send(t, m())[0]; r.Code != 250 || len(asked) != 1 || asked[0] != "CONNECT email.eu-west-1.amazonaws.com:443" {
			t.Errorf("got %v, proxy asked for %q, want 250 through it", r, asked)
		}
	})
	// What never reached the API is not said to be sent twice, and a call that sends
	// nothing neither.
	for _, row := range []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string
	}{
		{"a proxy that wants a login", func(w http.ResponseWriter) { w.WriteHeader(http.StatusProxyAuthRequired) }, "451 4.7.8 Amazon SES: email.eu-west-1.amazonaws.com: the proxy PROXY refuses the connection: 407"},
		{"a proxy that refuses", func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, "451 4.4.1 Amazon SES: email.eu-west-1.amazonaws.com: the proxy PROXY refuses the connection: 403"},
		{"no proxy", nil, "451 4.4.1 Amazon SES: email.eu-west-1.amazonaws.com: proxyconnect tcp: dial tcp PROXY"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, "ses")
			proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { row.answer(rw) }))
			if row.answer == nil {
				proxy.Close()
			} else {
				t.Cleanup(proxy.Close)
			}
			client, err := api.HTTPClient(api.Options{Proxy: "http://user:Gehe1mProxy@" + proxy.Listener.Addr().String()})
			if err != nil {
				t.Fatal(err)
			}
			w.client.HTTP = client
			want := strings.Replace(row.want, "PROXY", proxy.Listener.Addr().String(), 1)
			_, checked := w.client.Check(t.Context())
			sent := w.send(t, m())[0]
			for _, got := range []string{sent.Error(), fmt.Sprint(checked)} {
				if !strings.HasPrefix(got, want) || strings.Contains(got, "sent twice") || strings.Contains(got, "Gehe1m") {
					t.Errorf("got %q (password: ***), want %q, and nothing of a second copy or the password", strings.ReplaceAll(got, "Gehe1m", "***"), want)
				}
			}
		})
	}
	for _, row := range []struct {
		name   string
		answer func(int, http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"no answer to a check", func(int, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, "451 4.4.1 Mandrill: mandrillapp.com: no answer"},
		{"a login page in answer to a check", say(200, "Content-Type: text/html", "<html>log in</html>"), "451 4.4.1 Mandrill: answers 200, but not as the API does"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, "mandrill")
			w.Answer(row.answer)
			_, err := w.client.Check(t.Context())
			if got := fmt.Sprint(err); !strings.HasPrefix(got, row.want) || strings.Contains(got, "twice") {
				t.Errorf("Check: got %q, want %q and nothing of a second copy", got, row.want)
			}
		})
	}
	t.Run("a renewed token", func(t *testing.T) {
		w := newWorld(t, "m365")
		w.client.Account.Token = func(_ context.Context, refused secret.Value) (secret.Value, error) {
			if refused.IsZero() {
				return secret.New("revoked"), nil
			}
			return secret.New(apitest.Token), nil
		}
		if r := w.send(t, m())[0]; r.Code != 250 || w.Requests() != 2 {
			t.Errorf("got %v and %d requests, want 250 and two", r, w.Requests())
		}
	})
}

// dialTo connects to the server of w whatever the address.
func dialTo(t *testing.T, w *world) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	first := w.client.HTTP.Transport.(*http.Transport)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return first.DialContext(ctx, network, address)
	}
}

// TestLargeMessage: 25 MB pass in little memory, by an API that signs the digest of
// the body, one that wants a form, two that want fields, and one whose body is the
// message, which is the one that was sent.
func TestLargeMessage(t *testing.T) {
	for _, id := range []string{"ses", "mailgun", "sendgrid", "resend", "oci"} {
		t.Run(id, func(t *testing.T) {
			var sent int64
			got, want := sha256.New(), sha256.New()
			w := newWorld(t, id)
			w.Answer(func(_ int, rw http.ResponseWriter, r *http.Request) bool {
				sent, _ = io.Copy(got, r.Body)
				if r.ContentLength != sent {
					t.Errorf("Content-Length: got %d, want %d, the size of the body", r.ContentLength, sent)
				}
				rw.Header().Set("X-Message-Id", "1")
				if id == "sendgrid" {
					rw.WriteHeader(http.StatusAccepted)
				}
				_, _ = io.WriteString(rw, `{"MessageId":"1","id":"1","envelopeId":"1"}`)
				return true
			})
			spool := &api.Spool{Directory: t.TempDir()}
			defer spool.Close()
			if _, err := io.Copy(spool, io.TeeReader(large(25_000_000), want)); err != nil {
				t.Fatal(err)
			}
			m := &api.Message{From: "app@example.com", To: []string{"ops@example.net"}, Data: spool, Size: spool.Size()}
			defer m.Close()
			runtime.GC()
			var before runtime.MemStats // what other tests have left
			runtime.ReadMemStats(&before)
			var peak atomic.Uint64
			done := make(chan struct{})
			go func() {
				for tick := time.NewTicker(2 * time.Millisecond); ; {
					select {
					case <-done:
						tick.Stop()
						return
					case <-tick.C:
						var s runtime.MemStats
						runtime.ReadMemStats(&s)
						peak.Store(max(peak.Load(), s.HeapInuse))
					}
				}
			}()
			r := w.client.Send(t.Context(), m)[0]
			close(done)
			if r.Code != 250 || sent < 24_000_000 {
				t.Fatalf("got %v and %d bytes, want the message", r, sent)
			}
			if id == "oci" && !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Errorf("message: got %d bytes with SHA-256 %x, want %d with %x", sent, got.Sum(nil), m.Size, want.Sum(nil))
			}
			more := (max(peak.Load(), before.HeapInuse) - before.HeapInuse) >> 20
			t.Logf("figure: %s: heap of client and server together %d MB more at most", id, more)
			if more >= 20 {
				t.Errorf("heap: got %d MB more, want less than 20", more)
			}
			entries, err := os.ReadDir(spool.Directory)
			if err != nil || len(entries) > 0 {
				t.Errorf("files: got %v, %v, want none with a name", entries, err)
			}
		})
	}
}

// TestSpool: what was written can be read at any place, across the border of memory
// and file.
func TestSpool(t *testing.T) {
	s := &api.Spool{Directory: t.TempDir()}
	defer s.Close()
	var want bytes.Buffer
	for i := range 3000 {
		block := bytes.Repeat([]byte{byte(i)}, 701)
		_, _ = want.Write(block)
		if _, err := s.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	for _, off := range []int64{0, 1, 1<<18 - 300, 1 << 18, 1<<18 + 5, int64(want.Len()) - 10} {
		t.Run(fmt.Sprintf("offset %d", off), func(t *testing.T) {
			got := make([]byte, 1000)
			n, err := s.ReadAt(got, off)
			if end := min(int(off)+1000, want.Len()); !bytes.Equal(got[:n], want.Bytes()[off:end]) || n < 1000 && !errors.Is(err, io.EOF) {
				t.Errorf("ReadAt %d: got %d bytes, %v, want the %d that were written there, and io.EOF for less than 1000", off, n, err, end-int(off))
			}
		})
	}
}

func TestWrongKey(t *testing.T) {
	for _, row := range []struct{ id, key, want string }{
		{"brevo", "xsmtpsib-0123", "this is the password for SMTP (xsmtpsib-...): create an API key (xkeysib-...)"},
		{"brevo", "xkeysib-0123", ""},
		{"mailersend", "mssp.x", "this is the password for SMTP"},
		{"resend", "Gehe1m", "an API key of Resend begins with re_"},
		{"postmark", "anything", ""},
	} {
		t.Run(row.id+" "+row.key, func(t *testing.T) {
			a, _ := api.Get(row.id)
			if got := a.WrongKey(row.key); !strings.HasPrefix(got, row.want) || row.want == "" && got != "" {
				t.Errorf("WrongKey: got %q, want %q", got, row.want)
			}
		})
	}
}

// FuzzTake: whatever a message is, it is taken apart within bounds, or refused.
func FuzzTake(f *testing.F) {
	for _, seed := range []string{
		simple, "From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x\nContent-Type: text/html\n\nb\n--x--\n",
		"From: a@b\nContent-Type: text/plain; format=flowed; delsp=yes\n\n> a \n> b\n-- \n", "From: a@b\nContent-Disposition: attachment; filename*0*=iso-8859-1'x'%FC; filename*1=b\n\nx",
		"From: =?koi8-r?b?8A==?= <a@b>\nTo: g: a@b, c@d;\n\n", "\x00", "From: a@b\nContent-Type: message/rfc822\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := message(data, "a@example.com", "b@example.net")
		defer m.Close()
		c, err := m.Take()
		if err != nil {
			var r *api.Reply
			if !errors.As(err, &r) || r.Code != 554 {
				t.Errorf("Take: got %v, want a 554", err)
			}
			return
		}
		if c.From == nil {
			t.Error("Take: got no sender, want one or an error")
		}
		for _, p := range c.Files {
			if p.Name == "" || strings.ContainsAny(p.Name, "\r\n/\x00") {
				t.Errorf("attachment: got name %q, want one, without line end, slash and NUL", p.Name)
			}
		}
		for _, h := range c.Headers {
			if strings.ContainsAny(h.Name+h.Value, "\r\n") {
				t.Errorf("header: got %q, want no line end in it", h)
			}
		}
	})
}

// TestCatalogue: every API has replies of its own in the catalogue, and an answer with
// the sample of one becomes its reply.
func TestCatalogue(t *testing.T) {
	for _, a := range api.All() {
		t.Run(a.ID, func(t *testing.T) {
			known := a.Catalogued().API
			if known == nil || len(known.Replies) == 0 {
				t.Fatal("catalogue: got no replies of the API, want some")
			}
			w := newWorld(t, a.ID)
			for _, r := range known.Replies {
				number, said, _ := strings.Cut(r.Sample, " ")
				status, _ := strconv.Atoi(number)
				code, text := "", said
				if r.Code != "" {
					code, text, _ = strings.Cut(said, ": ")
				}
				body, _ := json.Marshal(map[string]string{"code": code, "message": text})
				w.client.Pause = api.NewPause("") // of this answer alone
				w.Answer(say(status, "Retry-After: 60", string(body)))
				got := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]
				if fmt.Sprintf("%d %s", got.Code, got.Enhanced) != r.Reply || !strings.Contains(got.Text, said) {
					t.Errorf("%s: got %v, want %s", r.ID, got, r.Reply)
				}
			}
		})
	}
}

package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/apitest"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

var ociKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// settings is an account that has everything that any API needs.
func settings() map[conf.Field]string {
	return map[conf.Field]string{
		conf.Region: "eu-west-1", conf.Domain: "mg.example.com", conf.AccountID: "acc", conf.Mailbox: "app@contoso.example",
		conf.Compartment: "ocid1.compartment.oc1..c", conf.Tenancy: "ocid1.tenancy.oc1..a", conf.Login: "ocid1.user.oc1..b", conf.Fingerprint: "20:3b:97",
	}
}

// account is one that the server of the API takes.
func account(id string) api.Account {
	a := conf.Account{Settings: settings(), Key: secret.New(apitest.KeyOf(id))}
	switch id {
	case "ses":
		a.Key, a.AWS = secret.Value{}, &conf.AWSKeys{Source: conf.AWSStatic, AccessKey: "AKIAIOSFODNN7EXAMPLE", Secret: secret.New(apitest.SecretKey)}
	case "oci":
		a.Key = secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(ociKey())})))
	case "acs":
		a.Host, a.Key = "res.communication.azure.com", secret.New(apitest.Base64Key)
	case "m365", "gmail":
		a.Key = secret.Value{}
	case "mailjet":
		a.Settings[conf.Login] = apitest.MailjetUser
	case "mailgun", "sparkpost", "sendgrid", "smtp2go":
		delete(a.Settings, conf.Region)
	}
	got := api.NewAccount(a)
	if id == "m365" || id == "gmail" {
		got.Token = func(context.Context, secret.Value) (secret.Value, error) { return secret.New(apitest.Token), nil }
	}
	return got
}

// world is one API on loopback TLS, under its real name.
type world struct {
	*apitest.Service
	client api.Client
	conns  int
	mu     sync.Mutex
}

func newWorld(t *testing.T, id string, wrap ...func(http.Handler) http.Handler) *world {
	t.Helper()
	a, ok := api.Get(id)
	if !ok {
		t.Fatalf("API %q: got none, want one", id)
	}
	w := &world{Service: apitest.New(id)}
	w.OCIKey = &ociKey().PublicKey
	w.Accept = func(access, session string) (string, bool) {
		return apitest.SecretKey, access == "AKIAIOSFODNN7EXAMPLE" && session == "" || access == apitest.AccessKey && session == apitest.Session
	}
	acc := account(id)
	host, err := a.Host(acc.Account)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(host)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = w.Service
	for _, f := range wrap {
		handler = f(handler)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := apitest.Start(l, smtpd.ServerTLS(cert), handler)
	t.Cleanup(func() { _ = server.Close() })
	w.client = api.Client{API: a, Account: acc, Pause: api.NewPause(t.TempDir() + "/x.pause")}
	w.client.HTTP, err = api.HTTPClient(api.Options{Roots: ca.Pool(), Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
		if address != host+":443" {
			t.Errorf("address: got %s, want %s:443", address, host)
		}
		w.mu.Lock()
		w.conns++
		w.mu.Unlock()
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.HTTP.CloseIdleConnections)
	return w
}

// message is data with CRLF line ends, as Postfix hands it over.
func message(data []byte, from string, to ...string) *api.Message {
	data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
	return &api.Message{From: from, To: to, Data: bytes.NewReader(data), Size: int64(len(data))}
}

func (w *world) send(t *testing.T, m *api.Message) []api.Reply {
	t.Helper()
	defer m.Close()
	return w.client.Send(t.Context(), m)
}

const simple = "From: App <app@example.com>\nTo: ops@example.net\nSubject: hello\nMessage-ID: <1@example.com>\n\nHello.\n"

func ids(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, a := range api.All() {
		out = append(out, a.ID)
	}
	return out
}

// TestEveryAPI: a message goes, its reply holds the API's id, connections are kept,
// HTTP/2 is spoken, and a wrong credential defers.
func TestEveryAPI(t *testing.T) {
	for _, id := range ids(t) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			protocol := ""
			w := newWorld(t, id, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					protocol = r.Proto
					h.ServeHTTP(rw, r)
				})
			})
			if w.client.API.Source == "" || w.client.API.Date == "" || w.client.API.Limits.Bytes == 0 || w.client.API.Limits.Recipients == 0 {
				t.Errorf("API: got %+v, want source, date and limits", w.client.API)
			}
			if err := w.client.API.Validate(w.client.Account.Account); err != nil {
				t.Errorf("Validate: got %v, want no error", err)
			}
			for range 3 {
				for _, r := range w.send(t, message([]byte(simple), "app@example.com", "ops@example.net")) {
					if r.Code != 250 || len(r.Text) < 8 {
						t.Fatalf("reply: got %v, want 250 and an id", r)
					}
				}
			}
			if w.conns != 1 {
				t.Errorf("connections: got %d, want 1 for three messages", w.conns)
			}
			if protocol != "HTTP/2.0" {
				t.Errorf("protocol: got %s, want HTTP/2.0", protocol)
			}
			want := 3
			if w.client.API.Keyed {
				want = 1 // the same bytes: a repetition
			}
			if got := len(w.Got()); got != want {
				t.Errorf("messages: got %d, want %d", got, want)
			}
			if proved, err := w.client.Check(t.Context()); proved != w.client.API.HasCheck() || err != nil {
				t.Errorf("Check: got %v, %v, want %v", proved, err, w.client.API.HasCheck())
			}

			w.client.Account.Key = secret.New("AAAAwrong-secretAAAA")
			w.client.Account.Token = func(context.Context, secret.Value) (secret.Value, error) { return secret.New("wrong"), nil }
			if w.client.Account.Keys != nil {
				w.client.Account.Keys.Secret = secret.New("AAAAwrong-secretAAAA")
			}
			if id == "oci" {
				other, _ := rsa.GenerateKey(rand.Reader, 2048)
				w.client.Account.Key = secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})))
			}
			if id != "m365" && id != "gmail" {
				w.client.Account.Token = nil
			}
			before := len(w.Got())
			for _, r := range w.send(t, message([]byte(simple), "app@example.com", "ops@example.net")) {
				if r.Code != 451 || r.Enhanced != "4.7.8" || strings.Contains(r.Text, "AAAAwrong-secretAAAA") {
					t.Errorf("wrong credential: got %d %s, the secret in its text %t, want 451 4.7.8 and false", r.Code, r.Enhanced, strings.Contains(r.Text, "AAAAwrong-secretAAAA"))
				}
			}
			if w.client.API.HasCheck() {
				if proved, err := w.client.Check(t.Context()); proved || err == nil {
					t.Errorf("Check with a wrong credential: got proved %v and the error %v, want false and an error", proved, err)
				}
			}
			if got := len(w.Got()); got != before {
				t.Errorf("messages: got %d, want none with a wrong credential", got-before)
			}
		})
	}
}

// TestRecipients: the envelope decides, and where the API answers for each recipient
// so does the reply.
func TestRecipients(t *testing.T) {
	for _, id := range ids(t) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, id)
			to := []string{"ops@example.net", apitest.Suppressed, "hidden@example.net"}
			replies := w.send(t, message([]byte("From: app@example.com\nTo: ops@example.net\nCc: "+apitest.Suppressed+"\nSubject: x\n\nx\n"), "app@example.com", to...))
			if len(replies) != 3 {
				t.Fatalf("replies: got %d, want 3", len(replies))
			}
			codes := []int{replies[0].Code, replies[1].Code, replies[2].Code}
			want := []int{250, 250, 250}
			switch id {
			case "sparkpost", "mandrill", "oci", "cloudflare":
				want[1] = 550
			}
			for i := range want {
				if codes[i] != want[i] {
					t.Errorf("reply to %s: got %v, want %d", to[i], replies[i], want[i])
				}
			}
			got := w.Got()
			if len(got) != 1 || len(got[0].To) != 3 {
				t.Fatalf("messages: got %+v, want one to 3 recipients", got)
			}
			if f := got[0].Fields; f != nil && (len(f.To) != 1 || len(f.Cc) != 1 || len(f.Bcc) != 1 || !strings.Contains(f.Bcc[0], "hidden@example.net")) {
				t.Errorf("fields: got to %v, cc %v, bcc %v, want one each, with hidden@example.net in bcc", f.To, f.Cc, f.Bcc)
			}
			if got[0].Fields == nil && bytes.Contains(got[0].Raw, []byte("hidden@")) {
				t.Errorf("message: got \"hidden@\" in it, want no address of a Bcc recipient")
			}
		})
	}
}

// TestManyRecipients: a hundred recipients, or as many as the API takes, in To, Cc and
// nowhere in the headers: each stands in one place, and none is left out.
func TestManyRecipients(t *testing.T) {
	for _, id := range ids(t) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, id)
			var all, to, cc []string
			for n := range min(100, w.client.API.Limits.Recipients) {
				a := fmt.Sprintf("u%d@example.net", n)
				all = append(all, a)
				switch {
				case n%10 == 0:
					cc = append(cc, a)
				case n%10 == 1: // hidden
				default:
					to = append(to, "\"U, "+a[:2]+"\" <"+a+">")
				}
			}
			head := "From: app@example.com\nTo: " + strings.Join(to, ",\n ") + "\nCc: " + strings.Join(cc, ",\n ") + "\nSubject: x\n\nx\n"
			for _, r := range w.send(t, message([]byte(head), "app@example.com", all...)) {
				if r.Code != 250 {
					t.Fatalf("reply: got %v, want 250", r)
				}
			}
			got := w.Got()
			if len(got) != 1 {
				t.Fatalf("messages: got %d, want 1", len(got))
			}
			slices.Sort(got[0].To)
			slices.Sort(all)
			if !slices.Equal(got[0].To, all) {
				t.Errorf("recipients: got %v, want %v", got[0].To, all)
			}
			if f := got[0].Fields; f != nil && (len(f.To) != len(to) || len(f.Cc) != len(cc) || f.To[0] != "U, u2 <u2@example.net>") {
				t.Errorf("fields: got to %v, cc %v, want %d and %d", f.To, f.Cc, len(to), len(cc))
			}
		})
	}
}

// large is a reader of a message with an attachment in base64.
func large(size int) io.Reader {
	head := "From: app@example.com\r\nTo: ops@example.net\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Disposition: attachment; filename=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	line := strings.Repeat("QUJD", 19) + "\r\n"
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&repeat{text: line}, int64(size/len(line)*len(line))))
}

type repeat struct {
	text string
	off  int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k := copy(p[n:], r.text[r.off:])
		n += k
		r.off = (r.off + k) % len(r.text)
	}
	return n, nil
}

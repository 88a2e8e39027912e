package bridge_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/bridge"
	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/apitest"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// service is an API on loopback and a client of it.
type service struct {
	*apitest.Service
	client *api.Client
}

func newService(t *testing.T, id string) *service {
	t.Helper()
	a, ok := api.Get(id)
	if !ok {
		t.Fatalf("API %q: got none, want one", id)
	}
	account := conf.Account{Settings: map[conf.Field]string{conf.Region: "eu-west-1"}, Key: secret.New(apitest.KeyOf(id))}
	if id == "ses" {
		account.Key, account.AWS = secret.Value{}, &conf.AWSKeys{Source: conf.AWSStatic, AccessKey: "AKIAIOSFODNN7EXAMPLE", Secret: secret.New(apitest.SecretKey)}
	}
	host, err := a.Host(account)
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
	s := &service{Service: apitest.New(id)}
	s.Accept = func(string, string) (string, bool) { return apitest.SecretKey, true }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := apitest.Start(l, smtpd.ServerTLS(cert), s.Service)
	t.Cleanup(func() { _ = server.Close() })
	client, err := api.HTTPClient(api.Options{Roots: ca.Pool(), Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.client = &api.Client{API: a, Account: api.NewAccount(account), HTTP: client, Pause: api.NewPause(t.TempDir() + "/x.pause")}
	return s
}

func (s *service) open(t *testing.T) func(context.Context) (bridge.Hop, error) {
	t.Helper()
	directory := t.TempDir()
	return func(context.Context) (bridge.Hop, error) { return bridge.NewHTTPS(s.client, directory), nil }
}

// stuffed is a message with doubled dots, as Postfix sends it.
func stuffed(data string) string {
	data = strings.ReplaceAll("\n"+data, "\n.", "\n..")[1:]
	return strings.ReplaceAll(data, "\n", "\r\n")
}

func TestHTTPSDialogue(t *testing.T) {
	s := newService(t, "ses")
	p := start(t, s.open(t))
	offered := p.hello()
	for _, want := range []string{"SIZE 40000000", "8BITMIME", "SMTPUTF8", "PIPELINING"} {
		if !strings.Contains(offered, want) {
			t.Errorf("LHLO: got %q, want %s in it", offered, want)
		}
	}
	for range 2 {
		p.say("MAIL FROM:<app@example.com> SIZE=100 BODY=8BITMIME", "RCPT TO:<a@example.net>", "RCPT TO:<grün@example.net>", "RCPT TO:<\"b,c\"@example.net>", "RCPT TO:<d@müller.example>", "DATA")
		p.want("250 2.1.0")
		p.want("250 2.1.5")
		p.want("550 5.6.7")
		p.want("550 5.6.7")
		p.want("250 2.1.5")
		p.want("354")
		p.say("Subject: x", "", "..", "...two", "ü", ".")
		p.want("250 2.0.0 Amazon SES: id-")
		p.want("250 2.0.0 Amazon SES: id-")
	}
	got := s.Got()
	if len(got) != 2 || string(got[1].Raw) != "Subject: x\r\n\r\n.\r\n..two\r\nü\r\n" || fmt.Sprint(got[0].To) != "[a@example.net d@xn--mller-kva.example]" || got[0].From != "app@example.com" {
		t.Errorf("messages: got %+v, want two with the envelope", got)
	}
	p.say("MAIL FROM:<app@example.com> SIZE=40000001")
	p.want("552 5.3.4")
	p.say("MAIL FROM:<>", "DATA")
	p.want("250")
	p.want("554 5.5.1")
	p.say("RSET")
	p.want("250")
	lines := []string{"MAIL FROM:<>"}
	for n := range 52 {
		lines = append(lines, fmt.Sprintf("RCPT TO:<u%d@example.net>", n))
	}
	p.say(lines...)
	p.want("250")
	for range 50 {
		p.want("250 2.1.5")
	}
	p.want("452 4.5.3")
	p.want("452 4.5.3")
	p.say("RSET")
	p.want("250")
	s.client.Pause.Set(time.Now().Add(time.Hour))
	p.say("MAIL FROM:<app@example.com>", "RCPT TO:<a@example.net>", "DATA")
	p.want("451 4.7.28 relayhost: Amazon SES: too many requests")
	p.want("503")
	p.want("554")
	if got := s.Requests(); got != 2 {
		t.Errorf("requests: got %d, want 2", got)
	}
}

// TestHTTPSCorpus: every message of the corpus passes the whole bridge byte for byte.
func TestHTTPSCorpus(t *testing.T) {
	files, err := filepath.Glob("api/testdata/mail/*.eml")
	if err != nil || len(files) < 100 {
		t.Fatalf("corpus: got %d messages, %v, want 100 or more", len(files), err)
	}
	s := newService(t, "ses")
	p := start(t, s.open(t))
	p.hello()
	for n, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		p.say("MAIL FROM:<app@example.com>", "RCPT TO:<a@example.net>", "DATA")
		p.want("250")
		p.want("250")
		p.want("354")
		if _, err := io.WriteString(p.conn, stuffed(text)+".\r\n"); err != nil {
			t.Fatal(err)
		}
		p.want("250")
		if got, want := s.Got()[n].Raw, []byte(strings.ReplaceAll(text, "\n", "\r\n")); !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes, want %d", file, len(got), len(want))
		}
	}
}

// TestHTTPSHalfMessage: what Postfix did not finish is never sent.
func TestHTTPSHalfMessage(t *testing.T) {
	s := newService(t, "ses")
	p := start(t, s.open(t))
	p.hello()
	p.say("MAIL FROM:<app@example.com>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("354")
	p.say("Subject: half", "")
	_ = p.conn.Close()
	if err := <-p.done; err == nil {
		t.Error("Serve of half a message: got no error, want one")
	}
	if got := s.Requests(); got != 0 {
		t.Errorf("requests: got %d, want 0", got)
	}
}

// TestHTTPSTooLarge: a message beyond the limit is refused after it was read.
func TestHTTPSTooLarge(t *testing.T) {
	s := newService(t, "cloudflare")
	s.client.Account.Settings[conf.AccountID] = "acc"
	p := start(t, s.open(t))
	p.hello()
	p.say("MAIL FROM:<app@example.com>", "RCPT TO:<a@example.net>", "DATA")
	p.want("250")
	p.want("250")
	p.want("354")
	_, _ = io.WriteString(p.conn, strings.Repeat(strings.Repeat("x", 98)+"\r\n", 60_000)+".\r\n")
	p.want("552 5.3.4")
	p.say("QUIT")
	p.want("221")
	if got := s.Requests(); got != 0 {
		t.Errorf("requests: got %d, want 0", got)
	}
}

// TestListen: one process serves many connections at once; when it is told to end,
// what the API has accepted is still acknowledged.
func TestListen(t *testing.T) {
	s := newService(t, "resend")
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- bridge.Listen(ctx, l, "bridge.example", s.open(t)) }()

	send := func(t *testing.T, name string) string {
		t.Helper()
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, "LHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<ops@example.net>\r\nDATA\r\n")
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(conn, "From: a@example.com\r\nTo: ops@example.net\r\nSubject: "+name+"\r\n\r\nx\r\n.\r\nQUIT\r\n")
		out, _ := io.ReadAll(conn)
		return string(out)
	}
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			if out := send(t, fmt.Sprint(n)); !strings.Contains(out, "250 2.0.0 Resend: id-") {
				t.Errorf("connection %d: got %q, want 250", n, out)
			}
		})
	}
	all.Wait()
	if got := len(s.Got()); got != 40 {
		t.Errorf("messages: got %d, want 40", got)
	}

	arrived, release := make(chan struct{}), make(chan struct{})
	s.Answer(func(int, http.ResponseWriter, *http.Request) bool {
		close(arrived)
		<-release
		return false
	})
	late := make(chan string, 1)
	go func() { late <- send(t, "late") }()
	<-arrived
	cancel()
	time.Sleep(50 * time.Millisecond)
	close(release)
	if out := <-late; !strings.Contains(out, "250 2.0.0 Resend: id-41") {
		t.Errorf("message on its way: got %q, want 250", out)
	}
	if err := <-ended; err != nil {
		t.Errorf("Listen: got %v, want no error at the end", err)
	}
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("after the end: got a connection, want none")
	}
}

// TestHTTPSConfig: what is written is read again, and what cannot work is refused.
func TestHTTPSConfig(t *testing.T) {
	good := conf.Config{Via: conf.ViaHTTPS, CAFile: "/etc/ssl/certs/ca-certificates.crt", Connections: 3, API: &conf.APIConfig{
		ID: "ses", Settings: map[conf.Field]string{conf.Region: "eu-west-1"}, AWS: &conf.AWSKeys{Source: conf.AWSInstance}, Proxy: "http://proxy.example:3128",
	}}
	text, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := conf.Parse(text)
	if err != nil {
		t.Fatalf("Parse: got %v, want no error of\n%s", err, text)
	}
	if got.Via != conf.ViaHTTPS || got.API.ID != "ses" || got.API.AWS.Source != conf.AWSInstance || got.API.Settings[conf.Region] != "eu-west-1" || got.API.Proxy != good.API.Proxy || got.Connections != 3 {
		t.Errorf("Parse: got %+v with API %+v, want what was written:\n%s", got, got.API, text)
	}
	if _, err := bridge.Client(got, t.TempDir(), "ses"); err != nil && !os.IsNotExist(err) {
		t.Errorf("Client: got %v, want no error, or that of a missing file", err)
	}
	for name, row := range map[string]struct{ text, want string }{
		"no api":         {"version = 1\nvia = \"https\"\n", "missing [api]"},
		"unknown api":    {"version = 1\nvia = \"https\"\n[api]\nid = \"nobody\"\n", `no API of "nobody"`},
		"no key":         {"version = 1\nvia = \"https\"\n[api]\nid = \"resend\"\n", "missing api_key"},
		"no region":      {"version = 1\nvia = \"https\"\n[api]\nid = \"ses\"\n[api.aws]\nsource = \"ec2\"\n", "missing region"},
		"region of evil": {"version = 1\nvia = \"https\"\n[api]\nid = \"ses\"\n[api.settings]\nregion = \"evil.example/\"\n[api.aws]\nsource = \"ec2\"\n", "region contains a character"},
		"no aws":         {"version = 1\nvia = \"https\"\n[api]\nid = \"ses\"\n[api.settings]\nregion = \"eu-west-1\"\n", "missing [api.aws]"},
		"no oauth":       {"version = 1\nvia = \"https\"\n[api]\nid = \"m365\"\n[api.settings]\nmailbox = \"a@b.example\"\n", "missing [oauth]"},
		"no host":        {"version = 1\nvia = \"https\"\n[api]\nid = \"acs\"\napi_key = \"eA==\"\n", "missing host"},
		"unknown via":    {"version = 1\nvia = \"pigeon\"\ntls = \"starttls\"\n", `unknown via "pigeon"`},
		"api by smtp":    {"version = 1\nhost = \"h\"\nport = 587\ntls = \"starttls\"\n[api]\nid = \"ses\"\n", "via = \"https\" only"},
		"pin":            {"version = 1\nvia = \"https\"\nfingerprint = \"00\"\n[api]\nid = \"resend\"\napi_key = \"x\"\n", "fingerprint"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := conf.Parse([]byte(row.text)); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("Parse: got %v, want %q", err, row.want)
			}
		})
	}
}

// TestRunService: the process takes the socket of systemd and answers on it.
func TestRunService(t *testing.T) {
	if directory := os.Getenv("BRIDGE_CHILD"); directory != "" {
		if os.Geteuid() == 0 {
			if err := syscall.Setuid(65534); err != nil {
				t.Fatal(err)
			}
		}
		if err := bridge.RunService(t.Context(), directory, "ses"); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := bridge.RunService(t.Context(), t.TempDir(), "ses"); err == nil || !strings.Contains(err.Error(), "no socket was handed over") {
		t.Errorf("RunService without a socket: got %v, want an error with %q", err, "no socket was handed over")
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	child := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0], "-test.run=^TestRunService$")
	child.Env = append(os.Environ(), "BRIDGE_CHILD=/nonexistent", "LISTEN_FDS=1")
	child.ExtraFiles = []*os.File{f}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	for range 2 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		out, err := io.ReadAll(conn)
		_ = conn.Close()
		if want := "421 4.3.5 relayhost: /nonexistent/ses.conf: no such file or directory\r\n"; string(out) != want {
			t.Errorf("greeting: got %q, %v, want %q", out, err, want)
		}
	}
}

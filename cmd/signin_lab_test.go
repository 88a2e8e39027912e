//go:build lab

package cmd_test

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

const (
	mailbox      = "app@contoso.example"
	clientID     = "7f3a0000-aaaa-bbbb-cccc-000000000001"
	clientSecret = "Gehe1mClient~42"
)

// way is one way to sign in to Microsoft 365.
type way struct {
	name    string
	file    string // credentials
	flags   []string
	relay   string // "" is m365
	program string // "" is /usr/local/bin/relayhost
	paste   bool   // the address that the browser ends at goes to standard input
}

func ways() []way {
	list := []way{{name: "secret", file: "mailbox=" + mailbox + "\ntenant=contoso.example\nclient_id=" + clientID + "\nclient_secret=" + clientSecret + "\n"}}
	list = append(list, way{name: "outlook", relay: "outlook", flags: []string{"--sign-in", "device", "--client-id", clientID, "--username", mailbox}})
	if os.Getenv("LAB_FULL") == "" {
		return list
	}
	return append(list,
		way{name: "certificate", file: "mailbox=" + mailbox + "\ntenant=contoso.example\nclient_id=" + clientID + "\nclient_certificate=/root/m365.pem\n"},
		way{name: "device", flags: []string{"--sign-in", "device", "--client-id", clientID, "--username", mailbox}},
		way{name: "url", flags: []string{"--sign-in", "url", "--client-id", clientID, "--username", mailbox}, paste: true},
	)
}

func signInSuites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

// signInLab is a server beside Microsoft 365.
func signInLab(t *testing.T, suite lab.Suite, change ...func(*smtpd.Config)) *lab.Lab {
	t.Helper()
	return signInAt(t, suite, "m365", change...)
}

// signInAt is a server beside a relay of Microsoft's.
func signInAt(t *testing.T, suite lab.Suite, id string, change ...func(*smtpd.Config)) *lab.Lab {
	t.Helper()
	var l *lab.Lab
	change = append([]func(*smtpd.Config){lab.TakesTokens(func() *lab.Identity { return l.World.Identity() }, mailbox)}, change...)
	l = lab.New(t, lab.On(suite), lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(), lab.TokenEndpoint(), lab.Relay(id, change...))
	l.Server.Install()
	l.Server.WriteFile("/root/m365.pem", applicationPEM(t), 0o600)
	return l
}

func applicationPEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relayhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(20 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// paste runs a command that shows an address to open, and pastes the one that the
// browser would end at.
const paste = `mkfifo /root/paste; (timeout 120 "$@" < /root/paste > /root/out 2> /root/err; echo $? > /root/rc) & exec 3> /root/paste
for i in $(seq 600); do state=$(grep -o 'state=[A-Za-z0-9_-]*' /root/err 2>/dev/null | head -n 1); [ -n "$state" ] && break; sleep 0.1; done
echo "https://login.microsoftonline.com/common/oauth2/nativeclient?code=c1&$state" >&3; exec 3>&-; wait; rm /root/paste; cat /root/out; cat /root/err >&2; exit $(cat /root/rc)`

func (w way) setup(l *lab.Lab, more ...string) lab.Result {
	args := append([]string{cmp.Or(w.program, "/usr/local/bin/relayhost"), "setup", "--relay", cmp.Or(w.relay, "m365"), "--from", mailbox, "--to", "ops@example.net", "--yes"}, w.flags...)
	if w.file != "" {
		l.Server.WriteFile("/root/m365.txt", w.file, 0o600)
		args = append(args, "--credentials-file", "/root/m365.txt")
	}
	args = append(args, more...)
	if w.paste {
		args = append([]string{"sh", "-c", paste, "sh"}, args...)
	}
	return l.Run(args...)
}

// TestLabSignIn: each way to sign in sets Microsoft 365 up in one command, delivers,
// is verified, and goes again without a trace: configuration byte for byte, token and
// user.
func TestLabSignIn(t *testing.T) {
	t.Parallel()
	for _, suite := range signInSuites() {
		for _, w := range ways() {
			t.Run(string(suite)+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				id := cmp.Or(w.relay, "m365")
				l := signInAt(t, suite, id)
				srv, relay := l.Server, l.World.Relay(id)
				before, users := srv.Tree(append(mailConfig, "/var/lib/postfix-relayhost-bridge")...), srv.ReadFile("/etc/passwd")

				if res := w.setup(l); res.Code != 0 {
					t.Fatalf("setup: want exit code 0, got %s\n%s", res, srv.MailLog())
				}
				if got := len(relay.Mailbox()); got != 2 {
					t.Fatalf("messages at the relay: got %d, want 2 (rehearsal and proof)\n%s", got, srv.MailLog())
				}
				if want := map[bool]int{true: 1, false: 2}[w.file != ""]; len(l.World.Identity().Requests()) > want {
					t.Errorf("requests at the identity provider: got %d, want at most %d", len(l.World.Identity().Requests()), want)
				}
				srv.SendMail("root", "someone@elsewhere.example", "hello")
				if m := waitMessages(t, l, id, 3)[2]; m.From != mailbox {
					t.Errorf("mail of root: got sender %s, want %s", m.From, mailbox)
				}
				for _, r := range l.World.Identity().Requests() {
					if at, want := strings.HasPrefix(r.Path, "/consumers/"), id == "outlook"; at != want {
						t.Errorf("request to %s: want the endpoint of personal accounts: %t", r.Path, want)
					}
				}
				for _, s := range relay.Sessions() {
					if s.AuthBeforeTLS || s.Messages > 0 && !s.Authenticated {
						t.Errorf("session: got %+v, want a login over TLS", s)
					}
				}
				if res := l.Run("/usr/local/bin/relayhost", "verify", "--json"); res.Code != 0 {
					t.Errorf("verify: want exit code 0, got %s", res)
				}
				if res := l.Run("/usr/local/bin/relayhost", "status", "--json"); res.Code != 0 {
					t.Errorf("status: want exit code 0, got %s", res)
				}
				again := w
				again.paste = false // the sign-in that is stored serves
				if res := again.setup(l); res.Code != 0 || !strings.Contains(res.Stdout, "unchanged") {
					t.Errorf("setup again: got %s, want unchanged", res)
				}
				hidesSecrets(t, l)

				if res := l.Run("/usr/local/bin/relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
					t.Fatalf("rollback: want exit code 0, got %s", res)
				}
				if d := before.Diff(srv.Tree(append(mailConfig, "/var/lib/postfix-relayhost-bridge")...)); d != "" {
					t.Errorf("rollback left differences: got\n%s\nwant none", d)
				}
				if got := srv.ReadFile("/etc/passwd"); got != users {
					t.Errorf("/etc/passwd: got\n%swant it as before", got)
				}
			})
		}
	}
}

// hidesSecrets looks for secrets and tokens where everybody could read them.
func hidesSecrets(t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, hidden := range []string{clientSecret, "access-1", "refresh-1", "BEGIN PRIVATE KEY"} {
		res := l.Run("sh", "-c", `grep -rlF -e "$1" /etc/postfix /etc/relayhost /var/log /tmp; for p in /proc/[0-9]*; do
	case $(cat $p/comm 2>/dev/null) in relayhost|spawn|lmtp|master|qmgr) grep -lF -e "$1" $p/cmdline $p/environ 2>/dev/null;; esac; done; true`, "sh", hidden)
		if res.Stdout != "" {
			t.Errorf("%s: got it in %s, want none", hidden, res.Stdout)
		}
		if res := l.Run("sh", "-c", `find /var/lib/relayhost /var/lib/postfix-relayhost-bridge -type f -perm /007 -exec grep -lF -e "$1" {} +`, "sh", hidden); res.Stdout != "" {
			t.Errorf("%s: got it in files that others read: %s, want none", hidden, res.Stdout)
		}
		if strings.HasPrefix(hidden, "access") || strings.HasPrefix(hidden, "refresh") {
			if res := l.Run("sh", "-c", `grep -rlF -e "$1" /var/lib/relayhost`, "sh", hidden); res.Stdout != "" {
				t.Errorf("%s: got it in the journal: %s, want none", hidden, res.Stdout)
			}
		}
	}
}

// TestLabSignInRevoked: where the sign-in is revoked, mail waits with the reason in the
// log, explain has the remedy, and after sign-in the mail goes. Nothing bounces.
func TestLabSignInRevoked(t *testing.T) {
	t.Parallel()
	l := signInLab(t, lab.Bookworm)
	w := way{flags: []string{"--sign-in", "device", "--client-id", clientID, "--username", mailbox}}
	if res := w.setup(l); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, l.Server.MailLog())
	}
	l.World.Identity().Revoke()
	time.Sleep(3 * time.Second) // until Postfix has closed the connection that it keeps
	for n := range 3 {
		l.Server.SendMail(mailbox, fmt.Sprintf("late%d@example.net", n), "later")
	}
	l.Server.WaitLog(`to=<late0@example\.net>.*status=deferred .*421 4\.7\.8 relayhost: the sign-in at login\.microsoftonline\.com is no longer valid \(invalid_grant: AADSTS50173`)
	if res := l.Run("/usr/local/bin/relayhost", "explain"); !strings.Contains(res.Stdout, "relayhost sign-in") {
		t.Errorf("explain: got %s, want the remedy", res)
	}
	if res := l.Run("/usr/local/bin/relayhost", "verify"); res.Code != 3 || !strings.Contains(res.Stdout, "revoked") {
		t.Errorf("verify: got %s, want exit code 3 and the reason", res)
	}
	if res := l.Run("/usr/local/bin/relayhost", "status"); !strings.Contains(flat(res.Stdout), flat("the sign-in was revoked: ")) || !strings.Contains(flat(res.Stdout), flat("run relayhost sign-in")) {
		t.Errorf("status: got %s, want the refusal in words and the remedy", res)
	}
	if res := l.Run("/usr/local/bin/relayhost", "status", "--prometheus", "-"); !strings.Contains(res.Stdout, `relayhost_signin_refused{bridge="m365",aadsts="50173"} 1`) {
		t.Errorf("metrics: got %s, want the refusal with its number", res)
	}
	before := l.Server.Tree(mailConfig...)
	if res := l.Run("/usr/local/bin/relayhost", "sign-in"); res.Code != 0 || !strings.Contains(res.Stderr, "ABCD-EFGH") {
		t.Fatalf("sign-in: want exit code 0 and %q in stderr, got %s", "ABCD-EFGH", res)
	}
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("sign-in changed the configuration: got\n%s\nwant none", d)
	}
	l.Server.Flush()
	for n := range 3 {
		l.Server.WaitLog(fmt.Sprintf(`to=<late%d@example\.net>.*status=sent`, n))
	}
	if log := l.Server.MailLog(); strings.Contains(log, "status=bounced") {
		t.Errorf("got a bounce:\n%s\nwant no %q in it", log, "status=bounced")
	}
}

// TestLabSignInOnce: 12 deliveries at once without a token ask for one, by the three
// connections that Microsoft allows. When bridges are killed during many deliveries, no
// message is lost, each that the relay had taken and not answered for comes once more at
// most, and the token stays.
func TestLabSignInOnce(t *testing.T) {
	t.Parallel()
	l := signInLab(t, lab.Bookworm)
	s, m365 := l.Server, l.World.Relay("m365")
	if res := ways()[0].setup(l, "--no-verify"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	s.Shell("rm -f /var/lib/postfix-relayhost-bridge/m365.state/m365.token && postfix stop")
	before := len(l.World.Identity().Requests())
	for n := range 12 {
		s.SendMail(mailbox, fmt.Sprintf("user%d@example.net", n), "hello")
	}
	s.Shell("postfix start")
	waitMessages(t, l, "m365", 12)
	if got := m365.Counters().MostOpen; got > 3 {
		t.Errorf("connections at once: got %d, want at most 3", got)
	}

	const many, most = 16, 3                                               // messages and kills
	s.Shell("rm -f /var/lib/postfix-relayhost-bridge/state/slot-*-minute") // as if the minute of the 12 were over
	var mu sync.Mutex
	taken, kills := 0, 0
	m365.Configure(func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			mu.Lock()
			defer mu.Unlock()
			if taken++; taken%4 == 0 && kills < most {
				kills++
				endBridges(s) // while others are on their way; this one is taken
			}
			return nil
		}
	})
	for n := range many {
		s.SendMail(mailbox, fmt.Sprintf("k%d@example.net", n), "hello")
	}
	// One whose delivery is not quite over is skipped by a flush.
	s.Shell(fmt.Sprintf("for i in $(seq 100); do postqueue -f; [ $(grep -c 'to=<k[0-9]*@example.net>.*status=sent' /var/log/mail.log) -ge %d ] && [ -z \"$(postqueue -j)\" ] && break; sleep 0.5; done", many))
	copies := map[string]int{}
	for _, m := range m365.Mailbox() {
		copies[m.To[0]]++
	}
	more := 0
	for n := range many {
		got := copies[fmt.Sprintf("k%d@example.net", n)]
		if got == 0 {
			t.Errorf("message %d: got it nowhere, want it at the relay", n)
		}
		more += max(0, got-1)
	}
	mu.Lock()
	killed := kills
	mu.Unlock()
	if killed != most || more < 1 || more > 3*killed {
		t.Errorf("after %d kills of %d: got %d copies too many, want one for each that was on its way, and three connections have three at most", killed, most, more)
	}
	if queue, log := s.Queue(), s.MailLog(); queue != "" || strings.Contains(log, "status=bounced") {
		t.Errorf("queue and log: got %s\n%s\nwant nothing left and no bounce", queue, log)
	}
	if got := len(l.World.Identity().Requests()) - before; got != 1 {
		t.Errorf("requests for a token: got %d, want 1", got)
	}
	if res := l.Run("stat", "-c", "%U %a", "/var/lib/postfix-relayhost-bridge/m365.state/m365.token"); res.Stdout != "relayhost 600\n" {
		t.Errorf("token store: got %q, want it to be relayhost's, 0600", res.Stdout)
	}
}

// TestLabSignInUntrusted: a token endpoint whose certificate does not verify gets no
// secret, a relay whose certificate does not verify no token, and nothing is changed.
func TestLabSignInUntrusted(t *testing.T) {
	t.Parallel()
	l := signInLab(t, lab.Bookworm)
	before := l.Server.Tree(mailConfig...)
	l.Server.Shell("openssl x509 -in /root/m365.pem -out /root/other.pem")
	res := ways()[0].setup(l, "--ca-file", "/root/other.pem", "--port", "587", "--no-probe")
	if res.Code != 3 || !strings.Contains(res.Stderr, "certificate") {
		t.Errorf("untrusted relay: got %s, want exit code 3 and the certificate", res)
	}
	for _, s := range l.World.Relay("m365").Sessions() {
		if s.Username != "" || s.Messages > 0 {
			t.Errorf("untrusted relay: got %+v, want no login and no message", s)
		}
	}
	asked := len(l.World.Identity().Requests())
	l.Server.Shell("cp /etc/ssl/certs/ca-certificates.crt /root/lab.pem && cp /root/other.pem /etc/ssl/certs/ca-certificates.crt && rm -rf /etc/ssl/certs/*.0 /usr/local/share/ca-certificates")
	res = ways()[0].setup(l, "--ca-file", "/root/lab.pem", "--port", "587", "--no-probe")
	if res.Code != 3 || !strings.Contains(res.Stderr, "login.microsoftonline.com") {
		t.Errorf("untrusted token endpoint: got %s, want exit code 3 and its name", res)
	}
	if got := len(l.World.Identity().Requests()); got != asked {
		t.Errorf("untrusted token endpoint: got %d requests, want none", got-asked)
	}
	l.Server.Shell("cp /root/lab.pem /etc/ssl/certs/ca-certificates.crt")
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("got differences:\n%s\nwant none", d)
	}
}

// TestLabSignInAsked: on a terminal setup asks for the way, says what has to be
// registered, and tells at once what was pasted into the wrong place.
func TestLabSignInAsked(t *testing.T) {
	t.Parallel()
	l := signInLab(t, lab.Bookworm)
	p := sit(t, l, 80, true, "relayhost", "setup", "--relay", "m365", "--from", mailbox, "--to", "ops@example.net")
	for _, step := range []struct{ see, answer string }{
		{"Server of Microsoft 365", "1\r"},
		{"How does this server log in to Microsoft 365", "1\r"},
		{"-SmtpClientAuthenticationDisabled $false", clientSecret + "\r"},
		{"has the form of a client secret", clientID + "\r"},
		{"Directory (tenant) ID or domain", "contoso.example\r"},
		{"Client secret (its Value)", "11111111-2222-3333-4444-555555555555\r"},
		{"form of a Secret ID", clientSecret + "\r"},
		{"Apply this?", "yes\r"},
	} {
		p.sees(step.see)
		p.term.Type(step.answer)
	}
	p.ends(0)
	if got := len(l.World.Relay("m365").Mailbox()); got != 2 {
		t.Errorf("messages at the relay: got %d, want 2", got)
	}
}

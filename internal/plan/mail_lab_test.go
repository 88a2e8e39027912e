//go:build lab

package plan_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/lab"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// suites are the Debian releases that the tests of this file run on.
func suites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

// onserver is the program of ../instance/testdata/onserver.
var onserver = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-onserver-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "onserver")
	cmd := exec.Command("go", "build", "-o", out, "../instance/testdata/onserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return os.ReadFile(out)
})

// answers is the input of onserver.
type answers map[string]any

func answersTo(r *lab.RelayService, port int, mode relays.TLSMode) answers {
	return answers{
		"Relay": r.ID, "Host": r.Hosts[0].Name, "Port": port, "TLS": mode, "Username": r.Username, "Password": r.Password,
		"From": "alerts@example.org", "To": "ops@example.net",
	}
}

// write plans on the server and writes the plan; it returns the files written.
func write(t *testing.T, s *lab.Server, a answers) []string {
	t.Helper()
	program, err := onserver()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Exists("/root/onserver") {
		s.WriteFile("/root/onserver", string(program), 0o755)
	}
	input, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	r := s.RunInput(string(input), "/root/onserver", "write")
	if r.Code != 0 {
		t.Fatalf("writing the plan for %v: got %s, want exit code 0", a["Relay"], r)
	}
	return strings.Fields(r.Stdout)
}

// Every service, on each of its ways, on a real Postfix: postconf reads back
// what was planned, and a message arrives after a login over verified TLS.
// Without LAB_FULL one of each kind: TestLabCatalogue of cmd sets every service up.
func TestLabEveryServiceCarriesMail(t *testing.T) {
	t.Parallel()
	all := sample(t)
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			options := []lab.Option{lab.On(suite)}
			for _, r := range all {
				options = append(options, lab.Relay(r.ID))
			}
			l := lab.New(t, options...)
			asInGolden(t, l.Server, suite)
			l.Server.StartPostfix()
			n, seen := 0, map[string]bool{}
			for _, r := range all {
				for mode, port := range ways(r) {
					n++
					kind := fmt.Sprint(mode, r.Auth.Mechanisms, r.Sender.Rule, r.NeedsRegion(), r.Limits.RecipientsPerSession > 0)
					if seen[kind] && os.Getenv("LAB_FULL") == "" {
						continue
					}
					seen[kind] = true
					t.Run(fmt.Sprintf("%s-%s", r.ID, mode), func(t *testing.T) { carries(t, l, suite, r, port, mode) })
				}
			}
			if n < 30 {
				t.Errorf("only %d ways, want at least 30", n)
			}
		})
	}
}

func carries(t *testing.T, l *lab.Lab, suite lab.Suite, r relays.Relay, port int, mode relays.TLSMode) {
	relay := l.World.Relay(r.ID)
	a := answersTo(relay, port, mode)
	if files := write(t, l.Server, a); len(files) == 0 {
		t.Fatal("got nothing written, want the files")
	}
	readBack(t, l.Server)
	isGolden(t, l.Server, suite, r, port, mode)
	before := len(relay.Sessions())
	l.Server.SendMail("root@host.example.com", "ops@example.net", "hello")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	message, err := relay.WaitMessage(ctx)
	if err != nil {
		t.Fatalf("%s on port %d: got %v, want a message\n%s", r.ID, port, err, tail(l.Server.MailLog()))
	}
	if message.From != "alerts@example.org" || !bytes.Contains(message.Data, []byte("\r\nFrom: alerts@example.org\r\n")) {
		t.Errorf("sender %s of\n%s, want %q and %q in it", message.From, message.Data, "alerts@example.org", []byte("\r\nFrom: alerts@example.org\r\n"))
	}
	sessions := relay.Sessions()
	s := sessions[len(sessions)-1]
	if len(sessions) == before || !s.Authenticated || s.Username != relay.Username || s.AuthBeforeTLS || s.TLSVersion < "TLS 1.2" ||
		s.SNI != relay.Hosts[0].Name || s.HELO != "host.example.com" || s.Implicit != (mode == relays.Implicit) {
		t.Errorf("the last of %d new sessions: got %+v, want a login as %s under TLS 1.2 or later, SNI %s, HELO host.example.com, implicit TLS %t",
			len(sessions)-before, s, relay.Username, relay.Hosts[0].Name, mode == relays.Implicit)
	}
	if again := write(t, l.Server, a); len(again) != 0 {
		t.Errorf("got %q written by a second run, want nothing", again)
	}
}

// readBack compares what postconf(1) reads with what the files say.
func readBack(t *testing.T, s *lab.Server) {
	t.Helper()
	m, err := postfix.ParseMain([]byte(s.ReadFile(mainPath)))
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]string{}
	for line := range strings.Lines(s.Shell("postconf -n 2>/root/said; postconf -P 2>>/root/said")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		read[strings.TrimSuffix(name, " =")] = value
	}
	// Obsolete parameters and those that nothing uses are what it warns of.
	if said := s.Shell("grep -E 'relayhost|smtp_' /root/said || true"); said != "" {
		t.Errorf("postconf says\n%s\nwant none", said)
	}
	n := 0
	for _, name := range m.Marked() {
		n++
		if want, _ := m.Get(name); read[name] != want {
			t.Errorf("postconf reads %s = %q, the file says %q", name, read[name], want)
		}
	}
	master, err := postfix.ParseMaster([]byte(s.ReadFile(masterPath)))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range master.Services() {
		if !strings.HasPrefix(entry.Name, "relayhost-") {
			continue
		}
		for _, o := range entry.Options {
			n++
			if got := read[entry.Name+"/unix/"+o.Name]; got != o.Value {
				t.Errorf("%s of %s: got %q from postconf, want %q as in the file", o.Name, entry.Name, got, o.Value)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d parameters were read back, want at least 15", n)
	}
}

// minors are the versions of Postfix 3 that the Debian releases have.
var minors = map[lab.Suite]int{lab.Bullseye: 5, lab.Bookworm: 7, lab.Trixie: 10, lab.Sid: 11}

// asInGolden gives the server the files that the golden files are made from.
func asInGolden(t *testing.T, s *lab.Server, suite lab.Suite) {
	t.Helper()
	for path, text := range debian(t).files {
		switch {
		case path == mainPath && suite == lab.Bullseye: // where the level is a whole number
			text = strings.Replace(text, "compatibility_level = 3.6", "compatibility_level = 2", 1)
			fallthrough
		case path == mainPath:
			text += "maillog_file = /var/log/mail.log\n"
		}
		s.WriteFile(path, text, 0o644)
	}
	s.Shell("newaliases; touch -d '1 hour ago' /etc/postfix/*.cf")
}

// isGolden holds what this Postfix has loaded against the golden file of its
// version, which TestGolden makes of the same plan: parameters, entries, tables.
func isGolden(t *testing.T, s *lab.Server, suite lab.Suite, r relays.Relay, port int, mode relays.TLSMode) {
	t.Helper()
	g := debian(t)
	for _, release := range releases {
		if release.version.Minor == minors[suite] {
			g.version, g.types, g.def = release.version, release.types, release.def
		}
	}
	p := build(t, g, answersFor(t, r, mode, port))
	compared := 0
	for _, f := range p.Files {
		if f.Secret || f.Path == config.Path || f.Path == mainPath || f.Path == masterPath {
			continue
		}
		compared++
		if got := s.ReadFile(f.Path); got != string(f.After) {
			t.Errorf("%s is\n%s, want %s\nand golden\n%s", f.Path, got, string(f.After), f.After)
		}
	}
	want, err := postfix.ParseMain([]byte(text(t, p, mainPath)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := postfix.ParseMain([]byte(s.ReadFile(mainPath)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(want.Marked(), "relayhost") {
		compared++
		if a, b := mustGet(t, got, name), mustGet(t, want, name); a != b {
			t.Errorf("%s: got %s, want %s", name, a, b)
		}
	}
	if g.version.Minor != minors[suite] || compared < 4 {
		t.Errorf("Postfix 3.%d for %s: only %d compared, want %d and at least 4", g.version.Minor, suite, compared, minors[suite])
	}
	if a, b := ourEntries(t, s.ReadFile(masterPath)), ourEntries(t, text(t, p, masterPath)); a != b {
		t.Errorf("master.cf: got\n%s\nwant\n%s", a, b)
	}
}

func mustGet(t *testing.T, m *postfix.Main, name string) string {
	t.Helper()
	value, ok := m.Get(name)
	if !ok {
		t.Errorf("got no %s, want it set", name)
	}
	return value
}

// ourEntries are those of ours in a master.cf, one option a line.
func ourEntries(t *testing.T, text string) string {
	t.Helper()
	m, err := postfix.ParseMaster([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range m.Services() {
		if !strings.HasPrefix(s.Name, plan.ServicePrefix) {
			continue
		}
		fmt.Fprintf(&b, "%s %s %s %s %s\n", s.Name, s.Type, s.Chroot, s.MaxProc, s.Command)
		for _, o := range s.Options {
			fmt.Fprintf(&b, "  %s=%s\n", o.Name, o.Value)
		}
	}
	return b.String()
}

func tail(log string) string { return log[max(0, len(log)-3000):] }

// No byte of a login goes to a server that is not verified, on neither kind of
// port, and the mail waits.
func TestLabNoLoginWithoutVerifiedTLS(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("sendgrid"))
			for n, test := range []struct {
				name, log string
				port      int
				stripped  bool
				flaw      lab.Flaw
			}{
				{"STARTTLS stripped", `TLS is required, but was not offered`, 587, true, lab.Flawless},
				{"self-signed", `Server certificate not (trusted|verified)`, 587, false, lab.SelfSigned},
				{"of an authority that nobody knows", `Server certificate not (trusted|verified)`, 587, false, lab.UnknownCA},
				{"for another name", `Server certificate not (trusted|verified)`, 587, false, lab.WrongName},
				{"expired", `Server certificate not (trusted|verified)`, 587, false, lab.Expired},
				{"self-signed, implicit TLS", `Server certificate not (trusted|verified)`, 465, false, lab.SelfSigned},
				{"for another name, implicit TLS", `Server certificate not (trusted|verified)`, 465, false, lab.WrongName},
			} {
				t.Run(test.name, func(t *testing.T) { noLogin(t, l, n, test.port, test.stripped, test.flaw, test.log) })
			}
			if log := l.Server.MailLog(); strings.Contains(log, "status=bounced") {
				t.Errorf("bounced: got\n%s\nwant no %q in it", log, "status=bounced")
			}
		})
	}
}

func noLogin(t *testing.T, l *lab.Lab, n, port int, stripped bool, flaw lab.Flaw, log string) {
	relay, mode := l.World.Relay("sendgrid"), relays.StartTLS
	if port == 465 {
		mode = relays.Implicit
	}
	write(t, l.Server, answersTo(relay, port, mode))
	// It would try AUTH in the clear if it were let.
	relay.Configure(func(c *smtpd.Config) { c.NoSTARTTLS, c.AuthWithoutTLS = stripped, true })
	if err := relay.Present(flaw); err != nil {
		t.Fatal(err)
	}
	l.Server.Shell("postfix reload") // forgets how often the relay has failed
	before := len(relay.Sessions())
	l.Server.SendMail("root@host.example.com", fmt.Sprintf("ops%d@example.net", n), "hello")
	l.Server.WaitLog(fmt.Sprintf(`to=<ops%d@example\.net>, .*status=deferred \(.*%s`, n, log))
	sessions := relay.Sessions()[before:]
	if len(sessions) == 0 {
		t.Fatal("got no connection, want one")
	}
	for _, s := range sessions {
		if s.Count("AUTH") != 0 || s.Username != "" || s.Count("MAIL") != 0 || s.Implicit != (port == 465) {
			t.Errorf("port %d: got the session %+v, want no AUTH, no MAIL, implicit TLS %t", port, s, port == 465)
		}
	}
}

// What had its own way before goes on having it: an internal relay without TLS
// by transport_maps, a domain that this host is backup MX for, and one that was
// named for it.
func TestLabOtherMailKeepsItsWay(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			options := []lab.Option{lab.On(suite), lab.Relay("postmark")}
			for _, domain := range []string{"backup.test", "corp.test", "direct.test"} {
				options = append(options, lab.MailExchanger(domain, "mx."+domain))
			}
			l := lab.New(t, options...)
			l.Server.WriteFile("/etc/postfix/transport", "corp.test smtp:[mx.corp.test]\n", 0o644)
			l.Server.Shell("postconf -e transport_maps=hash:/etc/postfix/transport relay_domains=backup.test; postmap hash:/etc/postfix/transport")
			// "postfix start" alone does not fill Debian's jail with resolv.conf.
			l.Server.Shell("postconf -F smtp/unix/chroot=n relay/unix/chroot=n")
			l.Server.StartPostfix()
			relay := l.World.Relay("postmark")
			a := answersTo(relay, 587, relays.StartTLS)
			a["Direct"] = []string{"direct.test"}
			write(t, l.Server, a)
			for _, domain := range []string{"corp.test", "backup.test", "direct.test", "example.net"} {
				l.Server.SendMail("root@host.example.com", "user@"+domain, "hello")
			}
			l.Server.WaitLog(`to=<user@corp\.test>, relay=mx\.corp\.test\S*:25, .*status=sent`)
			l.Server.WaitLog(`to=<user@backup\.test>, relay=mx\.backup\.test\S*:25, .*status=sent`)
			l.Server.WaitLog(`to=<user@direct\.test>, relay=mx\.direct\.test\S*:25, .*status=sent`)
			l.Server.WaitLog(`to=<user@example\.net>, relay=smtp\.postmarkapp\.com\S*:587, .*status=sent`)
			if n := len(relay.Mailbox()); n != 1 {
				t.Errorf("%d messages came to the relay, want 1", n)
			}
			for _, host := range []string{"mx.corp.test", "mx.backup.test", "mx.direct.test"} {
				for _, s := range l.World.Exchanger(host).Sessions() {
					if s.HELO == "" || s.Count("AUTH") != 0 {
						t.Errorf("%s: got the session %+v, want a HELO name and no AUTH", host, s)
					}
				}
			}
		})
	}
}

// Faults of the account wait, faults of a recipient come back: in the
// words of the service, and when its name is gone.
func TestLabAccountFaultsDoNotBounce(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("ses"))
			relay := l.World.Relay("ses")
			write(t, l.Server, answersTo(relay, 587, relays.StartTLS))
			reply := func(code int, enhanced, text string) smtpd.Reply {
				return smtpd.Reply{Code: code, Enhanced: enhanced, Text: text}
			}
			for n, test := range []struct {
				name  string
				at    smtpd.Step
				reply smtpd.Reply
				want  string // of the log
			}{
				{"no such recipient", smtpd.StepRcpt, reply(550, "5.1.1", "User unknown"), `dsn=5\.1\.1, status=bounced`},
				{"a message that is refused", smtpd.StepMessage, reply(554, "5.7.1", "Message looks like spam"), `dsn=5\.7\.1, status=bounced`},
				{"not logged in", smtpd.StepMail, reply(530, "5.7.0", "Authentication required"), `dsn=4\.7\.0, status=deferred`},
				{"not logged in, said late", smtpd.StepRcpt, reply(554, "5.7.1", "Relay access denied"), `dsn=4\.7\.1, status=deferred`},
				{"sender not verified, or in another region", smtpd.StepMessage, reply(554, "",
					"Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: alerts@example.org"), `dsn=4\.0\.0, status=deferred`},
				{"account paused", smtpd.StepMessage, reply(554, "", "Sending paused for this account. For more information, please check the inbox"), `dsn=4\.0\.0, status=deferred`},
				{"password of another region", smtpd.StepAuth, reply(535, "", "Authentication Credentials Invalid"), `dsn=4\.\d\.\d, status=deferred`},
				{"greeting of a service that is closed", smtpd.StepGreeting, reply(554, "5.3.2", "No service here"), `dsn=4\.\d\.\d, status=deferred`},
			} {
				relay.Configure(func(c *smtpd.Config) { c.Replies = map[smtpd.Step]smtpd.Reply{test.at: test.reply} })
				if test.at == smtpd.StepAuth { // and later: an open connection is past it
					l.Server.Shell("postfix stop")
					l.Server.StartPostfix()
				}
				sends(t, l.Server, n, test.name, test.want)
			}
			relay.Configure(func(c *smtpd.Config) { c.Replies = nil })
			l.World.DNS.Delete(relay.Hosts[0].Name)
			sends(t, l.Server, 100, "name gone", `relay=none, .*dsn=4\.\d\.\d, status=deferred \(.*(Host|Name).* not found`)
			if n := len(relay.Mailbox()); n != 0 {
				t.Errorf("got %d messages came, want 0", n)
			}
		})
	}
}

// sends has Postfix forget what failed before and send a message to the n-th
// recipient, whose line of the log has to match.
func sends(t *testing.T, s *lab.Server, n int, name, want string) {
	t.Helper()
	s.Shell("postfix reload")
	to := fmt.Sprintf("ops%d@example.net", n)
	s.SendMail("root@host.example.com", to, "hello")
	line := s.WaitLog(`(to=<` + to + `>, .*status=.*)`)
	if !regexp.MustCompile(want).MatchString(line) {
		t.Errorf("%s: %s\nwant %s", name, line, want)
	}
}

// On a host that only sends, its own name is rewritten as a sender and kept as
// a recipient; with a service that takes one sender everybody becomes it.
func TestLabSendersOnANullClient(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Relay("postmark"), lab.Relay("gmail"))
	l.Server.Shell("postconf -e mydestination= inet_interfaces=loopback-only")
	l.Server.StartPostfix()
	for _, test := range []struct{ relay, from, want string }{
		{"postmark", "root@host.example.com", "alerts@example.org"},
		{"postmark", "bob@elsewhere.test", "bob@elsewhere.test"},
		{"gmail", "bob@elsewhere.test", "alerts@example.org"},
	} {
		t.Run(test.relay+" from "+test.from, func(t *testing.T) {
			relay := l.World.Relay(test.relay)
			write(t, l.Server, answersTo(relay, 587, relays.StartTLS))
			before := len(relay.Mailbox())
			l.Server.SendMail(test.from, "ops@host.example.com", "hello")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			message, err := relay.WaitMessage(ctx)
			cancel()
			if err != nil || len(relay.Mailbox()) != before+1 {
				t.Fatalf("got %d new messages and the error %v, want 1 and no error\n%s", len(relay.Mailbox())-before, err, tail(l.Server.MailLog()))
			}
			if message.From != test.want || len(message.To) != 1 || message.To[0] != "ops@host.example.com" {
				t.Errorf("from %s to %q, want from %s", message.From, message.To, test.want)
			}
			if !bytes.Contains(message.Data, []byte("\r\nFrom: "+test.want+"\r\n")) || !bytes.Contains(message.Data, []byte("\r\nTo: ops@host.example.com\r\n")) {
				t.Errorf("got\n%s\nwant %q in it and %q in it", message.Data, []byte("\r\nFrom: "+test.want+"\r\n"), []byte("\r\nTo: ops@host.example.com\r\n"))
			}
		})
	}
}

// A pinned certificate and no verification at all work with a certificate that
// nobody signed; another pin gets no login.
func TestLabPinnedCertificate(t *testing.T) {
	t.Parallel()
	cert, err := smtpd.SelfSigned("smtp.corp.test")
	if err != nil {
		t.Fatal(err)
	}
	pin := fmt.Sprintf("%x", sha256.Sum256(cert.Certificate[0]))
	l := lab.New(t, lab.RelayAt([]string{"smtp.corp.test"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}},
		func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(cert) }))
	// A server without any network setting, as a bare root has it.
	l.Server.Shell("postconf -e inet_protocols=")
	l.Server.StartPostfix()
	relay := l.World.Relay(relays.SmarthostID)
	for n, change := range []answers{{"Pin": pin}, {"NoVerify": true}} {
		a := answersTo(relay, 587, relays.StartTLS)
		for name, value := range change {
			a[name] = value
		}
		write(t, l.Server, a)
		l.Server.SendMail("root@host.example.com", fmt.Sprintf("ops%d@example.net", n), "hello")
		l.Server.WaitLog(fmt.Sprintf(`to=<ops%d@example\.net>, .*status=sent`, n))
	}
	a := answersTo(relay, 587, relays.StartTLS)
	a["Pin"] = strings.Repeat("00", 32)
	write(t, l.Server, a)
	before := relay.Counters().Logins
	l.Server.SendMail("root@host.example.com", "never@example.net", "hello")
	l.Server.WaitLog(`to=<never@example\.net>, .*status=deferred \(Server certificate not verified`)
	if got := relay.Counters().Logins; got != before {
		t.Errorf("with the pin of another certificate: got %d logins, want 0", got-before)
	}
}

// A content filter that speaks SMTP goes on without TLS and login.
func TestLabContentFilterStays(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Relay("postmark"))
	l.Server.Start("smtp-sink", "-u", "postfix", "127.0.0.1:10025", "10")
	l.Server.Shell("postconf -e 'content_filter = smtp:[127.0.0.1]:10025'")
	l.Server.StartPostfix()
	relay := l.World.Relay("postmark")
	write(t, l.Server, answersTo(relay, 587, relays.StartTLS))
	l.Server.SendMail("root@host.example.com", "ops@example.net", "hello")
	l.Server.WaitLog(`postfix/smtp\[\d+\]: \w+: to=<ops@example\.net>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:10025, .*status=sent`)
	if n := len(relay.Sessions()); n != 0 {
		t.Errorf("%d sessions with the relay, want 0", n)
	}
}

// Messages that come one after the other share a connection and its login.
func TestLabConnectionsAreReused(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Postfix(), lab.Relay("postmark"))
	relay := l.World.Relay("postmark")
	write(t, l.Server, answersTo(relay, 587, relays.StartTLS))
	const n = 8
	for i := range n {
		l.Server.SendMail("root@host.example.com", fmt.Sprintf("ops%d@example.net", i), "hello")
		l.Server.WaitLog(fmt.Sprintf(`to=<ops%d@example\.net>, .*status=sent`, i))
	}
	if c := relay.Counters(); c.Messages != n || c.Logins > 2 || c.Logins != c.Handshakes {
		t.Errorf("%d messages with %d logins and %d handshakes, want %d and at most 2", c.Messages, c.Logins, c.Handshakes, n)
	}
}

// A service that says 421 to the message after its last one on a connection
// defers none: the connection is closed after its last.
func TestLabMessagesOnAConnection(t *testing.T) {
	t.Parallel()
	const most, n = 100, 250 // SparkPost documents 100
	l := lab.New(t, lab.Postfix(), lab.Relay("sparkpost", func(c *smtpd.Config) { c.MessagesPerConnection = most }))
	relay := l.World.Relay("sparkpost")
	a := answersTo(relay, 587, relays.StartTLS)
	a["Connections"] = 1
	write(t, l.Server, a)
	l.Server.Shell(fmt.Sprintf("postfix reload; smtp-source -s 5 -m %d -f root@host.example.com -t ops@example.net 127.0.0.1:25", n))
	for end := time.Now().Add(time.Minute); relay.Counters().Messages < n && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if c, log := relay.Counters(), l.Server.MailLog(); c.Messages != n || strings.Contains(log, "status=deferred") {
		t.Errorf("got %+v, want %d messages and none deferred\n%s", c, n, tail(log))
	}
	reused := 0
	for _, s := range relay.Sessions() {
		if s.Messages > most || s.Count("MAIL") > most {
			t.Errorf("%d messages on a connection, want at most %d", s.Messages, most)
		}
		if s.Messages == most {
			reused++
		}
	}
	if reused == 0 {
		t.Errorf("got no connection with %d messages, want at least one", most)
	}
}

// Where there is an IPv6 address and no way out by it, no message waits for it,
// even where Postfix has both.
func TestLabNoWayOutByIPv6(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]lab.Option{"no route": lab.NoRoute6(), "silence": lab.Port(587, lab.Dropped, lab.IPv6)} {
		t.Run(name, func(t *testing.T) {
			l := lab.New(t, option, lab.Postfix(), lab.Relay("postmark"))
			relay := l.World.Relay("postmark")
			if len(relay.Hosts[0].Addrs) < 2 || !strings.Contains(l.Server.Shell("postconf -h inet_protocols"), "all") {
				t.Fatalf("%s: got the addresses %v, want at least 2, and inet_protocols = all on the server", relay.Hosts[0].Name, relay.Hosts[0].Addrs)
			}
			write(t, l.Server, answersTo(relay, 587, relays.StartTLS))
			const n = 40 // and many connections at once
			l.Server.Shell(fmt.Sprintf("postfix reload; smtp-source -s 10 -m %d -f root@host.example.com -t ops@example.net 127.0.0.1:25", n))
			for end := time.Now().Add(20 * time.Second); relay.Counters().Messages < n && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
			log := l.Server.MailLog()
			if c := relay.Counters(); c.Messages != n || strings.Contains(log, "unreachable") || strings.Contains(log, "timed out") {
				t.Errorf("got %+v after %d attempts, want %d messages and no %q or %q in the log\n%s",
					c, l.Server.Traffic().Attempts(), n, "unreachable", "timed out", tail(log))
			}
		})
	}
}

// Mechanisms that look stronger than a password, and that nobody can use here,
// are left alone.
func TestLabMechanismsThatFail(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Postfix(), lab.Relay("postmark", func(c *smtpd.Config) {
		c.Mechanisms = []string{"CRAM-MD5", "DIGEST-MD5", "NTLM", "XOAUTH2", "ANONYMOUS", "LOGIN"}
	}))
	relay := l.World.Relay("postmark")
	write(t, l.Server, answersTo(relay, 587, relays.StartTLS))
	l.Server.SendMail("root@host.example.com", "ops@example.net", "hello")
	l.Server.WaitLog(`to=<ops@example\.net>, .*status=sent`)
	for _, s := range relay.Sessions() {
		if !slices.Equal(s.Mechanisms, []string{"LOGIN"}) {
			t.Errorf("tried %q, want %q", s.Mechanisms, []string{"LOGIN"})
		}
	}
}

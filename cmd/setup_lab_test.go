//go:build lab

package cmd_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// setupResult is what scripts rely on of `setup --json`.
type setupResult struct {
	Version      int    `json:"version"`
	Result       string `json:"result"`
	Relay        string `json:"relay"`
	Host         string `json:"host"`
	Port         int    `json:"port"`
	TLS          string `json:"tls"`
	ChangeID     string `json:"change_id"`
	Error        string `json:"error"`
	Hint         string `json:"hint"`
	Verification struct {
		Result   string `json:"result"`
		Findings []struct {
			Check, Result, Detail, Cause, Remedy string
		} `json:"findings"`
	} `json:"verification"`
	Files []struct{ Path, Action, Diff string } `json:"files"`
}

func decode[T any](t *testing.T, res lab.Result) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(res.Stdout))
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("stdout is no JSON document: want no error, got %v\n%s", err, res)
	}
	if dec.More() {
		t.Fatalf("got more than one document on stdout, want one\n%s", res)
	}
	return v
}

// what a rollback has to bring back, byte for byte.
var mailConfig = []string{"/etc/postfix", "/etc/aliases", "/etc/relayhost"}

// service is one of the five, as a customer sets it up.
type service struct {
	name, id, region, host string
}

var five = []service{
	{name: "ses", id: "ses", region: "eu-west-1", host: "email-smtp.eu-west-1.amazonaws.com"},
	{name: "sendgrid", id: "sendgrid", host: "smtp.sendgrid.net"},
	{name: "mailgun_us", id: "mailgun", host: "smtp.mailgun.org"},
	{name: "mailgun_eu", id: "mailgun", region: "eu", host: "smtp.eu.mailgun.org"},
	{name: "postmark", id: "postmark", host: "smtp.postmarkapp.com"},
	{name: "brevo", id: "brevo", host: "smtp-relay.brevo.com"},
}

// newLab is a server on AWS without port 25, with Postfix running. Refused at once
// like this, no test waits for it; in silence it is with TestLabServices, and
// where detect is tested.
func newLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	return lab.New(t, append([]lab.Option{
		lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(),
	}, opts...)...)
}

// credentials writes the service's credentials file on the server.
func credentials(l *lab.Lab, id, host string) string {
	r := l.World.Relay(id)
	password := r.Password
	if id == "ses" {
		region := strings.Split(host, ".")[1]
		password = relays.SESPassword(r.SecretAccessKey, region)
	}
	l.Server.WriteFile("/root/credentials", "username="+r.Username+"\npassword="+password+"\n", 0o600)
	return password
}

func setupArgs(s service, more ...string) []string {
	args := []string{"relayhost", "setup", "--relay", s.id, "--from", "app@example.com",
		"--credentials-file", "/root/credentials", "--yes", "--json"}
	if s.region != "" {
		args = append(args, "--region", s.region)
	}
	return append(args, more...)
}

// TestLabServices is the main job for each service: set up, delivered over
// verified TLS, verified, rolled back without a trace.
func TestLabServices(t *testing.T) {
	t.Parallel()
	for _, s := range five {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Port25(lab.Dropped), lab.Relay(s.id))
			roundTrip(t, l, s, 587, "starttls")
		})
	}
}

// TestLabPorts takes one service through implicit TLS and through the
// fallback that a blocked 587 makes.
func TestLabPorts(t *testing.T) {
	t.Parallel()
	t.Run("implicit_tls", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("ses"))
		roundTrip(t, l, five[0], 465, "implicit", "--port", "465")
	})
	t.Run("587_dropped", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("sendgrid"), lab.Port(587, lab.Dropped, lab.Both))
		roundTrip(t, l, five[1], 465, "implicit")
	})
	t.Run("587_and_465_dropped", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("brevo"), lab.Port(587, lab.Dropped, lab.Both), lab.Port(465, lab.Reset, lab.Both))
		roundTrip(t, l, five[5], 2525, "starttls")
	})
}

func roundTrip(t *testing.T, l *lab.Lab, s service, port int, mode string, more ...string) {
	t.Helper()
	srv, relay := l.Server, l.World.Relay(s.id)
	credentials(l, s.id, s.host)
	before := srv.Tree(mailConfig...)

	res := l.Run(setupArgs(s, more...)...)
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, srv.MailLog())
	}
	doc := decode[setupResult](t, res)
	if doc.Version != 1 || doc.Result != "applied" || doc.Relay != s.id || doc.Host != s.host || doc.Port != port || doc.TLS != mode || doc.ChangeID == "" {
		t.Errorf("setup: got %+v, want version 1, the result %q, the relay %q at %s port %d with %s, and a change ID", doc, "applied", s.id, s.host, port, mode)
	}
	// The rehearsal's message and the one through the live Postfix.
	box := relay.Mailbox()
	if len(box) != 2 {
		t.Fatalf("%d messages at the service, want 2\n%s", len(box), srv.MailLog())
	}
	for _, m := range box {
		if m.From != "app@example.com" || fmt.Sprint(m.To) != "[app@example.com]" {
			t.Errorf("envelope %s -> %v, want %q", m.From, m.To, "app@example.com")
		}
	}
	for _, c := range relay.Sessions() {
		if c.AuthBeforeTLS || c.TLSVersion != "TLS 1.3" && c.TLSVersion != "" || c.TLSVersion != "" && c.SNI != s.host {
			t.Errorf("got the session %+v, want no AUTH before TLS, and where TLS was started TLS 1.3 and the name %q", c, s.host)
		}
		if c.Messages > 0 && (c.TLSVersion == "" || c.Username != relay.Username || !c.Authenticated) {
			t.Errorf("got a message by %+v, want TLS and a login as %q", c, relay.Username)
		}
	}
	if n := l.World.DNS.Count(s.host+".", ""); n == 0 {
		t.Error("the relay's name: got no lookup, want one at least")
	}

	// A local sender of this host arrives as the address of --from.
	srv.SendMail("root", "someone@elsewhere.example", "hello")
	m := waitMessages(t, l, s.id, 3)[2]
	if m.From != "app@example.com" || fmt.Sprint(m.To) != "[someone@elsewhere.example]" {
		t.Errorf("mail of root came as %s -> %v, want %q", m.From, m.To, "app@example.com")
	}

	res = l.Run("relayhost", "verify", "--json")
	if res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}

	res = l.Run("relayhost", "rollback", "--all", "--yes")
	if res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(srv.Tree(mailConfig...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
	}
	if res := l.Run("postfix", "status"); res.Code != 0 {
		t.Errorf("Postfix does not run after rollback: want exit code 0, got %s", res)
	}
}

func waitMessages(t *testing.T, l *lab.Lab, id string, n int) []smtpd.Message {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		box := l.World.Relay(id).Mailbox()
		if len(box) >= n {
			return box
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d messages, want %d\n%s", len(box), n, l.Server.MailLog())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// costs are the runs of two programs, the connections that leave the host, those to
// metadata services aside, which are asked again while the rest goes on, and the round trips
// on those to port 587 (lab.Traffic.Turns; on a busy machine some answers come in
// two). How long they take is a bench.
type costs struct{ postconf, postmap, connections, trips int }

// counted installs programs that write down each run of theirs, by Postfix's own scripts
// as well. What it returns runs a command and wants no more than the costs.
func counted(t *testing.T, l *lab.Lab) func(most costs, args ...string) lab.Result {
	l.Server.Shell(`for p in postconf postmap; do
		mv /usr/sbin/$p /usr/sbin/$p.real
		printf '#!/bin/sh\necho %s >>/root/ran\nexec /usr/sbin/%s.real "$@"\n' $p $p >/usr/sbin/$p; chmod 755 /usr/sbin/$p; done`)
	return func(most costs, args ...string) lab.Result {
		t.Helper()
		l.Server.Shell(": >/root/ran; chmod 666 /root/ran; chmod 711 /root")
		l.Server.ResetTraffic()
		res := l.Run(args...)
		ran, traffic := l.Server.ReadFile("/root/ran"), l.Server.Traffic()
		got := costs{strings.Count(ran, "postconf\n"), strings.Count(ran, "postmap\n"), traffic.Attempts() - traffic.Connections[80], traffic.Turns[587]}
		t.Logf("%v: %+v, connections %v", args[1:], got, traffic.Connections)
		if got.postconf > most.postconf || got.postmap > most.postmap || got.connections > most.connections || got.trips > most.trips {
			t.Errorf("%v: got %+v, want %+v at most", args, got, most)
		}
		return res
	}
}

// TestLabTwice: a second identical setup writes nothing and reloads nothing. Without IPv6,
// whose addresses are tried beside those of IPv4 on a machine slow enough (RFC 8305).
func TestLabTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("mailgun"), lab.NoIPv6())
	s := l.Server
	credentials(l, "mailgun", "")
	run := counted(t, l)
	if res := run(costs{postconf: 5, postmap: 1}, append(setupArgs(five[2]), "--dry-run", "--port", "587", "--no-probe")...); res.Code != 0 {
		t.Fatalf("setup --dry-run: want exit code 0, got %s", res)
	}
	if res := run(costs{18, 7, 14, 30}, setupArgs(five[2])...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	if res := run(costs{5, 4, 3, 9}, "relayhost", "verify", "--no-send"); res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	// The lock says who runs; it is no part of the state.
	stamps := "find /etc/postfix /etc/relayhost /var/lib/relayhost ! -name lock -printf '%p %T@ %C@ %i\\n' | sort"
	before, log := s.Shell(stamps), s.MailLog()
	sent := len(l.World.Relay("mailgun").Mailbox())
	for _, args := range [][]string{setupArgs(five[2]), {"relayhost", "setup", "--yes", "--json"}} {
		res := run(costs{3, 0, 3, 12}, args...)
		if res.Code != 0 {
			t.Fatalf("second setup: want exit code 0, got %s", res)
		}
		if doc := decode[setupResult](t, res); doc.Result != "unchanged" {
			t.Errorf("second setup: got %+v, want the result %q", doc, "unchanged")
		}
	}
	if after := s.Shell(stamps); after != before {
		t.Errorf("the second setup has written: got\n%s\nwant\n%s", after, before)
	}
	more := strings.TrimPrefix(s.MailLog(), log)
	for _, word := range []string{"postfix-script", "master[", "pickup", "cleanup"} {
		if strings.Contains(more, word) {
			t.Errorf("Postfix was told something: got\n%s\nwant no %v in it", more, word)
		}
	}
	if n := len(l.World.Relay("mailgun").Mailbox()); n != sent {
		t.Errorf("got %d messages more, want none", n-sent)
	}
	if res := l.Run(remove(setupArgs(five[2]), "--json")...); !strings.Contains(res.Stdout, "unchanged") {
		t.Errorf("not told: want %q in stdout, got %s", "unchanged", res)
	}
}

func TestLabDryRun(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo"))
	password := credentials(l, "brevo", "")
	res := unchangedAfter(t, l, 0, append(remove(setupArgs(five[5]), "--json"), "--dry-run")...)
	for _, want := range []string{"+++ /etc/postfix/main.cf", "+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587", "sasl_passwd", "***", "postfix reload"} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("want %q in\n%s", want, res.Stdout)
		}
	}
	if strings.Contains(res.Stdout+res.Stderr, password) {
		t.Error("the password was printed, want it nowhere in the output")
	}
	res = unchangedAfter(t, l, 2, append(remove(setupArgs(five[5]), "--json"), "--dry-run", "--detailed-exitcode")...)
	// As any user, without credentials.
	res = l.Server.RunAs(1000, "relayhost", "setup", "--relay", "brevo", "--from", "app@example.com", "--dry-run", "--port", "587", "--no-probe")
	if res.Code != 0 || !strings.Contains(res.Stdout, "+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587") {
		t.Errorf("as any user: want exit code 0 and %q in stdout, got %s", "+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587", res)
	}
	if n := len(l.World.Relay("brevo").Mailbox()); n != 0 {
		t.Errorf("%d messages were sent, want 0", n)
	}
}

// TestLabPostfixStopped: started after --yes; stopped again when it is rolled
// back.
func TestLabPostfixStopped(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.Relay("sendgrid"), lab.MailExchangers(), lab.Port25(lab.Dropped))
	credentials(l, "sendgrid", "")
	if res := l.Run("postfix", "status"); res.Code == 0 {
		t.Fatalf("Postfix runs already: want an exit code other than 0, got %s", res)
	}
	res := l.Run(setupArgs(five[1])...)
	if res.Code != 0 || decode[setupResult](t, res).Result != "applied" {
		t.Fatalf("setup: want exit code 0 and the result %q, got %s\n%s", "applied", res, l.Server.MailLog())
	}
	if res := l.Run("postfix", "status"); res.Code != 0 {
		t.Errorf("Postfix was not started: want exit code 0, got %s", res)
	}
}

// TestLabRootTo: mail for root of this host reaches the address of --root-to by
// the relay, and stays here again when the setup is rolled back.
func TestLabRootTo(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	s.Shell("echo 'postmaster: root' >/etc/aliases; newaliases")
	credentials(l, "sendgrid", "")
	before := s.Tree(mailConfig...)
	if res := l.Run(setupArgs(five[1], "--root-to", "ops@example.net")...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	proven := 0
	for _, m := range l.World.Relay("sendgrid").Mailbox() {
		if m.From == "app@example.com" && slices.Equal(m.To, []string{"ops@example.net"}) {
			proven++
		}
	}
	if proven != 2 {
		t.Errorf("got %d messages for root at ops@example.net during the setup, want 2: of the rehearsal and of the live proof", proven)
	}
	seen := len(l.World.Relay("sendgrid").Mailbox())
	s.SendMail("cron@host.example.com", "postmaster", "a report")
	waitMessages(t, l, "sendgrid", seen+1)
	m := l.World.Relay("sendgrid").Mailbox()[seen]
	if m.From != "app@example.com" || len(m.To) != 1 || m.To[0] != "ops@example.net" {
		t.Errorf("from %s to %q, want %q", m.From, m.To, "app@example.com")
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("rolled back, but: got\n%s\nwant none", d)
	}
	s.SendMail("cron@host.example.com", "root", "a report")
	s.WaitLog(`to=<root@\S+>, (orig_to=<root>, )?relay=local, .*status=sent`)
}

// TestLabRootElsewhere: where another table than that of the aliases has root,
// setup with --root-to finds out, and changes nothing.
func TestLabRootElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	s.Shell("postconf -e 'virtual_alias_maps = inline:{ {root@host.example.com = boss@example.net} }'; postfix reload")
	credentials(l, "sendgrid", "")
	before := s.Tree(mailConfig...)
	res := l.Run(setupArgs(five[1], "--root-to", "ops@example.net")...)
	if res.Code != 3 || !strings.Contains(res.Stderr, "rehearsal: mail for root (root@host.example.com)") ||
		!strings.Contains(res.Stderr, "to boss@example.net, not to ops@example.net") || strings.Contains(res.Stderr, "writing the configuration") {
		t.Errorf("got %s, want exit code 3 from the rehearsal and who gets the mail for root", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("setup failed, but: got\n%s\nwant none", d)
	}
}

// TestLabLocalSenders: whatever name of mydestination a program of this host sends
// as, the relay gets the address of --from.
func TestLabLocalSenders(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	s.Shell("postconf -e 'mydestination = $myhostname, host, localhost.example.com, localhost.localdomain, localhost'; postfix reload")
	credentials(l, "sendgrid", "")
	if res := l.Run(setupArgs(five[1])...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	seen := len(l.World.Relay("sendgrid").Mailbox())
	senders := []string{"root", "www-data@host.example.com", "cron@localhost", "nobody@localhost.localdomain", "backup@host", "x@localhost.example.com"}
	for _, from := range senders {
		s.SendMail(from, "somebody@gmail.com", "a report")
	}
	waitMessages(t, l, "sendgrid", seen+len(senders))
	for _, m := range l.World.Relay("sendgrid").Mailbox()[seen:] {
		if m.From != "app@example.com" {
			t.Errorf("got the sender %s, want app@example.com", m.From)
		}
	}
}

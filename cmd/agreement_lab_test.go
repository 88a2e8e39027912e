//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// said is what a command says of a state: its exit code, and texts that are and are not
// in its output.
type said struct {
	code      int
	want, not string
}

// agreement is a state of a server, and what each command says of it. Texts are set
// apart by "|".
type agreement struct {
	name                            string
	prepare                         string // a line of sh(1)
	dryRun, verify, status, explain said
}

func (a agreement) check(t *testing.T, l *lab.Lab, setupArgs ...string) {
	t.Helper()
	if a.prepare != "" {
		l.Server.Shell(a.prepare)
	}
	for _, c := range []struct {
		said
		args []string
	}{
		{a.dryRun, append([]string{"relayhost", "setup", "--dry-run"}, setupArgs...)},
		{a.verify, []string{"relayhost", "verify", "--no-send", "--verbose"}},
		{a.status, []string{"relayhost", "status"}},
		{a.explain, []string{"relayhost", "explain"}},
	} {
		res := l.Run(c.args...)
		text := strings.Join(strings.Fields(res.Stdout+res.Stderr), " ")
		if res.Code != c.code {
			t.Errorf("%s: %s: exit code %d, want %d\n%s", a.name, strings.Join(c.args, " "), res.Code, c.code, res)
		}
		for want := range strings.SplitSeq(c.want, "|") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s: want %q in\n%s", a.name, strings.Join(c.args, " "), want, res)
			}
		}
		for not := range strings.SplitSeq(c.not, "|") {
			if not != "" && strings.Contains(text, not) {
				t.Errorf("%s: %s: want no %q in\n%s", a.name, strings.Join(c.args, " "), not, res)
			}
		}
	}
}

const (
	nothingToDo = "unchanged"
	noProblem   = "none tells of a problem"
)

// TestLabAgreement: on each state of a server setup --dry-run, verify, status and
// explain say the same, and a fault is named once, with the command that fixes it.
func TestLabAgreement(t *testing.T) {
	t.Parallel()
	set := said{0, nothingToDo, "--- "}
	t.Run("a_relay_service", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("brevo"))
		credentials(l, "brevo", "")
		relay := []string{"--relay", "brevo", "--from", "app@example.com", "--credentials-file", "/root/credentials"}
		agreement{
			name: "stock Debian", dryRun: said{0, "+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587", nothingToDo},
			verify: said{3, "fail service no relay is configured: mail is delivered directly|relayhost setup", "fail config|fail maps|smtp_tls_CApath|drift: "},
			status: said{0, "directly to the recipients' servers|not by relayhost", "Drift"}, explain: said{0, noProblem, ""},
		}.check(t, l, relay...)
		if res := l.Run(append([]string{"relayhost", "setup", "--yes"}, relay...)...); res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s", res)
		}
		for _, a := range []agreement{
			{name: "set up", dryRun: set, verify: said{0, "pass drift|pass auth", "fail "}, status: said{0, "through [smtp-relay.brevo.com]:587|none: every file is as setup left it", "Edited"}, explain: said{0, noProblem, ""}},
			{name: "a comment in main.cf", prepare: "echo '# the monitoring reads this file' >>/etc/postfix/main.cf", dryRun: set,
				verify: said{0, "pass drift what relayhost wrote is as setup left it", "every file|warn drift"}, status: said{0, "Edited /etc/postfix/main.cf|none in what relayhost wrote", "every file|restore it"}, explain: said{0, noProblem, ""}},
			{name: "a comment in relayhost.toml", prepare: "sed -i '1i # owner: the web team' /etc/relayhost/relayhost.toml", dryRun: set,
				verify: said{0, "pass drift", "warn drift"}, status: said{0, "none in what relayhost wrote", "restore it"}, explain: said{0, noProblem, ""}},
			{name: "another next hop", prepare: "sed -i 's/^default_transport.*/default_transport = relayhost-brevo:[smtp-relay.brevo.co]:587/' /etc/postfix/main.cf && postfix reload",
				dryRun: said{0, "-default_transport = relayhost-brevo:[smtp-relay.brevo.co]:587|+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587", nothingToDo},
				verify: said{3, "fail service mail goes to [smtp-relay.brevo.co]:587, not to [smtp-relay.brevo.com]:587 do: Restore what setup wrote. relayhost setup", "fail config|fail maps|byte for byte"}, status: said{2, "Drift /etc/postfix/main.cf: edited; restore it: sudo relayhost setup", "none"}, explain: said{0, "", "brevo.com refuses"}},
			{name: "restored", prepare: "relayhost setup --yes", dryRun: set, verify: said{0, "pass drift", "fail "}, status: said{0, "Drift none", "restore it"}, explain: said{0, "", ""}},
		} {
			a.check(t, l)
			if a.name == "another next hop" {
				faults := 0
				for line := range strings.Lines(l.Run("relayhost", "verify", "--no-send").Stdout) {
					if strings.HasPrefix(line, "fail") {
						faults++
					}
				}
				if faults != 1 {
					t.Errorf("%s: verify has %d lines that fail for one fault, want 1:\n%s", a.name, faults, l.Run("relayhost", "verify", "--no-send").Stdout)
				}
			}
		}
	})
	t.Run("a_mail_server", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("brevo"))
		credentials(l, "brevo", "")
		l.World.DNS.Set("example.com", "MX", "10 server.example.com.")
		l.Server.Shell("postconf -e 'mydestination = localhost, example.com' && postfix reload")
		if res := l.Run("relayhost", "setup", "--yes", "--relay", "brevo", "--from", "max@example.com", "--to", "you@example.net", "--credentials-file", "/root/credentials"); res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s", res)
		}
		agreement{
			name: "its own domain is here", dryRun: set, verify: said{0, "warn config example.com is in mydestination|Nothing to do if the mailboxes of that domain are on this server", "fail |Take the domain out"},
			status: said{0, "Drift none", "restore it"}, explain: said{0, noProblem, ""},
		}.check(t, l)
	})
	t.Run("port_25", func(t *testing.T) {
		t.Parallel()
		const name = "mx.corp.example"
		l := newLab(t, lab.Port(25, lab.Open, lab.Both), lab.RelayAt([]string{name}, []relays.Port{{Port: 25, TLS: relays.StartTLS}}, func(c *smtpd.Config) {
			c.Accounts = []smtpd.Account{{Username: "joe", Password: secret.New("s3cret-pass")}}
		}))
		l.Server.WriteFile("/root/credentials", "username=joe\npassword=s3cret-pass\n", 0o600)
		if res := l.Run("relayhost", "setup", "--yes", "--smarthost", name, "--port", "25", "--from", "app@example.com", "--credentials-file", "/root/credentials"); res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s", res)
		}
		agreement{
			name: "a relay on port 25", dryRun: set, verify: said{0, "port 25 accepts the stored credentials|sends to [mx.corp.example]:25", "fail "},
			status: said{0, "through [mx.corp.example]:25", "directly"}, explain: said{0, noProblem, ""},
		}.check(t, l)
	})
	t.Run("a_panel", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("brevo"))
		credentials(l, "brevo", "")
		agreement{
			name: "Plesk", prepare: "mkdir -p /etc/psa && touch /etc/psa/psa.conf",
			dryRun: said{1, "manages the mail of this host|--force continues anyway", "--- "}, verify: said{3, "no relay is configured", "drift: "},
			status: said{0, "not by relayhost", "Drift"}, explain: said{0, noProblem, ""},
		}.check(t, l, "--relay", "brevo", "--from", "app@example.com", "--credentials-file", "/root/credentials")
	})
}

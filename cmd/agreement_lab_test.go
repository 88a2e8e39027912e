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
	world, undo                     func() // what happens outside, and what ends the state; may be nil
}

func (a agreement) check(t *testing.T, l *lab.Lab, setupArgs ...string) {
	t.Helper()
	if a.world != nil {
		a.world()
	}
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
		t.Run(c.args[1], func(t *testing.T) {
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
			// One fault fails once.
			if n := strings.Count("\n"+res.Stdout, "\nfail "); c.args[1] == "verify" && c.code == 3 && n != 1 {
				t.Errorf("%s: verify has %d lines that fail for one fault, want 1:\n%s", a.name, n, res)
			}
			for not := range strings.SplitSeq(c.not, "|") {
				if not != "" && strings.Contains(text, not) {
					t.Errorf("%s: %s: want no %q in\n%s", a.name, strings.Join(c.args, " "), not, res)
				}
			}
		})
	}
}

const (
	nothingToDo = "unchanged"
	noProblem   = "none tells of a problem"
)

// set is what setup says of a server that is as it leaves it.
var set = said{0, nothingToDo, "--- "}

// faults are what happens to a server that is set up for Brevo, each with the command
// that fixes it.
func faults(l *lab.Lab) []agreement {
	const (
		waits  = "printf 'Subject: x\n\nx\n' | sendmail -f app@example.com you@example.net; "
		logged = "i=0; until grep -q '%' /var/log/mail.log; do i=$((i+1)); [ $i -lt 600 ]; sleep 0.1; done"
	)
	until := func(text string) string { return waits + strings.Replace(logged, "%", text, 1) }
	shell := func(line string) func() { return func() { l.Server.Shell(line) } }
	relay := l.World.Relay("brevo")
	var accounts []smtpd.Account
	relay.Configure(func(c *smtpd.Config) { accounts = c.Accounts })
	running, none := said{0, "running|Drift none", "full"}, said{0, noProblem, ""}
	return []agreement{
		{name: "Postfix is stopped", prepare: "postfix stop", undo: shell("postfix start"), dryRun: said{0, "unchanged|Postfix is not running, and mail waits until it is started: postfix start", ""},
			verify: said{3, "fail service Postfix does not run do: Start Postfix. postfix start", ""}, status: said{0, "not running|Drift none", ""}, explain: said{0, "Postfix is not running (postfix_down) run: postfix start|confirmed on this host", noProblem}},
		{name: "the login is refused", world: func() { relay.Configure(func(c *smtpd.Config) { c.Accounts = nil }) }, prepare: until("status=deferred"),
			undo:   func() { relay.Configure(func(c *smtpd.Config) { c.Accounts = accounts }) },
			dryRun: set, verify: said{3, "fail auth|said: 535|relayhost setup --credentials-file -|warn queue 1 of 1 message delayed|Fix first: auth.", "fail queue"}, status: running,
			explain: said{0, "auth_535_generic|relayhost setup --credentials-file -", "postfix_down"}},
		{name: "the port is blocked", world: func() { l.World.Block(587, lab.Dropped, lab.Both) }, undo: func() { l.World.Block(587, lab.Open, lab.Both) },
			dryRun: said{0, "+default_transport = relayhost-brevo-smtps:[smtp-relay.brevo.com]:465", nothingToDo}, verify: said{3, "fail connect|relayhost setup --port 465", "fail tls|fail auth"}, status: running, explain: none},
		{name: "DNS does not answer", prepare: "cp /etc/resolv.conf /root/; echo nameserver 192.0.2.99 >/etc/resolv.conf", undo: shell("cat /root/resolv.conf >/etc/resolv.conf"),
			dryRun: said{3, "resolver did not answer|name servers in /etc/resolv.conf", "host name or the region"},
			verify: said{3, "fail dns|Look at the name servers in /etc/resolv.conf", "warn spf|warn dkim|warn dmarc|Compare the two files"}, status: running, explain: none},
		{name: "the certificate has expired", world: func() { _ = relay.Present(lab.Expired) }, prepare: until("status=deferred"), undo: func() { _ = relay.Present(lab.Flawless) },
			dryRun: said{3, "the certificate has expired, or the clock is wrong|date -u", ""}, verify: said{3, "fail tls|the certificate is valid from|date -u|warn queue", "fail queue|--ca-file"}, status: running,
			explain: said{0, "the certificate has expired, or the clock is wrong (tls_expired_or_clock) run: date -u", ""}},
		{name: "the table is not compiled", prepare: "rm /etc/postfix/sasl_passwd.db", undo: shell("postmap /etc/postfix/sasl_passwd"),
			dryRun: said{0, "compile /etc/postfix/sasl_passwd.db|postmap hash:/etc/postfix/sasl_passwd", nothingToDo},
			verify: said{3, "fail maps /etc/postfix/sasl_passwd.db is missing|postmap hash:/etc/postfix/sasl_passwd|warn drift changed since setup: /etc/postfix/sasl_passwd.db (removed)", "fail config|write it differently"},
			status: said{2, "Drift /etc/postfix/sasl_passwd.db: removed; restore it: sudo relayhost setup", "none"}, explain: said{0, "map_db_missing|run: postmap ", ""}},
		{name: "the table is older than its source", prepare: "touch -d tomorrow /etc/postfix/sasl_passwd", undo: shell("touch -d '1 minute ago' /etc/postfix/sasl_passwd"),
			dryRun: said{0, "compile /etc/postfix/sasl_passwd.db", nothingToDo}, verify: said{3, "fail maps /etc/postfix/sasl_passwd.db is older|postmap hash:/etc/postfix/sasl_passwd", "drift changed"}, status: running, explain: none},
		{name: "the transport is deferred", prepare: "postconf -e defer_transports=relayhost-brevo && postfix reload && " + until("deferred transport"), undo: shell("postconf -X defer_transports && postfix reload"),
			dryRun: set, verify: said{3, "warn config defer_transports: is relayhost-brevo|fail queue|deferred transport|postqueue -f", ""}, status: said{0, "none in what relayhost wrote", ""},
			explain: said{0, "transport_deferred|postconf defer_transports|confirmed on this host", ""}},
		{name: "the disk of the queue is full", world: func() { fillQueue(l) },
			undo: shell("rm /var/spool/postfix/fill"), dryRun: set, verify: said{3, "fail queue the file system of /var/spool/postfix is full|Free space on the file system|df -h", ""},
			status: said{0, "its file system is full: Postfix accepts no mail", ""}, explain: said{0, "the disk of the mail queue is full (disk_full) run: df -h", noProblem}},
	}
}

// fillQueue moves the queue to a small file system, and fills that.
func fillQueue(l *lab.Lab) {
	l.Server.Shell("postfix stop; cp -a /var/spool/postfix /root/spool")
	l.Server.MountTmpfs("/var/spool/postfix", 4<<20)
	l.Server.Shell("cp -a /root/spool/. /var/spool/postfix/; postfix start; dd if=/dev/zero of=/var/spool/postfix/fill bs=4k 2>/dev/null || true")
}

// TestLabAgreement: on each state of a server setup --dry-run, verify, status and
// explain say the same, and a fault is named once, with the command that fixes it.
func TestLabAgreement(t *testing.T) {
	t.Parallel()
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
		}
		for _, a := range faults(l) {
			l.Server.Shell("postsuper -d ALL >/dev/null 2>&1; : >/var/log/mail.log")
			a.check(t, l)
			a.undo()
		}
	})
	t.Run("a_file_by_hand", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("brevo"))
		credentials(l, "brevo", "")
		const file = "/etc/relayhost/relayhost.toml"
		l.Server.WriteFile(file, "# by the web team\nversion = 1\nrelay = \"brevo\"\nfrom = \"app@example.com\"\nto = \"you@example.net\"\n", 0o644)
		agreement{
			name: "not applied yet", dryRun: said{0, "+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587", nothingToDo},
			verify: said{3, "fail service no relay is configured: mail is delivered directly|relayhost setup", "pass drift|warn drift"},
			status: said{0, "directly to the recipients' servers|not yet: relayhost setup applies", "Drift"}, explain: said{0, noProblem, ""},
		}.check(t, l, "--credentials-file", "/root/credentials")
		if res := l.Run("relayhost", "setup", "--yes", "--credentials-file", "/root/credentials"); res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s", res)
		}
		none := said{0, noProblem, ""}
		for _, a := range []agreement{
			{name: "applied", dryRun: set, verify: said{0, "pass drift|pass auth", "fail "}, status: said{0, "through [smtp-relay.brevo.com]:587|none", "restore it"}, explain: none},
			{name: "a route by hand", prepare: "printf '\\n[[route]]\\nname = \"shop\"\\nsenders = [\"shop.example\"]\\nfrom = \"a@shop.example\"\\nrelay = \"brevo\"\\n' >>" + file,
				dryRun: said{0, "+++ ", nothingToDo}, verify: said{0, "warn drift|relayhost setup", "pass drift"}, status: said{0, "Route shop: shop.example through [smtp-relay.brevo.com]:587 (of relayhost.toml; may not be applied: see Outdated)|Outdated setup would write|relayhost setup --dry-run", ""}, explain: none},
			{name: "a word that it does not know", prepare: "sed -i 's/^name = .shop./label = \"shop\"/' " + file, dryRun: said{64, "error: /etc/relayhost/relayhost.toml:8: unknown key route.label", ""},
				verify: said{64, "error: /etc/relayhost/relayhost.toml:8: unknown key route.label", ""}, status: said{0, "Not known the setup: /etc/relayhost/relayhost.toml:8: unknown key route.label", "Route|not by relayhost"}, explain: none},
		} {
			a.check(t, l)
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

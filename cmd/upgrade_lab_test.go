//go:build lab

package cmd_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
)

// carriedOver is what stays on a host when its distribution is upgraded in place.
const carriedOver = "etc/postfix etc/relayhost etc/aliases* etc/mailname var/lib/relayhost var/lib/postfix var/spool/postfix"

// upgrade moves a server to the next release of Debian, with the server's state: the
// files that stay, under the programs of the next release, whose own script of the
// package converts the configuration. Its Postfix runs afterwards.
func upgrade(t *testing.T, l *lab.Lab, from *lab.Server, to lab.Suite) *lab.Server {
	t.Helper()
	from.Shell("postfix stop 2>&1; cd / && tar -cf /root/state.tar " + carriedOver)
	old := strings.TrimSpace(from.Shell("dpkg-query -W -f '${Version}' postfix"))
	s := l.AddServer(lab.On(to))
	s.Shell("rm -rf /etc/postfix /var/lib/postfix /var/spool/postfix")
	// By name: the numbers of users differ between releases.
	if r := s.RunInput(from.ReadFile("/root/state.tar"), "tar", "-C", "/", "-xf", "-"); r.Code != 0 {
		t.Fatalf("state of the server: want exit code 0, got %s", r)
	}
	r := s.Run("env", "DEBIAN_FRONTEND=noninteractive", "DPKG_MAINTSCRIPT_PACKAGE=postfix", "DPKG_MAINTSCRIPT_NAME=postinst", "DPKG_MAINTSCRIPT_ARCH=amd64", "DPKG_ADMINDIR=/var/lib/dpkg", "DPKG_ROOT=", "/var/lib/dpkg/info/postfix.postinst", "configure", old)
	if r.Code != 0 {
		t.Fatalf("the script of the package: want exit code 0, got %s", r)
	}
	// Queue files are named after their inodes, which are others here than on the old disk.
	s.Shell("postsuper >/dev/null 2>&1 || true; touch -d '1 hour ago' /etc/postfix/*.cf")
	s.StartPostfix()
	return s
}

// upgradeInPlace goes to the next release of Debian as an administrator does. Postfix
// runs meanwhile, and the package's script finds no systemd here that would restart it.
func upgradeInPlace(t *testing.T, s *lab.Server, to lab.Suite) {
	t.Helper()
	old := s.Shell("postconf -h mail_version")
	if r := s.Upgrade(to); r.Code != 0 {
		t.Fatalf("upgrade to %s: want exit code 0, got %s", to, r)
	}
	now := s.Shell("postconf -h mail_version")
	if now == old {
		t.Fatalf("upgrade to %s: got Postfix %s as before, want another version", to, strings.TrimSpace(now))
	}
	t.Logf("upgraded in place to %s: Postfix %s to %s", to, strings.TrimSpace(old), strings.TrimSpace(now))
	s.Shell("touch -d '1 hour ago' /etc/postfix/*.cf")
	restarts(t, s)
}

// restarts wants the daily verification to say that the programs of Postfix are not those
// that run, and does what it says.
func restarts(t *testing.T, s *lab.Server) {
	t.Helper()
	if status := s.Run("relayhost", "status"); !strings.Contains(status.Stdout, "not restarted since it was replaced") {
		t.Errorf("status: want that Postfix was not restarted, got %s", status)
	}
	res := s.Run(daily(t)...)
	report := decode[verify.Report](t, res)
	i := slices.IndexFunc(report.Findings, func(f verify.Finding) bool { return f.Cause == "postfix_not_restarted" })
	if i < 0 || res.Code == 0 || report.Findings[i].Command != "postfix stop; postfix start" {
		t.Fatalf("verify: want a failure, postfix_not_restarted, and how to restart it here, got %s", res)
	}
	s.Shell(report.Findings[i].Command)
	if res := s.Run(daily(t)...); strings.Contains(res.Stdout, "postfix_not_restarted") {
		t.Errorf("verify after the restart: want no postfix_not_restarted, got %s", res)
	}
}

// daily is the command of the timer that verifies every day, with --json.
func daily(t *testing.T) []string {
	t.Helper()
	unit, err := os.ReadFile("../integrations/systemd/relayhost-verify.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(unit)) {
		if command, is := strings.CutPrefix(line, "ExecStart=/usr/bin/"); is {
			return append(strings.Fields(strings.ReplaceAll(command, "$VERIFY_OPTIONS", "")), "--json")
		}
	}
	t.Fatal("relayhost-verify.service: got no command of /usr/bin in ExecStart, want one")
	return nil
}

// TestLabUpgrade: the distribution is upgraded under a set-up server. Mail goes on, what
// waited is delivered once, the daily verification says what setup would write for the
// new Postfix, and setup writes it. LAB_FULL goes from Debian 11 to unstable by apt-get.
func TestLabUpgrade(t *testing.T) {
	t.Parallel()
	suites := []lab.Suite{lab.Bookworm, lab.Trixie}
	if fullTable() {
		suites = []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
	}
	options := []lab.Option{lab.On(suites[0]), lab.Relay("ses")}
	if fullTable() {
		options = append(options, lab.Upgrades())
	}
	l := newLab(t, options...)
	relay := l.World.Relay("ses")
	credentials(l, "ses", five[0].host)
	s := l.Server
	if res := s.Run(setupArgs(five[0])...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	for _, suite := range suites[1:] {
		waiting := "waiting-" + string(suite) + "@example.net"
		defers(t, s, relay, waiting)
		if fullTable() {
			upgradeInPlace(t, s, suite)
		} else {
			s.Shell(`m=$(postconf -h daemon_directory)/master; cp -a "$m" "$m.new" && mv "$m.new" "$m"`)
			restarts(t, s)
			s = upgrade(t, l, s, suite)
		}
		s.Flush()
		s.WaitLog("to=<" + waiting + ">, .*status=sent")

		res := s.Run(daily(t)...)
		if want := []string{"outdated"}; res.Code != 0 || !strings.Contains(res.Stdout, `"outdated"`) {
			t.Errorf("%s: verify after the upgrade: want exit 0 and %v, got %s", suite, want, res)
		}
		if got := strings.Contains(res.Stdout, `"map_type_ends"`); got != (suite == lab.Sid) {
			t.Errorf("%s: verify warns of Berkeley DB: got %v, want %v: %s", suite, got, suite == lab.Sid, res)
		}
		if got := strings.Contains(res.Stdout, `"tls_required_header"`); got != (suite == lab.Trixie) {
			t.Errorf("%s: verify warns of TLS-Required: got %v, want %v: %s", suite, got, suite == lab.Trixie, res)
		}
		if res := s.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, `"applied"`) {
			t.Fatalf("%s: setup after the upgrade: want exit code 0 and %q in stdout, got %s\n%s", suite, `"applied"`, res, s.MailLog())
		}
		if res := s.Run("relayhost", "verify", "--no-send", "--json"); res.Code != 0 || strings.Contains(res.Stdout, `"outdated"`) || strings.Contains(res.Stdout, `"map_type_ends"`) {
			t.Errorf("%s: verify after setup: want exit code 0 and no %q or %q in stdout, got %s", suite, `"outdated"`, `"map_type_ends"`, res)
		}
		if res := s.Run("relayhost", "setup", "--yes", "--json"); !strings.Contains(res.Stdout, `"unchanged"`) {
			t.Errorf("%s: a second setup: want %q in stdout, got %s", suite, `"unchanged"`, res)
		}
		if suite == lab.Sid {
			if tables := s.Shell("postconf -P | grep -E '^relayhost-ses/unix/.*_maps *= *[a-z]+:'"); strings.Contains(tables, "hash:") || strings.Count(tables, "cdb:") != 2 {
				t.Errorf("tables after setup, want two of type cdb:\n%s", tables)
			}
		}
		arrivedOnce(t, relay, waiting)
	}
	if res := s.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", res)
	}
	if left := s.Shell("grep -rl relayhost- /etc/postfix || true; ls -d /etc/relayhost /var/lib/relayhost 2>/dev/null || true"); left != "" {
		t.Errorf("left after the rollback: got this, want nothing:\n%s", left)
	}
}

// defers hands Postfix a message that the relay does not take yet.
func defers(t *testing.T, s *lab.Server, relay *lab.RelayService, to string) {
	t.Helper()
	relay.Configure(func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepRcpt: {Code: 450, Text: "later"}}
	})
	s.SendMail("root@host.example.com", to, "hello")
	s.WaitLog("to=<" + to + ">, .*status=deferred")
	relay.Configure(func(c *smtpd.Config) { c.Replies = nil })
}

// arrivedOnce wants one message for each address at the relay.
func arrivedOnce(t *testing.T, relay *lab.RelayService, addresses ...string) {
	t.Helper()
	got := map[string]int{}
	for _, m := range relay.Mailbox() {
		got[m.To[0]]++
	}
	for _, to := range addresses {
		if got[to] != 1 {
			t.Errorf("%s: got %d messages at the relay, want 1", to, got[to])
		}
	}
}

// noBerkeley takes the types hash and btree out of Postfix itself. The library has "hash"
// as the end of "texthash", which goes with it.
const noBerkeley = `set -e
postfix stop
lib=$(ls /usr/lib/postfix/libpostfix-util.so)
LC_ALL=C sed -i 's/texthash\x00/texthxsh\x00/g; s/\x00btree\x00/\x00bxree\x00/g' "$lib"
! postconf -m | grep -xE 'hash|btree'
postconf -e default_database_type=lmdb
touch -d '1 hour ago' /etc/postfix/*.cf
postfix start`

// TestLabBerkeleyGone: the distribution is upgraded to one without Berkeley DB, as RHEL 9
// to 10, under a set-up server. verify warns before, the daily verification fails
// after, and setup brings mail back: for the relay and on this server.
func TestLabBerkeleyGone(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Packages("postfix-lmdb"), lab.Relay("brevo"),
		lab.File("/etc/os-release", []byte("ID=\"rhel\"\nVERSION_ID=\"9.6\"\n"), 0o644))
	s, relay := l.Server, l.World.Relay("brevo")
	s.WriteFile("/etc/postfix/virtual", "list@host.example.com root@localhost\n", 0o644)
	s.Shell("postmap hash:/etc/postfix/virtual && postconf -e virtual_alias_maps=hash:/etc/postfix/virtual && touch -d '1 hour ago' /etc/postfix/main.cf && postfix reload")
	credentials(l, "brevo", "")
	if res := l.Run(setupArgs(five[5])...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	if res := l.Run(daily(t)...); res.Code != 0 || !strings.Contains(res.Stdout, "RHEL 10") || !strings.Contains(res.Stdout, "setup --map-type lmdb") {
		t.Errorf("verify before the upgrade: want exit code 0, %q and %q in stdout, got %s", "RHEL 10", "setup --map-type lmdb", res)
	}
	defers(t, s, relay, "waiting@example.net")
	s.Shell(noBerkeley)
	if res := l.Run(daily(t)...); res.Code == 0 || !strings.Contains(res.Stdout, `"map_type_unsupported"`) {
		t.Errorf("verify after the upgrade: want a failure and %q in stdout, got %s", `"map_type_unsupported"`, res)
	}
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, `"applied"`) {
		t.Fatalf("setup after the upgrade: want exit code 0 and %q in stdout, got %s\n%s", `"applied"`, res, s.MailLog())
	}
	if named := s.Shell("cat /etc/postfix/main.cf /etc/postfix/master.cf | grep -E '^[^#]*(hash|btree):' || true"); named != "" {
		t.Errorf("got tables of Berkeley DB that are still named, want none:\n%s", named)
	}
	if res := l.Run("relayhost", "verify", "--no-send", "--json"); res.Code != 0 || strings.Contains(res.Stdout, `"map_type`) {
		t.Errorf("verify after setup: want exit code 0 and no %q in stdout, got %s", `"map_type`, res)
	}
	if res := l.Run("relayhost", "setup", "--yes", "--json"); !strings.Contains(res.Stdout, `"unchanged"`) {
		t.Errorf("a second setup: want %q in stdout, got %s", `"unchanged"`, res)
	}
	s.Shell("newaliases")
	s.Flush()
	s.WaitLog(`to=<waiting@example\.net>, .*status=sent`)
	arrivedOnce(t, relay, "waiting@example.net")
	s.SendMail("root@host.example.com", "list@host.example.com", "hello")
	s.WaitLog(`to=<root@localhost>, orig_to=<list@host\.example\.com>, relay=local, .*status=sent`)
}

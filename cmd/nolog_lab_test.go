//go:build lab

package cmd_test

import (
	"strings"
	"syscall"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// suitesOf are the Debian releases that a test is made on.
func suitesOf() []lab.Suite {
	if fullTable() {
		return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
	}
	return []lab.Suite{lab.Bookworm}
}

// logged wants the delivery to be proven by the log of the live Postfix.
func logged(t *testing.T, res lab.Result) {
	t.Helper()
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || len(doc.Verification.Findings) != 1 || doc.Verification.Findings[0].Result != "pass" ||
		!strings.Contains(doc.Verification.Findings[0].Detail, "accepted the message") {
		t.Errorf("setup: want the result %q and one finding, %q, with %q, got %s", "applied", "pass", "accepted the message", res)
	}
}

// unlogged wants Postfix to have no log of ours any more, and to deliver.
func unlogged(t *testing.T, l *lab.Lab, messages int) {
	t.Helper()
	if left := l.Server.Shell("grep maillog_file /etc/postfix/main.cf; find /var -name mail.log; true"); left != "" {
		t.Errorf("left of the log: got\n%s\nwant none", left)
	}
	l.Server.SendMail("root", "customer@gmail.com", "an invoice")
	waitMessages(t, l, "sendgrid", messages)
}

// TestLabNoLog: in a container without syslog Postfix keeps a log for the
// proof, and what stays is what would stay without a proof, byte for byte.
func TestLabNoLog(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.On(suite), lab.NoLog(), lab.Relay("sendgrid"))
			s := l.Server
			credentials(l, "sendgrid", "")
			before := s.Tree(mailConfig...)

			if res := l.Run(setupArgs(five[1], "--no-verify")...); res.Code != 0 {
				t.Fatalf("setup --no-verify: want exit code 0, got %s", res)
			}
			planned := s.Tree("/etc/postfix/main.cf", "/etc/postfix/master.cf")
			if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Fatalf("rollback: want exit code 0, got %s", res)
			}
			logged(t, l.Run(setupArgs(five[1])...))
			if d := planned.Diff(s.Tree("/etc/postfix/main.cf", "/etc/postfix/master.cf")); d != "" {
				t.Errorf("not as planned: got\n%s\nwant none", d)
			}
			unlogged(t, l, 3)
			if res := l.Run("relayhost", "status"); res.Code != 0 {
				t.Errorf("status: want exit code 0, got %s", res)
			}
			if res := l.Run("relayhost", "verify", "--json"); !strings.Contains(res.Stdout, "no_log") || res.Code != 0 {
				t.Errorf("verify: want %q in stdout and exit code 0, got %s", "no_log", res)
			}

			// A new user name leaves main.cf alone; it is proven all the same.
			s.WriteFile("/root/credentials", "username=apikey\npassword="+l.World.Relay("sendgrid").Password+"\n", 0o600)
			s.Shell("sed -i s/:/:x/2 /etc/postfix/sasl_passwd && postmap /etc/postfix/sasl_passwd")
			logged(t, l.Run("relayhost", "setup", "--credentials-file", "/root/credentials", "--yes", "--json"))
			if d := planned.Diff(s.Tree("/etc/postfix/main.cf", "/etc/postfix/master.cf")); d != "" {
				t.Errorf("a new password: not as planned: got\n%s\nwant none", d)
			}
			if res := l.Run("relayhost", "rollback", "--all", "--yes", "--force"); res.Code != 0 {
				t.Fatalf("rollback: want exit code 0, got %s", res)
			}
			if d := before.Diff(s.Tree(mailConfig...)); d != "" {
				t.Errorf("rolled back, but: got\n%s\nwant none", d)
			}
		})
	}
}

// TestLabNoLogUndone: a proof with a log of its own that fails, is interrupted
// or killed leaves nothing.
func TestLabNoLogUndone(t *testing.T) {
	l, stop, args := transactionLab(t, lab.NoLog())
	s := l.Server
	before := s.Tree(mailConfig...)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			reached := stop.arm(false, 2)
			p := s.Start(args...)
			waitFor(t, "proof", reached)
			if text := s.ReadFile("/etc/postfix/main.cf"); !strings.Contains(text, "maillog_file = /var/lib/relayhost/in-progress/mail.log\n") {
				t.Errorf("during the proof main.cf is\n%s\nwant %q in it", text, "maillog_file = /var/lib/relayhost/in-progress/mail.log\n")
			}
			if log := s.ReadFile("/var/lib/relayhost/in-progress/mail.log"); !strings.Contains(log, "message-id=") {
				t.Errorf("during the proof the log is\n%s\nwant %q in it", log, "message-id=")
			}
			if err := p.Kill(sig); err != nil {
				t.Fatal(err)
			}
			p.Wait()
			if sig == syscall.SIGKILL {
				waitUndone(l)
				s.Shell("rm -r /var/lib/relayhost") // the note on who has undone it
			}
			asBefore(t, l, sig.String(), before)
		})
	}
	l.World.Relay("sendgrid").Configure(func(c *smtpd.Config) {
		taken := 0
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			if taken++; taken > 1 {
				return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
			}
			return nil
		}
	})
	if r := l.Run(args...); r.Code != 3 || !strings.Contains(r.Stderr, "Relay access denied") || !strings.Contains(r.Stderr, "this server: restored") {
		t.Errorf("a relay that refuses: want exit code 3, %q and %q in stderr, got %s", "Relay access denied", "this server: restored", r)
	}
	asBefore(t, l, "refused", before)
	if q := s.Queue(); q != "" {
		t.Errorf("left in the queue: got %s, want none", q)
	}
}

// TestLabNoLogDuplicates: a Postfix that logs by itself hangs on its own
// warnings of keys that main.cf has twice. The rehearsal has none of them, and
// the proof does without a log.
func TestLabNoLogDuplicates(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.NoLog(), lab.Relay("sendgrid"))
	s := l.Server
	s.WriteFile("/etc/postfix/main.cf", s.ReadFile("/etc/postfix/main.cf")+strings.Repeat("mail_name = Other\nmail_name = Postfix\n", 10), 0o644)
	credentials(l, "sendgrid", "")
	res := l.Run(setupArgs(five[1])...)
	doc := decode[setupResult](t, res)
	if res.Code != 0 || doc.Result != "applied" || doc.Verification.Findings[0].Cause != "no_log" || !strings.Contains(res.Stderr, "main.cf defines mail_name twice") {
		t.Errorf("setup: want exit code 0, the result %q, the cause %q and %q in stderr, got %s", "applied", "no_log", "main.cf defines mail_name twice", res)
	}
	unlogged(t, l, 3)
}

// TestLabForeground: in a container Postfix is process 1 and logs to its
// output, which nobody can read again. That goes on after the proof.
func TestLabForeground(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.On(suite), lab.NoLog(), lab.Relay("sendgrid"), lab.MailExchangers(), lab.Port25(lab.Dropped))
			s := l.Server
			s.Shell("postconf -e maillog_file=/dev/stdout")
			s.Start("sh", "-c", "exec postfix start-fg >/root/output")
			for i := 0; s.Run("postfix", "status").Code != 0; i++ {
				if i == 100 {
					t.Fatal("Postfix does not start, want it to run within the time")
				}
			}
			credentials(l, "sendgrid", "")
			logged(t, l.Run(setupArgs(five[1])...))
			s.SendMail("root", "customer@gmail.com", "an invoice")
			waitMessages(t, l, "sendgrid", 3)
			for i := 0; strings.Count(s.ReadFile("/root/output"), "status=sent") < 1; i++ {
				if i == 100 {
					t.Fatalf("the output of Postfix: want %q in\n%s", "status=sent", s.ReadFile("/root/output"))
				}
				s.Shell("sleep 0.05")
			}
			if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", res)
			}
			if res := s.Run("postfix", "status"); res.Code != 0 {
				t.Errorf("Postfix does not run: want exit code 0, got %s", res)
			}
		})
	}
}

// TestLabLogDenied: a security module keeps postlogd(8) from the log for the
// proof, as SELinux does in a directory that is not labelled for Postfix. Mail goes
// on all the same, and what cannot be proven is said.
func TestLabLogDenied(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.NoLog(), lab.Relay("sendgrid"))
	s := l.Server
	s.Shell(`d=$(postconf -h daemon_directory) && mv $d/postlogd $d/postlogd.real && cat >$d/postlogd <<EOF && chmod 755 $d/postlogd
#!/bin/sh
case "\$(postconf -h maillog_file)" in
/var/lib/relayhost/*) sleep 1; exit 1;;
esac
exec $d/postlogd.real "\$@"
EOF`)
	credentials(l, "sendgrid", "")
	res := l.Run(setupArgs(five[1])...)
	doc := decode[setupResult](t, res)
	if res.Code != 0 || doc.Result != "applied" || len(doc.Verification.Findings) != 1 || doc.Verification.Findings[0].Cause != "no_log" {
		t.Errorf("setup: want exit code 0, the result %q and one finding, with the cause %q, got %s", "applied", "no_log", res)
	}
	unlogged(t, l, 3)
}

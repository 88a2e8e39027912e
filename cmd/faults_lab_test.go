//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabRelayLost: the relay takes the rehearsal's message and is busy from
// then on. The proof tries again for a while, and then everything goes back; the
// test message is no more, and mail that waited still waits.
func TestLabRelayLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		busy int32 // attempts that are put off after the first message
		code int
		says string
	}{
		"comes_back": {2, 0, "delivered:"},
		"stays_away": {1000, 3, "Service shutting down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var taken, asked atomic.Int32
			l := newLab(t, lab.Relay("postmark", func(c *smtpd.Config) {
				c.Sender = func(string) *smtpd.Reply {
					if taken.Load() == 1 && asked.Add(1) <= test.busy {
						return &smtpd.Reply{Code: 421, Enhanced: "4.3.2", Text: "Service shutting down"}
					}
					return nil
				}
				c.Message = func(smtpd.Envelope) *smtpd.Reply {
					taken.Add(1)
					return nil
				}
			}))
			credentials(l, "postmark", "")
			l.Server.SendMail("root", "customer@gmail.com", "an invoice")
			l.Server.WaitLog(`status=deferred`)
			before := l.Server.Tree(mailConfig...)
			res := l.Run(remove(setupArgs(five[4], "--port", "587", "--no-probe", "--queue", "hold"), "--json")...)
			if res.Code != test.code || !strings.Contains(res.Stdout+res.Stderr, test.says) {
				t.Errorf("want exit code %d and %q in the output, got %s", test.code, test.says, res)
			}
			if n := asked.Load(); n < 3 {
				t.Errorf("got %d attempts, want at least 3", n)
			}
			if test.code != 0 {
				asBefore(t, l, "rolled back", before)
			}
			if q := l.Server.Queue(); strings.Count(q, "queue_id") != 1 || !strings.Contains(q, "customer@gmail.com") {
				t.Errorf("the queue should hold the customer's message alone: got\n%s\nwant %q in it", q, "customer@gmail.com")
			}
			t.Logf("%d attempts in %s", asked.Load(), res.Took)
		})
	}
}

// TestLabCrash: a setup that is made to crash during its proof writes no core
// and no password; the watch puts everything back.
func TestLabCrash(t *testing.T) {
	l, stop, args := transactionLab(t)
	s := l.Server
	password := credentials(l, "sendgrid", "")
	before := s.Tree(mailConfig...)
	for _, sig := range []syscall.Signal{syscall.SIGABRT, syscall.SIGSEGV} {
		t.Run(sig.String(), func(t *testing.T) {
			reached := stop.arm(false, 2)
			p := s.Start("sh", "-c", "cd /root; ulimit -c unlimited; exec "+strings.Join(args, " "))
			waitFor(t, "proof", reached)
			if err := p.Kill(sig); err != nil {
				t.Fatal(err)
			}
			r := p.Wait()
			if r.Code == 0 || strings.Contains(r.Stdout+r.Stderr, password) {
				t.Errorf("%v: want an exit code other than 0 and no password (*** here) in the output, got %s", sig, strings.ReplaceAll(r.String(), password, "***"))
			}
			waitUndone(l)
			if core := s.Shell("find / -xdev -name 'core*' -type f -newer /root/credentials ! -path '/proc/*' ! -path '/sys/*'"); core != "" {
				t.Errorf("%v: a core was written: got %s, want none", sig, core)
			}
			if d := before.Diff(s.Tree(mailConfig...)); d != "" {
				t.Errorf("%v: the host is not as before: got\n%s\nwant none", sig, d)
			}
		})
	}
}

// TestLabQueueSend: mail that waits goes through the relay once that works, one
// message after the other by its queue id; what somebody holds stays, and nothing
// is deleted but the test messages.
func TestLabQueueSend(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	const waiting = 5
	for i := range waiting + 1 {
		to := fmt.Sprintf("customer%d@gmail.com", i)
		s.SendMail("root", to, "an invoice")
		s.WaitLog(`to=<` + to + `>.*status=deferred`)
	}
	s.Shell(`postsuper -h "$(postqueue -j | sed -n 's/.*"queue_id": "\([^"]*\)".*customer5@gmail.*/\1/p')"`)
	s.Shell("mv /usr/sbin/postqueue /usr/sbin/postqueue.real && cp -p /usr/sbin/postsuper /usr/sbin/postsuper.real")
	for _, name := range []string{"postqueue", "postsuper"} {
		s.WriteFile("/usr/sbin/"+name, "#!/bin/sh\necho \"$0 $*\" >>/root/asked\nexec /usr/sbin/"+name+".real \"$@\"\n", 0o755)
	}
	r := l.Run(append(args, "--queue", "send")...)
	if r.Code != 0 || !strings.Contains(r.Stderr, fmt.Sprintf("%d messages in the queue", waiting+1)) {
		t.Errorf("setup: want exit code 0 and %q in stderr, got %s", fmt.Sprintf("%d messages in the queue", waiting+1), r)
	}
	asked := s.ReadFile("/root/asked")
	if n := strings.Count(asked, "postqueue -c /etc/postfix -i ") + strings.Count(asked, "postqueue -i "); n != waiting || strings.Contains(asked, " -f") {
		t.Errorf("%d messages were retried by their id:\n%s, want %d and no %q in it", n, asked, waiting, " -f")
	}
	came := map[string]int{}
	for _, m := range waitMessages(t, l, "sendgrid", waiting+2) {
		came[fmt.Sprint(m.To)]++
	}
	for i := range waiting {
		if to := fmt.Sprintf("[customer%d@gmail.com]", i); came[to] != 1 {
			t.Errorf("mail for %s came %d times, want 1", to, came[to])
		}
	}
	q := s.Queue() // qmgr(8) removes a message some time after its delivery
	for end := time.Now().Add(time.Minute); strings.Count(q, "queue_id") != 1 && time.Now().Before(end); q = s.Queue() {
		time.Sleep(100 * time.Millisecond)
	}
	if strings.Count(q, "queue_id") != 1 || !strings.Contains(q, `"hold"`) || !strings.Contains(q, "customer5@gmail.com") {
		t.Errorf("the message on hold should be left alone: got\n%s\nwant %q in it and %q in it", q, `"hold"`, "customer5@gmail.com")
	}
}

// TestLabRollbackToBroken: what was there before comes back although Postfix dies
// of it, and that is said.
func TestLabRollbackToBroken(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	before := s.Tree(mailConfig...)
	if r := l.Run(args...); r.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", r)
	}
	const program = "/usr/lib/postfix/sbin/qmgr"
	s.Shell("mv " + program + " " + program + ".real")
	s.WriteFile(program, `#!/bin/bash
grep -q sendgrid /etc/postfix/main.cf || exit 1
exec -a qmgr `+program+`.real "$@"
`, 0o755)
	r := l.Run("relayhost", "rollback", "--yes")
	if r.Code != 0 || !strings.Contains(r.Stdout, "restored: ") || !strings.Contains(flat(r.Stderr), flat("Postfix does not work with it")) || !strings.Contains(r.Stderr, "qmgr") {
		t.Errorf("rollback: want exit code 0, %q in stdout and %q and %q in stderr, got %s\n%s", "restored: ", "Postfix does not work with it", "qmgr", r, s.MailLog())
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("not as before: got\n%s\nwant none", d)
	}
}

// TestLabRollbackKilled: a rollback is killed before its commit, and the
// dead-man's watch goes back to the setup, which works.
func TestLabRollbackKilled(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	if r := l.Run(args...); r.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", r)
	}
	changed := s.Tree(mailConfig...)
	s.Shell("mv /usr/sbin/postfix /usr/sbin/postfix.real")
	s.WriteFile("/usr/sbin/postfix", `#!/bin/sh
case "$*" in *reload*) [ -e /root/reloads ] || { : >/root/reloads; kill -9 $PPID; sleep 1; } ;; esac
exec /usr/sbin/postfix.real "$@"
`, 0o755)
	if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 137 {
		t.Errorf("rollback: want exit code 137, got %s", r)
	}
	waitUndone(l)
	if d := changed.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("not as set up: got\n%s\nwant none", d)
	}
	if r := l.Run("relayhost", "verify", "--json"); r.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", r)
	}
	if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", r)
	}
}

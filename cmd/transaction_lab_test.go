//go:build lab

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// stop is a relay that tells when a setup has come to a moment, and holds it
// there for a while.
type stop struct {
	mu    atomic.Pointer[stopAt]
	taken atomic.Int32
}

type stopAt struct {
	sender  bool // at the probe's MAIL FROM, else at a message
	message int32
	reached chan struct{}
	hold    time.Duration
}

func (s *stop) relay(c *smtpd.Config) {
	c.Sender = func(string) *smtpd.Reply {
		if at := s.mu.Load(); at != nil && at.sender {
			s.pause(at)
		}
		return nil
	}
	c.Message = func(smtpd.Envelope) *smtpd.Reply {
		n := s.taken.Add(1)
		if at := s.mu.Load(); at != nil && !at.sender && at.message == n {
			s.pause(at)
		}
		return nil
	}
}

func (s *stop) pause(at *stopAt) {
	if s.mu.CompareAndSwap(at, nil) {
		close(at.reached)
		time.Sleep(at.hold)
	}
}

// arm sets the next stop and returns what is closed there.
func (s *stop) arm(sender bool, message int32) <-chan struct{} {
	s.taken.Store(0)
	at := &stopAt{sender: sender, message: message, reached: make(chan struct{}), hold: 2 * time.Second}
	s.mu.Store(at)
	return at.reached
}

// moments of a setup at which it is interrupted.
var moments = []struct {
	name    string
	sender  bool
	message int32
	state   string // what the run says of the server
}{
	{"probe", true, 0, "this server: unchanged"},
	{"rehearsal", false, 1, "this server: unchanged"},
	{"proof", false, 2, "this server: restored"}, // after the last write, before the commit
}

// transactionLab is a server for SendGrid, and what sets it up.
func transactionLab(t *testing.T, opts ...lab.Option) (*lab.Lab, *stop, []string) {
	t.Helper()
	t.Parallel()
	s := &stop{}
	l := newLab(t, append(opts, lab.Relay("sendgrid", s.relay))...)
	credentials(l, "sendgrid", "")
	l.Server.Install()
	return l, s, remove(setupArgs(five[1]), "--json")
}

// TestLabInterrupted sends INT, TERM and HUP to a setup at several moments, a
// second signal right after: it puts everything back and exits with 130.
func TestLabInterrupted(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			l, stop, args := transactionLab(t)
			before := l.Server.Tree(mailConfig...)
			for _, m := range moments {
				t.Run(m.name, func(t *testing.T) {
					reached := stop.arm(m.sender, m.message)
					p := l.Server.Start(args...)
					waitFor(t, m.name, reached)
					if m.name == "proof" && !strings.Contains(l.Server.ReadFile("/etc/postfix/main.cf"), "[smtp.sendgrid.net]") {
						t.Errorf("at the proof: want %q in main.cf, which is the old one", "[smtp.sendgrid.net]")
					}
					for range 3 {
						if err := p.Kill(sig); err != nil {
							t.Fatal(err)
						}
						time.Sleep(30 * time.Millisecond)
					}
					r := p.Wait()
					if r.Code != 130 || !strings.Contains(r.Stderr, m.state) {
						t.Errorf("%v during the %s: want exit code 130 and %q in stderr, got %s", sig, m.name, m.state, r)
					}
					asBefore(t, l, m.name, before)
				})
			}
		})
	}
}

func waitFor(t *testing.T, what string, reached <-chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case <-time.After(time.Minute):
		t.Fatalf("got no %s within a minute, want it", what)
	}
}

// asBefore wants the configuration to be as it was, Postfix to run with it, and
// nothing of ours to be left.
func asBefore(t *testing.T, l *lab.Lab, when string, before lab.Tree) {
	t.Helper()
	s := l.Server
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("%s: the host is not as before: got\n%s\nwant none", when, d)
	}
	if r := s.Run("postfix", "check"); r.Code != 0 {
		t.Errorf("%s: postfix check: want exit code 0, got %s", when, r)
	}
	if r := s.Run("postfix", "status"); r.Code != 0 {
		t.Errorf("%s: Postfix does not run: want exit code 0, got %s", when, r)
	}
	left := s.Shell("ls -d /var/lib/relayhost /tmp/* /var/tmp/* 2>/dev/null; find / -xdev -name '.relayhost.*'; pgrep -af 'relayhost (setup|watch-transaction)' || true")
	if strings.TrimSpace(left) != "" {
		t.Errorf("%s: got this left behind, want nothing:\n%s", when, left)
	}
}

// TestLabConnectionLost closes the terminal of a setup during its proof, and
// then kills another one with -9: the first puts everything back itself, for
// the second the watchdog does.
func TestLabConnectionLost(t *testing.T) {
	l, stop, args := transactionLab(t)
	before := l.Server.Tree(mailConfig...)
	reached := stop.arm(false, 2)
	term := l.Server.StartPTY(args...)
	waitFor(t, "proof", reached)
	term.Hangup()
	if r := term.Wait(); r.Code != 130 {
		t.Errorf("hung up: want exit code 130, got %s", r)
	}
	asBefore(t, l, "hung up", before)

	reached = stop.arm(false, 2)
	p := l.Server.Start(args...)
	waitFor(t, "proof", reached)
	if err := p.Kill(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	waitUndone(l)
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("killed: the host is not as before: got\n%s\nwant none", d)
	}
	t.Logf("the watch took %s", time.Since(start).Round(time.Millisecond))
	if r := l.Run("relayhost", "status", "--json"); !strings.Contains(r.Stdout, "the watchdog") {
		t.Errorf("status does not tell: want %q in stdout, got %s", "the watchdog", r)
	}
}

// waitUndone waits for the watchdog.
func waitUndone(l *lab.Lab) {
	for end := time.Now().Add(20 * time.Second); l.Server.Exists("/var/lib/relayhost/in-progress") && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
}

// TestLabUnfinished: a machine that died half way is left to the next command.
// status and verify report it and change nothing, setup undoes it first.
func TestLabUnfinished(t *testing.T) {
	l, stop, args := transactionLab(t)
	s := l.Server
	before := s.Tree(mailConfig...)
	reached := stop.arm(false, 2)
	p := s.Start(args...)
	waitFor(t, "proof", reached)
	s.Shell("pkill -KILL -f [w]atch-transaction")
	if err := p.Kill(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	half := s.Tree(mailConfig...)
	if before.Diff(half) == "" {
		t.Fatal("got no difference, want one: nothing was written")
	}
	if r := l.Run("relayhost", "status", "--json"); !strings.Contains(r.Stdout, `"pending"`) {
		t.Errorf("status does not tell: want %q in stdout, got %s", `"pending"`, r)
	}
	if r := l.Run("relayhost", "verify", "--offline", "--json"); !strings.Contains(r.Stdout, "has not finished") {
		t.Errorf("verify does not tell: want %q in stdout, got %s", "has not finished", r)
	}
	if d := half.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("status or verify has changed: got\n%s\nwant none", d)
	}
	// A Postfix that does not run is not started by what is undone.
	s.Shell("postfix stop")
	r := l.Run(args...)
	if r.Code != 0 || !strings.Contains(r.Stderr, "an earlier run was aborted") || !strings.Contains(r.Stderr, "note: Postfix is not running and will be started") {
		t.Errorf("the next setup: want exit code 0, %q and %q in stderr, got %s", "an earlier run was aborted", "note: Postfix is not running and will be started", r)
	}
	if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", r)
	}
	asBefore(t, l, "rolled back", before)
}

// TestLabForeignEdits: a rollback keeps what others have added to main.cf since,
// and refuses, with the difference, where they have changed what is ours.
func TestLabForeignEdits(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	before := s.ReadFile("/etc/postfix/main.cf")
	must := func(args ...string) lab.Result {
		t.Helper()
		r := l.Run(args...)
		if r.Code != 0 {
			t.Fatalf("%v: want exit code 0, got %s", args, r)
		}
		return r
	}
	must(args...)
	ours := s.ReadFile("/etc/postfix/main.cf")
	s.WriteFile("/etc/postfix/main.cf", strings.Replace(ours, "[smtp.sendgrid.net]:587", "[smtp.sendgrid.net]:2525", 1), 0o644)
	edited := s.Tree(mailConfig...)
	for _, more := range [][]string{nil, {"--all"}} {
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			r := l.Run(append([]string{"relayhost", "rollback", "--yes"}, more...)...)
			if r.Code != 1 || !strings.Contains(r.Stderr, "+default_transport = relayhost-sendgrid:[smtp.sendgrid.net]:2525") || !strings.Contains(r.Stderr, "--force") {
				t.Errorf("rollback %v over an edit: want exit code 1, %q and %q in stderr, got %s", more, "+default_transport = relayhost-sendgrid:[smtp.sendgrid.net]:2525", "--force", r)
			}
		})
	}
	r := l.Run("relayhost", "rollback", "--yes", "--json")
	var doc struct {
		Result, Error string
		Differences   []struct{ Path, Diff string }
	}
	if err := json.Unmarshal([]byte(r.Stdout), &doc); err != nil || r.Code != 1 || doc.Result != "refused" || doc.Error == "" ||
		len(doc.Differences) != 1 || doc.Differences[0].Path != "/etc/postfix/main.cf" || !strings.Contains(doc.Differences[0].Diff, ":2525") {
		t.Errorf("rollback --json: got %v and %s\nwant exit code 1 and a JSON document: refused, with an error and the difference of main.cf, %q in it", err, r, ":2525")
	}
	if r := l.Run("relayhost", "status"); r.Code != 2 {
		t.Errorf("status over an edit: want exit code 2, got %s", r)
	}
	if d := edited.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("refused, but changed: got\n%s\nwant none", d)
	}
	s.Shell("mv /etc/postfix/relayhost_status_filter /root/")
	if r := l.Run("relayhost", "verify", "--offline", "--json"); !strings.Contains(r.Stdout, "/etc/postfix/main.cf (edited by hand)") ||
		!strings.Contains(r.Stdout, "/etc/postfix/relayhost_status_filter (removed)") || strings.Contains(r.Stdout, "master.cf (") {
		t.Errorf("verify does not tell: want %q and %q in stdout and no %q in stdout, got %s", "/etc/postfix/main.cf (edited by hand)", "/etc/postfix/relayhost_status_filter (removed)", "master.cf (", r)
	}
	s.Shell("mv /root/relayhost_status_filter /etc/postfix/")
	must("relayhost", "rollback", "--yes", "--force")
	if got := s.ReadFile("/etc/postfix/main.cf"); got != before {
		t.Errorf("forced, main.cf is\n%s\nwant\n%s", got, before)
	}

	must(args...)
	s.WriteFile("/etc/postfix/main.cf", "# theirs\n"+s.ReadFile("/etc/postfix/main.cf")+"message_size_limit = 12345678\n", 0o644)
	must("relayhost", "rollback", "--yes")
	if got, want := s.ReadFile("/etc/postfix/main.cf"), "# theirs\n"+before+"message_size_limit = 12345678\n"; got != want {
		t.Errorf("main.cf is\n%s\nwant\n%s", got, want)
	}
}

// TestLabRollBackTo undoes one change, the last two by name, and all.
func TestLabRollBackTo(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	trees := []lab.Tree{s.Tree(mailConfig...)}
	for _, more := range [][]string{nil, {"--direct", "a.example"}, {"--direct", "b.example"}, {"--direct", "c.example"}} {
		if r := l.Run(append(args[:len(args):len(args)], more...)...); r.Code != 0 {
			t.Fatalf("setup %v: want exit code 0, got %s", more, r)
		}
		trees = append(trees, s.Tree(mailConfig...))
	}
	var doc struct{ Changes []struct{ ID string } }
	if err := json.Unmarshal([]byte(l.Run("relayhost", "rollback", "--list", "--json").Stdout), &doc); err != nil || len(doc.Changes) != 4 {
		t.Fatalf("rollback --list --json: got %+v and the error %v, want 4 changes and no error", doc, err)
	}
	back := func(want int, args ...string) {
		t.Helper()
		if r := l.Run(append([]string{"relayhost", "rollback", "--yes"}, args...)...); r.Code != 0 {
			t.Fatalf("rollback %v: want exit code 0, got %s", args, r)
		}
		if d := trees[want].Diff(s.Tree(mailConfig...)); d != "" {
			t.Errorf("rollback %v: got\n%s\nwant none", args, d)
		}
	}
	back(3)
	back(1, "--to", doc.Changes[2].ID)
	if r := l.Run("relayhost", "rollback", "--yes", "--to", doc.Changes[0].ID); r.Code != 1 {
		t.Errorf("a change that is gone: want exit code 1, got %s", r)
	}
	back(0, "--all")
	asBefore(t, l, "all", trees[0])
	if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 || !strings.Contains(r.Stdout, "no change to undo") {
		t.Errorf("once more: want exit code 0 and %q in stdout, got %s", "no change to undo", r)
	}
}

// TestLabEtckeeper: the password stays out of a repository in /etc.
func TestLabEtckeeper(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	s.WriteFile("/etc/.gitignore", "*~\n", 0o600)
	s.Shell("mkdir /etc/.git")
	before := s.Tree(append(mailConfig, "/etc/.gitignore")...)
	r := l.Run(append(args, "--dry-run")...)
	if r.Code != 0 || !strings.Contains(r.Stdout, "+/postfix/sasl_passwd*") {
		t.Errorf("the difference does not show it: want exit code 0 and %q in stdout, got %s", "+/postfix/sasl_passwd*", r)
	}
	if r := l.Run(args...); r.Code != 0 || !strings.Contains(r.Stderr, "/etc is kept in git") {
		t.Errorf("setup: want exit code 0 and %q in stderr, got %s", "/etc is kept in git", r)
	}
	if got := s.ReadFile("/etc/.gitignore"); got != "*~\n/postfix/sasl_passwd*\n" {
		t.Errorf(".gitignore is %q, want %q", got, "*~\n/postfix/sasl_passwd*\n")
	}
	if r := l.Run(args...); r.Code != 0 || !strings.Contains(r.Stdout, "unchanged") {
		t.Errorf("the second setup: want exit code 0 and %q in stdout, got %s", "unchanged", r)
	}
	if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", r)
	}
	if d := before.Diff(s.Tree(append(mailConfig, "/etc/.gitignore")...)); d != "" {
		t.Errorf("rolled back: got\n%s\nwant none", d)
	}
}

// TestLabManaged: where another tool manages the mail, setup stops and says so.
func TestLabManaged(t *testing.T) {
	l, _, args := transactionLab(t)
	main := l.Server.ReadFile("/etc/postfix/main.cf")
	l.Server.WriteFile("/etc/postfix/main.cf", "# Ansible managed\n"+main, 0o644)
	r := unchangedAfter(t, l, 1, args...)
	if !strings.Contains(r.Stderr, "Ansible manages the mail of this host") || !strings.Contains(r.Stderr, "--force") {
		t.Errorf("want %q and %q in stderr, got %s", "Ansible manages the mail of this host", "--force", r)
	}
	if n := len(l.World.Relay("sendgrid").Sessions()); n != 0 {
		t.Errorf("%d connections to the relay, want 0", n)
	}
	if r := l.Run(append(args, "--force")...); r.Code != 0 {
		t.Errorf("--force: want exit code 0, got %s", r)
	}
}

// TestLabKeepOnFailure and --no-verify: what is kept, and what is said.
func TestLabKeepOnFailure(t *testing.T) {
	t.Parallel()
	messages := 0
	l := newLab(t, lab.Relay("sendgrid", func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			if messages++; messages == 1 { // the rehearsal's
				return nil
			}
			return &smtpd.Reply{Code: 550, Enhanced: "5.1.1", Text: "no such mailbox"}
		}
	}))
	credentials(l, "sendgrid", "")
	before := l.Server.Tree(mailConfig...)
	r := l.Run(setupArgs(five[1], "--keep-on-failure")...)
	doc := decode[setupResult](t, r)
	if r.Code != 3 || !strings.Contains(r.Stderr+doc.Error, "kept") || !strings.Contains(doc.Error, "no such mailbox") {
		t.Errorf("--keep-on-failure: want exit code 3, %q in stderr or the error and %q in the error, got %s", "kept", "no such mailbox", r)
	}
	if !strings.Contains(l.Server.ReadFile("/etc/postfix/main.cf"), "[smtp.sendgrid.net]") {
		t.Errorf("it was not kept: want %q in main.cf", "[smtp.sendgrid.net]")
	}
	if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", r)
	}
	asBefore(t, l, "rolled back", before)
	taken := len(l.World.Relay("sendgrid").Mailbox())
	r = l.Run(remove(setupArgs(five[1], "--no-verify"), "--json")...)
	if r.Code != 0 || !strings.Contains(r.Stdout, "Configured, not tested") {
		t.Errorf("--no-verify: want exit code 0 and %q in stdout, got %s", "Configured, not tested", r)
	}
	if n := len(l.World.Relay("sendgrid").Mailbox()); n != taken {
		t.Errorf("--no-verify: got %d test messages, want none", n-taken)
	}
}

// TestLabServiceDies: the reload says 0, and then qmgr(8) dies of the new
// configuration, or smtp(8) of the relay's service. The rehearsal has not met
// it. Everything goes back.
func TestLabServiceDies(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"qmgr": "throttled", "smtp": "bad string length"} {
		t.Run(name, func(t *testing.T) {
			l, _, args := transactionLab(t)
			s := l.Server
			program := "/usr/lib/postfix/sbin/" + name
			s.Shell("mv " + program + " " + program + ".real")
			s.WriteFile(program, fmt.Sprintf(`#!/bin/bash
if [ "$MAIL_CONFIG" = /etc/postfix ] && grep -q sendgrid /etc/postfix/main.cf; then
	[ %[1]s = qmgr ] || postlog -p fatal -t postfix/relayhost-sendgrid/smtp 'bad string length 0 < 1'
	exit 1
fi
exec -a %[1]s %[2]s.real "$@"
`, name, program), 0o755)
			s.Shell("postfix reload")
			before := s.Tree(mailConfig...)
			start := time.Now()
			r := l.Run(args...)
			if r.Code != 3 || !strings.Contains(r.Stderr, "this server: restored") || !strings.Contains(r.Stderr, says) {
				t.Errorf("after %s: want exit code 3, %q and %q in stderr, got %s\n%s", time.Since(start), "this server: restored", says, r, s.MailLog())
			}
			asBefore(t, l, "rolled back", before)
		})
	}
}

// TestLabWhileEdited: an administrator writes main.cf every few seconds while
// setup and rollback run. (Postfix itself waits while main.cf is younger than a
// second.) Whatever wins, no edit of theirs is lost, and main.cf is
// whole.
func TestLabWhileEdited(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	s.Shell("printf '# edit 0\\n' >>/etc/postfix/main.cf")
	before := s.ReadFile("/etc/postfix/main.cf")
	editor := s.Start("sh", "-c", `i=1; while [ ! -e /root/stop ]; do
sed "s/^# edit .*/# edit $i/" /etc/postfix/main.cf >/root/new && [ -s /root/new ] && cat /root/new >/root/copy &&
cp -p /etc/postfix/main.cf /etc/postfix/main.cf.new && cat /root/copy >/etc/postfix/main.cf.new && mv /etc/postfix/main.cf.new /etc/postfix/main.cf
echo $i >/root/edits; i=$((i+1)); sleep 5; done`)
	codes := map[int]int{}
	for range 4 {
		r := l.Run(args...)
		codes[r.Code]++
		// 3: the edit of a file without the relay has come back during the proof.
		if r.Code != 0 && r.Code != 1 && r.Code != 3 {
			t.Errorf("setup: want exit code 0, 1 or 3, got %s", r)
		}
		if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
			t.Logf("rollback: %s", r)
		}
		if r := s.Run("postconf", "-n"); r.Code != 0 {
			t.Errorf("postconf: want exit code 0, got %s", r)
		}
	}
	s.WriteFile("/root/stop", "", 0o600)
	editor.Wait()
	if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", r)
	}
	last := strings.TrimSpace(s.ReadFile("/root/edits"))
	want := strings.Replace(before, "# edit 0\n", "# edit "+last+"\n", 1)
	if got := s.ReadFile("/etc/postfix/main.cf"); got != want {
		t.Errorf("after %s edits main.cf is\n%s\nwant\n%s", last, got, want)
	}
	t.Logf("%s edits, exit codes of setup %v", last, codes)
}

// TestLabSetupTwice runs two setups at once: one works, the other says who.
func TestLabSetupTwice(t *testing.T) {
	l, stop, args := transactionLab(t)
	reached := stop.arm(false, 2)
	first := l.Server.Start(args...)
	waitFor(t, "proof", reached)
	r := l.Run(args...)
	if r.Code != 1 || !strings.Contains(r.Stderr, "another relayhost is running: process ") {
		t.Errorf("the second: want exit code 1 and %q in stderr, got %s", "another relayhost is running: process ", r)
	}
	if r := first.Wait(); r.Code != 0 {
		t.Errorf("the first: want exit code 0, got %s", r)
	}
}

// TestLabLimits runs a setup that may write no file, or hold few open.
func TestLabLimits(t *testing.T) {
	l, _, args := transactionLab(t)
	before := l.Server.Tree(mailConfig...)
	for _, limit := range []string{"ulimit -f 0", "ulimit -f 1", "ulimit -n 8"} {
		t.Run(limit, func(t *testing.T) {
			r := l.Run("sh", "-c", limit+"; exec "+strings.Join(args, " "))
			if r.Code != 1 && r.Code != 3 || strings.Contains(r.Stderr, "goroutine") {
				t.Errorf("want exit code 1 or 3 and no %q in stderr, got %s", "goroutine", r)
			}
			asBefore(t, l, limit, before)
		})
	}
}

// TestLabHeavyMail sets up and rolls back while 500 messages wait and more
// come: each is delivered once, here or at the relay, or still queued.
func TestLabHeavyMail(t *testing.T) {
	l, _, args := transactionLab(t)
	s := l.Server
	waiting, coming := 500, 200
	if os.Getenv("LAB_FULL") == "" {
		waiting, coming = 120, 60
	}
	send := `while [ $i -lt $n ]; do printf 'Subject: lab\n\nmessage %d.\n' $i | sendmail -i -f app@example.com someone@elsewhere.example || exit 1; i=$((i+1)); done`
	s.Shell(fmt.Sprintf("i=0; n=%d; %s", waiting, send))
	mail := s.Start("sh", "-c", fmt.Sprintf("i=%d; n=%d; %s", waiting, waiting+coming, send))
	for range 2 {
		if r := l.Run(args...); r.Code != 0 {
			t.Errorf("setup: want exit code 0, got %s", r)
		}
		if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
			t.Errorf("rollback: want exit code 0, got %s", r)
		}
	}
	if r := mail.Wait(); r.Code != 0 {
		t.Errorf("sendmail: want exit code 0, got %s", r)
	}
	if r := l.Run(args...); r.Code != 0 {
		t.Errorf("setup: want exit code 0, got %s", r)
	}
	s.Flush()
	for end := time.Now().Add(time.Minute); s.Queue() != "" && time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
	}
	if q := s.Queue(); q != "" {
		t.Errorf("still queued: got\n%.2000s\nwant none", q)
	}
	// A delivery that is ended between the relay's 250 and its note comes twice.
	if strings.Contains(s.MailLog(), "killed by signal") {
		t.Errorf("deliveries that a reload has ended: got these lines, want none:\n%s", s.Shell("grep 'killed by signal' /var/log/mail.log"))
	}
	came := map[string]int{}
	for _, m := range l.World.Relay("sendgrid").Mailbox() {
		if _, text, ok := strings.Cut(string(m.Data), "\r\nmessage "); ok {
			number, _, _ := strings.Cut(text, ".")
			came[number]++
		}
	}
	for i := range waiting + coming {
		if n := came[fmt.Sprint(i)]; n != 1 {
			t.Errorf("message %d came %d times, want 1", i, n)
		}
	}
	t.Logf("%d messages, each delivered once", len(came))
}

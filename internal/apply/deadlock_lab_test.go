//go:build lab

package apply

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// doubled are parameters that every program of Postfix warns of when it starts: more
// than the socket of postlogd(8) holds, so that postlogd(8) waits for itself.
const doubled = `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do printf "lab_$i = 1\nlab_$i = 2\nmail_name = \$lab_$i\n"; done >>/etc/postfix/main.cf`

// TestLabDeadlock meets a Postfix that waits for its own log for ever: maillog_file is
// set, every program warns of duplicates in main.cf when it starts, and the socket of
// postlogd(8) is full, so that postlogd(8) waits for itself (postfix/deadlock.go). The
// change takes the duplicates out, and the rollback brings them back. Both end by
// themselves, by stop and start; Postfix runs after, and mail that was in the queue
// stays there. TestLabPostlogBlocked is the same socket with a postlogd(8) that somebody
// has stopped, which no restart of ours may kill.
func TestLabDeadlock(t *testing.T) {
	t.Parallel()
	s := newServer(t, lab.ShortLogQueue())
	if log := strings.TrimSpace(s.Shell("postconf -h maillog_file")); log == "" {
		t.Fatal("maillog_file: got none, want a log by postlogd(8)")
	}
	s.Shell("postconf -e defer_transports=local && postfix reload")
	s.SendMail("root@host.example.com", "root@host.example.com", "message 0")
	s.WaitLog("status=deferred")
	s.Shell(doubled)
	s.Shell(`timeout 5 postfix reload; timeout 5 postfix status; true`)
	if r := s.Run("timeout", "2", "postfix", "status"); r.Code != 124 {
		t.Fatalf("got a Postfix that answers, want one that hangs: %s", r)
	}
	before := s.Tree("/etc/postfix", "/etc/relayhost")
	start := time.Now()
	if r := s.drive("run", "undouble=yes"); r.Code != 0 {
		t.Fatalf("run: got %s, want success", r)
	}
	t.Logf("set up after %s", time.Since(start).Round(time.Millisecond))
	if r := s.Run("timeout", "20", "postfix", "status"); r.Code != 0 {
		t.Errorf("after the change: got %s, want success", r)
	}
	if text := s.ReadFile("/etc/postfix/main.cf"); !strings.Contains(text, nextHop) || strings.Contains(text, "lab_13 = 1") {
		t.Errorf("main.cf is\n%s\nwant %v in it and no %q in it", text, nextHop, "lab_13 = 1")
	}
	if r := s.drive("all"); r.Code != 0 {
		t.Fatalf("rollback: got %s, want success", r)
	}
	if d := before.Diff(s.Tree("/etc/postfix", "/etc/relayhost")); d != "" {
		t.Errorf("not as before: got\n%s\nwant none", d)
	}
	// From the files: with what main.cf says again, postqueue(1) may hang as well.
	if n := strings.TrimSpace(s.Shell("find /var/spool/postfix/incoming /var/spool/postfix/active /var/spool/postfix/deferred -type f | wc -l")); n != "1" {
		t.Errorf("messages in the queue: got %s, want 1", n)
	}
}

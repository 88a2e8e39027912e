//go:build lab

package lab_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestSuites holds what the other tests rely on: the release of each suite.
func TestSuites(t *testing.T) {
	for suite, version := range map[lab.Suite]string{
		lab.Bullseye: "3.5.", lab.Bookworm: "3.7.", lab.Trixie: "3.10.", lab.Sid: "3.",
	} {
		t.Run(string(suite), func(t *testing.T) {
			s := lab.New(t, lab.On(suite), lab.Postfix()).Server
			if got := s.Shell("postconf -h mail_version"); !strings.HasPrefix(got, version) {
				t.Errorf("Postfix %s, want %v at its start", got, version)
			}
			deliver(t, s)
		})
	}
}

// deliver sends a message to root and looks for it in the mailbox.
func deliver(t *testing.T, s *lab.Server) {
	t.Helper()
	s.SendMail("root@host.example.com", "root@host.example.com", "hello")
	id := s.WaitLog(`([0-9A-F]+): to=<root@host.example.com>.*status=sent \(delivered to mailbox\)`)
	if id == "" {
		t.Error("queue ID in the log: got none, want one with status=sent (delivered to mailbox)")
	}
	if got := s.ReadFile("/var/mail/root"); !strings.Contains(got, "\nhello\n") {
		t.Errorf("mailbox: got\n%s\nwant %q in it", got, "\nhello\n")
	}
	got := s.Queue() // qmgr(8) takes a message out a moment after its delivery is logged
	for end := time.Now().Add(time.Minute); got != "" && time.Now().Before(end); got = s.Queue() {
		time.Sleep(50 * time.Millisecond)
	}
	if got != "" {
		t.Errorf("still queued: got %s, want none", got)
	}
}

func TestNoLog(t *testing.T) {
	s := lab.New(t, lab.NoLog(), lab.Postfix()).Server
	s.SendMail("root@host.example.com", "root@host.example.com", "hello")
	s.Shell("for i in $(seq 100); do test -s /var/mail/root && exit; sleep .1; done; exit 1")
	if got := s.MailLog(); got != "" {
		t.Errorf("a log: got\n%s\nwant none", got)
	}
	if got := s.Shell("postconf -h maillog_file"); got != "\n" {
		t.Errorf("maillog_file = %s, want %q", got, "\n")
	}
}

func TestSystemd(t *testing.T) {
	s := lab.New(t, lab.Systemd(), lab.Postfix()).Server
	for cmd, want := range map[string]string{
		"systemctl is-system-running":                        "running\n",
		"systemctl is-active postfix@-":                      "active\n",
		"cat /proc/1/comm":                                   "systemd\n",
		"systemd-run -q --wait --pipe -p User=nobody id -un": "nobody\n",
		"systemd-run -q --wait --pipe -p SetCredential=relayhost:word sh -c 'cat $CREDENTIALS_DIRECTORY/relayhost'": "word",
		"cat /sys/class/dmi/id/sys_vendor 2>/dev/null || echo none":                                                 "none\n",
	} {
		t.Run(cmd, func(t *testing.T) {
			if got := s.Shell(cmd); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	deliver(t, s)
	if s.Exists("/var/log/mail.log") {
		t.Error("/var/log/mail.log: got a file, want none beside the journal")
	}
}

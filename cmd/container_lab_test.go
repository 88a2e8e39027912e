//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabReadOnly: where the configuration cannot be replaced, setup says so
// before it writes, and --dry-run shows the difference all the same.
func TestLabReadOnly(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	credentials(l, "sendgrid", "")
	const readOnly = " && mount -o remount,ro,bind "
	setup := remove(setupArgs(five[1], "--port", "587", "--no-probe"), "--json")
	for _, test := range []struct{ name, mount, umount, says string }{
		{"etc", "mount --bind /etc /etc" + readOnly + "/etc", "umount /etc", "-o remount,rw"},
		{"postfix", "mount --bind /etc/postfix /etc/postfix" + readOnly + "/etc/postfix", "umount /etc/postfix", "-o remount,rw"},
		{"main.cf", "cp /etc/postfix/main.cf /root/main.cf && mount --bind /root/main.cf /etc/postfix/main.cf" + readOnly + "/etc/postfix/main.cf", "umount /etc/postfix/main.cf", "mount its directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.Shell(test.mount)
			defer s.Shell(test.umount)
			res := unchangedAfter(t, l, 1, setup...)
			if !strings.Contains(flat(res.Stderr), flat(test.says)) || !strings.Contains(res.Stderr, "this server: unchanged") {
				t.Errorf("want %q and %q in stderr, got %s", test.says, "this server: unchanged", res)
			}
			if res := unchangedAfter(t, l, 0, append(setup, "--dry-run")...); !strings.Contains(res.Stdout, "+default_transport = relayhost-sendgrid:[smtp.sendgrid.net]:587") {
				t.Errorf("dry run: want %q in stdout, got %s", "+default_transport = relayhost-sendgrid:[smtp.sendgrid.net]:587", res)
			}
			if s.Exists("/var/lib/relayhost") {
				t.Error("/var/lib/relayhost is left, want it gone")
			}
		})
	}
}

// TestLabSeccomp runs the whole way where the kernel refuses what runtimes of
// containers refuse.
func TestLabSeccomp(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	credentials(l, "sendgrid", "")
	s.Install()
	setup := remove(setupArgs(five[1], "--port", "587", "--no-probe"), "--json")
	setup[0] = "/usr/local/bin/relayhost"
	before := s.Tree(mailConfig...)
	for _, calls := range []string{"setuid,setresuid", "fchown,fchownat", "flock"} {
		t.Run("without "+calls, func(t *testing.T) {
			res := unchangedAfter(t, l, 1, append(s.Restricted("EPERM", strings.Split(calls, ",")...), setup...)...)
			if !strings.Contains(flat(res.Stderr), flat("with all capabilities")) || !strings.Contains(res.Stderr, "this server: unchanged") {
				t.Errorf("without %s: want %q and %q in stderr, got %s", calls, "with all capabilities", "this server: unchanged", res)
			}
			asBefore(t, l, "without "+calls, before)
		})
	}
	// What a kernel of 2018 does not have, nor a runtime of that time allows.
	old := s.Restricted("ENOSYS", "pidfd_open", "pidfd_send_signal", "clone3", "openat2", "statx", "faccessat2", "renameat2", "inotify_init1")
	if res := l.Run(append(old, setup...)...); res.Code != 0 {
		t.Fatalf("as on an old kernel: want exit code 0, got %s", res)
	}
	if res := l.Run(append(old, "/usr/local/bin/relayhost", "rollback", "--all", "--yes")...); res.Code != 0 {
		t.Errorf("rollback as on an old kernel: want exit code 0, got %s", res)
	}
	asBefore(t, l, "rolled back", before)
}

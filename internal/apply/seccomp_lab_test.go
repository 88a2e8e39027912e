//go:build lab

package apply

import (
	"strings"
	"testing"
	"time"
)

// TestLabSeccomp has the kernel refuse system calls as runtimes of containers
// do: the run works without, or refuses before anything is changed and says what
// to do.
func TestLabSeccomp(t *testing.T) {
	t.Parallel()
	const asRoot = "with all capabilities"
	s := newServer(t)
	for _, test := range []struct{ errno, calls, says string }{ // "": works
		{"ENOSYS", "pidfd_open,pidfd_send_signal,clone3,openat2,statx,faccessat2,linkat,renameat2,listxattr,getxattr,fsetxattr,fremovexattr", ""},
		{"EPERM", "pidfd_open,pidfd_send_signal,openat2,linkat,renameat2", ""},
		{"EPERM", "fsetxattr,fremovexattr", asRoot},
		{"EPERM", "fchown,fchownat", asRoot},
		{"EACCES", "fchmod", asRoot},
		{"EPERM", "fchmodat", asRoot},
		{"EPERM", "utimensat", asRoot},
		{"EPERM", "renameat", asRoot},
		{"EPERM", "fsync", asRoot},
		{"EACCES", "mkdirat", asRoot},
		{"EPERM", "setuid,setresuid", asRoot},
		{"EPERM", "setgroups", asRoot},
		{"EPERM", "flock", asRoot},
		{"ENOSYS", "flock", asRoot},
	} {
		point := test.errno + " from " + test.calls
		t.Run(point, func(t *testing.T) {
			run := append(s.Restricted(test.errno, strings.Split(test.calls, ",")...),
				"/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret", "watch=1m")
			r := s.Run(run...)
			if want := map[bool]int{true: 0, false: 1}[test.says == ""]; r.Code != want || !strings.Contains(r.Stderr, test.says) {
				t.Errorf("want code %d and %q, got %s", want, test.says, r)
			}
			if r.Code == 0 {
				s.sound(point)
				s.must(0, "all")
			}
			s.restored(point)
			if left := s.Shell("ls -d /var/lib/relayhost 2>/dev/null; true"); left != "" {
				t.Errorf("left behind: got %s, want none", left)
			}
		})
	}
	s.delivered()

	// The watch ends a run that is late, also by its number alone.
	run := append(s.Restricted("ENOSYS", "pidfd_open"),
		"/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret", "prove=hang", "watch=1s")
	if r := s.Run(run...); r.Code != 137 || r.Took > 10*time.Second {
		t.Errorf("late: got %s, want code 137 within 10 s", r)
	}
	s.watched("late")
	s.restored("late")
}

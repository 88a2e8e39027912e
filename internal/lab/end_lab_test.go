//go:build lab

package lab_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// traces are what could be left of one server.
type traces struct {
	pids       []int
	namespaces map[string]bool
	cgroup     string // "" where it has none of its own
}

func tracesOf(t *testing.T, s *lab.Server) traces {
	t.Helper()
	left := s.Run("sh", "-c", "setsid sleep 1000 & echo")
	if left.Code != 0 {
		t.Fatalf("start a process in a session of its own: got %s\nwant exit 0", left)
	}
	tr := traces{pids: []int{s.Pid(), s.Start("sleep", "1000").Pid}, namespaces: map[string]bool{}}
	for _, kind := range []string{"net", "mnt", "pid", "uts", "ipc", "cgroup"} {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", s.Pid(), kind))
		if err != nil {
			t.Fatal(err)
		}
		if own, err := os.Readlink("/proc/self/ns/" + kind); err != nil || own == ns {
			t.Fatalf("%s namespace: got %q on the server, %q in this process and the error %v, want two and no error", kind, ns, own, err)
		}
		tr.namespaces[ns] = true
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", s.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	if _, after, ok := strings.Cut(string(groups), "relayhost-lab-"); ok {
		name, _, _ := strings.Cut(after, "/")
		tr.cgroup = "relayhost-lab-" + name
	}
	return tr
}

// left lists what there is still.
func (tr traces) left(t *testing.T) []string {
	t.Helper()
	var left []string
	for _, pid := range tr.pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			left = append(left, fmt.Sprintf("process %d: %v", pid, err))
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if ns, err := os.Readlink(l); err == nil && tr.namespaces[ns] {
			left = append(left, l+" -> "+ns)
		}
	}
	if tr.cgroup == "" {
		return left
	}
	err = filepath.WalkDir("/sys/fs/cgroup", func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == tr.cgroup {
			left = append(left, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// own lists this process's mounts, and its descriptors of namespaces and
// tunnels.
func own(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	list := string(mounts)
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err == nil && (strings.HasPrefix(to, "net:") || strings.Contains(to, "pidfd") || strings.HasPrefix(to, "/dev/net")) {
			list += to + "\n"
		}
	}
	return list
}

// devices lists the machine's device files, as a server that shared them could
// change them.
func devices(t *testing.T) string {
	t.Helper()
	var list strings.Builder
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty", "ptmx", "net/tun"} {
		fi, err := os.Stat("/dev/" + name)
		if err != nil {
			t.Fatal(err)
		}
		st := fi.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&list, "%s %s %d:%d\n", name, fi.Mode(), st.Uid, st.Gid)
	}
	return list.String()
}

// TestDevicesAreTheServersOwn holds that nothing a server does to its device
// files reaches the machine's. (systemd once gave the console, and by a bind
// mount the machine's /dev/null, to the group tty.)
func TestDevicesAreTheServersOwn(t *testing.T) {
	was := devices(t)
	s := lab.New(t, lab.Systemd(), lab.Postfix()).Server
	s.Shell("cd /dev && chmod 640 null zero full random urandom tty console && chown 7:8 null zero full random urandom tty console")
	if is := devices(t); is != was {
		t.Errorf("the machine's devices: got\n%s\nwant\n%s", is, was)
	}
	b := lab.New(t, lab.NoPostfix()).Server
	if r := b.RunAs(1000, "sh", "-c", "echo >/dev/null && head -c 3 /dev/zero >/dev/full"); !strings.Contains(r.Stderr, "No space") {
		t.Errorf("user 1000 writes to /dev/null and /dev/full: got %s\nwant %q in stderr", r, "No space")
	}
}

// TestMachineIsOutOfReach tries what root could do to the machine.
func TestMachineIsOutOfReach(t *testing.T) {
	s := lab.New(t).Server
	for cmd, want := range map[string]string{
		"date -s @$(date +%s)":                   "Operation not permitted",
		"echo 1 > /proc/sys/net/ipv4/ip_forward": "Read-only file system",
		"dmesg":                                  "",
	} {
		t.Run(cmd, func(t *testing.T) {
			if r := s.Run("sh", "-c", cmd); r.Code == 0 || !strings.Contains(r.Stderr, want) {
				t.Errorf("got %s\nwant a failure, and %q in stderr", r, want)
			}
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	was := own(t)
	var all []traces
	t.Run("labs", func(t *testing.T) {
		for _, o := range [][]lab.Option{{lab.Postfix()}, {lab.Systemd(), lab.Postfix()}, {lab.NoPostfix()}} {
			tr := tracesOf(t, lab.New(t, o...).Server)
			if left := tr.left(t); len(left) < 8 {
				t.Errorf("traces of a server that runs: got\n%s\nwant 8 lines or more", strings.Join(left, "\n"))
			}
			all = append(all, tr)
		}
		if all[1].cgroup == "" || own(t) == was {
			t.Errorf("while labs run: got cgroup %q for the server with systemd, want one, and other mounts and descriptors than before:\n%s", all[1].cgroup, was)
		}
	})
	if is := own(t); is != was {
		t.Errorf("mounts and descriptors after the labs: got\n%s\nwant those of before:\n%s", is, was)
	}
	for _, tr := range all {
		if left := tr.left(t); len(left) > 0 {
			t.Errorf("left behind by a server: got\n%s\nwant none", strings.Join(left, "\n"))
		}
	}
}

// crash is what the test below runs as a process of its own.
const crash = "RELAYHOST_LAB_TEST_CRASH"

// TestCrashes kills a test process, lets one panic, and lets one fail.
func TestCrashes(t *testing.T) {
	if how := os.Getenv(crash); how != "" {
		l := lab.New(t)
		fmt.Printf("pid %d\n", l.Server.Pid())
		switch how {
		case "panic":
			panic("as asked")
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		t.FailNow()
	}
	for _, how := range []string{"panic", "kill", "fail"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestCrashes$")
			cmd.Env = append(os.Environ(), crash+"="+how)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("got no error, want one")
			}
			var pid int
			for _, l := range strings.Split(string(out), "\n") {
				_, _ = fmt.Sscanf(l, "pid %d", &pid)
			}
			if pid == 0 {
				t.Fatalf("got\n%s\nwant a line with the pid of the lab's PID 1 in it", out)
			}
			for end := time.Now().Add(5 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("PID 1 of the lab (%d): got it alive after 5 s, want it gone", pid)
				}
			}
		})
	}
}

// TestSideBySide runs labs at once that use the same addresses.
func TestSideBySide(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			l := lab.New(t, lab.Postfix())
			banner := fmt.Sprintf("220 lab %d\r\n", i)
			greet(t, l.World, mx4, banner)
			if _, said, err := try(l.Server, mx4); err != nil || said != banner {
				t.Errorf("lab %d: got %q, %v, want %q", i, said, err, banner)
			}
			deliver(t, l.Server)
		})
	}
	wg.Wait()
}

// BenchmarkNew is the time to a running server.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		lab.New(b)
	}
}

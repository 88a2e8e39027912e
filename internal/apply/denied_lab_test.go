//go:build lab

package apply

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// TestLabDenied has the kernel refuse system calls, once or from some call on, as
// seccomp, a security module, a limit or a full disk would: a run that fails
// leaves all as it was, or says that a person is needed; then the next run puts
// it right.
func TestLabDenied(t *testing.T) {
	t.Parallel()
	tried, broken, codes := 0, 0, map[int]int{}
	from := []string{"5", "25+"}
	if whole() {
		from = []string{"2", "5", "12", "30", "2+", "9+", "25+", "60+"}
	}
	for _, d := range []struct{ call, errno string }{
		{"renameat2", "EPERM"}, {"renameat", "EACCES"}, {"fsync", "EPERM"}, {"fsync", "EDQUOT"}, {"fchown", "EPERM"}, {"fchmod", "EPERM"},
		{"unlinkat", "EPERM"}, {"mkdirat", "EROFS"}, {"write", "ENOSPC"}, {"flock", "ENOLCK"}, {"clone", "EAGAIN"}, {"execve", "ENOMEM"}, {"openat", "EMFILE"},
	} {
		for _, when := range from {
			point := fmt.Sprintf("%s from call %s on: %s", d.call, when, d.errno)
			if !t.Run(point, func(t *testing.T) {
				tr := newTree(t)
				before := tr.print()
				driver := tr.driver("run", "prove=fail")
				args := append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + d.call,
					"-e", fmt.Sprintf("inject=%s:error=%s:when=%s", d.call, d.errno, when)}, driver.Args...)
				cmd := exec.CommandContext(t.Context(), "strace", args...)
				out, _ := cmd.CombinedOutput()
				code := cmd.ProcessState.ExitCode()
				if code == 2 || code < 0 { // the runtime itself gets nothing: no better than killed
					codes[2]++
				} else {
					codes[code]++
				}
				tr.whole(tried)
				if code == 0 {
					t.Errorf("the proof failed: got a run that succeeds, want one that fails: %s", out)
				}
				if now := tr.print(); code == 3 && now != before {
					t.Errorf("it says that all is as before (%s): got\n%s\nwant\n%s", out, now, before)
				}
				mustDrive(t, tr.driver("recover"), 0)
				mustDrive(t, tr.driver("run"), 0) // sweeps what could not be removed
				mustDrive(t, tr.driver("all"), 0)
				if now := tr.print(); now != before {
					t.Fatalf("rolled back (%s): got\n%s\nwant\n%s", out, now, before)
				}
			}) {
				broken++
			}
			tried++
		}
	}
	t.Logf("figure: %s: %d points tried, %d broken, exit codes %v", t.Name(), tried, broken, codes)
	if codes[1] < 5*len(from)/2 || codes[3] == 0 {
		t.Errorf("got the exit codes %v, want some of a fault that hit", codes)
	}
}

// TestLabKilledRemoving kills a run that undoes itself at each name that it
// removes, those of its journal included: half a journal stops nobody.
func TestLabKilledRemoving(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	before := tr.print()
	killed := 0
	for n := 1; ; n++ {
		driver := tr.driver("run", "prove=fail")
		args := append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=unlinkat",
			"-e", fmt.Sprintf("inject=unlinkat:signal=SIGKILL:when=%d", n)}, driver.Args...)
		cmd := exec.CommandContext(t.Context(), "strace", args...)
		_ = cmd.Run()
		if cmd.ProcessState.ExitCode() == 3 {
			break
		}
		killed++
		mustDrive(t, tr.driver("recover"), 0)
		if now := tr.print(); now != before {
			t.Fatalf("killed at removal %d: got\n%s\nwant\n%s", n, now, before)
		}
	}
	t.Logf("figure: %s: %d points tried, 0 broken", t.Name(), killed)
	// strace counts the calls of each thread by itself, and Go spreads them.
	if killed < 8 {
		t.Errorf("only %d points, want at least 8", killed)
	}
}

// TestLabMemory gives a run and its children less and less memory.
func TestLabMemory(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	codes := map[int]int{}
	for _, mib := range []int{16, 64, 256, 1024, 4096} {
		point := fmt.Sprintf("%d MiB", mib)
		r := s.Run("prlimit", fmt.Sprintf("--as=%d", mib<<20), "/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret")
		codes[r.Code]++
		s.sound(point)
		if r.Code == 1 {
			s.restored(point)
		}
		s.must(0, "all")
		s.restored(point + ", rolled back")
	}
	s.delivered()
	if codes[0] == 0 || len(codes) == 1 {
		t.Errorf("got the exit codes %v, want some of a limit that was met", codes)
	}
}

// TestLabLabels: what is replaced keeps its security label, compiled maps and
// secrets included, on the way there and back.
func TestLabLabels(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.run("zero")
	label := func(path, value string) {
		t.Helper()
		if err := unix.Setxattr(tr.h.Real(path), "security.selinux", []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"/etc/postfix/main.cf": "system_u:object_r:postfix_etc_t:s0\x00", "/etc/postfix/master.cf": "system_u:object_r:etc_t:s0\x00",
		"/etc/postfix/sasl_passwd": "unconfined_u:object_r:lab_secret_t:s0\x00", "/etc/postfix/sasl_passwd.db": "unconfined_u:object_r:lab_map_t:s0\x00",
	}
	for path, value := range want {
		label(path, value)
	}
	kept := func(when string) {
		t.Helper()
		for path, value := range want {
			attrs, err := tr.h.Xattrs(path)
			if err != nil || string(attrs["security.selinux"]) != value {
				t.Errorf("%s: %s: got the label %q and the error %v, want %q and no error", when, path, attrs["security.selinux"], err, value)
			}
		}
	}
	if _, err := Run(t.Context(), tr.h, tr.change("one", "other"), tr.o); err != nil {
		t.Fatal(err)
	}
	kept("changed")
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
		t.Fatal(err)
	}
	kept("rolled back")
}

// TestLabProofLogLabel: the log for the proof has its label before Postfix is
// told of it, is root's alone, and goes with the journal.
func TestLabProofLogLabel(t *testing.T) {
	t.Parallel()
	const label = "system_u:object_r:postfix_data_t:s0\x00"
	tr := overrideTree(t, func(*tree) error { return nil })
	tr.write("/etc/postfix/main.cf", mainBefore, 0o644)
	tr.o.ProofLogLabel = strings.TrimRight(label, "\x00")
	seen := 0
	reload := tr.o.Reload
	tr.o.Reload = func(ctx context.Context) error {
		if seen++; seen == 1 {
			attrs, err := tr.h.Xattrs(ProofLog(tr.o))
			m, statErr := tr.h.Stat(ProofLog(tr.o))
			if err != nil || statErr != nil || strings.TrimRight(string(attrs[host.SELinuxXattr]), "\x00") != tr.o.ProofLogLabel || m.Mode.Perm() != 0o600 {
				t.Errorf("when Postfix is reloaded: got the label %q, mode %v and the errors %v and %v, want %q, 0600 and no error", attrs[host.SELinuxXattr], m.Mode, err, statErr, tr.o.ProofLogLabel)
			}
		}
		return reload(ctx)
	}
	if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.h.Stat("/var/lib/relayhost/in-progress"); err == nil || seen != 2 {
		t.Errorf("%d reloads, what was in progress: %v, want 2", seen, err)
	}
}

//go:build unix

package bridge

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNotRoot: no number of the process is root's, the one that it could take again
// neither.
func TestNotRoot(t *testing.T) {
	for _, row := range []struct {
		real, effective, saved int
		want                   bool
	}{{990, 990, 990, true}, {0, 0, 0, false}, {990, 0, 0, false}, {0, 990, 990, false}, {990, 990, 0, false}} {
		t.Run(fmt.Sprintf("real %d, effective %d, saved %d", row.real, row.effective, row.saved), func(t *testing.T) {
			if err := notRoot(row.real, row.effective, row.saved); (err == nil) != row.want {
				t.Errorf("got %v, want it to run: %t", err, row.want)
			}
		})
	}
}

// TestHarden: a bridge cannot gain privileges, writes no core, and has few files and
// little memory.
func TestHarden(t *testing.T) {
	if os.Getenv("BRIDGE_HARDENED") == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHarden$", "-test.v")
		child.Env = append(os.Environ(), "BRIDGE_HARDENED=1")
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestHarden") {
			t.Errorf("hardened process: got %v\n%s\nwant no error and %q in it", err, out, "--- PASS: TestHarden")
		}
		return
	}
	runtime.LockOSThread() // linked with C, one thread alone gives privileges up
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 {
		if err := harden(memoryLimit, openFiles); err == nil {
			t.Error("harden as root: got no error, want one")
		}
		if err := syscall.Setuid(65534); err != nil {
			t.Fatal(err)
		}
	}
	if err := harden(memoryLimit, openFiles); err != nil {
		t.Fatal(err)
	}
	if got, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || got != 1 {
		t.Errorf("no new privileges: got %d, %v, want 1", got, err)
	}
	if got, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || got != 0 {
		t.Errorf("dumpable: got %d, %v, want 0", got, err)
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Cur != openFiles || files.Max != openFiles {
		t.Errorf("open files: got %+v, %v, want %d", files, err, openFiles)
	}
	if got := debug.SetMemoryLimit(-1); got != memoryLimit {
		t.Errorf("memory: got %d bytes, want %d", got, memoryLimit)
	}
}

// TestRun: a process on the socket of spawn(8) says on it why it does not go on, and
// nothing anywhere else; as root it reads no configuration.
func TestRun(t *testing.T) {
	if as := os.Getenv("BRIDGE_RUN_AS"); as != "" {
		if as == "user" && os.Geteuid() == 0 {
			if err := syscall.Setuid(65534); err != nil {
				t.Fatal(err)
			}
		}
		if err := Run(t.Context(), "/nonexistent", "m365"); err != nil {
			t.Fatal(err)
		}
		return
	}
	const missing = "421 4.3.5 relayhost: /nonexistent/m365.conf: no such file or directory\r\n"
	asStarted := missing
	if os.Geteuid() == 0 {
		asStarted = "421 4.3.5 relayhost: bridge m365: does not run as root\r\n"
	}
	for _, row := range []struct{ as, want string }{{"user", missing}, {"whoever tests", asStarted}} {
		t.Run(row.as, func(t *testing.T) {
			ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
			defer ours.Close()
			conn, err := net.FileConn(ours)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRun$")
			child.Env = append(os.Environ(), "BRIDGE_RUN_AS="+row.as)
			child.Stdin, child.Stdout, child.Stderr = theirs, theirs, theirs
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			_ = theirs.Close()
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			said, err := io.ReadAll(conn)
			if ended := child.Wait(); ended != nil || err != nil || string(said) != row.want {
				t.Errorf("got %q, %v, and the process ended with %v; want %q and nothing wrong", said, err, ended, row.want)
			}
		})
	}
}

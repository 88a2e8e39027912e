package apply

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/host"
)

// A run is killed at each of its changes to the machine, then at each change
// of the rollback: the texts are the old or the new ones, nobody else can read
// the secret, and the next run repairs what is left.
func TestKilledAtEveryChange(t *testing.T) {
	for _, verb := range []string{"run", "all"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			old := tr.print()
			if verb == "all" {
				mustDrive(t, tr.driver("run"), 0)
			}
			tried, step := 0, every(1, 7)
			for n := 1; ; n += step {
				code := driveCode(t, tr.driver(verb, "kill="+strconv.Itoa(n)))
				if code == 0 {
					break
				}
				if code != -1 {
					t.Fatalf("change %d: exit code %d, want -1", n, code)
				}
				tried++
				tr.whole(n)
				mustDrive(t, tr.driver("recover"), 0)
				if n > 1 {
					tr.clean(n)
				}
				if verb == "all" {
					mustDrive(t, tr.driver("run"), 0)
				} else {
					mustDrive(t, tr.driver("all"), 0)
					if now := tr.print(); now != old {
						t.Fatalf("killed at change %d, recovered and rolled back: got\n%s\nwant\n%s", n, now, old)
					}
				}
			}
			t.Logf("%d points tried, 0 broken", tried)
			if tried < 50/step {
				t.Errorf("only %d points, want at least %d", tried, 50/step)
			}
		})
	}
}

// whole wants each text to be the old or the new one, and secrets to be closed.
func (tr *tree) whole(n int) {
	tr.t.Helper()
	text := tr.read("/etc/postfix/main.cf")
	if strings.Contains(text, ProofLog(tr.o)) && strings.HasPrefix(text, mainAfter) {
		text = mainAfter // and the log of the proof
	}
	if text != mainBefore && text != mainAfter {
		tr.t.Errorf("change %d: main.cf: got %q, want the old or the new text", n, text)
	}
	if text == mainAfter {
		for _, path := range []string{"/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db"} {
			if !strings.Contains(tr.read(path), "user:one") {
				tr.t.Errorf("change %d: main.cf is new: got no %s, want it there", n, path)
			}
		}
	}
	out, err := exec.CommandContext(tr.t.Context(), "grep", "-rlZ", "user:one", tr.h.Root).Output()
	if err != nil && len(out) > 0 {
		tr.t.Fatal(err)
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			tr.t.Errorf("change %d: %s: got a mode that others can read (%v), want none", n, name, err)
		}
	}
}

// clean wants no temporary file to be left.
func (tr *tree) clean(n int) {
	tr.t.Helper()
	if text := tr.print(); strings.Contains(text, ".relayhost.") {
		tr.t.Errorf("change %d: got these left behind, want none:\n%s", n, text)
	}
}

// The watchdog puts everything back when the run is killed, and when
// it does not end.
func TestWatch(t *testing.T) {
	for name, test := range map[string]struct {
		deadline string
		kill     bool
	}{
		"killed": {"1m", true},
		"late":   {"500ms", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			old := tr.print()
			cmd := tr.hang("watch=" + test.deadline)
			if got := tr.read("/etc/postfix/main.cf"); test.kill && got != mainAfter {
				t.Errorf("during the proof main.cf is %q, want %q", got, mainAfter)
			}
			if test.kill {
				_, err := Run(t.Context(), tr.h, tr.plan("two"), tr.o)
				var held *Locked
				if !errors.As(err, &held) || held.PID != cmd.Process.Pid || held.Since.IsZero() {
					t.Errorf("a second run: got the error %v, want that process %d holds the lock, and since when", err, cmd.Process.Pid)
				}
				_ = cmd.Process.Kill()
			}
			start := time.Now()
			_ = cmd.Wait()
			// The note comes last; a look at files that are being put back would
			// miss some.
			for time.Since(start) < 5*time.Second {
				if u, err := LastUndone(&tr.h.Reader, tr.o); err == nil && u != nil {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if now := tr.print(); now != old {
				t.Fatalf("after 5 s: got\n%s\nwant\n%s", now, old)
			}
			// The lock is free as soon as the watch has ended.
			if undone, err := Recover(t.Context(), tr.h, tr.o); undone || err != nil {
				t.Errorf("recover after the watch: got undone %v and the error %v, want false and no error", undone, err)
			}
			u, err := LastUndone(&tr.h.Reader, tr.o)
			if err != nil || u == nil || u.By != byWatch {
				t.Errorf("the note: got %+v and the error %v, want one by %q and no error", u, err, byWatch)
			}
		})
	}
}

// A run that is interrupted rolls back, also when the signal comes twice.
func TestInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			tr := newTree(t)
			old := tr.print()
			cmd := tr.hang("watch=1m")
			for range 2 {
				_ = cmd.Process.Signal(sig)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("%v: exit code %d, want 130", sig, code)
			}
			if now := tr.print(); now != old {
				t.Errorf("%v: got\n%s\nwant\n%s", sig, now, old)
			}
			if _, err := tr.h.Lstat(tr.o.StateDir); err == nil {
				t.Errorf("%v: got the state directory left, want it gone", sig)
			}
		})
	}
}

// hang starts a run whose proof does not end, and waits for that.
func (tr *tree) hang(args ...string) *exec.Cmd {
	tr.t.Helper()
	cmd := tr.driver("run", append(args, "prove=hang")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		tr.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tr.t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 10)); err != nil {
		tr.t.Fatal(err)
	}
	return cmd
}

func mustDrive(t *testing.T, cmd *exec.Cmd, want int) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("%v: exit code %d, %v: %s, want %d", cmd.Args[2:], code, err, out, want)
	}
}

func driveCode(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	_, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// The undoing of a killed run is killed too, at each of its changes; the run
// after that finishes it.
func TestKilledWhileRecovering(t *testing.T) {
	tr := newTree(t)
	old := tr.print()
	tried, step := 0, every(1, 5)
	for n := 1; ; n += step {
		cmd := tr.hang()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		code := driveCode(t, tr.driver("recover", "kill="+strconv.Itoa(n)))
		tr.whole(n)
		mustDrive(t, tr.driver("recover"), 0)
		if now := tr.print(); now != old {
			t.Fatalf("killed at change %d of the undoing: got\n%s\nwant\n%s", n, now, old)
		}
		if code == 0 {
			break
		}
		tried++
	}
	t.Logf("%d points tried, 0 broken", tried)
	if tried < 20/step {
		t.Errorf("only %d points, want at least %d", tried, 20/step)
	}
}

// A signal that comes at a change rolls back, or is too late.
func TestInterruptedAtChanges(t *testing.T) {
	rolledBack, step := 0, every(3, 11)
	for n := 1; ; n += step {
		tr := newTree(t)
		old := tr.print()
		ctx, cancel := context.WithCancel(t.Context())
		ops := 0
		tr.h.Before = func(host.Op) error {
			if ops++; ops == n {
				cancel()
			}
			return nil
		}
		_, err := Run(ctx, tr.h, tr.plan("one"), tr.o)
		cancel()
		if err == nil {
			if got := tr.read("/etc/postfix/main.cf"); got != mainAfter {
				t.Errorf("change %d: done, but main.cf is %q, want %q", n, got, mainAfter)
			}
			if ops < n {
				break
			}
			continue
		}
		rolledBack++
		if now := tr.print(); now != old {
			t.Errorf("interrupted at change %d (%v): got\n%s\nwant\n%s", n, err, now, old)
		}
		if _, err := tr.h.Lstat(tr.o.StateDir); err == nil {
			t.Errorf("interrupted at change %d: got the state directory left, want it gone", n)
		}
	}
	t.Logf("%d times rolled back", rolledBack)
	if rolledBack < 90/step {
		t.Errorf("only %d times rolled back, want at least %d", rolledBack, 90/step)
	}
}

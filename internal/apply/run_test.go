package apply

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"relayhost/internal/host"
)

func TestRunAndRollBack(t *testing.T) {
	tr := newTree(t)
	before := tr.print()
	rec, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.read("/etc/postfix/main.cf"); got != mainAfter {
		t.Errorf("main.cf is %q, want %q", got, mainAfter)
	}
	for _, path := range []string{"/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db"} {
		m, err := tr.h.Lstat(path)
		if err != nil || m.Mode.Perm() != 0o600 {
			t.Errorf("%s: got mode %v and the error %v, want 0600 and no error", path, m.Mode, err)
		}
	}
	past, err := History(&tr.h.Reader, tr.o)
	if err != nil || len(past) != 1 || past[0].ID != rec.ID || len(past[0].Files) != 5 {
		t.Fatalf("history: got %+v and the error %v, want one change, %s, of 5 files, and no error", past, err, rec.ID)
	}
	tr.write(tr.o.StateDir+"/verification.json", "{}", 0o600) // others keep notes there too
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
		t.Fatal(err)
	}
	if after := tr.print(); after != before {
		t.Errorf("after rolling back:\n%swant\n%s", after, before)
	}
	if _, err := tr.h.Lstat(tr.o.StateDir); err == nil {
		t.Error("got the state directory still there, want it gone")
	}
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); !errors.Is(err, ErrNothing) {
		t.Errorf("second rollback: got %v, want %v", err, ErrNothing)
	}
}

// Each change to the machine fails once; each time the host must be as before,
// or completely changed.
func TestEveryChangeFails(t *testing.T) {
	for fault, step := range map[error]int{syscall.EIO: every(1, 7), syscall.ENOSPC: every(7, 23)} {
		t.Run(fault.Error(), func(t *testing.T) {
			tried := 0
			for n := 1; ; n += step {
				tr := newTree(t)
				before := tr.print()
				ops := 0
				tr.h.Before = func(host.Op) error {
					if ops++; ops == n {
						return fault
					}
					return nil
				}
				_, err := Run(context.Background(), tr.h, tr.plan("one"), tr.o)
				if ops < n {
					break
				}
				tried++
				tr.h.Before = nil
				if _, err := Recover(t.Context(), tr.h, tr.o); err != nil {
					t.Fatalf("change %d: recover: got the error %v, want none", n, err)
				}
				if after := tr.print(); err != nil && after != before {
					t.Errorf("change %d failed (%v), the tree is\n%s\nwant\n%s", n, err, after, before)
				}
				if err == nil {
					if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
						t.Fatalf("change %d: roll back: got the error %v, want none", n, err)
					}
					if after := tr.print(); after != before {
						t.Errorf("change %d, rolled back: got\n%s\nwant\n%s", n, after, before)
					}
				}
			}
			t.Logf("%v: %d points tried", fault, tried)
			if tried < 100/step {
				t.Errorf("only %d points, want at least %d", tried, 100/step)
			}
		})
	}
}

// Each change to the machine that a rollback makes fails once: the host stays
// changed, or is as before, and the next rollback is complete.
func TestEveryChangeOfARollbackFails(t *testing.T) {
	for fault, step := range map[error]int{syscall.ENOSPC: every(1, 7), syscall.EIO: every(5, 23)} {
		t.Run(fault.Error(), func(t *testing.T) {
			tr := newTree(t)
			before := tr.print()
			tried := 0
			for n := 1; ; n += step {
				tr.run("one")
				changed := tr.print()
				ops := 0
				tr.h.Before = func(host.Op) error {
					if ops++; ops == n {
						return fault
					}
					return nil
				}
				_, err := RollBackAll(t.Context(), tr.h, tr.o)
				tr.h.Before = nil
				if _, err := Recover(t.Context(), tr.h, tr.o); err != nil {
					t.Fatalf("change %d: recover: got the error %v, want none", n, err)
				}
				if now := tr.print(); err != nil && now != changed || err == nil && now != before {
					t.Errorf("change %d failed (%v), the tree is\n%s\nwant\n%s", n, err, now, changed)
				}
				if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil && !errors.Is(err, ErrNothing) {
					t.Fatalf("change %d: once more: got the error %v, want none", n, err)
				}
				if now := tr.print(); now != before {
					t.Fatalf("change %d, once more: got\n%s\nwant\n%s", n, now, before)
				}
				if ops < n {
					break
				}
				tried++
			}
			t.Logf("%v: %d points tried", fault, tried)
			if tried < 50/step {
				t.Errorf("only %d points, want at least %d", tried, 50/step)
			}
		})
	}
}

package apply

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// overrideTree is a tree whose runs have other parameters for the proof, and call
// during in it.
func overrideTree(t *testing.T, during func(tr *tree) error) *tree {
	tr := newTree(t)
	tr.o.Override = map[string]string{"maillog_file": ProofLog(tr.o), "myhostname": "proof.example.com"}
	tr.o.Prove = func(context.Context) error {
		tr.logs = append(tr.logs, "proof")
		tr.write(ProofLog(tr.o), "a line\n", 0o644)
		return during(tr)
	}
	return tr
}

// logging wants main.cf to be that of the proof: as planned but for the log.
func (tr *tree) logging() {
	tr.t.Helper()
	main, err := postfix.ParseMain([]byte(tr.read("/etc/postfix/main.cf")))
	if err != nil {
		tr.t.Fatal(err)
	}
	planned, _ := postfix.ParseMain([]byte(mainAfter))
	want := planned.Values()
	want["maillog_file"], want["myhostname"] = "/var/lib/relayhost/in-progress/mail.log", "proof.example.com"
	for name, value := range main.Values() {
		if want[name] != value {
			tr.t.Errorf("during the proof %s is %q, want %q", name, value, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		tr.t.Errorf("during the proof main.cf lacks %v", want)
	}
}

// The log of the proof is there while it runs, and main.cf is as planned after
// it, also when the plan leaves main.cf alone.
func TestProofLog(t *testing.T) {
	tr := overrideTree(t, func(tr *tree) error { tr.logging(); return nil })
	tr.write("/etc/postfix/main.cf", mainBefore, 0o644)
	before := tr.print()
	if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tr.logs, " "); got != "reload proof reload" {
		t.Errorf("Postfix was told: got %s, want %q", got, "reload proof reload")
	}
	old, err := tr.h.Stat("/etc/postfix/main.cf")
	if err != nil || tr.read("/etc/postfix/main.cf") != mainAfter {
		t.Fatalf("main.cf is %q, %v, want %q", tr.read("/etc/postfix/main.cf"), err, mainAfter)
	}
	rec, err := Run(t.Context(), tr.h, tr.plan("two"), tr.o)
	if err != nil {
		t.Fatal(err)
	}
	now, err := tr.h.Stat("/etc/postfix/main.cf")
	if err != nil || tr.read("/etc/postfix/main.cf") != mainAfter || !now.Mtime.Equal(old.Mtime) {
		t.Errorf("a new password: main.cf is %q of %v, was of %v, %v, want %q", tr.read("/etc/postfix/main.cf"), now.Mtime, old.Mtime, err, mainAfter)
	}
	for _, f := range rec.Files {
		if f.Path == "/etc/postfix/main.cf" {
			t.Errorf("a new password: got %+v in the record, want no main.cf there", f)
		}
	}
	for _, id := range []string{"", rec.ID} {
		names, _ := tr.h.ReadDir("/var/lib/relayhost/history/" + id)
		for _, name := range names {
			if name == proofLogName || strings.Contains(name, "trial") {
				t.Errorf("history has %s, want anything but %s and no %q in it", name, proofLogName, "trial")
			}
		}
	}
	tr.o.Prove = nil
	if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil {
		t.Fatal(err)
	}
	if after := tr.print(); after != before {
		t.Errorf("rolled back:\n%swant\n%s", after, before)
	}
}

// A proof that fails puts back what was there; what somebody has written into
// the text for the proof stays, whether it fails or not.
func TestProofLogFails(t *testing.T) {
	refused := errors.New("the relay said 535")
	const edit = "# somebody's\nmail_name = Edited\n"
	for name, test := range map[string]struct {
		edit string
		err  error
	}{
		"fails": {"", refused}, "fails and edited": {edit, refused}, "edited": {edit, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tr := overrideTree(t, func(tr *tree) error {
				tr.write("/etc/postfix/main.cf", test.edit+tr.read("/etc/postfix/main.cf"), 0o644)
				return test.err
			})
			_, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
			if err == nil || test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("got the error %v, want one (%v, unless <nil>)", err, test.err)
			}
			if got := tr.read("/etc/postfix/main.cf"); got != test.edit+mainBefore {
				t.Errorf("main.cf is %q, want %q", got, test.edit+mainBefore)
			}
			if _, err := tr.h.Lstat(tr.o.StateDir); err == nil {
				t.Error("got the state directory left, want it gone")
			}
		})
	}
}

// A failed proof that is kept keeps what was planned.
func TestProofLogKept(t *testing.T) {
	tr := overrideTree(t, func(*tree) error { return errors.New("no answer") })
	tr.o.KeepOnFailure = true
	_, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
	var proof *ProofFailed
	if !errors.As(err, &proof) || !proof.Kept || tr.read("/etc/postfix/main.cf") != mainAfter {
		t.Errorf("%v, main.cf is %q, want %q", err, tr.read("/etc/postfix/main.cf"), mainAfter)
	}
}

// Nothing to do stays nothing to do.
func TestProofLogUnchanged(t *testing.T) {
	tr := overrideTree(t, func(*tree) error { return nil })
	if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); err != nil {
		t.Fatal(err)
	}
	tr.logs = nil
	rec, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
	if err != nil || rec.ID != "" || len(tr.logs) > 0 {
		t.Errorf("a second run: got change %q, the error %v and the reports %q, want none of them", rec.ID, err, tr.logs)
	}
	p := tr.plan("one")
	p.Files = []plan.File{}
	if rec, err := Run(t.Context(), tr.h, p, tr.o); err != nil || rec.ID != "" {
		t.Errorf("no files: got change %q and the error %v, want neither", rec.ID, err)
	}
}

// A run with a log of its own is killed at each of its changes, and the undoing
// of a killed one as well.
func TestProofLogKilledAtEveryChange(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	old := tr.print()
	tried, step := 0, every(4, 15)
	if os.Getenv("LAB_FULL") != "" {
		step = 1
	}
	for n := 1; ; n += step {
		code := driveCode(t, tr.driver("run", "trial=1", "kill="+strconv.Itoa(n)))
		if code == 0 {
			break
		}
		tried++
		tr.whole(n)
		_ = driveCode(t, tr.driver("recover", "kill="+strconv.Itoa(1+n%20)))
		mustDrive(t, tr.driver("recover"), 0)
		mustDrive(t, tr.driver("all"), 0)
		if now := tr.print(); now != old {
			t.Fatalf("killed at change %d: got\n%s\nwant\n%s", n, now, old)
		}
	}
	t.Logf("%d points tried, 0 broken", tried)
	if tried < 60/step {
		t.Errorf("only %d points, want at least %d", tried, 60/step)
	}
}

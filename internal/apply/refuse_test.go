package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/secret"
)

func TestStalePlan(t *testing.T) {
	for name, edit := range map[string]func(*tree){
		"changed":  func(tr *tree) { tr.write("/etc/postfix/main.cf", mainBefore+"# theirs\n", 0o644) },
		"appeared": func(tr *tree) { tr.write("/etc/postfix/sasl_passwd", "x y:z\n", 0o600) },
		"removed":  func(tr *tree) { _ = os.Remove(tr.h.Real("/etc/postfix/master.cf")) },
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t)
			p := tr.plan("one")
			edit(tr)
			before := tr.print()
			if _, err := Run(t.Context(), tr.h, p, tr.o); !errors.Is(err, ErrStale) {
				t.Errorf("got %v, want %v", err, ErrStale)
			}
			if after := tr.print(); after != before {
				t.Errorf("changed: got\n%s\nwant\n%s", after, before)
			}
		})
	}
}

// An editor writes main.cf after the plan was checked and before its rename.
func TestEditedInBetween(t *testing.T) {
	tr := newTree(t)
	theirs := mainBefore + "# theirs\n"
	tr.h.Before = func(op host.Op) error {
		if op.Name == host.OpRename && op.Path == "/etc/postfix/main.cf" {
			tr.write("/etc/postfix/main.cf", theirs, 0o644)
		}
		return nil
	}
	if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); !errors.Is(err, host.ErrChanged) {
		t.Errorf("got %v, want %v", err, host.ErrChanged)
	}
	if got := tr.read("/etc/postfix/main.cf"); got != theirs {
		t.Errorf("main.cf is %q, want %q", got, theirs)
	}
	if names, _ := tr.h.ReadDir("/etc/postfix"); len(names) != 2 {
		t.Errorf("got %v left behind, want none", names)
	}
}

func TestProofFails(t *testing.T) {
	lost := errors.New("the relay said 535")
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep %v", keep), func(t *testing.T) {
			tr := newTree(t)
			before := tr.print()
			tr.o.KeepOnFailure = keep
			tr.o.Prove = func(context.Context) error {
				tr.logs = append(tr.logs, "prove")
				return lost
			}
			rec, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
			var proof *ProofFailed
			if !errors.As(err, &proof) || proof.Kept != keep || !errors.Is(err, lost) {
				t.Fatalf("keep %v: got %v, want %v", keep, err, lost)
			}
			want := map[bool]string{false: "[reload prove reload reload]", true: "[reload prove]"}[keep]
			if fmt.Sprint(tr.logs) != want {
				t.Errorf("keep %v: %v, want %v", keep, tr.logs, want)
			}
			if same := tr.print() == before; same == keep {
				t.Errorf("keep %v: got the host as before %v, want the contrary", keep, same)
			}
			if state := map[bool]string{false: RolledBack, true: Committed}[keep]; rec.State != state {
				t.Errorf("state %q, want %q", rec.State, state)
			}
		})
	}
}

func TestReloadOrLogFails(t *testing.T) {
	broken := errors.New("fatal: bad string length")
	for name, o := range map[string]func(*tree){
		"reload": func(tr *tree) {
			tr.o.Reload = func(context.Context) error {
				tr.logs = append(tr.logs, "reload")
				if len(tr.logs) == 1 {
					return broken
				}
				return nil
			}
		},
		"log": func(tr *tree) {
			tr.o.Watch = func(context.Context, string) (func(context.Context) error, error) {
				return func(context.Context) error { return broken }, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t)
			before := tr.print()
			o(tr)
			if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); !errors.Is(err, broken) {
				t.Errorf("got %v, want %v", err, broken)
			}
			if after := tr.print(); after != before || len(tr.logs) != 3 {
				t.Errorf("got %v\n%s\nwant\n%s", tr.logs, after, before)
			}
		})
	}
	tr := newTree(t)
	before := tr.print()
	tr.o.Reload = func(context.Context) error { return broken }
	_, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
	var person *Incomplete
	if !errors.As(err, &person) || !strings.Contains(err.Error(), `run "postfix reload"`) || tr.print() != before {
		t.Errorf("each reload fails: got %v, want an *Incomplete on postfix reload and the host as before", err)
	}
}

func TestMapAndConfigAreChecked(t *testing.T) {
	for name, spoil := range map[string]func(p *plan.Plan){
		"does not have what was written for": func(p *plan.Plan) {
			p.Files[1].Keys = map[string]secret.Value{"[missing.example]:587": secret.New("a:b")}
		},
		"postconf reads ": func(p *plan.Plan) {
			main := &p.Files[len(p.Files)-1]
			main.After = []byte(strings.Replace(string(main.After), "\nrelayhost = [", "\n relayhost = [", 1))
			main.After = append(main.After, "relayhost =\n  [relay.example.net]:587\n"...) // the stub knows no continuation
		},
		"cannot be compiled": func(p *plan.Plan) { p.Files[1].Map = "texthash" },
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t)
			before := tr.print()
			p := tr.plan("one")
			spoil(&p)
			if _, err := Run(t.Context(), tr.h, p, tr.o); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("want %q, got %v", name, err)
			}
			if after := tr.print(); after != before {
				t.Errorf("changed: got\n%s\nwant\n%s", after, before)
			}
		})
	}
}

// A parameter that this Postfix does not use is refused, unless main.cf had it.
func TestUnusedParameter(t *testing.T) {
	const misspelt = "relay_host = [relay.example.net]\n"
	for _, tt := range []struct{ name, had, want string }{
		{"new", "", "does not know the parameter relay_host"},
		{"there before", misspelt, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTree(t)
			tr.write("/etc/postfix/main.cf", tt.had+mainBefore, 0o644)
			before := tr.print()
			p := tr.plan("one")
			main := &p.Files[len(p.Files)-1]
			main.After = append([]byte(misspelt), strings.TrimPrefix(string(main.After), misspelt)...)
			_, err := Run(t.Context(), tr.h, p, tr.o)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got the error %v, want none", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got the error %v, want %q in it", err, tt.want)
			}
			if after := tr.print(); after != before {
				t.Errorf("changed: got\n%s\nwant\n%s", after, before)
			}
		})
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	tr := newTree(t)
	tr.run("one")
	before, told := tr.print(), len(tr.logs)
	rec, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o)
	if err != nil || rec.ID != "" || tr.print() != before || len(tr.logs) != told {
		t.Errorf("a second run: got change %q, the error %v and the reports %q, want none, no error, no other file and the first %d reports", rec.ID, err, tr.logs, told)
	}
}

// A clock that goes back a year does not turn the history round.
func TestClockGoesBack(t *testing.T) {
	tr := newTree(t)
	now := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	tr.o.Now = func() time.Time { return now }
	tr.run("one")
	now = now.AddDate(-1, 0, 0)
	second := tr.run("two")
	past, err := History(&tr.h.Reader, tr.o)
	if err != nil || len(past) != 2 || past[0].ID != second.ID || second.ID != "20251122-010203-2" {
		t.Fatalf("history: got %+v and the error %v, want 2 changes, %s first, and no error", past, err, "20251122-010203-2")
	}
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
		t.Fatal(err)
	}
	if got := tr.read("/etc/postfix/sasl_passwd"); !strings.Contains(got, "user:one") {
		t.Error("sasl_passwd: got another password, want that of the first change")
	}
}

// A damaged copy is not put back, and said.
func TestDamagedJournal(t *testing.T) {
	tr := newTree(t)
	rec := tr.run("one")
	dir := tr.o.StateDir + "/history/" + rec.ID
	names, _ := tr.h.ReadDir(dir)
	for _, name := range names {
		if strings.HasSuffix(name, ".before") {
			tr.write(dir+"/"+name, "rotten", 0o600)
		}
	}
	before := tr.print()
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("rollback from a damaged copy: got the error %v, want one with %q", err, "damaged")
	}
	if tr.print() != before {
		t.Error("the files after a rollback from a damaged copy: got changes, want none")
	}
}

func TestKeepOutOfHistory(t *testing.T) {
	tr := newTree(t)
	before := tr.print()
	p, err := plan.KeepOutOfHistory(&tr.h.Reader, tr.plan("one"))
	if err != nil || len(p.Files) != 4 {
		t.Fatalf("no repository: got %d files, %v, want 4", len(p.Files), err)
	}
	tr.mkdir("/etc/.git")
	tr.write("/etc/.gitignore", "*~", 0o600)
	p, err = plan.KeepOutOfHistory(&tr.h.Reader, tr.plan("one"))
	if err != nil || len(p.Files) != 5 || len(p.Notes) != 1 {
		t.Fatalf("in a repository: got %d files, the notes %q and the error %v, want 5, one note and no error", len(p.Files), p.Notes, err)
	}
	if _, err := Run(t.Context(), tr.h, p, tr.o); err != nil {
		t.Fatal(err)
	}
	if got := tr.read("/etc/.gitignore"); got != "*~\n/postfix/sasl_passwd*\n" {
		t.Errorf(".gitignore is %q, want %q", got, "*~\n/postfix/sasl_passwd*\n")
	}
	if again, err := plan.KeepOutOfHistory(&tr.h.Reader, tr.plan("two")); err != nil || len(again.Files) != 4 {
		t.Errorf("once more: got %d files, %v, want 4", len(again.Files), err)
	}
	if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(tr.h.Real("/etc/.git"))
	if got := tr.read("/etc/.gitignore"); got != "*~" {
		t.Errorf("rolled back, .gitignore is %q, want %q", got, "*~")
	}
	_ = os.Remove(tr.h.Real("/etc/.gitignore"))
	if after := tr.print(); after != before {
		t.Errorf("rolled back: got\n%s\nwant\n%s", after, before)
	}
}

// Each system of version control has its own file and its own way to leave one out;
// where there is none, it is said.
func TestRepositories(t *testing.T) {
	for directory, want := range map[string][2]string{
		".git": {".gitignore", "/postfix/sasl_passwd*\n"}, ".hg": {".hgignore", "re:^postfix/sasl_passwd\n"},
		".bzr": {".bzrignore", "./postfix/sasl_passwd*\n"}, "_darcs": {"", ""},
	} {
		t.Run(directory, func(t *testing.T) {
			tr := newTree(t)
			tr.mkdir("/etc/" + directory)
			p, err := plan.KeepOutOfHistory(&tr.h.Reader, tr.plan("one"))
			if err != nil || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "sasl_passwd") {
				t.Errorf("got the notes %q and the error %v, want one with %q and no error", p.Notes, err, "sasl_passwd")
			}
			if want[0] == "" {
				if len(p.Files) != 4 {
					t.Errorf("got %d files, want 4", len(p.Files))
				}
				return
			}
			if len(p.Files) != 5 {
				t.Errorf("got %d files, want 5", len(p.Files))
			} else if f := p.Files[0]; f.Path != "/etc/"+want[0] || string(f.After) != want[1] {
				t.Errorf("got %s first, of %d bytes, want %s with %q", f.Path, len(f.After), "/etc/"+want[0], want[1])
			}
		})
	}
}

// What git tracks already it goes on committing, which only a person can end.
func TestTrackedByGit(t *testing.T) {
	tr := newTree(t)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", tr.h.Real("/etc")}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: got the error %v, want none\n%s", args, err, out)
		}
	}
	git("init", "-q")
	tr.write("/etc/postfix/sasl_passwd", "x y:z\n", 0o600)
	for tracked, want := range []int{1, 2} {
		if tracked == 1 {
			git("add", "postfix/sasl_passwd")
		}
		p, err := plan.KeepOutOfHistory(&tr.h.Reader, tr.plan("one"))
		if err != nil || len(p.Notes) != want || !strings.Contains(p.Notes[want-1], "sasl_passwd") {
			t.Fatalf("tracked %d: got the notes %q and the error %v, want %d, the last with %q, and no error", tracked, p.Notes, err, want, "sasl_passwd")
		}
		if want == 2 && !strings.Contains(p.Notes[1], "git -C /etc rm --cached postfix/sasl_passwd") {
			t.Errorf("a table that git tracks: got the notes %q, want %q in the second", p.Notes, "git -C /etc rm --cached postfix/sasl_passwd")
		}
	}
}

// merge undoes one side's edits and keeps the other's.
func FuzzMerge(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n")
	f.Add("", "x", "x\n y\n")
	f.Add("a\nb", "b\na", "a\nb\n")
	f.Fuzz(func(t *testing.T, base, without, now string) {
		if len(base)+len(without)+len(now) > 4096 {
			return
		}
		if got, ok := merge([]byte(base), []byte(without), []byte(base)); !ok || string(got) != without {
			t.Errorf("nobody else edited: %q, %v, want %q", got, ok, without)
		}
		if got, ok := merge([]byte(base), []byte(base), []byte(now)); !ok || string(got) != now {
			t.Errorf("we edited nothing: %q, %v, want %q", got, ok, now)
		}
		if got, ok := merge([]byte(base), []byte(now), []byte(now)); !ok || string(got) != now {
			t.Errorf("both did the same: %q, %v, want %q", got, ok, now)
		}
		one, ok1 := merge([]byte(base), []byte(without), []byte(now))
		two, ok2 := merge([]byte(base), []byte(now), []byte(without))
		if ok1 != ok2 || ok1 && string(one) != string(two) {
			t.Errorf("got %q %v on one side and %q %v on the other, want the same", one, ok1, two, ok2)
		}
	})
}

package apply

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/plan"
)

func (tr *tree) run(password string) Record {
	tr.t.Helper()
	rec, err := Run(tr.t.Context(), tr.h, tr.plan(password), tr.o)
	if err != nil {
		tr.t.Fatal(err)
	}
	return rec
}

// Ten changes stay, older ones are folded into one, passwords of the last
// change alone are kept, and all of it can still be undone at once.
func TestHistoryIsBounded(t *testing.T) {
	tr := newTree(t)
	before := tr.print()
	const changes = 14
	for i := range changes {
		if tr.o.Installed = nil; i == 0 {
			tr.o.Installed = []string{"postfix"}
		}
		tr.run(fmt.Sprintf("password-%02d-", i))
	}
	past, err := History(&tr.h.Reader, tr.o)
	if err != nil || len(past) != keepChanges {
		t.Fatalf("%d changes are kept, %v, want %d", len(past), err, keepChanges)
	}
	out, _ := exec.CommandContext(t.Context(), "grep", "-rlE", "password-[0-9]{2}-", tr.h.Real(tr.o.StateDir)).Output()
	for _, name := range strings.Fields(string(out)) {
		if !strings.Contains(name, past[0].ID) {
			t.Errorf("got a password of an earlier change kept in %s, want one in that of %s alone", name, past[0].ID)
		}
		if text, _ := os.ReadFile(name); !strings.Contains(string(text), fmt.Sprintf("password-%02d-", changes-2)) {
			t.Errorf("%s: got no password of the change before the last, want it", name)
		}
	}
	if n := len(strings.Fields(string(out))); n != 2 { // the text and its map
		t.Errorf("%d copies of passwords, want 2:\n%s", n, out)
	}
	if _, err := RollBack(t.Context(), tr.h, past[3].ID, tr.o); !errors.Is(err, ErrForgotten) {
		t.Errorf("back to a forgotten password: got %v, want %v", err, ErrForgotten)
	}
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
		t.Fatal(err)
	}
	if got := tr.read("/etc/postfix/sasl_passwd"); !strings.Contains(got, fmt.Sprintf("password-%02d-", changes-2)) {
		t.Error("after one step back: got another password, want that of the change before the last")
	}
	undone, err := RollBackAll(t.Context(), tr.h, tr.o)
	if err != nil || len(undone.Changes) != keepChanges-1 {
		t.Fatalf("%d changes undone, %v, want %d", len(undone.Changes), err, keepChanges-1)
	}
	if first := undone.Changes[len(undone.Changes)-1]; fmt.Sprint(first.Packages) != "[postfix]" {
		t.Errorf("packages that stay: got %v, want [postfix]", first.Packages)
	}
	if after := tr.print(); after != before {
		t.Errorf("after rolling back all: got\n%s\nwant\n%s", after, before)
	}
	if _, err := tr.h.Lstat(tr.o.StateDir); err == nil {
		t.Error("got the state directory left, want it gone")
	}
}

// What was in sasl_passwd before relayhost came is brought back, however many
// changes there were.
func TestRollBackAllKeepsForeignSecrets(t *testing.T) {
	tr := newTree(t)
	tr.write("/etc/postfix/sasl_passwd", "[other.example]:587 they:their-secret\n", 0o640)
	tr.write("/etc/postfix/sasl_passwd.db", "their map", 0o644)
	before := tr.print()
	for i := range 12 {
		tr.run(fmt.Sprintf("password-%02d-", i))
	}
	if m, _ := tr.h.Lstat("/etc/postfix/sasl_passwd.db"); m.Mode.Perm() != 0o600 {
		t.Errorf("the map: got the mode %v, want 0600", m.Mode)
	}
	if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil {
		t.Fatal(err)
	}
	if after := tr.print(); after != before {
		t.Errorf("after rolling back all: got\n%s\nwant\n%s", after, before)
	}
}

func TestRollBackKeepsForeignEdits(t *testing.T) {
	const theirs = "# theirs\nmessage_size_limit = 1\n"
	for name, test := range map[string]struct {
		now      string
		want     string // "" : refused
		conflict string
	}{
		"above ours":   {now: theirs + mainAfter, want: theirs + mainBefore},
		"below ours":   {now: mainAfter + theirs, want: mainBefore + theirs},
		"ours changed": {now: strings.Replace(mainAfter, "587", "2525", 1), conflict: "+relayhost = [relay.example.net]:2525"},
		"continued":    {now: mainAfter + "  more\n", conflict: "+  more"},
		"ours removed": {now: theirs + mainBefore, want: theirs + mainBefore},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t)
			tr.run("one")
			tr.write("/etc/postfix/main.cf", test.now, 0o644)
			before := tr.print()
			_, err := RollBack(t.Context(), tr.h, "", tr.o)
			if test.want != "" {
				if got := tr.read("/etc/postfix/main.cf"); err != nil || got != test.want {
					t.Errorf("main.cf is %q, want %q, %v", got, test.want, err)
				}
				return
			}
			var edited *Edited
			if !errors.As(err, &edited) || len(edited.Files) != 1 || !strings.Contains(edited.Files[0].Diff, test.conflict) {
				t.Fatalf("rolled back: got %v, %+v, want the edited file named", err, edited)
			}
			if after := tr.print(); after != before {
				t.Errorf("refused, but changed: got\n%s\nwant\n%s", after, before)
			}
			tr.o.Force = true
			if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
				t.Fatal(err)
			}
			if got := tr.read("/etc/postfix/main.cf"); got != mainBefore {
				t.Errorf("forced, main.cf is %q, want %q", got, mainBefore)
			}
		})
	}
}

// What somebody writes between two changes stays when both are undone, also when
// they have become one by then; what cannot be told from ours is shown.
func TestRollBackAllKeepsEditsInBetween(t *testing.T) {
	const theirs = "# theirs\nmessage_size_limit = 1\n"
	for name, test := range map[string]struct {
		file     string
		edit     func(string) string
		more     int    // changes after the edit
		want     string // of main.cf, "": refused
		conflict string
	}{
		"above ours":   {"main.cf", func(now string) string { return theirs + now }, 1, theirs + mainBefore, ""},
		"below ours":   {"main.cf", func(now string) string { return now + theirs }, 1, mainBefore + theirs, ""},
		"folded":       {"main.cf", func(now string) string { return theirs + now }, keepChanges + 2, theirs + mainBefore, ""},
		"ours changed": {"main.cf", func(now string) string { return strings.Replace(now, "587", "587 # theirs", 1) }, 1, "", "+relayhost = [one.example.net]:587 # theirs"},
		"a secret":     {"sasl_passwd", func(now string) string { return now + "[own.example]:587 they:their-secret\n" }, 1, "", ""},
		"one folded":   {"sasl_passwd", func(now string) string { return now + "[own.example]:587 they:their-secret\n" }, keepChanges + 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t)
			change := func(relay string) {
				if _, err := Run(t.Context(), tr.h, driverPlan(tr.h, "password of "+relay, relay), tr.o); err != nil {
					t.Fatal(err)
				}
			}
			change("one")
			path := "/etc/postfix/" + test.file
			tr.write(path, test.edit(tr.read(path)), 0o600)
			for i := range test.more {
				change([]string{"two", "three"}[i%2])
			}
			before := tr.print()
			_, err := RollBackAll(t.Context(), tr.h, tr.o)
			if test.want == "" {
				var edited *Edited
				if !errors.As(err, &edited) || len(edited.Files) != 1 || edited.Files[0].Path != path || !strings.Contains(edited.Files[0].Diff, test.conflict) {
					t.Fatalf("rolled back: got %v, %+v, want the edited file named", err, edited)
				}
				if after := tr.print(); after != before {
					t.Errorf("refused, but changed: got\n%s\nwant\n%s", after, before)
				}
				tr.o.Force = true
				test.want = mainBefore
				_, err = RollBackAll(t.Context(), tr.h, tr.o)
			}
			if got := tr.read("/etc/postfix/main.cf"); err != nil || got != test.want {
				t.Errorf("main.cf is %q, want %q, %v", got, test.want, err)
			}
		})
	}
}

// A dead run's files that somebody has edited meanwhile are kept or shown.
func TestRecoverKeepsForeignEdits(t *testing.T) {
	tr := newTree(t)
	cmd := tr.hang()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got := tr.read("/etc/postfix/main.cf"); got != mainAfter {
		t.Fatalf("killed too early or too late: got %q, want %q", got, mainAfter)
	}
	if rec, err := Pending(&tr.h.Reader, tr.o); err != nil || rec == nil {
		t.Fatalf("pending: got %v and the error %v, want a change and no error", rec, err)
	}
	tr.write("/etc/postfix/main.cf", strings.Replace(mainAfter, "587", "2525", 1), 0o644)
	before := tr.print()
	undone, err := Recover(t.Context(), tr.h, tr.o)
	var person *Incomplete
	if !errors.As(err, &person) || fmt.Sprint(person.Files) != "[/etc/postfix/main.cf]" {
		t.Fatalf("recover: got %v, %v, want an *Incomplete that names main.cf", undone, err)
	}
	if after := tr.print(); after != before {
		t.Errorf("refused, but changed: got\n%s\nwant\n%s", after, before)
	}
	if _, err := Run(t.Context(), tr.h, plan.Plan{}, tr.o); !errors.As(err, &person) {
		t.Errorf("a new run: got the error %v, want an *Incomplete", err)
	}
	tr.write("/etc/postfix/main.cf", "# theirs\n"+mainAfter, 0o644)
	if undone, err := Recover(t.Context(), tr.h, tr.o); err != nil || !undone {
		t.Fatalf("recover: got undone %v and the error %v, want true and no error", undone, err)
	}
	if got := tr.read("/etc/postfix/main.cf"); got != "# theirs\n"+mainBefore {
		t.Errorf("main.cf is %q, want %q", got, "# theirs\n"+mainBefore)
	}
	if u, err := LastUndone(&tr.h.Reader, tr.o); err != nil || u == nil || u.By != byNext {
		t.Errorf("the note: got %+v and the error %v, want one by %q and no error", u, err, byNext)
	}
}

func TestDrift(t *testing.T) {
	tr := newTree(t)
	if items, err := FindDrift(&tr.h.Reader, tr.o); err != nil || len(items) != 0 {
		t.Errorf("without a change: got %v and the error %v, want neither", items, err)
	}
	tr.run("one")
	tr.write("/etc/postfix/main.cf", "# theirs\n"+mainAfter, 0o644)
	tr.write("/etc/postfix/master.cf", "smtp unix - - y - - smtp\nrelayhost-example unix - - n - 9 smtp\n", 0o644)
	if err := os.Chmod(tr.h.Real("/etc/postfix/sasl_passwd"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(tr.h.Real("/etc/postfix/sasl_passwd.db")); err != nil {
		t.Fatal(err)
	}
	items, err := FindDrift(&tr.h.Reader, tr.o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Drift{}
	for _, i := range items {
		got[i.Path] = i.State
	}
	want := map[string]Drift{
		"/etc/relayhost/relayhost.toml": DriftNone, "/etc/postfix/main.cf": DriftForeign,
		"/etc/postfix/master.cf": DriftEdited, "/etc/postfix/sasl_passwd": DriftMode, "/etc/postfix/sasl_passwd.db": DriftRemoved,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestEditedAnswers: a relayhost.toml that somebody has edited since stays whole
// when the setup goes, and is no reason to refuse that.
func TestEditedAnswers(t *testing.T) {
	for name, edit := range map[string]string{
		"appended": "relay = \"example\"\n[[route]]\nname = \"shop\"\n",
		"anew":     "relay = \"other\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t)
			if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); err != nil {
				t.Fatal(err)
			}
			tr.write(config.Path, edit, 0o644)
			if _, err := Run(t.Context(), tr.h, tr.plan("two"), tr.o); err != nil {
				t.Fatal(err)
			}
			tr.write(config.Path, edit, 0o644)
			if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil {
				t.Fatal(err)
			}
			if got := tr.read(config.Path); got != edit {
				t.Errorf("relayhost.toml is %q, want %q", got, edit)
			}
			if got := tr.read("/etc/postfix/main.cf"); got != mainBefore {
				t.Errorf("main.cf is %q, want %q", got, mainBefore)
			}
		})
	}
}

// TestModeAlone: a table whose mode alone is fixed is not newer than its map.
func TestModeAlone(t *testing.T) {
	const path = "/etc/postfix/sasl_passwd"
	tr := newTree(t)
	if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); err != nil {
		t.Fatal(err)
	}
	tr.write(path, tr.read(path), 0o644)
	for _, name := range []string{path, path + ".db"} {
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(tr.h.Real(name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	p := tr.plan("one")
	for i := range p.Files {
		if p.Files[i].Path == path {
			p.Files[i].Action = plan.Modify
		}
	}
	if _, err := Run(t.Context(), tr.h, p, tr.o); err != nil {
		t.Fatal(err)
	}
	source, err1 := tr.h.Lstat(path)
	compiled, err2 := tr.h.Lstat(path + ".db")
	if err := errors.Join(err1, err2); err != nil || source.Mode.Perm() != 0o600 || source.Mtime.After(compiled.Mtime) {
		t.Errorf("%s: got mode %v of %s, its map of %s and the error %v, want 0600, a map that is as new, and no error", path, source.Mode, source.Mtime, compiled.Mtime, err)
	}
}

// TestStaleMap: a map that is older than its source is written anew although it
// says the same, once.
func TestStaleMap(t *testing.T) {
	const path = "/etc/postfix/sasl_passwd"
	tr := newTree(t)
	tr.run("one")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(tr.h.Real(path+".db"), old, old); err != nil {
		t.Fatal(err)
	}
	p := tr.plan("one")
	for i := range p.Files {
		if p.Files[i].Path == path {
			p.Files[i].Action, p.Files[i].Recompile = plan.Modify, true
		}
	}
	for round, changed := range []bool{true, false} {
		rec, err := Run(t.Context(), tr.h, p, tr.o)
		if err != nil || (rec.ID != "") != changed {
			t.Fatalf("round %d: got change %q and the error %v, want one: %v, and no error", round, rec.ID, err, changed)
		}
	}
	source, err1 := tr.h.Lstat(path)
	compiled, err2 := tr.h.Lstat(path + ".db")
	if err := errors.Join(err1, err2); err != nil || source.Mtime.After(compiled.Mtime) {
		t.Errorf("%s: got it of %s, its map of %s and the error %v, want a map that is as new, and no error", path, source.Mtime, compiled.Mtime, err)
	}
	if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil {
		t.Fatal(err)
	}
}

// A table that was compiled again from the text that relayhost wrote is no drift; one
// whose text was edited, or that others may read, is.
func TestDriftOfCompiledTable(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		mode os.FileMode
		want Drift
	}{
		{"compiled again", "", 0o600, DriftCompiled},
		{"from another text", "[other.test]:587 a:b\n", 0o600, DriftEdited},
		{"open to others", "", 0o644, DriftEdited},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTree(t)
			tr.run("one")
			tr.write("/etc/postfix/sasl_passwd.db", "another file", tt.mode)
			if tt.text != "" {
				tr.write("/etc/postfix/sasl_passwd", tt.text, 0o600)
			}
			items, err := FindDrift(&tr.h.Reader, tr.o)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range items {
				if i.Path == "/etc/postfix/sasl_passwd.db" && i.State != tt.want {
					t.Errorf("got %s, want %s", i.State, tt.want)
				}
			}
		})
	}
}

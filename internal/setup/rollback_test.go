package setup

import (
	"strings"
	"testing"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/host"
)

func records(dirs ...string) (all []apply.Record) {
	for i, dir := range dirs {
		all = append(all, apply.Record{ID: string(rune('d' - i)), ConfigDir: dir})
	}
	return all
}

// What a rollback is going to undo, and has undone, names the instances of Postfix where
// there is another than the default one, and each file with what became of it.
func TestRollBackTold(t *testing.T) {
	const here, out = "/etc/postfix", "/etc/postfix-out"
	files := []apply.Change{{Path: here + "/main.cf", Action: "modify"}, {Path: here + "/secret", Action: "remove"}, {Path: here + "/old", Action: "create"}}
	const listed = "  restored  /etc/postfix/main.cf\n  removed   /etc/postfix/secret\n  restored  /etc/postfix/old\n"
	for _, tt := range []struct {
		name, asked, told string
		changes           []apply.Record
	}{
		{"one", "change d", "restored: what was there before change d\n" + listed, records(here)},
		{"two", "change c and 1 later change", "restored: what was there before change c, and 1 later change undone\n" + listed, records(here, here)},
		{"of another instance", "change d in /etc/postfix-out", "restored in /etc/postfix-out: what was there before change d\n" + listed, records(out)},
		{"of two instances", "change b and 2 later changes in /etc/postfix-out and /etc/postfix",
			"restored in /etc/postfix-out: what was there before change b, and 1 later change undone\nrestored in /etc/postfix: what was there before change c\n" + listed, records(out, here, out)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ToUndo(tt.changes); got != tt.asked {
				t.Errorf("asked: got %q, want %q", got, tt.asked)
			}
			if got := RolledBack(apply.Restored{Changes: tt.changes, Files: files}); got != tt.told {
				t.Errorf("told: got\n%swant\n%s", got, tt.told)
			}
		})
	}
	gone := apply.Restored{Changes: records(out, here, out), Files: files, Gone: []string{out}}
	if got, want := RolledBack(gone), "nothing restored in /etc/postfix-out, which is gone: its 2 changes forgotten\nrestored in /etc/postfix: what was there before change c\n"+listed; got != want {
		t.Errorf("one is gone: got\n%swant\n%s", got, want)
	}
	c := apply.Record{ConfigDir: out, Files: append(files[:2:2], files[0])}
	if got, want := Touched(c), "3 files: 2 changed, 1 removed in /etc/postfix-out"; got != want {
		t.Errorf("a change in the list: got %q, want %q", got, want)
	}
	if got, want := Touched(apply.Record{ConfigDir: here, Files: files[:1]}), "1 file changed"; got != want {
		t.Errorf("a change of one kind in the list: got %q, want %q", got, want)
	}
	packages := records(here, here)
	packages[1].Packages = []string{"postfix", "ca-certificates"}
	if got, want := RolledBack(apply.Restored{Changes: packages}), "stay installed: postfix, ca-certificates\n"; !strings.HasSuffix(got, want) {
		t.Errorf("packages: got %q, want %q at the end", got, want)
	}
}

func TestChosen(t *testing.T) {
	all := records("/etc/postfix", "/etc/postfix", "/etc/postfix")
	for _, tt := range []struct {
		name string
		r    RollBackOptions
		want int
	}{{"last", RollBackOptions{}, 1}, {"to", RollBackOptions{To: "c"}, 2}, {"all", RollBackOptions{All: true}, 3}, {"unknown", RollBackOptions{To: "x"}, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.chosen(all); len(got) != tt.want {
				t.Errorf("got %d changes, want %d", len(got), tt.want)
			}
		})
	}
}

// The last change of another instance than the one that is named is not undone unasked.
func TestRollBackOfAnotherInstance(t *testing.T) {
	s := newServer(t)
	prepared := s.prepare(t, s.request(t, "right"))
	if _, err := Commit(t.Context(), prepared, CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	deps := s.deps
	deps.ConfigDir = "/etc/postfix-out"
	done, _, err := RollBack(t.Context(), deps, RollBackOptions{Consent: func([]apply.Record) error { return nil }})
	if err == nil || !strings.Contains(err.Error(), "is one of the Postfix in /etc/postfix, not of that in /etc/postfix-out") || len(done.Changes) != 0 {
		t.Errorf("got %d changes undone and the error %v, want none, and the instance that the change is of", len(done.Changes), err)
	}
	var asked []apply.Record
	done, _, err = RollBack(t.Context(), deps, RollBackOptions{All: true, Consent: func(changes []apply.Record) error { asked = changes; return nil }})
	if err != nil || len(asked) != 1 || asked[0].ConfigDir != "/etc/postfix" || len(done.Files) == 0 || done.Changes[0].State != apply.RolledBack {
		t.Errorf("all: asked about %v, got %v and the error %v, want the change of /etc/postfix undone", asked, done, err)
	}
	if history, err := apply.History(&host.Reader{Root: deps.Host.Root}, apply.Options{}); err != nil || len(history) != 0 {
		t.Errorf("changes that are left: got %d (%v), want 0", len(history), err)
	}
}

// There is one relayhost.toml for all instances of Postfix.
func TestAnswersOfAnotherInstance(t *testing.T) {
	wrote := func(id, dir string, paths ...string) apply.Record {
		c := apply.Record{ID: id, ConfigDir: dir}
		for _, path := range paths {
			c.Files = append(c.Files, apply.Change{Path: path, Action: "modify"})
		}
		return c
	}
	const here, out = "/etc/postfix", "/etc/postfix-out"
	for _, tt := range []struct {
		name, dir, want string
		history         []apply.Record
	}{
		{"no change", here, "", nil},
		{"its own", out, "", []apply.Record{wrote("b", out, config.Path), wrote("a", here, config.Path)}},
		{"of the other", here, out, []apply.Record{wrote("b", out, config.Path), wrote("a", here, config.Path)}},
		{"no Postfix is installed", "", "", []apply.Record{wrote("a", here, config.Path)}},
		{"the other has not changed it", here, "", []apply.Record{wrote("b", out, out+"/main.cf"), wrote("a", here, config.Path)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := otherAnswers(tt.history, tt.dir); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}

}

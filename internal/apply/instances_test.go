package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/plan"
)

// instancePlan sets a relay up in the Postfix of dir: a secret, main.cf, and the file that
// all instances share.
func instancePlan(tr *tree, dir, relay string) plan.Plan {
	p := plan.Plan{Routes: []plan.Route{{Hops: []plan.Hop{{Relay: relay, Host: relay + ".example.net", Port: 587}}}}}
	for _, f := range []struct{ path, text string }{
		{"/etc/relayhost/relayhost.toml", "relay = \"" + relay + "\"\n"}, {dir + "/secret", "password-of-" + relay + "\n"}, {dir + "/main.cf", mainBefore + "relayhost = [" + relay + ".example.net]\n"},
	} {
		file := plan.File{Path: f.path, Action: plan.Create, Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid(), After: []byte(f.text), Secret: strings.HasSuffix(f.path, "secret")}
		if data, err := tr.h.ReadFile(f.path); err == nil {
			file.Action, file.Before = plan.Modify, data
		}
		p.Files = append(p.Files, file)
	}
	return p
}

// twoInstances is a tree with two instances of Postfix, with changes of both one after the
// other.
func twoInstances(t *testing.T) (tr *tree, before string) {
	tr = newTree(t)
	tr.mkdir("/etc/postfix-out")
	tr.write("/etc/postfix-out/main.cf", mainBefore, 0o644)
	tr.write("/etc/postfix-out/master.cf", "smtp unix - - y - - smtp\n", 0o644)
	before = tr.print()
	for i, dir := range []string{"/etc/postfix", "/etc/postfix-out", "/etc/postfix", "/etc/postfix-out"} {
		o := tr.o
		o.ConfigDir = dir
		rec, err := Run(t.Context(), tr.h, instancePlan(tr, dir, fmt.Sprintf("relay%d", i)), o)
		if err != nil || rec.ConfigDir != dir {
			t.Fatalf("change %d: got the directory %s and the error %v, want %s", i, rec.ConfigDir, err, dir)
		}
	}
	return tr, before
}

// Rolling back the changes of two instances of Postfix restores and tells each of them,
// whichever of them the run is for.
func TestRollBackInstances(t *testing.T) {
	for _, dir := range []string{"/etc/postfix", "/etc/postfix-out"} {
		t.Run(dir, func(t *testing.T) {
			tr, before := twoInstances(t)
			var told []string
			o := tr.o
			o.ConfigDir = dir
			o.Watch = func(_ context.Context, dir string) (func(context.Context) error, error) {
				told = append(told, dir)
				return func(context.Context) error { return nil }, nil
			}
			done, err := RollBackAll(t.Context(), tr.h, o)
			if err != nil {
				t.Fatal(err)
			}
			if after := tr.print(); after != before {
				t.Errorf("after rolling back all: got\n%s\nwant\n%s", after, before)
			}
			if want := []string{"/etc/postfix-out", "/etc/postfix"}; !slices.Equal(told, want) {
				t.Errorf("the instances that were told: got %v, want %v", told, want)
			}
			var relays, files []string
			for _, c := range done.Changes {
				relays = append(relays, c.Relay+" "+c.ConfigDir)
			}
			for _, f := range done.Files {
				files = append(files, f.Action+" "+f.Path)
			}
			slices.Sort(files)
			if got, want := strings.Join(relays, ", "), "relay3 /etc/postfix-out, relay1 /etc/postfix-out, relay2 /etc/postfix, relay0 /etc/postfix"; got != want {
				t.Errorf("changes: got %s, want %s", got, want)
			}
			if got, want := strings.Join(files, "\n"), "modify /etc/postfix-out/main.cf\nmodify /etc/postfix/main.cf\nremove /etc/postfix-out/secret\nremove /etc/postfix/secret\nremove /etc/relayhost/relayhost.toml"; got != want {
				t.Errorf("files: got\n%s\nwant\n%s", got, want)
			}
			if _, err := tr.h.Lstat(tr.o.StateDir); err == nil {
				t.Error("got the state directory left, want it gone")
			}
		})
	}
}

// What has become of the files of one instance is no drift of another.
func TestDriftInstances(t *testing.T) {
	tr, _ := twoInstances(t)
	if err := os.Remove(tr.h.Real("/etc/postfix-out/secret")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"/etc/postfix":     "/etc/postfix/main.cf unchanged, /etc/postfix/secret unchanged, /etc/relayhost/relayhost.toml unchanged",
		"/etc/postfix-out": "/etc/postfix-out/main.cf unchanged, /etc/postfix-out/secret removed, /etc/relayhost/relayhost.toml unchanged",
	} {
		t.Run(dir, func(t *testing.T) {
			o := tr.o
			o.ConfigDir = dir
			items, err := FindDrift(&tr.h.Reader, o)
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, item := range items {
				list = append(list, item.Path+" "+string(item.State))
			}
			slices.Sort(list)
			if got := strings.Join(list, ", "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Where an edit stands in the way in the second of two instances, the first stays as it is
// as well.
func TestRollBackInstancesEdited(t *testing.T) {
	tr, before := twoInstances(t)
	tr.write("/etc/postfix/secret", "somebody else's\n", 0o600)
	edit := tr.print()
	done, err := RollBackAll(t.Context(), tr.h, tr.o)
	var edited *Edited
	if !errors.As(err, &edited) || len(done.Changes) != 0 {
		t.Fatalf("got %d changes undone and the error %v, want none and the edit", len(done.Changes), err)
	}
	if after := tr.print(); after != edit {
		t.Errorf("refused: got\n%s\nwant\n%s", after, edit)
	}
	o := tr.o
	o.Force = true
	if _, err := RollBackAll(t.Context(), tr.h, o); err != nil {
		t.Fatal(err)
	}
	if after := tr.print(); after != before {
		t.Errorf("after rolling back by force: got\n%s\nwant\n%s", after, before)
	}
}

// Of an instance whose configuration directory was removed nothing is restored, and by
// force only; the other one is restored, and no change is left.
func TestRollBackInstanceGone(t *testing.T) {
	for _, dir := range []string{"/etc/postfix", "/etc/postfix-out"} {
		t.Run(dir, func(t *testing.T) {
			tr, before := twoInstances(t)
			if err := os.RemoveAll(tr.h.Real(dir)); err != nil {
				t.Fatal(err)
			}
			left := tr.print()
			_, err := RollBackAll(t.Context(), tr.h, tr.o)
			var edited *Edited
			if !errors.As(err, &edited) || edited.Files[0].Path != dir {
				t.Fatalf("got the error %v, want that %s was changed by somebody else", err, dir)
			}
			if after := tr.print(); after != left {
				t.Errorf("refused: got\n%s\nwant\n%s", after, left)
			}
			o := tr.o
			o.Force = true
			done, err := RollBackAll(t.Context(), tr.h, o)
			if err != nil || len(done.Changes) != 4 || !slices.Equal(done.Gone, []string{dir}) {
				t.Fatalf("got %d changes undone, %v gone and the error %v, want 4 and %s", len(done.Changes), done.Gone, err, dir)
			}
			var want []string
			for line := range strings.Lines(before) {
				if path, _, _ := strings.Cut(line, " "); path != dir[1:] && !strings.HasPrefix(path, dir[1:]+"/") {
					want = append(want, line)
				}
			}
			if after := tr.print(); after != strings.Join(want, "") {
				t.Errorf("after rolling back by force: got\n%s\nwant\n%s", after, strings.Join(want, ""))
			}
		})
	}
}

// Where the second of two instances turns out not to work, both stay as they are, and can be
// rolled back later.
func TestRollBackInstancesHalf(t *testing.T) {
	tr, before := twoInstances(t)
	now := tr.print()
	o := tr.o
	o.Watch = func(_ context.Context, dir string) (func(context.Context) error, error) {
		if dir == "/etc/postfix" {
			return nil, errors.New("no log")
		}
		return func(context.Context) error { return nil }, nil
	}
	done, err := RollBackAll(t.Context(), tr.h, o)
	if want := "none of the 2 instances is rolled back: /etc/postfix: no log"; err == nil || err.Error() != want || len(done.Changes) != 0 || len(done.Files) != 0 {
		t.Fatalf("got %d changes undone, %d files and the error %v, want none and %q", len(done.Changes), len(done.Files), err, want)
	}
	if after := tr.print(); after != now {
		t.Errorf("after a failure: got\n%s\nwant\n%s", after, now)
	}
	o.Watch = nil
	if _, err := RollBackAll(t.Context(), tr.h, o); err != nil {
		t.Fatal(err)
	}
	if after := tr.print(); after != before {
		t.Errorf("after another rollback: got\n%s\nwant\n%s", after, before)
	}
}

// A run that died is undone with the instance of Postfix that it was for, which the next
// run need not be for.
func TestOfAnotherInstance(t *testing.T) {
	reload := func(context.Context) error { return nil }
	o := Options{ConfigDir: "/etc/postfix", Reload: reload, ReloadBack: reload}
	for _, tt := range []struct {
		of, dir string
		own     bool
	}{{"", "/etc/postfix", true}, {"/etc/postfix", "/etc/postfix", true}, {"/etc/postfix/", "/etc/postfix", true}, {"/etc/postfix-out", "/etc/postfix-out", false}} {
		t.Run(tt.of, func(t *testing.T) {
			if got := o.of(journal{ConfigDir: tt.of}); got.ConfigDir != tt.dir || (got.Reload != nil) != tt.own || (got.ReloadBack != nil) != tt.own {
				t.Errorf("got %s, a reload of the run %t and back %t, want %s, %t", got.ConfigDir, got.Reload != nil, got.ReloadBack != nil, tt.dir, tt.own)
			}
		})
	}
}

// Whatever cannot be written, or whenever the run dies, the rollback of two instances is done
// for both or for none, and another one ends it without force.
func TestRollBackInstancesFails(t *testing.T) {
	writes := func(op host.Op) bool { return strings.HasPrefix(op.Path, "/etc/") }
	for _, dies := range []bool{false, true} {
		t.Run(map[bool]string{false: "cannot write", true: "dies"}[dies], func(t *testing.T) {
			step := every(7, 23)
			for n, done := 0, false; !done; n += step {
				tr, before := twoInstances(t)
				now, seen := tr.print(), 0
				tr.h.Before = func(op host.Op) error {
					if seen++; !writes(op) || seen <= n {
						return nil
					}
					tr.h.Before = nil // what restores is not disturbed
					if dies {
						panic("dies")
					}
					return syscall.EIO
				}
				err := func() (err error) {
					defer func() {
						if recover() != nil {
							err = errors.New("died")
						}
					}()
					_, err = RollBackAll(t.Context(), tr.h, tr.o)
					return err
				}()
				done, tr.h.Before = tr.h.Before != nil, nil
				if after := tr.print(); !dies && err != nil && after != now {
					t.Fatalf("operation %d fails: got %v and\n%s\nwant\n%s", n, err, after, now)
				}
				if _, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil && !errors.Is(err, ErrNothing) {
					t.Fatalf("operation %d, then again: got %v, want no error", n, err)
				}
				if after := tr.print(); after != before {
					t.Fatalf("operation %d, then again: got\n%s\nwant\n%s", n, after, before)
				}
			}
		})
	}
}

// A journal of several instances that says more steps than it has is damaged.
func TestDamagedParts(t *testing.T) {
	tr := newTree(t)
	tr.mkdir(tr.o.StateDir)
	j := journal{Version: journalVersion, Steps: []step{{Path: "/a"}}, Others: []otherPart{{ConfigDir: "/etc/postfix-out", Steps: 2}}}
	if err := j.save(tr.h, tr.o.StateDir); err != nil {
		t.Fatal(err)
	}
	if _, err := readJournal(&tr.h.Reader, tr.o.StateDir); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v, want that it is damaged", err)
	}
}

// What one instance alone has outside of its directory goes with it: the configuration of
// its bridge holds a password.
func TestByInstance(t *testing.T) {
	of := func(dir string, paths ...string) (j journal) {
		j.ConfigDir = dir
		for _, path := range paths {
			j.Steps = append(j.Steps, step{Path: path})
		}
		return j
	}
	a := of("/etc/postfix/out", "/var/bridge/a.conf", "/etc/relayhost/relayhost.toml", "/etc/postfix/out/main.cf")
	b := of("/etc/postfix", "/var/bridge/b.conf", "/etc/relayhost/relayhost.toml", "/etc/postfix/main.cf")
	var got []string
	for _, p := range byInstance([]journal{a, b}, append(a.Steps, b.Steps[0], b.Steps[2]), Options{}) {
		for _, s := range p.steps {
			got = append(got, p.configDir+": "+s.Path)
		}
	}
	want := []string{"/etc/postfix/out: /var/bridge/a.conf", "/etc/postfix/out: /etc/postfix/out/main.cf",
		"/etc/postfix: /etc/relayhost/relayhost.toml", "/etc/postfix: /var/bridge/b.conf", "/etc/postfix: /etc/postfix/main.cf"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// With more changes than are kept, of two instances in any order, each is listed with its
// instance and the files of that, the older ones of one instance that follow each other as
// one, and all of them can be undone.
func TestHistoryOfInstances(t *testing.T) {
	dirs := map[rune]string{'a': "/etc/postfix", 'b': "/etc/postfix-out"}
	for _, tt := range []struct{ made, want string }{
		{"aabbaabbaabbaa", "aabbaabbaaba"}, // the newest to the left in want
		{"baaaaaaaaaaaaaa", "aaaaaaaaaab"},
		{"bbbaaaaaaaaaaab", "baaaaaaaaab"},
		{"abababababab", "babababababa"},
	} {
		t.Run(tt.made, func(t *testing.T) {
			tr := newTree(t)
			tr.mkdir("/etc/postfix-out")
			tr.write("/etc/postfix-out/main.cf", mainBefore, 0o644)
			before := tr.print()
			for i, of := range tt.made {
				o := tr.o
				o.ConfigDir = dirs[of]
				if _, err := Run(t.Context(), tr.h, instancePlan(tr, o.ConfigDir, fmt.Sprintf("relay%d", i)), o); err != nil {
					t.Fatalf("change %d: %v", i, err)
				}
			}
			past, err := History(&tr.h.Reader, tr.o)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for i, c := range past {
				got += map[string]string{"/etc/postfix": "a", "/etc/postfix-out": "b"}[c.ConfigDir]
				if i < keepChanges-1 && c.Relay != fmt.Sprintf("relay%d", len(tt.made)-1-i) {
					t.Errorf("change %d from the newest: got %s, want relay%d", i, c.Relay, len(tt.made)-1-i)
				}
				for _, f := range c.Files {
					if dir := f.Path[:strings.LastIndexByte(f.Path, '/')]; dir != c.ConfigDir && dir != "/etc/relayhost" {
						t.Errorf("change %s of %s: got the file %s, want none of another instance", c.ID, c.ConfigDir, f.Path)
					}
				}
			}
			if got != tt.want {
				t.Errorf("the instances of the changes, newest first: got %s, want %s", got, tt.want)
			}
			if done, err := RollBackAll(t.Context(), tr.h, tr.o); err != nil || len(done.Changes) != len(past) {
				t.Fatalf("got %d changes undone and the error %v, want %d", len(done.Changes), err, len(past))
			}
			if after := tr.print(); after != before {
				t.Errorf("after rolling back all: got\n%s\nwant\n%s", after, before)
			}
		})
	}
}

package postfix

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"relayhost/internal/host"
)

// bare are the parts of a record that say how to read another part, and need no
// source of their own.
var bare = []string{"manager", "says", "says-2", "not-packaged"}

// recorded is what was published of a distribution: by name of the part. What is
// not there has to be named as unsure.
func recorded(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	comment := string(archive.Comment)
	_, unsure, found := strings.Cut(comment, "\nunsure: ")
	if !found {
		t.Errorf("%s: got no word on what is unsure, want one", path)
	}
	parts := map[string]string{}
	for _, f := range archive.Files {
		parts[f.Name] = string(f.Data)
		if !slices.Contains(bare, f.Name) && !strings.Contains(comment, "\n"+f.Name+": https://") {
			t.Errorf("%s: got no source of %s, want one", path, f.Name)
		}
	}
	for _, fact := range []string{"os-release", "has", "ca-bundle", "failure"} {
		if parts[fact] == "" && !strings.Contains(unsure, fact) {
			t.Errorf("%s: got %s neither recorded nor unsure, want one of them", path, fact)
		}
	}
	for _, fact := range []string{"default_database_type", "mail_version"} {
		if !strings.Contains(parts["postconf"], fact) && !strings.Contains(unsure, fact) {
			t.Errorf("%s: got %s neither recorded nor unsure, want one of them", path, fact)
		}
	}
	return parts
}

// eachRecord runs test for every distribution that there is a record of.
func eachRecord(t *testing.T, test func(*testing.T, map[string]string)) {
	t.Helper()
	paths, err := filepath.Glob("testdata/recorded/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != 9 {
		t.Errorf("%d distributions, want nine", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { test(t, recorded(t, path)) })
	}
}

// TestRecorded holds what is assumed of a distribution before Postfix is
// installed, the map type that is chosen and the CA bundle that is found against
// what others have recorded of it.
func TestRecorded(t *testing.T) {
	facts := 0
	eachRecord(t, func(t *testing.T, parts map[string]string) {
		r := tree(t, map[string]string{"/etc/os-release": parts["os-release"]})
		bundle := putBundle(t, r, strings.TrimSpace(parts["ca-bundle"]))
		state, err := Read(t.Context(), r, "")
		if err != nil {
			t.Fatal(err)
		}
		if state.CAFile != bundle {
			t.Errorf("CA bundle: got %q, want %q as recorded", state.CAFile, bundle)
		}
		fresh, said := Fresh(state), parseParams(parts["postconf"])
		if page, ok := FreshOn(fresh.distribution, "host.example.com", Version{}); !ok || bundle != "" && page.CAFile != bundle || page.Version != fresh.Version {
			t.Errorf("FreshOn(%q): %v, bundle %q, version %v, want %q and %v", fresh.distribution, ok, page.CAFile, page.Version, bundle, fresh.Version)
		}
		if typ, ok := said["default_database_type"]; ok {
			facts++
			if picked, err := PickMapType(fresh, ""); err != nil || picked != typ {
				t.Errorf("PickMapType: got %s and the error %v, want %s and no error", picked, err, typ)
			}
		}
		if text, ok := said["mail_version"]; ok {
			facts++
			if v, err := ParseVersion(text); err != nil || v != fresh.Version {
				t.Errorf("version: got %v for the recorded %v (error %v), want the same and no error", fresh.Version, v, err)
			}
		}
		for _, typ := range strings.Fields(parts["has"]) {
			facts++
			if !slices.Contains(fresh.MapTypes, typ) {
				t.Errorf("got %s in its Postfix, want it among those assumed: %v", typ, fresh.MapTypes)
			}
		}
		for _, typ := range strings.Fields(parts["lacks"]) {
			facts++
			if slices.Contains(fresh.MapTypes, typ) {
				t.Errorf("got no %s in its Postfix, want all that are assumed: %v", typ, fresh.MapTypes)
			}
		}
	})
	if facts < 35 {
		t.Errorf("%d facts of Postfix, want at least 35", facts)
	}
}

// TestMapTypeByProbing: what is assumed of a distribution is for the look ahead
// only. Once Postfix is there its own answers decide, whichever they are and
// whatever the distribution is thought to have.
func TestMapTypeByProbing(t *testing.T) {
	const always = "cidr environ fail inline internal pipemap randmap regexp static tcp texthash unionmap unix"
	answers := []struct{ name, def, types, want string }{
		{"lmdb only, and the default", "lmdb", "lmdb", "lmdb"},
		{"lmdb only, hash still the default", "hash", "lmdb", "lmdb"},
		{"hash only", "hash", "btree hash", "hash"},
		{"hash only, the driver of the default is not installed", "lmdb", "btree hash", "hash"},
		{"cdb, as Debian from 14 on", "cdb", "btree cdb hash lmdb", "cdb"},
		{"both, hash the default", "hash", "btree hash lmdb", "hash"},
		{"both, lmdb the default", "lmdb", "btree hash lmdb", "lmdb"},
		{"neither", "hash", "", "texthash"},
		{"neither, lmdb the default", "lmdb", "", "texthash"},
	}
	asked := 0
	eachRecord(t, func(t *testing.T, parts map[string]string) {
		for _, a := range answers {
			t.Run(a.name, func(t *testing.T) {
				r := tree(t, map[string]string{
					"/etc/os-release": parts["os-release"], "/etc/postfix/main.cf": "", "/etc/postfix/master.cf": "",
				})
				r.Path = answering(t, "default_database_type = "+a.def+"\nmail_version = 3.8.5\nconfig_directory = /etc/postfix", always+" "+a.types)
				state, err := Read(t.Context(), r, "")
				if err != nil {
					t.Fatal(err)
				}
				asked++
				if picked, err := PickMapType(state, ""); err != nil || picked != a.want {
					t.Errorf("got %s (%v), want %s", picked, err, a.want)
				}
			})
		}
	})
	if want := 9 * len(answers); asked != want {
		t.Errorf("%d answers, want %d", asked, want)
	}
}

// answering makes a directory with a postconf that says what that of a distribution
// may say, which cannot run here.
func answering(t *testing.T, params, types string) string {
	t.Helper()
	bin := t.TempDir()
	script := "#!/bin/sh\ncase \" $* \" in\n*' -m '*) printf '%s\n' " + types + " ;;\n*' -A '*) echo cyrus ;;\n*) /bin/cat <<'END'\n" + params + "\nEND\nesac\n"
	if err := os.WriteFile(filepath.Join(bin, "postconf"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return bin
}

// putBundle makes the file, or the link and its target, and returns the path
// that Postfix is to be told.
func putBundle(t *testing.T, r *host.Reader, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	link, file, linked := strings.Cut(text, " -> ")
	if !linked {
		link, file = "", text
	}
	for _, path := range []string{link, file} {
		if err := os.MkdirAll(filepath.Dir(r.Real(path)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(r.Real(file), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if linked {
		target, err := filepath.Rel(filepath.Dir(link), file)
		if err == nil {
			err = os.Symlink(target, r.Real(link))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// RHEL has a link for what looks for the old path; SUSE's is the stable one.
	if linked && strings.HasPrefix(link, "/etc/ssl/") {
		return link
	}
	return file
}

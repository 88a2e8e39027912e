package postfix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"relayhost/internal/host"
)

// recorded is what was published of a distribution: by name of the part.
func recorded(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range archive.Files {
		parts[f.Name] = string(f.Data)
		if bare := map[string]bool{"manager": true, "says": true, "not-packaged": true}[f.Name]; !bare && !strings.Contains(string(archive.Comment), "\n"+f.Name+": https://") {
			t.Errorf("%s: no source of %s", path, f.Name)
		}
	}
	return parts
}

// TestRecorded holds what is assumed of a distribution before Postfix is
// installed, the map type that is chosen and the CA bundle that is found against
// what others have recorded of it.
func TestRecorded(t *testing.T) {
	paths, err := filepath.Glob("testdata/recorded/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	facts := 0
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			parts := recorded(t, path)
			r := tree(t, map[string]string{"/etc/os-release": parts["os-release"]})
			bundle := putBundle(t, r, strings.TrimSpace(parts["ca-bundle"]))
			state, err := Read(t.Context(), r, "")
			if err != nil {
				t.Fatal(err)
			}
			if state.CAFile != bundle {
				t.Errorf("CA bundle %q, recorded is %q", state.CAFile, bundle)
			}
			fresh, said := Fresh(state), parseParams(parts["postconf"])
			if typ, ok := said["default_database_type"]; ok {
				facts++
				if picked, err := PickMapType(fresh, ""); err != nil || picked != typ {
					t.Errorf("%s is chosen (%v), the default is %s", picked, err, typ)
				}
			}
			if text, ok := said["mail_version"]; ok {
				facts++
				if v, err := ParseVersion(text); err != nil || v != fresh.Version {
					t.Errorf("Postfix %v is assumed, recorded is %v, %v", fresh.Version, v, err)
				}
			}
		})
	}
	if len(paths) != 9 || facts < 10 {
		t.Errorf("%d distributions, %d facts of Postfix", len(paths), facts)
	}
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

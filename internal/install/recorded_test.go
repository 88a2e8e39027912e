package install

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"relayhost/internal/host"
)

// TestRecordedFailures plays failures of package managers that others have
// published: what says why is among the lines that are shown.
func TestRecordedFailures(t *testing.T) {
	paths, err := filepath.Glob("../postfix/testdata/recorded/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string]string{}
		for _, f := range archive.Files {
			parts[f.Name] = strings.TrimRight(string(f.Data), "\n")
		}
		for _, n := range []string{"", "-2"} {
			if parts["failure"+n] == "" {
				continue
			}
			played++
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+n, func(t *testing.T) {
				playFailure(t, parts["manager"], parts["failure"+n], parts["says"+n], parts["not-packaged"])
			})
		}
	}
	if played < 10 {
		t.Errorf("got %d failures played, want at least 10", played)
	}
}

// playFailure installs with a manager that prints text and fails: what it says
// has to be shown, and what is not packaged not asked for.
func playFailure(t *testing.T, manager, text, says, notPackaged string) {
	t.Helper()
	h, m := failing(t, manager, text)
	for _, absent := range strings.Fields(notPackaged) {
		if slices.Contains(m.Packages, absent) {
			t.Errorf("%s: got the packages %q, want no %s, which is not packaged", manager, m.Packages, absent)
		}
	}
	_, err := Postfix(t.Context(), h, Options{})
	var failed *FailedError
	if !errors.As(err, &failed) || failed.Code != 1 || failed.Hint != m.advice(text) {
		t.Fatalf("%s: got the error %#v, want a FailedError of exit code 1 with the hint %q", manager, err, m.advice(text))
	}
	for line := range strings.Lines(says) {
		if !strings.Contains(failed.Tail, strings.TrimSpace(line)) {
			t.Errorf("%s: got\n%s\nwant %q in it", manager, failed.Tail, strings.TrimSpace(line))
		}
	}
	if n := strings.Count(failed.Tail, "\n") + 1; n > 8 {
		t.Errorf("%d lines are shown, want at most 8", n)
	}
}

// failing is a host whose package manager prints this and fails.
func failing(t *testing.T, name, text string) (*host.Host, Manager) {
	t.Helper()
	i := slices.IndexFunc(managers, func(m Manager) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("package manager %q: got none of this name, want one", name)
	}
	// Nothing but this directory is looked at: the machine's own package manager
	// would do what it is told.
	bin := t.TempDir()
	if err := os.Symlink("/usr/bin/env", filepath.Join(bin, "env")); err != nil {
		t.Fatal(err)
	}
	said := filepath.Join(bin, "said")
	if err := os.WriteFile(said, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" = update ] && exit 0\n/bin/cat " + said + "\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, managers[i].program), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	h := &host.Host{Reader: host.Reader{Root: t.TempDir(), Path: bin}}
	if found, err := FindManager(&h.Reader); err != nil || found.Name != name {
		t.Fatalf("%s would be run (%v), want %s", found.Name, err, name)
	}
	return h, managers[i]
}

// TestAdvice: messages of the package managers, and what to do about them.
func TestAdvice(t *testing.T) {
	for _, tt := range []struct {
		name, said, want string
	}{
		{"apt resolver", "E: Failed to fetch http://deb.debian.org/x.deb  Could not resolve 'deb.debian.org'", "resolver"},
		{"apt resolver later", "E: Failed to fetch http://deb.debian.org/x.deb  Temporary failure resolving 'deb.debian.org'", "resolver"},
		{"dnf resolver", "Curl error (6): Couldn't resolve host name for https://mirrors.fedoraproject.org/ [Could not resolve host]", "resolver"},
		{"pacman resolver", "error: failed retrieving file 'core.db' from x : Could not resolve host: x", "resolver"},
		{"apk resolver", "WARNING: fetching https://dl-cdn.alpinelinux.org/alpine/v3.22/main: temporary error (try again later)", "resolver"},
		{"apt locked", "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (unattended-upgr)", "another"},
		{"zypper locked", "System management is locked by the application with pid 1234 (zypper).", "another"},
		{"pacman locked", "error: failed to init transaction (unable to lock database)", "another"},
		{"apk locked", "ERROR: Unable to lock database: Resource temporarily unavailable", "another"},
		{"disk full", "dpkg: error: failed to write status database record: No space left on device", "room"},
		{"no connection", "E: Failed to fetch http://deb.debian.org/x.deb  Could not connect to deb.debian.org:80 (1.2.3.4), connection timed out", "firewall"},
		{"no package", "E: Unable to locate package postfix", "install Postfix by hand"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Manager{}).advice(tt.said); !strings.Contains(got, tt.want) {
				t.Errorf("%s\nis answered with %q, want %v in it", tt.said, got, tt.want)
			}
		})
	}
}

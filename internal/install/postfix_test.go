package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"relayhost/internal/host"
)

// debianLike is a root with a dpkg and the policy-rc.d given, if any.
func debianLike(t *testing.T, policyText string) *host.Host {
	t.Helper()
	root, bin := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "dpkg"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(policy)), 0o755); err != nil {
		t.Fatal(err)
	}
	if policyText != "" {
		if err := os.WriteFile(filepath.Join(root, policy), []byte(policyText), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &host.Host{Reader: host.Reader{Root: root, Path: bin}}
}

func TestForbidStart(t *testing.T) {
	const own = "#!/bin/sh\nexit 0\n"
	tests := []struct{ name, before, during, after string }{
		{"left behind by a run that was killed", forbid, forbid, ""},
		{"the administrator's own", own, own, own},
	}
	if os.Geteuid() == 0 { // the file is given to root
		tests = append(tests, struct{ name, before, during, after string }{"none", "", forbid, ""})
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			h := debianLike(t, c.before)
			restore, err := forbidStart(h)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{c.during, c.after} {
				data, err := h.ReadFile(policy)
				if err != nil && !errors.Is(err, fs.ErrNotExist) || string(data) != want {
					t.Errorf("policy-rc.d holds %q, %v; want %q", data, err, want)
				}
				restore()
			}
		})
	}
}

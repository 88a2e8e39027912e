package answers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relayhost/internal/host"
)

// newHost is a host with a /run in a directory of dir.
func newHost(t *testing.T, dir string) *host.Host {
	t.Helper()
	root, err := os.MkdirTemp(dir, "relayhost-answers-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Mkdir(filepath.Join(root, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &host.Host{Reader: host.Reader{Root: root}}
}

// inMemory is a tmpfs that everybody may write to (shm_overview(7)).
const inMemory = "/dev/shm"

func TestSave(t *testing.T) {
	given := []Answer{{Question: "Relay service", Answer: "brevo"}, {Question: "Sender address", Answer: "app@example.com"}}
	h := newHost(t, inMemory)
	if Save(h, "flags", nil) {
		t.Error("no answers: got true, want nothing to save")
	}
	if !Save(h, "flags", given) {
		t.Fatal("got false, want the answers saved")
	}
	if m, err := h.Stat(file); err != nil || m.Mode.Perm() != 0o600 {
		t.Errorf("mode of %s: got %v (%v), want 0600", file, m.Mode, err)
	}
	if got, at := Load(h, "flags"); !slices.Equal(got, given) || time.Since(at) > time.Minute {
		t.Errorf("got %v of %s, want %v of now", got, at, given)
	}
	if got, _ := Load(h, "other flags"); got != nil {
		t.Errorf("a run with other flags: got %v, want nothing", got)
	}
	Forget(h)
	if got, _ := Load(h, "flags"); got != nil {
		t.Errorf("forgotten: got %v, want nothing", got)
	}
	Forget(h) // of nothing
}

// A /run that is not in memory gets no answers: /proc is not, wherever the tests run.
func TestSaveOnDisk(t *testing.T) {
	h := &host.Host{Reader: host.Reader{Root: t.TempDir()}}
	if err := os.Symlink("/proc", h.Real("/run")); err != nil {
		t.Fatal(err)
	}
	if Save(h, "", []Answer{{Question: "Relay service", Answer: "brevo"}}) {
		t.Error("got true, want nothing saved outside of a tmpfs")
	}
}

// What somebody else may have written, and what is old, is not offered.
func TestLoadDistrusts(t *testing.T) {
	given := []Answer{{Question: "Relay service", Answer: "brevo"}}
	write := func(t *testing.T, age time.Duration, mode os.FileMode) *host.Host {
		t.Helper()
		h := newHost(t, t.TempDir())
		data, err := json.Marshal(document{time.Now().Add(-age), "flags", given})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.Real(file), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(h.Real(file), mode); err != nil {
			t.Fatal(err)
		}
		return h
	}
	for _, test := range []struct {
		name string
		age  time.Duration
		mode os.FileMode
		want int
	}{
		{"of some minutes ago", 10 * time.Minute, 0o600, 1},
		{"older than an hour", last + time.Minute, 0o600, 0},
		{"of the future", -time.Minute, 0o600, 0},
		{"others may write it", time.Minute, 0o622, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, _ := Load(write(t, test.age, test.mode), "flags"); len(got) != test.want {
				t.Errorf("got %v, want %d answer(s)", got, test.want)
			}
		})
	}
}

//go:build unix

package bridge

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// placed is the client of the stores of these tests.
var placed = oauth.Client{Grant: oauth.DeviceCode, ID: "7f3a", TokenURL: "https://login.example/token", Account: "app@contoso.example"}

// former is a directory of bridges as earlier versions left it: with the tokens of a walk
// and of another bridge in one place.
func former(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	state := conf.StateDirectory(directory)
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m365", "m365.1", "m365_postfix-out", "m365-smtps"} {
		store(t, conf.TokenPath(state, name), "refresh of "+name)
	}
	for _, name := range []string{"m365.pause", "m365.token.refused", "slot-0123456789ab-0"} {
		if err := os.WriteFile(filepath.Join(state, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func store(t *testing.T, path, refresh string) {
	t.Helper()
	if err := (oauth.Source{Client: placed, Path: path}).Save(t.Context(), oauth.Token{Refresh: secret.New(refresh)}); err != nil {
		t.Fatal(err)
	}
}

func refreshAt(t *testing.T, path string) string {
	t.Helper()
	got, err := oauth.Load(path, placed)
	if err != nil {
		t.Error(err)
	}
	return got.Refresh.Reveal()
}

func files(t *testing.T, directory string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestPlace: the state of a bridge moves to a directory of its own with all its tokens,
// and what is another's stays.
func TestPlace(t *testing.T) {
	directory := former(t)
	if got, want := TokenPath(directory, "m365.1"), filepath.Join(directory, "state", "m365.1.token"); got != want {
		t.Errorf("before: got %s, want %s", got, want)
	}
	for _, want := range []bool{true, false} {
		if moved, err := Place(t.Context(), directory, "m365", os.Getuid(), os.Getgid()); err != nil || moved != want {
			t.Fatalf("Place: got %t, %v, want %t", moved, err, want)
		}
		for _, name := range []string{"m365", "m365.1", "m365_postfix-out", "m365-smtps"} {
			if got := refreshAt(t, TokenPath(directory, name)); got != "refresh of "+name {
				t.Errorf("%s: got %q at %s, want its token", name, got, TokenPath(directory, name))
			}
		}
	}
	own := conf.OwnDirectory(directory, "m365")
	if got, want := TokenPath(directory, conf.RehearsalName("m365")), filepath.Join(own, "m365.token"); got != want {
		t.Errorf("a rehearsal: got %s, want the bridge's own %s", got, want)
	}
	if info, err := os.Lstat(own); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: got %v, %v, want 0700", own, info, err)
	}
	if got, want := files(t, own), []string{"m365.1.token", "m365.1.token.lock", "m365.pause", "m365.token", "m365.token.lock", "m365.token.refused"}; !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", own, got, want)
	}
	for _, name := range files(t, conf.StateDirectory(directory)) {
		if strings.HasPrefix(name, "m365.") {
			t.Errorf("state: got %s there, want it moved", name)
		}
	}

	// An earlier version is put back, is signed in to again, and replaced.
	store(t, conf.TokenPath(conf.StateDirectory(directory), "m365"), "newer")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(conf.TokenPath(conf.StateDirectory(directory), "m365"), later, later); err != nil {
		t.Fatal(err)
	}
	if moved, err := Place(t.Context(), directory, "m365", os.Getuid(), os.Getgid()); err != nil || !moved {
		t.Errorf("Place: got %t, %v, want it to move the newer token", moved, err)
	}
	if got := refreshAt(t, TokenPath(directory, "m365")); got != "newer" {
		t.Errorf("after another sign-in by an earlier version: got %q, want the newer token", got)
	}
}

// TestKilledWhilePlacing: a process that moves the state of a bridge is killed after each
// of its changes. The tokens are whole at each, and the next one finishes the move.
func TestKilledWhilePlacing(t *testing.T) {
	if directory := os.Getenv("PLACING"); directory != "" {
		left, _ := strconv.Atoi(os.Getenv("PLACING_UNTIL"))
		_, err := place(t.Context(), directory, "m365", os.Getuid(), os.Getgid(), func() {
			if left--; left == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	for n := 1; ; n++ {
		if n > 100 {
			t.Fatal("got no end after 100 changes")
		}
		directory := former(t)
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhilePlacing$")
		child.Env = append(os.Environ(), "PLACING="+directory, fmt.Sprint("PLACING_UNTIL=", n))
		out, err := child.CombinedOutput()
		if strings.Contains(string(out), "FAIL") {
			t.Fatalf("change %d: the process failed by itself:\n%s", n, out)
		}
		whole := func(when string) {
			for _, name := range []string{"m365", "m365.1"} {
				if got := refreshAt(t, TokenPath(directory, name)); got != "refresh of "+name {
					t.Errorf("change %d, %s: %s: got %q, want its token", n, when, name, got)
				}
			}
		}
		whole("killed")
		if _, err := Place(t.Context(), directory, "m365", os.Getuid(), os.Getgid()); err != nil {
			t.Errorf("change %d: the next: %v", n, err)
		}
		whole("after the next")
		for _, dir := range []string{directory, conf.StateDirectory(directory)} {
			for _, name := range files(t, dir) {
				if strings.HasPrefix(name, ".") || dir != directory && strings.HasPrefix(name, "m365.") {
					t.Errorf("change %d: got %s left in %s", n, name, dir)
				}
			}
		}
		if err == nil {
			if n < 8 {
				t.Errorf("got %d changes, want the directory, 4 files, its name and their removal", n-1)
			}
			return
		}
	}
}

//go:build unix

package bridge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	for _, name := range []string{"state/m365.pause", "state/m365.token.refused", "state/slot-0123456789ab-0", "m365.conf"} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte("x"), 0o600); err != nil {
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

}

// TestPlaceTakesNothingOfOthers: the bridge of another could have written what is in the
// directory for all bridges after the move, and for a bridge that is yet to come: it goes
// away unread, and a lock there is not waited for.
func TestPlaceTakesNothingOfOthers(t *testing.T) {
	directory := former(t)
	if _, err := Place(t.Context(), directory, "m365", os.Getuid(), os.Getgid()); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	for name, want := range map[string]string{"m365": "refresh of m365", "new": ""} {
		t.Run(name, func(t *testing.T) {
			planted := conf.TokenPath(conf.StateDirectory(directory), name)
			store(t, planted, "of another's")
			if err := os.Chtimes(planted, later, later); err != nil {
				t.Fatal(err)
			}
			unlock, err := oauth.Lock(t.Context(), planted)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // there is nothing to wait for
			if moved, err := Place(ctx, directory, name, os.Getuid(), os.Getgid()); err != nil || !moved {
				t.Errorf("Place: got %t, %v, want it to remove what is there", moved, err)
			}
			unlock()
			if got := refreshAt(t, TokenPath(directory, name)); got != want {
				t.Errorf("got the token %q, want %q", got, want)
			}
			if _, err := os.Lstat(planted); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: got %v, want no file", planted, err)
			}
		})
	}
}

// TestPlaceLinked: a file that has a second name, such as one of root's that the user of the
// bridges has linked, and one of somebody else are not copied for that user.
func TestPlaceLinked(t *testing.T) {
	directory := former(t)
	of := filepath.Join(t.TempDir(), "private")
	if err := os.WriteFile(of, []byte("root's"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(conf.StateDirectory(directory), "m365.linked")
	if err := os.Link(of, linked); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	for name, uid := range map[string]int{linked: os.Getuid(), filepath.Join(conf.StateDirectory(directory), "m365.pause"): os.Getuid() + 1} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			if err := copyFile(name, to, uid, os.Getgid()); err != nil {
				t.Errorf("copyFile of %s: got %v, want no error", name, err)
			}
			if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: got %v, want no copy", name, err)
			}
		})
	}
	if _, err := Place(t.Context(), directory, "m365", os.Getuid(), os.Getgid()); err != nil {
		t.Fatal(err)
	}
	if got := files(t, conf.OwnDirectory(directory, "m365")); slices.Contains(got, "m365.linked") {
		t.Errorf("got %q, want no m365.linked", got)
	}
	if text, err := os.ReadFile(of); err != nil || string(text) != "root's" {
		t.Errorf("the linked file: got %q, %v, want it as it was", text, err)
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
	moved, err := formerState(conf.StateDirectory(former(t)), "m365")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		if n > 100 {
			t.Fatal("Place: got no end after 100 changes, want one")
		}
		directory := former(t)
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhilePlacing$")
		child.Env = append(os.Environ(), "PLACING="+directory, fmt.Sprint("PLACING_UNTIL=", n))
		out, err := child.CombinedOutput()
		if strings.Contains(string(out), "FAIL") {
			t.Fatalf("change %d: got a process that failed by itself, want no \"FAIL\" in\n%s", n, out)
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
			t.Errorf("change %d: the next Place: got %v, want no error", n, err)
		}
		whole("after the next")
		for _, dir := range []string{directory, conf.StateDirectory(directory)} {
			for _, name := range files(t, dir) {
				if strings.HasPrefix(name, ".") || dir != directory && strings.HasPrefix(name, "m365.") {
					t.Errorf("change %d: got %s left in %s, want it removed", n, name, dir)
				}
			}
		}
		if err == nil {
			if want := 2 + 2*len(moved); n-1 != want {
				t.Errorf("got %d changes, want %d: the directory, %d files, its name and their removal", n-1, want, len(moved))
			}
			return
		}
	}
}

package bridge

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConfined is the process that TestConfine looks at.
func TestConfined(t *testing.T) {
	dir := os.Getenv("CONFINED")
	if dir == "" {
		return // TestConfine starts it again
	}
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		t.Fatal(err)
	}
	if err := confine(filepath.Join(dir, "state"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "missing")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path string
		want bool
	}{{"ca.pem", true}, {"m365.conf", false}, {"state/m365.token", true}} {
		_, err := os.ReadFile(filepath.Join(dir, test.path))
		if got := err == nil; got != test.want {
			t.Errorf("read %s: got %v, want it to work: %v", test.path, err, test.want)
		}
	}
	done := make(chan error)
	go func() { // in whatever thread
		done <- os.WriteFile(filepath.Join(dir, "ca.pem"), nil, 0o600)
	}()
	if err := <-done; err == nil {
		t.Error("write beside the state: got no error")
	}
	if err := os.WriteFile(filepath.Join(dir, "state", "new"), []byte("x"), 0o600); err != nil {
		t.Errorf("write the state: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "state", "new"), filepath.Join(dir, "state", "m365.token")); err != nil {
		t.Errorf("replace the state: %v", err)
	}
	if _, err := os.ReadFile("/etc/hosts"); err != nil {
		t.Errorf("name resolution: %v", err)
	}
	if err := exec.Command("/bin/true").Run(); err == nil {
		t.Error("execute: got no error")
	}
}

// A bridge reads its own files and those of name resolution, and writes its state
// alone.
func TestConfine(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ca.pem", "m365.conf", "state/m365.token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 {
		if err := confine(filepath.Join(dir, "state")); err != nil {
			t.Fatalf("a kernel without Landlock (%v): got %v, want no error", errno, err)
		}
		return
	}
	// Built as the program is shipped: linked with C, one thread alone can be confined.
	program := filepath.Join(t.TempDir(), "confined")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build without C: %v\n%s", err, out)
	}
	c := exec.Command(program, "-test.run", "^TestConfined$", "-test.v")
	c.Env = append(os.Environ(), "CONFINED="+dir)
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("confined process: %v\n%s", err, out)
	}
}

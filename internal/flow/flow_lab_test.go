//go:build lab

package flow_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"relayhost/internal/lab"
)

func suites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

// onserver is the program of testdata, built once.
var onserver = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-onserver-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "onserver")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/onserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return os.ReadFile(out)
})

func TestLabResolve(t *testing.T) {
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.NoLog())
			program, err := onserver()
			if err != nil {
				t.Fatal(err)
			}
			l.Server.WriteFile("/root/onserver", string(program), 0o755)
			for range 2 {
				t.Log(l.Server.Run("/root/onserver", "resolve", "a@example.org", "x@remote.example", "root@host.example.com", "root"))
			}
		})
	}
}

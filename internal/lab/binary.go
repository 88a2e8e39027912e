package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// binaryPath is where servers have the program.
const binaryPath = "/usr/local/bin/relayhost"

// BinaryEnv may name a relayhost that has been built already. Otherwise each
// test process builds one when it first needs it.
const BinaryEnv = "RELAYHOST_LAB_BINARY"

// Install puts relayhost on the server, as /usr/local/bin/relayhost. Running
// "relayhost" does so by itself; scripts and units need it said.
func (s *Server) Install() {
	s.t.Helper()
	s.binary.Do(func() {
		data, err := relayhost()
		if err == nil {
			// A child that another test forks meanwhile would hold the file
			// open for writing, and running it would be ETXTBSY.
			syscall.ForkLock.RLock()
			err = s.enter(func() error { return writeFile(binaryPath, data, 0o755) })
			syscall.ForkLock.RUnlock()
		}
		if err != nil {
			s.t.Errorf("lab: relayhost: %v", err)
		}
	})
}

// relayhost returns the program, a static binary as it is shipped.
var relayhost = sync.OnceValues(func() ([]byte, error) {
	if p := os.Getenv(BinaryEnv); p != "" {
		return os.ReadFile(p)
	}
	dir, err := os.MkdirTemp("", "relayhost-lab-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "relayhost")
	cmd := exec.Command("go", "build", "-o", out, "relayhost/cmd/relayhost")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, said)
	}
	return os.ReadFile(out)
})

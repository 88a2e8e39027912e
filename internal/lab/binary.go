package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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
	s.binary.Do(func() { s.program(binaryPath, relayhost) })
}

// program puts a program on the server.
func (s *Server) program(path string, build func() ([]byte, error)) {
	s.t.Helper()
	data, err := build()
	if err == nil {
		err = s.write(path, data, 0o755)
	}
	if err != nil {
		s.t.Errorf("lab: %s: %v", path, err)
	}
}

// Restricted is what to put before a command, named by its path, so that the
// kernel answers its system calls of these names with the errno (EPERM, EACCES
// or ENOSYS), as under the runtime of a container.
func (s *Server) Restricted(errno string, calls ...string) []string {
	s.t.Helper()
	const path = "/usr/local/bin/restrict"
	if !s.Exists(path) {
		s.program(path, restrict)
	}
	return []string{path, errno, strings.Join(calls, ",")}
}

var restrict = sync.OnceValues(func() ([]byte, error) { return compile("relayhost/internal/lab/restrict") })

// relayhost returns the program, a static binary as it is shipped.
var relayhost = sync.OnceValues(func() ([]byte, error) {
	if p := os.Getenv(BinaryEnv); p != "" {
		return os.ReadFile(p)
	}
	return compile("relayhost/cmd/relayhost")
})

// emulated is the program for a machine that is emulated: its children, which take
// seconds there, and more on a busy machine, may take minutes.
var emulated = sync.OnceValues(func() ([]byte, error) {
	return compile("relayhost/cmd/relayhost", "-X", "relayhost/internal/host.slowLimit=10m")
})

func compile(program string, ldflags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-lab-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "program")
	// As .ci/package does, so that nothing is compiled once more for that.
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags", strings.Join(append([]string{"-s", "-w", "-funcalign=16"}, ldflags...), " "), "-o", out, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, said)
	}
	return os.ReadFile(out)
}

// TestProgram is the tests of a package, those of the lab included, as a static program
// that a server of every suite can run: some call the package where a Postfix runs.
func TestProgram(pkg string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-lab-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "program")
	cmd := exec.CommandContext(context.Background(), "go", "test", "-c", "-tags", "lab", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go test -c: %w\n%s", err, said)
	}
	return os.ReadFile(out)
}

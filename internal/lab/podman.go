package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Podman runs containers in the network of a server of the lab, from images made of
// the lab's own roots: no registry is asked.
type Podman struct {
	s    *Server
	root string // storage; this test's alone
}

// HasPodman reports whether this machine can run containers.
func HasPodman() bool {
	for _, program := range []string{"podman", "buildah", "crun", "catatonit"} {
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	return true
}

// Podman prepares an empty storage for containers, which goes with the test.
func (s *Server) Podman() *Podman {
	s.t.Helper()
	cache, err := cacheDir()
	if err != nil {
		s.t.Fatalf("lab: containers: %v", err)
	}
	// Beside the roots: an overlay cannot lie on another.
	root, err := os.MkdirTemp(cache, ".podman-")
	if err != nil {
		s.t.Fatalf("lab: containers: %v", err)
	}
	p := &Podman{s: s, root: root}
	s.t.Cleanup(func() {
		p.Run("rm", "--all", "--force", "--time", "0")
		if err := os.RemoveAll(root); err != nil {
			s.t.Errorf("lab: containers: %v", err)
		}
	})
	return p
}

// podmanScript runs podman where crun finds control groups that it knows: of two
// hierarchies at once it takes none.
const podmanScript = `umount /sys/fs/cgroup/unified 2>/dev/null || true; exec "$@"`

func (p *Podman) command(program string, args []string) []string {
	store := []string{program, "--root", filepath.Join(p.root, "root"), "--runroot", filepath.Join(p.root, "run"), "--storage-driver", "overlay"}
	if program == "podman" {
		store = append(store, "--tmpdir", filepath.Join(p.root, "tmp"), "--cgroup-manager", "cgroupfs", "--runtime", "crun", "--events-backend", "file")
	}
	return append(append([]string{"unshare", "--mount", "sh", "-c", podmanScript, "sh"}, store...), args...)
}

// Run runs podman with these arguments.
func (p *Podman) Run(args ...string) Result {
	p.s.t.Helper()
	return p.do(p.command("podman", args))
}

func (p *Podman) do(args []string) Result {
	p.s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second // conmon(8) keeps the streams open
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		p.s.t.Fatalf("lab: containers: %q: %v", args, err)
	}
	return Result{Stdout: out.String(), Stderr: errs.String(), Code: cmd.ProcessState.ExitCode(), Took: time.Since(began)}
}

// Import makes the image localhost/NAME of the root of a release, with Postfix.
func (p *Podman) Import(name string, suite Suite) {
	p.s.t.Helper()
	stack, err := layers(plain().with([]Option{On(suite)}))
	if err == nil {
		// tar(1) of the merged layers, in a mount namespace of its own.
		script := `mount -t overlay overlay -o "lowerdir=$1" /mnt; shift; tar -C /mnt --exclude=./dev/* -c . | "$@"`
		args := append([]string{"unshare", "--mount", "sh", "-euc", script, "sh", strings.Join(stack, ":")}, p.command("podman", []string{"import", "-", "localhost/" + name})...)
		if r := p.do(args); r.Code != 0 {
			err = fmt.Errorf("import: %s", r)
		}
	}
	if err != nil {
		p.s.t.Fatalf("lab: containers: %v", err)
	}
}

// Build builds the image localhost/NAME of a Containerfile, with the machine's own
// network for its package manager.
func (p *Podman) Build(name, dir string, args ...string) Result {
	p.s.t.Helper()
	return p.do(p.command("buildah", append(append([]string{"bud", "--isolation", "chroot", "--network", "host", "--tag", "localhost/" + name}, args...), dir)))
}

// Start starts a container in the network of the server and returns its name. The
// limits are those that a machine without CAP_SYS_RESOURCE can set.
func (p *Podman) Start(options []string, image string, command ...string) Result {
	p.s.t.Helper()
	args := append([]string{"run", "--cgroups", "disabled", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096",
		"--network", fmt.Sprintf("ns:/proc/%d/ns/net", p.s.Pid()), "--dns", dns4.String(), "--hostname", p.s.cfg.hostname}, options...)
	return p.Run(append(append(args, "localhost/"+image), command...)...)
}

// Holds lists the files of all layers that hold the word.
func (p *Podman) Holds(word string) string {
	p.s.t.Helper()
	return p.do([]string{"grep", "--recursive", "--files-with-matches", "--fixed-strings", word, filepath.Join(p.root, "root")}).Stdout
}

// Program is the path of relayhost as it is shipped, on this machine.
func (p *Podman) Program() string {
	p.s.t.Helper()
	data, err := relayhost()
	path := filepath.Join(p.root, "relayhost")
	if err == nil {
		err = os.WriteFile(path, data, 0o755)
	}
	if err != nil {
		p.s.t.Fatalf("lab: containers: %v", err)
	}
	return path
}

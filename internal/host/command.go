//go:build unix

package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// CommandTimeout bounds every child process that has no limit of its own.
var CommandTimeout = cmp.Or(slow, 30*time.Second)

// slowLimit is set by the linker for an emulated machine, where a child takes minutes:
// -X relayhost/internal/host.slowLimit=5m.
var slowLimit string

var slow, _ = time.ParseDuration(slowLimit)

// maxOutput bounds what is kept of each stream of a child, in bytes.
const maxOutput = 4 << 20

// defaultPath is where children are looked for, whatever the caller's PATH is.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command is a child process: an argument list, never a shell line. It gets a
// clean environment and its own session, without a terminal, whose process group is
// killed at the limit: SELinux may deny Postfix's programs the terminal, and logs that.
type Command struct {
	Args    []string
	Stdin   []byte        // secrets go in here, never into Args
	Timeout time.Duration // 0: Reader.Limit
	as      *syscall.Credential
}

// Output is what a child printed and how it ended.
type Output struct {
	Stdout []byte
	Stderr []byte
	Code   int // exit code; -1 when a signal ended it
}

// Fault is the first line that the child wrote to stderr.
func (o Output) Fault() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(o.Stderr)), "\n")
	return line
}

// ErrNoProgram is returned when the program is not installed.
var ErrNoProgram = errors.New("program not found")

func (r *Reader) run(ctx context.Context, c Command) (Output, error) {
	limit := cmp.Or(c.Timeout, r.Limit, CommandTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	program, err := r.lookPath(c.Args[0])
	if err != nil {
		return Output{}, err
	}
	args := append(r.enter(program), append([]string{program}, c.Args[1:]...)...)
	if args[0], err = r.lookPath(args[0]); err != nil {
		return Output{}, err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	// MAIL_CONFIG and its like would redirect every Postfix command.
	cmd.Env = []string{"PATH=" + r.path(), "LC_ALL=C", "HOME=/root"}
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader(c.Stdin)
	var stdout, stderr limited
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c.as}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A daemon that the child left behind may hold the pipes open.
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	out := Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: stopped: %w", c.Args[0], context.Cause(ctx))
	case err == nil, errors.As(err, &exit), errors.Is(err, exec.ErrWaitDelay):
		return out, nil
	default:
		return out, fmt.Errorf("%s: %w", c.Args[0], err)
	}
}

// limited keeps the first maxOutput bytes and drops the rest.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxOutput - l.Len(); room > 0 {
		_, _ = l.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

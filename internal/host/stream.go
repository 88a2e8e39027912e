//go:build unix

package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// maxLine bounds one line that Stream hands out, in bytes; the rest of a longer
// one is dropped.
const maxLine = 64 << 10

// JournalFollow prints what journald receives from since on, as JSON lines, until
// it is stopped. args are matches (journalctl(1)).
func JournalFollow(since time.Time, args ...string) Query {
	q := Journal(since, args...)
	q.command.Args = append(q.command.Args, "--follow", "--no-tail")
	return q
}

// Stream runs q until it ends, ctx ends, or each returns an error, and hands
// every line that it prints to each, without the line feed. The slice is valid
// during the call only. There is no time limit but that of ctx. Output holds no
// Stdout.
func (r *Reader) Stream(ctx context.Context, q Query, each func(line []byte) error) (Output, error) {
	program, err := r.lookPath(q.command.Args[0])
	if err != nil {
		return Output{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, q.command.Args[1:]...)
	cmd.Env = []string{"PATH=" + r.path(), "LC_ALL=C", "HOME=/root"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stderr limited
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return Output{}, err
	}
	if err := cmd.Start(); err != nil {
		return Output{}, err
	}
	readErr := eachLine(stdout, each)
	if readErr != nil {
		cancel()
	}
	err = cmd.Wait()
	out := Output{Stderr: stderr.Bytes(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case readErr != nil:
		return out, readErr
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: stopped: %w", q.command.Args[0], context.Cause(ctx))
	case err == nil, errors.As(err, &exit), errors.Is(err, exec.ErrWaitDelay):
		return out, nil
	default:
		return out, fmt.Errorf("%s: %w", q.command.Args[0], err)
	}
}

// eachLine reads bounded lines until the end of input, which is no error.
func eachLine(in io.Reader, each func(line []byte) error) error {
	lines := bufio.NewReaderSize(in, maxLine)
	for {
		line, more, err := lines.ReadLine()
		if err != nil {
			return nil //nolint:nilerr // how a child ended is told by its exit code
		}
		if err := each(line); err != nil {
			return err
		}
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
	}
}

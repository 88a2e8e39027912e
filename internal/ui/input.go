package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// InUntil is In as a reader that ends with ctx: a pipe that nobody writes to, or
// a terminal, would hold a command for ever, whatever signal comes.
func (s *Streams) InUntil(ctx context.Context) io.Reader {
	f, ok := s.In.(*os.File)
	if !ok {
		return s.In
	}
	return &waitingFile{ctx, f}
}

// waitingFile waits for input and for the end of its context.
type waitingFile struct {
	ctx context.Context
	*os.File
}

// lookAgain is how long a wait for input lasts before the context is looked at.
const lookAgain = 100 * time.Millisecond

func (p *waitingFile) Read(buf []byte) (int, error) {
	for {
		if err := p.ctx.Err(); err != nil {
			return 0, context.Cause(p.ctx)
		}
		fds := []unix.PollFd{{Fd: int32(p.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(lookAgain.Milliseconds()))
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return 0, err
		case n > 0: // input, or its end
			return p.File.Read(buf)
		}
	}
}

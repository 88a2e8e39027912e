package lab

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// stream collects what a process writes into a pipe. It can be read meanwhile,
// and ends with the process: a daemon that was left behind and holds the pipe
// open is not waited for.
type stream struct {
	r, w *os.File
	done chan struct{}

	mu  sync.Mutex
	buf bytes.Buffer
}

// streams makes the two streams of a process.
func streams() (out, err *stream, fail error) {
	if out, fail = newStream(); fail != nil {
		return nil, nil, fail
	}
	if err, fail = newStream(); fail != nil {
		out.started()
		out.ended()
		return nil, nil, fail
	}
	return out, err, nil
}

func newStream() (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &stream{r: r, w: w, done: make(chan struct{})}
	go s.collect()
	return s, nil
}

// started closes this side's end for writing, once the process has its own.
func (s *stream) started() {
	if s != nil {
		_ = s.w.Close()
	}
}

// ended takes what is still in the pipe of a process that has ended.
func (s *stream) ended() {
	if s == nil {
		return
	}
	_ = s.r.SetReadDeadline(time.Now())
	<-s.done
	_ = s.r.Close()
}

func (s *stream) collect() {
	defer close(s.done)
	chunk := make([]byte, 64<<10)
	for {
		n, err := s.r.Read(chunk)
		s.add(chunk[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.drain(chunk)
			return
		case err != nil:
			return
		}
	}
}

// drain reads without waiting, which an expired deadline does not allow.
func (s *stream) drain(chunk []byte) {
	_ = s.r.SetReadDeadline(time.Time{})
	raw, err := s.r.SyscallConn()
	if err != nil {
		return
	}
	for {
		n := 0
		err = raw.Read(func(fd uintptr) bool {
			n, _ = unix.Read(int(fd), chunk) // -1: empty now
			return true
		})
		if err != nil || n <= 0 {
			return
		}
		s.add(chunk[:n])
	}
}

func (s *stream) add(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(p)
}

// String is what has come so far.
func (s *stream) String() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

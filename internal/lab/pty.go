package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is a process with a terminal, and the person in front of it.
type Terminal struct {
	*Process

	t      testing.TB
	master *os.File
	done   chan struct{}

	mu     sync.Mutex
	screen strings.Builder
	read   int // how far Expect has read
}

// StartPTY starts a command, as root, on a terminal of 80 columns.
func (s *Server) StartPTY(args ...string) *Terminal {
	s.t.Helper()
	var master, slave *os.File
	err := s.enter(func() error {
		var err error
		master, slave, err = openPTY()
		return err
	})
	if err != nil {
		s.t.Fatalf("lab: %s: terminal: %v", s.cfg.hostname, err)
	}
	p, err := s.start(Command{Args: args, Timeout: time.Hour, Env: []string{"TERM=xterm"}}, slave)
	_ = slave.Close()
	if err != nil {
		_ = master.Close()
		s.t.Fatalf("lab: %s: start %q: %v", s.cfg.hostname, args, err)
	}
	term := &Terminal{Process: p, t: s.t, master: master, done: make(chan struct{})}
	go term.show()
	s.waits.Go(func() {
		<-p.done
		// The screen may still hold what the process wrote last; on a
		// terminal that somebody else keeps open no end would come.
		select {
		case <-term.done:
		case <-time.After(100 * time.Millisecond):
		}
		_ = master.Close()
		<-term.done
	})
	return term
}

// show collects what appears until the terminal is closed.
func (t *Terminal) show() {
	defer close(t.done)
	_, _ = io.Copy(screen{t}, t.master) // EIO when the last user has gone
}

type screen struct{ t *Terminal }

func (s screen) Write(p []byte) (int, error) {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	return s.t.screen.Write(p)
}

// Screen is all that has been shown, control sequences included.
func (t *Terminal) Screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.String()
}

// Expect waits until text appears after what was expected before. It fails the
// test after a minute, or when the process ends without it.
func (t *Terminal) Expect(text string) {
	t.t.Helper()
	for end := time.Now().Add(runTime); ; time.Sleep(5 * time.Millisecond) {
		over := time.Now().After(end)
		select {
		case <-t.done:
			over = true
		default:
		}
		all := t.Screen()
		if i := strings.Index(all[t.read:], text); i >= 0 {
			t.read += i + len(text)
			return
		}
		if over {
			t.t.Fatalf("lab: %q never appeared on the terminal:\n%s", text, all)
		}
	}
}

// Type types text; "\n" is not added, and Enter is "\r".
func (t *Terminal) Type(text string) {
	t.t.Helper()
	if _, err := t.master.WriteString(text); err != nil {
		t.t.Fatalf("lab: terminal: %v", err)
	}
}

// Hangup closes the terminal under the process, as a lost connection does.
func (t *Terminal) Hangup() { _ = t.master.Close() }

// openPTY opens a pair of pseudoterminals (pty(7)) of this thread's root.
func openPTY() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("/dev/ptmx: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, master.Close())
	}
	return master, slave, nil
}

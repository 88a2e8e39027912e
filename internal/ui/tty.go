package ui

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// answersCursorQuery asks the terminal where its cursor is, as survey will
// (DSR, ECMA-48), and waits 200 ms. When something was typed ahead it does not
// ask: the answer could not be told from the input.
func answersCursorQuery(in, out *os.File) bool {
	fd := int(in.Fd())
	if waiting(fd, 0) {
		return false
	}
	old, err := term.MakeRaw(fd)
	if err != nil {
		return false
	}
	defer func() { _ = term.Restore(fd, old) }()
	if _, err := out.WriteString("\x1b[6n"); err != nil {
		return false
	}
	answered := false
	buf := make([]byte, 32)
	for deadline := time.Now().Add(200 * time.Millisecond); time.Now().Before(deadline); {
		if !waiting(fd, int(time.Until(deadline).Milliseconds())) {
			break
		}
		n, err := unix.Read(fd, buf)
		if err != nil || n == 0 {
			break
		}
		if buf[n-1] == 'R' {
			answered = true
			break
		}
	}
	if !answered {
		// A terminal that prints what it does not know shows "[6n".
		_, _ = out.WriteString("\r\x1b[K\r")
	}
	return answered
}

func waiting(fd, ms int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, ms)
	return err == nil && n == 1
}

// noEcho switches the terminal's echo off and returns what switches it on.
func noEcho(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	quiet := *old
	quiet.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }, nil
}

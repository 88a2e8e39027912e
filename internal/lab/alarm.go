package lab

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm sleeps by a timer of the kernel (timerfd_create(2)): the runtime's own
// are late by two or three times as much, and a link of 50 ms is to be one of 50 ms.
type alarm struct {
	fd   int // of file, whose Fd method would make it block a whole thread
	file *os.File
}

// newAlarm returns an alarm; one that the kernel does not give is the runtime's.
func newAlarm() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &alarm{}
	}
	return &alarm{fd, os.NewFile(uintptr(fd), "timerfd")}
}

// sleepUntil returns at due.
func (a *alarm) sleepUntil(due time.Time) {
	d := time.Until(due)
	if d <= 0 {
		return
	}
	if a.file != nil && unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil) == nil {
		var count [8]byte
		if _, err := a.file.Read(count[:]); err == nil {
			return
		}
	}
	time.Sleep(time.Until(due))
}

func (a *alarm) close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}

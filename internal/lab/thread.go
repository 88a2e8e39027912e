package lab

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// onThread runs f on an operating system thread of its own, which ends with
// f: whatever namespaces f has joined, no other goroutine ever sees them.
func onThread(f func() error) error {
	errc := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread never ends, so it would hold on to the
			// namespaces. While this goroutine keeps it, another
			// goroutine gets another thread.
			err := onThread(f)
			runtime.UnlockOSThread()
			errc <- err
			return
		}
		errc <- f() // not unlocked: the thread ends here
	}()
	return <-errc
}

// inNet runs f in a network namespace, and in this process's other namespaces.
func inNet(ns netns.NsHandle, f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(ns), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("join network namespace: %w", err)
		}
		return f()
	})
}

// newNet makes a network namespace that lives as long as the handle is open
// or a socket or device uses it.
func newNet() (netns.NsHandle, error) {
	ns := netns.None()
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		var err error
		ns, err = netns.Get()
		return err
	})
	return ns, err
}

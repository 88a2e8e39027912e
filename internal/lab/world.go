package lab

import (
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/vishvananda/netns"
)

// World is the network around the server: every address of the internet that
// a test needs, in one network namespace of its own. Its services are
// goroutines of the test, so that a test asserts their counters directly.
type World struct {
	t  testing.TB
	ns netns.NsHandle
}

// Listen listens in the world's namespace, as [net.Listen] does. The address
// is added to the world first. The listener is closed with the test.
func (w *World) Listen(network, addr string) (net.Listener, error) {
	panic("not written yet")
}

// ListenPacket is [World.Listen] for datagrams, as [net.ListenPacket].
func (w *World) ListenPacket(network, addr string) (net.PacketConn, error) {
	panic("not written yet")
}

// AddAddr gives the world one more address; one that it has already is no error.
func (w *World) AddAddr(addr netip.Addr) error {
	panic("not written yet")
}

// in runs f on a thread of the namespace.
func in(ns netns.NsHandle, f func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := netns.Set(ns); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = f()
	if netns.Set(home) == nil {
		runtime.UnlockOSThread() // otherwise the thread ends with the goroutine
	}
	return err
}

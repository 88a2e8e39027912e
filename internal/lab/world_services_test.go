package lab

import (
	"net"
	"sync"
	"testing"
)

// loopback stands in for the world's network in unit tests: every address is
// a port of 127.0.0.1.
type loopback struct {
	t    *testing.T
	mu   sync.Mutex
	real map[string]string // network and address as asked for -> as it is
}

func (l *loopback) Listen(network, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		l.t.Cleanup(func() { _ = ln.Close() })
		l.set(network, addr, ln.Addr())
	}
	return ln, err
}

func (l *loopback) ListenPacket(network, addr string) (net.PacketConn, error) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err == nil {
		l.t.Cleanup(func() { _ = pc.Close() })
		l.set(network, addr, pc.LocalAddr())
	}
	return pc, err
}

func (l *loopback) set(network, addr string, to net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.real[network+" "+addr] = to.String()
}

// at is where an address of the world really is.
func (l *loopback) at(network, addr string) string {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	to, ok := l.real[network+" "+addr]
	if !ok {
		l.t.Fatalf("%s %s: got no listener, want one", network, addr)
	}
	return to
}

// testWorld is a World whose services are on loopback. Options that concern
// services only are applied to it.
func testWorld(t *testing.T, opts ...Option) (*World, *loopback) {
	t.Helper()
	ca, err := newCA()
	if err != nil {
		t.Fatal(err)
	}
	n := &loopback{t: t, real: map[string]string{}}
	w := &World{CA: ca, t: t}
	if err := w.open(t, n, ca); err != nil {
		t.Fatal(err)
	}
	for _, start := range plain().with(opts).services {
		start(w)
	}
	return w, n
}

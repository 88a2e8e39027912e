package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The world's own addresses: its DNS and the gateways of the servers.
var (
	dns4 = netip.MustParseAddr("192.0.2.53")
	dns6 = netip.MustParseAddr("2001:db8::53")
	gw4  = netip.MustParseAddr("203.0.113.1")
	gw6  = netip.MustParseAddr("2001:db8:a::1")
)

// World is the network around the server: every address of the internet that
// a test needs, in one network namespace of its own. Its services are
// goroutines of the test, so that a test asserts their counters directly.
type World struct {
	// CA is the authority that the servers of this lab trust.
	CA *CA

	services
	t  testing.TB
	ns netns.NsHandle
	nl *netlink.Handle
	fw firewall

	mu    sync.Mutex
	addrs map[netip.Addr]bool
}

// newWorld makes a world that ends with the test.
func newWorld(t testing.TB) (*World, error) {
	ca, err := newCA()
	if err != nil {
		return nil, err
	}
	ns, err := newNet()
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = ns.Close() })
	nl, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	t.Cleanup(nl.Close)
	w := &World{CA: ca, t: t, ns: ns, nl: nl, addrs: map[netip.Addr]bool{}}
	w.fw.ns = ns
	if err := loopbackUp(nl); err != nil {
		return nil, err
	}
	if err := sysctl(ns, map[string]string{
		"ipv4/ip_forward":          "1",
		"ipv6/conf/all/forwarding": "1",
		// One refused connection may follow the other at once.
		"ipv4/icmp_ratelimit": "0",
		"ipv6/icmp/ratelimit": "0",
	}); err != nil {
		return nil, err
	}
	// What nobody holds is lost without a word.
	for _, dst := range []string{"0.0.0.0/0", "::/0"} {
		_, n, err := net.ParseCIDR(dst)
		if err != nil {
			return nil, err
		}
		if err := nl.RouteAdd(&netlink.Route{Dst: n, Type: unix.RTN_BLACKHOLE}); err != nil {
			return nil, fmt.Errorf("route %s to nowhere: %w", dst, err)
		}
	}
	for _, a := range []netip.Addr{dns4, dns6, gw4, gw6} {
		if err := w.AddAddr(a); err != nil {
			return nil, err
		}
	}
	if err := w.open(t, w, ca); err != nil {
		return nil, err
	}
	return w, nil
}

// Listen listens in the world's namespace, as [net.Listen] does with a literal
// address, which is added to the world first. The listener is closed with the
// test.
func (w *World) Listen(network, addr string) (net.Listener, error) {
	if err := w.addFor(addr); err != nil {
		return nil, err
	}
	var ln net.Listener
	err := inNet(w.ns, func() error {
		var err error
		ln, err = new(net.ListenConfig).Listen(context.Background(), network, addr)
		return err
	})
	if err != nil {
		return nil, err
	}
	w.t.Cleanup(func() { _ = ln.Close() })
	return ln, nil
}

// ListenPacket is [World.Listen] for datagrams, as [net.ListenPacket].
func (w *World) ListenPacket(network, addr string) (net.PacketConn, error) {
	if err := w.addFor(addr); err != nil {
		return nil, err
	}
	var pc net.PacketConn
	err := inNet(w.ns, func() error {
		var err error
		pc, err = new(net.ListenConfig).ListenPacket(context.Background(), network, addr)
		return err
	})
	if err != nil {
		return nil, err
	}
	w.t.Cleanup(func() { _ = pc.Close() })
	return pc, nil
}

// Dial connects from the world to a literal address: to a server, say.
func (w *World) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var c net.Conn
	err := inNet(w.ns, func() error {
		var err error
		c, err = new(net.Dialer).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// addFor adds the address of a host:port, unless it stands for any address.
func (w *World) addFor(hostport string) error {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return err
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Errorf("world: %s: a literal address is wanted: %w", hostport, err)
	}
	if a.IsUnspecified() || a.IsLoopback() {
		return nil
	}
	return w.AddAddr(a)
}

// AddAddr gives the world one more address; one that it has already is no error.
func (w *World) AddAddr(addr netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	addr = addr.WithZone("")
	if w.addrs[addr] {
		return nil
	}
	if err := addAddr(w.nl, "lo", netip.PrefixFrom(addr, addr.BitLen())); err != nil {
		return err
	}
	w.addrs[addr] = true
	return nil
}

// Address is [World.AddAddr] for tests: it fails t.
func (w *World) Address(t testing.TB, addr string) {
	t.Helper()
	a, err := netip.ParseAddr(addr)
	if err == nil {
		err = w.AddAddr(a)
	}
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
}

func loopbackUp(nl *netlink.Handle) error {
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	if err := nl.LinkSetUp(lo); err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	return nil
}

// addAddr puts an address on a device. IPv6 addresses are usable at once: no
// duplicate address detection.
func addAddr(nl *netlink.Handle, dev string, p netip.Prefix) error {
	link, err := nl.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", dev, err)
	}
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := nl.AddrAdd(link, a); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%s: add address %s: %w", dev, p, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{
		IP:   p.Addr().AsSlice(),
		Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	}
}

// sysctl writes settings below /proc/sys/net, which show the namespace of the
// thread that opens them.
func sysctl(ns netns.NsHandle, settings map[string]string) error {
	return inNet(ns, func() error {
		for k, v := range settings {
			if err := os.WriteFile("/proc/sys/net/"+k, []byte(v), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}

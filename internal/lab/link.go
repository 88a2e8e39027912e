package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// link carries the packets between a server and the world.
type link struct {
	delay         time.Duration
	server, world *os.File // TUN devices
	meter         *meter
	done          chan struct{}
}

// packet is an IP packet on its way.
type packet struct {
	data []byte
	due  time.Time
}

// queue bounds what is on the way in one direction: 50 ms of a gigabit.
const queue = 4096

// addrGenNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const addrGenNone = 1

// mtu is Ethernet's.
const mtu = 1500

// newLink joins a server's namespace ("eth0") to the world's by two TUN
// devices and starts to carry packets.
func newLink(server, world netns.NsHandle, worldDev string, delay time.Duration) (*link, error) {
	l := &link{delay: delay, meter: newMeter(), done: make(chan struct{})}
	var err error
	if l.server, err = openTun(server, "eth0"); err != nil {
		return nil, err
	}
	if l.world, err = openTun(world, worldDev); err != nil {
		return nil, errors.Join(err, l.server.Close())
	}
	out, in := make(chan struct{}), make(chan struct{})
	go func() { defer close(out); l.carry(l.server, l.world, l.meter.sent) }()
	go func() { defer close(in); l.carry(l.world, l.server, l.meter.received) }()
	go func() { <-out; <-in; close(l.done) }()
	return l, nil
}

// close takes the link away and waits for its goroutines.
func (l *link) close() error {
	err := errors.Join(l.server.Close(), l.world.Close())
	<-l.done
	return err
}

// carry moves packets one way until a device is closed.
func (l *link) carry(from, to *os.File, count func([]byte)) {
	line := make(chan packet, queue)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		clock := newAlarm()
		defer clock.close()
		for p := range line {
			clock.sleepUntil(p.due)
			// A device that is down or gone loses the packet, as a
			// cable that is out does.
			_, _ = to.Write(p.data)
		}
	}()
	buf := make([]byte, mtu+100)
	for {
		n, err := from.Read(buf)
		if err != nil {
			break
		}
		count(buf[:n])
		if l.delay == 0 && len(line) == 0 {
			_, _ = to.Write(buf[:n])
			continue
		}
		line <- packet{append([]byte(nil), buf[:n]...), time.Now().Add(l.delay)}
	}
	close(line)
	<-sent
}

// openTun makes a TUN device in a network namespace; it goes when it is closed.
func openTun(ns netns.NsHandle, name string) (*os.File, error) {
	return openTunTap(ns, name, unix.IFF_TUN)
}

// openTunTap is openTun for either kind: IFF_TUN or IFF_TAP.
func openTunTap(ns netns.NsHandle, name string, kind uint16) (*os.File, error) {
	fd := -1
	err := inNet(ns, func() error {
		var err error
		fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("/dev/net/tun: %w", err)
		}
		req, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		req.SetUint16(kind | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	})
	if err != nil {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return nil, fmt.Errorf("tun %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// deviceUp prepares a TUN device: no address of its own making, a queue that
// loses nothing, up.
func deviceUp(nl *netlink.Handle, name string) (netlink.Link, error) {
	dev, err := nl.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := nl.LinkSetTxQLen(dev, queue); err != nil {
		return nil, fmt.Errorf("%s: queue: %w", name, err)
	}
	if err := nl.LinkSetIP6AddrGenMode(dev, addrGenNone); err != nil {
		return nil, fmt.Errorf("%s: address mode: %w", name, err)
	}
	if err := nl.LinkSetUp(dev); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return dev, nil
}

// connect gives the server its link, addresses and routes.
func (s *Server) connect(n int) error {
	dev := fmt.Sprintf("srv%d", n)
	var err error
	if s.link, err = newLink(s.net, s.lab.World.ns, dev, s.cfg.delay); err != nil {
		return err
	}
	nl, err := netlink.NewHandleAt(s.net, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer nl.Close()
	if err := loopbackUp(nl); err != nil {
		return err
	}
	if err := sysctl(s.net, map[string]string{
		"ipv4/icmp_ratelimit": "0", "ipv6/icmp/ratelimit": "0",
		"ipv4/ping_group_range": "0 2147483647",
	}); err != nil {
		return err
	}
	eth, err := deviceUp(nl, "eth0")
	if err != nil {
		return err
	}
	out, err := deviceUp(s.lab.World.nl, dev)
	if err != nil {
		return err
	}
	if err := s.lab.World.nextTo(nl, out.Attrs().Index, dev); err != nil {
		return err
	}
	type side struct {
		addr, gw netip.Addr
		bits     int
		on, way  bool
	}
	for _, f := range []side{
		{s.IPv4, gw4, 24, true, s.cfg.route4},
		{s.IPv6, gw6, 64, s.cfg.ipv6, s.cfg.route6},
	} {
		if !f.on {
			continue
		}
		if err := addAddr(nl, "eth0", netip.PrefixFrom(f.addr, f.bits)); err != nil {
			return err
		}
		back := &netlink.Route{LinkIndex: out.Attrs().Index, Dst: ipNet(netip.PrefixFrom(f.addr, f.addr.BitLen()))}
		if err := s.lab.World.nl.RouteAdd(back); err != nil {
			return fmt.Errorf("route to %s: %w", f.addr, err)
		}
		if !f.way {
			continue
		}
		any := ipNet(netip.PrefixFrom(zero(f.addr), 0))
		if err := nl.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: any, Gw: f.gw.AsSlice()}); err != nil {
			return fmt.Errorf("default route: %w", err)
		}
	}
	return nil
}

// linkLocalNet is the prefix of link-local addresses (RFC 4291, section 2.5.6).
const linkLocalNet = 64

// nextTo puts the services of link-local addresses on the world's end of a
// server's link, and gives the server's end the address to ask them from.
func (w *World) nextTo(server *netlink.Handle, index int, dev string) error {
	if len(w.neighbours) == 0 {
		return nil
	}
	if err := addAddr(server, "eth0", netip.PrefixFrom(netip.MustParseAddr("fe80::10"), linkLocalNet)); err != nil {
		return err
	}
	for _, n := range w.neighbours {
		if err := addAddr(w.nl, dev, netip.PrefixFrom(n.at.Addr(), linkLocalNet)); err != nil {
			return err
		}
		// By number: names of interfaces are looked up in the machine's own network.
		at := netip.AddrPortFrom(n.at.Addr().WithZone(strconv.Itoa(index)), n.at.Port())
		var ln net.Listener
		err := inNet(w.ns, func() (err error) {
			ln, err = new(net.ListenConfig).Listen(context.Background(), "tcp6", at.String())
			return err
		})
		if err != nil {
			return fmt.Errorf("neighbour: %w", err)
		}
		w.t.Cleanup(func() { _ = ln.Close() })
		go n.serve(ln)
	}
	return nil
}

// zero is the unspecified address of a's family.
func zero(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

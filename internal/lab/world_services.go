package lab

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"relayhost/internal/bridge/apitest"
)

// network is where services listen: the world, or loopback in unit tests.
type network interface {
	Listen(network, addr string) (net.Listener, error)
	ListenPacket(network, addr string) (net.PacketConn, error)
}

// services are what listens in the world. World embeds them.
type services struct {
	// DNS is the resolver at 192.0.2.53 and [2001:db8::53].
	DNS *DNS

	t   testing.TB
	net network
	ca  *CA

	mu         sync.Mutex
	hosts      int // that have been given addresses
	relays     map[string]*RelayService
	exchangers map[string]*Exchanger
	controls   []*Control
	scripted   map[string]netip.Addr
	metadata   *Metadata
	identity   *Identity
	apis       map[string]*apitest.Service
	neighbours []neighbour
}

// neighbour is a service at a link-local address, next to every server.
type neighbour struct {
	at    netip.AddrPort
	serve func(net.Listener)
}

// open starts what every world has: its DNS. The listeners end with the test.
func (s *services) open(t testing.TB, n network, ca *CA) error {
	s.t, s.net, s.ca = t, n, ca
	s.relays, s.exchangers, s.scripted = map[string]*RelayService{}, map[string]*Exchanger{}, map[string]netip.Addr{}
	d, err := newDNS(t, n, dns4, dns6)
	if err != nil {
		return err
	}
	s.DNS = d
	// The domains that tests send from and to exist, without anything of mail.
	for _, domain := range []string{"example.com", "example.net"} {
		d.Set(domain, "TXT", "kept for documentation (RFC 2606)")
	}
	return nil
}

// must ends a test whose world cannot be had.
func (s *services) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("lab: world: %v", err)
	}
}

// addresses gives out the next host's two documentation addresses (RFC 5737,
// RFC 3849).
func (s *services) addresses() (v4, v6 netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts++
	n := s.hosts
	if n > 250 {
		panic(fmt.Sprintf("lab: world: no address for host %d", n))
	}
	v6bytes := netip.MustParseAddr("2001:db8:25::").As16()
	v6bytes[15] = byte(n)
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}), netip.AddrFrom16(v6bytes)
}

// host gives a name its addresses, in DNS both ways.
func (s *services) host(name string) []netip.Addr {
	v4, v6 := s.addresses()
	s.DNS.Host(name, v4, v6)
	return []netip.Addr{v4, v6}
}

package lab

import (
	"net/netip"
	"testing"
)

// ipv4 makes a packet of a protocol with the first bytes of its header.
func ipv4(proto byte, from, to string, transport []byte) []byte {
	p := make([]byte, 20, 60)
	p[0], p[9] = 0x45, proto
	a, b := netip.MustParseAddr(from).As4(), netip.MustParseAddr(to).As4()
	copy(p[12:], a[:])
	copy(p[16:], b[:])
	return append(p, transport...)
}

func ipv6(proto byte, from, to string, transport []byte) []byte {
	p := make([]byte, 40, 80)
	p[0], p[6] = 0x60, proto
	a, b := netip.MustParseAddr(from).As16(), netip.MustParseAddr(to).As16()
	copy(p[8:], a[:])
	copy(p[24:], b[:])
	return append(p, transport...)
}

// ports makes a transport header: 20 bytes, with TCP's flags in the 14th.
func ports(from, to uint16, flags byte) []byte {
	h := make([]byte, 20)
	h[0], h[1], h[2], h[3], h[12], h[13] = byte(from>>8), byte(from), byte(to>>8), byte(to), 5<<4, flags
	return h
}

func TestMeter(t *testing.T) {
	const syn, synAck, ack = 0x02, 0x12, 0x10
	m := newMeter()
	for _, p := range [][]byte{
		ipv4(protoTCP, "203.0.113.10", "198.51.100.3", ports(40000, 25, syn)),
		ipv4(protoTCP, "203.0.113.10", "198.51.100.3", ports(40000, 25, syn)), // a repeat
		ipv4(protoTCP, "203.0.113.10", "198.51.100.3", ports(40001, 25, syn)),
		ipv6(protoTCP, "2001:db8:a::10", "2001:db8::3", ports(40000, 587, syn)),
		ipv4(protoTCP, "203.0.113.10", "198.51.100.3", ports(25, 50000, synAck)), // an answer
		ipv4(protoTCP, "203.0.113.10", "198.51.100.3", ports(40000, 25, ack)),
		ipv4(protoUDP, "203.0.113.10", "192.0.2.53", ports(5353, 53, 0)),
		ipv6(protoUDP, "2001:db8:a::10", "2001:db8::53", ports(5353, 53, 0)),
		ipv6(58, "fe80::1", "ff02::16", nil), // multicast of the kernel's own
		{0x45}, {}, ipv4(protoTCP, "203.0.113.10", "198.51.100.3", []byte{1}),
	} {
		m.sent(p)
	}
	got := m.read(true)
	if got.SYN[25] != 3 || got.Connections[25] != 2 || got.SYN[587] != 1 || len(got.SYN) != 2 {
		t.Errorf("connections: got %+v, want 3 SYNs and 2 connections to port 25, 1 SYN to port 587, none to another", got)
	}
	if got.DNSQueries != 2 || got.Attempts() != 3 || got.PacketsSent != 11 {
		t.Errorf("counted: got %+v, want 2 DNS queries, 3 attempts, 11 packets sent", got)
	}
	m.received(ipv4(protoTCP, "198.51.100.3", "203.0.113.10", ports(25, 40000, synAck)))
	if got := m.read(false); got.PacketsReceived != 1 || got.BytesReceived != 40 || got.PacketsSent != 0 {
		t.Errorf("after the reset: got %+v, want 1 packet of 40 bytes received, none sent", got)
	}
}

// A turn is data that comes back on a connection on which data went out.
func TestTurns(t *testing.T) {
	const ack = 0x10
	m := newMeter()
	out := func(port uint16, text string) {
		m.sent(ipv4(protoTCP, "203.0.113.10", "198.51.100.3", append(ports(port, 587, ack), text...)))
	}
	in := func(port uint16, text string) {
		m.received(ipv4(protoTCP, "198.51.100.3", "203.0.113.10", append(ports(587, port, ack), text...)))
	}
	in(40000, "220 hello")
	out(40000, "")
	out(40000, "EHLO")
	in(40000, "")
	out(40001, "EHLO")
	in(40000, "250-hello")
	in(40000, "250 AUTH")
	if got := m.read(true).Turns; len(got) != 1 || got[587] != 1 {
		t.Errorf("turns %v, want one", got)
	}
	in(40001, "250 hello")
	if got := m.read(true).Turns[587]; got != 1 {
		t.Errorf("%d turns on the second connection, want one", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ipv4(protoTCP, "203.0.113.10", "198.51.100.3", ports(40000, 25, 2)))
	f.Add(ipv6(protoUDP, "2001:db8:a::10", "2001:db8::53", ports(5353, 53, 0)))
	f.Fuzz(func(t *testing.T, p []byte) {
		if h := parse(p); h.syn && h.udp {
			t.Errorf("parse(%x): got %+v, want no SYN that is UDP", p, h)
		}
	})
}

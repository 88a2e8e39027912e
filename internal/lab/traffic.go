package lab

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"sync"
)

// Traffic is what has gone over a server's link, as the server sees it.
type Traffic struct {
	PacketsSent, PacketsReceived int
	BytesSent, BytesReceived     int
	// SYN counts the server's connection attempts by destination port,
	// repeats included.
	SYN map[int]int
	// Connections counts them without repeats.
	Connections map[int]int
	// Turns counts by destination port how often data came back on a TCP
	// connection after the server had sent some: the round trips that it
	// waited for answers.
	Turns map[int]int
	// DNSQueries counts the server's datagrams to port 53.
	DNSQueries int
}

// Attempts is the number of connections that the server tried, to any port.
func (t Traffic) Attempts() int {
	n := 0
	for _, c := range t.Connections {
		n += c
	}
	return n
}

// Traffic tells what the link has carried since the server started or since
// [Server.ResetTraffic].
func (s *Server) Traffic() Traffic { return s.link.meter.read(false) }

// ResetTraffic returns what was counted, and counts from 0 again.
func (s *Server) ResetTraffic() Traffic { return s.link.meter.read(true) }

// meter counts packets.
type meter struct {
	mu    sync.Mutex
	seen  Traffic
	flows map[flow]bool
	asked map[flow]bool // connections on which the server has spoken last
}

// flow is a connection attempt.
type flow struct{ from, to netip.AddrPort }

func newMeter() *meter {
	m := &meter{asked: map[flow]bool{}}
	m.reset()
	return m
}

func (m *meter) reset() {
	m.seen = Traffic{SYN: map[int]int{}, Connections: map[int]int{}, Turns: map[int]int{}}
	m.flows = map[flow]bool{}
}

func (m *meter) read(reset bool) Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.seen
	t.SYN, t.Connections, t.Turns = maps.Clone(t.SYN), maps.Clone(t.Connections), maps.Clone(t.Turns)
	if reset {
		m.reset()
	}
	return t
}

func (m *meter) received(p []byte) {
	h := parse(p)
	if h.multicast {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.PacketsReceived++
	m.seen.BytesReceived += len(p)
	if back := (flow{h.flow.to, h.flow.from}); h.data && m.asked[back] {
		delete(m.asked, back)
		m.seen.Turns[int(back.to.Port())]++
	}
}

func (m *meter) sent(p []byte) {
	h := parse(p)
	if h.multicast {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.PacketsSent++
	m.seen.BytesSent += len(p)
	port := int(h.flow.to.Port())
	switch {
	case h.syn:
		m.seen.SYN[port]++
		if !m.flows[h.flow] {
			m.flows[h.flow] = true
			m.seen.Connections[port]++
		}
	case h.data:
		m.asked[h.flow] = true
	case h.udp && port == 53:
		m.seen.DNSQueries++
	}
}

// header is what the meter wants to know of a packet.
type header struct {
	flow                      flow
	syn, data, udp, multicast bool
}

// IP protocol numbers (RFC 1700, RFC 8200).
const (
	protoTCP = 6
	protoUDP = 17
)

// parse reads the headers of an IPv4 (RFC 791) or IPv6 (RFC 8200) packet and
// of TCP (RFC 9293) or UDP in it. IPv6 extension headers are not looked into:
// neither Linux nor our programs send any with TCP or UDP.
func parse(p []byte) header {
	var h header
	var proto byte
	var from, to netip.Addr
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		n := int(p[0]&15) * 4
		proto = p[9]
		from, to = netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
		if len(p) < n {
			return h
		}
		p = p[n:]
	case len(p) >= 40 && p[0]>>4 == 6:
		proto = p[6]
		from, to = netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))
		p = p[40:]
	default:
		return h
	}
	h.multicast = to.IsMulticast()
	if (proto != protoTCP || len(p) < 20) && (proto != protoUDP || len(p) < 8) {
		return h
	}
	h.flow = flow{
		netip.AddrPortFrom(from, binary.BigEndian.Uint16(p[0:])),
		netip.AddrPortFrom(to, binary.BigEndian.Uint16(p[2:])),
	}
	const synFlag, ackFlag = 0x02, 0x10
	h.udp = proto == protoUDP
	h.syn = proto == protoTCP && p[13]&(synFlag|ackFlag) == synFlag
	h.data = proto == protoTCP && len(p) > int(p[12]>>4)*4 // a TUN device pads nothing
	return h
}

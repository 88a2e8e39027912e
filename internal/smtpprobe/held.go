//go:build unix

package smtpprobe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Held keeps the connections of probes, so that a later one can go on where the first
// stood: with the login, after greeting, EHLO, TLS and EHLO. The zero value holds none,
// and so does nil.
type Held struct {
	mu   sync.Mutex
	open map[netip.AddrPort]*heldClient
}

// heldClient is a dialogue that stands still, and what was said so far.
type heldClient struct {
	*client
	said []Exchange
}

// Probe is Probe, and keeps the connection where it came as far as StepEHLOTLS.
func (h *Held) Probe(ctx context.Context, t Target) Result {
	held := &heldClient{}
	told := t.Trace
	t.Trace = func(e Exchange) {
		held.said = append(held.said, e)
		if told != nil {
			told(e)
		}
	}
	held.client = newClient(t)
	held.climb(ctx)
	held.result.Total = time.Since(held.start)
	if held.result.Err != nil || held.result.Reached != StepEHLOTLS {
		held.close()
		return held.result
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = map[netip.AddrPort]*heldClient{}
	}
	if before := h.open[t.Addr]; before != nil {
		before.close()
	}
	h.open[t.Addr] = held
	return held.result
}

// Addr is the address of a connection that is held to a port of the host, the zero value
// for none.
func (h *Held) Addr(name string, port uint16) netip.AddrPort {
	if h == nil {
		return netip.AddrPort{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for addr, held := range h.open {
		if held.target.Name == name && addr.Port() == port {
			return addr
		}
	}
	return netip.AddrPort{}
}

// Resume is Probe on the connection that is held to t.Addr, which t.Trace is told from its
// beginning; ok is false, and nothing has been sent, where there is none, where the server
// has ended it meanwhile, and where it is for another name, way to TLS or trust.
func (h *Held) Resume(ctx context.Context, t Target) (res Result, ok bool) {
	if h == nil {
		return res, false
	}
	h.mu.Lock()
	held := h.open[t.Addr]
	delete(h.open, t.Addr)
	h.mu.Unlock()
	if held == nil {
		return res, false
	}
	defer held.close()
	was := held.target
	if was.Name != t.Name || was.Implicit != t.Implicit || t.NoTLS || t.Pin != "" || was.HELO != t.HELO || !was.Roots.Equal(t.Roots) || t.check() != nil || held.spokenTo() {
		return res, false
	}
	if t.Trace != nil {
		for _, e := range held.said {
			t.Trace(e)
		}
	}
	fresh := newClient(t)
	held.target, held.start, held.limit = fresh.target, fresh.start, fresh.limit
	held.climbFrom(ctx, StepAuth)
	held.result.Total = time.Since(held.start)
	return held.result, true
}

// spokenTo reports whether the server has said something without being asked, as one that
// hangs up does.
func (c *client) spokenTo() bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.br.Peek(1)
	var timeout net.Error
	spoke := !errors.As(err, &timeout) || !timeout.Timeout()
	c.talking = c.talking && !spoke
	return spoke
}

// Close ends the connections that are still held, but for those that keep says yes to.
func (h *Held) Close(keep func(name string, port uint16) bool) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for addr, held := range h.open {
		if !keep(held.target.Name, addr.Port()) {
			held.close()
			delete(h.open, addr)
		}
	}
}

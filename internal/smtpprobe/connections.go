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

// Connections keeps the connections of probes, so that a later one can go on where the first
// stood: with the login, after greeting, EHLO, TLS and EHLO. The zero value holds none,
// and so does nil.
type Connections struct {
	mu   sync.Mutex
	open map[netip.AddrPort]*openClient
}

// openClient is a dialogue that stands still, and what was said so far.
type openClient struct {
	*client
	said []Exchange
}

// Probe is Probe, and keeps the connection where it came as far as StepEHLOTLS.
func (h *Connections) Probe(ctx context.Context, t Target) Result {
	open := &openClient{}
	told := t.Trace
	t.Trace = func(e Exchange) {
		open.said = append(open.said, e)
		if told != nil {
			told(e)
		}
	}
	open.client = newClient(t)
	open.run(ctx)
	open.result.Total = time.Since(open.start)
	if open.result.Err != nil || open.result.Reached != StepEHLOTLS {
		open.close()
		return open.result
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = map[netip.AddrPort]*openClient{}
	}
	if before := h.open[open.result.Addr]; before != nil {
		before.close()
	}
	h.open[open.result.Addr] = open
	return open.result
}

// Addr is the address of a connection that is open to a port of the host, the zero value
// for none.
func (h *Connections) Addr(name string, port uint16) netip.AddrPort {
	if h == nil {
		return netip.AddrPort{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for addr, open := range h.open {
		if open.target.Name == name && addr.Port() == port {
			return addr
		}
	}
	return netip.AddrPort{}
}

// Resume is Probe on the connection that is open to t.Addr, which t.Trace is told from its
// beginning; ok is false, and nothing has been sent, where there is none, where the server
// has ended it meanwhile, and where it is for another name, way to TLS or trust.
func (h *Connections) Resume(ctx context.Context, t Target) (res Result, ok bool) {
	if h == nil {
		return res, false
	}
	h.mu.Lock()
	open := h.open[t.Addr]
	delete(h.open, t.Addr)
	h.mu.Unlock()
	if open == nil {
		return res, false
	}
	defer open.close()
	was := open.target
	if was.Name != t.Name || was.Implicit != t.Implicit || t.NoTLS || t.Pin != "" || was.HELO != t.HELO || !was.Roots.Equal(t.Roots) || t.check() != nil || open.spokenTo() {
		return res, false
	}
	if t.Trace != nil {
		for _, e := range open.said {
			t.Trace(e)
		}
	}
	fresh := newClient(t)
	open.target, open.start, open.limit = fresh.target, fresh.start, fresh.limit
	open.runFrom(ctx, StepAuth)
	open.result.Total = time.Since(open.start)
	return open.result, true
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

// Close ends the connections that are still open, but for those that keep says yes to.
func (h *Connections) Close(keep func(name string, port uint16) bool) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for addr, open := range h.open {
		if !keep(open.target.Name, addr.Port()) {
			open.close()
			delete(h.open, addr)
		}
	}
}

//go:build unix

package smtpprobe

import (
	"context"
	"net/netip"
)

// At is the target at a port, with all addresses of its name.
func (t Target) At(port int, addrs []netip.Addr) Target {
	t.Addr, t.Others = netip.AddrPort{}, nil
	if len(addrs) > 0 {
		t.Addr, t.Others = netip.AddrPortFrom(addrs[0], uint16(port)), addrs[1:] //nolint:gosec // validated as a port
	}
	return t
}

// connect opens the connection to the first address that answers. Where none does, the
// first counts, unless it is of a family that this host does not have.
func (c *client) connect(ctx context.Context) error {
	attempts, chosen := c.target.race(ctx, c.dial)
	if chosen == nil {
		chosen = attempts[0]
		for _, a := range attempts {
			if chosen.fault() == FaultNoRoute && a.fault() != FaultNoRoute {
				chosen = a
			}
		}
	}
	for _, a := range attempts {
		hasty := a.fault() == FaultTimeout && a.took < leastWait
		if a != chosen && a.err != nil && !hasty {
			c.result.Lost = append(c.result.Lost, Result{Addr: a.addr, Failed: StepConnect, Fault: a.fault(), Err: c.target.about(a.addr, a.err), Connect: a.took, Total: a.took})
		}
	}
	c.target.Addr, c.result.Addr, c.result.Connect = chosen.addr, chosen.addr, chosen.took
	if chosen.err != nil {
		return chosen.err
	}
	c.use(chosen.conn)
	return nil
}

// Others says of each other address why it does not answer, where none does: "; " and an
// error for each, to be put behind Err.
func (res Result) Others() (text string) {
	if res.Failed == StepConnect {
		for _, lost := range res.Lost {
			text += "; " + lost.Err.Error()
		}
	}
	return text
}

//go:build unix

package smtpprobe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// connectDelay is how long an address has to answer before the next one is tried beside
	// it (RFC 8305, section 5), and what a TCP handshake gets in any case.
	connectDelay = 250 * time.Millisecond
	// hurriedDelay is the same where the target gives up before that.
	hurriedDelay = 100 * time.Millisecond
	// leastWait is how long an address has been waited for that is said to have been silent.
	leastWait = connectDelay / 2
)

// attempt is the TCP handshake with one address.
type attempt struct {
	addr  netip.AddrPort
	began time.Time
	took  time.Duration
	conn  net.Conn
	err   error
}

func (a *attempt) fault() Fault { return classify(a.err) }

// race tries the addresses in turn: the next one as soon as those before have failed, or
// beside them when they have been silent for connectDelay. The winner is the first that
// answers; nil: none has by the time that ctx is done or the target gives up.
func (t Target) race(ctx context.Context, dial dialFunc) (attempts []*attempt, winner *attempt) {
	began, left := time.Now(), t.Others
	handshakes, end := context.WithCancel(ctx)
	defer end()
	answers := make(chan *attempt, 1+len(left))
	pending := 0
	try := func(addr netip.AddrPort) {
		a := &attempt{addr: addr, began: time.Now()}
		attempts = append(attempts, a)
		pending++
		go func() {
			a.conn, a.err = dial(handshakes, addr, t.UID)
			a.took = time.Since(a.began)
			answers <- a
		}()
	}
	stop := func() { left = nil; end() }
	try(t.Addr)
	next := time.NewTimer(connectDelay)
	defer next.Stop()
	done, giveUp, hurried := ctx.Done(), t.GiveUp, false
	var over <-chan time.Time
	for pending > 0 || len(left) > 0 {
		select {
		case a := <-answers:
			pending--
			switch {
			case a.err == nil && winner == nil:
				winner = a
				stop()
			case a.err == nil: // the other was faster
				_ = a.conn.Close()
			case errors.Is(a.err, context.Canceled) && ctx.Err() == nil: // by stop
				a.err = faultf(FaultTimeout, "no answer within %s", a.took.Round(time.Millisecond))
			}
			next.Reset(0)
		case <-next.C:
			if len(answers) > 0 {
				continue // which comes first
			}
			turns := min(1, len(left))
			if hurried {
				turns = len(left)
			}
			for _, addr := range left[:turns] {
				try(netip.AddrPortFrom(addr, t.Addr.Port()))
			}
			left = left[turns:]
			next.Reset(connectDelay)
		case <-giveUp:
			// Whoever closes it may have needed less than this machine needs to begin.
			rest := time.Until(began.Add(connectDelay))
			if giveUp = nil; rest <= 0 {
				stop()
				continue
			}
			hurried, over = true, time.After(rest)
			next.Reset(time.Until(began.Add(hurriedDelay)))
		case <-over:
			stop()
		case <-done:
			done = nil
			stop()
		}
	}
	return attempts, winner
}

package smtpprobe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestConnect: the addresses of a name are tried as RFC 8305 has it, and what is said of
// each is what was seen of it.
func TestConnect(t *testing.T) {
	const ms = time.Millisecond
	type address struct {
		after time.Duration // until it answers or fails; 0: at once, less: never
		fault syscall.Errno
	}
	const never = -1
	answers := func(after time.Duration) address { return address{after: after} }
	silent := address{after: never}
	refused := func(after time.Duration) address { return address{after, syscall.ECONNREFUSED} }
	noRoute := address{0, syscall.ENETUNREACH}
	for _, tt := range []struct {
		name   string
		addrs  []address
		giveUp time.Duration // 0: never
		want   string        // when each was tried, what came of the one that counts, the lost ones
		took   time.Duration
		closed int // connections that were not needed
	}{
		{"the first answers", []address{answers(100 * ms), answers(0)}, 0, "tried [0s], 1 answers", 100 * ms, 0},
		{"the first is silent", []address{silent, answers(100 * ms)}, 0, "tried [0s 250ms], 2 answers, lost 1 timeout 350ms", 350 * ms, 0},
		{"the first is refused", []address{refused(100 * ms), answers(100 * ms)}, 0, "tried [0s 100ms], 2 answers, lost 1 refused 100ms", 200 * ms, 0},
		{"the first has no route", []address{noRoute, answers(100 * ms)}, 0, "tried [0s 0s], 2 answers, lost 1 no_route 0s", 100 * ms, 0},
		{"the first is slow", []address{answers(300 * ms), answers(100 * ms)}, 0, "tried [0s 250ms], 1 answers", 300 * ms, 0},
		{"the second is refused while the first is silent", []address{silent, refused(100 * ms), answers(100 * ms)}, 0,
			"tried [0s 250ms 350ms], 3 answers, lost 1 timeout 450ms 2 refused 100ms", 450 * ms, 0},
		{"all are refused", []address{refused(100 * ms), refused(100 * ms)}, 0, "tried [0s 100ms], 1 refused, lost 2 refused 100ms", 200 * ms, 0},
		{"no route counts least", []address{noRoute, silent, refused(0)}, 0, "tried [0s 0s 250ms], 2 timeout, lost 1 no_route 0s 3 refused 0s", 5000 * ms, 0},
		{"no route at all", []address{noRoute, noRoute}, 0, "tried [0s 0s], 1 no_route, lost 2 no_route 0s", 0, 0},
		{"all are silent", []address{silent, silent}, 0, "tried [0s 250ms], 1 timeout, lost 2 timeout 4.75s", 5000 * ms, 0},
		{"all are silent when the target gives up", []address{silent, silent}, 850 * ms, "tried [0s 250ms], 1 timeout, lost 2 timeout 600ms", 850 * ms, 0},
		{"one had hardly begun when the target gave up", []address{silent, silent, silent, silent}, 850 * ms,
			"tried [0s 250ms 500ms 750ms], 1 timeout, lost 2 timeout 600ms 3 timeout 350ms", 850 * ms, 0},
		{"one was not tried when the target gave up", []address{silent, silent, silent}, 400 * ms, "tried [0s 250ms], 1 timeout, lost 2 timeout 150ms", 400 * ms, 0},
		{"the target gives up soon", []address{silent, silent, silent}, 20 * ms, "tried [0s 100ms 100ms], 1 timeout, lost 2 timeout 150ms 3 timeout 150ms", 250 * ms, 0},
		{"the target gives up soon, and the first answers", []address{answers(30 * ms), answers(0)}, 20 * ms, "tried [0s], 1 answers", 30 * ms, 0},
		{"the target gives up soon, and the second answers", []address{silent, answers(30 * ms)}, 20 * ms, "tried [0s 100ms], 2 answers, lost 1 timeout 130ms", 130 * ms, 0},
		{"both answer at once", []address{answers(350 * ms), answers(100 * ms)}, 0, "answers", 350 * ms, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				target, giveUp := Target{Name: "relay.test", Until: StepConnect}, make(chan struct{})
				var addrs []netip.Addr
				for i := range tt.addrs {
					addrs = append(addrs, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}))
				}
				if tt.giveUp > 0 {
					target.GiveUp = giveUp
					time.AfterFunc(tt.giveUp, func() { close(giveUp) })
				}
				c := newClient(target.At(587, addrs))
				defer c.close()
				var mu sync.Mutex
				var tried []time.Duration
				var opened []*counted
				c.dial = func(ctx context.Context, addr netip.AddrPort, _ int) (net.Conn, error) {
					mu.Lock()
					tried = append(tried, time.Since(began))
					mu.Unlock()
					a, wait := tt.addrs[slices.Index(addrs, addr.Addr())], time.Hour
					if a.after != never {
						wait = a.after
					}
					select {
					case <-time.After(wait):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					if a.fault != 0 {
						return nil, a.fault
					}
					conn := &counted{}
					mu.Lock()
					defer mu.Unlock()
					opened = append(opened, conn)
					return conn, nil
				}
				c.run(t.Context())
				if took := time.Since(began); took != tt.took {
					t.Errorf("got it after %s, want %s", took, tt.took)
				}
				closed := 0
				for _, conn := range opened {
					closed += conn.closed
				}
				if closed != tt.closed {
					t.Errorf("got %d connections closed, want %d", closed, tt.closed)
				}
				r := c.result
				number := func(a netip.AddrPort) int { return slices.Index(addrs, a.Addr()) + 1 }
				got := fmt.Sprintf("tried %v, %d ", tried, number(r.Addr))
				if r.Err == nil {
					got += "answers"
				} else {
					got += string(r.Fault)
					if !strings.HasPrefix(r.Err.Error(), fmt.Sprintf("relay.test[%s]:587: ", r.Addr.Addr())) {
						t.Errorf("got the error %q, want it to name %s", r.Err, r.Addr)
					}
				}
				for i, lost := range r.Lost {
					if i == 0 {
						got += ", lost"
					}
					got += fmt.Sprintf(" %d %s %s", number(lost.Addr), lost.Fault, lost.Connect)
				}
				if !strings.HasSuffix(got, tt.want) {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

// counted is a connection that is counted when it is closed.
type counted struct {
	net.Conn
	closed int
}

func (c *counted) Close() error { c.closed++; return nil }

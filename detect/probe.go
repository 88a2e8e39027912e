package detect

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
	"relayhost/internal/smtpprobe"
)

// Limits of the probes. 3.2 s of silence hold at least two repeats of the SYN on
// every kernel, which come after 1 s and 3 s (tcp(7), TCP_SYNCNT).
const (
	silence       = 3200 * time.Millisecond
	greetingLimit = 8 * time.Second // a late greeting is a greeting
	probeLimit    = 10 * time.Second
	dnsLimit      = 3 * time.Second
)

// Connections that one run may make.
const (
	connectionsPlain     = 14
	connectionsWithRelay = 24
)

// addresses of one name.
type addresses struct {
	v4, v6 []netip.Addr
	err    error
	cut    bool // the run's own time was over first
}

func (a addresses) first(ipv6 bool) (netip.Addr, bool) {
	list := a.v4
	if ipv6 {
		list = a.v6
	}
	if len(list) == 0 {
		return netip.Addr{}, false
	}
	return list[0], true
}

// probe25 asks one mail exchanger as far as its reply to EHLO.
func (r *run) probe25(ctx context.Context, name string, addr netip.Addr, uid int) smtpprobe.Result {
	t := smtpprobe.Target{
		Name: name, Addr: netip.AddrPortFrom(addr, 25), Until: smtpprobe.StepEHLO, HELO: r.HELO,
		ConnectTimeout: silence, StepTimeout: greetingLimit, Timeout: probeLimit, UID: uid,
	}
	if uid > 0 {
		t.Until = smtpprobe.StepGreeting // a rule by user shows at the connection already
	}
	return r.probe(ctx, t)
}

// control connects and closes: on 443 there is nothing to say.
func (r *run) control(ctx context.Context, name string, addr netip.Addr, port int) smtpprobe.Result {
	return r.probe(ctx, smtpprobe.Target{
		Name: name, Addr: netip.AddrPortFrom(addr, uint16(port)), Until: smtpprobe.StepConnect,
		StepTimeout: silence, Timeout: silence,
	})
}

// row is the probe as it is printed.
func row(target string, r smtpprobe.Result) Probe {
	p := Probe{Target: target, Address: r.Addr.Addr().String(), Port: int(r.Addr.Port()),
		Result: string(r.Fault), Errno: errnoOf(r.Err), Banner: clean(r.Banner), Ms: millis(r.Total)}
	if r.Fault == smtpprobe.FaultNone {
		p.Result = "open"
	}
	return p
}

func errnoOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return ""
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// postfixUID looks the user that Postfix sends as up in passwd(5), 0 where it is not there.
func postfixUID(reader *host.Reader) int {
	u, _, _ := host.LookUser(reader, "postfix")
	return max(u.UID, 0)
}

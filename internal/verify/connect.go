package verify

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// port is one port of the service and what came of it.
type port struct {
	number   int
	implicit bool
	result   smtpprobe.Result
	refusal  string             // what the relay said to Postfix's login, where that came first
	dead     []smtpprobe.Result // addresses that did not answer before the one that did
}

func (p port) mode() string {
	if p.implicit {
		return "TLS from the first byte"
	}
	return "STARTTLS"
}

// loginTimeout bounds a dialogue with login: a relay that takes seconds for
// each reply delivers nevertheless, and so is no fault.
const loginTimeout = 30 * time.Second

// The TCP handshakes with all addresses of a port share portTimeout, so that a
// dead port is known no later for having many addresses. One that takes longer
// than connectTimeout does not answer.
const (
	portTimeout    = 10 * time.Second
	connectTimeout = 5 * time.Second
)

// target is what a port is asked, without an address.
func target(state postfix.State, h Hop, p port) smtpprobe.Target {
	return smtpprobe.Target{
		Name: h.Host, Implicit: p.implicit, NoTLS: plaintext(h.TLS), Until: smtpprobe.StepEHLOTLS, HELO: state.FQDN, Roots: h.Roots, Pin: h.Pin,
	}
}

// withLogin adds the login.
func withLogin(t smtpprobe.Target, h Hop) smtpprobe.Target {
	if h.Username != "" {
		t.Until, t.Username, t.Password, t.Token = smtpprobe.StepAuth, h.Username, h.Password, h.Token
		t.Timeout = loginTimeout
	}
	return t
}

// probePort probes the addresses of a port, in order, until one connects. Where none
// does the first one counts, unless it is of a family that this host has not.
// before is asked whether to log in; it may be nil.
func (r *run) probePort(ctx context.Context, addrs []netip.Addr, p port, t smtpprobe.Target, before func(context.Context, port) bool) port {
	if before != nil {
		t.BeforeAuth = func(ctx context.Context, res smtpprobe.Result) bool {
			p.result = res
			return before(ctx, p)
		}
	}
	t.ConnectTimeout = min(connectTimeout, max(time.Second, portTimeout/time.Duration(len(addrs))))
	for i, addr := range addrs {
		t.Addr = netip.AddrPortFrom(addr, uint16(p.number))
		res := r.connect(ctx, t)
		if res.Reached != "" {
			p.result = res
			return p
		}
		if i == 0 || p.result.Fault == smtpprobe.FaultNoRoute && res.Fault != smtpprobe.FaultNoRoute {
			p.result = res
		}
		if res.Fault != smtpprobe.FaultNoRoute {
			p.dead = append(p.dead, res)
		}
	}
	p.dead = nil
	return p
}

// connect waits for a free place before it probes.
func (r *run) connect(ctx context.Context, t smtpprobe.Target) smtpprobe.Result {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
	}
	return r.Probe(ctx, t)
}

// logins remembers what came of each account: several routes may share one, and
// repeated wrong logins get accounts locked.
type logins struct {
	mu       sync.Mutex
	accounts map[account]*attempts
}

// account is where who logs in.
type account struct {
	host     string
	port     int
	username string
	password secret.Value // or token
}

type attempts struct {
	sync.Mutex
	refused *port
	done    map[attempt]port
}

// attempt is what was asked; the same is not asked again.
type attempt struct {
	until    smtpprobe.Step
	from, to string
}

// login is probePort for a target with login, one at a time for an account. After a
// refusal the account is not tried again.
func (r *run) login(ctx context.Context, h Hop, addrs []netip.Addr, p port, t smtpprobe.Target, before func(context.Context, port) bool) port {
	if t.Username == "" {
		return r.probePort(ctx, addrs, p, t, before)
	}
	a := r.accounts.of(account{h.Host, p.number, h.Username, secret.New(h.Password.Reveal() + h.Token.Reveal())})
	a.Lock()
	defer a.Unlock()
	if a.refused != nil {
		return *a.refused
	}
	key := attempt{t.Until, t.MailFrom, t.RcptTo}
	if before, ok := a.done[key]; ok {
		return before
	}
	p = r.probePort(ctx, addrs, p, t, before)
	a.done[key] = p
	if authRefused(p.result) {
		a.refused = &p
	}
	return p
}

func (l *logins) of(key account) *attempts {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accounts == nil {
		l.accounts = map[account]*attempts{}
	}
	a := l.accounts[key]
	if a == nil {
		a = &attempts{done: map[attempt]port{}}
		l.accounts[key] = a
	}
	return a
}

// authRefused reports whether the relay has answered a login, and not with yes.
func authRefused(res smtpprobe.Result) bool {
	return res.Fault == smtpprobe.FaultReply && res.Failed == smtpprobe.StepAuth
}

// implicit reports whether a TLS mode begins with TLS.
func implicit(mode relays.TLSMode) bool { return mode == relays.Implicit }

// plaintext reports whether a hop has no TLS, as asked for.
func plaintext(mode relays.TLSMode) bool { return mode == relays.NoTLS }

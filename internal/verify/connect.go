package verify

import (
	"context"
	"net/netip"
	"slices"
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
	refusal  string // what the relay said to Postfix's login, where that came first
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

// connectTimeout bounds the TCP handshakes with all addresses of a port, so that a dead
// port is known no later for having many. What takes longer does not answer.
const connectTimeout = 5 * time.Second

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

// probePort probes a port at the first of its addresses that answers. before is asked
// whether to log in; it may be nil.
func (r *run) probePort(ctx context.Context, addrs []netip.Addr, p port, t smtpprobe.Target, before func(context.Context, port) bool) port {
	if before != nil {
		t.BeforeAuth = func(ctx context.Context, res smtpprobe.Result) bool {
			p.result = res
			return before(ctx, p)
		}
	}
	t.ConnectTimeout = connectTimeout
	p.result = r.connect(ctx, t.At(p.number, addrs))
	return p
}

// unanswered are the addresses of a port that do not answer while another one does. One
// that was only slower than the other is given connectTimeout: a SYN may have been lost.
// It takes no place, since the caller may hold one.
func (r *run) unanswered(ctx context.Context, t smtpprobe.Target, res smtpprobe.Result) []smtpprobe.Result {
	if res.Reached == "" {
		return nil
	}
	list := slices.Clone(res.Lost)
	var wait sync.WaitGroup
	for i, lost := range list {
		if lost.Fault == smtpprobe.FaultTimeout && lost.Connect < connectTimeout {
			alone := t
			alone.Addr, alone.Until, alone.ConnectTimeout = lost.Addr, smtpprobe.StepConnect, connectTimeout
			wait.Go(func() { list[i] = r.Probe(ctx, alone) })
		}
	}
	wait.Wait()
	return slices.DeleteFunc(list, func(res smtpprobe.Result) bool {
		return res.Fault == smtpprobe.FaultNone || res.Fault == smtpprobe.FaultNoRoute || res.Fault == smtpprobe.FaultTimeout && ctx.Err() != nil
	})
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

package detect

import (
	"context"
	"net/netip"
	"slices"

	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// submission probes the relay's ports as a whole dialogue, or without a relay
// one host for each submission port as far as the reply to EHLO. The answers
// are controls for port 25 at the same time.
func (s *survey) submission(ctx context.Context) []Submission {
	endpoints, until := SubmissionControls, smtpprobe.StepEHLO
	if s.Relay != nil {
		endpoints, until = s.relayEndpoints(), smtpprobe.StepEHLOTLS
	}
	found := s.resolveAll(ctx, endpoints)
	rows := make([]Submission, len(endpoints))
	var tasks []func()
	for i, e := range endpoints {
		tasks = append(tasks, func() { rows[i] = s.submit(ctx, e, found[e.Host], until) })
	}
	atOnce(tasks...)
	return rows
}

func (s *survey) relayEndpoints() []Endpoint {
	host := s.Host
	if host == "" {
		var err error
		if host, err = s.Relay.Host(s.Region); err != nil {
			return nil
		}
	}
	ports := s.Ports
	if len(ports) == 0 {
		ports = s.Relay.PortOrder()
	}
	var list []Endpoint
	for _, port := range ports {
		mode, ok := s.Relay.TLSOf(port)
		if !ok || mode == relays.Unsure {
			mode = relays.UsualTLS(port)
		}
		list = append(list, Endpoint{Host: host, Port: port, TLS: mode, Relay: s.Relay.ID})
	}
	return list
}

// resolveAll looks up the hosts of endpoints: their addresses by name.
func (s *survey) resolveAll(ctx context.Context, endpoints []Endpoint) map[string]addresses {
	names := map[string]addresses{}
	for _, e := range endpoints {
		names[e.Host] = addresses{}
	}
	type result struct {
		name  string
		found addresses
	}
	results := make(chan result, len(names))
	for name := range names {
		go func() {
			if s.Relay == nil {
				results <- result{name, s.publicAddrs(ctx, name)}
			} else { // a relay can be in a private network
				results <- result{name, s.addrs(ctx, name)}
			}
		}()
	}
	for range len(names) {
		r := <-results
		names[r.name] = r.found
	}
	return names
}

const timeOver = "the time for the whole run (--timeout) was over"

// submit probes one port, over IPv4 where there is a route for it. A relay is reachable by
// any of its addresses: Postfix goes on to the next one.
func (s *survey) submit(ctx context.Context, e Endpoint, found addresses, until smtpprobe.Step) Submission {
	out := Submission{Relay: e.Relay, Host: e.Host, Port: e.Port, TLS: string(e.TLS)}
	addr, ok := s.choose(found)
	switch {
	case found.cut:
		out.Result, out.Detail = string(NotProbed), timeOver
		return out
	case !ok && found.err != nil:
		out.Result, out.Detail = string(DNSFailed), clean(found.err.Error())
		return out
	case !ok:
		out.Result = string(DNSFailed)
		return out
	case s.routed(addr) && !s.take():
		out.Result = string(NotProbed)
		return out
	}
	probe := s.probe
	if s.Keep != nil && s.Relay != nil {
		probe = s.Keep.Probe
	}
	t := smtpprobe.Target{
		Name: e.Host, Addr: netip.AddrPortFrom(addr, uint16(e.Port)), Implicit: e.TLS == relays.Implicit, NoTLS: e.TLS == relays.NoTLS,
		Until: until, HELO: s.HELO, Roots: s.Roots, ConnectTimeout: silence, StepTimeout: greetingLimit, Timeout: probeLimit,
	}
	t.Others = s.others(found, addr)
	r := probe(ctx, t)
	if r.Addr == t.Addr && len(r.Lost) == 0 {
		s.left.Add(int32(len(t.Others))) // they were not needed
	}
	f := &s.v4
	if r.Addr.Addr().Is6() {
		f = &s.v6
	}
	f.controlled(ctx, r)
	out.Ms = millis(r.Total)
	if cut(ctx, r) {
		out.Result, out.Detail = string(NotProbed), timeOver
		return out
	}
	out.Result = "open"
	if r.Fault != smtpprobe.FaultNone {
		out.Result, out.Step = string(r.Fault), string(r.Failed)
		if r.Err != nil {
			out.Detail = clean(r.Err.Error() + r.Others())
		}
	}
	return out
}

// others are up to two further addresses of a relay, for each of which a connection of the
// run is taken.
func (s *survey) others(found addresses, addr netip.Addr) (others []netip.Addr) {
	for _, other := range slices.Concat(found.v6, found.v4) {
		if s.Relay != nil && other != addr && len(others) < 2 && s.routed(other) && s.take() {
			others = append(others, other)
		}
	}
	return others
}

func (s *survey) choose(found addresses) (netip.Addr, bool) {
	if addr, ok := found.first(false); ok && (s.routed(addr) || len(found.v6) == 0) {
		return addr, true
	}
	return found.first(true)
}

// Submissions probes the ports of o.Relay from here, as Run does, and nothing
// else.
func Submissions(ctx context.Context, o Options) ([]Submission, error) {
	r := &run{Options: o, resolved: make(chan struct{})}
	r.defaults()
	r.left.Store(connectionsWithRelay)
	s := &survey{run: r, v6: family{ipv6: true}}
	return s.submission(ctx), ctx.Err()
}

package detect

import (
	"context"
	"fmt"
	"net/netip"
	"relayhost/internal/firewall"
	"slices"
)

// conclude makes the verdict of each family, and of both, out of what was seen.
func (s *survey) conclude(ctx context.Context) Port25 {
	p := Port25{Probes: s.rows()}
	s.cut = over(ctx)
	fault := s.dnsFault()
	tcp := s.v4.reached() || s.v6.reached()
	reached := tcp || fault != "" && s.answered.Load()
	judged := map[bool]judgement{}
	lost := 0
	for _, a := range slices.Concat(s.v4.attempts, s.v6.attempts) {
		if a.repeated() && !a.informs {
			lost++
		}
	}
	for _, f := range []*family{&s.v4, &s.v6} {
		scene := scene{attempts: f.attempts, controls: f.controls, dnsFault: fault, reached: reached, lost: lost, cut: s.cut}
		if lie := s.sameAddress(f.ipv6); lie != "" && !slices.ContainsFunc(f.attempts, attempt.greeted) {
			scene.attempts, scene.dnsFault, scene.reached = nil, lie, true
		}
		scene.rulesRead = s.rules.Complete()
		scene.rule = s.rules.Find(firewall.Packet{Port: 25, IPv6: f.ipv6, UID: s.euid()})
		scene.uidRule = s.rules.Find(firewall.Packet{Port: 25, IPv6: f.ipv6, UID: postfixUID(s.Reader)})
		judged[f.ipv6] = judge(scene)
		if p.LocalRule == "" {
			p.LocalRule = localRule(judged[f.ipv6], scene)
		}
	}
	p.IPv4, p.IPv6 = judged[false].verdict, judged[true].verdict
	decides := judged[false]
	if useIPv6(judged) {
		decides = judged[true]
	}
	p.Verdict, p.Why = decides.verdict, decides.why
	if !s.rules.Root && slices.Contains([]Verdict{Blocked, Refused, Prohibited, Inconclusive}, p.Verdict) {
		p.Why += " (the firewall rules of this host can be read by root only)"
	}
	return p
}

// useIPv6: the verdict is IPv4's, or IPv6's where IPv4 has no route.
func useIPv6(judged map[bool]judgement) bool {
	four, six := judged[false].verdict, judged[true].verdict
	return (four == Unreachable || four == NotProbed) && six != Unreachable && six != NotProbed
}

func localRule(j judgement, s scene) string {
	switch {
	case j.verdict == Open || j.verdict == NotProbed || j.verdict == Unreachable || j.verdict == DNSFailed:
		return ""
	case s.rule != nil:
		return s.rule.String()
	case s.uidRule != nil && j.verdict == BlockedLocally:
		return s.uidRule.String()
	}
	return ""
}

// dnsFault says why no target has an address, "" when one has.
func (s *survey) dnsFault() string {
	var first error
	for _, t := range s.targets {
		if t.informs {
			continue
		}
		if t.found.err == nil {
			return ""
		}
		if first == nil && !t.found.cut {
			first = t.found.err
		}
	}
	if first == nil {
		return ""
	}
	return clean(first.Error())
}

// sameAddress tells a resolver that gives one address for everything: two
// operators do not share one.
func (s *survey) sameAddress(ipv6 bool) string {
	seen := map[netip.Addr]*target{}
	for _, t := range s.targets {
		addr, ok := t.found.first(ipv6)
		if !ok || !t.ours {
			continue
		}
		if other := seen[addr]; other != nil {
			return fmt.Sprintf("the resolver says %s for %s and for %s", addr, other.host, t.host)
		}
		seen[addr] = t
	}
	return ""
}

// rows lists the probes in the order of the targets.
func (s *survey) rows() []Probe {
	rows := []Probe{}
	for _, t := range s.targets {
		if t.found.err != nil && t.host != "" {
			result := DNSFailed
			if t.found.cut {
				result = NotProbed
			}
			rows = append(rows, Probe{Target: t.host, Port: 25, Result: string(result)})
		}
		for _, f := range []*family{&s.v4, &s.v6} {
			for _, a := range f.attempts {
				if a.target == t.host && a.informs == t.informs {
					rows = append(rows, a.row())
				}
			}
		}
	}
	return rows
}

func (a attempt) row() Probe {
	p := row(a.target, a.result)
	switch {
	case a.cut:
		p.Result = string(NotProbed)
	case a.uid > 0:
		p.Result += " as postfix"
	case a.again:
		p.Result += " again"
	}
	return p
}

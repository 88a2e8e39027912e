package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/plan"
	"relayhost/relays"
)

// choosePorts finds the ports that the file leaves out and Postfix does not use
// yet: the first of the service that gets through, starts TLS as the other hops
// of the route do, and is none of theirs.
func (s *setup) choosePorts(ctx context.Context, chains []chain) error {
	tried, err := s.tryHops(ctx, chains)
	if err != nil {
		return err
	}
	for _, c := range chains {
		for i, h := range c.hops {
			if h.Port != 0 {
				continue
			}
			if err := s.choosePortOf(c, i, tried[tryKey(h)]); err != nil {
				return err
			}
			s.progress("%s: %s port %d gets through", label(c.name, i), h.Host, h.Port)
		}
	}
	return nil
}

// choosePortOf takes the first port that fits.
func (s *setup) choosePortOf(c chain, hop int, tried []detect.Submission) error {
	h := c.hops[hop]
	mode := wantedTLS(c.hops)
	for _, port := range h.Relay.PortOrder() {
		taken := slices.ContainsFunc(c.hops, func(o *plan.Hop) bool { return o.Host == h.Host && o.Port == port })
		for _, t := range tried {
			if t.Port == port && !taken && (mode == "" || relays.TLSMode(t.TLS) == mode) && getsThrough(*h, t) {
				h.Port, h.TLS = port, relays.TLSMode(t.TLS)
				return nil
			}
		}
	}
	err := s.nothingOpen(*h, tried)
	if mode != "" && slices.ContainsFunc(tried, func(t detect.Submission) bool { return getsThrough(*h, t) }) {
		err = proofError{fmt.Errorf("no port of %s with %s gets through that this route does not have yet: all hops of a route start TLS in one way", h.Host, mode)}
	}
	return inFile{s.file.Where(c.key(hop, "relay")), fmt.Errorf("%s: %w", label(c.name, hop), err)}
}

// wantedTLS is how TLS starts on the hops whose port is known, "" while none is.
func wantedTLS(hops []*plan.Hop) relays.TLSMode {
	for _, h := range hops {
		if h.Port != 0 {
			return h.TLS
		}
	}
	return ""
}

func tryKey(h *plan.Hop) string { return strings.Join([]string{h.Relay.ID, h.Host, h.CAFile}, " ") }

// tryHops probes the ports of each host that has a hop without a port.
func (s *setup) tryHops(ctx context.Context, chains []chain) (map[string][]detect.Submission, error) {
	tried := map[string][]detect.Submission{}
	if s.facts != nil && len(s.facts.Submission) > 0 && s.facts.Submission[0].Host == s.answers.Host {
		first := s.answers.Hop()
		tried[tryKey(&first)] = s.facts.Submission
	}
	var open []*plan.Hop
	for _, c := range chains {
		for i, h := range c.hops {
			if _, known := tried[tryKey(h)]; h.Port != 0 || known {
				continue
			}
			if s.flags.noProbe {
				e := s.file.Mistake(c.key(i, "relay"), "%s names no port, and --no-probe cannot choose one", label(c.name, i))
				e.Hint = "give the port in the file, or leave --no-probe out"
				return nil, e
			}
			tried[tryKey(h)] = nil
			open = append(open, h)
		}
	}
	found := make([][]detect.Submission, len(open))
	errs := make([]error, len(open))
	var jobs []func()
	for i, h := range open {
		jobs = append(jobs, func() { found[i], errs[i] = s.tryHop(ctx, h) })
	}
	several(jobs)
	for i, h := range open {
		tried[tryKey(h)] = found[i]
	}
	return tried, errors.Join(errs...)
}

// tryHop probes the ports of one host from here.
func (s *setup) tryHop(ctx context.Context, h *plan.Hop) ([]detect.Submission, error) {
	roots, err := s.roots(first(h.CAFile, s.state.CAFile))
	if err != nil {
		return nil, err
	}
	return detect.Submissions(ctx, detect.Options{
		Reader: &s.host.Reader, Resolver: s.resolver, HELO: s.state.FQDN, Relay: &h.Relay, Region: h.Region, Host: h.Host, Roots: roots,
	})
}

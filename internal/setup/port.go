package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/plan"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// ErrNoPort is --no-probe where no port is known.
var ErrNoPort = UsageError{errors.New("--no-probe cannot choose a port"), "give the port: --port 587 --no-probe"}

// SelectPorts chooses a port for every hop that has none, and for the first hop of
// the default route unless one was given: the first in the relay's order that
// completes greeting, EHLO and verified TLS and offers AUTH, starts TLS as the other
// hops of the route do where smtp(8) walks them (Route.Walked is false), and is none of
// theirs. The port that the first hop has had comes first.
func SelectPorts(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) (config.Config, error) {
	c = c.Clone()
	var open []at
	for i, r := range c.Routes {
		for n, h := range r.Hops {
			p := at{i, n}
			switch {
			case h.ByAPI(): // has one port
			case req.NoProbe && h.Port == 0 && p.isFirst():
				return c, ErrNoPort
			case req.NoProbe && h.Port == 0:
				e := c.Mistake(p.key("relay"), "%s names no port, and --no-probe cannot choose one", p.label(c))
				e.Hint = "give the port in the file, or leave --no-probe out"
				return c, e
			case h.Port == 25 && p.isFirst(): // that of the file, which counts like --port 25; no order has it
			case h.Port == 0, p.isFirst() && req.Port == 0 && !req.NoProbe:
				open = append(open, p)
			}
		}
	}
	tried, err := probePorts(ctx, deps, d, c, open)
	if err != nil {
		return c, err
	}
	for _, p := range open {
		if err := selectPort(d, c, p, tried[probeKey(p.in(c))]); err != nil {
			if p.isFirst() && byHTTPS(ctx, deps, d, c, req) {
				c = c.GoByAPI()
				continue
			}
			return c, err
		}
		where := ""
		if !p.isFirst() {
			where = p.label(c) + ": "
		}
		deps.Report.Step("%s%s port %d is reachable", where, p.in(c).Host, p.in(c).Port)
	}
	return c, nil
}

// selectPort takes the first port that fits, in place.
func selectPort(d Discovery, c config.Config, p at, tried []detect.Submission) error {
	h := p.in(c)
	order := h.Relay.PortOrder()
	if before := h.Port; before != 0 {
		order = append([]int{before}, slices.DeleteFunc(order, func(port int) bool { return port == before })...)
	}
	h.Port, h.TLS = 0, ""
	hops := c.Routes[p.route].Hops
	var mode relays.TLSMode // of the hops whose port is known; "" while none is
	for i := len(hops) - 1; i >= 0 && !c.Routes[p.route].Walked(); i-- {
		if hops[i].Port != 0 {
			mode = hops[i].TLS
		}
	}
	for _, port := range order {
		taken := slices.ContainsFunc(hops, func(o config.Hop) bool { return o.Host == h.Host && o.Port == port })
		for _, t := range tried {
			if t.Port == port && !taken && (mode == "" || relays.TLSMode(t.TLS) == mode) && reachable(*h, t) {
				h.Port, h.TLS = port, relays.TLSMode(t.TLS)
				return nil
			}
		}
	}
	err := unreachable(*h, tried)
	if h.CAFile == "" && d.State.CAFile == "" && slices.ContainsFunc(tried, func(t detect.Submission) bool { return t.Result == string(smtpprobe.FaultUntrusted) }) {
		err = ProofError{plan.ErrNoCAFile} // the relay's certificate is not what is wrong
	}
	if mode != "" && slices.ContainsFunc(tried, func(t detect.Submission) bool { return reachable(*h, t) }) {
		err = ProofError{fmt.Errorf("no other port of %s with %s is reachable: all hops of a route must start TLS in the same way", h.Host, mode)}
	}
	if p.isFirst() {
		return err
	}
	return InFile{c.Where(p.key("relay")), fmt.Errorf("%s: %w", p.label(c), err)}
}

// reachable reports whether a port may be taken: Result is detect.Open, or the
// smtpprobe.Fault at which the probe ended. A certificate that the CA file
// does not verify is no obstacle where a fingerprint stands in its place, which the
// preflight looks at, or where nothing is to verify it.
func reachable(h config.Hop, t detect.Submission) bool {
	return t.Result == string(detect.Open) || (h.Pin != "" || h.NoVerify) && smtpprobe.Fault(t.Result).Certificate()
}

func probeKey(h *config.Hop) string { return strings.Join([]string{h.Relay.ID, h.Host, h.CAFile}, " ") }

// probePorts probes the ports of each host of which one is open, once: the
// detection may have done it already.
func probePorts(ctx context.Context, deps Deps, d Discovery, c config.Config, open []at) (map[string][]detect.Submission, error) {
	tried := map[string][]detect.Submission{}
	if d.Facts != nil && len(d.Facts.Submission) > 0 && d.Facts.Submission[0].Host == c.First().Host {
		tried[probeKey(c.First())] = d.Facts.Submission
	}
	var hops []*config.Hop
	for _, p := range open {
		h := p.in(c)
		if _, known := tried[probeKey(h)]; !known {
			tried[probeKey(h)] = nil
			hops = append(hops, h)
		}
	}
	found, errs := make([][]detect.Submission, len(hops)), make([]error, len(hops))
	inParallel(len(hops), func(i int) {
		o, err := detectOptions(deps, d, *hops[i])
		if err == nil {
			found[i], err = detect.Submissions(ctx, o)
		}
		errs[i] = err
	})
	for i, h := range hops {
		tried[probeKey(h)] = found[i]
	}
	return tried, errors.Join(errs...)
}

// unreachable says for each port of h at which step it ended.
func unreachable(h config.Hop, tried []detect.Submission) error {
	if len(tried) > 0 && tried[0].Result == string(detect.DNSFailed) {
		err := fmt.Errorf("no port of %s can be tried: %s", h.Host, tried[0].Detail)
		cause, remedy := "dns_chroot_resolv", "Look at the name servers in /etc/resolv.conf: does one of them answer?"
		if strings.Contains(tried[0].Detail, resolve.ErrNotFound.Error()) {
			cause, remedy = "dns_nxdomain", "Check the host name or the region, and the name servers in /etc/resolv.conf."
		}
		return ProofError{explained(err, verify.Finding{
			Check: "dns", Result: verify.Fail, Detail: err.Error(), Cause: cause,
			Remedy: remedy,
		})}
	}
	var lines []string
	for _, t := range tried {
		line := fmt.Sprintf("  port %d: %s at %s", t.Port, t.Result, t.Step)
		if t.Detail != "" {
			line += ": " + t.Detail
		}
		lines = append(lines, line)
	}
	err := fmt.Errorf("none of %s's ports is reachable from this host\n%s", h.Host, strings.Join(lines, "\n"))
	return ProofError{explainedPorts(err, h, tried)}
}

// explainedPorts adds the cause why no port is reachable: that of the first.
func explainedPorts(err error, h config.Hop, tried []detect.Submission) error {
	on := subject{relay: h.Relay}
	for _, t := range tried {
		res := smtpprobe.Result{Failed: smtpprobe.Step(t.Step), Fault: smtpprobe.Fault(t.Result), Err: err}
		causes := explain.Probe(res, &h.Relay)
		if res.Fault == smtpprobe.FaultReply { // its code is in the text alone
			if known := explain.Text(t.Detail, &h.Relay); len(known) > 0 {
				causes = known
			}
		}
		if len(causes) > 0 {
			return on.caused(err, causes)
		}
	}
	if len(tried) == 0 {
		return err
	}
	f := verify.Finding{Check: "connect", Result: verify.Fail, Detail: err.Error()}
	return explained(err, f.Remedied(on.refusal(smtpprobe.Step(tried[0].Step))))
}

// byHTTPS reports whether the API of the first hop is what is left, where no port of
// its relay for mail gets through: it has one, nothing else was asked for, and port 443
// of it answers.
func byHTTPS(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) bool {
	h := *c.First()
	host := h.APIHost()
	if req.Port != 0 || req.Via != "" || len(c.Routes[0].Hops) > 1 || h.Pin != "" || h.NoVerify || !config.HasAPI(h.Relay) || config.APITakesTokens(h.Relay) || host == "" {
		return false
	}
	o, err := detectOptions(deps, d, h)
	if err != nil || detect.HTTPS(ctx, o, h.Relay.ID, host).Result != string(detect.Open) {
		return false
	}
	deps.Report.Note("no mail port of %s is reachable from here, but its API at %s on port 443 is: mail is sent by HTTPS (--via https; --via smtp refuses that)", h.Relay.Name, host)
	return true
}

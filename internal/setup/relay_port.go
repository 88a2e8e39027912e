package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/plan"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// Named is the stored Config with what was given over it, and the relay that was
// given, or is stored, as the first hop of the default route. Where neither names
// one, that hop has no relay yet.
func Named(ctx context.Context, deps Deps, d Discovery, req Request, ask Asker) (config.Config, error) {
	name := req.Relay
	if name == "" && req.Smarthost == "" {
		name = d.Stored.First().Name()
	}
	if req.Smarthost == "" && name == "" {
		return d.Stored.Merge(d.Before, d.Before, req.Given), nil
	}
	h, err := hopOf(ctx, d, req, name, ask)
	if err != nil {
		return d.Stored, err
	}
	return chosen(ctx, deps, d, req, ask, h)
}

// today is the day that deadlines of relays are counted from; tests set it.
var today = time.Now

// Choose asks for the relay where c names none yet.
func Choose(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request, ask Asker) (config.Config, error) {
	tellEnd := func(r relays.Relay) { // and how many days are left
		if notice := r.Notice(today()); notice != "" {
			deps.Report.Note("%s", notice)
		}
	}
	if c.First().Name() != "" {
		if given := d.Credentials.first(*c.First()); !c.First().Bridged() && !given.Application.Proves() { // which log in without the password
			tellEnd(c.First().Relay)
		}
		return c, nil
	}
	if len(c.Routes) > 1 && !ask.Can() {
		return c, UsageError{errors.New("the file has routes for single senders and no relay for all other mail: setup needs a default relay"),
			"give the relay of all other mail with --relay, or leave the senders to sender_dependent_relayhost_maps, where they are"}
	}
	id, err := ask.Relay(ctx, d)
	if err != nil {
		return c, err
	}
	h, err := hopOf(ctx, d, req, id, ask)
	if err != nil {
		return c, err
	}
	if !config.TakesTokens(h.Relay) { // else the question how to log in tells it
		tellEnd(h.Relay)
	}
	return chosen(ctx, deps, d, req, ask, h)
}

// hopOf is a hop by the relay of that name; a smarthost has its host and port.
func hopOf(ctx context.Context, d Discovery, req Request, name string, ask Asker) (h config.Hop, err error) {
	if req.Smarthost != "" || name == relays.SmarthostID {
		return smarthost(ctx, d, req, ask)
	}
	if h.Relay, err = d.Find(name); err != nil {
		return h, UsageError{err, "relayhost relays lists the relays"}
	}
	if isFile(name) {
		h.RelayFile, err = filepath.Abs(name)
	}
	return h, err
}

// chosen finds region and host of h and makes it the first hop, over what the file
// says: where it is the relay of d.Before at the same host, how that is connected to and
// verified stays (config.Merge). Resolve then completes all hops.
func chosen(ctx context.Context, deps Deps, d Discovery, req Request, ask Asker, h config.Hop) (c config.Config, err error) {
	same := d.Before.Relay.ID == h.Relay.ID
	h.Region = req.Region
	host := ""
	if h.Region == "" && same {
		h.Region, host = d.Before.Region, d.Stored.First().Host // as the file names it
	}
	if h.Region == "" && host == "" && h.Relay.NeedsRegion() {
		if h.Region, err = regionOfHost(ctx, deps, d, req, h.Relay); err != nil {
			return d.Stored, err
		}
	}
	if h.Region == "" && !same {
		if h.Region, err = ask.Region(ctx, d, h.Relay); err != nil {
			return d.Stored, err
		}
	}
	if h.Relay.ID != relays.SmarthostID {
		if h.Host, err = h.Relay.Host(cmp.Or(h.Region, host)); err != nil {
			return d.Stored, UsageError{err, "give --region"}
		}
	}
	if _, ok := h.Relay.TLSOf(req.Port); req.Port != 0 && !ok {
		return d.Stored, UsageError{fmt.Errorf("%s has no port %d", h.Relay.Name, req.Port), "its ports are " + config.PortList(h.Relay)}
	}
	return d.Stored.Merge(h, d.Before, req.Given).Resolve(d.Find, plan.NextHops(d.State))
}

// regionOfHost is the region of this host where it is one of the relay's own: SES
// in the region of the EC2 instance.
func regionOfHost(ctx context.Context, deps Deps, d Discovery, req Request, r relays.Relay) (string, error) {
	facts := d.Facts
	if facts == nil {
		if req.NoProbe {
			return "", nil
		}
		found, err := detect.Run(ctx, detect.Options{Reader: &deps.Host.Reader, Resolver: d.Resolver, NoProbe: true})
		if err != nil {
			return "", err
		}
		facts = &found
	}
	return detect.Rank(*facts, []relays.Relay{r})[0].Region, nil
}

// smarthost is a hop by a relay that is in no catalogue. On a terminal a new one is
// completed by questions: what the server shows answers most of them.
func smarthost(ctx context.Context, d Discovery, req Request, ask Asker) (h config.Hop, err error) {
	stored := config.Hop{}
	if d.Before.Relay.ID == relays.SmarthostID {
		stored = d.Before
	}
	h = config.Hop{Host: cmp.Or(req.Smarthost, stored.Host)}
	same := stored.Host != "" && strings.EqualFold(stored.Host, h.Host)
	if same {
		h.Port, h.TLS = stored.Port, stored.TLS
	}
	if req.Port != 0 {
		h.Port, h.TLS = req.Port, relays.UsualTLS(req.Port)
	}
	if req.Plaintext {
		h.TLS = relays.NoTLS
	}
	_, _, known := plan.Credentials(d.State, stored.NextHop())
	login := req.CredentialsFile != "" || req.Username != "" || credentialOfSystemd() != "" ||
		known && same && !h.Plaintext() // those of another relay say nothing of this one
	switch {
	case !same && ask.Can():
		h.CAFile, h.Pin, h.NoVerify = req.CAFile, req.Fingerprint, req.NoVerify
		wants := false
		if h, wants, err = ask.Smarthost(ctx, d, h); err != nil {
			return h, err
		}
		login = login || wants
	case h.Port == 0:
		return h, UsageError{errors.New("a smarthost needs its port"), "give --port, e.g. --port 587"}
	}
	h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, login)
	return h, nil
}

// LookAt connects to a relay that is in no catalogue, without a login, as far as MAIL:
// the Result has its certificate and its AUTH mechanisms.
func LookAt(ctx context.Context, deps Deps, d Discovery, h config.Hop) (res smtpprobe.Result, err error) {
	v4, v6, err := d.Resolver.Addrs(ctx, h.Host)
	if err != nil {
		return res, fmt.Errorf("look up %s: %w", h.Host, err)
	}
	roots, err := Roots(&deps.Host.Reader, cmp.Or(h.CAFile, d.State.CAFile))
	if err != nil {
		return res, err
	}
	t := smtpprobe.Target{
		Name: h.Host, Implicit: h.TLS == relays.Implicit, NoTLS: h.Plaintext(), Until: smtpprobe.StepMail, HELO: d.State.FQDN,
		Roots: roots, Pin: h.Pin, Trace: deps.Report.Trace(),
	}
	for _, addr := range slices.Concat(v4, v6) {
		t.Addr = netip.AddrPortFrom(addr, uint16(h.Port))
		if res = smtpprobe.Probe(ctx, t); res.Reached != "" {
			break
		}
	}
	return res, ctx.Err()
}

// WantsLogin reports whether a relay that LookAt has connected to refuses mail
// without a login (530, RFC 4954 section 6), and whether it offers one.
func WantsLogin(res smtpprobe.Result) (demanded, offered bool) {
	offered = len(res.Auth) > 0
	return offered && res.Failed == smtpprobe.StepMail && res.Code == 530, offered
}

// checkNames refuses hosts that Postfix would not find, since they are in /etc/hosts
// alone, and hops without TLS whose host has a public address. A name that cannot be
// looked up is left to the probe. Errors are a *UsageError, or an InFile.
func checkNames(ctx context.Context, deps Deps, d Discovery, c config.Config) error {
	local, err := resolve.System(&deps.Host.Reader)
	if err != nil {
		return err
	}
	for i, r := range c.Routes {
		for n, h := range r.Hops {
			p := at{i, n}
			err := checkName(ctx, d, local, h)
			if err != nil && !p.isFirst() {
				err = InFile{c.Where(p.key("host")), fmt.Errorf("%s: %w", p.label(c), err)}
			}
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func checkName(ctx context.Context, d Discovery, local *resolve.Resolver, h config.Hop) error {
	named := local.InHosts(h.Host)
	if h.Host == "" || len(named) == 0 && !h.Plaintext() {
		return nil
	}
	v4, v6, err := d.Resolver.Addrs(ctx, h.Host)
	if errors.Is(err, resolve.ErrNotFound) && len(named) > 0 {
		return UsageError{fmt.Errorf("%s is in /etc/hosts only, and Postfix asks DNS (smtp_host_lookup = %s)", h.Host, d.State.Params["smtp_host_lookup"]),
			fmt.Sprintf("name the address, --smarthost %s, or have Postfix read the file: postconf -e 'smtp_host_lookup = dns, native'", named[0])}
	}
	if err != nil || !h.Plaintext() {
		return nil //nolint:nilerr // a name that DNS does not have now is the probe's
	}
	for _, a := range slices.Concat(v4, v6) {
		if !config.Private(a) {
			return UsageError{fmt.Errorf("--insecure-plaintext: %s has the public address %s: mail goes there with TLS only", h.Host, a),
				"have the relay offer TLS, or reach it through a tunnel"}
		}
	}
	return nil
}

// ErrNoPort is --no-probe where no port is known.
var ErrNoPort = UsageError{errors.New("--no-probe cannot choose a port"), "give the port: --port 587 --no-probe"}

// SelectPorts chooses a port for every hop that has none, and for the first hop of
// the default route unless one was given: the first in the relay's order that
// completes greeting, EHLO and verified TLS and offers AUTH, starts TLS as the other
// hops of the route do where smtp(8) walks them (Route.Walked is false), and is none of
// theirs. The port that the first hop has had comes first.
func SelectPorts(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) (config.Config, error) {
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
	if len(open) == 0 {
		return c, nil
	}
	c = c.Clone()
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

package setup

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/install"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// Discover reads what is there: the Config of an earlier setup, the lookup tables
// that state names, and the catalogue. state is what postfix.Read has returned.
func Discover(ctx context.Context, deps Deps, state postfix.State, req Request, ask Asker) (d Discovery, err error) {
	r := &deps.Host.Reader
	d.State = state
	if !ask.Can() && !req.DryRun {
		d.OpenConnections = &smtpprobe.Connections{}
	}
	if state.Installed && !state.Version.AtLeast(3, 4) {
		return d, Hint(fmt.Errorf("Postfix %d.%d is too old", state.Version.Major, state.Version.Minor), "relayhost needs Postfix 3.4 or later")
	}
	if err := refuseManaged(r, state, req.Force); err != nil {
		return d, err
	}
	if d.Catalog, err = Catalog(); err != nil {
		return d, err
	}
	if d.Stored, err = Stored(r); err != nil {
		return d, err
	}
	if state.Installed {
		if err := d.State.ConfirmMapTypes(ctx, r); err != nil {
			return d, err
		}
	}
	d.State.Load(r, plan.Paths(d.State)...) // the files that Build compares with, and postfix.Read leaves out
	first := d.Stored
	if first.First().Name() != "" { // Named looks at the other routes, with what was given over them
		first.Routes = first.Routes[:1]
	}
	resolved, err := first.Resolve(d.Find, plan.NextHops(d.State))
	d.Before = *resolved.First()
	switch {
	case err == nil:
	case req.Relay == "" && req.Smarthost == "" && req.Region == "" && req.Port == 0:
		return d, err // else what is wrong may be replaced; it is looked at again then
	}
	d.Resolver, err = Resolver(r, func(name string) string { return state.Params[name] })
	return d, err
}

// Discovery is what was found out about the host before anything is decided.
type Discovery struct {
	State    postfix.State
	Stored   config.Config // as relayhost.toml says it; its default route alone once that has a relay
	Before   config.Hop    // the first hop of the default route as Stored and Postfix have it; zero for none
	Catalog  []relays.Relay
	Resolver *resolve.Resolver
	// OpenConnections are those that the probe of the ports leaves open for the login; nil
	// where a question may take long.
	OpenConnections *smtpprobe.Connections
}

// Find takes a path to a catalogue file, or the ID of a relay of the catalogue.
func (d Discovery) Find(name string) (relays.Relay, error) { return FindRelay(d.Catalog, name) }

// refuseManaged stops where another tool writes the mail configuration.
func refuseManaged(r *host.Reader, s postfix.State, force bool) error {
	if !s.Installed || force {
		return nil
	}
	if m, ok := detect.FindManager(r, s.Main.Bytes()); ok {
		return Hint(fmt.Errorf("%s manages the mail of this host: %s", m.Name, m.Why), "%s; --force continues anyway", m.Advice)
	}
	return nil
}

// Stored reads the Config of an earlier setup, whoever has written it: as the file
// says it, and config.New where there is none.
func Stored(r *host.Reader) (config.Config, error) {
	data, err := r.ReadFile(config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return config.New(), nil
	}
	if err != nil {
		return config.New(), err
	}
	c, err := config.Read(data)
	if err != nil {
		return config.New(), err
	}
	return c, nil
}

// otherAnswers is the instance of Postfix that the file of the Config was last written
// for, "" where that is the one in configDir or nobody knows: there is one file for all.
// configDir is "" where no Postfix is installed.
func otherAnswers(history []apply.Record, configDir string) string {
	for _, c := range history { // the newest first
		if slices.ContainsFunc(c.Files, func(f apply.Change) bool { return f.Path == config.Path }) {
			if configDir == "" || c.ConfigDir == configDir {
				return ""
			}
			return c.ConfigDir
		}
	}
	return ""
}

// warnOfAnswers says that a setup goes by what another instance was set up with, and
// replaces that.
func warnOfAnswers(deps Deps, state postfix.State) {
	history, err := apply.History(&deps.Host.Reader, apply.Options{StateDir: deps.StateDir})
	if err != nil { // without root
		return
	}
	if other := otherAnswers(history, state.ConfigDir); other != "" {
		deps.Report.Unproven("%s was last written for the Postfix in %s: what no flag says is read from it, its routes too, and for that in %s it is written again", config.Path, other, state.ConfigDir)
	}
}

// InUse is the stored Config c as this Postfix has it: resolved, and with the
// accounts that its tables hold. missing says that some account is not there.
func InUse(c config.Config, s postfix.State, find config.Catalogue) (used config.Config, missing bool, err error) {
	if used, err = c.Resolve(find, plan.NextHops(s)); err != nil {
		return used, false, err
	}
	accounts := plan.StoredAccounts(s)
	for i := range used.Routes {
		r := &used.Routes[i]
		for n := range r.Hops {
			h := &r.Hops[n]
			if h.Plaintext() {
				continue // whatever a table has for it
			}
			if h.Bridged() {
				stored, ok := accounts.BridgeHop(*h, r.Senders...)
				if missing = missing || !ok; ok {
					fromBridge(h, stored)
				}
				continue
			}
			h.Username, h.Password, _ = accounts.Find(h.NextHop(), r.Senders...)
			missing = missing || h.Password.IsZero()
			if h.Relay.ID == relays.SmarthostID && (i+n == 0 || h.Username != "") {
				h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, h.Username != "")
			}
		}
	}
	return used, missing, nil
}

// fromBridge gives h the account that its bridge has stored.
func fromBridge(h *config.Hop, c conf.Config) {
	if a := c.API; a != nil {
		h.API = config.API{Host: c.Host, Settings: a.Settings, Key: a.Key, AWS: a.AWS, ProxyLogin: config.ProxyLogin(a.Proxy)}
		if c.OAuth == nil {
			return
		}
	}
	h.Username = c.Username
	if c.OAuth != nil {
		h.SignIn.Secret, h.SignIn.Certificate, h.SignIn.SecretEnds = c.OAuth.Secret, c.OAuth.Certificate, c.OAuth.SecretEnds
		h.SignIn.Grant, h.SignIn.ClientID = c.OAuth.Grant, c.OAuth.ID
	}
}

// UserCatalog is where administrators keep relays of their own.
const UserCatalog = "/etc/relayhost/relays.d"

// Catalog is ours with the administrator's own relays added or put over it.
func Catalog() ([]relays.Relay, error) {
	all, err := relays.Catalog()
	if err != nil {
		return nil, err
	}
	own, err := relays.LoadDir(UserCatalog)
	if err != nil {
		return nil, err
	}
	return relays.Merge(all, own), nil
}

// FindRelay takes a path to a catalogue file, or the ID of a relay of all.
func FindRelay(all []relays.Relay, name string) (relays.Relay, error) {
	if isFile(name) {
		return relays.Load(name)
	}
	return relays.Find(all, name)
}

func isFile(name string) bool {
	return strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".toml")
}

// Resolver looks hosts up as smtp(8) does: in /etc/hosts only where smtp_host_lookup names
// "native", or DNS is not asked at all (smtp_dns_support_level, and disable_dns_lookups
// before it). param is a parameter as the service of the relay sees it.
func Resolver(r *host.Reader, param func(name string) string) (*resolve.Resolver, error) {
	system, err := resolve.System(r)
	if err != nil {
		return nil, err
	}
	level := param("smtp_dns_support_level")
	if strings.EqualFold(level, "disabled") || level == "" && strings.EqualFold(param("disable_dns_lookups"), "yes") {
		return system.AsPostfix("native"), nil
	}
	return system.AsPostfix(param("smtp_host_lookup")), nil
}

// ResolverHere is Resolver for a host that is only looked at: for its Postfix, or where it
// has none for one with the default settings. It is nil where /etc/resolv.conf cannot be
// read, which detect reports.
func ResolverHere(ctx context.Context, r *host.Reader, configDir string) detect.Resolver {
	params := map[string]string{}
	if out, err := r.Query(ctx, host.Postconf(configDir, "-x", "smtp_host_lookup", "smtp_dns_support_level", "disable_dns_lookups")); err == nil {
		for line := range strings.Lines(string(out.Stdout)) {
			name, value, _ := strings.Cut(line, "=")
			params[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	if dns, err := Resolver(r, func(name string) string { return params[name] }); err == nil {
		return dns
	}
	return nil
}

// Roots loads a CA file; nil where path is "", and then nothing verifies.
func Roots(r *host.Reader, path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := r.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		if _, err := x509.ParseCertificate(pem); err == nil {
			return nil, fmt.Errorf("%s is in DER form, and Postfix reads PEM: convert it with openssl x509 -inform der -in %s -out ca.pem", path, path)
		}
		return nil, Hint(fmt.Errorf("%s holds no certificate", path), "install the package ca-certificates, or give --ca-file")
	}
	return pool, nil
}

// LookAround begins a Look, unless one is known; nil where nothing is to be probed, and
// where the relay of c is the one in use: nothing is to be chosen then. SelectPorts
// probes the ports of that relay.
func LookAround(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) (*Look, error) {
	if req.Known != nil {
		return req.Known, nil
	}
	if req.NoProbe || d.Before.Relay.ID != "" && d.Before.Relay.ID == c.First().Relay.ID && c.First().Relay.ID != relays.SmarthostID {
		return nil, nil
	}
	o, err := detectOptions(deps, d, *c.First())
	if err != nil {
		return nil, err
	}
	l := &Look{tried: make(chan []detect.Submission, 1), done: make(chan struct{})}
	o.Catalog, o.Domain = d.Catalog, mailaddr.Domain(c.From())
	o.Tried = func(list []detect.Submission) { l.tried <- list }
	go func() {
		defer close(l.done)
		l.found, l.err = detect.Run(ctx, o)
	}()
	return l, nil
}

// Look finds out where this host is and what gets out of it, beside the rest of a setup:
// port 25 may be silent for seconds, and a setup by a relay that was named, without
// questions, needs none of it but the ports of that relay. nil looks at nothing.
type Look struct {
	tried chan []detect.Submission
	done  chan struct{}
	once  sync.Once // the ports have been taken out of tried
	ports []detect.Submission
	found detect.Facts
	err   error
	told  bool
	whole bool // it was waited for, and the plan knows it
}

// facts waits for what the choice of a relay and its port needs: where c names the relay
// and nothing can be asked, that is the ports.
func (l *Look) facts(c config.Config, report Reporter, ask Asker) (*detect.Facts, error) {
	if c.First().Name() != "" && !ask.Can() {
		return l.Ports(), nil
	}
	return l.Whole(report)
}

// Ports waits until the submission ports have been tried, and is what came of that; nil
// where nothing has been found out.
func (l *Look) Ports() *detect.Facts {
	if l == nil {
		return nil
	}
	l.once.Do(func() {
		select {
		case l.ports = <-l.tried:
		case <-l.done:
			l.ports = l.found.Submission
		}
	})
	return &detect.Facts{Submission: l.ports}
}

// Whole waits for everything, and tells it.
func (l *Look) Whole(report Reporter) (*detect.Facts, error) {
	if l == nil {
		return nil, nil
	}
	<-l.done
	if l.err != nil {
		return nil, l.err
	}
	l.whole = true
	l.Tell(report)
	return &l.found, nil
}

// Tell tells what has been found out, once, and only if all of it has been by now.
func (l *Look) Tell(report Reporter) {
	if l == nil || l.told {
		return
	}
	select {
	case <-l.done:
	default:
		return
	}
	if l.told = true; l.err != nil {
		return
	}
	if report.Found(l.found); !l.whole && l.found.Port25.Verdict == detect.Open {
		report.Unproven("port 25 is open from this host: no relay is needed to send mail")
	}
}

// detectOptions are those that probe the ports of h, whose relay may be unknown.
func detectOptions(deps Deps, d Discovery, h config.Hop) (o detect.Options, err error) {
	o = detect.Options{Reader: &deps.Host.Reader, Resolver: d.Resolver, HELO: d.State.FQDN, Keep: d.OpenConnections, Advance: func(step string) { deps.Report.Step("%s", step) }}
	if h.Relay.ID != "" && h.Host != "" {
		o.Relay, o.Region, o.Host = h.Relay, h.Region, h.Host
	}
	o.Roots, err = Roots(&deps.Host.Reader, cmp.Or(h.CAFile, d.State.CAFile))
	return o, err
}

// SelectPorts chooses a port for every hop that has none, and for the first hop of
// the default route unless one was given: the first in the relay's order that
// completes greeting, EHLO and verified TLS and offers AUTH, starts TLS as the other
// hops of the route do where Postfix, not a bridge, goes through them, and is none of
// theirs. The port that the first hop has had comes first.
func SelectPorts(ctx context.Context, b Basis, c config.Config) (config.Config, error) {
	open, err := withoutPort(b, c)
	if err != nil || len(open) == 0 {
		return c, err
	}
	c = c.Clone()
	tried, err := probePorts(ctx, b, c, open)
	if err != nil {
		return c, err
	}
	told := map[string]bool{}
	for _, p := range open {
		if err := selectPort(b.Discovery, c, p, tried[probeKey(p.in(c))]); err != nil {
			if p.isFirst() && byHTTPS(ctx, b, c) {
				c = c.GoByAPI()
				continue
			}
			return c, err
		}
		where := ""
		if !p.isFirst() {
			where = p.label(c) + ": "
		}
		if hop := p.in(c).NextHop(); !told[hop] { // thousands of routes may share it
			told[hop] = true
			b.Report.Step("%s%s port %d is reachable", where, p.in(c).Host, p.in(c).Port)
		}
	}
	return c, nil
}

// withoutPort are the hops of c whose port is to be chosen.
func withoutPort(b Basis, c config.Config) (open []at, err error) {
	for i, r := range c.Routes {
		for n, h := range r.Hops {
			p := at{i, n}
			switch {
			case h.ByAPI(): // has one port
			case b.NoProbe && h.Port == 0 && p.isFirst():
				return nil, ErrNoPort
			case b.NoProbe && h.Port == 0:
				e := c.Mistake(p.key("relay"), "%s names no port, and --no-probe cannot choose one", p.label(c))
				e.Hint = "give the port in the file, or leave --no-probe out"
				return nil, e
			case h.Port == 25 && p.isFirst(): // that of the file, which counts like --port 25; no order has it
			case h.Port == 0, p.isFirst() && b.Port == 0 && !b.NoProbe:
				open = append(open, p)
			}
		}
	}
	return open, nil
}

// ErrNoPort is --no-probe where no port is known.
var ErrNoPort = UsageError{errors.New("--no-probe cannot choose a port"), "give the port: --port 587 --no-probe"}

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
func probePorts(ctx context.Context, b Basis, c config.Config, open []at) (map[string][]detect.Submission, error) {
	tried := map[string][]detect.Submission{}
	if b.Facts != nil && len(b.Facts.Submission) > 0 && b.Facts.Submission[0].Host == c.First().Host {
		tried[probeKey(c.First())] = b.Facts.Submission
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
		o, err := detectOptions(b.Deps, b.Discovery, *hops[i])
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
		if strings.Contains(tried[0].Detail, resolve.ErrHostsOnly.Error()) {
			remedy = verify.HostsOnly
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
	on := subject{relay: *h.Relay}
	for _, t := range tried {
		res := smtpprobe.Result{Failed: smtpprobe.Step(t.Step), Fault: smtpprobe.Fault(t.Result), Err: err}
		causes := explain.Probe(res, h.Relay)
		if res.Fault == smtpprobe.FaultReply { // its code is in the text alone
			if known := explain.Text(t.Detail, h.Relay); len(known) > 0 {
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

// byHTTPS reports whether the API of the first hop is what is left, where no mail
// port of its relay is reachable: it has one, nothing else was asked for, and port 443
// of it answers.
func byHTTPS(ctx context.Context, b Basis, c config.Config) bool {
	h := *c.First()
	host := h.APIHost()
	if b.Port != 0 || b.Via != "" || len(c.Routes[0].Hops) > 1 || h.Pin != "" || h.NoVerify || !config.HasAPI(h.Relay) || config.APITakesTokens(h.Relay) || host == "" {
		return false
	}
	o, err := detectOptions(b.Deps, b.Discovery, h)
	if err != nil || detect.HTTPS(ctx, o, h.Relay.ID, host).Result != string(detect.Open) {
		return false
	}
	b.Report.Note("no mail port of %s is reachable from here, but its API at %s on port 443 is: mail is sent by HTTPS (--via https; --via smtp refuses that)", h.Relay.Name, host)
	return true
}

// Install installs Postfix after consent; another mail server is found first. It
// returns the State of the new Postfix and the packages that were installed, which
// stay whatever happens.
func Install(ctx context.Context, deps Deps, s postfix.State, o InstallOptions) (postfix.State, []string, error) {
	other, found := install.FindOther(&deps.Host.Reader)
	switch {
	case found && !o.ReplaceMTA && !o.DryRun:
		return s, nil, Hint(errors.New(other.Scope), "--replace-mta installs Postfix in its place, once its queue is empty")
	case found && !o.ReplaceMTA:
		deps.Report.Note("%s", other.Scope)
	case found && other.Waiting > 0 && !o.DryRun:
		return s, nil, Hint(errors.New(other.Scope), "send or move what waits there first: nothing would deliver it any more")
	case !found && install.Listener(&deps.Host.Reader) && !o.ReplaceMTA && !o.DryRun:
		return s, nil, Hint(errors.New("a program that is not Postfix listens on port 25 of this host"),
			"ss -ltnp 'sport = :25' names it; --replace-mta continues anyway")
	}
	if o.DryRun {
		return postfix.Fresh(s), nil, nil
	}
	if err := o.Consent(ctx); err != nil {
		return s, nil, err
	}
	packages, err := install.Postfix(context.WithoutCancel(ctx), deps.Host, install.Options{
		Mailname: s.FQDN, Progress: func(t string) { deps.Report.Step("%s", t) },
	})
	if err != nil {
		return s, nil, err
	}
	deps.Report.Step("installed %s; they stay installed whatever happens now", strings.Join(packages, ", "))
	if err := ctx.Err(); err != nil {
		return s, nil, err // Ctrl-C waits for the package manager
	}
	s, err = postfix.Read(ctx, &deps.Host.Reader, deps.ConfigDir)
	return s, packages, err
}

// InstallOptions say how far an installation of Postfix may go.
type InstallOptions struct {
	DryRun     bool // install nothing: the State is that of a fresh Postfix
	ReplaceMTA bool // in place of another mail server
	// Consent is asked once nothing else stands in the way.
	Consent func(context.Context) error
}

package setup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge"
	"relayhost/internal/bridge/api"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// Preflight tries login, senders and recipient with our own client, at each hop of
// each route. Errors are ProofErrors, of which ErrLoginRefused is one cause.
func Preflight(ctx context.Context, s Setup, tokens Tokens) error {
	list, left, err := s.checks(tokens)
	if err != nil {
		return err
	}
	if s.Config.Several() {
		s.Report.Step("preflight: login, senders and recipient at %s of %s", plural.Of(len(list), "account"), plural.Of(len(s.Config.Routes), "route"))
	} else if h := s.Config.First(); h.ByAPI() {
		s.Report.Step("preflight: the API of %s (%s) checks the key", h.Relay.Name, h.APIHost())
	} else {
		s.Report.Step("preflight at %s: login, sender, recipient", s.Config.First().Host)
	}
	addrs := lookUpAll(ctx, s.Resolver, s.OpenConnections, list)
	done := make([]checked, len(list))
	inParallel(len(list), func(i int) { done[i] = s.try(ctx, list[i], addrs[list[i].hop.Host]) })
	for _, c := range done {
		if c.err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if left > 0 {
		s.Report.Unproven("%s not checked at the relays: at most %d are checked on one connection", plural.Of(left, "more sender"), maxSenders)
	}
	return s.judged(done)
}

// LookAhead tries greeting and TLS of every hop that nothing has probed, since its port
// was given: what no run would get past stops a dry run too, in the words of Preflight.
// What may differ at another time or place, as a connection, does not.
func LookAhead(ctx context.Context, s Setup) error {
	if s.NoProbe {
		return nil
	}
	all, _, err := s.checks(nil)
	if err != nil {
		return err
	}
	var list []*check
	first := s.Config.First()
	for _, c := range all {
		probed := s.Port == 0 && first.Port != 25 && c.hop.NextHop() == first.NextHop()
		same := func(o *check) bool { return o.hop.NextHop() == c.hop.NextHop() && o.hop.CAFile == c.hop.CAFile }
		if probed || c.hop.ByAPI() || c.hop.Bridged() || slices.ContainsFunc(list, same) {
			continue
		}
		h := c.hop
		h.Username, h.Password = "", secret.Value{}
		list = append(list, &check{hop: h, roots: c.roots, senders: c.senders[:1], of: c.of, until: smtpprobe.StepEHLOTLS})
	}
	addrs := lookUpAll(ctx, s.Resolver, s.OpenConnections, list)
	done := make([]checked, len(list))
	inParallel(len(list), func(i int) {
		c := list[i]
		done[i].check = c
		if found := addrs[c.hop.Host]; len(found.list) > 0 { // else a connection is held, or no address is known
			done[i].result = smtpprobe.Probe(ctx, s.target(c).At(c.hop.Port, found.list))
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.judged(slices.DeleteFunc(done, func(c checked) bool {
		return c.result.Failed != smtpprobe.StepSTARTTLS && !c.result.Fault.Certificate()
	}))
}

// check is one connection to a relay: a hop with its account, and the senders that
// are asked for there.
type check struct {
	hop     config.Hop
	token   secret.Value // in place of a password
	roots   *x509.CertPool
	senders []string
	of      map[string]string // label of the first route and hop that has the sender
	// optionalNull asks for the null sender at last, which nobody has to take.
	optionalNull bool
	until        smtpprobe.Step // the last step; "" is the recipient
}

// checked is what came of a check.
type checked struct {
	*check
	result smtpprobe.Result
	err    error // instead of a result
}

// maxSenders is how many senders are asked for on one connection.
const maxSenders = 100

// dialTimeout bounds the dialogue with login, sender and recipient: a relay that
// takes seconds for each reply delivers nevertheless.
const dialTimeout = 30 * time.Second

// retryPause is the time between two tries of a relay that says "later".
const retryPause = 5 * time.Second

// checks are the connections to make: one for each hop and account, whoever
// shares it. Without a proof one sender of each is enough.
func (s Setup) checks(tokens Tokens) (list []*check, left int, err error) {
	known := map[string]*check{}
	most := maxSenders
	if s.NoProof {
		most = 1
	}
	pools := map[string]*x509.CertPool{}
	null := false
	for _, r := range s.checkedRoutes() {
		null = null || slices.Contains(r.Senders, config.NullSender)
		for i, h := range r.Hops {
			key := strings.Join([]string{string(h.Via), h.NextHop(), string(h.TLS), h.Username, h.Password.Reveal(), h.SignIn.ClientID, h.CAFile, h.Pin, h.API.String(), h.API.Key.Reveal()}, "\x00")
			c, ok := known[key]
			if !ok {
				c = &check{hop: h, token: tokens.of(s.Plan, h), of: map[string]string{}}
				file := cmp.Or(h.CAFile, s.State.CAFile)
				if c.roots, ok = pools[file]; !ok {
					if c.roots, err = Roots(&s.Host.Reader, file); err != nil {
						return nil, 0, err
					}
					pools[file] = c.roots
				}
				known[key], list = c, append(list, c)
			}
			for _, sender := range sendersOf(r) {
				if _, asked := c.of[sender]; asked {
					continue
				}
				if len(c.senders) == most {
					left++
					continue
				}
				c.senders = append(c.senders, sender)
				c.of[sender] = config.Label(r.Name, i)
			}
		}
	}
	if s.NoProof {
		return list, 0, nil
	}
	if s.Config.Several() && !null {
		list[0].senders, list[0].optionalNull = append(list[0].senders, ""), true
	}
	return list, left, nil
}

// checkedRoutes are those of the Config, with the senders that the plan gives them: the
// null sender may have found its route by itself. The default route is the first, and what
// the plan changes comes before what stays, since of many senders not all are tested; where
// not even each route is, one of each service that changes comes first.
func (s Setup) checkedRoutes() []config.Route {
	all := slices.Clone(s.Config.Routes)
	routing := postfix.NewRouting(s.State)
	ranks, services := map[string]int{}, map[string]bool{}
	for i, w := range s.Plan.Routes {
		if i >= len(all) || all[i].Name != w.Name {
			continue
		}
		var changed, same []string
		for _, sender := range w.Senders {
			if moves(routing, w, sender) {
				changed = append(changed, sender)
			} else {
				same = append(same, sender)
			}
		}
		all[i].Senders = append(changed, same...)
		switch {
		case len(changed) == 0:
			ranks[w.Name] = 2
		case len(all) <= maxMessages || services[w.Service]:
			ranks[w.Name] = 1
		}
		services[w.Service] = services[w.Service] || len(changed) > 0
	}
	slices.SortStableFunc(all[1:], func(a, b config.Route) int { return ranks[a.Name] - ranks[b.Name] })
	return all
}

// moves reports whether mail of a sender of w takes another service or next hop now. Of
// names below a domain, which a table of patterns has, only a new service is known.
func moves(routing *postfix.Routing, w plan.Route, sender string) bool {
	if strings.HasPrefix(sender, ".") {
		return routing.By(w.Service, "").Service.Name == ""
	}
	if sender != config.NullSender && !strings.Contains(sender, "@") {
		sender = "@" + sender
	}
	now := routing.Route(sender)
	switch {
	case now.Service.Name == "", now.Transport != w.Service:
		return true
	case w.Bridge != "":
		return now.First().Text != "unix:"+w.Socket()
	}
	return now.First().Text != w.Hops[0].NextHop
}

// sendersOf are the senders that a route is proven with, "" for the null sender.
func sendersOf(r config.Route) []string {
	if r.Name == config.DefaultRoute {
		list := []string{r.From}
		if slices.Contains(r.Senders, config.NullSender) {
			list = append(list, "")
		}
		return list
	}
	var list []string
	if config.SentBy(r.Senders, r.From) {
		list = append(list, r.From)
	}
	for _, sender := range r.Senders {
		switch {
		case sender == config.NullSender:
			sender = ""
		case strings.Contains(sender, "@"):
		case config.SentBy([]string{sender}, r.From), strings.HasPrefix(sender, "."):
			continue // of a name below a domain no other address is known
		default:
			sender = "postmaster@" + sender
		}
		if !slices.Contains(list, sender) {
			list = append(list, sender)
		}
	}
	return list
}

// try tries one hop, and again for a while where it says "later".
func (s Setup) try(ctx context.Context, c *check, addrs addresses) checked {
	if c.hop.ByAPI() {
		return checked{check: c, err: s.checkAPI(ctx, c.hop, c.token)}
	}
	res := s.resume(ctx, c)
	if res.Reached == "" {
		if addrs.list == nil && addrs.err == nil { // it was left to a connection that has ended
			addrs = find(ctx, s.Resolver, c.hop.Host)
		}
		if addrs.err != nil {
			return checked{check: c, err: addrs.err}
		}
		res = smtpprobe.Probe(ctx, s.target(c).At(c.hop.Port, addrs.list))
	}
	for until := time.Now().Add(patience); c.later(res) && time.Now().Add(retryPause).Before(until); {
		s.Report.Step("%s deferred the message (%d): trying again", c.hop.Host, res.Code)
		select {
		case <-ctx.Done():
			return checked{check: c, err: ctx.Err()}
		case <-time.After(retryPause):
		}
		if addrs.list == nil {
			addrs = find(ctx, s.Resolver, c.hop.Host)
		}
		res = smtpprobe.Probe(ctx, s.target(c).At(c.hop.Port, addrs.list))
	}
	return checked{check: c, result: res}
}

// resume makes the check on the connection that the probe of the ports has left open, if
// it has: the result then says how far that came.
func (s Setup) resume(ctx context.Context, c *check) (res smtpprobe.Result) {
	if addr := s.OpenConnections.Addr(c.hop.Host, uint16(c.hop.Port)); addr.IsValid() {
		t := s.target(c)
		t.Addr = addr
		res, _ = s.OpenConnections.Resume(ctx, t)
	}
	return res
}

// later reports whether the relay put a check off. A login that was put off is not
// tried again: services lock accounts that keep trying.
func (c *check) later(res smtpprobe.Result) bool {
	return res.Fault == smtpprobe.FaultReply && res.Code/100 == 4 && res.Failed != smtpprobe.StepAuth && !c.nullRefused(res)
}

// nullRefused reports whether the one thing refused is the null sender that nobody
// needs there.
func (c *check) nullRefused(res smtpprobe.Result) bool {
	return c.optionalNull && res.Sender == "" && res.Fault == smtpprobe.FaultReply && (res.Failed == smtpprobe.StepMail || res.Failed == smtpprobe.StepRcpt)
}

// addresses are those of a host, IPv4 first.
type addresses struct {
	list []netip.Addr
	err  error
}

// lookUpAll resolves each host once, but for those that a connection is held to.
func lookUpAll(ctx context.Context, dns *resolve.Resolver, open *smtpprobe.Connections, list []*check) map[string]addresses {
	var names []string
	for _, c := range list {
		if !slices.Contains(names, c.hop.Host) && !c.hop.ByAPI() && !open.Addr(c.hop.Host, uint16(c.hop.Port)).IsValid() {
			names = append(names, c.hop.Host)
		}
	}
	answers := make([]addresses, len(names))
	inParallel(len(names), func(i int) {
		answers[i] = find(ctx, dns, names[i])
	})
	byName := map[string]addresses{}
	for i, name := range names {
		byName[name] = answers[i]
	}
	return byName
}

// find looks up the addresses of a host.
func find(ctx context.Context, dns *resolve.Resolver, name string) addresses {
	v4, v6, err := dns.Addrs(ctx, name)
	if err != nil {
		err = Hint(fmt.Errorf("look up %s: %w", name, err), "check the region, and the name servers in /etc/resolv.conf")
	}
	return addresses{slices.Concat(v4, v6), err}
}

// target is what a check asks of its hop, at no address yet.
func (s Setup) target(c *check) smtpprobe.Target {
	h := c.hop
	return smtpprobe.Target{
		Name: h.Host, Implicit: h.TLS == relays.Implicit, NoTLS: h.Plaintext(), Until: cmp.Or(c.until, smtpprobe.StepRcpt), HELO: s.State.FQDN, Roots: c.roots, Pin: h.Pin,
		Username: h.Username, Password: h.Password, Token: c.token, MailFrom: c.senders[0], Senders: c.senders[1:], RcptTo: s.Config.To,
		Timeout: dialTimeout + time.Duration(len(c.senders)-1)*time.Second, Trace: s.Report.Trace(),
	}
}

// checkAPI asks the API of a hop whether it takes the key or the token, where it has a
// call for that which sends nothing.
func (s Setup) checkAPI(ctx context.Context, h config.Hop, token secret.Value) error {
	client, err := bridge.Checker(plan.APIConfig(h, cmp.Or(h.CAFile, s.State.CAFile)))
	if err != nil {
		return err
	}
	if h.APITakesTokens() { // it is not stored yet
		client.Account.Token = func(context.Context, secret.Value) (secret.Value, error) { return token, nil }
	}
	proved, err := client.Check(ctx)
	if err == nil {
		if !proved {
			s.Report.Unproven("the API of %s has no call that proves a key and sends nothing: the test message shows whether it is right", client.API.Name)
		}
		return nil
	}
	var said *api.Reply
	if !errors.As(err, &said) {
		return err
	}
	failed := explained(err, verify.Finding{Check: "auth", Result: verify.Fail, Detail: err.Error()})
	if strings.HasSuffix(said.Enhanced, ".7.8") { // credentials invalid (RFC 4954, section 6)
		return refused{failed, ErrLoginRefused}
	}
	return failed
}

// judged is the first fault of the checks, with what the others say; nil for none.
func (s Setup) judged(list []checked) error {
	var failed error
	var others []string
	for _, c := range list {
		err := judgeCheck(s.Deps, s.Config, c)
		switch {
		case err == nil:
		case failed == nil:
			failed = err
		default:
			others = append(others, checkText(s.Config, c))
		}
	}
	if failed == nil {
		return nil
	}
	return ProofError{withOthers(failed, others)}
}

// judgeCheck is nil where a connection has shown what it was to show.
func judgeCheck(deps Deps, cfg config.Config, c checked) error {
	several := cfg.Several()
	switch {
	case c.err != nil:
		if several {
			return fmt.Errorf("%s: %w", c.of[c.senders[0]], c.err)
		}
		return c.err
	case c.result.Err == nil:
		return nil
	case c.nullRefused(c.result):
		deps.Report.Unproven("%s rejects the null sender <> (%d %s): bounces and delivery reports of this server will be lost; a route with \"<>\" among its senders delivers them", c.hop.Host, c.result.Code, c.result.Text)
		return nil
	case c.hop.NoVerify && c.result.Fault.Certificate():
		// Our own client logs in on verified connections only; the rehearsal
		// goes the whole way.
		deps.Report.Warn("%v; it is not verified, as asked for", c.result.Err)
		return nil
	}
	on := subject{relay: *c.hop.Relay, from: cmp.Or(c.result.Sender, c.senders[0]), to: cfg.To}
	if several {
		on.route = c.route()
	}
	err := on.failedProbe(fmt.Errorf("%s: %w%s", checkText(cfg, c), c.result.Err, c.result.Others()), c.result)
	if c.result.Fault == smtpprobe.FaultReply && c.result.Code/100 == 5 {
		if what, ok := refusals[c.result.Failed]; ok {
			return refused{err, what}
		}
	}
	return err
}

// ErrLoginRefused is in the chain of a preflight that failed since the relay has
// refused a login for good.
var ErrLoginRefused = errors.New("the relay has refused the login")

// ErrSenderRefused and ErrRecipientRefused are in the chain of a preflight that failed
// since the relay has refused for good what MAIL or RCPT named.
var (
	ErrSenderRefused    = errors.New("the relay has refused the sender")
	ErrRecipientRefused = errors.New("the relay has refused the recipient")
)

// refusals are what a relay refuses at a step. One that wants a login says so at MAIL
// (530, RFC 4954 section 6); senders are refused at RCPT as well.
var refusals = map[smtpprobe.Step]error{
	smtpprobe.StepAuth: ErrLoginRefused, smtpprobe.StepMail: ErrSenderRefused, smtpprobe.StepRcpt: ErrRecipientRefused,
}

// refused is an error that is what as well.
type refused struct {
	error
	what error
}

func (e refused) Unwrap() []error { return []error{e.error, e.what} }

// label names the route and hop that the connection failed for.
func (c checked) label() string {
	if owner, ok := c.of[c.result.Sender]; ok && c.result.Failed != "" {
		return owner
	}
	return c.of[c.senders[0]]
}

// route is the name in the label.
func (c checked) route() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.label(), "route "), ",")
	if name == config.Label(config.DefaultRoute, 0) {
		return config.DefaultRoute
	}
	return name
}

// checkText says where a connection ended.
func checkText(cfg config.Config, c checked) string {
	if c.err != nil {
		return fmt.Sprintf("%s: %v", c.of[c.senders[0]], c.err)
	}
	text := failedStep(c.hop.Host, c.hop.Port, c.result)
	if cfg.Several() {
		text = c.label() + ": " + text
		if c.result.Failed == smtpprobe.StepMail || c.result.Failed == smtpprobe.StepRcpt {
			text += " for the sender <" + c.result.Sender + ">"
		}
	}
	return text
}

// failedStep says in words at which step a dialogue ended.
func failedStep(host string, port int, r smtpprobe.Result) string {
	said := map[bool]map[smtpprobe.Step]string{
		true:  {smtpprobe.StepAuth: "refused the login", smtpprobe.StepMail: "refused the sender", smtpprobe.StepRcpt: "refused the recipient", smtpprobe.StepGreeting: "refused the connection"},
		false: {smtpprobe.StepConnect: "is not reachable", smtpprobe.StepSTARTTLS: "did not start TLS", smtpprobe.StepTLS: "did not complete TLS"},
	}[r.Fault == smtpprobe.FaultReply][r.Failed]
	if said == "" {
		said = fmt.Sprintf("failed at %s", r.Failed)
	}
	return fmt.Sprintf("%s port %d %s", host, port, said)
}

// subject is what a proof was about: one hop, and the addresses that it was tried
// with.
type subject struct {
	route    string // "" where there is one route only
	relay    relays.Relay
	from, to string
}

// failedProbe adds cause and remedy of a connection that failed.
func (on subject) failedProbe(err error, res smtpprobe.Result) error {
	if res.Certificate != nil && res.Fault == smtpprobe.FaultUntrusted {
		return on.untrusted(err, res)
	}
	if res.Certificate != nil && res.Fault == smtpprobe.FaultWrongName && on.relay.ID == relays.SmarthostID {
		return on.otherName(err, res)
	}
	causes := explain.Probe(res, &on.relay)
	if len(causes) == 0 {
		f := verify.Finding{Check: "delivery", Route: on.route, Result: verify.Fail, Detail: err.Error()}
		return explained(err, f.Remedied(on.refusal(res.Failed)))
	}
	return on.caused(err, causes)
}

// untrusted says how a certificate can be trusted that does not verify.
func (on subject) untrusted(err error, res smtpprobe.Result) error {
	title, cause := "the relay's certificate is self-signed or from an unknown CA", "tls_untrusted_issuer"
	if errors.Is(res.Err, smtpprobe.ErrPin) {
		title, cause = "the relay's certificate does not have the pinned fingerprint", "tls_fingerprint"
	}
	f := verify.Finding{Check: "tls", Route: on.route, Result: verify.Fail, Detail: err.Error(), Cause: cause}
	f.Remedy = fmt.Sprintf("If this is your own relay: --ca-file CA.pem, or pin its certificate: --fingerprint %s", smtpprobe.Fingerprint(res.Certificate))
	return Hint(fmt.Errorf("%w\ncause: %s", Explained{err, f}, title), "%s", f.Remedy)
}

// otherName says how a relay of one's own can be named as its certificate does, or be
// trusted by that certificate.
func (on subject) otherName(err error, res smtpprobe.Result) error {
	f := verify.Finding{Check: "tls", Route: on.route, Result: verify.Fail, Detail: err.Error(), Cause: "tls_name_mismatch"}
	sum := sha256.Sum256(res.Certificate.Raw)
	for _, name := range res.Certificate.DNSNames {
		if mailaddr.IsHost(name) {
			f.Remedy = fmt.Sprintf("Name the relay as its certificate does: --smarthost %s. ", name)
			break
		}
	}
	f.Remedy += fmt.Sprintf("If this is your own relay, pin its certificate: --fingerprint %x", sum)
	return Hint(fmt.Errorf("%w\ncause: the certificate is for another name", Explained{err, f}), "%s", f.Remedy)
}

func (on subject) caused(err error, causes []explain.Cause) error {
	if len(causes) == 0 {
		return err
	}
	c := causes[0]
	if on.relay.ID == relays.SmarthostID && len(on.relay.Ports) > 0 {
		where := fmt.Sprintf("--smarthost %s --port %d", on.relay.Name, on.relay.Ports[0].Port)
		switch c.ID {
		case "tls_untrusted_issuer":
			c.Remedy = "Give the file with the relay's own certificate, or that of the authority that signed it; or its --fingerprint."
			c.Command = "relayhost setup " + where + " --ca-file /etc/ssl/" + on.relay.Name + ".pem"
		case "tls_not_offered":
			c.Remedy, c.Command = withoutTLS(on.relay, where)
		}
	}
	return explained(err, verify.Finding{
		Check: checkOf(c.Phase), Route: on.route, Result: verify.Fail, Detail: err.Error(), Cause: c.ID, Remedy: c.Remedy, Command: c.Command,
	})
}

// withoutTLS is the remedy for a relay of one's own that offers no TLS.
func withoutTLS(r relays.Relay, where string) (remedy, command string) {
	const offer = "Have the relay offer TLS, or name a port of it that does; a certificate of its own goes with --ca-file or --fingerprint. "
	addr, err := netip.ParseAddr(r.Name)
	switch {
	case len(r.Auth.Mechanisms) > 0:
		return offer + "No password goes over a connection without TLS: a relay that knows this host by its address can be set up without credentials.", ""
	case err == nil && !config.Private(addr):
		return offer + "Mail goes to a public address with TLS only.", ""
	}
	return offer + "On loopback, in a private network or through a tunnel the relay can be set up without TLS.", "relayhost setup " + where + " --insecure-plaintext"
}

// refusal is what a relay does not take of what was about on.
func (on subject) refusal(step smtpprobe.Step) verify.Refusal {
	return verify.Refusal{Step: step, Relay: on.relay, Route: on.route, From: on.from, To: on.to}
}

// checkOf is the check of verify that a phase of the failure catalogue belongs to.
func checkOf(phase string) string {
	if slices.Contains([]string{"dns", "connect", "tls", "auth"}, phase) {
		return phase
	}
	return "delivery"
}

// explained puts a finding behind err: its cause in words, and its remedy.
func explained(err error, f verify.Finding) error {
	err = Explained{err, f}
	c, ok := explain.ByID(f.Cause)
	if ok {
		err = fmt.Errorf("%w\ncause: %s", err, c.Title)
	}
	if ok && c.Retry == "wait" {
		// Nothing of ours is left that would try again.
		f.Remedy, f.Command = "Wait some minutes, then run setup again.", ""
	}
	if f.Remedy == "" {
		return err
	}
	remedy := f.Remedy
	if f.Command != "" {
		remedy += "\n  " + f.Command
	}
	return Hint(err, "%s", remedy)
}

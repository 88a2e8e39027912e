package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/plural"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
)

// hopCheck is the check of one hop of a route, from name resolution to the login.
type hopCheck struct {
	*routeCheck
	hop   Hop
	index int // of the hop; 0 is the first
	addrs []netip.Addr
}

// checkHops checks every hop of the route at once.
func (t *routeCheck) checkHops(ctx context.Context) {
	var wait sync.WaitGroup
	for i, hop := range t.route.Hops {
		l := &hopCheck{routeCheck: t, hop: hop, index: i}
		wait.Go(func() {
			check := l.first
			switch {
			case hop.Check != nil:
				check = l.api
			case i > 0:
				check = l.fallback
			}
			clocked(ctx, check, l.found)
		})
	}
	wait.Wait()
}

// found keeps the findings of one check in the order of the hops.
func (l *hopCheck) found(f Finding) {
	f.place += l.index * 100
	l.routeCheck.found(f)
}

// at names a port in a finding.
func (l *hopCheck) at(port int) string {
	switch {
	case !l.several():
		return fmt.Sprintf("port %d", port)
	case l.index > 0:
		return fmt.Sprintf("fallback %s:%d", l.hop.Host, port)
	}
	return fmt.Sprintf("%s:%d", l.hop.Host, port)
}

// about puts the hop before the detail of a finding, where there are several.
func (l *hopCheck) about(detail string) string {
	if !l.several() {
		return detail
	}
	return l.at(l.hop.Port) + ": " + detail
}

// HostsOnly is what helps where a relay's name is in /etc/hosts and Postfix asks DNS.
const HostsOnly = "Give the address of the relay in place of its name, or have Postfix read /etc/hosts as well."

// names looks the relay's addresses up, IPv4 first.
func (l *hopCheck) names(ctx context.Context) *Finding {
	start := time.Now()
	v4, v6, err := l.Resolver.Addrs(ctx, l.hop.Host)
	if err != nil {
		f := Finding{Check: "dns", Result: Fail, Detail: l.about(err.Error()), Ms: ms(time.Since(start))}.known("dns_chroot_resolv")
		if missing(err) {
			f = f.known("dns_nxdomain")
		}
		if errors.Is(err, resolve.ErrHostsOnly) {
			f.Remedy, f.Command = HostsOnly, "postconf -e 'smtp_host_lookup = dns, native' && postfix reload"
		}
		return &f
	}
	l.addrs = slices.Concat(v4, v6)
	l.found(Finding{Check: "dns", Result: Pass, Detail: addresses(l.hop.Host, v4, v6), Ms: ms(time.Since(start))})
	return nil
}

func addresses(name string, v4, v6 []netip.Addr) string {
	return fmt.Sprintf("%s has %s and %s", name, plural.Of(len(v4), "IPv4 address"), plural.Of(len(v6), "IPv6 address"))
}

// first probes every port of the relay at once. The login is tried on one
// port only: repeated wrong ones get accounts locked.
func (l *hopCheck) first(ctx context.Context) []Finding {
	defer l.decide(false)
	if l.hop.Host == "" {
		return skip("connect", "no relay is configured")
	}
	if f := l.names(ctx); f != nil {
		return []Finding{*f}
	}
	if !l.signIn(ctx) {
		l.decide(true) // Postfix would be refused as well
		return nil
	}
	ports := l.ports()
	known := make(chan struct{}) // the port in use works
	var wait sync.WaitGroup
	for i := range ports {
		wait.Go(func() {
			// Each is shown as soon as it is known: nobody waits for a dead port. One that
			// does not even connect while the port in use does all of its dialogue is dead.
			if i == 0 {
				if ports[i] = l.inUse(ctx, ports[i]); l.usable(ports[i].result) {
					close(known)
				}
				return
			}
			t := target(l.State, l.hop, ports[i])
			t.GiveUp = known
			ports[i] = l.probePort(ctx, l.addrs, ports[i], t, nil)
			f := l.other(ports[i])
			f.place = i
			l.found(f)
		})
	}
	wait.Wait()
	if l.usable(ports[0].result) {
		return nil
	}
	return l.dead(ctx, ports)
}

// ports lists the configured one first, then the service's others that are in
// no use by a later hop.
func (l *hopCheck) ports() []port {
	ports := []port{{number: l.hop.Port, implicit: implicit(l.hop.TLS)}}
	for _, n := range l.hop.Relay.PortOrder() {
		mode, ok := l.hop.Relay.TLSOf(n)
		used := slices.ContainsFunc(l.route.Hops, func(h Hop) bool { return h.Host == l.hop.Host && h.Port == n })
		if ok && n != 25 && !used {
			ports = append(ports, port{number: n, implicit: implicit(mode)})
		}
	}
	return ports
}

// usable reports whether a probe came as far as an encrypted, verified
// connection that offers the login where one is needed.
func (l *hopCheck) usable(res smtpprobe.Result) bool {
	past := slices.Contains([]smtpprobe.Step{smtpprobe.StepEHLOTLS, smtpprobe.StepAuth, smtpprobe.StepMail, smtpprobe.StepRcpt}, res.Reached)
	if !l.hop.Token.IsZero() {
		return past && slices.Contains(res.Auth, "XOAUTH2")
	}
	past = past || plaintext(l.hop.TLS) && res.Reached == smtpprobe.StepEHLO
	return past && (l.hop.Username == "" || slices.Contains(res.Auth, "PLAIN") || slices.Contains(res.Auth, "LOGIN"))
}

// other is the finding on a port that is not in use.
func (l *hopCheck) other(p port) Finding {
	f := Finding{Check: "connect", Result: Pass, Detail: fmt.Sprintf("%s (%s) is reachable as well", l.at(p.number), p.mode()), Ms: ms(p.result.Total)}
	if l.usable(p.result) {
		return f
	}
	f.Result, f.Detail = Skip, fmt.Sprintf("%s is not in use, and not usable from here: %s", l.at(p.number), l.failed(p.result))
	if missed := l.missed(p.result); len(missed) > 0 {
		f.Detail = fmt.Sprintf("%s is not in use, and not usable by the addresses that were tried: %s; there was no time for %s", l.at(p.number), l.failed(p.result), strings.Join(missed, ", "))
	}
	if causes := explain.Probe(p.result, l.hop.Relay); len(causes) > 0 {
		f.Cause = causes[0].ID
	}
	return f
}

// failed is why a probe failed: for each address, where none answers.
func (l *hopCheck) failed(res smtpprobe.Result) string { return fmt.Sprint(res.Err) + res.Others() }

// missed are the addresses that a probe had no time for, where none of the others answers.
func (l *hopCheck) missed(res smtpprobe.Result) (list []string) {
	for _, addr := range l.addrs {
		tried := addr == res.Addr.Addr() || slices.ContainsFunc(res.Lost, func(lost smtpprobe.Result) bool { return addr == lost.Addr.Addr() })
		if !tried && res.Failed == smtpprobe.StepConnect {
			list = append(list, addr.String())
		}
	}
	return list
}

// dead are the findings on the port in use when it is dead: the others that work
// are the remedy, and the login is tried on the first of them.
func (l *hopCheck) dead(ctx context.Context, ports []port) []Finding {
	findings := l.upToLogin(ctx, ports[0])
	working := slices.DeleteFunc(slices.Clone(ports[1:]), func(p port) bool { return !l.usable(p.result) })
	if len(working) == 0 {
		return findings
	}
	var numbers []string
	for _, p := range working {
		numbers = append(numbers, fmt.Sprint(p.number))
	}
	last := &findings[len(findings)-1]
	last.Remedy = fmt.Sprintf("These ports are usable from here: %s.", strings.Join(numbers, ", "))
	last.Command = "relayhost setup --port " + numbers[0]
	if l.several() && l.number > 1 {
		last.Command = "" // --port is the default relay's
		last.Remedy += fmt.Sprintf(" Name one of them for route %s in %s and run setup again.", l.route.Name, config.Path)
	}
	if l.hop.Username != "" {
		// The credentials have been nowhere yet.
		p := l.login(ctx, l.hop, l.addrs, working[0], withLogin(target(l.State, l.hop, working[0]), l.hop), nil)
		findings = append(findings, l.loggedIn(p))
	}
	return findings
}

// upToLogin are the findings on the configured port, as far as it came.
func (l *hopCheck) upToLogin(ctx context.Context, p port) []Finding {
	findings := l.below(ctx, p)
	if last := findings[len(findings)-1]; last.Check == "tls" && last.Result == Pass {
		findings = append(findings, l.loggedIn(p))
	}
	return findings
}

// below are those up to the login.
func (l *hopCheck) below(ctx context.Context, p port) []Finding {
	res := p.result
	fail := func(check string) Finding {
		return l.explained(Finding{Check: check, Result: Fail, Detail: l.about(l.failed(res)), Ms: ms(res.Total)}, res)
	}
	switch res.Failed {
	case smtpprobe.StepConnect, smtpprobe.StepGreeting, smtpprobe.StepEHLO, smtpprobe.StepEHLOTLS:
		return append(l.deadAddresses(ctx, p), fail("connect"))
	}
	findings := append(l.deadAddresses(ctx, p),
		Finding{Check: "connect", Result: Pass, Ms: ms(res.Connect), Detail: fmt.Sprintf("%s answers: %s", l.at(p.number), res.Banner)})
	if l.hop.NoVerify && res.Failed == smtpprobe.StepTLS && res.Fault.Certificate() {
		return append(findings, Finding{Check: "tls", Result: Warn, Ms: ms(res.Total), Cause: "certificate_not_verified",
			Detail: l.about(fmt.Sprintf("this setup accepts any certificate, and this one does not verify: %v", res.Err)),
			Remedy: "An attacker in between can read the password: give the relay's CA with --ca-file, or its certificate with --fingerprint."},
			Finding{Check: "auth", Result: Skip, Detail: l.about("the login is tried on verified connections only; the delivery shows whether it works")})
	}
	if res.Failed == smtpprobe.StepSTARTTLS || res.Failed == smtpprobe.StepTLS {
		return append(findings, fail("tls"))
	}
	if plaintext(l.hop.TLS) {
		return append(findings, Finding{Check: "tls", Result: Pass, Detail: l.about("no TLS, as asked for (insecure_plaintext): whoever is in between can read the mail")})
	}
	verified := "verified for " + l.hop.Host
	if l.hop.Pin != "" {
		verified = "matches the pinned fingerprint"
	}
	return append(findings, Finding{Check: "tls", Result: Pass, Detail: l.about(fmt.Sprintf("%s, %s, the certificate %s%s", p.mode(), res.TLSVersion, verified, extensions(res.Extensions))), Ms: ms(res.Total)})
}

// extensions says which of the SMTP extensions that Postfix makes use of a relay was
// seen to offer; "" where it has not come to that.
func extensions(offered map[string]string) string {
	if offered == nil {
		return ""
	}
	var has, lacks []string
	for _, keyword := range []string{"PIPELINING", "SMTPUTF8", "8BITMIME", "SIZE"} {
		switch params, ok := offered[keyword]; {
		case ok:
			has = append(has, strings.TrimSpace(keyword+" "+params))
		default:
			lacks = append(lacks, keyword)
		}
	}
	text := ""
	if len(has) > 0 {
		text += "; it offers " + strings.Join(has, ", ")
	}
	if len(lacks) > 0 {
		text += "; it does not offer " + strings.Join(lacks, ", ")
	}
	return text
}

// deadAddresses warns of addresses that do not answer while another one does: Postfix tries
// them as well, and waits for those that are silent.
func (l *hopCheck) deadAddresses(ctx context.Context, p port) []Finding {
	dead := l.unanswered(ctx, target(l.State, l.hop, p), p.result)
	if len(dead) == 0 {
		return nil
	}
	var names []string
	wait := ""
	for _, res := range dead {
		names = append(names, fmt.Sprintf("%s of %s does not answer (%s)", res.Addr.Addr(), l.hop.Host, res.Fault))
		if res.Fault == smtpprobe.FaultTimeout {
			wait = ", after waiting for the other (smtp_connect_timeout)"
		}
	}
	f := Finding{Check: "connect", Result: Warn, Ms: ms(dead[0].Total),
		Detail: l.about(fmt.Sprintf("%s; %s does", strings.Join(names, ", "), p.result.Addr.Addr())),
		Remedy: "Mail leaves through the address that answers" + wait + ". Check this host's route and firewall to that address.",
	}
	if causes := explain.Probe(dead[0], l.hop.Relay); len(causes) > 0 {
		f.Cause = causes[0].ID
	}
	return []Finding{f}
}

// loggedIn is the finding on the login.
func (l *hopCheck) loggedIn(p port) Finding {
	res := p.result
	switch {
	case l.hop.Username == "":
		detail := "no login is configured for this relay"
		if l.hop.OAuth {
			detail = "Postfix signs in by OAuth (XOAUTH2): no token is tried here; the delivery shows whether it works"
		}
		if l.Limited {
			detail = "the stored credentials can only be read by root"
		}
		return Finding{Check: "auth", Result: Skip, Detail: l.about(detail)}
	case p.refusal != "":
		return l.postfixRefused(p)
	case res.Err != nil && res.Failed != smtpprobe.StepMail && res.Failed != smtpprobe.StepRcpt:
		return l.explained(Finding{Check: "auth", Result: Fail, Detail: fmt.Sprintf("%s: %v", l.at(p.number), res.Err), Ms: ms(res.Total)}, res)
	case res.Reached == smtpprobe.StepEHLOTLS:
		return Finding{Check: "auth", Result: Skip, Detail: l.at(p.number) + ": the login was not tried: the time limit was reached while Postfix delivered"}
	}
	what := "the stored credentials"
	if !l.hop.Token.IsZero() {
		what = "the token"
	}
	return Finding{Check: "auth", Result: Pass, Detail: l.at(p.number) + " accepts " + what, Ms: ms(res.Total)}
}

// explained adds to a finding why the probe failed, and what helps.
func (l *hopCheck) explained(f Finding, res smtpprobe.Result) Finding {
	if !l.hop.Token.IsZero() && authRefused(res) && res.Code == 535 && !strings.Contains(res.Text, "5.7.139") {
		return f.known("signin_refused")
	}
	f = f.because(explain.Decide(explain.Probe(res, l.hop.Relay), l.signs))
	return f.Remedied(l.refusal(l.hop, res.Failed))
}

// refusal is what the relay of a hop does not take.
func (t *routeCheck) refusal(h Hop, step smtpprobe.Step) Refusal {
	r := Refusal{Step: step, Relay: *h.Relay, From: t.route.From, To: t.To}
	if t.number > 1 {
		r.Route = t.route.Name
	}
	return r
}

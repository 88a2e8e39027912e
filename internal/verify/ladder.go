package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// port is one port of the service and what came of it.
type port struct {
	number   int
	implicit bool
	result   smtpprobe.Result
}

func (p port) mode() string {
	if p.implicit {
		return "TLS from the first byte"
	}
	return "STARTTLS"
}

// ladder climbs from name resolution to the log-in, on every port of the
// service at once. The log-in is tried on one port only: repeated wrong ones get
// accounts locked.
func (r *run) ladder(ctx context.Context) []Finding {
	if r.Host == "" {
		return skip("connect", "no relay is set")
	}
	start := time.Now()
	v4, v6, err := r.Resolver.Addrs(ctx, r.Host)
	if err != nil {
		f := Finding{Check: "dns", Result: Fail, Detail: err.Error(), Ms: ms(time.Since(start))}.known("dns_chroot_resolv")
		if missing(err) {
			f = f.known("dns_nxdomain")
		}
		return []Finding{f}
	}
	r.found(Finding{Check: "dns", Result: Pass, Detail: addresses(r.Host, v4, v6), Ms: ms(time.Since(start))})
	addr := slices.Concat(v4, v6)[0]

	ports := r.ports()
	var wait sync.WaitGroup
	for i := range ports {
		wait.Go(func() {
			ports[i].result = r.climb(ctx, addr, ports[i], i == 0)
			// Each is shown as soon as it is known: nobody waits for a dead port.
			if i > 0 {
				r.found(r.other(ports[i]))
			}
		})
	}
	wait.Wait()
	return r.configured(ctx, addr, ports)
}

func addresses(name string, v4, v6 []netip.Addr) string {
	return fmt.Sprintf("%s has %d IPv4 and %d IPv6 addresses", name, len(v4), len(v6))
}

// ports lists the configured one first, then the service's others.
func (r *run) ports() []port {
	ports := []port{{number: r.Port, implicit: r.TLS == relays.Implicit}}
	for _, n := range r.Relay.PortOrder() {
		if mode, ok := r.Relay.TLSOf(n); ok && n != r.Port && n != 25 {
			ports = append(ports, port{number: n, implicit: mode == relays.Implicit})
		}
	}
	return ports
}

// loginTimeout bounds a dialogue with log-in: a relay that takes seconds for
// each reply delivers nevertheless, and so is no fault.
const loginTimeout = 30 * time.Second

func (r *run) climb(ctx context.Context, addr netip.Addr, p port, login bool) smtpprobe.Result {
	t := smtpprobe.Target{
		Name: r.Host, Addr: netip.AddrPortFrom(addr, uint16(p.number)), Implicit: p.implicit, Until: smtpprobe.StepEHLOTLS,
		HELO: r.State.FQDN, Roots: r.Roots, Pin: r.Pin,
	}
	if login && r.Username != "" {
		t.Until, t.Username, t.Password = smtpprobe.StepAuth, r.Username, r.Password
		t.Timeout = loginTimeout
	}
	return r.Probe(ctx, t)
}

// usable reports whether a probe came as far as an encrypted, verified
// connection that offers the log-in where one is needed.
func (r *run) usable(res smtpprobe.Result) bool {
	past := res.Reached == smtpprobe.StepEHLOTLS || res.Reached == smtpprobe.StepAuth
	return past && (r.Username == "" || slices.Contains(res.Auth, "PLAIN") || slices.Contains(res.Auth, "LOGIN"))
}

// other is the finding on a port that is not in use.
func (r *run) other(p port) Finding {
	f := Finding{Check: "connect", Result: Pass, Detail: fmt.Sprintf("port %d (%s) would work as well", p.number, p.mode()), Ms: ms(p.result.Total)}
	if r.usable(p.result) {
		return f
	}
	f.Result, f.Detail = Skip, fmt.Sprintf("port %d is not in use, and would not work from here: %v", p.number, p.result.Err)
	if causes := explain.Probe(p.result, &r.Relay); len(causes) > 0 {
		f.Cause = causes[0].ID
	}
	return f
}

// configured are the findings on the port in use. When that one is dead, the
// others that work are the remedy, and the log-in is tried on the first of them.
func (r *run) configured(ctx context.Context, addr netip.Addr, ports []port) []Finding {
	findings := r.rungs(ports[0])
	if r.usable(ports[0].result) {
		return findings
	}
	working := slices.DeleteFunc(slices.Clone(ports[1:]), func(p port) bool { return !r.usable(p.result) })
	if len(working) == 0 {
		return findings
	}
	var numbers []string
	for _, p := range working {
		numbers = append(numbers, fmt.Sprint(p.number))
	}
	last := &findings[len(findings)-1]
	last.Remedy = fmt.Sprintf("These ports work from here: %s.", strings.Join(numbers, ", "))
	last.Command = "relayhost setup --port " + numbers[0]
	if r.Username != "" {
		// The credentials have been nowhere yet.
		p := working[0]
		p.result = r.climb(ctx, addr, p, true)
		findings = append(findings, r.login(p))
	}
	return findings
}

// rungs are the findings on the configured port, as far as it came.
func (r *run) rungs(p port) []Finding {
	res := p.result
	fail := func(check string) Finding {
		return Finding{Check: check, Result: Fail, Detail: fmt.Sprint(res.Err), Ms: ms(res.Total)}.
			because(explain.Decide(explain.Probe(res, &r.Relay), r.signs))
	}
	switch res.Failed {
	case smtpprobe.StepConnect, smtpprobe.StepGreeting, smtpprobe.StepEHLO, smtpprobe.StepEHLOTLS:
		return []Finding{fail("connect")}
	}
	findings := []Finding{{Check: "connect", Result: Pass, Ms: ms(res.Connect), Detail: fmt.Sprintf("port %d answers: %s", p.number, res.Banner)}}
	if r.Unverified && res.Failed == smtpprobe.StepTLS && res.Fault.Certificate() {
		return append(findings, Finding{Check: "tls", Result: Warn, Ms: ms(res.Total), Cause: "certificate_not_verified",
			Detail: fmt.Sprintf("the set-up takes any certificate, and this one does not verify: %v", res.Err),
			Remedy: "Anybody on the way can read the password: give the relay's CA with --ca-file, or its certificate with --fingerprint."},
			Finding{Check: "auth", Result: Skip, Detail: "the log-in is tried on verified connections only; the delivery shows whether it works"})
	}
	if res.Failed == smtpprobe.StepSTARTTLS || res.Failed == smtpprobe.StepTLS {
		return append(findings, fail("tls"))
	}
	verified := "verified for " + r.Host
	if r.Pin != "" {
		verified = "with the fingerprint that was given"
	}
	findings = append(findings, Finding{Check: "tls", Result: Pass, Detail: fmt.Sprintf("%s, %s, the certificate %s", p.mode(), res.TLSVersion, verified), Ms: ms(res.Total)})
	return append(findings, r.login(p))
}

// login is the finding on the log-in.
func (r *run) login(p port) Finding {
	res := p.result
	switch {
	case r.Username == "":
		detail := "this relay goes by address, or no credentials are stored"
		if r.Limited {
			detail = "the stored credentials can be read by root only"
		}
		return Finding{Check: "auth", Result: Skip, Detail: detail}
	case res.Err != nil:
		return Finding{Check: "auth", Result: Fail, Detail: fmt.Sprintf("port %d: %v", p.number, res.Err), Ms: ms(res.Total)}.
			because(explain.Decide(explain.Probe(res, &r.Relay), r.signs))
	}
	return Finding{Check: "auth", Result: Pass, Detail: fmt.Sprintf("port %d takes the stored credentials", p.number), Ms: ms(res.Total)}
}

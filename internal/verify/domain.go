package verify

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"relayhost/internal/mailaddr"
	"relayhost/internal/resolve"
	"relayhost/relays"
)

// Resolver is the part of DNS that the checks need; *resolve.Resolver is one.
type Resolver interface {
	Addrs(ctx context.Context, name string) (v4, v6 []netip.Addr, err error)
	TXT(ctx context.Context, name string) ([]string, error)
	MX(ctx context.Context, name string) ([]resolve.MX, error)
	CNAME(ctx context.Context, name string) (string, error)
	PTR(ctx context.Context, addr netip.Addr) ([]string, error)
}

// Domain is whose records are looked at, and with what they have to agree.
type Domain struct {
	Resolver   Resolver
	Name       string       // of the sender's address
	Relay      relays.Relay // the zero Relay where mail goes out directly
	Public     []netip.Addr // this server's addresses as the world sees them
	HELO       string       // this server's name
	Blocklists bool         // ask the blocklists, too
}

// domainTimeout bounds all look-ups of one domain.
const domainTimeout = 15 * time.Second

// Check looks all records up at once. The findings come in the order spf, dkim,
// dmarc, ptr, blocklist. None is worse than Warn: mail leaves in any case, and
// what receivers do with it is their decision.
func (d Domain) Check(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, domainTimeout)
	defer cancel()
	checks := []func(context.Context) Finding{d.SPF, d.DKIM, d.DMARC, d.PTR}
	if d.Blocklists {
		checks = append(checks, d.Blocklist)
	}
	findings := make([]Finding, len(checks))
	var wait sync.WaitGroup
	for i, check := range checks {
		wait.Go(func() { findings[i] = timed(ctx, check) })
	}
	wait.Wait()
	for i, f := range findings[1:] { // one fault is told once
		if f.Cause == "dns_failed" && findings[0].Cause == f.Cause {
			findings[i+1] = Finding{Check: f.Check, Result: Skip, Detail: "DNS gave no answer, and none about SPF of " + d.Name + " either", Ms: f.Ms}
		}
	}
	// Alignment is about the three together.
	findings[2] = d.alignment(findings[0], findings[1], findings[2])
	return findings
}

func timed(ctx context.Context, check func(context.Context) Finding) Finding {
	start := time.Now()
	f := check(ctx)
	f.Ms = ms(time.Since(start))
	return f
}

// ms is a duration in milliseconds, to a tenth.
func ms(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}

// unanswered is the finding for a question that DNS did not answer.
func unanswered(check string, err error) Finding {
	return Finding{Check: check, Result: Warn, Detail: err.Error(), Cause: "dns_failed", Remedy: "Try again; if it fails again, check the name servers of this host and of the domain."}
}

func missing(err error) bool { return errors.Is(err, resolve.ErrNotFound) }

// DKIM looks for the records that the service's documentation names. Selectors
// that differ by customer cannot be guessed.
func (d Domain) DKIM(ctx context.Context) Finding {
	f := Finding{Check: "dkim"}
	var missed, unknown []string
	for _, r := range d.Relay.DNS.DKIM {
		if strings.ContainsAny(r.Name, "<>") {
			unknown = append(unknown, r.Name)
			continue
		}
		name := r.Name + "." + d.Name
		key, err := d.key(ctx, name)
		switch {
		case err != nil && !missing(err):
			return unanswered("dkim", err)
		case err != nil:
			missed = append(missed, name)
		default:
			f.Result, f.Detail = Pass, name+" leads to "+key
		}
	}
	switch {
	case f.Result == Pass:
	case len(missed) > 0:
		f.Result, f.Cause = Warn, "dkim_missing"
		f.Detail = "not found: " + strings.Join(missed, ", ")
		f.Remedy = "Publish the DKIM records that " + d.Relay.Name + " shows for " + d.Name + "; the relay signs, this server has nothing to do."
	case len(unknown) > 0:
		f.Result, f.Detail = Skip, "the name of the record is "+unknown[0]+"."+d.Name+" and differs by account: it cannot be looked up from here"
	default:
		f.Result, f.Detail = Skip, "nothing is known of DKIM records of this relay"
	}
	return f
}

// key follows name to a DKIM key: directly, or by the CNAME that services ask
// for.
func (d Domain) key(ctx context.Context, name string) (string, error) {
	target, cnameErr := d.Resolver.CNAME(ctx, name)
	texts, err := d.Resolver.TXT(ctx, name)
	if err != nil {
		return "", err
	}
	for _, text := range texts {
		if strings.Contains(text, "p=") {
			if cnameErr == nil {
				return target, nil
			}
			return "a key", nil
		}
	}
	return "", resolve.ErrNotFound
}

// PTR looks for the name of each public address and whether the name leads
// back (RFC 1912, section 2.1).
func (d Domain) PTR(ctx context.Context) Finding {
	f := Finding{Check: "ptr", Result: Pass}
	if len(d.Public) == 0 {
		return Finding{Check: "ptr", Result: Skip, Detail: "the public address of this host is not known"}
	}
	var good []string
	for _, addr := range d.Public {
		names, err := d.Resolver.PTR(ctx, addr)
		switch {
		case err != nil && !missing(err):
			return unanswered("ptr", err)
		case err != nil:
			return d.badPTR("ptr_missing", addr.String()+" has no name")
		}
		name, err := d.confirmed(ctx, addr, names)
		switch {
		case err != nil:
			return unanswered("ptr", err)
		case name == "":
			return d.badPTR("ptr_not_confirmed", addr.String()+" has the name "+strings.Join(clean(names), ", ")+", which does not resolve to that address")
		}
		good = append(good, addr.String()+" is "+name)
	}
	f.Detail = strings.Join(good, ", ")
	return f
}

func (d Domain) badPTR(cause, detail string) Finding {
	return Finding{Check: "ptr", Result: Warn, Cause: cause, Detail: detail,
		Remedy: "Set the reverse DNS of the address to " + cmp.Or(d.HELO, "this host's name") + " at the hosting provider, and give that name this address in DNS."}
}

// confirmed returns the first of names that leads back to addr.
func (d Domain) confirmed(ctx context.Context, addr netip.Addr, names []string) (string, error) {
	for _, name := range names[:min(len(names), 10)] {
		v4, v6, err := d.Resolver.Addrs(ctx, name)
		if err != nil && !missing(err) {
			return "", err
		}
		for _, a := range append(v4, v6...) {
			if a == addr {
				return name, nil
			}
		}
	}
	return "", nil
}

// domain checks the records of the domain that the route sends from.
func (t *routeCheck) domain(ctx context.Context) []Finding {
	relay := t.route.Hops[0].Relay
	_, name, ok := strings.Cut(t.route.From, "@")
	if !ok {
		return skip("spf", "no sender address is known: name it with --from")
	}
	if mailaddr.IsPublic(name) {
		detail := name + " is a public mail service: its DNS records are not yours to publish"
		return []Finding{{Check: "spf", Result: Skip, Detail: detail}, {Check: "dkim", Result: Skip, Detail: detail}, {Check: "dmarc", Result: Skip, Detail: detail}}
	}
	findings := Domain{Resolver: t.Resolver, Name: name, Relay: *relay, Public: t.Public, HELO: t.State.FQDN, Blocklists: t.Blocklists}.Check(ctx)
	if hop := t.route.Hops[0]; findings[0].Cause == "dns_failed" && hop.Host != "" && hop.Proxy == "" {
		// Where DNS does not answer for the relay either, the check "dns" tells that. By a
		// proxy there is no such check.
		if _, _, err := t.Resolver.Addrs(ctx, hop.Host); err != nil && !missing(err) {
			findings[0] = Finding{Check: "spf", Result: Skip, Detail: "DNS gave no answer about " + name + ", and none about the relay either", Ms: findings[0].Ms}
		}
	}
	for i, f := range findings {
		// Receivers see the relay's address, not this host's.
		if f.Check == "ptr" && f.Result == Warn && relay.ID != "" {
			findings[i] = Finding{Check: f.Check, Result: Skip, Detail: f.Detail + "; that does not matter for mail through a relay", Ms: f.Ms}
		}
	}
	return findings
}

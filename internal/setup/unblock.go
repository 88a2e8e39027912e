package setup

import (
	"context"
	"net/netip"

	"relayhost/detect"
	"relayhost/internal/host"
	"relayhost/internal/resolve"
	"relayhost/internal/verify"
)

// DomainFindings looks at what a hosting provider would look at before it opens port 25.
func DomainFindings(ctx context.Context, r *host.Reader, u detect.UnblockFacts) ([]detect.DomainFinding, error) {
	resolver, err := resolve.System(r)
	if err != nil {
		return nil, err
	}
	d := verify.Domain{Resolver: resolver.WithoutHosts(), Name: u.Domain, HELO: u.Hostname}
	if addr, err := netip.ParseAddr(u.Facts.Host.PublicIPv4); err == nil {
		d.Public = append(d.Public, addr)
	}
	checks := []func(context.Context) verify.Finding{d.PTR}
	if u.Domain != "" {
		checks = append(checks, d.SPF, d.DKIM, d.DMARC)
	}
	var out []detect.DomainFinding
	for _, check := range checks {
		found := check(ctx)
		out = append(out, detect.DomainFinding{Check: found.Check, Result: string(found.Result), Detail: found.Detail})
	}
	return out, nil
}

package verify

import (
	"context"
	"strings"

	"relayhost/internal/mailaddr"
)

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
	findings := Domain{Resolver: t.Resolver, Name: name, Relay: relay, Public: t.Public, HELO: t.State.FQDN, Blocklists: t.Blocklists}.Check(ctx)
	for i, f := range findings {
		// Receivers see the relay's address, not this host's.
		if f.Check == "ptr" && f.Result == Warn && relay.ID != "" {
			findings[i] = Finding{Check: f.Check, Result: Skip, Detail: f.Detail + "; that does not matter for mail through a relay", Ms: f.Ms}
		}
	}
	return findings
}

package verify

import (
	"context"
	"strings"
)

// domain checks the records of the sender's domain.
func (r *run) domain(ctx context.Context) []Finding {
	_, name, ok := strings.Cut(r.From, "@")
	if !ok {
		return skip("spf", "no sender address is known: name it with --from")
	}
	findings := Domain{Resolver: r.Resolver, Name: name, Relay: r.Relay, Public: r.Public, HELO: r.State.FQDN, Blocklists: r.Blocklists}.Check(ctx)
	for i, f := range findings {
		// Receivers see the relay's address, not this host's.
		if f.Check == "ptr" && f.Result == Warn && r.Relay.ID != "" {
			findings[i] = Finding{Check: f.Check, Result: Skip, Detail: f.Detail + "; for mail through a relay that does not matter", Ms: f.Ms}
		}
	}
	return findings
}

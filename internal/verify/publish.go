package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/relays"
)

// lookUpLimit bounds the lookups for the advice of one run.
const lookUpLimit = 8 * time.Second

// MissingRecords are those that the sender domain of each route needs with its relay and
// that DNS does not have now.
func MissingRecords(ctx context.Context, c config.Config, dns Resolver) []string {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	var lines []string
	secret := map[string]bool{} // names of relays in whose records something stands in <>
	domains := senderDomains(c, dns)
	policies, last := map[string]bool{}, []string(nil)
	for _, d := range domains {
		found := append(spfRecord(ctx, dns, d.Relay, d.Name), dkimRecords(ctx, dns, d.Relay, d.Name)...)
		for _, r := range d.missingBounces(ctx) {
			found = append(found, fmt.Sprintf("    %s %s (unless your account has another name for bounces): %s", r.Type, r.Name, r.Value))
		}
		if strings.Contains(strings.Join(found, ""), "<") {
			secret[d.Relay.Name] = true
		}
		if name := strings.ToLower(d.Name); !policies[name] { // one for all routes of the domain
			policies[name] = true
			last = append(last, asking(domains, d).missingPolicy(ctx)...)
		}
		lines = append(lines, found...)
	}
	for _, r := range c.Routes {
		if name := r.Hops[0].Relay.Name; secret[name] {
			lines = append(lines, "      (replace <...> with the value shown in your "+name+" account)")
			delete(secret, name)
		}
	}
	return append(lines, last...)
}

// asking is d with the first relay of that domain that asks for a DMARC record of its own.
func asking(domains []Domain, d Domain) Domain {
	for _, other := range domains {
		if strings.EqualFold(other.Name, d.Name) && slices.ContainsFunc(other.Relay.DNS.Other, func(r relays.Record) bool { return r.Name == "_dmarc" }) {
			return other
		}
	}
	return d
}

// maxDomains bounds the sender domains that are looked up.
const maxDomains = 10

// senderDomains are the sender domains of the routes with their relays, each once. Of a
// domain of a public mail service nobody publishes records, and of a smarthost nothing
// is known.
func senderDomains(c config.Config, dns Resolver) (list []Domain) {
	var done []string
	for _, r := range c.Routes {
		if len(list) == maxDomains {
			break
		}
		relay, domain := r.Hops[0].Relay, mailaddr.Domain(cmp.Or(r.From, c.From()))
		key := relay.ID + " " + strings.ToLower(domain)
		if relay.ID == relays.SmarthostID || mailaddr.IsPublic(domain) || slices.Contains(done, key) {
			continue
		}
		done = append(done, key)
		list = append(list, Domain{Resolver: dns, Name: domain, Relay: *relay})
	}
	return list
}

// Predictions say for each sender domain in a line how receivers will judge its mail by
// DMARC (RFC 7489): aligned by DKIM, by SPF only, or not. What is not known is left out.
func Predictions(ctx context.Context, c config.Config, dns Resolver) (lines []string) {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	for _, d := range senderDomains(c, dns) {
		if line := d.predicted(ctx); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func (d Domain) predicted(ctx context.Context) string {
	dkim := d.DKIM(ctx)
	if dkim.Result == Pass {
		return "DMARC: mail from " + d.Name + " should pass by DKIM: its record is in DNS"
	}
	if d.Relay.DNS.SPF != "" && !d.spfOfBounces() {
		if record, err := ReadSPF(ctx, d.Resolver, d.Name); err == nil && record.Problem == "" && record.names(d.Relay.DNS.SPF) {
			return "DMARC: mail from " + d.Name + " can pass by SPF only, which forwarding breaks: set up DKIM at " + d.Relay.Name
		} else if err != nil && !missing(err) {
			return ""
		}
	}
	if dkim.Cause != "dkim_missing" {
		return "" // the name of the record is not known, or DNS does not answer
	}
	line := "DMARC: mail from " + d.Name + " will probably fail until its DKIM record is published"
	at, record, err := d.policy(ctx)
	switch p := d.wanted(at, record); {
	case missing(err):
		line = "DMARC: " + d.Name + " has neither a policy nor a DKIM record of " + d.Relay.Name + ": receivers cannot verify who sent its mail"
	case err != nil:
		return ""
	case p == "quarantine" || p == "reject":
		line += " (its policy is " + p + ")"
	}
	return line
}

// spfOfBounces reports whether the relay's SPF record belongs to a domain of its own for
// bounces, so that the sender's domain needs none.
func (d Domain) spfOfBounces() bool { return strings.Contains(d.Relay.DNS.Note, "none is needed") }

// spfRecord is the line on the SPF record, none where DNS has it or the relay needs
// none: SES takes it on the MAIL FROM subdomain alone.
func spfRecord(ctx context.Context, dns Resolver, relay relays.Relay, domain string) []string {
	if relay.DNS.SPF == "" || (Domain{Relay: relay}).spfOfBounces() {
		return nil
	}
	record, existing, err := spfToPublish(ctx, dns, domain, relay.DNS.SPF)
	if err != nil || record == "" {
		return nil
	}
	if existing {
		domain += " (replaces the SPF record that is there)"
	}
	return []string{fmt.Sprintf("    TXT %s: %s", domain, record)}
}

// dkimRecords are the lines on the DKIM records whose names are known and which are
// missing. One whose name differs by account cannot be looked up.
func dkimRecords(ctx context.Context, dns Resolver, relay relays.Relay, domain string) []string {
	check := Domain{Resolver: dns, Name: domain, Relay: relay}
	if f := check.DKIM(ctx); f.Cause != "dkim_missing" {
		return nil
	}
	var lines []string
	for _, r := range relay.DNS.DKIM {
		if strings.ContainsAny(r.Name, "<>") {
			continue
		}
		name := strings.TrimSuffix(r.Name, "."+domain) + "." + domain
		if r.Value == "" {
			lines = append(lines, fmt.Sprintf("    %s %s: as shown in your %s account", r.Type, name, relay.Name))
			continue
		}
		lines = append(lines, fmt.Sprintf("    %s %s: %s", r.Type, name, r.ValueFor(domain)))
	}
	return lines
}

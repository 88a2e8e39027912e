package setup

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// NextSteps are the lines on what only the administrator can do after a setup. DNS
// is asked first, so that no record is listed that is there.
func NextSteps(ctx context.Context, c config.Config, dns verify.Resolver, delivered bool) []string {
	lines := []string{"", "Next steps:"}
	switch {
	case delivered && verify.Simulator(c.First().Relay, c.To):
		lines = append(lines, "- send a test message to a mailbox of your own: relayhost verify --to "+c.From())
	case delivered:
		lines = append(lines, "- check that the test message arrived at "+c.To)
	}
	if records := missingRecords(ctx, c, dns); len(records) > 0 {
		lines = append(lines, "- publish these missing DNS records (relayhost verify checks them):")
		lines = append(lines, records...)
	}
	into := "> /etc/cron.d/relayhost"
	if os.Getenv("SUDO_USER") != "" { // the shell itself is no root
		into = "| sudo tee /etc/cron.d/relayhost"
	}
	return append(lines, "- check it daily; verify prints nothing while all is well:",
		"    echo '17 6 * * * root relayhost verify --no-send' "+into)
}

// lookUpLimit bounds the lookups for the advice of one run.
const lookUpLimit = 8 * time.Second

// missingRecords are those that the relays want for the sender domain of each route
// and that DNS does not have now.
func missingRecords(ctx context.Context, c config.Config, dns verify.Resolver) []string {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	var lines, done []string
	secret := map[string]bool{} // names of relays in whose records something stands in <>
	for _, r := range c.Routes {
		relay, domain := r.Hops[0].Relay, DomainOf(first(r.From, c.From()))
		key := relay.ID + " " + strings.ToLower(domain)
		if relay.ID == relays.SmarthostID || PublicMail(domain) || slices.Contains(done, key) || len(done) == maxDomains {
			continue
		}
		done = append(done, key)
		found := append(spfRecord(ctx, dns, relay, domain), dkimRecords(ctx, dns, relay, domain)...)
		if strings.Contains(strings.Join(found, ""), "<") {
			secret[relay.Name] = true
		}
		lines = append(lines, found...)
	}
	for _, r := range c.Routes {
		if name := r.Hops[0].Relay.Name; secret[name] {
			lines = append(lines, "      (replace <...> with the value shown in your "+name+" account)")
			delete(secret, name)
		}
	}
	return lines
}

// maxDomains bounds the sender domains that are looked up.
const maxDomains = 10

// spfRecord is the line on the SPF record, none where DNS has it or the relay needs
// none: SES takes it on the MAIL FROM subdomain alone.
func spfRecord(ctx context.Context, dns verify.Resolver, relay relays.Relay, domain string) []string {
	if relay.DNS.SPF == "" || strings.Contains(relay.DNS.Note, "none is needed") {
		return nil
	}
	record, existing, err := verify.SPFToPublish(ctx, dns, domain, relay.DNS.SPF)
	if err != nil || record == "" {
		return nil
	}
	line := fmt.Sprintf("    TXT %s: %s", domain, record)
	if existing {
		line += " (replaces the SPF record that is there)"
	}
	return []string{line}
}

// dkimRecords are the lines on the DKIM records whose names are known and which are
// missing. One whose name differs by account cannot be looked up.
func dkimRecords(ctx context.Context, dns verify.Resolver, relay relays.Relay, domain string) []string {
	check := verify.Domain{Resolver: dns, Name: domain, Relay: relay}
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
		lines = append(lines, fmt.Sprintf("    %s %s: %s", r.Type, name, r.Value))
	}
	return lines
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// errNoRecord is a name that exists without the record in question; to the
// checks that is the same as no name.
var errNoRecord = fmt.Errorf("no such record: %w", resolve.ErrNotFound)

// errSeveral is a name with several DMARC records, which count as none (RFC 7489, section
// 6.6.3).
var errSeveral = fmt.Errorf("more than one: %w", resolve.ErrNotFound)

// DMARC looks for the policy of the sender's domain, or of the organization
// above it (RFC 7489, section 6.6.3).
func (d Domain) DMARC(ctx context.Context) Finding {
	f := Finding{Check: "dmarc"}
	at, record, err := d.policy(ctx)
	switch {
	case errors.Is(err, errSeveral):
		f.Result, f.Cause, f.Detail = Warn, "dmarc_invalid", at+" has more than one DMARC record, and receivers use none of them"
		f.Remedy = "Remove all of them but one."
	case err != nil && !missing(err):
		return unanswered("dmarc", err)
	case err != nil && d.Relay.ID == relays.SmarthostID:
		f.Result, f.Detail = Skip, d.Name+" has no DMARC policy; "+bulkSenders+", and whether this server sends much mail to them is not known here"
	case err != nil:
		record, reason := d.policyToPublish()
		f.Result, f.Cause, f.Detail = Warn, "dmarc_missing", d.Name+" has no DMARC policy"
		f.Remedy = fmt.Sprintf("%s. Publish the TXT record at _dmarc.%s: %s", reason, d.Name, record)
	case !slices.Contains([]string{"none", "quarantine", "reject"}, tag(record, "p")):
		f.Result, f.Cause, f.Detail = Warn, "dmarc_invalid", "the DMARC record at "+at+" has no valid policy: "+smtpprobe.Sanitize(record)
		f.Remedy = "Give it p=none, p=quarantine or p=reject."
	default:
		f.Result, f.Detail = Pass, at+": "+smtpprobe.Sanitize(record)
	}
	return f
}

func (d Domain) policy(ctx context.Context) (at, record string, err error) {
	names := []string{d.Name}
	if org, oerr := publicsuffix.EffectiveTLDPlusOne(d.Name); oerr == nil && org != d.Name {
		names = append(names, org)
	}
	for _, name := range names {
		at = "_dmarc." + name
		texts, err := d.Resolver.TXT(ctx, at)
		if err != nil && !missing(err) {
			return "", "", err
		}
		texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
			return !strings.HasPrefix(strings.ReplaceAll(text, " ", ""), "v=DMARC1")
		})
		switch len(texts) {
		case 0:
		case 1:
			return at, texts[0], nil
		default:
			return at, "", errSeveral
		}
	}
	return "", "", errNoRecord
}

// bulkSenders is why a domain needs a record (support.google.com/mail/answer/81126 and
// senders.yahooinc.com/best-practices, as of 2024-02; Microsoft's Outlook.com as of 2025-05).
const bulkSenders = "Gmail, Yahoo and Outlook.com require a DMARC record of bulk senders"

// policyToPublish is the DMARC record for a domain that has none, and why it needs one.
// Its policy asks receivers for nothing, so it cannot cost mail (RFC 7489, section 6.3).
func (d Domain) policyToPublish() (record, reason string) {
	for _, r := range d.Relay.DNS.Other {
		if r.Name == "_dmarc" {
			return strings.Replace(r.Value, "<policy>", "none", 1), d.Relay.Name + " asks for a DMARC record"
		}
	}
	return "v=DMARC1; p=none", bulkSenders
}

// missingPolicy are the reason and the DMARC record, which ends its line, none where the domain or its
// organization has one, or DNS does not answer.
func (d Domain) missingPolicy(ctx context.Context) []string {
	if f := d.DMARC(ctx); f.Cause != "dmarc_missing" {
		return nil
	}
	record, reason := d.policyToPublish()
	return []string{"    " + reason + ":", fmt.Sprintf("    TXT _dmarc.%s: %s", d.Name, record)}
}

// tag returns the value of one tag of a DMARC record.
func tag(record, name string) string {
	for part := range strings.SplitSeq(record, ";") {
		if k, v, ok := strings.Cut(part, "="); ok && strings.TrimSpace(k) == name {
			return strings.ToLower(strings.TrimSpace(v))
		}
	}
	return ""
}

// wanted is what a DMARC record asks of receivers for mail of d that fails. That of the
// organization may have a policy of its own for the names below it (sp; RFC 7489,
// section 6.3).
func (d Domain) wanted(at, record string) string {
	if sp := tag(record, "sp"); sp != "" && at != "_dmarc."+d.Name {
		return sp
	}
	return tag(record, "p")
}

// alignment makes a warning of a strict policy that this setup is not known to
// meet: neither SPF nor DKIM passes in the name of the domain.
func (d Domain) alignment(spf, dkim, dmarc Finding) Finding {
	if dmarc.Result != Pass || dkim.Cause != "dkim_missing" || spf.Result == Pass && d.Relay.DNS.SPF != "" || spf.Cause == "dns_failed" || spf.Cause == causeSPFOpenWide {
		return dmarc
	}
	at, record, _ := strings.Cut(dmarc.Detail, ": ")
	if p := d.wanted(at, record); p == "quarantine" || p == "reject" {
		lacks := fmt.Sprintf("neither a DKIM record nor an SPF entry of %s for %s", d.Relay.Name, d.Name)
		switch {
		case d.Relay.DNS.SPF == "":
			lacks = fmt.Sprintf("no DKIM record of %s for %s", d.Relay.Name, d.Name)
		case spf.Cause != causeSPFMissing && spf.Cause != causeSPFInclude:
			lacks = fmt.Sprintf("no DKIM record of %s and no valid SPF record for %s", d.Relay.Name, d.Name)
		}
		dmarc.Result, dmarc.Cause = Warn, "auth_alignment"
		dmarc.Detail = fmt.Sprintf("the policy is %s, and DNS shows %s: receivers may reject its mail", p, lacks)
		dmarc.Remedy = "Publish the DKIM records of the relay first."
	}
	return dmarc
}

package adopt

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// policy is what smtp(8) asks of the TLS of one next hop.
type policy struct {
	level string   // none, may, encrypt, ...
	by    string   // what says so, as main.cf has it
	words []string // attributes of an entry in smtp_tls_policy_maps
}

// plain reports whether mail may go without TLS.
func (p policy) plain() bool { return p.level == "none" || p.level == "may" || p.level == "" }

// policyOf finds the TLS level for a next hop in the order of smtp(8)
// (smtp_tls_policy_maps, smtp_tls_per_site, smtp_tls_security_level and what
// came before it).
func policyOf(r *postfix.Routing, s postfix.State, w postfix.Route, next postfix.NextHop) policy {
	maps := option(s, w.Service, "smtp_tls_policy_maps")
	for _, key := range postfix.PolicyKeys(next.Text) {
		if value, t, ok := r.Get(maps, key); ok {
			if words := postfix.Words(value); len(words) > 0 {
				return policy{strings.ToLower(words[0]), words[0] + " in " + t.String(), words[1:]}
			}
		}
	}
	if p, ok := perSite(r, s, w, next, maps); ok {
		return p
	}
	get := func(name string) string { return option(s, w.Service, name) }
	level := strings.ToLower(get("smtp_tls_security_level"))
	switch {
	case level != "":
		return policy{level: level, by: setting("smtp_tls_security_level", level)}
	case isYes(get("smtp_enforce_tls")) && !strings.EqualFold(get("smtp_tls_enforce_peername"), "no"):
		return policy{level: "verify", by: "smtp_enforce_tls = yes"}
	case isYes(get("smtp_enforce_tls")):
		return policy{level: "encrypt", by: "smtp_enforce_tls = yes"}
	case isYes(get("smtp_use_tls")):
		return policy{level: "may", by: "smtp_use_tls = yes"}
	}
	return policy{level: "none", by: "smtp_tls_security_level is not set"}
}

// siteLevels are the words of smtp_tls_per_site (postconf(5)).
var siteLevels = map[string]string{"none": "none", "may": "may", "must": "verify", "must_nopeermatch": "encrypt"}

// perSite counts where there is no policy table.
func perSite(r *postfix.Routing, s postfix.State, w postfix.Route, next postfix.NextHop, maps string) (policy, bool) {
	sites := option(s, w.Service, "smtp_tls_per_site")
	if sites == "" || maps != "" || option(s, w.Service, "smtp_tls_security_level") != "" {
		return policy{}, false
	}
	for _, key := range []string{next.Host, next.Text} {
		if value, _, ok := r.Get(sites, key); ok && siteLevels[strings.ToLower(value)] != "" {
			return policy{level: siteLevels[strings.ToLower(value)], by: value + " in " + sites}, true
		}
	}
	return policy{}, false
}

// verification decides how the certificate of h will be verified and says what
// that changes.
func (a *reading) verification(h *Hop, w postfix.Route, next postfix.NextHop, r relays.Relay) {
	p := policyOf(a.r, a.s, w, next)
	h.Level = p.level
	closedPolicies(a.r, a.s, a.out, w)
	now := "the certificate of " + h.Host + " is verified now"
	addr, err := netip.ParseAddr(h.Host)
	switch p.level {
	case "none":
		if err == nil && config.Private(addr) && r.ID == "" && h.Account.By == "none" && h.TLS == relays.StartTLS {
			h.TLS = relays.NoTLS
			a.out.keep(p.by, "mail goes to %s without TLS; take insecure_plaintext out if that relay offers TLS", next.Text)
			return
		}
		a.out.change("TLS is required, and "+now, "mail to %s goes without it today (%s)", next.Text, p.by)
	case "may":
		a.out.change("TLS is required, and "+now, "%s accepts any certificate, and sends without TLS where none is offered", p.by)
	case "encrypt":
		a.out.change(now, "%s accepts any certificate, so any server can get the password", p.by)
	case "dane", "dane-only":
		a.out.change("the certificate of "+h.Host+" is verified by the CA file", "%s goes by TLSA records, which the relay need not have", p.by)
	case "fingerprint":
		a.fingerprint(h, w, p)
	case "verify":
		a.out.change("the certificate of "+h.Host+" has to show that name", "%s is satisfied with the name that DNS leads to", p.by)
	}
	attributes(a.out, p, next)
	a.caFile(h, w, p, r)
}

// closedPolicies names policy tables that cannot be read.
func closedPolicies(r *postfix.Routing, s postfix.State, out *offer, w postfix.Route) {
	tables, why := r.Closed(option(s, w.Service, "smtp_tls_policy_maps"))
	for i, t := range tables {
		out.leave("smtp_tls_policy_maps = "+t.String(), "%s: what it asks of the relay is not known, and it does not hold for the service of the relay", why[i])
	}
}

// fingerprint takes a single SHA-256 fingerprint over.
func (a *reading) fingerprint(h *Hop, w postfix.Route, p policy) {
	var pins []string
	for _, word := range p.words {
		if value, ok := strings.CutPrefix(word, "match="); ok {
			pins = append(pins, strings.Split(value, "|")...)
		}
	}
	if len(pins) == 0 {
		pins = postfix.Words(option(a.s, w.Service, "smtp_tls_fingerprint_cert_match"))
	}
	digest := strings.ToLower(option(a.s, w.Service, "smtp_tls_fingerprint_digest"))
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.Join(pins, ""), ":", ""))
	switch {
	case len(pins) != 1:
		a.out.leave("the fingerprints of "+h.Host, "there are %d of them and one is possible", len(pins))
	case digest != "sha256" || err != nil || len(raw) != 32:
		a.out.leave("the fingerprint of "+h.Host, "it is of %s, and SHA-256 of the certificate is possible", digest)
	default:
		h.Fingerprint = pins[0]
		return
	}
	a.out.question("fingerprint", "which certificate does %s show? Give setup --fingerprint, or the CA file that it is verified with", h.Host)
}

// attributes names what else a policy entry asks for.
func attributes(out *offer, p policy, next postfix.NextHop) {
	for _, word := range p.words {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case name == "match" && (p.level == "fingerprint" || value == "nexthop" || value == "hostname" || value == next.Host || value == "nexthop:dot-nexthop"):
		case name == "tafile", name == "connection_reuse", name == "servername":
		case name == "protocols":
			out.change("TLS 1.2 at least for "+next.Text, "in place of %s in the policy table", word)
		default:
			out.leave(word+" in the policy of "+next.Text, "our policy asks for the host's own name, TLS 1.2 at least, and the ciphers that Postfix takes by default")
		}
	}
}

// caFile takes over what a certificate is verified with: what has verified it so
// far, or what a relay of one's own needs.
func (a *reading) caFile(h *Hop, w postfix.Route, p policy, r relays.Relay) {
	if h.Fingerprint != "" {
		return
	}
	file, name := option(a.s, w.Service, "smtp_tls_CAfile"), "smtp_tls_CAfile"
	if own := postfix.Attribute(p.words, "tafile"); own != "" {
		file, name = own, "tafile"
	}
	verified := p.level == "verify" || p.level == "secure"
	switch {
	case file == "" || file == a.s.CAFile:
		if path := option(a.s, w.Service, "smtp_tls_CApath"); path != "" && verified && file == "" {
			a.out.change("smtp_tls_CApath = "+path+" does not count for the relay", "its certificate is verified by %s alone", a.s.CAFile)
		}
	case verified || r.ID == "":
		h.CAFile = file
		a.out.keep(name+" = "+file, "the certificate of %s is verified with it", h.Host)
	default:
		a.out.change(name+" = "+file+" does not count for the relay", "the certificate of %s is verified by the CA file of the distribution, %s", r.Name, a.s.CAFile)
	}
}

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

// attribute returns the value of name=value in a policy entry.
func (p policy) attribute(name string) string {
	for _, word := range p.words {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// policy finds the TLS level for a next hop in the order of smtp(8)
// (smtp_tls_policy_maps, smtp_tls_per_site, smtp_tls_security_level and what
// came before it).
func (a *reading) policy(w postfix.Route, next postfix.NextHop) policy {
	maps := a.option(w.Service, "smtp_tls_policy_maps")
	for _, key := range policyKeys(next) {
		if value, t, ok := a.r.Get(maps, key); ok {
			if words := postfix.Words(value); len(words) > 0 {
				return policy{strings.ToLower(words[0]), words[0] + " in " + t.String(), words[1:]}
			}
		}
	}
	if p, ok := a.perSite(w, next, maps); ok {
		return p
	}
	get := func(name string) string { return a.option(w.Service, name) }
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

// policyKeys are the next hop as it is written and, where it is a bare name, the
// domains above it.
func policyKeys(next postfix.NextHop) []string {
	keys := []string{next.Text}
	if strings.ContainsAny(next.Text, "[:") {
		return keys
	}
	for rest := next.Host; strings.Contains(rest, "."); {
		_, rest, _ = strings.Cut(rest, ".")
		keys = append(keys, "."+rest)
	}
	return keys
}

// siteLevels are the words of smtp_tls_per_site (postconf(5)).
var siteLevels = map[string]string{"none": "none", "may": "may", "must": "verify", "must_nopeermatch": "encrypt"}

// perSite counts where there is no policy table.
func (a *reading) perSite(w postfix.Route, next postfix.NextHop, maps string) (policy, bool) {
	sites := a.option(w.Service, "smtp_tls_per_site")
	if sites == "" || maps != "" || a.option(w.Service, "smtp_tls_security_level") != "" {
		return policy{}, false
	}
	for _, key := range []string{next.Host, next.Text} {
		if value, _, ok := a.r.Get(sites, key); ok && siteLevels[strings.ToLower(value)] != "" {
			return policy{level: siteLevels[strings.ToLower(value)], by: value + " in " + sites}, true
		}
	}
	return policy{}, false
}

// verification decides how the certificate of h will be verified and says what
// that changes.
func (a *reading) verification(h *Hop, w postfix.Route, next postfix.NextHop, r relays.Relay) {
	p := a.policy(w, next)
	h.Level = p.level
	a.closedPolicies(w)
	now := "the certificate of " + h.Host + " is verified now"
	addr, err := netip.ParseAddr(h.Host)
	switch p.level {
	case "none":
		if err == nil && config.Private(addr) && r.ID == "" && h.Account.By == "none" && h.TLS == relays.StartTLS {
			h.TLS = relays.NoTLS
			a.keep(p.by, "mail goes to %s without TLS; take insecure_plaintext out if that relay offers TLS", next.Text)
			return
		}
		a.change("TLS is required, and "+now, "mail to %s goes without it today (%s)", next.Text, p.by)
	case "may":
		a.change("TLS is required, and "+now, "%s accepts any certificate, and sends without TLS where none is offered", p.by)
	case "encrypt":
		a.change(now, "%s accepts any certificate, so any server can get the password", p.by)
	case "dane", "dane-only":
		a.change("the certificate of "+h.Host+" is verified by the CA file", "%s goes by TLSA records, which the relay need not have", p.by)
	case "fingerprint":
		a.fingerprint(h, w, p)
	case "verify":
		a.change("the certificate of "+h.Host+" has to show that name", "%s is satisfied with the name that DNS leads to", p.by)
	}
	a.attributes(p, next)
	a.caFile(h, w, p, r)
}

// closedPolicies names policy tables that cannot be read.
func (a *reading) closedPolicies(w postfix.Route) {
	tables, why := a.r.Closed(a.option(w.Service, "smtp_tls_policy_maps"))
	for i, t := range tables {
		a.leave("smtp_tls_policy_maps = "+t.String(), "%s: what it asks of the relay is not known, and it does not hold for the service of the relay", why[i])
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
		pins = postfix.Words(a.option(w.Service, "smtp_tls_fingerprint_cert_match"))
	}
	digest := strings.ToLower(a.option(w.Service, "smtp_tls_fingerprint_digest"))
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.Join(pins, ""), ":", ""))
	switch {
	case len(pins) != 1:
		a.leave("the fingerprints of "+h.Host, "there are %d of them and one is possible", len(pins))
	case digest != "sha256" || err != nil || len(raw) != 32:
		a.leave("the fingerprint of "+h.Host, "it is of %s, and SHA-256 of the certificate is possible", digest)
	default:
		h.Fingerprint = pins[0]
		return
	}
	a.question("fingerprint", "which certificate does %s show? Give setup --fingerprint, or the CA file that it is verified with", h.Host)
}

// attributes names what else a policy entry asks for.
func (a *reading) attributes(p policy, next postfix.NextHop) {
	for _, word := range p.words {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case name == "match" && (p.level == "fingerprint" || value == "nexthop" || value == "hostname" || value == next.Host || value == "nexthop:dot-nexthop"):
		case name == "tafile", name == "connection_reuse", name == "servername":
		case name == "protocols":
			a.change("TLS 1.2 at least for "+next.Text, "in place of %s in the policy table", word)
		default:
			a.leave(word+" in the policy of "+next.Text, "our policy asks for the host's own name, TLS 1.2 at least, and the ciphers that Postfix takes by default")
		}
	}
}

// caFile takes over what a certificate is verified with: what has verified it so
// far, or what a relay of one's own needs.
func (a *reading) caFile(h *Hop, w postfix.Route, p policy, r relays.Relay) {
	if h.Fingerprint != "" {
		return
	}
	file, name := a.option(w.Service, "smtp_tls_CAfile"), "smtp_tls_CAfile"
	if own := p.attribute("tafile"); own != "" {
		file, name = own, "tafile"
	}
	verified := p.level == "verify" || p.level == "secure"
	switch {
	case file == "" || file == a.s.CAFile:
		if path := a.option(w.Service, "smtp_tls_CApath"); path != "" && verified && file == "" {
			a.change("smtp_tls_CApath = "+path+" does not count for the relay", "its certificate is verified by %s alone", a.s.CAFile)
		}
	case verified || r.ID == "":
		h.CAFile = file
		a.keep(name+" = "+file, "the certificate of %s is verified with it", h.Host)
	default:
		a.change(name+" = "+file+" does not count for the relay", "the certificate of %s is verified by the CA file of the distribution, %s", r.Name, a.s.CAFile)
	}
}

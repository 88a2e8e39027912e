package adopt

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// mayBePlain reports whether mail may go without TLS.
func mayBePlain(t lint.TLS) bool { return t.Level == "none" || t.Level == "may" || t.Level == "" }

// tlsOf is what smtp(8) asks of the TLS with a next hop.
func tlsOf(r *postfix.Routing, s postfix.State, w postfix.Route, next postfix.NextHop) lint.TLS {
	return lint.TLSOf("smtp_", next.Text, func(name string) string { return option(s, w.Service, name) }, func(maps, key string) (string, string, bool) {
		value, t, ok := r.Get(maps, key)
		return value, t.String(), ok
	})
}

// verification decides how the certificate of h will be verified and says what
// that changes.
func (a *reading) verification(h *Hop, w postfix.Route, next postfix.NextHop, r relays.Relay) {
	p := tlsOf(a.r, a.s, w, next)
	h.Level = p.Level
	closedPolicies(a.r, a.s, a.out, w)
	now := "the certificate of " + h.Host + " is verified now"
	addr, err := netip.ParseAddr(h.Host)
	switch p.Level {
	case "none":
		if err == nil && config.Private(addr) && r.ID == "" && h.Account.By == "none" && h.TLS == relays.StartTLS {
			h.TLS = relays.NoTLS
			a.out.keep(p.By, "mail goes to %s without TLS; take insecure_plaintext out if that relay offers TLS", next.Text)
			return
		}
		a.out.change("TLS is required, and "+now, "mail to %s goes without it today (%s)", next.Text, p.By)
	case "may":
		a.out.change("TLS is required, and "+now, "%s accepts any certificate, and sends without TLS where none is offered", p.By)
	case "encrypt":
		a.out.change(now, "%s accepts any certificate, so any server can get the password", p.By)
	case "dane", "dane-only":
		a.out.change("the certificate of "+h.Host+" is verified by the CA file", "%s goes by TLSA records, which the relay need not have", p.By)
	case "fingerprint":
		a.fingerprint(h, w, p)
	case "verify":
		a.out.change("the certificate of "+h.Host+" has to show that name", "%s is satisfied with the name that DNS leads to", p.By)
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
func (a *reading) fingerprint(h *Hop, w postfix.Route, p lint.TLS) {
	var pins []string
	for _, word := range p.Words {
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
func attributes(out *offer, p lint.TLS, next postfix.NextHop) {
	if p.Fault != "" {
		out.change("the entry for "+next.Text+" in "+p.Table+" does not count", "Postfix defers the mail for it: %s", p.Fault)
	}
	for _, word := range p.Words {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case name == "match" && (p.Level == "fingerprint" || value == "nexthop" || value == "hostname" || value == next.Host || value == "nexthop:dot-nexthop"):
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
func (a *reading) caFile(h *Hop, w postfix.Route, p lint.TLS, r relays.Relay) {
	if h.Fingerprint != "" {
		return
	}
	file, name := option(a.s, w.Service, "smtp_tls_CAfile"), "smtp_tls_CAfile"
	if own := p.Attribute("tafile"); own != "" {
		file, name = own, "tafile"
	}
	verified := p.Level == "verify" || p.Level == "secure"
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

package plan

import (
	"errors"
	"net/netip"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// setTLS decides how the service of s speaks TLS. All of it is said in master.cf:
// a table or parameter of main.cf would hold for other services with the same
// next hop as well, and a policy table is skipped for a message that says
// "TLS-Required: no" (RFC 8689; tls_required_enable, since Postfix 3.10).
func setTLS(out *output, state postfix.State, s *service) {
	first, d := &s.hops[0], s.d
	p := tlsPolicy(first)
	d.Level, d.ServerName = p.Level, p.ServerName
	if s.differ() {
		d.ServerName = "" // which would hold for a hop by address as well; the table names it by hop
	}
	d.Protocols = minimumTLS(state.Version)
	d.CAFile = state.CAFile
	if first.CAFile != "" {
		d.CAFile = first.CAFile
	}
	switch p.Level {
	case "fingerprint":
		d.Pin = p.Match
		out.note("the certificate is pinned: mail waits when the service renews it")
	case "none":
		d.Protocols, d.CAFile = "", ""
		out.note("mail to %s goes without TLS, as asked for: whoever is in between can read and change it", first.Host)
	case "encrypt":
		d.Unverified = true
		out.note("the relay's certificate is not verified: an attacker between this server and the relay can read the password and the mail")
	default:
		d.CertMatch = p.Match
	}
}

// tlsPolicy is the TLS policy of h.
func tlsPolicy(h *config.Hop) templates.Policy {
	p := templates.Policy{NextHop: h.NextHop(), Level: "secure", Match: "nexthop"}
	if h.Plaintext() {
		return templates.Policy{NextHop: p.NextHop, Level: "none"}
	}
	if _, err := netip.ParseAddr(h.Host); err != nil {
		p.ServerName = "hostname" // RFC 6066 section 3 allows no address in SNI
	}
	switch {
	case h.Pin != "":
		pin, _ := config.Fingerprint(h.Pin) // checked before
		p.Level, p.Match = "fingerprint", pin
	case h.NoVerify:
		p.Level, p.Match = "encrypt", ""
	}
	return p
}

// differ reports whether the hops of s do not speak TLS in one way.
func (s *service) differ() bool {
	first := tlsPolicy(&s.hops[0])
	for i := range s.hops {
		p := tlsPolicy(&s.hops[i])
		p.NextHop = first.NextHop
		if p != first {
			return true
		}
	}
	return false
}

// ErrNoCAFile is a relay whose certificate nothing on this host can verify: the
// distribution's bundle is missing, and no file is named.
var ErrNoCAFile = errors.New("no CA bundle was found on this host: install ca-certificates, or name one with --ca-file")

// tlsPolicies writes a policy table of its own for each service whose hops do not
// agree (names and addresses, say), and takes the common one of earlier
// releases out of main.cf.
func tlsPolicies(out *output, state postfix.State, main *postfix.Main, services []*service) error {
	for _, s := range services {
		policies := make([]templates.Policy, len(s.hops))
		for i := range s.hops {
			policies[i] = tlsPolicy(&s.hops[i])
		}
		if s.d.Level == "secure" && s.d.CAFile == "" {
			return ErrNoCAFile
		}
		if !s.differ() || s.bridge {
			continue
		}
		keys := make(map[string]secret.Value, len(policies))
		d := &templates.Data{Service: s.name, Policies: policies}
		text, err := templates.Render(templates.TLSPolicy, d)
		if err != nil {
			return err
		}
		rendered, err := postfix.ParseSource(text)
		if err != nil {
			return err
		}
		for _, p := range policies {
			value, _ := rendered.Get(p.NextHop)
			keys[p.NextHop] = secret.New(value)
		}
		if s.d.PolicyMap, err = out.newMap(policyFile+"_"+s.suffix(), templates.TLSPolicy, d, keys); err != nil {
			return err
		}
	}
	const name = "smtp_tls_policy_maps"
	if value, was := withoutTables(state, main, name, policyFile); was {
		setOrRemove(main, name, value)
	}
	return nil
}

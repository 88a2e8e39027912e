package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// destination is a transport and next hop that something sends mail to.
type destination struct {
	service string // "" where a parameter names a hop only
	hop     string // "[127.0.0.1]:10024"; "" for the domain of the recipient
}

// routing are the parameters of the form transport:nexthop.
var routing = []string{"content_filter", "default_transport", "relay_transport", "fallback_transport"}

// destinations lists them; complete is false where tables cannot be read.
func (v *View) destinations() (all []destination, complete bool) {
	complete = true
	add := func(value string) {
		service, list, _ := strings.Cut(value, ":")
		for _, hop := range Words(list) {
			all = append(all, destination{service, hop})
		}
		if list == "" {
			all = append(all, destination{service: service})
		}
	}
	for _, name := range routing {
		if _, ok := v.Last(name); ok && v.Value(name) != "" {
			add(v.Value(name))
		}
	}
	for _, s := range v.Services {
		if value, _ := s.Option("content_filter"); value != "" {
			add(value)
		}
	}
	for _, name := range []string{"relayhost", "smtp_fallback_relay", "fallback_relay"} {
		if _, ok := v.Last(name); !ok {
			continue
		}
		for _, hop := range SplitList(v.Value(name)) {
			all = append(all, destination{hop: hop})
		}
	}
	for _, t := range v.tables() {
		transports := t.param == "transport_maps" || t.param == "sender_dependent_default_transport_maps"
		if !transports && t.param != "sender_dependent_relayhost_maps" {
			continue
		}
		if _, read := v.Tables[t.path]; !read || compiled[t.typ] == "" && t.typ != "texthash" {
			complete = false
			continue
		}
		for _, e := range v.entries(t) {
			if transports {
				add(e.value)
			} else {
				all = append(all, destination{hop: e.value})
			}
		}
	}
	return all, complete
}

// host and port of a next hop; bracketed hops have no lookup of exchangers.
func hostPort(hop string) (host, port string, bracketed bool) {
	if rest, ok := strings.CutPrefix(hop, "["); ok {
		host, port, _ = strings.Cut(rest, "]")
		return strings.ToLower(host), strings.TrimPrefix(port, ":"), true
	}
	host, port, _ = strings.Cut(hop, ":")
	return strings.ToLower(host), port, false
}

// here reports whether a host is this machine.
func here(host string) bool {
	host = strings.TrimPrefix(host, "ipv6:")
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// mandatory are the TLS levels at which mail waits where TLS is not offered
// (TLS_README).
var mandatory = []string{"encrypt", "dane-only", "fingerprint", "verify", "secure"}

// levelUnmet finds next hops on this machine, content filters mostly, that are
// reached at a level which they cannot meet.
func levelUnmet(v *View) (found []Finding) {
	return v.localFaults(func(s Service, d destination) (string, string, string) {
		level := v.tls(s, d.hop).Level
		if _, own := s.Option("smtp_tls_security_level"); own {
			return "", "", "" // meant for this very service
		}
		if !slices.Contains(mandatory, level) || v.hasPolicy(s, d.hop) {
			return "", "", ""
		}
		return fmt.Sprintf("service %s sends to %s at the TLS level %s, which servers on this machine do not offer: that mail waits", s.Name, d.hop, level),
			"smtp_tls_security_level", "none"
	})
}

// wrappermodeUnmet finds such hops where TLS would start with the first byte.
func wrappermodeUnmet(v *View) (found []Finding) {
	return v.localFaults(func(s Service, d destination) (string, string, string) {
		if _, port, _ := hostPort(d.hop); !strings.EqualFold(v.of(s, "smtp_tls_wrappermode"), "yes") || port == "465" || port == "smtps" || port == "submissions" {
			return "", "", ""
		}
		return fmt.Sprintf("service %s sends to %s with smtp_tls_wrappermode, which main.cf sets for every service: that mail waits", s.Name, d.hop),
			"smtp_tls_wrappermode", "no"
	})
}

// localFaults applies a fault to each destination on this machine that is reached by smtp(8).
func (v *View) localFaults(fault func(Service, destination) (detail, option, value string)) (found []Finding) {
	all, _ := v.destinations()
	seen := map[string]bool{}
	for _, d := range all {
		host, _, _ := hostPort(d.hop)
		s, ok := v.transport(d.service)
		if !ok || s.Command != "smtp" || !here(host) || seen[s.Name+d.hop] {
			continue
		}
		seen[s.Name+d.hop] = true
		if detail, option, value := fault(s, d); detail != "" {
			found = append(found, Finding{File: v.Master, Line: s.Line, Detail: detail,
				Remedy:  fmt.Sprintf("Set %s to %s for this service alone.", option, value),
				Command: fmt.Sprintf("postconf -P '%s/unix/%s=%s' && postfix reload", s.Name, option, value)})
		}
	}
	return found
}

// hasPolicy reports whether a TLS policy table may say otherwise for the hop.
func (v *View) hasPolicy(s Service, hop string) bool {
	keys := PolicyKeys(hop)
	for _, t := range tablesOf("smtp_tls_policy_maps", v.of(s, "smtp_tls_policy_maps"), "", 0, false) {
		if _, read := v.Tables[t.path]; !read || slices.ContainsFunc(v.entries(t), func(e entry) bool { return ContainsFold(keys, e.key) }) {
			return true
		}
	}
	return false
}

// unusedKey finds entries of password tables whose key is no next hop and no
// host of one, so that Postfix never uses them.
func unusedKey(v *View) (found []Finding) {
	all, complete := v.destinations()
	used := map[string]bool{}
	for _, d := range all {
		if d.hop == "" || strings.HasPrefix(d.service, "lmtp") {
			continue
		}
		host, _, bracketed := hostPort(d.hop)
		// The names of exchangers are keys as well, and only DNS knows them.
		complete = complete && bracketed
		used[host], used[strings.ToLower(d.hop)] = true, true
	}
	if !complete || len(used) == 0 {
		return nil
	}
	bySender := strings.EqualFold(v.Value("smtp_sender_dependent_authentication"), "yes")
	v.passwords(func(t table, e entry) {
		key := strings.ToLower(e.key)
		if t.option || used[key] || strings.Contains(key, "@") && bySender {
			return
		}
		found = append(found, Finding{File: t.path, Line: e.line, Parameter: t.param, Table: t.String(), Detail: "no next hop is named " + e.key + ", so Postfix never uses this login",
			Remedy: "Write the next hop as relayhost or the transport table has it, brackets and port included.", Command: "postmap " + t.String()})
	})
	const most = 3
	return found[:min(len(found), most)]
}

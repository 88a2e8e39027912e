package lint

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// KnownPorts are the services that Postfix knows by itself (known_tcp_ports,
// since 3.6); others stand in services(5).
var KnownPorts = map[string]int{"lmtp": 24, "smtp": 25, "smtps": 465, "submissions": 465, "submission": 587}

// SplitNextHop reads "[host]:port", "host:port", "[host]" and "host" as host_port of Postfix
// does (src/util/host_port.c); of what it refuses smtp(8) dies. The port is a number or the
// name of a service, "" for the usual one.
func SplitNextHop(s string) (hostname, port string, err error) {
	hostname = s
	after, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		var rest string
		if hostname, rest, bracketed = strings.Cut(after, "]"); !bracketed {
			return "", "", fmt.Errorf("%q has no closing bracket", s)
		}
		if rest != "" && rest[0] != ':' {
			return "", "", fmt.Errorf("%q has text behind the bracket", s)
		}
		port = strings.TrimPrefix(rest, ":")
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		hostname, port = s[:i], s[i+1:]
	}
	switch {
	case isHostname(hostname), isAddress(hostname), bracketed && len(hostname) > 5 && strings.EqualFold(hostname[:5], "ipv6:") && isAddress(hostname[5:]):
	case strings.Contains(hostname, ":"):
		return "", "", fmt.Errorf("%q: the port belongs behind the bracket", s)
	default:
		return "", "", fmt.Errorf("%q names no host", s)
	}
	switch n, err := strconv.Atoi(port); {
	case port == "":
	case err == nil && digits(port):
		if n < 1 || n > 65535 {
			return "", "", fmt.Errorf("%q: port %d is out of range", s, n)
		}
	case KnownPorts[port] == 0:
		return "", "", fmt.Errorf("%q: unknown service %q", s, port)
	}
	return hostname, port, nil
}

func isAddress(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Zone() == ""
}

// malformedNextHop finds next hops that Postfix cannot read, of which smtp(8) dies when it
// comes to them: the first of each list. A list that others have written for single
// recipients or senders is no reason against what is meant.
func malformedNextHop(v *View) (found []Finding) {
	seen := map[string]bool{}
	look := func(list string, f Finding, where string) {
		fault, word := v.badHop(list, f.Parameter == "smtp_fallback_relay")
		if fault != "" && !seen[word] {
			seen[word] = true
			f.Detail = where + ": " + fault
			found = append(found, f)
		}
	}
	for _, name := range routing {
		if service, list, _ := strings.Cut(v.Value(name), ":"); v.bySMTP(service) && (!v.Meant || name == "default_transport") {
			look(list, Finding{File: "main.cf", Parameter: name}, name)
		}
	}
	transport, list, _ := strings.Cut(v.Value("default_transport"), ":")
	if s, ok := v.transport(transport); list == "" && (!ok || s.Command == "smtp") { // else it is not used
		look(v.Value("relayhost"), Finding{File: "main.cf", Parameter: "relayhost"}, "relayhost")
	}
	for _, h := range v.hops() {
		if h.Bridge != "" || h.defined && h.service.Command != "smtp" {
			continue
		}
		look(h.NextHop, Finding{File: "main.cf", Parameter: "relayhost"}, h.route.Service)
		if h.first && !v.Meant { // what is meant knows its own: fallback_unknown
			f := h.when(true, "smtp_fallback_relay", "")[0]
			look(h.param(f.Parameter), f, f.Parameter)
		}
	}
	if !v.Meant {
		nextHopsOfTables(v, look)
	}
	return found
}

// nextHopsOfTables looks at those that tables of transports and relays name.
func nextHopsOfTables(v *View, look func(list string, f Finding, where string)) {
	for _, t := range v.tables() {
		transports := t.param == "transport_maps" || t.param == "sender_dependent_default_transport_maps"
		if t.part || !transports && t.param != "sender_dependent_relayhost_maps" {
			continue
		}
		for _, e := range v.entries(t) {
			service, list := "", e.value
			if transports {
				service, list, _ = strings.Cut(e.value, ":")
			}
			if v.bySMTP(service) {
				look(list, Finding{File: t.path, Line: e.line, Parameter: t.param, Table: t.String()}, "the entry for "+e.key)
			}
		}
	}
}

// bySMTP reports whether a transport is smtp(8); "" is the default one.
func (v *View) bySMTP(transport string) bool {
	if transport == "" {
		transport, _, _ = strings.Cut(v.Value("default_transport"), ":")
	}
	s, ok := v.transport(transport)
	return ok && s.Command == "smtp"
}

// badHop is the first next hop of a list that Postfix cannot read, and why; "" for none.
// Before 3.5 only fallbacks are a list (RELEASE_NOTES of 3.5).
func (v *View) badHop(list string, fallback bool) (fault, word string) {
	words := Words(list)
	if v.AtLeast != nil && v.AtLeast(2, 0) && !v.AtLeast(3, 5) && !fallback && len(words) > 1 { // a version that is known
		return fmt.Sprintf("a list of next hops needs Postfix 3.5: smtp(8) dies of %q", list), list
	}
	for i, word := range words {
		_, _, err := SplitNextHop(word)
		switch {
		case err == nil:
			continue
		case word[0] != '#':
			return fmt.Sprintf("the next hop cannot be read: %v", err), word
		case i == 0:
			return fmt.Sprintf("%q is taken for the first next hop, since there are no comments behind a value: smtp(8) dies of it", word), word
		}
		return fmt.Sprintf("%q is taken for one more next hop, since there are no comments behind a value: smtp(8) dies of it when %s does not take a message", word, words[i-1]), word
	}
	return "", ""
}

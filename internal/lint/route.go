package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/mailaddr"
	"relayhost/relays"
)

// Route is where mail of some senders goes, or is meant to go, in the words of Postfix:
// this package is below config, and judges setups that relayhost has not made.
type Route struct {
	Service string   // entry in master.cf, "relayhost-ses"
	Senders []string // keys of sender_dependent_default_transport_maps, patterns as "/.../"; none for the default
	From    string   // the address that mail is sent from, "" where it is not known
	Hops    []Hop    // the first, and then those of smtp_fallback_relay; one at least
}

// Hop is one next hop, and what is known of the relay there.
type Hop struct {
	NextHop  string         // as it is written: "[smtp.example.com]:587"; "" delivers directly
	TLS      relays.TLSMode // "" is StartTLS; Unsure where nothing tells
	NoVerify bool           // the certificate is deliberately not verified
	NoAuth   bool           // no login is meant: the relay knows this host by its address, say
	OAuth    bool           // it logs in by a token
	Bridge   string         // the entry of spawn(8) behind the socket that is NextHop; "" for none
}

// ByService are the routes, one for each service: what holds of that holds of all.
func ByService(routes []Route) []Route {
	seen := make(map[string]bool)
	var list []Route
	for _, r := range routes {
		if !seen[r.Service] {
			seen[r.Service] = true
			list = append(list, r)
		}
	}
	return list
}

// Inspect runs the rules about a route as it is. Those that find nothing do not hold.
func Inspect(c Config, r Route) []Finding {
	return (&View{Config: c, Routes: []Route{r}}).run(RouteRules())
}

// RouteRules are the rules about a route as it is. Where one finds nothing, the cause
// of its ID is ruled out. Their findings have no remedy: it is that of the cause.
func RouteRules() []Rule {
	return slices.Concat([]Rule{
		{"dns_mx_no_brackets", Error, ofHops(func(h *hop) []Finding {
			return h.when(h.NextHop != "" && !strings.HasPrefix(h.NextHop, "["), "", "the next hop is %s, without brackets", h.NextHop)
		})},
		{"loop_to_self", Error, ofRoutes(func(h *hop) []Finding {
			host, _, _ := SplitNextHop(h.NextHop)
			return h.when(host != "" && strings.EqualFold(host, h.Params["myhostname"]), "", "the next hop and myhostname are both %s", host)
		})},
	}, hopRules(), []Rule{
		{"map_type_unsupported", Error, typeMissing},
		{"sasl_mech_filter", Error, ofHops(func(h *hop) []Finding {
			filter := h.param("smtp_sasl_mechanism_filter")
			return h.when(h.yes("smtp_sasl_auth_enable") && filter != "" && !h.OAuth && !ContainsFold(Words(filter), "plain", "login") && !strings.ContainsAny(filter, "!:/"),
				"smtp_sasl_mechanism_filter", "is %s, which leaves neither PLAIN nor LOGIN", filter)
		})},
		{"tls_wrappermode_level", Error, ofHops(func(h *hop) []Finding {
			level, name := h.level()
			return h.when(h.yes("smtp_tls_wrappermode") && slices.Contains([]string{"", "none", "may"}, level), name, "is %s, and smtp_tls_wrappermode wants encrypt or higher", quote(level))
		})},
		{"tls_capath_chroot", Error, ofHops(func(h *hop) []Finding {
			// A level that verifies no certificate needs no CA: a stock Debian has "may".
			level, _ := h.level()
			return h.when(!slices.Contains([]string{"none", "may", "encrypt", "fingerprint", "dane", "dane-only"}, level) && h.service.Chrooted && h.param("smtp_tls_CAfile") == "" && h.param("smtp_tls_CApath") != "",
				"smtp_tls_CApath", "is of no use to the service %s, which is chrooted, and there is no smtp_tls_CAfile", h.route.Service)
		})},
		{"verbose_log_leaks_password", Error, ofRoutes(verbose)},
		{"maincf_duplicate", Warning, duplicate},
		{"maincf_typo", Warning, func(v *View) []Finding {
			for _, w := range v.Warnings {
				if m := unusedParameter.FindStringSubmatch(w); m != nil {
					return []Finding{{File: "main.cf", Parameter: m[1], Detail: "unknown: " + m[1]}}
				}
			}
			return nil
		}},
		// A mail server whose domain this is has it right; whether the mailboxes are
		// here no file tells.
		{"mydestination_domain", Warning, ofRoutes(func(h *hop) []Finding {
			_, domain, _ := strings.Cut(h.route.From, "@")
			return h.OwnDomain(domain)
		})},
		{"helo_localhost", Error, ofRoutes(func(h *hop) []Finding {
			helo := h.param("smtp_helo_name")
			return h.when(helo != "" && !strings.HasPrefix(helo, "[") && !mailaddr.Qualified(helo), "smtp_helo_name", "this host greets as %s", helo)
		})},
		{"header_size", Warning, ofRoutes(func(h *hop) []Finding {
			limit, err := strconv.Atoi(h.param("header_size_limit"))
			return h.when(err == nil && limit < 102400, "header_size_limit", "is %d", limit)
		})},
		// A warning: a server that dials in is meant to wait.
		{"transport_deferred", Warning, ofRoutes(func(h *hop) []Finding {
			deferred := h.Params["defer_transports"]
			return h.when(slices.Contains(Words(deferred), h.service.Name), "defer_transports", "is %s, so mail of %s waits until the queue is flushed", deferred, h.service.Name)
		})},
		{"postfix_down", Error, func(v *View) []Finding {
			if v.Running {
				return nil
			}
			return []Finding{{File: "main.cf", Detail: "no master process runs for " + v.Dir}}
		}},
	})
}

// hopRules are those about a next hop that hold of a route as it is and as it is meant
// to be alike.
func hopRules() []Rule {
	return []Rule{
		{"relayhost_syntax", Error, malformedNextHop},
		{"auth_not_enabled", Error, ofHops(notEnabled)},
		{"sasl_plugins_missing", Error, ofHops(noPlugin)},
		{"sasl_noplaintext_default", Error, ofHops(noplaintext)},
		{"tls_opportunistic_cleartext", Error, ofHops(levelFault("tls_opportunistic_cleartext"))},
		{"starttls_required", Error, ofHops(levelFault("starttls_required"))},
		{"smtp_fatal_level", Error, ofHops(levelFault("smtp_fatal_level"))},
		{"tls_465_no_wrappermode", Error, ofHops(func(h *hop) []Finding {
			return h.when(h.TLS == relays.Implicit && !h.yes("smtp_tls_wrappermode"),
				"smtp_tls_wrappermode", "is %s, and port %s does not speak STARTTLS, but TLS from the first byte", quote(h.param("smtp_tls_wrappermode")), h.port())
		})},
		{"tls_587_wrappermode", Error, ofHops(func(h *hop) []Finding {
			return h.when(h.TLS != relays.Implicit && h.TLS != relays.Unsure && h.yes("smtp_tls_wrappermode"),
				"smtp_tls_wrappermode", "is %s, and port %s does not speak TLS from the first byte", quote(h.param("smtp_tls_wrappermode")), h.port())
		})},
		{"maincf_inline_comment", Warning, func(v *View) []Finding {
			if len(v.InlineComments) == 0 {
				return nil
			}
			return []Finding{{File: "main.cf", Parameter: v.InlineComments[0], Detail: `"#" after other text is part of the value of ` + strings.Join(v.InlineComments, ", ")}}
		}},
	}
}

// hop is a next hop of a route with the configuration that it is judged in.
type hop struct {
	*View
	Hop
	route   Route
	service Service // the zero value where master.cf has none of that name
	defined bool    // it has one
	first   bool    // of the route
}

// hops are those of the routes, the routes of one service once.
func (v *View) hops() []*hop {
	if v.judged != nil {
		return v.judged
	}
	for _, r := range ByService(v.Routes) {
		s, ok := v.transport(r.Service)
		for i, h := range r.Hops {
			v.judged = append(v.judged, &hop{View: v, Hop: h, route: r, service: s, defined: ok, first: i == 0})
		}
	}
	return v.judged
}

// ofHops is a rule about each next hop that smtp(8) connects to. A service that is meant
// to be there and is not is a fault of its own, and has no others.
func ofHops(check func(*hop) []Finding) func(*View) []Finding {
	return each(func(h *hop) bool { return h.Bridge == "" && (h.defined || !h.Meant) }, check)
}

// ofRoutes is a rule about each service, by its first next hop.
func ofRoutes(check func(*hop) []Finding) func(*View) []Finding {
	return each(func(h *hop) bool { return h.first && (h.defined || !h.Meant) }, check)
}

func each(judged func(*hop) bool, check func(*hop) []Finding) func(*View) []Finding {
	return func(v *View) (found []Finding) {
		for _, h := range v.hops() {
			if judged(h) {
				found = append(found, check(h)...)
			}
		}
		return found
	}
}

// when is a finding where the fault holds, about the parameter name, "" for none.
func (h *hop) when(holds bool, name, format string, args ...any) []Finding {
	if !holds {
		return nil
	}
	f := Finding{File: "main.cf", Parameter: name, Detail: fmt.Sprintf(format, args...)}
	if name != "" {
		f.Detail = name + ": " + f.Detail
	}
	if _, own := h.service.Option(name); own {
		f.File = "master.cf: " + h.service.key()
	}
	return []Finding{f}
}

// param is a parameter as the service sees it.
func (h *hop) param(name string) string {
	value, own := h.service.Option(name)
	if !own {
		return h.Params[name]
	}
	if strings.Contains(value, "$") {
		if expanded, known := h.Effective(h.route.Service, name); known {
			return expanded
		}
	}
	return value
}

func (h *hop) yes(name string) bool { return strings.EqualFold(h.param(name), "yes") }

// port is that of the next hop, for a person.
func (h *hop) port() string {
	_, port, _ := SplitNextHop(h.NextHop)
	if port == "" {
		return "25"
	}
	return port
}

// login reports whether a login is meant.
func (h *hop) login() bool { return h.NextHop != "" && !h.NoAuth }

// verifying are the TLS levels that check who the relay is.
var verifying = []string{"secure", "verify", "fingerprint", "dane-only"}

// tls is what smtp(8) asks of the TLS with the next hop.
func (h *hop) tls() TLS { return TLSOf("smtp_", h.NextHop, h.param, h.lookUp) }

// level is its level, "" where nothing sets one, and the parameter that sets it: that of
// the table, where one that can be read has an entry, or the general one.
func (h *hop) level() (level, parameter string) {
	const general = "smtp_tls_security_level"
	switch tls := h.tls(); {
	case tls.Table != "":
		return tls.Level, "smtp_tls_policy_maps"
	case strings.Contains(tls.By, " in "):
		return tls.Level, "smtp_tls_per_site"
	case tls.Level == "none" && h.param(general) == "":
		return "", general
	default:
		return tls.Level, general
	}
}

// levelFault is the rule about one of the faults of the TLS level, of which a next hop
// has one at most.
func levelFault(id string) func(*hop) []Finding {
	return func(h *hop) []Finding {
		level, name := h.level()
		fault, why := "", "does not verify the relay's certificate"
		switch {
		case slices.Contains(verifying, level), h.NoVerify && level == "encrypt", h.TLS == relays.NoTLS && level == "none" && !h.login():
		case level != "" && !slices.Contains(enumerations["smtp_tls_security_level"], level):
			fault, why = "smtp_fatal_level", "does not exist"
		case h.login() && (level == "may" || level == "dane") && h.yes("smtp_sasl_auth_enable"):
			fault, why = "tls_opportunistic_cleartext", why+": the password can be sent unencrypted"
		case h.login() && (level == "" || level == "none"):
			fault, why = "starttls_required", why+": there is no TLS"
		case h.Meant: // else nobody has said that it is to be verified
			fault = "tls_not_verified"
		}
		return h.when(fault == id, name, "the level for %s is %s, which %s", h.NextHop, quote(level), why)
	}
}

// notEnabled finds that no password would be sent.
func notEnabled(h *hop) []Finding {
	if h.yes("smtp_sasl_auth_enable") {
		return h.when(h.param("smtp_sasl_password_maps") == "", "smtp_sasl_password_maps", "is empty while authentication is on, which smtp(8) dies of")
	}
	return h.when(h.login(), "smtp_sasl_auth_enable", "is %s for the service %s: no password would be sent", quote(h.param("smtp_sasl_auth_enable")), h.route.Service)
}

// noPlugin finds that this Postfix has nothing to log in with.
func noPlugin(h *hop) []Finding {
	typ := h.param("smtp_sasl_type")
	if h.NoAuth || !h.yes("smtp_sasl_auth_enable") {
		return nil
	}
	if typ != "" && h.SASLTypes != nil && !slices.Contains(h.SASLTypes, typ) {
		return h.when(true, "smtp_sasl_type", "%s is not built into this Postfix", typ)
	}
	return h.when(slices.Contains(h.SASLTypes, "cyrus") && !h.HasPlugin("PLAIN", "LOGIN") && !(h.OAuth && h.HasPlugin("XOAUTH2")),
		"smtp_sasl_type", "the SASL plugins for PLAIN and LOGIN are not installed")
}

// noplaintext finds that PLAIN and LOGIN are forbidden over TLS. Each parameter falls
// back to the one before (postconf(5)).
func noplaintext(h *hop) []Finding {
	if h.NoAuth || h.OAuth || !h.yes("smtp_sasl_auth_enable") {
		return nil
	}
	names := []string{"smtp_sasl_security_options", "smtp_sasl_tls_security_options", "smtp_sasl_tls_verified_security_options"}
	if level, _ := h.level(); level == "encrypt" {
		names = names[:2] // the certificate is not verified
	}
	counts := ""
	for _, name := range names {
		_, own := h.service.Option(name)
		if _, set := h.Params[name]; (own || set) && !strings.HasPrefix(h.param(name), "$") {
			counts = name
		}
	}
	options := h.param(counts)
	return h.when(slices.Contains(Words(options), "noplaintext"), counts, "forbids PLAIN and LOGIN over TLS (%s), so no login is possible", options)
}

// verbose finds that the login is written to the log.
func verbose(h *hop) []Finding {
	for _, arg := range h.service.Args {
		if strings.HasPrefix(arg, "-v") {
			return []Finding{{File: "master.cf: " + h.service.key(), Detail: fmt.Sprintf("service %s runs with %s", h.service.Name, arg)}}
		}
	}
	list := h.param("debug_peer_list")
	host, _, _ := SplitNextHop(h.NextHop)
	return h.when(host != "" && ContainsFold(Words(list), host), "debug_peer_list", "is %s", list)
}

var unusedParameter = regexp.MustCompile(`(?:unused|undefined) parameter: ([A-Za-z0-9_-]+)`)

// ContainsFold reports whether list has one of want, whatever the case.
func ContainsFold(list []string, want ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(s, w) })
	})
}

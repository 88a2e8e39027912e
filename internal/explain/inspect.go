package explain

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Route is how Postfix sends mail for the world: the entry of master.cf, the
// next hop, and parameters as that entry sees them.
type Route struct {
	State   postfix.State
	Service postfix.Service // the zero Service when master.cf has none of that name
	NextHop string          // as it stands: "[host]:587"; "" delivers straight
	Host    string          // without brackets
	Port    int             // 25 when none is named; 0 when it is no number
}

// RouteOf reads the route from default_transport and relayhost (transport(5)).
// Tables that override it for some senders or recipients are not looked into.
func RouteOf(s postfix.State) Route {
	transport, nextHop, _ := strings.Cut(s.Params["default_transport"], ":")
	if nextHop == "" {
		nextHop = s.Params["relayhost"]
	}
	if transport == "" {
		transport = "smtp"
	}
	r := Route{State: s, NextHop: strings.TrimSpace(nextHop)}
	if s.Master != nil {
		r.Service, _ = s.Master.Get(transport, "unix")
	}
	r.Host, r.Port = splitNextHop(r.NextHop)
	return r
}

func splitNextHop(nextHop string) (host string, port int) {
	host = strings.TrimPrefix(nextHop, "[")
	name, rest, bracket := strings.Cut(host, "]")
	if !bracket {
		name, rest, _ = strings.Cut(host, ":")
		if rest != "" {
			rest = ":" + rest
		}
	}
	port = 25
	if rest != "" {
		port, _ = strconv.Atoi(strings.TrimPrefix(rest, ":"))
		if port == 0 {
			port, _ = net.DefaultResolver.LookupPort(context.Background(), "tcp", strings.TrimPrefix(rest, ":"))
		}
	}
	return name, port
}

// Param is the value of a parameter for the route: -o in master.cf wins over
// main.cf.
func (r Route) Param(name string) string {
	for _, o := range slices.Backward(r.Service.Options) {
		if o.Name == name {
			return o.Value
		}
	}
	return r.State.Params[name]
}

func (r Route) yes(name string) bool { return strings.EqualFold(r.Param(name), "yes") }

// level is the TLS level for the next hop: that of the policy table, where one
// that can be read has an entry for it, or the general one.
func (r Route) level() string {
	for _, t := range postfix.ParseTables(r.Param("smtp_tls_policy_maps"), r.State.DefaultMap) {
		for line := range strings.Lines(string(r.State.Maps[t.Path])) {
			if f := strings.Fields(line); len(f) > 1 && strings.EqualFold(f[0], r.NextHop) {
				return strings.ToLower(f[1])
			}
		}
	}
	switch level := r.Param("smtp_tls_security_level"); {
	case level != "":
		return strings.ToLower(level)
	case r.yes("smtp_enforce_tls"):
		return "encrypt"
	case r.yes("smtp_use_tls"):
		return "may"
	}
	return ""
}

// Inspect runs the static checks: what of the catalogue holds on this host,
// whatever the log says. It reads s only. from is the address that mail is sent
// from, "" when it is not known.
func Inspect(s postfix.State, from string) Signs {
	if !s.Installed || s.Params == nil {
		return nil
	}
	r := RouteOf(s)
	var signs Signs
	for _, c := range inspections {
		detail := c.look(r, from)
		signs = append(signs, Sign{Cause: c.cause, Holds: detail != "", Detail: detail})
	}
	return signs
}

// inspections look for one cause each; "" means that it does not hold.
var inspections = []struct {
	cause string
	look  func(r Route, from string) string
}{
	{"relayhost_syntax", malformedNextHop},
	{"dns_mx_no_brackets", func(r Route, _ string) string {
		return when(r.NextHop != "" && !strings.HasPrefix(r.NextHop, "["), "relayhost is %s, without brackets", r.NextHop)
	}},
	{"loop_to_self", func(r Route, _ string) string {
		return when(r.Host != "" && strings.EqualFold(r.Host, r.State.Params["myhostname"]), "relayhost and myhostname are both %s", r.Host)
	}},
	{"auth_not_enabled", func(r Route, _ string) string {
		return when(r.authWanted() && !r.yes("smtp_sasl_auth_enable"), "smtp_sasl_auth_enable is not yes for service %s", r.Service.Name)
	}},
	{"sasl_plugins_missing", func(r Route, _ string) string {
		return when(r.yes("smtp_sasl_auth_enable") && slices.Contains(r.State.SASLTypes, "cyrus") && !containsFold(r.State.SASLPlugins, "PLAIN", "LOGIN"),
			"no plug-in for PLAIN or LOGIN is installed")
	}},
	{"sasl_noplaintext_default", noplaintext},
	{"sasl_mech_filter", func(r Route, _ string) string {
		filter := r.Param("smtp_sasl_mechanism_filter")
		return when(r.yes("smtp_sasl_auth_enable") && filter != "" && !containsFold(words(filter), "plain", "login") && !strings.ContainsAny(filter, "!:/"),
			"smtp_sasl_mechanism_filter = %s", filter)
	}},
	{"map_type_unsupported", unknownMapType},
	{"tls_opportunistic_cleartext", func(r Route, _ string) string {
		level := r.level()
		return when(r.yes("smtp_sasl_auth_enable") && r.NextHop != "" && (level == "may" || level == "dane"), "the TLS level for %s is %s", r.NextHop, level)
	}},
	{"starttls_required", func(r Route, _ string) string {
		level := r.level()
		return when(r.authWanted() && (level == "" || level == "none"), "the TLS level for %s is none", r.NextHop)
	}},
	{"smtp_fatal_level", func(r Route, _ string) string {
		level := r.level()
		return when(level != "" && !slices.Contains(levels, level), "the TLS level %q does not exist", level)
	}},
	{"tls_465_no_wrappermode", func(r Route, _ string) string {
		return when(relays.UsualTLS(r.Port) == relays.Implicit && !r.yes("smtp_tls_wrappermode"), "port %d without smtp_tls_wrappermode", r.Port)
	}},
	{"tls_587_wrappermode", func(r Route, _ string) string {
		return when(slices.Contains([]int{25, 587, 2525, 2587}, r.Port) && r.yes("smtp_tls_wrappermode"), "port %d with smtp_tls_wrappermode", r.Port)
	}},
	{"tls_wrappermode_level", func(r Route, _ string) string {
		level := r.level()
		return when(r.yes("smtp_tls_wrappermode") && slices.Contains([]string{"", "none", "may"}, level), "smtp_tls_wrappermode with TLS level %q", level)
	}},
	{"tls_capath_chroot", func(r Route, _ string) string {
		return when(r.chrooted() && r.Param("smtp_tls_CAfile") == "" && r.Param("smtp_tls_CApath") != "",
			"service %s is chrooted and has smtp_tls_CApath only", r.Service.Name)
	}},
	{"verbose_log_leaks_password", func(r Route, _ string) string {
		for _, arg := range r.Service.Args {
			if strings.HasPrefix(arg, "-v") {
				return "service " + r.Service.Name + " runs with " + arg
			}
		}
		list := r.Param("debug_peer_list")
		return when(r.Host != "" && containsFold(words(list), r.Host), "debug_peer_list = %s", list)
	}},
	{"maincf_inline_comment", inlineComment},
	{"maincf_duplicate", duplicates},
	{"maincf_typo", func(r Route, _ string) string {
		for _, w := range r.State.Warnings {
			if m := unusedParameter.FindStringSubmatch(w); m != nil {
				return "unknown: " + m[1]
			}
		}
		return ""
	}},
	{"mydestination_domain", ownDomain},
	{"helo_localhost", func(r Route, _ string) string {
		helo := r.Param("smtp_helo_name")
		return when(helo != "" && !strings.HasPrefix(helo, "[") && !postfix.Qualified(helo), "this host greets as %s", helo)
	}},
	{"header_size", func(r Route, _ string) string {
		limit, err := strconv.Atoi(r.Param("header_size_limit"))
		return when(err == nil && limit < 102400, "header_size_limit = %d", limit)
	}},
	{"postfix_down", func(r Route, _ string) string {
		return when(!r.State.Running, "no master process runs for %s", r.State.ConfigDir)
	}},
}

// levels of smtp_tls_security_level and of the policy table (postconf(5)).
var levels = []string{"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"}

var unusedParameter = regexp.MustCompile(`(?:unused|undefined) parameter: ([A-Za-z0-9_]+)`)

func when(holds bool, format string, args ...any) string {
	if !holds {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// authWanted reports whether somebody meant Postfix to log in: a password table
// is named, and there is a relay.
func (r Route) authWanted() bool { return r.NextHop != "" && r.Param("smtp_sasl_password_maps") != "" }

func (r Route) chrooted() bool {
	return r.Service.Chrooted(r.State.Params["compatibility_level"])
}

var goodNextHop = regexp.MustCompile(`^(\[[A-Za-z0-9.:_-]+\]|[A-Za-z0-9._-]+)(:[A-Za-z0-9-]+)?$`)

func malformedNextHop(r Route, _ string) string {
	for _, hop := range words(r.NextHop) {
		inner, _, _ := strings.Cut(strings.TrimPrefix(hop, "["), "]")
		_, err := netip.ParseAddr(strings.TrimPrefix(inner, "IPv6:"))
		// "[host:587]" is read as the name of a host.
		port := strings.HasPrefix(hop, "[") && strings.Contains(inner, ":") && err != nil
		if (!goodNextHop.MatchString(hop) || port) && !strings.HasPrefix(hop, "#") {
			return "the next hop " + hop + " cannot be read"
		}
	}
	return ""
}

func noplaintext(r Route, _ string) string {
	// Each falls back to the one before (postconf(5)).
	value := r.Param("smtp_sasl_security_options")
	for _, name := range []string{"smtp_sasl_tls_security_options", "smtp_sasl_tls_verified_security_options"} {
		if v := r.Param(name); v != "" && !strings.HasPrefix(v, "$") {
			value = v
		}
	}
	return when(r.yes("smtp_sasl_auth_enable") && slices.Contains(words(value), "noplaintext"), "noplaintext holds on verified TLS as well")
}

func unknownMapType(r Route, _ string) string {
	if len(r.State.MapTypes) == 0 {
		return ""
	}
	for _, name := range []string{"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "transport_maps"} {
		for _, t := range postfix.ParseTables(r.Param(name), r.State.DefaultMap) {
			if !slices.Contains(r.State.MapTypes, t.Type) {
				return fmt.Sprintf("%s has the type %s, which this Postfix has not", name, t.Type)
			}
		}
	}
	return ""
}

func inlineComment(r Route, _ string) string {
	if r.State.Main == nil {
		return ""
	}
	for _, name := range []string{"relayhost", "smtp_tls_security_level", "inet_protocols", "inet_interfaces", "mydestination", "mynetworks"} {
		if value, ok := r.State.Main.Get(name); ok && strings.Contains(value, " #") {
			return name + " has a '#' in its value"
		}
	}
	return ""
}

func duplicates(r Route, _ string) string {
	if r.State.Main == nil {
		return ""
	}
	seen := map[string]bool{}
	var twice []string
	for _, name := range r.State.Main.Names() {
		if seen[name] && !slices.Contains(twice, name) {
			twice = append(twice, name)
		}
		seen[name] = true
	}
	return when(len(twice) > 0, "defined twice: %s", strings.Join(twice, ", "))
}

func ownDomain(r Route, from string) string {
	_, domain, ok := strings.Cut(from, "@")
	if !ok || strings.EqualFold(domain, r.State.Params["myhostname"]) || strings.EqualFold(domain, r.State.Hostname) {
		return ""
	}
	for _, name := range []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"} {
		if containsFold(words(r.State.Params[name]), domain) {
			return fmt.Sprintf("%s is in %s", domain, name)
		}
	}
	return ""
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// containsFold reports whether list has one of want, whatever the case.
func containsFold(list []string, want ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(s, w) })
	})
}

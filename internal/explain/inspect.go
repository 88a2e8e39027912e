package explain

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Inspect runs the static checks: what of the catalogue holds on this host,
// whatever the log says. It reads s only. from is the address that mail is sent
// from, "" when it is not known.
func Inspect(s postfix.State, from string) Signs {
	return InspectRoute(RouteOf(s), from)
}

// InspectRoute is Inspect for one of several routes.
func InspectRoute(r Route, from string) Signs {
	if !r.State.Installed || r.State.Params == nil {
		return nil
	}
	var signs Signs
	for _, c := range inspections {
		detail := c.look(r, from)
		signs = append(signs, Sign{Cause: c.cause, Holds: detail != "", Detail: detail})
	}
	if !filtered(r.State) {
		signs = append(signs, Sign{Cause: "content_filter_down"})
	}
	return signs
}

// filtered reports whether mail goes through a content filter (FILTER_README)
// before it goes to the relay. Whether that one lives, no file tells.
func filtered(s postfix.State) bool {
	if s.Params["content_filter"] != "" {
		return true
	}
	return s.Master != nil && slices.ContainsFunc(s.Master.Services(), func(x postfix.Service) bool {
		filter, _ := x.Option("content_filter")
		return filter != ""
	})
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
		return when(r.yes("smtp_sasl_auth_enable") && filter != "" && !containsFold(postfix.Words(filter), "plain", "login") && !strings.ContainsAny(filter, "!:/"),
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
		return when(r.Host != "" && containsFold(postfix.Words(list), r.Host), "debug_peer_list = %s", list)
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

var unusedParameter = regexp.MustCompile(`(?:unused|undefined) parameter: ([A-Za-z0-9_-]+)`)

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

func malformedNextHop(r Route, _ string) string {
	for _, hop := range postfix.Words(r.NextHop) {
		if strings.HasPrefix(hop, "#") { // words of a comment: maincf_inline_comment
			break
		}
		if _, err := postfix.ParseNextHop(hop); err != nil {
			return "the next hop cannot be read: " + err.Error()
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
	return when(r.yes("smtp_sasl_auth_enable") && slices.Contains(postfix.Words(value), "noplaintext"), "noplaintext holds on verified TLS as well")
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
	names := r.State.Main.InlineComments()
	return when(len(names) > 0, "a '#' in the value of %s", strings.Join(names, ", "))
}

func duplicates(r Route, _ string) string {
	if r.State.Main == nil {
		return ""
	}
	twice := r.State.Main.Dups()
	return when(len(twice) > 0, "defined twice: %s", strings.Join(twice, ", "))
}

func ownDomain(r Route, from string) string {
	_, domain, ok := strings.Cut(from, "@")
	if !ok || strings.EqualFold(domain, r.State.Params["myhostname"]) || strings.EqualFold(domain, r.State.Hostname) {
		return ""
	}
	for _, name := range []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"} {
		if containsFold(postfix.Words(r.State.Params[name]), domain) {
			return fmt.Sprintf("%s is in %s", domain, name)
		}
	}
	return ""
}

// containsFold reports whether list has one of want, whatever the case.
func containsFold(list []string, want ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(s, w) })
	})
}

package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/mailaddr"
)

// Route is how Postfix sends mail for the world, or for some senders.
type Route struct {
	Service  string   // its entry in master.cf; "" where there is none of that name
	Args     []string // of the program there
	Chrooted bool
	NextHop  string // as it is written: "[host]:587"; "" delivers directly
	Host     string // lower case, without brackets; "" where the next hop cannot be read
	Port     int
	Implicit bool   // by its port the next hop speaks TLS from the first byte
	OAuth    bool   // it logs in by a token
	From     string // the address that mail is sent from, "" where it is not known
	// Param is a parameter as the service sees it.
	Param func(name string) string
}

// Inspect runs the rules about a route. Those that find nothing do not hold.
func Inspect(c Config, r Route) []Finding {
	return (&View{c, &r}).run(RouteRules())
}

// when is a finding where the fault holds.
func (v *View) when(holds bool, format string, args ...any) []Finding {
	if !holds {
		return nil
	}
	return []Finding{{File: v.Main, Detail: fmt.Sprintf(format, args...)}}
}

func (r Route) yes(name string) bool { return strings.EqualFold(r.Param(name), "yes") }

// RouteRules are the rules about one route. Their findings have no remedy: it is
// that of the cause.
func RouteRules() []Rule {
	return slices.Concat(nextHopRules(), loginRules(), tlsRules(), hostRules())
}

// nextHopRules are about where the mail goes.
func nextHopRules() []Rule {
	return []Rule{
		{"relayhost_syntax", Error, malformedNextHop},
		{"dns_mx_no_brackets", Error, func(v *View) []Finding {
			return v.when(v.Route.NextHop != "" && !strings.HasPrefix(v.Route.NextHop, "["), "the next hop is %s, without brackets", v.Route.NextHop)
		}},
		{"loop_to_self", Error, func(v *View) []Finding {
			return v.when(v.Route.Host != "" && strings.EqualFold(v.Route.Host, v.Config.Params["myhostname"]), "the next hop and myhostname are both %s", v.Route.Host)
		}},
	}
}

// loginRules are about SASL and its tables.
func loginRules() []Rule {
	return []Rule{
		{"auth_not_enabled", Error, func(v *View) []Finding {
			return v.when(v.Route.authWanted() && !v.Route.yes("smtp_sasl_auth_enable"), "smtp_sasl_auth_enable is not yes for service %s", v.Route.Service)
		}},
		{"sasl_plugins_missing", Error, func(v *View) []Finding {
			return v.when(v.Route.yes("smtp_sasl_auth_enable") && slices.Contains(v.SASLTypes, "cyrus") && !v.HasPlugin("PLAIN", "LOGIN") && !(v.Route.OAuth && ContainsFold(v.SASLPlugins, "XOAUTH2")),
				"no plugin for PLAIN or LOGIN is installed")
		}},
		{"sasl_noplaintext_default", Error, noplaintext},
		{"sasl_mech_filter", Error, func(v *View) []Finding {
			filter := v.Route.Param("smtp_sasl_mechanism_filter")
			return v.when(v.Route.yes("smtp_sasl_auth_enable") && filter != "" && !v.Route.OAuth && !ContainsFold(Words(filter), "plain", "login") && !strings.ContainsAny(filter, "!:/"),
				"smtp_sasl_mechanism_filter = %s", filter)
		}},
		{"map_type_unsupported", Error, typeMissing},
	}
}

// tlsRules are about the level of TLS and how it begins.
func tlsRules() []Rule {
	return []Rule{
		{"tls_opportunistic_cleartext", Error, func(v *View) []Finding {
			level := v.level()
			return v.when(v.Route.yes("smtp_sasl_auth_enable") && v.Route.NextHop != "" && (level == "may" || level == "dane"), "the TLS level for %s is %s", v.Route.NextHop, level)
		}},
		{"starttls_required", Error, func(v *View) []Finding {
			level := v.level()
			return v.when(v.Route.authWanted() && (level == "" || level == "none"), "the TLS level for %s is none", v.Route.NextHop)
		}},
		{"smtp_fatal_level", Error, func(v *View) []Finding {
			level := v.level()
			return v.when(level != "" && !slices.Contains(levels, level), "the TLS level %q does not exist", level)
		}},
		{"tls_465_no_wrappermode", Error, func(v *View) []Finding {
			return v.when(v.Route.Implicit && !v.Route.yes("smtp_tls_wrappermode"), "port %d without smtp_tls_wrappermode", v.Route.Port)
		}},
		{"tls_587_wrappermode", Error, func(v *View) []Finding {
			return v.when(slices.Contains([]int{25, 587, 2525, 2587}, v.Route.Port) && v.Route.yes("smtp_tls_wrappermode"), "port %d with smtp_tls_wrappermode", v.Route.Port)
		}},
		{"tls_wrappermode_level", Error, func(v *View) []Finding {
			level := v.level()
			return v.when(v.Route.yes("smtp_tls_wrappermode") && slices.Contains([]string{"", "none", "may"}, level), "smtp_tls_wrappermode with TLS level %q", level)
		}},
		{"tls_capath_chroot", Error, func(v *View) []Finding {
			// A level that verifies no certificate needs no CA: a stock Debian has "may".
			verifies := !slices.Contains([]string{"none", "may", "encrypt"}, v.level())
			return v.when(verifies && v.Route.Chrooted && v.Route.Param("smtp_tls_CAfile") == "" && v.Route.Param("smtp_tls_CApath") != "",
				"service %s is chrooted and has smtp_tls_CApath only", v.Route.Service)
		}},
	}
}

// hostRules are about the rest of main.cf, and the host.
func hostRules() []Rule {
	return []Rule{
		{"verbose_log_leaks_password", Error, func(v *View) []Finding {
			for _, arg := range v.Route.Args {
				if strings.HasPrefix(arg, "-v") {
					return v.when(true, "service %s runs with %s", v.Route.Service, arg)
				}
			}
			list := v.Route.Param("debug_peer_list")
			return v.when(v.Route.Host != "" && ContainsFold(Words(list), v.Route.Host), "debug_peer_list = %s", list)
		}},
		{"maincf_inline_comment", Warning, inlineComment},
		{"maincf_duplicate", Warning, duplicate},
		{"maincf_typo", Warning, func(v *View) []Finding {
			for _, w := range v.Warnings {
				if m := unusedParameter.FindStringSubmatch(w); m != nil {
					return v.when(true, "unknown: %s", m[1])
				}
			}
			return nil
		}},
		// A mail server whose domain this is has it right; whether the mailboxes are
		// here no file tells.
		{"mydestination_domain", Warning, ownDomain},
		{"helo_localhost", Error, func(v *View) []Finding {
			helo := v.Route.Param("smtp_helo_name")
			return v.when(helo != "" && !strings.HasPrefix(helo, "[") && !mailaddr.Qualified(helo), "this host greets as %s", helo)
		}},
		{"header_size", Warning, func(v *View) []Finding {
			limit, err := strconv.Atoi(v.Route.Param("header_size_limit"))
			return v.when(err == nil && limit < 102400, "header_size_limit = %d", limit)
		}},
		// A warning: a server that dials in is meant to wait.
		{"transport_deferred", Warning, func(v *View) []Finding {
			deferred := v.Config.Params["defer_transports"]
			return v.when(slices.Contains(Words(deferred), v.Route.Service), "defer_transports = %s: mail of %s waits until the queue is flushed", deferred, v.Route.Service)
		}},
		{"postfix_down", Error, func(v *View) []Finding {
			return v.when(!v.Running, "no master process runs for %s", v.Dir)
		}},
	}
}

// levels of smtp_tls_security_level and of the policy table (postconf(5)).
var levels = []string{"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"}

var unusedParameter = regexp.MustCompile(`(?:unused|undefined) parameter: ([A-Za-z0-9_-]+)`)

// level is the TLS level for the next hop, in lower case: that of the policy table,
// where one that can be read has an entry for it, or the general one.
func (v *View) level() string {
	r := v.Route
	if policy := v.policy(r.Param("smtp_tls_policy_maps"), r.NextHop); len(policy) > 0 {
		return strings.ToLower(policy[0])
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

// authWanted reports whether somebody meant Postfix to log in: a password table
// is named, and there is a relay.
func (r Route) authWanted() bool { return r.NextHop != "" && r.Param("smtp_sasl_password_maps") != "" }

func malformedNextHop(v *View) []Finding {
	for _, hop := range Words(v.Route.NextHop) {
		if strings.HasPrefix(hop, "#") { // words of a comment: maincf_inline_comment
			break
		}
		if _, _, err := SplitNextHop(hop); err != nil {
			return v.when(true, "the next hop cannot be read: %v", err)
		}
	}
	return nil
}

func noplaintext(v *View) []Finding {
	// Each falls back to the one before (postconf(5)).
	value := v.Route.Param("smtp_sasl_security_options")
	for _, name := range []string{"smtp_sasl_tls_security_options", "smtp_sasl_tls_verified_security_options"} {
		if v := v.Route.Param(name); v != "" && !strings.HasPrefix(v, "$") {
			value = v
		}
	}
	return v.when(v.Route.yes("smtp_sasl_auth_enable") && !v.Route.OAuth && slices.Contains(Words(value), "noplaintext"), "noplaintext holds on verified TLS as well")
}

func inlineComment(v *View) []Finding {
	return v.when(len(v.InlineComments) > 0, "a '#' in the value of %s", strings.Join(v.InlineComments, ", "))
}

// ContainsFold reports whether list has one of want, whatever the case.
func ContainsFold(list []string, want ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(s, w) })
	})
}

package lint

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// enumerations are the words that parameters of the SMTP client accept
// (postconf(5)); a list parameter takes several. A wrong one makes smtp(8) die
// at its start, without any line for the message.
var enumerations = map[string][]string{
	"smtp_tls_security_level":                 {"", "none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"},
	"smtp_address_preference":                 {"any", "ipv4", "ipv6"},
	"smtp_host_lookup":                        {"dns", "native"},
	"smtp_dns_support_level":                  {"", "disabled", "enabled", "dnssec"},
	"smtp_tls_mandatory_ciphers":              {"export", "low", "medium", "high", "null"},
	"smtp_tls_ciphers":                        {"export", "low", "medium", "high", "null"},
	"inet_protocols":                          {"all", "ipv4", "ipv6"},
	"smtp_sasl_security_options":              saslOptions,
	"smtp_sasl_tls_security_options":          saslOptions,
	"smtp_tls_mandatory_protocols":            nil, // syntax of its own, see protocols
	"smtp_tls_protocols":                      nil,
	"smtp_sasl_tls_verified_security_options": saslOptions,
}

// anyCase are those whose case does not count (name_code(3); the others: name_mask(3)).
var anyCase = []string{"smtp_tls_security_level", "smtp_address_preference", "smtp_dns_support_level", "smtp_tls_mandatory_ciphers", "smtp_tls_ciphers"}

var saslOptions = []string{"", "noplaintext", "noactive", "nodictionary", "noanonymous", "mutual_auth", "forward_secrecy"}

// protocolNames are those of OpenSSL in tls_protocols; "!", and since 3.6 "<="
// and ">=", may stand before them.
var protocolNames = []string{"sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"}

// addresses are parameters that take an IP address, which smtp(8) does not look up.
var addresses = []string{"smtp_bind_address", "smtp_bind_address6"}

// notTyped look like numbers or booleans by their default and take other values as well: a
// directory in place of "no", normalize (Postfix 3.7, whose default is "no").
var notTyped = []string{"compatibility_level", "milter_protocol", "lmtp_tcp_port", "smtp_tcp_port", "mail_release_date",
	"html_directory", "readme_directory", "smtpd_forbid_bare_newline"}

// notTypedEnds end the names of further ones: a level may be a name, and feedback 1/concurrency.
var notTypedEnds = []string{"_loglevel", "_concurrency_negative_feedback", "_concurrency_positive_feedback"}

func isTyped(name string) bool {
	return !slices.Contains(notTyped, name) && !slices.ContainsFunc(notTypedEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// malformedOption finds an -o that is no name=value, of which the program of the service
// ends as soon as it starts. master(8) and postfix check do not notice, and postconf(1)
// only where the option is in braces. A program that is not of Postfix reads its
// arguments as it likes.
func malformedOption(v *View) (found []Finding) {
	for _, s := range v.Services {
		for _, o := range s.Options {
			if o.Name == "" && !strings.Contains(s.Command, "/") {
				found = append(found, Finding{File: v.Master, Line: o.Line,
					Detail: fmt.Sprintf("the service %s has -o %s, which is no name=value: %s(8) ends as soon as it starts", s.key(), o.Value, s.Command),
					Remedy: "Write -o name=value without blanks, or in braces: -o { name = value }. Then reload Postfix."})
			}
		}
	}
	return found
}

// booleans are parameters that take yes or no and that the programs on the way of mail
// read, for where the defaults are not known.
var booleans = []string{
	"append_at_myorigin", "append_dot_mydomain", "swap_bangpath", "allow_percent_hack", "allow_min_user", "resolve_dequoted_address",
	"resolve_null_domain", "resolve_numeric_domain", "sender_based_routing", "owner_request_special", "biff", "soft_bounce", "disable_dns_lookups",
	"enable_original_recipient", "helpful_warnings", "expand_owner_alias", "smtp_sasl_auth_enable", "smtp_sender_dependent_authentication",
	"smtp_tls_wrappermode", "smtp_use_tls", "smtp_enforce_tls", "smtp_tls_note_starttls_offer", "smtp_always_send_ehlo", "smtp_never_send_ehlo",
	"smtp_send_xforward_command", "smtp_tls_enforce_peername", "smtp_quote_rfc821_envelope", "smtp_defer_if_no_mx_address_found",
}

// elsewhere begin or end the names of parameters that only incoming or local mail
// needs, or that Postfix does without.
var elsewhere = struct{ before, after []string }{
	[]string{"smtpd_", "postscreen_", "lmtp_", "alias_", "local_", "mailbox_", "virtual_mailbox_maps", "virtual_uid_", "virtual_gid_",
		"relay_recipient_maps", "address_verify_", "milter_", "tlsproxy_", "compatibility_level"},
	[]string{"_cache_database", "_cache_map", "_tcp_port", "_restrictions"},
}

// outgoing reports whether mail on its way out needs the parameter.
func outgoing(name string) bool {
	return !slices.ContainsFunc(elsewhere.before, func(w string) bool { return strings.HasPrefix(name, w) }) &&
		!slices.ContainsFunc(elsewhere.after, func(w string) bool { return strings.HasSuffix(name, w) })
}

// Stops reports whether f keeps the programs from running that all mail leaves by.
func (f Finding) Stops() bool {
	return f.Severity == Error && slices.Contains([]string{"value_not_boolean", "parameter_value", "map_type_unsupported", "map_db_missing"}, f.Rule) &&
		filepath.Base(f.File) == "main.cf" && outgoing(f.Parameter)
}

// valueRules are about values that Postfix does not take: the program that reads one
// ends as it starts. postconf(1) and "postfix check" pass them.
func valueRules() []Rule {
	return []Rule{
		{"value_not_boolean", Error, values("value_not_boolean")},
		{"parameter_value", Error, values("parameter_value")},
		{"smtp_fatal_level", Error, values("smtp_fatal_level")},
		// Of programs that mail on its way out does not need.
		{"value_elsewhere", Warning, values("value_elsewhere")},
	}
}

// values is the rule about one kind of such values.
func values(id string) func(*View) []Finding {
	return func(v *View) (found []Finding) {
		for _, f := range v.badValues() {
			if f.Rule == id {
				found = append(found, f)
			}
		}
		return found
	}
}

// badValues are such values in main.cf and in -o, each with its rule.
func (v *View) badValues() []Finding {
	if v.values != nil {
		return v.values
	}
	v.values = []Finding{}
	add := func(concerned bool, f Finding, value string) {
		var reason string
		if f.Rule, reason = v.wrong(f.Parameter, value); f.Rule == "" {
			return
		}
		if !concerned {
			f.Rule = "value_elsewhere"
		}
		f.Detail += ": " + reason + ": the programs that read it end as they start"
		f.Remedy = "Correct the value of " + f.Parameter + ", or remove it."
		v.values = append(v.values, f)
	}
	for _, p := range v.Defined {
		if last, _ := v.Last(p.Name); last == p {
			add(outgoing(p.Name), Finding{File: v.Main, Line: p.Line, Parameter: p.Name, Detail: p.Name, Command: "postconf -X " + p.Name}, v.Value(p.Name))
		}
	}
	for _, s := range v.Services {
		for _, o := range s.Options {
			value, known := o.Value, !strings.Contains(o.Value, "$")
			if v.Expand != nil {
				value, known = v.Expand(o.Value)
			}
			if known {
				add(v.uses(s), Finding{File: v.Master, Line: o.Line, Parameter: o.Name, Detail: o.Name + " of " + s.key(),
					Command: fmt.Sprintf("postconf -PX '%s/%s'", s.key(), o.Name)}, value)
			}
		}
	}
	return v.values
}

// uses reports whether mail for other servers goes by the service, or is meant to.
func (v *View) uses(s Service) bool {
	transport, _, _ := strings.Cut(v.Value("default_transport"), ":")
	return s.Type == "unix" && (s.own() || s.Name == transport || slices.ContainsFunc(v.Routes, func(r Route) bool { return r.Service == s.Name }))
}

// wrong says what is wrong with a value, and the ID of the rule about it; "" if nothing
// is. Booleans, times and numbers are recognised by their default.
func (v *View) wrong(name, value string) (id, reason string) {
	def, known := v.Defaults[name]
	words, listed := enumerations[name]
	switch {
	case strings.Contains(value, "$"): // not expanded
	case listed:
		if reason = wrongWord(value, words, slices.Contains(anyCase, name), v.AtLeast); reason != "" {
			return "smtp_fatal_level", reason
		}
	case slices.Contains(addresses, name):
		if !takenForAddress(value) {
			return "smtp_fatal_level", fmt.Sprintf("%q is no IP address", value)
		}
	case known && !isTyped(name):
	case isBoolean(def) || !known && slices.Contains(booleans, name):
		if !isBoolean(strings.ToLower(value)) {
			return "value_not_boolean", fmt.Sprintf("%q is not yes or no", value)
		}
	case isTime(def) && !digits(def):
		if !isTime(value) {
			return "parameter_value", fmt.Sprintf("%q is not a time (30s, 5m, 1h)", value)
		}
	case def != "" && digits(def):
		if value == "" || !digits(strings.TrimPrefix(value, "-")) {
			return "parameter_value", fmt.Sprintf("%q is not a number", value)
		}
	}
	return "", ""
}

func isBoolean(value string) bool { return value == "yes" || value == "no" }

// takenForAddress reports whether smtp(8) takes value for an IP address: inet_aton(3) knows
// shorter forms of IPv4.
func takenForAddress(value string) bool {
	_, err := netip.ParseAddr(strings.Trim(value, "[]"))
	return err == nil || strings.Trim(value, "0123456789.") == ""
}

func quote(value string) string {
	if value == "" {
		return "empty"
	}
	return "\"" + value + "\""
}

// isTime is conv_time(3): a number and s, m, h, d or w.
func isTime(s string) bool {
	number := strings.TrimRight(s, "smhdw")
	return number != "" && len(s)-len(number) <= 1 && digits(number)
}

func wrongWord(value string, words []string, anyCase bool, atLeast func(int, int) bool) string {
	if value == "" && !slices.Contains(words, "") && words != nil {
		return "must not be empty"
	}
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t,:", r) }) {
		if words == nil {
			if reason := wrongProtocol(word, atLeast); reason != "" {
				return reason
			}
		} else if !slices.Contains(words, word) && !(anyCase && ContainsFold(words, word)) {
			return quote(word) + " is none of " + strings.TrimPrefix(strings.Join(words, ", "), ", ")
		}
	}
	return ""
}

func wrongProtocol(word string, atLeast func(int, int) bool) string {
	name := strings.TrimLeft(word, "!<>=")
	if strings.ContainsAny(word, "<>") && atLeast != nil && atLeast(2, 0) && !atLeast(3, 6) { // a version that is known
		return quote(word) + " is understood by Postfix 3.6 and later only"
	}
	if !slices.Contains(protocolNames, strings.ToLower(name)) && !strings.HasPrefix(name, "0x") {
		return quote(word) + " is no TLS protocol"
	}
	return ""
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

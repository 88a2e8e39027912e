package lint

import (
	"fmt"
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

var saslOptions = []string{"", "noplaintext", "noactive", "nodictionary", "noanonymous", "mutual_auth", "forward_secrecy"}

// protocolNames are those of OpenSSL in tls_protocols; "!", and since 3.6 "<="
// and ">=", may stand before them.
var protocolNames = []string{"sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"}

// notTyped look like numbers by their default and are none.
var notTyped = []string{"compatibility_level", "milter_protocol", "lmtp_tcp_port", "smtp_tcp_port", "mail_release_date"}

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

// values checks everything that main.cf sets and every -o.
func (p *findings) values(c intent) {
	for _, name := range c.names() {
		value, known := c.Config.Params[name]
		if !known {
			continue
		}
		if reason := c.wrong(name, value); reason != "" {
			// Parameters of other programs are not the relay's concern.
			p.value(strings.HasPrefix(name, "smtp_"), "main.cf", name, reason)
		}
	}
	for _, s := range c.View.Services {
		for _, o := range s.Options {
			value, known := c.Expand(o.Value)
			if reason := c.wrong(o.Name, value); known && reason != "" {
				p.value(c.uses(s.Name), "master.cf: "+s.key(), o.Name, reason)
			}
		}
	}
}

// value adds a value that Postfix does not take.
func (p *findings) value(fatal bool, where, parameter, reason string) {
	if fatal {
		p.fatal("smtp_fatal_level", where, parameter, "%s", reason)
	} else {
		p.warn("", where, parameter, "%s", reason)
	}
}

// uses reports whether mail is meant to go by the service.
func (c intent) uses(service string) bool {
	return slices.ContainsFunc(c.Meant.Services(), func(w MeantRoute) bool { return w.Service == service })
}

// wrong says what is wrong with a value, "" if nothing is. Booleans, times and
// numbers are recognised by their default.
func (c intent) wrong(name, value string) string {
	if words, ok := enumerations[name]; ok {
		return wrongWord(value, words, c.AtLeast)
	}
	def, known := c.Defaults[name]
	switch {
	case !known || slices.Contains(notTyped, name) || strings.HasSuffix(name, "_loglevel"):
		return ""
	case def == "yes" || def == "no":
		if !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
			return "must be yes or no, not " + quote(value)
		}
	case isTime(def) && !digits(def):
		if !isTime(value) {
			return "must be a time such as 30s, not " + quote(value)
		}
	case def != "" && digits(def):
		if value == "" || !digits(strings.TrimPrefix(value, "-")) {
			return "must be a number, not " + quote(value)
		}
	}
	return ""
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

func wrongWord(value string, words []string, atLeast func(int, int) bool) string {
	if value == "" && !slices.Contains(words, "") && words != nil {
		return "must not be empty"
	}
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t,:", r) }) {
		if words == nil {
			if reason := wrongProtocol(word, atLeast); reason != "" {
				return reason
			}
		} else if !slices.Contains(words, word) {
			return quote(word) + " is none of " + strings.TrimPrefix(strings.Join(words, ", "), ", ")
		}
	}
	return ""
}

func wrongProtocol(word string, atLeast func(int, int) bool) string {
	name := strings.TrimLeft(word, "!<>=")
	if strings.ContainsAny(word, "<>") && !atLeast(3, 6) {
		return quote(word) + " is understood by Postfix 3.6 and later only"
	}
	if !slices.Contains(protocolNames, strings.ToLower(name)) && !strings.HasPrefix(name, "0x") {
		return quote(word) + " is no TLS protocol"
	}
	return ""
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// names are the parameters that main.cf sets, none twice.
func (v *View) names() (all []string) {
	for _, p := range v.Defined {
		if !slices.Contains(all, p.Name) {
			all = append(all, p.Name)
		}
	}
	return all
}

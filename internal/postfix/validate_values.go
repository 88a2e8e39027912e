package postfix

import (
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

// values checks everything that main.cf sets and every -o.
func (p *problems) values(c Staged) {
	for _, name := range c.State.Main.Names() {
		value, known := c.State.Params[name]
		if !known {
			continue
		}
		if reason := c.wrong(name, value); reason != "" {
			// Parameters of other programs are not the relay's concern.
			*p = append(*p, Problem{strings.HasPrefix(name, "smtp_"), "main.cf", name, reason, OfValue})
		}
	}
	for _, s := range c.State.Master.Services() {
		for _, o := range s.Options {
			value, known := expand(o.Value, func(name string) string { return c.State.Params[name] })
			if reason := c.wrong(o.Name, value); known && reason != "" {
				*p = append(*p, Problem{c.uses(s.Name), "master.cf: " + key(s.Name, s.Type), o.Name, reason, OfValue})
			}
		}
	}
}

// uses reports whether mail is meant to go by the service.
func (c Staged) uses(service string) bool {
	return slices.ContainsFunc(c.services(), func(w StagedWay) bool { return w.Service == service })
}

// wrong says what is wrong with a value, "" if nothing is. Booleans, times and
// numbers are recognised by their default.
func (c Staged) wrong(name, value string) string {
	if words, ok := enumerations[name]; ok {
		return wrongWord(name, value, words, c.State.Version)
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

func wrongWord(name, value string, words []string, v Version) string {
	if value == "" && !slices.Contains(words, "") && words != nil {
		return "must not be empty"
	}
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t,:", r) }) {
		if words == nil {
			if reason := wrongProtocol(word, v); reason != "" {
				return reason
			}
		} else if !slices.Contains(words, word) {
			return quote(word) + " is none of " + strings.TrimPrefix(strings.Join(words, ", "), ", ")
		}
	}
	return ""
}

func wrongProtocol(word string, v Version) string {
	name := strings.TrimLeft(word, "!<>=")
	if strings.ContainsAny(word, "<>") && !v.AtLeast(3, 6) {
		return quote(word) + " is understood by Postfix 3.6 and later only"
	}
	if !slices.Contains(protocolNames, strings.ToLower(name)) && !strings.HasPrefix(name, "0x") {
		return quote(word) + " is no TLS protocol"
	}
	return ""
}

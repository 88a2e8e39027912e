package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What follows judges the server as a whole, beside a relay: for a setup before it
// is written, and for one that is there.

// LocalDomains are the parameters that name the domains whose mail stays on a server
// (ADDRESS_CLASS_README).
func LocalDomains() []string {
	return []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"}
}

// In reports whether domain is in a list parameter: by name, as a line of a file, or
// as a key of a table whose source is known.
func (c Config) In(param, domain string) bool {
	for _, word := range MatchList(c.Params[param]) {
		name := strings.TrimLeft(word, "!")
		if c.lists(name, domain) { // the first that matches counts
			return (len(word)-len(name))%2 == 0
		}
	}
	return false
}

// lists reports whether a word of such a list is domain or names a table or a file that has it.
func (c Config) lists(word, domain string) bool {
	if strings.EqualFold(word, domain) {
		return true
	}
	if strings.HasPrefix(word, "/") { // a file with such a list in each line (postconf(5), mydestination)
		return slices.ContainsFunc(logicalLines(c.Tables[word]), func(l logicalLine) bool { return ContainsFold(MatchList(l.text), domain) })
	}
	return c.Lookups != nil && slices.ContainsFunc(c.Lookups.Tables(word), func(t Table) bool {
		if _, known := c.Tables[t.Path]; !known {
			return false
		}
		source, err := c.Lookups.Source(t.Path)
		_, found := source[strings.ToLower(domain)]
		return err == nil && found
	})
}

// IsHost reports whether name is that of the server itself.
func (c Config) IsHost(name string) bool {
	return strings.EqualFold(name, c.Params["myhostname"]) || strings.EqualFold(name, c.Hostname) || strings.EqualFold(name, c.FQDN)
}

// OwnDomain finds the parameters by which domain, that of a sender, is delivered on
// this server although its name is another.
func (c Config) OwnDomain(domain string) (found []Finding) {
	if domain == "" {
		return nil
	}
	for _, name := range LocalDomains() {
		if !c.IsHost(domain) && c.In(name, domain) {
			found = append(found, Finding{Rule: "mydestination_domain", Severity: Warning, File: c.Main, Parameter: name, Detail: fmt.Sprintf("%s is in %s", domain, name)})
		}
	}
	return found
}

// HasPlugin reports whether a SASL plugin for one of the mechanisms is installed.
func (c Config) HasPlugin(mechanisms ...string) bool {
	return ContainsFold(c.SASLPlugins, mechanisms...)
}

// Oversize finds that this server takes larger messages (message_size_limit) than
// its relay, which takes most bytes; 0 is not known.
func (c Config) Oversize(relay string, most int64) []Finding {
	limit, err := strconv.ParseInt(c.Params["message_size_limit"], 10, 64)
	if err != nil || most == 0 || limit != 0 && limit <= most {
		return nil
	}
	return []Finding{{Rule: "message_too_big", Severity: Warning, File: c.Main, Parameter: "message_size_limit",
		Detail:  fmt.Sprintf("this server accepts messages of up to %d bytes, %s of up to %d", limit, relay, most),
		Command: fmt.Sprintf("postconf -e 'message_size_limit = %d' && postfix reload", most)}}
}

// SharedSettings finds that the mail of this server goes by a service that an earlier
// release of relayhost wrote: one without a TLS level of its own, so that main.cf
// says how it logs in and speaks TLS. On Postfix 3.10 and later a message with the
// header "TLS-Required: no" turns verified TLS off there (tls_required_enable).
func (c Config) SharedSettings() []Finding {
	transport, _, _ := strings.Cut(c.Params["default_transport"], ":")
	i := slices.IndexFunc(c.Services, func(s Service) bool { return s.Name == transport && s.Type == "unix" })
	if i < 0 || !c.Services[i].own() || c.Services[i].Command != "smtp" {
		return nil
	}
	if _, own := c.Services[i].Option("smtp_tls_security_level"); own {
		return nil
	}
	f := Finding{Rule: "shared_settings", Severity: Warning, File: c.Main,
		Detail:  "an earlier release wrote this setup: its account and TLS policy are in main.cf, where other services with the same next hop use them",
		Remedy:  "Run setup again: it moves them to the service of the relay.",
		Command: "relayhost setup"}
	if c.AtLeast(3, 10) {
		f.Detail += "; on this Postfix a message with the header \"TLS-Required: no\" leaves without verified TLS, possibly unencrypted"
	}
	return []Finding{f}
}

// own reports whether the service is one that setup writes.
func (s Service) own() bool { return strings.HasPrefix(s.Name, "relayhost-") }

// bypasses are parameters that send mail past relayhost (trivial-rewrite(8), in
// the order in which they win).
var bypasses = []string{"transport_maps", "sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps"}

// Bypass finds the parameters that come before the relay and can send mail past it;
// whether they do for a message, only the tables say.
func (c Config) Bypass() (found []Finding) {
	for _, name := range bypasses {
		if value := c.Params[name]; value != "" {
			found = append(found, Finding{Rule: "override_elsewhere", Severity: Warning, File: "main.cf", Parameter: name, Detail: name + ": can send mail past the relay: " + value})
		}
	}
	return found
}

// Unused finds that default_transport names no service of setup while master.cf has one.
func (c Config) Unused() (found []Finding) {
	const name = "default_transport"
	transport, _, _ := strings.Cut(c.Params[name], ":")
	if (Service{Name: transport}).own() {
		return nil
	}
	for _, s := range c.Services {
		if s.own() && (s.Command == "smtp" || s.Command == "lmtp") {
			found = append(found, Finding{Rule: "override_elsewhere", Severity: Error, File: "main.cf", Parameter: name, Detail: name + ": is " + quote(transport) + ", and not " + s.Name})
		}
	}
	return found
}

// foreign reports whether mail goes by services of setup and all of them have a
// password table of their own, which is not in file: what is wrong there hits other
// mail.
func (v *View) foreign(file string) bool {
	ours := 0
	for _, s := range v.Services {
		if !s.own() || s.Command != "smtp" {
			continue
		}
		ours++
		tables, own := s.Option("smtp_sasl_password_maps")
		_, off := s.Option("smtp_sasl_auth_enable")
		if !own && !off || strings.Contains(tables, ":"+file) {
			return false
		}
	}
	return ours > 0
}

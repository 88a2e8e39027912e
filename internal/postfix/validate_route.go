package postfix

import (
	"path/filepath"
	"slices"
	"strings"
)

// clientMaps are the tables that smtp(8) opens at its start; with one that cannot
// be opened mail is deferred ("local data error").
var clientMaps = []string{"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "smtp_delivery_status_filter", "smtp_reply_filter"}

// bypasses are parameters that send mail past relayhost (trivial-rewrite(8), in
// the order in which they win).
var bypasses = []string{"transport_maps", "sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps"}

// obsoleteTLS are parameters that smtp_tls_security_level overrides since 2.3.
var obsoleteTLS = []string{"smtp_use_tls", "smtp_enforce_tls", "smtp_tls_enforce_peername", "smtp_tls_per_site"}

// route checks that mail goes to the next hop through the relay's service.
func (p *problems) route(c Staged) {
	params := c.State.Params
	relayhosts := Words(params["relayhost"])
	for _, hop := range relayhosts {
		if _, _, err := splitNextHop(hop); err != nil {
			p.fatal("main.cf", "relayhost", "%v", err)
		}
	}
	if len(relayhosts) > 1 && !c.State.Version.AtLeast(3, 5) {
		p.fatal("main.cf", "relayhost", "a list of relays needs Postfix 3.5")
	}
	transport, hop, _ := strings.Cut(params["default_transport"], ":")
	switch {
	case transport == "error" || transport == "discard":
		p.fatal("main.cf", "default_transport", "is %s, so relayhost has no effect (as Debian's \"Local only\" sets it)", transport)
	case transport != c.Service:
		p.fatal("main.cf", "default_transport", "is %s, not the relay's service %s", quote(transport), c.Service)
	case hop != "" && hop != c.NextHop:
		p.fatal("main.cf", "default_transport", "names the next hop %s, not %s", hop, c.NextHop)
	case hop == "" && !slices.Contains(relayhosts, c.NextHop):
		p.fatal("main.cf", "relayhost", "is %s, not the next hop %s", quote(params["relayhost"]), c.NextHop)
	}
	// trivial-rewrite(8) chooses the way, so that its -o win over main.cf.
	if rewrite, ok := c.State.Master.Get("rewrite", "unix"); ok {
		names := []string{"default_transport"}
		if hop == "" {
			names = append(names, "relayhost")
		}
		for _, name := range names {
			if own, set := rewrite.Option(name); set && own != params[name] {
				p.fatal("master.cf: rewrite/unix", name, "is %s there and so overrides main.cf", quote(own))
			}
		}
	}
	for _, name := range bypasses {
		if others := c.others(name); others != "" {
			p.warn("main.cf", name, "can send mail past the relay: %s", others)
		}
	}
	for _, name := range obsoleteTLS {
		if _, set := c.State.Main.Get(name); set {
			p.warn("main.cf", name, "is obsolete and has no effect beside smtp_tls_security_level")
		}
	}
}

// others are the tables of a list parameter that are not of the setup.
func (c Staged) others(name string) string {
	var others []string
	for _, t := range ParseTables(c.State.Params[name], c.State.DefaultMap) {
		if len(c.Ways) == 1 || !strings.HasPrefix(filepath.Base(t.Path), OwnPrefix) {
			others = append(others, t.String())
		}
	}
	return strings.Join(others, " ")
}

// service checks the relay's own service: what main.cf and its -o add up to.
func (p *problems) service(c Staged, service Service) {
	where := "master.cf: " + key(service.Name, service.Type)
	get := func(name string) string {
		value, _ := c.State.Effective(service, name)
		return value
	}
	if service.Command != "smtp" {
		p.fatal(where, "", "runs %s, not smtp", service.Command)
	}
	switch auth := get("smtp_sasl_auth_enable"); {
	case c.NoAuth:
	case !strings.EqualFold(auth, "yes"):
		p.fatal(where, "smtp_sasl_auth_enable", "is %s: no password would be sent", quote(auth))
	case get("smtp_sasl_password_maps") == "":
		p.fatal(where, "smtp_sasl_password_maps", "is empty while authentication is on, which smtp(8) dies of")
	}
	wrapper := strings.EqualFold(get("smtp_tls_wrappermode"), "yes")
	if wrapper != c.Implicit {
		p.fatal(where, "smtp_tls_wrappermode", "is %s, which this port does not speak", quote(get("smtp_tls_wrappermode")))
	}
	p.level(c, where, get)
	if !c.NoAuth {
		p.plaintext(c, where, get)
	}
	if policyValue(c, "connection_reuse") == "yes" || strings.EqualFold(get("smtp_tls_connection_reuse"), "yes") {
		name := c.State.Params["tlsproxy_service_name"]
		if own := get("tlsproxy_service_name"); own != "" {
			name = own
		}
		if _, ok := c.State.Master.Get(name, "unix"); !ok && name != "" {
			p.fatal("master.cf", "smtp_tls_connection_reuse", "needs the service %s, which is not there: all mail would be deferred", name)
		}
	}
	if typ := get("smtp_sasl_type"); typ != "" && c.State.SASLTypes != nil && !slices.Contains(c.State.SASLTypes, typ) {
		p.fatal(where, "smtp_sasl_type", "%s is not built into this Postfix", typ)
	}
}

// verifying are the TLS levels that check who the relay is.
var verifying = []string{"secure", "verify", "fingerprint", "dane-only"}

// levelFor is the TLS level for the next hop, and the parameter that sets it.
func levelFor(c Staged, get func(string) string) (level, parameter string) {
	if level = policyLevel(c); level != "" {
		return level, "smtp_tls_policy_maps"
	}
	return get("smtp_tls_security_level"), "smtp_tls_security_level"
}

// level checks that nobody else can be taken for the relay.
func (p *problems) level(c Staged, where string, get func(string) string) {
	level, parameter := levelFor(c, get)
	accepted := slices.Contains(verifying, level) || c.NoVerify && level == "encrypt"
	if !accepted {
		p.fatal(where, parameter, "the level for %s is %s, which does not verify the relay's certificate", c.NextHop, quote(level))
	}
	if accepted && lowered(c, get) {
		p.warn(where, "tls_required_enable", "is %s: a message with the header \"TLS-Required: no\" leaves without verified TLS, maybe in the clear", quote(get("tls_required_enable")))
	}
	roots := get("smtp_tls_CAfile") + get("smtp_tls_CApath") + policyValue(c, "tafile")
	if (level == "secure" || level == "verify") && roots == "" && !strings.EqualFold(get("tls_append_default_CA"), "yes") {
		p.fatal(where, "smtp_tls_CAfile", "is empty: no certificate can be verified")
	}
}

// enforced reports whether no session is used without the TLS that the level asks
// for. From Postfix 3.10 on a header of the message can lower the level to "may"
// (TLS-Required: no, RFC 8689).
func enforced(c Staged, get func(string) string) bool {
	level, _ := levelFor(c, get)
	return (slices.Contains(verifying, level) || level == "encrypt") && !lowered(c, get)
}

// lowered reports whether a header of the message can lower the TLS level.
func lowered(c Staged, get func(string) string) bool {
	return c.State.Version.AtLeast(3, 10) && !strings.EqualFold(get("tls_required_enable"), "no")
}

// plaintext checks that a password goes over a connection that is encrypted and
// verified, and over that one does go.
func (p *problems) plaintext(c Staged, where string, get func(string) string) {
	name := "smtp_sasl_tls_security_options"
	if level, _ := levelFor(c, get); slices.Contains(verifying, level) {
		name = "smtp_sasl_tls_verified_security_options"
	}
	if options := get(name); strings.Contains(options, "noplaintext") {
		p.fatal(where, name, "forbids PLAIN and LOGIN (%s), so no login is possible", options)
	}
	if !strings.Contains(get("smtp_sasl_security_options"), "noplaintext") && !enforced(c, get) {
		p.fatal(where, "smtp_sasl_security_options", "lacks noplaintext: the password could go over a connection without TLS")
	}
	if plugins := c.State.SASLPlugins; !slices.Contains(plugins, "PLAIN") && !slices.Contains(plugins, "LOGIN") {
		p.fatal(where, "smtp_sasl_type", "the SASL plug-ins for PLAIN and LOGIN are not installed")
	}
}

// keys checks that the tables have exactly the next hop as key. Lookups go by
// the bare host name first and by the next hop as it is written second.
func (p *problems) keys(c Staged, service Service) {
	value, _ := c.State.Effective(service, "smtp_sasl_password_maps")
	tables := ParseTables(value, c.State.DefaultMap)
	bare, _, err := splitNextHop(c.NextHop)
	if err != nil {
		p.fatal(key(service.Name, service.Type), "relayhost", "%v", err)
		return
	}
	found, readable := false, true
	for _, t := range tables {
		if !slices.Contains(c.State.MapTypes, t.Type) && c.State.MapTypes != nil {
			p.fatal("main.cf", "smtp_sasl_password_maps", "this Postfix has no lookup tables of type %s", t.Type)
		}
		if _, ok := c.State.Maps[t.Path]; !ok {
			readable = readable && t.Editable() && !slices.Contains(c.State.Unreadable, t.Path)
			continue
		}
		source, err := c.lookups.source(t.Path)
		if err != nil {
			p.fatal(t.Path, "", "%v", err)
			continue
		}
		if _, ok := source[fold(c.NextHop)]; ok {
			found = true
		}
		if _, ok := source[fold(bare)]; ok {
			p.fatal(t.Path, "", "has the key %s, which wins over %s", bare, c.NextHop)
		}
	}
	if !found && readable {
		p.fatal("main.cf", "smtp_sasl_password_maps", "no table has the key %s", c.NextHop)
	}
	if c.keyed(service) {
		p.warn("main.cf", "smtp_sender_dependent_authentication", "an entry for the sender's address wins over %s", c.NextHop)
	}
}

// policy is the entry for the next hop in smtp_tls_policy_maps.
func policy(c Staged) []string {
	service, _ := c.State.Master.Get(c.Service, "unix")
	value, _ := c.State.Effective(service, "smtp_tls_policy_maps")
	for _, t := range ParseTables(value, c.State.DefaultMap) {
		source, err := c.lookups.source(t.Path)
		if err != nil {
			continue
		}
		if entry, ok := source[fold(c.NextHop)]; ok {
			return Words(entry)
		}
	}
	return nil
}

func policyLevel(c Staged) string {
	if words := policy(c); len(words) > 0 {
		return words[0]
	}
	return ""
}

func policyValue(c Staged, name string) string {
	for _, word := range policy(c) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Meant is what a configuration is meant to do, to be held against what it does: its
// routes, the default first; one at least.
type Meant []MeantRoute

// MeantRoute is where mail of some senders is meant to go, in the words of Postfix: this
// package is below config, and is asked about setups that relayhost has not made.
type MeantRoute struct {
	Service string     // entry in master.cf, "relayhost-ses"
	Senders []string   // keys of sender_dependent_default_transport_maps, patterns as "/.../"; none for the default
	Hops    []MeantHop // the first, and then those of smtp_fallback_relay; one at least
}

// MeantHop is one next hop and what may be missing there by intent.
type MeantHop struct {
	NextHop  string // "[smtp.example.com]:587", as in relayhost
	Implicit bool   // TLS from the first byte
	NoVerify bool   // the certificate is deliberately not verified
	NoAuth   bool   // the relay knows this host by its address
	NoTLS    bool   // deliberately in the clear, on a private network
	Bridge   string // the entry of spawn(8) behind the socket that is NextHop; "" for none
}

// intent is a configuration with what it is meant to do, and the hop of it that is
// judged: the first of the default route unless at says another.
type intent struct {
	*View
	Meant
	MeantHop
	Service string
}

// findings collects.
type findings []Finding

// remedies are those of rules that no log shows and no cause in internal/explain has.
var remedies = map[string]struct{ remedy, command string }{
	"tls_not_verified":    {"Give the service of the relay the level secure, as setup does.", "relayhost setup"},
	"tls_required_header": {"Set tls_required_enable to no for the service of the relay, as setup does.", "relayhost setup"},
	"service_missing":     {"Run setup again: it adds the service to master.cf.", "relayhost setup"},
	"fallback_unknown":    {"Add the fallback relay to relayhost.toml: setup tests it.", "postconf smtp_fallback_relay"},
	"no_log":              {"Add the service postlog to master.cf: without it Postfix logs nothing.", "postfix upgrade-configuration"},
}

func (p *findings) fatal(rule, where, parameter, detail string, args ...any) {
	p.add(rule, Error, where, parameter, detail, args...)
}

func (p *findings) warn(rule, where, parameter, detail string, args ...any) {
	p.add(rule, Warning, where, parameter, detail, args...)
}

func (p *findings) add(rule string, severity Severity, where, parameter, detail string, args ...any) {
	known := remedies[rule]
	*p = append(*p, Finding{Rule: rule, Severity: severity, File: where, Parameter: parameter, Detail: fmt.Sprintf(detail, args...),
		Remedy: known.remedy, Command: known.command})
}

// Against holds a configuration against what it is meant to do. Findings name no
// line, and no rule where the catalogue of causes has none for the fault.
func Against(c Config, m Meant) []Finding {
	in := intent{View: &View{Config: c}, Meant: m, MeantHop: m[0].Hops[0], Service: m[0].Service}
	var found findings
	found.main(in)
	found.values(in)
	found.route(in)
	for _, r := range m.Services() {
		service, ok := in.transport(r.Service)
		if !ok {
			found.fatal("", "master.cf", "", "there is no service %s", r.Service)
			continue
		}
		found.meant(in, r, service)
	}
	found.bySender(in)
	return Distinct(found)
}

// Services are the routes, one for each service.
func (m Meant) Services() []MeantRoute {
	seen := make(map[string]bool)
	var list []MeantRoute
	for _, r := range m {
		if !seen[r.Service] {
			seen[r.Service] = true
			list = append(list, r)
		}
	}
	return list
}

// at is c with this hop as the one to be judged.
func (c intent) at(r MeantRoute, h MeantHop) intent {
	c.Service, c.MeantHop = r.Service, h
	return c
}

// Distinct is found with each finding once: the hops of a service share most.
func Distinct(found []Finding) []Finding {
	seen := make(map[Finding]bool, len(found))
	return slices.DeleteFunc(found, func(one Finding) bool {
		was := seen[one]
		seen[one] = true
		return was
	})
}

// main looks at main.cf as a text.
func (p *findings) main(c intent) {
	for _, name := range c.InlineComments {
		p.warn("", "main.cf", name, "\"#\" after other text is part of the value")
	}
	if c.Config.Params["maillog_file"] != "" {
		if !slices.ContainsFunc(c.View.Services, func(s Service) bool { return s.key() == "postlog/unix-dgram" }) {
			p.warn("no_log", "master.cf", "maillog_file", "needs the service postlog, which is not there")
		}
	}
}

// ownPrefix begins the names of the tables that relayhost keeps for itself.
const ownPrefix = "relayhost_"

// bypasses are parameters that send mail past relayhost (trivial-rewrite(8), in
// the order in which they win).
var bypasses = []string{"transport_maps", "sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps"}

// obsoleteTLS are parameters that smtp_tls_security_level overrides since 2.3.
var obsoleteTLS = []string{"smtp_use_tls", "smtp_enforce_tls", "smtp_tls_enforce_peername", "smtp_tls_per_site"}

// route checks that mail goes to the next hop through the relay's service.
func (p *findings) route(c intent) {
	params := c.Config.Params
	relayhosts := Words(params["relayhost"])
	for _, hop := range relayhosts {
		if _, _, err := SplitNextHop(hop); err != nil {
			p.fatal("", "main.cf", "relayhost", "%v", err)
		}
	}
	if len(relayhosts) > 1 && !c.AtLeast(3, 5) {
		p.fatal("", "main.cf", "relayhost", "a list of relays needs Postfix 3.5")
	}
	p.defaultTransport(c, relayhosts)
	for _, name := range bypasses {
		if others := c.others(name); others != "" {
			p.warn("", "main.cf", name, "can send mail past the relay: %s", others)
		}
	}
	for _, name := range obsoleteTLS {
		if _, set := c.Last(name); set {
			p.warn("", "main.cf", name, "is obsolete and has no effect beside smtp_tls_security_level")
		}
	}
}

// defaultTransport checks that other mail goes by the relay's service.
func (p *findings) defaultTransport(c intent, relayhosts []string) {
	params := c.Config.Params
	transport, hop, _ := strings.Cut(params["default_transport"], ":")
	switch {
	case transport == "error" || transport == "discard":
		p.fatal("override_elsewhere", "main.cf", "default_transport", "is %s, so relayhost has no effect (as Debian's \"Local only\" sets it)", transport)
	case transport != c.Service:
		p.fatal("override_elsewhere", "main.cf", "default_transport", "is %s, not the relay's service %s", quote(transport), c.Service)
	case hop != "" && hop != c.NextHop:
		p.fatal("override_elsewhere", "main.cf", "default_transport", "names the next hop %s, not %s", hop, c.NextHop)
	case hop == "" && !slices.Contains(relayhosts, c.NextHop):
		p.fatal("", "main.cf", "relayhost", "is %s, not the next hop %s", quote(params["relayhost"]), c.NextHop)
	}
	// trivial-rewrite(8) chooses the way, so that its -o win over main.cf.
	if rewrite, ok := c.transport("rewrite"); ok {
		names := []string{"default_transport"}
		if hop == "" {
			names = append(names, "relayhost")
		}
		for _, name := range names {
			if own, set := rewrite.Option(name); set && own != params[name] {
				rule := ""
				if name == "default_transport" {
					rule = "override_elsewhere"
				}
				p.fatal(rule, "master.cf: rewrite/unix", name, "is %s there and so overrides main.cf", quote(own))
			}
		}
	}
}

// others are the tables of a list parameter that are not of the setup.
func (c intent) others(name string) string {
	var others []string
	for _, t := range c.Lookups.Tables(c.Config.Params[name]) {
		if len(c.Meant) == 1 || !strings.HasPrefix(filepath.Base(t.Path), ownPrefix) {
			others = append(others, t.String())
		}
	}
	return strings.Join(others, " ")
}

// service checks the relay's own service: what main.cf and its -o add up to.
func (p *findings) service(c intent, service Service) {
	where := "master.cf: " + service.key()
	get := func(name string) string {
		value, _ := c.Effective(service.Name, name)
		return value
	}
	if service.Command != "smtp" {
		p.fatal("", where, "", "runs %s, not smtp", service.Command)
	}
	switch auth := get("smtp_sasl_auth_enable"); {
	case c.NoAuth:
	case !strings.EqualFold(auth, "yes"):
		p.fatal("auth_not_enabled", where, "smtp_sasl_auth_enable", "is %s: no password would be sent", quote(auth))
	case get("smtp_sasl_password_maps") == "":
		p.fatal("", where, "smtp_sasl_password_maps", "is empty while authentication is on, which smtp(8) dies of")
	}
	rule := "tls_587_wrappermode"
	if c.Implicit {
		rule = "tls_465_no_wrappermode"
	}
	wrapper := strings.EqualFold(get("smtp_tls_wrappermode"), "yes")
	if wrapper != c.Implicit {
		p.fatal(rule, where, "smtp_tls_wrappermode", "is %s, which this port does not speak", quote(get("smtp_tls_wrappermode")))
	}
	p.level(c, where, get)
	if !c.NoAuth {
		p.plaintext(c, where, get)
	}
	if policyValue(c, "connection_reuse") == "yes" || strings.EqualFold(get("smtp_tls_connection_reuse"), "yes") {
		name := c.Config.Params["tlsproxy_service_name"]
		if own := get("tlsproxy_service_name"); own != "" {
			name = own
		}
		if _, ok := c.transport(name); !ok && name != "" {
			p.fatal("service_missing", "master.cf", "smtp_tls_connection_reuse", "needs the service %s, which is not there: all mail would be deferred", name)
		}
	}
	if typ := get("smtp_sasl_type"); typ != "" && c.SASLTypes != nil && !slices.Contains(c.SASLTypes, typ) {
		p.fatal("sasl_plugins_missing", where, "smtp_sasl_type", "%s is not built into this Postfix", typ)
	}
}

// verifying are the TLS levels that check who the relay is.
var verifying = []string{"secure", "verify", "fingerprint", "dane-only"}

// levelFor is the TLS level for the next hop, and the parameter that sets it.
func levelFor(c intent, get func(string) string) (level, parameter string) {
	if level = policyLevel(c); level != "" {
		return level, "smtp_tls_policy_maps"
	}
	return get("smtp_tls_security_level"), "smtp_tls_security_level"
}

// level checks that nobody else can be taken for the relay.
func (p *findings) level(c intent, where string, get func(string) string) {
	level, parameter := levelFor(c, get)
	if c.NoTLS && level == "none" {
		return
	}
	accepted := slices.Contains(verifying, level) || c.NoVerify && level == "encrypt"
	if !accepted {
		p.fatal("tls_not_verified", where, parameter, "the level for %s is %s, which does not verify the relay's certificate", c.NextHop, quote(level))
	}
	if accepted && lowered(c, get) {
		p.warn("tls_required_header", where, "tls_required_enable", "is %s: a message with the header \"TLS-Required: no\" leaves without verified TLS, maybe in the clear", quote(get("tls_required_enable")))
	}
	roots := get("smtp_tls_CAfile") + get("smtp_tls_CApath") + policyValue(c, "tafile")
	if (level == "secure" || level == "verify") && roots == "" && !strings.EqualFold(get("tls_append_default_CA"), "yes") {
		p.fatal("tls_cafile_missing", where, "smtp_tls_CAfile", "is empty: no certificate can be verified")
	}
}

// enforced reports whether no session is used without the TLS that the level asks
// for. From Postfix 3.10 on a header of the message can lower the level to "may"
// (TLS-Required: no, RFC 8689).
func enforced(c intent, get func(string) string) bool {
	level, _ := levelFor(c, get)
	return (slices.Contains(verifying, level) || level == "encrypt") && !lowered(c, get)
}

// lowered reports whether a header of the message can lower the TLS level.
func lowered(c intent, get func(string) string) bool {
	return c.AtLeast(3, 10) && !strings.EqualFold(get("tls_required_enable"), "no")
}

// plaintext checks that a password goes over a connection that is encrypted and
// verified, and over that one does go.
func (p *findings) plaintext(c intent, where string, get func(string) string) {
	name := "smtp_sasl_tls_security_options"
	if level, _ := levelFor(c, get); slices.Contains(verifying, level) {
		name = "smtp_sasl_tls_verified_security_options"
	}
	if options := get(name); strings.Contains(options, "noplaintext") {
		p.fatal("sasl_noplaintext_default", where, name, "forbids PLAIN and LOGIN (%s), so no login is possible", options)
	}
	if !strings.Contains(get("smtp_sasl_security_options"), "noplaintext") && !enforced(c, get) {
		p.fatal("", where, "smtp_sasl_security_options", "lacks noplaintext: the password could go over a connection without TLS")
	}
	if !c.HasPlugin("PLAIN", "LOGIN") {
		p.fatal("sasl_plugins_missing", where, "smtp_sasl_type", "the SASL plugins for PLAIN and LOGIN are not installed")
	}
}

// keys checks that the tables have exactly the next hop as key. Lookups go by
// the bare host name first and by the next hop as it is written second.
func (p *findings) keys(c intent, service Service) {
	value, _ := c.Effective(service.Name, "smtp_sasl_password_maps")
	tables := c.Lookups.Tables(value)
	bare, _, err := SplitNextHop(c.NextHop)
	if err != nil {
		p.fatal("", service.key(), "relayhost", "%v", err)
		return
	}
	found, readable := false, true
	for _, t := range tables {
		if !slices.Contains(c.Types, t.Type) && c.Types != nil {
			p.fatal("", "main.cf", "smtp_sasl_password_maps", "this Postfix has no lookup tables of type %s", t.Type)
		}
		if _, ok := c.Config.Tables[t.Path]; !ok {
			readable = readable && t.Editable && !slices.Contains(c.Unreadable, t.Path)
			continue
		}
		source, err := c.Lookups.Source(t.Path)
		if err != nil {
			p.fatal("", t.Path, "", "%v", err)
			continue
		}
		if _, ok := source[strings.ToLower(c.NextHop)]; ok {
			found = true
		}
		if _, ok := source[strings.ToLower(bare)]; ok {
			p.fatal("", t.Path, "", "has the key %s, which wins over %s", bare, c.NextHop)
		}
	}
	if !found && readable {
		p.fatal("", "main.cf", "smtp_sasl_password_maps", "no table has the key %s", c.NextHop)
	}
	if c.keyed(service) {
		p.warn("", "main.cf", "smtp_sender_dependent_authentication", "an entry for the sender's address wins over %s", c.NextHop)
	}
}

// policy is the entry for a next hop in smtp_tls_policy_maps, taken apart.
func (v *View) policy(maps, nextHop string) []string {
	if v.Lookups == nil {
		return nil
	}
	for _, t := range v.Lookups.Tables(maps) {
		source, err := v.Lookups.Source(t.Path)
		if err != nil {
			continue
		}
		if entry, ok := source[strings.ToLower(nextHop)]; ok {
			return Words(entry)
		}
	}
	return nil
}

func policy(c intent) []string {
	service, _ := c.transport(c.Service)
	value, _ := c.Effective(service.Name, "smtp_tls_policy_maps")
	return c.policy(value, c.NextHop)
}

func policyLevel(c intent) string {
	if words := policy(c); len(words) > 0 {
		return words[0]
	}
	return ""
}

func policyValue(c intent, name string) string {
	for _, word := range policy(c) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// meant checks a service with all the next hops that it goes to.
func (p *findings) meant(c intent, w MeantRoute, service Service) {
	for _, h := range w.Hops {
		at := c.at(w, h)
		if h.Bridge != "" {
			p.bridge(at, service, h)
			return
		}
		p.service(at, service)
		if !h.NoAuth && (!c.keyed(service) || len(w.Senders) == 0) {
			p.keys(at, service)
		}
	}
	p.fallback(c, w, service)
	if c.keyed(service) {
		p.senderKeys(c, w, service)
	}
}

// bridge checks a service that hands mail to a program behind a private socket.
func (p *findings) bridge(c intent, service Service, h MeantHop) {
	where := "master.cf: " + service.key()
	if service.Command != "lmtp" {
		p.fatal("", where, "", "runs %s, not lmtp", service.Command)
	}
	for name, want := range map[string]string{"lmtp_tls_security_level": "none", "lmtp_sasl_auth_enable": "no"} {
		if got, _ := c.Effective(service.Name, name); !strings.EqualFold(got, want) {
			p.fatal("", where, name, "is %s, and a bridge has neither TLS nor a login on its private side", quote(got))
		}
	}
	switch out, ok := c.transport(h.Bridge); {
	case !ok:
		p.fatal("", "master.cf", "", "there is no service %s behind the socket: all mail would be deferred", h.Bridge)
	case out.Command != "spawn":
		p.fatal("", "master.cf: "+out.key(), "", "runs %s, not spawn", out.Command)
	case out.Public:
		p.fatal("", "master.cf: "+out.key(), "", "is public: every user of this server could send through the account")
	}
}

// keyed reports whether the service looks accounts up by the sender first.
func (c intent) keyed(service Service) bool {
	value, _ := c.Effective(service.Name, "smtp_sender_dependent_authentication")
	return strings.EqualFold(value, "yes")
}

// fallback checks that mail that the first hop rejects or defers goes to the other
// hops and nowhere else. Tables are searched by these words as they stand.
func (p *findings) fallback(c intent, w MeantRoute, service Service) {
	where := "master.cf: " + service.key()
	value, _ := c.Effective(service.Name, "smtp_fallback_relay")
	hops := Words(value)
	var want []string
	for _, h := range w.Hops[1:] {
		want = append(want, h.NextHop)
	}
	switch {
	case slices.Equal(hops, want):
	case len(want) == 0:
		p.warn("fallback_unknown", where, "smtp_fallback_relay", "takes what the relay defers elsewhere: %s", value)
	default:
		p.fatal("fallback_unknown", where, "smtp_fallback_relay", "is %s, not %s", quote(value), strings.Join(want, ","))
	}
}

// senderKeys checks that every sender of a service that finds accounts by them
// has one.
func (p *findings) senderKeys(c intent, of MeantRoute, service Service) {
	value, _ := c.Effective(service.Name, "smtp_sasl_password_maps")
	if c.Lookups.Closed(value) {
		return
	}
	for _, w := range c.Meant {
		for _, sender := range w.Senders {
			if w.Service != of.Service || !strings.Contains(sender, "@") || sender[0] == '/' {
				continue
			}
			if login, ok := c.Lookups.Get(value, sender); !ok || !strings.Contains(login, ":") {
				p.fatal("", service.key(), "smtp_sasl_password_maps", "no table has the key %s", sender)
			}
		}
	}
}

// bySender checks that mail of every sender goes by the service and to the
// first hop that it is meant for.
func (p *findings) bySender(c intent) {
	const name = "sender_dependent_default_transport_maps"
	value := c.Config.Params[name]
	if rewrite, ok := c.transport("rewrite"); ok && len(c.Meant) > 1 {
		if own, set := rewrite.Option(name); set && own != value {
			p.fatal("", "master.cf: rewrite/unix", name, "is %s there and so overrides main.cf", quote(own))
		}
	}
	for _, w := range c.Meant[1:] {
		want := w.Service + ":" + w.Hops[0].NextHop
		for _, sender := range w.Senders {
			if got := c.lookedUp(value, sender); got != want {
				p.fatal("", "main.cf", name, "sends mail of %s to %s, not %s", sender, quote(got), want)
			}
		}
	}
}

// lookedUp is what the tables say of a sender, a pattern of a regexp table taken
// by its text.
func (c intent) lookedUp(maps, sender string) string {
	if null := c.Config.Params["empty_address_default_transport_maps_lookup_key"]; sender == "<>" && null != "" {
		sender = null
	}
	if !strings.HasPrefix(sender, "/") {
		value, _ := c.Lookups.Get(maps, sender)
		return value
	}
	for _, t := range c.Lookups.Tables(maps) {
		if source, err := c.Lookups.Source(t.Path); err == nil && source[strings.ToLower(sender)] != "" {
			return source[strings.ToLower(sender)]
		}
	}
	return ""
}

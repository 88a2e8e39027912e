package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/relays"
)

// Against holds a configuration against what it is meant to do: its routes, the
// default first; one at least. Findings name no line.
func Against(c Config, routes []Route) []Finding {
	return Distinct((&View{Config: c, Routes: routes, Meant: true}).run(MeantRules()))
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

// MeantRules are the rules about a configuration and what it is meant to do: those of
// a next hop as it is, and those that need to know more. The latter are none of
// RouteRules, since to find nothing would rule their causes out: a CA file that is
// named and cannot be read, say.
func MeantRules() []Rule {
	return slices.Concat(valueRules(), []Rule{
		{"service_missing", Error, serviceMissing},
		{"service_program", Error, otherProgram},
		{"bridge_settings", Error, ofRoutes(bridgeSettings)},
		{"bridge_public", Error, bridgePublic},
		{"override_elsewhere", Error, overridden},
		{"override_elsewhere", Warning, bypassed},
		{"fallback_unknown", Error, ofRoutes(otherFallback)},
	}, hopRules(), []Rule{
		{"map_type_unsupported", Error, clientTypeMissing},
		{"map_syntax", Error, ofHops(unreadable)},
		{"map_key_mismatch", Error, ofHops(noKey)},
		{"map_key_mismatch", Error, senderWithoutKey},
		{"tls_not_verified", Error, ofHops(levelFault("tls_not_verified"))},
		{"tls_policy_invalid", Error, ofHops(func(h *hop) []Finding {
			tls := h.tls()
			return h.when(tls.Fault != "", "smtp_tls_policy_maps", "the entry for %s in %s cannot be used (%s): mail for it waits", h.NextHop, tls.Table, tls.Fault)
		})},
		{"tls_required_header", Warning, ofHops(lowered)},
		{"tls_cafile_missing", Error, ofHops(func(h *hop) []Finding {
			level, _ := h.level()
			roots := h.param("smtp_tls_CAfile") + h.param("smtp_tls_CApath") + h.tls().Attribute("tafile")
			return h.when((level == "secure" || level == "verify") && roots == "" && !h.yes("tls_append_default_CA"), "smtp_tls_CAfile", "is empty: no certificate can be verified")
		})},
		{"login_by_sender", Warning, ofHops(func(h *hop) []Finding {
			return h.when(h.login() && h.bySender() && len(h.route.Senders) == 0, "smtp_sender_dependent_authentication", "an entry for the sender's address wins over %s", h.NextHop)
		})},
		{"param_deprecated", Warning, obsolete},
		{"no_log", Warning, func(v *View) []Finding {
			postlog := slices.ContainsFunc(v.Services, func(s Service) bool { return s.key() == "postlog/unix-dgram" })
			if v.Params["maillog_file"] == "" || postlog {
				return nil
			}
			return []Finding{{File: "master.cf", Parameter: "maillog_file", Detail: "maillog_file: needs the service postlog, which is not there"}}
		}},
	})
}

// remedies are those of rules that no log shows and no cause in internal/explain has.
var remedies = map[string]struct{ remedy, command string }{
	"tls_not_verified":    {"Give the service of the relay the level secure, as setup does.", "relayhost setup"},
	"tls_required_header": {"Set tls_required_enable to no for the service of the relay, as setup does.", "relayhost setup"},
	"service_missing":     {"Run setup again: it adds the service to master.cf.", "relayhost setup"},
	"service_program":     {"Run setup again: it writes the service in master.cf.", "relayhost setup"},
	"bridge_settings":     {"Run setup again: it writes the service in master.cf.", "relayhost setup"},
	"bridge_public":       {"Run setup again: it makes the service private.", "relayhost setup"},
	"fallback_unknown":    {"Add the fallback relay to relayhost.toml: setup tests it.", "postconf smtp_fallback_relay"},
	"login_by_sender":     {"Give each sender a route of its own: setup tests each account.", "postconf smtp_sender_dependent_authentication"},
	"no_log":              {"Add the service postlog to master.cf: without it Postfix logs nothing.", "postfix upgrade-configuration"},
}

// serviceMissing finds services that mail is meant to go by and that master.cf lacks.
func serviceMissing(v *View) (found []Finding) {
	missing := func(name, detail string, args ...any) {
		found = append(found, Finding{File: "master.cf", Parameter: name, Detail: fmt.Sprintf(detail, args...)})
	}
	for _, h := range v.hops() {
		switch {
		case !h.defined:
			missing("", "there is no service %s", h.route.Service)
		case h.Bridge != "":
			if _, ok := v.transport(h.Bridge); !ok {
				missing("", "there is no service %s behind the socket: all mail would be deferred", h.Bridge)
			}
		case h.reuses():
			name := h.param("tlsproxy_service_name")
			if _, ok := v.transport(name); !ok && name != "" {
				missing("smtp_tls_connection_reuse", "smtp_tls_connection_reuse: needs the service %s, which is not there: all mail would be deferred", name)
			}
		}
	}
	return found
}

// reuses reports whether smtp(8) keeps TLS connections for further messages: what the
// policy table says of the next hop comes before the parameter.
func (h *hop) reuses() bool {
	if own := h.tls().Attribute("connection_reuse"); own != "" {
		return strings.EqualFold(own, "yes")
	}
	return h.yes("smtp_tls_connection_reuse")
}

// otherProgram finds services that run another program than they are meant to.
func otherProgram(v *View) (found []Finding) {
	runs := func(s Service, want string) {
		if s.Command != want {
			found = append(found, Finding{File: "master.cf: " + s.key(), Detail: fmt.Sprintf("runs %s, not %s", s.Command, want)})
		}
	}
	for _, h := range v.hops() {
		out, ok := v.transport(h.Bridge)
		switch {
		case !h.defined:
		case h.Bridge == "":
			runs(h.service, "smtp")
		default:
			runs(h.service, "lmtp")
			if ok {
				runs(out, "spawn")
			}
		}
	}
	return found
}

// bridgeSettings finds that a bridge is spoken to as if it were a relay.
func bridgeSettings(h *hop) (found []Finding) {
	if h.Bridge == "" {
		return nil
	}
	for _, want := range [][2]string{{"lmtp_tls_security_level", "none"}, {"lmtp_sasl_auth_enable", "no"}} {
		value := h.param(want[0])
		found = append(found, h.when(!strings.EqualFold(value, want[1]), want[0], "is %s, and a bridge has neither TLS nor a login on its private side", quote(value))...)
	}
	return found
}

// bridgePublic finds bridges whose socket everybody can open.
func bridgePublic(v *View) (found []Finding) {
	for _, h := range v.hops() {
		if out, ok := v.transport(h.Bridge); ok && h.Bridge != "" && out.Public {
			found = append(found, Finding{File: "master.cf: " + out.key(), Detail: "is public: every user of this server could send through the account"})
		}
	}
	return found
}

// ownPrefix begins the names of the tables that relayhost keeps for itself.
const ownPrefix = "relayhost_"

// ownNames are the names of those tables, and those that end with "_" have the name of a
// service behind it.
var ownNames = []string{"sasl_passwd", "passwd_", "generic", "generic_", "tls_policy", "tls_policy_", "status_filter", "status_filter_",
	"reply_filter", "reply_filter_", "sender", "transport", "by_sender", "by_subdomain"}

// IsOwn reports whether a path is that of a table of a setup, in whatever directory.
// Tables of others begin like them: relayhost_map is in many a how-to.
func IsOwn(path string) bool {
	name, ok := strings.CutPrefix(filepath.Base(path), ownPrefix)
	return ok && slices.ContainsFunc(ownNames, func(own string) bool {
		return name == own || strings.HasSuffix(own, "_") && strings.HasPrefix(name, own)
	})
}

// overridden finds that mail goes by another service, or to another next hop, than it
// is meant to: that of the world, and that of each sender.
func overridden(v *View) (found []Finding) {
	const name, bySender = "default_transport", "sender_dependent_default_transport_maps"
	fault := func(file, name, detail string, args ...any) {
		found = append(found, Finding{File: file, Parameter: name, Detail: name + ": " + fmt.Sprintf(detail, args...)})
	}
	service, next := v.Routes[0].Service, v.Routes[0].Hops[0].NextHop
	transport, own, _ := strings.Cut(v.Params[name], ":")
	switch {
	case transport == "error" || transport == "discard":
		fault("main.cf", name, "is %s, so relayhost has no effect (as Debian's \"Local only\" sets it)", transport)
	case transport != service:
		fault("main.cf", name, "is %s, not the relay's service %s", quote(transport), service)
	case own != "" && !slices.Contains(Words(own), next):
		fault("main.cf", name, "names the next hop %s, not %s", own, next)
	case own == "" && !slices.Contains(Words(v.Params["relayhost"]), next):
		fault("main.cf", "relayhost", "is %s, not the next hop %s", quote(v.Params["relayhost"]), next)
	}
	// trivial-rewrite(8) chooses the route, so that its -o win over main.cf.
	names := []string{name}
	if own == "" {
		names = append(names, "relayhost")
	}
	if len(v.Routes) > 1 {
		names = append(names, bySender)
	}
	rewrite, _ := v.transport("rewrite")
	for _, name := range names {
		if option, set := rewrite.Option(name); set && option != v.Params[name] {
			fault("master.cf: rewrite/unix", name, "is %s there and so overrides main.cf", quote(option))
		}
	}
	for _, r := range v.Routes[1:] {
		want := r.Service + ":" + r.Hops[0].NextHop
		for _, sender := range r.Senders {
			if got := v.lookedUp(v.Params[bySender], sender); got != want {
				fault("main.cf", bySender, "sends mail of %s to %s, not %s", sender, quote(got), want)
			}
		}
	}
	return found
}

// lookedUp is what the tables say of a sender, a pattern of a regexp table taken
// by its text.
func (v *View) lookedUp(maps, sender string) string {
	if null := v.Params["empty_address_default_transport_maps_lookup_key"]; sender == "<>" && null != "" {
		sender = null
	}
	if !strings.HasPrefix(sender, "/") {
		value, _ := v.Lookups.Get(maps, sender)
		return value
	}
	for _, t := range v.Lookups.Tables(maps) {
		if source, err := v.Lookups.Source(t.Path); err == nil && source[strings.ToLower(sender)] != "" {
			return source[strings.ToLower(sender)]
		}
	}
	return ""
}

// bypassed is Bypass for what others have set: the routes have tables of their own.
func bypassed(v *View) []Finding {
	return slices.DeleteFunc(v.Bypass(), func(f Finding) bool {
		return len(v.Routes) > 1 && !slices.ContainsFunc(v.Lookups.Tables(v.Params[f.Parameter]), func(t Table) bool {
			return !IsOwn(t.Path)
		})
	})
}

// otherFallback finds that mail that the first hop rejects or defers does not go to the
// other hops, or goes elsewhere. Tables are searched by these words as they stand.
func otherFallback(h *hop) []Finding {
	const name = "smtp_fallback_relay"
	if h.Bridge != "" {
		return nil
	}
	value := h.param(name)
	var want []string
	for _, next := range h.route.Hops[1:] {
		want = append(want, next.NextHop)
	}
	if len(want) > 0 {
		return h.when(!slices.Equal(Words(value), want), name, "is %s, not %s", quote(value), strings.Join(want, ","))
	}
	found := h.when(len(Words(value)) > 0, name, "takes what the relay defers elsewhere: %s", value)
	for i := range found {
		found[i].Severity = Warning // no mail is lost there
	}
	return found
}

// bySender reports whether the service looks accounts up by the sender first.
func (h *hop) bySender() bool { return h.yes("smtp_sender_dependent_authentication") }

// passwords are the tables that the login for the next hop is looked up in.
func (h *hop) passwords() []Table {
	if !h.login() || h.bySender() && len(h.route.Senders) > 0 {
		return nil
	}
	return h.Lookups.Tables(h.param("smtp_sasl_password_maps"))
}

// unreadable finds password tables whose text Postfix does not take.
func unreadable(h *hop) (found []Finding) {
	for _, t := range h.passwords() {
		if _, ok := h.Config.Tables[t.Path]; !ok {
			continue
		}
		if _, err := h.Lookups.Source(t.Path); err != nil {
			found = append(found, Finding{File: t.Path, Parameter: "smtp_sasl_password_maps", Table: t.String(), Detail: err.Error()})
		}
	}
	return found
}

// noKey finds that smtp(8) would find no login for the next hop, or another one: it
// asks for the bare host name first and for the next hop as it is written second.
func noKey(h *hop) (found []Finding) {
	bare, _, err := SplitNextHop(h.NextHop)
	tables := h.passwords()
	if err != nil || len(tables) == 0 {
		return nil
	}
	known := true
	var byHost Table
	byHop := false
	for _, t := range tables {
		if _, ok := h.Config.Tables[t.Path]; !ok {
			known = known && t.Editable && !slices.Contains(h.Unreadable, t.Path)
			continue
		}
		source, err := h.Lookups.Source(t.Path)
		if err != nil {
			known = false
			continue
		}
		if _, ok := source[strings.ToLower(bare)]; ok && byHost.Path == "" {
			byHost = t
		}
		_, ok := source[strings.ToLower(h.NextHop)]
		byHop = byHop || ok
	}
	switch {
	case byHop && byHost.Path != "" && !strings.EqualFold(bare, h.NextHop):
		found = h.when(true, "smtp_sasl_password_maps", "%s has the key %s, which wins over %s", byHost.Path, bare, h.NextHop)
		found[0].Table = byHost.String()
	case !byHop && byHost.Path == "" && known:
		found = h.when(true, "smtp_sasl_password_maps", "no table has the key %s", h.NextHop)
		if len(tables) == 1 {
			found[0].Table = tables[0].String()
		}
	}
	return found
}

// senderWithoutKey finds senders without an account, of services that find accounts by
// them.
func senderWithoutKey(v *View) (found []Finding) {
	services := map[string]*hop{}
	for _, h := range v.hops() {
		if h.first && h.defined && h.Bridge == "" && h.bySender() && !h.Lookups.Closed(h.param("smtp_sasl_password_maps")) {
			services[h.route.Service] = h
		}
	}
	for _, r := range v.Routes {
		h := services[r.Service]
		for _, sender := range r.Senders {
			if h == nil || !strings.Contains(sender, "@") || sender[0] == '/' {
				continue
			}
			if login, ok := v.Lookups.Get(h.param("smtp_sasl_password_maps"), sender); !ok || !strings.Contains(login, ":") {
				found = append(found, h.when(true, "smtp_sasl_password_maps", "no table has the key %s", sender)...)
			}
		}
	}
	return found
}

// lowered finds that a header of the message can lower the TLS level to "may" (TLS-Required:
// no, RFC 8689; Postfix 3.10). It is an error where a password could go in the clear then.
func lowered(h *hop) []Finding {
	const name = "tls_required_enable"
	level, _ := h.level()
	accepted := slices.Contains(verifying, level) || h.NoVerify && level == "encrypt"
	if !accepted || h.TLS == relays.NoTLS && level == "none" || !h.AtLeast(3, 10) || strings.EqualFold(h.param(name), "no") {
		return nil
	}
	found := h.when(true, name, "is %s: a message with the header \"TLS-Required: no\" leaves without verified TLS, maybe in the clear", quote(h.param(name)))
	if h.login() && !slices.Contains(Words(h.param("smtp_sasl_security_options")), "noplaintext") {
		found[0].Severity = Error
		found[0].Detail += "; smtp_sasl_security_options lacks noplaintext, so the password could go over a connection without TLS"
	}
	return found
}

// obsolete finds parameters that smtp_tls_security_level overrides since 2.3.
func obsolete(v *View) (found []Finding) {
	for _, name := range []string{"smtp_use_tls", "smtp_enforce_tls", "smtp_tls_enforce_peername", "smtp_tls_per_site"} {
		if _, set := v.Last(name); set {
			found = append(found, Finding{File: "main.cf", Parameter: name, Detail: name + ": is obsolete and has no effect beside smtp_tls_security_level"})
		}
	}
	return found
}

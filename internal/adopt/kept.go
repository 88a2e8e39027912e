package adopt

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// rewriting are the tables that change addresses.
var rewriting = []string{"smtp_generic_maps", "sender_canonical_maps", "canonical_maps", "recipient_canonical_maps", "virtual_alias_maps"}

// tables names what stays in main.cf and in use beside ours.
func (a *reading) tables() {
	for _, name := range rewriting {
		value := a.s.Params[name]
		if _, set := a.s.Main.Get(name); !set || value == "" {
			continue
		}
		why := "it stays as it is and in use"
		if name == "smtp_generic_maps" {
			why = "it stays as it is and in use, after the entries for the names that this host makes up"
		}
		a.out.keep(setting(name, value), "%s", why)
	}
	for _, name := range []string{"content_filter", "header_size_limit", "smtp_header_checks", "smtp_bind_address", "smtp_tls_cert_file", "message_size_limit"} {
		if value, set := a.s.Main.Get(name); set && value != "" {
			a.out.keep(name+" = "+value, "it holds for the relay as well")
		}
	}
	if len(a.out.Routes) < 2 {
		return
	}
	for _, name := range []string{"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"} {
		if value := a.r.Param(name); value != "" {
			a.out.keep(setting(name, value), "it stays for senders that are not taken over; the routes come before it")
		}
	}
}

// replaced says what took the place of parameters that Postfix has left behind
// (postconf(5)).
var replaced = []struct{ name, by string }{
	{"smtp_use_tls", "smtp_tls_security_level = may"},
	{"smtp_enforce_tls", "smtp_tls_security_level = encrypt"},
	{"smtp_tls_enforce_peername", "smtp_tls_security_level = verify"},
	{"smtp_tls_per_site", "smtp_tls_policy_maps"},
	{"fallback_relay", "smtp_fallback_relay"},
}

// obsolete names parameters that another one has replaced.
func obsolete(s postfix.State, out *offer) {
	for _, p := range replaced {
		value, set := s.Main.Get(p.name)
		switch {
		case !set || value == "":
		case p.name == "fallback_relay":
			out.change(p.name+" = "+value+" no longer applies to the relay", "it is the old name of %s; the relay's own service has its fallbacks", p.by)
		default:
			out.change(p.name+" = "+value+" no longer applies to the relay", "it is the old form of %s; the relay's service has its own level", p.by)
		}
	}
}

// shorten names the first of many.
func shorten(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// answered are parameters whose meaning is in the offer already, with
// syslog_name, which is only a name.
var answered = []string{
	"smtp_tls_wrappermode", "smtp_tls_security_level", "smtp_tls_policy_maps", "smtp_tls_CAfile", "smtp_tls_CApath", "smtp_use_tls", "smtp_enforce_tls",
	"smtp_tls_enforce_peername", "smtp_tls_per_site", "smtp_tls_fingerprint_digest", "smtp_tls_fingerprint_cert_match", "smtp_tls_secure_cert_match",
	"smtp_tls_verify_cert_match", "smtp_tls_mandatory_protocols", "smtp_tls_protocols", "smtp_tls_loglevel", "smtp_tls_note_starttls_offer",
	"smtp_tls_connection_reuse", "smtp_tls_session_cache_database", "smtp_sasl_auth_enable", "smtp_sasl_password_maps", "smtp_sasl_security_options",
	"smtp_sasl_tls_security_options", "smtp_sasl_tls_verified_security_options", "smtp_sasl_mechanism_filter", "smtp_sender_dependent_authentication",
	"smtp_fallback_relay", "smtp_tls_servername", "syslog_name",
}

// overrides names the -o of the services in use that the relay's own services
// will not have, and what is set for a transport by its name.
func (a *reading) overrides() {
	for _, s := range a.services {
		for _, o := range s.Options {
			if !slices.Contains(answered, o.Name) {
				a.out.leave("master.cf: "+s.Name+" has -o "+o.String(), "the relay's own service does not have it: set it in main.cf, if it is meant for the relay")
			}
		}
		if s.MaxProc != "-" && s.MaxProc != "0" && s.MaxProc != "" {
			a.out.leave("master.cf: "+s.Name+" has "+s.MaxProc+" processes at most", "the relay's own service has the limits that the service documents; connections = N sets another")
		}
		for _, name := range a.s.Main.Names() {
			limit, ok := strings.CutPrefix(name, s.Name+"_")
			if !ok || !strings.HasPrefix(limit, "destination_") && !strings.HasPrefix(limit, "initial_") && !strings.HasPrefix(limit, "transport_") {
				continue
			}
			if limit != "destination_concurrency_limit" {
				a.out.leave(setting(name, a.s.Params[name]), "it is bound to the service %s: the relay's own has the limits that the service documents", s.Name)
			}
		}
		login(a.s, a.out, s)
	}
	rewriteOverrides(a.s, a.out)
}

// login names what of the login ours does otherwise.
func login(state postfix.State, out *offer, s postfix.Service) {
	if !isYes(option(state, s, "smtp_sasl_auth_enable")) {
		return
	}
	if typ := option(state, s, "smtp_sasl_type"); typ != "" && typ != "cyrus" {
		out.leave("smtp_sasl_type = "+typ, "the relay's own service logs in by Cyrus SASL")
	}
	mechanisms := strings.ToLower(option(state, s, "smtp_sasl_mechanism_filter"))
	if strings.Contains(mechanisms, "oauth") && !strings.Contains(mechanisms, "!xoauth") {
		out.leave("smtp_sasl_mechanism_filter = "+mechanisms, "no plugin is needed: Microsoft 365 and Outlook.com are signed in to by a bridge, relayhost setup --relay m365 --sign-in device --tenant TENANT --client-id ID, "+
			"with the client_id of the plugin's token file; the plugin's own token is not used any longer, and other relays are logged in to by password")
	}
	if isYes(option(state, s, "smtp_tls_wrappermode")) && isYes(state.Params["smtp_tls_wrappermode"]) {
		out.change("smtp_tls_wrappermode = yes of main.cf no longer applies to the relay", "its own service has the TLS mode; other servers do not accept TLS from the first byte, so remove the line")
	}
	if !strings.Contains(option(state, s, "smtp_sasl_security_options"), "noplaintext") {
		out.change("the password is sent over verified TLS only", "smtp_sasl_security_options without noplaintext allows it without TLS")
	}
}

// rewriteOverrides names the -o of trivial-rewrite(8), which setup cannot set.
func rewriteOverrides(s postfix.State, out *offer) {
	rewrite, _ := s.Master.Get("rewrite", "unix")
	for _, o := range rewrite.Options {
		if o.Name == "default_transport" || strings.HasPrefix(o.Name, "sender_dependent_") || o.Name == "transport_maps" {
			out.leave("master.cf: rewrite has -o "+o.Name+"="+o.Value, "it takes precedence over main.cf, so setup refuses to continue: move it there first")
		}
	}
}

// exposed names password tables that others can read.
func (a *reading) exposed() {
	for _, s := range a.services {
		for _, t := range postfix.ParseTables(option(a.s, s, "smtp_sasl_password_maps"), a.s.DefaultMap) {
			if meta, ok := a.s.MapMeta[t.Path]; ok && meta.Mode.Perm()&0o077 != 0 {
				a.out.leave(t.Path+" and what is compiled from it", "others can read the password (%04o): set mode 0600, and change the password if others have been here", meta.Mode.Perm())
			}
		}
	}
}

package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/templates"
)

// reset is a parameter of main.cf that must not reach the relay's service: when
// its effective value is unwanted, the service gets value.
type reset struct {
	name     string
	value    string
	unwanted func(d *templates.Data, value string) bool
}

func isYes(_ *templates.Data, value string) bool     { return strings.EqualFold(value, "yes") }
func isNo(_ *templates.Data, value string) bool      { return strings.EqualFold(value, "no") }
func isSet(_ *templates.Data, value string) bool     { return value != "" }
func isNoCyrus(_ *templates.Data, value string) bool { return value != "" && value != "cyrus" }

// resets: each of these has been seen to leak a password, to trust more than
// the CA file, to send mail past the relay or to lose it.
var resets = []reset{
	// More trust than the one CA file.
	{"smtp_tls_CApath", "", isSet},
	{"tls_append_default_CA", "no", isYes},
	{"smtp_tls_trust_anchor_file", "", isSet},
	// It counts where there is no policy table.
	{"smtp_tls_per_site", "", isSet},
	// The name that the certificate must show would be the one that DNS leads to.
	{"smtp_cname_overrides_servername", "no", isYes},
	// "null" is TLS without encryption.
	{"smtp_tls_mandatory_ciphers", "medium", func(_ *templates.Data, v string) bool {
		return slices.Contains([]string{"null", "export", "low"}, strings.ToLower(v))
	}},
	{"smtp_tls_servername", "", func(d *templates.Data, v string) bool { return v != "" && d.ServerName == "" }},
	// Reuse needs both, and a service without it neither.
	{"smtp_connection_cache_on_demand", "yes", func(d *templates.Data, v string) bool { return isNo(d, v) && d.TLSProxy != "" }},
	{"smtp_tls_connection_reuse", "no", func(d *templates.Data, v string) bool { return isYes(d, v) && d.TLSProxy == "" }},
	// Implicit TLS of an old how-to on a port with STARTTLS.
	{"smtp_tls_wrappermode", "no", func(d *templates.Data, v string) bool { return isYes(d, v) && !d.WrapperMode }},
	// Mail that the relay defers would leave by another way.
	{"smtp_fallback_relay", "", func(d *templates.Data, v string) bool { return v != "" && d.Fallback == "" }},
	// A login that fails, or a 5xx greeting, would bounce mail.
	{"smtp_sasl_auth_soft_bounce", "yes", isNo},
	{"smtp_skip_5xx_greeting", "yes", isNo},
	// Without EHLO there is neither STARTTLS nor AUTH.
	{"smtp_never_send_ehlo", "no", isYes},
	{"smtp_discard_ehlo_keywords", "", func(_ *templates.Data, v string) bool {
		return slices.ContainsFunc(postfix.Words(strings.ToLower(v)), func(w string) bool { return w == "starttls" || w == "auth" })
	}},
	{"smtp_sasl_type", "cyrus", isNoCyrus},
	// A relay that goes by address has no account.
	{"smtp_sasl_password_maps", "", func(d *templates.Data, v string) bool { return v != "" && !d.Login }},
	// Our entry has a colon between user name and password; since 3.9 another
	// character can be set for all tables.
	{"smtp_sasl_password_result_delimiter", ":", func(_ *templates.Data, v string) bool { return v != ":" }},
}

// trust are the resets that tlsproxy(8) needs as well: where its CA files are not
// those of its client it warns of each connection.
var trust = []string{"smtp_tls_CApath", "tls_append_default_CA"}

// masterCF sets the entries of the relays in master.cf and removes those of an
// earlier setup.
func (b *builder) masterCF() error {
	if b.masterBefore != nil {
		_, manager := b.master.Get("tlsmgr", "unix")
		_, postlog := b.master.Get("postlog", "unix-dgram")
		b.d.TLSManager, b.d.PostLogd = !manager, !postlog
	}
	var text []byte
	for _, s := range b.services {
		entries, err := masterEntries(b.out, b.s, s)
		if err != nil {
			return err
		}
		text = append(text, entries...)
	}
	ours, err := postfix.ParseMaster(text)
	if err != nil {
		return fmt.Errorf("entries for master.cf: %w", err)
	}
	for _, s := range b.master.Services() {
		_, wanted := ours.Get(s.Name, s.Type)
		if strings.HasPrefix(s.Name, ServicePrefix) && !wanted {
			b.master.Remove(s.Name, s.Type)
		}
	}
	for _, s := range ours.Services() {
		b.master.Set(s)
	}
	b.out.file(File{Path: filePath(b.s, "master.cf"), Before: b.masterBefore, After: b.master.Bytes(), Mode: existingMode(b.s.MasterMeta.Mode),
		UID: b.s.MasterMeta.UID, GID: b.s.MasterMeta.GID})
	return nil
}

// addResets keeps from the service what main.cf says for others.
func addResets(state postfix.State, d *templates.Data, resets []reset) {
	for _, r := range resets {
		if value, known := state.Params[r.name]; known && r.unwanted(d, value) {
			set := templates.Setting{Name: r.name, Value: r.value}
			d.Reset = append(d.Reset, set)
			if slices.Contains(trust, r.name) {
				d.ProxyReset = append(d.ProxyReset, set)
			}
		}
	}
}

// lostCertificates keeps the services of the relay from a client certificate that is not
// there: they would have no TLS at all.
func lostCertificates(out *output, state postfix.State, d *templates.Data) {
	for _, p := range state.LostCertificates {
		// Without the certificate its key is not read.
		name := strings.Replace(p.Name, "key_file", "cert_file", 1)
		set := templates.Setting{Name: name}
		d.Reset, d.ProxyReset = append(d.Reset, set), append(d.ProxyReset, set)
		out.note("%s: %s does not exist, without which smtp(8) has no TLS: the relay's service uses no client certificate; other mail leaves without TLS, or waits where its level demands TLS, until you correct or remove that parameter", p.Name, p.Value)
	}
}

// setNetwork gives the service one where main.cf has none.
func setNetwork(out *output, state postfix.State, d *templates.Data) {
	if value, known := state.Params["inet_protocols"]; known && value == "" {
		d.Protocol = "all"
		out.note("inet_protocols is empty, so this Postfix has no network; the relay's service gets one, the rest needs a value and a restart")
	}
}

// leftovers removes the tables of services that are gone: nothing names them
// any more, and some hold a password.
func leftovers(out *output, state postfix.State, server Server) error {
	if state.Master == nil {
		return nil
	}
	formerBridges(out, state, server)
	formerUnits(out, state, server)
	var before []postfix.Table
	for _, o := range state.Master.Overrides("smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "smtp_delivery_status_filter", "smtp_reply_filter") {
		before = append(before, postfix.ParseTables(o.Option.Value, state.DefaultMap)...)
	}
	for _, name := range []string{"sender_dependent_default_transport_maps", "transport_maps", "smtp_tls_policy_maps"} {
		before = append(before, postfix.ParseTables(state.Params[name], state.DefaultMap)...)
	}
	for _, t := range before {
		gone := isOwn(state, t.String()) && !slices.ContainsFunc(out.files, func(f File) bool { return f.Path == t.Path })
		text, there := state.Maps[t.Path]
		there = there || slices.Contains(state.Unreadable, t.Path)
		if !gone || !there || filepath.Base(t.Path) == genericFile || filepath.Base(t.Path) == filterFile {
			continue
		}
		f := File{Path: t.Path, Action: Remove, Before: notNil(text), Secret: isPasswd(t.Path), Mode: 0o644}
		if f.Secret {
			f.Mode = 0o600
		}
		if t.Index() != "" {
			f.Map = t.Type
		}
		out.files = append(out.files, f)
	}
	return nil
}

// isPasswd reports whether a file of ours holds passwords.
func isPasswd(path string) bool {
	name := filepath.Base(path)
	return name == privateFile || strings.HasPrefix(name, ownPasswdFile)
}

// obsolete are parameters that smtp_tls_security_level replaced in Postfix 2.3.
var obsolete = []string{"smtp_use_tls", "smtp_enforce_tls", "smtp_tls_enforce_peername"}

// booleans that kill smtp(8) when they are there and empty.
var booleans = append([]string{"smtp_sasl_auth_enable", "smtp_tls_wrappermode", "smtp_tls_connection_reuse",
	"smtp_sender_dependent_authentication", "smtp_tls_note_starttls_offer"}, obsolete...)

// mainCF sets the parameters of the relay in main.cf. It comes last: its rename
// is the commit.
func (b *builder) mainCF() error {
	text, err := templates.Render(templates.Main, b.d)
	if err != nil {
		return err
	}
	for _, s := range b.services {
		limits, err := templates.Render(templates.Limits, s.d)
		if err != nil {
			return err
		}
		text = append(text, limits...)
	}
	clearMain(b.out, b.s, b.main, b.d, string(text))
	formerRelayhost(b.out, b.s, b.facts, b.main, b.d.NextHop)
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), " = ")
		if !found {
			continue
		}
		b.set = append(b.set, name)
		if was, ok := b.main.Get(name); ok && was == value {
			continue
		}
		b.main.Set(name, value)
	}
	b.out.file(File{Path: filePath(b.s, "main.cf"), Before: b.mainBefore, After: b.main.Bytes(), Mode: existingMode(b.s.MainMeta.Mode),
		UID: b.s.MainMeta.UID, GID: b.s.MainMeta.GID})
	return nil
}

// clearMain removes what stands in the way: empty booleans, obsolete lines that a
// level overrides anyway, and parameters of ours that are no longer set.
func clearMain(out *output, state postfix.State, main *postfix.Main, d *templates.Data, text string) {
	for _, name := range booleans {
		if value, ok := main.Get(name); ok && value == "" {
			main.Remove(name)
			out.note("%s was there without a value, which smtp(8) dies of; the line is removed", name)
		}
	}
	level, _ := main.Get("smtp_tls_security_level")
	for _, name := range obsolete {
		if value, ok := main.Get(name); ok && level != "" {
			main.Remove(name)
			out.note("%s = %s had no effect beside smtp_tls_security_level; the line is removed", name, value)
		}
	}
	for _, name := range main.Names() {
		if strings.HasPrefix(name, ServicePrefix) && !strings.Contains("\n"+text, "\n"+name+" = ") {
			main.Remove(name)
		}
	}
	if d.SenderTransportMaps == "" {
		const name = "sender_dependent_default_transport_maps"
		if value, was := withoutTables(state, main, name, bySenderFile, belowFile); was {
			setOrRemove(main, name, value)
		}
	}
	if d.SenderCanonicalMaps == "" {
		if value, was := withoutTables(state, main, "sender_canonical_maps", senderFile); was {
			setOrRemove(main, "sender_canonical_maps", value)
		}
	}
}

func setOrRemove(main *postfix.Main, name, value string) {
	if value == "" {
		main.Remove(name)
		return
	}
	main.Set(name, value)
}

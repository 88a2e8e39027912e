package plan

import (
	"fmt"
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
	unwanted func(b *builder, value string) bool
}

func isYes(_ *builder, value string) bool     { return strings.EqualFold(value, "yes") }
func isNo(_ *builder, value string) bool      { return strings.EqualFold(value, "no") }
func isSet(_ *builder, value string) bool     { return value != "" }
func isNoCyrus(_ *builder, value string) bool { return value != "" && value != "cyrus" }

// resets: each of these has been seen to leak a password, to trust more than
// the CA file, to send mail past the relay or to lose it.
var resets = []reset{
	// More trust than the one CA file.
	{"smtp_tls_CApath", "", isSet},
	{"tls_append_default_CA", "no", isYes},
	// Implicit TLS of an old how-to on a port with STARTTLS.
	{"smtp_tls_wrappermode", "no", func(b *builder, v string) bool { return isYes(b, v) && !b.d.WrapperMode }},
	// Mail that the relay defers would leave by another way.
	{"smtp_fallback_relay", "", isSet},
	// A login that fails, or a 5xx greeting, would bounce mail.
	{"smtp_sasl_auth_soft_bounce", "yes", isNo},
	{"smtp_skip_5xx_greeting", "yes", isNo},
	// Without EHLO there is neither STARTTLS nor AUTH.
	{"smtp_never_send_ehlo", "no", isYes},
	{"smtp_discard_ehlo_keywords", "", func(_ *builder, v string) bool {
		return slices.ContainsFunc(words(strings.ToLower(v)), func(w string) bool { return w == "starttls" || w == "auth" })
	}},
	{"smtp_sasl_type", "cyrus", isNoCyrus},
	// Our entry has a colon between user name and password; since 3.9 another
	// character can be set for all tables.
	{"smtp_sasl_password_result_delimiter", ":", func(_ *builder, v string) bool { return v != ":" }},
}

// masterCF sets the entries of the relay in master.cf and removes those of an
// earlier one.
func (b *builder) masterCF() error {
	b.d.Reset = nil
	for _, r := range resets {
		if value, known := b.s.Params[r.name]; known && r.unwanted(b, value) {
			b.d.Reset = append(b.d.Reset, templates.Setting{Name: r.name, Value: r.value})
		}
	}
	if value, known := b.s.Params["inet_protocols"]; known && value == "" {
		b.d.Protocol = "all"
		b.note("inet_protocols is empty, so this Postfix has no network; the relay's service gets one, the rest needs a value and a restart")
	}
	if b.masterBefore != nil {
		_, manager := b.master.Get("tlsmgr", "unix")
		_, postlog := b.master.Get("postlog", "unix-dgram")
		b.d.TLSManager, b.d.PostLogd = !manager, !postlog
	}
	text, err := templates.Render(templates.Master, b.d)
	if err != nil {
		return err
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
	f := File{Path: b.path("master.cf"), Before: b.masterBefore, After: b.master.Bytes(), Mode: existingMode(b.s.MasterMeta.Mode),
		UID: b.s.MasterMeta.UID, GID: b.s.MasterMeta.GID}
	b.file(f)
	return nil
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
	b.clear(string(text))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		b.set = append(b.set, name)
		if was, ok := b.main.Get(name); ok && was == value {
			continue
		}
		b.main.Set(name, value)
	}
	b.file(File{Path: b.path("main.cf"), Before: b.mainBefore, After: b.main.Bytes(), Mode: existingMode(b.s.MainMeta.Mode),
		UID: b.s.MainMeta.UID, GID: b.s.MainMeta.GID})
	return nil
}

// clear removes what stands in the way: empty booleans, obsolete lines that a
// level overrides anyway, and parameters of ours that are no longer set.
func (b *builder) clear(text string) {
	for _, name := range booleans {
		if value, ok := b.main.Get(name); ok && value == "" {
			b.main.Remove(name)
			b.note("%s was there without a value, which smtp(8) dies of; the line is removed", name)
		}
	}
	level, _ := b.main.Get("smtp_tls_security_level")
	for _, name := range obsolete {
		if value, ok := b.main.Get(name); ok && level != "" {
			b.main.Remove(name)
			b.note("%s = %s had no effect beside smtp_tls_security_level; the line is removed", name, value)
		}
	}
	for _, name := range b.main.Names() {
		if strings.HasPrefix(name, ServicePrefix) && !strings.Contains("\n"+text, "\n"+name+" = ") {
			b.main.Remove(name)
		}
	}
	if b.d.SenderCanonicalMaps == "" {
		if value, was := b.drop("sender_canonical_maps", senderFile); was {
			b.setOrRemove("sender_canonical_maps", value)
		}
	}
}

func (b *builder) setOrRemove(name, value string) {
	if value == "" {
		b.main.Remove(name)
		return
	}
	b.main.Set(name, value)
}

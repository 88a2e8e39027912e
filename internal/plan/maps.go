package plan

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// passwd puts the credentials into the password table that is in use, or into
// sasl_passwd. Entries of others stay.
func (b *builder) passwd() error {
	if b.d.Username == "" {
		return nil
	}
	line, err := templates.Render(templates.Passwd, b.d)
	if err != nil {
		return err
	}
	raw, _ := b.main.Get("smtp_sasl_password_maps")
	list := splitList(raw)
	tables := postfix.ParseTables(b.param("smtp_sasl_password_maps"), b.s.DefaultMap)
	target, kept := b.passwdTarget(tables)
	var entries []string
	for i, t := range tables {
		switch {
		case t.Type == "static":
			// It would offer that password to every host, and wins over any key.
			b.note("smtp_sasl_password_maps = static:... gave one password to every server; it is replaced")
		case kept && t.Path == target.Path:
			entries = append(entries, target.String())
		case len(list) == len(tables):
			entries = append(entries, list[i])
		default:
			entries = append(entries, t.String())
		}
	}
	if !kept {
		entries = append([]string{target.String()}, entries...)
	}
	b.d.PasswordMaps = strings.Join(entries, ", ")
	// What is right already keeps its spelling; proxymap(8) is no root and could
	// not read the table.
	if kept && len(entries) == len(tables) && target.Type == tableAt(tables, target.Path).Type && !strings.Contains(raw, "proxy:") {
		b.d.PasswordMaps = raw
	}
	for _, t := range append(otherThan(tables, target.Path), target) {
		b.passwdTable(t, target, string(line))
	}
	return nil
}

// passwdTarget is the table that our entry goes to: the first one with a source
// file, with a type that this Postfix has. kept says that it is in the list.
func (b *builder) passwdTarget(tables []postfix.Table) (target postfix.Table, kept bool) {
	for _, t := range tables {
		if !t.Editable() {
			continue
		}
		if b.o.MapType != "" || !slices.Contains(b.s.MapTypes, t.Type) {
			t.Type = b.mapType
		}
		return t, true
	}
	return postfix.Table{Type: b.mapType, Path: b.path(passwdFile)}, false
}

// passwdTable adds table t to the plan: with our entry when it is the target,
// without keys that would win over ours in any case.
func (b *builder) passwdTable(t, target postfix.Table, line string) {
	if !t.Editable() {
		return
	}
	before := b.s.Maps[t.Path]
	text := parseTable(before)
	// smtp(8) looks for the bare host before the next hop (smtp_sasl_passwd_lookup).
	if text.remove(b.d.Host) {
		b.note("%s held an entry for %s without port, which would win over ours; it is removed", t.Path, b.d.Host)
	}
	if old := b.formerNextHop(); old != "" && old != b.d.NextHop {
		text.remove(old)
	}
	f := File{Path: t.Path, Mode: 0o600, Secret: true}
	if t.Path == target.Path {
		text.set(line)
		f.Keys = map[string]secret.Value{b.d.NextHop: secret.New(b.d.Username + ":" + b.d.Password)}
	} else {
		text.remove(b.d.NextHop)
		if string(text.bytes()) == string(before) {
			return
		}
	}
	if t.Index() != "" {
		f.Map = t.Type
	}
	f.After = text.bytes()
	if slices.Contains(b.s.Unreadable, t.Path) {
		// A look without root: what is shown cannot be the whole file.
		f.Before = []byte{}
		b.note("%s cannot be read without root; the entries in it that are not shown stay", t.Path)
	}
	b.file(f)
}

// formerNextHop is the relayhost of an earlier set-up of ours, "" if none.
func (b *builder) formerNextHop() string {
	transport, _ := b.main.Get("default_transport")
	if !strings.HasPrefix(transport, ServicePrefix) {
		return ""
	}
	hop, _ := b.main.Get("relayhost")
	return strings.ToLower(hop)
}

func tableAt(tables []postfix.Table, path string) postfix.Table {
	for _, t := range tables {
		if t.Path == path {
			return t
		}
	}
	return postfix.Table{}
}

func otherThan(tables []postfix.Table, path string) []postfix.Table {
	return slices.DeleteFunc(slices.Clone(tables), func(t postfix.Table) bool { return t.Path == path })
}

// policy writes the TLS policy of the next hop and puts it before what
// smtp_tls_policy_maps names already.
func (b *builder) policy() error {
	if b.d.Level == "secure" && b.d.CAFile == "" {
		return fmt.Errorf("no CA bundle was found on this host: install ca-certificates, or name one with --ca-file")
	}
	text, err := templates.Render(templates.TLSPolicy, b.d)
	if err != nil {
		return err
	}
	value, _ := parseTable(text).get(b.d.NextHop)
	ours, err := b.newMap(policyFile, templates.TLSPolicy, map[string]secret.Value{b.d.NextHop: secret.New(value)})
	if err != nil {
		return err
	}
	b.d.PolicyMaps = b.merge("smtp_tls_policy_maps", ours, true)
	if b.param("smtp_tls_per_site") != "" && b.param("smtp_tls_policy_maps") == "" {
		b.note("smtp_tls_per_site = %s has no effect any more beside smtp_tls_policy_maps: move its entries to a policy table", b.param("smtp_tls_per_site"))
	}
	return nil
}

// merge returns the value of the list parameter name with our table in it, at
// the front or at the end, whatever type it had there before.
func (b *builder) merge(name, ours string, first bool) string {
	raw, _ := b.main.Get(name)
	_, path, _ := strings.Cut(ours, ":")
	list := splitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool { return strings.HasSuffix(e, ":"+path) })
	var merged []string
	if first {
		merged = append([]string{ours}, others...)
	} else {
		merged = append(others, ours)
	}
	if slices.Equal(merged, list) {
		return raw
	}
	return strings.Join(merged, ", ")
}

// drop returns the value of the list parameter name without our file, and
// whether it was in it.
func (b *builder) drop(name, file string) (string, bool) {
	raw, _ := b.main.Get(name)
	list := splitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool { return strings.HasSuffix(e, ":"+b.path(file)) })
	return strings.Join(others, ", "), len(others) < len(list)
}

// splitList splits a raw list value at commas and blanks outside of braces.
func splitList(raw string) []string {
	level := 0
	return strings.FieldsFunc(raw, func(r rune) bool {
		switch r {
		case '{':
			level++
		case '}':
			level--
		}
		return level == 0 && strings.ContainsRune(", \t\r\n", r)
	})
}

// words splits a list value, without regard to braces.
func words(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// routes gives every domain of --direct an entry in transport_maps that keeps it
// where it was. Entries that exist win. relay_domains need none: default_transport
// does not apply to them.
func (b *builder) transportMaps() error {
	b.d.Routes = nil
	for _, domain := range b.cfg.Direct {
		b.transportMap(strings.ToLower(domain), "smtp:")
	}
	if len(b.d.Routes) == 0 {
		if value, was := b.drop("transport_maps", transportFile); was {
			b.d.TransportMaps = value
			b.setOrRemove("transport_maps", value)
		}
		return nil
	}
	keys := make(map[string]secret.Value)
	for _, r := range b.d.Routes {
		keys[r.Name] = secret.New(r.Value)
	}
	ours, err := b.newMap(transportFile, templates.Transport, &templates.Data{RelayName: b.relayNames(), Routes: b.d.Routes}, keys)
	if err != nil {
		return err
	}
	b.d.TransportMaps = b.merge("transport_maps", false, ours)
	return nil
}

// route adds an entry unless one is there or an existing table has it.
func (b *builder) transportMap(domain, value string) {
	if b.routed == nil {
		b.routed = map[string]bool{}
		for _, t := range postfix.ParseTables(b.param("transport_maps"), b.s.DefaultMap) {
			if t.Path == b.path(transportFile) {
				continue
			}
			for _, e := range entries(b.s, t.Path) {
				b.routed[e.Key] = true
			}
		}
	}
	if !b.routed[domain] {
		b.routed[domain] = true
		b.d.Routes = append(b.d.Routes, templates.Setting{Name: domain, Value: value})
	}
}

// relayTransport is where mail for relay_domains goes, as a transport entry
// that asks the domain's own mail exchangers, or "" where that is an error
// ("Local only" set-ups).
func (b *builder) relayTransport() string {
	value := b.param("relay_transport")
	switch name, _, _ := strings.Cut(value, ":"); name {
	case "":
		return "relay:"
	case "error", "retry":
		return ""
	}
	if !strings.Contains(value, ":") {
		value += ":"
	}
	return value
}

// passesOn reports whether some domain of relay_domains is not delivered here. A
// table that cannot be read may have one.
func (b *builder) passesOn() bool {
	for _, word := range postfix.SplitList(b.param("relay_domains")) {
		found := []string{strings.ToLower(word)}
		switch {
		case strings.HasPrefix(word, "!"):
			continue
		case strings.ContainsAny(word, ":/"):
			text, ok := b.s.Maps[postfix.ParseTables(word, b.s.DefaultMap)[0].Path]
			if !ok {
				return true
			}
			found = nil
			for line := range strings.Lines(string(text)) { // of a table, or of a file without values
				if f := strings.Fields(line); len(f) > 0 && f[0][0] != '#' {
					found = append(found, strings.ToLower(f[0]))
				}
			}
		}
		if slices.ContainsFunc(found, func(domain string) bool { return !b.isLocal(domain) }) {
			return true
		}
	}
	return false
}

// aliasFile is the table that local(8) looks root up in.
func (b *builder) aliasFile() postfix.Table {
	for _, name := range []string{"alias_maps", "alias_database"} {
		for _, t := range postfix.ParseTables(b.param(name), b.s.DefaultMap) {
			if t.Editable() {
				return t
			}
		}
	}
	return postfix.Table{}
}

// aliases sets the alias of root (aliases(5)).
func (b *builder) aliases() error {
	if b.cfg.RootTo == "" {
		return nil
	}
	t := b.aliasFile()
	if t.Path == "" {
		return &config.InputError{Field: "root-to", Msg: "this Postfix has no aliases file", Hint: "set alias_maps and alias_database first"}
	}
	if kind, why, _ := strings.Cut(b.param("local_transport"), ":"); kind == "error" || kind == "retry" || kind == "discard" {
		return &config.InputError{Field: "root-to", Msg: "no mail is delivered on this server (local_transport = " + kind + ":" + why + "), so that no alias of root applies",
			Hint: "leave --root-to out: mail for root goes on as before"}
	}
	if !b.isLocal(strings.ToLower(b.origin())) {
		return &config.InputError{Field: "root-to", Msg: "mail to root goes to " + b.origin() + ", which is not delivered here: no alias of root applies to it",
			Hint: "leave --root-to out, or add " + b.origin() + " to mydestination"}
	}
	aliases, err := postfix.ParseAliases(b.s.Maps[t.Path])
	if err != nil {
		return fmt.Errorf("%s: %w", t.Path, err)
	}
	value, _ := aliases.Get("root")
	if strings.EqualFold(value, b.cfg.RootTo) {
		aliases.Set("root", value) // the only one
	} else {
		aliases.Set("root", b.cfg.RootTo)
	}
	f := File{Path: t.Path, After: aliases.Bytes(), Mode: 0o644}
	if t.Index() != "" {
		f.Aliases = t.Type
	}
	b.file(f)
	return nil
}

package plan

import (
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// transportMaps gives every domain of --direct an entry in transport_maps that keeps it
// where it was. Entries that exist win. relay_domains need none: default_transport
// does not apply to them.
func (b *builder) transportMaps() error {
	b.d.Transports = nil
	known := routed(b.s)
	for _, domain := range b.cfg.Direct {
		if domain = strings.ToLower(domain); !known[domain] {
			known[domain] = true
			b.d.Transports = append(b.d.Transports, templates.Setting{Name: domain, Value: "smtp:"})
		}
	}
	if len(b.d.Transports) == 0 {
		if value, was := withoutTables(b.s, b.main, "transport_maps", transportFile); was {
			b.d.TransportMaps = value
			setOrRemove(b.main, "transport_maps", value)
		}
		return nil
	}
	keys := make(map[string]secret.Value)
	for _, r := range b.d.Transports {
		keys[r.Name] = secret.New(r.Value)
	}
	ours, err := b.out.newMap(transportFile, templates.Transport, &templates.Data{RelayName: relayNames(b.services, b.d), Transports: b.d.Transports}, keys)
	if err != nil {
		return err
	}
	b.d.TransportMaps = withTables(b.s, b.main, "transport_maps", false, ours)
	return nil
}

// routed are the recipients' domains that have an entry in a table of transport_maps
// that is not ours.
func routed(state postfix.State) map[string]bool {
	known := map[string]bool{}
	for _, t := range postfix.ParseTables(state.Params["transport_maps"], state.DefaultMap) {
		if t.Path == filePath(state, transportFile) {
			continue
		}
		for _, e := range entries(state, t.Path) {
			known[e.Key] = true
		}
	}
	return known
}

// relayTransport is where mail for relay_domains goes, as a transport entry
// that asks the domain's own mail exchangers, or "" where that is an error
// ("Local only" setups).
func relayTransport(state postfix.State) string {
	value := state.Params["relay_transport"]
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
func passesOn(state postfix.State, facts lint.Config) bool {
	for _, word := range postfix.MatchList(state.Params["relay_domains"]) {
		found := []string{strings.ToLower(word)}
		switch {
		case strings.HasPrefix(word, "!"):
			continue
		case strings.ContainsAny(word, ":/"):
			text, ok := state.Maps[postfix.ParseTables(word, state.DefaultMap)[0].Path]
			if !ok {
				return true
			}
			found = nil
			for _, line := range postfix.LogicalLines(text) { // of a table, or of a file without values
				key, _, _ := strings.Cut(line, " ")
				found = append(found, strings.ToLower(key))
			}
		}
		if slices.ContainsFunc(found, func(domain string) bool { return !isLocal(facts, domain) }) {
			return true
		}
	}
	return false
}

// catchAll finds the transport(5) entry "*", which wins over relayhost.
func catchAll(out *output, state postfix.State, cfg config.Config) *Conflict {
	for _, t := range postfix.ParseTables(state.Params["transport_maps"], state.DefaultMap) {
		if t.Path == filePath(state, transportFile) {
			continue
		}
		text, ok := state.Maps[t.Path]
		if !ok {
			if t.Type != "" && !t.Editable() {
				out.note("transport_maps = %s may send mail past the relay, or by its service to another next hop; it cannot be read from here", t)
			}
			continue
		}
		source, err := postfix.ParseSource(text)
		if err != nil {
			continue
		}
		value, found := source.Get("*")
		switch {
		case !found || value == ":":
		case replacesOurs(state, cfg, value):
			dropCatchAll(out, state, t, value)
		default:
			return &Conflict{"transport_maps", t.String(), "its entry \"* " + value + "\" sends all mail past the relay",
				"remove that entry from " + t.Path + ", or keep it for single domains with --direct"}
		}
	}
	return nil
}

// replacesOurs reports whether relayhost will say what the entry "*" says today. The
// tables of senders, which have no effect beside it, must say nothing then.
func replacesOurs(state postfix.State, cfg config.Config, value string) bool {
	for _, name := range []string{"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"} {
		if state.Params[name] != "" {
			return false
		}
	}
	_, next, _ := strings.Cut(value, ":")
	hop, err := postfix.ParseNextHop(next)
	return err == nil && strings.EqualFold(hop.Host, cfg.First().Host) && hop.Port == cfg.First().Port
}

// dropCatchAll takes the entry out of its table.
func dropCatchAll(out *output, state postfix.State, t postfix.Table, value string) {
	text, err := postfix.ParseSource(state.Maps[t.Path])
	if err != nil {
		return // it had the entry
	}
	text.Remove("*")
	f := File{Path: t.Path, After: text.Bytes(), Mode: 0o644}
	if t.Index() != "" {
		f.Map = t.Type
	}
	out.file(f)
	out.note("the entry \"* %s\" of %s is removed: relayhost says it now, and mail for domains of this server stays here", value, t.Path)
}

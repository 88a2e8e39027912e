package plan

import (
	"strings"

	"relayhost/internal/postfix"
)

// catchAll finds the transport(5) entry "*", which wins over relayhost.
func (b *builder) catchAll() *Conflict {
	for _, t := range postfix.ParseTables(b.param("transport_maps"), b.s.DefaultMap) {
		if t.Path == b.path(transportFile) {
			continue
		}
		text, ok := b.s.Maps[t.Path]
		if !ok {
			if t.Type != "" && !t.Editable() {
				b.note("transport_maps = %s may send mail past the relay, or by its service to another next hop; it cannot be read from here", t)
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
		case b.replaces(value):
			b.dropCatchAll(t, value)
		default:
			return &Conflict{"transport_maps", t.String(), "its entry \"* " + value + "\" sends all mail past the relay",
				"remove that entry from " + t.Path + ", or keep it for single domains with --direct"}
		}
	}
	return nil
}

// replaces reports whether relayhost will say what the entry "*" says today. The
// tables of senders, which have no effect beside it, must say nothing then.
func (b *builder) replaces(value string) bool {
	for _, name := range []string{"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"} {
		if b.param(name) != "" {
			return false
		}
	}
	_, next, _ := strings.Cut(value, ":")
	hop, err := postfix.ParseNextHop(next)
	return err == nil && strings.EqualFold(hop.Host, b.cfg.First().Host) && hop.Port == b.cfg.First().Port
}

// dropCatchAll takes the entry out of its table.
func (b *builder) dropCatchAll(t postfix.Table, value string) {
	text, err := postfix.ParseSource(b.s.Maps[t.Path])
	if err != nil {
		return // it had the entry
	}
	text.Remove("*")
	f := File{Path: t.Path, After: text.Bytes(), Mode: 0o644}
	if t.Index() != "" {
		f.Map = t.Type
	}
	b.file(f)
	b.note("the entry \"* %s\" of %s is removed: relayhost says it now, and mail for domains of this server stays here", value, t.Path)
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/secret"
	"relayhost/templates"
)

// policy writes the TLS policy of every next hop and puts it before what
// smtp_tls_policy_maps names already.
func (b *builder) policy() error {
	var policies []templates.Policy
	known := map[string]int{}
	for _, s := range b.services {
		for i := range s.hops {
			p := tlsPolicy(&s.hops[i], b.s.Version)
			if p.Level == "secure" && s.d.CAFile == "" {
				return fmt.Errorf("no CA bundle was found on this host: install ca-certificates, or name one with --ca-file")
			}
			p.Reuse = s.d.TLSProxy != ""
			if n, ok := known[p.NextHop]; ok {
				// One service without a tlsproxy(8) of ours would defer all its mail.
				policies[n].Reuse = policies[n].Reuse && p.Reuse
				continue
			}
			known[p.NextHop] = len(policies)
			policies = append(policies, p)
		}
	}
	d := &templates.Data{RelayName: b.relayNames(), Policies: policies}
	text, err := templates.Render(templates.TLSPolicy, d)
	if err != nil {
		return err
	}
	keys, rendered := make(map[string]secret.Value, len(policies)), parseTable(text)
	for _, p := range policies {
		value, _ := rendered.get(p.NextHop)
		keys[p.NextHop] = secret.New(value)
	}
	ours, err := b.newMap(policyFile, templates.TLSPolicy, d, keys)
	if err != nil {
		return err
	}
	b.d.PolicyMaps = b.merge("smtp_tls_policy_maps", true, ours)
	if b.param("smtp_tls_per_site") != "" && b.param("smtp_tls_policy_maps") == "" {
		b.note("smtp_tls_per_site = %s has no effect any more beside smtp_tls_policy_maps: move its entries to a policy table", b.param("smtp_tls_per_site"))
	}
	return nil
}

// merge returns the value of the list parameter name with our tables in it, at
// the front or at the end, whatever type they had there before. Files of ours
// that are not among them go.
func (b *builder) merge(name string, first bool, ours ...string) string {
	raw, _ := b.main.Get(name)
	list := splitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool {
		return strings.Contains(e, ":"+b.path(ownPrefix)) || slices.ContainsFunc(ours, func(t string) bool { return samePath(e, t) })
	})
	merged := append(slices.Clone(ours), others...)
	if !first {
		merged = append(others, ours...)
	}
	if slices.Equal(merged, list) {
		return raw
	}
	return strings.Join(merged, ", ")
}

// samePath reports whether two tables are one file, whatever their types.
func samePath(entry, table string) bool {
	_, path, _ := strings.Cut(table, ":")
	return strings.HasSuffix(entry, ":"+path)
}

// drop returns the value of the list parameter name without our files, and
// whether one was in it.
func (b *builder) drop(name string, files ...string) (string, bool) {
	raw, _ := b.main.Get(name)
	list := splitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix(e, ":"+b.path(file)) })
	})
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

package plan

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
	"relayhost/templates"
)

// nullKey is what Postfix looks the null sender up as.
func nullKey(s postfix.State) string {
	return cmp.Or(s.Params["empty_address_default_transport_maps_lookup_key"], config.NullSender)
}

// sender is the sender of the proof.
func (w *route) sender() string { return cmp.Or(w.From, config.ProofSender(w.Senders)) }

// routesOf makes the routes of the plan; the null sender moves to one whose relay accepts
// it.
func routesOf(out *output, cfg config.Config) (routes []*route) {
	for _, r := range cfg.Routes {
		routes = append(routes, &route{Route: r})
	}
	if i := cfg.NullRoute(); i > 0 {
		w := routes[i]
		w.Senders = append(slices.Clone(w.Senders), config.NullSender)
		out.note("%s rejects the null sender (<>): bounces use the route %s", relayName(cfg.First().Relay), w.Name)
	}
	return routes
}

// ofNull is the relay of mail with the null sender.
func ofNull(cfg config.Config, routes []*route) *relays.Relay {
	for _, w := range routes {
		if slices.Contains(w.Senders, config.NullSender) {
			return w.Hops[0].Relay
		}
	}
	return cfg.First().Relay
}

// below is the regular expression for addresses at names below domain, which
// begins with a dot.
func below(domain string) string { return "/@.*" + regexp.QuoteMeta(domain) + "$/" }

// bySenderMaps writes the tables that choose the service by the sender. The
// next hop in them wins over relayhost (trivial-rewrite(8)).
func (b *builder) bySenderMaps() error {
	const name = "sender_dependent_default_transport_maps"
	if len(b.routes) == 1 {
		raw, _ := b.main.Get(name)
		if rest, was := withoutTables(b.s, b.main, name, bySenderFile, belowFile); was {
			raw = rest
		}
		if value := otherSenders(b.s, b.main, b.master, raw); value != raw {
			setOrRemove(b.main, name, value)
		}
		return nil
	}
	exact, patterns := senderEntries(b.s, b.routes)
	keys := make(map[string]secret.Value, len(exact))
	for _, e := range exact {
		keys[e.Name] = secret.New(e.Value)
	}
	ours, err := b.out.newMap(bySenderFile, templates.BySender, &templates.Data{Senders: exact}, keys)
	if err != nil {
		return err
	}
	tables := []string{ours}
	if len(patterns) > 0 {
		if b.s.MapTypes != nil && !slices.Contains(b.s.MapTypes, "regexp") {
			return &config.InputError{Field: "route " + b.routes[1].Name, Msg: "this Postfix has no regexp tables, which senders with a leading dot need", Hint: "name each domain"}
		}
		text, err := templates.Render(templates.Subdomains, &templates.Data{Senders: patterns})
		if err != nil {
			return err
		}
		b.out.file(File{Path: filePath(b.s, belowFile), After: text, Mode: 0o644})
		tables = append(tables, "regexp:"+filePath(b.s, belowFile))
	}
	b.d.SenderTransportMaps = otherSenders(b.s, b.main, b.master, withTables(b.s, b.main, name, true, tables...))
	return nil
}

// senderEntries lists the entries of the indexed table and those of the one
// with patterns.
func senderEntries(state postfix.State, routes []*route) (exact, patterns []templates.Setting) {
	var wide []templates.Setting // ".domain" and its way
	for _, w := range routes[1:] {
		value := w.service.d.Service + ":" + w.nextHop()
		for _, sender := range w.Senders {
			switch {
			case sender == config.NullSender:
				exact = append(exact, templates.Setting{Name: nullKey(state), Value: value})
			case sender[0] == '.':
				wide = append(wide, templates.Setting{Name: sender, Value: value})
			case strings.Contains(sender, "@"):
				exact = append(exact, templates.Setting{Name: sender, Value: value})
			default:
				exact = append(exact, templates.Setting{Name: "@" + sender, Value: value})
			}
		}
	}
	if len(wide) == 0 {
		return exact, nil
	}
	return exact, patternsFor(state, exact, wide)
}

// patternsFor is the table for names below a domain, narrow ones first. Postfix
// asks all tables for the whole address before it asks any for the domain, and
// a pattern answers to the whole address: so what is said of a domain or an
// address inside has to stand here as well.
func patternsFor(state postfix.State, exact, wide []templates.Setting) []templates.Setting {
	domains := make(map[string]bool, len(wide))
	for _, w := range wide {
		domains[w.Name] = true
	}
	var out []templates.Setting
	for _, e := range exact {
		local, domain, _ := cutLast(e.Name, "@")
		if e.Name == nullKey(state) || !insideAny(domain, domains) {
			continue
		}
		pattern := "/@" + regexp.QuoteMeta(domain) + "$/"
		if local != "" {
			pattern = "/^" + quoteLocal(local) + extensionPattern(state) + "@" + regexp.QuoteMeta(domain) + "$/"
		}
		out = append(out, templates.Setting{Name: pattern, Value: e.Value})
	}
	// Addresses before domains, as Postfix itself has it.
	slices.SortStableFunc(out, func(x, y templates.Setting) int {
		return cmp.Compare(y.Name[1], x.Name[1]) // '^' is greater than '@'
	})
	slices.SortStableFunc(wide, func(x, y templates.Setting) int {
		return cmp.Compare(strings.Count(y.Name, "."), strings.Count(x.Name, "."))
	})
	for _, w := range wide {
		out = append(out, templates.Setting{Name: below(w.Name), Value: w.Value})
	}
	return out
}

// insideAny reports whether domain is a name below one of the domains.
func insideAny(domain string, domains map[string]bool) bool {
	for i := strings.IndexByte(domain, '.'); i >= 0; {
		if domains[domain[i:]] {
			return true
		}
		next := strings.IndexByte(domain[i+1:], '.')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// extensionPattern matches what may follow a local part (recipient_delimiter).
func extensionPattern(state postfix.State) string {
	delimiters := state.Params["recipient_delimiter"]
	var any []string
	for _, c := range delimiters {
		if strings.ContainsRune("+-_.=#", c) {
			any = append(any, regexp.QuoteMeta(string(c)))
		}
	}
	if len(any) == 0 {
		return ""
	}
	return "((" + strings.Join(any, "|") + ")[^@]*)?"
}

// quoteLocal makes a local part literal in a regexp table, where a slash ends
// the pattern.
func quoteLocal(s string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(s), "/", `\/`)
}

// Staged is w as the validator of a staged configuration takes it.
func (w Route) Staged() lint.Route {
	staged := lint.Route{Service: w.Service}
	for _, sender := range w.Senders {
		switch {
		case sender[0] == '.':
			sender = below(sender)
		case sender != config.NullSender && !strings.Contains(sender, "@"):
			sender = "@" + sender
		}
		staged.Senders = append(staged.Senders, sender)
	}
	for _, h := range w.Hops {
		if w.Bridge != "" {
			staged.Hops = append(staged.Hops, lint.Hop{NextHop: "unix:" + w.Socket(), Bridge: w.Service + outSuffix})
			continue
		}
		staged.Hops = append(staged.Hops, lint.Hop{NextHop: h.NextHop, TLS: relays.TLSMode(h.TLS), NoVerify: h.NoVerify, NoAuth: h.NoAuth})
	}
	return staged
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
)

// aliasFile is the table that local(8) looks root up in.
func aliasFile(state postfix.State) postfix.Table {
	for _, name := range []string{"alias_maps", "alias_database"} {
		for _, t := range postfix.ParseTables(state.Params[name], state.DefaultMap) {
			if t.Editable() {
				return t
			}
		}
	}
	return postfix.Table{}
}

// rootAliases sets the alias of root (aliases(5)).
func rootAliases(out *output, state postfix.State, facts lint.Config, cfg config.Config) error {
	if cfg.RootTo == "" {
		return nil
	}
	t := aliasFile(state)
	if t.Path == "" {
		return &config.InputError{Field: "root-to", Msg: "this Postfix has no aliases file", Hint: "set alias_maps and alias_database first"}
	}
	if kind, why, _ := strings.Cut(state.Params["local_transport"], ":"); kind == "error" || kind == "retry" || kind == "discard" {
		return &config.InputError{Field: "root-to", Msg: "no mail is delivered on this server (local_transport = " + kind + ":" + why + "), so that no alias of root applies",
			Hint: "leave --root-to out: mail for root goes on as before"}
	}
	if !isLocal(facts, strings.ToLower(Origin(state))) {
		return &config.InputError{Field: "root-to", Msg: "mail to root goes to " + Origin(state) + ", which is not delivered here: no alias of root applies to it",
			Hint: "leave --root-to out, or add " + Origin(state) + " to mydestination"}
	}
	aliases, err := postfix.ParseAliases(state.Maps[t.Path])
	if err != nil {
		return fmt.Errorf("%s: %w", t.Path, err)
	}
	value, _ := aliases.Get("root")
	if strings.EqualFold(value, cfg.RootTo) {
		aliases.Set("root", value) // the only one
	} else {
		aliases.Set("root", cfg.RootTo)
	}
	f := File{Path: t.Path, After: aliases.Bytes(), Mode: 0o644}
	if t.Index() != "" {
		f.Aliases = t.Type
	}
	out.file(f)
	return nil
}

// aliasesLeave reports whether a table of aliases has an address elsewhere, a program or
// a list (aliases(5), virtual(5)), or may have one: some tables only Postfix reads.
func aliasesLeave(state postfix.State, facts lint.Config) bool {
	for _, name := range []string{"alias_maps", "virtual_alias_maps"} {
		parse := postfix.ParseSource
		if name == "alias_maps" {
			parse = postfix.ParseAliases
		}
		for _, t := range postfix.ParseTables(state.Params[name], state.DefaultMap) {
			source, err := parse(state.Maps[t.Path])
			if err != nil || !t.Editable() || slices.Contains(state.Unreadable, t.Path) {
				return true
			}
			for _, entry := range source.Entries() {
				if slices.ContainsFunc(postfix.SplitList(entry.Value), func(to string) bool { return leaves(facts, to) }) {
					return true
				}
			}
		}
	}
	return false
}

// leaves reports whether what an alias names is not a mailbox or file of this host.
func leaves(facts lint.Config, to string) bool {
	to = strings.Trim(to, `"`)
	_, domain, address := strings.Cut(to, "@")
	return strings.HasPrefix(to, "|") || strings.HasPrefix(to, ":include:") || address && !isLocal(facts, strings.ToLower(domain))
}

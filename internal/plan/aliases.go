package plan

import (
	"fmt"
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

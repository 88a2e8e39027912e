package apply

import (
	"slices"

	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// compiler is the program that makes the map of path: what a command of the
// plan names, or postmap(1).
func compiler(p plan.Plan, path string) string {
	for _, c := range p.Commands {
		if table, ok := compiles(c); ok && table.Path == path {
			return c.Args[0]
		}
	}
	return "postmap"
}

// mapped gives a file that a command of the plan would compile its map type, so
// that the map is made aside and not under a running Postfix.
func mapped(p plan.Plan) plan.Plan {
	p.Files = slices.Clone(p.Files)
	for _, c := range p.Commands {
		table, ok := compiles(c)
		if !ok {
			continue
		}
		for i := range p.Files {
			if p.Files[i].Path == table.Path {
				p.Files[i].Map = table.Type
			}
		}
	}
	return p
}

// compiles reports which table a command is to compile.
func compiles(c plan.Command) (postfix.Table, bool) {
	if len(c.Args) != 2 || c.Args[0] != "postmap" && c.Args[0] != "postalias" {
		return postfix.Table{}, false
	}
	tables := postfix.ParseTables(c.Args[1], "")
	if len(tables) != 1 || tables[0].Index() == "" {
		return postfix.Table{}, false
	}
	return tables[0], true
}

// done reports whether the transaction does by itself what the command says:
// maps are built aside, and Options.Reload tells Postfix.
func done(c plan.Command, p plan.Plan) bool {
	if table, ok := compiles(c); ok {
		return slices.ContainsFunc(p.Files, func(f plan.File) bool { return f.Path == table.Path })
	}
	return len(c.Args) > 0 && c.Args[0] == "postfix"
}

package postfix

import (
	"path/filepath"

	"relayhost/internal/lint"
)

// Lint judges the configuration that s holds by its texts. exists tells whether
// a file is there, compiled tables above all, and whether that is known; defaults are
// those of Defaults, nil where they are not known.
func (s State) Lint(exists func(path string) (exists, known bool), defaults map[string]string) []lint.Finding {
	if s.Main == nil || s.Master == nil {
		return nil
	}
	return lint.Check(s.facts(exists, defaults))
}

// Stopping is Lint for what keeps all mail from leaving.
func (s State) Stopping(exists func(path string) (exists, known bool), defaults map[string]string) []lint.Finding {
	return lint.Stopping(s.facts(exists, defaults))
}

// Facts is s as the rules take it.
func (s State) Facts() lint.Config { return s.facts(nil, nil) }

// facts is Facts with what Lint is given.
func (s State) facts(exists func(path string) (exists, known bool), defaults map[string]string) lint.Config {
	c := lint.Config{
		Main: filepath.Join(s.ConfigDir, "main.cf"), Master: filepath.Join(s.ConfigDir, "master.cf"),
		Params: s.Params, Exists: exists, Tables: s.Maps, Types: s.MapTypes,
		AtLeast:   func(major, minor int) bool { return s.Version.AtLeast(major, minor) },
		SASLTypes: s.SASLTypes, SASLPlugins: s.SASLPlugins, Unreadable: s.Unreadable, Defaults: defaults, Warnings: s.Warnings,
		Running: s.Running, Dir: s.ConfigDir, Hostname: s.Hostname, FQDN: s.FQDN,
		Lookups: lintTables{NewLookups(s)},
		Expand: func(value string) (string, bool) {
			return expand(value, func(name string) string { return s.Params[name] })
		},
	}
	if s.Main != nil {
		c.InlineComments = s.Main.InlineComments()
		s.Main.doc.each(func(i, line int) {
			c.Defined = append(c.Defined, lint.Param{Name: s.Main.doc.nodes[i].name, Value: s.Main.value(i), Line: line})
		})
	}
	if s.Master == nil {
		s.Master, _ = ParseMaster(nil)
	}
	s.Master.doc.each(func(i, line int) {
		service, _ := parseService(s.Master.doc.logical(i))
		one := lint.Service{Name: service.Name, Type: service.Type, Command: service.Command, Args: service.Args,
			Chrooted: service.Chrooted(s.Params["compatibility_level"]), Public: service.Private == "n", Line: line}
		for _, o := range service.Options {
			one.Options = append(one.Options, lint.Param{Name: o.Name, Value: o.Value, Line: line})
		}
		c.Services = append(c.Services, one)
	})
	c.Effective = func(service, name string) (string, bool) {
		entry, _ := s.Master.Get(service, "unix")
		return s.Effective(entry, name)
	}
	return c
}

// lintTables are the tables of a State as lint.Lookups.
type lintTables struct{ *Lookups }

func (l lintTables) Tables(maps string) (all []lint.Table) {
	for _, t := range l.List(maps) {
		all = append(all, lint.Table{Type: t.Type, Path: t.Path, Editable: t.Editable()})
	}
	return all
}

func (l lintTables) Get(maps, key string) (string, bool) {
	value, _, ok := l.Lookups.Get(maps, key)
	return value, ok
}

func (l lintTables) Closed(maps string) bool {
	tables, _ := l.Lookups.Closed(maps)
	return len(tables) > 0
}

func (l lintTables) Source(path string) (map[string]string, error) { return l.source(path) }

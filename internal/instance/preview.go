package instance

import (
	"context"
	"maps"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// Preview finds in a planned configuration, without starting anything, what the
// programs that send mail would die of or defer all mail for (lint.Stopping). s is the
// Postfix as it is. What only concerns incoming or local mail is left out. The error is
// for a question that could not be asked.
func Preview(ctx context.Context, r *host.Reader, s postfix.State, p plan.Plan) ([]Fault, error) {
	defaults, err := postfix.Defaults(ctx, r)
	if err != nil {
		return nil, err
	}
	s, pending := planned(s, p)
	there := postfix.Exists(r)
	exists := func(path string) (exists, known bool) {
		if pending[path] {
			return true, true
		}
		return there(path)
	}
	var found []Fault
	for _, f := range s.Stopping(exists, defaults) {
		fault := Fault{Param: f.Parameter, Table: f.Table, Text: smtpprobe.Sanitize(f.Detail), Package: f.Package, Remedy: f.Remedy, Command: f.Command}
		if f.Package != "" {
			fault.Command = installer(r, f.Package)
		}
		found = append(found, fault)
	}
	return found, nil
}

// planned is s with the main.cf of the plan, and the files of tables that the plan
// writes and compiles.
func planned(s postfix.State, p plan.Plan) (postfix.State, map[string]bool) {
	pending := map[string]bool{}
	for _, f := range p.Files {
		if f.Action != plan.Remove {
			pending[f.Path] = true
			pending[postfix.Table{Type: f.Map, Path: f.Path}.Index()] = true
		}
	}
	f := p.Main()
	main, err := postfix.ParseMain(f.After)
	if f.Path == "" || err != nil {
		return s, pending
	}
	before, params := map[string]string{}, map[string]string{}
	if s.Main != nil {
		before = s.Main.Values()
	}
	maps.Copy(params, s.Params)
	for name, raw := range main.Values() {
		if was, set := before[name]; !set || was != raw {
			params[name] = raw
		}
	}
	s.Main, s.Params = main, params
	return s, pending
}

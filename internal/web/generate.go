package web

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Generated is what a setup would write on a server like the form's.
type Generated struct {
	Version  int       `json:"version"`
	Postfix  string    `json:"postfix"`
	Relay    string    `json:"relay"`
	Host     string    `json:"host"`
	Port     int       `json:"port"`
	TLS      string    `json:"tls"`
	Files    []File    `json:"files"`
	Commands []Command `json:"commands"`
	Notes    []string  `json:"notes,omitempty"`
	Toml     string    `json:"toml"` // relayhost.toml
	Setup    string    `json:"setup"`
	Ansible  string    `json:"ansible,omitempty"` // of a setup with one relay
	Cloud    string    `json:"cloud_init,omitempty"`
	Findings []Finding `json:"findings,omitempty"` // of the main.cf that was pasted
	Error    string    `json:"error,omitempty"`
	Hint     string    `json:"hint,omitempty"`
	Field    string    `json:"field,omitempty"` // of the form, that the error is about
}

// File is one file. Passwords are not in it: where one belongs, "***" stands.
type File struct {
	Path   string `json:"path"`
	Action string `json:"action"` // create | modify
	Mode   string `json:"mode"`   // octal
	Added  []Line `json:"added"`  // in the order of the file
	Diff   string `json:"diff"`
}

// Line is a line that is added, and why.
type Line struct {
	Text   string  `json:"text"`
	Reason *Reason `json:"reason,omitempty"`
}

// Command is run after the files are in place.
type Command struct {
	Line string `json:"line"`
	Why  string `json:"why"`
}

// Finding is what a lint rule says of the main.cf that was pasted.
type Finding struct {
	ID        string `json:"id"`
	Severity  string `json:"severity"`
	Detail    string `json:"detail"`
	Remedy    string `json:"remedy"`
	Line      int    `json:"line,omitempty"`
	Parameter string `json:"parameter,omitempty"`
}

// Generate makes the files for f. What cannot be made is in Error, never a panic.
func Generate(f Form) Generated {
	g := Generated{Version: 1, Files: []File{}, Commands: []Command{}}
	fail := func(err error) Generated {
		g.Error = err.Error()
		var input *config.InputError
		var file *config.FileError
		var conflict *plan.Conflict
		switch {
		case errors.As(err, &input):
			g.Field, g.Hint, g.Error = input.Field, input.Hint, input.Msg
		case errors.As(err, &file):
			g.Error, g.Hint = file.Msg, file.Hint
		case errors.As(err, &conflict):
			g.Hint = conflict.Hint
		}
		return g
	}
	s, err := f.state()
	if err != nil {
		return fail(err)
	}
	g.Postfix = s.Version.String()
	if f.MainCF != "" {
		g.Findings = findings(s)
	}
	c, err := f.config()
	if err != nil {
		return fail(err)
	}
	p, err := plan.Build(plan.Server{State: s, NoCredentials: true}, c)
	if err != nil {
		return fail(err)
	}
	hop := p.First()
	g.Relay, g.Host, g.Port, g.TLS, g.Notes = hop.Relay, hop.Host, hop.Port, hop.TLS, p.Notes
	services := make([]string, 0, len(p.Routes))
	for _, r := range p.Routes {
		services = append(services, r.Service)
	}
	for _, file := range p.Files {
		if file.Action == plan.Unchanged {
			continue
		}
		if file.Path == config.Path {
			g.Toml = string(file.After)
		}
		g.Files = append(g.Files, shown(file, services))
	}
	for _, command := range p.Commands {
		g.Commands = append(g.Commands, Command{strings.Join(command.Args, " "), command.Why})
	}
	g.Setup = f.setup()
	if !c.Several() {
		g.Ansible, g.Cloud = f.ansible(), f.cloudInit()
	}
	return g
}

// shown is a file of the plan for the page.
func shown(file plan.File, services []string) File {
	out := File{Path: file.Path, Action: string(file.Action), Mode: fmt.Sprintf("%04o", file.Mode.Perm()), Diff: diff.File(file), Added: []Line{}}
	for _, text := range AddedLines(out.Diff) {
		out.Added = append(out.Added, Line{text, reasonOf(path.Base(file.Path), text, services)})
	}
	return out
}

// AddedLines are the lines that a unified difference adds.
func AddedLines(difference string) []string {
	var added []string
	inside := false
	for line := range strings.Lines(difference) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "@@"):
			inside = true
		case inside && strings.HasPrefix(line, "+"):
			added = append(added, line[1:])
		}
	}
	return added
}

// findings are the faults of the pasted main.cf, the worst first. Whether files are
// there is not known of a server that nobody sees.
func findings(s postfix.State) []Finding {
	var list []Finding
	for _, f := range s.Lint(func(string) (exists, known bool) { return false, false }, nil) {
		if path.Base(f.File) != "main.cf" {
			continue
		}
		list = append(list, Finding{f.Rule, string(f.Severity), f.Detail, f.Remedy, f.Line, f.Parameter})
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return a.Line - b.Line })
	return list
}

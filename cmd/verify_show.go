package cmd

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/ui"
	"relayhost/internal/verify"
)

// findingList prints findings, one line each, and what to do below those that
// need it. Where there are several routes, those of one stand under its name.
type findingList struct {
	app    *app
	routes []verify.Route
	about  string // route of the last finding
	begun  bool
}

// indent is the width of result and check.
const indent = 19

func (l *findingList) show(f verify.Finding) {
	var b strings.Builder
	width, blank := l.app.io.Width(), strings.Repeat(" ", indent)
	b.WriteString(l.heading(f.Route))
	b.WriteString(ui.Wrap(f.Detail, fmt.Sprintf("%s  %-13s", l.app.io.Colored(string(f.Result)), f.Check), blank, width))
	if f.Result == verify.Fail || f.Result == verify.Warn {
		if f.Remedy != "" {
			b.WriteString(ui.Wrap(f.Remedy, blank+"do: ", blank+"    ", width))
		}
		if f.Command != "" {
			b.WriteString(blank + "    " + f.Command + "\n")
		}
	}
	l.app.io.Print(b.String())
}

// heading is the line above the findings of a route; "" where there is one route
// only, and where the finding before was of the same.
func (l *findingList) heading(route string) string {
	if len(l.routes) == 1 && len(l.routes[0].Hops) == 1 || l.begun && l.about == route {
		return ""
	}
	gap := ""
	if l.begun {
		gap = "\n"
	}
	l.begun, l.about = true, route
	if route == "" {
		return gap + "this server\n"
	}
	return gap + "route " + route + "\n"
}

// sum is the last line.
func (l *findingList) sum(r verify.Report) {
	l.app.io.Print(fmt.Sprintf("result: %s\n", l.app.io.Colored(string(r.Result))))
}

// all prints the report in its order. Why something was not checked is told with
// --verbose only: there is nothing to do about it.
func (l *findingList) all(r verify.Report) {
	var skipped []string
	for _, f := range r.Findings {
		if f.Result == verify.Skip && !l.app.verbose {
			if !slices.Contains(skipped, f.Check) {
				skipped = append(skipped, f.Check)
			}
			continue
		}
		l.show(f)
	}
	if len(skipped) > 0 {
		l.app.io.Print(ui.Wrap("not checked: "+strings.Join(skipped, ", ")+" (--verbose shows why)", "", "  ", l.app.io.Width()))
	}
	l.sum(r)
}

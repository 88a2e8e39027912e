package verify

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/ui"
)

// Style is how a Report is printed.
type Style struct {
	Width   int                      // of the terminal, in columns
	Colored func(word string) string // gives a result its colour
	Skipped bool                     // list why a check was skipped: there is nothing to do about it
}

// indent is the width of result and check.
const indent = 19

// Text prints the findings in their order, one line each, and what to do below those
// that need it. Where there are several routes, those of one stand under its name.
func (r Report) Text(routes []Route, style Style) string {
	var b strings.Builder
	var skipped []string
	single := len(routes) == 1 && len(routes[0].Hops) == 1
	about, begun := "", false
	for _, f := range r.Findings {
		if f.Result == Skip && !style.Skipped {
			if !slices.Contains(skipped, f.Check) {
				skipped = append(skipped, f.Check)
			}
			continue
		}
		if !single && (!begun || about != f.Route) {
			if begun {
				b.WriteString("\n")
			}
			b.WriteString(heading(f.Route))
			about, begun = f.Route, true
		}
		b.WriteString(f.text(style))
	}
	if len(skipped) > 0 {
		b.WriteString(ui.Wrap("not checked: "+strings.Join(skipped, ", ")+" (--verbose shows why)", "", "  ", style.Width))
	}
	return b.String() + "result: " + style.Colored(string(r.Result)) + "\n"
}

// heading is the line above the findings of a route.
func heading(route string) string {
	if route == "" {
		return "this server\n"
	}
	return "route " + route + "\n"
}

func (f Finding) text(style Style) string {
	blank := strings.Repeat(" ", indent)
	result := string(f.Result)
	text := ui.Wrap(f.Detail, fmt.Sprintf("%s  %-13s", result, f.Check), blank, style.Width)
	text = style.Colored(result) + strings.TrimPrefix(text, result) // colours have no width
	if f.Result != Fail && f.Result != Warn {
		return text
	}
	if f.Remedy != "" {
		text += ui.Wrap(f.Remedy, blank+"do: ", blank+"    ", style.Width)
	}
	if f.Command != "" {
		text += blank + "    " + f.Command + "\n"
	}
	return text
}

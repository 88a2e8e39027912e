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
// that need it. Where there are several routes, those of one stand under its name; what
// many routes have in common is told once (fold).
func (r Report) Text(routes []Route, style Style) string {
	var b strings.Builder
	var skipped []string
	var shown []Finding
	for _, f := range r.Findings {
		switch {
		case f.Result != Skip || style.Skipped:
			shown = append(shown, f)
		case !slices.Contains(skipped, f.Check):
			skipped = append(skipped, f.Check)
		}
	}
	single := len(routes) == 1 && len(routes[0].Hops) == 1
	about := "-" // of no route
	for _, c := range fold(shown, routes) {
		if title := c.heading(); !single && about != title {
			if about != "-" {
				b.WriteString("\n")
			}
			b.WriteString(ui.Wrap(title, "", "  ", style.Width))
			about = title
		}
		b.WriteString(c.text(style))
	}
	if len(skipped) > 0 {
		b.WriteString(ui.Wrap("not checked: "+strings.Join(skipped, ", ")+" (--verbose shows why)", "", "  ", style.Width))
	}
	return b.String() + "result: " + style.Colored(string(r.Result)) + "\n"
}

// heading is the line above the findings of a route.
func (c class) heading() string {
	switch {
	case c.of > 0:
		return fmt.Sprintf("%d routes (relayhost verify --route NAME shows one, --json all)", c.of)
	case c.Route == "":
		return "this server"
	}
	return "route " + c.Route
}

func (c class) text(style Style) string {
	blank := strings.Repeat(" ", indent)
	result := string(c.Result)
	text := ui.Wrap(c.Detail, fmt.Sprintf("%s  %-13s", result, c.Check), blank, style.Width)
	text = style.Colored(result) + strings.TrimPrefix(text, result) // colours have no width
	if c.Result == Pass && len(c.routes) != 1 {                     // it tells how many
		return text
	}
	switch len(c.routes) {
	case 0:
	case 1:
		text += ui.Wrap("route: "+c.routes[0], blank, blank+"  ", style.Width)
	default:
		names := "routes: " + some(c.routes)
		if c.own {
			names += ", each with its own sender"
		}
		text += ui.Wrap(names, blank, blank+"  ", style.Width)
	}
	if c.Result != Fail && c.Result != Warn {
		return text
	}
	if c.Remedy != "" {
		text += ui.Wrap(c.Remedy, blank+"do: ", blank+"    ", style.Width)
	}
	if c.Command != "" {
		text += blank + "    " + c.Command + "\n"
	}
	return text
}

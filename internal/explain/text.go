package explain

import (
	"fmt"
	"strings"
	"time"

	"relayhost/internal/plural"
)

// Item is one line of what is told about a Group.
type Item struct {
	Label string // do, why, mail, ...
	Text  string
	Whole bool // a command, which is not wrapped, so that it can be copied
}

// Heading is what a Group is about: the title and the ID of its cause.
func (g Group) Heading() string {
	switch {
	case g.Cause.ID == "":
		return "unknown: no cause is known for this text"
	case g.Past:
		return fmt.Sprintf("in the past: %s (%s)", g.Cause.Title, g.Cause.ID)
	}
	return fmt.Sprintf("%s (%s)", g.Cause.Title, g.Cause.ID)
}

// Items are what fixes the cause, why, what became of the mail, what else it could be,
// and where it was seen.
func (g Group) Items() (list []Item) {
	item := func(label, text string) {
		if text != "" {
			list = append(list, Item{Label: label, Text: text})
		}
	}
	switch {
	case g.Past:
		item("do", "Nothing: the mail has been sent since, or the fault is gone since Postfix was reloaded.")
	default:
		if g.Cause.Command != "" {
			list = append(list, Item{"run", g.Cause.Command, true})
		}
		item("do", g.Cause.Remedy)
	}
	if g.Cause.Meaning != g.Cause.Title {
		item("why", g.Cause.Meaning)
	}
	item("mail", g.Fate())
	switch {
	case g.Cause.Confirmed:
		item("here", "confirmed on this host")
	case g.Cause.Refuted:
		item("here", "checked, and not so on this host now: the text is older, or of another host")
	}
	for _, o := range g.Others {
		item("or", o.Title+" ("+o.ID+")")
	}
	for _, o := range g.Follows {
		item("hence", o.Title+" ("+o.ID+")")
	}
	if g.Count > 1 || !g.Last.IsZero() {
		seen := plural.Of(g.Count, "time")
		if !g.Last.IsZero() {
			seen += ", " + g.First.Local().Format(time.DateTime) + " to " + g.Last.Local().Format(time.DateTime)
		}
		item("seen", seen)
	}
	for line := range strings.Lines(g.Example) {
		item("line", strings.TrimSpace(line))
	}
	item("source", g.Cause.Source)
	return list
}

// Rest says what is to be known of the text beside its groups; "" where they are all.
func (c *Collector) Rest(groups int) string {
	switch {
	case c.Unread > 0:
		return fmt.Sprintf("%s read, %d not understood: there may be more in them", plural.Of(c.Lines, "line"), c.Unread)
	case groups == 0 && c.Lines > 0 && !c.Postfix:
		return plural.Of(c.Lines, "line") + " read, none is of Postfix's log"
	case groups == 0:
		return plural.Of(c.Lines, "line") + " read, all understood; none tells of a problem"
	}
	return ""
}

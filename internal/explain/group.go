package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/lint"
)

// Group is the lines of a log, or messages of the queue, with the same cause.
type Group struct {
	Cause   Cause     `json:"cause"` // the first candidate; its ID is "" for unknown lines
	Others  []Cause   `json:"others,omitempty"`
	Count   int       `json:"count"` // messages and recipients; lines where no message is named
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"` // zero, as First, for a text without times
	Delayed int       `json:"delayed"`       // deliveries that wait
	Lost    int       `json:"lost"`          // deliveries that have bounced or expired
	Past    bool      `json:"past,omitempty"`
	// Follows are what comes of the same fault: told, but nothing to fix.
	Follows []Cause `json:"follows,omitempty"`
	Example string  `json:"example"` // the last line, without secrets and control characters

	order    int // of the first line
	lastLine int
	open     map[uint64]bool // messages not sent so far
	ids      int             // messages ever counted
	lines    int             // of them, lines that name no message
	latest   text
}

// Fate says whether the mail is delayed or lost.
func (g Group) Fate() string {
	switch {
	case g.Past:
		return "sent since"
	case g.Cause.Outcome == "works" && g.Lost+g.Delayed == 0:
		return "not affected"
	case g.Lost > 0 && g.Delayed > 0:
		return fmt.Sprintf("%d lost, %d delayed", g.Lost, g.Delayed)
	case g.Lost > 0:
		return fmt.Sprintf("%d lost: returned to the sender, or gone", g.Lost)
	case g.Delayed > 0:
		return fmt.Sprintf("%d delayed: Postfix keeps trying", g.Delayed)
	case g.Cause.ID != "" && g.latest.ofProgram():
		return "the program that wrote this decides whether it tries again"
	case g.Cause.Lost:
		return "lost: not delayed"
	case g.Cause.Outcome == "deferred":
		return "delayed: Postfix keeps trying for maximal_queue_lifetime (5 days)"
	}
	if g.Cause.Outcome == "stuck" {
		return "delayed: it waits in the queue until this is fixed"
	}
	return ""
}

// renew puts the names that the last line mentions into the words, and takes over
// what the checks of this host make of it: they may have come after the line.
func (g *Group) renew(causes []Cause, signs Signs) {
	at := slices.IndexFunc(causes, func(c Cause) bool { return c.ID == g.Cause.ID })
	switch {
	case len(causes) == 0:
		return
	case causes[0].Confirmed:
		at = 0
	case at < 0:
		if sign, checked := signs.About(g.Cause.ID); !checked || sign.Holds {
			return // of an earlier line
		}
		at = 0 // what does not hold here has gone
	}
	c := causes[at]
	c.Lost = g.Cause.Lost
	others := slices.DeleteFunc(append([]Cause{g.Cause}, g.Others...), func(o Cause) bool {
		return o.ID == c.ID || !contains(causes, o.ID) && o.rank < rankFollows
	})
	for n, o := range others {
		if at := slices.IndexFunc(causes, func(c Cause) bool { return c.ID == o.ID }); at >= 0 {
			others[n].Confirmed, others[n].Refuted = causes[at].Confirmed, causes[at].Refuted
		}
	}
	g.Cause, g.Others = c, others
}

// blamed are the rules of internal/lint that may be behind a cause: what the log says
// is the same, and only the files show it.
var blamed = map[string][]string{
	"auth_535_generic": {"table_dollar", "table_no_colon", "table_empty_entry"},
	"tls_not_offered":  {"tls_level_starves_filter", "tls_wrappermode_global"},
}

// blame puts the fault in this host's files that a cause comes of into its words.
func (g *Group) blame(faults []lint.Finding) {
	for _, rule := range blamed[g.Cause.ID] {
		for _, f := range faults {
			if f.Rule != rule || g.Past {
				continue
			}
			where := f.File
			if f.Line > 0 {
				where = fmt.Sprintf("%s, line %d", f.File, f.Line)
			}
			g.Cause.Meaning = where + ": " + strings.TrimSuffix(f.Detail, ".") + "."
			g.Cause.Remedy, g.Cause.Command, g.Cause.Confirmed = f.Remedy, f.Command, true
			return
		}
	}
}

package explain

import (
	"cmp"
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

// Groups returns what was found: what holds now before what is over, causes
// before what follows from them, then the newest first.
func (c *Collector) Groups() []Group {
	var groups []Group
	roots := false
	for _, g := range c.groups {
		roots = roots || g.Cause.ID != "" && !g.Cause.consequence && !g.Cause.notice && g.Cause.Outcome != "works"
	}
	for _, g := range c.groups {
		// Notices are worth telling of a text that somebody asked about.
		if g.Cause.notice && (c.Lines > maxPasted || roots) {
			continue
		}
		if c.Lines > maxPasted && g.passing(c.sentAt) {
			continue
		}
		shown := *g
		shown.Example = Redacted(g.Example)
		shown.Past = g.past(c.startAt, c.sentAt)
		if g.Cause.ID != "" {
			shown.renew(Decide(must().match(g.latest, c.Relay), c.Signs), c.Signs)
		}
		shown.Cause.addCommand()
		shown.blame(c.Faults)
		groups = append(groups, shown)
	}
	slices.SortFunc(groups, before)
	groups = chained(groups)
	for _, cause := range c.Here {
		if !told(groups, cause) {
			groups = append(groups, Group{Cause: cause})
		}
	}
	for i := range groups {
		g := &groups[i]
		g.Cause, g.Others, g.Follows = g.Cause.At(c.ConfigDir), c.At(g.Others), c.At(g.Follows)
	}
	return groups
}

// At is causes with their commands for c.ConfigDir.
func (c *Collector) At(causes []Cause) []Cause {
	all := slices.Clone(causes)
	for i := range all {
		all[i] = all[i].At(c.ConfigDir)
	}
	return all
}

// told reports whether groups tell of a cause that holds on this host now. With a fault in
// the configuration it is told as what follows from that. What the lines alone have put
// below another fault is taken out there: it needs a remedy of its own.
func told(groups []Group, cause Cause) bool {
	for i := range groups {
		g := &groups[i]
		switch {
		case g.Past:
		case g.Cause.ID == cause.ID, g.Cause.Phase == "config" && contains(g.Follows, cause.ID):
			return true
		default:
			g.Follows = slices.DeleteFunc(g.Follows, func(f Cause) bool { return f.ID == cause.ID })
		}
	}
	return false
}

// passing reports a connection or a certificate that failed while the mail went out
// in spite of it, of which the line sentAt tells: by another address, or with a level
// that allows it.
func (g *Group) passing(sentAt int) bool {
	return slices.Contains([]string{"connect", "tls", "dns"}, g.Cause.Phase) && g.ids == 0 && sentAt > g.lastLine
}

// past reports that all messages of a group were sent later, or that mail has been
// sent (sentAt) since Postfix was started or reloaded (startAt).
func (g *Group) past(startAt, sentAt int) bool {
	if g.Lost > 0 || len(g.open) > 0 {
		return false
	}
	return g.ids > 0 && g.lines == 0 || startAt > g.lastLine && sentAt > startAt
}

func before(a, b Group) int {
	rank := func(g Group) int {
		r := 0
		switch {
		case g.Cause.ID == "":
			r = rankGeneric + 5
		case g.Cause.rank >= rankFollows:
			r = g.Cause.rank
		case g.Cause.rank >= rankGeneric:
			r = rankGeneric
		}
		if g.Past {
			r += 1000
		}
		return r
	}
	wait := func(g Group) int {
		if g.Cause.Retry == "fix" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(wait(a), wait(b)),
		b.Last.Truncate(10*time.Minute).Compare(a.Last.Truncate(10*time.Minute)),
		cmp.Compare(a.order, b.order), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause.ID, b.Cause.ID), cmp.Compare(a.Example, b.Example))
}

// chained reports a chain of lines once, by its root: what follows from the
// first group that it can follow from is told with that one.
func chained(groups []Group) []Group {
	if len(groups) < 2 || groups[0].Cause.ID == "" || groups[0].Cause.consequence {
		return groups
	}
	root := &groups[0]
	kept := groups[:0]
	for i, g := range groups {
		if i > 0 && g.Cause.consequence && g.Past == root.Past {
			root.Follows = append(root.Follows, g.Cause)
			root.Delayed, root.Lost = max(root.Delayed, g.Delayed), max(root.Lost, g.Lost)
			continue
		}
		kept = append(kept, g)
	}
	return kept
}

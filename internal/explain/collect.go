package explain

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Bounds of what a Collector keeps, however long the log.
const (
	maxUnknown = 200  // groups of lines that nobody knows
	maxExample = 2000 // bytes of a line that are kept
	maxCache   = 4096 // explanations kept for lines that come again
)

// Group is the lines of a log, or messages of the queue, with the same cause.
type Group struct {
	Cause   Cause     `json:"cause"` // the first candidate; its ID is "" for unknown lines
	Others  []Cause   `json:"others,omitempty"`
	Count   int       `json:"count"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"` // zero, as First, for a text without times
	Delayed int       `json:"delayed"`       // deliveries that wait
	Lost    int       `json:"lost"`          // deliveries that have bounced or expired
	Example string    `json:"example"`       // the last line, sanitised
}

// Collector groups lines by cause. The zero value explains for any service.
type Collector struct {
	Relay *relays.Relay // nil: found out line by line
	Signs Signs         // of this host, to choose between candidates
	Since time.Time     // lines with an older time are passed over

	Lines    int  // read
	Postfix  bool // one of them at least is Postfix's
	Problems int  // of them, lines that tell of a problem

	groups  map[string]*Group
	unknown int
	cache   map[string][]Cause
}

// Add takes in one raw line of a log. It is quick about lines that tell of no
// problem.
func (c *Collector) Add(raw []byte) {
	c.Lines++
	var line maillog.Line
	parsed := false
	// The markers are those of a line as syslogd writes it: the journal and RFC 5424
	// have something else before the severity, and the journal encodes the text.
	if foreign := len(raw) > 0 && (raw[0] == '{' || raw[0] == '<' || raw[0] == '1'); foreign || !c.Postfix {
		if line, parsed = maillog.Parse(string(raw)); !parsed {
			return
		}
		c.Postfix = true
		raw = []byte("]: " + line.Text)
	}
	interesting := false
	run(must().scan, raw, func(e entry) {
		interesting = interesting || e.failure < 0 || !e.reply
	})
	if !interesting {
		return
	}
	if !parsed {
		line, parsed = maillog.Parse(string(raw))
	}
	if parsed {
		c.AddLine(line)
	}
}

// AddLine takes in one line of the log of Postfix and returns its causes, none
// for a line that tells of no problem.
func (c *Collector) AddLine(line maillog.Line) []Cause {
	if !line.Time.IsZero() && line.Time.Before(c.Since) {
		return nil
	}
	t := splitLine(line)
	if t.status == "sent" || t.status == "deliverable" {
		causes := Swallowed(t.reply, t.host, c.Relay)
		if len(causes) > 0 {
			c.Problems++
			c.count(causes, t, line.Time, line.Tag+": "+line.Text)
		}
		return causes
	}
	causes := c.explain(t)
	severity, _ := line.Severity()
	if len(causes) == 0 && (t.status == "" || t.status == "deferred" && delayed(t)) && severity != "fatal" && severity != "panic" && severity != "error" {
		return nil
	}
	c.Problems++
	c.count(causes, t, line.Time, line.Tag+": "+line.Text)
	return causes
}

// delayed reports a delivery that was only put off because an earlier one of the
// same message failed, whose own line says why.
func delayed(t text) bool { return t.own == "relay=none, status=deferred (deferred transport)" }

// AddQueued takes in what waits in the queue: each reason of a delay.
func (c *Collector) AddQueued(m postfix.QueuedMessage) {
	for _, r := range m.Recipients {
		if r.Reason == "" {
			continue
		}
		t := splitReason(r.Reason)
		t.status = "deferred"
		c.Problems++
		c.count(c.explain(t), t, m.Arrival, m.ID+": "+r.Address+": "+r.Reason)
	}
}

// AddText takes in a reply, or a part of a log line, that somebody pasted.
func (c *Collector) AddText(s string) {
	t := split(s)
	c.Problems++
	c.count(c.explain(t), t, time.Time{}, s)
}

// explain is match with a memory: the same text comes again and again.
func (c *Collector) explain(t text) []Cause {
	key := t.host + "\x00" + t.status + "\x00" + t.own + "\x00" + t.reply
	if causes, ok := c.cache[key]; ok {
		return causes
	}
	causes := Decide(must().match(t, c.Relay), c.Signs)
	if c.cache == nil || len(c.cache) >= maxCache {
		c.cache = map[string][]Cause{}
	}
	c.cache[key] = causes
	return causes
}

func (c *Collector) count(causes []Cause, t text, at time.Time, example string) {
	key := ""
	var first Cause
	var others []Cause
	if len(causes) > 0 {
		first, others = causes[0], causes[1:]
		key = first.ID
	} else {
		key = "\x00" + skeleton(t)
	}
	g := c.groups[key]
	if g == nil {
		if first.ID == "" {
			if c.unknown++; c.unknown > maxUnknown {
				key = "\x00"
				g = c.groups[key]
			}
		}
		if c.groups == nil {
			c.groups = map[string]*Group{}
		}
		if g == nil {
			g = &Group{Cause: first, Others: others, First: at}
			c.groups[key] = g
		}
	}
	g.Count++
	if at.Before(g.First) {
		g.First = at
	}
	if !at.Before(g.Last) {
		g.Last, g.Example = at, example[:min(len(example), maxExample)]
		g.Cause.Lost = g.Cause.Lost || first.Lost
	}
	switch t.status {
	case "bounced", "expired", "sent":
		g.Lost++
	case "deferred", "SOFTBOUNCE":
		g.Delayed++
	}
}

// skeleton is the text of an unknown line without what differs from message to
// message: numbers, addresses, names.
func skeleton(t text) string {
	words := strings.Fields(t.own + " " + t.reply)
	kept := words[:0]
	for _, w := range words {
		if !strings.ContainsAny(w, "0123456789@<>[]") && len(kept) < 12 {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// Groups returns what was found, newest first.
func (c *Collector) Groups() []Group {
	var groups []Group
	for _, g := range c.groups {
		shown := *g
		shown.Example = smtpprobe.Sanitize(g.Example)
		groups = append(groups, shown)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause.ID, b.Cause.ID), cmp.Compare(a.Example, b.Example))
	})
	return groups
}

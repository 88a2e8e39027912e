package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/plan"
)

// maxLines bounds what Lines gives, and maxNames the classes of mail that one line names.
const maxLines, maxNames = 8, 8

// Lines is the table for a person: what changes first, then what stays, folded to
// eight lines at most.
func (t Table) Lines() []string {
	var lines []string
	left := 0
	for _, change := range []string{Unasked, AskedFor, Same} {
		for _, group := range t.group(change) {
			if len(lines) == maxLines-1 {
				left++
				continue
			}
			lines = append(lines, group)
		}
	}
	if left == 1 { // no shorter than the line itself
		last := t.group(Same)
		if len(last) > 0 {
			return append(lines, last[len(last)-1])
		}
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("and %d other classes of mail; --json lists all", left))
	}
	return lines
}

// Senders says which senders of this host leave with another address, "" for none.
func (t Table) Senders() string {
	for _, r := range t.Rows {
		if r.Class != ownMail || r.After.Sender == "" || r.After.Sender == r.Before.Sender {
			continue
		}
		who := strings.Join(r.From, ", ")
		if n := r.Count - len(r.From); n > 0 {
			who += fmt.Sprintf(" and %d more", n)
		}
		return fmt.Sprintf("senders of this host (%s): sent as %s", who, r.After.Sender)
	}
	return ""
}

// group gives a line for each pair of routes among the rows of one kind of change,
// naming all classes that go by it.
func (t Table) group(change string) []string {
	type pair struct{ before, after Route }
	var order []pair
	var classes [][]string // by the place in order
	places := map[pair]int{}
	type named struct {
		place int
		name  string
	}
	listed := map[named]bool{}
	for _, r := range t.Rows {
		if r.Change != change || r.Class == testMail || r.Class == fromMail {
			continue
		}
		p := pair{r.Before, r.After}
		if r.Before.Local && r.After.Local {
			p = pair{Route{Local: true}, Route{Local: true}}
		}
		p.before.Sender, p.after.Sender, p.before.policy, p.after.policy = "", "", "", ""
		at, known := places[p]
		if !known {
			at = len(order)
			places[p], order, classes = at, append(order, p), append(classes, nil)
		}
		if name := r.short(); !listed[named{at, name}] {
			listed[named{at, name}] = true
			classes[at] = append(classes[at], name)
		}
	}
	var lines []string
	for i, p := range order {
		names := classes[i]
		if n := len(names) - maxNames; n > 1 && change != Unasked { // with thousands of routes nobody reads on
			names = append(names[:maxNames:maxNames], fmt.Sprintf("%d more classes of mail (--json lists them)", n))
		}
		who := strings.Join(names, ", ")
		switch change {
		case Same:
			lines = append(lines, fmt.Sprintf("%s: as now, %s", who, p.after.words()))
		case AskedFor:
			lines = append(lines, fmt.Sprintf("%s: now %s, then %s", who, p.before.words(), p.after.words()))
		default:
			lines = append(lines, fmt.Sprintf("unasked change: %s: now %s, then %s", who, p.before.words(), p.after.words()))
		}
	}
	return lines
}

// short names the class with its number of addresses.
func (r Row) short() string {
	if r.Source == "" || r.Count == 1 && r.Class == ordinary {
		return r.Class
	}
	if r.Count == 1 {
		who := r.To[0]
		if strings.HasPrefix(r.Class, "senders") {
			who = r.From[0]
		}
		return fmt.Sprintf("%s (%s)", r.Class, who)
	}
	return fmt.Sprintf("%s (%d)", r.Class, r.Count)
}

// tlsWords are the levels of smtp_tls_security_level, postconf(5), for a person.
var tlsWords = map[string]string{"none": "no TLS", "may": "TLS where offered", "encrypt": "TLS, not verified", "dane": "TLS by DANE", "dane-only": "TLS by DANE",
	"fingerprint": "TLS, certificate pinned", "verify": "verified TLS", "secure": "verified TLS"}

// words is the way for a person: "to [relay.example]:587 (verified TLS, as user)".
func (w Route) words() string {
	var text string
	switch {
	case w.Failed, w.Local, w.Transport == "error", w.Transport == "retry", w.Transport == "discard":
		return w.String()
	case w.ours() && strings.HasSuffix(w.Transport, config.HTTPSSuffix):
		return "by HTTPS (" + w.Transport + ")"
	case w.ours() && strings.HasPrefix(w.NextHop, "unix:"):
		return "by the bridge of " + w.Transport
	case w.NextHop != "":
		text = "to " + w.NextHop
	case w.TLS != "":
		text = "directly"
	default:
		return "by " + w.Transport
	}
	if w.Transport != "smtp" && !w.ours() {
		text += " by " + w.Transport
	}
	var details []string
	if w.TLS != "" {
		details = append(details, cmp.Or(tlsWords[w.TLS], "TLS level "+w.TLS))
	}
	if w.Account != "" {
		details = append(details, "as "+w.Account)
	}
	if len(details) == 0 {
		return text
	}
	return text + " (" + strings.Join(details, ", ") + ")"
}

// String is the way with the names of Postfix: "smtp to [relay.example]:587, TLS secure, as user".
func (w Route) String() string {
	if w.Failed {
		return "deferred: a table cannot be asked"
	}
	if w.Transport == "error" || w.Transport == "retry" || w.Transport == "discard" {
		if w.NextHop == "" {
			return w.Transport
		}
		return fmt.Sprintf("%s (%s)", w.Transport, w.NextHop)
	}
	text := w.Transport
	switch {
	case w.Local && w.Transport == "":
		return "stays here"
	case w.Local:
		return "stays here (" + w.Transport + ")"
	case w.NextHop != "":
		text += " to " + w.NextHop
	case w.TLS != "":
		text += " directly"
	}
	if w.TLS != "" {
		text += ", TLS " + w.TLS
	}
	if w.Account != "" {
		text += ", as " + w.Account
	}
	return text
}

// Row is a class of mail that goes by one way before and by one after.
type Row struct {
	Class  string   `json:"class"`            // what mail it is, in words
	Source string   `json:"source,omitempty"` // parameter and table that the addresses are from
	From   []string `json:"from"`             // samples of senders, "" is the null sender
	To     []string `json:"to"`               // samples of recipients
	Count  int      `json:"count"`            // addresses that were asked for
	Before Route    `json:"before"`
	After  Route    `json:"after"`
	Change string   `json:"change"` // same | asked | conflict
}

// Values of Row.Change.
const (
	Same     = "same"
	AskedFor = "asked"
	Unasked  = "conflict"
)

// Table is the flow of a server's mail before and after a change.
type Table struct {
	Rows []Row `json:"rows"`
	// NotSampled names tables whose keys cannot be listed, each with its parameter.
	NotSampled []string `json:"not_sampled,omitempty"`
	// Broken is the fault for which no mail leaves now, so that there is nothing to
	// compare with; "" if there is none.
	Broken string `json:"broken,omitempty"`
	// Changes are what the plan changes without having been asked for.
	Changes []Change `json:"conflicts,omitempty"`

	foreign []Foreign
	root    *Route // nil where it was not asked for
}

// Foreign lists what Shared finds among the messages behind the rows.
func (t Table) Foreign() []Foreign { return t.foreign }

// Root is how mail for root goes to Asked.RootTo after the change; false where that
// was not asked for.
func (t Table) Root() (Route, bool) {
	if t.root == nil {
		return Route{}, false
	}
	return *t.root, true
}

// maxSamples bounds the addresses that a row shows.
const maxSamples = 3

// fold joins the flows of one class that go the same routes.
func fold(flows []Flow, p plan.Plan, asked Asked) []Row {
	type alike struct {
		class, change string
		before, after Route
	}
	var rows []Row
	at := map[alike]int{}
	senders := sendersOf(p)
	for _, f := range flows {
		if f.Class == fromMail {
			continue
		}
		change := judge(flows, f, p, senders, asked)
		key := alike{f.Class, change, f.Before, f.After}
		i, ok := at[key]
		if !ok {
			i = len(rows)
			at[key] = i
			rows = append(rows, Row{Class: f.Class, Source: f.source(), From: []string{}, To: []string{}, Before: f.Before, After: f.After, Change: change})
		}
		rows[i].Count++
		rows[i].From = sample(rows[i].From, f.Sender)
		rows[i].To = sample(rows[i].To, f.Recipient)
	}
	return rows
}

func sample(list []string, address string) []string {
	if len(list) >= maxSamples || slices.Contains(list, address) {
		return list
	}
	return append(list, address)
}

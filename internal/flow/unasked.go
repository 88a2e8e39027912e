package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Change is mail that would leave in another manner although nobody asked for it.
type Change struct {
	Class  string `json:"class"`
	Param  string `json:"parameter,omitempty"` // that the mail is named by, or the change comes from
	Table  string `json:"table,omitempty"`     // "type:path"
	Key    string `json:"key,omitempty"`
	From   string `json:"from"`
	To     string `json:"to"`
	Before Route  `json:"before"`
	After  Route  `json:"after"`
	Detail string `json:"detail"` // what changes, a clause
	Remedy string `json:"remedy"`
	Count  int    `json:"count"` // messages of this kind
}

// Conflict is the change as setup stops with it.
func (c Change) Conflict() *plan.Conflict {
	param, value := c.Param, c.Table
	if value == "" {
		value = c.Key
	}
	if param == "" {
		value = ""
	}
	return &plan.Conflict{Param: param, Value: value, Msg: c.Detail, Hint: c.Remedy}
}

// Compare lists what p changes without having been asked to: mail that went the
// default way may go the new one, configured senders by their routes, --direct
// domains directly, and senders of this host may be rewritten. All other mail has to
// leave as before. Changes of one table that read the same are one.
func Compare(flows []Flow, p plan.Plan, asked Asked) []Change {
	type alike struct {
		class, table  string
		before, after Route
	}
	var found []Change
	at := map[alike]int{}
	senders := sendersOf(p)
	for _, f := range flows {
		if f.Class == testMail || f.Class == fromMail || judge(flows, f, p, senders, asked) != Unasked {
			continue // the first two are of a class that has a question of its own
		}
		c := Change{Class: f.Class, Param: f.Param, Table: f.Table, Key: f.Key, From: f.Sender, To: f.Recipient, Before: f.Before, After: f.After, Count: 1}
		key := alike{c.Class, c.Table, c.Before, c.After}
		if i, ok := at[key]; ok {
			found[i].Count++
			continue
		}
		at[key] = len(found)
		c.Detail, c.Remedy = explain(f)
		found = append(found, c)
	}
	if f, ok := flow(flows, testMail); ok && !f.After.ours() && f.After.Transport != "" {
		c := Change{Class: testMail, From: f.Sender, To: f.Recipient, Before: f.Before, After: f.After, Count: 1}
		c.Detail, c.Remedy = elsewhereBy(flows, f, p)
		found = append([]Change{c}, found...)
	}
	return found
}

// elsewhereBy says why the test message would not leave through the relay.
func elsewhereBy(flows []Flow, f Flow, p plan.Plan) (detail, remedy string) {
	if usual, ok := flow(flows, ordinary); ok && !usual.After.ours() {
		return fmt.Sprintf("no mail would leave through the relay: %s sends all of it by %s", cmp.Or(chooser(flows, usual.After), choosers(p, "transport_maps", "sender_dependent_default_transport_maps"), "transport_maps"), usual.After),
			"take out what holds for all senders or recipients there, so that default_transport decides: postconf transport_maps sender_dependent_default_transport_maps sender_canonical_maps"
	}
	if from, ok := flow(flows, fromMail); ok && !from.After.ours() {
		by := cmp.Or(chooser(flows, from.After), choosers(p, "sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps"), "a table that chooses by the sender")
		return fmt.Sprintf("mail from %s does not leave through the relay: %s sends it by %s", f.Sender, by, from.After),
			"name another sender with --from, or take its entry out of that table (postconf -n | grep ^sender_dependent)"
	}
	return fmt.Sprintf("mail to %s does not leave through the relay: it has a way of its own, %s", f.Recipient, f.After),
		"name a recipient elsewhere with --to, or take its domain out of transport_maps"
}

// chooser is the parameter, with its table, that sends other mail the same way; ""
// where none is known to.
func chooser(flows []Flow, w Route) string {
	i := slices.IndexFunc(flows, func(f Flow) bool {
		return f.Class != formerMail && f.After.same(w) && (f.Param == "transport_maps" || strings.HasPrefix(f.Param, "sender_dependent_"))
	})
	if i < 0 {
		return ""
	}
	return flows[i].source()
}

// choosers are those of the parameters that p has, with their tables: one of them chooses
// where no entry of theirs is known to, as of a table at random, of patterns or of a daemon.
func choosers(p plan.Plan, names ...string) string {
	var set []string
	if main, err := postfix.ParseMain(p.Main().After); err == nil {
		for _, name := range names {
			value, _ := main.Get(name)
			theirs := slices.DeleteFunc(lint.SplitList(value), func(table string) bool {
				return postfix.IsOwn(table) || strings.HasPrefix(table, "pipemap:{") && strings.HasSuffix(table, ":}") // which the plan has written
			})
			if len(theirs) > 0 {
				set = append(set, name+" = "+strings.Join(strings.Fields(strings.Join(theirs, ", ")), " "))
			}
		}
	}
	return strings.Join(set, " or ")
}

// judge says whether mail stays as it is, changes as asked for, or unasked.
func judge(flows []Flow, f Flow, p plan.Plan, senders senders, asked Asked) string {
	if f.Before == f.After || f.Before.same(f.After) && f.Before.Sender == f.After.Sender {
		return Same
	}
	usual, ok := flow(flows, ordinary)
	switch {
	case !ok:
		return Unasked
	case f.Before.same(f.After): // another sender, that is
		if f.After.ours() || f.Before.ours() || isOwn(f.Sender, p) {
			return AskedFor
		}
		return Unasked
	case f.Before.ours():
		return AskedFor // by an earlier setup, which this one replaces
	case isDirect(f, asked) && f.After.NextHop == "" && !f.After.ours():
		return AskedFor
	case senders.routed(f):
		return AskedFor
	case f.Before.policy != "" && isDefault(f.Before, f.After):
		return AskedFor // an earlier setup lent it its TLS policy
	case !isDefault(f.Before, usual.Before):
		return Unasked
	}
	return judgeUsual(f, usual)
}

// judgeUsual is judge for mail that went the way of all other mail.
func judgeUsual(f, usual Flow) string {
	switch {
	case (f.After.Local || f.After.here && !f.After.ours()) && !usual.After.Local:
		return AskedFor // a catch-all had taken mail of this server's own domains
	case f.After.Transport == usual.After.Transport && f.After.NextHop == usual.After.NextHop:
		return AskedFor
	case f.Class == nullSender && f.After.ours():
		return AskedFor // bounces go by a route whose relay accepts them
	}
	return Unasked
}

// flow is the flow of the one question of a class.
func flow(flows []Flow, class string) (Flow, bool) {
	i := slices.IndexFunc(flows, func(f Flow) bool { return f.Class == class })
	if i < 0 {
		return Flow{}, false
	}
	return flows[i], true
}

// isDefault reports whether mail went the way of all other mail, with its account.
func isDefault(w, usual Route) bool {
	return w.Transport == usual.Transport && w.NextHop == usual.NextHop && w.Account == usual.Account
}

// senders are those of the routes of a plan, in lower case, by the service of the route:
// there may be tens of thousands.
type senders map[string]map[string]bool

func sendersOf(p plan.Plan) senders {
	of := senders{}
	for _, w := range p.Routes {
		if of[w.Service] == nil {
			of[w.Service] = map[string]bool{}
		}
		for _, s := range w.Senders {
			of[w.Service][strings.ToLower(s)] = true
		}
	}
	return of
}

// routed reports whether the sender has a route, and the mail goes by it: by the address,
// its domain, or ".example.com" for all below that.
func (of senders) routed(f Flow) bool {
	names := of[f.After.Transport]
	sender := strings.ToLower(f.Sender)
	if sender == "" {
		return names[config.NullSender]
	}
	domain := ""
	if i := strings.LastIndexByte(sender, '@'); i >= 0 {
		domain = sender[i+1:]
	}
	if names[sender] || domain != "" && names[domain] {
		return true
	}
	for i := range domain {
		if domain[i] == '.' && names[domain[i:]] {
			return true
		}
	}
	return false
}

// isDirect reports whether the recipient's domain is one of --direct.
func isDirect(f Flow, asked Asked) bool {
	domain := strings.ToLower(mailaddr.Domain(f.Recipient))
	return slices.ContainsFunc(asked.Direct, func(d string) bool {
		d = strings.ToLower(d)
		return d == domain || strings.HasPrefix(d, ".") && strings.HasSuffix(domain, d)
	})
}

// isOwn reports whether a sender is of this host: setup rewrites those.
func isOwn(sender string, p plan.Plan) bool {
	return !strings.Contains(sender, "@") || slices.ContainsFunc(p.Routes, func(w plan.Route) bool { return w.From == sender })
}

// explain says what changes and what to do.
func explain(f Flow) (detail, remedy string) {
	who := f.who()
	if f.Param == "" {
		return fmt.Sprintf("%s would leave by %s; now it leaves by %s", who, f.After, f.Before),
			"relayhost setup --dry-run --json shows both routes; postconf -n shows the parameters that choose them"
	}
	entry := "the entry of " + f.Key
	switch b, a := f.Before, f.After; {
	case a.Sender != "" && a.Sender != b.Sender && f.Sender != "" && (b.Transport != a.Transport || b.NextHop != a.NextHop):
		return fmt.Sprintf("%s would become <%s> and so leave by %s, not by %s, %s", who, a.Sender, a.service(), b.service(), b.hop()),
			"take its senders out of [rewrite] in relayhost.toml, or out of " + f.source()
	case a.Failed && !b.Failed:
		return who + " would be deferred: a table cannot be asked", "ask each table of the parameter with postmap -q"
	case b.Transport == a.Transport && b.NextHop != a.NextHop:
		return fmt.Sprintf("%s would go to %s by the service %s, which is not set up for it", who, a.hop(), a.Transport),
			fmt.Sprintf("%s names no next hop: write one (%s:HOST), or remove it and give the sender a route in relayhost.toml", entry, a.Transport)
	case b.Transport != a.Transport:
		return fmt.Sprintf("%s would leave by %s instead of %s, %s", who, a.service(), b.service(), b.hop()),
			fmt.Sprintf("%s names no service: write %s in front of its next hop", entry, b.Transport+":")
	case b.Account != a.Account:
		return fmt.Sprintf("%s would log in as %s at %s, not as %s", who, cmp.Or(a.Account, "nobody"), a.hop(), cmp.Or(b.Account, "nobody")),
			"keep the entry of that next hop in the password table of the service " + a.Transport
	case b.TLS != a.TLS || b.TLSDetail != a.TLSDetail:
		return fmt.Sprintf("%s goes to %s by the service %s too, with TLS level %s; it would be %s", who, a.hop(), a.Transport, b.level(), a.level()),
			"remove that entry, so that its mail leaves through the relay like all other, or give it a service of its own in master.cf"
	}
	return fmt.Sprintf("%s would leave as <%s>, not as <%s>", who, cmp.Or(f.After.Sender, f.Sender), cmp.Or(f.Before.Sender, f.Sender)),
		"name the senders that may be rewritten, or take them out of the table"
}

// who names the mail of a flow.
func (f Flow) who() string {
	switch {
	case f.Param == "":
		return f.Class
	case strings.HasPrefix(f.Class, "senders"):
		return "mail from " + f.Key
	}
	return "mail to " + f.Key
}

func (w Route) hop() string {
	if w.NextHop == "" {
		return "the recipient's mail exchangers"
	}
	return w.NextHop
}

func (w Route) service() string { return "the service " + w.Transport }

func (w Route) level() string {
	return strings.TrimSpace(w.TLS + " " + w.TLSDetail)
}

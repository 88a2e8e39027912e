package flow

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Question is one message whose way is asked for.
type Question struct {
	Class     string // what mail it is, in words
	Sender    string // "" is the null sender; without a domain it is a user of this host
	Recipient string
	Param     string // parameter that the address is from; "" for mail that every server has
	Table     string // "type:path" in it; "" where the parameter names the address itself
	Key       string
}

// source is where the address comes from, in words.
func (q Question) source() string {
	return strings.TrimSpace(q.Param + " " + q.Table)
}

// Addresses that stand for many (RFC 2606 reserves the domains).
const (
	anybody   = "somebody@sender.example"
	elsewhere = "somebody@remote.example"
	somebody  = "somebody"
)

// perTable bounds the keys that are taken of one table.
const perTable = 20

// Classes of mail that every server has.
const (
	ordinary   = "other mail"
	ownMail    = "mail of root and of services"
	nullSender = "bounces (null sender)"
	fromMail   = "mail of --from"
	testMail   = "the test message"
	rootMail   = "mail for root"
	formerMail = "senders removed from the routes"
)

// asker collects questions.
type asker struct {
	ctx  context.Context
	r    *host.Reader
	s    *postfix.State
	from string // ordinary sender
	list []Question
	has  map[Question]bool // those of list, by class and addresses alone
	left []string
}

// questions are the messages that are asked for: from the server's own tables, the
// routes of p, and what every server sends. left names tables whose keys cannot be
// listed.
func questions(ctx context.Context, r *host.Reader, s *postfix.State, p plan.Plan, asked Asked) (list []Question, left []string) {
	q := &asker{ctx: ctx, r: r, s: s, from: anybody, has: map[Question]bool{}}
	q.add(Question{Class: ordinary, Sender: anybody, Recipient: elsewhere})
	q.add(Question{Class: fromMail, Sender: asked.From, Recipient: elsewhere})
	for _, sender := range append([]string{"root", "www-data"}, plan.OwnSenders(*s)...) {
		q.add(Question{Class: ownMail, Sender: sender, Recipient: elsewhere})
	}
	q.add(Question{Class: nullSender, Recipient: elsewhere})
	if asked.To != "" {
		q.add(Question{Class: testMail, Sender: asked.From, Recipient: asked.To})
	}
	if asked.RootTo != "" {
		q.add(Question{Class: rootMail, Sender: "root", Recipient: asked.RootTo})
	}
	for _, domain := range asked.Direct {
		q.recipients("direct domains", "", "", []string{domain})
	}
	q.former(p)
	for _, w := range p.Routes {
		q.senders("senders of the route "+w.Name, "", "", w.Senders)
	}
	for _, name := range []string{"transport_maps", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains", "mydestination"} {
		q.param(name, "recipients in "+name, q.recipients)
	}
	for _, name := range []string{"sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps", "sender_canonical_maps",
		"canonical_maps", "smtp_generic_maps"} {
		q.param(name, "senders in "+name, q.senders)
	}
	q.accounts()
	slices.Sort(q.left)
	return q.list, slices.Compact(q.left)
}

func (q *asker) add(x Question) {
	key := Question{Class: x.Class, Sender: x.Sender, Recipient: x.Recipient}
	if x.Recipient != "" && !q.has[key] {
		q.has[key] = true
		q.list = append(q.list, x)
	}
}

// param asks for the addresses of one parameter, also where trivial-rewrite(8) and
// cleanup(8) have one of their own.
func (q *asker) param(name, class string, each func(class, param, table string, keys []string)) {
	values := []string{q.s.Params[name]}
	for _, o := range q.s.Master.Overrides(name) {
		values = append(values, o.Option.Value)
	}
	for _, value := range values {
		for _, entry := range postfix.SplitList(value) {
			if strings.HasPrefix(entry, "!") {
				continue
			}
			if list := !strings.HasSuffix(name, "_maps"); list && strings.HasPrefix(entry, "/") { // a file of names
				data, err := q.r.ReadFile(entry)
				if err != nil {
					q.left = append(q.left, entry+" ("+name+")")
				}
				each(class, name, entry, some(strings.Fields(string(data))))
				continue
			} else if list && !strings.Contains(entry, ":") {
				each(class, name, "", []string{entry})
				continue
			}
			for _, t := range postfix.ParseTables(entry, q.s.DefaultMap) {
				if filepath.Dir(t.Path) == q.s.ConfigDir && postfix.IsOwn(t.Path) {
					continue // ours: the routes and domains of the plan say it
				}
				keys, ok := q.keys(t)
				if !ok {
					q.left = append(q.left, t.Type+":"+shown(t)+" ("+name+")")
				}
				each(class, name, t.Type+":"+shown(t), some(keys))
			}
		}
	}
}

// shown is what of a table may be printed: static: and inline: can hold anything.
func shown(t postfix.Table) string {
	if !strings.HasPrefix(t.Path, "/") {
		return "..."
	}
	return t.Path
}

// keys lists the keys of a table; ok is false where Postfix itself cannot.
func (q *asker) keys(t postfix.Table) (keys []string, ok bool) {
	switch {
	case t.Type == "static":
		return nil, true // it holds for all senders or recipients: the ordinary ones show it
	case t.Type == "inline":
		return postfix.NewLookups(*q.s).Keys(t.String()), true
	case t.Type == "regexp" || t.Type == "pcre":
		data, err := q.r.ReadFile(t.Path)
		return patternSamples(string(data)), err == nil
	case t.Type == "pipemap" || t.Type == "unionmap" || t.Type == "randmap":
		ok = true
		for _, inner := range postfix.SplitList(strings.Trim(t.Path, "{}")) {
			for _, table := range postfix.ParseTables(inner, q.s.DefaultMap) {
				more, listed := q.keys(table)
				keys, ok = append(keys, more...), ok && listed
			}
		}
		return keys, ok
	case !strings.HasPrefix(t.Path, "/"):
		return nil, false
	case !t.Editable():
		return nil, false
	}
	q.s.Load(q.r, t.Path)
	if _, has := q.s.Maps[t.Path]; has {
		return postfix.NewLookups(*q.s).Keys(t.String()), true
	}
	out, err := q.r.Query(q.ctx, host.PostmapList(q.s.ConfigDir, t.String()))
	if err != nil || out.Code != 0 {
		return nil, false
	}
	for key := range host.PostmapEntries(out.Stdout) {
		keys = append(keys, key)
	}
	return keys, true
}

// some takes perTable keys, evenly spread, first and last included.
func some(keys []string) []string {
	if len(keys) <= perTable {
		return keys
	}
	out := make([]string, perTable)
	for i := range out {
		out[i] = keys[i*(len(keys)-1)/(perTable-1)]
	}
	return out
}

// recipients asks for mail to the keys of a table: an address, a domain, ".domain"
// for all below it, "*".
func (q *asker) recipients(class, param, table string, keys []string) {
	for _, key := range keys {
		to := key
		switch {
		case key == "localdomain" || key == ".localdomain":
			continue // a name that exists nowhere: such mail is returned whichever way it goes
		case key == "*":
			to = elsewhere
		case strings.HasPrefix(key, "@"):
			to = somebody + key
		case strings.HasPrefix(key, "."):
			to = somebody + "@host" + key
		case !strings.Contains(key, "@"):
			to = somebody + "@" + key
		}
		q.add(Question{Class: class, Sender: q.from, Recipient: to, Param: param, Table: table, Key: key})
	}
}

// senders asks for mail of the keys of a table: an address, "@domain", "<>", a user
// of this host, or as routes have them, a domain or ".domain".
func (q *asker) senders(class, param, table string, keys []string) {
	for _, key := range keys {
		from := key
		switch {
		case key == config.NullSender || key == q.s.Params["empty_address_default_transport_maps_lookup_key"]:
			from = ""
		case strings.HasPrefix(key, "@"):
			from = somebody + key
		case strings.HasPrefix(key, "."):
			from = somebody + "@host" + key
		case !strings.Contains(key, "@") && strings.Contains(key, "."):
			from = somebody + "@" + key
		}
		q.add(Question{Class: class, Sender: from, Recipient: elsewhere, Param: param, Table: table, Key: key})
	}
}

// former asks for the senders that an earlier setup has a route for, and p has none.
func (q *asker) former(p plan.Plan) {
	const name = "sender_dependent_default_transport_maps"
	stays := map[string]bool{}
	for _, w := range p.Routes {
		for _, s := range w.Senders {
			stays[strings.ToLower(s)] = true
		}
	}
	for _, t := range postfix.ParseTables(q.s.Params[name], q.s.DefaultMap) {
		if filepath.Dir(t.Path) != q.s.ConfigDir || !postfix.IsOwn(t.Path) {
			continue
		}
		keys, _ := q.keys(t)
		q.senders(formerMail, name, t.Type+":"+t.Path, slices.DeleteFunc(keys, func(key string) bool {
			key = strings.ToLower(key)
			null := key == q.s.Params["empty_address_default_transport_maps_lookup_key"] && stays[config.NullSender]
			return null || stays[key] || stays[strings.TrimPrefix(key, "@")] // of a domain
		}))
	}
}

// accounts asks for the senders that log in with accounts of their own.
func (q *asker) accounts() {
	const name = "smtp_sasl_password_maps"
	on := strings.EqualFold(q.s.Params["smtp_sender_dependent_authentication"], "yes")
	for _, o := range q.s.Master.Overrides("smtp_sender_dependent_authentication") {
		on = on || strings.EqualFold(o.Option.Value, "yes")
	}
	if !on {
		return
	}
	q.param(name, "senders with an account of their own", func(class, param, table string, keys []string) {
		q.senders(class, param, table, slices.DeleteFunc(keys, func(key string) bool { return !strings.Contains(key, "@") }))
	})
}

// Patterns whose addresses can be guessed: literal text, but for what begins them.
var (
	patternLine = regexp.MustCompile(`^/((?:[^/\\]|\\.)+)/[a-zA-Z]*\s`)
	wild        = regexp.MustCompile(`^\^?(?:@?\.\*|@?\.\+|\(\.\*\)|\(\.\+\)|\[\^@\][*+])`)
	literal     = regexp.MustCompile(`^[A-Za-z0-9_.+@-]+$`)
)

// patternSamples gives an address for each pattern of regexp_table(5) or
// pcre_table(5) that is one in disguise: "/@shop\.example$/", "/^.*@a\.example$/".
func patternSamples(text string) []string {
	var keys []string
	for line := range strings.Lines(text) {
		m := patternLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		p := wild.ReplaceAllString(m[1], "")
		p = strings.TrimSuffix(strings.TrimPrefix(p, "^"), "$")
		p = strings.NewReplacer(`\.`, ".", `\@`, "@", `\-`, "-").Replace(p)
		if literal.MatchString(p) && strings.Contains(p, ".") {
			keys = append(keys, p)
		}
	}
	return keys
}

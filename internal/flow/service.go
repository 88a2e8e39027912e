package flow

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/lint"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// side is one configuration, with what its services and tables say.
type side struct {
	s       postfix.State
	r       *host.Reader
	sources *postfix.Lookups
	known   []string                     // addresses that tables are asked for
	asked   map[string]map[string]string // answers of postmap -q, by table
	slow    map[string]bool              // tables that gave none in tableTime
	entries map[string]postfix.Service   // of master.cf, by the names that were asked for
	ways    map[[3]string]Route          // TLS and account, by service, next hop and the sender that the account is chosen by
}

// service is the entry of master.cf for a socket of Postfix.
func (d *side) service(name string) (postfix.Service, bool) {
	s, known := d.entries[name]
	if !known {
		s, _ = d.s.Master.Get(name, "unix")
		d.entries[name] = s
	}
	return s, s.Name != ""
}

// newSide reads the parameters as Postfix expands them.
func newSide(ctx context.Context, h *host.Host, in *instance.Instance, s postfix.State, p plan.Plan) (*side, error) {
	after, err := planned(s, p)
	if err != nil {
		return nil, err
	}
	if !p.Changed() { // what postconf has said of it already
		after.Params = s.Params
		return newSideOf(h, after), nil
	}
	out, err := h.Query(ctx, host.Postconf(in.ConfigDir, "-x"))
	if err != nil {
		return nil, err
	}
	after.Params = make(map[string]string, len(s.Params))
	for line := range strings.Lines(in.Live(string(out.Stdout))) {
		if name, value, ok := strings.Cut(line, "="); ok {
			after.Params[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return newSideOf(h, after), nil
}

func newSideOf(h *host.Host, s postfix.State) *side {
	return &side{s: s, r: &h.Reader, sources: postfix.NewLookups(s), asked: map[string]map[string]string{}, slow: map[string]bool{}, entries: map[string]postfix.Service{}, ways: map[[3]string]Route{}}
}

// know prepares the tables for the addresses.
func (d *side) know(addresses []string) {
	for _, a := range addresses {
		d.known = append(d.known, postfix.SenderKeys(a)...)
	}
	slices.Sort(d.known)
	d.known = slices.Compact(d.known)
}

// get looks key up in a list of tables. Partial keys ("@domain") do not go to
// tables of patterns (DATABASE_README).
func (d *side) get(ctx context.Context, list, key string) (value string, from postfix.Table, ok bool) {
	for _, t := range d.sources.List(list) {
		_, source := d.s.Maps[t.Path]
		if source && t.Editable() || t.Type == "static" || t.Type == "inline" {
			if value, _, ok := d.sources.Get(t.String(), key); ok {
				return value, t, true
			}
			continue
		}
		if strings.HasPrefix(key, "@") && slices.Contains([]string{"regexp", "pcre", "cidr"}, t.Type) {
			continue
		}
		if value, ok := d.query(ctx, t.String(), key); ok {
			return value, t, true
		}
	}
	return "", postfix.Table{}, false
}

// query asks a table that only Postfix can look into, for all known addresses at
// once. One that cannot be asked has no answer.
func (d *side) query(ctx context.Context, table, key string) (string, bool) {
	answers, done := d.asked[table]
	if !done {
		answers = map[string]string{}
		d.asked[table] = answers
		d.fetch(ctx, table, append(slices.Clone(d.known), key))
	}
	value, ok := answers[key]
	if !ok && !d.slow[table] && !slices.Contains(d.known, key) {
		d.fetch(ctx, table, []string{key})
		value, ok = answers[key]
	}
	return value, ok && value != ""
}

// tableTime bounds a question to a table: one that asks a server may be slow, and
// Postfix itself would wait longer.
const tableTime = 2 * time.Second

func (d *side) fetch(ctx context.Context, table string, keys []string) {
	for _, key := range keys {
		d.asked[table][key] = ""
	}
	typ, path, _ := strings.Cut(table, ":")
	if index := (postfix.Table{Type: typ, Path: path}).Index(); index != "" {
		if _, err := d.r.Stat(index); err != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tableTime)
	defer cancel()
	out, err := d.r.Query(ctx, host.PostmapGet(d.s.ConfigDir, table, keys...))
	if err != nil {
		d.slow[table] = true
		return
	}
	for key, value := range host.PostmapEntries(out.Stdout) {
		d.asked[table][key] = value
	}
}

// param is a parameter as the service sees it.
func (d *side) param(s postfix.Service, name string) string {
	value, _ := d.s.Effective(s, name)
	return value
}

func (d *side) yes(s postfix.Service, name string) bool {
	return strings.EqualFold(d.param(s, name), "yes")
}

// route is what becomes of mail that trivial-rewrite(8) has answered a for.
func (d *side) route(ctx context.Context, a Answer, sender string) Route {
	w := Route{Transport: a.Transport, NextHop: a.NextHop, Failed: a.Failed()}
	s, ok := d.service(a.Transport)
	client := ok && (s.Command == "smtp" || s.Command == "lmtp")
	w.here = a.Flags&flagsHere != 0
	w.Local = w.here && !client // transport_maps can send such mail elsewhere
	if domain := mailaddr.Domain(a.Recipient); strings.EqualFold(a.NextHop, domain) || w.Local {
		w.NextHop = ""
	}
	if !client || w.Failed {
		return w
	}
	prefix, first := s.Command+"_", a.NextHop
	if list := postfix.Words(a.NextHop); len(list) > 1 { // smtp(8) asks tables for each next hop
		first = list[0]
	}
	if !d.yes(s, prefix+"sender_dependent_authentication") {
		sender = ""
	}
	key := [3]string{a.Transport, first, sender}
	way, known := d.ways[key]
	if !known { // as few are, also of ten thousand senders
		way.TLS, way.TLSDetail, way.policy = d.tls(ctx, s, prefix, first)
		way.Account = d.account(ctx, s, prefix, first, sender)
		d.ways[key] = way
	}
	w.TLS, w.TLSDetail, w.policy, w.Account = way.TLS, way.TLSDetail, way.policy, way.Account
	return w
}

// flagsHere are those of the classes of recipients that are delivered here:
// local, virtual alias and virtual mailbox domains (resolve_clnt.h).
const flagsHere = 1<<8 | 1<<9 | 1<<10

// tls is the TLS level of a service for a next hop, with what else matters of it, and
// the policy table of setup where that says so.
func (d *side) tls(ctx context.Context, s postfix.Service, prefix, nextHop string) (level, detail, policy string) {
	t := lint.TLSOf(prefix, nextHop, func(name string) string { return d.param(s, name) }, func(maps, key string) (string, string, bool) {
		value, table, ok := d.get(ctx, maps, key)
		return value, table.String(), ok
	})
	level, details := cmp.Or(t.Level, "missing"), slices.Clone(t.Words)
	if postfix.IsOwn(t.Table) {
		policy = t.Table
	}
	reuse := d.yes(s, prefix+"tls_connection_reuse")
	if own := t.Attribute("connection_reuse"); own != "" {
		reuse = strings.EqualFold(own, "yes")
	}
	if level == "none" {
		return level, "", policy
	}
	if t.Fault != "" {
		details = append(details, "cannot be used: "+t.Fault)
	}
	if d.yes(s, prefix+"tls_wrappermode") {
		details = append(details, "from the first byte")
	}
	if _, there := d.service(d.param(s, "tlsproxy_service_name")); reuse && !there {
		details = append(details, "no tlsproxy service")
	}
	if trust := d.param(s, prefix+"tls_CAfile") + d.param(s, prefix+"tls_CApath"); trust == "" && !d.yes(s, "tls_append_default_CA") &&
		(level == "secure" || level == "verify") {
		details = append(details, "no CA")
	}
	slices.Sort(details)
	return level, strings.Join(slices.Compact(details), " "), policy
}

// unreadable stands for the user name of an entry without a colon.
const unreadable = "(no user name and password)"

// account is the user name that a service logs in with at a next hop.
func (d *side) account(ctx context.Context, s postfix.Service, prefix, nextHop, sender string) string {
	if !d.yes(s, prefix+"sasl_auth_enable") {
		return ""
	}
	var keys []string
	if d.yes(s, prefix+"sender_dependent_authentication") {
		keys = postfix.SenderKeys(sender)
	}
	if hop, err := postfix.ParseNextHop(nextHop); err == nil {
		keys = append(keys, hop.Host)
	}
	maps := d.param(s, prefix+"sasl_password_maps")
	delimiter := string(d.s.PasswordDelimiter())
	for _, key := range append(keys, nextHop) {
		if value, _, ok := d.get(ctx, maps, key); ok {
			user, password, split := strings.Cut(value, delimiter)
			switch {
			case !split: // the password may stand in it
				return unreadable
			case user == password: // a token that is both (Postmark)
				return secret.Mask
			}
			return user
		}
	}
	return ""
}

// canonical is the envelope sender as cleanup(8) writes it into the queue file.
func (d *side) canonical(ctx context.Context, sender string) string {
	cleanup, _ := d.service("cleanup")
	for _, name := range []string{"sender_canonical", "canonical"} {
		if strings.Contains(d.param(cleanup, name+"_classes"), "envelope_sender") {
			sender = d.mapped(ctx, d.param(cleanup, name+"_maps"), sender)
		}
	}
	return sender
}

// generic is the envelope sender as the service sends it.
func (d *side) generic(ctx context.Context, transport, sender string) string {
	s, ok := d.service(transport)
	if !ok || s.Command != "smtp" && s.Command != "lmtp" {
		return sender
	}
	return d.mapped(ctx, d.param(s, s.Command+"_generic_maps"), sender)
}

// mapped is an address by a table of canonical(5) or generic(5): the whole address,
// without its extension, the local part where the domain is this server's, "@domain".
func (d *side) mapped(ctx context.Context, list, address string) string {
	at := strings.LastIndexByte(address, '@')
	if list == "" || at < 0 {
		return address
	}
	local, domain := address[:at], address[at+1:]
	keys := []string{address}
	bare := local
	if i := strings.IndexAny(local, d.s.Params["recipient_delimiter"]); i > 0 {
		bare = local[:i]
		keys = append(keys, bare+"@"+domain)
	}
	if d.isHere(domain) {
		keys = append(keys, bare)
	}
	for _, key := range append(keys, "@"+domain) {
		value, _, ok := d.get(ctx, list, key)
		switch {
		case !ok:
			continue
		case strings.HasPrefix(value, "@"):
			return local + value
		case !strings.Contains(value, "@"):
			return value + "@" + d.s.Params["myorigin"]
		}
		return value
	}
	return address
}

// isHere reports whether domain is myorigin or in mydestination by name.
func (d *side) isHere(domain string) bool {
	words := append(postfix.MatchList(d.s.Params["mydestination"]), d.s.Params["myorigin"], d.s.Params["myhostname"])
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, domain) })
}

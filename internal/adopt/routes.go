package adopt

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
)

// found is the route of one sender with its accounts.
type found struct {
	route  postfix.Route
	logins []postfix.Login // of each next hop
	has    []bool          // whether there is one
}

// id tells ways apart: equal ones are one route.
func (f found) id() string {
	id := f.route.Transport
	for i, hop := range f.route.NextHops {
		id += "\x00" + hop.Text + "\x01" + f.logins[i].Username + "\x01" + f.logins[i].Password.Reveal()
	}
	return id
}

func find(r *postfix.Routing, sender string) found {
	f := found{route: r.Route(sender)}
	for _, hop := range f.route.NextHops {
		login, ok := r.Login(f.route, sender, hop)
		f.logins, f.has = append(f.logins, login), append(f.has, ok)
	}
	return f
}

// routes finds the default route and one for each other way that mail of some
// senders goes.
func (a *reading) routes() error {
	rest := find(a.r, "")
	if err := a.defaultRoute(rest); err != nil {
		return err
	}
	if _, all := a.r.CatchAll(); all {
		bySenderInVain(a.r, a.out)
		a.closedAccounts()
		if len(a.out.Routes) == 0 {
			return ErrNone
		}
		return nil
	}
	groups := make(map[string]int) // id -> index in a.out.Routes
	if len(a.out.Routes) > 0 {
		groups[rest.id()] = 0
	}
	if !a.closedSenders(rest) {
		for _, key := range a.r.Senders() {
			a.sender(key, rest, groups)
		}
		if len(a.asAll) > 0 {
			a.out.leave("sender "+shorten(a.asAll), "its entry in a table of senders names the relay of all other mail, and that mail goes on by the service %s: remove it, and the mail leaves by the relay's own service; setup needs a --from without such an entry", rest.route.Transport)
		}
	}
	a.closedAccounts()
	if len(a.out.Routes) == 0 {
		return ErrNone
	}
	if a.out.Routes[0].Name != config.DefaultRoute {
		a.out.question("relay", "mail of all other senders goes to the mail exchangers of its recipients now, and a relay by default is needed: give setup --relay")
	}
	nameRoutes(a.out)
	return nil
}

// defaultRoute is the way of all senders that no table has.
func (a *reading) defaultRoute(f found) error {
	switch w := f.route; {
	case w.Transport == "error" || w.Transport == "discard" || w.Transport == "retry":
		a.out.leave("default_transport = "+a.r.Param("default_transport"), "this Postfix rejects mail for other servers now (Debian's \"Local only\" sets this): setup enables it")
		return nil
	case len(w.NextHops) == 0 && len(w.Broken) > 0:
		return fmt.Errorf("%s = %s names no relay that Postfix could use", w.By, strings.Join(w.Broken, ", "))
	case len(w.NextHops) == 0:
		return nil
	case isLoop(w.NextHops[0]):
		return fmt.Errorf("%s = %s is this server itself: its mail would come back to it, and there is no relay to take over", w.By, w.NextHops[0].Text)
	case w.Service.Command != "smtp":
		return fmt.Errorf("default_transport = %s: mail leaves by %s; only smtp(8) can be taken over",
			a.r.Param("default_transport"), cmp.Or(w.Service.Command, "a service that master.cf does not have"))
	}
	if value, all := a.r.CatchAll(); all {
		catchAll(a.r, a.out, "the entry \"* "+value+"\" of transport_maps")
	}
	a.route(config.DefaultRoute, f)
	return nil
}

// isLoop reports whether a next hop is port 25 of this server, where Postfix itself
// answers.
func isLoop(hop postfix.NextHop) bool {
	addr, err := netip.ParseAddr(hop.Host)
	return hop.Port == 25 && (strings.EqualFold(hop.Host, "localhost") || err == nil && addr.IsLoopback())
}

// sender adds one key of the senders' tables to the route that it goes by.
func (a *reading) sender(key string, rest found, groups map[string]int) {
	sender, ok := routeSender(key)
	if !ok {
		a.out.leave("sender "+key, "it is no plain address, @domain or <>: relayhost.toml cannot express what it matches; it stays in Postfix")
		return
	}
	f, parent := find(a.r, key), rest
	if at := strings.LastIndexByte(key, '@'); at > 0 {
		parent = find(a.r, key[at:])
	}
	if f.id() == parent.id() {
		if strings.HasPrefix(f.route.By, "sender_dependent_") && f.id() == rest.id() { // "dunno" is not
			a.asAll = append(a.asAll, key)
		}
		return
	}
	if why := unprovable(sender, f, rest); why != "" {
		a.out.leave("sender "+key, "%s", why)
		return
	}
	if why := a.unfit(f); why != "" {
		a.out.leave("sender "+key, "%s", why)
		return
	}
	i, known := groups[f.id()]
	if !known {
		i = len(a.out.Routes)
		groups[f.id()] = i
		a.route("", f)
	}
	r := &a.out.Routes[i]
	if i == 0 && r.Name == config.DefaultRoute {
		// An address that goes by default although its domain does not.
		i = len(a.out.Routes)
		groups[f.id()] = i
		a.route("", f)
		r = &a.out.Routes[i]
	}
	r.Senders = append(r.Senders, sender)
}

// routeSender turns a key of Postfix's tables into a sender of a route.
func routeSender(key string) (string, bool) {
	local, domain, at := strings.Cut(key, "@")
	switch {
	case key == "<>":
		return key, true
	case !at || !isDomain(domain):
		return "", false
	case local == "":
		return domain, true
	case strings.Trim(local, plain+"#&'+/=?^_~") != "" || strings.Contains("."+local+".", ".."):
		return "", false
	}
	return key, true
}

// unprovable says why setup would not take a sender: no relay service takes mail
// from a name without a dot, as of this host alone, so that nothing can be proven
// with it.
func unprovable(sender string, f, rest found) string {
	switch {
	case sender == config.NullSender || config.IsSender(sender) && strings.Contains(sender, "."):
		return ""
	case len(rest.route.NextHops) > 0 && len(f.route.NextHops) > 0 && f.route.Transport == rest.route.Transport && f.route.NextHops[0].Text == rest.route.NextHops[0].Text:
		return "no relay accepts it as it is, so it cannot be tested; it will log in with the account of the others"
	}
	return "no relay accepts it as it is, so it cannot be tested; it stays in Postfix and in use"
}

// plain are the characters of names in lower case.
const plain = "abcdefghijklmnopqrstuvwxyz0123456789.-"

// isDomain admits names of DNS.
func isDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	last := s[strings.LastIndexByte(s, '.')+1:]
	return strings.Trim(s, plain) == "" && strings.Trim(last, "0123456789") != ""
}

// unfit says why the way of some senders is none that a route can have.
func (a *reading) unfit(f found) string {
	const stays = "; it stays in Postfix and in use"
	switch w := f.route; {
	case len(w.NextHops) == 0:
		return "its mail goes to the mail exchangers of its recipients" + stays
	case w.Service.Command != "smtp":
		return "its mail goes by " + w.Transport + ", which is not smtp(8)" + stays
	case !f.has[0] && mayBePlain(tlsOf(a.r, a.s, w, w.NextHops[0])) && serviceOf(a.o, w.NextHops[0]).ID == "":
		return "its relay " + w.NextHops[0].Text + " has no login and may be sent to without TLS, which relayhost never does" + stays
	}
	return ""
}

// route adds a route with the hops of f that it can have.
func (a *reading) route(name string, f found) {
	w := f.route
	r := Route{Name: name, Service: w.Transport, By: w.By}
	for i, next := range w.NextHops {
		hop := a.hop(f, i)
		switch {
		case slices.ContainsFunc(r.Hops, func(h Hop) bool { return h.Host == hop.Host && h.Port == hop.Port }):
			a.out.change(next.Text+" is listed once", "listing it twice spreads the load over the addresses of one name, which Postfix does anyway")
		case len(r.Hops) > 0 && hop.TLS != r.Hops[0].TLS:
			a.out.leave("the fallback "+next.Text, "its TLS starts in another way than that of %s, and one smtp(8) process does one of the two: give both ports of one kind", w.NextHops[0].Text)
		case len(r.Hops) > 0 && (hop.CAFile != r.Hops[0].CAFile || hop.Fingerprint != r.Hops[0].Fingerprint):
			a.out.leave("the fallback "+next.Text, "its certificate is verified in another way than that of %s, and one smtp(8) process has one CA file", w.NextHops[0].Text)
		default:
			r.Hops = append(r.Hops, hop)
		}
	}
	switch n := len(w.Broken); {
	case n == 1:
		a.out.leave("the next hop "+w.Broken[0], "Postfix cannot read it either")
	case n > 1:
		a.out.leave("the next hops "+strings.Join(w.Broken, ", "), "Postfix cannot read %s, and does not come to what is behind it", w.Broken[0])
	}
	if !slices.ContainsFunc(a.services, func(s postfix.Service) bool { return s.Name == w.Service.Name }) {
		a.services = append(a.services, w.Service)
	}
	a.out.Routes = append(a.out.Routes, r)
}

// catchAll says what becomes of the entry "*".
func catchAll(r *postfix.Routing, out *offer, entry string) {
	if r.Param("sender_dependent_relayhost_maps")+r.Param("sender_dependent_default_transport_maps") != "" {
		out.leave(entry, "it takes precedence over relayhost and the sender tables, so setup refuses to continue: remove what you do not want")
		return
	}
	out.change(entry+" is removed", "relayhost names that relay; the entry also sends mail for domains of this server to the relay, which will stay here then")
}

// bySenderInVain names the senders' tables that a catch-all transport defeats.
func bySenderInVain(r *postfix.Routing, out *offer) {
	for _, name := range []string{"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"} {
		if value := r.Param(name); value != "" {
			out.leave(name+" = "+value, "the entry \"*\" of transport_maps takes precedence, so it has no effect today")
		}
	}
}

// closedSenders reports whether there are tables of senders that cannot be read.
// What the readable ones say may then be overruled for any sender, so that all
// of them stay as they are.
func (a *reading) closedSenders(rest found) bool {
	closed := false
	for _, name := range []string{"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"} {
		tables, why := a.r.Closed(a.r.Param(name))
		for i, t := range tables {
			a.out.leave(name+" = "+t.String(), "%s: the senders of these tables stay with their relays as Postfix has them", why[i])
			closed = closed || why[i] != postfix.NoFile
		}
	}
	if !closed || len(rest.route.NextHops) == 0 {
		return closed
	}
	for _, key := range a.r.Senders() {
		if f := find(a.r, key); f.route.By == rest.route.By && f.id() != rest.id() {
			a.out.leave("the accounts of single senders", "which relay their mail goes by is not known: at %s it will be the account of the others", rest.route.NextHops[0].Text)
		}
	}
	return true
}

// closedAccounts names password tables that cannot be read.
func (a *reading) closedAccounts() {
	for _, s := range a.services {
		if !isYes(option(a.s, s, "smtp_sasl_auth_enable")) {
			continue
		}
		tables, why := a.r.Closed(option(a.s, s, "smtp_sasl_password_maps"))
		for i, t := range tables {
			if strings.HasPrefix(t.Path, "/") { // what stands behind a blank in static: may be a password
				a.out.question("account", "%s: %s, so that it is not known whose account is used", t, why[i])
			} else {
				a.out.question("account", "smtp_sasl_password_maps names a table that is no file and cannot be read from here")
			}
		}
	}
}

// nameRoutes gives the routes names after their first senders.
func nameRoutes(out *offer) {
	taken := map[string]bool{config.DefaultRoute: true}
	for _, r := range out.Routes { // the default's service is named after its relay
		taken[r.Hops[0].Relay] = true
	}
	for i := range out.Routes {
		r := &out.Routes[i]
		if r.Name != "" {
			continue
		}
		name := routeName(r.Senders[0])
		for n := 2; taken[name]; n++ {
			name = routeName(r.Senders[0]) + "-" + strconv.Itoa(n)
		}
		taken[name], r.Name = true, name
	}
}

// maxName leaves room for a number.
const maxName = 36

func routeName(sender string) string {
	if sender == "<>" {
		return "bounces"
	}
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(sender))
	name = strings.Trim(name[:min(maxName, len(name))], "-")
	free := strings.TrimSuffix(strings.TrimSuffix(name, "-tls"), "-smtps") // plan keeps these for itself
	if free == "" || free != name {
		name = free + "-mail"
	}
	return strings.Trim(strings.TrimPrefix(name, "by-sender-"), "-")
}

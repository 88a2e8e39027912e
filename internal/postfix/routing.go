package postfix

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/lint"
	"relayhost/internal/secret"
)

// NextHop is a destination as smtp(8) reads it: "[host]:port" and its kin
// (relayhost in postconf(5)).
type NextHop struct {
	Text string // as it is written, which is the key that tables are searched by
	Host string // lower case, without brackets
	Port int    // 25 where none is written
	MX   bool   // no brackets: the mail exchangers of Host come before Host itself
}

// ParseNextHop reads one destination.
func ParseNextHop(text string) (NextHop, error) {
	name, port, err := lint.SplitNextHop(text)
	if err != nil {
		return NextHop{Text: text}, err
	}
	n, known := lint.KnownPorts[port]
	if !known {
		n, _ = strconv.Atoi(cmp.Or(port, "25"))
	}
	name = strings.TrimPrefix(strings.ToLower(name), "ipv6:")
	return NextHop{text, name, n, text[0] != '['}, nil
}

// Route is where mail for other servers goes, as Postfix resolves it from all that it
// reads: to which next hops, by which service.
type Route struct {
	Transport string  // "smtp": the name of an entry in master.cf
	Service   Service // that entry; the zero value where there is none
	// NextHops are tried in order: those of relayhost, or what is in its place,
	// and then those of smtp_fallback_relay. With none mail goes to the mail
	// exchangers of its recipients.
	NextHops []NextHop
	Broken   []string // the first next hop that Postfix cannot read, and those that it does not come to behind it
	By       string   // the parameter that names the first next hop, "" where none does
	first    NextHop
}

// First is the next hop that is tried first; the zero value where mail goes to the mail
// exchangers of its recipients, and one without a Host where Postfix cannot read it.
func (w Route) First() NextHop { return w.first }

// Bridged reports whether mail goes to a bridge of relayhost, behind a private socket.
func (w Route) Bridged() bool {
	return w.Service.Command == "lmtp" && strings.HasPrefix(w.First().Text, "unix:private/relayhost-")
}

// RouteOf is the route of mail that no table by sender or recipient sends elsewhere. An
// entry "*" of transport_maps counts where it leads to a relay.
func RouteOf(s State) Route {
	r := NewRouting(s)
	w := r.Route("")
	if _, ok := r.CatchAll(); ok && (w.Service.Command != "smtp" || len(w.NextHops) == 0) {
		r.catchAll = new(string)
		w = r.Route("")
	}
	return w
}

// SenderRoutes are the relays of single senders where all other mail goes out
// directly: the keys of sender_dependent_*_maps that lead to one, each with the route.
func SenderRoutes(s State) (senders []string, routes []Route) {
	if s.Master == nil || RouteOf(s).First().Text != "" {
		return nil, nil
	}
	r := NewRouting(s)
	for _, sender := range r.Senders() {
		w := r.Route(sender)
		if strings.HasPrefix(w.By, "sender_dependent_") && w.Service.Command == "smtp" && len(w.NextHops) > 0 {
			senders, routes = append(senders, sender), append(routes, w)
		}
	}
	return senders, routes
}

// Routing answers where mail goes and how the relay is logged in to, as
// trivial-rewrite(8) and smtp(8) would. Recipients with an entry of their own in
// transport_maps aside.
type Routing struct {
	*Lookups
	s State
	// What each question would look up again: parameters of trivial-rewrite(8),
	// and entries of master.cf.
	params   map[string]string
	services map[string]Service
	catchAll *string // "" for none
}

// NewRouting reads the routing of s.
func NewRouting(s State) *Routing {
	if s.Master == nil {
		s.Master, _ = ParseMaster(nil)
	}
	return &Routing{Lookups: NewLookups(s), s: s, params: map[string]string{}, services: map[string]Service{}}
}

// Param is a parameter as trivial-rewrite(8) sees it, which chooses the way.
func (r *Routing) Param(name string) string {
	if value, known := r.params[name]; known {
		return value
	}
	value, _ := r.s.Effective(r.service("rewrite"), name)
	r.params[name] = value
	return value
}

// service is an entry of master.cf; the zero value where there is none.
func (r *Routing) service(name string) Service {
	if s, known := r.services[name]; known {
		return s
	}
	s, _ := r.s.Master.Get(name, "unix")
	r.services[name] = s
	return s
}

// Senders lists the keys of tables that send single senders another way, or log
// in for them with another account.
func (r *Routing) Senders() []string {
	seen := make(map[string]bool)
	var all []string
	add := func(keys []string) {
		for _, key := range keys {
			if !seen[key] {
				seen[key] = true
				all = append(all, key)
			}
		}
	}
	add(r.Keys(r.Param("sender_dependent_default_transport_maps")))
	add(r.Keys(r.Param("sender_dependent_relayhost_maps")))
	tables := make(map[string]bool)
	for _, sender := range append([]string{""}, all...) {
		w := r.Route(sender)
		if maps := r.option(w, "smtp_sasl_password_maps"); !tables[maps] && r.bySender(w) {
			tables[maps] = true
			add(slices.DeleteFunc(r.Keys(maps), func(key string) bool { return !strings.Contains(key, "@") }))
		}
	}
	return all
}

// Route is the route of mail from sender: an address, "@domain", "<>", or "" for
// senders that no table has.
func (r *Routing) Route(sender string) Route {
	transport, next, _ := strings.Cut(r.Param("default_transport"), ":")
	by := "default_transport"
	if value, ok := r.ofSender("sender_dependent_default_transport_maps", sender); ok {
		transport, next, _ = strings.Cut(value, ":")
		by = "sender_dependent_default_transport_maps"
	}
	if next == "" {
		next, by = r.Param("relayhost"), "relayhost"
		if value, ok := r.ofSender("sender_dependent_relayhost_maps", sender); ok {
			next, by = value, "sender_dependent_relayhost_maps"
		}
	}
	if value, ok := r.CatchAll(); ok { // transport_maps win over all of these
		var other string
		other, next, _ = strings.Cut(value, ":")
		by, transport = "transport_maps", cmp.Or(other, transport)
	}
	w := r.By(transport, next)
	if len(w.NextHops)+len(w.Broken) > 0 {
		w.By = by
	}
	return w
}

// By is the way of mail that goes to the next hops by transport.
func (r *Routing) By(transport, nextHops string) Route {
	transport = cmp.Or(transport, "smtp")
	w := Route{Transport: transport, Service: r.service(transport)}
	words := Words(nextHops)
	if v := r.s.Version; len(words) > 1 && v.AtLeast(2, 0) && !v.AtLeast(3, 5) { // it is no list there
		words = []string{nextHops}
	}
	w.add(words)
	if len(words) > 0 {
		w.first, _ = ParseNextHop(words[0])
		w.add(Words(r.option(w, "smtp_fallback_relay")))
	}
	return w
}

// add appends the next hops of a list.
func (w *Route) add(list []string) {
	for _, text := range list {
		hop, err := ParseNextHop(text)
		if err != nil || len(w.Broken) > 0 {
			w.Broken = append(w.Broken, text)
			continue
		}
		w.NextHops = append(w.NextHops, hop)
	}
}

// CatchAll is the entry "*" of transport_maps, which wins over relayhost. An
// entry ":" changes nothing and is none.
func (r *Routing) CatchAll() (value string, ok bool) {
	if r.catchAll == nil {
		found := ""
		maps := r.Param("transport_maps")
		if slices.Contains(r.Keys(maps), "*") { // a static: would answer anything
			found, _, _ = r.Get(maps, "*")
		}
		r.catchAll = &found
	}
	return *r.catchAll, *r.catchAll != ":" && *r.catchAll != ""
}

// ofSender searches a table by the keys of a sender.
func (r *Routing) ofSender(param, sender string) (string, bool) {
	maps := r.Param(param)
	for _, key := range SenderKeys(sender) {
		if value, _, ok := r.Get(maps, key); ok {
			return value, value != "" && !strings.EqualFold(value, "dunno")
		}
	}
	return "", false
}

// SenderKeys are the keys that tables by sender are searched by, in order: the whole
// address, and then its domain (sender_dependent_relayhost_maps in postconf(5)).
func SenderKeys(sender string) []string {
	at := strings.LastIndexByte(sender, '@')
	switch {
	case sender == "":
		return nil
	case at > 0:
		return []string{sender, sender[at:]}
	}
	return []string{sender}
}

// option is a parameter as the service of w sees it.
func (r *Routing) option(w Route, name string) string {
	value, _ := r.s.Effective(w.Service, name)
	return value
}

func (r *Routing) bySender(w Route) bool {
	return strings.EqualFold(r.option(w, "smtp_sender_dependent_authentication"), "yes")
}

// Login is what Postfix logs in with.
type Login struct {
	Username string
	Password secret.Value
	Key      string // that it was found by: a sender, a host, or the next hop as it is written
	Table    Table  // that holds it; for static: the password is in Path
}

// Login finds what mail of sender logs in with at hop, in the order of smtp(8)
// (smtp_sasl_passwd_lookup): the sender where
// smtp_sender_dependent_authentication is on, the bare host, the next hop.
func (r *Routing) Login(w Route, sender string, hop NextHop) (Login, bool) {
	if !strings.EqualFold(r.option(w, "smtp_sasl_auth_enable"), "yes") {
		return Login{}, false
	}
	keys := []string{hop.Host, hop.Text}
	if r.bySender(w) && sender != "<>" {
		keys = append(SenderKeys(sender), keys...)
	}
	maps := r.option(w, "smtp_sasl_password_maps")
	for _, key := range keys {
		if value, t, ok := r.Get(maps, key); ok {
			user, pass, split := strings.Cut(value, string(r.s.PasswordDelimiter()))
			return Login{user, secret.New(pass), key, t}, split
		}
	}
	return Login{}, false
}

// PasswordDelimiter is what stands between user name and password in the value
// of smtp_sasl_password_maps: smtp_sasl_password_result_delimiter, a parameter
// since 3.9, and ":" before.
func (s State) PasswordDelimiter() byte {
	if d := s.Params["smtp_sasl_password_result_delimiter"]; d != "" && s.Version.AtLeast(3, 9) {
		return d[0]
	}
	return ':'
}

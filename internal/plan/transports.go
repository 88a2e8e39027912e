package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/secret"
	"relayhost/relays"
	"relayhost/templates"
)

// maxServices bounds the entries in master.cf: each is a process or more of
// its own. Beyond that many chains of one hop, those at one host and port share
// a service and find their account by the sender.
const maxServices = 50

// keyedPrefix begins the names of services with accounts by sender.
const keyedPrefix = ServicePrefix + config.BySenderPrefix

// implicitSuffix ends the names of services that speak TLS from the first byte: one
// that changes to it is another service, so that no delivery meets the port of the
// one with the TLS of the other.
const implicitSuffix = config.ImplicitSuffix

// service is one smtp(8) entry of master.cf: a chain of hops with its accounts.
type service struct {
	name   string
	d      *templates.Data // once it is known which services there are
	hops   []config.Hop
	routes []*route // that go by it, at least one
	bridge bool     // Postfix hands its mail to a bridge
	walked bool     // which goes through the hops by itself
	keyed  bool     // the account is found by the sender
	own    bool     // has a password table of its own

	instance string // the configuration directory

	// What its own tables hold, to find one that is the same.
	generics []templates.Setting
	rules    []rule // of the catalogue, for the filters
}

// route is one of the Config and the service that it goes by.
type route struct {
	config.Route
	service *service
}

// suffix is the service's name without the prefix.
func (s *service) suffix() string { return strings.TrimPrefix(s.name, ServicePrefix) }

// logs reports whether smtp(8) logs in to some hop.
func (s *service) logs() bool { return slices.ContainsFunc(s.hops, s.stores) }

// stores reports whether smtp(8) looks up a password for a hop of s.
func (s *service) stores(h config.Hop) bool { return !s.bridge && h.StoresPassword() }

// account tells logins apart. Where a password is not known
// (Server.NoCredentials) the place that it comes from stands for it.
type account struct{ username, password, from string }

func accountOf(accounts Accounts, h *config.Hop, w *route) account {
	a := account{h.Username, h.Password.Reveal(), ""}
	if a.password == secret.Mask {
		a.from = cmp.Or(h.CredentialsFile, serviceNow(accounts, w))
	}
	return a
}

// serviceNow is what the mail of w goes by now, where that tells its account
// from others; else the route itself.
func serviceNow(accounts Accounts, w *route) string {
	sender := ""
	if len(w.Senders) > 0 {
		sender = w.Senders[0]
	}
	now, _ := accounts.route(sender)
	if !strings.HasPrefix(now.Transport, ServicePrefix) || strings.HasPrefix(now.Transport, keyedPrefix) {
		return "route " + w.Name
	}
	return now.Transport
}

// fillLogins fills in stored or masked credentials where none were given, and
// reports whether placeholders are in use.
func fillLogins(server Server, accounts Accounts, routes []*route) (incomplete bool) {
	if !server.NoCredentials {
		return false
	}
	for _, w := range routes {
		w.Hops = slices.Clone(w.Hops) // which are the caller's
		for i := range w.Hops {
			incomplete = fillLogin(accounts, &w.Hops[i], w.Senders) || incomplete
		}
	}
	return incomplete
}

func fillLogin(accounts Accounts, h *config.Hop, senders []string) (incomplete bool) {
	if h.APITakesTokens() {
		if h.Username != "" && signsIn(h) {
			return false
		}
		h.Username = cmp.Or(h.Username, secret.Mask)
		h.SignIn.Secret, h.SignIn.Certificate = secret.New(secret.Mask), secret.Value{}
		return true
	}
	if h.ByAPI() {
		if h.API.Given() {
			return false
		}
		h.API.Key = secret.New(secret.Mask)
		return true
	}
	if !h.NeedsLogin() || h.Username != "" && (!h.Password.IsZero() || h.Bridged() && signsIn(h)) {
		return false
	}
	if user, password, ok := accounts.Find(h.NextHop(), senders...); ok && (h.Username == "" || h.Username == user) {
		h.Username, h.Password = user, password
		return false
	}
	if h.Username == "" {
		h.Username = h.Relay.Auth.Username.Fixed
	}
	if h.Username == "" {
		h.Username = secret.Mask
	}
	if h.Bridged() {
		h.SignIn.Secret, h.SignIn.Certificate = secret.New(secret.Mask), secret.Value{}
		return true
	}
	h.Password = secret.New(secret.Mask)
	return true
}

// signsIn reports whether the application of h can get a token, as far as that is a
// matter of what is stored.
func signsIn(h *config.Hop) bool {
	_, err := h.Client()
	return err == nil
}

// assemble finds the services that the routes need: one for each distinct chain
// of hops with its accounts, the default first.
func (b *builder) assemble() error {
	known := map[string]*service{}
	for _, w := range b.routes {
		key := chainKey(b.accounts, w)
		s, ok := known[key]
		if !ok {
			s = &service{hops: w.Hops, name: serviceName(b.cfg, w), bridge: w.Bridged(), walked: w.Walked(), instance: filepath.Clean(b.s.ConfigDir)}
			known[key] = s
			b.services = append(b.services, s)
		}
		s.routes = append(s.routes, w)
		w.service = s
	}
	b.services = bySender(b.services)
	if n := len(b.services); n > maxServices {
		last := b.services[maxServices].routes[0]
		return &config.InputError{Field: "route " + last.Name, Msg: fmt.Sprintf("the routes need %d services in master.cf, more than the %d that are sensible", n, maxServices),
			Hint: "let routes share their hops and accounts; those of one hop at the same host and port share a service by themselves"}
	}
	for _, s := range b.services {
		s.d = &templates.Data{Service: s.name}
	}
	b.d = b.services[0].d
	return nil
}

// serviceName names the service of a route after what Postfix speaks there, so that no
// delivery meets another protocol; see config.OAuthSuffix.
func serviceName(cfg config.Config, w *route) string {
	h := &w.Hops[0]
	if w.Walked() {
		h = &w.All()[0] // at every level of a rehearsal
	}
	name := ServicePrefix + w.Name
	switch {
	case w.Name != config.DefaultRoute:
	case w.Walked():
		name = ServicePrefix + h.Relay.ID
	default:
		name = ServicePrefix + cfg.First().Relay.ID
	}
	switch {
	case h.ByAPI():
		return name + config.HTTPSSuffix
	case h.TLS == relays.Implicit && h.Bridged():
		return name + implicitSuffix + config.OAuthSuffix
	case h.Bridged():
		return name + config.OAuthSuffix
	case w.Walked():
		return name + config.WalkSuffix
	case h.TLS == relays.Implicit:
		return name + implicitSuffix
	}
	return name
}

// chainKey is equal for routes that can share a service.
func chainKey(accounts Accounts, w *route) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%t\x00", w.Walked())
	for i := range w.Hops {
		h := &w.Hops[i]
		a := accountOf(accounts, h, w)
		fmt.Fprintf(&key, "%s\x00%s\x00%s\x00%s\x00", endpoint(h), a.username, a.password, a.from)
	}
	return key.String()
}

// endpoint is a hop without its account.
func endpoint(h *config.Hop) string {
	sign := strings.Join([]string{string(h.Via), string(h.SignIn.Grant), h.SignIn.Tenant, h.SignIn.ClientID,
		h.SignIn.Secret.Reveal(), h.SignIn.Certificate.Reveal(), h.API.String(), h.API.Key.Reveal(), awsAccount(h.API.AWS), h.ProxyAddress(), strconv.FormatBool(h.BridgeService)}, "\x00")
	return strings.Join([]string{sign, h.Relay.ID, h.NextHop(), string(h.TLS), h.CAFile, h.Pin,
		strconv.FormatBool(h.NoVerify), strconv.Itoa(h.Connections)}, "\x00")
}

// awsAccount tells AWS keys apart.
func awsAccount(k *conf.AWSKeys) string {
	if k == nil {
		return ""
	}
	return strings.Join([]string{string(k.Source), k.AccessKey, k.Secret.Reveal(), k.URL, k.TokenFile, k.RoleARN, k.Path, k.Profile}, "\x00")
}

// bySender merges services of one hop at the same host and port where there
// are too many of them.
func bySender(services []*service) []*service {
	single := 0
	for _, s := range services {
		if len(s.hops) == 1 {
			single++
		}
	}
	if single <= maxServices {
		return services
	}
	heads := map[string]*service{}
	var kept []*service
	for i, s := range services {
		if i == 0 || len(s.hops) > 1 || !s.logs() || slices.ContainsFunc(s.routes, unkeyed) {
			kept = append(kept, s)
			continue
		}
		key := endpoint(&s.hops[0])
		head, ok := heads[key]
		if !ok {
			heads[key] = s
			kept = append(kept, s)
			continue
		}
		head.keyed = true
		head.routes = append(head.routes, s.routes...)
		for _, w := range s.routes {
			w.service = head
		}
	}
	nameGroups(kept)
	return kept
}

// unkeyed reports whether some sender of w cannot be a key of a password table:
// the null sender has none, and names below a domain would need a pattern.
func unkeyed(w *route) bool {
	return slices.ContainsFunc(w.Senders, func(s string) bool { return s == config.NullSender || strings.HasPrefix(s, ".") })
}

// nameGroups names services with sender keys after what they have in common, so
// that the name stays when a route goes.
func nameGroups(services []*service) {
	used := map[string]bool{}
	for _, s := range services {
		if !s.keyed {
			used[s.name] = true
		}
	}
	for _, s := range services {
		if !s.keyed {
			continue
		}
		base := fmt.Sprintf("%s%s-%d", keyedPrefix, s.hops[0].Relay.ID, s.hops[0].Port)
		name := base
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		used[name] = true
		s.name = name
	}
}

// describe decides what does not depend on the files that are there.
func (b *builder) describe(s *service) {
	first := &s.hops[0]
	d := s.d
	d.RelayName = relayName(first.Relay)
	d.NextHop = first.NextHop()
	d.Login = s.logs()
	d.WrapperMode = first.TLS == relays.Implicit && !first.ByAPI()
	d.TLSRequired = b.s.Version.AtLeast(3, 10)
	d.Mechanisms = "plain,login"
	d.Processes = "-"
	setTLS(b.out, b.s, s)
	if s.bridge {
		describeBridge(b.out, b.s, b.facts, b.server, s)
		return
	}
	// IPv6 that leads nowhere costs each delivery a wait, and relays that go by
	// address know the one of IPv4.
	d.AddressPreference = "ipv4"
	var fallback, hosts []string
	for i := range s.hops {
		h := &s.hops[i]
		if !slices.Contains(hosts, h.Host) {
			hosts = append(hosts, h.Host)
		}
		if i > 0 {
			fallback = append(fallback, h.NextHop())
		}
	}
	d.CacheDestinations = strings.Join(hosts, ",")
	if len(fallback) > 0 {
		d.Fallback, d.Timeouts = strings.Join(fallback, ","), impatient
	}
	setLimits(b.out, b.s, b.facts, s)
	_, scache := b.master.Get("scache", "unix")
	setReuse(b.out, b.s, scache || b.masterBefore == nil, s)
}

// impatient are the time limits of a service that has another hop to go to. Of
// the defaults (30 s to connect to each of up to five addresses, 5 min for a
// greeting) a hop that hangs would hold every message for minutes. The time
// for the message itself stays: who gives up there sends twice.
var impatient = []templates.Setting{
	{Name: "smtp_connect_timeout", Value: "10s"},
	{Name: "smtp_mx_address_limit", Value: "3"},
	{Name: "smtp_helo_timeout", Value: "15s"},
	{Name: "smtp_starttls_timeout", Value: "15s"},
	{Name: "smtp_mail_timeout", Value: "60s"},
	{Name: "smtp_rcpt_timeout", Value: "60s"},
}

func relayName(r *relays.Relay) string {
	if r.Name == "" {
		return r.ID
	}
	return oneLine(r.Name)
}

// relayNames is the one relay of all routes, or what stands for several.
func relayNames(services []*service, d *templates.Data) string {
	name := d.RelayName
	for _, s := range services {
		for i := range s.hops {
			if relayName(s.hops[i].Relay) != name {
				return "the relays"
			}
		}
	}
	return name
}

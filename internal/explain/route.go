package explain

import (
	"cmp"
	"slices"
	"strings"

	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Route is how Postfix sends mail for the world: the entry of master.cf, the
// next hop, and parameters as that entry sees them.
type Route struct {
	State   postfix.State
	Service postfix.Service // the zero Service when master.cf has none of that name
	NextHop string          // as it stands: "[host]:587"; "" delivers straight
	Host    string          // lower case, without brackets
	Port    int             // 25 when none is named; 0, as Host is "", for a next hop that cannot be read
}

// RouteOf reads the route from default_transport and relayhost, and from an entry of
// transport_maps for all recipients ("*", transport(5)). Tables that override it for
// some senders or recipients are not looked into.
func RouteOf(s postfix.State) Route {
	transport, nextHop, _ := strings.Cut(s.Params["default_transport"], ":")
	if nextHop == "" {
		nextHop = s.Params["relayhost"]
	}
	if transport == "" {
		transport = "smtp"
	}
	if value, ok := catchAll(s); ok {
		other, hop, _ := strings.Cut(value, ":")
		transport, nextHop = cmp.Or(other, transport), hop
	}
	return RouteBy(s, transport, strings.TrimSpace(nextHop))
}

// catchAll is what transport_maps has for all recipients, where that is a relay.
func catchAll(s postfix.State) (string, bool) {
	if s.Params["transport_maps"] == "" || s.Master == nil {
		return "", false
	}
	routing := postfix.NewRouting(s)
	value, ok := routing.CatchAll()
	if !ok {
		return "", false
	}
	w := routing.Route("")
	return value, w.Service.Command == "smtp" && len(w.NextHops) > 0
}

// SenderRoutes are the relays of single senders where all other mail goes out
// directly: the keys of sender_dependent_*_maps that lead to one, each with the route.
func SenderRoutes(s postfix.State) (senders []string, routes []Route) {
	if s.Master == nil || RouteOf(s).NextHop != "" {
		return nil, nil
	}
	routing := postfix.NewRouting(s)
	for _, sender := range routing.Senders() {
		w := routing.Route(sender)
		if strings.HasPrefix(w.By, "sender_dependent_") && w.Service.Command == "smtp" && len(w.NextHops) > 0 {
			senders, routes = append(senders, sender), append(routes, RouteBy(s, w.Transport, w.NextHops[0].Text))
		}
	}
	return senders, routes
}

// RouteBy is the route by an entry of master.cf to a next hop.
func RouteBy(s postfix.State, service, nextHop string) Route {
	r := Route{State: s, NextHop: nextHop}
	if s.Master != nil {
		r.Service, _ = s.Master.Get(service, "unix")
	}
	if hop, err := postfix.ParseNextHop(nextHop); err == nil {
		r.Host, r.Port = hop.Host, hop.Port
	}
	return r
}

// Param is the value of a parameter for the route: -o in master.cf wins over
// main.cf.
func (r Route) Param(name string) string {
	if value, ok := r.Service.Option(name); ok {
		return value
	}
	return r.State.Params[name]
}

// OAuth reports whether the route logs in by an OAuth token, with a SASL plugin
// (sasl-xoauth2): the mechanism filter admits XOAUTH2 and no mechanism with a
// password, or what is stored as the password is the path of a token file.
func (r Route) OAuth(password string) bool {
	filter := postfix.Words(r.Param("smtp_sasl_mechanism_filter"))
	if lint.ContainsFold(filter, "xoauth2", "oauthbearer") && !lint.ContainsFold(filter, "plain", "login") {
		return true
	}
	return strings.HasPrefix(password, "/") && lint.ContainsFold(r.State.SASLPlugins, "XOAUTH2")
}

// Inspect runs the static checks: what of the catalogue holds on this host,
// whatever the log says. It reads s only. from is the address that mail is sent
// from, "" when it is not known.
func Inspect(s postfix.State, from string) Signs {
	return InspectRoute(RouteOf(s), from)
}

// InspectRoute is Inspect for one of several routes.
func InspectRoute(r Route, from string) Signs {
	if !r.State.Installed || r.State.Params == nil {
		return nil
	}
	var signs Signs
	found := lint.Inspect(r.State.Facts(), lint.Route{
		Service: r.Service.Name, Args: r.Service.Args, Chrooted: r.Service.Chrooted(r.State.Params["compatibility_level"]),
		NextHop: r.NextHop, Host: r.Host, Port: r.Port, Implicit: relays.UsualTLS(r.Port) == relays.Implicit,
		OAuth: r.OAuth(""), From: from, Param: r.Param,
	})
	for _, rule := range lint.RouteRules() {
		sign := Sign{Cause: rule.ID, Severity: rule.Severity}
		if r.Bridged() && ofClient(rule.ID) {
			signs = append(signs, sign)
			continue
		}
		if i := slices.IndexFunc(found, func(f lint.Finding) bool { return f.Rule == rule.ID }); i >= 0 {
			sign.Holds, sign.Detail, sign.Remedy, sign.Command = true, found[i].Detail, found[i].Remedy, found[i].Command
		}
		signs = append(signs, sign)
	}
	if !filtered(r.State) {
		signs = append(signs, Sign{Cause: "content_filter_down"})
	}
	return signs
}

// Bridged reports whether mail goes to a program of ours behind a private socket.
func (r Route) Bridged() bool {
	return r.Service.Command == "lmtp" && strings.HasPrefix(r.NextHop, "unix:private/relayhost-")
}

// ofClient reports whether a rule is about how smtp(8) connects and logs in, which it
// does not where a bridge does.
func ofClient(id string) bool {
	return slices.ContainsFunc([]string{"sasl_", "auth_", "tls_", "starttls_", "relayhost_syntax", "dns_mx_no_brackets", "chroot"}, func(prefix string) bool {
		return strings.HasPrefix(id, prefix)
	})
}

// filtered reports whether mail goes through a content filter (FILTER_README)
// before it goes to the relay. Whether that one lives, no file tells.
func filtered(s postfix.State) bool {
	if s.Params["content_filter"] != "" {
		return true
	}
	return s.Master != nil && slices.ContainsFunc(s.Master.Services(), func(x postfix.Service) bool {
		filter, _ := x.Option("content_filter")
		return filter != ""
	})
}

// Look is Inspect, and what is worth knowing of a line of the log only: whether
// something bypasses the relay. from is as for Inspect.
func Look(s postfix.State, from string) Signs {
	signs := Inspect(s, from)
	if len(signs) == 0 {
		return nil
	}
	sign := Sign{Cause: "override_elsewhere"}
	if found := s.Facts().Bypass(); len(found) > 0 && RouteOf(s).Host != "" { // else there is no relay to bypass
		sign.Holds, sign.Severity, sign.Detail = true, found[0].Severity, found[0].Detail
	}
	return append(signs, sign)
}

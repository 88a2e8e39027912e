package explain

import (
	"strings"

	"relayhost/internal/postfix"
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

// RouteOf reads the route from default_transport and relayhost (transport(5)).
// Tables that override it for some senders or recipients are not looked into.
func RouteOf(s postfix.State) Route {
	transport, nextHop, _ := strings.Cut(s.Params["default_transport"], ":")
	if nextHop == "" {
		nextHop = s.Params["relayhost"]
	}
	if transport == "" {
		transport = "smtp"
	}
	return RouteBy(s, transport, strings.TrimSpace(nextHop))
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

// OAuth reports whether the route logs in by an OAuth token, with a SASL plug-in
// (sasl-xoauth2): the mechanism filter admits XOAUTH2 and no mechanism with a
// password, or what is stored as the password is the path of a token file.
func (r Route) OAuth(password string) bool {
	filter := postfix.Words(r.Param("smtp_sasl_mechanism_filter"))
	if containsFold(filter, "xoauth2", "oauthbearer") && !containsFold(filter, "plain", "login") {
		return true
	}
	return strings.HasPrefix(password, "/") && containsFold(r.State.SASLPlugins, "XOAUTH2")
}

func (r Route) yes(name string) bool { return strings.EqualFold(r.Param(name), "yes") }

// level is the TLS level for the next hop: that of the policy table, where one
// that can be read has an entry for it, or the general one.
func (r Route) level() string {
	for _, t := range postfix.ParseTables(r.Param("smtp_tls_policy_maps"), r.State.DefaultMap) {
		for line := range strings.Lines(string(r.State.Maps[t.Path])) {
			if f := strings.Fields(line); len(f) > 1 && strings.EqualFold(f[0], r.NextHop) {
				return strings.ToLower(f[1])
			}
		}
	}
	switch level := r.Param("smtp_tls_security_level"); {
	case level != "":
		return strings.ToLower(level)
	case r.yes("smtp_enforce_tls"):
		return "encrypt"
	case r.yes("smtp_use_tls"):
		return "may"
	}
	return ""
}

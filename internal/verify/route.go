package verify

import (
	"cmp"
	"context"
	"crypto/x509"
	"slices"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/oauth"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// Hop is a config.Hop with what this host has to reach it by.
type Hop struct {
	config.Hop
	Roots *x509.CertPool
	// OAuth says that Postfix logs in by a token, with a SASL plugin: then there is
	// no password that could be tried, and Username is "".
	OAuth bool
	// Source has the token that a bridge logs in with; nil where none does. Token is
	// that token, once it is known.
	Source *oauth.Source
	Token  secret.Value
	// Socket is where Postfix hands mail for this hop to a bridge, as the log shows it:
	// "private/relayhost-m365-oauth-out". "": smtp(8) itself connects to Host.
	Socket string
	// Written is the next hop of a setup made by hand, as it is written ("relay.test",
	// which has no port and no brackets); "" for one that setup has made.
	Written string
	// Check asks the API behind that bridge whether it takes the stored key; nil where
	// the bridge speaks SMTP.
	Check func(context.Context) (proved bool, err error)
}

// nextHop is the key of every table.
func (h Hop) nextHop() string {
	if h.Socket != "" {
		return "unix:" + h.Socket
	}
	return cmp.Or(h.Written, h.NextHop())
}

// shown is the hop for messages.
func (h Hop) shown() string {
	if h.Socket != "" {
		return h.Host
	}
	return h.nextHop()
}

// Route is the mail of some senders: a config.Route as Postfix has it now, whoever set
// it up.
type Route struct {
	Name    string
	Senders []string // as config.Route has them
	From    string   // sender of the proof; "" when none is known
	Service string   // entry of master.cf
	Hops    []Hop    // one at least: the first, and its fallbacks in order (smtp_fallback_relay)
}

// First is the first hop of the default route.
func (e Env) First() *Hop { return &e.Routes[0].Hops[0] }

// From is the sender of the test message of the default route; "" when none is known.
func (e Env) From() string { return e.Routes[0].From }

// several reports whether findings have to say which way they are about.
func (e Env) several() bool { return len(e.Routes) > 1 || len(e.Routes[0].Hops) > 1 }

// routeCheck is the proof of one route.
type routeCheck struct {
	*run
	route  Route
	number int           // place among all routes, from 1; 0 where there is one only
	signs  explain.Signs // of this host, for this route

	*loginOrder
	pending []Finding // of several routes, until all of this one are known
}

// found passes a finding on: at once where there is one route only, else
// together with the others of the route.
func (t *routeCheck) found(f Finding) {
	if !t.several() {
		t.run.found(f)
		return
	}
	f.Route, f.route = t.route.Name, t.number
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, f)
}

// release passes on what was held, in order.
func (t *routeCheck) release() {
	t.showing.Lock() // routes that end together are told one after the other
	defer t.showing.Unlock()
	for _, f := range NewReport(t.pending).Findings {
		t.run.found(f)
	}
}

// routeChecks are the routes that are asked for.
func (r *run) routeChecks() []*routeCheck {
	var list []*routeCheck
	inspected := map[string]explain.Signs{} // what is wrong with a service is so for all of its routes
	for i, route := range r.Routes {
		if r.Route != "" && r.Route != route.Name {
			continue
		}
		t := &routeCheck{run: r, route: route, loginOrder: newLoginOrder(), signs: r.inspected}
		if r.several() {
			t.number = i + 1
		}
		if i > 0 {
			signs, done := inspected[route.Service]
			if !done {
				signs = explain.InspectRoute(r.State, postfix.NewRouting(r.State).By(route.Service, route.Hops[0].nextHop()), route.From)
				inspected[route.Service] = signs
			}
			t.signs = signs
		}
		t.signs = append(slices.Clone(t.signs), credentialSigns(route.Hops[0])...)
		list = append(list, t)
	}
	return list
}

package plan

import (
	"slices"

	"relayhost/internal/secret"
	"relayhost/relays"
)

// DefaultRoute is the name of the route of all senders that no other route has.
const DefaultRoute = "default"

// Hop is one way to a relay service: a host and port with its account.
type Hop struct {
	Relay relays.Relay
	// RelayFile is the catalogue file of one's own that Relay is from, kept
	// among the answers; "" for a service of the catalogue.
	RelayFile string
	Region    string // as given, kept among the answers
	Host      string // as the certificate must show it
	Port      int
	TLS       relays.TLSMode
	Username  string
	Password  secret.Value
	CAFile    string // "" is the distribution's
	Pin       string // certificate fingerprint in place of a chain
	NoVerify  bool   // any certificate will do
	// CredentialsFile is where the account comes from, kept among the answers;
	// reading it is the caller's.
	CredentialsFile string
	Connections     int // at once; 0 is what the service documents, 20 at most
}

// NextHop is the key of every table: "[host]:port".
func (h Hop) NextHop() string { return nextHop(h.Host, h.Port) }

// Route is the mail of some senders and the hops that it goes by: the first,
// and then, when that fails, the others in order (smtp_fallback_relay).
type Route struct {
	Name string // a-z, 0-9 and hyphens; DefaultRoute for the rest
	// Senders are domains ("example.com"), all names below a domain
	// (".example.com"), addresses, and "<>" for bounces; none for DefaultRoute.
	Senders []string
	From    string // sender of the proof
	Hops    []Hop  // one TLS mode for all: implicit TLS is per smtp(8) process
}

// Way is a planned route: what stands in Postfix for it.
type Way struct {
	Name    string        `json:"name"`
	Senders []string      `json:"senders,omitempty"`
	From    string        `json:"from"`
	Service string        `json:"service"` // entry of master.cf
	Hops    []Destination `json:"hops"`
}

// Destination is a hop of a Way.
type Destination struct {
	Relay    string `json:"relay"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	TLS      string `json:"tls"`
	NextHop  string `json:"next_hop"`
	NoVerify bool   `json:"no_verify,omitempty"`
	NoAuth   bool   `json:"no_auth,omitempty"`
}

// Hop is the first hop of the default route.
func (o Options) Hop() Hop {
	return Hop{
		Relay: o.Relay, RelayFile: o.RelayFile, Region: o.Region, Host: o.Host, Port: o.Port, TLS: o.TLS, Username: o.Username, Password: o.Password,
		CAFile: o.CAFile, Pin: o.Pin, NoVerify: o.NoVerify, CredentialsFile: o.CredentialsFile, Connections: o.Connections,
	}
}

// AllRoutes lists the default route and then the others.
func (o Options) AllRoutes() []Route {
	all := []Route{{Name: DefaultRoute, From: o.From, Hops: append([]Hop{o.Hop()}, o.Fallback...)}}
	return append(all, o.Routes...)
}

// Levels is the number of hops of the longest route.
func (o Options) Levels() int {
	n := 0
	for _, r := range o.AllRoutes() {
		n = max(n, len(r.Hops))
	}
	return n
}

// Level is the set-up in which the only hop of every route is its k-th, from 0
// on, so that one private Postfix proves the k-th hops of all of them at once.
// Routes without a k-th hop are left out; the default, without which there is
// no set-up, keeps its first hop then. Bounces keep the route that they have
// in o.
func (o Options) Level(k int) Options {
	if i := o.nullRoute(); i >= 0 {
		o.Routes = slices.Clone(o.Routes)
		o.Routes[i].Senders = append(slices.Clone(o.Routes[i].Senders), NullSender)
	}
	all := o.Routes
	o.Routes = nil
	for _, r := range all {
		if k < len(r.Hops) {
			r.Hops = r.Hops[k : k+1]
			o.Routes = append(o.Routes, r)
		}
	}
	if k > 0 && k <= len(o.Fallback) {
		o = o.with(o.Fallback[k-1])
	}
	o.Fallback = nil
	return o
}

// with is o with h as the first hop of the default route.
func (o Options) with(h Hop) Options {
	o.Relay, o.Region, o.Host, o.Port, o.TLS, o.Username, o.Password = h.Relay, h.Region, h.Host, h.Port, h.TLS, h.Username, h.Password
	o.RelayFile, o.CAFile, o.Pin, o.NoVerify, o.CredentialsFile, o.Connections = h.RelayFile, h.CAFile, h.Pin, h.NoVerify, h.CredentialsFile, h.Connections
	return o
}

// Package config is what the administrator wants: relayhost.toml, the flags over
// it, and the answers to questions, as one Config. It knows on which line of the
// file a value stands, and checks every value once. It reads and writes no file.
package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/secret"
	"relayhost/relays"
)

// Path is where the Config of a setup is kept, without secrets.
const Path = "/etc/relayhost/relayhost.toml"

// DefaultRoute is the name of the route of all senders that no other route has.
const DefaultRoute = "default"

// NullSender is the sender of bounces as a route names it.
const NullSender = "<>"

// Config is what the administrator wants. As it is read from a file it may leave
// out what Resolve finds: the facts of a relay, hosts, ports, and what a fallback
// has in common with the first hop of its route.
type Config struct {
	// Routes has at least one element with at least one hop: the first is the
	// route of all senders that no other has, and its From is the address that
	// local senders are rewritten to.
	Routes []Route
	To     string   // recipient of the proof
	RootTo string   // alias of root; "" leaves it
	Direct []string // recipient domains that bypass the relay
	// MapType is the lookup table type; "" chooses.
	MapType string
	// Rewrite maps local senders ("user@host" or "@host") to addresses, before
	// a route is chosen (canonical(5)).
	Rewrite map[string]string

	file  *file           // as it was read; nil for none
	given map[string]bool // keys of the file that flags have replaced
}

// Route is the mail of some senders and the hops that it goes by: the first,
// and then, when that fails, the others in order (smtp_fallback_relay).
type Route struct {
	Name string // a-z, 0-9 and hyphens; DefaultRoute for the rest
	// Senders are domains ("example.com"), all names below a domain
	// (".example.com"), addresses, and "<>" for bounces; none for DefaultRoute.
	Senders []string
	From    string // sender of the proof
	Hops    []Hop  // of which smtp(8) wants one TLS mode for all

	whole []Hop // of a Level: all hops of the route, of which Hops has the level-th
	level int
}

// All are the hops of r, also where r is of a Level, and has one of them.
func (r Route) All() []Hop {
	if r.whole != nil {
		return r.whole
	}
	return r.Hops
}

// Walked reports whether a bridge goes through the hops of r by itself: Postfix cannot
// fall back to or from a hop that goes by one (lmtp_fallback_relay speaks LMTP).
func (r Route) Walked() bool {
	return len(r.All()) > 1 && slices.ContainsFunc(r.All(), Hop.Bridged)
}

// Bridged reports whether Postfix hands the mail of r to a bridge.
func (r Route) Bridged() bool { return r.Walked() || len(r.Hops) > 0 && r.Hops[0].Bridged() }

// Number is the place of the n-th hop of r in the route as the file has it.
func (r Route) Number(n int) int { return r.level + n }

// Hop is one way to a relay: a host and port with its account.
type Hop struct {
	// Relay has its ID alone until Resolve has looked it up, and is never nil. Hops share
	// it: whoever changes it changes a copy.
	Relay *relays.Relay
	// RelayFile is the catalogue file of one's own that Relay is from; "" for a
	// relay of the catalogue.
	RelayFile string
	Region    string // as given
	Host      string // as the certificate must show it
	Port      int    // 0 while none is chosen
	TLS       relays.TLSMode
	Username  string
	Password  secret.Value
	CAFile    string // "" is the distribution's
	Pin       string // certificate fingerprint in place of a chain
	NoVerify  bool   // any certificate will do
	// CredentialsFile is where the account comes from; reading it is the caller's.
	CredentialsFile string
	Connections     int // at once; 0 is what the service documents, 20 at most
	Via             Via
	SignIn          SignIn // of SMTPOAuth, and of an API that takes tokens
	API             API    // of HTTPS
	BridgeService   bool   // of a bridge: one process under systemd for all connections
	Proxy           string // of HTTPS: an HTTP proxy ("http://proxy.example.com:3128"), "" for none
}

// New is the Config of a host on which nothing is stored.
func New() Config {
	return Config{Routes: []Route{{Name: DefaultRoute, Hops: []Hop{{Relay: &relays.Relay{}}}}}}
}

// First is the first hop of the default route.
func (c Config) First() *Hop { return &c.Routes[0].Hops[0] }

// From is the address that local senders are rewritten to.
func (c Config) From() string { return c.Routes[0].From }

// Several reports whether there is more than the one relay.
func (c Config) Several() bool { return len(c.Routes) > 1 || len(c.Routes[0].Hops) > 1 }

// Redact takes the passwords of c out of a text, whoever put them there.
func (c Config) Redact(text string) string {
	for _, r := range c.Routes {
		for _, h := range r.Hops {
			text = secret.Redact(text, h.Username, h.Password)
		}
	}
	return text
}

// Clone is a Config whose routes, hops and lists can be changed without changing c.
func (c Config) Clone() Config {
	c.Routes = slices.Clone(c.Routes)
	for i := range c.Routes {
		c.Routes[i].Hops = slices.Clone(c.Routes[i].Hops)
		c.Routes[i].Senders = slices.Clone(c.Routes[i].Senders)
	}
	c.Direct, c.Rewrite, c.given = slices.Clone(c.Direct), maps.Clone(c.Rewrite), maps.Clone(c.given)
	return c
}

// CloneFirst is a Config whose first hop alone can be changed without changing c: there may
// be ten thousand other routes.
func (c Config) CloneFirst() Config {
	c.Routes = slices.Clone(c.Routes)
	c.Routes[0].Hops = slices.Clone(c.Routes[0].Hops)
	c.given = maps.Clone(c.given)
	return c
}

// Normal is c with host names and senders in lower case, as DNS and Postfix
// compare them. A list that is so already is that of c.
func (c Config) Normal() Config {
	c.Routes = slices.Clone(c.Routes)
	for i := range c.Routes {
		r := &c.Routes[i]
		for n := range r.Hops {
			if host := strings.ToLower(r.Hops[n].Host); host != r.Hops[n].Host {
				r.Hops = slices.Clone(r.Hops)
				r.Hops[n].Host = host
			}
		}
		for n := range r.Senders {
			if sender := strings.ToLower(r.Senders[n]); sender != r.Senders[n] {
				r.Senders = slices.Clone(r.Senders)
				r.Senders[n] = sender
			}
		}
	}
	return c
}

// Key is the key of a value of a hop in the file: "port" for the first hop of the
// default route, "route[0].fallback[1].port" for the third of the first other one.
func Key(route, hop int, value string) string {
	key := ""
	if route > 0 {
		key = "route[" + strconv.Itoa(route-1) + "]."
	}
	if hop > 0 {
		key += "fallback[" + strconv.Itoa(hop-1) + "]."
	}
	return key + value
}

// Label names a hop in messages: "route shop, fallback 1".
func Label(route string, hop int) string {
	name := "route " + route
	if route == DefaultRoute {
		name = "default route"
	}
	if hop > 0 {
		name += fmt.Sprintf(", fallback %d", hop)
	}
	return name
}

// NextHop is the key of every table: "[host]:port".
func (h Hop) NextHop() string { return "[" + h.Host + "]:" + strconv.Itoa(h.Port) }

// Name is the relay as the file names it: an ID of the catalogue, or the path of a
// catalogue file.
func (h Hop) Name() string { return cmp.Or(h.RelayFile, h.Relay.ID) }

// Plaintext reports whether mail goes to the hop without TLS, as asked for
// (--insecure-plaintext): on a private network, over loopback or through a tunnel.
func (h Hop) Plaintext() bool { return h.TLS == relays.NoTLS }

// NeedsLogin reports whether the relay wants AUTH. One without mechanisms in its
// catalogue entry knows this host by its address.
func (h Hop) NeedsLogin() bool {
	return len(h.Relay.Auth.Mechanisms) > 0 || h.Username != "" || h.Bridged()
}

// Levels is the number of hops of the longest route.
func (c Config) Levels() int {
	n := 0
	for _, r := range c.Routes {
		n = max(n, len(r.Hops))
	}
	return n
}

// Level is the setup in which the only hop of every route is its k-th, from 0
// on, so that one private Postfix proves the k-th hops of all of them at once.
// Routes without a k-th hop are left out; the default, without which there is
// no setup, keeps its first hop then. Bounces keep the route that they have in c.
func (c Config) Level(k int) Config {
	c = c.Clone()
	if i := c.NullRoute(); i > 0 {
		c.Routes[i].Senders = append(c.Routes[i].Senders, NullSender)
	}
	all := c.Routes
	c.Routes = nil
	for i, r := range all {
		switch {
		case k < len(r.Hops):
			r.whole, r.level, r.Hops = r.Hops, k, r.Hops[k:k+1]
		case i == 0:
			r.whole, r.Hops = r.Hops, r.Hops[:1]
		default:
			continue
		}
		c.Routes = append(c.Routes, r)
	}
	return c
}

// NullRoute is the index of the route that mail from the null sender goes by where
// none has it by name: the first that takes it, when the default relay does not;
// 0 leaves it with the default.
func (c Config) NullRoute() int {
	if c.First().Relay.Sender.NullSender != "refused" {
		return 0
	}
	found := 0
	for i, r := range c.Routes[1:] {
		if slices.Contains(r.Senders, NullSender) {
			return 0
		}
		if found == 0 && len(r.Hops) > 0 && r.Hops[0].Relay.Sender.NullSender == "accepted" {
			found = i + 1
		}
	}
	return found
}

// ProofSender is the sender that a route is proven with where its from does not
// say: its first address, else postmaster of its first domain; "" where it has
// the null sender alone.
func ProofSender(senders []string) string {
	domain, above := "", ""
	for _, s := range senders {
		switch {
		case s == NullSender:
		case strings.Contains(s, "@"):
			return s
		case strings.HasPrefix(s, "."):
			above = cmp.Or(above, s[1:])
		default:
			domain = cmp.Or(domain, s)
		}
	}
	if domain = cmp.Or(domain, above); domain == "" {
		return ""
	}
	return "postmaster@" + domain
}

// SentBy reports whether mail from address goes by a route that has senders.
func SentBy(senders []string, address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	return slices.ContainsFunc(senders, func(s string) bool {
		s = strings.ToLower(s)
		return s == domain || strings.EqualFold(s, address) || strings.HasPrefix(s, ".") && strings.HasSuffix(domain, s)
	})
}

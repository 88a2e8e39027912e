package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// normal is o with host names and senders in lower case, as DNS and Postfix
// compare them.
func (o Options) normal() Options {
	o.Host = strings.ToLower(o.Host)
	o.Fallback = normalHops(o.Fallback)
	o.Routes = slices.Clone(o.Routes)
	for i := range o.Routes {
		r := &o.Routes[i]
		r.Hops = normalHops(r.Hops)
		r.Senders = slices.Clone(r.Senders)
		for n, sender := range r.Senders {
			r.Senders[n] = strings.ToLower(sender)
		}
	}
	return o
}

func normalHops(hops []Hop) []Hop {
	if !slices.ContainsFunc(hops, func(h Hop) bool { return h.Host != strings.ToLower(h.Host) }) {
		return hops
	}
	hops = slices.Clone(hops)
	for i := range hops {
		hops[i].Host = strings.ToLower(hops[i].Host)
	}
	return hops
}

// checkRewrite admits keys "user@host" and "@host" and addresses as values.
func checkRewrite(o Options) *InputError {
	for from, to := range o.Rewrite {
		local, domain, found := strings.Cut(from, "@")
		if !found || !isName(domain) || local != "" && !isAddress(local+"@host.invalid") || strings.HasPrefix(from, "#") {
			return &InputError{"rewrite", fmt.Sprintf("%q is not a sender", from), "write it as in root@web1, or @web1 for all of that host"}
		}
		if !isAddress(to) {
			return &InputError{"rewrite", fmt.Sprintf("%q is not an address", to), "write it as in alerts@example.com"}
		}
	}
	return nil
}

// checkRoutes holds routes against each other and each hop against the rules
// for the relay of the default route.
func checkRoutes(o Options) *InputError {
	c := routeChecker{o: o, names: map[string]bool{}, senders: map[string]string{}, hops: map[string]*Hop{}}
	all := o.AllRoutes()
	for i := range all {
		if err := c.route(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

// routeChecker remembers what the routes before have.
type routeChecker struct {
	o       Options
	names   map[string]bool
	senders map[string]string // the route that has it
	hops    map[string]*Hop   // by next hop
}

func (c *routeChecker) route(r *Route) *InputError {
	wrong := func(hint, msg string, args ...any) *InputError {
		return &InputError{"route " + r.Name, fmt.Sprintf(msg, args...), hint}
	}
	if r.Name != DefaultRoute || c.names[DefaultRoute] {
		switch {
		case !isWord(r.Name) || r.Name == DefaultRoute:
			return wrong("", "%q is not a name of small letters, digits and hyphens", r.Name)
		case c.names[r.Name]:
			return wrong("", "there are two routes of this name")
		case r.Name == c.o.Relay.ID, r.Name == bareName(c.o.Relay.ID):
			return wrong("choose another name", "the service of the default relay has this name")
		case strings.HasSuffix(r.Name, proxySuffix), strings.HasSuffix(r.Name, implicitSuffix), strings.HasPrefix(ServicePrefix+r.Name, keyedPrefix):
			return wrong("choose another name", "services of relayhost's own have names like %s", r.Name)
		case len(r.Senders) == 0:
			return wrong("name a domain or an address in senders", "it has no senders")
		case len(r.Hops) == 0:
			return wrong("", "it has no relay")
		case r.From != "" && !isAddress(r.From):
			return wrong("write it as in alerts@example.com", "from: %q is not an address", r.From)
		}
	}
	c.names[r.Name] = true
	for _, sender := range r.Senders {
		if !IsSender(sender) {
			return wrong("write it as in example.com, .example.com, news@example.com or <>", "%q is not a sender", sender)
		}
		if other, taken := c.senders[sender]; taken {
			if other == r.Name {
				return wrong("", "it has the sender %s twice", sender)
			}
			return wrong("", "the sender %s is in the route %s as well", sender, other)
		}
		c.senders[sender] = r.Name
	}
	return c.chain(r)
}

// IsSender reports whether s is in one of the forms of Route.Senders.
func IsSender(s string) bool {
	if s == NullSender {
		return true
	}
	if strings.Contains(s, "@") {
		return isAddress(s) && s[0] != '#' // which begins a comment
	}
	domain := strings.TrimPrefix(s, ".")
	_, err := netip.ParseAddr(domain)
	return isHost(domain) && err != nil
}

// chain checks the hops of r: each by itself, and that one smtp(8) process can
// speak to all of them.
func (c *routeChecker) chain(r *Route) *InputError {
	name := "route " + r.Name
	seen := map[string]bool{}
	for i := range r.Hops {
		h := &r.Hops[i]
		if err := c.hop(h); err != nil {
			if r.Name == DefaultRoute && i == 0 {
				return err
			}
			return &InputError{name, err.Field + ": " + err.Msg, err.Hint}
		}
		key := h.NextHop()
		if seen[key] {
			return &InputError{name, key + " is in it twice", "a hop that failed is not asked again with another account"}
		}
		seen[key] = true
		first := &r.Hops[0]
		switch {
		case h.TLS != first.TLS:
			return &InputError{name, fmt.Sprintf("%s speaks %s, %s speaks %s", first.NextHop(), first.TLS, key, h.TLS),
				"choose ports of one kind: implicit TLS holds for a whole process of Postfix"}
		case h.CAFile != first.CAFile:
			return &InputError{name, fmt.Sprintf("%s and %s have different CA files", first.NextHop(), key), "put both authorities into one file"}
		case h.Pin != first.Pin || h.NoVerify != first.NoVerify:
			return &InputError{name, fmt.Sprintf("the certificates of %s and %s are verified in different ways", first.NextHop(), key), ""}
		}
		// Tables are keyed by the next hop alone.
		if other, known := c.hops[key]; known && (other.TLS != h.TLS || other.Pin != h.Pin || other.NoVerify != h.NoVerify) {
			return &InputError{name, fmt.Sprintf("the certificate of %s is verified in another way in another route", key), ""}
		}
		c.hops[key] = h
	}
	return nil
}

// hop checks one hop as the relay of the default route is checked.
func (c *routeChecker) hop(h *Hop) *InputError {
	o := Options{Relay: h.Relay, Host: h.Host, Port: h.Port, TLS: h.TLS, CAFile: h.CAFile, Pin: h.Pin, NoVerify: h.NoVerify, Connections: h.Connections}
	for _, check := range []func(Options) *InputError{checkRelay, checkHost, checkPort, checkTLS, checkConnections} {
		if err := check(o); err != nil {
			return err
		}
	}
	if c.o.NoCredentials {
		return nil
	}
	return loginOf(*h)
}

package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"relayhost/relays"
)

// Catalogue finds a relay by its name, or by the path of its file.
type Catalogue func(name string) (relays.Relay, error)

// Resolve is c with what the file leaves out: the facts of each relay, hosts, what
// a fallback has in common with the first hop of its route, the TLS mode of each
// port, and the sender that each route is proven with. inUse are the next hops
// ("[host]:port") that Postfix uses now: a hop without a port takes one of those of
// its host. A hop of which no port is known keeps 0; none has an account. Errors
// are *FileError at the line of the hop.
func (c Config) Resolve(find Catalogue, inUse []string) (Config, error) {
	c = c.Clone()
	r := resolver{c: c, find: find, ports: map[string][]int{}, found: map[string]*relays.Relay{}, hosts: map[[2]string]string{}}
	for _, hop := range inUse {
		if host, port, ok := cutNextHop(hop); ok && !slices.Contains(r.ports[host], port) {
			r.ports[host] = append(r.ports[host], port)
		}
	}
	for i := range c.Routes {
		if i == 0 && c.First().Name() == "" {
			continue // no relay has been chosen yet
		}
		if err := r.route(i); err != nil {
			return c, err
		}
		if i > 0 {
			c.Routes[i].From = cmp.Or(c.Routes[i].From, ProofSender(c.Routes[i].Senders), c.From())
		}
	}
	return c, c.check(resolved, false)
}

// resolver looks up each relay and host once.
type resolver struct {
	c     Config
	find  Catalogue
	ports map[string][]int // of the next hops in use, by host
	found map[string]*relays.Relay
	hosts map[[2]string]string
}

// cutNextHop takes "[host]:port" apart.
func cutNextHop(hop string) (host string, port int, ok bool) {
	host, number, ok := strings.Cut(strings.TrimPrefix(hop, "["), "]:")
	port, err := strconv.Atoi(number)
	return strings.ToLower(host), port, ok && err == nil && strings.HasPrefix(hop, "[")
}

// route resolves the hops of a route in place.
func (r *resolver) route(i int) error {
	hops := r.c.Routes[i].Hops
	for n := range hops {
		if n > 0 {
			hops[n] = inherit(hops[n], hops[0])
		}
		if err := r.hop(i, n, &hops[n]); err != nil {
			return err
		}
		if hops[n].Relay.ID == relays.SmarthostID && hops[n].Host == hops[0].Host {
			hops[n].Relay.Auth = hops[0].Relay.Auth // of a smarthost, which has a Relay of its own
		}
	}
	for n := range hops {
		if hops[n].Port == 0 && !hops[n].ByAPI() {
			hops[n].Port = r.portInUse(hops, hops[n].Host)
		}
		if err := r.mode(i, n, &hops[n]); err != nil {
			return err
		}
	}
	return nil
}

// inherit fills in what a fallback leaves out: it is the first hop's, as far as it
// is of the same relay.
func inherit(h, first Hop) Hop {
	if name := h.Name(); name != "" && name != first.Name() {
		return h
	}
	if h.Region == "" && h.Host == "" {
		h.Region, h.Host = first.Region, first.Host
	}
	h.Relay, h.RelayFile = first.Relay, first.RelayFile
	h.CredentialsFile = cmp.Or(h.CredentialsFile, first.CredentialsFile)
	if h.CAFile == "" && h.Pin == "" && !h.NoVerify {
		h.CAFile, h.Pin, h.NoVerify = first.CAFile, first.Pin, first.NoVerify
	}
	h.Connections = cmp.Or(h.Connections, first.Connections)
	return h
}

// hop finds relay and host.
func (r *resolver) hop(route, n int, h *Hop) (err error) {
	if h.Relay.ID == relays.SmarthostID {
		if h.Host == "" || h.Port == 0 {
			return r.c.Mistake(Key(route, n, "relay"), "a smarthost needs its host and its port")
		}
		h.Host = strings.ToLower(h.Host)
		h.Relay = relays.Smarthost(h.Host, h.Port, cmp.Or(h.TLS, relays.UsualTLS(h.Port)), h.CredentialsFile != "" || len(h.Relay.Auth.Mechanisms) > 0)
		return nil
	}
	name := h.Name()
	relay := r.found[name]
	if relay == nil {
		found, err := r.find(name)
		if err != nil {
			e := r.c.Mistake(Key(route, n, "relay"), "%v", err)
			e.Hint = "relayhost relays lists the relays"
			return e
		}
		relay, r.found[name] = &found, &found
	}
	h.Relay = relay
	region, key := h.Region, "region"
	if region == "" && h.Host != "" {
		region, key = h.Host, "host"
	}
	host, ok := r.hosts[[2]string{name, region}]
	if !ok {
		if host, err = relay.Host(region); err != nil {
			return r.c.Mistake(Key(route, n, key), "%v", err)
		}
		r.hosts[[2]string{name, region}] = host
	}
	h.Host = host
	return nil
}

// mode says how TLS starts on the port of h, if it has one.
func (r *resolver) mode(route, n int, h *Hop) error {
	if h.ByAPI() {
		if h.Port == 0 {
			h.Port = HTTPSPort
		}
		h.TLS = relays.Implicit
		return nil // another port is told by the check that follows
	}
	if h.Port == 0 || h.Relay.ID == relays.SmarthostID {
		if h.Port != 0 && h.TLS == "" {
			h.TLS = relays.UsualTLS(h.Port)
		}
		return nil
	}
	mode, ok := h.Relay.TLSOf(h.Port)
	switch {
	case !ok:
		return r.c.Mistake(Key(route, n, "port"), "%s has no port %d: its ports are %s", h.Relay.Name, h.Port, PortList(h.Relay))
	case mode != relays.Unsure && h.TLS != "" && h.TLS != mode:
		return r.c.Mistake(Key(route, n, "tls"), "port %d of %s has %s", h.Port, h.Relay.Name, tlsWord(mode))
	case h.TLS == "":
		h.TLS = mode
	}
	return nil
}

func tlsWord(m relays.TLSMode) string {
	switch m {
	case relays.Implicit:
		return "TLS from the first byte"
	case relays.NoTLS:
		return "no TLS"
	}
	return "STARTTLS"
}

// PortList names the ports of a relay in messages.
func PortList(r *relays.Relay) string {
	var ports []string
	for _, p := range r.Ports {
		ports = append(ports, strconv.Itoa(p.Port))
	}
	return strings.Join(ports, ", ")
}

// portInUse is the port that Postfix uses for host now and that no hop of the
// route has; 0 for none.
func (r *resolver) portInUse(hops []Hop, host string) int {
	for _, port := range r.ports[strings.ToLower(host)] {
		if !slices.ContainsFunc(hops, func(h Hop) bool { return h.Host == host && h.Port == port }) {
			return port
		}
	}
	return 0
}

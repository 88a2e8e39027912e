package relays

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Host gives the service's host name. region is "" for the default, the short
// name of a region, a region that fits the pattern (whether it exists is for
// the resolver to say), or one of the service's host names in full.
func (r Relay) Host(region string) (string, error) {
	region = strings.ToLower(strings.TrimSpace(region))
	h := r.Hosts
	if region == "" {
		if h.Default != "" {
			return h.Default, nil
		}
		return "", fmt.Errorf("%s needs a region: %s", r.Name, h.accepted())
	}
	if host, ok := h.Named[region]; ok {
		return host, nil
	}
	if h.Pattern != "" && matches(h.Region, region) {
		return strings.Replace(h.Pattern, "<region>", region, 1), nil
	}
	if h.knows(region) {
		return region, nil
	}
	if h.Pattern == "" && len(h.Named) == 0 {
		return "", fmt.Errorf("%s has no regions: leave it out (its host is %s)", r.Name, h.Default)
	}
	return "", fmt.Errorf("%s has no region %q: %s", r.Name, region, h.accepted())
}

// accepted says in words what Host takes.
func (h Hosts) accepted() string {
	var ways []string
	if len(h.Named) > 0 {
		ways = append(ways, "one of "+strings.Join(h.Regions(), ", "))
	}
	if h.Pattern != "" {
		ways = append(ways, "a region such as "+h.Example+" (for "+h.Pattern+")")
	}
	if h.Accept != "" {
		ways = append(ways, "a host name of the service in full")
	}
	return strings.Join(ways, ", or ")
}

// Regions are the short names that Relay.Host takes, sorted. A service whose regions
// go by a pattern has none here.
func (h Hosts) Regions() []string {
	return slices.Sorted(maps.Keys(h.Named))
}

// all gives every host name that is written out, and the pattern.
func (h Hosts) all() []string {
	var all []string
	for _, host := range append([]string{h.Default, h.Pattern}, h.Old...) {
		if host != "" {
			all = append(all, host)
		}
	}
	for _, name := range h.Regions() {
		if !slices.Contains(all, h.Named[name]) {
			all = append(all, h.Named[name])
		}
	}
	return all
}

// knows reports whether host is one of the service's, in full.
func (h Hosts) knows(host string) bool {
	if slices.Contains(h.all(), host) || h.Accept != "" && matches(h.Accept, host) {
		return true
	}
	_, ok := h.regionOf(host)
	return ok
}

// regionOf reads the region out of a host name that was made by the pattern,
// or that Accept finds one in.
func (h Hosts) regionOf(host string) (string, bool) {
	before, after, ok := strings.Cut(h.Pattern, "<region>")
	if ok && len(host) > len(before)+len(after) && strings.HasPrefix(host, before) && strings.HasSuffix(host, after) {
		if region := host[len(before) : len(host)-len(after)]; matches(h.Region, region) {
			return region, true
		}
	}
	if h.Accept == "" {
		return "", false
	}
	re, err := compile(h.Accept)
	if err != nil || re.SubexpIndex("region") < 0 {
		return "", false
	}
	found := re.FindStringSubmatch(host)
	if found == nil {
		return "", false
	}
	return found[re.SubexpIndex("region")], true
}

// RegionOf reads the region out of one of the service's host names, as
// SESPassword needs it; false for a name that has none in it.
func (h Hosts) RegionOf(host string) (string, bool) {
	return h.regionOf(strings.ToLower(host))
}

// NeedsRegion reports whether Host("") fails.
func (r Relay) NeedsRegion() bool { return r.Hosts.Default == "" }

// ByHost finds the service that a host name belongs to, for a setup made by
// hand. region is what Host takes to give this name again: a region, or the
// name in full where it is not the usual one.
func ByHost(list []Relay, host string) (r Relay, region string, ok bool) {
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	for _, r := range list {
		if !r.Hosts.knows(host) {
			continue
		}
		candidates := append([]string{""}, r.Hosts.Regions()...)
		if region, ok := r.Hosts.regionOf(host); ok {
			candidates = append(candidates, region)
		}
		for _, region := range candidates {
			if again, err := r.Host(region); err == nil && again == host {
				return r, region, true
			}
		}
		return r, host, true
	}
	return Relay{}, "", false
}

// TLSOf says how TLS starts on a port, false for a port the service has not.
func (r Relay) TLSOf(port int) (TLSMode, bool) {
	for _, p := range r.Ports {
		if p.Port == port {
			return p.TLS, true
		}
	}
	return "", false
}

// PortOrder gives the ports to try, the best first: the service's own order
// where it has one, else 587, 465 and 2525 and then its own extra ports as
// listed. Port 25 is never among them, nor a port of which no source says how
// TLS starts there.
func (r Relay) PortOrder() []int {
	wanted := r.Order
	if len(wanted) == 0 {
		wanted = []int{587, 465, 2525}
		for _, p := range r.Ports {
			wanted = append(wanted, p.Port)
		}
	}
	var order []int
	for _, port := range wanted {
		if mode, ok := r.TLSOf(port); ok && mode != Unsure && port != 25 && !slices.Contains(order, port) {
			order = append(order, port)
		}
	}
	return order
}

// SmarthostID is the id of a relay that is in no catalogue.
const SmarthostID = "smarthost"

// Smarthost is a relay of which only name, port and TLS are known. Without auth
// it goes by the address of its clients and takes no credentials.
func Smarthost(host string, port int, tls TLSMode, auth bool) *Relay {
	r := &Relay{
		ID:     SmarthostID,
		Name:   host,
		Hosts:  Hosts{Default: host},
		Ports:  []Port{{Port: port, TLS: tls}},
		Order:  []int{port},
		Sender: Sender{Rule: "any", NullSender: "unknown"},
	}
	if auth {
		r.Auth.Mechanisms = []string{"PLAIN", "LOGIN"}
		r.Auth.Username.Label = "user name"
		r.Auth.Password.Label = "password"
	}
	r.inherit()
	return r
}

// UsualTLS is how TLS starts on a port that no source describes. RFC 8314
// section 7.3 gives 465 to implicit TLS; 2465 and 8465 are its usual alternates.
func UsualTLS(port int) TLSMode {
	switch port {
	case 465, 2465, 8465:
		return Implicit
	}
	return StartTLS
}

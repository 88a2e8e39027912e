package config

import (
	"maps"
	"slices"
	"strings"
)

// Says reports whether a file with c would be read as want is meant: the same in
// each key, but that host, port and TLS mode may be left out, and that a fallback
// may leave out what the first hop says.
func (c Config) Says(want Config) bool {
	to := c.To == want.To || c.To == "" && want.To == want.From() // its default
	if len(c.Routes) != len(want.Routes) || !to || c.RootTo != want.RootTo || c.MapType != want.MapType ||
		!slices.Equal(c.Direct, want.Direct) || !maps.Equal(c.Rewrite, want.Rewrite) {
		return false
	}
	for i, r := range c.Routes {
		if !sayRoute(i, r, want.Routes[i]) {
			return false
		}
	}
	return true
}

// sayRoute compares the i-th routes.
func sayRoute(i int, r, want Route) bool {
	from := r.From == want.From
	if i > 0 {
		proof := ProofSender(r.Senders) // bounces alone have no sender that could be another
		from = from || proof == "" || r.From == "" && want.From == proof
	}
	return r.Name == want.Name && from && slices.EqualFunc(r.Senders, want.Senders, strings.EqualFold) && sayHops(r.Hops, want.Hops)
}

func sayHops(have, want []Hop) bool {
	if len(have) != len(want) || !sayHop(have[0], want[0]) {
		return false
	}
	for i := 1; i < len(have); i++ {
		if !sayHop(inherit(have[i], have[0]), inherit(want[i], want[0])) {
			return false
		}
	}
	return true
}

// sayHop compares what the file says of one hop.
func sayHop(have, want Hop) bool {
	if have.Host == "" {
		have.Host = want.Host
	}
	if have.Port == 0 {
		have.Port = want.Port
	}
	if have.TLS == "" {
		have.TLS = want.TLS
	}
	have.Host, want.Host = strings.ToLower(have.Host), strings.ToLower(want.Host)
	return fileHopOf(have) == fileHopOf(want)
}

// Package web answers the page that generates configurations and explains logs in
// a browser: documents in, documents out. It sees no server and reaches nothing, so
// that what it says is said of a fresh server, or of the main.cf that was pasted.
package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Form is what the page asks for. It has no field for a password: the page never
// sees one.
type Form struct {
	Distribution string   `json:"distribution"`      // of postfix.Distributions
	Postfix      string   `json:"postfix,omitempty"` // "3.7", "" for the distribution's
	Hostname     string   `json:"hostname"`          // fully qualified
	Routes       []Route  `json:"routes"`            // the default first
	To           string   `json:"to,omitempty"`      // recipient of the test message
	RootTo       string   `json:"root_to,omitempty"`
	Direct       []string `json:"direct,omitempty"` // recipient domains past the relay
	MainCF       string   `json:"main_cf,omitempty"`
}

// Route is a config.Route as the page may ask for it: the documents of a page have names
// and checks of their own, and no field for a secret.
type Route struct {
	Name    string   `json:"name"`
	Senders []string `json:"senders,omitempty"`
	From    string   `json:"from"`
	Hops    []Hop    `json:"hops"`
}

// Hop is a config.Hop as the page may ask for it: a relay of the catalogue, or a server by
// its name.
type Hop struct {
	Relay  string `json:"relay"` // ID; relays.SmarthostID for a server by its name
	Region string `json:"region,omitempty"`
	Host   string `json:"host,omitempty"`  // of a smarthost
	Port   int    `json:"port,omitempty"`  // 0 is the first that setup would try
	Login  bool   `json:"login,omitempty"` // of a smarthost: it wants one
	CAFile string `json:"ca_file,omitempty"`
}

// maxRoutes and maxHops bound a form, maxText a text in it, in bytes. A main.cf of
// 10 MB is somebody's.
const (
	maxRoutes = 200
	maxHops   = 10
	maxText   = 12 << 20
)

// config is f as the Config that `relayhost setup` makes of the same answers.
func (f Form) config() (config.Config, error) {
	if len(f.Routes) == 0 || len(f.Routes) > maxRoutes {
		return config.Config{}, fmt.Errorf("a form has 1 to %d routes, this one has %d", maxRoutes, len(f.Routes))
	}
	c := config.Config{To: strings.TrimSpace(f.To), RootTo: strings.TrimSpace(f.RootTo), Direct: slices.Clone(f.Direct)}
	for i, r := range f.Routes {
		if len(r.Hops) == 0 || len(r.Hops) > maxHops {
			return c, fmt.Errorf("a route has 1 to %d relays, %q has %d", maxHops, r.Name, len(r.Hops))
		}
		route := config.Route{Name: r.Name, Senders: slices.Clone(r.Senders), From: strings.TrimSpace(r.From)}
		if i == 0 {
			route.Name, route.Senders = config.DefaultRoute, nil
		}
		for _, h := range r.Hops {
			hop, err := h.config()
			if err != nil {
				return c, err
			}
			route.Hops = append(route.Hops, hop)
		}
		c.Routes = append(c.Routes, route)
	}
	c.To = cmp.Or(c.To, c.Routes[0].From)
	return c.Resolve(relays.Get, nil)
}

func (h Hop) config() (config.Hop, error) {
	hop := config.Hop{Relay: &relays.Relay{ID: h.Relay}, Region: strings.TrimSpace(h.Region), Host: strings.TrimSpace(h.Host), Port: h.Port, CAFile: h.CAFile}
	if h.Relay == relays.SmarthostID {
		hop.Relay = relays.Smarthost(strings.ToLower(hop.Host), h.Port, relays.UsualTLS(h.Port), h.Login)
		return hop, nil
	}
	r, err := relays.Get(h.Relay)
	if err != nil {
		return hop, err
	}
	if order := r.PortOrder(); hop.Port == 0 && len(order) > 0 {
		hop.Port = order[0]
	}
	return hop, nil
}

// state is the Postfix that f is about.
func (f Form) state() (s postfix.State, err error) {
	var v postfix.Version
	if f.Postfix != "" {
		if v, err = postfix.ParseVersion(f.Postfix); err != nil {
			return s, fmt.Errorf("postfix: %w", err)
		}
	}
	s, ok := postfix.FreshOn(f.Distribution, strings.ToLower(strings.TrimSpace(f.Hostname)), v)
	if !ok {
		return s, fmt.Errorf("distribution: %q is not known", f.Distribution)
	}
	if f.MainCF == "" {
		return s, nil
	}
	if len(f.MainCF) > maxText {
		return s, fmt.Errorf("main.cf: longer than %d MiB", maxText>>20)
	}
	main, err := postfix.ParseMain([]byte(f.MainCF))
	if err != nil {
		return s, fmt.Errorf("main.cf: %w", err)
	}
	return s.With(main), nil
}

// Package adopt reads a relay setup that was made by hand and offers it as a
// configuration file of ours, with what will change and what cannot be taken
// over. It is pure: it reads nothing but a postfix.State and writes nothing, and
// none of its texts holds a user name or password.
package adopt

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Options are what the administrator adds to what is found.
type Options struct {
	Catalog []relays.Relay
	From    string // address that local senders are rewritten to; "" finds one
}

// Adoption is what was found and what becomes of it.
type Adoption struct {
	Routes    []Route  // the default first, where there is one
	From      string   // "" when no address is to be seen
	Direct    []string // recipient domains that go past the relay already
	Changes   []Point  // what is different afterwards
	Kept      []Point  // what stays and is in use
	Left      []Point  // what cannot be taken over
	Questions []Point  // what a person has to say
}

// Point is one thing and what there is to say about it.
type Point struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Route is a row of the offer, which is a document: what the file of config would say of a
// route, beside where Postfix has it today.
type Route struct {
	Name    string   `json:"name"`
	Senders []string `json:"senders,omitempty"` // as config.Route has them
	Service string   `json:"service"`           // entry of master.cf that its mail goes by today
	By      string   `json:"by"`                // parameter that sends it there
	Hops    []Hop    `json:"hops"`
}

// Hop is one relay of a Route: what the file would say of it, beside how Postfix writes
// it today and where its account is stored. It holds no secret.
type Hop struct {
	Relay       string         `json:"relay"` // id in the catalogue, or smarthost
	Region      string         `json:"region,omitempty"`
	Host        string         `json:"host"`
	Port        int            `json:"port"`
	TLS         relays.TLSMode `json:"tls"`
	CAFile      string         `json:"ca_file,omitempty"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	Connections int            `json:"connections,omitempty"`
	NextHop     string         `json:"next_hop"` // as it is written today
	Level       string         `json:"level"`    // TLS security level today
	Account     Account        `json:"account"`
	Via         string         `json:"via,omitempty"` // smtp-oauth where a plugin or proxy logs in by OAuth today
	SignIn      string         `json:"sign_in,omitempty"`
	Tenant      string         `json:"tenant,omitempty"`
	ClientID    string         `json:"client_id,omitempty"`
}

// Account says where the account of a hop is stored.
type Account struct {
	By    string `json:"by"`              // sender | host | next_hop | static | none
	Table string `json:"table,omitempty"` // "hash:/etc/postfix/sasl_passwd"
}

// Errors of Read, for hosts on which there is nothing to adopt.
var (
	ErrNone = errors.New("this Postfix uses no relay: mail goes to the mail exchangers of its recipients")
	ErrOurs = errors.New("relayhost has set this Postfix up already")
)

// Paths lists the files that Read looks into and postfix.Read does not read by
// itself. The caller loads them into the State first (State.Load).
func Paths(s postfix.State) []string {
	var list []string
	for _, name := range append([]string{"smtp_tls_per_site"}, rewriting...) {
		for _, t := range postfix.ParseTables(s.Params[name], s.DefaultMap) {
			if filepath.IsAbs(t.Path) {
				list = append(list, t.Path)
			}
		}
	}
	return append(append(list, tokenFiles(s)...), plan.Paths(s)...)
}

// reading carries what the steps of Read share.
type reading struct {
	s   postfix.State
	o   Options
	r   *postfix.Routing
	out *offer

	services []postfix.Service // those that mail goes by today
	asAll    []string          // keys of senders' tables that choose the relay of all other mail
}

// Read makes the offer. It fails with ErrNone or ErrOurs, or where mail does not
// leave by smtp(8).
func Read(s postfix.State, o Options) (Adoption, error) {
	a := &reading{s: s, o: o, r: postfix.NewRouting(s), out: &offer{told: make(map[Point]bool)}}
	if transport := a.r.Route("").Transport; strings.HasPrefix(transport, plan.ServicePrefix) {
		return Adoption{}, ErrOurs
	}
	if err := a.routes(); err != nil {
		return Adoption{}, err
	}
	a.recipients()
	a.from()
	obsolete(a.s, a.out)
	a.overrides()
	a.tables()
	a.exposed()
	readable(a.out)
	return a.out.Adoption, nil
}

// offer is what Read gives, while it is made: each point once.
type offer struct {
	Adoption
	told map[Point]bool
}

func (o *offer) change(what, why string, args ...any)   { o.tell(&o.Changes, what, why, args) }
func (o *offer) keep(what, why string, args ...any)     { o.tell(&o.Kept, what, why, args) }
func (o *offer) leave(what, why string, args ...any)    { o.tell(&o.Left, what, why, args) }
func (o *offer) question(what, why string, args ...any) { o.tell(&o.Questions, what, why, args) }

// tell appends a point unless it has been told; args are those of why.
func (o *offer) tell(list *[]Point, what, why string, args []any) {
	p := Point{what, fmt.Sprintf(why, args...)}
	if !o.told[p] {
		o.told[p] = true
		*list = append(*list, p)
	}
}

// readable says what setup will not take of the file, such as a host whose name
// is none of DNS.
func readable(out *offer) {
	if out.Routes[0].Name != config.DefaultRoute {
		return // said already
	}
	if _, err := config.Read(out.TOML()); err != nil {
		out.leave("the file as it is", "setup rejects it until this is fixed: %v", err)
	}
}

// option is a parameter as a service sees it.
func option(s postfix.State, service postfix.Service, name string) string {
	value, _ := s.Effective(service, name)
	return value
}

// isYes reads a boolean of Postfix.
func isYes(value string) bool { return strings.EqualFold(value, "yes") }

// setting names a parameter with its value, as main.cf has it. What stands in
// main.cf itself and may be a password is left out.
func setting(name, value string) string {
	kind, rest, _ := strings.Cut(value, ":")
	if kind == "inline" || kind == "static" && strings.Contains(rest, ":") {
		return name + " = " + kind + ":..."
	}
	return name + " = " + value
}

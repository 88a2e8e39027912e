package adopt

import (
	"strconv"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/relays"
)

// serviceOf finds the catalogue's entry of a host; the zero Relay for a smarthost.
func serviceOf(o Options, hop postfix.NextHop) relays.Relay {
	r, _, ok := relays.ByHost(o.Catalog, hop.Host)
	if !ok {
		return relays.Relay{}
	}
	if _, ok := r.TLSOf(hop.Port); !ok {
		return relays.Relay{} // a port that the service does not name
	}
	return r
}

// hop describes the i-th next hop of a way.
func (a *reading) hop(f found, i int) Hop {
	next := f.route.NextHops[i]
	h := Hop{Relay: relays.SmarthostID, Host: next.Host, Port: next.Port, TLS: relays.StartTLS, NextHop: next.Text}
	wrapped := isYes(option(a.s, f.route.Service, "smtp_tls_wrappermode"))
	if wrapped {
		h.TLS = relays.Implicit
	}
	r := serviceOf(a.o, next)
	if r.ID != "" {
		_, h.Region, _ = relays.ByHost(a.o.Catalog, next.Host)
		h.Relay = r.ID
		if mode, _ := r.TLSOf(next.Port); mode != relays.Unsure && mode != h.TLS {
			a.out.change("TLS of "+next.Text, "%s has %s on port %d, which smtp_tls_wrappermode = %s does not fit", r.Name, modeWord(mode), next.Port, yesNo(wrapped))
			h.TLS = mode
		}
	}
	if r.ID == "" && next.Port == 465 && !wrapped { // RFC 8314, 3.3
		a.out.change("TLS of "+next.Text, "port 465 has TLS from the first byte, and without smtp_tls_wrappermode Postfix waits there for a greeting that does not come")
		h.TLS = relays.Implicit
	}
	a.byToken(&h, f, i)
	if h.Via == "" && (next.Host == "localhost" || strings.HasPrefix(next.Host, "127.")) {
		a.out.question("proxy", "%s is a program on this server: where it is email-oauth2-proxy, a bridge takes its place, with the client_id, tenant and client_secret of its configuration: "+
			"relayhost setup --relay m365 --credentials-file FILE", next.Text)
	}
	if h.Via == "" {
		h.Account = a.account(f, i, r)
	}
	written(a.out, next, r)
	a.verification(&h, f.route, next, r)
	h.Connections = connections(a.s, f.route)
	return h
}

func modeWord(m relays.TLSMode) string {
	if m == relays.Implicit {
		return "TLS from the first byte"
	}
	return "STARTTLS"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// written says how the next hop's text becomes "[host]:port".
func written(out *offer, next postfix.NextHop, r relays.Relay) {
	want := "[" + next.Host + "]:" + strconv.Itoa(next.Port)
	switch {
	case strings.EqualFold(next.Text, want):
	case !next.MX:
		out.change(next.Text+" becomes "+want, "the port is written out, as a number: names of ports differ between versions")
	case r.ID != "":
		out.change(next.Text+" becomes "+want, "without brackets Postfix asks for mail exchangers of that name first, which the service does not have")
	default:
		out.change(next.Text+" becomes "+want, "with brackets Postfix connects to that very host")
		out.question("host", "%s has no brackets: Postfix asks for mail exchangers of %s and connects to those, if there are any; name the host itself then", next.Text, next.Host)
	}
}

// account says where the account is stored, and what becomes of it.
func (a *reading) account(f found, i int, r relays.Relay) Account {
	next := f.route.NextHops[i]
	if !f.has[i] {
		switch {
		case r.ID == "" || r.Auth.Optional || len(r.Auth.Mechanisms) == 0:
		case !isYes(option(a.s, f.route.Service, "smtp_sasl_auth_enable")):
			a.out.question("account", "smtp_sasl_auth_enable is not on, so there is no login at %s: give setup --credentials-file", next.Text)
		default:
			a.out.question("account", "no account is stored for %s under a key that Postfix looks up: give setup --credentials-file", next.Text)
		}
		return Account{By: "none"}
	}
	login := f.logins[i]
	switch {
	case login.Table.Type == "static":
		a.out.change("the relay's service has the password in a table of its own (0600)", "static: keeps it where everybody can read it, and sends it to every server: remove it from main.cf")
		return Account{By: "static"}
	case login.Key == next.Text:
		return Account{By: "next_hop", Table: accountTable(login.Table)}
	case login.Key == next.Host:
		a.out.change("the account of "+next.Host+" gets the key ["+next.Host+"]:"+strconv.Itoa(next.Port), "the bare host would take precedence over every other key")
		return Account{By: "host", Table: accountTable(login.Table)}
	}
	a.out.change("accounts that are found by sender belong to routes", "with a service of its own a route needs no smtp_sender_dependent_authentication")
	return Account{By: "sender", Table: accountTable(login.Table)}
}

// accountTable names a table without its content.
func accountTable(t postfix.Table) string {
	if t.Type == "inline" {
		return "inline:..."
	}
	return t.String()
}

// connections is the number at once that main.cf sets for the transport.
func connections(s postfix.State, w postfix.Route) int {
	for _, name := range []string{w.Transport + "_destination_concurrency_limit", "default_destination_concurrency_limit"} {
		if _, set := s.Main.Get(name); !set {
			continue
		}
		n, err := strconv.Atoi(s.Params[name])
		if err != nil {
			n, _ = strconv.Atoi(raw(s, name))
		}
		if n > 0 && n <= 1000 {
			return n
		}
	}
	return 0
}

func raw(s postfix.State, name string) string {
	value, _ := s.Main.Get(name)
	return value
}

package postfix

import (
	"slices"
	"strings"
)

// way checks a service with all the next hops that it goes to.
func (p *problems) way(c Staged, w StagedWay, service Service) {
	for _, h := range w.Hops {
		at := c.at(w, h)
		if h.Bridge != "" {
			p.bridge(at, service, h)
			return
		}
		p.service(at, service)
		if !h.NoAuth && (!c.keyed(service) || len(w.Senders) == 0) {
			p.keys(at, service)
		}
	}
	p.fallback(c, w, service)
	if c.keyed(service) {
		p.senderKeys(c, w, service)
	}
}

// bridge checks a service that hands mail to a program behind a private socket.
func (p *problems) bridge(c Staged, service Service, h StagedHop) {
	where := "master.cf: " + key(service.Name, service.Type)
	if service.Command != "lmtp" {
		p.fatal(where, "", "runs %s, not lmtp", service.Command)
	}
	for name, want := range map[string]string{"lmtp_tls_security_level": "none", "lmtp_sasl_auth_enable": "no"} {
		if got, _ := c.State.Effective(service, name); !strings.EqualFold(got, want) {
			p.fatal(where, name, "is %s, and a bridge has neither TLS nor a login on its private side", quote(got))
		}
	}
	switch out, ok := c.State.Master.Get(h.Bridge, "unix"); {
	case !ok:
		p.fatal("master.cf", "", "there is no service %s behind the socket: all mail would be deferred", h.Bridge)
	case out.Command != "spawn":
		p.fatal("master.cf: "+key(out.Name, out.Type), "", "runs %s, not spawn", out.Command)
	case out.Private == "n":
		p.fatal("master.cf: "+key(out.Name, out.Type), "", "is public: every user of this server could send through the account")
	}
}

// keyed reports whether the service looks accounts up by the sender first.
func (c Staged) keyed(service Service) bool {
	value, _ := c.State.Effective(service, "smtp_sender_dependent_authentication")
	return strings.EqualFold(value, "yes")
}

// fallback checks that mail which the first hop does not take goes to the other
// hops and nowhere else. Tables are searched by these words as they stand.
func (p *problems) fallback(c Staged, w StagedWay, service Service) {
	where := "master.cf: " + key(service.Name, service.Type)
	value, _ := c.State.Effective(service, "smtp_fallback_relay")
	hops := Words(value)
	var want []string
	for _, h := range w.Hops[1:] {
		want = append(want, h.NextHop)
	}
	switch {
	case slices.Equal(hops, want):
	case len(want) == 0:
		p.warn(where, "smtp_fallback_relay", "takes what the relay defers elsewhere: %s", value)
	default:
		p.fatal(where, "smtp_fallback_relay", "is %s, not %s", quote(value), strings.Join(want, ","))
	}
}

// senderKeys checks that every sender of a service that finds accounts by them
// has one.
func (p *problems) senderKeys(c Staged, of StagedWay, service Service) {
	value, _ := c.State.Effective(service, "smtp_sasl_password_maps")
	if tables, _ := c.lookups.Closed(value); len(tables) > 0 {
		return
	}
	for _, w := range c.Ways {
		for _, sender := range w.Senders {
			if w.Service != of.Service || !strings.Contains(sender, "@") || sender[0] == '/' {
				continue
			}
			if login, _, ok := c.lookups.Get(value, sender); !ok || !strings.Contains(login, ":") {
				p.fatal(key(service.Name, service.Type), "smtp_sasl_password_maps", "no table has the key %s", sender)
			}
		}
	}
}

// bySender checks that mail of every sender goes by the service and to the
// first hop that it is meant for.
func (p *problems) bySender(c Staged) {
	const name = "sender_dependent_default_transport_maps"
	value := c.State.Params[name]
	if rewrite, ok := c.State.Master.Get("rewrite", "unix"); ok && len(c.Ways) > 1 {
		if own, set := rewrite.Option(name); set && own != value {
			p.fatal("master.cf: rewrite/unix", name, "is %s there and so overrides main.cf", quote(own))
		}
	}
	for _, w := range c.Ways[1:] {
		want := w.Service + ":" + w.Hops[0].NextHop
		for _, sender := range w.Senders {
			if got := c.wayOf(value, sender); got != want {
				p.fatal("main.cf", name, "sends mail of %s to %s, not %s", sender, quote(got), want)
			}
		}
	}
}

// wayOf is what the tables say of a sender, a pattern of a regexp table taken
// by its text.
func (c Staged) wayOf(maps, sender string) string {
	if null := c.State.Params["empty_address_default_transport_maps_lookup_key"]; sender == "<>" && null != "" {
		sender = null
	}
	if !strings.HasPrefix(sender, "/") {
		value, _, _ := c.lookups.Get(maps, sender)
		return value
	}
	for _, t := range ParseTables(maps, c.State.DefaultMap) {
		if source, err := c.lookups.source(t.Path); err == nil && source[fold(sender)] != "" {
			return source[fold(sender)]
		}
	}
	return ""
}

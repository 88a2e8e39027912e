package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// relayAccess looks whether strangers can send through this Postfix, which with
// a relay costs the account (SMTPD_ACCESS_README).
func (r *run) relayAccess(context.Context) []Finding {
	if !r.State.Installed || r.State.Params == nil {
		return skip("relay_access", "there is no Postfix")
	}
	listeners := r.listeners()
	if len(listeners) == 0 {
		return pass("relay_access", "no smtpd listens on a public address")
	}
	var bad []string
	for _, s := range listeners {
		if why := r.open(s); why != "" {
			bad = append(bad, s.Name+": "+why)
		}
	}
	if why := wideNetworks(r.State.Params["mynetworks"]); why != "" {
		bad = append(bad, why)
	}
	if len(bad) > 0 {
		return []Finding{{Check: "relay_access", Result: Fail, Detail: strings.Join(bad, "; "), Cause: "open_relay",
			Remedy:  "List only your own networks in mynetworks, and let reject_unauth_destination come before any permit.",
			Command: "postconf mynetworks smtpd_relay_restrictions smtpd_recipient_restrictions"}}
	}
	if style := r.State.Params["mynetworks_style"]; style != "" && style != "host" && r.notSet("mynetworks") && !r.notSet("mynetworks_style") {
		return []Finding{{Check: "relay_access", Result: Warn, Detail: "mynetworks_style = " + style + " trusts every neighbour in the network of this host",
			Cause: "neighbours_trusted", Remedy: "Trust this host alone.", Command: "postconf -e 'mynetworks_style = host' && postfix reload"}}
	}
	return pass("relay_access", fmt.Sprintf("%d listening services relay for mynetworks and for who has logged in", len(listeners)))
}

func (r *run) notSet(name string) bool {
	if r.State.Main == nil {
		return true
	}
	_, set := r.State.Main.Get(name)
	return !set
}

// listeners are the smtpd services that others can reach.
func (r *run) listeners() []postfix.Service {
	var found []postfix.Service
	if r.State.Master == nil {
		return nil
	}
	for _, s := range r.State.Master.Services() {
		if s.Type != "inet" || s.Command != "smtpd" {
			continue
		}
		address := ""
		if i := strings.LastIndexByte(s.Name, ':'); i >= 0 {
			address = s.Name[:i]
		}
		if address == "" {
			address = param(s, r.State.Params, "inet_interfaces")
		}
		if !loopbackOnly(address) {
			found = append(found, s)
		}
	}
	return found
}

// param is a parameter as the service sees it.
func param(s postfix.Service, params map[string]string, name string) string {
	for _, o := range slices.Backward(s.Options) {
		if o.Name == name {
			return o.Value
		}
	}
	return params[name]
}

func loopbackOnly(interfaces string) bool {
	list := split(interfaces)
	for _, word := range list {
		addr, err := netip.ParseAddr(strings.Trim(word, "[]"))
		if word != "loopback-only" && word != "localhost" && (err != nil || !addr.IsLoopback()) {
			return false
		}
	}
	return len(list) > 0
}

// open says how a stranger gets mail relayed by the service; "" for not at all.
// Relaying has to pass both lists (postconf(5), smtpd_relay_restrictions), so it
// is closed when either one comes to a refusal before a permit for everybody.
func (r *run) open(s postfix.Service) string {
	for _, name := range []string{"smtpd_relay_restrictions", "smtpd_recipient_restrictions"} {
		if refuses(split(param(s, r.State.Params, name))) {
			return ""
		}
	}
	return "neither smtpd_relay_restrictions nor smtpd_recipient_restrictions refuses strangers"
}

func refuses(list []string) bool {
	for _, word := range list {
		switch {
		case word == "permit":
			return false
		case slices.Contains([]string{"reject", "defer", "reject_unauth_destination", "defer_unauth_destination"}, word):
			return true
		case strings.Contains(word, "$"): // a list of the administrator's own, not expanded in master.cf
			return true
		}
	}
	return false
}

// wideNetworks finds a network in mynetworks that is more than one owner's.
func wideNetworks(mynetworks string) string {
	for _, word := range split(mynetworks) {
		p, err := netip.ParsePrefix(strings.NewReplacer("[", "", "]", "").Replace(word))
		if err != nil || p.Addr().IsLoopback() || p.Addr().IsPrivate() || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if p.Addr().Is4() && p.Bits() < 16 || p.Addr().Is6() && p.Bits() < 32 {
			return "mynetworks has " + word
		}
	}
	return ""
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
}

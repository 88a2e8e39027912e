package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// Conflict is something on this host that makes the set-up useless or harmful
// and that is not ours to change unasked.
type Conflict struct {
	Param string // parameter of main.cf, "" if none
	Value string
	Msg   string
	Hint  string
}

func (e *Conflict) Error() string {
	if e.Param == "" {
		return e.Msg
	}
	return fmt.Sprintf("%s = %s: %s", e.Param, e.Value, e.Msg)
}

// conflicts finds what stops a set-up. Options.Force lets all of it pass, each
// as a note.
func (b *builder) conflicts() error {
	for _, find := range []func() *Conflict{b.catchAll, b.localRecipient, b.openRelay} {
		c := find()
		switch {
		case c == nil:
		case b.o.Force:
			b.note("%s", c.Error())
		default:
			return c
		}
	}
	return nil
}

// catchAll finds the transport(5) entry "*", which wins over relayhost.
func (b *builder) catchAll() *Conflict {
	for _, t := range postfix.ParseTables(b.param("transport_maps"), b.s.DefaultMap) {
		if t.Path == b.path(transportFile) {
			continue
		}
		text, ok := b.s.Maps[t.Path]
		if !ok {
			if t.Type != "" && !t.Editable() {
				b.note("transport_maps = %s may send mail past the relay; it cannot be read from here", t)
			}
			continue
		}
		if value, found := parseTable(text).get("*"); found && value != ":" {
			return &Conflict{"transport_maps", t.String(), fmt.Sprintf("its entry \"* %s\" sends all mail past the relay", value),
				fmt.Sprintf("remove that entry from %s, or keep it for single domains with --direct", t.Path)}
		}
	}
	return nil
}

// localRecipient finds a recipient of the proof whose mail never leaves.
func (b *builder) localRecipient() *Conflict {
	if b.o.To == "" {
		return nil
	}
	domain := domainOf(b.o.To)
	for _, name := range localDomainParams {
		if b.inList(name, domain) {
			return &Conflict{name, b.param(name), fmt.Sprintf("mail to %s stays on this server, so it proves nothing", b.o.To),
				"name a recipient elsewhere with --to, or take " + domain + " out of " + name}
		}
	}
	return nil
}

// openRelay finds a server that passes on mail for strangers: through the relay
// it would cost the account.
func (b *builder) openRelay() *Conflict {
	if b.loopbackOnly() {
		return nil
	}
	for _, s := range b.listeners() {
		get := func(name string) string { value, _ := b.s.Effective(s, name); return value }
		for _, word := range words(get("mynetworks")) {
			p, err := netip.ParsePrefix(strings.NewReplacer("[", "", "]", "").Replace(word))
			if err == nil && wide(p) {
				return &Conflict{"mynetworks", get("mynetworks"), fmt.Sprintf("%s may send through this server, and so through your account", word),
					"list only your own networks in mynetworks"}
			}
		}
		// Relaying has to pass both lists (smtpd_relay_restrictions).
		const relay, recipient = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
		if !passable(get(relay)) || !passable(get(recipient)) {
			continue
		}
		for _, name := range []string{relay, recipient} {
			if slices.Contains(words(get(name)), "permit") {
				return &Conflict{name, get(name), fmt.Sprintf("anybody may send through this server (%s), and so through your account", s.Name),
					"put reject_unauth_destination before permit"}
			}
		}
	}
	return nil
}

// passable reports whether a stranger gets through a list of restrictions. What
// asks tables or other programs is taken to say nothing.
func passable(restrictions string) bool {
	for _, word := range words(restrictions) {
		switch word {
		case "permit":
			return true
		case "reject_unauth_destination", "defer_unauth_destination", "reject", "defer":
			return false
		}
	}
	return true
}

// wide reports whether p holds more public addresses than one owner has.
func wide(p netip.Prefix) bool {
	if p.Addr().IsLoopback() || p.Addr().IsPrivate() || p.Addr().IsLinkLocalUnicast() {
		return false
	}
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 16 && !strings.HasPrefix(p.Addr().String(), "::ffff:")
}

func (b *builder) loopbackOnly() bool {
	list := words(b.param("inet_interfaces"))
	if len(list) == 0 {
		return b.s.Params == nil
	}
	for _, w := range list {
		a, err := netip.ParseAddr(strings.Trim(w, "[]"))
		if w != "loopback-only" && w != "localhost" && (err != nil || !a.IsLoopback()) {
			return false
		}
	}
	return true
}

// listeners are the services that take mail from others, directly or from
// postscreen(8).
func (b *builder) listeners() []postfix.Service {
	return slices.DeleteFunc(b.master.Services(), func(s postfix.Service) bool {
		address, _, found := cutLast(s.Name, ":")
		a, err := netip.ParseAddr(strings.Trim(address, "[]"))
		here := found && (address == "localhost" || err == nil && a.IsLoopback())
		return s.Command != "smtpd" || s.Type != "inet" && s.Type != "pass" || here
	})
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

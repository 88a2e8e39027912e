package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"relayhost/internal/lint"
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
	for _, find := range []func() *Conflict{b.secondPass, b.catchAll, b.captured, b.dunno, b.localRecipient, b.openRelay} {
		c := find()
		switch {
		case c == nil:
		case b.server.Force:
			b.note("%s", c.Error())
		default:
			return c
		}
	}
	return nil
}

// secondPass finds a default way through a program on this server, which filters or
// rewrites all mail and hands it back: the relay would take its place.
func (b *builder) secondPass() *Conflict {
	const name = "default_transport"
	value := b.param(name)
	_, next, _ := strings.Cut(value, ":")
	hop, err := postfix.ParseNextHop(next)
	if err == nil && hop.Host != "localhost" {
		var addr netip.Addr
		if addr, err = netip.ParseAddr(hop.Host); err == nil && !addr.IsLoopback() {
			return nil
		}
	}
	if err != nil {
		return nil //nolint:nilerr // not an address: not this server
	}
	if first := b.cfg.First(); strings.EqualFold(first.Host, hop.Host) && first.Port == hop.Port || strings.HasPrefix(value, ServicePrefix) {
		return nil
	}
	return &Conflict{name, value, "all mail for other servers goes through a program on this server, and the relay would take its place",
		"have it pass that program as a content filter, postconf -e 'content_filter = " + value + "' 'default_transport = smtp', and see that mail still leaves; then run setup again"}
}

// localRecipient finds a recipient of the proof whose mail never leaves.
func (b *builder) localRecipient() *Conflict {
	if b.cfg.To == "" {
		return nil
	}
	domain := domainOf(b.cfg.To)
	for _, name := range lint.LocalDomains() {
		if b.facts.In(name, domain) {
			return &Conflict{name, b.param(name), fmt.Sprintf("mail to %s stays on this server, so it proves nothing", b.cfg.To),
				"choose a test recipient outside this server with --to; " + domain + " is delivered here"}
		}
	}
	return nil
}

// StaysHere reports whether mail to an address is delivered on the server of s, whose
// tables have been loaded.
func StaysHere(s postfix.State, address string) bool {
	return (&builder{facts: s.Facts()}).isLocal(domainOf(address))
}

// openRelay finds a server that passes on mail for strangers: through the relay
// it would cost the account.
func (b *builder) openRelay() *Conflict {
	list := b.s.Openings()
	if len(list) == 0 {
		return nil
	}
	o := list[0]
	if o.Network != "" {
		return &Conflict{o.Parameter, o.Value, fmt.Sprintf("%s may send through this server, and so through your account", o.Network),
			"list only your own networks in mynetworks"}
	}
	return &Conflict{o.Parameter, o.Value, fmt.Sprintf("anybody may send through this server (%s), and so through your account", o.Service),
		"put reject_unauth_destination before permit"}
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
)

// Conflict is something on this host that makes the setup useless or harmful
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

// conflicts finds what stops a setup. Server.Force lets all of it pass, each
// as a note.
func (b *builder) conflicts() error {
	for _, find := range []func() *Conflict{
		func() *Conflict { return secondPass(b.s, b.cfg) },
		func() *Conflict { return catchAll(b.out, b.s, b.cfg) },
		func() *Conflict { return captured(b.s, b.facts, b.main, b.master) },
		func() *Conflict { return dunno(b.s) },
		func() *Conflict { return localRecipient(b.s, b.facts, b.cfg) },
		func() *Conflict { return openRelay(b.s) },
		func() *Conflict { return takenBridge(b.server, b.services) },
	} {
		c := find()
		switch {
		case c == nil:
		case b.server.Force:
			b.out.note("%s", c.Error())
		default:
			return c
		}
	}
	return nil
}

// secondPass finds a default way through a program on this server, which filters or
// rewrites all mail and hands it back: the relay would take its place.
func secondPass(state postfix.State, cfg config.Config) *Conflict {
	const name = "default_transport"
	value := state.Params[name]
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
	if first := cfg.First(); strings.EqualFold(first.Host, hop.Host) && first.Port == hop.Port || strings.HasPrefix(value, ServicePrefix) {
		return nil
	}
	return &Conflict{name, value, "all mail for other servers goes through a program on this server, and the relay would take its place",
		"have it pass that program as a content filter, postconf -e 'content_filter = " + value + "' 'default_transport = smtp', and see that mail still leaves; one that delivers mail itself has no place beside a relay: postconf -e 'default_transport = smtp'; then run setup again"}
}

// localRecipient finds a recipient of the proof whose mail never leaves.
func localRecipient(state postfix.State, facts lint.Config, cfg config.Config) *Conflict {
	if cfg.To == "" {
		return nil
	}
	domain := domainOf(cfg.To)
	for _, name := range lint.LocalDomains() {
		if facts.In(name, domain) {
			return &Conflict{name, state.Params[name], fmt.Sprintf("mail to %s stays on this server, so it proves nothing", cfg.To),
				"choose a test recipient outside this server with --to; " + domain + " is delivered here"}
		}
	}
	return nil
}

// StaysHere reports whether mail to an address is delivered on the server of s, whose
// tables have been loaded.
func StaysHere(s postfix.State, address string) bool {
	return isLocal(s.Facts(), domainOf(address))
}

// openRelay finds a server that passes on mail for strangers: through the relay
// it would cost the account.
func openRelay(state postfix.State) *Conflict {
	list := state.Openings()
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

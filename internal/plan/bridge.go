package plan

import (
	"strconv"
	"strings"

	"relayhost/internal/config"
	"relayhost/templates"
)

// Bridge is what a server needs for hops that Postfix cannot log in to: lmtp(8)
// hands their mail to a private socket, behind which spawn(8) starts this program
// as a user of its own.
type Bridge struct {
	Program  string // absolute path of this program
	UID, GID int    // of bridgeUser
}

// outSuffix ends the name of the spawn(8) entry of a bridge's service.
const outSuffix = config.OutSuffix

// bridged reports whether the mail of s goes by a bridge. Such a route has one hop.
func (s *service) bridged() bool { return s.hops[0].Bridged() }

// nextHop is what Postfix gets as the next hop of w.
func (w *route) nextHop() string {
	if w.service.bridged() {
		return socket(w.service.name + outSuffix)
	}
	return w.Hops[0].NextHop()
}

// socket is the next hop behind which the entry of master.cf answers.
func socket(entry string) string { return "unix:private/" + entry }

// bridgeName is the name of the bridge of s: of its files and in its argument.
func (s *service) bridgeName() string { return strings.TrimSuffix(s.suffix(), config.OAuthSuffix) }

// bridgeResets are parameters of main.cf that must not reach the lmtp(8) of a bridge,
// which has neither a TLS of its own nor another way to go.
var bridgeResets = []reset{
	{"lmtp_tls_policy_maps", "", isSet},
	{"lmtp_tls_per_site", "", isSet},
	{"lmtp_tls_wrappermode", "no", isYes},
	{"lmtp_fallback_relay", "", isSet},
	{"lmtp_skip_5xx_greeting", "yes", isNo},
	{"lmtp_sender_dependent_authentication", "no", isYes},
}

// describeBridge decides what the entries of a bridge say.
func (b *builder) describeBridge(s *service) {
	d := s.d
	d.Bridge, d.BridgeService, d.BridgeUser, d.Program = s.bridgeName(), s.name+outSuffix, bridgeUser, b.server.Bridge.Program
	d.NextHop = s.routes[0].nextHop()
	b.limits(s)
	connections := b.concurrency(&s.hops[0])
	d.Processes = strconv.Itoa(connections)
	// A connection that Postfix has just closed still has its process for a moment.
	d.BridgeProcesses = 2 * connections
}

// masterEntries are the entries of s in master.cf.
func (b *builder) masterEntries(s *service) ([]byte, error) {
	if s.bridged() {
		b.reset(s.d, bridgeResets)
		return templates.Render(templates.Bridge, s.d)
	}
	b.reset(s.d, resets)
	b.network(s.d)
	return templates.Render(templates.Master, s.d)
}

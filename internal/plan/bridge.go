package plan

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/bridge"
	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/templates"
)

// Bridge is what a server needs for hops that Postfix cannot log in to: lmtp(8)
// hands their mail to a private socket, behind which spawn(8) starts this program
// as a user of its own.
type Bridge struct {
	Program  string // absolute path of this program
	UID, GID int    // of bridge.User
}

// outSuffix ends the name of the spawn(8) entry of a bridge's service.
const outSuffix = config.OutSuffix

// bridged reports whether the mail of s goes by a bridge. Such a route has one hop.
func (s *service) bridged() bool { return s.hops[0].Bridged() }

// nextHop is what Postfix gets as the next hop of w.
func (w *way) nextHop() string {
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
	d.Bridge, d.BridgeService, d.BridgeUser, d.Program = s.bridgeName(), s.name+outSuffix, bridge.User, b.server.Bridge.Program
	d.NextHop = s.ways[0].nextHop()
	b.limits(s)
	connections := b.concurrency(&s.hops[0])
	d.Processes = strconv.Itoa(connections)
	// A connection that Postfix has just closed still has its process for a moment.
	d.BridgeProcesses = 2 * connections
}

// bridges writes the configuration of each bridge, which holds its secrets.
func (b *builder) bridges() error {
	for _, s := range b.services {
		if !s.bridged() {
			continue
		}
		if !filepath.IsAbs(b.server.Bridge.Program) {
			return errors.New("where this program is on disk is not known, and Postfix has to start it")
		}
		c, err := b.bridgeConfig(s)
		if err != nil {
			return err
		}
		text, err := c.Marshal()
		if err != nil {
			return fmt.Errorf("configuration of the bridge %s: %w", s.bridgeName(), err)
		}
		f := File{Path: bridge.ConfigPath(bridge.Directory, s.bridgeName()), After: text, Mode: 0o600,
			Secret: true, UID: b.server.Bridge.UID, GID: b.server.Bridge.GID}
		if slices.Contains(b.s.Unreadable, f.Path) {
			f.Before = []byte{} // it is there, and a look without root does not tell what is in it
		}
		b.file(f)
	}
	return nil
}

// bridgeConfig is where the mail of s goes, and as whom.
func (b *builder) bridgeConfig(s *service) (bridge.Config, error) {
	h := &s.hops[0]
	c := bridge.Config{Host: h.Host, Port: h.Port, Implicit: s.d.WrapperMode, HELO: s.d.HeloName, Username: h.Username,
		CAFile: s.d.CAFile, Pin: h.Pin, Connections: b.concurrency(h)}
	if c.HELO == "" {
		c.HELO = b.param("myhostname")
	}
	client, err := h.Client()
	if err != nil && !b.server.NoCredentials {
		return c, err
	}
	c.OAuth = &client
	return c, nil
}

// bridgeFiles are the configurations of the bridges that master.cf starts now.
func bridgeFiles(s postfix.State) []string {
	var list []string
	if s.Master == nil {
		return nil
	}
	for _, e := range s.Master.Services() {
		if !strings.HasPrefix(e.Name, ServicePrefix) || e.Command != "spawn" || len(e.Args) < 2 {
			continue
		}
		if name := e.Args[len(e.Args)-1]; e.Args[len(e.Args)-2] == "bridge" && bridge.ValidName(name) {
			list = append(list, bridge.ConfigPath(bridge.Directory, name))
		}
	}
	return list
}

// formerBridges removes the configurations of bridges that nothing starts any more.
func (b *builder) formerBridges() {
	for _, path := range bridgeFiles(b.s) {
		text, there := b.s.Maps[path]
		there = there || slices.Contains(b.s.Unreadable, path)
		if there && !slices.ContainsFunc(b.files, func(f File) bool { return f.Path == path }) {
			b.files = append(b.files, File{Path: path, Action: Remove, Before: notNil(text), Secret: true, Mode: 0o600,
				UID: b.server.Bridge.UID, GID: b.server.Bridge.GID})
		}
	}
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

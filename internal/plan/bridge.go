package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
	"relayhost/templates"
)

// Bridge is what a server needs for hops that Postfix cannot log in to: lmtp(8)
// hands their mail to a private socket, behind which spawn(8) starts this program
// as a user of its own.
type Bridge struct {
	Program string // absolute path of this program
	// Systemd says that units of systemd can be started here.
	Systemd bool
	// GID is that of the group conf.User; 0 where there is none yet, and the
	// transaction makes it.
	GID int
	// Elsewhere are the bridges that other instances of Postfix start here, with their
	// configuration directories: those files are theirs, also where this instance has
	// started a bridge of that name.
	Elsewhere map[string]string
}

// outSuffix ends the name of the spawn(8) entry of a bridge's service.
const outSuffix = config.OutSuffix

// nextHop is what Postfix gets as the next hop of w.
func (w *route) nextHop() string {
	if w.service.bridge {
		return socket(w.service.socketName())
	}
	return w.Hops[0].NextHop()
}

// socket is the next hop behind which the entry of master.cf answers.
func socket(entry string) string { return "unix:private/" + entry }

// bridgeName is the name of the bridge of s: of its files and in its argument.
func (s *service) bridgeName() string {
	name := strings.TrimSuffix(s.suffix(), config.OAuthSuffix)
	if s.instance == postfix.DefaultConfigDir {
		return name
	}
	sum := sha256.Sum256([]byte(name + s.instance))
	told := filepath.Base(s.instance)
	if filepath.Dir(s.instance) != filepath.Dir(postfix.DefaultConfigDir) || !conf.ValidName(told) || conf.IsRehearsal("_"+told) {
		told = hex.EncodeToString(sum[:4])
	}
	if full := name + "_" + told; len(conf.RehearsalName(full)) <= conf.MaxName {
		return full
	}
	return hex.EncodeToString(sum[:])[:32]
}

// confMode lets the bridge read its configuration, and change nothing in it.
const confMode = 0o640

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
func describeBridge(out *output, state postfix.State, facts lint.Config, server Server, s *service) {
	d := s.d
	d.BridgeSocket = s.socketName()
	d.Bridge, d.BridgeService, d.BridgeUser, d.Program = s.bridgeName(), s.name+outSuffix, conf.User, server.Bridge.Program
	d.NextHop = s.routes[0].nextHop()
	if s.hops[0].ByAPI() && !s.walked {
		apiLimits(out, state, facts, s)
	} else {
		setLimits(out, state, facts, s)
	}
	connections := 0
	for i := range s.hops {
		if n := concurrencyOf(out, state, &s.hops[i]); connections == 0 || n < connections {
			connections = n
		}
	}
	d.Processes = strconv.Itoa(connections)
	// A connection that Postfix has just closed still has its process for a moment.
	d.BridgeProcesses = 2 * connections
}

// writeBridges writes the configuration of each bridge, which holds its secrets.
func writeBridges(out *output, state postfix.State, server Server, services []*service) error {
	for _, s := range services {
		if !s.bridge {
			continue
		}
		if !filepath.IsAbs(server.Bridge.Program) {
			return errors.New("where this program is on disk is not known, and Postfix has to start it")
		}
		c, err := bridgeConfig(out, state, server, s)
		if err != nil {
			return err
		}
		text, err := c.Marshal()
		if err != nil {
			return fmt.Errorf("configuration of the bridge %s: %w", s.bridgeName(), err)
		}
		f := File{Path: conf.ConfigPath(conf.Directory, s.bridgeName()), After: text, Mode: confMode,
			Secret: true, Group: conf.User, GID: server.Bridge.GID}
		if slices.Contains(state.Unreadable, f.Path) {
			f.Before = []byte{} // it is there, and a look without root does not tell what is in it
		}
		out.file(f)
		if err := units(out, state, server, s); err != nil {
			return err
		}
		if server.Bridge.GID == 0 {
			out.note("a system user %s is made, for the program that takes this mail to its relay; rolling back removes it", conf.User)
		}
	}
	return nil
}

// bridgeConfig is where the mail of s goes, and as whom.
func bridgeConfig(out *output, state postfix.State, server Server, s *service) (conf.Config, error) {
	var all []conf.Config
	for i := range s.hops {
		h := &s.hops[i]
		c, err := hopConfig(out, state, server, s, h)
		if err != nil {
			return c, err
		}
		if s.walked {
			c.Walk, c.Number, c.Filters = true, s.routes[0].Number(i), onHop(h)
		}
		all = append(all, c)
	}
	first := all[0]
	first.Fallback = all[1:]
	return first, nil
}

// hopConfig is one hop of s as its bridge is told.
func hopConfig(out *output, state postfix.State, server Server, s *service, h *config.Hop) (conf.Config, error) {
	caFile := cmp.Or(h.CAFile, state.CAFile)
	client, err := h.Client()
	tokens := h.APITakesTokens() || h.Via == config.SMTPOAuth
	if tokens && err != nil && !server.NoCredentials {
		return conf.Config{}, err
	}
	if h.ByAPI() {
		return APIConfig(*h, caFile), nil
	}
	c := conf.Config{Host: h.Host, Port: h.Port, Implicit: h.TLS == relays.Implicit, NoTLS: h.Plaintext(), HELO: s.d.HeloName, Username: h.Username,
		Pin: h.Pin, Connections: concurrencyOf(out, state, h), PerMinute: h.Relay.Limits.PerMinute}
	if !c.NoTLS {
		if c.CAFile = caFile; caFile == "" && c.Pin == "" {
			return c, ErrNoCAFile
		}
	}
	if c.HELO == "" {
		c.HELO = state.Params["myhostname"]
	}
	if tokens {
		c.OAuth = &client
	} else {
		c.Password = h.Password
	}
	return c, nil
}

// APIConfig is what a bridge is told of a hop that goes by the API of its relay.
func APIConfig(h config.Hop, caFile string) conf.Config {
	c := conf.Config{Via: conf.ViaHTTPS, Host: h.API.Host, CAFile: caFile, Connections: h.Connections,
		API: &conf.APIConfig{ID: h.Relay.ID, Settings: h.API.Settings, Key: h.API.Key, AWS: h.API.AWS, Proxy: h.ProxyAddress()}}
	if h.APITakesTokens() {
		client, _ := h.Client() // what is wrong with it Validate says
		c.Username, c.OAuth = h.Username, &client
	}
	return c
}

// bridgeFiles are the configurations of the bridges that master.cf starts now.
func bridgeFiles(s postfix.State) []string {
	var list []string
	for _, name := range BridgesOf(s.Master) {
		list = append(list, conf.ConfigPath(conf.Directory, name))
	}
	return list
}

// BridgesOf are the names of the bridges that a master.cf starts; nil starts none.
func BridgesOf(master *postfix.Master) (names []string) {
	if master == nil {
		return nil
	}
	for _, e := range master.Services() {
		if name, ok := BridgeOf(e); ok {
			names = append(names, name)
		}
	}
	return names
}

// BridgeOf is the name of the bridge that an entry of master.cf starts.
func BridgeOf(e postfix.Service) (name string, ok bool) {
	if !strings.HasPrefix(e.Name, ServicePrefix) || e.Command != "spawn" || len(e.Args) < 2 || e.Args[len(e.Args)-2] != "bridge" {
		return "", false
	}
	name = e.Args[len(e.Args)-1]
	return name, conf.ValidName(name)
}

// BridgeProgram is the program that the bridges of master.cf are run by now, "" for
// none.
func BridgeProgram(s postfix.State) string {
	if s.Master == nil {
		return ""
	}
	for _, e := range s.Master.Services() {
		if _, ok := BridgeOf(e); ok {
			_, program := e.Spawned()
			return program
		}
	}
	return ""
}

// Bridge is the configuration of the bridge that mail from senders (as config.Route
// has them; none asks for the default) goes by now.
func (a Accounts) Bridge(senders ...string) (name string, c conf.Config, ok bool) {
	if len(senders) == 0 {
		senders = []string{""}
	}
	if a.s.Master == nil {
		return "", c, false
	}
	for _, sender := range senders {
		e, there := a.s.Master.Get(a.Service(sender)+outSuffix, "unix")
		if !there {
			continue
		}
		name, is := BridgeOf(e)
		if !is {
			continue
		}
		c, err := conf.Parse(a.s.Maps[conf.ConfigPath(conf.Directory, name)])
		if err == nil {
			return name, c, true
		}
	}
	return "", conf.Config{}, false
}

// BridgeHop is the hop of that bridge that goes the way of h.
func (a Accounts) BridgeHop(h config.Hop, senders ...string) (c conf.Config, ok bool) {
	_, all, ok := a.Bridge(senders...)
	if !ok {
		return c, false
	}
	hops := all.Hops()
	if i := slices.IndexFunc(hops, func(c conf.Config) bool { return SameWay(c, h) }); i >= 0 {
		return hops[i], true
	}
	return hops[0], len(hops) == 1
}

// SameWay reports whether a hop of a bridge carries mail the way that h goes.
func SameWay(c conf.Config, h config.Hop) bool {
	switch {
	case c.API != nil || h.ByAPI():
		return c.API != nil && h.ByAPI() && c.API.ID == h.Relay.ID
	case (c.OAuth != nil) != (h.Via == config.SMTPOAuth):
		return false
	}
	return strings.EqualFold(c.Host, h.Host)
}

// inBridge is the account that a bridge which walks its hops logs in to a next hop with.
func (a Accounts) inBridge(nextHop postfix.NextHop, sender string) (username string, password secret.Value, ok bool) {
	_, c, ok := a.Bridge(sender)
	if !ok || !c.Walk {
		return "", secret.Value{}, false
	}
	for _, h := range c.Hops() {
		if h.API == nil && h.OAuth == nil && h.Username != "" && strings.EqualFold(h.Host, nextHop.Host) && h.Port == nextHop.Port {
			return h.Username, h.Password, true
		}
	}
	return "", secret.Value{}, false
}

// planned reports whether the plan has the file at path already.
func planned(out *output, path string) bool {
	return slices.ContainsFunc(out.files, func(f File) bool { return f.Path == path })
}

// takenBridge finds a bridge whose files are another instance's: those that an earlier
// version wrote had the same name in every instance.
func takenBridge(server Server, services []*service) *Conflict {
	for _, s := range services {
		if dir := server.Bridge.Elsewhere[s.bridgeName()]; s.bridge && dir != "" {
			return &Conflict{"", "", fmt.Sprintf("the Postfix in %s starts a bridge %s too, and would get this account", dir, s.bridgeName()),
				"set that one up again first, which gives it a name of its own: relayhost setup --config-dir " + dir}
		}
	}
	return nil
}

// elsewhere reports whether another instance of Postfix starts the bridge whose
// configuration path is.
func elsewhere(server Server, path string) bool {
	_, theirs := server.Bridge.Elsewhere[strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))]
	return theirs
}

// formerBridges removes the configurations of bridges that nothing starts any more.
func formerBridges(out *output, state postfix.State, server Server) {
	for _, path := range bridgeFiles(state) {
		text, there := state.Maps[path]
		there = there || slices.Contains(state.Unreadable, path)
		if there && !planned(out, path) && !elsewhere(server, path) {
			out.files = append(out.files, File{Path: path, Action: Remove, Before: notNil(text), Secret: true, Mode: confMode,
				Group: conf.User, GID: server.Bridge.GID})
		}
	}
}

// masterEntries are the entries of s in master.cf.
func masterEntries(out *output, state postfix.State, s *service) ([]byte, error) {
	if s.bridge {
		addResets(state, s.d, bridgeResets)
		return templates.Render(templates.Bridge, s.d)
	}
	addResets(state, s.d, resets)
	lostCertificates(out, state, s.d)
	setNetwork(out, state, s.d)
	return templates.Render(templates.Master, s.d)
}

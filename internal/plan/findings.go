package plan

import (
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
)

// Paths lists the files beside main.cf and master.cf that Build compares with
// and postfix.Read does not read by itself. The caller loads them into the
// State first (State.Load).
func Paths(s postfix.State) []string {
	dir := s.ConfigDir
	if dir == "" {
		dir = postfix.DefaultConfigDir
	}
	list := []string{config.Path}
	for _, name := range []string{passwdFile, privateFile, policyFile, genericFile, senderFile, transportFile, filterFile, replyFile, bySenderFile, belowFile} {
		list = append(list, filepath.Join(dir, name))
	}
	list = append(list, orphans(s, dir)...)
	list = append(list, berkeleyPaths(s)...)
	list = append(append(list, bridgeFiles(s)...), unitFiles(s)...)
	if origin := s.Params["myorigin"]; strings.HasPrefix(origin, "/") {
		list = append(list, origin)
	}
	for _, name := range append([]string{"relay_domains"}, lint.LocalDomains()...) {
		for _, word := range postfix.SplitList(s.Params[name]) {
			if t := postfix.ParseTables(word, s.DefaultMap); len(t) == 1 && t[0].Editable() {
				list = append(list, t[0].Path)
			}
		}
	}
	return slices.DeleteFunc(list, func(path string) bool { _, known := s.Maps[path]; return known })
}

// findings adds notes on what the administrator should know and what is left
// as it is.
func (b *builder) findings() {
	bypassNotes(b.out, b.s)
	b.overrides()
	b.otherName()
	probesOf(b.out, b.s, b.main, b.master)
	forwarded(b.out, b.s, b.facts, b.cfg, b.d.RelayName)
	senderIsLocal(b.out, b.facts, b.cfg)
	missingPlugins(b.out, b.s, b.facts, b.services)
	oauthNotes(b.out, b.s, b.services)
	for _, s := range b.services {
		for i := range s.hops {
			if port := s.hops[i].Port; b.s.SELinux.PortDenied(port) {
				b.out.note("this SELinux policy may keep Postfix from port %d (\"Permission denied\"). To change that: semanage port -a -t smtp_port_t -p tcp %d", port, port)
			}
		}
	}
	was := b.s.Params["default_transport"]
	if name, _, _ := strings.Cut(was, ":"); name != "smtp" && name != "" && !strings.HasPrefix(name, ServicePrefix) {
		b.out.note("default_transport was %s; mail for other servers goes to the relay now", was)
	}
	if name, _, _ := strings.Cut(b.s.Params["relay_transport"], ":"); name == "error" {
		b.out.note("relay_transport = %s stays: mail for relay_domains is refused as before", b.s.Params["relay_transport"])
	}
	if dirs := postfix.Words(b.s.Params["multi_instance_directories"]); len(dirs) > 0 {
		b.out.note("this Postfix has further instances (%s), which stay as they are: name one with --config-dir to set it up", strings.Join(dirs, ", "))
	}
	if b.server.Port25Open {
		b.out.note("port 25 is open from this host: no relay is needed to send mail")
	}
	if relay := ofNull(b.cfg, b.routes); relay.Sender.NullSender == "refused" && !nullClient(b.s, b.facts) {
		b.out.note("the null sender (<>) is rejected by %s: bounces and delivery reports of this server will be lost", relayName(relay))
	}
}

// bypassNotes names parameters that log in with other credentials (postconf(5)) or
// have mail filtered. Which mail goes where is the flow table's to say.
func bypassNotes(out *output, state postfix.State) {
	if value := state.Params["content_filter"]; value != "" {
		out.note("content_filter = %s stays: mail goes through it first", value)
	}
}

// overrides names the -o in master.cf that win over main.cf for what is set
// there: trivial-rewrite(8) chooses the way, qmgr(8) keeps the limits and
// cleanup(8) rewrites senders.
func (b *builder) overrides() {
	for _, s := range b.master.Services() {
		for _, o := range s.Options {
			var why string
			switch ours, set := b.main.Get(o.Name); {
			case o.Name == "content_filter":
				if o.Value != "" && slices.Contains([]string{"smtpd", "pickup", "qmqpd"}, s.Command) { // which alone read it
					why = "mail that comes in there goes through it first"
				}
			case !slices.Contains([]string{"trivial-rewrite", "qmgr", "oqmgr", "cleanup"}, s.Command) || set && ours == o.Value:
			case slices.Contains(routing, o.Name), set && slices.Contains(b.set, o.Name), strings.HasPrefix(o.Name, b.d.Service+"_"):
				why = "it wins over main.cf"
			}
			if why != "" {
				b.out.note("master.cf: %s has -o %s=%s, which stays: %s", s.Name, o.Name, o.Value, why)
			}
		}
	}
}

// routing are the parameters that choose the way of a message.
var routing = []string{"default_transport", "transport_maps", "sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"}

// forwarded names mail that comes from outside and leaves again with its own
// sender, which most services do not know. A server that has only its own names as
// domains forwards by its aliases alone: no person has an address there whose .forward
// would count.
func forwarded(out *output, state postfix.State, facts lint.Config, cfg config.Config, relayName string) {
	sender := cfg.First().Relay.Sender
	if sender.Rule == "any" || len(state.Listeners()) == 0 || ownNames(state, facts) && cfg.RootTo == "" && !aliasesLeave(state, facts) {
		return
	}
	if sender.Rule == "account" {
		out.note("forwarded mail (aliases, .forward, lists) keeps its original sender, which %s may reject or replace; what it rejects stays in the queue", relayName)
		return
	}
	out.note("forwarded mail (aliases, .forward, lists) keeps its original sender. %s rejects senders you do not own, so forwarded mail will stay in the queue",
		relayName)
}

// senderIsLocal finds domains that this server takes for its own although the
// sender address says that they live elsewhere.
func senderIsLocal(out *output, facts lint.Config, cfg config.Config) {
	for _, f := range facts.OwnDomain(domainOf(cfg.From())) {
		out.note("%s: mail from this server to addresses there stays here and is not sent", f.Detail)
	}
}

// oauthNotes warns that a login by OAuth ends with this setup.
func oauthNotes(out *output, state postfix.State, services []*service) {
	if strings.HasPrefix(state.Params["default_transport"], "relayhost") || services[0].bridge {
		return // it has ended before, or goes on with the bridge
	}
	const name, enable = "smtp_sasl_mechanism_filter", "smtp_sasl_auth_enable"
	var filters []string
	if state.Params[enable] == "yes" {
		filters = append(filters, state.Params[name])
	}
	if state.Master != nil {
		for _, s := range state.Master.Services() {
			filter, ok := s.Option(name)
			if on, set := s.Option(enable); ok && (on == "yes" || !set && state.Params[enable] == "yes") {
				filters = append(filters, filter)
			}
		}
	}
	instead := "a login with a password"
	if !services[0].logs() {
		instead = "no login"
	}
	for _, filter := range filters {
		if low := strings.ToLower(filter); strings.Contains(low, "xoauth2") && !strings.Contains(low, "!xoauth2") {
			out.note("this server logs in at its relay by OAuth (smtp_sasl_mechanism_filter = %s): setup replaces that by %s, and the token is not used any longer; --sign-in keeps a login by OAuth", filter, instead)
			return
		}
	}
}

func missingPlugins(out *output, state postfix.State, facts lint.Config, services []*service) {
	if state.SASLPlugins == nil {
		return
	}
	for _, s := range services {
		for i := range s.hops {
			h := &s.hops[i]
			usable := []string{"PLAIN", "LOGIN"} // Postfix is told to use no other
			if has := func(m string) bool { return slices.Contains(h.Relay.Auth.Mechanisms, m) }; slices.ContainsFunc(usable, has) {
				usable = slices.DeleteFunc(usable, func(m string) bool { return !has(m) })
			}
			if s.stores(*h) && !facts.HasPlugin(usable...) {
				out.note("no SASL plugin for %s is installed: without it Postfix cannot log in", strings.Join(usable, " or "))
			}
		}
	}
}

package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/mailaddr"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// rewriteSenders rewrites the senders that this host makes up and the relay would
// refuse to the address of --from. smtp_generic_maps, private to our service,
// changes no other mail. But it rewrites recipients as well, so it gets only names
// whose mail never leaves, and names that are no mail domain anywhere; the others go
// by sender_canonical_maps, which is for senders alone and applies before the route
// is chosen.
func (b *builder) rewriteSenders() error {
	setHELO(b.out, b.s, b.cfg, b.main, b.services)
	single := b.cfg.First().Relay.Sender.Single
	if single && len(b.routes) == 1 && len(b.cfg.Rewrite) == 0 && nullClient(b.s, b.facts) {
		b.d.SenderCanonicalMaps = canonicalPlace(b.s, b.cfg, b.main, "static:"+b.cfg.From(), true)
		return nil
	}
	local, foreign := b.ownNames()
	if single {
		b.out.note("%s sends mail as %s only: mail of other senders on this server stays in the queue if it rejects them, or leaves with that address", b.d.RelayName, b.cfg.From())
	}
	for _, s := range b.services {
		if err := b.generic(s, local); err != nil {
			return err
		}
	}
	foreign = slices.DeleteFunc(foreign, func(key string) bool { return isAsked(b.cfg, b.services, key) })
	if !nullClient(b.s, b.facts) {
		tellCanonical(b.out, b.cfg, foreign)
	}
	return b.canonical(foreign)
}

// tellCanonical says what changes for mail from keys ("@host", "root@host").
func tellCanonical(out *output, cfg config.Config, keys []string) {
	for _, who := range []struct{ prefix, become string }{{"@", "senders there become"}, {"root@", "root and other system accounts there become"}} {
		var list []string
		for _, key := range keys {
			if strings.HasPrefix(key, who.prefix) {
				list = append(list, domainOf(key))
			}
		}
		if len(list) > 0 {
			out.note("mail to %s leaves this server, so %s %s by sender_canonical_maps, which acts on all mail: "+
				"that to other hops and to mailboxes here has the new sender too; where people or programs here get mail at that name, "+
				"add it to mydestination first", strings.Join(list, ", "), who.become, cfg.From())
		}
	}
}

// isAsked reports whether [rewrite] or a route says what becomes of senders that
// match key ("@host", "root@host").
func isAsked(cfg config.Config, services []*service, key string) bool {
	for from := range cfg.Rewrite {
		if strings.EqualFold(from, key) {
			return true
		}
	}
	return slices.ContainsFunc(services, func(s *service) bool { return s.carries(domainOf(key)) })
}

// hostNames are the names of this host, as programs may use them in senders: first
// what Postfix itself appends, then what the kernel and the other programs have.
func hostNames(state postfix.State) []string {
	short, _, _ := strings.Cut(state.Hostname, ".")
	names := append([]string{state.Params["myhostname"], Origin(state), state.FQDN, state.Hostname, short}, state.Names...)
	names = append(names, short+".localdomain") // Postfix's own mydomain of a short name
	names = append(names, "localhost", "localhost."+state.Params["mydomain"], "localhost.localdomain")
	for _, name := range postfix.MatchList(state.Params["mydestination"]) {
		if strings.HasPrefix(strings.ToLower(name), "localhost.") || isName(name) && !mailaddr.Qualified(name) {
			// Names of the host, as "localhost.localdomain" and "web1", and no mail domains.
			names = append(names, name)
		}
	}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	return slices.DeleteFunc(names, func(name string) bool { return !isName(name) })
}

// OwnSenders lists addresses of root as programs on the host of s write them: one at
// each name of the host.
func OwnSenders(s postfix.State) []string {
	var list []string
	for _, name := range hostNames(s) {
		if address := "root@" + name; !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

// ownNames lists the keys of addresses that this host makes up by itself ("@host",
// "root@host"), those whose mail stays here or goes nowhere, and those whose mail does
// leave. At a name that people may have addresses at, only those of system accounts
// are the host's own.
func (b *builder) ownNames() (local, foreign []string) {
	first := b.cfg.First().Relay.Sender
	seen := map[string]bool{}
	for _, name := range hostNames(b.s) {
		appended := name == strings.ToLower(b.s.Params["myhostname"]) || name == strings.ToLower(Origin(b.s))
		if seen[name] || name == domainOf(b.cfg.From()) && !first.Single {
			continue
		}
		seen[name] = true
		stays := isLocal(b.facts, name) || b.facts.In("relay_domains", name) // mail for those never leaves by our service
		people := isMailDomain(b.s, b.facts, name)
		if people || !stays && !appended && !isNowhere(name) {
			b.tellUnchanged(name)
		}
		switch {
		case stays && people:
			local = append(local, b.accountsAt(name)...)
		case stays, isNowhere(name) && !appended:
			local = append(local, "@"+name)
		case appended && !people && !(first.Single && len(b.routes) == 1):
			foreign = append(foreign, "@"+name)
		default:
			foreign = append(foreign, b.accountsAt(name)...)
		}
	}
	return local, foreign
}

// tellUnchanged says that senders at name stay, and how that can be had otherwise.
func (b *builder) tellUnchanged(name string) {
	if isAsked(b.cfg, b.services, "@"+name) || b.cfg.First().Relay.Sender.Single {
		return
	}
	b.out.note("senders at %s are not rewritten, root and other system accounts aside: where %s does not know that domain, add \"@%s\" = %q below [rewrite] in relayhost.toml",
		name, b.d.RelayName, name, b.cfg.From())
}

// isMailDomain reports whether people may have addresses at name, one of this host: it
// is hosted here, it is what the name of the host ends in, or a domain of two labels,
// as registries sell them.
func isMailDomain(state postfix.State, facts lint.Config, name string) bool {
	if !mailaddr.Qualified(name) {
		return false
	}
	hosted := slices.ContainsFunc([]string{"virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"}, func(param string) bool { return facts.In(param, name) })
	return hosted || strings.Count(name, ".") == 1 || name == strings.ToLower(Origin(state)) && !facts.IsHost(name) ||
		slices.ContainsFunc(hostNames(state), func(host string) bool {
			return strings.HasSuffix(host, "."+name) && !strings.HasPrefix(host, "localhost.")
		})
}

// roles are system accounts whose names people give to mailboxes as well.
var roles = []string{"backup", "bin", "ftp", "games", "git", "irc", "list", "mail", "man", "news", "operator", "proxy", "sync", "sys"}

// accountsAt are the addresses of the system accounts at name, but for those that
// another table has something of its own for: a relay, a service, or a new address.
func (b *builder) accountsAt(name string) (list []string) {
	if isAsked(b.cfg, b.services, "@"+name) {
		return nil
	}
	taken := map[string]bool{}
	for _, param := range []string{"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps", "sender_canonical_maps", "canonical_maps", "smtp_generic_maps"} {
		for _, t := range postfix.ParseTables(b.s.Params[param], b.s.DefaultMap) {
			if isOwn(b.s, t.String()) {
				continue
			}
			for _, e := range entries(b.s, t.Path) {
				taken[strings.ToLower(e.Key)] = true
			}
		}
	}
	if taken["@"+name] {
		return nil
	}
	users := b.s.Accounts
	if len(users) == 0 {
		users = []string{"root"}
	}
	people := isMailDomain(b.s, b.facts, name)
	for _, user := range users {
		if address := user + "@" + name; !taken[address] && !isAsked(b.cfg, b.services, address) && !(people && slices.Contains(roles, user)) {
			list = append(list, address)
		}
	}
	return list
}

// isNowhere reports whether name is no domain that mail can be sent to: it has one
// label, which RFC 5321 section 2.3.5 does not admit, begins with localhost, or has a
// top-level domain that the public DNS does not have (.internal is reserved for private
// use since 2024). A relay refuses or returns mail to such a name, so that no mail that
// would arrive is rewritten.
func isNowhere(name string) bool {
	return !mailaddr.Qualified(strings.ReplaceAll(name, "_", "-")) || strings.HasSuffix(name, ".internal")
}

// Origin is the domain that s appends to users of this host (myorigin, postconf(5)).
func Origin(s postfix.State) string {
	value := s.Params["myorigin"]
	if strings.HasPrefix(value, "/") {
		line, _, _ := strings.Cut(string(s.Maps[value]), "\n")
		return strings.TrimSpace(line)
	}
	return value
}

// isName admits what may stand as a key, underscores in host names included.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == "" && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
}

func isLocal(facts lint.Config, domain string) bool {
	return slices.ContainsFunc(lint.LocalDomains(), func(name string) bool { return facts.In(name, domain) })
}

// generic gives s the table that turns names of this host into the sender of
// the first route that goes by it. Domains that a route names are known to its
// relay and stay; and where many accounts share a service no sender is right
// for all.
func (b *builder) generic(s *service, local []string) error {
	name := "smtp_generic_maps"
	if s.bridge {
		name = "lmtp_generic_maps"
	}
	global, _ := b.main.Get(name)
	var senders []templates.Setting
	for _, key := range local {
		if !s.keyed && !s.carries(domainOf(key)) {
			senders = append(senders, templates.Setting{Name: key, Value: cmp.Or(s.routes[0].sender(), b.cfg.From())})
		}
	}
	if len(senders) == 0 {
		return nil
	}
	for _, other := range b.services {
		if other == s {
			break
		}
		if slices.Equal(other.generics, senders) {
			s.d.GenericMap = other.d.GenericMap
			return nil
		}
	}
	s.generics = senders
	ours, err := b.out.newMap(s.file(b, genericFile), templates.Generic, &templates.Data{RelayName: s.d.RelayName, Senders: senders}, settingKeys(senders))
	if err != nil {
		return err
	}
	s.d.GenericMap = ours
	if global != "" {
		s.d.GenericMap += "," + strings.Join(postfix.SplitList(global), ",")
	}
	return nil
}

// carries reports whether a route of s has domain among its senders.
func (s *service) carries(domain string) bool {
	for _, w := range s.routes {
		for _, sender := range w.Senders {
			if sender == domain || sender[0] == '.' && strings.HasSuffix(domain, sender) {
				return true
			}
		}
	}
	return false
}

// file is the name of a table of s: base for the default service, so that a
// setup of one relay looks the same whatever else there was.
func (s *service) file(b *builder, base string) string {
	if s == b.services[0] {
		return base
	}
	return base + "_" + s.suffix()
}

// canonical writes what was asked for, and the names of this host in keys as
// far as no route has them as they are.
func (b *builder) canonical(keys []string) error {
	var senders []templates.Setting
	for _, from := range slices.Sorted(maps.Keys(b.cfg.Rewrite)) {
		senders = append(senders, templates.Setting{Name: strings.ToLower(from), Value: b.cfg.Rewrite[from]})
	}
	asked := len(senders) > 0
	for _, key := range keys {
		known := slices.ContainsFunc(senders, func(s templates.Setting) bool { return s.Name == key })
		if !known {
			senders = append(senders, templates.Setting{Name: key, Value: b.cfg.From()})
		}
	}
	if len(senders) == 0 {
		return nil
	}
	ours, err := b.out.newMap(senderFile, templates.SenderCanonical, &templates.Data{RelayName: relayNames(b.services, b.d), Senders: senders}, settingKeys(senders))
	if err != nil {
		return err
	}
	b.d.SenderCanonicalMaps = canonicalPlace(b.s, b.cfg, b.main, ours, asked)
	return nil
}

// canonicalPlace is the value of sender_canonical_maps with ours in it, at the front
// where it was asked for. An administrator who has moved it since has a reason.
func canonicalPlace(state postfix.State, cfg config.Config, main *postfix.Main, ours string, asked bool) string {
	raw, _ := main.Get("sender_canonical_maps")
	merged, before := withTables(state, main, "sender_canonical_maps", asked, ours), entries(state, filePath(state, senderFile))
	for from := range cfg.Rewrite {
		if !slices.ContainsFunc(before, func(e postfix.Entry) bool { return strings.EqualFold(e.Key, from) }) {
			return merged // asked for only now
		}
	}
	if sameWords(raw, merged) {
		return raw
	}
	return merged
}

// sameWords reports whether two lists differ in their order at most.
func sameWords(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values(postfix.SplitList(a))), slices.Sorted(slices.Values(postfix.SplitList(b))))
}

func settingKeys(settings []templates.Setting) map[string]secret.Value {
	keys := make(map[string]secret.Value, len(settings))
	for _, s := range settings {
		keys[s.Name] = secret.New(s.Value)
	}
	return keys
}

// nullClient reports whether this host only sends: no mail is delivered here
// and none is taken from elsewhere (STANDARD_CONFIGURATION_README).
func nullClient(state postfix.State, facts lint.Config) bool {
	return ownNames(state, facts) && state.LoopbackOnly()
}

// ownNames reports whether this host has mail of its own names alone.
func ownNames(state postfix.State, facts lint.Config) bool {
	for _, name := range append([]string{"relay_domains"}, lint.LocalDomains()...) {
		for _, word := range postfix.SplitList(state.Params[name]) {
			if !facts.IsHost(word) && word != "localhost" && !strings.HasPrefix(word, "localhost.") {
				return false
			}
		}
	}
	return true
}

// setHELO gives the relay a name that services accept where myhostname is none.
func setHELO(out *output, state postfix.State, cfg config.Config, main *postfix.Main, services []*service) {
	set, inMain := main.Get("smtp_helo_name")
	name := "smtp_helo_name"
	if !inMain || strings.Contains(set, "$myhostname") {
		name = "myhostname"
	}
	byAPI := !slices.ContainsFunc(services, func(s *service) bool { return !slices.ContainsFunc(s.hops, config.Hop.ByAPI) || s.walked })
	if state.Params == nil || mailaddr.Qualified(state.Params[name]) || byAPI {
		return
	}
	greeting := cmp.Or(state.FQDN, domainOf(cfg.From()))
	for _, s := range services {
		s.d.HeloName = greeting
	}
	out.note("%s = %s is not a HELO name that relays accept; this server greets the relay as %s", name, state.Params[name], greeting)
}

func domainOf(address string) string {
	return strings.ToLower(mailaddr.Domain(address))
}

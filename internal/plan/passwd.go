package plan

import (
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// passwd puts the credentials into a password table that our services alone
// read, by next hop. A service that needs another account at a next hop, or
// accounts by sender, gets a table of its own.
func (b *builder) passwd() error {
	shared := shareAccounts(b.accounts, b.services)
	former := formerNextHops(b.s, b.mainBefore)
	for _, a := range shared {
		delete(former, a.Key)
	}
	if sharesSettings(b.facts) {
		if err := unshare(b.out, b.s, b.main, former, shared); err != nil {
			return err
		}
	}
	target, ours := b.privateTable()
	if len(shared) > 0 || ours {
		if err := passwdTable(b.out, b.s, b.services, target, shared, former); err != nil {
			return err
		}
	}
	for _, s := range b.services {
		if s.logs() && !s.own {
			s.d.PasswordMap = target.String()
		}
	}
	return ownTables(b.out, b.s, b.services)
}

// shareAccounts lists the accounts of the common table: the first for each next
// hop. Services whose account is another are marked to have a table of their
// own.
func shareAccounts(accounts Accounts, services []*service) []templates.Account {
	var shared []templates.Account
	byHop := map[string]account{}
	for _, s := range services {
		if s.keyed {
			s.own = true
			continue
		}
		s.own = slices.ContainsFunc(s.hops, func(h config.Hop) bool {
			has, taken := byHop[h.NextHop()]
			return s.stores(h) && taken && has != accountOf(accounts, &h, s.routes[0])
		})
		if s.own {
			continue
		}
		for i := range s.hops {
			h := &s.hops[i]
			key := h.NextHop()
			if _, taken := byHop[key]; taken || !s.stores(*h) {
				continue
			}
			byHop[key] = accountOf(accounts, h, s.routes[0])
			shared = append(shared, templates.Account{Key: key, Username: h.Username, Password: h.Password.Reveal()})
		}
	}
	return shared
}

// sharedHosts are the hosts whose account is in the common table.
func sharedHosts(services []*service) []string {
	var hosts []string
	for _, s := range services {
		for i := range s.hops {
			if h := &s.hops[i]; !s.own && s.stores(*h) && !slices.Contains(hosts, h.Host) {
				hosts = append(hosts, h.Host)
			}
		}
	}
	return hosts
}

// ownTables writes the password tables of single services.
func ownTables(out *output, state postfix.State, services []*service) error {
	for _, s := range services {
		if bySender := state.Params["smtp_sender_dependent_authentication"]; s.keyed {
			s.d.SenderAuth = "yes"
		} else if s.logs() && strings.EqualFold(bySender, "yes") {
			s.d.SenderAuth = "no"
		}
		if !s.own {
			continue
		}
		accounts := s.accounts()
		text, err := templates.Render(templates.Passwd, &templates.Data{Accounts: accounts})
		if err != nil {
			return err
		}
		f := File{Path: ownPasswd(state.ConfigDir, s.name), After: text, Mode: 0o600, Secret: true, Keys: accountKeys(accounts)}
		if (postfix.Table{Type: out.mapType, Path: f.Path}).Index() != "" {
			f.Map = out.mapType
		}
		if slices.Contains(state.Unreadable, f.Path) {
			f.Before = []byte{} // it is there, and a look without root does not tell what is in it
		}
		out.file(f)
		s.d.PasswordMap = out.mapType + ":" + f.Path
	}
	return nil
}

// accounts are the entries of the service's own table.
func (s *service) accounts() []templates.Account {
	var accounts []templates.Account
	if !s.keyed {
		for i := range s.hops {
			if h := &s.hops[i]; s.stores(*h) {
				accounts = append(accounts, templates.Account{Key: h.NextHop(), Username: h.Username, Password: h.Password.Reveal()})
			}
		}
		return accounts
	}
	for _, w := range s.routes {
		h := &w.Hops[0]
		for _, sender := range w.Senders {
			if !strings.Contains(sender, "@") {
				sender = "@" + sender
			}
			accounts = append(accounts, templates.Account{Key: sender, Username: h.Username, Password: h.Password.Reveal()})
		}
	}
	return accounts
}

func accountKeys(accounts []templates.Account) map[string]secret.Value {
	keys := make(map[string]secret.Value, len(accounts))
	for _, a := range accounts {
		keys[a.Key] = secret.New(a.Username + ":" + a.Password)
	}
	return keys
}

// privateTable is the password table that our services share, and whether it is
// there and ours. sasl_passwd is the name that administrators look for; where
// somebody else uses it, that file stays as it is and ours has another name.
func (b *builder) privateTable() (t postfix.Table, ours bool) {
	const name = "smtp_sasl_password_maps"
	for _, o := range b.master.Overrides(name) {
		if !strings.HasPrefix(o.Service, ServicePrefix) {
			continue
		}
		for _, named := range postfix.ParseTables(o.Option.Value, b.s.DefaultMap) {
			if named.Path == filePath(b.s, passwdFile) || named.Path == filePath(b.s, privateFile) {
				// The type that new tables get, as all our others have; one that is
				// read by others as well keeps theirs.
				if b.cfg.MapType != "" || !slices.Contains(b.s.MapTypes, named.Type) || !isNamed(b.s, b.main, b.master, named.Path) {
					named.Type = b.out.mapType
				}
				return named, true
			}
		}
	}
	t = postfix.Table{Type: b.out.mapType, Path: filePath(b.s, passwdFile)}
	text, there := b.s.Maps[t.Path]
	there = there || slices.Contains(b.s.Unreadable, t.Path)
	switch {
	case !isNamed(b.s, b.main, b.master, t.Path) && !there:
		return t, false
	case !isNamed(b.s, b.main, b.master, t.Path) && wasOurs(b.main) && onlyOurs(b.s, b.mainBefore, b.services, text):
		return t, true
	}
	t.Path = filePath(b.s, privateFile)
	_, ours = b.s.Maps[t.Path]
	return t, ours
}

// isNamed reports whether main.cf, as it will be, or a service of somebody else
// names path as a password table.
func isNamed(state postfix.State, main *postfix.Main, master *postfix.Master, path string) bool {
	const name = "smtp_sasl_password_maps"
	raw, _ := main.Get(name)
	values := []string{raw}
	for _, o := range master.Overrides(name) {
		if !strings.HasPrefix(o.Service, ServicePrefix) {
			values = append(values, o.Option.Value)
		}
	}
	return slices.ContainsFunc(values, func(value string) bool {
		return slices.ContainsFunc(postfix.ParseTables(value, state.DefaultMap), func(t postfix.Table) bool { return t.Path == path })
	})
}

// wasOurs reports whether main.cf sends mail by a service of ours now.
func wasOurs(main *postfix.Main) bool {
	transport, _ := main.Get("default_transport")
	return strings.HasPrefix(transport, ServicePrefix)
}

// onlyOurs reports whether every entry of a password table has a next hop of
// ours as its key.
func onlyOurs(state postfix.State, mainBefore []byte, services []*service, text []byte) bool {
	hops := formerNextHops(state, mainBefore)
	for _, s := range services {
		for i := range s.hops {
			hops[s.hops[i].NextHop()] = true
		}
	}
	source, err := postfix.ParseSource(text)
	return err == nil && !slices.ContainsFunc(source.Entries(), func(e postfix.Entry) bool { return !hops[e.Key] })
}

// passwdTable puts table t, which is ours alone, into the plan: with accounts,
// without former next hops and without bare hosts, which would win.
func passwdTable(out *output, state postfix.State, services []*service, t postfix.Table, accounts []templates.Account, former map[string]bool) error {
	before, there := state.Maps[t.Path]
	text, err := sourceOf(state, t.Path)
	if err != nil {
		return err
	}
	for _, host := range sharedHosts(services) {
		// smtp(8) looks for the bare host before the next hop (smtp_sasl_passwd_lookup).
		if text.Remove(host) {
			out.note("%s has an entry for %s without a port, which would take precedence; it is removed", t.Path, host)
		}
	}
	for hop := range former {
		text.Remove(hop)
	}
	f := File{Path: t.Path, Mode: 0o600, Secret: true, Keys: accountKeys(accounts)}
	for _, a := range accounts {
		line, err := templates.Render(templates.Passwd, &templates.Data{Accounts: []templates.Account{a}})
		if err != nil {
			return err
		}
		key, value, _ := strings.Cut(strings.TrimRight(string(line), "\n"), " ")
		text.Set(key, value)
	}
	if t.Index() != "" {
		f.Map = t.Type
	}
	f.After = text.Bytes()
	if there && len(accounts) == 0 && len(f.After) == 0 {
		f.Action, f.Before, f.After, f.Keys = Remove, notNil(before), nil, nil
		out.files = append(out.files, f)
		return nil
	}
	if slices.Contains(state.Unreadable, t.Path) {
		// A look without root: what is shown cannot be the whole file.
		f.Before = []byte{}
		out.note("%s cannot be read without root; the entries in it that are not shown stay", t.Path)
	}
	out.file(f)
	return nil
}

// formerNextHops are those of an earlier setup of ours.
func formerNextHops(state postfix.State, mainBefore []byte) map[string]bool {
	former := map[string]bool{}
	add := func(list string) {
		for _, hop := range postfix.Words(list) {
			former[strings.ToLower(hop)] = true
		}
	}
	if before, err := postfix.ParseMain(mainBefore); err == nil {
		transport, _ := before.Get("default_transport")
		if _, hop, _ := strings.Cut(transport, ":"); strings.HasPrefix(transport, ServicePrefix) {
			if hop == "" {
				hop, _ = before.Get("relayhost")
			}
			add(hop)
		}
	}
	for _, hop := range furtherHops(state) {
		add(hop)
	}
	return former
}

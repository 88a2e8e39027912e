package plan

import (
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// passwd puts the credentials into the password table that is in use, or into
// sasl_passwd, by next hop. Entries of others stay. A service that needs
// another account at a next hop, or accounts by sender, gets a table of its own.
func (b *builder) passwd() error {
	shared := b.shareAccounts()
	former := b.formerNextHops()
	for _, a := range shared {
		delete(former, a.Key)
	}
	if err := b.ownTables(); err != nil {
		return err
	}
	b.d.SASLAuth = slices.ContainsFunc(b.services, (*service).logs)
	if !b.d.SASLAuth && len(former) == 0 {
		return nil
	}
	raw, _ := b.main.Get("smtp_sasl_password_maps")
	tables := postfix.ParseTables(b.param("smtp_sasl_password_maps"), b.s.DefaultMap)
	target, kept := b.passwdTarget(tables)
	if b.d.SASLAuth {
		b.d.PasswordMaps = b.passwordMaps(raw, tables, target, kept)
	}
	e := passwdEdit{target: target, accounts: shared, former: former, hosts: b.sharedHosts()}
	for _, t := range append(otherThan(tables, target.Path), target) {
		if err := b.passwdTable(t, e); err != nil {
			return err
		}
	}
	return nil
}

// shareAccounts lists the accounts of the common table: the first for each next
// hop. Services whose account is another are marked to have a table of their
// own.
func (b *builder) shareAccounts() []templates.Account {
	var shared []templates.Account
	byHop := map[string]account{}
	for _, s := range b.services {
		if s.keyed {
			s.own = true
			continue
		}
		s.own = slices.ContainsFunc(s.hops, func(h config.Hop) bool {
			has, taken := byHop[h.NextHop()]
			return h.NeedsLogin() && taken && has != b.account(&h, s.ways[0])
		})
		if s.own {
			continue
		}
		for i := range s.hops {
			h := &s.hops[i]
			key := h.NextHop()
			if _, taken := byHop[key]; taken || !h.NeedsLogin() {
				continue
			}
			byHop[key] = b.account(h, s.ways[0])
			shared = append(shared, templates.Account{Key: key, Username: h.Username, Password: h.Password.Reveal()})
		}
	}
	return shared
}

// sharedHosts are the hosts whose account is in the common table.
func (b *builder) sharedHosts() []string {
	var hosts []string
	for _, s := range b.services {
		for i := range s.hops {
			if h := &s.hops[i]; !s.own && h.NeedsLogin() && !slices.Contains(hosts, h.Host) {
				hosts = append(hosts, h.Host)
			}
		}
	}
	return hosts
}

// ownTables writes the password tables of single services.
func (b *builder) ownTables() error {
	routes := len(b.ways) > 1 || len(b.services[0].hops) > 1
	for _, s := range b.services {
		if bySender := b.param("smtp_sender_dependent_authentication"); s.keyed {
			s.d.SenderAuth = "yes"
		} else if routes && strings.EqualFold(bySender, "yes") {
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
		f := File{Path: ownPasswd(b.s.ConfigDir, s.name), After: text, Mode: 0o600, Secret: true, Keys: accountKeys(accounts)}
		if (postfix.Table{Type: b.mapType, Path: f.Path}).Index() != "" {
			f.Map = b.mapType
		}
		if slices.Contains(b.s.Unreadable, f.Path) {
			f.Before = []byte{} // it is there, and a look without root does not tell what is in it
		}
		b.file(f)
		s.d.PasswordMap = b.mapType + ":" + f.Path
	}
	return nil
}

// accounts are the entries of the service's own table.
func (s *service) accounts() []templates.Account {
	var accounts []templates.Account
	if !s.keyed {
		for i := range s.hops {
			if h := &s.hops[i]; h.NeedsLogin() {
				accounts = append(accounts, templates.Account{Key: h.NextHop(), Username: h.Username, Password: h.Password.Reveal()})
			}
		}
		return accounts
	}
	for _, w := range s.ways {
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

// passwordMaps is the value of smtp_sasl_password_maps with target in it.
func (b *builder) passwordMaps(raw string, tables []postfix.Table, target postfix.Table, kept bool) string {
	list := splitList(raw)
	var entries []string
	for i, t := range tables {
		switch {
		case t.Type == "static":
			// It would offer that password to every host, and wins over any key.
			b.note("smtp_sasl_password_maps = static:... gave one password to every server; it is replaced")
		case kept && t.Path == target.Path:
			entries = append(entries, target.String())
		case len(list) == len(tables):
			entries = append(entries, list[i])
		default:
			entries = append(entries, t.String())
		}
	}
	if !kept {
		entries = append([]string{target.String()}, entries...)
	}
	// What is right already keeps its spelling; proxymap(8) is no root and could
	// not read the table.
	if kept && len(entries) == len(tables) && target.Type == tableAt(tables, target.Path).Type && !strings.Contains(raw, "proxy:") {
		return raw
	}
	return strings.Join(entries, ", ")
}

// passwdTarget is the table that our entries go to: the first one with a source
// file, with a type that this Postfix has. kept says that it is in the list.
func (b *builder) passwdTarget(tables []postfix.Table) (target postfix.Table, kept bool) {
	for _, t := range tables {
		if !t.Editable() {
			continue
		}
		if b.cfg.MapType != "" || !slices.Contains(b.s.MapTypes, t.Type) {
			t.Type = b.mapType
		}
		return t, true
	}
	return postfix.Table{Type: b.mapType, Path: b.path(passwdFile)}, false
}

// passwdEdit is what changes in the password tables.
type passwdEdit struct {
	target   postfix.Table
	accounts []templates.Account
	hosts    []string        // whose entry without port would win
	former   map[string]bool // next hops of an earlier set-up of ours
}

// passwdTable adds table t to the plan: with our entries when it is the target,
// without keys that would win over ours in any case.
func (b *builder) passwdTable(t postfix.Table, e passwdEdit) error {
	if !t.Editable() {
		return nil
	}
	before, isTarget := b.s.Maps[t.Path], t.Path == e.target.Path
	text := parseTable(before)
	for _, host := range e.hosts {
		// smtp(8) looks for the bare host before the next hop (smtp_sasl_passwd_lookup).
		if text.remove(host) {
			b.note("%s held an entry for %s without port, which would win over ours; it is removed", t.Path, host)
		}
	}
	for hop := range e.former {
		text.remove(hop)
	}
	f := File{Path: t.Path, Mode: 0o600, Secret: true}
	for _, a := range e.accounts {
		if !isTarget {
			text.remove(a.Key)
			continue
		}
		line, err := templates.Render(templates.Passwd, &templates.Data{Accounts: []templates.Account{a}})
		if err != nil {
			return err
		}
		text.set(string(line))
	}
	if isTarget {
		f.Keys = accountKeys(e.accounts)
	}
	if (!isTarget || !b.d.SASLAuth) && string(text.bytes()) == string(before) {
		return nil
	}
	if t.Index() != "" {
		f.Map = t.Type
	}
	f.After = text.bytes()
	if slices.Contains(b.s.Unreadable, t.Path) {
		// A look without root: what is shown cannot be the whole file.
		f.Before = []byte{}
		b.note("%s cannot be read without root; the entries in it that are not shown stay", t.Path)
	}
	b.file(f)
	return nil
}

// formerNextHops are those of an earlier set-up of ours.
func (b *builder) formerNextHops() map[string]bool {
	former := map[string]bool{}
	add := func(list string) {
		for _, hop := range words(list) {
			former[strings.ToLower(hop)] = true
		}
	}
	if transport, _ := b.main.Get("default_transport"); strings.HasPrefix(transport, ServicePrefix) {
		hop, _ := b.main.Get("relayhost")
		add(hop)
	}
	for _, s := range b.master.Services() {
		if strings.HasPrefix(s.Name, ServicePrefix) && s.Command == "smtp" {
			hops, _ := s.Option("smtp_fallback_relay")
			add(hops)
		}
	}
	for _, name := range []string{bySenderFile, belowFile} {
		for _, e := range parseTable(b.s.Maps[b.path(name)]).entries() {
			if _, hop, _ := strings.Cut(e.value, ":"); strings.HasPrefix(e.value, ServicePrefix) {
				add(hop)
			}
		}
	}
	return former
}

func tableAt(tables []postfix.Table, path string) postfix.Table {
	for _, t := range tables {
		if t.Path == path {
			return t
		}
	}
	return postfix.Table{}
}

func otherThan(tables []postfix.Table, path string) []postfix.Table {
	return slices.DeleteFunc(slices.Clone(tables), func(t postfix.Table) bool { return t.Path == path })
}

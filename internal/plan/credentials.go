package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// Accounts finds the accounts that this Postfix logs in with, ours and those of
// a setup made by hand.
type Accounts struct {
	r     *postfix.Routing
	s     postfix.State
	split string
	below *postfix.Source // our own table of senders below a domain
	own   map[string]*postfix.Source
	all   []string // the password tables that our services share, and those of main.cf
}

// StoredAccounts reads the tables of s once for many questions.
func StoredAccounts(s postfix.State) Accounts {
	dir := cmp.Or(s.ConfigDir, postfix.DefaultConfigDir)
	s.ConfigDir = dir
	a := Accounts{r: postfix.NewRouting(s), s: s, split: string(s.PasswordDelimiter()), own: map[string]*postfix.Source{}}
	a.below = a.table(filepath.Join(dir, belowFile))
	a.all = passwordTables(s)
	return a
}

// Find returns the account for nextHop ("[host]:port") of mail from senders (as
// config.Route has them; none asks for the default): the one that Postfix uses on the
// way there now, however that next hop is written; else what a table holds for
// the bare host or for nextHop. A static: password counts on the way only, since
// it would answer for any host.
func (a Accounts) Find(nextHop string, senders ...string) (username string, password secret.Value, ok bool) {
	want, err := postfix.ParseNextHop(nextHop)
	if err != nil {
		return "", secret.Value{}, false
	}
	for _, sender := range append(senders, "") {
		if user, password, ok := a.inBridge(want, sender); ok {
			return user, password, true
		}
		w, sender := a.route(sender)
		if value, ok := a.orphan(w, sender, want); ok {
			user, pass, split := strings.Cut(value, a.split)
			return user, secret.New(pass), split
		}
		for _, hop := range w.NextHops {
			if hop.Host != want.Host || hop.Port != want.Port {
				continue
			}
			if sender != "" && a.lost(w, hop) {
				return "", secret.Value{}, false
			}
			if login, ok := a.r.Login(w, sender, hop); ok {
				return login.Username, login.Password, true
			}
		}
	}
	for _, maps := range a.all {
		for _, key := range []string{want.Host, nextHop} {
			value, t, found := a.r.Get(maps, key)
			if user, pass, split := strings.Cut(value, a.split); found && split && t.Type != "static" {
				return user, secret.New(pass), true
			}
		}
	}
	return "", secret.Value{}, false
}

// passwordTables are the password tables that our services share, and those of main.cf.
func passwordTables(s postfix.State) []string {
	var list []string
	if s.Master != nil {
		for _, o := range s.Master.Overrides("smtp_sasl_password_maps") {
			own := strings.HasPrefix(o.Service, ServicePrefix) && !strings.Contains(o.Option.Value, "/"+ownPasswdFile+"_")
			if own && !slices.Contains(list, o.Option.Value) {
				list = append(list, o.Option.Value)
			}
		}
	}
	return append(list, s.Params["smtp_sasl_password_maps"])
}

// orphan is the entry for a hop of w in the password table of a service of our
// own that is gone from master.cf.
func (a Accounts) orphan(w postfix.Route, sender string, hop postfix.NextHop) (string, bool) {
	if w.Service.Name != "" || !strings.HasPrefix(w.Transport, ServicePrefix) {
		return "", false
	}
	path := ownPasswd(a.s.ConfigDir, w.Transport)
	if !strings.HasPrefix(w.Transport, keyedPrefix) {
		for _, file := range []string{path, filepath.Join(a.s.ConfigDir, privateFile), filepath.Join(a.s.ConfigDir, passwdFile)} {
			if value, ok := a.table(file).Get(hop.Text); ok {
				return value, true
			}
		}
		return "", false
	}
	text := a.table(path)
	if len(w.NextHops) == 0 || w.NextHops[0].Host != hop.Host || w.NextHops[0].Port != hop.Port {
		return "", false
	}
	return text.Get(sender)
}

// table is the text of a password table of ours.
func (a Accounts) table(path string) *postfix.Source {
	text, known := a.own[path]
	if !known {
		var err error
		if text, err = postfix.ParseSource(a.s.Maps[path]); err != nil {
			text, _ = postfix.ParseSource(nil)
		}
		a.own[path] = text
	}
	return text
}

// ownPasswd is the password table of a service that has one of its own.
func ownPasswd(dir, service string) string {
	return filepath.Join(dir, ownPasswdFile+"_"+strings.TrimPrefix(service, ServicePrefix))
}

// orphans are those of services that a table of senders names and master.cf does
// not have.
func orphans(s postfix.State, dir string) []string {
	var list []string
	seen := map[string]bool{}
	for _, name := range []string{bySenderFile, belowFile} {
		for _, e := range entries(s, filepath.Join(dir, name)) {
			service, _, _ := strings.Cut(e.Value, ":")
			if seen[service] || !strings.HasPrefix(service, ServicePrefix) {
				continue
			}
			seen[service] = true
			if s.Master != nil {
				if _, there := s.Master.Get(service, "unix"); there {
					continue
				}
			}
			list = append(list, ownPasswd(dir, service))
		}
	}
	return list
}

// NextHops lists the next hops ("[host]:port") that Postfix uses now, the default's
// first, and those that a password table has an account for: all that a file may
// leave out the port of. Some keys of tables among them are no next hops.
func NextHops(s postfix.State) []string {
	_, first, _ := strings.Cut(s.Params["default_transport"], ":")
	list := append([]string{cmp.Or(first, s.Params["relayhost"])}, furtherHops(s)...)
	for _, b := range StoredBridges(s) {
		if b.Config.API == nil {
			list = append(list, fmt.Sprintf("[%s]:%d", b.Config.Host, b.Config.Port))
		}
	}
	for _, maps := range StoredAccounts(s).all {
		for _, t := range postfix.ParseTables(maps, s.DefaultMap) {
			for _, e := range entries(s, t.Path) {
				list = append(list, e.Key) // where a table of senders is broken, say
			}
		}
	}
	return list
}

// furtherHops lists the next hops of our services beside the default one: those of
// smtp_fallback_relay, those of the tables of senders, and those of the policy table
// of an earlier release.
func furtherHops(s postfix.State) []string {
	var list []string
	dir := cmp.Or(s.ConfigDir, postfix.DefaultConfigDir)
	if s.Master != nil {
		for _, o := range s.Master.Overrides("smtp_fallback_relay") {
			if strings.HasPrefix(o.Service, ServicePrefix) {
				list = append(list, postfix.Words(strings.ToLower(o.Option.Value))...)
			}
		}
	}
	for _, name := range []string{bySenderFile, belowFile} {
		for _, e := range entries(s, filepath.Join(dir, name)) {
			if _, hop, _ := strings.Cut(e.Value, ":"); strings.HasPrefix(e.Value, ServicePrefix) {
				list = append(list, strings.ToLower(hop))
			}
		}
	}
	for _, e := range entries(s, filepath.Join(dir, policyFile)) {
		list = append(list, e.Key)
	}
	return list
}

// lost reports whether w is a service of our own that had an account of its own
// for hop, which cannot be read any more: its table is gone, or its entry in
// master.cf is while the default logs in to the same next hop.
func (a Accounts) lost(w postfix.Route, hop postfix.NextHop) bool {
	if !strings.HasPrefix(w.Transport, ServicePrefix) {
		return false
	}
	if w.Service.Name == "" {
		return slices.ContainsFunc(a.r.Route("").NextHops, func(h postfix.NextHop) bool { return h.Host == hop.Host && h.Port == hop.Port })
	}
	maps, _ := w.Service.Option("smtp_sasl_password_maps")
	return slices.ContainsFunc(postfix.ParseTables(maps, a.s.DefaultMap), func(t postfix.Table) bool {
		_, read := a.s.Maps[t.Path]
		return strings.HasPrefix(filepath.Base(t.Path), ownPasswdFile+"_") && !read
	})
}

// route is where mail of a sender of a config.Route goes now, and the sender as a key of
// Postfix's tables.
func (a Accounts) route(sender string) (postfix.Route, string) {
	if sender == "" || sender == config.NullSender || strings.Contains(sender, "@") {
		return a.r.Route(sender), sender
	}
	if value, ok := a.below.Get(below(sender)); ok {
		transport, next, _ := strings.Cut(value, ":")
		return a.r.By(transport, next), "@" + strings.TrimPrefix(sender, ".")
	}
	sender = "@" + strings.TrimPrefix(sender, ".")
	return a.r.Route(sender), sender
}

// Credentials is Accounts.Find for a single question.
func Credentials(s postfix.State, nextHop string, senders ...string) (username string, password secret.Value, ok bool) {
	return StoredAccounts(s).Find(nextHop, senders...)
}

// Service is the entry of master.cf that mail of a sender of a config.Route leaves by
// now; "" asks for the default.
func (a Accounts) Service(sender string) string {
	w, _ := a.route(sender)
	return w.Transport
}

package plan

import (
	"slices"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/templates"
)

// Earlier releases kept account, TLS policy and next hop in main.cf, where every
// service with the same next hop read them. What of that is ours goes, and the
// lines of others stay.

// sharesSettings reports whether an earlier release wrote the setup that is there.
func (b *builder) sharesSettings() bool { return len(b.facts.SharedSettings()) > 0 }

// unshare takes our entries out of the password tables that main.cf names, and
// the tables out of main.cf where nobody else has an entry in them.
func (b *builder) unshare(former map[string]bool, shared []templates.Account) error {
	const name = "smtp_sasl_password_maps"
	raw, _ := b.main.Get(name)
	var kept []string
	list := postfix.SplitList(raw)
	tables := postfix.ParseTables(b.param(name), b.s.DefaultMap)
	for i, t := range tables {
		entry := t.String()
		if len(list) == len(tables) {
			entry = list[i]
		}
		before, known := b.s.Maps[t.Path]
		if !t.Editable() || !known {
			kept = append(kept, entry)
			continue
		}
		text, err := b.source(t.Path)
		if err != nil {
			return err
		}
		for hop := range former {
			text.Remove(hop)
		}
		for _, a := range shared {
			text.Remove(a.Key)
		}
		others := len(text.Entries()) > 0
		if others {
			kept = append(kept, entry)
		}
		if string(text.Bytes()) == string(before) || !others && t.Path == b.path(passwdFile) {
			continue // which the accounts go to again
		}
		f := File{Path: t.Path, After: text.Bytes(), Mode: 0o600, Secret: true}
		if t.Index() != "" {
			f.Map = t.Type
		}
		if len(f.After) == 0 {
			f.Action, f.Before, f.After = Remove, notNil(before), nil
			b.files = append(b.files, f)
			continue
		}
		b.file(f)
	}
	if slices.Equal(kept, list) {
		return nil
	}
	b.setOrRemove(name, strings.Join(kept, ", "))
	if len(kept) == 0 {
		b.main.Remove("smtp_sasl_auth_enable")
	}
	return nil
}

// relayhost takes the next hop that an earlier release wrote out of main.cf.
// One of somebody else stays where it decides about other mail than ours:
// default_transport names a next hop, and so wins over it.
func (b *builder) relayhost() {
	const name = "relayhost"
	raw, _ := b.main.Get(name)
	old := b.param(name)
	ours := b.sharesSettings()
	switch {
	case raw == "":
		return
	case !ours && b.needsRelayhost():
		b.note("relayhost = %s stays for relay_domains and for senders of other transports; no other mail goes there", old)
		return
	case slices.Contains(b.main.Marked(), name):
		b.main.Remove(name)
	default:
		b.main.Set(name, "")
	}
	if !ours && !strings.EqualFold(old, b.d.NextHop) {
		b.note("relayhost was %s; default_transport says now where mail goes", old)
	}
}

// needsRelayhost reports whether some mail that is not ours goes to relayhost:
// that for relay_domains, and that of senders whose transport has no next hop.
func (b *builder) needsRelayhost() bool {
	if strings.HasSuffix(b.relayTransport(), ":") && b.passesOn() {
		return true
	}
	others := slices.DeleteFunc(postfix.SplitList(b.param("sender_dependent_default_transport_maps")), func(e string) bool {
		return forOthers(e) || strings.Contains(e, ":"+b.path(ownPrefix))
	})
	return len(others) > 0
}

package plan

import (
	"slices"
	"strings"

	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/templates"
)

// Earlier releases kept account, TLS policy and next hop in main.cf, where every
// service with the same next hop read them. What of that is ours goes, and the
// lines of others stay.

// sharesSettings reports whether an earlier release wrote the setup that is there.
func sharesSettings(facts lint.Config) bool { return len(facts.SharedSettings()) > 0 }

// unshare takes our entries out of the password tables that main.cf names, and
// the tables out of main.cf where nobody else has an entry in them.
func unshare(out *output, state postfix.State, main *postfix.Main, former map[string]bool, shared []templates.Account) error {
	const name = "smtp_sasl_password_maps"
	raw, _ := main.Get(name)
	var kept []string
	list := postfix.SplitList(raw)
	tables := postfix.ParseTables(state.Params[name], state.DefaultMap)
	for i, t := range tables {
		entry := t.String()
		if len(list) == len(tables) {
			entry = list[i]
		}
		before, known := state.Maps[t.Path]
		if !t.Editable() || !known {
			kept = append(kept, entry)
			continue
		}
		text, err := sourceOf(state, t.Path)
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
		if string(text.Bytes()) == string(before) || !others && t.Path == filePath(state, passwdFile) {
			continue // which the accounts go to again
		}
		f := File{Path: t.Path, After: text.Bytes(), Mode: 0o600, Secret: true}
		if t.Index() != "" {
			f.Map = t.Type
		}
		if len(f.After) == 0 {
			f.Action, f.Before, f.After = Remove, notNil(before), nil
			out.files = append(out.files, f)
			continue
		}
		out.file(f)
	}
	if slices.Equal(kept, list) {
		return nil
	}
	setOrRemove(main, name, strings.Join(kept, ", "))
	if len(kept) == 0 {
		main.Remove("smtp_sasl_auth_enable")
	}
	return nil
}

// formerRelayhost takes the next hop that an earlier release wrote out of main.cf.
// One of somebody else stays where it decides about other mail than ours:
// default_transport names a next hop, and so wins over it.
func formerRelayhost(out *output, state postfix.State, facts lint.Config, main *postfix.Main, nextHop string) {
	const name = "relayhost"
	raw, _ := main.Get(name)
	old := state.Params[name]
	ours := sharesSettings(facts)
	switch {
	case raw == "":
		return
	case !ours && needsRelayhost(state, facts):
		out.note("relayhost = %s stays for relay_domains and for senders of other transports; no other mail goes there", old)
		return
	case slices.Contains(main.Marked(), name):
		main.Remove(name)
	default:
		main.Set(name, "")
	}
	if !ours && !strings.EqualFold(old, nextHop) {
		out.note("relayhost was %s; default_transport says now where mail goes", old)
	}
}

// needsRelayhost reports whether some mail that is not ours goes to relayhost:
// that for relay_domains, and that of senders whose transport has no next hop.
func needsRelayhost(state postfix.State, facts lint.Config) bool {
	if strings.HasSuffix(relayTransport(state), ":") && passesOn(state, facts) {
		return true
	}
	others := slices.DeleteFunc(postfix.SplitList(state.Params["sender_dependent_default_transport_maps"]), func(e string) bool {
		return forOthers(e) || isOwn(state, e)
	})
	return len(others) > 0
}

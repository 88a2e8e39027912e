package plan

import (
	"cmp"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// sender_dependent_relayhost_maps names next hops alone: the service is that of
// default_transport, which is ours now. Its CA file, its login and maybe its
// wrapper mode are none for the relays of others, so their senders go on by the
// service that they had. A pipemap: (DATABASE_README, since 3.0) makes of any
// next hop found there that service's name.

// otherSenders is value (of sender_dependent_default_transport_maps) with a last
// entry for each table of sender_dependent_relayhost_maps; others' come before.
func otherSenders(state postfix.State, main *postfix.Main, master *postfix.Master, value string) string {
	var own, wanted []string
	service := formerService(state, master)
	raw, _ := main.Get("sender_dependent_relayhost_maps")
	if state.MapTypes == nil || slices.Contains(state.MapTypes, "pipemap") {
		for _, table := range postfix.SplitList(raw) {
			if !strings.Contains(table, ":") {
				table = state.DefaultMap + ":" + table
			}
			wanted = append(wanted, pipe(table, service))
		}
	}
	if exempt := exempt(state); exempt != "" && len(wanted) > 0 {
		wanted = append([]string{exempt}, wanted...)
	}
	list := postfix.SplitList(value)
	for _, entry := range list {
		if !forOthers(entry) {
			own = append(own, entry)
		}
	}
	if own = append(own, wanted...); slices.Equal(own, list) {
		return value
	}
	return strings.Join(own, ", ")
}

// exempt is a table of the senders that sender_dependent_relayhost_maps sends the
// default way (DUNNO): a pipe cannot tell those from the others. DUNNO ends the
// search here as well (postconf(5), sender_dependent_default_transport_maps); "" for
// no such sender.
func exempt(state postfix.State) string {
	var pairs []string
	for _, t := range postfix.ParseTables(state.Params["sender_dependent_relayhost_maps"], state.DefaultMap) {
		for _, e := range entries(state, t.Path) {
			if strings.EqualFold(e.Value, "dunno") {
				pairs = append(pairs, "{"+e.Key+exemptMark)
			}
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	return "inline:{" + strings.Join(pairs, ",") + "}"
}

const exemptMark = "=DUNNO}"

// forOthers reports whether an entry of sender_dependent_default_transport_maps is a
// pipe or a table of exempt.
func forOthers(entry string) bool {
	_, is := piped(entry)
	pairs, inline := strings.CutPrefix(entry, "inline:{")
	return is || inline && pairs != "}" && !slices.ContainsFunc(strings.Split(strings.TrimSuffix(pairs, "}"), ","), func(p string) bool {
		return !strings.HasPrefix(p, "{") || !strings.HasSuffix(p, exemptMark)
	})
}

const pipeMark = ",static:"

// pipe answers service for every sender that table has a next hop for.
func pipe(table, service string) string { return "pipemap:{" + table + pipeMark + service + ":}" }

// piped returns the service that pipe was told; false for a table of others.
func piped(entry string) (service string, ok bool) {
	inner, ok := strings.CutPrefix(entry, "pipemap:{")
	if !ok || !strings.HasSuffix(inner, ":}") {
		return "", false
	}
	_, service, ok = cutLast(strings.TrimSuffix(inner, ":}"), pipeMark)
	return service, ok
}

// formerService is the service that mail went by before it was ours.
func formerService(state postfix.State, master *postfix.Master) string {
	if transport, _, _ := strings.Cut(state.Params["default_transport"], ":"); !strings.HasPrefix(transport, ServicePrefix) {
		if s, ok := master.Get(transport, "unix"); ok && s.Command == "smtp" {
			return transport
		}
	}
	for _, t := range postfix.ParseTables(state.Params["sender_dependent_default_transport_maps"], state.DefaultMap) {
		if service, ok := piped(t.String()); ok {
			return cmp.Or(service, "smtp")
		}
	}
	return "smtp"
}

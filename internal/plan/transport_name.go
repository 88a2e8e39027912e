package plan

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/lint"
	"relayhost/internal/mailaddr"
	"relayhost/internal/postfix"
)

// Mail for other servers has another transport from now on: the name of our
// service in place of "smtp". What is keyed by that name stays behind, and what
// names a next hop alone follows default_transport.

// captured finds mail of others that follows default_transport: by an entry of
// transport_maps that names a next hop and no transport (":[gw.example.com]:25"), or
// by a parameter that refers to it. It would go by our service, with our account and
// our rewriting of senders.
func captured(state postfix.State, facts lint.Config, main *postfix.Main, master *postfix.Master) *Conflict {
	for _, name := range []string{"local_transport", "virtual_transport", "relay_transport", "mailbox_transport", "fallback_transport", "best_mx_transport"} {
		if raw, _ := main.Get(name); strings.Contains(strings.NewReplacer("{", "", "(", "").Replace(raw), "$default_transport") {
			return &Conflict{name, raw, "that mail would follow default_transport to the relay",
				fmt.Sprintf("write %s = %s, which is what it means today", name, formerService(state, master))}
		}
	}
	for _, t := range postfix.ParseTables(state.Params["transport_maps"], state.DefaultMap) {
		if t.Path == filePath(state, transportFile) {
			continue
		}
		for _, e := range entries(state, t.Path) {
			if hop, is := strings.CutPrefix(e.Value, ":"); is && hop != "" && e.Key != "*" && !otherClass(facts, e.Key) {
				return &Conflict{"transport_maps", t.String(),
					fmt.Sprintf("its entry \"%s %s\" names no transport, so that mail would go there by the relay's service", e.Key, e.Value),
					fmt.Sprintf("write \"%s %s:%s\" in %s, which is what it means today, and run postmap", e.Key, formerService(state, master), hop, t.Path)}
			}
		}
	}
	return nil
}

// otherClass reports whether the recipients of a transport(5) key have another
// transport than default_transport (ADDRESS_CLASS_README).
func otherClass(facts lint.Config, key string) bool {
	domain := strings.TrimPrefix(mailaddr.Domain(key), ".")
	return isLocal(facts, domain) || facts.In("relay_domains", domain)
}

// plainKey are the characters of a sender that an inline table takes as they are.
const plainKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@_+-"

// dunno finds a sender of sender_dependent_relayhost_maps that is to go by the
// default and cannot be named in an inline table.
func dunno(state postfix.State) *Conflict {
	const name = "sender_dependent_relayhost_maps"
	for _, t := range postfix.ParseTables(state.Params[name], state.DefaultMap) {
		for _, e := range entries(state, t.Path) {
			if strings.EqualFold(e.Value, "dunno") && (strings.Trim(e.Key, plainKey) != "" || state.MapTypes != nil && !slices.Contains(state.MapTypes, "inline")) {
				return &Conflict{name, t.String(), fmt.Sprintf("its entry \"%s %s\" would send that mail past the relay", e.Key, e.Value),
					"remove that entry from " + t.Path + ": senders without one go by the relay"}
			}
		}
	}
	if state.Params[name] != "" && state.MapTypes != nil && !slices.Contains(state.MapTypes, "pipemap") {
		return &Conflict{name, state.Params[name], "this Postfix has no pipemap tables, without which its senders would go by the relay",
			"make a table of sender_dependent_default_transport_maps of it"}
	}
	return nil
}

// scheduling are the parameters of qmgr(8) that are named after a transport.
var scheduling = []string{
	"_destination_concurrency_limit", "_destination_concurrency_failed_cohort_limit", "_destination_concurrency_negative_feedback",
	"_destination_concurrency_positive_feedback", "_initial_destination_concurrency", "_destination_recipient_limit",
	"_destination_rate_delay", "_transport_rate_delay", "_recipient_limit", "_extra_recipient_limit", "_recipient_refill_limit",
	"_recipient_refill_delay", "_minimum_delivery_slots", "_delivery_slot_cost", "_delivery_slot_discount", "_delivery_slot_loan",
}

// otherName names the settings of the former transport, which do not hold for
// mail to the relay any more.
func (b *builder) otherName() {
	former := formerService(b.s, b.master)
	if held := postfix.Words(b.s.Params["defer_transports"]); slices.Contains(held, former) && !slices.Contains(held, b.d.Service) {
		b.out.note("main.cf: defer_transports = %s does not hold back mail for the relay, whose transport is %s: add that name to hold it back",
			b.s.Params["defer_transports"], b.d.Service)
	}
	for _, suffix := range scheduling {
		name := former + suffix
		value, set := b.main.Get(name)
		if set {
			b.out.note("main.cf: %s = %s stays and does not hold for mail to the relay: set %s for that", name, value, b.d.Service+suffix)
		}
	}
	if s, ok := b.master.Get(former, "unix"); ok {
		for _, o := range s.Options {
			b.out.note("master.cf: -o %s of the service %s does not hold for mail to the relay, which goes by %s", o, former, b.d.Service)
		}
	}
}

// restrictions are the lists of smtpd(8) that may ask for an address probe.
var restrictions = []string{"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions", "smtpd_relay_restrictions",
	"smtpd_recipient_restrictions", "smtpd_data_restrictions"}

// probesOf tells that verify(8) asks the relay from now on, where its transport
// follows default_transport: a relay says yes to whatever address.
func probesOf(out *output, state postfix.State, main *postfix.Main, master *postfix.Master) {
	if theirs, set := main.Get("address_verify_default_transport"); set && !strings.HasPrefix(theirs, "$") {
		return
	}
	values := make([]string, len(restrictions))
	for i, name := range restrictions {
		values[i] = state.Params[name]
	}
	for _, o := range master.Overrides(restrictions...) {
		values = append(values, o.Option.Value)
	}
	for _, word := range []string{"reject_unverified_sender", "reject_unverified_recipient"} {
		if slices.ContainsFunc(values, func(v string) bool { return slices.Contains(postfix.Words(v), word) }) {
			out.note("%s asks the relay about addresses elsewhere from now on, which says yes to all of them (address_verify_default_transport follows default_transport)", word)
		}
	}
}

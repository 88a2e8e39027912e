package verify

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// relayAccess looks whether strangers can send through this Postfix, which with
// a relay costs the account (SMTPD_ACCESS_README).
func relayAccess(s postfix.State) []Finding {
	if !s.Installed || s.Params == nil {
		return skip("relay_access", "there is no Postfix")
	}
	if s.Master == nil {
		return skip("relay_access", "master.cf cannot be read")
	}
	listeners := s.Listeners()
	if len(listeners) == 0 {
		return pass("relay_access", "no smtpd listens on a public address")
	}
	var bad []string
	for _, o := range s.Openings() {
		if o.Network != "" {
			bad = append(bad, fmt.Sprintf("%s: mynetworks has %s", o.Service, o.Network))
		} else {
			bad = append(bad, fmt.Sprintf("%s: %s = %s allows anybody to relay", o.Service, o.Parameter, o.Value))
		}
	}
	if len(bad) > 0 {
		return []Finding{{Check: "relay_access", Result: Fail, Detail: strings.Join(bad, "; "), Cause: "open_relay",
			Remedy:  "List only your own networks in mynetworks, and let reject_unauth_destination come before any permit.",
			Command: "postconf mynetworks smtpd_relay_restrictions smtpd_recipient_restrictions"}}
	}
	if style := s.Params["mynetworks_style"]; style != "" && style != "host" && notSet(s, "mynetworks") && !notSet(s, "mynetworks_style") && slices.ContainsFunc(listeners, s.TrustsNetworks) {
		return []Finding{{Check: "relay_access", Result: Warn, Detail: "mynetworks_style = " + style + " lets every host in the networks of this server relay",
			Cause: "neighbours_trusted", Remedy: "Trust this host only.", Command: "postconf -e 'mynetworks_style = host' && postfix reload"}}
	}
	return pass("relay_access", relayers(s, listeners))
}

// relayers says who may relay, as far as the restrictions of the listeners show.
func relayers(s postfix.State, listeners []postfix.Service) string {
	who, others := "mynetworks", ""
	for _, service := range listeners {
		for _, list := range []string{"smtpd_relay_restrictions", "smtpd_recipient_restrictions"} {
			value, _ := s.Effective(service, list)
			for _, word := range postfix.Words(value) {
				switch {
				case word == "permit_sasl_authenticated":
					who = "mynetworks and authenticated users"
				case strings.HasPrefix(word, "check_"), strings.HasPrefix(word, "permit_") && word != "permit_mynetworks", !strings.HasPrefix(word, "reject") && !strings.HasPrefix(word, "defer") && strings.Contains(word, ":"):
					others = "; " + list + " also asks tables or services, which were not checked"
				}
			}
		}
	}
	if others != "" {
		return "no restriction lets strangers relay (" + who + " may)" + others
	}
	return "not an open relay: only " + who + " may relay"
}

func notSet(s postfix.State, name string) bool {
	if s.Main == nil {
		return true
	}
	_, set := s.Main.Get(name)
	return !set
}

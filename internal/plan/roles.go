package plan

import (
	"slices"
	"strings"

	"relayhost/internal/lint"
	"relayhost/internal/postfix"
)

// Roles says what the server of s does besides sending the mail that is made on
// it, a clause each: "passes on mail for backup.test (relay_domains)". A server
// whose lists hold its own names alone has none.
func Roles(s postfix.State) []string {
	facts := s.Facts()
	var list []string
	for _, name := range append(lint.LocalDomains(), "relay_domains") {
		var domains []string
		for _, word := range postfix.SplitList(s.Params[name]) {
			own := facts.IsHost(word) || word == "localhost" || strings.HasPrefix(word, "localhost.")
			if !own && !(name == "relay_domains" && facts.In("mydestination", word)) {
				domains = append(domains, word)
			}
		}
		if len(domains) > 5 {
			domains = append(domains[:5], "...")
		}
		does := "receives mail for "
		if name == "relay_domains" {
			does = "passes on mail for "
		}
		if len(domains) > 0 {
			list = append(list, does+strings.Join(domains, ", ")+" ("+name+")")
		}
	}
	for name, does := range map[string]string{"transport_maps": "sends some mail by ways of its own", "content_filter": "has mail filtered"} {
		others := slices.DeleteFunc(postfix.SplitList(s.Params[name]), func(e string) bool { return isOwn(s, e) })
		if len(others) > 0 {
			list = append(list, does+" ("+name+" = "+strings.Join(others, ", ")+")")
		}
	}
	slices.Sort(list)
	return list
}

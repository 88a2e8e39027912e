package adopt

import (
	"slices"
	"strings"

	"relayhost/internal/mailaddr"
	"relayhost/internal/postfix"
)

// from finds the address that mail of this server leaves as: one that was given,
// the only one that senders are rewritten to, or the account of a service that
// takes one sender alone.
func (a *reading) from() {
	why := ""
	switch {
	case a.o.From != "":
		a.out.From = a.o.From
	case len(rewritten(a.r, a.s)) == 1:
		a.out.From, why = rewritten(a.r, a.s)[0], "senders are rewritten to it today"
	default:
		a.out.From, why = a.mailbox(), "it is the account, and the relay accepts no other sender"
	}
	if a.out.From == "" {
		seen := ""
		if many := rewritten(a.r, a.s); len(many) > 1 {
			seen = " (senders are rewritten to " + shorten(many) + ")"
		}
		a.out.question("from", "which address is mail of this server sent from?%s Give --from", seen)
		return
	}
	if why != "" {
		a.out.keep("from = "+a.out.From, "%s; --from says otherwise", why)
	}
	if isLocal(a.r, a.s, mailaddr.Domain(a.out.From)) {
		a.out.question("to", "mail to %s is delivered on this server: give setup --to an address elsewhere", a.out.From)
	}
}

// rewritten lists the addresses that tables rewrite senders to.
func rewritten(r *postfix.Routing, s postfix.State) []string {
	var all []string
	for _, name := range []string{"smtp_generic_maps", "sender_canonical_maps", "canonical_maps"} {
		maps := s.Params[name]
		for _, t := range postfix.ParseTables(maps, s.DefaultMap) {
			var values []string
			switch t.Type {
			case "static":
				values = []string{strings.Trim(t.Path, "{} ")}
			case "regexp", "pcre":
				values = patterns(s.Maps[t.Path])
			default:
				for _, key := range r.Keys(t.String()) {
					value, _, _ := r.Get(t.String(), key)
					values = append(values, value)
				}
			}
			for _, v := range values {
				if v = strings.ToLower(v); mailaddr.IsAddress(v) && !slices.Contains(all, v) {
					all = append(all, v)
				}
			}
		}
	}
	return all
}

// patterns are the results of a table of expressions (regexp_table(5)).
func patterns(data []byte) []string {
	var values []string
	for _, line := range postfix.LogicalLines(data) {
		if f := strings.Fields(line); len(f) > 1 {
			values = append(values, f[len(f)-1])
		}
	}
	return values
}

// mailbox is the account of the default relay where that is the one sender that
// its service takes.
func (a *reading) mailbox() string {
	f := find(a.r, "")
	if len(a.out.Routes) == 0 || a.out.Routes[0].Name != "default" || !f.has[0] {
		return ""
	}
	r := serviceOf(a.o, f.route.NextHops[0])
	if user := strings.ToLower(f.logins[0].Username); r.Sender.Single && !r.Auth.Same && mailaddr.IsAddress(user) {
		return user
	}
	return ""
}

// isLocal reports whether mail for a domain is delivered here.
func isLocal(r *postfix.Routing, s postfix.State, domain string) bool {
	for _, name := range []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"} {
		for _, word := range postfix.Words(s.Params[name]) {
			if strings.EqualFold(word, domain) {
				return true
			}
			if strings.ContainsAny(word, ":/") {
				if _, _, ok := r.Get(word, domain); ok {
					return true
				}
			}
		}
	}
	return false
}

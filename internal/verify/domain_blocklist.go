package verify

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"relayhost/internal/smtpprobe"
)

// blocklists are asked for this host's public addresses. With a relay they
// matter little; for a request to open port 25 they do.
var blocklists = []struct{ zone, remove string }{
	{"zen.spamhaus.org", "https://check.spamhaus.org/"},
	{"bl.spamcop.net", "https://www.spamcop.net/bl.shtml"},
	{"psbl.surriel.com", "https://psbl.org/"},
}

// Blocklist asks for each IPv4 address. Lists that refuse to answer say nothing:
// Spamhaus gives 127.255.255.0/24 to public resolvers
// (https://www.spamhaus.com/resource-hub/dnsbl/, "error codes").
func (d Domain) Blocklist(ctx context.Context) Finding {
	f := Finding{Check: "blocklist", Result: Skip, Detail: "no public IPv4 address is known"}
	var listed, unknown, clear, remove []string
	for _, addr := range d.Public {
		if !addr.Is4() {
			continue
		}
		for _, list := range blocklists {
			switch listedAt(ctx, d.Resolver, addr, list.zone) {
			case "listed":
				listed = append(listed, addr.String()+" at "+list.zone)
				remove = once(remove, list.remove)
			case "clear":
				clear = once(clear, list.zone)
			default:
				unknown = once(unknown, list.zone)
			}
		}
	}
	switch {
	case len(listed) > 0:
		f.Result, f.Cause, f.Detail = Warn, "blocklisted", "listed: "+strings.Join(listed, ", ")
		f.Remedy = "See why, and how to be removed from the list: " + strings.Join(remove, ", ")
	case len(clear) > 0:
		f.Result, f.Detail = Pass, "not listed at "+strings.Join(clear, ", ")
	case len(unknown) > 0:
		f.Detail = ""
	}
	if len(unknown) > 0 {
		f.Detail = strings.TrimPrefix(f.Detail+"; no answer that counts from "+strings.Join(unknown, ", "), "; ")
	}
	return f
}

// once is list with s in it.
func once(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// listedAt returns "listed", "clear" or "unknown".
func listedAt(ctx context.Context, r Resolver, addr netip.Addr, zone string) string {
	b := addr.As4()
	name := netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}).String() + "." + zone
	v4, _, err := r.Addrs(ctx, name)
	switch {
	case missing(err):
		return "clear"
	case err != nil:
		return "unknown"
	}
	refused := netip.MustParsePrefix("127.255.255.0/24")
	answers := netip.MustParsePrefix("127.0.0.0/8")
	for _, a := range v4 {
		if answers.Contains(a) && !refused.Contains(a) {
			return "listed"
		}
	}
	return "unknown" // a refusal, or a resolver that answers everything
}

func clean(names []string) []string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = smtpprobe.Sanitize(name)
	}
	return shown
}

package adopt

import (
	"fmt"
	"strconv"
	"strings"

	"relayhost/internal/config"
	"relayhost/relays"
)

const header = `# Made of this server's Postfix by "relayhost adopt". It holds no secrets: user
# names and passwords stay in Postfix's tables, where "relayhost setup" finds them.
`

// TOML is the offer as the text of config.Path.
func (a Adoption) TOML() []byte {
	var b strings.Builder
	b.WriteString(header + "version = 1\n")
	routes := a.Routes
	if len(routes) > 0 && routes[0].Name == config.DefaultRoute {
		fmt.Fprintf(&b, "\n# was %s\n", by(routes[0]))
		routes[0].Hops[0].toml(&b)
	}
	line(&b, "from", a.From)
	if len(a.Direct) > 0 {
		fmt.Fprintf(&b, "direct = [%s]\n", list(a.Direct))
	}
	for _, r := range routes {
		table := "fallback"
		if r.Name != config.DefaultRoute {
			fmt.Fprintf(&b, "\n[[route]] # was %s\n", by(r))
			line(&b, "name", r.Name)
			fmt.Fprintf(&b, "senders = [%s]\n", list(r.Senders))
			r.Hops[0].toml(&b)
			table = "route.fallback"
		}
		for _, h := range r.Hops[1:] {
			fmt.Fprintf(&b, "\n[[%s]] # was %s\n", table, comment(h.NextHop))
			h.toml(&b)
		}
	}
	return []byte(b.String())
}

// by is where a route's first next hop stands today.
func by(r Route) string { return comment(r.By + ": " + r.Hops[0].NextHop) }

// comment keeps a text on its line.
func comment(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

func (h Hop) toml(b *strings.Builder) {
	line(b, "relay", h.Relay)
	line(b, "region", h.Region)
	line(b, "host", h.Host)
	fmt.Fprintf(b, "port = %d\n", h.Port)
	if h.TLS == relays.NoTLS {
		b.WriteString("insecure_plaintext = true\n")
	} else {
		line(b, "tls", string(h.TLS))
	}
	line(b, "via", h.Via)
	line(b, "sign_in", h.SignIn)
	line(b, "tenant", h.Tenant)
	line(b, "client_id", h.ClientID)
	line(b, "ca_file", h.CAFile)
	line(b, "fingerprint", h.Fingerprint)
	if h.Connections > 0 {
		fmt.Fprintf(b, "connections = %d\n", h.Connections)
	}
}

// line writes key = "value", and nothing for an empty value.
func line(b *strings.Builder, key, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s = %s\n", key, quote(value))
	}
}

func list(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return strings.Join(quoted, ", ")
}

// quote makes a basic string of TOML, whose escapes are those of JSON.
func quote(s string) string {
	return strconv.QuoteToASCII(strings.ToValidUTF8(comment(s), "?"))
}

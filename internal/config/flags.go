package config

import (
	"path/filepath"
	"strings"

	"relayhost/relays"
)

// Given is what flags say beside the relay itself; the zero value says nothing.
type Given struct {
	Port                int // 0 chooses one
	From, To, RootTo    string
	MapType             string
	CAFile, Fingerprint string
	NoVerify            bool
	Plaintext           bool   // without TLS
	CredentialsFile     string // "-" is standard input
	Connections         *int
	Direct              *[]string
	Via                 string // as the file names it; "" keeps it
	Proxy               string // https_proxy; "" keeps it
	BridgeService       *bool  // nil keeps it
	SignIn              SignIn // what is set replaces what is stored
}

// SameRelay reports whether h and other are one relay at one host.
func (h Hop) SameRelay(other Hop) bool {
	return h.Relay.ID == other.Relay.ID && strings.EqualFold(h.Host, other.Host)
}

// Merge is c with chosen as the first hop of the default route, and what was given
// over what c says. Of before, c's own first hop as Resolve has completed it, it keeps,
// where that is the same relay at the same host, how it is connected to and verified; of
// the same relay in another region, that it goes by the API.
// Fallbacks and routes stay, and are those of c itself.
func (c Config) Merge(chosen, before Hop, g Given) Config {
	c = c.CloneFirst()
	if c.given == nil {
		c.given = map[string]bool{}
	}
	h := chosen
	if !h.SameRelay(before) {
		for _, key := range []string{"relay", "region", "host", "port", "tls", "ca_file", "fingerprint", "connections", "credentials_file",
			"via", "https_proxy", "bridge_service", "sign_in", "tenant", "client_id"} {
			c.given[key] = true
		}
		if before.ByAPI() && h.Relay.ID == before.Relay.ID && !APITakesTokens(h.Relay) && g.Port == 0 { // another region, by the way that there is
			h.Via, h.Port, h.TLS = HTTPS, HTTPSPort, relays.Implicit
			h.Connections, h.CAFile, h.Proxy, h.BridgeService = before.Connections, before.CAFile, before.Proxy, before.BridgeService
		}
	} else {
		if h.Port == 0 {
			h.Port, h.TLS = before.Port, before.TLS
		}
		h.Connections, h.CredentialsFile = before.Connections, g.reference(before.CredentialsFile)
		h.CAFile, h.Pin, h.NoVerify = before.CAFile, before.Pin, before.NoVerify
		h.Via, h.SignIn, h.Proxy, h.BridgeService = before.Via, before.SignIn, before.Proxy, before.BridgeService
	}
	if g.Port != 0 {
		h.Port, h.TLS = g.Port, ""
		if mode, ok := h.Relay.TLSOf(g.Port); ok && mode != relays.Unsure {
			h.TLS = mode
		}
		c.given["port"], c.given["tls"] = true, true
	}
	c.via(&h, g)
	if g.Connections != nil {
		h.Connections, c.given["connections"] = *g.Connections, true
	}
	if g.Plaintext {
		h.TLS, c.given["tls"] = relays.NoTLS, true
		h.CAFile, h.Pin, h.NoVerify = "", "", false
		for _, key := range []string{"insecure_plaintext", "ca_file", "fingerprint"} {
			c.given[key] = true
		}
	}
	if g.CAFile != "" || g.Fingerprint != "" || g.NoVerify {
		h.CAFile, h.Pin, h.NoVerify = g.CAFile, g.Fingerprint, g.NoVerify
		c.given["ca_file"], c.given["fingerprint"] = true, true
	}
	*c.First() = h
	return c.addresses(g)
}

// via sets how mail gets to h, and as which application.
func (c Config) via(h *Hop, g Given) {
	if g.Via != "" {
		was := h.Via
		h.Via, c.given["via"] = fileVia(g.Via), true
		if (was == HTTPS) != (h.Via == HTTPS) { // whose port is never that of the other
			h.Port, h.TLS = g.Port, ""
			c.given["port"], c.given["tls"] = true, true
		}
	}
	if g.Proxy != "" {
		h.Proxy, c.given["https_proxy"] = g.Proxy, true
	}
	if h.Via != HTTPS {
		h.Proxy = ""
	}
	if g.BridgeService != nil {
		h.BridgeService, c.given["bridge_service"] = *g.BridgeService, true
	} else if !h.Bridged() {
		h.BridgeService = false
	}
	if h.Via == SMTP {
		h.SignIn = SignIn{}
		if g.Via != "" {
			c.given["sign_in"], c.given["tenant"], c.given["client_id"] = true, true, true
		}
	}
	if g.SignIn.Grant != "" {
		h.SignIn.Grant, c.given["sign_in"] = g.SignIn.Grant, true
	}
	if g.SignIn.Tenant != "" {
		h.SignIn.Tenant, c.given["tenant"] = g.SignIn.Tenant, true
	}
	if g.SignIn.ClientID != "" {
		h.SignIn.ClientID, c.given["client_id"] = g.SignIn.ClientID, true
	}
}

// reference is the credentials file that the Config goes on naming: where
// credentials are given now, the old one would bring the old password back.
func (g Given) reference(stored string) string {
	if stored == "" || g.CredentialsFile == "" {
		return stored
	}
	if abs, err := filepath.Abs(g.CredentialsFile); err == nil && g.CredentialsFile != "-" {
		return abs
	}
	return ""
}

func (c Config) addresses(g Given) Config {
	for _, v := range []struct {
		key string
		to  *string
		is  string
	}{
		{"from", &c.Routes[0].From, g.From}, {"to", &c.To, g.To}, {"root_to", &c.RootTo, g.RootTo}, {"map_type", &c.MapType, g.MapType},
	} {
		if v.is != "" {
			*v.to, c.given[v.key] = v.is, true
		}
	}
	if g.Direct != nil {
		c.Direct = *g.Direct
		c.given["direct"] = true
	}
	return c
}

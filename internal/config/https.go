package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// HTTPSSuffix ends the name of a service whose mail goes by the API of its relay; see
// OAuthSuffix.
const HTTPSSuffix = "-https"

// HTTPSPort is the port of every API.
const HTTPSPort = 443

// API is the account of a hop at the API of its relay.
type API struct {
	Host     string // in place of the API's own
	Settings map[conf.Field]string
	Key      secret.Value  // api_key or private_key
	AWS      *conf.AWSKeys // of Amazon SES

	ProxyLogin secret.Value // "user:password" at Hop.Proxy, "" for none
}

// ProxyAddress is the proxy of h with its login: a secret, where there is one.
func (h Hop) ProxyAddress() string {
	u, err := url.Parse(h.Proxy)
	user, password, ok := strings.Cut(h.API.ProxyLogin.Reveal(), ":")
	if err != nil || h.Proxy == "" || !ok {
		return h.Proxy
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// ProxyLogin is the login in the address of a proxy.
func ProxyLogin(proxy string) secret.Value {
	u, err := url.Parse(proxy)
	if err != nil || u.User == nil {
		return secret.Value{}
	}
	password, _ := u.User.Password()
	return secret.New(u.User.Username() + ":" + password)
}

// ByAPI reports whether mail gets to h by the API of its relay.
func (h Hop) ByAPI() bool { return h.Via == HTTPS }

// HasAPI reports whether mail can go by the API of relay r.
func HasAPI(r *relays.Relay) bool { _, ok := conf.Get(r.ID); return ok }

// APITakesTokens reports whether the API of h wants a sign-in by OAuth, not a key.
func (h Hop) APITakesTokens() bool { return h.ByAPI() && APITakesTokens(h.Relay) }

// APITakesTokens reports whether r has an API that wants a sign-in by OAuth.
func APITakesTokens(r *relays.Relay) bool { a, ok := conf.Get(r.ID); return ok && a.Tokens() }

// RegionName is the region of h by its short name, "" where there is none: as it was
// given, or what the host says.
func (h Hop) RegionName() string {
	if h.Region != "" && !strings.Contains(h.Region, ".") {
		return strings.ToLower(h.Region)
	}
	if region, ok := h.Relay.Hosts.RegionOf(h.Host); ok {
		return region
	}
	for _, name := range h.Relay.Hosts.Regions() {
		if host, err := h.Relay.Host(name); err == nil && strings.EqualFold(host, h.Host) {
			return name
		}
	}
	return ""
}

// APIHost is the host name of the API of h, "" where it is not known.
func (h Hop) APIHost() string {
	a, ok := conf.Get(h.Relay.ID)
	if !ok {
		return ""
	}
	account := h.API.account()
	if region := h.RegionName(); region != "" && account.Settings[conf.Region] == "" {
		account.Settings = maps.Clone(account.Settings)
		if account.Settings == nil {
			account.Settings = map[conf.Field]string{}
		}
		account.Settings[conf.Region] = region
	}
	host, err := a.Host(account)
	if err != nil {
		return ""
	}
	return host
}

func (a API) account() conf.Account {
	return conf.Account{Host: a.Host, Settings: a.Settings, Key: a.Key, AWS: a.AWS}
}

// Given reports whether the account holds what proves whose it is.
func (a API) Given() bool { return !a.Key.IsZero() || a.AWS != nil }

// String is what is no secret of an account; it is equal for accounts that differ in
// their keys alone.
func (a API) String() string {
	var parts []string
	for name, value := range a.Settings {
		parts = append(parts, string(name)+"="+value)
	}
	slices.Sort(parts)
	return a.Host + " " + strings.Join(parts, " ")
}

// Shown is the host and port that mail for h goes to: of its API where it goes by one.
func (h Hop) Shown() (host string, port int) {
	if h.ByAPI() {
		return cmp.Or(h.APIHost(), h.Host), HTTPSPort
	}
	return h.Host, h.Port
}

// GoByAPI is c with the API of its relay as the way to the first hop.
func (c Config) GoByAPI() Config {
	c = c.CloneFirst()
	if c.given == nil {
		c.given = map[string]bool{}
	}
	h := c.First()
	h.Via, h.Port, h.TLS = HTTPS, HTTPSPort, relays.Implicit
	c.given["via"], c.given["port"], c.given["tls"] = true, true, true
	return c
}

// https checks a hop that goes by the API of its relay.
func (k *checker) https(at func(string) string, h *Hop) {
	if !k.asRead && !HasAPI(h.Relay) {
		k.bad(at("via"), "leave via out, or choose a relay with an API: relayhost relays --https", "%s has no API that relayhost sends through", cmp.Or(h.Relay.Name, h.Name()))
	}
	if h.Port != 0 && h.Port != HTTPSPort {
		k.bad(at("port"), "leave the port out", "via = %q goes to port %d, not %d", HTTPS, HTTPSPort, h.Port)
	}
	if h.NoVerify || h.Pin != "" {
		k.bad(at("fingerprint"), "name a CA file with ca_file, or leave it to the system's", "an API key is sent only over connections that a CA verifies, not a fingerprint")
	}
	if h.APITakesTokens() {
		k.oauth(at, h)
	} else {
		k.noSignIn(at, h)
	}
	if h.Proxy != "" {
		if err := checkProxy(h.Proxy); err != nil {
			k.bad(at("https_proxy"), "write it as in http://proxy.example.com:3128", "%v", err)
		}
	}
}

func checkProxy(proxy string) error {
	u, err := url.Parse(proxy)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("https_proxy is not the address of a proxy")
	case u.User != nil:
		return fmt.Errorf("https_proxy holds a password, and everybody can read this file: give it as https_proxy_login=user:password in the file of --credentials-file")
	}
	return nil
}

// apiAccount checks the account at an API.
func (k *checker) apiAccount(at func(string) string, h *Hop) {
	if len(k.found) > 0 {
		return
	}
	a, ok := conf.Get(h.Relay.ID)
	switch {
	case !ok:
		return // told already
	case a.Tokens():
		k.application(at, h)
		return
	case a.Signed() && h.API.AWS == nil:
		k.bad(at("credentials_file"), "give access_key= and secret_access_key= in the file of --credentials-file", "no AWS keys were given, and none are found here")
		return
	}
	if err := a.Validate(h.API.account()); err != nil {
		k.bad(at("credentials_file"), "relayhost help credentials shows what the file holds", "%s: %v", a.Name, err)
	}
}

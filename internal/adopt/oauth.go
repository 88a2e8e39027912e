package adopt

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// pluginConf is the configuration of sasl-xoauth2; a token file overrides it (its
// README, 0.27).
const pluginConf = "/etc/sasl-xoauth2.conf"

// proxyConfs are where the configuration of email-oauth2-proxy is looked for: it has no
// place of its own (its README, 2025.3).
var proxyConfs = []string{
	"/etc/emailproxy.config", "/etc/email-oauth2-proxy/emailproxy.config", "/opt/email-oauth2-proxy/emailproxy.config",
	"/usr/local/etc/emailproxy.config", "/root/emailproxy.config",
}

// tokenFiles are the files of OAuth beside Postfix: those that stand in the place of a
// password, and the configurations of plugin and proxy.
func tokenFiles(s postfix.State) []string {
	list := append([]string{pluginConf}, proxyConfs...)
	for _, t := range postfix.ParseTables(s.Params["smtp_sasl_password_maps"], s.DefaultMap) {
		source, err := postfix.ParseSource(s.Maps[t.Path])
		if err != nil {
			continue
		}
		for _, e := range source.Entries() {
			if _, path, ok := strings.Cut(e.Value, ":"); ok && strings.HasPrefix(path, "/") {
				list = append(list, path)
			}
		}
	}
	return list
}

// application is one registered with an identity provider, as a plugin or a proxy has it.
type application struct{ ClientID, Endpoint, Flow string }

// tenant is the organisation that the token endpoint of Microsoft is for; "" for none.
func (p application) tenant() string {
	u, err := url.Parse(p.Endpoint)
	if err != nil || !strings.HasPrefix(u.Host, "login.microsoftonline.") {
		return ""
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	switch tenant {
	case "common", "organizations", "consumers":
		return ""
	}
	return tenant
}

// plugin is the application of a token file that a login has in place of a password.
func plugin(s postfix.State, path string) (application, bool) {
	var p application
	if !strings.HasPrefix(path, "/") {
		return p, false
	}
	for _, file := range []string{pluginConf, path} {
		var f struct {
			ClientID string `json:"client_id"`
			Endpoint string `json:"token_endpoint"`
		}
		text, ok := s.Maps[file]
		if !ok || json.Unmarshal(text, &f) != nil {
			continue
		}
		if f.ClientID != "" {
			p.ClientID = f.ClientID
		}
		if f.Endpoint != "" {
			p.Endpoint = f.Endpoint
		}
	}
	return p, p.ClientID != ""
}

// proxied is the server behind a local port of email-oauth2-proxy, and the application
// that it logs in as user with.
func proxied(s postfix.State, port int, user string) (p application, server string, serverPort int, ok bool) {
	for _, path := range proxyConfs {
		sections := ini(s.Maps[path])
		at := sections["smtp-"+strconv.Itoa(port)]
		account, known := sections[strings.ToLower(user)]
		if at["server_address"] == "" || !known {
			continue
		}
		serverPort, _ = strconv.Atoi(at["server_port"])
		return application{account["client_id"], account["token_url"], account["oauth2_flow"]}, at["server_address"], serverPort, account["client_id"] != ""
	}
	return p, "", 0, false
}

// ini reads a file of sections (Python's configparser), names in small letters.
func ini(text []byte) map[string]map[string]string {
	sections, name := map[string]map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch key, value, ok := strings.Cut(line, "="); {
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			name = strings.ToLower(strings.Trim(line, "[]"))
			sections[name] = map[string]string{}
		case ok && name != "" && line[0] != '#' && line[0] != ';':
			sections[name][strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return sections
}

// byToken makes a hop that is logged in to by OAuth one of a bridge, where its relay can
// be signed in to.
func (a *reading) byToken(h *Hop, f found, i int) {
	login := f.logins[i]
	p, ok := plugin(a.s, login.Password.Reveal())
	from := "the token file"
	if host, port, behind := h.Host, h.Port, false; !ok && (host == "localhost" || strings.HasPrefix(host, "127.")) {
		p, host, port, behind = proxied(a.s, port, login.Username)
		r, region, known := relays.ByHost(a.o.Catalog, host)
		if ok = behind && known; ok {
			from = "the configuration of email-oauth2-proxy"
			h.Relay, h.Region, h.Host, h.Port, h.TLS = r.ID, region, host, port, relays.StartTLS
			if mode, ok := r.TLSOf(port); ok && mode != relays.Unsure {
				h.TLS = mode
			}
		}
	}
	if !ok || !config.TakesTokens(&relays.Relay{ID: h.Relay}) {
		return
	}
	h.Via, h.SignIn, h.ClientID, h.Tenant = string(config.SMTPOAuth), string(oauth.DeviceCode), p.ClientID, p.tenant()
	what := "a person signs in once, as setup says, and the registration needs \"Allow public client flows\""
	if p.Flow == string(oauth.ClientCredentials) {
		h.SignIn = p.Flow
		what = "give setup the file with client_secret= by --credentials-file"
	}
	a.out.change("the login by OAuth at "+h.Host, "a bridge takes the place of plugin or proxy, with the application of %s; its tokens are not taken over: %s", from, what)
	if h.Tenant == "" && h.Relay != "outlook" {
		a.out.question("tenant", "%s names no tenant for %s: give setup --tenant, a domain of the organisation", from, h.Host)
	}
	h.Account = Account{By: "none"}
}

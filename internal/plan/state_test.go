package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// defaults are the values of postconf(1) -x on a Debian that main.cf does not set.
var defaults = map[string]string{
	"myhostname": "host.example.com", "mydomain": "example.com", "myorigin": "$myhostname",
	"mydestination": "$myhostname, localhost.$mydomain, localhost", "mynetworks": "127.0.0.0/8",
	"relayhost": "", "default_transport": "smtp", "relay_transport": "relay", "relay_domains": "", "transport_maps": "",
	"inet_interfaces": "all", "inet_protocols": "all", "alias_maps": "", "alias_database": "", "smtp_sasl_password_maps": "",
	"smtp_tls_policy_maps": "", "smtp_tls_CApath": "", "smtp_tls_per_site": "", "smtp_tls_trust_anchor_file": "", "smtp_sasl_auth_enable": "no", "smtp_cname_overrides_servername": "no", "smtp_tls_mandatory_ciphers": "medium",
	"smtp_tls_servername": "", "smtp_connection_cache_on_demand": "yes", "smtp_tls_connection_reuse": "no", "tls_append_default_CA": "no", "smtp_tls_wrappermode": "no",
	"smtp_fallback_relay": "", "smtp_sasl_type": "cyrus", "smtp_sasl_auth_soft_bounce": "yes", "smtp_skip_5xx_greeting": "yes",
	"smtp_never_send_ehlo": "no", "smtp_discard_ehlo_keywords": "", "smtp_helo_name": "$myhostname", "smtp_generic_maps": "",
	"sender_dependent_relayhost_maps": "", "sender_dependent_default_transport_maps": "", "sender_canonical_maps": "",
	"smtp_sender_dependent_authentication": "no", "content_filter": "", "message_size_limit": "10240000", "default_process_limit": "100",
	"default_destination_recipient_limit": "50", "parent_domain_matches_subdomains": "debug_peer_list, relay_domains, smtpd_access_maps",
	"virtual_alias_domains": "", "virtual_mailbox_domains": "", "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
	"smtpd_recipient_restrictions": "",
}

// server is a host under test: the text of its files, by path.
type server struct {
	version postfix.Version
	files   map[string]string
	types   []string
	def     string
}

const (
	mainPath   = "/etc/postfix/main.cf"
	masterPath = "/etc/postfix/master.cf"
)

// debian is a Debian 12 as the package leaves it; lines are added to main.cf.
func debian(t testing.TB, lines ...string) *server {
	t.Helper()
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join("testdata", "host", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s := &server{version: postfix.Version{Major: 3, Minor: 7, Patch: 11}, types: []string{"btree", "hash", "inline", "pipemap", "regexp", "static", "texthash"}, def: "hash"}
	s.files = map[string]string{
		mainPath:        read("debian12.main.cf") + strings.Join(append(lines, ""), "\n"),
		masterPath:      read("debian12.master.cf"),
		"/etc/aliases":  "postmaster: root\n",
		"/etc/mailname": "host.example.com\n",
	}
	return s
}

// state is what postfix.Read would find, Reads included.
func (s *server) state(t testing.TB) postfix.State {
	t.Helper()
	st := postfix.State{
		Installed: true, Version: s.version, ConfigDir: "/etc/postfix", Running: true,
		MapTypes: s.types, DefaultMap: s.def, CAFile: "/etc/ssl/certs/ca-certificates.crt",
		SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"PLAIN", "LOGIN"}, Hostname: "host", FQDN: "host.example.com",
		Maps: map[string][]byte{}, MapMeta: map[string]host.Meta{}, Params: map[string]string{},
	}
	var err error
	if st.Main, err = postfix.ParseMain([]byte(s.files[mainPath])); err != nil {
		t.Fatal(err)
	}
	if st.Master, err = postfix.ParseMaster([]byte(s.files[masterPath])); err != nil {
		t.Fatal(err)
	}
	st.MainMeta.Mode, st.MasterMeta.Mode = 0o644, 0o644
	raw := map[string]string{}
	for name, value := range defaults {
		raw[name] = value
	}
	for _, name := range st.Main.Names() {
		raw[name], _ = st.Main.Get(name)
	}
	for name := range raw {
		st.Params[name] = expand(raw, raw[name], 0)
	}
	for path, text := range s.files {
		if path != mainPath && path != masterPath {
			st.Maps[path] = []byte(text)
		}
	}
	return st
}

func expand(raw map[string]string, value string, depth int) string {
	if depth > 9 {
		return value
	}
	return os.Expand(value, func(name string) string { return expand(raw, raw[name], depth+1) })
}

// service puts an entry into master.cf, in place of the one of that name.
func (s *server) service(entry string) *server {
	name, _, _ := strings.Cut(entry, " ")
	var kept []string
	for line := range strings.Lines(s.files[masterPath]) {
		if !strings.HasPrefix(line, name+" ") {
			kept = append(kept, line)
		}
	}
	s.files[masterPath] = strings.Join(kept, "") + entry + "\n"
	return s
}

// apply puts the files of p on the server.
func (s *server) apply(p plan.Plan) {
	for _, f := range p.Files {
		if f.Action == plan.Remove {
			delete(s.files, f.Path)
			continue
		}
		s.files[f.Path] = string(f.After)
	}
}

// service is a relay as a test wants it.
func service(change ...func(*relays.Relay)) *relays.Relay {
	r := &relays.Relay{
		ID: "ses", Name: "Amazon SES", Hosts: relays.Hosts{Default: "smtp.example.net"},
		Auth:   relays.Auth{Mechanisms: []string{"PLAIN", "LOGIN"}},
		Sender: relays.Sender{Rule: "verified"},
	}
	for _, c := range change {
		c(r)
	}
	return r
}

// options are the answers of most tests.
func options(change ...func(*config.Config)) config.Config {
	o := config.Config{Routes: []config.Route{{Name: config.DefaultRoute, From: "alerts@example.org", Hops: []config.Hop{{
		Relay: service(), Host: "smtp.example.net", Port: 587, TLS: relays.StartTLS, Username: "joe", Password: secret.New("s3c:ret#x"),
	}}}}}
	for _, c := range change {
		c(&o)
	}
	return o
}

func build(t *testing.T, s *server, o config.Config) plan.Plan {
	t.Helper()
	p, err := plan.Build(plan.Server{State: s.state(t)}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lookAt is build without the credentials that are not stored.
func lookAt(t *testing.T, s *server, c config.Config) plan.Plan {
	t.Helper()
	p, err := plan.Build(plan.Server{State: s.state(t), NoCredentials: true}, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// text returns what path will be.
func text(t *testing.T, p plan.Plan, path string) string {
	t.Helper()
	for _, f := range p.Files {
		if f.Path == path {
			return string(f.After)
		}
	}
	t.Fatalf("the plan: got no file %s, want one", path)
	return ""
}

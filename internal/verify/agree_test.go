package verify

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// agreeing is a sound host whose mail goes by a service of setup.
func agreeing(t *testing.T, params map[string]string, options, passwd string) postfix.State {
	t.Helper()
	all := map[string]string{
		"relayhost": "", "default_transport": "relayhost-x:[relay.test]:587", "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd",
		"smtp_sasl_security_options": "noplaintext, noanonymous", "smtp_sasl_tls_security_options": "noanonymous", "smtp_sasl_tls_verified_security_options": "noanonymous",
		"smtp_tls_security_level": "secure", "smtp_tls_CAfile": "/ca.pem", "smtp_helo_name": "host.example.com", "myhostname": "host.example.com",
		"mydestination": "localhost", "header_size_limit": "102400", "message_size_limit": "10240000", "compatibility_level": "3.6", "inet_interfaces": "loopback-only",
	}
	maps.Copy(all, params)
	text := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text += name + " = " + all[name] + "\n"
	}
	main, err := postfix.ParseMain([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	entry := "relayhost-x unix - - n - - smtp\n  -o smtp_tls_security_level=secure\n"
	if strings.HasPrefix(options, "relayhost-x") { // the whole entry
		entry = ""
	}
	master, err := postfix.ParseMaster([]byte("smtp unix - - n - - smtp\nrewrite unix - - n - - trivial-rewrite\n" + entry + options))
	if err != nil {
		t.Fatal(err)
	}
	return postfix.State{Installed: true, Running: true, ConfigDir: "/etc/postfix", Hostname: "host", FQDN: "host.example.com", Version: postfix.Version{Major: 3, Minor: 7},
		Main: main, Master: master, Params: all, DefaultMap: "hash", MapTypes: []string{"hash", "texthash", "static", "regexp", "inline", "pipemap"},
		CAFile: "/ca.pem", SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"PLAIN", "LOGIN"}, Maps: map[string][]byte{"/etc/postfix/sasl_passwd": []byte(passwd)}}
}

// noted is what the notes of a plan say of a rule.
var noted = map[string]string{
	"mydestination_domain": "to addresses there stays here", "message_too_big": "message_size_limit here is", "sasl_plugins_missing": "no SASL plugin for PLAIN or LOGIN",
}

// TestCommandsAgree: of one configuration, verify, explain, the check of apply and the
// notes of a plan name the same faults by the same IDs. A command that has no rule for
// a fault, as setup that writes the parameter again, is silent on it and says nothing
// else. Each rule has a row.
func TestCommandsAgree(t *testing.T) {
	const good = "[relay.test]:587 user:right\n"
	const bridge, bridged = "relayhost-x-out unix - n n - - spawn\n", "relayhost-x:unix:private/relayhost-x-out"
	const lmtp = "relayhost-x unix - - n - - lmtp\n  -o lmtp_tls_security_level=none\n  -o lmtp_sasl_auth_enable="
	reader := &host.Reader{Root: t.TempDir()}
	for _, name := range []string{"sasl_passwd.db", "sasl_passwd.cdb", "domains.db", "sites.db", "policy.db"} {
		path := filepath.Join(reader.Root, "etc/postfix", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type set = map[string]string
	policy := func(entry string) func(*postfix.State) {
		return func(s *postfix.State) { s.Maps["/etc/postfix/policy"] = []byte("[relay.test]:587 " + entry + "\n") }
	}
	seen := set{}
	for _, row := range []struct {
		name            string
		params          set
		options, passwd string
		change          func(*postfix.State)
		hop             func(*Hop)
		want            string // ID, or none
		by              string // who has a rule for it: v, e, a, p
		more            set    // what they name besides
	}{
		{name: "sound"},
		{name: "sound, with a bridge", params: set{"default_transport": bridged}, options: lmtp + "no\n" + bridge, hop: overBridge},
		{name: "no login", options: "  -o smtp_sasl_auth_enable=no\n", want: "auth_not_enabled", by: "vea"},
		{name: "no password table", options: "  -o smtp_sasl_password_maps=\n", want: "auth_not_enabled", by: "vea"},
		{name: "noplaintext", params: set{"smtp_sasl_tls_verified_security_options": "noplaintext"}, want: "sasl_noplaintext_default", by: "vea"},
		{name: "no plugin", change: func(s *postfix.State) { s.SASLPlugins = []string{"CRAM-MD5"} }, want: "sasl_plugins_missing", by: "veap"},
		{name: "no SASL", params: set{"smtp_sasl_type": "dovecot"}, want: "sasl_plugins_missing", by: "vea"},
		{name: "other mechanisms", params: set{"smtp_sasl_mechanism_filter": "cram-md5"}, want: "sasl_mech_filter", by: "ve"},
		{name: "TLS from the first byte", options: "  -o smtp_tls_wrappermode=yes\n", want: "tls_587_wrappermode", by: "vea"},
		{name: "STARTTLS where there is none", params: set{"default_transport": "relayhost-x:[relay.test]:465"}, passwd: "[relay.test]:465 user:right\n",
			hop: func(h *Hop) { h.Port, h.TLS = 465, relays.Implicit }, want: "tls_465_no_wrappermode", by: "vea"},
		{name: "TLS from the first byte without a level", params: set{"default_transport": "relayhost-x:[relay.test]:465"}, passwd: "[relay.test]:465 user:right\n",
			options: "  -o smtp_tls_wrappermode=yes\n  -o smtp_tls_security_level=none\n", hop: func(h *Hop) { h.Port, h.TLS = 465, relays.Implicit },
			want: "tls_wrappermode_level", by: "ve", more: set{"v": "starttls_required", "e": "starttls_required", "a": "starttls_required"}},
		{name: "level may", options: "  -o smtp_tls_security_level=may\n", want: "tls_opportunistic_cleartext", by: "vea"},
		{name: "no TLS", options: "  -o smtp_tls_security_level=none\n", want: "starttls_required", by: "vea"},
		{name: "no TLS with a site", params: set{"smtp_tls_per_site": "hash:/etc/postfix/sites"}, change: func(s *postfix.State) { s.Maps["/etc/postfix/sites"] = []byte("relay.test NONE\n") },
			want: "starttls_required", by: "vea", more: set{"a": "param_deprecated"}},
		{name: "a bare next hop with a policy for its parent", params: set{"default_transport": "relayhost-x:relay.test", "smtp_tls_policy_maps": "hash:/etc/postfix/policy"}, passwd: "relay.test user:right\n",
			options: "  -o smtp_tls_security_level=may\n", change: func(s *postfix.State) { s.Maps["/etc/postfix/policy"] = []byte(".test none\n") },
			hop: func(h *Hop) { h.Port, h.Written = 25, "relay.test" }, want: "starttls_required", by: "vea", more: set{"v": "dns_mx_no_brackets", "e": "dns_mx_no_brackets"}},
		{name: "an attribute that may stand once", params: set{"smtp_tls_policy_maps": "hash:/etc/postfix/policy"}, change: policy("secure ciphers=high ciphers=medium"), want: "tls_policy_invalid", by: "va"},
		{name: "an attribute of which the last counts", params: set{"smtp_tls_policy_maps": "hash:/etc/postfix/policy", "tlsproxy_service_name": "tlsproxy"}, change: policy("secure connection_reuse=yes connection_reuse=no")},
		{name: "the policy before the parameter", params: set{"smtp_tls_policy_maps": "hash:/etc/postfix/policy", "tlsproxy_service_name": "tlsproxy", "smtp_tls_connection_reuse": "yes"}, change: policy("secure connection_reuse=no")},
		{name: "level unknown", options: "  -o smtp_tls_security_level=encrypted\n", want: "smtp_fatal_level", by: "vea"},
		{name: "value unknown", params: set{"smtp_host_lookup": "hosts"}, want: "smtp_fatal_level", by: "vea"},
		{name: "not an address", options: "  -o smtp_bind_address=relay.test\n", want: "smtp_fatal_level", by: "vea"},
		{name: "level that verifies nothing", options: "  -o smtp_tls_security_level=encrypt\n", want: "tls_not_verified", by: "va"},
		{name: "a header lowers the level", change: func(s *postfix.State) { s.Version = postfix.Version{Major: 3, Minor: 10} }, want: "tls_required_header", by: "va"},
		{name: "no CA file", params: set{"smtp_tls_CAfile": ""}, want: "tls_cafile_missing", by: "va"},
		{name: "authorities outside of the chroot", params: set{"smtp_tls_CAfile": "", "smtp_tls_CApath": "/etc/ssl/certs"},
			options: "relayhost-x unix - - y - - smtp\n  -o smtp_tls_security_level=secure\n", want: "tls_capath_chroot", by: "ve"},
		{name: "client certificate gone", params: set{"smtp_tls_cert_file": "/etc/postfix/lost.pem"}, want: "tls_client_certificate", by: "ve"},
		{name: "a pinned certificate needs no authorities", params: set{"smtp_tls_CAfile": "", "smtp_tls_CApath": "/etc/ssl/certs"},
			options: "relayhost-x unix - - y - - smtp\n  -o smtp_tls_security_level=fingerprint\n  -o smtp_tls_fingerprint_cert_match=AA:BB\n"},
		{name: "no next hop", params: set{"default_transport": "relayhost-x", "relayhost": "[relay.test:587"}, want: "relayhost_syntax", by: "vea", more: set{"v": "map_key_mismatch", "e": "map_key_mismatch", "a": "override_elsewhere"}},
		{name: "a comment behind the next hop", params: set{"default_transport": "relayhost-x:[relay.test]:587 # the relay"}, want: "relayhost_syntax", by: "vea",
			more: set{"v": "maincf_inline_comment", "e": "maincf_inline_comment", "a": "maincf_inline_comment"}},
		{name: "a comment behind relayhost", params: set{"default_transport": "relayhost-x", "relayhost": "[relay.test]:587 #relay"}, want: "relayhost_syntax", by: "vea",
			more: set{"v": "maincf_inline_comment", "e": "maincf_inline_comment", "a": "maincf_inline_comment"}},
		{name: "a comment behind a relayhost that is not used", params: set{"relayhost": "[other.test]:587 #relay"}, want: "maincf_inline_comment", by: "vea"},
		{name: "a fallback that cannot be read", options: "  -o smtp_fallback_relay=[relay.test:25]\n", want: "relayhost_syntax", by: "ve", more: set{"v": "fallback_unknown", "a": "fallback_unknown"}},
		{name: "a comment behind an entry of a table", params: set{"transport_maps": "hash:/etc/postfix/policy"},
			change: func(s *postfix.State) {
				s.Maps["/etc/postfix/policy"] = []byte("partner.test smtp:[mx.partner.test]:25 # theirs\nother.test error:5.1.1 # no mail\n")
			},
			want: "relayhost_syntax", by: "ve", more: set{"a": "override_elsewhere"}},
		{name: "sockets", params: set{"relay_transport": "lmtp:unix:private/out", "transport_maps": "hash:/etc/postfix/policy"}, options: "lmtp unix - - n - - lmtp\n",
			change: func(s *postfix.State) { s.Maps["/etc/postfix/policy"] = []byte("partner.test gone:unix:private/out\n") }, want: "override_elsewhere", by: "a"},
		{name: "an entry that a further table completes", params: set{"sender_dependent_default_transport_maps": "pipemap:{hash:/etc/postfix/policy, regexp:/etc/postfix/transports}"},
			change: func(s *postfix.State) { s.Maps["/etc/postfix/policy"] = []byte("@shop.test [relay.test]:2525\n") },
			want:   "override_elsewhere", by: "a", more: set{"v": "map_db_missing", "e": "map_db_missing"}},
		{name: "no brackets", params: set{"default_transport": "relayhost-x:relay.test:587"}, want: "dns_mx_no_brackets", by: "ve", more: set{"v": "override_elsewhere", "a": "override_elsewhere"}},
		{name: "itself", params: set{"myhostname": "relay.test"}, want: "loop_to_self", by: "ve"},
		{name: "own domain", params: set{"mydestination": "localhost, example.com"}, want: "mydestination_domain", by: "vep"},
		{name: "own domain in a file", params: set{"mydestination": "/etc/postfix/domains"},
			change: func(s *postfix.State) { s.Maps["/etc/postfix/domains"] = []byte("example.com\n") }, want: "mydestination_domain", by: "vep"},
		{name: "own domain in a table", params: set{"virtual_mailbox_domains": "hash:/etc/postfix/domains"},
			change: func(s *postfix.State) { s.Maps["/etc/postfix/domains"] = []byte("Example.com ok\n") }, want: "mydestination_domain", by: "vep"},
		{name: "larger messages", params: set{"message_size_limit": "0"}, want: "message_too_big", by: "vp"},
		{name: "no colon", passwd: "[relay.test]:587 user right\n", want: "table_no_colon", by: "ve"},
		{name: "no password", passwd: "[relay.test]:587 user:\n", want: "table_empty_entry", by: "ve"},
		{name: "dollar", params: set{"smtp_generic_maps": "static:12$4&5"}, want: "table_dollar", by: "ve"},
		{name: "byte order mark", passwd: "\ufeff" + good, want: "map_syntax", by: "a", more: set{"v": "map_key_mismatch", "e": "map_key_mismatch"}},
		{name: "no key", passwd: "[other.test]:587 user:right\n", want: "map_key_mismatch", by: "vea"},
		{name: "another key wins", passwd: good + "relay.test user:old\n", want: "map_key_mismatch", by: "a"},
		{name: "accounts by sender", params: set{"smtp_sender_dependent_authentication": "yes"}, want: "login_by_sender", by: "a"},
		{name: "not a boolean", params: set{"append_dot_mydomain": "example.com"}, want: "value_not_boolean", by: "vea"},
		{name: "not a time", params: set{"smtp_helo_timeout": "soon"}, want: "parameter_value", by: "vea"},
		{name: "not a boolean, for incoming mail", params: set{"smtpd_helo_required": "maybe"}, want: "value_elsewhere", by: "vea"},
		{name: "obsolete", params: set{"smtp_use_tls": "yes"}, want: "param_deprecated", by: "a"},
		{name: "comment", params: set{"smtp_helo_timeout": "300s # five minutes"}, want: "maincf_inline_comment", by: "vea", more: set{"v": "parameter_value", "e": "parameter_value", "a": "parameter_value"}},
		{name: "twice", change: func(s *postfix.State) {
			s.Main, _ = postfix.ParseMain(append(s.Main.Bytes(), "biff = no\nbiff = no\n"...))
		}, want: "maincf_duplicate", by: "ve"},
		{name: "misspelt", change: func(s *postfix.State) {
			s.Warnings = []string{"postconf: warning: /etc/postfix/main.cf: unused parameter: relay_host=[x]"}
		},
			want: "maincf_typo", by: "ve"},
		{name: "greets as localhost", params: set{"smtp_helo_name": "localhost"}, want: "helo_localhost", by: "ve"},
		{name: "short headers", params: set{"header_size_limit": "1000"}, want: "header_size", by: "ve"},
		{name: "deferred", params: set{"defer_transports": "relayhost-x"}, want: "transport_deferred", by: "ve"},
		{name: "verbose", options: "relayhost-x unix - - n - - smtp -v\n  -o smtp_tls_security_level=secure\n", want: "verbose_log_leaks_password", by: "ve"},
		{name: "down", change: func(s *postfix.State) { s.Running = false }, want: "postfix_down", by: "e"},
		{name: "defaults elsewhere", params: set{"default_transport": "smtp:[relay.test]:587"}, want: "override_elsewhere", by: "va"},
		{name: "another relay for the rest", params: set{"smtp_fallback_relay": "[other.test]:587"}, want: "fallback_unknown", by: "va"},
		{name: "never compiled", params: set{"relay_domains": "hash:/etc/postfix/other"}, want: "map_db_missing", by: "ve"},
		{name: "no such file", params: set{"smtp_header_checks": "regexp:/etc/postfix/other"}, want: "map_db_missing", by: "ve"},
		{name: "no such type", options: "  -o smtp_sasl_password_maps=cdb:/etc/postfix/sasl_passwd\n", want: "map_type_unsupported", by: "vea"},
		{name: "encrypted to the filter", params: set{"content_filter": "amavis:[127.0.0.1]:10024"}, options: "amavis unix - - n - - smtp\n", want: "tls_level_starves_filter", by: "ve"},
		{name: "TLS from the first byte to the filter", params: set{"content_filter": "amavis:[127.0.0.1]:10024", "smtp_tls_wrappermode": "yes"},
			options: "  -o smtp_tls_wrappermode=no\namavis unix - - n - - smtp\n  -o smtp_tls_security_level=none\n", want: "tls_wrappermode_global", by: "ve"},
		{name: "no tlsproxy", params: set{"tlsproxy_service_name": "tlsproxy"}, options: "  -o smtp_tls_connection_reuse=yes\n", want: "service_missing", by: "va"},
		{name: "an option that is no name=value", options: "amavis unix - - n - - smtp\n  -o smtp_bind_address\n", want: "mastercf_syntax", by: "ve"},
		{name: "no log", params: set{"maillog_file": "/var/log/mail.log"}, want: "no_log", by: "va"},
		{name: "another program", options: "relayhost-x unix - - n - - pipe\n  -o smtp_tls_security_level=secure\n", want: "service_program", by: "va"},
		{name: "no bridge", params: set{"default_transport": bridged}, options: lmtp + "no\n", hop: overBridge, want: "service_missing", by: "va"},
		{name: "a login at the bridge", params: set{"default_transport": bridged}, options: lmtp + "yes\n" + bridge, hop: overBridge, want: "bridge_settings", by: "va"},
		{name: "a bridge for everybody", params: set{"default_transport": bridged}, options: lmtp + "no\nrelayhost-x-out unix n n n - - spawn\n", hop: overBridge, want: "bridge_public", by: "va"},
	} {
		seen[row.want] = row.name
		t.Run(row.name, func(t *testing.T) {
			s := agreeing(t, row.params, row.options, cmp.Or(row.passwd, good))
			if row.change != nil {
				row.change(&s)
			}
			hop := Hop{Hop: config.Hop{Relay: &relays.Relay{ID: "x", Name: "X", Limits: relays.Limits{MessageBytes: 20 << 20}}, Host: "relay.test", Port: 587, TLS: relays.StartTLS,
				Username: "user", Password: secret.New("right")}}
			if row.hop != nil {
				row.hop(&hop)
			}
			route := Route{Service: "relayhost-x", From: sender, Hops: []Hop{hop}}
			for by, got := range map[string][]string{"v": byVerify(t, reader, s, route), "e": byExplain(reader, s), "a": byApply(s, route), "p": byPlan(t, s)} {
				want := strings.Fields(row.more[by])
				if strings.Contains(row.by, by) {
					want = append(want, row.want)
				}
				slices.Sort(got)
				slices.Sort(want)
				if got, want := strings.Join(slices.Compact(got), " "), strings.Join(want, " "); got != want {
					t.Errorf("%s: got %q, want %q", map[string]string{"v": "verify", "e": "explain", "a": "apply", "p": "plan"}[by], got, want)
				}
			}
		})
	}
	for _, rule := range slices.Concat(lint.Rules(), lint.RouteRules(), lint.MeantRules()) {
		if seen[rule.ID] == "" {
			t.Errorf("rule %s: got no row that breaks it, want one", rule.ID)
		}
	}
}

// overBridge has a bridge connect to the relay.
func overBridge(h *Hop) { h.Socket = "private/relayhost-x-out" }

// usual are the defaults of parameters that rows set.
var usual = map[string]string{"smtp_helo_timeout": "300s", "smtpd_helo_required": "no", "append_dot_mydomain": "no"}

const sender = "app@example.com"

func byVerify(t *testing.T, reader *host.Reader, s postfix.State, route Route) (ids []string) {
	t.Helper()
	r := &run{Env: Env{State: s, Reader: reader, Routes: []Route{{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}}}}}
	tr := &routeCheck{run: r, signs: explain.Inspect(s, sender), route: route}
	problems := postfix.Check(postfix.Staged{State: s, Meant: meant(route), Defaults: usual})
	for _, f := range slices.Concat(outdated(r.State), linted(r.Reader, r.State, usual), inspect(tr.signs), tr.sizes(), tr.judged(problems, nil)) {
		ids = append(ids, f.Cause)
		if f.Remedy == "" && f.Command == "" {
			t.Errorf("%s: got no remedy, want one", f.Cause)
		}
	}
	return ids
}

func byExplain(reader *host.Reader, s postfix.State) (ids []string) {
	for _, sign := range explain.Inspect(s, sender) {
		if sign.Holds {
			ids = append(ids, sign.Cause)
		}
	}
	for _, f := range s.Lint(postfix.Exists(reader), usual) {
		ids = append(ids, f.Rule)
	}
	return ids
}

func byApply(s postfix.State, route Route) (ids []string) {
	for _, f := range postfix.Check(postfix.Staged{State: s, Meant: meant(route), Defaults: usual}) {
		ids = append(ids, f.Rule)
	}
	return ids
}

func byPlan(t *testing.T, s postfix.State) (ids []string) {
	t.Helper()
	relay := relays.Smarthost("relay.test", 587, relays.StartTLS, true)
	relay.Limits.MessageBytes = 20 << 20
	c := config.Config{Routes: []config.Route{{From: sender, Hops: []config.Hop{{Relay: relay, Host: "relay.test", Port: 587, TLS: relays.StartTLS, Username: "user", Password: secret.New("right")}}}}}
	p, err := plan.Build(plan.Server{State: s}, c)
	if err != nil {
		t.Fatal(err)
	}
	for id, words := range noted {
		if slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, words) }) {
			ids = append(ids, id)
		}
	}
	return ids
}

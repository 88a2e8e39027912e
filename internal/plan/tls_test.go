package plan_test

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

func TestMinimumTLSByVersion(t *testing.T) {
	for _, test := range []struct {
		version postfix.Version
		want    string
	}{
		{postfix.Version{Major: 3, Minor: 4}, "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"},
		{postfix.Version{Major: 3, Minor: 5, Patch: 25}, "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"},
		{postfix.Version{Major: 3, Minor: 6}, ">=TLSv1.2"},
		{postfix.Version{Major: 3, Minor: 11, Patch: 7}, ">=TLSv1.2"},
	} {
		t.Run(test.version.String(), func(t *testing.T) {
			s := debian(t)
			s.version = test.version
			p := build(t, s, options())
			if got := option(t, p, "smtp_tls_mandatory_protocols"); got != test.want {
				t.Errorf("smtp_tls_mandatory_protocols: got %s, want %s", got, test.want)
			}
			// A header of the message must not turn verified TLS off (RFC 8689).
			want := "(not set)"
			if test.version.AtLeast(3, 10) {
				want = "no"
			}
			if got := option(t, p, "tls_required_enable"); got != want {
				t.Errorf("tls_required_enable: got %s, want %s", got, want)
			}
		})
	}
}

func TestPasswordsNeedVerifiedTLS(t *testing.T) {
	pin := strings.Repeat("ab", 32)
	const verified, encrypted = "smtp_sasl_tls_verified_security_options", "smtp_sasl_tls_security_options"
	for _, test := range []struct {
		name    string
		change  func(*config.Config)
		options map[string]string
	}{
		{"verified", func(*config.Config) {}, map[string]string{
			"smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "nexthop", "smtp_tls_servername": "hostname", verified: "noanonymous", encrypted: "(not set)",
		}},
		{"pinned", func(o *config.Config) { o.First().Pin = pin }, map[string]string{
			"smtp_tls_security_level": "fingerprint", "smtp_tls_fingerprint_digest": "sha256",
			"smtp_tls_fingerprint_cert_match": strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), verified: "noanonymous", encrypted: "(not set)",
		}},
		{"unverified as asked", func(o *config.Config) { o.First().NoVerify = true }, map[string]string{
			"smtp_tls_security_level": "encrypt", "smtp_tls_secure_cert_match": "(not set)", encrypted: "noanonymous", verified: "noanonymous",
		}},
		{"by address", func(o *config.Config) { o.First().Host = "192.0.2.1" }, map[string]string{"smtp_tls_security_level": "secure", "smtp_tls_servername": "(not set)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, debian(t), options(test.change))
			for name, want := range map[string]string{
				"smtp_tls_policy_maps": "", "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd",
				"smtp_sasl_mechanism_filter": "plain,login", "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt", "smtp_tls_CApath": "",
			} {
				test.options[name] = want
			}
			for name, want := range test.options {
				if got := option(t, p, name); got != want {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
			}
		})
	}
}

// Hops that differ in more than their names have a policy table that their service
// alone reads.
func TestHopsThatDifferHaveATableOfTheirOwn(t *testing.T) {
	const path = "/etc/postfix/relayhost_tls_policy_ses"
	o := options()
	o.Routes[0].Hops = append(o.Routes[0].Hops[:1], *o.First())
	o.Routes[0].Hops[1].Host = "192.0.2.1"
	s := debian(t)
	p := build(t, s, o)
	want := "# Written by relayhost: TLS with the hops of relayhost-ses, which differ.\n" +
		"[smtp.example.net]:587 secure match=nexthop servername=hostname\n[192.0.2.1]:587 secure match=nexthop\n"
	if got := text(t, p, path); got != want || option(t, p, "smtp_tls_policy_maps") != "hash:"+path {
		t.Errorf("smtp_tls_policy_maps = %s:\n%s\nwant\n%s", option(t, p, "smtp_tls_policy_maps"), got, want)
	}
	s.apply(p)
	o.Routes[0].Hops = o.Routes[0].Hops[:1]
	if p = build(t, s, o); !slices.Contains(changed(p), "remove "+path) {
		t.Errorf("changes %q, want the table removed", changed(p))
	}
}

func TestImplicitTLSDiffersByOneOption(t *testing.T) {
	p := build(t, debian(t), options())
	q := build(t, debian(t), options(func(o *config.Config) { o.First().Port, o.First().TLS = 465, relays.Implicit }))
	if got := option(t, q, "smtp_tls_wrappermode"); got != "yes" {
		t.Errorf("smtp_tls_wrappermode = %s on 465, want %q", got, "yes")
	}
	got := strings.Replace(text(t, q, masterPath), "  -o smtp_tls_wrappermode=yes\n", "", 1)
	if got = strings.ReplaceAll(got, p.Default().Service+"-smtps", p.Default().Service); q.Default().Service != p.Default().Service+"-smtps" || got != text(t, p, masterPath) {
		t.Errorf("465 differs from 587 by more than smtp_tls_wrappermode: got\n%s\nwant\n%s", got, text(t, p, masterPath))
	}
	if got := option(t, build(t, debian(t).set("smtp_tls_wrappermode", "yes"), options()), "smtp_tls_wrappermode"); got != "no" {
		t.Errorf("smtp_tls_wrappermode of main.cf reaches the STARTTLS service: got %s, want %q", got, "no")
	}
}

func TestWhatReachesTheServiceFromMain(t *testing.T) {
	for name, test := range map[string]struct{ global, want string }{
		"tls_append_default_CA":      {"yes", "no"},
		"smtp_fallback_relay":        {"[other.example.com]", ""},
		"smtp_sasl_auth_soft_bounce": {"no", "yes"},
		"smtp_skip_5xx_greeting":     {"no", "yes"},
		"smtp_never_send_ehlo":       {"yes", "no"},
		"smtp_discard_ehlo_keywords": {"PIPELINING, STARTTLS", ""},
		"smtp_sasl_type":             {"dovecot", "cyrus"},

		"smtp_tls_policy_maps":                 {"hash:/etc/postfix/policy", ""},
		"smtp_tls_per_site":                    {"hash:/etc/postfix/sites", ""},
		"smtp_tls_trust_anchor_file":           {"/etc/ssl/anchor.pem", ""},
		"smtp_sasl_auth_enable":                {"no", "yes"},
		"smtp_sasl_password_maps":              {"hash:/etc/postfix/sasl_passwd", "hash:/etc/postfix/relayhost_sasl_passwd"},
		"smtp_sender_dependent_authentication": {"yes", "no"},
		"smtp_cname_overrides_servername":      {"yes", "no"},
		"smtp_tls_mandatory_ciphers":           {"null", "medium"},
		"smtp_connection_cache_on_demand":      {"no", "yes"},

		"smtp_sasl_password_result_delimiter": {"|", ":"},

		"smtp_delivery_status_filter": {"pcre:/etc/postfix/own", "regexp:/etc/postfix/relayhost_status_filter,pcre:/etc/postfix/own"},
		"smtp_generic_maps":           {"hash:/etc/postfix/generic", "hash:/etc/postfix/relayhost_generic,hash:/etc/postfix/generic"},
	} {
		t.Run(name, func(t *testing.T) {
			p := build(t, debian(t).set(name, test.global), options())
			if got := option(t, p, name); got != test.want {
				t.Errorf("%s = %s in main.cf: the service has %q, want %q", name, test.global, got, test.want)
			}
			if got := param(t, p, name); got != test.global {
				t.Errorf("%s in main.cf became %s, want %s", name, got, test.global)
			}
		})
	}
}

func TestReuseOnlyWhereItIsSafe(t *testing.T) {
	p := build(t, debian(t), options())
	m, _ := postfix.ParseMaster([]byte(text(t, p, masterPath)))
	proxy, ok := m.Get("relayhost-ses-tls", "unix")
	if !ok || proxy.Chroot != "n" || proxy.Command != "tlsproxy" || option(t, p, "tlsproxy_service_name") != proxy.Name {
		t.Errorf("relayhost-ses-tls: got %+v, there %t, want an entry of tlsproxy with chroot n, and tlsproxy_service_name = %s to name it",
			proxy, ok, option(t, p, "tlsproxy_service_name"))
	}
	if param(t, p, "smtp_tls_connection_reuse") != "(not set)" {
		t.Errorf("smtp_tls_connection_reuse in main.cf = %s, want %s", param(t, p, "smtp_tls_connection_reuse"), "(not set)")
	}
	s := debian(t)
	s.files[masterPath] = strings.Replace(s.files[masterPath], "scache    unix", "#scache    unix", 1)
	p = build(t, s, options())
	if option(t, p, "smtp_tls_connection_reuse") != "(not set)" || option(t, p, "tlsproxy_service_name") != "(not set)" || !hasNote(p, "not reused") {
		t.Errorf("without scache: smtp_tls_connection_reuse = %s, tlsproxy_service_name = %s, notes %q, want neither set and a note with %q",
			option(t, p, "smtp_tls_connection_reuse"), option(t, p, "tlsproxy_service_name"), p.Notes, "not reused")
	}
}

// Where SELinux keeps tlsproxy(8) from the connections of smtp(8), or smtp(8)
// from the port, mail would wait; the note holds the command that changes it.
func TestSELinux(t *testing.T) {
	const label, port = "semanage fcontext -a -t postfix_smtp_exec_t /usr/libexec/postfix/tlsproxy && restorecon /usr/libexec/postfix/tlsproxy",
		"semanage port -a -t smtp_port_t -p tcp 2525"
	for _, test := range []struct {
		name        string
		policy      postfix.SELinux
		port        int
		reuse, note bool
	}{
		{"off", postfix.SELinux{TLSProxy: "postfix_exec_t"}, 2525, true, false},
		{"label of before August 2025", postfix.SELinux{Enforcing: true, TLSProxy: "postfix_exec_t"}, 587, false, false},
		{"label of since", postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"}, 465, true, false},
		{"another port", postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"}, 2525, true, true},
		{"any port", postfix.SELinux{Enforcing: true, AnyPort: true}, 2525, true, false},
		{"told already", postfix.SELinux{Enforcing: true, MorePorts: []postfix.Ports{{First: 2525, Last: 2525}}}, 2525, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := debian(t).state(t)
			st.SELinux, st.DaemonDir = test.policy, "/usr/libexec/postfix"
			p, err := plan.Build(plan.Server{State: st}, options(func(o *config.Config) { o.First().Port = test.port }))
			if err != nil {
				t.Fatal(err)
			}
			if got := option(t, p, "tlsproxy_service_name") != "(not set)"; got != test.reuse || hasNote(p, label) == test.reuse {
				t.Errorf("connections are reused: got %v; notes %q, want %v", got, p.Notes, test.reuse)
			}
			if hasNote(p, port) != test.note {
				t.Errorf("got the notes %q, want one with %q: %t", p.Notes, port, test.note)
			}
		})
	}
}

// A client certificate that is not there would take TLS from the relay's service: it and
// its tlsproxy(8) have none.
func TestLostCertificate(t *testing.T) {
	state := debian(t).state(t)
	for _, p := range []lint.Param{{Name: "smtp_tls_key_file", Value: "/etc/ssl/old.key"}, {Name: "smtp_tls_chain_files", Value: "/etc/ssl/old.pem"}} {
		t.Run(p.Name, func(t *testing.T) {
			state.LostCertificates = []lint.Param{p}
			p, err := plan.Build(plan.Server{State: state, Force: true}, options())
			if err != nil {
				t.Fatal(err)
			}
			want := "  -o " + strings.Replace(state.LostCertificates[0].Name, "key", "cert", 1) + "=\n"
			if got := text(t, p, masterPath); strings.Count(got, want) != 2 {
				t.Errorf("got\n%s\nwant %q in the entries of smtp(8) and of tlsproxy(8)", got, want)
			}
		})
	}
}

package postfix

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lint"
	"relayhost/relays"
)

// goodStaged is a configuration without any problem.
func goodStaged(t *testing.T) Staged {
	t.Helper()
	main := "relayhost = [smtp.example.test]:587\ndefault_transport = relayhost-x\nsmtp_sasl_auth_enable = yes\n" +
		"smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n"
	m := parseMain(t, main)
	params := map[string]string{
		"smtp_sasl_security_options": "noplaintext, noanonymous", "smtp_sasl_type": "cyrus", "tlsproxy_service_name": "tlsproxy",
		"mydomain": "example.test", "smtp_sasl_tls_security_options": "noplaintext, noanonymous", "smtp_helo_timeout": "300s",
	}
	for _, name := range m.Names() {
		params[name], _ = m.Get(name)
	}
	return Staged{
		State: State{
			Version: Version{3, 7, 11}, Main: m, DefaultMap: "hash", MapTypes: []string{"hash", "texthash"}, Params: params,
			SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"PLAIN", "LOGIN"},
			Master: parseMaster(t, "tlsproxy unix - - y - 0 tlsproxy\nsmtp unix - - y - - smtp\nrelayhost-x unix - - n - - smtp\n"+
				"  -o smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt\n  -o smtp_sasl_tls_verified_security_options=noanonymous\n"+
				"  -o smtp_helo_name=$mydomain\n"),
			Maps: map[string][]byte{
				"/etc/postfix/sasl_passwd": []byte("[smtp.example.test]:587 user:password\n"),
				"/etc/postfix/tls_policy":  []byte("[smtp.example.test]:587 secure connection_reuse=yes\n"),
			},
		},
		Meant:    []lint.Route{{Service: "relayhost-x", Hops: []lint.Hop{{NextHop: "[smtp.example.test]:587"}}}},
		Defaults: map[string]string{"smtp_use_tls": "no", "smtp_helo_timeout": "300s", "smtp_tls_scert_verifydepth": "9", "smtpd_helo_required": "no", "compatibility_level": "0"},
	}
}

// set changes main.cf and what postconf would make of it.
func (c *Staged) set(name, value string) {
	c.State.Main.Set(name, value)
	c.State.Params[name] = value
}

// option adds an -o to a service.
func (c *Staged) option(service, name, value string) {
	s, _ := c.State.Master.Get(service, "unix")
	s.Options = append(s.Options, Option{name, value})
	c.State.Master.Set(s)
}

func TestCheck(t *testing.T) {
	const passwords, tls = "/etc/postfix/sasl_passwd", "/etc/postfix/tls_policy"
	for _, tc := range []struct {
		name   string
		change func(*Staged)
		want   string // part of the problem; "" for none
		fatal  bool
	}{
		{"nothing", func(*Staged) {}, "", false},
		{"level unknown", func(c *Staged) { c.set("smtp_tls_security_level", "encrypted") }, `"encrypted" is none of`, true},
		{"level unknown in master.cf", func(c *Staged) { c.option("relayhost-x", "smtp_tls_security_level", "on") }, `"on" is none of`, true},
		{"empty boolean", func(c *Staged) { c.set("smtp_use_tls", "") }, "is not yes or no", true},
		{"empty boolean of others", func(c *Staged) { c.set("smtpd_helo_required", "") }, "is not yes or no", false},
		{"bad time", func(c *Staged) { c.set("smtp_helo_timeout", "soon") }, `"soon" is not a time`, true},
		{"bad number", func(c *Staged) { c.set("smtp_tls_scert_verifydepth", "deep") }, "is not a number", true},
		{"no number after all", func(c *Staged) { c.set("compatibility_level", "3.6") }, "", false},
		{"bad SASL option", func(c *Staged) { c.set("smtp_sasl_tls_security_options", "noplain") }, `"noplain" is none of`, true},
		{"protocol too new", func(c *Staged) {
			c.State.Version = Version{3, 5, 25}
			c.set("smtp_tls_mandatory_protocols", ">=TLSv1.2")
		}, "3.6 and later", true},
		{"protocols", func(c *Staged) { c.set("smtp_tls_mandatory_protocols", "!SSLv2, !SSLv3:!TLSv1") }, "", false},
		{"protocol unknown", func(c *Staged) { c.set("smtp_tls_mandatory_protocols", "TLS1.2") }, "is no TLS protocol", true},
		{"no TLS and no login", func(c *Staged) {
			c.Meant[0].Hops[0].TLS, c.Meant[0].Hops[0].NoAuth = relays.NoTLS, true
			c.State.Maps["/etc/postfix/tls_policy"] = []byte("[smtp.example.test]:587 none\n")
		}, "", false},
		{"password without TLS, meant", func(c *Staged) {
			c.Meant[0].Hops[0].TLS = relays.NoTLS
			c.set("smtp_sasl_security_options", "noanonymous")
			c.State.Maps["/etc/postfix/tls_policy"] = []byte("[smtp.example.test]:587 none\n")
		}, "there is no TLS", true},
		{"open bracket", func(c *Staged) { c.set("relayhost", "[smtp.example.test:587") }, "no closing bracket", true},
		{"port inside of the bracket", func(c *Staged) { c.set("relayhost", "[smtp.example.test:587]") }, "behind the bracket", true},
		{"port out of range", func(c *Staged) { c.set("relayhost", "[smtp.example.test]:70000") }, "out of range", true},
		{"several relays on 3.4", func(c *Staged) {
			c.State.Version = Version{3, 4, 20}
			c.set("relayhost", "[smtp.example.test]:587, [b.test]:587")
		}, "needs Postfix 3.5", true},
		{"local only", func(c *Staged) { c.set("default_transport", "error") }, "relayhost has no effect", true},
		{"another transport", func(c *Staged) { c.set("default_transport", "smtp") }, "not the relay's service", true},
		{"transport with a next hop", func(c *Staged) { c.set("default_transport", "relayhost-x:[other.test]:25") }, "not [smtp.example.test]:587", true},
		{"another relay in master.cf", func(c *Staged) {
			c.State.Master.Set(Service{Name: "rewrite", Type: "unix", Command: "trivial-rewrite", Options: []Option{{"relayhost", "[old.test]"}}})
		}, "overrides main.cf", true},
		{"transport maps", func(c *Staged) { c.set("transport_maps", "hash:/x") }, "past the relay", false},
		{"sender-dependent relays", func(c *Staged) { c.set("sender_dependent_relayhost_maps", "hash:/x") }, "past the relay", false},
		{"no service", func(c *Staged) { c.State.Master.Remove("relayhost-x", "unix") }, "no service relayhost-x", true},
		{"no tlsproxy", func(c *Staged) { c.State.Master.Remove("tlsproxy", "unix") }, "all mail would be deferred", true},
		{"authentication off in master.cf", func(c *Staged) { c.option("relayhost-x", "smtp_sasl_auth_enable", "no") }, "no password would be sent", true},
		{"no password table", func(c *Staged) { c.option("relayhost-x", "smtp_sasl_password_maps", "") }, "smtp(8) dies of", true},
		{"implicit TLS on a STARTTLS port", func(c *Staged) { c.set("smtp_tls_wrappermode", "yes") }, "does not speak", true},
		{"STARTTLS on an implicit port", func(c *Staged) { c.Meant[0].Hops[0].TLS = relays.Implicit }, "does not speak", true},
		{"level may", func(c *Staged) { c.State.Maps[tls] = []byte("[smtp.example.test]:587 may\n") }, "does not verify", true},
		{"no policy", func(c *Staged) { c.State.Maps[tls] = nil }, "does not verify", true},
		{"not verified on request", func(c *Staged) {
			c.Meant[0].Hops[0].NoVerify = true
			c.State.Maps[tls] = []byte("[smtp.example.test]:587 encrypt\n")
			c.option("relayhost-x", "smtp_sasl_tls_security_options", "noanonymous")
		}, "", false},
		{"no roots", func(c *Staged) { c.option("relayhost-x", "smtp_tls_CAfile", "") }, "no certificate can be verified", true},
		{"no login possible", func(c *Staged) {
			c.option("relayhost-x", "smtp_sasl_tls_verified_security_options", "$smtp_sasl_security_options")
		}, "forbids PLAIN and LOGIN", true},
		{"password without TLS", func(c *Staged) {
			c.State.Version = Version{3, 10, 0}
			c.set("smtp_sasl_security_options", "noanonymous")
		}, "without TLS", true},
		{"no session without TLS", func(c *Staged) { c.set("smtp_sasl_security_options", "noanonymous") }, "", false},
		{"a header lowers the level", func(c *Staged) { c.State.Version = Version{3, 10, 0} }, "TLS-Required: no", false},
		{"no header lowers the level", func(c *Staged) {
			c.State.Version = Version{3, 10, 0}
			c.option("relayhost-x", "tls_required_enable", "no")
		}, "", false},
		{"no plugins", func(c *Staged) { c.State.SASLPlugins = []string{"CRAM-MD5"} }, "not installed", true},
		{"key differs", func(c *Staged) { c.State.Maps[passwords] = []byte("smtp.example.test:587 u:p\n") }, "no table has the key", true},
		{"key in upper case", func(c *Staged) { c.State.Maps[passwords] = []byte("[SMTP.example.test]:587 u:p\n") }, "", false},
		{"bare host wins", func(c *Staged) {
			c.State.Maps[passwords] = append(c.State.Maps[passwords], "smtp.example.test old:old\n"...)
		}, "wins over", true},
		{"table of another kind", func(c *Staged) { c.option("relayhost-x", "smtp_sasl_password_maps", "lmdb:/etc/postfix/sasl_passwd") }, "no tables of the type lmdb", true},
		{"table with a byte order mark", func(c *Staged) { c.State.Maps[passwords] = []byte("\ufeff[smtp.example.test]:587 u:p\n") }, "byte order mark", true},
		{"sender-dependent passwords", func(c *Staged) { c.set("smtp_sender_dependent_authentication", "yes") }, "sender's address wins", false},
		{"fallback", func(c *Staged) { c.set("smtp_fallback_relay", "[other.test]") }, "elsewhere", false},
		{"obsolete", func(c *Staged) { c.set("smtp_use_tls", "yes") }, "obsolete", false},
		{"inline comment", func(c *Staged) { c.set("smtp_helo_timeout", "300s # five minutes") }, "part of the value", false},
		{"postlog missing", func(c *Staged) { c.set("maillog_file", "/var/log/mail.log") }, "needs the service postlog", false},
		{"by address", func(c *Staged) {
			c.Meant[0].Hops[0].NoAuth = true
			c.option("relayhost-x", "smtp_sasl_auth_enable", "no")
			c.State.Maps[passwords] = nil
		}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := goodStaged(t)
			c.State.Params, c.State.Maps = maps.Clone(c.State.Params), maps.Clone(c.State.Maps)
			tc.change(&c)
			found := Check(c)
			i := slices.IndexFunc(found, func(p lint.Finding) bool {
				return strings.Contains(p.String(), tc.want) && (p.Severity == lint.Error) == tc.fatal
			})
			switch {
			case tc.want == "" && len(found) > 0:
				t.Errorf("found %v, want nothing", found)
			case tc.want != "" && i < 0:
				t.Errorf("found %v, want %q (fatal: %v)", found, tc.want, tc.fatal)
			}
			for _, p := range found {
				if strings.Contains(p.String(), "password\n") || strings.Contains(p.String(), "user:") {
					t.Error("got a secret in a problem, want none")
				}
			}
		})
	}
}

func TestExpand(t *testing.T) {
	lookup := func(name string) string { return map[string]string{"a": "1", "b_2": "two"}[name] }
	for value, want := range map[string]string{"": "", "x": "x", "$a-$b_2": "1-two", "${a}$(b_2)": "1two", "$$a": "$a", "$none.": "."} {
		t.Run(fmt.Sprintf("%q", value), func(t *testing.T) {
			if got, ok := expand(value, lookup); !ok || got != want {
				t.Errorf("expand(%q) = %q, %v, want %q", value, got, ok, want)
			}
		})
	}
	for _, value := range []string{"${a?b}", "${a?{x}:{y}}", "${a", "${{$a} == {b} ? {c} : {d}}"} {
		t.Run(value, func(t *testing.T) {
			if got, ok := expand(value, lookup); ok {
				t.Errorf("expand(%q) = %q, want that left to postconf", value, got)
			}
		})
	}
}

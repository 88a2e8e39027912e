package lint_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/postfix"
)

// TestRules: one configuration for each fault, and its neighbour without it.
func TestRules(t *testing.T) {
	const master = "smtp unix - - y - - smtp\nrelay unix - - y - - smtp\n  -o smtp_fallback_relay=\n"
	const amavis = master + "# filter\nsmtp-amavis unix - - n - 2 smtp\n  -o max_use=20\n"
	types := []string{"hash", "texthash", "static", "inline", "regexp", "proxy"}
	there := func(paths ...string) func(string) (bool, bool) {
		return func(path string) (bool, bool) {
			return strings.Contains(" "+strings.Join(paths, " ")+" ", " "+path+" "), true
		}
	}
	const passwd = "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n"
	tests := []struct {
		name, main, master, passwd string
		exists                     func(string) (bool, bool)
		want                       string // "rule file:line"
		says                       string
	}{
		{name: "clean", main: "relayhost = [a.example]:587\n" + passwd, passwd: "[a.example]:587 u:p"},
		{name: "no colon", main: "relayhost = [a.example]\n" + passwd, passwd: "# ours\na.example user secret-word", want: "table_no_colon /etc/postfix/sasl_passwd:2", says: "colon"},
		{name: "empty entry", main: "relayhost = [a.example]:587\n" + passwd, passwd: "[a.example]:587 :", want: "table_empty_entry /etc/postfix/sasl_passwd:1"},
		{name: "key without value", main: "relayhost = [a.example]:587\n" + passwd, passwd: "[a.example]:587", want: "table_empty_entry /etc/postfix/sasl_passwd:1"},
		{name: "unused key", main: "relayhost = [a.example]:587\n" + passwd, passwd: "[b.example]:587 u:p", want: "map_key_mismatch /etc/postfix/sasl_passwd:1", says: "[b.example]:587"},
		{name: "key of an exchanger", main: "relayhost = a.example\n" + passwd, passwd: "mx.a.example u:p"},
		{name: "key by host", main: "relayhost = [a.example]:587\n" + passwd, passwd: "a.example u:p"},
		{name: "key by sender", main: "relayhost = [a.example]\nsmtp_sender_dependent_authentication = yes\n" + passwd, passwd: "@b.example u:p"},
		{name: "key by sender that is not on", main: "relayhost = [a.example]\n" + passwd, passwd: "@b.example u:p", want: "map_key_mismatch /etc/postfix/sasl_passwd:1"},
		{name: "dollar", main: "smtp_sasl_password_maps = static:u:12$4&5*5\n", want: "table_dollar main.cf:1", says: `"$$"`},
		{name: "dollar twice", main: "smtp_sasl_password_maps = static:u:12$$4\n"},
		{name: "parameter in a table", main: "x = 1\nsmtp_sasl_password_maps = static:u:$x\n"},
		{name: "type missing", main: "smtp_header_checks = pcre:/etc/postfix/checks\n", want: "map_type_unsupported main.cf:1", says: "apt-get install postfix-pcre"},
		{name: "type missing behind proxy", main: "a = b\nvirtual_alias_maps =\n  proxy:mysql:/etc/postfix/a.cf\n", want: "map_type_unsupported main.cf:2"},
		{name: "never compiled", main: "relay_domains = hash:/etc/postfix/relay\n", exists: there("/etc/postfix/relay"), want: "map_db_missing main.cf:1", says: "postmap hash:/etc/postfix/relay"},
		{name: "compiled", main: "relay_domains = hash:/etc/postfix/relay\n", exists: there("/etc/postfix/relay.db")},
		{name: "no such file", main: "smtp_header_checks = regexp:/etc/postfix/checks\n", exists: there(), want: "map_db_missing main.cf:1", says: "no such file"},
		{name: "never compiled, inside of another", main: "virtual_alias_maps = unionmap:{static:x, hash:/etc/postfix/a}\n", exists: there("/etc/postfix/a"), want: "map_db_missing main.cf:1", says: "postmap hash:/etc/postfix/a"},
		{name: "password in place of a file", main: "smtp_sasl_password_maps = ldap:secret-word\n", want: "map_type_unsupported main.cf:1", says: "postfix-ldap"},
		{name: "level unknown", main: "smtp_tls_security_level = encrypted\n", want: "smtp_fatal_level main.cf:1", says: "postconf -X smtp_tls_security_level"},
		{name: "name in place of an address", main: "smtp_bind_address = mail.example.com\n", want: "smtp_fatal_level main.cf:1", says: "is no IP address"},
		{name: "addresses", main: "smtp_bind_address = 192.0.2.1\nsmtp_bind_address6 = [2001:db8::1]\nlmtp_bind_address = x\n"},
		{name: "no address", main: "smtp_bind_address =\nsmtp_bind_address6 = $x\nx = 1\n"},
		{name: "level unknown at a service", main: "default_transport = mine\n", master: master + "mine unix - - y - - smtp\n  -o smtp_tls_security_level=on\n", want: "smtp_fatal_level master.cf:4", says: "postconf -PX 'mine/unix/smtp_tls_security_level'"},
		{name: "level unknown at a service of others", main: "default_transport = smtp\n", master: master + "mine unix - - y - - smtp\n  -o smtp_tls_security_level=on\n", want: "value_elsewhere master.cf:4"},
		{name: "cache", main: "smtp_tls_session_cache_database = btree:/var/lib/postfix/cache\n", exists: there()},
		{name: "encrypt starves the filter", main: "smtp_tls_security_level = encrypt\ncontent_filter = smtp-amavis:[127.0.0.1]:10024\n", master: amavis, want: "tls_level_starves_filter master.cf:5", says: "smtp_tls_security_level=none"},
		{name: "the old form starves the filter", main: "smtp_enforce_tls = yes\ncontent_filter = smtp-amavis:[127.0.0.1]:10024\n", master: amavis, want: "tls_level_starves_filter master.cf:5", says: "the TLS level verify"},
		{name: "filter without TLS", main: "smtp_tls_security_level = encrypt\ncontent_filter = smtp-amavis:[127.0.0.1]:10024\n", master: amavis + "  -o smtp_tls_security_level=none\n"},
		{name: "filter without TLS, in braces", main: "smtp_tls_security_level = encrypt\ncontent_filter = smtp-amavis:[127.0.0.1]:10024\n", master: amavis + "  -o { smtp_tls_security_level = none }\n"},
		{name: "a level of the service's own", main: "default_transport = relayhost-smarthost:[127.0.0.1]:1025\n", master: master + "relayhost-smarthost unix - - n - - smtp\n  -o smtp_tls_security_level=secure\n"},
		{name: "wrapper mode starves the filter", main: "smtp_tls_wrappermode = yes\ncontent_filter = smtp-amavis:[127.0.0.1]:10024\n", master: amavis + "  -o smtp_tls_security_level=none\n", want: "tls_wrappermode_global master.cf:5"},
		{name: "wrapper mode for the relay", main: "smtp_tls_wrappermode = yes\nrelayhost = [a.example]:465\n"},
		{name: "boolean", main: "append_dot_mydomain = gitlab.localhost\n", want: "value_not_boolean main.cf:1", says: "append_dot_mydomain"},
		{name: "option without a value", master: master + "submission inet n - y - - smtpd\n  -o smtpd_tls_wrappermode\n", want: "mastercf_syntax master.cf:4", says: "submission/inet has -o smtpd_tls_wrappermode,"},
		{name: "option with blanks", master: master + "submission inet n - y - - smtpd\n  -o smtpd_tls_wrappermode = yes\n", want: "mastercf_syntax master.cf:4"},
		{name: "option in braces without a value", master: master + "submission inet n - y - - smtpd\n  -o { smtpd_tls wrappermode = yes }\n", want: "mastercf_syntax master.cf:4"},
		{name: "option in braces", master: master + "submission inet n - y - - smtpd\n  -o { smtpd_tls_wrappermode = yes }\n"},
		{name: "option of an empty value", master: master + "submission inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=\n"},
		{name: "twice", main: "relayhost = [a.example]\nx = 1\n\nrelayhost = [b.example]\nx = 1\n", want: "maincf_duplicate main.cf:4", says: "relayhost in lines 1 and 4, x in lines 2 and 5"},
		{name: "comment between", main: "relayhost =\n# a comment\n  [a.example]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			main, err := postfix.ParseMain([]byte(tt.main))
			if err != nil {
				t.Fatal(err)
			}
			entries, err := postfix.ParseMaster([]byte(cmp.Or(tt.master, master)))
			if err != nil {
				t.Fatal(err)
			}
			s := postfix.State{Main: main, Master: entries, Params: main.Values(), MapTypes: types,
				Maps: map[string][]byte{"/etc/postfix/sasl_passwd": []byte(tt.passwd)}}
			var got []string
			said := ""
			for _, f := range s.Lint(tt.exists, nil) {
				got = append(got, fmt.Sprintf("%s %s:%d", f.Rule, f.File, f.Line))
				said += f.Detail + " " + f.Remedy + " " + f.Command
				if f.Detail == "" || f.Remedy == "" || f.Severity == "" {
					t.Errorf("got %+v, want detail, remedy and severity", f)
				}
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !strings.Contains(said, tt.says) || strings.Contains(said, "secret-word") || strings.Contains(said, "12$4&5*5") {
				t.Errorf("got %q (passwords: ***), want %q and no password", strings.NewReplacer("secret-word", "***", "12$4&5*5", "***").Replace(said), tt.says)
			}
		})
	}
}

// TestValues: the kind of a parameter is told by its default, which some have that take
// other values too (postconf -dx of Postfix 3.7, and of builds without documentation).
func TestValues(t *testing.T) {
	defaults := map[string]string{"html_directory": "no", "readme_directory": "no", "smtpd_forbid_bare_newline": "no", "biff": "yes",
		"default_destination_concurrency_negative_feedback": "1", "default_destination_concurrency_limit": "20", "smtp_connect_timeout": "30s"}
	for _, tt := range []struct{ name, value, want string }{
		{"biff", "no", ""},
		{"biff", "maybe", "value_not_boolean"},
		{"html_directory", "/usr/share/doc/postfix/html", ""},
		{"readme_directory", "/usr/share/doc/postfix/README_FILES", ""},
		{"smtpd_forbid_bare_newline", "normalize", ""},
		{"default_destination_concurrency_negative_feedback", "1/concurrency", ""},
		{"default_destination_concurrency_limit", "20", ""},
		{"default_destination_concurrency_limit", "many", "parameter_value"},
		{"smtp_tls_security_level", "Encrypt", ""},
		{"smtp_sasl_security_options", "NoAnonymous", "smtp_fatal_level"},
		{"inet_protocols", "IPv4", "smtp_fatal_level"},
		{"smtp_connect_timeout", "5", ""},
		{"smtp_connect_timeout", "5 s", "parameter_value"},
	} {
		t.Run(tt.name+" = "+tt.value, func(t *testing.T) {
			main, err := postfix.ParseMain([]byte(tt.name + " = " + tt.value + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			entries, err := postfix.ParseMaster([]byte("smtp unix - - y - - smtp\n"))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range (postfix.State{Main: main, Master: entries, Params: main.Values()}).Lint(nil, defaults) {
				got += f.Rule
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

package instance

import (
	"testing"

	"relayhost/internal/maillog"
)

// Lines of Postfix 3.5 to 3.11, and what they say is to be done.
func TestFaultOf(t *testing.T) {
	for name, test := range map[string]struct {
		line string
		want Fault
	}{
		"boolean": {"postfix/trivial-rewrite[7]: fatal: bad boolean configuration: append_dot_mydomain = gitlab.localhost",
			Fault{Param: "append_dot_mydomain", Remedy: "write yes or no for append_dot_mydomain in main.cf, or remove the line"}},
		"number": {"postfix/smtp[7]: fatal: bad numerical configuration: smtp_connection_reuse_count_limit = many",
			Fault{Param: "smtp_connection_reuse_count_limit", Remedy: "write a number for smtp_connection_reuse_count_limit in main.cf, or remove the line"}},
		"time": {"postfix/smtp[7]: fatal: parameter smtp_helo_timeout: bad time value or unit: soon",
			Fault{Param: "smtp_helo_timeout", Remedy: "write a time for smtp_helo_timeout in main.cf (30s, 5m, 1h), or remove the line"}},
		"range": {"postfix/smtp[7]: fatal: invalid smtp_helo_timeout: 0 (min 1)",
			Fault{Param: "smtp_helo_timeout", Remedy: "write a valid value for smtp_helo_timeout in main.cf, or remove the line"}},
		"type": {"postfix/smtp[7]: error: unsupported dictionary type: pcre. Is the postfix-pcre package installed?",
			Fault{Package: "postfix-pcre", Remedy: "Install the package postfix-pcre."}},
		"type in a warning": {"postfix/smtp[7]: warning: pcre:/etc/postfix/checks is unavailable. unsupported dictionary type: pcre",
			Fault{Table: "pcre:/etc/postfix/checks", Package: "postfix-pcre", Remedy: "Install the package postfix-pcre."}},
		"hash gone": {"postfix/smtp[7]: error: unsupported dictionary type: hash",
			Fault{Remedy: "Write lmdb: in place of hash:, and compile the tables again with postmap."}},
		"not compiled": {"postfix/trivial-rewrite[7]: error: open database /etc/postfix/relay.lmdb: No such file or directory",
			Fault{Table: "lmdb:/etc/postfix/relay", Remedy: "compile the table", Command: "postmap lmdb:/etc/postfix/relay"}},
		"no file": {"postfix/cleanup[7]: warning: regexp:/etc/postfix/checks is unavailable. open /etc/postfix/checks: No such file or directory",
			Fault{Table: "regexp:/etc/postfix/checks", Remedy: "make the file /etc/postfix/checks, or take it out of the parameter that names it"}},
		"no service": {"postfix/smtp[7]: warning: connect to private/tlsproxy service: No such file or directory",
			Fault{Remedy: "master.cf has no service tlsproxy, which another setting asks for: add it, or change that setting"}},
		"lookup": {"postfix/cleanup[7]: warning: virtual_alias_maps: table lookup problem",
			Fault{Param: "virtual_alias_maps", Remedy: "ask the table as Postfix does: postmap -q KEY $(postconf -hx virtual_alias_maps)"}},
		"certificate gone": {`postfix/relayhost-x/smtp[7]: warning: cannot get RSA certificate from file "/etc/ssl/old.pem": disabling TLS support`,
			Fault{Param: "smtp_tls_cert_file", Remedy: "correct the file, or remove smtp_tls_cert_file and smtp_tls_key_file from main.cf: hardly any server asks for a client certificate"}},
		"certificate empty": {`postfix/relayhost-x/smtp[7]: warning: error loading private keys and certificates from: /etc/ssl/renewed.pem: disabling TLS support`,
			Fault{Param: "smtp_tls_cert_file", Remedy: "correct the file, or remove smtp_tls_cert_file and smtp_tls_key_file from main.cf: hardly any server asks for a client certificate"}},
		"any panic": {"postfix/qmgr[7]: panic: myfree: corrupt or unallocated memory block", Fault{}},
	} {
		t.Run(name, func(t *testing.T) {
			line, ok := maillog.Parse(test.line)
			if !ok {
				t.Fatalf("Parse(%q): got no line of a log, want one", test.line)
			}
			got, ok := FaultOf(line)
			test.want.Program, test.want.Text = got.Program, got.Text
			if !ok || got != test.want || got.Program != line.Daemon || got.Text == "" {
				t.Errorf("got %+v (%v), want %+v", got, ok, test.want)
			}
		})
	}
	for _, tt := range []struct {
		name, text string
	}{
		{"delivery", "postfix/smtp[7]: ABCDEF0123: to=<a@b.example>, relay=r[1.2.3.4]:587, status=deferred (host r said: 450 later)"},
		{"no mechanism", "postfix/smtp[7]: warning: r[1.2.3.4]:587 offered null AUTH mechanism list"},
		{"refused connection", "postfix/smtp[7]: connect to r[1.2.3.4]:587: Connection refused"},
		{"start of master", "postfix/master[7]: daemon started -- version 3.7.11, configuration /etc/postfix-relayhost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line, _ := maillog.Parse(tt.text)
			if f, ok := FaultOf(line); ok {
				t.Errorf("FaultOf(%q): got %+v, want none", tt.text, f)
			}
		})
	}
}

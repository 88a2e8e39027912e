//go:build lab

package cmd_test

import (
	"os"
	"testing"

	"relayhost/internal/explain"
	"relayhost/internal/lab"
)

// here are causes that the state of the host shows: what brings each about, and
// a text that it may stand behind.
var here = []struct{ cause, shell, text string }{
	{"auth_not_enabled", "postconf -P relayhost-ses/unix/smtp_sasl_auth_enable=no", "530 5.7.0 Authentication required"},
	{"starttls_required", "postconf -P relayhost-ses/unix/smtp_tls_security_level=none", "530 5.7.0 Must issue a STARTTLS command first"},
	{"smtp_fatal_level", "postconf -P relayhost-ses/unix/smtp_tls_security_level=bogus", `postfix/smtp[9]: fatal: Invalid TLS level "bogus"`},
	{"tls_587_wrappermode", "postconf -P relayhost-ses/unix/smtp_tls_wrappermode=yes",
		"postfix/smtp[9]: warning: TLS library problem: error:0A00010B:SSL routines::wrong version number:../ssl/record/ssl3_record.c:350:"},
	{"relayhost_syntax", "postconf -e 'default_transport=relayhost-ses:[relay.example:587]'",
		"postfix/smtp[9]: fatal: valid hostname or network address required in server description: [relay.example:587]"},
	{"sasl_noplaintext_default", "postconf -P relayhost-ses/unix/smtp_sasl_tls_verified_security_options=noplaintext",
		"postfix/smtp[9]: warning: SASL authentication failure: No worthy mechs found"},
	{"mydestination_domain", "postconf -e 'mydestination=localhost, example.com'", `status=bounced (unknown user: "jane")`},
	{"loop_to_self", "postconf -e 'default_transport=relayhost-ses:['$(postconf -h myhostname)']:587'",
		"status=deferred (mail for relay.example loops back to myself)"},
	{"sasl_mech_filter", "postconf -P relayhost-ses/unix/smtp_sasl_mechanism_filter=digestmd5",
		"postfix/smtp[9]: warning: relay.example[192.0.2.1]:587 offered no supported AUTH mechanisms: 'PLAIN LOGIN'"},
	{"map_type_unsupported", "postconf -P relayhost-ses/unix/smtp_sasl_password_maps=cdb:/etc/postfix/sasl_passwd",
		"postfix/smtp[9]: error: unsupported dictionary type: cdb"},
	{"tls_capath_chroot", "postconf -F relayhost-ses/unix/chroot=y; postconf -P relayhost-ses/unix/smtp_tls_CAfile= relayhost-ses/unix/smtp_tls_CApath=/etc/ssl/certs",
		"postfix/smtp[9]: certificate verification failed for relay.example[192.0.2.1]:587: untrusted issuer /CN=A CA"},
	{"tls_wrappermode_level", "postconf -P relayhost-ses/unix/smtp_tls_security_level=may relayhost-ses/unix/smtp_tls_wrappermode=yes",
		`postfix/smtp[9]: warning: smtp_tls_wrappermode requires "smtp_tls_security_level = encrypt" (or stronger)`},
	{"dns_mx_no_brackets", "postconf -e default_transport=relayhost-ses:relay.example:587",
		"status=deferred (Host or domain name not found. Name service error for name=relay.example type=MX: Host not found)"},
	{"maincf_duplicate", `printf 'mail_name = a\nmail_name = b\n' >>/etc/postfix/main.cf`,
		"postfix/smtp[9]: warning: /etc/postfix/main.cf, line 99: overriding earlier entry: mail_name=a"},
	{"maincf_typo", "echo 'relay_host = x' >>/etc/postfix/main.cf", "postconf: warning: /etc/postfix/main.cf: unused parameter: relay_host=x"},
	{"helo_localhost", "postconf -P relayhost-ses/unix/smtp_helo_name=localhost", "550 5.7.1 HELO localhost rejected"},
	{"verbose_log_leaks_password", "postconf -e debug_peer_list=email-smtp.eu-west-1.amazonaws.com", "postfix/smtp[9]: > relay.example[192.0.2.1]:587: AUTH PLAIN x"},
	{"postfix_down", "postfix stop", "postfix/postqueue[9]: warning: Mail system is down -- accessing queue directly"},
}

// TestLabExplainHere: a cause that holds on this host is confirmed, one that does not
// is withdrawn, and with --no-host neither is said.
func TestLabExplainHere(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("ses"))
	credentials(l, "ses", five[0].host)
	if res := l.Run(setupArgs(five[0])...); res.Code != 0 {
		t.Fatalf("want exit code 0, got %s", res)
	}
	l.Server.Shell("cp -a /etc/postfix /root/sound")
	tried := here
	if os.Getenv("LAB_FULL") == "" {
		tried = here[:6]
	}
	explained := func(args ...string) []explain.Cause {
		doc := decode[struct{ Groups []explain.Group }](t, l.Run(append([]string{"relayhost", "explain", "--json"}, args...)...))
		if len(doc.Groups) != 1 {
			t.Fatalf("got %d groups, want 1", len(doc.Groups))
		}
		return append([]explain.Cause{doc.Groups[0].Cause}, doc.Groups[0].Others...)
	}
	for _, tt := range tried {
		t.Run(tt.cause, func(t *testing.T) {
			for _, c := range explained(tt.text) {
				if c.ID == tt.cause && (c.Confirmed || !c.Refuted) {
					t.Errorf("on a sound host: got %+v, want it refuted and not confirmed", c)
				}
			}
			l.Server.Shell(tt.shell)
			if c := explained(tt.text)[0]; c.ID != tt.cause || !c.Confirmed {
				t.Errorf("got %s, confirmed %v, want %s", c.ID, c.Confirmed, tt.cause)
			}
			for _, c := range explained("--no-host", tt.text) {
				if c.Confirmed || c.Refuted {
					t.Errorf("with --no-host: got %+v, want it neither confirmed nor refuted", c)
				}
			}
			l.Server.Shell("postfix stop; rm -rf /etc/postfix; cp -a /root/sound /etc/postfix; postfix start")
		})
	}
}

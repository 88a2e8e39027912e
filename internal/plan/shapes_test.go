package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// howTos are setups as they are met: what distributions leave, what how-tos,
// panels and containers write, and what people add by hand.
var howTos = map[string]string{
	"fresh":              "",
	"satellite":          "relayhost = smtp.isp.test\ninet_interfaces = loopback-only\nmydestination = $myhostname, localhost\n",
	"local only":         "default_transport = error\nrelay_transport = error\ninet_interfaces = loopback-only\n",
	"plain 587":          "relayhost = [smtp.old.test]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\nsmtp_tls_security_level = encrypt\nsmtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n",
	"wrapper 465":        "relayhost = [smtp.old.test]:465\nsmtp_use_tls = yes\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = encrypt\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd\n",
	"password inline":    "relayhost = [smtp.old.test]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:user:secret\nsmtp_sasl_security_options = noanonymous\n",
	"tls of 2005":        "smtp_use_tls = yes\nsmtp_enforce_tls = no\nsmtp_tls_per_site = hash:/etc/postfix/tls_per_site\nsmtp_tls_note_starttls_offer = yes\n",
	"two relays":         "relayhost = [a.test]:587, [b.test]:587\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd hash:/etc/postfix/more\n",
	"by sender":          "sender_dependent_relayhost_maps = hash:/etc/postfix/by_sender\nsmtp_sender_dependent_authentication = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n",
	"policy table":       "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\nsmtp_tls_security_level = dane\nsmtp_dns_support_level = dnssec\n",
	"backup mx":          "relay_domains = backup.test, $mydestination, hash:/etc/postfix/relay_domains\nrelay_recipient_maps =\n",
	"transport table":    "transport_maps = hash:/etc/postfix/transport, regexp:/etc/postfix/transport.re\n",
	"content filter":     "content_filter = smtp-amavis:[127.0.0.1]:10024\nreceive_override_options = no_address_mappings\n",
	"milters":            "milter_default_action = accept\nsmtpd_milters = inet:localhost:8891\nnon_smtpd_milters = $smtpd_milters\n",
	"mailboxes":          "virtual_mailbox_domains = example.com\nvirtual_mailbox_maps = hash:/etc/postfix/vmailbox\nvirtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n",
	"generic already":    "smtp_generic_maps = hash:/etc/postfix/generic\nsender_canonical_maps = regexp:/etc/postfix/canonical\nsender_canonical_classes = envelope_sender\n",
	"status filter":      "default_delivery_status_filter = pcre:/etc/postfix/dsn\n",
	"private CA":         "smtp_tls_CAfile = /etc/postfix/corp.pem\nsmtp_tls_CApath = /etc/postfix/certs\ntls_append_default_CA = yes\nsmtp_fallback_relay = [fallback.test]\n",
	"macros":             "my_relay = [smtp.old.test]:587\nrelayhost = $my_relay\nsmtp_sasl_password_maps = ${default_database_type}:${config_directory}/sasl_passwd\n",
	"empty and spaced":   "relayhost=\nsmtp_use_tls   =\nsmtp_sasl_auth_enable\t=\tno\nsmtp_tls_policy_maps =\n",
	"container":          "maillog_file = /dev/stdout\ninet_protocols = ipv4\nsmtputf8_enable = no\nalways_add_missing_headers = yes\n",
	"ours, another name": "relayhost = [smtp.old.test]:587\ndefault_transport = relayhost-old\nrelayhost-old_destination_concurrency_limit = 5\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n",

	// What distributions install.
	"Debian 12":    "smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)\nbiff = no\nappend_dot_mydomain = no\nreadme_directory = no\ncompatibility_level = 3.6\n\n\n\n# TLS parameters\nsmtpd_tls_security_level=may\n\nsmtp_tls_CApath=/etc/ssl/certs\nsmtp_tls_security_level=may\nsmtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n\nalias_maps = hash:/etc/aliases\nmyorigin = /etc/mailname\nmydestination = $myhostname, host.example.com, localhost.example.com, , localhost\nrelayhost = \ninet_interfaces = all\n",
	"Debian smart": "relayhost = mail.isp.test\nmyorigin = /etc/mailname\nmydestination = $myhostname, localhost\nmailbox_size_limit = 0\nrecipient_delimiter = +\ninet_interfaces = loopback-only\ninet_protocols = all\n",
	"Red Hat":      "inet_interfaces = localhost\ninet_protocols = all\nunknown_local_recipient_reject_code = 550\nalias_maps = hash:/etc/aliases\n#relayhost = $mydomain\ndebug_peer_level = 2\ndebugger_command =\n\t PATH=/bin:/usr/bin:/usr/local/bin:/usr/X11R6/bin\n\t ddd $daemon_directory/$process_name $process_id & sleep 5\n\nsmtp_tls_CApath = /etc/pki/tls/certs\nsmtp_tls_CAfile = /etc/pki/tls/certs/ca-bundle.crt\nsmtp_tls_security_level = may\nmeta_directory = /etc/postfix\n",
	"Alpine":       "mydestination = $myhostname, localhost.$mydomain, localhost\nmynetworks_style = host\nalias_maps = lmdb:/etc/postfix/aliases\nhome_mailbox = Maildir/\nsmtputf8_enable = yes\n",
	"SUSE":         "inet_protocols = all\nbiff = no\nmail_spool_directory = /var/mail\ncanonical_maps = lmdb:/etc/postfix/canonical\nmasquerade_domains =\nmasquerade_exceptions = root\nrelayhost =\nsmtpd_client_restrictions =\nsmtp_sasl_auth_enable = no\nsmtp_sasl_security_options =\nsmtp_sasl_password_maps =\nsmtp_use_tls = no\nsmtp_tls_CAfile =\nsmtp_tls_CApath =\n",
	// What the images, panels and roles write that set a relay up.
	"docker-postfix": "relayhost = [smtp.old.test]:587\nsmtp_tls_security_level = may\nsmtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = lmdb:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\nsmtp_sasl_tls_security_options = noanonymous\nmaillog_file = /dev/stdout\n",
	"mailserver":     "sender_dependent_relayhost_maps = texthash:/etc/postfix/by_sender\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd\nsmtp_sender_dependent_authentication = yes\nsmtp_sasl_security_options = noanonymous\nsmtp_tls_security_level = encrypt\n",
	"panel, 465":     "relayhost = [smtp.old.test]:465\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = encrypt\nsmtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n",
	"web form":       "relayhost = smtp.old.test\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n",
	"appliance":      "relayhost = [smtp-relay.old.test]:587\nsmtp_use_tls = yes\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options =\nheader_size_limit = 4096000\n",
	"journalists":    "relayhost = [smtp.old.test]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\nsmtp_use_tls = yes\nsmtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\nsmtp_tls_security_level = secure\nsmtp_tls_CApath = /etc/ssl/certs\nsmtp_tls_ciphers = high\nsmtp_tls_protocols = TLSv1.2 TLSv1.3 !TLSv1.1 !TLSv1 !SSLv2 !SSLv3\n",
	"managed block":  "# BEGIN RELAY SERVICE CONFIGURATION - DO NOT EDIT THIS MARKER\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsender_dependent_default_transport_maps = hash:/etc/postfix/by_sender\nsmtp_sasl_security_options = noanonymous\n# END RELAY SERVICE CONFIGURATION - DO NOT EDIT THIS MARKER\n",
	"cloud's how-to": "relayhost = email-smtp.us-east-1.amazonaws.com:587\nsmtp_sasl_auth_enable=yes\nsmtp_sasl_security_options=noanonymous\nsmtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd\nsmtp_use_tls = yes\nsmtp_tls_security_level = encrypt\nsmtp_tls_note_starttls_offer = yes\nsmtp_tls_CAfile = /etc/ssl/certs/ca-bundle.crt\n",
}

// shapes are ways to write the same.
var shapes = map[string]func(string) string{
	"as is":            func(s string) string { return s },
	"CRLF":             func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"no final newline": func(s string) string { return strings.TrimRight(s, "\n") },
	"tabs":             func(s string) string { return strings.ReplaceAll(s, " = ", "\t=\t") },
	"tight":            func(s string) string { return strings.ReplaceAll(s, " = ", "=") },
	"comments between": func(s string) string { return strings.ReplaceAll(s, "\n", "\n# between\n\n") },
	"continued":        func(s string) string { return strings.ReplaceAll(s, ", ", ",\n# why\n\n\t") },
	"values below":     func(s string) string { return strings.ReplaceAll(s, " = ", " =\n  ") },
	"twice":            func(s string) string { return s + "# again\n" + s },
	"commented":        func(s string) string { return "#relayhost = [x]:25\n" + s + "#relayhost-ses = y\n  # indented\n" },
	"Latin-1":          func(s string) string { return "# caf\xe9\nmy_name = caf\xe9\n" + s },
}

// 200 and more main.cf: a plan on each is unchanged on its own result, knows
// the bytes to go back to, and takes no line of anybody else.
func TestShapesOfMainCF(t *testing.T) {
	n := 0
	for name, howTo := range howTos {
		for shape, write := range shapes {
			n++
			t.Run(name+"/"+shape, func(t *testing.T) {
				before := write("myhostname = host.example.com\n" + howTo + "mynetworks = 127.0.0.0/8\n")
				s := debian(t).with(mainPath, before).with(passwd, "[other.test]:25 a:b\n")
				p := build(t, s, options())
				last := p.Files[len(p.Files)-1]
				if string(last.Before) != before {
					t.Errorf("main.cf before the plan: got\n%q\nwant\n%q", last.Before, before)
				}
				keepsOthers(t, before, string(last.After))
				s.apply(p)
				if again := build(t, s, options()); again.Changed() {
					t.Errorf("a second plan: got the changes %q, main.cf\n%s\nwant none, main.cf\n%s", changed(again), text(t, again, mainPath), last.After)
				}
			})
		}
	}
	if n < 200 {
		t.Errorf("only %d, want at least 200", n)
	}
}

// ours are the parameters that a plan may change or remove.
var ours = []string{"relayhost", "default_transport", "transport_maps", "smtp_use_tls", "smtp_enforce_tls", "smtp_tls_enforce_peername", "sender_canonical_maps"}

func mayChange(name string) bool {
	return slices.Contains(ours, name) || strings.HasPrefix(name, plan.ServicePrefix) || strings.HasPrefix(name, "smtp_sasl_") ||
		name == "smtp_tls_policy_maps"
}

// keepsOthers compares the values of parameters and the comment lines.
func keepsOthers(t *testing.T, before, after string) {
	t.Helper()
	old, err := postfix.ParseMain([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	now, err := postfix.ParseMain([]byte(after))
	if err != nil {
		t.Fatalf("parsing the planned main.cf: got %v, want no error\n%s", err, after)
	}
	for _, name := range old.Names() {
		was, _ := old.Get(name)
		if is, ok := now.Get(name); !mayChange(name) && (!ok || is != was) {
			t.Errorf("%s: got %q, set %t, want %q, set true", name, is, ok, was)
		}
	}
	for line := range strings.Lines(before) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "#") && strings.Count(after, line) < strings.Count(before, line) {
			t.Errorf("comment %q: got it %d times, want at least %d", line, strings.Count(after, line), strings.Count(before, line))
		}
	}
	if want := fmt.Sprint(strings.Contains(before, "\r\n")); want == "true" && strings.Count(after, "\n") != strings.Count(after, "\r\n") {
		t.Errorf("line ends of main.cf: got\n%q\nwant \\r\\n alone", after)
	}
}

package postfix

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// baseMains are main.cf texts in the manner of distributions, images and how-tos.
var baseMains = []string{
	"# Debian\nsmtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)\nbiff = no\nappend_dot_mydomain = no\nreadme_directory = no\ncompatibility_level = 3.6\n\nsmtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem\nsmtpd_tls_security_level=may\n\nsmtp_tls_CApath=/etc/ssl/certs\nsmtp_tls_security_level=may\nsmtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n\nmyhostname = vm\nalias_maps = hash:/etc/aliases\nmydestination = $myhostname, host.example.com, localhost.localdomain, , localhost\nrelayhost = \nmynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\ninet_interfaces = all\n",
	"# RHEL\nqueue_directory = /var/spool/postfix\ncommand_directory = /usr/sbin\nmail_owner = postfix\ninet_interfaces = localhost\ninet_protocols = all\nunknown_local_recipient_reject_code = 550\nalias_maps = hash:/etc/aliases\n#relayhost = $mydomain\ndebug_peer_level = 2\ndebugger_command =\n\t PATH=/bin:/usr/bin:/usr/local/bin:/usr/X11R6/bin\n\t ddd $daemon_directory/$process_name $process_id & sleep 5\nsendmail_path = /usr/sbin/sendmail.postfix\nsmtp_tls_CAfile = /etc/pki/tls/certs/ca-bundle.crt\nsmtp_tls_security_level = may\n",
	"# Alpine\ncompatibility_level = 3.9\nqueue_directory = /var/spool/postfix\nmail_owner = postfix\nmydestination = $myhostname, localhost.$mydomain, localhost\nmynetworks_style = host\nalias_maps = lmdb:/etc/postfix/aliases\nhome_mailbox = Maildir/\n",
	"# openSUSE\ninet_protocols = all\nbiff = no\nmail_spool_directory = /var/mail\ncanonical_maps = lmdb:/etc/postfix/canonical\nmasquerade_domains =\nmasquerade_exceptions = root\nrelayhost =\ndisable_dns_lookups = no\nsmtpd_client_restrictions =\nsmtpd_recipient_restrictions = permit_mynetworks,reject_unauth_destination\nstrict_8bitmime = no\n",
	"# a how-to\nrelayhost = [smtp.sendgrid.net]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\nsmtp_tls_security_level = encrypt\nheader_size_limit = 4096000\n",
	"# another how-to\nrelayhost = email-smtp.us-east-1.amazonaws.com:25\nsmtp_use_tls = yes\nsmtp_sasl_auth_enable=yes\nsmtp_sasl_security_options=noanonymous\nsmtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd\nsmtp_tls_note_starttls_offer = yes\nsmtp_tls_CAfile = /etc/ssl/certs/ca-bundle.crt\n",
	"# wrapper mode for everybody\nrelayhost = [smtp.gmail.com]:465\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = encrypt\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:user:pass#word\nsmtp_sasl_tls_security_options = noanonymous\n",
	"# hub\ntransport_maps = hash:/etc/postfix/transport\nrelay_domains = example.org example.net\nvirtual_alias_maps =\n  hash:/etc/postfix/virtual,\n  # a comment inside\n  regexp:/etc/postfix/virtual_regexp\n\n  ldap:/etc/postfix/ldap.cf\nmessage_size_limit = 52428800\nsmtpd_relay_restrictions =\n   permit_mynetworks\n   permit_sasl_authenticated\n   reject_unauth_destination\nsmtpd_milters = unix:/run/opendkim.sock, inet:localhost:11332\ncontent_filter = smtp-amavis:[127.0.0.1]:10024\n",
	"# satellite\nmyorigin = /etc/mailname\ninet_interfaces = loopback-only\ndefault_transport = error\nrelay_transport = error\nmydestination =\nlocal_transport = error:local mail delivery is disabled\n",
	"# odd but legal\nsmtp_generic_maps=\nmail_name = a = b = c\nsmtpd_banner = \"quoted\" 'single' back\\slash \xff\xfe \u00e9\nsmtp_helo_name=${myhostname?{$myhostname}:{localhost}}\nempty_address_recipient = MAILER-DAEMON\nnotify_classes = resource ,  software\t,\tbounce\n",
	"# with look-alikes\nrelayhost_maps = x\n#relayhost = [commented]\n # relayhost = [indented]\nRelayhost = [wrong.case]\nsmtp_host_lookup = dns, native\nsmtp_address_preference = ipv4\n",
	"",
}

// shapes change how a text is written down.
var shapes = []func(string) string{
	func(s string) string { return s },
	func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	func(s string) string { return strings.TrimSuffix(s, "\n") },
	func(s string) string { return strings.TrimSuffix(strings.ReplaceAll(s, "\n", "\r\n"), "\r\n") },
	func(s string) string { return regexp.MustCompile(`(?m) *= *`).ReplaceAllString(s, "=") },
	func(s string) string {
		return regexp.MustCompile(`(?m)^([a-z_]+) *= *`).ReplaceAllString(s, "$1\t =\n\t\t")
	},
	func(s string) string { return strings.ReplaceAll(s, ", ", ",\n    ") },
	func(s string) string { return strings.ReplaceAll(s, ", ", ",\n# between\n\n  # indented\n\f  ") },
	func(s string) string { return strings.ReplaceAll(s, "\n", "  \t\n") },
	func(s string) string { return s + s },
	func(s string) string {
		return s + regexp.MustCompile(`(mydest|relayhost|banner|name|maps) = `).ReplaceAllString(s, "$1 = other ")
	},
	func(s string) string { return "   leading white space\n\tof nothing\n" + s },
	func(s string) string { return s + "\n\n  a late continuation" },
	func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n\n") },
	func(s string) string {
		return s + strings.Repeat("# a long comment\n", 2000) + "  and its continuation\n"
	},
	func(s string) string { return strings.ReplaceAll(s, "#", "\v#") },
	func(s string) string { return s + "relayhost = x\n" + Mark + "\nsmtp_helo_name = y\n" },
}

// SeedMains are 204 main.cf texts that Postfix accepts.
func SeedMains() []string {
	var texts []string
	for _, base := range baseMains {
		for _, shape := range shapes {
			texts = append(texts, shape(base))
		}
	}
	return texts
}

// RandomMain makes a text of pieces that a parser of lines can get wrong. Some
// of them Postfix refuses.
func RandomMain(r *rand.Rand) string {
	names := []string{"relayhost", "smtp_helo_name", "mydestination", "smtp_bind_address", "mail_name", "smtpd_banner"}
	blanks := []string{"", "", " ", " ", "\t", "  ", "\r", "\f", "\v"}
	values := []string{"a", "b,", "c d", "=", " = ", "#", " # x", "$x", "{", "}", "\"", "\\", "\xff", "\u00e9", "  ", "\t", "\r", "[h.test]:25"}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	var b strings.Builder
	for range r.IntN(12) {
		switch r.IntN(24) {
		case 0: // junk, often without "="
			b.WriteString(pick(values) + pick(values))
		case 1, 2, 3:
			b.WriteString(pick(blanks) + "#" + pick(names) + " = " + pick(values))
		case 4, 5:
			b.WriteString(pick(blanks))
		case 6, 7, 8, 9, 10:
			b.WriteString(" " + pick(blanks) + pick(values) + pick(values))
		case 11:
			b.WriteString(pick(names) + "\n " + pick(blanks) + "=" + pick(values))
		default:
			b.WriteString(pick(names) + pick(blanks) + "=" + pick(blanks))
			for range r.IntN(5) {
				b.WriteString(pick(values))
			}
		}
		b.WriteString([]string{"\n", "\n", "\n", "\r\n", "\n\n", " \n"}[r.IntN(6)])
	}
	text := b.String()
	if r.IntN(3) == 0 {
		text = strings.TrimSuffix(text, "\n")
	}
	return text
}

func TestMergeSeeds(t *testing.T) {
	seeds := SeedMains()
	if len(seeds) < 200 {
		t.Fatalf("%d seeds, want 200", len(seeds))
	}
	ours := []struct{ name, value string }{
		{"relayhost", "[smtp.example.test]:587"}, {"default_transport", "relayhost-x"}, {"smtp_sasl_auth_enable", "yes"},
		{"smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd"}, {"smtp_tls_policy_maps", "hash:/etc/postfix/tls"}, {"smtp_generic_maps", ""},
	}
	for i, text := range seeds {
		m := parseMain(t, text)
		others := make(map[string]string)
		for _, name := range m.Names() {
			others[name], _ = m.Get(name)
		}
		merge := func(m *Main) {
			for _, o := range ours {
				m.Set(o.name, o.value)
				others[o.name] = o.value
			}
		}
		merge(m)
		once := string(m.Bytes())
		again := parseMain(t, once)
		merge(again)
		if string(again.Bytes()) != once {
			t.Errorf("seed %d: got another text of the second merge, want the same", i)
		}
		for name, want := range others {
			if got, ok := again.Get(name); !ok || got != want {
				t.Errorf("seed %d: %s is %q, want %q", i, name, got, want)
			}
		}
		// What is not ours is there still, line by line and in order.
		kept := strings.Split(once, "\n")
		for _, line := range strings.Split(text, "\n") {
			if name := strings.TrimSpace(parameterName(line)); slices.ContainsFunc(ours, func(o struct{ name, value string }) bool { return o.name == name }) || name == "" {
				continue
			}
			at := slices.Index(kept, line)
			if at < 0 && slices.Index(kept, line+"\r") < 0 && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
				t.Errorf("seed %d: got no line %q, want it kept", i, line)
			} else if at >= 0 {
				kept = kept[at+1:]
			}
		}
	}
}

// RandomMaster makes a master.cf of entries in every spelling, and now and then
// one that postconf refuses.
func RandomMaster(r *rand.Rand) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	gap := func() string { return pick(" ", "  ", "\t", "\n ", "\n# comment\n  ", "\n\n\t", " \r\n ") }
	var b strings.Builder
	for range r.IntN(5) {
		fields := []string{
			pick("smtp", "127.0.0.1:smtp", "relay-x", "a/b"), pick("unix", "unix", "inet", "pass", "fifo", "unix-dgram"), pick("-", "y", "n"), pick("-", "n"),
			pick("-", "y", "n"), pick("-", "0", "60?", "1000"), pick("-", "1", "0"), pick("smtp", "smtpd", "pipe"),
		}
		if r.IntN(60) == 0 {
			fields[r.IntN(7)+1] = pick("x", "", "y?", "{")
		}
		for range r.IntN(4) {
			fields = append(fields, pick("-v", "-o a=b", "-oc=d", "-vo e=f=g", "-o {h = i j}", "-o { k=l }", "-o m", "-o n="))
		}
		if r.IntN(3) == 0 {
			fields = append(fields, pick("flags=Rq", "--"), pick("{x y}", "argv=/bin/x", "-o"), "p=q")
		}
		b.WriteString(pick("", "", "#", " # x\n", "\n") + strings.Join(fields, gap()) + "\n")
	}
	return b.String()
}

//go:build lab

package verify_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/lab/script"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
	"relayhost/relays"
)

const sesHost = "email-smtp.eu-west-1.amazonaws.com"

// sesLab is a server that relayhost has set up for SES.
func sesLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	l := newLab(t, opts...)
	if res := setup(l); res.Code != 0 {
		t.Fatalf("setup: got %s\nwant exit 0\n%s", res, l.Server.MailLog())
	}
	return l
}

// setup runs relayhost setup.
func setup(l *lab.Lab, args ...string) lab.Result {
	return l.Run(append([]string{"relayhost", "setup", "--relay", "ses", "--region", "eu-west-1", "--from", "app@example.com", "--to", "to@example.net",
		"--credentials-file", "/root/credentials", "--yes", "--json"}, args...)...)
}

// newLab is a server in front of SES, with credentials and no setup.
func newLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	l := lab.New(t, append([]lab.Option{lab.Cloud("aws"), lab.Postfix(), lab.Relay("ses")}, opts...)...)
	r := l.World.Relay("ses")
	l.Server.WriteFile("/root/credentials", "username="+r.Username+"\npassword="+relays.SESPassword(r.SecretAccessKey, "eu-west-1")+"\n", 0o600)
	return l
}

// failure breaks a sound server and says what verify and explain must make of
// it.
type failure struct {
	name     string
	shell    string // breaks the server
	world    func(*lab.Lab)
	mail     bool     // the login is refused: somebody has sent a message before, and verify tries once
	args     []string // of verify
	findings []string // "check:cause", all of which must be among the findings
	explain  []string // causes of which one must be the newest in the log

	undo string // brings back what the state of /etc/postfix does not
	then string // happens after verify, before explain is asked
	log  string // what the log says then

	setup []string // causes of which one setup must name when it meets this on a server without a setup
	flags []string // of setup
	fixed bool     // setup fixes it
}

var noSend = []string{"--no-send"}

// reply has the relay say something at a step.
func reply(at smtpd.Step, code int, enhanced, text string) func(*lab.Lab) {
	return func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) {
			c.Replies = map[smtpd.Step]smtpd.Reply{at: {Code: code, Enhanced: enhanced, Text: text}}
		})
	}
}

// mechanism has the relay offer these SASL mechanisms and no others.
func mechanism(names ...string) func(*lab.Lab) {
	return func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) { c.Mechanisms = append([]string{}, names...) })
	}
}

// stages are the scripted servers of labs, one for all of their traps.
var stages sync.Map

type stage struct {
	addr  netip.Addr
	steps atomic.Pointer[[]script.Step]
}

// trap has a hostile server in the relay's place.
func trap(name string) func(*lab.Lab) {
	return func(l *lab.Lab) {
		v, known := stages.LoadOrStore(l, &stage{})
		s := v.(*stage)
		if !known {
			server := l.World.Script(sesHost, 587, func(c *script.Conn) error { return script.Do(*s.steps.Load()...)(c) })
			s.addr = netip.MustParseAddrPort(server.Addr()).Addr()
		}
		for _, t := range script.Traps(l.World.ServerTLS(sesHost)) {
			if t.Name == name {
				s.steps.Store(&t.Steps)
			}
		}
		l.World.DNS.Host(sesHost, s.addr)
	}
}

var failures = []failure{
	{name: "wrong password", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) { c.Accounts = nil })
	}, mail: true, findings: []string{"auth:ses_credentials_invalid", "delivery:"}, explain: []string{"ses_credentials_invalid"}, setup: []string{"ses_credentials_invalid"}},
	{name: "sender not verified", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) {
			c.Message = func(smtpd.Envelope) *smtpd.Reply {
				return &smtpd.Reply{Code: 554, Text: "Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: app@example.com"}
			}
		})
	}, findings: []string{"auth:", "delivery:ses_unverified_identity"}, explain: []string{"ses_unverified_identity"}, setup: []string{"ses_unverified_identity"}},
	{name: "rate", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) {
			c.Message = func(smtpd.Envelope) *smtpd.Reply {
				return &smtpd.Reply{Code: 454, Text: "Throttling failure: Maximum sending rate exceeded."}
			}
		})
	}, findings: []string{"delivery:ses_rate"}, explain: []string{"ses_rate"}, setup: []string{"ses_rate"}},
	{name: "STARTTLS stripped", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) { c.NoSTARTTLS, c.AuthWithoutTLS = true, true })
	}, findings: []string{"tls:tls_not_offered", "delivery:tls_not_offered"}, explain: []string{"tls_not_offered"}, setup: []string{"tls_not_offered"}, flags: []string{"--port", "587"}},
	{name: "certificate expired", world: func(l *lab.Lab) { _ = l.World.Relay("ses").Present(lab.Expired) },
		findings: []string{"tls:tls_expired_or_clock"}, explain: []string{"tls_expired_or_clock", "tls_untrusted_issuer"}, setup: []string{"tls_expired_or_clock"}},
	{name: "certificate for another name", world: func(l *lab.Lab) { _ = l.World.Relay("ses").Present(lab.WrongName) },
		findings: []string{"tls:tls_name_mismatch"}, explain: []string{"tls_name_mismatch", "tls_untrusted_issuer"}, setup: []string{"tls_name_mismatch"}},
	{name: "certificate of nobody", world: func(l *lab.Lab) { _ = l.World.Relay("ses").Present(lab.UnknownCA) },
		findings: []string{"tls:tls_untrusted_issuer", "delivery:tls_untrusted_issuer"}, explain: []string{"tls_untrusted_issuer"}, setup: []string{"tls_untrusted_issuer"}},
	{name: "turned away", world: reply(smtpd.StepGreeting, 554, "5.7.1", "Service unavailable"),
		findings: []string{"connect:turned_away", "delivery:turned_away"}, explain: []string{"turned_away"}, setup: []string{"turned_away"}, flags: []string{"--port", "587"}},
	{name: "address is barred", world: reply(smtpd.StepGreeting, 554, "5.7.1", "Service unavailable; Client host blocked"),
		findings: []string{"connect:ip_listed", "delivery:ip_listed"}, explain: []string{"ip_listed"}, setup: []string{"ip_listed"}, flags: []string{"--port", "587"}},
	{name: "587 is refused", world: func(l *lab.Lab) { l.World.Block(587, lab.Reset, lab.Both) },
		findings: []string{"connect:net_refused", "connect:", "auth:", "delivery:net_refused"}, explain: []string{"net_refused"}, setup: []string{"net_refused"}, flags: []string{"--port", "587"}},
	{name: "name does not exist", world: func(l *lab.Lab) { l.World.DNS.Delete(sesHost) },
		findings: []string{"dns:dns_nxdomain", "delivery:dns_nxdomain"}, explain: []string{"dns_nxdomain"}, setup: []string{"dns_nxdomain"}},
	{name: "not yet valid", world: func(l *lab.Lab) { _ = l.World.Relay("ses").Present(lab.NotYetValid) },
		findings: []string{"tls:tls_expired_or_clock"}, explain: []string{"tls_expired_or_clock", "tls_untrusted_issuer"}, setup: []string{"tls_expired_or_clock"}},
	{name: "map not compiled", shell: "rm /etc/postfix/sasl_passwd.db",
		findings: []string{"maps:map_db_missing", "delivery:map_db_missing"}, explain: []string{"map_db_missing", "map_lookup_error"}},
	{name: "key is not the next hop", shell: "sed -i 's/^.email-smtp[^ \t]*/[other.example]:587/' /etc/postfix/sasl_passwd && postmap /etc/postfix/sasl_passwd",
		findings: []string{"maps:map_key_mismatch", "delivery:map_key_mismatch"}, explain: []string{"ses_auth_required"}, fixed: true},
	{name: "map readable by all", shell: "chmod 644 /etc/postfix/sasl_passwd.db", findings: []string{"maps:secret_world_readable"}},
	{name: "plugins gone", shell: "mv /usr/lib/x86_64-linux-gnu/sasl2 /usr/lib/x86_64-linux-gnu/sasl2.gone",
		findings: []string{"config:sasl_plugins_missing", "delivery:sasl_plugins_missing"}, explain: []string{"sasl_plugins_missing"}, setup: []string{"sasl_plugins_missing"}},
	{name: "plain text forbidden", shell: "postconf -P relayhost-ses/unix/smtp_sasl_tls_verified_security_options=noplaintext,noanonymous",
		findings: []string{"config:sasl_noplaintext_default", "delivery:sasl_noplaintext_default", "drift:drift"}, explain: []string{"sasl_noplaintext_default"}, fixed: true},
	{name: "filter", shell: "postconf -P relayhost-ses/unix/smtp_sasl_mechanism_filter=digestmd5",
		findings: []string{"config:sasl_mech_filter", "delivery:sasl_mech_filter"}, explain: []string{"sasl_mech_filter"}, fixed: true},
	{name: "auth off", shell: "postconf -P relayhost-ses/unix/smtp_sasl_auth_enable=no", findings: []string{"config:auth_not_enabled", "delivery:auth_not_enabled"}, explain: []string{"auth_not_enabled"}, fixed: true},
	{name: "CA file gone", shell: "postconf -P relayhost-ses/unix/smtp_tls_CAfile=/nonexistent.pem",
		findings: []string{"delivery:tls_cafile_missing"}, explain: []string{"tls_cafile_missing"}, fixed: true},
	{name: "wrapper mode", shell: "postconf -P relayhost-ses/unix/smtp_tls_wrappermode=yes",
		findings: []string{"config:tls_587_wrappermode"}, explain: []string{"tls_587_wrappermode", "tls_handshake_failure"}, fixed: true},
	{name: "own domain", shell: "postconf -e 'mydestination=localhost, example.com'", args: []string{"--to", "nosuch@example.com"},
		findings: []string{"config:mydestination_domain", "delivery:mydestination_domain"}, explain: []string{"mydestination_domain"}},
	{name: "another transport", shell: "postconf -e default_transport=smtp", findings: []string{"service:override_elsewhere", "drift:drift", "delivery:override_elsewhere"}, fixed: true},
	{name: "table type", shell: "postconf -P relayhost-ses/unix/smtp_sasl_password_maps=cdb:/etc/postfix/sasl_passwd",
		findings: []string{"config:map_type_unsupported"}, explain: []string{"map_type_unsupported"}, fixed: true},
	{name: "malformed next hop", shell: "postconf -e 'default_transport=relayhost-ses:[" + sesHost + ":587]'",
		findings: []string{"config:relayhost_syntax"}, explain: []string{"relayhost_syntax"}, fixed: true},
	{name: "comment behind the next hop", shell: `postconf -e "default_transport=$(postconf -h default_transport) # SES"`, world: reply(smtpd.StepRcpt, 451, "4.7.1", "Greylisted, please come back"),
		findings: []string{"config:relayhost_syntax", "config:maincf_inline_comment", "delivery:relayhost_syntax"}, explain: []string{"relayhost_syntax"}},
	{name: "attribute twice", shell: `echo "$(postconf -h default_transport | cut -d: -f2-) secure ciphers=high ciphers=medium" >/etc/postfix/policy; postconf -P relayhost-ses/unix/smtp_tls_policy_maps=texthash:/etc/postfix/policy`,
		findings: []string{"config:tls_policy_invalid", "delivery:tls_policy_invalid"}, explain: []string{"tls_policy_invalid"}, fixed: true},
	{name: "level", shell: "postconf -P relayhost-ses/unix/smtp_tls_security_level=bogus",
		findings: []string{"config:smtp_fatal_level", "delivery:smtp_fatal_level"}, explain: []string{"smtp_fatal_level"}, fixed: true},
	{name: "login later", world: reply(smtpd.StepAuth, 454, "4.7.0", "Temporary authentication failure"), args: noSend, findings: []string{"auth:ses_auth_temporary"}, setup: []string{"ses_auth_temporary"}},
	{name: "no AUTH", world: mechanism(), args: noSend, findings: []string{"auth:auth_not_offered"}, setup: []string{"auth_not_offered"}, flags: []string{"--port", "587"}},
	{name: "no mechanism", world: mechanism("CRAM-MD5"), args: noSend, findings: []string{"auth:auth_no_mechanism"}, setup: []string{"auth_no_mechanism"}, flags: []string{"--port", "587"}},
	{name: "OAuth only", world: mechanism("XOAUTH2"), args: noSend, findings: []string{"auth:sasl_oauth_only"}, setup: []string{"sasl_oauth_only"}, flags: []string{"--port", "587"}},
	{name: "refused recipient", world: reply(smtpd.StepRcpt, 554, "5.7.1", "<to@example.net>: Relay access denied"),
		findings: []string{"delivery:relay_access_denied"}, explain: []string{"relay_access_denied"}, setup: []string{"relay_access_denied"}},
	{name: "refused sender", world: reply(smtpd.StepMail, 550, "5.7.1", "Sender address rejected: not owned by user"),
		findings: []string{"delivery:root_at_hostname"}, explain: []string{"root_at_hostname"}, setup: []string{"root_at_hostname"}},
	{name: "greylisting", world: reply(smtpd.StepRcpt, 451, "4.7.1", "Greylisted, please come back"), findings: []string{"delivery:later"}, explain: []string{"later"}, setup: []string{"later"}},
	{name: "not aligned", world: reply(smtpd.StepMessage, 550, "5.7.26", "Unauthenticated email from example.com is not accepted due to domain's DMARC policy"),
		findings: []string{"delivery:auth_alignment"}, explain: []string{"auth_alignment"}, setup: []string{"auth_alignment"}},
	{name: "too big", world: func(l *lab.Lab) { l.World.Relay("ses").Configure(func(c *smtpd.Config) { c.MaxBytes = 100 }) },
		findings: []string{"delivery:message_too_big"}, explain: []string{"message_too_big"}, setup: []string{"message_too_big"}},
	{name: "TLS refused", world: reply(smtpd.StepSTARTTLS, 454, "4.7.0", "TLS not available due to local problem"),
		findings: []string{"tls:tls_refused", "delivery:tls_refused"}, explain: []string{"tls_refused"}, setup: []string{"tls_refused"}, flags: []string{"--port", "587"}},
	{name: "dropped", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) { c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepEHLO: {}} })
	}, args: noSend, findings: []string{"connect:dialogue_dropped"}, setup: []string{"dialogue_dropped"}, flags: []string{"--port", "587"}},
	{name: "no greeting", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) { c.Delays = map[smtpd.Step]time.Duration{smtpd.StepGreeting: 30 * time.Second} })
	}, args: noSend, findings: []string{"connect:net_greeting_timeout"}, setup: []string{"net_greeting_timeout"}, flags: []string{"--port", "587"}},
	{name: "silence", world: func(l *lab.Lab) { l.World.Block(587, lab.Dropped, lab.Both) }, args: noSend, findings: []string{"connect:net_timeout", "connect:", "auth:"}, setup: []string{"net_timeout"}, flags: []string{"--port", "587"}},
	{name: "loop", shell: "postconf -e 'default_transport=relayhost-ses:['$(postconf -h myhostname)']:587'", args: noSend, findings: []string{"config:loop_to_self", "service:override_elsewhere"}},
	{name: "no brackets", shell: "postconf -e default_transport=relayhost-ses:" + sesHost + ":587", args: noSend, findings: []string{"config:dns_mx_no_brackets"}},
	{name: "comment behind a value", shell: "echo 'mail_name = Postfix # ours' >>/etc/postfix/main.cf", args: noSend, findings: []string{"config:maincf_inline_comment"}},
	{name: "defined twice", shell: `printf 'mail_name = a\nmail_name = b\n' >>/etc/postfix/main.cf`, args: noSend, findings: []string{"config:maincf_duplicate"}},
	{name: "misspelt", shell: "echo 'relay_host = x' >>/etc/postfix/main.cf", args: noSend, findings: []string{"config:maincf_typo"}},
	{name: "short headers", shell: "postconf -e header_size_limit=1000", args: noSend, findings: []string{"config:header_size"}},
	{name: "greets as localhost", shell: "postconf -P relayhost-ses/unix/smtp_helo_name=localhost", args: noSend, findings: []string{"config:helo_localhost"}},
	{name: "password in the log", shell: "postconf -e debug_peer_list=" + sesHost, args: noSend, findings: []string{"config:verbose_log_leaks_password"}},
	{name: "map older than its source", shell: "touch -d tomorrow /etc/postfix/sasl_passwd", args: noSend, findings: []string{"maps:map_db_stale"}},
	{name: "map half written", shell: `cd /etc/postfix && cp -p sasl_passwd keep && : >sasl_passwd && postmap sasl_passwd && cat keep >sasl_passwd && touch -d '2020-01-01' sasl_passwd && rm keep`,
		args: noSend, findings: []string{"maps:map_db_truncated"}},
	{name: "TLS where offered", shell: "postconf -P relayhost-ses/unix/smtp_tls_security_level=may",
		args: noSend, findings: []string{"config:tls_opportunistic_cleartext"}},
	{name: "no TLS", shell: "postconf -P relayhost-ses/unix/smtp_tls_security_level=none", args: noSend, findings: []string{"config:starttls_required"}},
	{name: "wrapper mode without level", shell: "postconf -P relayhost-ses/unix/smtp_tls_security_level=may relayhost-ses/unix/smtp_tls_wrappermode=yes",
		args: noSend, findings: []string{"config:tls_wrappermode_level"}},
	{name: "465 with STARTTLS", shell: "postconf -e 'default_transport=relayhost-ses:[" + sesHost + "]:465'", args: noSend, findings: []string{"config:tls_465_no_wrappermode"}},
	{name: "CA folder in the jail", shell: "postconf -F relayhost-ses/unix/chroot=y; postconf -P relayhost-ses/unix/smtp_tls_CAfile= relayhost-ses/unix/smtp_tls_CApath=/etc/ssl/certs",
		args: noSend, findings: []string{"config:tls_capath_chroot"}},
	{name: "resolver in the jail", shell: "postconf -F relayhost-ses/unix/chroot=y; rm -f /var/spool/postfix/etc/resolv.conf", args: noSend, findings: []string{"service:dns_chroot_resolv"}},
	{name: "dead filter", shell: "postconf -e 'content_filter=smtp:[127.0.0.1]:10024'", findings: []string{"delivery:content_filter_down"}, explain: []string{"content_filter_down"}},
	{name: "no plugin of that type", shell: "postconf -P relayhost-ses/unix/smtp_sasl_type=dovecot2", args: noSend, findings: []string{"config:sasl_plugins_missing"}},
	{name: "down", shell: "postfix stop", findings: []string{"service:postfix_down"}},
	// What the words of a relay decide.
	{name: "login refused in other words", world: reply(smtpd.StepAuth, 535, "5.7.8", "Error: authentication failed"), mail: true,
		findings: []string{"auth:auth_535_generic", "delivery:"}, explain: []string{"auth_535_generic"}, setup: []string{"auth_535_generic"}},
	{name: "IAM secret as password", shell: `cd /etc/postfix && sed -i 's/\(.*:\).*/\1wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01/' sasl_passwd && postmap sasl_passwd`, mail: true,
		findings: []string{"auth:ses_iam_secret"}, explain: []string{"ses_credentials_invalid"}},
	{name: "too much", world: reply(smtpd.StepMessage, 451, "4.7.1", "Too many messages, slow down"),
		findings: []string{"delivery:throttled_454"}, explain: []string{"throttled_454"}, setup: []string{"throttled_454"}},
	{name: "no PTR over IPv6", world: reply(smtpd.StepMessage, 550, "5.7.1", "[2001:db8::1] Our system has detected that this message does not meet IPv6 sending guidelines regarding PTR records and authentication."),
		findings: []string{"delivery:ipv6_ptr"}, explain: []string{"ipv6_ptr"}, setup: []string{"ipv6_ptr"}},
	// What a relay does that is none.
	{name: "SSH", world: trap("SSH"), args: noSend /* Postfix waits for five minutes */, findings: []string{"connect:port_not_smtp"}, setup: []string{"port_not_smtp"}, flags: []string{"--port", "587"}},
	{name: "EHLO of 10,000 lines", world: trap("EHLO of 10,000 lines"), findings: []string{"connect:smtp_protocol_broken", "delivery:tls_not_offered" /* as far as Postfix reads */}, explain: []string{"tls_not_offered"}, setup: []string{"smtp_protocol_broken"}, flags: []string{"--port", "587"}},
	{name: "TLS 1.0", world: trap("TLS 1.0 only"), findings: []string{"tls:tls_handshake_failure", "delivery:tls_handshake_failure"}, explain: []string{"tls_handshake_failure"}, setup: []string{"tls_handshake_failure"}, flags: []string{"--port", "587"}},
	{name: "hangs up in the handshake", world: trap("hangs up at handshake"), findings: []string{"tls:tls_handshake_dropped", "delivery:tls_handshake_failure" /* all that tlsproxy(8) says */}, explain: []string{"tls_handshake_failure"}, setup: []string{"tls_handshake_dropped"}, flags: []string{"--port", "587"}},
	// What stands between.
	{name: "prohibited", shell: "ip route add prohibit 198.51.100.0/24; ip -6 route add prohibit 2001:db8:25::/64", undo: "ip route del prohibit 198.51.100.0/24; ip -6 route del prohibit 2001:db8:25::/64",
		findings: []string{"connect:net_prohibited", "delivery:net_prohibited"}, explain: []string{"net_prohibited"}, setup: []string{"net_prohibited"}, flags: []string{"--port", "587"}},
	{name: "no way there", shell: "ip route add throw 198.51.100.0/24; ip -6 route add throw 2001:db8:25::/64", undo: "ip route del throw 198.51.100.0/24; ip -6 route del throw 2001:db8:25::/64",
		findings: []string{"connect:net_unreachable", "delivery:net_unreachable_v6" /* it was tried last */}, explain: []string{"net_unreachable"}, setup: []string{"net_unreachable"}, flags: []string{"--port", "587"}},
	{name: "IPv6 alone, and no way there", world: func(l *lab.Lab) { l.World.DNS.Host(sesHost, l.World.Relay("ses").Hosts[0].Addrs[1]) }, shell: "ip -6 route add throw 2001:db8:25::/64", undo: "ip -6 route del throw 2001:db8:25::/64",
		findings: []string{"connect:net_unreachable_v6", "delivery:net_unreachable_v6"}, explain: []string{"net_unreachable_v6"}, setup: []string{"net_unreachable_v6"}, flags: []string{"--port", "587"}},
	{name: "IPv4 alone, and Postfix has IPv6", world: func(l *lab.Lab) { l.World.DNS.Host(sesHost, l.World.Relay("ses").Hosts[0].Addrs[0]) }, shell: "postconf -e inet_protocols=ipv6",
		findings: []string{"delivery:net_no_a_record"}, explain: []string{"net_no_a_record"}},
	// What is wrong on this host.
	{name: "password table out of reach", shell: "postconf -P relayhost-ses/unix/smtp_sasl_password_maps=tcp:127.0.0.1:1",
		findings: []string{"maps:table_server_down", "delivery:table_server_down"}, explain: []string{"table_server_down"}},
	{name: "a value of no use", shell: "postconf -P relayhost-ses/unix/smtp_bind_address=nowhere", findings: []string{"config:smtp_fatal_level", "delivery:smtp_fatal_level"},
		explain: []string{"smtp_fatal_level"}, fixed: true},
	{name: "a program that dies without a word", shell: "mv /usr/lib/postfix/sbin/smtp /root/smtp && ln -s /bin/false /usr/lib/postfix/sbin/smtp", undo: "mv /root/smtp /usr/lib/postfix/sbin/smtp",
		findings: []string{"delivery:service_throttled"}, explain: []string{"service_throttled"}},
	// What the log alone tells: it is about mail of others, or about the past.
	{name: "addresses beyond ASCII", args: noSend, then: `printf 'Subject: x\n\nx\n' | sendmail -f app@example.com 'zoë@example.net'`, log: "status=bounced", findings: []string{"explain:smtputf8"}},
	{name: "no way back for a bounce", world: func(l *lab.Lab) {
		l.World.Relay("ses").Configure(func(c *smtpd.Config) {
			c.Recipient = func(string, string) *smtpd.Reply {
				return &smtpd.Reply{Code: 550, Enhanced: "5.1.1", Text: "User unknown"}
			}
		})
	}, args: noSend, then: `postconf -e notify_classes=2bounce; postfix reload; printf 'Subject: x\n\nx\n' | sendmail -f app@example.com nobody@example.net`, log: "postmaster non-delivery notification", findings: []string{"explain:double_bounce"}},
	{name: "a change that asks for a restart", args: noSend, then: "postconf -e inet_protocols=ipv4; postfix reload", log: "stop and start Postfix", findings: []string{"explain:restart_needed"}},
}

// some are the ways that TestLabCauses takes without LAB_FULL: one of each kind,
// reply, TLS, network, name, table, parameter, plugin, dead service.
var some = []string{"wrong password", "sender not verified", "STARTTLS stripped", "587 is refused", "name does not exist", "map not compiled",
	"key is not the next hop", "plugins gone", "own domain", "level", "turned away", "no way there"}

// TestLabCauses breaks a server in every way of the table, one after the other,
// and asks verify and explain.
func TestLabCauses(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ses := l.World.Relay("ses")
	var sound smtpd.Config
	ses.Configure(func(c *smtpd.Config) { sound = *c })
	fix := func() {
		t.Helper()
		ses.Configure(func(c *smtpd.Config) { *c = sound })
		if err := ses.Present(lab.Flawless); err != nil {
			t.Fatal(err)
		}
		l.World.NoRules()
		l.World.DNS.Host(sesHost, ses.Hosts[0].Addrs...)
		l.Server.Shell(`[ ! -d /usr/lib/x86_64-linux-gnu/sasl2.gone ] || mv /usr/lib/x86_64-linux-gnu/sasl2.gone /usr/lib/x86_64-linux-gnu/sasl2`)
	}
	for _, f := range failures {
		if f.setup != nil && chosen(f) {
			t.Run("setup, "+f.name, func(t *testing.T) {
				setUp(t, l, f)
				l.Server.Shell(f.undo)
				fix()
			})
		}
	}
	if res := setup(l); res.Code != 0 {
		t.Fatalf("setup: got %s\nwant exit 0\n%s", res, l.Server.MailLog())
	}
	l.Server.Shell("cp -a /etc/postfix /root/sound")
	for _, f := range failures {
		if !chosen(f) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			if f.shell != "" {
				l.Server.Shell(f.shell)
			}
			if f.world != nil {
				f.world(l)
			}
			// A next hop that has failed is remembered; a start forgets it.
			if f.name != "down" {
				l.Server.Shell("postfix stop; : > /var/log/mail.log; postfix start")
			}
			if f.mail {
				l.Server.Shell(`printf 'Subject: x\n\nx\n' | sendmail -f app@example.com to@example.net`)
				l.Server.WaitLog(`status=deferred`)
				l.Server.Shell("postsuper -h ALL")
			}
			refused := ses.Counters().Refusals
			check(t, l, f)
			if got := ses.Counters().Refusals - refused; f.mail && got != 1 {
				t.Errorf("%d wrong logins, want 1: services lock accounts", got)
			}
			if f.mail {
				l.Server.Shell("postsuper -d ALL")
			}
			if f.fixed {
				fixes(t, l)
			}
			l.Server.Shell(f.undo)
			fix()
			l.Server.Shell("postfix stop; rm -rf /etc/postfix; cp -a /root/sound /etc/postfix; : > /var/log/mail.log; postfix start")
			if queue := strings.TrimSpace(l.Server.Queue()); queue != "" {
				t.Errorf("left in the queue: got %s, want none", queue)
			}
		})
	}
	var r verify.Report
	res := l.Run("relayhost", "verify", "--json")
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil || res.Code != 0 {
		t.Errorf("verify --json once all is fixed: got %v and %s\nwant a JSON document and exit 0", err, res)
	}
}

// chosen reports whether f is among those that are tried.
func chosen(f failure) bool { return os.Getenv("LAB_FULL") != "" || slices.Contains(some, f.name) }

// setUp meets the failure on a server without a setup: setup names the cause,
// and leaves nothing behind.
func setUp(t *testing.T, l *lab.Lab, f failure) {
	t.Helper()
	tree := []string{"/etc/postfix", "/etc/relayhost", "/etc/aliases", "/etc/aliases.db"}
	before := l.Server.Tree(tree...)
	if f.shell != "" {
		l.Server.Shell(f.shell)
	}
	if f.world != nil {
		f.world(l)
	}
	res := setup(l, f.flags...)
	var doc struct {
		Verification verify.Report
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil || res.Code != 3 || len(doc.Verification.Findings) == 0 {
		t.Fatalf("setup: got %v and %s\nwant a JSON document with findings, and exit 3", err, res)
	}
	for _, x := range doc.Verification.Findings {
		if !slices.Contains(f.setup, x.Cause) || x.Result != verify.Fail || x.Remedy == "" {
			t.Errorf("setup: got %+v, want a failure by one of %q, with a remedy", x, f.setup)
		}
	}
	if d := before.Diff(l.Server.Tree(tree...)); d != "" {
		t.Errorf("left behind: got\n%s\nwant none", d)
	}
	if queue := strings.TrimSpace(l.Server.Queue()); queue != "" {
		t.Errorf("left in the queue: got %s, want none", queue)
	}
}

// fixes holds setup to putting right what is wrong with the server's own files.
func fixes(t *testing.T, l *lab.Lab) {
	t.Helper()
	// master(8) holds a service that died back for a minute, whatever is fixed.
	l.Server.Shell("postsuper -d ALL; postfix stop; postfix start")
	if res := setup(l); res.Code != 0 {
		t.Errorf("setup, to fix the server's own files: got %s\nwant exit 0\n%s", res, l.Server.MailLog())
		return
	}
	if res := l.Run("relayhost", "verify", "--json", "--no-send"); res.Code != 0 {
		t.Errorf("verify --no-send after setup has fixed the server: got %s\nwant exit 0", res)
	}
}

func check(t *testing.T, l *lab.Lab, f failure) {
	t.Helper()
	res := l.Run(append([]string{"relayhost", "verify", "--json", "--timeout", "40s"}, f.args...)...)
	var r verify.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		t.Fatalf("verify --json: got %v, want a JSON document\n%s", err, res)
	}
	var got []string
	for _, x := range r.Findings {
		got = append(got, x.Check+":"+x.Cause)
		if x.Result == verify.Fail && x.Remedy == "" {
			t.Errorf("got %+v, want a remedy in a failure", x)
		}
	}
	if f.then != "" {
		l.Server.Run("sh", "-c", f.then)
		l.Server.WaitLog(f.log)
		l.Server.Shell("postsuper -d ALL")
	}
	for _, want := range f.findings {
		if id, ok := strings.CutPrefix(want, "explain:"); ok {
			f.explain = append(f.explain, id)
			continue
		}
		if !slices.Contains(got, want) {
			t.Errorf("verify: got %q, want %s among them\n%s", got, want, res.Stdout)
		}
	}
	if len(f.explain) == 0 {
		return
	}
	res = l.Run("sh", "-c", "relayhost explain --json </dev/null")
	var doc struct {
		Groups []struct {
			Cause  struct{ ID, Remedy string }
			Others []struct{ ID string }
		}
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil {
		t.Fatalf("explain --json: got %v, want a JSON document\n%s", err, res)
	}
	var causes []string
	for _, g := range doc.Groups {
		causes = append(causes, g.Cause.ID)
	}
	if !slices.ContainsFunc(f.explain, func(id string) bool { return slices.Contains(causes, id) }) {
		t.Errorf("explain: %q, want one of %q\n%s", causes, f.explain, l.Server.MailLog())
	}
}

// TestLabRoundTrips holds the probes to the round trips that the protocol
// needs: on the slowest port seven with TLS 1.3, which are connect, greeting,
// EHLO, STARTTLS, handshake, EHLO and AUTH. Both addresses of a port that is blocked and
// not in use are tried meanwhile.
func TestLabRoundTrips(t *testing.T) {
	t.Parallel()
	const trip = 100 * time.Millisecond
	l := sesLab(t, lab.Delay(trip/2))
	l.Server.ResetTraffic()
	var r verify.Report
	res := l.Run("relayhost", "verify", "--no-send", "--json")
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		t.Fatalf("verify --no-send --json: got %v, want a JSON document\n%s", err, res)
	}
	// EHLO, STARTTLS, the handshake, EHLO, AUTH, QUIT; on a busy machine some answers
	// come in two. How long it takes is a bench.
	if turns := l.Server.Traffic().Turns[587]; turns < 5 || turns > 8 {
		t.Errorf("port 587: got %d round trips after the greeting, want 5 to 8", turns)
	}
	seen := false
	for _, f := range r.Findings {
		if f.Check == "auth" && f.Result == verify.Pass {
			seen = true
			if f.Ms < 6*float64(trip/time.Millisecond) {
				t.Errorf("%.0f ms: the link does not delay, want at least %v", f.Ms, 6*float64(trip/time.Millisecond))
			}
		}
	}
	if !seen {
		t.Errorf("auth: got\n%s\nwant a finding that passed", res)
	}
	l.World.Block(2587, lab.Dropped, lab.Both)
	l.Server.ResetTraffic()
	res = l.Run("relayhost", "verify", "--no-send", "--json")
	blocked := regexp.MustCompile(`port 2587 is not in use, and not usable from here: \S+\[198\.51\.[0-9.]+\]:2587: no answer within \S+; \S+\[2001:[0-9a-f:]+\]:2587: no answer within `)
	if tried := l.Server.Traffic().Connections[2587]; tried != 2 || !blocked.MatchString(res.Stdout) {
		t.Errorf("port 2587 blocked: got %d addresses tried and\n%s\nwant 2 and a match of %s", tried, res, blocked)
	}
}

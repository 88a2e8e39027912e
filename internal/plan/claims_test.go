package plan_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/lab/claimtest"
	"relayhost/internal/lint"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// scene is what a plan is made of.
type scene struct {
	host   *server
	config config.Config
	looks  []func(*plan.Server) // what is seen of the host beside its files
}

// state changes a Debian and the answers of most tests.
type state func(*scene)

// claim is a note of a plan: said where it holds, and in no state in which it is false.
type claim struct {
	text  string
	holds state
	fails []state
}

func sound(*scene) {}

// elsewhere has another instance start a bridge.
func elsewhere(bridge string) func(*plan.Server) {
	return func(s *plan.Server) { s.Bridge.Elsewhere = map[string]string{bridge: "/etc/postfix-out"} }
}

func all(states ...state) state {
	return func(s *scene) {
		for _, change := range states {
			change(s)
		}
	}
}

func params(pairs ...string) state {
	return func(s *scene) {
		for i := 0; i < len(pairs); i += 2 {
			s.host.set(pairs[i], pairs[i+1])
		}
	}
}

func entry(text string) state { return func(s *scene) { s.host.service(text) } }

func holds(path, text string) state { return func(s *scene) { s.host.with(path, text) } }

func answered(change func(*config.Config)) state { return func(s *scene) { change(&s.config) } }

func relayed(change func(*relays.Relay)) state {
	return func(s *scene) { change(s.config.First().Relay) }
}

func limited(l relays.Limits) state { return relayed(func(r *relays.Relay) { r.Limits = l }) }

func looked(look func(*plan.Server)) state {
	return func(s *scene) { s.looks = append(s.looks, look) }
}

// plan is what is planned in s, conflicts included as notes.
func (s *scene) plan(t *testing.T) plan.Plan {
	t.Helper()
	server := plan.Server{State: s.host.state(t), Force: true, Bridge: bridgeHost}
	for _, look := range s.looks {
		look(&server)
	}
	p, err := plan.Build(server, s.config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func notesOf(t *testing.T, change state) []string {
	t.Helper()
	s := &scene{host: debian(t), config: options()}
	change(s)
	return s.plan(t).Notes
}

func claims(t *testing.T) []claim {
	const table = "/etc/postfix/transport"
	listed := func(entries string) state { return all(params("transport_maps", "hash:"+table), holds(table, entries)) }
	bySender := func(entries string) state {
		return all(params("sender_dependent_relayhost_maps", "hash:/etc/postfix/senders"), holds("/etc/postfix/senders", entries))
	}
	types := func(list ...string) state { return func(s *scene) { s.host.types = list } }
	// settled is a server on which the plan has been applied.
	settled := func(s *scene) { s.host.apply(s.plan(t)) }
	fallback := answered(func(c *config.Config) {
		second := *c.First()
		second.Port = 2525
		c.Routes[0].Hops = append(c.Routes[0].Hops, second)
	})
	tokens := answered(func(c *config.Config) { *c = routed(signedIn(t, "app@contoso.example")) })
	api := func(id string) state {
		return answered(func(c *config.Config) {
			h := hop(t, id, 587, "")
			h.Via, h.Port, h.Username, h.Password = config.HTTPS, 443, "", secret.Value{}
			h.API.Host, h.API.Key = "api.example.net", secret.New("key-1234567890")
			*c = routed(h)
		})
	}
	plain := answered(func(c *config.Config) {
		h := c.First()
		h.TLS, h.Username, h.Password, h.Relay.Auth.Mechanisms, h.Relay.ID = relays.NoTLS, "", secret.Value{}, nil, relays.SmarthostID
	})
	keyless := answered(func(c *config.Config) {
		h := c.First()
		h.Username, h.Password, h.Relay.Auth.Mechanisms = "", secret.Value{}, nil
	})
	plugins := func(list ...string) state { return looked(func(s *plan.Server) { s.SASLPlugins = list }) }
	mechanisms := func(list ...string) state { return relayed(func(r *relays.Relay) { r.Auth.Mechanisms = list }) }
	selinux := func(p postfix.SELinux) state {
		return looked(func(s *plan.Server) { s.SELinux, s.DaemonDir = p, "/usr/libexec/postfix" })
	}
	port := func(n int) state { return answered(func(c *config.Config) { c.First().Port = n }) }
	to := func(address string) state { return answered(func(c *config.Config) { c.To = address }) }
	rewrite := func(from string) state {
		return answered(func(c *config.Config) { c.Rewrite = map[string]string{from: "alerts@example.org"} })
	}
	carried := func(sender string) state {
		return answered(func(c *config.Config) {
			c.Routes = append(c.Routes, route("own", []string{sender}, hop(t, "postmark", 587, "pm")))
		})
	}
	sender := func(rule, null string) state {
		return relayed(func(r *relays.Relay) { r.Sender.Rule, r.Sender.NullSender = rule, null })
	}
	bouncing := func(id, null string, senders ...string) state {
		return answered(func(c *config.Config) {
			h := hop(t, id, 587, id)
			h.Relay.Sender.NullSender = null
			c.Routes = append(c.Routes, route(id, senders, h))
		})
	}
	single := relayed(func(r *relays.Relay) { r.Sender.Single = true })
	public, loopback := params("inet_interfaces", "all"), params("inet_interfaces", "loopback-only")
	mail := all(public, params("mydestination", "example.com"))
	null := all(loopback, params("mydestination", ""))
	origin := all(holds("/etc/mailname", "example.com\n"), params("mydestination", "$myhostname, example.com, localhost"))
	abroad := all(holds("/etc/mailname", "example.com\n"), params("mydestination", "$myhostname, localhost"))
	other := all(params("myhostname", "mail.example.com", "mydestination", "$myhostname, localhost"),
		looked(func(s *plan.Server) { s.Hostname, s.FQDN = "vps7.provider.example", "mail.example.com" }))
	const oauth = "smtp_sasl_mechanism_filter"
	unread := all(settled, looked(func(s *plan.Server) {
		delete(s.Maps, passwd)
		s.Unreadable = []string{passwd}
	}))
	return []claim{
		// conflicts that --force lets pass
		{"smtp_tls_cert_file: /etc/ssl/old.pem does not exist, without which smtp(8) has no TLS",
			looked(func(s *plan.Server) {
				s.State.LostCertificates = []lint.Param{{Name: "smtp_tls_cert_file", Value: "/etc/ssl/old.pem"}}
			}), []state{sound, params("smtp_tls_cert_file", "/etc/ssl/there.pem")}},
		{"all mail for other servers goes through a program on this server", params("default_transport", "smtp:[127.0.0.1]:10027"),
			[]state{sound, params("default_transport", "smtp:[192.0.2.9]:25"), params("default_transport", "error:no mail")}},
		{`its entry "* smtp:[old.test]" sends all mail past the relay`, listed("* smtp:[old.test]\n"),
			[]state{sound, listed("* :\n"), listed("* smtp:[smtp.example.net]:587\n"), listed("a.test smtp:[old.test]\n")}},
		{"that mail would follow default_transport to the relay", params("relay_transport", "$default_transport"), []state{sound, params("relay_transport", "smtp:")}},
		{`its entry "web.test :[mx.web.test]:25" names no transport`, listed("web.test :[mx.web.test]:25\n"),
			[]state{listed("web.test smtp:[mx.web.test]:25\n"), all(params("relay_domains", "web.test"), listed("web.test :[mx.web.test]:25\n"))}},
		{`its entry "o'brien@a.test DUNNO" would send that mail past the relay`, bySender("o'brien@a.test DUNNO\n"), []state{bySender("o'brien@a.test [b.test]\n"), sound}},
		{"this Postfix has no pipemap tables, without which its senders", all(types("hash", "regexp", "inline"), bySender("@a.test [b.test]\n")),
			[]state{bySender("@a.test [b.test]\n"), types("hash", "regexp", "inline")}},
		{"this Postfix has no tables of Berkeley DB (hash, btree) any more", types("lmdb", "regexp", "texthash"), []state{sound,
			all(types("lmdb", "regexp"), params("alias_maps", "lmdb:/etc/aliases", "alias_database", "lmdb:/etc/aliases", "smtp_tls_session_cache_database", ""))}},
		{"virtual_alias_maps names hash:/etc/postfix/gone: this Postfix has no tables of that type", all(types("lmdb", "regexp"), params("virtual_alias_maps", "hash:/etc/postfix/gone")),
			[]state{params("virtual_alias_maps", "hash:/etc/postfix/gone"), all(types("lmdb"), params("virtual_alias_maps", "hash:/etc/aliases"))}},
		{"mail to root@host.example.com stays on this server, so it proves nothing", to("root@host.example.com"), []state{sound, to("ops@example.net")}},
		{"0.0.0.0/0 may send through this server", all(public, params("mynetworks", "127.0.0.0/8 0.0.0.0/0")),
			[]state{public, all(loopback, params("mynetworks", "127.0.0.0/8 0.0.0.0/0"))}},
		{"anybody may send through this server", all(public, params("smtpd_relay_restrictions", "permit")),
			[]state{public, all(public, params("smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination")), all(loopback, params("smtpd_relay_restrictions", "permit"))}},

		// transport_maps and the former way
		{"transport_maps = ldap:x may send mail past the relay", params("transport_maps", "ldap:x"), []state{sound, listed("a.test smtp:[b.test]\n")}},
		{`the entry "* smtp:[smtp.example.net]:587" of /etc/postfix/transport is removed`, listed("* smtp:[smtp.example.net]:587\n"),
			[]state{listed("* smtp:[old.test]:587\n"), listed("a.test smtp:[smtp.example.net]:587\n")}},
		{"relayhost = [gw.test] stays for relay_domains", params("relayhost", "[gw.test]", "relay_domains", "backup.test"),
			[]state{params("relayhost", "[gw.test]"), params("relay_domains", "backup.test"), params("relayhost", "[gw.test]", "relay_domains", "backup.test", "relay_transport", "error:no")}},
		{"relayhost was [gw.test]; default_transport says now", params("relayhost", "[gw.test]"),
			[]state{sound, params("relayhost", "[smtp.example.net]:587"), params("relayhost", "[gw.test]", "relay_domains", "backup.test")}},
		{"default_transport was error:no mail; mail", params("default_transport", "error:no mail"), []state{sound, all(params("default_transport", "error:no mail"), settled)}},
		{"relay_transport = error:no stays", params("relay_transport", "error:no"), []state{sound, params("relay_transport", "smtp:")}},
		{"further instances (/etc/postfix-out)", params("multi_instance_directories", "/etc/postfix-out"), []state{sound}},
		{"port 25 is open from this host", looked(func(s *plan.Server) { s.Port25Open = true }), []state{sound}},

		// what filters, forwards and bounces
		{"content_filter = smtp:[127.0.0.1]:10025 stays", params("content_filter", "smtp:[127.0.0.1]:10025"), []state{sound}},
		{"pickup has -o content_filter=dksign:, which stays: mail that comes in there goes through it first", entry("pickup unix n - y 60 1 pickup -o content_filter=dksign:"),
			[]state{sound, entry("pickup unix n - y 60 1 pickup -o content_filter=")}},
		{"goes through it first", entry("pickup unix n - y 60 1 pickup -o content_filter=dksign:"), // smtp(8) and cleanup(8) have no content_filter
			[]state{entry("other unix - - y - - smtp -o content_filter=dksign:"), entry("cleanup unix n - y - 0 cleanup -o content_filter=dksign:")}},
		{"rewrite has -o default_transport=smtp, which stays: it wins over main.cf", entry("rewrite unix - - y - - trivial-rewrite -o default_transport=smtp"),
			[]state{sound, entry("rewrite unix - - y - - trivial-rewrite -o default_transport=relayhost-ses:[smtp.example.net]:587"), entry("rewrite unix - - y - - trivial-rewrite -o relayhost=[old.test]:25")}},
		{"which Amazon SES may reject or replace", all(mail, sender("account", "accepted")),
			[]state{all(mail, sender("verified", "accepted")), all(mail, sender("any", "accepted")), all(mail, loopback, sender("account", "accepted")), all(null, sender("account", "accepted")), all(params("inet_interfaces", "all"), sender("account", "accepted"))}},
		{"Amazon SES rejects senders you do not own", all(mail, sender("verified", "accepted")),
			[]state{all(mail, sender("account", "accepted")), all(mail, sender("any", "accepted")), all(mail, loopback, sender("verified", "accepted")), all(params("inet_interfaces", "all"), sender("verified", "accepted"))}},
		{"the null sender (<>) is rejected by Amazon SES", all(mail, sender("verified", "refused")),
			[]state{all(mail, sender("verified", "unknown")), all(null, sender("verified", "refused")), all(mail, sender("verified", "refused"), bouncing("postmark", "accepted", "a.test")),
				all(mail, sender("verified", "accepted"), bouncing("postmark", "refused", "<>"))}},
		{"the null sender (<>) is rejected by Postmark", all(mail, sender("verified", "accepted"), bouncing("postmark", "refused", "<>")),
			[]state{all(mail, sender("verified", "accepted"), bouncing("postmark", "refused", "a.test")), all(mail, sender("verified", "accepted"), bouncing("postmark", "unknown", "<>"))}},
		{"Amazon SES rejects the null sender (<>): bounces use the route postmark", all(sender("verified", "refused"), bouncing("postmark", "accepted", "a.test")),
			[]state{all(sender("verified", "unknown"), bouncing("postmark", "accepted", "a.test")), all(sender("verified", "refused"), bouncing("postmark", "refused", "a.test"))}},
		{"example.org is in mydestination: mail from this server to addresses there stays here", params("mydestination", "$myhostname, example.org"), []state{sound, params("mydestination", "$myhostname, example.com")}},
		{"this Postfix has no regexp tables", types("hash", "texthash"), []state{sound}},
		{"smtp_reply_filter = pcre:/own stays", all(fallback, params("smtp_reply_filter", "pcre:/own")), []state{fallback, params("smtp_reply_filter", "pcre:/own")}},
		{"delay_warning_time = 4h is set, for all mail", sound, []state{params("delay_warning_time", "1d"), params("delay_warning_time", "4h"), settled}},
		{"reject_unverified_recipient asks the relay", params("smtpd_recipient_restrictions", "reject_unverified_recipient"),
			[]state{sound, params("smtpd_recipient_restrictions", "reject_unverified_recipient", "address_verify_default_transport", "smtp"), params("smtpd_recipient_restrictions", "reject_unverified_sender")}},

		// logging in and TLS
		{"logs in at its relay by OAuth (smtp_sasl_mechanism_filter = xoauth2)", params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes"),
			[]state{sound, params(oauth, "!xoauth2, plain", "smtp_sasl_auth_enable", "yes"), params(oauth, "xoauth2", "smtp_sasl_auth_enable", "no"),
				all(tokens, params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes")), all(params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes"), settled)}},
		{"replaces that by a login with a password", params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes"), []state{all(keyless, params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes"))}},
		{"replaces that by no login", all(keyless, params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes")), []state{keyless, params(oauth, "xoauth2", "smtp_sasl_auth_enable", "yes")}},
		{"no SASL plugin for PLAIN or LOGIN is installed", plugins("DIGEST-MD5"), []state{sound, plugins("LOGIN"), all(mechanisms("PLAIN"), plugins("LOGIN")), all(keyless, plugins("DIGEST-MD5"))}},
		{"no SASL plugin for PLAIN is installed", all(mechanisms("PLAIN", "CRAM-MD5"), plugins("LOGIN")), []state{all(mechanisms("PLAIN"), plugins("PLAIN")), plugins("LOGIN")}},
		{"sasl_passwd has an entry for smtp.example.net without a port", all(settled, holds(passwd, "smtp.example.net old:old\n")), []state{settled, all(settled, holds(passwd, "other.test old:old\n"))}},
		{"sasl_passwd cannot be read without root", unread, []state{settled, sound}},
		{"keep Postfix from port 2525", all(port(2525), selinux(postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"})),
			[]state{port(2525), all(port(587), selinux(postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"})), all(port(2525), selinux(postfix.SELinux{Enforcing: true, AnyPort: true}))}},
		{"the certificate is pinned", answered(func(c *config.Config) { c.First().Pin = strings.Repeat("ab", 32) }), []state{sound}},
		{"mail to smtp.example.net goes without TLS", plain, []state{sound, keyless}},
		{"the relay's certificate is not verified", answered(func(c *config.Config) { c.First().NoVerify = true }), []state{sound, answered(func(c *config.Config) { c.First().Pin = strings.Repeat("ab", 32) })}},
		{"a system user relayhost is made", all(tokens, looked(func(s *plan.Server) { s.Bridge.GID = 0 })), []state{tokens, looked(func(s *plan.Server) { s.Bridge.GID = 0 })}},
		{"the Postfix in /etc/postfix-out starts a bridge m365 too", all(tokens, looked(elsewhere("m365"))), []state{tokens, all(tokens, looked(elsewhere("gmail"))), looked(elsewhere("m365"))}},
		{"inet_protocols is empty", params("inet_protocols", ""), []state{sound, params("inet_protocols", "ipv4")}},
		{"smtp_tls_wrappermode was there without a value", params("smtp_tls_wrappermode", ""), []state{sound, params("smtp_tls_wrappermode", "no")}},
		{"smtp_use_tls = yes had no effect beside smtp_tls_security_level", params("smtp_use_tls", "yes", "smtp_tls_security_level", "may"),
			[]state{params("smtp_tls_security_level", "may"), params("smtp_use_tls", "yes", "smtp_tls_security_level", "")}},

		// limits
		{"Amazon SES refuses messages above 1000 bytes", limited(relays.Limits{MessageBytes: 1000}),
			[]state{sound, all(limited(relays.Limits{MessageBytes: 1000}), params("message_size_limit", "1000"))}},
		{"accepts 14 messages a second and 100 messages a day; Postfix cannot count them", limited(relays.Limits{RatePerSecond: 14, PerDay: 100}), []state{sound, limited(relays.Limits{RatePerSecond: 0.5})}},
		{"accepts 1.5 messages a second", limited(relays.Limits{RatePerSecond: 1.5}), []state{limited(relays.Limits{RatePerSecond: 1})}},
		{"120 messages a minute; Postfix cannot count them", limited(relays.Limits{PerMinute: 120}), // which a bridge counts
			[]state{all(tokens, limited(relays.Limits{PerMinute: 120})), limited(relays.Limits{PerMinute: 30})}},
		{"does not offer SMTPUTF8", all(params("smtputf8_enable", "yes"), relayed(func(r *relays.Relay) { r.EHLO.Lacks = []string{"SMTPUTF8"} })),
			[]state{params("smtputf8_enable", "yes"), all(params("smtputf8_enable", "no"), relayed(func(r *relays.Relay) { r.EHLO.Lacks = []string{"SMTPUTF8"} }))}},
		{"the API of SMTP2GO takes messages of at most", all(api("smtp2go"), params("message_size_limit", "0")), []state{api("smtp2go"), params("message_size_limit", "0")}},
		{"documents 2 connections at once; 9 were asked for", all(limited(relays.Limits{Connections: 2}), answered(func(c *config.Config) { c.First().Connections = 9 })),
			[]state{limited(relays.Limits{Connections: 2}), all(limited(relays.Limits{Connections: 9}), answered(func(c *config.Config) { c.First().Connections = 9 }))}},
		{"takes 30 messages a minute: a burst goes out at once", tokens, []state{limited(relays.Limits{PerMinute: 30}), all(tokens, limited(relays.Limits{}))}},
		{"accepts one message in 2 s: mail is sent one by one", limited(relays.Limits{PerMinute: 30}), []state{sound, limited(relays.Limits{PerMinute: 120}), limited(relays.Limits{PerMinute: 50}), tokens}},
		{"accepts 50 messages a minute: mail is sent one by one, a message in 2 s", limited(relays.Limits{PerMinute: 50}), []state{sound, limited(relays.Limits{PerMinute: 30})}},
		{"accepts 0.4 messages a second: mail is sent one by one, a message in 3 s", limited(relays.Limits{RatePerSecond: 0.4}), []state{sound, limited(relays.Limits{RatePerSecond: 0.5})}},
		{"master.cf has no scache service", func(s *scene) {
			s.host.files[masterPath] = strings.Replace(s.host.files[masterPath], "scache    unix", "#scache    unix", 1)
		}, []state{sound}},
		{"this SELinux policy keeps tlsproxy from them", selinux(postfix.SELinux{Enforcing: true, TLSProxy: "postfix_exec_t"}),
			[]state{sound, selinux(postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"}), all(plain, selinux(postfix.SELinux{Enforcing: true, TLSProxy: "postfix_exec_t"}))}},

		// senders
		{"sends mail as alerts@example.org only", all(mail, single), []state{mail, all(null, single)}},
		{"senders at example.com are not rewritten, root and other system accounts aside", origin, []state{sound, all(origin, rewrite("@example.com")), all(origin, carried("example.com")), all(null, holds("/etc/mailname", "example.com\n"), single)}},
		{"mail to host.example.com leaves this server, so senders there become alerts@example.org", all(public, params("mydestination", "localhost")),
			[]state{sound, null, all(public, params("mydestination", "localhost"), rewrite("@host.example.com")), all(public, params("mydestination", "localhost"), carried("host.example.com"))}},
		{"so senders there become", all(public, params("mydestination", "localhost")), []state{all(public, abroad)}}, // root alone
		{"mail to example.com leaves this server, so root and other system accounts there become alerts@example.org", all(public, abroad), []state{all(public, params("mydestination", "localhost")), all(public, abroad, carried("example.com"))}},
		{`where Amazon SES does not know that domain, add "@vps7.provider.example"`, other, []state{sound, all(other, rewrite("@vps7.provider.example")), all(other, carried("vps7.provider.example")),
			all(other, null, single)}},
		{"myhostname = host is not a HELO name that relays accept", params("myhostname", "host"), []state{sound, params("smtp_helo_name", "host"), all(api("smtp2go"), params("myhostname", "host"))}},
		{"smtp_helo_name = host is not a HELO name that relays accept", params("smtp_helo_name", "host"), []state{sound, params("myhostname", "host"), params("smtp_helo_name", "mail.example.com")}},

		// settings of the former transport
		{"defer_transports = smtp does not hold back mail for the relay", params("defer_transports", "smtp"), []state{sound, params("defer_transports", "uucp"), params("defer_transports", "smtp, relayhost-ses")}},
		{"smtp_destination_rate_delay = 1s stays and does not hold", params("smtp_destination_rate_delay", "1s"), []state{sound}},
		{"-o smtp_bind_address=192.0.2.1 of the service smtp does not hold", entry("smtp unix - - y - - smtp -o smtp_bind_address=192.0.2.1"), []state{sound, entry("smtp unix - - y - - smtp")}},
	}
}

// Every note of a plan is there where it holds, and in no state in which it is false.
func TestClaims(t *testing.T) {
	for _, c := range claims(t) {
		claimtest.Check(t, c.text, func(t *testing.T, s state) string { return strings.Join(notesOf(t, s), "\n") }, c.holds, c.fails)
	}
}

// What is said of a repository that /etc is kept in is so, and each secret is left out
// of it by a line of its own.
func TestClaimsOfHistory(t *testing.T) {
	const ignored, tracked, excluded = "sasl_passwd is added to its .gitignore", "git has postfix/sasl_passwd already", "/etc is kept in darcs: exclude postfix/sasl_passwd"
	index := func(paths ...string) string {
		text := "DIRC"
		for _, path := range paths {
			text += string([]byte{0, byte(len(path))}) + path + "\x00"
		}
		return text
	}
	secrets := []plan.File{{Path: "/etc/postfix/sasl_passwd", Action: plan.Create, Secret: true}, {Path: "/etc/postfix/relayhost_sasl_passwd", Action: plan.Create, Secret: true}}
	gone := []plan.File{{Path: "/etc/postfix/sasl_passwd", Action: plan.Remove, Secret: true}, {Path: "/etc/postfix/main.cf", Action: plan.Modify}}
	for _, test := range []struct {
		name   string
		tree   map[string]string // below /etc
		files  []plan.File
		want   []string
		ignore string
	}{
		{"none", nil, secrets, nil, ""},
		{"git", map[string]string{".git/index": index()}, secrets[:1], []string{ignored}, "/postfix/sasl_passwd*\n"},
		{"two secrets", map[string]string{".git/index": index()}, secrets, []string{ignored, "relayhost_" + ignored}, "/postfix/sasl_passwd*\n/postfix/relayhost_sasl_passwd*\n"},
		{"the line is there", map[string]string{".git/index": index(), ".gitignore": "/postfix/sasl_passwd*\n"}, secrets[:1], nil, ""},
		{"removed", map[string]string{".git/index": index()}, gone, nil, ""},
		{"tracked", map[string]string{".git/index": index("postfix/sasl_passwd")}, secrets[:1], []string{ignored, tracked}, "/postfix/sasl_passwd*\n"},
		{"another one tracked", map[string]string{".git/index": index("postfix/sasl_passwd_old", "old/postfix/sasl_passwd")}, secrets[:1], []string{ignored}, "/postfix/sasl_passwd*\n"},
		{"what is compiled tracked", map[string]string{".git/index": index("postfix/sasl_passwd.db")}, secrets[:1], []string{ignored, "rm --cached postfix/sasl_passwd.db"}, "/postfix/sasl_passwd*\n"},
		{"darcs", map[string]string{"_darcs/format": ""}, secrets[:1], []string{excluded}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range test.tree {
				path = filepath.Join(root, "etc", path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, err := plan.KeepOutOfHistory(&host.Reader{Root: root}, plan.Plan{Files: test.files})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Notes) != len(test.want) {
				t.Fatalf("got %q, want %q", p.Notes, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(p.Notes[i], want) {
					t.Errorf("got %q, want %q", p.Notes[i], want)
				}
			}
			ignore := ""
			for _, f := range p.Files {
				if f.Path == "/etc/.gitignore" {
					ignore += string(f.After)
				}
			}
			if ignore != test.ignore {
				t.Errorf(".gitignore: got %q, want %q", ignore, test.ignore)
			}
		})
	}
}

// Each note in the source is one that a row of the table above prints, so that a new
// one gets a state in which it is false.
func TestEveryClaimIsTested(t *testing.T) {
	var printed []string // by the rows, each the note that the row is about
	for _, c := range claims(t) {
		for _, note := range notesOf(t, c.holds) {
			if strings.Contains(note, c.text) {
				printed = append(printed, note)
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal := `\s*(?:fmt\.Sprintf\()?("(?:[^"\\]|\\.)*")`
	said := regexp.MustCompile(`out\.note\(` + literal + `|&Conflict\{[^,]+,[^,]+,` + literal)
	call := regexp.MustCompile(`out\.note\(|&Conflict\{`)
	verb := regexp.MustCompile(`%\w`)
	total := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := said.FindAllStringSubmatch(string(text), -1)
		if calls := call.FindAll(text, -1); len(calls) != len(found) {
			t.Errorf("%s: got the text of %d notes, want that of %d", file, len(found), len(calls))
		}
	next:
		for _, m := range found {
			format, err := strconv.Unquote(m[1] + m[2])
			if err != nil {
				t.Fatalf("%s: %s: got the error %v, want none", file, m[0], err)
			}
			if format == "%s" {
				continue // a conflict, which has a text of its own
			}
			total++
			parts := verb.Split(format, -1)
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			pattern := regexp.MustCompile(strings.Join(parts, ".*"))
			for _, note := range printed {
				if pattern.MatchString(note) {
					continue next
				}
			}
			t.Errorf("%s: %q is claimed: got no row that prints it, want one", file, format)
		}
	}
	if total < 50 {
		t.Errorf("found %d notes in the source, want at least 50", total)
	}
}

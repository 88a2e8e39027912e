package plan_test

import (
	"errors"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/relays"
)

// TestSecondPass: a default way through a program on this server is not replaced.
func TestSecondPass(t *testing.T) {
	for value, conflict := range map[string]bool{
		"smtp:127.0.0.1:10027": true, "smtp:[::1]:10027": true, "smtp:localhost:10027": true, "smtp:[mx.test]": false, "smtp": false, "error:no mail": false,
	} {
		t.Run(value, func(t *testing.T) {
			_, err := plan.Build(plan.Server{State: debian(t).set("default_transport", value).state(t)}, options())
			var c *plan.Conflict
			if got := errors.As(err, &c); got != conflict {
				t.Errorf("got %v, want a conflict: %t", err, conflict)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	open := func(s *server) *server { return s.set("inet_interfaces", "all") }
	for _, test := range []struct {
		name, param string
		host        func(*server) *server
		to          string
	}{
		{"catch-all", "transport_maps", func(s *server) *server {
			return s.set("transport_maps", "hash:/etc/postfix/transport").with("/etc/postfix/transport", "* smtp:[old.test]\n")
		}, ""},
		{"a next hop without a transport", "transport_maps", func(s *server) *server {
			return s.set("transport_maps", "hash:/etc/postfix/transport").with("/etc/postfix/transport", "web.test :[mx.web.test]:25\n")
		}, ""},
		{"relay_domains by the default", "relay_transport", func(s *server) *server { return s.set("relay_transport", "${default_transport}") }, ""},
		{"a sender by the default", "sender_dependent_relayhost_maps", func(s *server) *server {
			return s.set("sender_dependent_relayhost_maps", "hash:/etc/postfix/senders").with("/etc/postfix/senders", "@a.test [b.test]\no'brien@a.test DUNNO\n")
		}, ""},
		{"local recipient", "mydestination", func(s *server) *server { return s }, "root@host.example.com"},
		{"everybody's network", "mynetworks", func(s *server) *server { return open(s).set("mynetworks", "127.0.0.0/8 0.0.0.0/0") }, ""},
		{"open behind other restrictions", "smtpd_relay_restrictions", func(s *server) *server {
			return open(s).set("smtpd_relay_restrictions", "permit_mynetworks, reject_unknown_client_hostname, permit, reject")
		}, ""},
		{"an open port", "smtpd_recipient_restrictions", func(s *server) *server {
			return open(s).service("submission inet n - y - - smtpd -o smtpd_relay_restrictions= -o smtpd_recipient_restrictions=permit,reject")
		}, ""},
		{"an open network behind postscreen", "mynetworks", func(s *server) *server {
			return open(s).service("smtpd pass - - y - - smtpd -o mynetworks=0.0.0.0/0")
		}, ""},
		{"open restrictions", "smtpd_relay_restrictions", func(s *server) *server { return open(s).set("smtpd_relay_restrictions", "permit") }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.host(debian(t))
			o := options(func(o *config.Config) { o.To = test.to })
			_, err := plan.Build(plan.Server{State: s.state(t)}, o)
			var c *plan.Conflict
			if !errors.As(err, &c) || c.Param != test.param || c.Hint == "" {
				t.Errorf("got the error %v, want a conflict of %s with a hint", err, test.param)
				return
			}
			if p, err := plan.Build(plan.Server{State: s.state(t), Force: true}, o); err != nil || !hasNote(p, c.Msg) {
				t.Errorf("forced: got the error %v and the notes %q, want no error and a note with %q", err, p.Notes, c.Msg)
			}
		})
	}
	for name, s := range map[string]*server{
		"a next hop of relay_domains": debian(t).set("relay_domains", "web.test").set("transport_maps", "hash:/etc/postfix/transport").
			with("/etc/postfix/transport", "web.test :[mx.web.test]:25\n"),
		"no-op catch-all":    debian(t).set("transport_maps", "hash:/etc/postfix/transport").with("/etc/postfix/transport", "* :\n"),
		"loopback only":      debian(t).set("mynetworks", "0.0.0.0/0"),
		"back from a filter": open(debian(t)).service("127.0.0.1:10025 inet n - y - - smtpd -o mynetworks=0.0.0.0/0 -o smtpd_relay_restrictions=permit -o smtpd_recipient_restrictions="),
		"submission":         open(debian(t)).service("submission inet n - y - - smtpd -o smtpd_relay_restrictions=permit_sasl_authenticated,reject -o smtpd_recipient_restrictions=permit"),
		"own networks":       open(debian(t)).set("mynetworks", "127.0.0.0/8 10.0.0.0/8 [::1]/128 [::ffff:127.0.0.0]/104"),
		"both lists count":   open(debian(t)).set("smtpd_relay_restrictions", "permit").set("smtpd_recipient_restrictions", "permit_mynetworks, reject_unauth_destination"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := plan.Build(plan.Server{State: s.state(t)}, options()); err != nil {
				t.Errorf("got the error %v, want none", err)
			}
		})
	}
}

func TestWhatGoesAnotherWayIsNamed(t *testing.T) {
	filtered := debian(t).set("content_filter", "smtp:[127.0.0.1]:10025").set("sender_dependent_relayhost_maps", "hash:/etc/postfix/by_sender").
		set("smtp_sender_dependent_authentication", "yes").set("multi_instance_directories", "/etc/postfix-out")
	p := build(t, filtered, options())
	for _, want := range []string{"content_filter = smtp:[127.0.0.1]:10025 stays", "further instances (/etc/postfix-out)"} {
		if !hasNote(p, want) {
			t.Errorf("no %q in %q", want, p.Notes)
		}
	}
}

// An -o of the programs that choose the way, the limits and the senders wins
// over main.cf.
func TestOverridesInMasterCF(t *testing.T) {
	for _, test := range []struct{ name, entry, want string }{
		{"the default transport of rewrite", "rewrite unix - - y - - trivial-rewrite -o default_transport=smtp", "rewrite has -o default_transport=smtp, which stays: it wins"},
		{"transport maps of rewrite", "rewrite unix - - y - - trivial-rewrite -o transport_maps=hash:/x", "rewrite has -o transport_maps=hash:/x"},
		{"a relayhost of rewrite", "rewrite unix - - y - - trivial-rewrite -o relayhost=[old.test]:25", ""},
		{"a limit of qmgr", "qmgr unix n - n 300 1 qmgr -o relayhost-ses_destination_concurrency_limit=1", "qmgr has -o relayhost-ses_destination_concurrency_limit=1"},
		{"another parameter of qmgr", "qmgr unix n - n 300 1 qmgr -o queue_run_delay=100s", ""},
		{"a content filter of pickup", "pickup unix n - y 60 1 pickup -o content_filter=dksign:", "pickup has -o content_filter=dksign:, which stays"},
		{"an address of smtp", "smtp unix - - y - - smtp -o smtp_bind_address=192.0.2.1", "-o smtp_bind_address=192.0.2.1 of the service smtp does not hold"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := debian(t).service(test.entry)
			p := build(t, s, options())
			if named := hasNote(p, "master.cf: "); named != (test.want != "") || named && !hasNote(p, test.want) {
				t.Errorf("got the notes %q, want one of master.cf: %t, with %q in it", p.Notes, test.want != "", test.want)
			}
			if !strings.Contains(text(t, p, masterPath), test.entry) {
				t.Errorf("got no %s, want it kept", test.entry)
			}
		})
	}
}

// Mail that comes from outside and leaves again, and mail without a sender.
func TestForwardedMailIsNamed(t *testing.T) {
	const forwarded, bounces = "forwarded mail (aliases", "the null sender (<>) is rejected"
	relay := func(rule, null string) config.Config {
		return options(func(o *config.Config) {
			o.First().Relay = service(func(r *relays.Relay) { r.Sender.Rule, r.Sender.NullSender = rule, null })
		})
	}
	null := func() *server { return debian(t).set("mydestination", "").set("inet_interfaces", "loopback-only") }
	own := func() *server { return debian(t).set("inet_interfaces", "all") }
	rootTo := func(c config.Config) config.Config { c.RootTo = "me@elsewhere.test"; return c }
	mail := func() *server { return debian(t).set("inet_interfaces", "all").set("mydestination", "example.com") }
	for _, test := range []struct {
		name                    string
		host                    *server
		o                       config.Config
		wantForward, wantBounce bool
	}{
		{"null client", null(), relay("verified", "refused"), false, false},
		{"mail server", mail(), relay("verified", "refused"), true, true},
		{"mail server, any sender", mail(), relay("any", "accepted"), false, false},
		{"nothing from outside", mail().set("inet_interfaces", "loopback-only"), relay("account", "accepted"), false, false},
		{"own names alone", own(), relay("verified", "accepted"), false, false},
		{"an alias elsewhere", own().with("/etc/aliases", "postmaster: root\nroot: admin, me@elsewhere.test\n"), relay("verified", "accepted"), true, false},
		{"an alias of this host", own().with("/etc/aliases", "root: admin@localhost, /dev/null\n"), relay("verified", "accepted"), false, false},
		{"a program", own().with("/etc/aliases", "list: \"|/usr/bin/list post\"\n"), relay("verified", "accepted"), true, false},
		{"aliases that only Postfix reads", own().set("virtual_alias_maps", "ldap:/etc/postfix/people"), relay("verified", "accepted"), true, false},
		{"mail of root leaves", own(), rootTo(relay("verified", "accepted")), true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, test.host, test.o)
			if hasNote(p, forwarded) != test.wantForward || hasNote(p, bounces) != test.wantBounce {
				t.Errorf("got the notes %q, want one with %q: %t, one with %q: %t", p.Notes, forwarded, test.wantForward, bounces, test.wantBounce)
			}
		})
	}
}

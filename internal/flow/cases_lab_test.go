//go:build lab

package flow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/flow"
	"relayhost/internal/instance"
	"relayhost/internal/lab"
)

// change is what the program in testdata is told, output what it says.
type change struct {
	Main             map[string]string
	Master           string
	Files            map[string]string
	Service, NextHop string
	From, To         string
	Direct           []string
}

type output struct {
	Flow    flow.Table
	Lines   []string
	Shared  []flow.Foreign
	Preview []instance.Fault
	Fault   *instance.Fault
	Millis  int64
}

const (
	service = "relayhost-sendgrid"
	hop     = "[smtp.sendgrid.net]:587"
	entry   = service + " unix - - n - - smtp -o smtp_tls_security_level=secure -o smtp_sasl_auth_enable=yes -o smtp_sasl_password_maps=inline:{{" + hop + "=apikey:x}}\n"
)

// private keeps all of a service to itself; shared writes what other services read:
// relayhost, and the TLS policy of the next hop.
func private() change {
	return change{Main: map[string]string{"default_transport": service + ":" + hop, "relayhost": ""}, Master: entry, Service: service, NextHop: hop,
		From: "me@example.org", To: "somebody@yahoo.com"}
}

func shared() change {
	c := private()
	c.Main = map[string]string{"default_transport": service, "relayhost": hop, "smtp_tls_policy_maps": "texthash:/etc/postfix/relayhost_tls_policy"}
	c.Files = map[string]string{"/etc/postfix/relayhost_tls_policy": hop + " secure match=nexthop connection_reuse=yes\n"}
	return c
}

// The set-ups of servers.md (numbers in the names), and their kinds.
var setups = map[string]string{
	"21 sender transports by pcre": `postconf -e 'sender_dependent_default_transport_maps = pcre:/etc/postfix/sdd'; echo '/@shop\.example$/ shop-smtp:' >/etc/postfix/sdd
echo 'shop-smtp unix - - n - - smtp -o smtp_helo_name=shop.example' >>/etc/postfix/master.cf`,
	"21b sender transports": `postconf -e 'sender_dependent_default_transport_maps = hash:/etc/postfix/dependent'; echo '@shop.example shop-smtp:' >/etc/postfix/dependent; postmap hash:/etc/postfix/dependent
echo 'shop-smtp unix - - n - - smtp -o smtp_helo_name=shop.example' >>/etc/postfix/master.cf`,
	"36 panel": `postconf -e 'sender_dependent_default_transport_maps = hash:/etc/postfix/sdd' 'virtual_mailbox_domains = hash:/etc/postfix/domains' 'virtual_mailbox_maps = hash:/etc/postfix/domains' 'transport_maps = , hash:/etc/postfix/empty'
echo '@example.org plesk-203.0.113.10-:' >/etc/postfix/sdd; echo 'example.org 1' >/etc/postfix/domains; : >/etc/postfix/empty; postmap hash:/etc/postfix/sdd hash:/etc/postfix/domains hash:/etc/postfix/empty
echo 'plesk-203.0.113.10- unix - n n - - smtp -o smtp_bind_address6=' >>/etc/postfix/master.cf`,
	"38 relayhost and transport": `postconf -e 'relayhost = [smtp.sendgrid.net]:587' 'transport_maps = hash:/etc/postfix/transport' 'smtp_use_tls = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd'
echo 'gmail.com smtp:[smtp.sendgrid.net]:587' >/etc/postfix/transport; echo '[smtp.sendgrid.net]:587 apikey:Gehe1mPa55-42' >/etc/postfix/sasl_passwd; postmap hash:/etc/postfix/transport hash:/etc/postfix/sasl_passwd`,
	"94 transport to the same relay": `postconf -e 'transport_maps = hash:/etc/postfix/transport' 'smtp_tls_security_level = encrypt' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd'
echo 'gmail.com smtp:[smtp.sendgrid.net]:587' >/etc/postfix/transport; echo '[smtp.sendgrid.net]:587 apikey:Gehe1mPa55-42' >/etc/postfix/sasl_passwd; postmap hash:/etc/postfix/transport hash:/etc/postfix/sasl_passwd`,
	"93 backup exchanger":        `postconf -e 'relay_domains = backup.example'`,
	"next hop without a service": `postconf -e 'transport_maps = inline:{ {partner.example = :[mx.partner.example]} }'`,
	"relay by sender":            `postconf -e 'sender_dependent_relayhost_maps = inline:{ {@b.example = [other.example]} }'`,
	"catch-all":                  `postconf -e 'transport_maps = inline:{ {* = smtp:[old.example]} }'`,
	"nothing but this server":    `true`,
}

// A change that keeps to itself changes no other mail; one that does not is named
// with parameter and key, whatever tables the server has.
func TestLabCases(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoLog(), lab.Packages("postfix-pcre"))
	s := l.Server
	install(t, s)
	s.Shell("mkdir /root/clean && cp -a /etc/postfix/. /root/clean/")
	for _, test := range []struct {
		setup           string
		private, shared string // "parameter key" of the changes nobody asked for
	}{
		{"21 sender transports by pcre", "", "sender_dependent_default_transport_maps @shop.example"},
		{"21b sender transports", "", "sender_dependent_default_transport_maps @shop.example"},
		{"36 panel", " , the test message", " , the test message; sender_dependent_default_transport_maps @example.org"},
		{"38 relayhost and transport", "", "transport_maps gmail.com"},
		{"94 transport to the same relay", "", "transport_maps gmail.com"},
		{"93 backup exchanger", "", "relay_domains backup.example"},
		{"next hop without a service", "transport_maps partner.example", "transport_maps partner.example"},
		{"relay by sender", "sender_dependent_relayhost_maps @b.example", "sender_dependent_relayhost_maps @b.example"},
		{"catch-all", " , the test message", " , the test message"},
		{"nothing but this server", "", ""},
	} {
		for kind, c := range map[string]change{"private": private(), "shared": shared()} {
			t.Run(test.setup+", "+kind, func(t *testing.T) {
				s.Shell("rm -rf /etc/postfix/* && cp -a /root/clean/. /etc/postfix/ && " + setups[test.setup])
				if strings.HasPrefix(test.setup, "36") {
					c.From = "jane@example.org"
				}
				out := table(t, s, c)
				var got []string
				for _, x := range out.Flow.Changes {
					name := x.Param + " " + x.Key
					if x.Param == "" {
						name += ", " + x.Class
					}
					got = append(got, name)
					if x.Detail == "" || x.Remedy == "" {
						t.Errorf("got %+v, want a detail and a remedy in it", x)
					}
				}
				want := test.private
				if kind == "shared" {
					want = test.shared
				}
				if strings.Join(got, "; ") != want {
					t.Errorf("got %q, want %q\n%s", got, want, strings.Join(out.Lines, "\n"))
				}
				if len(out.Lines) == 0 || len(out.Lines) > 8 {
					t.Errorf("got %d lines, want 1 to 8", len(out.Lines))
				}
				if len(out.Flow.NotSampled) > 0 {
					t.Errorf("not sampled: got %q, want none", out.Flow.NotSampled)
				}
				both := test.setup[:2] == "94" || test.setup[:2] == "38"
				if found := slices.ContainsFunc(out.Shared, func(f flow.Foreign) bool { return f.Service == "smtp" && f.Account == "apikey" }); kind == "private" && found != both {
					t.Errorf("routes of others to %s: got %+v, want one of smtp with the account %q: %v", hop, out.Shared, "apikey", both)
				}
				if text := fmt.Sprint(out); strings.Contains(text, "Gehe1mPa55") {
					t.Error("got the password in the table, want none of it")
				}
			})
		}
	}
}

// What postconf and the disk can tell is told before anything is started, and what
// they cannot, by the log of the private Postfix.
func TestLabPreview(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoLog())
	s := l.Server
	install(t, s)
	s.Shell("mkdir /root/clean && cp -a /etc/postfix/. /root/clean/")
	for name, test := range map[string]struct{ setup, param, table, says, command string }{
		"24 boolean":        {"postconf -e 'append_dot_mydomain = gitlab.localhost'", "append_dot_mydomain", "", "is not yes or no", "postconf -X append_dot_mydomain"},
		"26 package":        {"postconf -e 'smtp_header_checks = pcre:/etc/postfix/checks'", "smtp_header_checks", "pcre:/etc/postfix/checks", "no tables of the type pcre", "apt-get install postfix-pcre"},
		"28 never compiled": {"postconf -e 'relay_domains = hash:/etc/postfix/relay' && echo 'a.example x' >/etc/postfix/relay", "relay_domains", "hash:/etc/postfix/relay", "never compiled", "postmap hash:/etc/postfix/relay"},
		"28 no such table":  {"postconf -e 'relay_domains = hash:/etc/postfix/relay'", "relay_domains", "hash:/etc/postfix/relay", "nor does its source", "touch /etc/postfix/relay && postmap hash:/etc/postfix/relay"},
		"number":            {"postconf -e 'smtp_connection_reuse_count_limit = many'", "smtp_connection_reuse_count_limit", "", "is not a number", "postconf -X smtp_connection_reuse_count_limit"},
		"time":              {"postconf -e 'smtp_helo_timeout = soon'", "smtp_helo_timeout", "", "is not a time", "postconf -X smtp_helo_timeout"},
		"incoming mail":     {"postconf -e 'smtpd_helo_required = maybe' 'smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/gone'", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.Shell("rm -rf /etc/postfix/* && cp -a /root/clean/. /etc/postfix/ && " + test.setup)
			out := table(t, s, private())
			if test.param == "" {
				if len(out.Preview) != 0 {
					t.Errorf("got %+v, want nothing", out.Preview)
				}
				return
			}
			if len(out.Preview) != 1 {
				t.Fatalf("got %+v, want one fault", out.Preview)
			}
			f := out.Preview[0]
			if f.Param != test.param || f.Table != test.table || !strings.Contains(f.Text, test.says) || f.Command != test.command {
				t.Errorf("got %+v, want %+v", f, test)
			}
		})
	}
}

// table asks for the flow table of a change.
func table(t *testing.T, s *lab.Server, c change) output {
	t.Helper()
	input, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	r := s.RunInput(string(input), "/root/onserver", "table")
	var out output
	if err := json.Unmarshal([]byte(r.Stdout), &out); err != nil {
		t.Fatalf("table: got %v and exit %d, want a JSON document\n%s", err, r.Code, r.Stderr)
	}
	return out
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/maillog"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

func sending(_ *testing.T, e *Env, _ service) { e.Mailer = failing{} }

// taking is a Mailer of a Postfix that takes a message and has it no more.
type taking struct{ failing }

func (taking) Send(context.Context, string, string, []byte) error { return nil }

// withoutPTR is a DNS that does not answer questions for names of addresses.
type withoutPTR struct{ Resolver }

func (withoutPTR) PTR(context.Context, netip.Addr) ([]string, error) {
	return nil, errors.New("no server answered")
}

// shops are n routes by sender that need no network, each by the service.
func shops(n int, by string) state {
	return func(_ *testing.T, e *Env, _ service) {
		for i := range n {
			e.Routes = append(e.Routes, Route{Name: fmt.Sprint("shop", i), Senders: []string{fmt.Sprintf("shop%d.test", i)}, From: fmt.Sprintf("a@shop%d.test", i), Service: by, Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}})
		}
	}
}

// warnings are the sentences of findings that warn, fail or skip.
func warnings() []claim {
	const hop = "10m postfix/relayhost-x/smtp[7]: 4F0C2A0002: to=<jürgen@example.net>, relay=relay.test[192.0.2.9]:587, delay=1, delays=0/0/0/1, "
	const utf8 = hop + "dsn=5.6.7, status=bounced (SMTPUTF8 is required, but was not offered by host relay.test[192.0.2.9])"
	const sent = hop + "dsn=2.0.0, status=sent (250 ok)"
	missing := func(_ *testing.T, e *Env, _ service) { e.State.Installed, e.State.Running = false, false }
	stopped := func(_ *testing.T, e *Env, _ service) { e.State.Running = false }
	nobody := func(_ *testing.T, e *Env, _ service) { e.To = "" }
	limited := func(_ *testing.T, e *Env, _ service) { e.Limited = true }
	counted := func(_ *testing.T, e *Env, _ service) { e.First().Relay.Limits.PerDay = 100 }
	noLog := func(_ *testing.T, e *Env, _ service) { e.Log, e.LogError = nil, maillog.ErrNoLog }
	lostLog := all(program("journalctl", "echo No journal files were opened due to insufficient permissions. >&2; exit 1"), func(_ *testing.T, e *Env, _ service) { e.Log = &maillog.Log{Journal: true} })
	wrong := func(_ *testing.T, e *Env, _ service) { e.First().Username = "other" }
	dead := func(t *testing.T, e *Env, _ service) { e.First().Port = closedPort(t) }
	anyCertificate := func(_ *testing.T, e *Env, _ service) { e.First().NoVerify = true }
	stranger := func(_ *testing.T, e *Env, _ service) { e.First().Roots = nil }
	id := func(id string) state { return func(_ *testing.T, e *Env, _ service) { e.First().Relay.ID = id } }
	lacks := all(params("smtputf8_enable", "yes"), func(_ *testing.T, e *Env, _ service) { e.First().Relay.EHLO.Lacks = []string{"SMTPUTF8"} })
	unknownDKIM := relayDNS(relays.DNS{DKIM: []relays.Record{{Type: "TXT", Name: "<selector>._domainkey"}}})
	ptr := []string{"1.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com."}
	spf := relayDNS(relays.DNS{SPF: "include:relay.test"})
	bounces := relayDNS(relays.DNS{Other: []relays.Record{{Type: "MX", Name: "send", Value: "10 feedback.ses.test", Bounces: true}}})
	unseen := func(_ *testing.T, e *Env, _ service) { e.Mailer = taking{} }
	toSMTP0 := func(_ *testing.T, e *Env, _ service) {
		e.Routes[1].Hops[0] = Hop{Hop: config.Hop{Relay: &relays.Relay{}, Host: "smtp0.test", Port: 587, TLS: relays.StartTLS}}
	}
	mapped := func(_ *testing.T, e *Env, _ service) {
		e.State.DefaultMap = "hash"
		e.State.Params["sender_dependent_default_transport_maps"] = "hash:/etc/postfix/senders"
		e.State.Maps = map[string][]byte{"/etc/postfix/senders": []byte("@shop0.test relayhost-x:[smtp0.test]:587\n")}
	}
	source := func(_ *testing.T, e *Env, _ service) {
		e.State.Maps = map[string][]byte{"/etc/postfix/sasl_passwd": fmt.Appendf(nil, "[relay.test]:%d user:right\n", e.First().Port)}
	}
	postmap := func(password string) state {
		return func(t *testing.T, e *Env, s service) {
			program("postmap", fmt.Sprintf("printf '[relay.test]:%d\\tuser:%s\\n'", e.First().Port, password))(t, e, s)
		}
	}
	full := func(target string) state {
		return func(t *testing.T, e *Env, _ service) {
			if err := os.Symlink(target, filepath.Join(e.Reader.Root, "queue")); err != nil {
				t.Fatal(err)
			}
			e.State.Params["queue_directory"] = "/queue"
		}
	}
	known := dnsHas(append(ptr, "mail.example.com. 60 IN A 192.0.2.1")...)
	fallback := func(code int) state {
		return func(t *testing.T, e *Env, _ service) {
			second := relay(t)
			second.Configure(func(c *smtpd.Config) {
				c.Recipient = func(string, string) *smtpd.Reply {
					if code == 250 {
						return nil
					}
					return &smtpd.Reply{Code: code, Enhanced: fmt.Sprintf("%d.7.1", code/100), Text: "no"}
				}
			})
			e.Routes[0].Hops = append(e.Routes[0].Hops, *second.env(t).First())
		}
	}
	toDNS := func(addresses ...string) state {
		return func(t *testing.T, e *Env, _ service) {
			var list []string
			for _, a := range addresses {
				list = append(list, "relay.test. 60 IN A "+a)
			}
			e.Resolver = zone(t, list...)
		}
	}
	jailed := func(inside string) state {
		return func(t *testing.T, e *Env, s service) {
			master("smtp inet n - y - - smtpd\nrelayhost-x unix - - y - - smtp\n")(t, e, s)
			for name, text := range map[string]string{"etc/resolv.conf": "nameserver 192.0.2.53\n", "var/spool/postfix/etc/resolv.conf": inside} {
				path := filepath.Join(e.Reader.Root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	old := func(t *testing.T, e *Env, _ service) { put(t, e.Reader.Root, "sasl_passwd.db", 0o600, -time.Hour) }
	bySender := func(_ *testing.T, e *Env, _ service) {
		e.State.DefaultMap = "hash"
		e.State.Params["sender_dependent_relayhost_maps"] = "hash:/etc/postfix/bysender"
		e.State.Maps = map[string][]byte{"/etc/postfix/bysender": []byte("@shop.test [smtp.shop.test]:587\n")}
	}
	notRefused := all(sending, func(_ *testing.T, _ *Env, s service) {
		s.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true })
	})
	umlaut := program("postqueue", `echo '{"queue_name":"deferred","queue_id":"4AB","arrival_time":1700000000,"message_size":9,"sender":"a@example.com","recipients":[{"address":"jürgen@example.net"}]}'`)
	silent := func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@servfail.test" }
	silentRelay := func(_ *testing.T, e *Env, _ service) { e.First().Host = "servfail.test" }
	noPTR := func(_ *testing.T, e *Env, _ service) { e.Resolver = withoutPTR{e.Resolver} }
	return []claim{
		{"this API has no call that proves a key", check(false, nil), []state{sound, check(true, nil), check(false, errors.New("no route to host"))}},
		{"fail config: Postfix is not installed", missing, []state{sound, stopped}},
		{"there is no Postfix", missing, []state{sound, stopped}},
		{"fail service: Postfix does not run", stopped, []state{sound, missing}},
		{"skip delivery: Postfix does not run", all(sending, stopped), []state{sending}},
		{"mail from @shop.test goes by another route or account, which is not tested here", all(unmanaged, bySender), []state{unmanaged, bySender}},
		{"skip delivery: no sender or recipient is known: name them with --from and --to", all(sending, nobody), []state{sending}},
		{"authorized_submit_users is empty", all(sending, params("authorized_submit_users", "")), []state{sending, all(sending, params("authorized_submit_users", "root"))}},
		{"not tried, because the relay refuses the login", all(sending, wrong), []state{sending, all(sending, dead), notRefused}},
		{"the name of the record is <selector>._domainkey.example.com and differs by account: it cannot be looked up from here", unknownDKIM, []state{sound, all(dkim, dnsHas())}},
		{"nothing is known of DKIM records of this relay", sound, []state{unknownDKIM, all(dkim, dnsHas())}},
		{"the public address of this host is not known", sound, []state{at}},
		{"no sender address is known: name it with --from", func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "" }, []state{sound}},
		{"that does not matter for mail through a relay", all(at, dnsHas()), []state{all(at, known), all(at, id(""), dnsHas())}},
		{"whether one is needed depends on the bounce address", all(id(relays.SmarthostID), dnsHas()), []state{dnsHas(), id(relays.SmarthostID)}},
		{"no record, and none is documented for X", dnsHas(), []state{sound, all(dkim, dnsHas()), all(id(relays.SmarthostID), dnsHas())}},
		{"; whether it has to name X is not known here", sound, []state{dnsHas(), all(spf, dnsHas(txt("example.com", "v=spf1 include:relay.test -all"), txt("relay.test", "v=spf1 -all"))), id("")}},
		{"; not found: MX send.example.com, the default for bounces at X", bounces, []state{sound, all(bounces, dnsHas("send.example.com. 60 IN MX 10 feedback.ses.test."))}},
		{"the SPF record ends in +all: anybody may send", dnsHas(txt("example.com", "v=spf1 +all")), []state{sound, dnsHas(txt("example.com", "v=spf1 ?all"))}},
		{"no sender or recipient is known to ask it about", all(fallback(250), nobody), []state{fallback(250), nobody}},
		{"mail that fails over to it would bounce", fallback(550), []state{fallback(250), fallback(450)}},
		{"connect: no relay is configured", func(_ *testing.T, e *Env, _ service) { e.First().Host = "" }, []state{sound}},
		{"is not in use, and not usable from here", func(t *testing.T, e *Env, s service) {
			e.First().Relay.Ports = []relays.Port{{Port: s.starttls, TLS: relays.StartTLS}, {Port: closedPort(t), TLS: relays.Implicit}}
		}, []state{sound}},
		{"is not in use, and not usable by the addresses that were tried: connection timed out; there was no time for 127.0.0.77", func(t *testing.T, e *Env, _ service) {
			toDNS("127.0.0.1", "127.0.0.77")(t, e, service{})
			e.Probe = func(ctx context.Context, target smtpprobe.Target) smtpprobe.Result {
				if int(target.Addr.Port()) == e.First().Port {
					return smtpprobe.Probe(ctx, target)
				}
				return smtpprobe.Result{Addr: target.Addr, Failed: smtpprobe.StepConnect, Fault: smtpprobe.FaultTimeout, Err: syscall.ETIMEDOUT}
			}
		}, []state{sound, toDNS("127.0.0.1", "127.0.0.77")}},
		{"this setup accepts any certificate, and this one does not verify", all(anyCertificate, stranger), []state{anyCertificate, stranger, sound}},
		{"the login is tried on verified connections only", all(anyCertificate, stranger), []state{anyCertificate, stranger, sound}},
		{"127.0.0.77 of relay.test does not answer (refused); 127.0.0.1 does", toDNS("127.0.0.77", "127.0.0.1"), []state{sound, toDNS("127.0.0.77", "127.0.0.78")}},
		{"default_transport names gone, which master.cf does not define", params("default_transport", "gone"), []state{sound, params("relayhost", "")}},
		{"mail goes to [other.test]:587, not to", params("relayhost", "[other.test]:587"), []state{sound, params("relayhost", "")}},
		{"no relay is configured: mail is delivered directly", all(unmanaged, params("relayhost", "")), []state{sound, params("relayhost", ""), all(unmanaged, params("relayhost", ""), bySender)}},
		{"mail goes to the mail servers of its recipients, not to", params("relayhost", ""), []state{sound, all(unmanaged, params("relayhost", ""))}},
		{"mail from @shop.test goes by relayhost-x to [smtp.shop.test]:587; all other mail goes out directly", all(unmanaged, params("relayhost", ""), bySender),
			[]state{bySender, all(unmanaged, params("relayhost", "")), all(params("relayhost", ""), bySender)}},
		{"master.cf has no service relayhost-shop", shops(1, "relayhost-shop"), []state{sound, shops(1, "relayhost-x")}},
		{"mail from a@shop0.test is sent by relayhost-x (relayhost), not by relayhost-x to [smtp0.test]:587", all(shops(1, "relayhost-x"), toSMTP0), []state{sound, all(shops(1, "relayhost-x"), toSMTP0, mapped)}},
		{"100 messages are sent at most; without one were", all(sending, stopped, shops(100, "relayhost-x")), []state{all(sending, stopped, shops(99, "relayhost-x")), shops(100, "relayhost-x")}},
		{"the message left the queue, and no log says where to: no mail log", all(unseen, noLog), []state{unseen, all(sending, noLog)}},
		{"differs from the source file", all(tables(0o600, 0o600), source, postmap("old")), []state{all(tables(0o600, 0o600), source), all(tables(0o600, 0o600), postmap("old"))}},
		{"no relay is configured: default_transport is the service error (error)", all(unmanaged, params("relayhost", "", "default_transport", "error"), master("error unix - - y - - error\n")),
			[]state{sound, all(unmanaged, params("relayhost", ""))}},
		{"mail goes to the service error (error), not to", all(params("default_transport", "error"), master("error unix - - y - - error\n")), []state{sound, params("relayhost", "")}},
		{"the service is chrooted, and resolv.conf in the chroot differs", jailed(""), []state{sound, jailed("nameserver 192.0.2.53\n")}},
		{"change 20261122-101500-1 has not finished: its run is at work, or was aborted", func(_ *testing.T, e *Env, _ service) { e.Unfinished = "20261122-101500-1" }, []state{sound}},
		{"some files can only be read by root", all(unmanaged, limited), []state{unmanaged, sound}},
		{"this host was not set up by relayhost", unmanaged, []state{sound, all(unmanaged, limited)}},
		{"1 of 1 message delayed, last reason: 4AB: b@example.net: connection timed out", queued("deferred", `,"delay_reason":"connection timed out"`), []state{queued("active", ""), program("postqueue", "true")}},
		{"the file system of /queue is full: Postfix accepts no mail", full("/proc"), []state{full("."), all(full("/proc"), stopped)}}, // a file system without room
		{"skip dkim: DNS gave no answer, and none about SPF of servfail.test either", all(dkim, silent), []state{all(dkim, dnsHas()), sound}},
		{"skip ptr: DNS gave no answer, and none about SPF of servfail.test either", all(dkim, at, silent, noPTR), []state{all(dkim, at, dnsHas()), all(dkim, at, noPTR)}},
		{"skip spf: DNS gave no answer about servfail.test, and none about the relay either", all(dkim, silent, silentRelay), []state{all(dkim, silent), all(dkim, silentRelay),
			all(dkim, silent, silentRelay, check(true, nil), func(_ *testing.T, e *Env, _ service) { e.First().Proxy = "192.0.2.1:3128" })}},
		{"and whether this server sends much mail to them is not known here", all(id(relays.SmarthostID), dnsHas()), []state{dnsHas(), all(id(relays.SmarthostID), dnsHas(txt("_dmarc.example.com", "v=DMARC1; p=none")))}},
		{"the mail to X was not counted against its limits, because no log can be read", all(counted, noLog), []state{all(logHas(sent), counted), noLog}},
		{"the mail to X was not counted against its limits: journalctl: exit status 1: No journal files were opened", all(counted, lostLog), []state{all(logHas(sent), counted), lostLog}},
		{"X does not offer SMTPUTF8, which mail with UTF-8 in an address or with bare UTF-8 in a header field needs:", all(logHas(utf8), lacks), []state{all(logHas(sent), lacks), logHas(utf8)}},
		{"in the last day mail to jürgen@example.net was returned", all(logHas(utf8), lacks), []state{all(logHas(strings.Replace(utf8, "10m", "30h", 1), sent), lacks), all(logHas(sent), lacks)}},
		{"these messages in the queue will be returned: 4AB", all(logHas(sent), lacks, umlaut), []state{all(logHas(sent), lacks, queued("deferred", "")), all(logHas(sent), umlaut)}},
		{"skip relay_access: master.cf cannot be read", func(_ *testing.T, e *Env, _ service) { e.State.Master = nil }, []state{sound}},
		{"mail to the relay uses no lookup table", sound, []state{tables(0o600, 0o600), params("smtp_sasl_password_maps", "ldap:relay")}},
		{"not files that can be checked here: ldap:relay", params("smtp_generic_maps", "ldap:relay"), []state{sound, all(tables(0o600, 0o600), params("smtp_generic_maps", "ldap:relay"))}},
		{"sasl_passwd.db is missing", tables(0o600, 0), []state{tables(0o600, 0o600), sound}},
		{"sasl_passwd.db is older than /etc/postfix/sasl_passwd", all(tables(0o600, 0o600), old), []state{tables(0o600, 0o600), tables(0o600, 0)}},
		{"sasl_passwd has mode 0644 and owner", tables(0o644, 0o600), []state{tables(0o600, 0o600)}},
		{"fail maps: the server behind the password table does not answer", all(tables(0o600, 0o600), program("postmap", "echo 'postmap: fatal: table tcp:127.0.0.1:1: query error: Connection refused' >&2; exit 1")),
			[]state{tables(0o600, 0o600), all(tables(0o600, 0o600), program("postmap", "echo 'postmap: fatal: open /etc/postfix/sasl_passwd.db: Invalid argument' >&2; exit 1"))}},
		{"the password table has no entry for [relay.test]", all(tables(0o600, 0o600), program("postmap", "exit 1")), []state{tables(0o600, 0o600), sound}},
	}
}

// TestWarnings: what verify finds wrong, or has not looked at, is said where that is so,
// and in no state in which it is not.
func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range warnings() {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			said := func(change state) string {
				s := relay(t)
				env := s.env(t)
				change(t, &env, s)
				var b strings.Builder
				for _, f := range Run(t.Context(), env, Options{NoSend: env.Mailer == nil}).Findings {
					fmt.Fprintf(&b, "%s %s: %s\n", f.Result, f.Check, f.Detail)
				}
				return b.String()
			}
			if got := said(c.holds); !strings.Contains(got, c.text) {
				t.Errorf("where it holds: got\n%swant %q", got, c.text)
			}
			for i, change := range c.fails {
				if got := said(change); strings.Contains(got, c.text) {
					t.Errorf("state %d, where it is false: got\n%swant no %q", i, got, c.text)
				}
			}
		})
	}
}

// TestShowing: a relay's own test address is named as one where it is the recipient.
func TestShowing(t *testing.T) {
	r := relays.Relay{Test: &relays.Test{Recipient: "success@simulator.test", NotProven: "that real recipients get mail"}}
	const text = "the relay's own test address does not show that real recipients get mail"
	for to, want := range map[string]bool{"success@simulator.test": true, "ops@example.net": false} {
		t.Run(to, func(t *testing.T) {
			f := Finding{Check: "delivery", Result: Pass}.Showing(r, to)
			if got := strings.Contains(f.Detail, text); got != want || (f.Result == Warn) != want {
				t.Errorf("got %+v, want the text: %t", f, want)
			}
		})
	}
}

// TestTimeUpForRoutes: routes that no time was left for are named, and no others.
func TestTimeUpForRoutes(t *testing.T) {
	const text = "the time was up before these routes were looked at: "
	e := relay(t).env(t)
	shops(20*maxConnections, "relayhost-x")(t, &e, service{})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ctx := range map[string]context.Context{"over": over, "left": t.Context()} {
		t.Run("time "+name, func(t *testing.T) {
			found := fmt.Sprint(Run(ctx, e, Options{NoSend: true}).Findings)
			if got, want := strings.Contains(found, text), name == "over"; got != want {
				t.Errorf("time %s: got the text %t, want %t", name, got, want)
			}
		})
	}
}

// TestTookOver: a fallback is said to have taken the message where the log names it.
func TestTookOver(t *testing.T) {
	route := Route{Service: "relayhost-x", Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: "relay.test", Port: 587}}, {Hop: config.Hop{Relay: &relays.Relay{}, Host: "other.test", Port: 465}}}}
	bridged := Route{Service: "relayhost-x", Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: "relay.test", Port: 587}, Socket: "private/relayhost-x-out"}, {Hop: config.Hop{Relay: &relays.Relay{}, Host: "other.test"}}}}
	for _, tt := range []struct {
		name  string
		route Route
		d     Delivery
		want  string
	}{
		{"the fallback", route, Delivery{Status: "sent", Service: "postfix/relayhost-x/smtp", Relay: "other.test[192.0.2.1]:465"}, "[other.test]:465"},
		{"the first", route, Delivery{Status: "sent", Service: "postfix/relayhost-x/smtp", Relay: "relay.test[192.0.2.1]:587"}, ""},
		{"another port", route, Delivery{Status: "sent", Service: "postfix/relayhost-x/smtp", Relay: "other.test[192.0.2.1]:25"}, ""},
		{"not sent", route, Delivery{Status: "deferred", Service: "postfix/relayhost-x/smtp", Relay: "other.test[192.0.2.1]:465"}, ""},
		{"another service", route, Delivery{Status: "sent", Service: "postfix/smtp", Relay: "other.test[192.0.2.1]:465"}, ""},
		{"a bridge's fallback", bridged, Delivery{Status: "sent", Reply: "250 2.0.0 " + conf.FallbackText("other.test", []string{"relay.test: 503"})}, "other.test"},
		{"a bridge's first", bridged, Delivery{Status: "sent", Reply: "250 2.0.0 X: id-1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tookOver(tt.route, tt.d); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// details are the texts in the source of the findings' details.
func details(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		texts := func(node ast.Node) {
			ast.Inspect(node, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if text, err := strconv.Unquote(l.Value); err == nil {
						list[text] = set.Position(l.Pos()).String()
					}
				}
				return true
			})
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Detail" {
					texts(n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok && s.Sel.Name == "Detail" {
						texts(n.Rhs[min(i, len(n.Rhs)-1)])
					}
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "skip" || f.Name == "pass" || f.Name == "found") {
					for _, arg := range n.Args[1:] {
						texts(arg)
					}
				}
			}
			return true
		})
	}
	return list
}

// TestEveryTextIsTested: each text of a finding stands in one of the two tables, so that
// a new one gets a state in which it is false, or has a test of its own.
func TestEveryTextIsTested(t *testing.T) {
	elsewhere := map[string]func(*testing.T){
		"the time was up before the queue":              TestQueueWithoutTime,
		"Postfix reaches no bridge":                     TestBridgeFaults,
		"starts the bridge as the user":                 TestBridgeFaults,
		"and spawn(8) refuses that user":                TestBridgeFaults,
		"mynetworks_style = ":                           TestClaims,
		"bounces have the null sender":                  TestNullSender,
		"this route has bounces alone":                  TestBouncesAlone,
		", because %s did not":                          TestTookOver,
		"accepted the message":                          TestClaimsOfDelivery,
		"the relay's own test address does not show":    TestShowing,
		"no public IPv4 address is known":               TestBlocklistClaims,
		"not listed at":                                 TestBlocklistClaims,
		"no answer that counts from":                    TestBlocklistClaims,
		"the login was not tried: the time limit":       TestTimeIsUp,
		"Postfix was refused":                           TestLoginRefused,
		"is sent by":                                    TestSeveralRoutes,
		"the time was up before these routes":           TestTimeUpForRoutes,
		"the password has the length of an IAM secret":  TestCredentialsDecide,
		"the token was renewed in the future":           TestSignInByAWrongClock,
		"the compiled entry for":                        TestWarnings, // its row has the other half
		"; the client":                                  TestSecretEnds,
		"nobody has said when the client secret ends":   TestSecretEnds,
		"is a public mail service: its DNS records are": TestPublicMailHasNoRecords,
		"as above, with other details":                  TestTextOfManyRoutes,
	}
	verb := regexp.MustCompile(`%\w+`)
	rows := append(claims(), warnings()...)
	seen := 0
next:
	for text, at := range details(t) {
		var parts []string
		for _, part := range verb.Split(text, -1) {
			if part = strings.Trim(part, " ,;:()."); len(part) >= 8 {
				parts = append(parts, part)
			}
		}
		if len(parts) == 0 {
			continue
		}
		seen++
		for part := range elsewhere {
			if strings.Contains(text, part) {
				continue next
			}
		}
		for _, c := range rows {
			if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(c.text, part) || strings.Contains(part, c.text) }) {
				continue next
			}
		}
		t.Errorf("%s: %q: got no row with a state in which that is false, want one", at, text)
	}
	if seen < 90 {
		t.Errorf("found %d texts in the source, want at least 90", seen)
	}
}

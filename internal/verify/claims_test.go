package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"relayhost/internal/lab/claimtest"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// state changes a sound host.
type state func(*testing.T, *Env, service)

// claim is a sentence of verify about the server: said where it holds, and in no state
// in which it is false.
type claim struct {
	text  string
	holds state
	fails []state
}

func params(pairs ...string) state {
	return func(_ *testing.T, e *Env, _ service) {
		for i := 0; i < len(pairs); i += 2 {
			e.State.Params[pairs[i]] = pairs[i+1]
		}
	}
}

func sound(*testing.T, *Env, service) {}

func all(states ...state) state {
	return func(t *testing.T, e *Env, s service) {
		for _, change := range states {
			change(t, e, s)
		}
	}
}

func dnsHas(list ...string) state {
	return func(t *testing.T, e *Env, _ service) {
		e.Resolver = zone(t, append(list, "relay.test. 60 IN A 127.0.0.1")...)
	}
}

func relayDNS(d relays.DNS) state {
	return func(_ *testing.T, e *Env, _ service) { e.First().Relay.DNS = d }
}

func master(text string) state {
	return func(t *testing.T, e *Env, _ service) {
		m, err := postfix.ParseMaster([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		e.State.Master = m
	}
}

func mainCF(text string) state {
	return func(t *testing.T, e *Env, _ service) {
		m, err := postfix.ParseMain([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		e.State.Main = m
	}
}

// unmanaged is a server that setup has not been on.
func unmanaged(_ *testing.T, e *Env, _ service) { e.Plan = nil }

// program puts a program of the host in the place of Postfix's own.
func program(name, script string) state {
	return func(t *testing.T, e *Env, _ service) {
		dir := filepath.Join(e.Reader.Root, "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		// A child that another test forks meanwhile would hold the file open for writing
		// until it runs its program, and nobody can run a file that is open so.
		syscall.ForkLock.RLock()
		err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
		e.Reader.Path = dir + ":/usr/bin:/bin"
	}
}

func queued(name, reason string) state {
	return program("postqueue", fmt.Sprintf(`echo '{"queue_name":"%s","queue_id":"4AB","arrival_time":1700000000,"message_size":9,"sender":"a@example.com","recipients":[{"address":"b@example.net"%s}]}'`, name, reason))
}

// tables writes a password table with these modes of its two files.
// upgraded is a host on which setup would write main.cf differently than it did.
func upgraded(_ *testing.T, e *Env, _ service) {
	e.Plan = &plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify}}}
	e.Changed = map[string]string{}
}

// version is a Postfix with tables of Berkeley DB.
func version(major, minor int) state {
	return func(_ *testing.T, e *Env, _ service) {
		e.State.Version, e.State.MapTypes = postfix.Version{Major: major, Minor: minor}, []string{"btree", "hash"}
	}
}

func tables(source, compiled os.FileMode) state {
	return func(t *testing.T, e *Env, _ service) {
		if err := os.MkdirAll(filepath.Join(e.Reader.Root, "etc/postfix"), 0o755); err != nil {
			t.Fatal(err)
		}
		e.State.DefaultMap = "hash"
		put(t, e.Reader.Root, "sasl_passwd", source, 0)
		if compiled != 0 {
			put(t, e.Reader.Root, "sasl_passwd.db", compiled, 0)
		}
		program("postmap", fmt.Sprintf("printf '[relay.test]:%d\\tuser:right\\n'", e.First().Port))(t, e, service{})
		e.State.Params["smtp_sasl_password_maps"] = "hash:/etc/postfix/sasl_passwd"
	}
}

func logHas(lines ...string) state {
	return func(t *testing.T, e *Env, s service) {
		other := s.logging(t, lines...)
		e.Reader, e.Log = other.Reader, other.Log
	}
}

// closedPort is a port on which nobody listens, and no other test can until t has ended.
func closedPort(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return addr.(*syscall.SockaddrInet4).Port
}

func check(proved bool, err error) state {
	return func(_ *testing.T, e *Env, _ service) {
		e.First().Check = func(context.Context) (bool, error) { return proved, err }
	}
}

var (
	lists   = "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"
	public  = params("inet_interfaces", "all", "mynetworks", "127.0.0.0/8", "smtpd_relay_restrictions", lists)
	key     = []string{"s1._domainkey.example.com. 60 IN CNAME s1.relay.test.", txt("s1.relay.test", "k=rsa; p=MIGf")}
	dkim    = relayDNS(relays.DNS{SPF: "include:relay.test", DKIM: []relays.Record{{Type: "CNAME", Name: "s1._domainkey"}}})
	reject  = txt("_dmarc.example.com", "v=DMARC1; p=reject")
	address = netip.MustParseAddr("192.0.2.1")
	at      = func(_ *testing.T, e *Env, _ service) { e.Public = []netip.Addr{address} }
)

func claims() []claim {
	const sent = "10m postfix/relayhost-x/smtp[7]: 4F0C2A0001: to=<c@example.net>, relay=relay.test[192.0.2.9]:587, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
	const utf8 = "10m postfix/relayhost-x/smtp[7]: 4F0C2A0002: to=<jürgen@example.net>, relay=relay.test[192.0.2.9]:587, delay=1, delays=0/0/0/1, dsn=5.6.7, status=bounced (SMTPUTF8 is required, but was not offered by host relay.test[192.0.2.9])"
	limited := func(_ *testing.T, e *Env, _ service) { e.First().Relay.Limits.PerDay = 100 }
	lacks := all(params("smtputf8_enable", "yes"), func(_ *testing.T, e *Env, _ service) { e.First().Relay.EHLO.Lacks = []string{"SMTPUTF8"} })
	const mx = "send.example.com. 60 IN MX 10 feedback.eu-1.ses.test."
	bounces := relayDNS(relays.DNS{Other: []relays.Record{
		{Type: "MX", Name: "send", Value: "10 feedback.<region>.ses.test", Bounces: true}, {Type: "TXT", Name: "send", Value: "v=spf1 include:ses.test ~all", Bounces: true},
		{Type: "CNAME", Name: "tracking", Value: "ses.test"}}})
	keyOnly := relayDNS(relays.DNS{DKIM: []relays.Record{{Type: "CNAME", Name: "s1._domainkey"}}})
	none := txt("_dmarc.example.com", "v=DMARC1; p=none")
	two := []string{txt("example.com", "v=spf1 include:relay.test -all"), txt("example.com", "v=spf1 mx -all")}
	below := func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@news.example.com" }
	loopback := params("inet_interfaces", "loopback-only")
	subnet := all(params("mynetworks_style", "subnet"), mainCF("mynetworks_style = subnet\n"))
	ptr := []string{"1.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com."}
	fallback := func(accepts bool) state {
		return func(t *testing.T, e *Env, _ service) {
			second := relay(t)
			second.Configure(func(c *smtpd.Config) {
				if !accepts {
					c.Recipient = func(string, string) *smtpd.Reply { return &smtpd.Reply{Code: 550, Enhanced: "5.7.1", Text: "no"} }
				}
			})
			h := *second.env(t).First()
			e.Routes[0].Hops = append(e.Routes[0].Hops, h)
		}
	}
	return []claim{
		{"main.cf and master.cf have none of the known faults", sound, []state{mainCF("append_dot_mydomain = gitlab.localhost\n"),
			func(_ *testing.T, e *Env, _ service) { e.State.Installed = false }}},
		{"compiled, up to date, and readable by root alone", tables(0o600, 0o600), []state{sound, tables(0o644, 0o600), tables(0o600, 0), params("smtp_sasl_password_maps", "ldap:relay")}},
		{"the tables in files are sound; not checked: ldap:relay", all(tables(0o600, 0o600), params("smtp_generic_maps", "ldap:relay")), []state{tables(0o600, 0o600), all(tables(0o600, 0), params("smtp_generic_maps", "ldap:relay"))}},
		{"relayhost-x sends to", sound, []state{func(_ *testing.T, e *Env, _ service) { e.State.Running = false }, params("relayhost", "[other.test]:587"), params("relayhost", ""), params("default_transport", "gone")}},
		{"still runs the old program", func(_ *testing.T, e *Env, _ service) { e.State.Outlived = 7 }, []state{sound,
			func(_ *testing.T, e *Env, _ service) { e.State.Outlived, e.State.Running = 7, false }}},
		{"mail is delivered directly", all(unmanaged, params("relayhost", "", "default_transport", "relayhost-x")), []state{sound, params("relayhost", "", "default_transport", "relayhost-x"),
			all(unmanaged, params("relayhost", "", "default_transport", "error"), master("error unix - - y - - error\n")), all(unmanaged, params("relayhost", "", "default_transport", "gone"))}},
		{"what relayhost wrote is as setup left it", sound, []state{
			func(_ *testing.T, e *Env, _ service) {
				e.Plan = &plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify}}}
			},
			func(_ *testing.T, e *Env, _ service) { e.Plan = nil },
			func(_ *testing.T, e *Env, _ service) { e.Unfinished = "20261122-101500-1" }}},
		{"changed since setup: /etc/postfix/main.cf", func(_ *testing.T, e *Env, _ service) {
			e.Plan = &plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify}}}
		}, []state{sound, upgraded}},
		{"as setup left it, but for Postfix", upgraded, []state{sound, func(t *testing.T, e *Env, s service) {
			upgraded(t, e, s)
			e.Changed["/etc/postfix/main.cf"] = "edited by hand"
		}}},
		{"tables of Berkeley DB: hash:/etc/postfix/sasl_passwd; Postfix 3.11", all(tables(0o600, 0o600), version(3, 11)), []state{tables(0o600, 0o600), version(3, 11)}},
		{"empty", program("postqueue", "true"), []state{queued("deferred", `,"delay_reason":"connection timed out"`), queued("active", ""), program("postqueue", "exit 1")}},
		{"none delayed", queued("active", ""), []state{queued("deferred", `,"delay_reason":"connection timed out"`), program("postqueue", "true")}},
		{"relay.test has 1 IPv4", sound, []state{func(t *testing.T, e *Env, _ service) { e.Resolver = zone(t) }}},
		{"is reachable as well", sound, []state{func(t *testing.T, e *Env, s service) {
			e.First().Relay.Ports = []relays.Port{{Port: s.starttls, TLS: relays.StartTLS}, {Port: closedPort(t), TLS: relays.Implicit}}
		}, func(_ *testing.T, e *Env, _ service) { e.First().Roots = nil }}},
		{"answers: relay.test ESMTP", sound, []state{func(t *testing.T, e *Env, _ service) { e.First().Port = closedPort(t) }}},
		{"the certificate verified for relay.test", sound, []state{func(_ *testing.T, e *Env, _ service) { e.First().Roots = nil },
			func(t *testing.T, e *Env, _ service) {
				e.First().Host, e.Resolver = "alias.test", zone(t, "alias.test. 60 IN A 127.0.0.1")
			},
			func(_ *testing.T, e *Env, s service) {
				s.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true })
			}}},
		{"the certificate matches the pinned fingerprint", func(_ *testing.T, e *Env, s service) { e.First().Pin = s.pin }, []state{sound, func(_ *testing.T, e *Env, _ service) { e.First().Pin = strings.Repeat("ab", 32) }}},
		{"no TLS, as asked for", func(_ *testing.T, e *Env, s service) {
			e.First().TLS, e.First().Username, e.First().Password = relays.NoTLS, "", secret.Value{}
			e.First().Relay.Ports = nil // the one with implicit TLS is silent in the clear
			s.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true })
		}, []state{sound}},
		{"accepts the stored credentials", sound, []state{func(_ *testing.T, e *Env, _ service) { e.First().Password = secret.New("wrong") },
			func(_ *testing.T, e *Env, _ service) { e.First().Username = "" }, func(_ *testing.T, e *Env, _ service) { e.First().Roots = nil }}},
		{"the API takes the stored key", check(true, nil), []state{check(false, nil), check(false, errors.New("no route to host"))}},
		{"answers, the certificate verified", check(true, nil), []state{check(false, nil), check(false, errors.New("no route to host"))}},
		{"accepts mail from a@example.com", fallback(true), []state{fallback(false), sound}},
		{"X accepted 1 message in the last 24 hours; its limit is 100", all(logHas(sent), limited), []state{all(logHas(strings.Replace(sent, "sent (250 ok)", "deferred (421 later)", 1)), limited),
			all(logHas(strings.Replace(sent, "relay=relay.test[", "relay=other.test[", 1)), limited), logHas(sent)}},
		{"no mail in the log of the last day needed it", all(logHas(sent), lacks), []state{all(logHas(utf8), lacks), logHas(sent)}},
		{"(the log has no lines of that day)", all(logHas(), limited), []state{all(logHas(sent), limited)}},
		{"(the log was read from", all(logHas(sent), limited), []state{all(logHas(strings.Replace(sent, "10m", "30h", 1), sent), limited)}},
		{"no smtpd listens on a public address", sound, []state{public, func(_ *testing.T, e *Env, _ service) { e.State.Master = nil }}},
		{"not an open relay: only mynetworks and authenticated users may relay", public, []state{
			all(public, params("smtpd_relay_restrictions", "permit")), all(public, params("mynetworks", "0.0.0.0/0")),
			all(public, params("smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination")),
			all(public, params("smtpd_relay_restrictions", "permit_mynetworks, check_client_access hash:/etc/postfix/friends, permit_sasl_authenticated, reject_unauth_destination"))}},
		{"no restriction lets strangers relay", all(public, params("smtpd_relay_restrictions", "permit_mynetworks, check_client_access hash:/etc/postfix/friends, reject_unauth_destination")),
			[]state{public, all(public, params("smtpd_relay_restrictions", "permit"))}},
		{"of 10 lookups", dnsHas(txt("example.com", "v=spf1 -all")), []state{dnsHas(), dnsHas(txt("example.com", "v=spf1 -all"), txt("example.com", "v=spf1 +all"))}},
		{"is not known here", dnsHas(txt("example.com", "v=spf1 -all")), []state{all(relayDNS(relays.DNS{SPF: "include:relay.test"}), dnsHas(txt("example.com", "v=spf1 include:relay.test -all"), txt("relay.test", "v=spf1 -all")))}},
		{"example.com has no SPF record", all(dkim, dnsHas()), []state{all(dkim, dnsHas(txt("example.com", "v=spf1 -all"))), all(dkim, func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@servfail.test" })}},
		{"the SPF record of example.com does not name", all(dkim, dnsHas(txt("example.com", "v=spf1 mx -all"))), []state{all(dkim, dnsHas(txt("example.com", "v=spf1 include:relay.test -all"), txt("relay.test", "v=spf1 -all")))}},
		{"s1._domainkey.example.com leads to", all(dkim, dnsHas(key...)), []state{all(dkim, dnsHas()), all(dkim, dnsHas(txt("s1._domainkey.example.com", "no key")))}},
		{"not found: s1._domainkey.", all(dkim, dnsHas()), []state{all(dkim, dnsHas(key...)), all(dkim, func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@servfail.test" })}},
		{"not found: MX send.example.com, TXT send.example.com", all(bounces, dnsHas()), []state{dnsHas(), all(bounces, dnsHas(mx, txt("send.example.com", "v=spf1 include:ses.test ~all"), txt("ses.test", "v=spf1 -all"))),
			all(bounces, func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@servfail.test" })}},
		{"not found: MX send.example.com, the default", all(bounces, dnsHas(strings.Replace(mx, "ses", "other", 1), txt("send.example.com", "v=spf1 include:ses.test ~all"), txt("ses.test", "v=spf1 -all"))), []state{all(bounces, dnsHas(mx))}},
		{"has no DMARC policy", dnsHas(), []state{dnsHas(reject), func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@servfail.test" }}},
		{"neither a DKIM record nor an SPF entry", all(dkim, dnsHas(reject)), []state{all(dkim, dnsHas(append(key, reject)...)),
			all(dkim, dnsHas(reject, txt("example.com", "v=spf1 include:relay.test -all"), txt("relay.test", "v=spf1 -all"))),
			all(relayDNS(relays.DNS{SPF: "include:relay.test", DKIM: []relays.Record{{Type: "TXT", Name: "servfail"}}}), dnsHas(reject)), // DNS does not answer
			all(dkim, dnsHas(txt("_dmarc.example.com", "v=DMARC1; p=none")))}},
		{"no DKIM record of X for example.com: receivers", all(keyOnly, dnsHas(reject)), []state{all(keyOnly, dnsHas(append(key, reject)...)), all(dkim, dnsHas(reject)), all(keyOnly, dnsHas(none))}},
		{"no DKIM record of X and no valid SPF record for example.com", all(dkim, dnsHas(reject, two[0], two[1])), []state{all(dkim, dnsHas(reject)),
			all(dkim, dnsHas(reject, txt("example.com", "v=spf1 include:relay.test -all"), txt("relay.test", "v=spf1 -all"))), all(dkim, dnsHas(none, two[0], two[1]))}},
		{"the policy is reject, and DNS shows", all(dkim, below, dnsHas(reject)), []state{all(dkim, below, dnsHas(none)), all(dkim, below, dnsHas(txt("_dmarc.example.com", "v=DMARC1; p=reject; sp=none"))),
			all(dkim, dnsHas(txt("_dmarc.example.com", "v=DMARC1; p=none; sp=reject"))), all(dkim, dnsHas(reject, txt("example.com", "v=spf1 include:relay.test +all"), txt("relay.test", "v=spf1 -all")))}},
		{"the DMARC record at _dmarc.example.com has no valid policy", dnsHas(txt("_dmarc.example.com", "v=DMARC1; p=none (why)")), []state{dnsHas(none), dnsHas(reject), dnsHas(txt("_dmarc.example.com", "v=DMARC1; p=Quarantine")), dnsHas(), func(_ *testing.T, e *Env, _ service) { e.Routes[0].From = "a@servfail.test" }}},
		{"has more than one DMARC record, and receivers use none of them", dnsHas(none, reject), []state{dnsHas(none), dnsHas(), dnsHas(none, txt("_dmarc.example.com", "another text"))}},
		{"mynetworks has 0.0.0.0/0", all(public, params("mynetworks", "0.0.0.0/0")), []state{public, all(public, loopback, params("mynetworks", "0.0.0.0/0")),
			all(public, params("mynetworks", "0.0.0.0/0", "smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination"))}},
		{"smtpd_relay_restrictions = permit allows anybody to relay", all(public, params("smtpd_relay_restrictions", "permit")), []state{public, all(public, loopback, params("smtpd_relay_restrictions", "permit")),
			all(public, params("smtpd_relay_restrictions", "permit", "smtpd_recipient_restrictions", "permit_mynetworks, reject_unauth_destination"))}},
		{"lets every host in the networks of this server relay", all(public, subnet), []state{public, all(public, params("mynetworks_style", "host"), mainCF("mynetworks_style = host\n")),
			all(public, subnet, mainCF("mynetworks_style = subnet\nmynetworks = 127.0.0.0/8\n")), all(public, subnet, loopback),
			all(public, subnet, params("smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination"))}},
		{"the password table may be read by root only", all(tables(0o600, 0o600), program("postmap", "echo 'postmap: fatal: open /etc/postfix/sasl_passwd.db: Permission denied' >&2; exit 1")),
			[]state{tables(0o600, 0o600), all(tables(0o600, 0o600), program("postmap", "echo 'postmap: fatal: open /etc/postfix/sasl_passwd.db: Invalid argument' >&2; exit 1"))}},
		{"the password table could not be read", all(tables(0o600, 0o600), program("postmap", "echo 'postmap: fatal: open /etc/postfix/sasl_passwd.db: Invalid argument' >&2; exit 1")),
			[]state{tables(0o600, 0o600), all(tables(0o600, 0o600), program("postmap", "echo 'postmap: fatal: open /etc/postfix/sasl_passwd.db: Permission denied' >&2; exit 1"))}},
		{"192.0.2.1 is mail.example.com", all(at, dnsHas(append(ptr, "mail.example.com. 60 IN A 192.0.2.1")...)), []state{all(at, dnsHas(append(ptr, "mail.example.com. 60 IN A 192.0.2.99")...)), all(at, dnsHas()), dnsHas(ptr...)}},
	}
}

// Everything that verify claims about the server is claimed where it holds, and in no
// state in which it is false.
func TestClaims(t *testing.T) {
	t.Parallel()
	for _, c := range claims() {
		claimtest.Check(t, c.text, func(t *testing.T, change state) string {
			s := relay(t)
			env := s.env(t)
			change(t, &env, s)
			var b strings.Builder
			for _, f := range Run(t.Context(), env, Options{NoSend: true}).Findings {
				fmt.Fprintf(&b, "%s %s: %s\n", f.Result, f.Check, f.Detail)
			}
			return b.String()
		}, c.holds, c.fails)
	}
}

// What a proof of delivery says of the message is said of one that the relay accepted.
func TestClaimsOfDelivery(t *testing.T) {
	d := Delivery{Relay: "relay.test[192.0.2.9]:587", QueueID: "4AB", Status: "sent"}
	if f := Delivered(d, nil, false, nil); f.Result != Pass || !strings.Contains(f.Detail, "accepted the message 4AB") {
		t.Errorf("sent: got %+v, want result %q and %q in its detail", f, Pass, "accepted the message 4AB")
	}
	for _, err := range []error{ErrRefused, ErrElsewhere, ErrThrottled, ErrNoTrace, ErrUnproven, errors.New("sendmail: fatal")} {
		t.Run(err.Error(), func(t *testing.T) {
			if f := Delivered(d, err, false, nil); f.Result == Pass || strings.Contains(f.Detail, "accepted the message") {
				t.Errorf("%v: got %+v, want nothing accepted", err, f)
			}
		})
	}
}

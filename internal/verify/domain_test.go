package verify

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"relayhost/internal/resolve"
	"relayhost/relays"
)

// zone serves records, in the form of a zone file, on a loopback port.
func zone(t *testing.T, records ...string) *resolve.Resolver {
	t.Helper()
	byName := map[string][]dns.RR{}
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		byName[rr.Header().Name] = append(byName[rr.Header().Name], rr)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		name := q.Question[0].Name
		if strings.Contains(name, "servfail") {
			m.Rcode = dns.RcodeServerFailure
		} else if len(byName[name]) == 0 {
			m.Rcode = dns.RcodeNameError
		}
		for _, rr := range byName[name] {
			if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); pc.Close() })
	return &resolve.Resolver{Servers: []netip.AddrPort{netip.MustParseAddrPort(pc.LocalAddr().String())}, Timeout: 2 * time.Second}
}

func txt(name, text string) string { return fmt.Sprintf("%s. 60 IN TXT %q", name, text) }

func TestSPF(t *testing.T) {
	var nested []string
	for i := range 9 {
		nested = append(nested, txt(fmt.Sprintf("n%d.test", i), fmt.Sprintf("v=spf1 include:n%d.test -all", i+1)))
	}
	nested = append(nested, txt("n9.test", "v=spf1 a mx exists:%{i}.x.test -all"))
	r := zone(t, append(nested,
		txt("good.test", "v=spf1 ip4:192.0.2.1 include:relay.test -all"),
		txt("good.test", "some other text"),
		txt("relay.test", "v=spf1 ip4:198.51.100.0/24 a:out.relay.test -all"),
		txt("nested.test", "v=spf1 include:good.test ?all"),
		txt("missing.test", "v=spf1 mx -all"),
		txt("none.test", "nothing of the kind"),
		txt("two.test", "v=spf1 -all"), txt("two.test", "v=spf1 +all"),
		txt("deep.test", "v=spf1 include:n0.test -all"),
		txt("circle.test", "v=spf1 include:circle2.test -all"), txt("circle2.test", "v=spf1 include:circle.test -all"),
		txt("void.test", "v=spf1 include:gone.test -all"),
		txt("typo.test", "v=spf1 ipv4:192.0.2.1 include:relay.test -all"),
		txt("open.test", "v=spf1 include:relay.test +all"),
		txt("redirect.test", "v=spf1 redirect=good.test"),
		txt("modifier.test", "v=spf1 include:relay.test exp=why.test x-y=z ~all"),
	)...)
	tests := []struct {
		domain, want string // "result cause"
		lookups      int
		detail       string
	}{
		{"good.test", "pass ", 2, "2 of 10 lookups: v=spf1 ip4"},
		{"nested.test", "pass ", 3, ""},
		{"redirect.test", "pass ", 3, ""},
		{"modifier.test", "pass ", 2, ""},
		{"missing.test", "warn spf_include_missing", 1, "does not name the service"},
		{"none.test", "warn spf_missing", 0, "no SPF record"},
		{"nowhere.test", "warn spf_missing", 0, ""},
		{"two.test", "warn spf_two_records", 0, "2 SPF records"},
		{"deep.test", "warn spf_too_many_lookups", 13, "13 lookups"},
		{"circle.test", "warn spf_invalid", 2, "circle"},
		{"void.test", "warn spf_invalid", 1, "gone.test, which has no SPF record"},
		{"typo.test", "warn spf_invalid", 2, `"ipv4:192.0.2.1" does not exist`},
		{"open.test", "warn spf_allows_all", 2, ""},
		{"servfail.test", "warn dns_failed", 0, "SERVFAIL"},
	}
	for _, tt := range tests {
		t.Run(tt.domain, func(t *testing.T) {
			d := Domain{Resolver: r, Name: tt.domain, Relay: relays.Relay{ID: "x", DNS: relays.DNS{SPF: "include:relay.test"}}}
			f := d.SPF(t.Context())
			record, _ := ReadSPF(t.Context(), r, tt.domain)
			if got := string(f.Result) + " " + f.Cause; got != tt.want || record.Lookups != tt.lookups || !strings.Contains(f.Detail, tt.detail) {
				t.Errorf("got %s, %d look-ups: %s, want %s and %d and %v in it", got, record.Lookups, f.Detail, tt.want, tt.lookups, tt.detail)
			}
			if f.Result == Warn && f.Remedy == "" {
				t.Errorf("got %+v, want a remedy in a warning", f)
			}
		})
	}
	if got := withTerm("v=spf1 mx -all", "include:relay.test"); got != "v=spf1 mx include:relay.test -all" {
		t.Errorf("got %q, want %q", got, "v=spf1 mx include:relay.test -all")
	}
	if f := (Domain{Resolver: r, Name: "none.test", Relay: relays.Relay{ID: "x"}}).SPF(t.Context()); f.Result != Skip {
		t.Errorf("a relay without an SPF include: got %+v, want result %q", f, Skip)
	}
	if f := (Domain{Resolver: r, Name: "none.test"}).SPF(t.Context()); f.Result != Warn || !strings.Contains(f.Remedy, "v=spf1 mx") {
		t.Errorf("no relay: got %+v, want result %q and %q in the remedy", f, Warn, "v=spf1 mx")
	}
}

func TestDomain(t *testing.T) {
	r := zone(t,
		txt("example.com", "v=spf1 include:relay.test -all"), txt("relay.test", "v=spf1 -all"),
		"s1._domainkey.example.com. 60 IN CNAME s1.relay.test.", txt("s1.relay.test", "k=rsa; p=MIGf"),
		txt("_dmarc.example.com", "v=DMARC1; p=reject"),
		"1.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com.", "mail.example.com. 60 IN A 192.0.2.1",
		"2.2.0.192.in-addr.arpa. 60 IN PTR other.example.com.", "other.example.com. 60 IN A 192.0.2.99",
		"2.2.0.192.zen.spamhaus.org. 60 IN A 127.0.0.4",
		"3.2.0.192.zen.spamhaus.org. 60 IN A 127.255.255.254",
		"4.2.0.192.zen.spamhaus.org. 60 IN A 198.51.100.1", // a resolver that answers everything
		txt("_dmarc.bare.test", "v=DMARC1; p=reject"),
		txt("_dmarc.odd.test", "v=DMARC1"),
	)
	relay := relays.Relay{ID: "x", Name: "X", DNS: relays.DNS{SPF: "include:relay.test", DKIM: []relays.Record{{Type: "CNAME", Name: "s1._domainkey"}}}}
	tests := []struct {
		name   string
		domain Domain
		want   string // of spf dkim dmarc ptr blocklist
	}{
		{"all well", Domain{Name: "example.com", Relay: relay, Public: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Blocklists: true}, "pass pass pass pass pass"},
		{"policy of the organization", Domain{Name: "news.example.com", Relay: relay}, "warn:spf_missing warn:dkim_missing warn:auth_alignment skip"},
		{"strict policy, nothing aligned", Domain{Name: "bare.test", Relay: relay}, "warn:spf_missing warn:dkim_missing warn:auth_alignment skip"},
		{"nothing at all", Domain{Name: "nothing.test", Relay: relay}, "warn:spf_missing warn:dkim_missing warn:dmarc_missing skip"},
		{"nothing at all, by a smarthost", Domain{Name: "nothing.test", Relay: *relays.Smarthost("mail.test", 587, relays.StartTLS, true)}, "skip skip skip skip"},
		{"no policy in the policy", Domain{Name: "odd.test", Relay: relay}, "warn:spf_missing warn:dkim_missing warn:dmarc_invalid skip"},
		{"selector differs by customer", Domain{Name: "example.com", Relay: relays.Relay{DNS: relays.DNS{DKIM: []relays.Record{{Name: "<selector>._domainkey"}}}}}, "pass skip pass skip"},
		{"listed, name does not lead back", Domain{Name: "example.com", Relay: relay, Public: []netip.Addr{netip.MustParseAddr("192.0.2.2")}, Blocklists: true}, "pass pass pass warn:ptr_not_confirmed warn:blocklisted"},
		{"list refuses, no name", Domain{Name: "example.com", Relay: relay, Public: []netip.Addr{netip.MustParseAddr("192.0.2.3")}, Blocklists: true}, "pass pass pass warn:ptr_missing pass"},
		{"resolver lies", Domain{Name: "example.com", Relay: relay, Public: []netip.Addr{netip.MustParseAddr("192.0.2.4")}, Blocklists: true}, "pass pass pass warn:ptr_missing pass"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.domain.Resolver = r
			var got []string
			for _, f := range tt.domain.Check(t.Context()) {
				s := string(f.Result)
				if f.Cause != "" {
					s += ":" + f.Cause
				}
				got = append(got, s)
				if f.Result == Warn && (f.Remedy == "" || f.Detail == "") {
					t.Errorf("got %+v, want a detail and a remedy in a warning", f)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
	f := Domain{Resolver: r, Public: []netip.Addr{netip.MustParseAddr("192.0.2.3")}}.Blocklist(t.Context())
	if !strings.Contains(f.Detail, "no answer that counts from zen.spamhaus.org") {
		t.Errorf("a blocklist that refuses the query: got %+v, want %q in the detail", f, "no answer that counts from zen.spamhaus.org")
	}
}

// TestBlocklistClaims: an address is called listed, not listed or not asked about where
// that is so, and nowhere else.
func TestBlocklistClaims(t *testing.T) {
	r := zone(t,
		"2.2.0.192.zen.spamhaus.org. 60 IN A 127.0.0.4", "2.2.0.192.psbl.surriel.com. 60 IN A 127.0.0.2",
		"3.2.0.192.zen.spamhaus.org. 60 IN A 127.255.255.254", "3.2.0.192.bl.spamcop.net. 60 IN A 127.255.255.252", "3.2.0.192.psbl.surriel.com. 60 IN A 198.51.100.1")
	const spamhaus, psbl = "https://check.spamhaus.org/", "https://psbl.org/"
	for _, test := range []struct {
		name, addresses string
		result          Result
		says, remedy    []string
		not             []string // in text and remedy
	}{
		{"on no list", "192.0.2.1", Pass, []string{"not listed at zen.spamhaus.org, bl.spamcop.net, psbl.surriel.com"}, nil, []string{"; no answer", spamhaus}},
		{"two on no list", "192.0.2.1 192.0.2.9", Pass, []string{"not listed at zen.spamhaus.org, bl.spamcop.net, psbl.surriel.com"}, nil, []string{"psbl.surriel.com, zen"}},
		{"on two lists", "192.0.2.2", Warn, []string{"listed: 192.0.2.2 at zen.spamhaus.org, 192.0.2.2 at psbl.surriel.com"}, []string{spamhaus, psbl}, []string{"not listed", "no answer", "spamcop"}},
		{"one of two on lists", "192.0.2.1 192.0.2.2", Warn, []string{"listed: 192.0.2.2 at zen.spamhaus.org"}, []string{spamhaus}, []string{"192.0.2.1", "not listed"}},
		{"no list answers", "192.0.2.3", Skip, []string{"no answer that counts from zen.spamhaus.org, bl.spamcop.net, psbl.surriel.com"}, nil, []string{"listed", spamhaus}},
		{"IPv6 alone", "2001:db8::1", Skip, []string{"no public IPv4 address is known"}, nil, []string{"listed", "no answer"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Domain{Resolver: r}
			for _, a := range strings.Fields(test.addresses) {
				d.Public = append(d.Public, netip.MustParseAddr(a))
			}
			f := d.Blocklist(t.Context())
			if f.Result != test.result {
				t.Errorf("got %+v, want %s", f, test.result)
			}
			for _, want := range test.says {
				if !strings.Contains(f.Detail, want) {
					t.Errorf("got %q, want %q in it", f.Detail, want)
				}
			}
			for _, want := range test.remedy {
				if !strings.Contains(f.Remedy, want) {
					t.Errorf("got the remedy %q, want %q in it", f.Remedy, want)
				}
			}
			for _, other := range test.not {
				if strings.Contains(f.Detail+f.Remedy, other) {
					t.Errorf("got %+v, want no %q, which is false", f, other)
				}
			}
		})
	}
}

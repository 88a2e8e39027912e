package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// ask asks the world's DNS over UDP or TCP.
func ask(t *testing.T, n *loopback, transport, name string, typ uint16, udpSize uint16) (*dns.Msg, error) {
	t.Helper()
	c := &dns.Client{Net: transport, Timeout: 300 * time.Millisecond, UDPSize: udpSize}
	m := new(dns.Msg).SetQuestion(name, typ)
	if udpSize > 0 {
		m.SetEdns0(udpSize, false)
	}
	r, _, err := c.Exchange(m, n.at(transport, "192.0.2.53:53"))
	return r, err
}

// shown is an answer in one line: code, TC bit and records.
func shown(r *dns.Msg, err error) string {
	if err != nil {
		return "error"
	}
	s := dns.RcodeToString[r.Rcode]
	if r.Truncated {
		s += " TC"
	}
	for _, rr := range r.Answer {
		s += " " + strings.Join(strings.Fields(strings.ReplaceAll(rr.String(), "\tIN", "")), " ")
	}
	return s
}

func TestDNSAnswers(t *testing.T) {
	w, n := testWorld(t)
	d := w.DNS
	d.Host("Mail.example.com", netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7"))
	d.Set("example.com", "MX", "10 mail.example.com.", "20 mail2.example.com.")
	d.Set("example.com", "TXT", `v=spf1 include:"x\y -all`, strings.Repeat("k", 300))
	d.Set("www.example.com", "CNAME", "mail.example.com.")
	d.Set("loop1.example.com", "CNAME", "loop2.example.com.")
	d.Set("loop2.example.com", "CNAME", "loop1.example.com.")
	tests := []struct {
		name string
		typ  uint16
		want string
	}{
		{"mail.example.com.", dns.TypeA, "NOERROR mail.example.com. 60 A 198.51.100.7"},
		{"MAIL.example.com.", dns.TypeAAAA, "NOERROR MAIL.example.com. 60 AAAA 2001:db8::7"},
		{"7.100.51.198.in-addr.arpa.", dns.TypePTR, "NOERROR 7.100.51.198.in-addr.arpa. 60 PTR Mail.example.com."},
		{"example.com.", dns.TypeMX, "NOERROR example.com. 60 MX 10 mail.example.com. example.com. 60 MX 20 mail2.example.com."},
		{"www.example.com.", dns.TypeA, "NOERROR www.example.com. 60 CNAME mail.example.com. Mail.example.com. 60 A 198.51.100.7"},
		{"www.example.com.", dns.TypeCNAME, "NOERROR www.example.com. 60 CNAME mail.example.com."},
		{"example.com.", dns.TypeA, "NOERROR"},
		{"none.example.com.", dns.TypeA, "NXDOMAIN"},
		{"com.", dns.TypeA, "NOERROR"}, // something is below it
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+dns.TypeToString[tt.typ], func(t *testing.T) {
			for _, transport := range []string{"udp", "tcp"} {
				t.Run(transport, func(t *testing.T) {
					if got := shown(ask(t, n, transport, tt.name, tt.typ, 0)); got != tt.want {
						t.Errorf("over %s: got %s, want %s", transport, got, tt.want)
					}
				})
			}
		})
	}
	r, err := ask(t, n, "udp", "example.com.", dns.TypeTXT, 1232)
	if err != nil || len(r.Answer) != 2 {
		t.Fatalf("TXT: got %v and the error %v, want 2 records and no error", r, err)
	}
	if got := r.Answer[0].(*dns.TXT).Txt; len(got) != 1 || got[0] != `v=spf1 include:\"x\\y -all` {
		t.Errorf("TXT in presentation form: got %q, want one string, %q", got, `v=spf1 include:\"x\\y -all`)
	}
	if got := r.Answer[1].(*dns.TXT).Txt; len(got) != 2 || len(got[0]) != 255 {
		t.Errorf("long TXT: got %q, want 2 strings, the first of 255 bytes", got)
	}
	if r, err := ask(t, n, "udp", "loop1.example.com.", dns.TypeA, 0); err != nil || len(r.Answer) != maxCNAMEs {
		t.Errorf("alias loop: got %v and the error %v, want %d records and no error", r, err, maxCNAMEs)
	}
	if c := d.Count("Mail.Example.com", "A"); c != 2 {
		t.Errorf("got %d queries counted, want 2", c)
	}
	d.Delete("mail.example.com")
	if got := shown(ask(t, n, "udp", "mail.example.com.", dns.TypeA, 0)); got != "NXDOMAIN" {
		t.Errorf("after Delete: got %s, want %q", got, "NXDOMAIN")
	}
}

func TestDNSSizes(t *testing.T) {
	w, n := testWorld(t)
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprintf("10.0.0.%d", i+1))
	}
	w.DNS.Set("many.test", "A", all...)
	for _, tt := range []struct {
		transport string
		size      uint16
		tc        bool
	}{{"udp", 0, true}, {"udp", 1232, false}, {"udp", 4096, false}, {"tcp", 0, false}} {
		t.Run(fmt.Sprintf("%s with EDNS size %d", tt.transport, tt.size), func(t *testing.T) {
			r, err := ask(t, n, tt.transport, "many.test.", dns.TypeA, tt.size)
			if err != nil || r.Truncated != tt.tc || !tt.tc && len(r.Answer) != 60 {
				t.Errorf("got the error %v and\n%v\nwant no error, truncated: %v, 60 addresses if not", err, r, tt.tc)
				return
			}
			if opt := r.IsEdns0(); (opt != nil) != (tt.size > 0) {
				t.Errorf("got OPT %v, want one: %v", opt, tt.size > 0)
			}
		})
	}
	if q := w.DNS.Queries(); len(q) != 4 || !q[1].EDNS || q[0].EDNS || q[3].Transport != "tcp" {
		t.Errorf("queries: got %+v, want 4: the first without EDNS, the second with it, the fourth over TCP", q)
	}
}

func TestDNSFaults(t *testing.T) {
	w, n := testWorld(t)
	w.DNS.Set("x.test", "A", "192.0.2.1")
	good := "NOERROR x.test. 60 A 192.0.2.1"
	tests := []struct {
		name     string
		fault    DNSFault
		udp, tcp string
	}{
		{"servfail", DNSFault{Rcode: dns.RcodeServerFailure}, "SERVFAIL", "SERVFAIL"},
		{"drop", DNSFault{Drop: true}, "error", "error"},
		{"truncate", DNSFault{Truncate: true}, "NOERROR TC", good},
		{"forged id", DNSFault{ForgeID: true}, "error", "error"},
		{"forged name", DNSFault{ForgeName: true}, good, good},
		{"garbage", DNSFault{Garbage: true}, "error", "error"},
		{"late", DNSFault{Delay: 400 * time.Millisecond}, "error", "error"},
		{"other type", DNSFault{Drop: true, OnlyForType: "AAAA"}, good, good},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.DNS.Fail("X.test", tt.fault)
			for transport, want := range map[string]string{"udp": tt.udp, "tcp": tt.tcp} {
				t.Run(transport, func(t *testing.T) {
					r, err := ask(t, n, transport, "x.test.", dns.TypeA, 0)
					if tt.fault.ForgeName && err == nil && r.Question[0].Name != "forged.example." {
						t.Errorf("the question is %s, want %q", r.Question[0].Name, "forged.example.")
					}
					if got := shown(r, err); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				})
			}
			w.DNS.Fail("x.test", DNSFault{})
			if got := shown(ask(t, n, "udp", "x.test.", dns.TypeA, 0)); got != good {
				t.Errorf("healed: got %s, want %s", got, good)
			}
		})
	}
	w.DNS.Fail("", DNSFault{Rcode: dns.RcodeRefused, Times: 1})
	for _, want := range []string{"REFUSED", good} {
		if got := shown(ask(t, n, "udp", "x.test.", dns.TypeA, 0)); got != want {
			t.Errorf("once: %s, want %s", got, want)
		}
	}
}

func TestDNSWildcard(t *testing.T) {
	w, n := testWorld(t)
	w.DNS.Set("x.test", "A", "192.0.2.1")
	w.DNS.Wildcard(netip.MustParseAddr("192.0.2.80"))
	for name, want := range map[string]string{
		"x.test.":                   "NOERROR x.test. 60 A 192.0.2.1",
		"metadata.google.internal.": "NOERROR metadata.google.internal. 1 A 192.0.2.80",
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(ask(t, n, "udp", name, dns.TypeA, 0)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	w.DNS.Wildcard()
	if got := shown(ask(t, n, "udp", "y.test.", dns.TypeA, 0)); got != "NXDOMAIN" {
		t.Errorf("without wildcard: got %s, want %q", got, "NXDOMAIN")
	}
}

package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"relayhost/internal/host"
)

// serve runs a DNS server on UDP and TCP of one loopback port.
func serve(t *testing.T, handler dns.HandlerFunc) netip.AddrPort {
	t.Helper()
	var pc net.PacketConn
	var l net.Listener
	for range 20 { // the TCP port of a free UDP port may be taken
		var err error
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		pc.Close()
	}
	udp := &dns.Server{PacketConn: pc, Handler: handler}
	tcp := &dns.Server{Listener: l, Handler: handler}
	go func() { _ = udp.ActivateAndServe() }()
	go func() { _ = tcp.ActivateAndServe() }()
	t.Cleanup(func() { _ = udp.Shutdown(); _ = tcp.Shutdown(); pc.Close(); l.Close() })
	return netip.MustParseAddrPort(pc.LocalAddr().String())
}

func resolver(servers ...netip.AddrPort) *Resolver {
	return &Resolver{Servers: servers, Timeout: 600 * time.Millisecond}
}

// zone answers from records in zone-file form; unknown names are NXDOMAIN,
// unknown types empty answers. It follows no alias.
func zone(records ...string) dns.HandlerFunc {
	var rrs []dns.RR
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			panic(err)
		}
		rrs = append(rrs, rr)
	}
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Rcode = dns.RcodeNameError
		for _, rr := range rrs {
			if !strings.EqualFold(rr.Header().Name, q.Question[0].Name) {
				continue
			}
			m.Rcode = dns.RcodeSuccess
			if t := rr.Header().Rrtype; t == q.Question[0].Qtype || t == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		send(w, m)
	}
}

func send(w dns.ResponseWriter, m *dns.Msg) {
	if w.RemoteAddr().Network() == "udp" {
		m.Truncate(512)
	}
	_ = w.WriteMsg(m)
}

func TestRecords(t *testing.T) {
	long := strings.Repeat("k", 255)
	r := resolver(serve(t, zone(
		"smtp.example.com. 60 IN A 192.0.2.1",
		"smtp.example.com. 60 IN A 192.0.2.1",
		"smtp.example.com. 60 IN AAAA 2001:db8::1",
		"alias.example.com. 60 IN CNAME smtp.example.com.",
		"example.com. 60 IN MX 20 b.example.com.",
		"example.com. 60 IN MX 10 a.example.com.",
		`example.com. 60 IN TXT "v=spf1 " "-all"`,
		`odd.example.com. 60 IN TXT "a\"b\\c\027d"`,
		"null.example.com. 60 IN MX 0 .",
		fmt.Sprintf(`dkim.example.com. 60 IN TXT "%s" "%s" "%s" "%s"`, long, long, long, long),
		"5.2.0.192.in-addr.arpa. 60 IN CNAME 5.0/25.2.0.192.in-addr.arpa.",
		"5.0/25.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com.",
	)))
	ctx := t.Context()
	v4, v6, err := r.Addrs(ctx, "alias.example.com")
	check(t, err, fmt.Sprint(v4, v6), "[192.0.2.1] [2001:db8::1]")
	mx, err := r.MX(ctx, "example.com")
	check(t, err, mx, []MX{{"a.example.com", 10}, {"b.example.com", 20}})
	mx, err = r.MX(ctx, "null.example.com")
	check(t, err, mx, []MX{{"", 0}})
	txt, err := r.TXT(ctx, "example.com")
	check(t, err, txt, []string{"v=spf1 -all"})
	txt, err = r.TXT(ctx, "odd.example.com")
	check(t, err, txt, []string{"a\"b\\c\x1bd"})
	txt, err = r.TXT(ctx, "dkim.example.com") // by TCP: it does not fit into a datagram
	check(t, err, txt, []string{strings.Repeat("k", 1020)})
	cname, err := r.CNAME(ctx, "alias.example.com")
	check(t, err, cname, "smtp.example.com")
	ptr, err := r.PTR(ctx, netip.MustParseAddr("192.0.2.5"))
	check(t, err, ptr, []string{"mail.example.com"})

	for _, name := range []string{"none.example.com", "example.com", "", ".", "a..b", "a b", "a\x1b.b", strings.Repeat("a", 64) + ".com"} {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			if _, _, err := r.Addrs(ctx, name); !errors.Is(err, ErrNotFound) {
				t.Errorf("Addrs(%q) = %v, want ErrNotFound", name, err)
			}
		})
	}
	if _, err := r.CNAME(ctx, "smtp.example.com"); !errors.Is(err, ErrNotFound) {
		t.Errorf("CNAME of a name without one = %v, want %v", err, ErrNotFound)
	}
}

// TestAsPostfix: where a host is looked up, by the value of smtp_host_lookup.
func TestAsPostfix(t *testing.T) {
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name == "broken.test." {
			send(w, new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
			return
		}
		zone("both.test. 60 IN A 192.0.2.1", "dns.test. 60 IN A 192.0.2.2")(w, q)
	})
	r := resolver(server)
	r.hosts = map[string][]netip.Addr{"both.test": {netip.MustParseAddr("10.0.0.1")}, "hosts.test": {netip.MustParseAddr("10.0.0.2")}, "broken.test": {netip.MustParseAddr("10.0.0.3")}}
	const only = `look up A of "hosts.test": does not exist: it is in /etc/hosts only, and Postfix asks DNS (smtp_host_lookup = dns)`
	for _, tt := range []struct {
		lookup string
		want   [5]string // of both, dns, hosts, broken, none
	}{
		{"native", [5]string{"10.0.0.1", "192.0.2.2", "10.0.0.2", "10.0.0.3", "does not exist"}},
		{"dns", [5]string{"192.0.2.1", "192.0.2.2", only, "SERVFAIL", "does not exist"}},
		{"", [5]string{"192.0.2.1", "192.0.2.2", only, "SERVFAIL", "does not exist"}}, // the default
		{"dns, native", [5]string{"192.0.2.1", "192.0.2.2", "10.0.0.2", "SERVFAIL", "does not exist"}},
		{"native dns", [5]string{"192.0.2.1", "192.0.2.2", "10.0.0.2", "SERVFAIL", "does not exist"}},
	} {
		t.Run(tt.lookup, func(t *testing.T) {
			for i, name := range []string{"both.test", "dns.test", "hosts.test", "broken.test", "none.test"} {
				v4, _, err := r.AsPostfix(tt.lookup).Addrs(t.Context(), name)
				got := fmt.Sprint(err)
				if err == nil {
					got = v4[0].String()
				}
				if !strings.Contains(got, tt.want[i]) || errors.Is(err, ErrHostsOnly) != (tt.want[i] == only) {
					t.Errorf("%s: got %s, want %s", name, got, tt.want[i])
				}
			}
		})
	}
}

func check(t *testing.T, err error, got, want any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("got %v, want %v (-want +got):\n%s", got, want, d)
	}
}

func TestHostileAnswers(t *testing.T) {
	tests := []struct {
		name    string
		handler dns.HandlerFunc
		want    error // nil: 192.0.2.1 is found
	}{
		{"forged id, then the answer", func(w dns.ResponseWriter, q *dns.Msg) {
			forged := address(q, "203.0.113.66")
			forged.Id ^= 0x5555
			send(w, forged)
			send(w, address(q, "192.0.2.1"))
		}, nil},
		{"answer to another question, then the answer", func(w dns.ResponseWriter, q *dns.Msg) {
			forged := address(q, "203.0.113.66")
			forged.Question[0].Name = "other.example.com."
			send(w, forged)
			send(w, address(q, "192.0.2.1"))
		}, nil},
		{"garbage, then the answer", func(w dns.ResponseWriter, q *dns.Msg) {
			_, _ = w.Write([]byte("\xff\x00garbage that is no DNS message at all"))
			send(w, address(q, "192.0.2.1"))
		}, nil},
		{"only forged ids", func(w dns.ResponseWriter, q *dns.Msg) {
			for range 200 {
				forged := address(q, "203.0.113.66")
				forged.Id ^= 0x5555
				send(w, forged)
			}
		}, ErrTemporary},
		{"a record that was not asked for", func(w dns.ResponseWriter, q *dns.Msg) {
			m := address(q, "203.0.113.66")
			m.Answer[0].Header().Name = "other.example.com."
			send(w, m)
		}, ErrNotFound},
		{"truncated for ever", func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			_ = w.WriteMsg(m)
		}, ErrTemporary},
		{"cut in the middle of a record", func(w dns.ResponseWriter, q *dns.Msg) {
			m := address(q, "192.0.2.1")
			if w.RemoteAddr().Network() == "udp" {
				m.Truncated = true
				packed, _ := m.Pack()
				_, _ = w.Write(packed[:len(packed)-3])
				return
			}
			_ = w.WriteMsg(m)
		}, nil},
		{"knows no EDNS", func(w dns.ResponseWriter, q *dns.Msg) {
			if q.IsEdns0() != nil {
				send(w, new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
				return
			}
			send(w, address(q, "192.0.2.1"))
		}, nil},
		{"SERVFAIL", func(w dns.ResponseWriter, q *dns.Msg) {
			send(w, new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
		}, ErrTemporary},
		{"REFUSED", func(w dns.ResponseWriter, q *dns.Msg) {
			send(w, new(dns.Msg).SetRcode(q, dns.RcodeRefused))
		}, ErrTemporary},
		{"silence", func(dns.ResponseWriter, *dns.Msg) {}, ErrTimeout},
		{"CNAME to itself", func(w dns.ResponseWriter, q *dns.Msg) {
			send(w, alias(q, q.Question[0].Name, q.Question[0].Name))
		}, ErrTemporary},
		{"CNAME in a circle", func(w dns.ResponseWriter, q *dns.Msg) {
			send(w, alias(q, "a.example.com.", "b.example.com.", "a.example.com."))
		}, ErrTemporary},
		{"CNAME chain without end", func(w dns.ResponseWriter, q *dns.Msg) {
			send(w, alias(q, q.Question[0].Name, "x"+q.Question[0].Name))
		}, ErrTemporary},
		{"alias of nothing", func(w dns.ResponseWriter, q *dns.Msg) {
			m := alias(q, q.Question[0].Name, "gone.example.com.")
			m.Rcode = dns.RcodeNameError
			send(w, m)
		}, ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := resolver(serve(t, tt.handler))
			start := time.Now()
			v4, _, err := r.Addrs(t.Context(), "a.example.com")
			if took := time.Since(start); took > 2*r.Timeout {
				t.Errorf("time: got %v, want at most %v", took, 2*r.Timeout)
			}
			if !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if got := fmt.Sprint(v4); tt.want == nil && got != "[192.0.2.1]" {
				t.Errorf("addresses %s, want %q", got, "[192.0.2.1]")
			}
			if err != nil && !strings.Contains(err.Error(), `"a.example.com"`) {
				t.Errorf("error: got %q, want %q in it", err, `"a.example.com"`)
			}
		})
	}
}

func address(q *dns.Msg, ip string) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	if q.Question[0].Qtype == dns.TypeA {
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(ip)}}
	}
	// The zone has an answer for both families, so that the tests' errors are
	// those of the server and not of a missing record.
	if q.Question[0].Qtype == dns.TypeAAAA && ip != "192.0.2.1" {
		m.Answer = []dns.RR{&dns.AAAA{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET}, AAAA: net.ParseIP("2001:db8::66")}}
	}
	return m
}

// alias chains the names by CNAME records.
func alias(q *dns.Msg, names ...string) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	for i := range len(names) - 1 {
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: names[i], Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: names[i+1]})
	}
	return m
}

func TestManyAddressesAreBounded(t *testing.T) {
	var records []string
	for i := range 500 {
		records = append(records, fmt.Sprintf("many.example.com. 60 IN A 10.0.%d.%d", i/250, i%250))
	}
	r := resolver(serve(t, zone(records...)))
	v4, _, err := r.Addrs(t.Context(), "many.example.com")
	if err != nil || len(v4) != maxRecords {
		t.Errorf("%d addresses, %v; want %d", len(v4), err, maxRecords)
	}
}

func TestFourAliasesAreFollowed(t *testing.T) {
	r := resolver(serve(t, zone("a.test. 1 IN CNAME b.test.", "b.test. 1 IN CNAME c.test.", "c.test. 1 IN CNAME d.test.",
		"d.test. 1 IN CNAME e.test.", "e.test. 1 IN A 192.0.2.9")))
	v4, _, err := r.Addrs(t.Context(), "a.test")
	check(t, err, fmt.Sprint(v4), "[192.0.2.9]")
}

func TestNextServer(t *testing.T) {
	good := zone("smtp.example.com. 60 IN A 192.0.2.1")
	var lost atomic.Int32
	tests := []struct {
		name  string
		first dns.HandlerFunc
	}{
		{"first is silent", func(dns.ResponseWriter, *dns.Msg) {}},
		{"first fails", func(w dns.ResponseWriter, q *dns.Msg) { send(w, new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := resolver(serve(t, tt.first), serve(t, good))
			v4, _, err := r.Addrs(t.Context(), "smtp.example.com")
			check(t, err, fmt.Sprint(v4), "[192.0.2.1]")
		})
	}
	t.Run("nobody listens at the first", func(t *testing.T) {
		r := resolver(netip.MustParseAddrPort("127.0.0.1:1"), serve(t, good))
		v4, _, err := r.Addrs(t.Context(), "smtp.example.com")
		check(t, err, fmt.Sprint(v4), "[192.0.2.1]")
	})
	t.Run("first datagram is lost", func(t *testing.T) {
		r := resolver(serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			if lost.Add(1) > 2 { // one of each family
				good(w, q)
			}
		}))
		v4, _, err := r.Addrs(t.Context(), "smtp.example.com")
		check(t, err, fmt.Sprint(v4), "[192.0.2.1]")
	})
	t.Run("does not exist is an answer", func(t *testing.T) {
		var asked atomic.Int32
		r := resolver(serve(t, zone()), serve(t, func(dns.ResponseWriter, *dns.Msg) { asked.Add(1) }))
		if _, err := r.TXT(t.Context(), "none.example.com"); !errors.Is(err, ErrNotFound) || asked.Load() != 0 {
			t.Errorf("got %v after %d questions to the second server, want %v after none", err, asked.Load(), ErrNotFound)
		}
	})
}

func TestCancel(t *testing.T) {
	r := &Resolver{Servers: []netip.AddrPort{serve(t, func(dns.ResponseWriter, *dns.Msg) {})}, Timeout: time.Minute}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, _, err := r.Addrs(ctx, "smtp.example.com")
	if !errors.Is(err, ErrTimeout) || time.Since(start) > time.Second {
		t.Errorf("got %v after %v, want %v within a second", err, time.Since(start), ErrTimeout)
	}
}

func TestSystem(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := System(&host.Reader{Root: root})
	check(t, err, fmt.Sprint(r.Servers), "[127.0.0.1:53]")

	write("resolv.conf", "# comment\nsearch example.com\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver bad\nnameserver 2001:db8::53\nnameserver 192.0.2.54\noptions ndots:5\n")
	write("hosts", "127.0.0.1 localhost\n::1 localhost\n192.0.2.7 Relay.Example.com relay # lab\nnonsense\n")
	r, err = System(&host.Reader{Root: root})
	check(t, err, fmt.Sprint(r.Servers), "[192.0.2.53:53 [fe80::1%eth0]:53 [2001:db8::53]:53]")
	v4, v6, err := r.Addrs(t.Context(), "LOCALHOST.")
	check(t, err, fmt.Sprint(v4, v6), "[127.0.0.1] [::1]")
	v4, _, err = r.Addrs(t.Context(), "relay.example.com")
	check(t, err, fmt.Sprint(v4), "[192.0.2.7]")
	v4, v6, err = r.Addrs(t.Context(), "::ffff:192.0.2.8")
	check(t, err, fmt.Sprint(v4, v6), "[192.0.2.8] []")
}

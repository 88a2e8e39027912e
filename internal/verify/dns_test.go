package verify

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"relayhost/internal/resolve"
	"relayhost/internal/smtpd"
)

// hostileDNS answers every question by a function.
func hostileDNS(t *testing.T, answer func(q, m *dns.Msg)) *resolve.Resolver {
	t.Helper()
	pc, l := bothPorts(t)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		answer(q, m)
		_ = w.WriteMsg(m)
	})
	for _, server := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		go func() { _ = server.ActivateAndServe() }()
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return &resolve.Resolver{Servers: []netip.AddrPort{netip.MustParseAddrPort(pc.LocalAddr().String())}, Timeout: time.Second}
}

// bothPorts listens on the same free port of UDP and TCP.
func bothPorts(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 50 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		pc.Close() // somebody has that one
	}
	t.Fatal("got no port that is free for UDP and TCP in 50 attempts, want one")
	return nil, nil
}

// a adds an address, and cname an alias, to an answer.
func a(q, m *dns.Msg, name string, addr string) {
	if q.Question[0].Qtype == dns.TypeA {
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(addr)})
	}
}

func cname(m *dns.Msg, name, target string) {
	m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: target})
}

// TestHostileDNS: whatever DNS says, verify ends in time, names cause and remedy,
// and gives the credentials to nobody but the holder of the relay's certificate.
func TestHostileDNS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer func(q, m *dns.Msg)
		want   string // of dns, connect, tls, auth
	}{
		{"leads elsewhere", func(q, m *dns.Msg) { a(q, m, q.Question[0].Name, "127.0.0.1") },
			"dns:pass connect:pass connect:skip:tls_name_mismatch tls:fail:tls_name_mismatch"},
		{"leads elsewhere by an alias", func(q, m *dns.Msg) {
			cname(m, q.Question[0].Name, "evil.test.")
			a(q, m, "evil.test.", "127.0.0.1")
		}, "dns:pass connect:pass connect:skip:tls_name_mismatch tls:fail:tls_name_mismatch"},
		{"alias of itself", func(q, m *dns.Msg) { cname(m, q.Question[0].Name, q.Question[0].Name) }, "dns:fail:dns_chroot_resolv"},
		{"aliases without end", func(q, m *dns.Msg) { cname(m, q.Question[0].Name, "x"+q.Question[0].Name) }, "dns:fail:dns_chroot_resolv"},
		{"truncated for ever", func(_, m *dns.Msg) { m.Truncated = true }, "dns:fail:dns_chroot_resolv"},
		{"forged id", func(q, m *dns.Msg) {
			a(q, m, q.Question[0].Name, "127.0.0.1")
			m.Id ^= 0x5555
		}, "dns:fail:dns_chroot_resolv"},
		{"answers another question", func(q, m *dns.Msg) { a(q, m, "other.test.", "127.0.0.1") }, "dns:fail:dns_nxdomain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := relay(t)
			cert, err := s.ca.Issue("evil.test")
			if err != nil {
				t.Fatal(err)
			}
			s.Configure(func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(cert) })
			env := s.env(t)
			env.Resolver = hostileDNS(t, tt.answer)
			began := time.Now()
			r := Run(t.Context(), env, Options{NoSend: true})
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %s, want at most %s", took, 20*time.Second)
			}
			if got := summary(r, "dns", "connect", "tls", "auth"); got != tt.want {
				t.Errorf("got %s, want %s\n%+v", got, tt.want, find(r, "dns"))
			}
			for _, f := range r.Findings {
				if f.Result == Fail && f.Remedy == "" {
					t.Errorf("got %+v, want a remedy in a failure", f)
				}
			}
			for _, session := range s.Sessions() {
				if session.Username != "" || session.Authenticated {
					t.Errorf("session %d: got a login as %q, authenticated %v, want no login", session.ID, session.Username, session.Authenticated)
				}
			}
			if c := s.Counters(); c.Logins != 0 || c.Refusals != 0 {
				t.Errorf("got %+v, want no login and no refusal", c)
			}
		})
	}
}

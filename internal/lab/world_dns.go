package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// dnsUDPSize is the largest UDP answer, as most servers set it since the DNS
// flag day of 2020.
const dnsUDPSize = 1232

// maxCNAMEs is how many links of a chain an answer follows, as resolvers do.
const maxCNAMEs = 8

// DNS is the world's resolver and at once all of its zones: over UDP and TCP,
// with EDNS. A name that was not set does not exist.
type DNS struct {
	t testing.TB

	mu      sync.Mutex
	records map[dnsKey][]dns.RR
	faults  map[string]DNSFault // by canonical name; "" is for all
	wild    []netip.Addr
	queries []DNSQuery
}

type dnsKey struct {
	name string // canonical: lower case, final dot
	typ  uint16
}

// DNSQuery is a question that came.
type DNSQuery struct {
	Name      string // as it was asked, final dot
	Type      string // "A", "TXT", ...
	Transport string // "udp" or "tcp"
	From      string // address and port
	EDNS      bool
}

// DNSFault is what goes wrong for a name.
type DNSFault struct {
	Rcode       int           // answer with this code (dns.RcodeServerFailure) and no records
	Drop        bool          // no answer
	Truncate    bool          // over UDP: no records, the TC bit, so that one asks again over TCP
	ForgeID     bool          // the answer bears another query's id
	ForgeName   bool          // the answer is to another question
	Garbage     bool          // the answer is no DNS message
	Delay       time.Duration // before the answer
	Times       int           // hits only so many queries; 0: all
	OnlyForType string        // hits only queries of this type; "": all
}

// newDNS starts a DNS server on port 53 of the addresses.
func newDNS(t testing.TB, n network, addrs ...netip.Addr) (*DNS, error) {
	d := &DNS{t: t, records: map[dnsKey][]dns.RR{}, faults: map[string]DNSFault{}}
	for _, addr := range addrs {
		at := netip.AddrPortFrom(addr, 53).String()
		pc, err := n.ListenPacket("udp", at)
		if err != nil {
			return nil, fmt.Errorf("dns: %w", err)
		}
		l, err := n.Listen("tcp", at)
		if err != nil {
			return nil, fmt.Errorf("dns: %w", err)
		}
		d.serve(&dns.Server{PacketConn: pc, Handler: d.handler("udp"), UDPSize: dns.MaxMsgSize})
		d.serve(&dns.Server{Listener: l, Handler: d.handler("tcp")})
	}
	return d, nil
}

// serve runs a server until the end of the test.
func (d *DNS) serve(s *dns.Server) {
	started, ended := make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- s.ActivateAndServe() }()
	select {
	case <-started:
	case err := <-ended:
		d.t.Fatalf("lab: dns: %v", err)
	}
	d.t.Cleanup(func() {
		_ = s.Shutdown()
		if err := <-ended; err != nil {
			d.t.Errorf("lab: dns: %v", err)
		}
	})
}

// Set puts records in place of those that the name has of the type. Values are
// in the form of a zone file; that of a TXT record is its bare text.
func (d *DNS) Set(name, typ string, values ...string) {
	d.t.Helper()
	code, ok := dns.StringToType[strings.ToUpper(typ)]
	if !ok {
		d.t.Fatalf("lab: dns: no record type %q", typ)
	}
	var rrs []dns.RR
	for _, v := range values {
		rrs = append(rrs, d.parse(dns.Fqdn(name), code, v))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[dnsKey{dns.CanonicalName(name), code}] = rrs
}

func (d *DNS) parse(name string, code uint16, value string) dns.RR {
	d.t.Helper()
	if code == dns.TypeTXT {
		return &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: code, Class: dns.ClassINET, Ttl: 60}, Txt: chunks(value, 255)}
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s 60 IN %s %s", name, dns.TypeToString[code], value))
	if err != nil || rr == nil {
		d.t.Fatalf("lab: dns: %s %s %q: %v", name, dns.TypeToString[code], value, err)
	}
	return rr
}

// chunks cuts a TXT value into its character strings (RFC 1035 3.3). The
// library reads backslashes as escapes.
func chunks(s string, size int) []string {
	var all []string
	for len(s) > size {
		all, s = append(all, escape(s[:size])), s[size:]
	}
	return append(all, escape(s))
}

func escape(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }

// Host sets the addresses of a name, and the name of the addresses.
func (d *DNS) Host(name string, addrs ...netip.Addr) {
	d.t.Helper()
	var v4, v6 []string
	for _, a := range addrs {
		if a.Is4() {
			v4 = append(v4, a.String())
		} else {
			v6 = append(v6, a.String())
		}
		d.PTR(a, name)
	}
	d.Set(name, "A", v4...)
	d.Set(name, "AAAA", v6...)
}

// PTR sets the names of an address.
func (d *DNS) PTR(addr netip.Addr, names ...string) {
	d.t.Helper()
	rev, err := dns.ReverseAddr(addr.String())
	if err != nil {
		d.t.Fatalf("lab: dns: %v", err)
	}
	for i := range names {
		names[i] = dns.Fqdn(names[i])
	}
	d.Set(rev, "PTR", names...)
}

// Delete makes a name not exist.
func (d *DNS) Delete(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.records {
		if key.name == dns.CanonicalName(name) {
			delete(d.records, key)
		}
	}
}

// Has reports whether the name has records.
func (d *DNS) Has(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.exists(dns.CanonicalName(name))
}

// Wildcard makes every name that was not set resolve to the addresses, as a
// captive portal's resolver does. Without addresses, names end again.
func (d *DNS) Wildcard(addrs ...netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wild = addrs
}

// Fail makes queries for a name go wrong; "" is every name without a fault of
// its own. The zero fault heals.
func (d *DNS) Fail(name string, f DNSFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name != "" {
		name = dns.CanonicalName(name)
	}
	if f == (DNSFault{}) {
		delete(d.faults, name)
		return
	}
	d.faults[name] = f
}

// Queries returns the questions so far, the oldest first.
func (d *DNS) Queries() []DNSQuery {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.queries)
}

// Count counts the queries for a name and type; "" stands for any.
func (d *DNS) Count(name, typ string) int {
	n := 0
	for _, q := range d.Queries() {
		if (name == "" || dns.CanonicalName(q.Name) == dns.CanonicalName(name)) && (typ == "" || q.Type == typ) {
			n++
		}
	}
	return n
}

func (d *DNS) handler(transport string) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, req *dns.Msg) {
		if len(req.Question) != 1 {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(req, dns.RcodeFormatError))
			return
		}
		q := req.Question[0]
		fault := d.note(DNSQuery{
			Name: q.Name, Type: dns.TypeToString[q.Qtype], Transport: transport,
			From: w.RemoteAddr().String(), EDNS: req.IsEdns0() != nil,
		})
		// An error in writing means that the asker has gone.
		_ = d.respond(w, req, transport, fault)
	})
}

// note logs a query and finds the fault that hits it.
func (d *DNS) note(q DNSQuery) DNSFault {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries = append(d.queries, q)
	name := dns.CanonicalName(q.Name)
	f, ok := d.faults[name]
	if !ok {
		name = ""
		f = d.faults[name]
	}
	if f.OnlyForType != "" && f.OnlyForType != q.Type {
		return DNSFault{}
	}
	if f.Times > 0 {
		if f.Times == 1 {
			delete(d.faults, name)
		} else {
			less := f
			less.Times--
			d.faults[name] = less
		}
	}
	return f
}

func (d *DNS) respond(w dns.ResponseWriter, req *dns.Msg, transport string, f DNSFault) error {
	time.Sleep(f.Delay)
	switch {
	case f.Drop:
		return nil
	case f.Garbage:
		_, err := w.Write([]byte("\x00\xff no DNS message"))
		return err
	}
	m := d.answer(req)
	switch {
	case f.Rcode != 0:
		m.Rcode, m.Answer, m.Ns = f.Rcode, nil, nil
	case f.Truncate && transport == "udp":
		m.Truncated, m.Answer, m.Ns = true, nil, nil
	case f.ForgeID:
		m.Id++
	case f.ForgeName:
		m.Question[0].Name = "forged.example."
	}
	if transport == "udp" {
		size := dns.MinMsgSize
		if opt := req.IsEdns0(); opt != nil {
			size = min(int(opt.UDPSize()), dnsUDPSize)
		}
		m.Truncate(size)
	}
	return w.WriteMsg(m)
}

// answer looks a question up and follows aliases.
func (d *DNS) answer(req *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(req)
	m.RecursionAvailable = true
	if opt := req.IsEdns0(); opt != nil {
		m.SetEdns0(dnsUDPSize, opt.Do())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	q := req.Question[0]
	name := dns.CanonicalName(q.Name)
	for range maxCNAMEs {
		if rrs := d.records[dnsKey{name, q.Qtype}]; len(rrs) > 0 {
			m.Answer = append(m.Answer, copies(rrs, q, name)...)
			return m
		}
		alias := d.records[dnsKey{name, dns.TypeCNAME}]
		if len(alias) == 0 {
			break
		}
		m.Answer = append(m.Answer, copies(alias, q, name)...)
		name = dns.CanonicalName(alias[0].(*dns.CNAME).Target)
	}
	if d.exists(name) {
		return m
	}
	if rrs := d.wildcard(q); len(d.wild) > 0 {
		m.Answer = append(m.Answer, rrs...)
		return m
	}
	m.Rcode = dns.RcodeNameError
	return m
}

// copies are records with the name in the letters of the question.
func copies(rrs []dns.RR, q dns.Question, name string) []dns.RR {
	var all []dns.RR
	for _, rr := range rrs {
		c := dns.Copy(rr)
		if dns.CanonicalName(q.Name) == name {
			c.Header().Name = q.Name
		}
		all = append(all, c)
	}
	return all
}

// exists reports whether a name, or one below it, has records.
func (d *DNS) exists(name string) bool {
	for key, rrs := range d.records {
		if len(rrs) > 0 && (key.name == name || strings.HasSuffix(key.name, "."+name)) {
			return true
		}
	}
	return false
}

func (d *DNS) wildcard(q dns.Question) []dns.RR {
	var rrs []dns.RR
	for _, a := range d.wild {
		hdr := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
		switch {
		case q.Qtype == dns.TypeA && a.Is4():
			rrs = append(rrs, &dns.A{Hdr: hdr, A: net.IP(a.AsSlice())})
		case q.Qtype == dns.TypeAAAA && a.Is6():
			rrs = append(rrs, &dns.AAAA{Hdr: hdr, AAAA: net.IP(a.AsSlice())})
		}
	}
	return rrs
}

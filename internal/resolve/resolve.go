// Package resolve is DNS for relayhost: the system's resolvers, asked directly,
// with EDNS and TCP fallback, bounded in time and answer size. It is the only
// importer of miekg/dns in the shipped binary.
//
// Only absolute names are asked: the search list and ndots of resolv.conf(5)
// have no say in where mail and passwords go. What DNS says is advice, never
// proof: without DNSSEC a certificate is what proves a name.
package resolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Errors that callers tell apart with errors.Is. Every error names the query.
var (
	ErrNotFound  = errors.New("does not exist") // NXDOMAIN, or no record of that type
	ErrTemporary = errors.New("resolver failed")
	ErrTimeout   = errors.New("resolver did not answer")
)

// Bounds on what an answer may make us do.
const (
	defaultTimeout = 5 * time.Second
	maxChain       = 8  // CNAME records followed for one name
	maxRecords     = 64 // records kept of one answer; the rest is dropped
)

// Resolver asks Servers, all of which it takes from resolv.conf(5).
type Resolver struct {
	Servers []netip.AddrPort
	Timeout time.Duration // of one look-up; 0: 5 s

	hosts map[string][]netip.Addr // of /etc/hosts, by lower-case name
	// hostLookup is smtp_host_lookup of a Postfix that asks DNS, and what is in hosts last or
	// never; "" for /etc/hosts first.
	hostLookup string
}

// ErrHostsOnly is that a name is in /etc/hosts, where Postfix does not look. It goes with
// ErrNotFound.
var ErrHostsOnly = errors.New("it is in /etc/hosts only, and Postfix asks DNS")

// AsPostfix returns a resolver that finds hosts as smtp(8) does with a value of
// smtp_host_lookup (smtp_addr_one in src/smtp/smtp_addr.c): by DNS, and of what DNS does not
// have in /etc/hosts where "native" is named as well; with "native" alone there first.
func (r *Resolver) AsPostfix(lookup string) *Resolver {
	as := *r
	if as.hostLookup = cmp.Or(lookup, "dns"); !strings.Contains(lookup, "dns") && lookup != "" {
		as.hostLookup = ""
	}
	return &as
}

// WithoutHosts returns a resolver that passes /etc/hosts over: what the rest of the world
// sees.
func (r *Resolver) WithoutHosts() *Resolver {
	return &Resolver{Servers: r.Servers, Timeout: r.Timeout}
}

// InHosts are the addresses that /etc/hosts has for name.
func (r *Resolver) InHosts(name string) []netip.Addr {
	return r.hosts[strings.ToLower(strings.TrimSuffix(name, "."))]
}

// MX is a mail exchanger. A null MX (RFC 7505) has the Host "".
type MX struct {
	Host       string // without the final dot
	Preference uint16
}

// Addrs returns the IPv4 and IPv6 addresses of name, both asked at once; an IP
// literal, and a name in /etc/hosts where that comes first, is answered without asking. err
// is set only when there is no address at all.
func (r *Resolver) Addrs(ctx context.Context, name string) (v4, v6 []netip.Addr, err error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		v4, v6 = split([]netip.Addr{addr.Unmap()})
		return v4, v6, nil
	}
	named := r.InHosts(name)
	if len(named) > 0 && r.hostLookup == "" {
		v4, v6 = split(named)
		return v4, v6, nil
	}
	v4, v6, err = r.ofDNS(ctx, name)
	if len(named) == 0 || !errors.Is(err, ErrNotFound) {
		return v4, v6, err
	}
	if strings.Contains(r.hostLookup, "native") {
		v4, v6 = split(named)
		return v4, v6, nil
	}
	return nil, nil, fmt.Errorf("%w: %w (smtp_host_lookup = %s)", err, ErrHostsOnly, r.hostLookup)
}

// ofDNS is Addrs by DNS alone.
func (r *Resolver) ofDNS(ctx context.Context, name string) (v4, v6 []netip.Addr, err error) {
	type answer struct {
		addrs []netip.Addr
		err   error
	}
	six := make(chan answer, 1)
	go func() {
		addrs, err := r.addrs(ctx, name, dns.TypeAAAA)
		six <- answer{addrs, err}
	}()
	v4, err4 := r.addrs(ctx, name, dns.TypeA)
	a6 := <-six
	if len(v4)+len(a6.addrs) > 0 {
		return v4, a6.addrs, nil
	}
	// A resolver that failed for one family says more than "no such record"
	// for the other: the name may well exist.
	if errors.Is(err4, ErrNotFound) && a6.err != nil && !errors.Is(a6.err, ErrNotFound) {
		return nil, nil, a6.err
	}
	return nil, nil, err4
}

func (r *Resolver) addrs(ctx context.Context, name string, qtype uint16) ([]netip.Addr, error) {
	records, err := r.lookup(ctx, name, qtype)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, rr := range records {
		var addr netip.Addr
		var ok bool
		switch rr := rr.(type) {
		case *dns.A:
			addr, ok = netip.AddrFromSlice(rr.A.To4())
		case *dns.AAAA:
			addr, ok = netip.AddrFromSlice(rr.AAAA.To16())
		}
		if ok && !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs, nil
}

// TXT returns the TXT records of name, the strings of each joined.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, error) {
	records, err := r.lookup(ctx, name, dns.TypeTXT)
	var texts []string
	for _, rr := range records {
		texts = append(texts, unescape(strings.Join(rr.(*dns.TXT).Txt, "")))
	}
	return texts, err
}

// MX returns the mail exchangers of name, best first.
func (r *Resolver) MX(ctx context.Context, name string) ([]MX, error) {
	records, err := r.lookup(ctx, name, dns.TypeMX)
	var exchangers []MX
	for _, rr := range records {
		mx := rr.(*dns.MX)
		exchangers = append(exchangers, MX{trimDot(mx.Mx), mx.Preference})
	}
	slices.SortStableFunc(exchangers, func(a, b MX) int { return int(a.Preference) - int(b.Preference) })
	return exchangers, err
}

// CNAME returns the target of name's CNAME record.
func (r *Resolver) CNAME(ctx context.Context, name string) (string, error) {
	records, err := r.lookup(ctx, name, dns.TypeCNAME)
	if err != nil {
		return "", err
	}
	return trimDot(records[0].(*dns.CNAME).Target), nil
}

// PTR returns the names that addr's reverse record gives.
func (r *Resolver) PTR(ctx context.Context, addr netip.Addr) ([]string, error) {
	reverse, err := dns.ReverseAddr(addr.Unmap().WithZone("").String())
	if err != nil {
		return nil, fmt.Errorf("look up PTR of %s: %w", addr, err)
	}
	records, err := r.lookup(ctx, reverse, dns.TypePTR)
	var names []string
	for _, rr := range records {
		names = append(names, trimDot(rr.(*dns.PTR).Ptr))
	}
	return names, err
}

func split(addrs []netip.Addr) (v4, v6 []netip.Addr) {
	for _, a := range addrs {
		if a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	return v4, v6
}

func trimDot(name string) string { return strings.TrimSuffix(name, ".") }

// unescape undoes the presentation form (RFC 1035, section 5.1: \X and \DDD)
// in which the library hands out the bytes of a TXT record.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]):
			b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + (s[i+3] - '0'))
			i += 3
		default:
			i++
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// doubtLimit bounds a lookup that a question waits for.
const doubtLimit = 3 * time.Second

// Unknown reports that DNS has nothing of a domain that has to do with mail. One
// that does not answer within seconds is no reason to doubt.
func (r *Resolver) Unknown(ctx context.Context, domain string) bool {
	ctx, cancel := context.WithTimeout(ctx, doubtLimit)
	defer cancel()
	_, err := r.MX(ctx, domain)
	if errors.Is(err, ErrNotFound) {
		_, _, err = r.Addrs(ctx, domain)
	}
	if errors.Is(err, ErrNotFound) {
		_, err = r.TXT(ctx, domain)
	}
	return errors.Is(err, ErrNotFound)
}

// NoAddress reports that DNS has answered, and has no address of host.
func (r *Resolver) NoAddress(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, doubtLimit)
	defer cancel()
	_, _, err := r.Addrs(ctx, host)
	return errors.Is(err, ErrNotFound)
}

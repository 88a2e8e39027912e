// Package resolve is DNS for relayhost: the system's resolvers, asked directly,
// with EDNS and TCP fallback, bounded in time and answer size. It is the only
// importer of miekg/dns in the shipped binary.
package resolve

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"relayhost/internal/host"
)

// Errors that callers tell apart with errors.Is. Every error names the query.
var (
	ErrNotFound  = errors.New("does not exist") // NXDOMAIN, or no record of that type
	ErrTemporary = errors.New("resolver failed")
	ErrTimeout   = errors.New("resolver did not answer")
)

// Resolver asks Servers, all of which it takes from resolv.conf(5).
type Resolver struct {
	Servers []netip.AddrPort
	Timeout time.Duration // of one look-up; 0: 5 s
}

// MX is a mail exchanger.
type MX struct {
	Host       string // without the final dot
	Preference uint16
}

// System reads /etc/resolv.conf and /etc/hosts through r.
func System(r *host.Reader) (*Resolver, error) { panic("not written yet") }

// Addrs returns the IPv4 and IPv6 addresses of name, both asked at once; an IP
// literal and names in /etc/hosts are answered without asking. err is set only when there is
// no address at all.
func (r *Resolver) Addrs(ctx context.Context, name string) (v4, v6 []netip.Addr, err error) {
	panic("not written yet")
}

// TXT returns the TXT records of name, the strings of each joined.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, error) { panic("not written yet") }

// MX returns the mail exchangers of name, best first.
func (r *Resolver) MX(ctx context.Context, name string) ([]MX, error) { panic("not written yet") }

// CNAME returns the target of name's CNAME record.
func (r *Resolver) CNAME(ctx context.Context, name string) (string, error) { panic("not written yet") }

// PTR returns the names that addr's reverse record gives.
func (r *Resolver) PTR(ctx context.Context, addr netip.Addr) ([]string, error) {
	panic("not written yet")
}

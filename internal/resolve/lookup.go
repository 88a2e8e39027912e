package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// lookup returns the records of type qtype at the end of name's CNAME chain,
// at least one and at most maxRecords.
func (r *Resolver) lookup(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	fail := func(err error) ([]dns.RR, error) {
		return nil, fmt.Errorf("look up %s of %q: %w", dns.TypeToString[qtype], trimDot(name), err)
	}
	if !askable(name) {
		return fail(ErrNotFound)
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, ErrTimeout)
	defer cancel()

	at := dns.CanonicalName(name)
	seen := map[string]bool{}
	for {
		reply, err := r.ask(ctx, at, qtype)
		if err != nil {
			return fail(err)
		}
		end, err := chase(at, qtype, reply.Answer, seen)
		if err != nil {
			return fail(err)
		}
		if records := pick(reply.Answer, end, qtype); len(records) > 0 {
			return records, nil
		}
		if end == at || reply.Rcode == dns.RcodeNameError {
			return fail(ErrNotFound)
		}
		at = end // the server gave the alias alone
	}
}

// chase follows the CNAME records in answer from name on and returns where they
// end. seen holds the names passed so far in the whole look-up.
func chase(name string, qtype uint16, answer []dns.RR, seen map[string]bool) (string, error) {
	if qtype == dns.TypeCNAME {
		return name, nil
	}
	for {
		target := ""
		for _, rr := range answer {
			if c, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(c.Hdr.Name) == name {
				target = dns.CanonicalName(c.Target)
				break
			}
		}
		if target == "" {
			return name, nil
		}
		seen[name] = true
		switch {
		case seen[target]:
			return "", fmt.Errorf("%w: the CNAME records go in a circle at %q", ErrTemporary, trimDot(target))
		case len(seen) > maxChain:
			return "", fmt.Errorf("%w: more than %d CNAME records in a row", ErrTemporary, maxChain)
		}
		name = target
	}
}

// pick returns the records of type qtype that name owns. Anything else that a
// server adds to its answer was not asked for.
func pick(answer []dns.RR, name string, qtype uint16) []dns.RR {
	var records []dns.RR
	for _, rr := range answer {
		h := rr.Header()
		if h.Rrtype == qtype && h.Class == dns.ClassINET && dns.CanonicalName(h.Name) == name && len(records) < maxRecords {
			records = append(records, rr)
		}
	}
	return records
}

// askable reports whether name can be asked for: letters, digits, "-", "_" and
// dots in well-formed labels. It keeps text that others control (an SPF macro,
// a certificate) from becoming an odd query.
func askable(name string) bool {
	if _, ok := dns.IsDomainName(name); !ok || strings.Trim(name, ".") == "" {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), c == '-', c == '_', c == '.', c == '/':
		default:
			return false
		}
	}
	return true
}

// rcodeError says what a reply without an answer means; nil for an answer,
// which "does not exist" is too.
func rcodeError(reply *dns.Msg) error {
	switch reply.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return nil
	}
	name, ok := dns.RcodeToString[reply.Rcode]
	if !ok {
		name = fmt.Sprintf("code %d", reply.Rcode)
	}
	return fmt.Errorf("%w: it said %s", ErrTemporary, name)
}

// worse keeps the error that says more: a server that answered "no" tells more
// than one that was silent.
func worse(a, b error) error {
	if a == nil || errors.Is(a, ErrTimeout) && !errors.Is(b, ErrTimeout) {
		return b
	}
	return a
}

// Package mailaddr checks host names and mail addresses that people and files
// give us, before they go into a table of Postfix, a DNS query or an SMTP command.
package mailaddr

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxName    = 253 // RFC 1035 section 2.3.4, without the root
	maxLabel   = 63  // RFC 1035 section 2.3.4
	maxLocal   = 64  // RFC 5321 section 4.5.3.1.1
	maxAddress = 254 // RFC 5321 section 4.5.3.1.3, without its brackets
	digits     = "0123456789"
)

// IsName reports whether s is a DNS name of letters, digits and inner hyphens
// (RFC 1123 section 2.1). A trailing dot is refused: it would not match a
// certificate.
func IsName(s string) bool {
	if len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' || !consists(label, "-") {
			return false
		}
	}
	return true
}

// IsDomain is [IsName] with A-labels that are what they say (RFC 5891), and not
// only digits at the end: that would be a mistyped IP address.
func IsDomain(s string) bool {
	if !IsName(s) {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !strings.HasPrefix(strings.ToLower(label), "xn--") {
			continue
		}
		u, err := idna.Lookup.ToUnicode(label)
		if err != nil {
			return false
		}
		if a, err := idna.Lookup.ToASCII(u); err != nil || !strings.EqualFold(a, label) || u == label {
			return false
		}
	}
	return strings.Trim(s[strings.LastIndexByte(s, '.')+1:], digits) != ""
}

// IsHost reports whether s is an [IsDomain] or an IP address without a zone.
func IsHost(s string) bool {
	if IsDomain(s) {
		return true
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// IsLocal reports whether s is a local part of dot-atoms (RFC 5321 section 4.1.2)
// in ASCII: nothing quoted, no blank and no control character.
func IsLocal(s string) bool {
	if len(s) > maxLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || !consists(atom, "!#$%&'*+-/=?^_`{|}~") {
			return false
		}
	}
	return true
}

// IsAddress reports whether s is an [IsLocal] at an [IsDomain] of at least two
// labels that a table of Postfix can hold. "!" and "%" route in old mail systems, and Postfix
// rewrites them (swap_bangpath, allow_percent_hack); "$" and braces are macros.
func IsAddress(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	return found && len(s) <= maxAddress && IsLocal(local) && !strings.ContainsAny(local, "!%{}`|$") &&
		strings.Contains(domain, ".") && IsDomain(domain)
}

// CheckPath reports why s may not go into MAIL FROM or RCPT TO: it wants an [IsLocal]
// at an [IsName], and so no quoting, no CR, LF, NUL or ">" that would end the path and
// begin something of the author's choice. Root's address at a host without a domain
// passes; what goes into a table has to be an [IsAddress].
func CheckPath(s string) error {
	at := strings.LastIndexByte(s, '@')
	switch {
	case at < 0:
		return fmt.Errorf("address %q has no domain", s)
	case at > maxLocal || len(s) > maxAddress:
		return fmt.Errorf("address %q is too long", s)
	case !IsLocal(s[:at]):
		return fmt.Errorf("address %q: the part before @ is not plain", s)
	case !IsName(s[at+1:]):
		return fmt.Errorf("address %q: %q is not a host name", s, s[at+1:])
	}
	return nil
}

// CutPath cuts the address before the ">" that ends a path off, of which s is what follows
// the "<"; in a quoted local part there may be others.
func CutPath(s string) (address, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '>' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return "", s, false
}

// consists reports whether s is made of letters, digits and the bytes of others.
func consists(s, others string) bool {
	for i := range len(s) {
		if c := s[i] | ' '; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return true
}

// privateTLDs are names that mean nothing outside of a host or its network
// (RFC 6761, RFC 6762, RFC 8375, and what distributions and routers make up).
var privateTLDs = []string{"localhost", "localdomain", "local", "invalid", "lan", "home", "arpa"}

// Qualified reports whether name has the form of a host name with a domain that
// others may know: labels of letters, digits and hyphens, at least two.
func Qualified(name string) bool {
	labels := strings.Split(strings.ToLower(name), ".")
	last := labels[len(labels)-1]
	return len(labels) >= 2 && IsName(name) && labels[0] != "localhost" &&
		strings.Trim(last, digits) != "" && !slices.Contains(privateTLDs, last)
}

// Domain is what stands behind the last @ of an address; all of it where there is none.
func Domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

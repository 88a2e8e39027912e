package plan

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"relayhost/relays"
)

// InputError is an answer that cannot be used. It is the caller's exit code 64.
type InputError struct {
	Field string // name of the flag without dashes: "port"
	Msg   string
	Hint  string // what to do; may be empty
}

func (e *InputError) Error() string { return e.Field + ": " + e.Msg }

// Limits of the answers. 320 is RFC 3696's longest address; 1024 is more than
// any service's token.
const (
	maxUsername = 320
	maxPassword = 1024
	maxHost     = 253
	maxLabel    = 63
)

// checkOptions holds every answer against an allow-list: what passes here goes
// into files that Postfix expands, splits and reads as root.
func checkOptions(o Options) error {
	checks := []func(Options) *InputError{checkRelay, checkHost, checkPort, checkLogin, checkAddresses, checkDirect, checkTLS, checkConnections, checkRewrite, checkRoutes}
	for _, check := range checks {
		if err := check(o); err != nil {
			return err
		}
	}
	return nil
}

func checkRelay(o Options) *InputError {
	if !isWord(o.Relay.ID) {
		return &InputError{"relay", fmt.Sprintf("%q is not a name of letters, digits and hyphens", o.Relay.ID), ""}
	}
	return nil
}

// isWord admits what can stand in the name of a master.cf service.
func isWord(s string) bool {
	return s != "" && len(s) <= 40 && s[0] != '-' && strings.Trim(s, lower+digits+"-") == ""
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func checkHost(o Options) *InputError {
	if o.Host == "" {
		return &InputError{"smarthost", "the relay's host name is missing", "name a region with --region, or the host with --smarthost"}
	}
	if !isHost(o.Host) {
		return &InputError{"smarthost", fmt.Sprintf("%q is not a host name or address", o.Host), "write it as in smtp.example.com, without brackets and port"}
	}
	return nil
}

// isHost reports whether s is a DNS name of letters, digits and hyphens
// (RFC 1123 section 2.1), with A-labels that are what they say (RFC 5891), or
// an IP address. A trailing dot is refused: it would not match a certificate.
func isHost(s string) bool {
	if s == "" || len(s) > maxHost {
		return false
	}
	if strings.Contains(s, ":") || strings.Contains(digits, s[len(s)-1:]) {
		if a, err := netip.ParseAddr(s); err == nil {
			return a.Zone() == ""
		}
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			!consists(label, "-") {
			return false
		}
		if strings.HasPrefix(strings.ToLower(label), "xn--") {
			u, err := idna.Lookup.ToUnicode(label)
			if err != nil {
				return false
			}
			if a, err := idna.Lookup.ToASCII(u); err != nil || !strings.EqualFold(a, label) || u == label {
				return false
			}
		}
	}
	// All digits at the end would be a broken address, not a name.
	last := s[strings.LastIndexByte(s, '.')+1:]
	return strings.Trim(last, digits) != ""
}

func checkPort(o Options) *InputError {
	if o.Port < 1 || o.Port > 65535 {
		return &InputError{"port", fmt.Sprintf("%d is not a port", o.Port), "ports are numbers from 1 to 65535"}
	}
	return nil
}

func checkLogin(o Options) *InputError {
	h := o.Hop()
	if o.NoCredentials {
		return nil
	}
	return loginOf(h)
}

// loginOf checks the account of a hop.
func loginOf(h Hop) *InputError {
	if !needsLogin(h) {
		return nil
	}
	if h.Username == "" {
		return &InputError{"username", "no user name was given", "give it with --username or in the file of --credentials-file"}
	}
	if msg := unstorable(h.Username, maxUsername); msg != "" {
		return &InputError{"username", msg, ""}
	}
	if strings.Contains(h.Username, ":") {
		return &InputError{"username", "it holds a colon, at which Postfix would cut it off", "use a user name without one"}
	}
	if h.Password.IsZero() {
		return &InputError{"credentials-file", "no password was given", "give it in the file of --credentials-file, or on standard input with --credentials-file -"}
	}
	if msg := unstorable(h.Password.Reveal(), maxPassword); msg != "" {
		return &InputError{"credentials-file", "the password cannot be stored: " + msg, "make a new password at the service"}
	}
	return nil
}

// needsLogin reports whether the relay wants AUTH. One without mechanisms in
// the catalogue goes by address, unless a user name was given all the same.
func needsLogin(h Hop) bool { return len(h.Relay.Auth.Mechanisms) > 0 || h.Username != "" }

// unstorable says why a lookup table of Postfix would not give s back as it
// was: such tables are lines of UTF-8 whose ends are trimmed (postmap(1)). A blank
// before a password could be stored, and is always a slip in its file.
func unstorable(s string, longest int) string {
	switch {
	case len(s) > longest:
		return fmt.Sprintf("it is longer than %d bytes", longest)
	case !utf8.ValidString(s):
		return "it is not valid UTF-8"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return "it holds a line break or another control character"
	case strings.TrimSpace(s) != s:
		return "it begins or ends with a blank"
	}
	return ""
}

func checkAddresses(o Options) *InputError {
	for _, a := range []struct{ field, value string }{{"from", o.From}, {"to", o.To}, {"root-to", o.RootTo}} {
		if a.value != "" && !isAddress(a.value) {
			return noAddress(a.field, a.value)
		}
	}
	if o.From == "" {
		return &InputError{"from", "no sender address was given", "name one that the service accepts: --from alerts@example.com"}
	}
	return nil
}

func noAddress(field, value string) *InputError {
	return &InputError{field, fmt.Sprintf("%q is not an address", value), "write it as in alerts@example.com"}
}

// CheckAddress refuses, as an [InputError] on field, what Build would refuse as a
// sender or recipient, so that a person hears of it at the question.
func CheckAddress(field, addr string) error {
	if !isAddress(addr) {
		return noAddress(field, addr)
	}
	return nil
}

// maxAddress is the longest path of RFC 5321 section 4.5.3.1.3, without its
// brackets.
const maxAddress = 254

// consists reports whether s is made of letters, digits and the bytes of others.
func consists(s, others string) bool {
	for i := range len(s) {
		if c := s[i] | ' '; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return true
}

// isAddress admits the dot-atom form of RFC 5321 section 4.1.2 in ASCII with a
// domain of at least two labels. Quoted local parts are refused: no service
// needs them and every table format would.
func isAddress(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	if !found || len(local) > 64 || len(s) > maxAddress || !strings.Contains(domain, ".") || !isHost(domain) {
		return false
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || !consists(atom, "!#%&'*+/=?^_`{|}~-") {
			return false
		}
	}
	// "!" and "%" route in old mail systems, and Postfix rewrites them
	// (swap_bangpath, allow_percent_hack).
	return !strings.ContainsAny(local, "!%{}`|")
}

func checkDirect(o Options) *InputError {
	for _, d := range o.Direct {
		if err := CheckDomain(d); err != nil {
			return err
		}
	}
	return nil
}

// CheckDomain fails with what is wrong with a domain of Options.Direct.
func CheckDomain(d string) *InputError {
	if !isHost(strings.TrimPrefix(d, ".")) {
		return &InputError{"direct", fmt.Sprintf("%q is not a domain", d), "write it as in example.com, or .example.com for all below it"}
	}
	return nil
}

func checkTLS(o Options) *InputError {
	if o.TLS != relays.StartTLS && o.TLS != relays.Implicit {
		return &InputError{"port", fmt.Sprintf("it is not known how TLS starts on port %d", o.Port), "probe the port, or choose one that the service documents"}
	}
	if o.CAFile != "" && (!path.IsAbs(o.CAFile) || path.Clean(o.CAFile) != o.CAFile || strings.Trim(o.CAFile, lower+upper+digits+"/._+-") != "") {
		return &InputError{"ca-file", fmt.Sprintf("%q is not an absolute path of plain characters", o.CAFile), ""}
	}
	if o.Pin != "" {
		if _, err := fingerprint(o.Pin); err != nil {
			return &InputError{"fingerprint", err.Error(), "openssl x509 -noout -fingerprint -sha256 prints it"}
		}
	}
	if o.Pin != "" && o.NoVerify {
		return &InputError{"fingerprint", "a fingerprint and no verification exclude each other", ""}
	}
	return nil
}

// maxConnections is Postfix's own process limit ten times over.
const maxConnections = 1000

func checkConnections(o Options) *InputError {
	if o.Connections < 0 || o.Connections > maxConnections {
		return &InputError{"connections", fmt.Sprintf("%d is not a number from 1 to %d", o.Connections, maxConnections), "leave it out for what the service documents"}
	}
	return nil
}

// fingerprint returns a SHA-256 fingerprint the way Postfix compares it: upper
// case pairs separated by colons (smtp_tls_fingerprint_cert_match).
func fingerprint(pin string) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(pin, ":", ""))
	if err != nil || len(raw) != 32 {
		return "", fmt.Errorf("%q is not a SHA-256 fingerprint of 32 bytes in hexadecimal", pin)
	}
	return strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", raw)), " ", ":"), nil
}

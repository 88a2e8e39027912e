package config

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"relayhost/internal/mailaddr"
	"relayhost/relays"
)

// InputError is a value that cannot be used and that stands on no line of the
// file. It is the caller's exit code 64.
type InputError struct {
	Field string // name of the flag without dashes ("port"), or "route NAME"
	Msg   string
	Hint  string // what to do; may be empty
}

func (e *InputError) Error() string { return e.Field + ": " + e.Msg }

// Limits of the values. 320 is RFC 3696's longest address; 1024 is more than
// any service's token.
const (
	maxUsername = 320
	maxPassword = 1024
	// maxConnections is Postfix's own process limit ten times over.
	maxConnections = 1000
	// maxRouteName leaves room in the name of a service: a directory of the queue
	// and a process title hold it.
	maxRouteName = 40
	// maxFallbacks bounds what one message may wait through: each hop that hangs
	// takes half a minute.
	maxFallbacks = 10
)

// Ends and beginnings of the names that services of our own have in master.cf.
const (
	ProxySuffix    = "-tls"       // the tlsproxy(8) of a service
	ImplicitSuffix = "-smtps"     // speaks TLS from the first byte
	BySenderPrefix = "by-sender-" // finds its account by the sender
)

// Validate holds every value against an allow-list, and routes against each other:
// what passes goes into files that Postfix expands, splits and reads as root. c is
// a Config whose hops have all been found; accounts says that they must have their
// accounts. Errors are *FileError for what stands in the file and *InputError for
// what does not, or several of them joined.
func (c Config) Validate(accounts bool) error { return c.check(complete, accounts) }

// stage is how far a Config has come.
type stage int

const (
	asRead   stage = iota // leaves out what Resolve finds
	resolved              // may lack ports and addresses
	complete
)

func (c Config) check(s stage, accounts bool) error {
	k := &checker{c: c, asRead: s == asRead, complete: s == complete, accounts: accounts,
		names: make(map[string]int, len(c.Routes)), senders: make(map[string]taken, len(c.Routes)), hops: map[string]*Hop{}}
	first := c.First()
	k.reserved = []string{DefaultRoute, first.Relay.ID, bareName(first.Relay.ID), first.Name()}
	k.route(0, &c.Routes[0])
	if k.complete && first.Relay.ID == "" {
		k.bad("relay", "relayhost relays lists the relays", "no relay is named")
	}
	for _, a := range []struct{ key, value string }{{"from", c.From()}, {"to", c.To}, {"root_to", c.RootTo}} {
		k.address(a.key, a.value)
	}
	if k.complete && c.From() == "" {
		k.bad("from", "name one that the service accepts: --from alerts@example.com", "no sender address was given")
	}
	for i, d := range c.Direct {
		var e *InputError
		if errors.As(CheckDomain(d), &e) {
			k.bad(fmt.Sprintf("direct[%d]", i), e.Hint, "%s", e.Msg)
		}
	}
	for local, address := range c.Rewrite {
		k.rewrite("rewrite."+local, local, address)
	}
	for i := range c.Routes[1:] {
		k.route(i+1, &c.Routes[i+1])
	}
	return k.err()
}

// checker remembers what the routes before have.
type checker struct {
	c                          Config
	asRead, complete, accounts bool
	reserved                   []string         // names that no route can have
	names                      map[string]int   // route name -> the first that has it
	senders                    map[string]taken // sender in lower case -> the first that has it
	hops                       map[string]*Hop  // by next hop
	found                      []mistake
	more                       int // that are not among them
}

// taken is a sender of a route, both by their places. What their keys are is asked for
// those alone that are told: there may be tens of thousands.
type taken struct{ route, n int }

func (t taken) key() string { return Key(t.route, 0, fmt.Sprintf("senders[%d]", t.n)) }

// mistake is kept by key: lines are looked up for those alone that are told.
type mistake struct{ key, msg, hint string }

func (k *checker) bad(key, hint, format string, args ...any) {
	if len(k.found) > MaxMistakes {
		k.more++
		return
	}
	k.found = append(k.found, mistake{key, fmt.Sprintf(format, args...), hint})
}

// err tells the mistakes, up to MaxMistakes of them.
func (k *checker) err() error {
	var errs []error
	for i, m := range k.found {
		if i == MaxMistakes {
			errs = append(errs, fmt.Errorf("and %d more", len(k.found)-i+k.more))
			break
		}
		if k.c.line(m.key) > 0 || k.c.file != nil && !k.complete {
			e := k.c.Mistake(m.key, "%s", m.msg)
			e.Hint = m.hint
			errs = append(errs, e)
			continue
		}
		field, msg := k.field(m.key)
		errs = append(errs, &InputError{field, msg + m.msg, m.hint})
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// field is the flag for a key, and what to put before a message about a hop that
// has no flags.
func (k *checker) field(key string) (field, before string) {
	names := map[string]string{"host": "smarthost", "tls": "port", "ca_file": "ca-file", "root_to": "root-to", "map_type": "map-type", "credentials_file": "credentials-file",
		"insecure_plaintext": "insecure-plaintext", "sign_in": "sign-in", "client_id": "client-id"}
	value, _, _ := strings.Cut(key[strings.LastIndexByte(key, '.')+1:], "[")
	if name, ok := names[value]; ok {
		value = name
	}
	var route int
	switch n, _ := fmt.Sscanf(key, "route[%d]", &route); {
	case n == 1:
		field = "route " + k.c.Routes[route+1].Name
	case strings.HasPrefix(key, "fallback["):
		field = "route " + DefaultRoute
	case strings.HasPrefix(key, "rewrite."):
		return "rewrite", ""
	default:
		return value, ""
	}
	if slices.Contains([]string{"name", "senders", "from", "relay", "fallback", ""}, value) {
		return field, ""
	}
	return field, value + ": "
}

// address admits an address, or nothing.
func (k *checker) address(key, value string) {
	if value != "" && !mailaddr.IsAddress(value) {
		k.bad(key, "write it as in alerts@example.com", "%q is not an address", value)
	}
}

// rewrite admits "user@host" and "@host", also where the host is no name of DNS.
func (k *checker) rewrite(key, local, address string) {
	user, host, ok := strings.Cut(local, "@")
	if !ok || !mailaddr.IsHost(host) || user != "" && !mailaddr.IsAddress(user+"@host.invalid") || strings.HasPrefix(local, "#") {
		k.bad(key, "", "%q is not a local sender: write it as in user@host, or @host for all of that host", local)
	}
	if !mailaddr.IsAddress(address) {
		k.bad(key, "write it as in alerts@example.com", "%q is not an address", address)
	}
}

func (k *checker) route(i int, r *Route) {
	if i > 0 {
		k.named(i, r)
	}
	if len(r.Hops) == 0 || i > 0 && r.Hops[0].Name() == "" {
		k.bad(Key(i, 0, "relay"), "", "route %q names no relay", r.Name)
	}
	if len(r.Hops) > maxFallbacks+1 {
		k.bad(strings.TrimSuffix(Key(i, maxFallbacks+1, ""), "."), "", "a route has at most %d fallbacks", maxFallbacks)
		return
	}
	for n := range r.Hops {
		h := &r.Hops[n]
		if n > 0 && fileHopOf(*h) == (fileHop{}) {
			k.bad(strings.TrimSuffix(Key(i, n, ""), "."), "", "a fallback needs at least a port or a relay of its own")
		}
		k.hop(i, n, h)
		k.signIn(func(value string) string { return Key(i, n, value) }, r.Hops, n)
		if !k.asRead {
			k.beside(i, n, r.Hops)
		}
	}
}

// named checks what a route has that the default has not: name and senders.
func (k *checker) named(i int, r *Route) {
	at := func(value string) string { return Key(i, 0, value) }
	k.routeName(i, r.Name)
	if len(r.Senders) == 0 {
		k.bad(at("senders"), "name a domain or an address in senders", "route %q has no senders", r.Name)
	}
	for n, s := range r.Senders {
		k.sender(taken{i, n}, s)
	}
	if r.From != "" {
		k.address(at("from"), r.From)
	}
	if !k.asRead {
		return // found already, if it could be
	}
	from := ProofSender(r.Senders)
	switch {
	case r.From == "" && from != "" && (!SentBy(r.Senders, from) || !mailaddr.IsAddress(from)):
		k.bad(at("senders"), "", "route %q has no sender address to test it with: give one with from", r.Name)
	case from != "" && mailaddr.IsAddress(r.From) && !SentBy(r.Senders, r.From):
		k.bad(at("from"), "", "%s is not one of the senders of route %q", r.From, r.Name)
	}
}

// routeName checks that a route's name is one, and free.
func (k *checker) routeName(route int, name string) {
	key := func(route int) string { return Key(route, 0, "name") }
	reserved := slices.Contains(k.reserved, name) || hasOwnSuffix(name) || strings.HasPrefix(name, BySenderPrefix)
	switch before, isTaken := k.names[name]; {
	case name == "":
		k.bad(key(route), "", "a route needs a name")
	case !isWord(name) || len(name) > maxRouteName:
		k.bad(key(route), "", "route name %q: write it in small letters, digits and hyphens, %d at most", name, maxRouteName)
	case reserved:
		k.bad(key(route), "choose another name", "%q is not free as the name of a route: relayhost uses it for a route or service of its own", name)
	case isTaken && k.c.line(key(before)) > 0:
		k.bad(key(route), "", "route %q is defined already, in line %d", name, k.c.line(key(before)))
	case isTaken:
		k.bad(key(route), "", "route %q is defined already", name)
	default:
		k.names[name] = route
	}
}

// hasOwnSuffix reports whether name ends as a service of relayhost's own does beside
// that of its route.
func hasOwnSuffix(name string) bool {
	return slices.ContainsFunc(ownSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

var ownSuffixes = func() []string {
	list := []string{ProxySuffix, ImplicitSuffix}
	for _, bridge := range []string{OAuthSuffix, WalkSuffix, HTTPSSuffix} {
		list = append(list, bridge, bridge+OutSuffix, bridge+ServiceSuffix)
	}
	return list
}()

// bareName is name without what a service or its tlsproxy(8) gets at its end: a
// relay "corp-tls" and a route "corp" would have entries of one name.
func bareName(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ProxySuffix), ImplicitSuffix)
	for _, suffix := range []string{OAuthSuffix, HTTPSSuffix, WalkSuffix} {
		name = strings.TrimSuffix(strings.TrimSuffix(name, suffix+OutSuffix), suffix)
	}
	return name
}

func (k *checker) sender(at taken, sender string) {
	if !IsSender(sender) || strings.Contains(sender, "*") {
		// An asterisk is a character of addresses (RFC 5322, 3.2.3), and never meant so.
		k.bad(at.key(), "", "sender %q is neither a domain, .domain, an address nor <>", sender)
		return
	}
	folded := strings.ToLower(sender)
	before, isTaken := k.senders[folded]
	if !isTaken {
		k.senders[folded] = at
		return
	}
	if line := k.c.line(before.key()); line > 0 {
		k.bad(at.key(), "", "sender %s is in a route already, in line %d", sender, line)
		return
	}
	k.bad(at.key(), "", "sender %s is in the route %s already", sender, k.c.Routes[before.route].Name)
}

// IsSender reports whether s is in one of the forms of Route.Senders.
func IsSender(s string) bool {
	if s == NullSender {
		return true
	}
	if strings.Contains(s, "@") {
		return mailaddr.IsAddress(s) && s[0] != '#' // which begins a comment
	}
	return mailaddr.IsDomain(strings.TrimPrefix(s, "."))
}

// hop checks one hop by itself.
func (k *checker) hop(route, n int, h *Hop) {
	at := func(value string) string { return Key(route, n, value) }
	switch {
	case h.RelayFile != "" && !path.IsAbs(h.RelayFile):
		k.bad(at("relay"), "", "%q is not an absolute path", h.RelayFile)
	case h.Relay.ID != "" && !isWord(h.Relay.ID):
		k.bad(at("relay"), "", "%q is not a name of letters, digits and hyphens", h.Relay.ID)
	}
	k.where(at, h)
	k.account(at, h)
	k.certificate(at, h)
	if h.Connections < 0 || h.Connections > maxConnections {
		k.bad(at("connections"), "leave it out to use what the relay documents", "%d is not a number from 1 to %d", h.Connections, maxConnections)
	}
}

// where checks host, port and TLS of a hop.
func (k *checker) where(at func(string) string, h *Hop) {
	switch {
	case h.Host == "" && k.complete:
		k.bad(at("host"), "name a region with --region, or the host with --smarthost", "the relay's host name is missing")
	case h.Host != "" && !mailaddr.IsHost(h.Host):
		k.bad(at("host"), "write it as in smtp.example.com, without brackets and port", "%q is not a host name or address", h.Host)
	}
	if h.Port < 0 || h.Port > 65535 || h.Port == 0 && k.complete {
		k.bad(at("port"), "ports are numbers from 1 to 65535", "%d is not a port", h.Port)
	}
	switch {
	case h.Plaintext():
		k.plaintext(at, h)
	case h.TLS == relays.StartTLS || h.TLS == relays.Implicit || h.TLS == "" && !k.complete:
	case k.complete:
		k.bad(at("tls"), "probe the port, or choose one that the service documents", "it is not known how TLS starts on port %d", h.Port)
	case h.TLS != relays.Unsure:
		k.bad(at("tls"), "", "tls is starttls or implicit, not %q", h.TLS)
	}
	if h.TLS != "" && !h.Plaintext() && h.Port == 0 && k.asRead {
		k.bad(at("tls"), "", "tls has no meaning without a port: give the port, or leave tls out")
	}
}

// plaintext checks a hop without TLS: what goes there can be read by everybody in
// between, so it is for networks of one's own and never for a password.
func (k *checker) plaintext(at func(string) string, h *Hop) {
	const key = "insecure_plaintext"
	addr, err := netip.ParseAddr(h.Host)
	switch {
	case k.asRead && k.c.line(at("tls")) > 0:
		k.bad(at("tls"), "leave tls out", "a hop without TLS has %s = true and no tls", key)
	case h.Relay.ID != "" && h.Relay.ID != relays.SmarthostID:
		k.bad(at(key), "leave it out", "it is for a relay of your own (--smarthost): %s has TLS", cmp.Or(h.Relay.Name, h.Relay.ID))
	case err == nil && !Private(addr):
		k.bad(at(key), "have the relay offer TLS, or reach it through a tunnel", "%s is a public address: mail goes there with TLS only", h.Host)
	case h.NeedsLogin() || h.CredentialsFile != "":
		k.bad(at(key), "have the relay offer TLS, or let it know this host by its address and leave the credentials out", "no password goes over a connection without TLS")
	case h.CAFile != "" || h.Pin != "" || h.NoVerify:
		k.bad(at(key), "leave the certificate's options out", "without TLS there is no certificate to verify")
	}
}

// Private reports whether an address is on this host, on a link, on a private
// network (RFC 1918, RFC 4193), or in the block that VPNs and carriers number their
// own machines from (RFC 6598): where a hop may have no TLS.
func Private(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

// account checks user name and password, once they are known.
func (k *checker) account(at func(string) string, h *Hop) {
	if h.CredentialsFile != "" && !path.IsAbs(h.CredentialsFile) {
		k.bad(at("credentials_file"), "", "%q is not an absolute path", h.CredentialsFile)
	}
	if !k.accounts || !h.NeedsLogin() {
		return
	}
	if h.ByAPI() {
		k.apiAccount(at, h)
		return
	}
	if h.Bridged() {
		k.application(at, h)
		return
	}
	switch msg := unstorable(h.Username, maxUsername); {
	case h.Username == "":
		k.bad(at("username"), "give it with --username or in the file of --credentials-file", "no user name was given")
	case msg != "":
		k.bad(at("username"), "", "%s", msg)
	case strings.Contains(h.Username, ":"):
		k.bad(at("username"), "use a user name without one", "it holds a colon, at which Postfix would cut it off")
	}
	switch msg := unstorable(h.Password.Reveal(), maxPassword); {
	case h.Password.IsZero():
		k.bad(at("credentials_file"), "give it in the file of --credentials-file, or on standard input with --credentials-file -", "no password was given")
	case msg != "":
		k.bad(at("credentials_file"), "make a new password at the service", "the password cannot be stored: %s", msg)
	}
}

// certificate checks how the relay's certificate is verified.
func (k *checker) certificate(at func(string) string, h *Hop) {
	if h.CAFile != "" && (!path.IsAbs(h.CAFile) || path.Clean(h.CAFile) != h.CAFile || strings.Trim(h.CAFile, lower+upper+digits+"/._+-") != "") {
		k.bad(at("ca_file"), "", "%q is not an absolute path of plain characters", h.CAFile)
	}
	if h.Pin == "" {
		return
	}
	if _, err := Fingerprint(h.Pin); err != nil {
		k.bad(at("fingerprint"), "openssl x509 -noout -fingerprint -sha256 prints it", "%v", err)
	}
	if h.NoVerify {
		k.bad(at("fingerprint"), "", "a fingerprint and no verification exclude each other")
	}
}

// beside holds a hop against those before it: one smtp(8) process has to be able
// to speak to all hops of a route, and tables are keyed by the next hop alone. A bridge
// has a connection of its own kind to each.
func (k *checker) beside(route, n int, hops []Hop) {
	at := func(value string) string { return Key(route, n, value) }
	first, h := &hops[0], &hops[n]
	switch {
	case (Route{Hops: hops}).Walked():
	case first.Port != 0 && h.Port != 0 && h.TLS != first.TLS:
		k.bad(at("port"), "give both hops ports of one kind, such as 587 and 2525, or 465 and 2465",
			"port %d of %s has %s, and the first hop %s: one smtp(8) process does one of the two", h.Port, h.Host, tlsWord(h.TLS), tlsWord(first.TLS))
	case h.CAFile != first.CAFile:
		k.bad(at("ca_file"), "", "the hops of one route are verified by one CA file, and %s would have another: name one file that holds both", h.Host)
	case h.Pin != first.Pin || h.NoVerify != first.NoVerify:
		k.bad(at("fingerprint"), "", "the hops of one route are verified in one way, and %s would be verified in another", h.Host)
	}
	if h.Port == 0 {
		return // not known yet
	}
	key := h.NextHop()
	if slices.ContainsFunc(hops[:n], func(o Hop) bool { return o.NextHop() == key && o.Via == h.Via }) {
		k.bad(at("port"), "", "%s port %d is in this route already", h.Host, h.Port)
	}
	if other, known := k.hops[key]; known && k.complete && !h.Bridged() && !other.Bridged() && (other.TLS != h.TLS || other.Pin != h.Pin || other.NoVerify != h.NoVerify) {
		k.bad(at("fingerprint"), "", "the certificate of %s is verified in another way in another route", key)
	}
	k.hops[key] = h
}

// CheckDomain fails, as an [InputError] on direct, with what is wrong with a domain
// of Config.Direct.
func CheckDomain(d string) error {
	if !mailaddr.IsHost(strings.TrimPrefix(d, ".")) {
		return &InputError{"direct", fmt.Sprintf("%q is not a domain", d), "write it as in example.com, or .example.com for all below it"}
	}
	return nil
}

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

// CheckAddress refuses, as an [InputError] on field, what Validate would refuse as a
// sender or recipient, so that it is told at the question.
func CheckAddress(field, addr string) error {
	if !mailaddr.IsAddress(addr) {
		return &InputError{field, fmt.Sprintf("%q is not an address", addr), "write it as in alerts@example.com"}
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

// Fingerprint returns a SHA-256 fingerprint the way Postfix compares it: upper
// case pairs separated by colons (smtp_tls_fingerprint_cert_match).
func Fingerprint(pin string) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(pin, ":", ""))
	if err != nil || len(raw) != 32 {
		return "", fmt.Errorf("%q is not a SHA-256 fingerprint of 32 bytes in hexadecimal", pin)
	}
	return strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", raw)), " ", ":"), nil
}

package detect

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"relayhost/relays"
)

// operator of mail exchangers that take connections from everybody. Greeting
// holds the domains that its exchangers greet with.
type operator struct {
	name     string
	targets  []string // domains of names that belong to it
	greeting []string
}

var operators = []operator{
	{"google", []string{".google.com", ".googlemail.com", ".gmail.com"}, []string{".google.com"}},
	{"microsoft", []string{".outlook.com", ".office365.com", ".microsoft.com"}, []string{".outlook.com", ".microsoft.com", ".hotmail.com"}},
	{"yahoo", []string{".yahoodns.net", ".yahoo.com"}, []string{".yahoo.com", ".yahoodns.net", ".yahoo.net"}},
}

// DefaultTargets are mail exchangers of three large operators, which take
// connections from everybody. An internet provider's own exchanger would lie:
// Cox, Telekom and Time Warner exempt theirs from the block.
var DefaultTargets = []string{
	"gmail-smtp-in.l.google.com",
	"outlook-com.olc.protection.outlook.com",
	"mta5.am0.yahoodns.net",
}

// Endpoint is a host and port that is connected to besides port 25.
type Endpoint struct {
	Host  string
	Port  int
	TLS   relays.TLSMode // "" is a plain TCP connect
	Relay string         // id of the relay service that it belongs to, if any
}

// Controls are hosts of the operators of DefaultTargets on a port that nearly
// no network closes. Mail exchangers themselves answer on 25 only.
var Controls = []Endpoint{
	{Host: "www.google.com", Port: 443},
	{Host: "outlook.office365.com", Port: 443},
}

// SubmissionControls say, where no relay was named, which submission ports get
// out at all: one host each. They are controls for port 25, too.
var SubmissionControls = []Endpoint{
	{Host: "smtp.gmail.com", Port: 587, TLS: relays.StartTLS, Relay: "gmail"},
	{Host: "smtp.mail.yahoo.com", Port: 465, TLS: relays.Implicit, Relay: "yahoo"},
	{Host: "smtp.sendgrid.net", Port: 2525, TLS: relays.StartTLS, Relay: "sendgrid"},
}

// LiteralControls are asked on port 443 only when no name resolves, to tell a
// dead resolver from a dead network: the public resolvers of Google and
// Cloudflare, whose addresses do not change.
var LiteralControls = []string{"8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"}

// CheckTarget refuses what is neither a host name (RFC 1123, section 2.1) nor an
// address.
func CheckTarget(name string) error {
	if _, err := netip.ParseAddr(name); err == nil {
		return nil
	}
	if name = strings.TrimSuffix(name, "."); len(name) <= 253 && hostName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("\"%s\" is neither a host name nor an address", clean(name))
}

var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// operatorOf returns who runs host; an unknown host stands for itself.
func operatorOf(host string) (operator, bool) {
	host = strings.ToLower(host)
	for _, o := range operators {
		if under(host, o.targets) {
			return o, true
		}
	}
	return operator{name: host}, false
}

func under(host string, domains []string) bool {
	for _, d := range domains {
		if strings.HasSuffix("."+strings.TrimSuffix(host, "."), d) {
			return true
		}
	}
	return false
}

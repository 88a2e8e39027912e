// Package templates holds the text that goes to disk. Decisions are made in
// plan; templates only print values, with "if" and "range" and nothing else.
// It imports nothing of ours.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"reflect"
	"sync"
)

//go:embed *.tmpl
var files embed.FS

// Name is one of the templates.
type Name string

// The templates, named after the file that they are for.
const (
	Main            Name = "main.cf.tmpl"        // parameters of main.cf (postconf(5))
	Limits          Name = "limits.cf.tmpl"      // those that are named after a service
	Master          Name = "master.cf.tmpl"      // entries of master.cf (master(5))
	Bridge          Name = "bridge.cf.tmpl"      // those of a bridge
	BridgeUnit      Name = "bridge.service.tmpl" // unit of systemd that runs a bridge
	BridgeSocket    Name = "bridge.socket.tmpl"  // its socket
	BridgeWanted    Name = "bridge.wanted.tmpl"  // drop-in that has the socket opened with the system
	Passwd          Name = "sasl_passwd.tmpl"    // entries of smtp_sasl_password_maps
	TLSPolicy       Name = "tls_policy.tmpl"     // smtp_tls_policy_maps
	Generic         Name = "generic.tmpl"        // smtp_generic_maps (generic(5))
	SenderCanonical Name = "sender.tmpl"         // sender_canonical_maps (canonical(5))
	StatusFilter    Name = "status_filter.tmpl"  // smtp_delivery_status_filter, as regexp_table(5)
	ReplyFilter     Name = "reply_filter.tmpl"   // smtp_reply_filter, as regexp_table(5)
	Transport       Name = "transport.tmpl"      // transport_maps (transport(5))
	BySender        Name = "by_sender.tmpl"      // sender_dependent_default_transport_maps
	Subdomains      Name = "subdomains.tmpl"     // the same, as regexp_table(5)
)

// Data is the whole vocabulary of the templates: one service, and for main.cf
// what holds for all. Every value is ready to print: validated, escaped where
// its file asks for it, "" or 0 when the line is not to be there.
type Data struct {
	RelayName string // "Amazon SES"
	Service   string // name of the smtp(8) entry: "relayhost-ses"
	NextHop   string // "[host]:port" of the first hop
	Login     bool   // some hop asks for a login

	// Values of main.cf that may carry on what was there.
	TransportMaps       string
	SenderTransportMaps string // sender_dependent_default_transport_maps
	SenderCanonicalMaps string
	DelayWarning        string // delay_warning_time, for all mail

	// Limits of the service.
	RecipientLimit     int
	Concurrency        int
	InitialConcurrency int
	RateDelay          string // "2s"

	// Options of the service. Reset lists parameters that main.cf sets and
	// that must not reach the relay's service, with the value that holds there.
	Level             string // secure | fingerprint | encrypt | none
	PolicyMap         string // smtp_tls_policy_maps, where the hops differ
	CertMatch         string // smtp_tls_secure_cert_match
	Pin               string // smtp_tls_fingerprint_cert_match, SHA-256
	ServerName        string // smtp_tls_servername (SNI)
	Protocols         string // smtp_tls_mandatory_protocols; "" where there is no TLS
	CAFile            string
	WrapperMode       bool
	TLSRequired       bool   // this Postfix knows tls_required_enable
	PasswordMap       string // "hash:/etc/postfix/sasl_passwd"
	Unverified        bool   // any certificate will do
	Mechanisms        string // "plain,login"
	SenderAuth        string // smtp_sender_dependent_authentication
	HeloName          string
	GenericMap        string // "lmdb:/etc/postfix/relayhost_generic"
	StatusFilterMap   string
	ReplyFilterMap    string    // of a service with a fallback
	Fallback          string    // smtp_fallback_relay: "[host]:port,[host]:port"
	Timeouts          []Setting // of a service with a fallback
	AddressPreference string    // smtp_address_preference
	CacheDestinations string    // hosts, separated by commas
	TLSProxy          string    // name of the tlsproxy(8) entry; "" leaves reuse off
	ReuseCount        int
	Processes         string // "-" is default_process_limit
	Protocol          string // inet_protocols
	Reset             []Setting
	ProxyReset        []Setting // those that tlsproxy(8) reads as well
	// Of a service that delivers by a bridge: the entry of spawn(8), what it
	// starts, and as whom.
	Bridge, BridgeService, BridgeSocket, BridgeUser, Program string
	BridgeProcesses                                          int
	Unit, MailOwner, QueueDirectory                          string // of a bridge under systemd
	TLSManager, PostLogd                                     bool   // add tlsmgr(8), postlogd(8)

	Policies   []Policy  // of smtp_tls_policy_maps, where the hops of a service differ
	Accounts   []Account // of a password table
	Senders    []Setting // sender and the address or "transport:nexthop" in its place
	Filters    []Filter  // replies that are turned into deferrals
	Transports []Setting // destination and "transport:nexthop"
}

// Policy is the TLS policy of a next hop.
type Policy struct {
	NextHop    string // "[host]:port"
	Level      string // secure | fingerprint | encrypt
	Match      string // match=
	ServerName string // servername= (SNI)
}

// Account is an entry of a password table.
type Account struct {
	Key      string // next hop or sender
	Username string
	Password string // in the clear: only the Passwd template prints it
}

// Setting is a name with its value.
type Setting struct{ Name, Value string }

// Filter is an entry of a regexp table (regexp_table(5)): a POSIX extended
// regular expression, with "/" escaped, for the whole text, and what the text
// becomes.
type Filter struct {
	Comment, Pattern, Result string
}

// Render prints template n with d.
func Render(n Name, d *Data) ([]byte, error) {
	trees, err := parsed()
	if err != nil {
		return nil, err
	}
	tree, ok := trees[string(n)]
	if !ok {
		return nil, fmt.Errorf("render %s: no such template", n)
	}
	var b bytes.Buffer
	if err := printList(&b, tree.Root, reflect.ValueOf(d).Elem()); err != nil {
		return nil, fmt.Errorf("render %s: %w", n, err)
	}
	return b.Bytes(), nil
}

var parsed = sync.OnceValues(parseAll)

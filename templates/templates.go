// Package templates holds the text that goes to disk. Decisions are made in
// plan; templates only print values, with "if" and "range" and nothing else.
// It imports nothing of ours.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"
)

//go:embed *.tmpl
var files embed.FS

var parsed = template.Must(template.New("").Option("missingkey=error").ParseFS(files, "*.tmpl"))

// Name is one of the templates.
type Name string

// The templates, named after the file that they are for.
const (
	Main            Name = "main.cf.tmpl"       // parameters of main.cf (postconf(5))
	Master          Name = "master.cf.tmpl"     // entries of master.cf (master(5))
	Passwd          Name = "sasl_passwd.tmpl"   // one entry of smtp_sasl_password_maps
	TLSPolicy       Name = "tls_policy.tmpl"    // smtp_tls_policy_maps
	Generic         Name = "generic.tmpl"       // smtp_generic_maps (generic(5))
	SenderCanonical Name = "sender.tmpl"        // sender_canonical_maps (canonical(5))
	StatusFilter    Name = "status_filter.tmpl" // smtp_delivery_status_filter, as regexp_table(5)
	Transport       Name = "transport.tmpl"     // transport_maps (transport(5))
)

// Data is the whole vocabulary of the templates. Every value is ready to
// print: validated, escaped where its file asks for it, "" or 0 when the line
// is not to be there.
type Data struct {
	RelayName string // "Amazon SES"
	Service   string // name of the smtp(8) entry: "relayhost-ses"
	Host      string // "email-smtp.eu-west-1.amazonaws.com"
	NextHop   string // "[host]:port"
	Username  string // "" when the relay asks for no login
	Password  string // in the clear: only the Passwd template prints it
	From      string // address that local senders are rewritten to

	// Values of main.cf that may carry on what was there.
	PasswordMaps        string
	PolicyMaps          string
	TransportMaps       string
	SenderCanonicalMaps string
	RecipientLimit      int
	Concurrency         int
	InitialConcurrency  int
	RateDelay           string // "2s"

	// TLS policy of the next hop.
	Level      string // secure | fingerprint | encrypt
	Match      string // match= of the policy
	ServerName string // servername= of the policy (SNI)
	Protocols  string // protocols= of the policy, separated by colons

	// Options of the service. Reset lists parameters that main.cf sets and
	// that must not reach the relay's service, with the value that holds there.
	CAFile               string
	Digest               string // smtp_tls_fingerprint_digest
	WrapperMode          bool
	Mechanisms           string // "plain,login"
	TLSSecurityOptions   string // smtp_sasl_tls_security_options
	HeloName             string
	GenericMap           string // "lmdb:/etc/postfix/relayhost_generic"
	StatusFilterMap      string
	TLSProxy             string // name of the tlsproxy(8) entry; "" leaves reuse off
	ReuseCount           int
	Processes            string // "-" is default_process_limit
	Protocol             string // inet_protocols
	Reset                []Setting
	TLSManager, PostLogd bool // add tlsmgr(8), postlogd(8)

	Senders []string  // keys that are rewritten to From
	Filters []Filter  // replies that are turned into deferrals
	Routes  []Setting // destination and "transport:nexthop"
}

// Setting is a name with its value.
type Setting struct{ Name, Value string }

// Filter is a POSIX extended regular expression for part of a reply and what
// it stands for. Keep leaves the failure permanent.
type Filter struct {
	Comment, Pattern string
	Keep             bool
}

// Render prints template n with d.
func Render(n Name, d Data) ([]byte, error) {
	var b bytes.Buffer
	if err := parsed.ExecuteTemplate(&b, string(n), d); err != nil {
		return nil, fmt.Errorf("render %s: %w", n, err)
	}
	return b.Bytes(), nil
}

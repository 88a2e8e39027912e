// Package relays is the catalogue of relay services: names, ports, credential
// rules, limits and replies, as data in catalog/*.toml, of which builtin.go is
// generated. It does no I/O but reading files of the user's own.
package relays

import (
	"strings"
	"time"
)

// TLSMode says when TLS starts on a port.
type TLSMode string

// The TLS modes of a submission port. Unsure stands where no source says; NoTLS is
// never that of a relay of the catalogue.
const (
	StartTLS TLSMode = "starttls" // RFC 3207, after EHLO
	Implicit TLSMode = "implicit" // RFC 8314, from the first byte
	Unsure   TLSMode = "unsure"
	NoTLS    TLSMode = "none" // in the clear, for a relay of one's own on a private network
)

// The kinds of relay.
const (
	Service = "service" // made for the mail of programs; what a file without a kind is
	Mailbox = "mailbox" // the outgoing server of a person's mailbox: the sender must be the account
)

// Relay is one service. Facts that no source states officially name a source
// whose Confidence says so.
type Relay struct {
	ID      string            `toml:"id" json:"id"`
	Name    string            `toml:"name" json:"name"`
	Kind    string            `toml:"kind,omitempty" json:"kind,omitempty"` // Service or Mailbox; "": Service
	Tier    int               `toml:"tier,omitempty" json:"tier"`           // 1 comes first in every list
	Docs    string            `toml:"docs,omitempty" json:"docs,omitempty"` // where a person reads the settings
	Ends    *Deadline         `toml:"ends,omitempty" json:"ends,omitempty"` // what ends soon, said at the choice
	Free    *Free             `toml:"free,omitempty" json:"free,omitempty"`
	Asks    *Note             `toml:"asks,omitempty" json:"asks,omitempty"`   // what an account needs before mail goes out
	HTTPS   *Note             `toml:"https,omitempty" json:"https,omitempty"` // an HTTP API on port 443 that sends as well; see ViaHTTPS
	Notes   []Note            `toml:"notes,omitempty" json:"notes,omitempty"`
	Hosts   Hosts             `toml:"hosts" json:"hosts"`
	Ports   []Port            `toml:"ports" json:"ports"`
	Order   []int             `toml:"order,omitempty" json:"order,omitempty"` // ports to try where it is not the usual order; see PortOrder
	Auth    Auth              `toml:"auth" json:"auth"`
	EHLO    EHLO              `toml:"ehlo" json:"ehlo"`
	Limits  Limits            `toml:"limits" json:"limits"`
	Sender  Sender            `toml:"sender" json:"sender"`
	DNS     DNS               `toml:"dns" json:"dns"`
	Test    *Test             `toml:"test,omitempty" json:"test,omitempty"`
	Replies []Reply           `toml:"replies,omitempty" json:"replies"`
	API     *API              `toml:"api,omitempty" json:"api,omitempty"`
	Sources map[string]Source `toml:"source" json:"sources"`
}

// Note is a sentence and where it comes from.
type Note struct {
	Text   string `toml:"text" json:"text"`
	Source string `toml:"source,omitempty" json:"source,omitempty"`
}

// Deadline is something that ends: on Date, or "soon" where that is zero. Again
// says how an administrator gets it back, Instead what to use in its place.
type Deadline struct {
	Text    string    `toml:"text" json:"text"`
	Date    time.Time `toml:"date,omitempty" json:"date,omitzero"`
	Again   []string  `toml:"again,omitempty" json:"again,omitempty"`
	Instead string    `toml:"instead,omitempty" json:"instead,omitempty"`
	Source  string    `toml:"source,omitempty" json:"source,omitempty"`
}

// Free is what a service sends without payment.
type Free struct {
	Messages int    `toml:"messages" json:"messages"`
	Per      string `toml:"per" json:"per"` // day | month
	Note     string `toml:"note,omitempty" json:"note,omitempty"`
	Source   string `toml:"source,omitempty" json:"source,omitempty"`
}

// EHLO is what sources say of the SMTP extensions that a service offers or
// lacks, by keyword (RFC 5321 section 4.1.1.1). What is in neither is not known.
type EHLO struct {
	Offers []string `toml:"offers,omitempty" json:"offers,omitempty"`
	Lacks  []string `toml:"lacks,omitempty" json:"lacks,omitempty"`
	Source string   `toml:"source,omitempty" json:"source,omitempty"`
}

// Hosts are the names of a service. Either Default is set, or Pattern with the
// word <region> in it and Region, the anchored expression a region must match.
// Named maps a region's short name to a host ("eu" to smtp.eu.sendgrid.net).
// Accept is an anchored expression for further hosts of the service, which are
// named in full in place of a region (an SES VPC endpoint); a group named
// region in it finds the region. Old names are recognised, never offered.
type Hosts struct {
	Default string            `toml:"default,omitempty" json:"default,omitempty"`
	Pattern string            `toml:"pattern,omitempty" json:"pattern,omitempty"`
	Region  string            `toml:"region,omitempty" json:"region,omitempty"`
	Example string            `toml:"example,omitempty" json:"example,omitempty"` // a region that exists
	Named   map[string]string `toml:"named,omitempty" json:"named,omitempty"`
	Accept  string            `toml:"accept,omitempty" json:"accept,omitempty"`
	Old     []string          `toml:"old,omitempty" json:"old,omitempty"`
	Source  string            `toml:"source,omitempty" json:"source,omitempty"`
	Sources map[string]string `toml:"sources,omitempty" json:"sources,omitempty"` // of a named host, where it is another
}

// Port is one port of a service and how TLS starts there.
type Port struct {
	Port   int     `toml:"port" json:"port"`
	TLS    TLSMode `toml:"tls" json:"tls"`
	Note   string  `toml:"note,omitempty" json:"note,omitempty"`
	Source string  `toml:"source,omitempty" json:"source,omitempty"`
}

// Auth is how one logs in. Mechanisms is empty for a relay that goes by
// address.
type Auth struct {
	Mechanisms []string   `toml:"mechanisms" json:"mechanisms"`
	Username   Credential `toml:"username" json:"username"`
	Password   Credential `toml:"password" json:"password"`
	Optional   bool       `toml:"optional,omitempty" json:"optional,omitempty"` // may go by address instead
	Same       bool       `toml:"same,omitempty" json:"same,omitempty"`         // user name and password are one token
	Derive     string     `toml:"derive,omitempty" json:"derive,omitempty"`     // "ses": SESPassword makes the password from the IAM secret
	Where      string     `toml:"where,omitempty" json:"where,omitempty"`       // link to the page that shows them
	Wrong      []Wrong    `toml:"wrong,omitempty" json:"wrong,omitempty"`
	Source     string     `toml:"source,omitempty" json:"source,omitempty"`
}

// Credential describes one of the two fields in the service's own words.
// Fixed is set where the value is the same for every customer ("apikey").
type Credential struct {
	Label   string `toml:"label" json:"label"`
	Pattern string `toml:"pattern,omitempty" json:"pattern,omitempty"` // anchored at both ends
	Fixed   string `toml:"fixed,omitempty" json:"fixed,omitempty"`
	Strip   string `toml:"strip,omitempty" json:"strip,omitempty"`     // characters shown for reading only, taken out by Normalise
	Example string `toml:"example,omitempty" json:"example,omitempty"` // an invented one of the right form
	Source  string `toml:"source,omitempty" json:"source,omitempty"`
}

// Wrong is a typical wrong paste. Refuse is set only where it cannot be right.
type Wrong struct {
	Field   string `toml:"field" json:"field"` // username | password
	Pattern string `toml:"pattern" json:"pattern"`
	Message string `toml:"message" json:"message"`
	Refuse  bool   `toml:"refuse,omitempty" json:"refuse,omitempty"`
	Source  string `toml:"source,omitempty" json:"source,omitempty"`
}

// Limits of a service. 0 means that no source names one. Sources names the
// source of a single limit by its key, where it is not Source.
type Limits struct {
	MessageBytes          int64             `toml:"message_bytes" json:"message_bytes"` // bytes as on the wire
	Recipients            int               `toml:"recipients" json:"recipients"`       // a message
	Connections           int               `toml:"connections" json:"connections"`     // at once
	MessagesPerConnection int               `toml:"messages_per_connection" json:"messages_per_connection"`
	RatePerSecond         float64           `toml:"rate_per_second" json:"rate_per_second"`                                   // messages
	PerMinute             int               `toml:"per_minute,omitempty" json:"per_minute,omitempty"`                         // messages
	PerHour               int               `toml:"per_hour,omitempty" json:"per_hour,omitempty"`                             // messages
	PerDay                int               `toml:"per_day,omitempty" json:"per_day,omitempty"`                               // messages
	RecipientsPerSession  int               `toml:"recipients_per_session,omitempty" json:"recipients_per_session,omitempty"` // RCPT commands on one connection
	RecipientsPerDay      int               `toml:"recipients_per_day,omitempty" json:"recipients_per_day,omitempty"`
	HeaderBytes           int               `toml:"header_bytes,omitempty" json:"header_bytes,omitempty"`
	Notes                 []Note            `toml:"notes,omitempty" json:"notes,omitempty"`
	Source                string            `toml:"source,omitempty" json:"source,omitempty"`
	Sources               map[string]string `toml:"sources,omitempty" json:"sources,omitempty"`
}

// Sender says which MAIL FROM and From the service accepts.
type Sender struct {
	Rule       string `toml:"rule" json:"rule"`               // verified | account | any
	NullSender string `toml:"null_sender" json:"null_sender"` // MAIL FROM:<> (bounces): accepted | refused | unknown
	Single     bool   `toml:"single,omitempty" json:"single,omitempty"`
	Domain     string `toml:"domain,omitempty" json:"domain,omitempty"` // is a domain of one's own needed: needed | address (one verified address is enough) | none; "": by Rule
	Note       string `toml:"note,omitempty" json:"note,omitempty"`
	Source     string `toml:"source,omitempty" json:"source,omitempty"`
	NullSource string `toml:"null_source,omitempty" json:"null_source,omitempty"` // of NullSender
}

// DNS is what the sender's domain should publish for this service.
type DNS struct {
	SPF    string   `toml:"spf" json:"spf"` // "include:..."; empty: none needed
	DKIM   []Record `toml:"dkim,omitempty" json:"dkim,omitempty"`
	Other  []Record `toml:"other,omitempty" json:"other,omitempty"` // return path, tracking, proof of ownership
	Note   string   `toml:"note,omitempty" json:"note,omitempty"`
	Source string   `toml:"source,omitempty" json:"source,omitempty"`
}

// Record is a DNS record by pattern; words in <> differ by customer.
type Record struct {
	Type   string `toml:"type" json:"type"`
	Name   string `toml:"name" json:"name"`
	Value  string `toml:"value,omitempty" json:"value,omitempty"`
	Source string `toml:"source,omitempty" json:"source,omitempty"`
	// Bounces marks a record of the subdomain that the relay has bounces returned to and
	// does not work without: an MX, a CNAME, or an SPF record.
	Bounces bool `toml:"bounces,omitempty" json:"bounces,omitempty"`
}

// Test is the service's own test recipient or header for SMTP, and what a
// success there does not prove.
type Test struct {
	Recipient string `toml:"recipient,omitempty" json:"recipient,omitempty"`
	Header    string `toml:"header,omitempty" json:"header,omitempty"`
	NotProven string `toml:"not_proven" json:"not_proven"`
	Source    string `toml:"source" json:"source"`
}

// Reply is a reply text of the service, what it means and what helps.
//
// Match is tried against the text without the code. It keeps to what Go and
// POSIX extended expressions (regcomp(3), Postfix regexp tables) have in
// common, but for a leading (?i), so that the same expression can stand in a
// table of smtp_delivery_status_filter.
//
// Scope says whose fault it is. Only "recipient" (this recipient, or this
// message) may bounce; mail that meets "account" (credentials, sender, plan),
// "rate" or "service" waits, whatever the code. Retry says what a person can
// expect: "fix" does not pass until somebody acts, also behind a 4xx code.
type Reply struct {
	ID     string `toml:"id" json:"id"`
	Code   int    `toml:"code,omitempty" json:"code,omitempty"` // as seen or documented; 0: not known
	Match  string `toml:"match" json:"match"`
	Last   string `toml:"last,omitempty" json:"last,omitempty"` // as Match, in the last line of a reply that has several
	At     string `toml:"at,omitempty" json:"at,omitempty"`     // greeting | ehlo | auth | mail | rcpt | data | after; "": not known
	Scope  string `toml:"scope" json:"scope"`                   // account | recipient | rate | service
	Retry  string `toml:"retry" json:"retry"`                   // fix | wait | slow
	Cause  string `toml:"cause" json:"cause"`
	Remedy string `toml:"remedy" json:"remedy"`
	Sample string `toml:"sample,omitempty" json:"sample,omitempty"`
	Source string `toml:"source,omitempty" json:"source,omitempty"`
	// Inherited marks one of the generic replies, which stands in where a
	// service has none of its own.
	Inherited bool `toml:"-" json:"inherited,omitempty"`
}

// Source is where a fact was read, when, and how far it can be trusted. Where
// says what an address alone does not: the place on the page, or what kind of
// files a fact was seen in when there is no single address.
type Source struct {
	URL        string    `toml:"url,omitempty" json:"url,omitempty"`
	Where      string    `toml:"where,omitempty" json:"where,omitempty"`
	AsOf       string    `toml:"as_of,omitempty" json:"as_of,omitempty"` // the date that the source itself bears
	Checked    time.Time `toml:"checked" json:"checked"`
	Confidence string    `toml:"confidence" json:"confidence"` // official | observed | secondary | recalled | unsure
}

// SenderRule says in a sentence which senders the relay accepts.
func (r Relay) SenderRule() string {
	switch {
	case r.Sender.Note != "":
		return r.Name + ": " + strings.TrimSuffix(r.Sender.Note, ".") + "."
	case r.ID == SmarthostID:
		return r.Name + ": setup tests whether it accepts the address."
	case r.Sender.Rule == "any":
		return r.Name + " accepts any sender."
	default:
		return r.Name + " accepts only senders that it has verified."
	}
}

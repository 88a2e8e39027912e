// Package relays is the catalogue of relay services: names, ports, credential
// rules, limits and replies, as data in catalog/*.toml. It does no I/O but
// reading those files and the user's own, and imports nothing of ours.
package relays

import "time"

// TLSMode says when TLS starts on a port.
type TLSMode string

// The TLS modes of a submission port. Unsure stands where no source says.
const (
	StartTLS TLSMode = "starttls" // RFC 3207, after EHLO
	Implicit TLSMode = "implicit" // RFC 8314, from the first byte
	Unsure   TLSMode = "unsure"
)

// Relay is one service. Facts that no source states officially name a source
// whose Confidence says so.
type Relay struct {
	ID      string            `toml:"id" json:"id"`
	Name    string            `toml:"name" json:"name"`
	Docs    string            `toml:"docs" json:"docs"`
	Ends    string            `toml:"ends,omitempty" json:"ends,omitempty"` // what ends soon, said at the choice
	Notes   []string          `toml:"notes,omitempty" json:"notes,omitempty"`
	Hosts   Hosts             `toml:"hosts" json:"hosts"`
	Ports   []Port            `toml:"ports" json:"ports"`
	Order   []int             `toml:"order,omitempty" json:"order"` // ports to try, in this order
	Auth    Auth              `toml:"auth" json:"auth"`
	Limits  Limits            `toml:"limits" json:"limits"`
	Sender  Sender            `toml:"sender" json:"sender"`
	DNS     DNS               `toml:"dns" json:"dns"`
	Test    *Test             `toml:"test,omitempty" json:"test,omitempty"`
	Replies []Reply           `toml:"replies,omitempty" json:"replies"`
	Sources map[string]Source `toml:"source" json:"sources"`
}

// Hosts are the names of a service. Either Default is set, or Pattern with the
// word <region> in it and Region, the anchored expression a region must match.
// Named maps a region's short name to a host ("eu" to smtp.eu.sendgrid.net).
type Hosts struct {
	Default string            `toml:"default,omitempty" json:"default,omitempty"`
	Pattern string            `toml:"pattern,omitempty" json:"pattern,omitempty"`
	Region  string            `toml:"region,omitempty" json:"region,omitempty"`
	Example string            `toml:"example,omitempty" json:"example,omitempty"` // a region that exists
	Named   map[string]string `toml:"named,omitempty" json:"named,omitempty"`
	Source  string            `toml:"source,omitempty" json:"source,omitempty"`
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
	Same       bool       `toml:"same,omitempty" json:"same,omitempty"` // user name and password are one token
	Derive     string     `toml:"derive,omitempty" json:"derive,omitempty"`
	Where      string     `toml:"where,omitempty" json:"where,omitempty"` // link to the page that shows them
	Wrong      []Wrong    `toml:"wrong,omitempty" json:"wrong,omitempty"`
	Source     string     `toml:"source,omitempty" json:"source,omitempty"`
}

// Credential describes one of the two fields in the service's own words.
// Fixed is set where the value is the same for every customer ("apikey").
type Credential struct {
	Label   string `toml:"label" json:"label"`
	Pattern string `toml:"pattern,omitempty" json:"pattern,omitempty"` // anchored at both ends
	Fixed   string `toml:"fixed,omitempty" json:"fixed,omitempty"`
}

// Wrong is a typical wrong paste. Refuse is set only where it cannot be right.
type Wrong struct {
	Field   string `toml:"field" json:"field"` // username | password
	Pattern string `toml:"pattern" json:"pattern"`
	Message string `toml:"message" json:"message"`
	Refuse  bool   `toml:"refuse,omitempty" json:"refuse,omitempty"`
	Source  string `toml:"source,omitempty" json:"source,omitempty"`
}

// Limits of a service. 0 means that it documents none.
type Limits struct {
	MessageBytes          int64    `toml:"message_bytes" json:"message_bytes"` // bytes as on the wire
	Recipients            int      `toml:"recipients" json:"recipients"`       // a message
	Connections           int      `toml:"connections" json:"connections"`     // at once
	MessagesPerConnection int      `toml:"messages_per_connection" json:"messages_per_connection"`
	RatePerSecond         float64  `toml:"rate_per_second" json:"rate_per_second"` // messages
	HeaderBytes           int      `toml:"header_bytes,omitempty" json:"header_bytes,omitempty"`
	Notes                 []string `toml:"notes,omitempty" json:"notes,omitempty"`
	Source                string   `toml:"source,omitempty" json:"source,omitempty"`
}

// Sender says which MAIL FROM and From the service accepts.
type Sender struct {
	Rule       string `toml:"rule" json:"rule"`               // verified | account | any
	NullSender string `toml:"null_sender" json:"null_sender"` // accepted | refused | unknown
	Single     bool   `toml:"single,omitempty" json:"single,omitempty"`
	Note       string `toml:"note,omitempty" json:"note,omitempty"`
	Source     string `toml:"source,omitempty" json:"source,omitempty"`
}

// DNS is what the sender's domain should publish for this service.
type DNS struct {
	SPF    string   `toml:"spf" json:"spf"` // "include:..."; empty: none needed
	DKIM   []Record `toml:"dkim,omitempty" json:"dkim,omitempty"`
	Note   string   `toml:"note,omitempty" json:"note,omitempty"`
	Source string   `toml:"source,omitempty" json:"source,omitempty"`
}

// Record is a DNS record by pattern; words in <> differ by customer.
type Record struct {
	Type  string `toml:"type" json:"type"`
	Name  string `toml:"name" json:"name"`
	Value string `toml:"value,omitempty" json:"value,omitempty"`
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
type Reply struct {
	ID     string `toml:"id" json:"id"`
	Match  string `toml:"match" json:"match"` // against the text without the code
	At     string `toml:"at" json:"at"`       // greeting | ehlo | auth | mail | rcpt | data | after
	Scope  string `toml:"scope" json:"scope"` // account | recipient | rate | service
	Retry  string `toml:"retry" json:"retry"` // fix | wait | slow
	Cause  string `toml:"cause" json:"cause"`
	Remedy string `toml:"remedy" json:"remedy"`
	Sample string `toml:"sample,omitempty" json:"sample,omitempty"`
	Source string `toml:"source,omitempty" json:"source,omitempty"`
}

// Source is where a fact was read, when, and how far it can be trusted.
type Source struct {
	URL        string    `toml:"url" json:"url"`
	Checked    time.Time `toml:"checked" json:"checked"`
	Confidence string    `toml:"confidence" json:"confidence"` // official | observed | secondary | recalled | unsure
}

package smtpd

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"relayhost/internal/secret"
)

// Step is a point of the dialogue at which the service can be told what to say.
type Step string

// The steps, in the order of the dialogue.
const (
	StepGreeting Step = "greeting"
	StepEHLO     Step = "ehlo" // EHLO; HELO still works
	StepHELO     Step = "helo"
	StepSTARTTLS Step = "starttls" // the command, before any handshake
	StepAuth     Step = "auth"     // after the credentials have been read
	StepMail     Step = "mail"
	StepRcpt     Step = "rcpt"
	StepData     Step = "data"    // the command
	StepMessage  Step = "message" // after the final dot
)

// Account may log in.
type Account struct {
	Username string
	Password secret.Value
}

// Reply is an SMTP reply (RFC 5321 4.2). The zero Code is no reply at all:
// the connection is closed without a word.
type Reply struct {
	Code     int
	Enhanced string // enhanced status code (RFC 3463) such as "5.7.1"; may be ""
	Text     string // a line end starts another reply line
	Close    bool   // close the connection after it
}

// Envelope is what a message's hook is asked about.
type Envelope struct {
	From, Username string
	To             []string
	Data           []byte
}

// Config is the behaviour of a service. The zero value of each field is the
// behaviour of an ordinary submission service without an account.
type Config struct {
	Name     string      // host name in greeting and EHLO reply; "" is "localhost"
	Greeting string      // text after 220; "" is "<Name> ESMTP"
	TLS      *tls.Config // nil: neither STARTTLS nor implicit TLS

	NoSTARTTLS     bool // STARTTLS is neither offered nor taken
	Accounts       []Account
	Mechanisms     []string // offered; nil: PLAIN and LOGIN; any other always fails
	AuthWithoutTLS bool     // AUTH is offered and taken on a plain connection
	NoAuth         bool     // mail is taken without AUTH, as a mail exchanger does

	// Token says what is wrong with a bearer token, nil if nothing; when it is set,
	// XOAUTH2 is offered. TokenChallenge words the refusal as one more challenge, as
	// Google does; Microsoft refuses at once.
	Token          func(user, token string) *Reply
	TokenChallenge string

	// Sender, Recipient and Message say what is not taken; nil functions
	// and nil replies take all. Recipient is told the sender too.
	Sender    func(from string) *Reply
	Recipient func(from, to string) *Reply
	Message   func(Envelope) *Reply

	Replies map[Step]Reply         // said in place of the service's own
	Delays  map[Step]time.Duration // waited before the reply of that step

	Extensions            []string // EHLO keywords; nil: PIPELINING, 8BITMIME, ENHANCEDSTATUSCODES
	MaxBytes              int64    // of a message, announced as SIZE (RFC 1870); 0: 64 MiB, not announced
	MaxRecipients         int      // a message; 0: 1,000
	MaxConnections        int      // at once; 0: no limit
	MessagesPerConnection int      // 421 to the MAIL after the last; 0: no limit

	RecipientsPerConnection int // 452 to the RCPT after the last; 0: no limit

	// Accepted is the reply to the n-th message (from 1) in the words and
	// with the queue id of the service; nil: "250 2.0.0 Ok: queued as <id>".
	Accepted func(n int) Reply
}

const (
	defaultMaxBytes      = 64 << 20
	defaultMaxRecipients = 1000
)

func (c Config) name() string {
	if c.Name == "" {
		return "localhost"
	}
	return c.Name
}

func (c Config) greeting() Reply {
	if r, ok := c.Replies[StepGreeting]; ok {
		return r
	}
	text := c.Greeting
	if text == "" {
		text = c.name() + " ESMTP"
	}
	return Reply{Code: 220, Text: text}
}

// ehlo is the reply to EHLO on a connection that is encrypted or not.
func (c Config) ehlo(encrypted bool) Reply {
	lines := append([]string{c.name()}, c.extensions()...)
	if c.MaxBytes > 0 {
		lines = append(lines, "SIZE "+strconv.FormatInt(c.MaxBytes, 10))
	}
	if c.TLS != nil && !c.NoSTARTTLS && !encrypted {
		lines = append(lines, "STARTTLS")
	}
	if mechs := c.mechanisms(encrypted); len(mechs) > 0 {
		lines = append(lines, "AUTH "+strings.Join(mechs, " "))
	}
	return Reply{Code: 250, Text: strings.Join(lines, "\n")}
}

func (c Config) extensions() []string {
	if c.Extensions == nil {
		return []string{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}
	}
	return c.Extensions
}

// mechanisms are those that this connection may use.
func (c Config) mechanisms(encrypted bool) []string {
	switch {
	case !encrypted && !c.AuthWithoutTLS, c.NoAuth && len(c.Accounts) == 0 && c.Token == nil:
		return nil
	}
	offered := c.Mechanisms
	if offered == nil {
		offered = []string{"PLAIN", "LOGIN"}
	}
	if c.Token != nil && !slices.Contains(offered, xoauth2) {
		offered = append(slices.Clone(offered), xoauth2)
	}
	return offered
}

func (c Config) maxBytes() int64 {
	if c.MaxBytes > 0 {
		return c.MaxBytes
	}
	return defaultMaxBytes
}

func (c Config) maxRecipients() int {
	if c.MaxRecipients > 0 {
		return c.MaxRecipients
	}
	return defaultMaxRecipients
}

func (c Config) accepted(n int) Reply {
	if c.Accepted != nil {
		return c.Accepted(n)
	}
	return Reply{Code: 250, Enhanced: "2.0.0", Text: fmt.Sprintf("Ok: queued as %08X", n)}
}

// clone copies what a change of the configuration could share with a reader.
func (c Config) clone() Config {
	c.Accounts, c.Mechanisms, c.Extensions = slices.Clone(c.Accounts), slices.Clone(c.Mechanisms), slices.Clone(c.Extensions)
	c.Replies, c.Delays = maps.Clone(c.Replies), maps.Clone(c.Delays)
	return c
}

// wire is the reply as it is sent.
func (r Reply) wire() []byte {
	var b strings.Builder
	lines := strings.Split(r.Text, "\n")
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		b.WriteString(strconv.Itoa(r.Code) + sep)
		if r.Enhanced != "" {
			b.WriteString(r.Enhanced + " ")
		}
		b.WriteString(line + "\r\n")
	}
	return []byte(b.String())
}

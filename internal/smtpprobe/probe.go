//go:build unix

package smtpprobe

import (
	"context"
	"crypto/x509"
	"net/netip"
	"time"

	"relayhost/internal/secret"
)

// Step is one step of the dialogue, in the order they are taken.
type Step string

// The steps of a probe.
const (
	StepConnect  Step = "connect"
	StepGreeting Step = "greeting"
	StepEHLO     Step = "ehlo"
	StepSTARTTLS Step = "starttls" // the command and its reply
	StepTLS      Step = "tls"      // handshake, chain and name
	StepEHLOTLS  Step = "ehlo_tls" // the EHLO on the encrypted connection
	StepAuth     Step = "auth"
	StepMail     Step = "mail"
	StepRcpt     Step = "rcpt"
)

// Target says whom to probe and how far.
type Target struct {
	Name     string         // the configured name: SNI, and what the certificate must be for
	Addr     netip.AddrPort // where to connect
	Others   []netip.Addr   // further addresses of Name, each tried where those before fail or have been silent for 250 ms
	Implicit bool           // TLS from the first byte (RFC 8314)
	NoTLS    bool           // in the clear; refused with a Username
	Until    Step           // last step to take; StepEHLO is as far as a port-25 probe goes; "" is StepEHLOTLS
	HELO     string         // this host's name; "" is the address literal of the connection (RFC 5321, section 4.1.3)
	Roots    *x509.CertPool // from the CA file that Postfix will use; nil: nothing verifies
	Pin      string         // SHA-256 fingerprint of the certificate in hex in place of a chain; "" for none
	Username string         // "" skips StepAuth: a relay that goes by address
	Password secret.Value
	Token    secret.Value // in place of Password: log in by XOAUTH2
	MailFrom string       // envelope sender without <>; "" is the null sender
	RcptTo   string
	// Senders are tried after MailFrom on the same connection, each with RcptTo
	// and a RSET before it, up to the first that is refused.
	Senders []string

	ConnectTimeout time.Duration // of the TCP handshakes, all together; 0: StepTimeout
	StepTimeout    time.Duration // 0: 5 s
	Timeout        time.Duration // of the whole probe; 0: 10 s
	UID            int           // connect as this user where > 0 and we are root (per-user firewall rules)

	// GiveUp ends the TCP handshakes when it is closed, with FaultTimeout: what is not
	// connected by then, and within 250 ms of the start, is not waited for. nil is never closed.
	GiveUp <-chan struct{}

	// BeforeAuth is called before the login with what is known so far; the probe
	// waits for it on the open connection, and ends there where it says false. The
	// time that it takes counts in no limit. It may be nil.
	BeforeAuth func(context.Context, Result) bool

	Trace func(Exchange) // called for each line of the dialogue, AUTH already masked; may be nil
}

// Exchange is one line of the dialogue.
type Exchange struct {
	Sent bool   // ours, else theirs
	Line string // sanitised, AUTH masked
}

// Result is how far the dialogue came. Err is nil when Until was reached.
type Result struct {
	Addr netip.AddrPort // the one that Reached and Err are about
	// Lost are the other addresses that have been tried and have not answered: up to then,
	// where Addr did. One that there was no time for is not among them.
	Lost       []Result
	Reached    Step // last step that succeeded; "" if none
	Failed     Step // the step at which it ended; "" if none
	Err        error
	Fault      Fault // what kind of fault Err is
	Code       int   // of the last reply, 0 if none
	Enhanced   string
	Text       string // of the last reply, sanitised, lines joined by " / "
	Sender     string // the sender that was asked for last
	Banner     string // greeting text, sanitised
	Extensions map[string]string
	Masked     bool     // a device in between writes * or X over greeting or capabilities (Cisco PIX "fixup")
	Auth       []string // mechanisms offered on the connection as it ended
	TLSVersion string   // "TLS 1.3"
	// Certificate is the one that the server showed, verified or not; nil before TLS.
	Certificate *x509.Certificate
	Connect     time.Duration // TCP handshake
	Total       time.Duration
}

// Fault names the kind of failure.
type Fault string

// The kinds of failure of a probe.
const (
	FaultNone          Fault = ""
	FaultTimeout       Fault = "timeout"        // silence until the limit
	FaultRefused       Fault = "refused"        // ECONNREFUSED
	FaultReset         Fault = "reset"          // connection dropped in the dialogue
	FaultUnreachable   Fault = "unreachable"    // EHOSTUNREACH: no host, or an administrative ICMP
	FaultNoRoute       Fault = "no_route"       // ENETUNREACH, EADDRNOTAVAIL
	FaultProhibited    Fault = "prohibited"     // EACCES, EPERM: this host forbids it
	FaultReply         Fault = "reply"          // a 4xx or 5xx
	FaultNotSMTP       Fault = "not_smtp"       // the first bytes are HTTP, SSH, TLS, ...
	FaultProtocol      Fault = "protocol"       // malformed, over-long or injected replies
	FaultNoSTARTTLS    Fault = "no_starttls"    // not offered
	FaultTLS           Fault = "tls"            // handshake failed
	FaultUntrusted     Fault = "untrusted"      // chain does not verify
	FaultWrongName     Fault = "wrong_name"     // certificate is for another name
	FaultExpired       Fault = "expired"        // certificate or clock
	FaultNoAuth        Fault = "no_auth"        // no AUTH offered
	FaultNoMechanism   Fault = "no_mechanism"   // neither PLAIN nor LOGIN offered
	FaultInputRejected Fault = "input_rejected" // our own refusal to send a value
)

// Certificate reports whether the handshake worked and the certificate alone is
// what does not verify.
func (f Fault) Certificate() bool {
	return f == FaultUntrusted || f == FaultWrongName || f == FaultExpired
}

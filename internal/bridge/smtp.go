//go:build unix

package bridge

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
)

// The limits of the dialogue with an SMTP server: a little below Postfix's own, so
// that the bridge can still say what happened.
const (
	stepLimit  = 60 * time.Second
	blockLimit = 2 * time.Minute
	doneLimit  = 9 * time.Minute // below lmtp_data_done_timeout, 600 s
)

// patience are the limits of the steps before a message.
type patience struct{ connect, step, login, reply time.Duration }

var (
	patient = patience{30 * time.Second, stepLimit, 90 * time.Second, 4 * time.Minute}
	// impatient is for a server beside which there is another, as for smtp(8) with
	// smtp_fallback_relay.
	impatient = patience{10 * time.Second, 15 * time.Second, 40 * time.Second, time.Minute}
)

// passed are the extensions that the bridge hands through, when the server has
// them.
var passed = []string{"8BITMIME", "SMTPUTF8", "DSN", "SIZE"}

// SMTP is a next hop that is an SMTP server. Connection and login are kept until
// Close, and made again when the server has ended them between two messages.
type SMTP struct {
	hop   Server
	deps  Deps
	s     *smtpprobe.Session
	slot  *slot
	token secret.Value

	offers   []string // Extensions
	used     bool     // a message has gone by this connection
	open     bool     // an envelope has begun
	accepted int      // recipients of the envelope
}

// Server is an SMTP server as a next hop.
type Server struct {
	Host        string
	Port        int
	Implicit    bool // TLS from the first byte (RFC 8314)
	HELO        string
	Username    string
	Password    secret.Value // in place of Token
	Pin         string       // SHA-256 of the certificate in place of a chain
	Roots       *x509.CertPool
	Connections int  // at most, over all processes; 0: no limit
	PerMinute   int  // messages, over all processes; 0: no limit
	NoTLS       bool // in the clear, without login
	Impatient   bool // there is another server to go to
}

func (s Server) limits() patience {
	if s.Impatient {
		return impatient
	}
	return patient
}

// Deps are what a next hop needs of its surroundings.
type Deps struct {
	// Resolve returns the addresses of a host, in the order to try.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Token returns an access token for XOAUTH2; nil: log in by password. refused is
	// the token that the server has refused, if any.
	Token func(ctx context.Context, refused secret.Value) (secret.Value, error)
	// Slots is the directory of the files that count connections.
	Slots string
}

// Connect opens the connection and logs in.
func Connect(ctx context.Context, server Server, deps Deps) (*SMTP, error) {
	h := &SMTP{hop: server, deps: deps}
	return h, h.connect(ctx)
}

func (h *SMTP) connect(ctx context.Context) error {
	slot, err := takeSlot(ctx, h.deps.Slots, h.hop)
	if err != nil {
		return err
	}
	if err := h.logIn(ctx); err != nil {
		slot.free()
		return err
	}
	h.slot, h.used = slot, false
	h.offers = nil
	for _, keyword := range passed {
		if params, ok := h.s.Extension(keyword); ok {
			h.offers = append(h.offers, strings.TrimSpace(keyword+" "+params))
		}
	}
	return nil
}

// logIn tries each address of the server, and a fresh token once where the one at
// hand is refused.
func (h *SMTP) logIn(ctx context.Context) error {
	if h.deps.Token != nil {
		token, err := h.deps.Token(ctx, secret.Value{})
		if err != nil {
			return &SignInError{h.hop.Username, err}
		}
		h.token = token
	}
	result, err := h.dial(ctx)
	if err != nil && h.deps.Token != nil && result.Failed == smtpprobe.StepAuth && result.Fault == smtpprobe.FaultReply {
		token, renewed := h.deps.Token(ctx, h.token)
		if renewed != nil {
			return &SignInError{h.hop.Username, renewed}
		}
		h.token = token
		result, err = h.dial(ctx)
	}
	if err != nil && result.Err != nil {
		return &DialError{result.Failed, result.Fault, err}
	}
	return err
}

func (h *SMTP) dial(ctx context.Context) (smtpprobe.Result, error) {
	addrs, err := h.deps.Resolve(ctx, h.hop.Host)
	if err != nil {
		return smtpprobe.Result{}, fmt.Errorf("look up %s: %w", h.hop.Host, err)
	}
	if len(addrs) == 0 {
		return smtpprobe.Result{}, fmt.Errorf("look up %s: no address", h.hop.Host)
	}
	var first smtpprobe.Result
	limits := h.hop.limits()
	for i, addr := range addrs {
		s, result := smtpprobe.Open(ctx, smtpprobe.Target{
			Name: h.hop.Host, Addr: netip.AddrPortFrom(addr, uint16(h.hop.Port)), Implicit: h.hop.Implicit, Until: smtpprobe.StepAuth, //nolint:gosec // validated as a port
			NoTLS: h.hop.NoTLS, HELO: h.hop.HELO, Roots: h.hop.Roots, Pin: h.hop.Pin, Username: h.hop.Username, Password: h.hop.Password, Token: h.token,
			ConnectTimeout: limits.connect, StepTimeout: limits.step, Timeout: limits.login,
		})
		if result.Err == nil {
			h.s = s
			return result, nil
		}
		if i == 0 {
			first = result
		}
		if result.Failed == smtpprobe.StepAuth || ctx.Err() != nil {
			return result, result.Err // another address would say the same
		}
	}
	return first, first.Err
}

// Extensions are what the server offers of the extensions that are handed through.
func (h *SMTP) Extensions() []string { return h.offers }

// Envelope passes the commands on: together where the server has PIPELINING (RFC
// 2920), else one by one. A connection that turns out to be gone at the first
// command of a message is made again once.
func (h *SMTP) Envelope(ctx context.Context, commands []Command) ([]smtpprobe.Reply, error) {
	if commands[0].Verb == Mail {
		h.Reset() // of an envelope without a message
	}
	fresh := !h.open && commands[0].Verb == Mail
	if fresh {
		if err := paceOf(h.deps.Slots, h.hop).wait(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", h.hop.Host, err)
		}
	}
	replies, err := h.envelope(ctx, commands)
	gone := err != nil && len(replies) == 0
	ended := h.used && len(replies) > 0 && replies[0].Code == 421
	if fresh && (gone || ended) && ctx.Err() == nil {
		h.drop()
		if err := h.connect(ctx); err != nil {
			return nil, err
		}
		replies, err = h.envelope(ctx, commands)
	}
	if err != nil {
		h.drop()
		return nil, fmt.Errorf("%s: %w", h.hop.Host, err)
	}
	return replies, nil
}

func (h *SMTP) envelope(ctx context.Context, commands []Command) ([]smtpprobe.Reply, error) {
	if h.s == nil {
		return nil, io.ErrUnexpectedEOF
	}
	together, limit := 1, h.hop.limits().reply
	if _, ok := h.s.Extension("PIPELINING"); ok {
		together = len(commands)
	}
	var replies []smtpprobe.Reply
	for part := range slices.Chunk(commands, together) {
		lines := make([]string, len(part))
		for i, c := range part {
			lines[i] = c.String()
		}
		if err := h.s.Send(ctx, limit, lines...); err != nil {
			return replies, err
		}
		for _, c := range part {
			r, err := h.s.Read(ctx, limit)
			if err != nil {
				return replies, err
			}
			r, err = h.note(ctx, c, r)
			if err != nil {
				return replies, err
			}
			replies = append(replies, r)
		}
	}
	return replies, nil
}

// note keeps count of the envelope.
func (h *SMTP) note(ctx context.Context, c Command, r smtpprobe.Reply) (smtpprobe.Reply, error) {
	switch {
	case c.Verb == Mail && r.Class() == 2:
		h.open, h.accepted = true, 0
	case c.Verb == Rcpt && r.Class() == 2:
		h.accepted++
	case c.Verb == Data && r.Code == 354 && h.accepted == 0:
		// Allowed by RFC 2920, section 3.1: an empty message, which the server
		// refuses.
		if err := h.s.Write(ctx, stepLimit, []byte(".\r\n")); err != nil {
			return r, err
		}
		refusal, err := h.s.Read(ctx, doneLimit)
		h.open = false
		if err == nil && refusal.Class() < 4 {
			refusal = reply(554, "5.5.1", "no valid recipients")
		}
		return refusal, err
	case c.Verb == Data && r.Code != 354: // the envelope stays at the server until RSET
		if r.Class() < 4 {
			return r, fmt.Errorf("answers DATA with %d", r.Code)
		}
	}
	return r, nil
}

// Message passes the message on. The server's one reply is that of every accepted
// recipient.
func (h *SMTP) Message(ctx context.Context, r io.Reader) ([]smtpprobe.Reply, error) {
	h.open = false
	if err := h.s.Copy(ctx, blockLimit, r); err != nil {
		// A server that refuses half way says why before it hangs up.
		said, gone := h.s.Read(ctx, time.Second)
		h.drop()
		if gone == nil && said.Class() >= 4 {
			return slices.Repeat([]smtpprobe.Reply{said}, h.accepted), nil
		}
		return nil, fmt.Errorf("%s: send the message: %w", h.hop.Host, err)
	}
	answer, err := h.s.Read(ctx, doneLimit)
	if err == nil && answer.Class() != 2 && answer.Class() < 4 {
		err = fmt.Errorf("answers the message with %d", answer.Code)
	}
	if err != nil {
		h.drop()
		return nil, fmt.Errorf("%s: after the message, which may be sent twice: %w", h.hop.Host, err)
	}
	h.used = true
	if answer.Code == 421 {
		h.drop()
	}
	return slices.Repeat([]smtpprobe.Reply{answer}, h.accepted), nil
}

// Reset forgets an envelope that was begun, at the server too.
func (h *SMTP) Reset() {
	if !h.open || h.s == nil {
		return
	}
	h.open = false
	ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
	defer cancel()
	err := h.s.Send(ctx, stepLimit, "RSET")
	if err == nil {
		var r smtpprobe.Reply
		if r, err = h.s.Read(ctx, stepLimit); err == nil && r.Class() != 2 {
			err = errors.New("RSET refused")
		}
	}
	if err != nil {
		h.drop()
	}
}

// Close says good-bye.
func (h *SMTP) Close() {
	if h.s != nil {
		h.s.Close()
		h.s = nil
	}
	h.slot.free()
	h.slot = nil
}

// drop ends a connection that is of no use any more.
func (h *SMTP) drop() {
	if h.s != nil {
		h.s.Abort()
		h.s = nil
	}
	h.slot.free()
	h.slot, h.open = nil, false
}

// String is the command as it is sent.
func (c Command) String() string {
	var line string
	switch c.Verb {
	case Mail:
		line = "MAIL FROM:<" + c.Address + ">"
	case Rcpt:
		line = "RCPT TO:<" + c.Address + ">"
	default:
		return string(c.Verb)
	}
	return strings.Join(append([]string{line}, c.Params...), " ")
}

// SignInError is a login that did not happen because no token could be had.
type SignInError struct {
	Username string
	Err      error
}

func (e *SignInError) Error() string {
	return "no access token for " + e.Username + ": " + e.Err.Error()
}

func (e *SignInError) Unwrap() error { return e.Err }

// DialError is a connection or login that failed.
type DialError struct {
	Step  smtpprobe.Step
	Fault smtpprobe.Fault
	Err   error
}

func (e *DialError) Error() string { return e.Err.Error() }

func (e *DialError) Unwrap() error { return e.Err }

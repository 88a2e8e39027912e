//go:build unix

// Package bridge carries mail to next hops that Postfix does not speak to: SMTP
// servers that want OAuth, and HTTPS APIs. Postfix's lmtp(8) hands each message to
// a process that its spawn(8) has started; the process passes every reply of the
// next hop back, so that queue, retries, bounces and log remain Postfix's own.
// Nothing is acknowledged before the next hop has taken it, and nothing is kept on
// disk but tokens. The package decides nothing about routes.
package bridge

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"net"

	"relayhost/internal/oauth"
	"relayhost/internal/smtpprobe"
)

// Serve answers one connection from Postfix until it ends. open connects to the
// next hop; when that fails, Postfix is told why in place of a greeting. name is
// this host's, for the greeting.
func Serve(ctx context.Context, conn net.Conn, name string, open func(context.Context) (Hop, error)) error {
	d := &dialogue{conn: conn, br: bufio.NewReaderSize(conn, chunk), name: name}
	hop, err := open(ctx)
	if err != nil {
		return d.giveUp(context.WithoutCancel(ctx), err)
	}
	defer hop.Close()
	d.hop = hop
	return d.serve(ctx)
}

// Unavailable is the reply that makes Postfix keep the mail, with the cause in
// words (RFC 5321, section 3.8; RFC 3463). Codes: 4.7.8 a login or sign-in that is
// refused, 4.3.2 all connections in use, 4.3.0 a process that ends, 4.4.1 no answer, 4.7.5 a certificate that
// does not verify, 4.3.5 a configuration that does not work.
func Unavailable(cause error) smtpprobe.Reply {
	enhanced := "4.4.1"
	var busy *BusyError
	var signIn *SignInError
	var config *ConfigError
	var dial *DialError
	switch {
	case errors.As(cause, &config):
		enhanced = "4.3.5"
	case errors.Is(cause, errStale):
		enhanced = "4.3.0"
	case errors.As(cause, &busy):
		enhanced = "4.3.2"
	case errors.As(cause, &signIn):
		enhanced = "4.7.8"
	case errors.As(cause, &dial) && dial.Step == smtpprobe.StepAuth:
		enhanced = "4.7.8"
	case errors.As(cause, &dial) && (dial.Fault.Certificate() || dial.Fault == smtpprobe.FaultTLS || dial.Fault == smtpprobe.FaultNoSTARTTLS):
		enhanced = "4.7.5"
	}
	return reply(421, enhanced, "relayhost: "+smtpprobe.Sanitize(text(cause)))
}

// text is the cause for the log. A sign-in that has ended says so in words, before
// the provider's.
func text(cause error) string {
	var signIn *SignInError
	var refusal *oauth.Refusal
	var walk *WalkError
	if errors.As(cause, &walk) {
		return walk.Error()
	}
	if errors.As(cause, &signIn) && errors.As(cause, &refusal) {
		switch {
		case refusal.Code == "not_signed_in":
			return "nobody has signed in as " + signIn.Username + " yet: run relayhost sign-in"
		case refusal.Final():
			return "the sign-in at " + refusal.Host + " is no longer valid (" + refusal.Code + ": " + refusal.Text + "): " +
				cmp.Or(refusal.Reason().Remedy, "run relayhost sign-in")
		}
	}
	return cause.Error()
}

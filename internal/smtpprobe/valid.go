//go:build unix

package smtpprobe

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"relayhost/internal/mailaddr"
)

// checkHELO allows a host name or an address literal.
func checkHELO(name string) error {
	if literal, ok := strings.CutPrefix(name, "["); ok {
		literal, ok = strings.CutSuffix(strings.TrimPrefix(literal, "IPv6:"), "]")
		if addr, err := netip.ParseAddr(literal); ok && err == nil && addr.Zone() == "" {
			return nil
		}
		return fmt.Errorf("HELO name \"%s\" is no address literal", Sanitize(name))
	}
	if !mailaddr.IsName(name) {
		return fmt.Errorf("%q is not a host name", name)
	}
	return nil
}

// check refuses, before anything is sent, every value of t that could become
// more than the one argument that it is.
func (t Target) check() error {
	if t.NoTLS && t.Username != "" {
		return errors.New("no login is tried without TLS")
	}
	var err error
	if t.HELO != "" {
		err = checkHELO(t.HELO)
	}
	for _, sender := range append([]string{t.MailFrom}, t.Senders...) {
		if sender != "" {
			err = errors.Join(err, mailaddr.CheckPath(sender))
		}
	}
	if t.RcptTo != "" {
		err = errors.Join(err, mailaddr.CheckPath(t.RcptTo))
	} else if t.Until == StepRcpt {
		err = errors.Join(err, errors.New("there is no recipient to ask for"))
	}
	if strings.ContainsAny(t.Username+t.Password.Reveal()+t.Token.Reveal(), "\x00\x01\r\n") {
		err = errors.Join(err, errors.New("user name, password or token contains a line end, NUL or SOH"))
	}
	if err != nil {
		return &faultError{FaultInputRejected, err}
	}
	return nil
}

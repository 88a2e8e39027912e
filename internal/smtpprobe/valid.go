//go:build unix

package smtpprobe

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"relayhost/internal/mailaddr"
)

// CheckAddress reports why addr may not go into MAIL FROM or RCPT TO. It
// allows local-part and domain of dot-atoms (RFC 5321, section 4.1.2) in ASCII
// and nothing else: no quoting, no CR, LF, NUL or ">" that would end the path
// and begin something of the author's choice.
func CheckAddress(addr string) error {
	at := strings.LastIndexByte(addr, '@')
	switch {
	case at < 0:
		return fmt.Errorf("address \"%s\" has no domain", Sanitize(addr))
	case at > 64 || len(addr) > 254:
		return fmt.Errorf("address \"%s\" is too long", Sanitize(addr))
	case !mailaddr.IsLocal(addr[:at]):
		return fmt.Errorf("address \"%s\": the part before @ is not plain", Sanitize(addr))
	}
	if err := checkHost(addr[at+1:]); err != nil {
		return fmt.Errorf("address \"%s\": %w", Sanitize(addr), err)
	}
	return nil
}

// checkHELO allows a host name or an address literal.
func checkHELO(name string) error {
	if literal, ok := strings.CutPrefix(name, "["); ok {
		literal, ok = strings.CutSuffix(strings.TrimPrefix(literal, "IPv6:"), "]")
		if addr, err := netip.ParseAddr(literal); ok && err == nil && addr.Zone() == "" {
			return nil
		}
		return fmt.Errorf("HELO name \"%s\" is no address literal", Sanitize(name))
	}
	return checkHost(name)
}

var errHost = errors.New("is not a host name")

func checkHost(name string) error {
	if !mailaddr.IsName(name) {
		return fmt.Errorf("\"%s\" %w", Sanitize(name), errHost)
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
			err = errors.Join(err, CheckAddress(sender))
		}
	}
	if t.RcptTo != "" {
		err = errors.Join(err, CheckAddress(t.RcptTo))
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

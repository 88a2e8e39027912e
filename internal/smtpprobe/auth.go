//go:build unix

package smtpprobe

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
)

// maxChallenges is how often a server may ask on during AUTH: LOGIN needs two.
const maxChallenges = 2

// auth logs in (RFC 4954) by PLAIN (RFC 4616) or LOGIN (draft-murchison-sasl-
// login), or with a token by XOAUTH2. The dialogue comes here only by way of a
// verified TLS connection.
func (c *client) auth(context.Context) error {
	if !c.target.Token.IsZero() {
		return c.xoauth2()
	}
	user, password := c.target.Username, c.target.Password.Reveal()
	plain := []byte("\x00" + user + "\x00" + password)
	switch {
	case len(c.result.Auth) == 0:
		return faultf(FaultNoAuth, "AUTH is not offered")
	case slices.Contains(c.result.Auth, "PLAIN"):
		// The response goes with the command: one round trip. A server that
		// asks for it all the same gets it once.
		return c.exchange("AUTH PLAIN", plain, plain)
	case slices.Contains(c.result.Auth, "LOGIN"):
		return c.exchange("AUTH LOGIN", nil, []byte(user), []byte(password))
	}
	return faultf(FaultNoMechanism, "of the login mechanisms %q none is PLAIN or LOGIN", c.result.Auth)
}

// exchange sends command with its initial response and then one answer to each
// challenge. Only 235 is success.
func (c *client) exchange(command string, initial []byte, answers ...[]byte) error {
	line := command
	if initial != nil {
		line += " " + base64.StdEncoding.EncodeToString(initial)
	}
	r, err := c.say(line, command+" ***")
	for i := 0; err == nil && r.code == 334; i++ {
		if i == min(len(answers), maxChallenges) {
			return protocolError(fmt.Sprintf("it asks on and on during %s", command))
		}
		r, err = c.say(base64.StdEncoding.EncodeToString(answers[i]), "***")
	}
	if err != nil {
		return err
	}
	return c.expect(r, 235, command)
}

// xoauth2 logs in with a bearer token (Microsoft: Authenticate an IMAP, POP or
// SMTP connection using OAuth; Google: OAuth 2.0 Mechanism). The response follows
// a 334 of its own, since tokens are longer than a command line may be (RFC 4954,
// section 4). Google words a refusal as one more challenge, which wants an empty
// answer.
func (c *client) xoauth2() error {
	if len(c.result.Auth) == 0 {
		return faultf(FaultNoAuth, "AUTH is not offered")
	}
	if !slices.Contains(c.result.Auth, "XOAUTH2") {
		return faultf(FaultNoMechanism, "of the login mechanisms %q none is XOAUTH2", c.result.Auth)
	}
	response := "user=" + c.target.Username + "\x01auth=Bearer " + c.target.Token.Reveal() + "\x01\x01"
	return c.exchange("AUTH XOAUTH2", nil, []byte(response), nil)
}

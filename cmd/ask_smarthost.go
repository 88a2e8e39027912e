package cmd

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// otherServer is the choice of a relay that is in no catalogue.
var otherServer = ui.Option{Value: relays.SmarthostID, Text: "Another SMTP server ..."}

// Smarthost asks for a relay that is in no catalogue, connects to it, and asks again
// until it can be used. What the server shows answers the other questions.
func (q *questions) Smarthost(ctx context.Context, d setup.Discovery, h config.Hop) (config.Hop, bool, error) {
	p, err := q.ask(ctx, "the SMTP server", "--smarthost HOST --port PORT")
	if err != nil {
		return h, false, err
	}
	for again := false; ; again = true {
		if h, err = q.endpoint(ctx, p, d, h, again); err != nil {
			return h, false, err
		}
		if q.flags.noProbe {
			login, err := p.Confirm("Does " + h.Host + " want a login?")
			return h, login, err
		}
		q.progress("connecting to %s port %d", h.Host, h.Port)
		res, err := setup.LookAt(ctx, q.deps(), d, h)
		q.io.Done()
		if ctx.Err() != nil {
			return h, false, context.Cause(ctx)
		}
		if err == nil && res.Fault.Certificate() && res.Certificate != nil && !h.NoVerify {
			trusted, refused := q.trust(p, &h, res)
			if refused != nil {
				return h, false, refused
			}
			if trusted {
				res, err = setup.LookAt(ctx, q.deps(), d, h)
			}
		}
		if err == nil && (res.Err == nil || res.Failed == smtpprobe.StepMail || h.NoVerify && res.Fault.Certificate()) {
			login, err := q.wantsLogin(p, h, res)
			return h, login, err
		}
		if err == nil {
			err = res.Err
		}
		q.complain("", "cannot use "+h.Host+": "+err.Error())
		if res.Fault == smtpprobe.FaultNoSTARTTLS {
			q.io.Tell("  ", "Mail and passwords are sent over TLS only. Choose a port with TLS, or enable STARTTLS on that server.")
		}
	}
}

// endpoint asks for host and port where they are missing, or both again with what was
// answered before as the default.
func (q *questions) endpoint(ctx context.Context, p ui.Prompter, d setup.Discovery, h config.Hop, again bool) (config.Hop, error) {
	var err error
	if h.Host == "" || again {
		h.Pin = "" // of the server before
		h.Host, err = p.Input("SMTP server (host name)", h.Host, func(v string) error {
			switch {
			case !mailaddr.IsHost(v):
				return errors.New("enter a host name such as mail.example.com, without brackets and port")
			case !q.flags.noProbe && noAddress(ctx, d, v):
				return fmt.Errorf("DNS has no address for %s", v)
			}
			return nil
		})
		if err != nil {
			return h, err
		}
	}
	if h.Port == 0 || again {
		preset := "587"
		if h.Port != 0 {
			preset = strconv.Itoa(h.Port)
		}
		port, err := p.Input("Port (587, 465 and 25 are usual)", preset, func(v string) error {
			if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 65535 {
				return errors.New("enter a number from 1 to 65535")
			}
			return nil
		})
		if err != nil {
			return h, err
		}
		h.Port, _ = strconv.Atoi(port)
		h.TLS = relays.UsualTLS(h.Port)
	}
	return h, nil
}

// noAddress reports that DNS knows a host not. One that does not answer is no reason
// to doubt.
func noAddress(ctx context.Context, d setup.Discovery, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, askDNS)
	defer cancel()
	_, _, err := d.Resolver.Addrs(ctx, host)
	return notFound(err)
}

// trust shows a certificate that does not verify, and asks whether it is the right
// one, as ssh does. A CA file that signed it will do as well.
func (q *questions) trust(p ui.Prompter, h *config.Hop, res smtpprobe.Result) (bool, error) {
	q.io.Tell("", "The certificate of %s is not trusted: %s.", h.Host, distrust(res))
	for _, line := range certificateLines(res.Certificate) {
		q.io.Say("  %s", line)
	}
	yes, err := p.Confirm("Is this the right server? Trust this certificate from now on?")
	if err != nil {
		return false, err
	}
	if yes {
		h.Pin, h.CAFile = fingerprint(res.Certificate), ""
		return true, nil
	}
	file, err := p.Input("File with the CA certificate that signed it (Enter to name another server)", "", func(v string) error {
		if v == "" {
			return nil
		}
		_, err := setup.Roots(&q.host.Reader, v)
		return err
	})
	if file != "" {
		h.CAFile, h.Pin = file, ""
	}
	return file != "", err
}

// distrust says why a certificate does not verify.
func distrust(res smtpprobe.Result) string {
	switch {
	case errors.Is(res.Err, smtpprobe.ErrPin):
		return "it is not the one with the fingerprint that was given"
	case res.Fault == smtpprobe.FaultExpired:
		return "it is not valid now"
	case res.Fault == smtpprobe.FaultWrongName:
		return "it is for another name"
	}
	return "it is self-signed or from an unknown CA"
}

// certificateLines are what a person compares.
func certificateLines(c *x509.Certificate) []string {
	names := first(strings.Join(c.DNSNames, ", "), c.Subject.CommonName)
	return []string{
		"subject      " + smtpprobe.Sanitize(first(c.Subject.String(), "(none)")),
		"names        " + smtpprobe.Sanitize(names),
		"issuer       " + smtpprobe.Sanitize(first(c.Issuer.String(), "(none)")),
		"valid        " + c.NotBefore.UTC().Format(time.DateOnly) + " to " + c.NotAfter.UTC().Format(time.DateOnly),
		"SHA-256      " + fingerprint(c),
	}
}

// fingerprint is the SHA-256 of a certificate in hex.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// wantsLogin asks whether to log in, where the server leaves that open.
func (q *questions) wantsLogin(p ui.Prompter, h config.Hop, res smtpprobe.Result) (bool, error) {
	demanded, offered := setup.WantsLogin(res)
	switch {
	case demanded || q.flags.credentialsFile != "" || q.flags.username != "":
		return true, nil
	case !offered:
		return false, nil
	}
	return p.Confirm(h.Host + " offers a login. Log in there?")
}

package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// otherServer is the choice of a relay that is in no catalogue.
var otherServer = ui.Option{Value: relays.SmarthostID, Text: "Another SMTP server ...", Else: true}

// Smarthost asks for a relay that is in no catalogue, connects to it, and asks again
// until it can be used. What the server shows answers the other questions.
func (q *Questions) Smarthost(ctx context.Context, d setup.Discovery, facts *detect.Facts, h config.Hop) (config.Hop, bool, error) {
	p, err := q.ask(ctx, "the SMTP server", "--smarthost HOST --port PORT")
	if err != nil {
		return h, false, err
	}
	for again := false; ; again = true {
		if again {
			q.talk.Forget(askHost, askPort)
		}
		if h, err = endpoint(ctx, q.Terminal, p, d, h, again); err != nil {
			return h, false, err
		}
		if q.Request.NoProbe {
			login, err := p.Confirm("Does " + h.Host + " want a login?")
			return h, login, err
		}
		q.Deps.Report.Step("connecting to %s port %d", h.Host, h.Port)
		res, err := setup.LookAt(ctx, q.Deps, d, h)
		q.IO.Done()
		if ctx.Err() != nil {
			return h, false, context.Cause(ctx)
		}
		trusted := false
		if err == nil && res.Fault.Certificate() && res.Certificate != nil && !h.NoVerify {
			if trusted, err = q.trust(&h, res); err != nil {
				return h, false, err
			}
		}
		if trusted {
			res, err = setup.LookAt(ctx, q.Deps, d, h)
		}
		if err == nil && (res.Err == nil || res.Failed == smtpprobe.StepMail || h.NoVerify && res.Fault.Certificate()) {
			login, err := wantsLogin(q.Terminal, p, h, res)
			return h, login, err
		}
		q.Complain("", "cannot use "+h.Host+": "+cmp.Or(err, unusable(h, res)).Error())
		blocked := blocked25(h, facts, res)
		if blocked {
			h.Port = 0
			q.talk.ForgetSecret(askPort) // which would be offered again
		}
		if help := helpFor(blocked, res); help != "" {
			q.IO.Tell("  ", "%s", help)
		}
	}
}

// blocked25 reports whether h was not reached because this server's port 25 is blocked.
func blocked25(h config.Hop, facts *detect.Facts, res smtpprobe.Result) bool {
	return h.Port == 25 && res.Failed == smtpprobe.StepConnect && facts != nil &&
		slices.Contains([]detect.Verdict{detect.Blocked, detect.Refused, detect.Prohibited}, facts.Port25.Verdict)
}

// helpFor says what helps where a server cannot be used, "" where nothing is known to.
func helpFor(blocked25 bool, res smtpprobe.Result) string {
	switch {
	case blocked25:
		return "Port 25 is blocked for this server. Ask for the submission port of that server: 587 and 465 are usual."
	case res.Fault == smtpprobe.FaultNoSTARTTLS:
		return "Mail and passwords are sent over TLS only. Choose a port with TLS, or enable STARTTLS on that server."
	}
	return ""
}

// unusable is what keeps a server from being used.
func unusable(h config.Hop, res smtpprobe.Result) error {
	switch {
	case res.Fault.Certificate():
		return errors.New("its certificate is not trusted: " + res.Distrust())
	case res.Failed == smtpprobe.StepConnect && res.Fault == smtpprobe.FaultTimeout:
		return fmt.Errorf("no answer on port %d", h.Port)
	case res.Failed == smtpprobe.StepConnect && res.Fault == smtpprobe.FaultRefused:
		return fmt.Errorf("port %d refuses the connection", h.Port)
	}
	return res.Err
}

// endpoint asks for host and port where they are missing, or both again with what was
// answered before as the default.
func endpoint(ctx context.Context, t Terminal, p ui.Prompter, d setup.Discovery, h config.Hop, again bool) (config.Hop, error) {
	var err error
	if h.Host == "" || again {
		h.Pin = "" // of the server before
		h.Host, err = p.Input(askHost, h.Host, func(v string) error {
			switch {
			case !mailaddr.IsHost(v):
				return errors.New("enter a host name such as mail.example.com, without brackets and port")
			case !t.Request.NoProbe && d.Resolver.NoAddress(ctx, v):
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
		port, err := p.Input(askPort, preset, func(v string) error {
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

// trust shows a certificate that does not verify, and asks whether it is the right
// one, as ssh does. A CA file that signed it will do as well. What is trusted is no
// answer that another run may take up.
func (q *Questions) trust(h *config.Hop, res smtpprobe.Result) (bool, error) {
	pin := smtpprobe.Fingerprint(res.Certificate)
	if q.trusted == h.Host+" "+pin { // before somebody went back
		h.Pin, h.CAFile = pin, ""
		return true, nil
	}
	q.IO.Tell("", "The certificate of %s is not trusted: %s.", h.Host, res.Distrust())
	for _, line := range smtpprobe.CertificateLines(res.Certificate) {
		q.IO.Say("  %s", line)
	}
	q.IO.Tell("", "If you have a file with the CA certificate of your company, answer n and name it.")
	for {
		yes, err := q.talk.Prompter.Confirm("Is this the right server? Trust this certificate from now on?")
		if err != nil {
			return false, err
		}
		if yes {
			q.trusted = h.Host + " " + pin
			h.Pin, h.CAFile = pin, ""
			return true, nil
		}
		file, err := q.talk.Prompter.Input("CA certificate file (Enter: another server)", "", func(v string) error {
			if v == "" {
				return nil
			}
			_, err := setup.Roots(&q.Deps.Host.Reader, v)
			return err
		})
		if errors.Is(err, ui.ErrBack) {
			continue
		}
		if file != "" {
			h.CAFile, h.Pin = file, ""
		}
		return file != "", err
	}
}

// wantsLogin asks whether to log in, where the server leaves that open.
func wantsLogin(t Terminal, p ui.Prompter, h config.Hop, res smtpprobe.Result) (bool, error) {
	demanded, offered := setup.WantsLogin(res)
	switch {
	case demanded || t.Request.CredentialsFile != "" || t.Request.Username != "":
		return true, nil
	case !offered:
		return false, nil
	}
	return p.Confirm(h.Host + " offers a login. Log in there?")
}

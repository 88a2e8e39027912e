package setup

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// smarthost is a hop by a relay that is in no catalogue. On a terminal a new one is
// completed by questions: what the server shows answers most of them.
func smarthost(ctx context.Context, d Discovery, req Request, ask Asker) (h config.Hop, err error) {
	stored := config.Hop{}
	if d.Before.Relay.ID == relays.SmarthostID {
		stored = d.Before
	}
	h = config.Hop{Host: first(req.Smarthost, stored.Host)}
	same := stored.Host != "" && strings.EqualFold(stored.Host, h.Host)
	if same {
		h.Port, h.TLS = stored.Port, stored.TLS
	}
	if req.Port != 0 {
		h.Port, h.TLS = req.Port, relays.UsualTLS(req.Port)
	}
	if req.Plaintext {
		h.TLS = relays.NoTLS
	}
	_, _, known := plan.Credentials(d.State, stored.NextHop())
	login := req.CredentialsFile != "" || req.Username != "" || credentialOfSystemd() != "" ||
		known && same && !h.Plaintext() // those of another relay say nothing of this one
	switch {
	case !same && ask != nil && ask.Can():
		h.CAFile, h.Pin, h.NoVerify = req.CAFile, req.Fingerprint, req.Given.NoVerify
		wants := false
		if h, wants, err = ask.Smarthost(ctx, d, h); err != nil {
			return h, err
		}
		login = login || wants
	case h.Port == 0:
		return h, UsageError{errors.New("a smarthost needs its port"), "give --port, e.g. --port 587"}
	}
	h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, login)
	return h, nil
}

// LookAt connects to a relay that is in no catalogue, without a login, as far as MAIL:
// the Result has its certificate and its AUTH mechanisms.
func LookAt(ctx context.Context, deps Deps, d Discovery, h config.Hop) (res smtpprobe.Result, err error) {
	v4, v6, err := d.Resolver.Addrs(ctx, h.Host)
	if err != nil {
		return res, fmt.Errorf("look up %s: %w", h.Host, err)
	}
	roots, err := Roots(&deps.Host.Reader, first(h.CAFile, d.State.CAFile))
	if err != nil {
		return res, err
	}
	t := smtpprobe.Target{
		Name: h.Host, Implicit: h.TLS == relays.Implicit, NoTLS: h.Plaintext(), Until: smtpprobe.StepMail, HELO: d.State.FQDN,
		Roots: roots, Pin: h.Pin, Trace: deps.Report.Trace(),
	}
	for _, addr := range slices.Concat(v4, v6) {
		t.Addr = netip.AddrPortFrom(addr, uint16(h.Port))
		if res = smtpprobe.Probe(ctx, t); res.Reached != "" {
			break
		}
	}
	return res, ctx.Err()
}

// WantsLogin reports whether a relay that LookAt has connected to refuses mail
// without a login (530, RFC 4954 section 6), and whether it offers one.
func WantsLogin(res smtpprobe.Result) (demanded, offered bool) {
	offered = len(res.Auth) > 0
	return offered && res.Failed == smtpprobe.StepMail && res.Code == 530, offered
}

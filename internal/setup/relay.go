package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Named is the stored Config with what was given over it, and the relay that was
// given, or is stored, as the first hop of the default route; it asks for a region or a
// smarthost's address that is missing. Where neither names a relay, that hop has none yet.
func Named(ctx context.Context, deps Deps, d Discovery, req Request, ask Asker) (config.Config, error) {
	name := req.Relay
	if name == "" && req.Smarthost == "" {
		name = d.Stored.First().Name()
	}
	if req.Smarthost == "" && name == "" {
		return d.Stored.Merge(d.Before, d.Before, req.Given), nil
	}
	h, err := hopOf(ctx, d, nil, req, name, ask)
	if err != nil {
		return d.Stored, err
	}
	return chosen(ctx, deps, d, nil, req, ask, h)
}

// Choose asks for the relay where c names none yet.
func Choose(ctx context.Context, b Basis, c config.Config, ask Asker) (config.Config, error) {
	tellEnd := func(r *relays.Relay) { // and how many days are left
		if notice := r.Notice(today()); notice != "" {
			b.Report.Note("%s", notice)
		}
	}
	if c.First().Name() != "" {
		if given := b.Credentials.first(*c.First()); !c.First().Bridged() && !given.Application.Proves() { // which log in without the password
			tellEnd(c.First().Relay)
		}
		return c, nil
	}
	if len(c.Routes) > 1 && !ask.Can() {
		return c, UsageError{errors.New("the file has routes for single senders and no relay for all other mail: setup needs a default relay"),
			"give the relay of all other mail with --relay, or leave the senders to sender_dependent_relayhost_maps, where they are"}
	}
	id, err := ask.Relay(ctx, b.Discovery, b.Facts)
	if err != nil {
		return c, err
	}
	h, err := hopOf(ctx, b.Discovery, b.Facts, b.Request, id, ask)
	if err != nil {
		return c, err
	}
	if !config.TakesTokens(h.Relay) { // else the question how to log in tells it
		tellEnd(h.Relay)
	}
	return chosen(ctx, b.Deps, b.Discovery, b.Facts, b.Request, ask, h)
}

// today is the day that deadlines of relays are counted from; tests set it.
var today = time.Now

// hopOf is a hop by the relay of that name; a smarthost has its host and port.
func hopOf(ctx context.Context, d Discovery, facts *detect.Facts, req Request, name string, ask Asker) (h config.Hop, err error) {
	if req.Smarthost != "" || name == relays.SmarthostID {
		return smarthost(ctx, d, facts, req, ask)
	}
	relay, err := d.Find(name)
	if err != nil {
		return h, UsageError{err, "relayhost relays lists the relays"}
	}
	h.Relay = &relay
	if isFile(name) {
		h.RelayFile, err = filepath.Abs(name)
	}
	return h, err
}

// chosen finds region and host of h and makes it the first hop, over what the file
// says: where it is the relay of d.Before at the same host, how that is connected to and
// verified stays (config.Merge). Resolve then completes all hops.
func chosen(ctx context.Context, deps Deps, d Discovery, facts *detect.Facts, req Request, ask Asker, h config.Hop) (c config.Config, err error) {
	same := d.Before.Relay.ID == h.Relay.ID
	h.Region = req.Region
	host := ""
	if h.Region == "" && same {
		h.Region, host = d.Before.Region, d.Stored.First().Host // as the file names it
	}
	if h.Region == "" && host == "" && h.Relay.NeedsRegion() {
		if h.Region, err = regionOfHost(ctx, deps, d, facts, req, h.Relay); err != nil {
			return d.Stored, err
		}
	}
	if h.Region == "" && !same {
		if h.Region, err = ask.Region(ctx, d, h.Relay); err != nil {
			return d.Stored, err
		}
	}
	if h.Relay.ID != relays.SmarthostID {
		if h.Host, err = h.Relay.Host(cmp.Or(h.Region, host)); err != nil {
			return d.Stored, UsageError{err, "give --region"}
		}
	}
	if _, ok := h.Relay.TLSOf(req.Port); req.Port != 0 && !ok {
		return d.Stored, UsageError{fmt.Errorf("%s has no port %d", h.Relay.Name, req.Port), "its ports are " + config.PortList(h.Relay)}
	}
	return d.Stored.Merge(h, d.Before, req.Given).Resolve(d.Find, plan.NextHops(d.State))
}

// regionOfHost is the region of this host where it is one of the relay's own: SES
// in the region of the EC2 instance.
func regionOfHost(ctx context.Context, deps Deps, d Discovery, facts *detect.Facts, req Request, r *relays.Relay) (string, error) {
	if facts == nil {
		if req.NoProbe {
			return "", nil
		}
		found, err := detect.Run(ctx, detect.Options{Reader: &deps.Host.Reader, Resolver: d.Resolver, NoProbe: true})
		if err != nil {
			return "", err
		}
		facts = &found
	}
	return detect.Rank(*facts, []relays.Relay{*r})[0].Region, nil
}

// smarthost is a hop by a relay that is in no catalogue. On a terminal a new one is
// completed by questions: what the server shows answers most of them.
func smarthost(ctx context.Context, d Discovery, facts *detect.Facts, req Request, ask Asker) (h config.Hop, err error) {
	var stored config.Hop
	if d.Before.Relay.ID == relays.SmarthostID {
		stored = d.Before
	}
	h = config.Hop{Relay: &relays.Relay{}, Host: cmp.Or(req.Smarthost, stored.Host)}
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
	case !same && ask.Can():
		h.CAFile, h.Pin, h.NoVerify = req.CAFile, req.Fingerprint, req.NoVerify
		wants := false
		if h, wants, err = ask.Smarthost(ctx, d, facts, h); err != nil {
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
	roots, err := Roots(&deps.Host.Reader, cmp.Or(h.CAFile, d.State.CAFile))
	if err != nil {
		return res, err
	}
	t := smtpprobe.Target{
		Name: h.Host, Implicit: h.TLS == relays.Implicit, NoTLS: h.Plaintext(), Until: smtpprobe.StepMail, HELO: d.State.FQDN,
		Roots: roots, Pin: h.Pin, Trace: deps.Report.Trace(),
	}
	return smtpprobe.Probe(ctx, t.At(h.Port, slices.Concat(v4, v6))), ctx.Err()
}

// WantsLogin reports whether a relay that LookAt has connected to refuses mail
// without a login (530, RFC 4954 section 6), and whether it offers one.
func WantsLogin(res smtpprobe.Result) (demanded, offered bool) {
	offered = len(res.Auth) > 0
	return offered && res.Failed == smtpprobe.StepMail && res.Code == 530, offered
}

// checkNames refuses hosts that Postfix would not find, since they are in /etc/hosts
// alone, and hops without TLS whose host has a public address. A name that cannot be
// looked up is left to the probe. Errors are a UsageError, or an InFile.
func checkNames(ctx context.Context, b Basis, c config.Config) error {
	local, err := resolve.System(&b.Host.Reader)
	if err != nil {
		return err
	}
	for i, r := range c.Routes {
		for n, h := range r.Hops {
			p := at{i, n}
			err := checkName(ctx, b.Discovery, local, h)
			if err != nil && !p.isFirst() {
				err = InFile{c.Where(p.key("host")), fmt.Errorf("%s: %w", p.label(c), err)}
			}
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func checkName(ctx context.Context, d Discovery, local *resolve.Resolver, h config.Hop) error {
	named := local.InHosts(h.Host)
	if h.Host == "" || len(named) == 0 && !h.Plaintext() {
		return nil
	}
	v4, v6, err := d.Resolver.Addrs(ctx, h.Host)
	if errors.Is(err, resolve.ErrNotFound) && len(named) > 0 {
		return UsageError{fmt.Errorf("%s is in /etc/hosts only, and Postfix asks DNS (smtp_host_lookup = %s)", h.Host, d.State.Params["smtp_host_lookup"]),
			fmt.Sprintf("name the address, --smarthost %s, or have Postfix read the file: postconf -e 'smtp_host_lookup = dns, native'", named[0])}
	}
	if err != nil || !h.Plaintext() {
		return nil //nolint:nilerr // a name that DNS does not have now is the probe's
	}
	for _, a := range slices.Concat(v4, v6) {
		if !config.Private(a) {
			return UsageError{fmt.Errorf("--insecure-plaintext: %s has the public address %s: mail goes there with TLS only", h.Host, a),
				"have the relay offer TLS, or reach it through a tunnel"}
		}
	}
	return nil
}

package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"relayhost/internal/config"
	"relayhost/internal/resolve"
)

// checkNames refuses hosts that Postfix would not find, since they are in /etc/hosts
// alone, and hops without TLS whose host has a public address. A name that cannot be
// looked up is left to the probe. Errors are a *UsageError, or an InFile.
func checkNames(ctx context.Context, deps Deps, d Discovery, c config.Config) error {
	local, err := resolve.System(&deps.Host.Reader)
	if err != nil {
		return err
	}
	for i, r := range c.Routes {
		for n, h := range r.Hops {
			p := at{i, n}
			err := checkName(ctx, d, local, h)
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

package cmd

import (
	"context"

	"relayhost/internal/setup"
)

func (a *app) consentToInstall(ctx context.Context, f setupFlags, q *questions) error {
	how := "relayhost setup --install installs it"
	switch {
	case f.noInstall:
		return hint(setup.ErrNoPostfix, "install it, or leave --no-install out")
	case f.install:
		return nil
	case !q.Can():
		return hint(setup.ErrNoPostfix, "%s", how)
	}
	p, err := q.ask(ctx, "Postfix is not installed; the answer", "--install")
	if err != nil {
		return err
	}
	a.io.Tell("", "Postfix, the mail server that relayhost configures, is not installed. It would listen on this host alone (inet_interfaces = loopback-only).")
	yes, err := p.Confirm("Install Postfix now?")
	if err == nil && !yes {
		err = hint(setup.ErrNoPostfix, "%s", how)
	}
	return err
}

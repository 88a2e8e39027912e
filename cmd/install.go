package cmd

import (
	"context"
	"errors"
	"strings"

	"relayhost/internal/install"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
)

// installPostfix installs Postfix after consent. Another mail server is found
// first.
func (a *app) installPostfix(ctx *limit, s postfix.State, f setupFlags, q *questions) (postfix.State, []string, error) {
	dry := f.dryRun || f.printConf
	other, found := install.FindOther(&a.host.Reader)
	switch {
	case found && !f.replaceMTA:
		err := hint(errors.New(other.Scope), "--replace-mta installs Postfix in its place, once its queue is empty")
		if !dry {
			return s, nil, err
		}
		a.io.Tell("note: ", "%s", other.Scope)
	case found && other.Waiting > 0 && !dry:
		return s, nil, hint(errors.New(other.Scope), "send or move what waits there first: nothing would deliver it any more")
	case !found && install.Listener(&a.host.Reader) && !f.replaceMTA && !dry:
		return s, nil, hint(errors.New("a program that is not Postfix listens on port 25 of this host"),
			"ss -ltnp 'sport = :25' names it; --replace-mta goes on all the same")
	}
	if dry {
		a.io.Tell("", "Postfix is not installed: the difference is against what the distribution installs")
		return postfix.Fresh(s), nil, nil
	}
	if err := a.consentToInstall(ctx, f, q); err != nil {
		return s, nil, err
	}
	defer ctx.pause()() // a slow mirror is no reason to stop half way
	done, err := install.Postfix(context.WithoutCancel(ctx), a.host, install.Options{
		Quiet: true, Mailname: s.FQDN, Progress: func(t string) { a.progress("%s", t) },
	})
	if err != nil {
		return s, nil, err
	}
	a.progress("installed %s; they stay installed whatever happens now", strings.Join(done.Packages, ", "))
	a.io.Done()
	if err := ctx.Err(); err != nil {
		return s, nil, err // Ctrl-C waits for the package manager
	}
	s, err = postfix.Read(ctx, &a.host.Reader, a.configDir)
	return s, done.Packages, err
}

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

package setup

import (
	"context"
	"errors"
	"strings"

	"relayhost/internal/install"
	"relayhost/internal/postfix"
)

// InstallOptions say how far an installation of Postfix may go.
type InstallOptions struct {
	DryRun     bool // install nothing: the State is that of a fresh Postfix
	ReplaceMTA bool // in place of another mail server
	// Consent is asked once nothing else stands in the way.
	Consent func(context.Context) error
}

// Install installs Postfix after consent; another mail server is found first. It
// returns the State of the new Postfix and the packages that were installed, which
// stay whatever happens.
func Install(ctx context.Context, deps Deps, s postfix.State, o InstallOptions) (postfix.State, []string, error) {
	other, found := install.FindOther(&deps.Host.Reader)
	switch {
	case found && !o.ReplaceMTA && !o.DryRun:
		return s, nil, Hint(errors.New(other.Scope), "--replace-mta installs Postfix in its place, once its queue is empty")
	case found && !o.ReplaceMTA:
		deps.Report.Note("%s", other.Scope)
	case found && other.Waiting > 0 && !o.DryRun:
		return s, nil, Hint(errors.New(other.Scope), "send or move what waits there first: nothing would deliver it any more")
	case !found && install.Listener(&deps.Host.Reader) && !o.ReplaceMTA && !o.DryRun:
		return s, nil, Hint(errors.New("a program that is not Postfix listens on port 25 of this host"),
			"ss -ltnp 'sport = :25' names it; --replace-mta continues anyway")
	}
	if o.DryRun {
		return postfix.Fresh(s), nil, nil
	}
	if err := o.Consent(ctx); err != nil {
		return s, nil, err
	}
	done, err := install.Postfix(context.WithoutCancel(ctx), deps.Host, install.Options{
		Quiet: true, Mailname: s.FQDN, Progress: func(t string) { deps.Report.Step("%s", t) },
	})
	if err != nil {
		return s, nil, err
	}
	deps.Report.Step("installed %s; they stay installed whatever happens now", strings.Join(done.Packages, ", "))
	if err := ctx.Err(); err != nil {
		return s, nil, err // Ctrl-C waits for the package manager
	}
	s, err = postfix.Read(ctx, &deps.Host.Reader, deps.ConfigDir)
	return s, done.Packages, err
}

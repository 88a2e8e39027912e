package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/internal/verify"
)

type verifyFlags struct {
	to, from            string
	offline, noSend, bl bool
	route, prometheus   string
}

func newVerifyCmd(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that mail is sent (sends one test message)",
		Long: `verify checks that mail leaves this server: configuration and drift, every port
of the relay up to AUTH, one message through Postfix followed to the relay's own
250, who may relay through this server, and the DNS records of the sender's
domain. Each problem comes with its fix. verify works on setups made by hand as
well. Without a terminal it prints nothing when all is well, as suits cron.` + exitHelp(
			meaning{exitDone, "no problem, or warnings only"},
			meaning{exitProof, "at least one check failed"}),
		Example: `  # Check everything and send one test message
  sudo relayhost verify
  # Check daily without a message
  sudo relayhost verify --no-send
  # Send the test message to a mailbox of your own
  sudo relayhost verify --to you@example.net`,
		Args: noArgs,
		RunE: a.inTime(func(ctx context.Context) error { return a.runVerify(ctx, f) }),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "recipient of the test message (default: the setup's)")
	fs.StringVar(&f.from, "from", "", "`address` that it is sent from (default: the setup's)")
	fs.BoolVar(&f.offline, "offline", false, "check configuration and drift only; connect to nothing")
	fs.BoolVar(&f.noSend, "no-send", false, "send no test message")
	fs.StringVar(&f.route, "route", "", "check the route of this `name` only (default: all)")
	fs.BoolVar(&f.bl, "blocklists", false, "ask blocklists about the domain and the address of this server")
	metricsFlag(fs, &f.prometheus)
	return cmd
}

func (a *app) runVerify(ctx context.Context, f verifyFlags) error {
	if err := checkMetrics(a.json, f.prometheus); err != nil {
		return err
	}
	began := time.Now()
	deps := a.deps()
	env, err := setup.Environment(ctx, deps, f.from, f.to, f.route)
	if err != nil {
		return err
	}
	if err := knownRoute(env, f.route); err != nil {
		return err
	}
	o := verify.Options{Offline: f.offline, NoSend: f.noSend || env.To == "", Blocklists: f.bl, Route: f.route}
	if ui.IsTerminal(a.io.Err) && !a.json {
		a.io.Step("checking the setup")
	}
	live := ui.IsTerminal(a.io.Out) && !a.json && f.prometheus != "-"
	report := verify.Run(ctx, env, o)
	a.io.Done()
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return err
	}
	setup.RememberVerification(deps, report)
	setup.RememberLogin(deps, report, env.State.ConfigDir, began)
	switch {
	case a.json:
		err = a.printJSON(report)
	case live, f.prometheus != "-" && (report.Result != verify.Pass || a.verbose): // cron sees nothing while all is well
		a.io.Print(report.Text(env.Routes, verify.Style{Width: a.io.Width(), Colored: a.io.Colored, Skipped: a.verbose}))
	}
	if f.prometheus != "" {
		err = errors.Join(err, writeMetrics(a.io, a.host, f.prometheus, setup.VerifyMetrics(report, began, time.Now())))
	}
	if err == nil && report.Result == verify.Fail {
		return codeError(exitProof)
	}
	return err
}

// knownRoute refuses the name of a route that there is not.
func knownRoute(env verify.Env, name string) error {
	var names []string
	for _, r := range env.Routes {
		names = append(names, r.Name)
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return usage(fmt.Errorf("there is no route %s", name), "the routes are "+strings.Join(names, ", "))
}

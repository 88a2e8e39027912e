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
		Long: `verify proves that mail leaves this server: configuration and drift, every port
of the relay service up to AUTH, one message through Postfix followed to the
relay's own 250, who may relay through this server, and the DNS records of the
sender's domain. Each finding that is not well comes with what to do. It works
on set-ups that were made by hand as well. Without a terminal it prints nothing
when all is well, as suits cron.` + exitHelp(exitProof),
		Example: `  sudo relayhost verify
  sudo relayhost verify --no-send --json
  sudo relayhost verify --to postmaster@example.net
  sudo relayhost verify --from app@example.com --blocklists
  sudo relayhost verify --route shop
  relayhost verify --offline
  sudo relayhost verify --no-send \
      --prometheus /var/lib/prometheus/node-exporter/relayhost_verify.prom`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
			defer cancel()
			return a.runVerify(ctx, f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "recipient of the test message (default: the one of the set-up)")
	fs.StringVar(&f.from, "from", "", "`address` that it is sent from (default: the one of the set-up)")
	fs.BoolVar(&f.offline, "offline", false, "configuration and drift only; nothing leaves the host")
	fs.BoolVar(&f.noSend, "no-send", false, "send no test message")
	fs.StringVar(&f.route, "route", "", "prove the route of this `name` only (default: all)")
	fs.BoolVar(&f.bl, "blocklists", false, "ask blocklists about the domain and the address of this server")
	metricsFlag(fs, &f.prometheus)
	return cmd
}

func (a *app) runVerify(ctx context.Context, f verifyFlags) error {
	if err := a.checkMetrics(f.prometheus); err != nil {
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
	if ui.IsTerminal(a.io.Err) && !a.json { // cron sees nothing while all is well
		a.io.Step("checking the setup")
	}
	list := findingList{app: a, routes: env.AllRoutes()}
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
	case live:
		list.all(report)
	case f.prometheus != "-" && (report.Result != verify.Pass || a.verbose):
		list.all(report)
	}
	if f.prometheus != "" {
		err = errors.Join(err, a.writeMetrics(f.prometheus, setup.VerifyMetrics(report, began, time.Now())))
	}
	if err == nil && report.Result == verify.Fail {
		return codeError(exitProof)
	}
	return err
}

// knownRoute refuses the name of a route that there is not.
func knownRoute(env verify.Env, name string) error {
	var names []string
	for _, r := range env.AllRoutes() {
		names = append(names, r.Name)
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return usage(fmt.Errorf("there is no route %s", name), "the routes are "+strings.Join(names, ", "))
}

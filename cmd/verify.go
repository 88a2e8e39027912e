package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/apply"
	"relayhost/internal/host"
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
		Short: "Prove the current set-up; it changes nothing",
		Long: `verify proves that mail leaves this server: configuration and drift, every port
of the relay service up to AUTH, one message through Postfix followed to the
relay's own 250, who may relay through this server, and the DNS records of the
sender's domain. Each finding that is not well comes with what to do. It works
on set-ups that were made by hand as well. Without a terminal it prints nothing
when all is well, as suits cron.` + exitHelp,
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
	env, err := a.verifyEnv(ctx, f)
	if err != nil {
		return err
	}
	if err := knownRoute(env, f.route); err != nil {
		return err
	}
	o := verify.Options{Offline: f.offline, NoSend: f.noSend || env.To == "", Blocklists: f.bl, Route: f.route}
	if ui.IsTerminal(a.io.Err) && !a.json { // cron sees nothing while all is well
		a.io.Step("checking the set-up")
	}
	list := findingList{app: a, routes: env.AllRoutes()}
	live := ui.IsTerminal(a.io.Out) && !a.json && f.prometheus != "-"
	if live {
		o.Found = list.show
	}
	report := verify.Run(ctx, env, o)
	a.io.Done()
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return err
	}
	a.rememberVerification(report)
	a.rememberLogin(report, env.State.ConfigDir, began)
	switch {
	case a.json:
		err = a.printJSON(report)
	case live:
		list.sum(report)
	case f.prometheus != "-" && (report.Result != verify.Pass || a.verbose):
		list.all(report)
	}
	if f.prometheus != "" {
		err = errors.Join(err, a.writeMetrics(f.prometheus, verifyMetrics(report, began, time.Now())))
	}
	if err == nil && report.Result == verify.Fail {
		return codeError(exitProof)
	}
	return err
}

// verificationFile keeps the result of the last verification for status.
const verificationFile = "last-verification.json"

// lastVerification is what verificationFile holds.
type lastVerification struct {
	Time   time.Time     `json:"time"`
	Result verify.Result `json:"result"`
}

// rememberVerification writes the result down where root runs it on a host
// that relayhost has set up.
func (a *app) rememberVerification(r verify.Report) {
	if _, err := a.host.Stat(apply.StateDir); err != nil || os.Geteuid() != 0 {
		return
	}
	data, err := json.Marshal(lastVerification{time.Now().UTC().Truncate(time.Second), r.Result})
	if err == nil {
		err = a.host.WriteFile(filepath.Join(apply.StateDir, verificationFile), data, host.Spec{Mode: 0o600})
	}
	if err != nil && !errors.Is(err, host.ErrChanged) { // by another verification
		a.io.Say("warning: the result is not kept for status: %v", err)
	}
}

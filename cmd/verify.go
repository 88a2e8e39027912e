package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/internal/verify"
	"relayhost/relays"
)

type verifyFlags struct {
	to, from            string
	offline, noSend, bl bool
	prometheus          string
}

func newVerifyCmd(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove the current set-up; it changes nothing",
		Long: `verify proves that mail leaves this server: configuration and drift, every port
of the relay service up to AUTH, one message through Postfix followed to the
relay's own 250, who may relay through this server, and the DNS records of the
sender's domain. Each finding that is not well comes with what to do. It works on
set-ups that were made by hand as well. Without a terminal it prints nothing when
all is well, as suits cron.` + exitHelp,
		Example: `  sudo relayhost verify
  sudo relayhost verify --no-send --json
  sudo relayhost verify --to postmaster@example.net
  sudo relayhost verify --from app@example.com --blocklists
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
	simulator := env.Relay.Test != nil && f.to != "" && strings.EqualFold(f.to, env.Relay.Test.Recipient)
	if ui.IsTerminal(a.io.Err) && !a.json { // cron sees nothing while all is well
		a.io.Step("checking the set-up")
	}
	report := verify.Run(ctx, env, verify.Options{
		Offline: f.offline, NoSend: f.noSend || env.To == "", Blocklists: f.bl, Simulator: simulator,
	})
	a.io.Done()
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return err
	}
	a.rememberVerification(report)
	switch {
	case a.json:
		err = a.printJSON(report)
	case f.prometheus == "-":
	case report.Result != verify.Pass || ui.IsTerminal(a.io.Out) || a.verbose:
		a.showReport(report)
	}
	if f.prometheus != "" {
		err = errors.Join(err, a.writeMetrics(f.prometheus, verifyMetrics(report, began, time.Now())))
	}
	if err == nil && report.Result == verify.Fail {
		return codeError(exitProof)
	}
	return err
}

// verifyEnv collects what the checks look at: from the answers of setup, or,
// where there are none, from what Postfix is told.
func (a *app) verifyEnv(ctx context.Context, f verifyFlags) (verify.Env, error) {
	r := &a.host.Reader
	state, err := postfix.Read(ctx, r, a.configDir)
	if err != nil {
		return verify.Env{}, err
	}
	if !state.Installed {
		return verify.Env{}, hint(errNoPostfix, "relayhost setup --install installs it")
	}
	env := verify.Env{Reader: r, State: state, Mailer: &verify.PostfixMailer{Host: a.host, ConfigDir: a.configDir, Sendmail: state.Params["sendmail_path"]}}
	answers, err := a.readAnswers()
	if err != nil {
		return env, err
	}
	if err := a.verifyRoute(&env, answers); err != nil {
		return env, err
	}
	env.From = first(f.from, answers.From)
	env.To = first(f.to, answers.To, env.From)
	for flag, addr := range map[string]string{"from": env.From, "to": env.To} {
		if err := smtpprobe.CheckAddress(addr); addr != "" && err != nil {
			return env, usageError{fmt.Errorf("--%s: %w", flag, err), ""}
		}
	}
	caFile := first(answers.CAFile, state.CAFile)
	if env.Roots, err = a.roots(caFile); err != nil {
		return env, err
	}
	if env.Resolver, err = a.resolver(state); err != nil {
		return env, err
	}
	log, err := postfix.FindLog(ctx, r, state)
	if env.LogError = err; err == nil {
		env.Log = &log
	}
	return env, a.verifyHost(ctx, &env)
}

// verifyRoute finds relay, next hop, credentials and, where setup has been
// here, what it would write now.
func (a *app) verifyRoute(env *verify.Env, answers plan.Answers) (err error) {
	route := explain.RouteOf(env.State)
	env.Service, env.Host, env.Port = route.Service.Name, route.Host, route.Port
	env.TLS = relays.StartTLS
	if route.Param("smtp_tls_wrappermode") == "yes" {
		env.TLS = relays.Implicit
	}
	env.Username, env.Password, _ = plan.Credentials(env.State, route.NextHop)
	if answers.Relay == "" {
		all, err := a.catalog()
		if err != nil {
			return err
		}
		if relay, _, ok := relays.ByHost(all, env.Host); ok {
			env.Relay = relay
		} else if env.Host != "" {
			env.Relay = relays.Smarthost(env.Host, env.Port, env.TLS, env.Username != "")
		}
		return nil
	}
	if answers.Relay == relays.SmarthostID {
		env.Relay = relays.Smarthost(answers.Host, answers.Port, relays.TLSMode(answers.TLS), env.Username != "")
	} else if env.Relay, err = a.findRelay(answers.Relay); err != nil {
		return err
	}
	env.Host, env.Port, env.TLS, env.Pin = answers.Host, answers.Port, relays.TLSMode(answers.TLS), answers.Fingerprint
	env.Unverified = answers.NoVerify
	env.Service = plan.ServicePrefix + env.Relay.ID
	o := plan.Options{Relay: env.Relay, Region: answers.Region, Username: env.Username, Password: env.Password, Force: true, NoCredentials: env.Password.IsZero()}
	answers.Fill(&o)
	state := env.State
	state.Load(env.Reader, plan.Paths(state)...)
	p, err := plan.Build(state, nil, o)
	if err != nil {
		return err
	}
	// Somebody without root cannot read the passwords, so nothing is known of
	// their file.
	if env.Limited = p.Incomplete; !p.Incomplete {
		env.Plan = &p
	}
	return nil
}

// verifyHost adds this host's own addresses, from local files only.
func (a *app) verifyHost(ctx context.Context, env *verify.Env) error {
	facts, err := detect.Run(ctx, detect.Options{Reader: env.Reader, NoProbe: true, NoMetadata: true})
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(facts.Host.PublicIPv4); err == nil {
		env.Public = append(env.Public, addr)
	}
	return nil
}

// showReport prints one line a finding, and what to do below those that need
// it.
func (a *app) showReport(r verify.Report) {
	out := a.io.Out
	for _, f := range r.Findings {
		fmt.Fprint(out, ui.Wrap(f.Detail, fmt.Sprintf("%s  %-13s", a.io.Colored(string(f.Result)), f.Check), strings.Repeat(" ", 19), a.io.Width()))
		if f.Result != verify.Fail && f.Result != verify.Warn {
			continue
		}
		if f.Remedy != "" {
			fmt.Fprint(out, ui.Wrap(f.Remedy, strings.Repeat(" ", 19)+"do: ", strings.Repeat(" ", 23), a.io.Width()))
		}
		if f.Command != "" {
			fmt.Fprintf(out, "%s%s\n", strings.Repeat(" ", 23), f.Command)
		}
	}
	fmt.Fprintf(out, "result: %s\n", a.io.Colored(string(r.Result)))
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
	if err != nil {
		a.io.Say("warning: the result is not kept for status: %v", err)
	}
}

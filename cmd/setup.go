package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/flow"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
)

func newSetupCmd(a *app) *cobra.Command {
	var f setupFlags
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Set up Postfix to send through a relay service",
		Long: `setup points Postfix at a relay service. It asks what it was not told; on a host
that is set up already it keeps all answers that are not given again, so

  relayhost setup --credentials-file -

changes the password. Nothing is written before the relay has accepted login,
sender and recipient, and a private Postfix has delivered a test message with
exactly the planned configuration. If the test through the server's own Postfix
fails afterwards, everything is restored.

Routes by sender and fallback relays are written in
/etc/relayhost/relayhost.toml; setup without flags does what the file says.` + exitHelp(exitDifferences, exitProof, exitNeedsPerson),
		Example: setupExample,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := ui.WithLimit(cmd.Context(), a.timeout)
			defer cancel()
			r := &setupReport{app: a}
			redact, err := a.runSetup(ctx, f, cmd.Flags().Changed, r)
			return r.finish(err, redact, f.printConf)
		},
	}
	f.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("relay", "smarthost")
	cmd.MarkFlagsMutuallyExclusive("install", "no-install")
	return cmd
}

// setupFlags are the flags of setup as they were given.
type setupFlags struct {
	relay, region, smarthost, port  string
	username, credentialsFile       string
	from, to, rootTo, queue         string
	direct                          []string
	caFile, fingerprint, mapType    string
	connections                     int
	noProbe, insecure, plaintext    bool
	dryRun, detailedExit, printConf bool
	yes, install, noInstall         bool
	replaceMTA, noVerify, keep      bool
	force                           bool
}

func (f *setupFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.relay, "relay", "", "service (relayhost relays lists them) or a catalogue `file`")
	fs.StringVar(&f.region, "region", "", "region of the service, e.g. eu-west-1")
	fs.StringVar(&f.smarthost, "smarthost", "", "a relay that is in no catalogue, by host `name`")
	fs.StringVar(&f.port, "port", "auto", "submission port, or auto: the first that gets through")
	fs.BoolVar(&f.noProbe, "no-probe", false, "probe nothing beforehand; needs --port")
	fs.StringVar(&f.username, "username", "", "user name at the service")
	fs.StringVar(&f.credentialsFile, "credentials-file", "", "`file` with username= and password=, - for standard input")
	fs.StringVar(&f.from, "from", "", "`address` that mail of this server is sent from")
	fs.StringVar(&f.to, "to", "", "recipient of the test message (default: the address of --from)")
	fs.StringVar(&f.rootTo, "root-to", "", "`address` that mail for root is sent to")
	fs.StringArrayVar(&f.direct, "direct", nil, "recipient `domain` that goes on past the relay (repeatable)")
	fs.StringVar(&f.queue, "queue", "ask", "what happens to mail that waits already: ask, send or hold")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	fs.BoolVar(&f.detailedExit, "detailed-exitcode", false, "with --dry-run: exit code 2 when there are differences")
	fs.BoolVar(&f.printConf, "print-config", false, "print the answers as a relayhost.toml and change nothing")
	fs.BoolVarP(&f.yes, "yes", "y", false, "ask nothing")
	fs.BoolVar(&f.install, "install", false, "install Postfix where it is missing")
	fs.BoolVar(&f.noInstall, "no-install", false, "never install anything")
	fs.BoolVar(&f.replaceMTA, "replace-mta", false, "install Postfix in place of another mail server")
	fs.BoolVar(&f.noVerify, "no-verify", false, "skip the proof of delivery, and say so")
	fs.BoolVar(&f.keep, "keep-on-failure", false, "keep the new configuration when the proof fails")
	fs.StringVar(&f.caFile, "ca-file", "", "CA `file` that the relay's certificate is verified with")
	fs.StringVar(&f.fingerprint, "fingerprint", "", "SHA-256 fingerprint of the relay's certificate in place of a CA")
	fs.BoolVar(&f.insecure, "insecure-no-verify-certificate", false, "encrypt, but accept any certificate")
	fs.BoolVar(&f.plaintext, "insecure-plaintext", false, "no TLS: for a smarthost on a private network, without a login")
	fs.StringVar(&f.mapType, "map-type", "", "lookup table type (default: what this Postfix prefers)")
	fs.IntVar(&f.connections, "connections", 0, "connections at once (default: what the service documents, 20 at most)")
	fs.BoolVar(&f.force, "force", false, "go on where another tool manages this host's mail")
}

const setupExample = `  sudo relayhost setup
  sudo relayhost setup --relay ses --region eu-west-1 --from app@example.com \
      --credentials-file ses.txt --yes
  relayhost setup --relay postmark --from app@example.com --dry-run
  sudo relayhost setup --smarthost mail.example.net --port 587 \
      --from app@example.com --credentials-file -
  sudo relayhost setup --root-to admin@example.com --direct example.org
  sudo relayhost setup --to you@example.net --queue hold --yes
  sudo relayhost setup --username AKIAIOSFODNN7EXAMPLE
  sudo relayhost setup --install
  sudo relayhost setup --no-install --yes --json
  sudo relayhost setup --install --replace-mta
  sudo relayhost setup --port 2525 --no-probe --no-verify
  sudo relayhost setup --keep-on-failure --force
  relayhost setup --dry-run --detailed-exitcode
  relayhost setup --print-config
  sudo relayhost setup --map-type lmdb
  sudo relayhost setup --connections 100
  sudo relayhost setup --smarthost mail.example.net --port 465 \
      --ca-file /etc/ssl/corp.pem
  sudo relayhost setup --smarthost mail.example.net --port 587 \
      --fingerprint 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  sudo relayhost setup --smarthost mail.example.net --port 587 \
      --insecure-no-verify-certificate
  sudo relayhost setup --smarthost 10.0.0.5 --port 25 --insecure-plaintext`

var errNotRoot = errors.New("setup changes the mail configuration and must run as root")

// check finds what no later step could make sense of.
func (f setupFlags) check(a *app) error {
	if f.port != "auto" {
		if n, err := strconv.Atoi(f.port); err != nil || n < 1 || n > 65535 {
			return usage(fmt.Errorf("--port %s is no port", f.port), "a number from 1 to 65535, or auto")
		}
	}
	switch {
	case f.noProbe && f.port == "auto" && !a.storedPort():
		return setup.ErrNoPort
	case !slices.Contains([]string{"ask", "send", "hold"}, f.queue):
		return usage(fmt.Errorf("--queue %s is not known", f.queue), "ask, send or hold")
	case f.printConf && a.json:
		return usage(errors.New("--print-config prints TOML, --json a document"), "give one of them")
	case f.detailedExit && !f.dryRun:
		return usage(errors.New("--detailed-exitcode goes with --dry-run"), "")
	case f.insecure && f.fingerprint != "":
		return usage(errors.New("--fingerprint and --insecure-no-verify-certificate exclude each other"), "")
	}
	for _, v := range []struct{ flag, value string }{{"from", f.from}, {"to", f.to}, {"root-to", f.rootTo}} {
		if v.value == "" {
			continue
		}
		if err := config.CheckAddress(v.flag, v.value); err != nil {
			return err
		}
	}
	return nil
}

// storedPort reports whether relayhost.toml may name the port. One that cannot be
// read is looked at later.
func (a *app) storedPort() bool {
	c, err := setup.Stored(&a.host.Reader)
	return err != nil || c.First().Port != 0
}

// request is what the flags say; given reports whether one was given at all.
func (f setupFlags) request(given func(flag string) bool) setup.Request {
	r := setup.Request{
		Relay: f.relay, Smarthost: f.smarthost, Region: f.region, Username: f.username,
		NoProbe: f.noProbe, NoVerify: f.noVerify, DryRun: f.dryRun || f.printConf, Force: f.force,
		Given: config.Given{
			From: f.from, To: f.to, RootTo: f.rootTo, MapType: f.mapType, CAFile: f.caFile, Fingerprint: f.fingerprint,
			NoVerify: f.insecure, Plaintext: f.plaintext, CredentialsFile: f.credentialsFile,
		},
	}
	r.Port, _ = strconv.Atoi(f.port) // 0 for auto
	if given("connections") {
		r.Connections = &f.connections
	}
	if given("direct") {
		r.Direct = &f.direct
	}
	return r
}

// runSetup goes the whole way. --dry-run is the same way, stopped after the
// difference. redact takes the secrets that it has come across out of a text.
func (a *app) runSetup(ctx *ui.Limit, f setupFlags, given func(string) bool, r *setupReport) (redact func(string) string, err error) {
	keep := func(text string) string { return text }
	if err := f.check(a); err != nil {
		return keep, err
	}
	deps := a.deps()
	deps.Report = r
	req := f.request(given)
	if !req.DryRun {
		if err := a.recover(ctx, deps); err != nil {
			return keep, err
		}
	}
	q := &questions{app: a, flags: f, limit: ctx}
	state, installed, err := a.readOrInstall(ctx, deps, f, q)
	if err != nil {
		return keep, err
	}
	s, err := setup.Prepare(ctx, deps, state, req, q)
	redact = func(text string) string { return redacted(s.Config, text) }
	if err != nil {
		return redact, err
	}
	r.planned(s)
	if f.printConf {
		a.io.Done()
		return redact, printConfig(a, s.Plan)
	}
	var table *flow.Table
	var queue setup.Queue
	for again := true; again; {
		table, err = setup.MailFlow(ctx, s)
		if r.doc.Flow = table; err != nil {
			return redact, err
		}
		a.io.Done()
		switch {
		case f.dryRun:
			if err := setup.LookAhead(ctx, s); err != nil {
				return redact, err
			}
			return redact, r.dryRun(s.Plan, table, f.detailedExit)
		case !s.Plan.Changed():
			return redact, r.unchanged(ctx, s, q)
		}
		if queue, err = a.confirm(ctx, s, table, f, q); err != nil {
			return redact, err
		}
		if s, again, err = a.preflight(ctx, s, q, r); err != nil {
			return redact, err
		}
	}
	if !s.Plan.Changed() { // the login that was stored has been typed once more
		return redact, r.unchanged(ctx, s, q)
	}
	if err := setup.Rehearse(ctx, s, table); err != nil {
		return redact, err
	}
	out, err := setup.Commit(ctx, s, setup.CommitOptions{Hold: queue.ToHold(), Installed: installed, KeepOnFailure: f.keep, Flow: table})
	if r.committed(out); err != nil {
		return redact, commitFailed(out, err)
	}
	queue.Retry(ctx, deps)
	r.applied(ctx, s, out)
	return redact, nil
}

// recover finishes the undoing of a run that died.
func (a *app) recover(ctx context.Context, deps setup.Deps) error {
	if os.Geteuid() != 0 {
		return hint(errNotRoot, "run it with sudo, or look first: relayhost setup --dry-run")
	}
	undone, err := setup.Recover(ctx, deps, false)
	if undone {
		a.io.Say("an earlier run was broken off; what it had changed has been put back")
	}
	return err
}

// preflight tries the relays. Where one refuses an answer to a question, that one is
// asked again, and the others are kept: nothing has been written yet. again says that
// the plan has become another and is to be shown.
func (a *app) preflight(ctx context.Context, s setup.Setup, q *questions, r *setupReport) (_ setup.Setup, again bool, err error) {
	for {
		err := setup.Preflight(ctx, s)
		if err == nil || s.Config.Several() {
			return s, false, err
		}
		user, sender := "", errors.Is(err, setup.ErrSenderRefused)
		switch {
		case errors.Is(err, setup.ErrLoginRefused) && q.typed:
			user = s.Config.First().Username
		case sender && q.asked["from"]:
			q.from, s.Config.Routes[0].From = s.Config.From(), ""
		case errors.Is(err, setup.ErrRecipientRefused) && (q.asked["from"] || q.asked["to"]): // senders are refused at RCPT as well
			q.to = s.Config.To
			if s.Config.To = ""; q.asked["from"] {
				q.from, s.Config.Routes[0].From = s.Config.From(), ""
			}
		default:
			return s, false, err
		}
		a.complain("error: ", redacted(s.Config, err.Error()))
		direct := s.Config.Direct // asked for once
		s.Direct = &direct
		if s, err = s.Again(ctx, q, user); err != nil {
			return s, false, err
		}
		if r.planned(s); user == "" {
			return s, true, nil
		}
	}
}

// commitFailed tells a failed proof from everything else, and what became of the
// host.
func commitFailed(out setup.Outcome, err error) error {
	var needs *apply.NeedsPerson
	var interrupted *apply.Interrupted
	switch restored := out.Change.State == apply.RolledBack; {
	case errors.As(err, &needs):
		return err
	case errors.As(err, &interrupted):
		err = errors.Join(errInterrupted, err)
		if restored {
			err = stateOfHost(err, "restored")
		}
		return err
	case out.Kept:
		return stateOfHost(err, "the new configuration was kept (--keep-on-failure)")
	case out.ProofFailed, restored:
		return stateOfHost(err, "restored")
	}
	return err
}

// readOrInstall reads the Postfix that is there, installing it after consent.
func (a *app) readOrInstall(ctx *ui.Limit, deps setup.Deps, f setupFlags, q *questions) (s postfix.State, installed []string, err error) {
	s, err = postfix.Read(ctx, &a.host.Reader, a.configDir)
	if err != nil || s.Installed {
		return s, nil, err
	}
	dry := f.dryRun || f.printConf
	resume := func() {}
	s, installed, err = setup.Install(ctx, deps, s, setup.InstallOptions{DryRun: dry, ReplaceMTA: f.replaceMTA, Consent: func(ctx2 context.Context) error {
		err := a.consentToInstall(ctx2, f, q)
		resume = ctx.Pause() // a slow mirror is no reason to stop half way
		return err
	}})
	resume()
	if dry && err == nil {
		a.io.Tell("", "Postfix is not installed: the difference is against what the distribution installs")
	}
	a.io.Done()
	return s, installed, err
}

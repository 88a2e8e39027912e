package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"relayhost/internal/answers"
	"relayhost/internal/ask"
	"relayhost/internal/config"
	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
)

func newSetupCmd(a *app) *cobra.Command {
	var f setupFlags
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Set up Postfix to send through a relay service",
		Long: `setup points Postfix at a relay service. It asks for what flags do not say; on a
host that is set up already it keeps all answers that are not given again, so

  relayhost setup --credentials-file -

changes the password. Nothing is written before the relay has accepted login,
sender and recipient, and a private Postfix has delivered a test message with
exactly the planned configuration. If the test through the server's own Postfix
fails afterwards, everything is restored.

Routes by sender and fallback relays are written in
/etc/relayhost/relayhost.toml; setup without flags does what the file says.` + exitHelp(
			meaning{exitDone, "set up, or nothing to do"},
			meaning{exitFailed, "failed; the mail configuration is as before"},
			meaning{exitDifferences, "there are differences (--dry-run --detailed-exitcode)"},
			meaning{exitProof, "the proof failed (relay, TLS, login, sender or delivery);\n       the configuration is as before, unless --keep-on-failure was given"},
			meaning{exitIncomplete, "rollback incomplete; repair the named files by hand"},
			meaning{exitUsage, "a flag or relayhost.toml is wrong"},
			meaning{exitInterrupted, "interrupted; the mail configuration is as before"}),
		Example: setupExample,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := ui.WithLimit(cmd.Context(), a.timeout)
			defer cancel()
			r := &setupReport{app: a}
			if f.foreground && !f.dryRun && !f.printConf {
				if err := logToStdout(ctx, a.host, a.configDir); err != nil {
					return err
				}
			}
			redact, err := a.runSetup(ctx, f, cmd.Flags().Changed, r)
			err = r.finish(err, redact, f.printConf)
			if f.foreground && exitCode(err) != exitUsage {
				return a.foreground(cmd.Context(), err)
			}
			return err
		},
	}
	for _, g := range f.groups() {
		g.register(cmd.Flags())
	}
	cmd.MarkFlagsMutuallyExclusive("relay", "smarthost")
	cmd.MarkFlagsMutuallyExclusive("install", "no-install")
	return cmd
}

// setupFlags are the flags of setup as they were given: what is handed on as it is
// goes straight into the Request.
type setupFlags struct {
	setup.Request
	port, queue                     string
	signIn, tenant, clientID        string
	direct                          []string
	connections                     int
	bridgeService                   bool
	dryRun, detailedExit, printConf bool
	yes, install, noInstall         bool
	replaceMTA, keep, foreground    bool
}

// groups are all flags of setup under the headings of its help.
func (f *setupFlags) groups() []flagGroup {
	f.port, f.queue = "auto", "ask"
	r, given := &f.Request, &f.Given
	return []flagGroup{
		{"Relay", []flag{
			{"relay", &r.Relay, "`name` of the relay (relayhost relays lists them), or a catalogue file"},
			{"region", &r.Region, "region of the relay, e.g. eu-west-1"},
			{"smarthost", &r.Smarthost, "another SMTP server, by host `name`"},
			{"port", &f.port, "submission port, or auto: the first that is reachable"},
			{"via", &given.Via, "how mail gets to the relay: smtp, or https for its API on port 443"},
			{"username", &r.Username, "user name at the relay"},
			{"credentials-file", &given.CredentialsFile, "`file` with username= and password=, - for standard input"},
			{"sign-in", &f.signIn, "`way` to log in: client_credentials, device, url or password"},
			{"tenant", &f.tenant, "Microsoft tenant of the sign-in: a domain or an `ID`"},
			{"client-id", &f.clientID, "application `ID` of the sign-in"},
		}},
		{"Sender", []flag{
			{"from", &given.From, "`address` that this server's own accounts send as"},
			{"to", &given.To, "recipient of the test message (default: the address of --from)"},
			{"root-to", &given.RootTo, "`address` that mail for root is sent to"},
			{"direct", &f.direct, "recipient `domain` to deliver directly, bypassing the relay (repeatable)"},
		}},
		{"Safety", []flag{
			{"dry-run", &f.dryRun, "show what would change, and change nothing"},
			{"detailed-exitcode", &f.detailedExit, "with --dry-run: exit code 2 when there are differences"},
			{"print-config", &f.printConf, "print the answers as a relayhost.toml and change nothing"},
			{"yes", &f.yes, "ask nothing, accept the plan"},
			{"queue", &f.queue, "what to do with mail already in the queue: ask, send or hold"},
			{"no-verify", &r.NoProof, "skip the proof of delivery"},
			{"keep-on-failure", &f.keep, "keep the new configuration when the proof fails"},
			{"force", &r.Force, "continue although another tool manages this host's mail, or other mail changes"},
		}},
		{"Advanced", []flag{
			{"ca-file", &given.CAFile, "CA `file` that the relay's certificate is verified with"},
			{"fingerprint", &given.Fingerprint, "SHA-256 fingerprint of the relay's certificate, instead of a CA"},
			{"insecure-no-verify-certificate", &given.NoVerify, "encrypt, but accept any certificate"},
			{"insecure-plaintext", &given.Plaintext, "no TLS: for a smarthost on a private network, without a login"},
			{"no-probe", &r.NoProbe, "probe nothing beforehand; needs --port"},
			{"https-proxy", &given.Proxy, "`address` of the HTTP proxy to reach the API through"},
			{"bridge-service", &f.bridgeService, "run the bridge for HTTPS or OAuth as one process under systemd, not by spawn(8)"},
			{"connections", &f.connections, "concurrent connections (default: what the relay documents, at most 20)"},
			{"map-type", &given.MapType, "lookup table type (default: what this Postfix prefers)"},
			{"install", &f.install, "install Postfix where it is missing"},
			{"no-install", &f.noInstall, "never install anything"},
			{"foreground", &f.foreground, "after the setup run Postfix in the place of this process, for a container"},
			{"replace-mta", &f.replaceMTA, "install Postfix in place of another mail server"},
		}},
	}
}

const setupExample = `  # Answer questions, look at the plan, then apply it
  sudo relayhost setup
  # Set up a relay from a script
  sudo relayhost setup --relay ses --region eu-west-1 --from app@example.com \
      --credentials-file ses.txt --yes
  # Change the password; everything else stays
  sudo relayhost setup --credentials-file -`

var errNotRoot = errors.New("setup changes the mail configuration and must run as root")

// check finds what no later step could make sense of.
func (f setupFlags) check(a *app) error {
	switch {
	case f.port != "auto" && !isPort(f.port):
		return usage(fmt.Errorf("--port %s is not a port", f.port), "a number from 1 to 65535, or auto")
	case !slices.Contains([]string{"", "smtp", string(config.SMTPOAuth), string(config.HTTPS)}, f.Via):
		return usage(fmt.Errorf("--via %s is not supported", f.Via), "smtp, smtp-oauth or https")
	case f.NoProbe && f.port == "auto" && f.Via != string(config.HTTPS) && !storedPort(a.host):
		return setup.ErrNoPort
	case !slices.Contains([]string{"ask", "send", "hold"}, f.queue):
		return usage(fmt.Errorf("--queue %s is not known", f.queue), "ask, send or hold")
	case f.foreground && (f.dryRun || f.printConf):
		return usage(errors.New("--foreground runs Postfix after a setup, and --dry-run and --print-config set nothing up"), "")
	case f.printConf && a.json:
		return usage(errors.New("--print-config prints TOML, --json a document"), "give one of them")
	case f.detailedExit && !f.dryRun:
		return usage(errors.New("--detailed-exitcode goes with --dry-run"), "")
	case f.NoVerify && f.Fingerprint != "":
		return usage(errors.New("--fingerprint and --insecure-no-verify-certificate exclude each other"), "")
	}
	if err := checkAddressFlag("from", f.From); err != nil {
		return err
	}
	if err := checkAddressFlag("to", f.To); err != nil {
		return err
	}
	return checkAddressFlag("root-to", f.RootTo)
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 65535
}

// checkAddressFlag checks the address of a flag that was given.
func checkAddressFlag(flag, value string) error {
	if value == "" {
		return nil
	}
	return config.CheckAddress("--"+flag, value)
}

// storedPort reports whether there is a relayhost.toml, which may name the port: setup
// tells where it does not.
func storedPort(h *host.Host) bool {
	_, err := h.Stat(config.Path)
	return !errors.Is(err, fs.ErrNotExist)
}

// request is what the flags say; given reports whether one was given at all.
func (f setupFlags) request(given func(flag string) bool) (setup.Request, error) {
	r := f.Request
	r.DryRun, r.Agreed = f.dryRun || f.printConf, f.yes
	r.Port, _ = strconv.Atoi(f.port) // 0 for auto
	if given("bridge-service") {
		r.BridgeService = &f.bridgeService
	}
	if given("connections") {
		r.Connections = &f.connections
	}
	if given("direct") {
		r.Direct = &f.direct
	}
	return r, setup.GiveSignIn(&r.Given, f.signIn, f.tenant, f.clientID)
}

// runSetup goes the whole way. --dry-run is the same way, stopped after the
// difference. redact takes the secrets that it has come across out of a text.
func (a *app) runSetup(ctx *ui.Limit, f setupFlags, given func(string) bool, r *setupReport) (redact func(string) string, err error) {
	redact = func(text string) string { return text }
	if err := f.check(a); err != nil {
		return redact, err
	}
	deps := a.deps()
	deps.Report = r
	req, err := f.request(given)
	if err != nil {
		return redact, err
	}
	if !req.DryRun {
		if err := recoverFirst(ctx, a.io, deps); err != nil {
			return redact, err
		}
	}
	q := newQuestions(ctx, a.io, a.json, deps, req, f)
	state, installed, err := a.readOrInstall(ctx, deps, f, q)
	r.installed = installed
	if err != nil {
		return redact, err
	}
	for {
		d, err := a.decide(ctx, deps, state, req, f, q, r)
		redact = d.s.Config.Redact
		req.Known = d.s.Look
		if err == nil && !d.over {
			err = applyDecided(ctx, d, setup.CommitOptions{Hold: d.queue.ToHold(), Installed: installed, KeepOnFailure: f.keep, Flow: d.table, Tokens: d.tokens}, r)
		}
		if cerr := d.s.Close(); cerr != nil { // what was begun before an error is ended as well
			err = errors.Join(err, cerr)
		}
		if errors.Is(err, ui.ErrBack) {
			q.Back()
			continue
		}
		if err == nil {
			if !req.DryRun {
				answers.Forget(a.host)
			}
			return redact, nil
		}
		d.s.Look.Tell(r)
		if f.keep || !askForChange(a.io, q, &err, redact) {
			q.Aborted()
			return redact, err
		}
		r.doc.Result = "" // of a run that goes on
		if state, err = postfix.Read(ctx, &a.host.Reader, a.configDir); err != nil {
			return redact, err
		}
	}
}

// newQuestions asks what a command with these flags lacks.
func newQuestions(limit *ui.Limit, io *ui.Streams, asJSON bool, deps setup.Deps, req setup.Request, f setupFlags) *ask.Questions {
	return ask.New(ask.Terminal{IO: io, Deps: deps, Request: req, Limit: limit, Quiet: f.yes || asJSON, Keep: f.keep, Complain: func(kind, text string) { complain(io, kind, text) }})
}

// askForChange tells why a setup has failed and asks which answer to change. It is false
// where none is to be changed; err is then an error that has been told.
func askForChange(io *ui.Streams, q *ask.Questions, err *error, redact func(string) string) bool {
	if code := exitCode(*err); !q.Answered() || code != exitProof && code != exitUsage {
		return false
	}
	complain(io, "error: ", redact((*err).Error()))
	for _, h := range hints(*err) {
		complain(io, "hint: ", redact(h))
	}
	if q.Change(*err) {
		return true
	}
	*err = toldError{*err}
	return false
}

// applyDecided rehearses and commits what was decided, and says what came of it.
func applyDecided(ctx context.Context, d decided, o setup.CommitOptions, r *setupReport) error {
	next := func(bool) []string { return nil }
	if !r.json {
		next = setup.NextSteps(ctx, d.s.Config, d.s.Resolver)
	}
	try := setup.Rehearse
	if !d.tried {
		try = setup.TryOut
	}
	if err := try(ctx, d.s, d.tokens, d.table); err != nil {
		return err
	}
	out, err := setup.Commit(ctx, d.s, o)
	if r.committed(out); err != nil {
		return out.Stated(err)
	}
	d.queue.Retry(ctx, d.s.Deps)
	d.s.Look.Tell(r)
	r.applied(d.s, out, next)
	return nil
}

// decided is a setup that was planned and agreed to.
type decided struct {
	s      setup.Setup
	table  *flow.Table
	queue  setup.Queue
	tokens setup.Tokens
	tried  bool // the relay has accepted login, sender and recipient
	over   bool // nothing is to be applied
}

// decide asks, plans, shows, and tries the relay. It returns ui.ErrBack where a
// question is to be asked again; nothing has been changed then.
func (a *app) decide(ctx *ui.Limit, deps setup.Deps, state postfix.State, req setup.Request, f setupFlags, q *ask.Questions, r *setupReport) (d decided, err error) {
	d.s, err = setup.Prepare(ctx, deps, state, req, q)
	if err != nil {
		return d, err
	}
	d.over = true
	r.planned(d.s)
	if f.printConf {
		a.io.Done()
		return d, printConfig(a, d.s.Plan)
	}
	for again := true; again; {
		d.table, err = setup.MailFlow(ctx, d.s)
		if r.doc.Flow = d.table; err != nil {
			return d, err
		}
		a.io.Done()
		switch {
		case f.dryRun:
			if err := setup.LookAhead(ctx, d.s); err != nil {
				return d, err
			}
			d.s.Look.Tell(r)
			if !d.s.Plan.Changed() {
				r.stopped(ctx, d.s)
			}
			return d, r.dryRun(d.s.Plan, d.table, f.detailedExit)
		case !d.s.Plan.Changed():
			return d, r.unchanged(ctx, d.s, nil, q)
		}
		if d.queue, err = a.confirm(ctx, d.s, d.table, f, q); err != nil {
			return d, err
		}
		if d.tokens, err = setup.SignIn(ctx, d.s, q); err != nil {
			return d, err
		}
		if !q.Can() {
			break // nothing can be asked again: it is tried beside the rehearsal
		}
		if d.s, again, err = runPreflight(ctx, a.io, d.s, d.tokens, q, r); err != nil {
			return d, err
		}
		d.tried = true
	}
	if !d.s.Plan.Changed() { // the login that was stored has been typed once more
		return d, r.unchanged(ctx, d.s, d.tokens, q)
	}
	d.over = false
	return d, nil
}

// recoverFirst finishes the undoing of a run that died.
func recoverFirst(ctx context.Context, io *ui.Streams, deps setup.Deps) error {
	if os.Geteuid() != 0 {
		return hint(errNotRoot, "run it with sudo, or look first: relayhost setup --dry-run")
	}
	undone, err := setup.Recover(ctx, deps, false)
	if undone {
		io.Say("an earlier run was aborted; everything it had changed has been restored")
	}
	return err
}

// runPreflight tries the relays. Where one refuses an answer to a question, that one is
// asked again, and the others are kept: nothing has been written yet. again says that
// the plan has become another and is to be shown.
func runPreflight(ctx context.Context, io *ui.Streams, s setup.Setup, tokens setup.Tokens, q *ask.Questions, r *setupReport) (_ setup.Setup, again bool, err error) {
	for {
		err := setup.Preflight(ctx, s, tokens)
		if err == nil || s.Config.Several() {
			return s, false, err
		}
		redacted := s.Config.Redact(err.Error())
		c, user, asked := q.Refused(s.Config, err)
		if !asked {
			return s, false, err
		}
		complain(io, "error: ", redacted)
		if s, err = s.Again(ctx, c, q, user); err != nil {
			return s, false, err
		}
		if r.planned(s); user == "" {
			return s, true, nil
		}
	}
}

// readOrInstall reads the Postfix that is there, installing it after consent.
func (a *app) readOrInstall(ctx *ui.Limit, deps setup.Deps, f setupFlags, q *ask.Questions) (s postfix.State, installed []string, err error) {
	s, err = postfix.Read(ctx, &a.host.Reader, a.configDir)
	if err != nil || s.Installed {
		return s, nil, err
	}
	dry := f.dryRun || f.printConf
	resume := func() {}
	s, installed, err = setup.Install(ctx, deps, s, setup.InstallOptions{DryRun: dry, ReplaceMTA: f.replaceMTA, Consent: func(ctx2 context.Context) error {
		var err error
		switch {
		case f.noInstall:
			err = hint(setup.ErrNoPostfix, "install it, or leave --no-install out")
		case !f.install:
			err = q.Install(ctx2)
		}
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

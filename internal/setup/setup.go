// Package setup is the job of `relayhost setup`, without a command line and without
// a terminal: stages that are functions over values. In their order:
//
//   - Recover undoes a run that was killed; Install, where Postfix is missing
//   - Prepare finds out, asks and plans (Discover, Named, ReadCredentials, Choose,
//     SelectPorts, Build)
//   - MailFlow compares where mail goes before and after; the caller shows the plan and
//     asks for consent
//   - SignIn fetches the tokens that Preflight logs in with, where the relay takes tokens
//   - Preflight asks the relays, Rehearse sends through a private Postfix; TryOut is both
//     side by side. LookAhead is what a dry run does in their place
//   - Commit applies the plan and proves it, or restores what was there
//   - Queue.Retry sends what has waited, and KeepLogin notes the last login that a
//     relay has accepted
//
// Until Commit the server's own Postfix is not touched. Setup.Close ends what an earlier
// stage has left running, whichever stage was the last. The other commands are in files
// of their own: adopt, metrics, rollback, status, unblock, and signing in again.
//
// Words of other packages that every file here uses: a config.Route is a set of senders
// and its hops in order, of which the first is tried first and the others are its
// fallbacks; the first route is the default, and its first hop is what flags and
// questions are about. Postfix itself speaks SMTP to a hop, or a bridge does its part
// (Hop.Bridged), a process of this program: by SMTP with OAuth, or by the HTTPS API of
// the relay (Hop.ByAPI). A relay without Auth.Mechanisms wants no login.
package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// Deps is the host that is set up, and who is told of it.
type Deps struct {
	Host      *host.Host
	ConfigDir string // "" is what postconf config_directory says
	StateDir  string // of the transaction; "" is apply.StateDir
	Report    Reporter
}

// Reporter is told what a run does, while it does it.
type Reporter interface {
	Step(format string, args ...any) // what is being done now
	Part(step string)                // of the step
	Note(format string, args ...any)
	Warn(format string, args ...any)
	// Unproven is a note on what was left out of the proof.
	Unproven(format string, args ...any)
	// Found has what detection has found out.
	Found(detect.Facts)
	// Trace returns who is shown the SMTP dialogue; nil for nobody.
	Trace() func(smtpprobe.Exchange)
}

// Asker asks for what neither flags nor the file say. Where nobody is there to be
// asked, Can is false and the others fail with a *UsageError that names the flag,
// but for those that have a default. It is never nil.
type Asker interface {
	Can() bool
	Relay(ctx context.Context, d Discovery) (id string, err error)
	// Smarthost completes a relay that is in no catalogue: h has what is known, and
	// "" or 0 for what is to be asked. login says that it wants a login.
	Smarthost(ctx context.Context, d Discovery, h config.Hop) (completed config.Hop, login bool, err error)
	// Region returns "" where the relay has a default, and none is asked for.
	Region(ctx context.Context, d Discovery, r relays.Relay) (string, error)
	// APIKey fills in what c lacks of the key for the API of r.
	APIKey(ctx context.Context, a conf.API, r relays.Relay, c *secret.Credentials) error
	// Credentials fills in what c lacks; typed is a user name to begin with.
	Credentials(ctx context.Context, r relays.Relay, typed string, c *secret.Credentials) error
	From(ctx context.Context, d Discovery, r relays.Relay) (string, error)
	To(ctx context.Context, d Discovery, from string) (string, error)
	// SignIn asks how to log in to a relay that can be signed in to by OAuth; no Grant
	// is by password.
	SignIn(ctx context.Context, h config.Hop) (config.SignIn, error)
	// Application asks for what the sign-in of h lacks, in place.
	Application(ctx context.Context, h *config.Hop) error
	// Direct is asked where nothing is stored yet.
	Direct(ctx context.Context, d Discovery) ([]string, error)
}

// Request is what is asked of a run: flags, which win over what is stored.
type Request struct {
	Relay     string // ID, or path of a catalogue file
	Smarthost string // host name of a relay that is in no catalogue
	Region    string
	Username  string
	// Given has the flags that the file has a value for as well: Port, Direct, Via and
	// others.
	config.Given
	NoProbe bool // probe nothing beforehand
	NoProof bool // neither rehearse nor prove
	DryRun  bool // nothing is applied: credentials may be missing
	Agreed  bool // the plan needs no consent
	// Known is the Look of an earlier pass of this run; nil looks around.
	Known *Look
	Force bool // where another tool manages this host's mail, or a *plan.Conflict is found
}

// Setup is a setup about which everything is known, and nothing is done yet.
type Setup struct {
	Deps
	Request
	Discovery
	Config config.Config
	Plan   plan.Plan
	Look   *Look
	// Ahead is a rehearsal that has begun already; nil for none.
	Ahead *ahead
	// Tokens are those of SignIn, by the name of their bridge; not stored yet.
	Tokens map[string]oauth.Token
}

// Prepare makes a Setup for the Postfix of state: it finds out, asks for what is
// missing, chooses ports, and plans. It changes nothing.
func Prepare(ctx context.Context, deps Deps, state postfix.State, req Request, ask Asker) (s Setup, err error) {
	s = Setup{Deps: deps, Request: req}
	warnOfAnswers(deps, state)
	if s.Discovery, err = Discover(ctx, deps, state, req); err != nil {
		return s, err
	}
	if !ask.Can() && !req.DryRun {
		s.OpenConnections = &smtpprobe.Connections{}
	}
	if s.Config, err = Named(ctx, deps, s.Discovery, req, ask); err != nil {
		return s, err
	}
	if s.Credentials, err = ReadCredentials(ctx, s.Config, req, ask); err != nil {
		return s, err
	}
	if s.Look = req.Known; req.Known == nil {
		if s.Look, err = LookAround(ctx, deps, s.Discovery, s.Config, req); err != nil {
			return s, err
		}
	}
	s.Ahead = rehearseAhead(ctx, s, ask)
	if s.Config.First().Name() != "" && !ask.Can() {
		s.Facts = s.Look.Ports()
	} else if s.Facts, err = s.Look.Whole(deps.Report); err != nil {
		return s, err
	}
	if s.Config, err = Choose(ctx, deps, s.Discovery, s.Config, req, ask); err != nil {
		return s, err
	}
	if err := checkNames(ctx, deps, s.Discovery, s.Config); err != nil {
		return s, err
	}
	if s.Config, err = chooseSignIn(ctx, s, ask); err != nil {
		return s, err
	}
	if s.Config, err = SelectPorts(ctx, deps, s.Discovery, s.Config, req); err != nil {
		_, _ = s.Look.Whole(deps.Report) // why nothing gets out; its own error says less
		return s, err
	}
	s.OpenConnections.Close(func(name string, port uint16) bool {
		return slices.ContainsFunc(s.Config.Routes, func(r config.Route) bool {
			return slices.ContainsFunc(r.Hops, func(h config.Hop) bool { return h.Host == name && h.Port == int(port) })
		})
	})
	return s.Again(ctx, ask, "")
}

// Close ends what s has left open or begun; it may be called again.
func (s Setup) Close() error {
	s.OpenConnections.Close(func(string, uint16) bool { return false })
	return s.Ahead.close()
}

// Again is s with accounts and addresses completed, and a plan for them. typed is
// the user name to begin with where a login that was typed has been refused.
func (s Setup) Again(ctx context.Context, ask Asker, typed string) (Setup, error) {
	c, missing, err := Complete(ctx, s, ask, typed)
	if s.Config = c; err != nil {
		return s, err
	}
	s.Plan, err = Build(s, missing)
	return s, err
}

// Build makes the plan, with ignore lines where /etc is kept in a repository
// (etckeeper). missing says that placeholders may stand for credentials.
func Build(s Setup, missing bool) (plan.Plan, error) {
	p, err := plan.Build(s.server(missing), s.Config)
	if err != nil {
		return p, err
	}
	return plan.KeepOutOfHistory(&s.Host.Reader, p)
}

func (s Setup) server(missing bool) plan.Server {
	open := s.Facts != nil && s.Facts.Port25.Verdict == detect.Open
	return plan.Server{State: s.State, Port25Open: open, Force: s.Force, NoCredentials: missing, Bridge: bridgeHost(&s.Host.Reader, s.State.ConfigDir)}
}

// Recover finishes the undoing of a run that died. It reports whether there was one.
func Recover(ctx context.Context, deps Deps, force bool) (undone bool, err error) {
	o := apply.Options{ConfigDir: deps.ConfigDir, StateDir: deps.StateDir, Force: force}
	if undone, err = apply.Recover(ctx, deps.Host, o); err != nil {
		return undone, err
	}
	return undone, sweepRehearsal(ctx, deps.Host, o)
}

// sweepRehearsal removes the private Postfix of a setup that was killed during its
// rehearsal: it holds a copy of the password.
func sweepRehearsal(ctx context.Context, h *host.Host, o apply.Options) error {
	if !instance.Left(&h.Reader) {
		return nil
	}
	release, err := apply.Lock(ctx, h, o)
	if err != nil {
		return err
	}
	defer release()
	if err := instance.Sweep(h); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil // somebody else's directories; a rehearsal would say so
}

// Control starts, stops and reloads the Postfix of deps.
func (deps Deps) Control() postfix.Control {
	return postfix.Control{Host: deps.Host, ConfigDir: deps.ConfigDir}
}

// ErrNoPostfix is a host without Postfix.
var ErrNoPostfix = errors.New("Postfix is not installed")

// ErrLoginRefused is in the chain of a preflight that failed since the relay has
// refused a login for good.
var ErrLoginRefused = errors.New("the relay has refused the login")

// ErrSenderRefused and ErrRecipientRefused are in the chain of a preflight that failed
// since the relay has refused for good what MAIL or RCPT named.
var (
	ErrSenderRefused    = errors.New("the relay has refused the sender")
	ErrRecipientRefused = errors.New("the relay has refused the recipient")
)

// UsageError is a mistake in what was asked for, or a missing answer (exit code 64).
type UsageError struct {
	Err  error
	Hint string // what to do; may be empty
}

func (e UsageError) Error() string { return e.Err.Error() }

func (e UsageError) Unwrap() error { return e.Err }

// HintedError is an error with what to do about it.
type HintedError struct {
	Err  error
	Hint string
}

func (e HintedError) Error() string { return e.Err.Error() }

func (e HintedError) Unwrap() error { return e.Err }

// Hint adds to err what to do about it.
func Hint(err error, format string, args ...any) error {
	return HintedError{err, fmt.Sprintf(format, args...)}
}

// ProofError says that relay, TLS, credentials, sender or delivery failed (exit
// code 3).
type ProofError struct{ Err error }

func (e ProofError) Error() string { return e.Err.Error() }

func (e ProofError) Unwrap() error { return e.Err }

// Explained is an error with the finding that explains it.
type Explained struct {
	Err     error
	Finding verify.Finding
}

func (e Explained) Error() string { return e.Err.Error() }

func (e Explained) Unwrap() error { return e.Err }

// InFile is an error about what a line of the file names.
type InFile struct {
	Where string // file:line
	Err   error
}

func (e InFile) Error() string { return e.Where + ": " + e.Err.Error() }

func (e InFile) Unwrap() error { return e.Err }

// explained puts a finding behind err: its cause in words, and its remedy.
func explained(err error, f verify.Finding) error {
	err = Explained{err, f}
	c, ok := explain.ByID(f.Cause)
	if ok {
		err = fmt.Errorf("%w\ncause: %s", err, c.Title)
	}
	if ok && c.Retry == "wait" {
		// Nothing of ours is left that would try again.
		f.Remedy, f.Command = "Wait some minutes, then run setup again.", ""
	}
	if f.Remedy == "" {
		return err
	}
	remedy := f.Remedy
	if f.Command != "" {
		remedy += "\n  " + f.Command
	}
	return Hint(err, "%s", remedy)
}

// maxOthers bounds the failures that are told beside the first.
const maxOthers = 5

// withOthers is err with the texts of others below it.
func withOthers(err error, others []string) error {
	for i, text := range others {
		if i == maxOthers {
			return fmt.Errorf("%w\nand %d more", err, len(others)-i)
		}
		err = fmt.Errorf("%w\nalso %s", err, text)
	}
	return err
}

// preview tells what Postfix would die of, as far as its files show. Private instances may
// be starting meanwhile.
func preview(ctx context.Context, s Setup) error {
	faults, err := instance.Preview(ctx, &s.Host.Reader, s.State, s.Plan)
	if err != nil || len(faults) == 0 {
		return err
	}
	if s.Force {
		for i := range faults {
			s.Report.Unproven("%v", &faults[i])
		}
		return nil
	}
	err = faultError("no mail can leave with this configuration", &faults[0])
	for i := range faults[1:] {
		err = fmt.Errorf("%w\nalso %w", err, &faults[i+1])
	}
	return err
}

// faultError is an error with the remedy of the fault.
func faultError(what string, f *instance.Fault) error {
	err := fmt.Errorf("%s: %w", what, f)
	switch {
	case f.Command != "":
		return Hint(err, "%s\n  %s", f.Remedy, f.Command)
	case f.Remedy != "":
		return Hint(err, "%s", f.Remedy)
	}
	return err
}

// MailFlow compares where mail goes before and after the change, and stops at what
// Postfix would die of and at what changes without having been asked for. The table
// is nil where nothing was compared.
func MailFlow(ctx context.Context, s Setup) (*flow.Table, error) {
	if !s.Plan.Changed() || !s.State.Installed {
		return nil, nil
	}
	if s.State.Main == nil || s.State.Master == nil || os.Geteuid() != 0 {
		err := preview(ctx, s)
		if err == nil && s.State.Main != nil && s.State.Master != nil {
			s.Report.Unproven("where mail goes before and after the change was not compared: that needs root")
		}
		return nil, err
	}
	table, err := compareFlow(ctx, s)
	var dies diesOf
	var fault *instance.Fault
	switch {
	case errors.As(err, &dies):
		return nil, dies.error
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &fault):
		return nil, faultError("no mail can leave with this configuration", fault)
	case err != nil && s.DryRun:
		s.Report.Unproven("where mail goes before and after the change was not compared: %v", err)
		return nil, nil
	case err != nil && strings.Contains(err.Error(), "Operation not permitted"), errors.Is(err, instance.ErrNotStarted):
		return nil, nil // a container confines us; the rehearsal, which needs more, says so and what to do
	case err != nil:
		return nil, err
	}
	if table.Broken != "" {
		s.Report.Unproven("no mail leaves now: %s", table.Broken)
	}
	return &table, unasked(s, table.Changes)
}

// compareFlow is flow.Compute, and tells first what Postfix would die of, which is asked for
// while the private instances of that start.
func compareFlow(ctx context.Context, s Setup) (flow.Table, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	previewed := make(chan error, 1)
	go func() {
		err := preview(ctx, s)
		if err != nil {
			cancel()
		}
		previewed <- err
	}()
	table, err := flow.Compute(ctx, s.Host, s.State, s.Plan, flow.Asked{From: s.Config.From(), To: s.Config.To, RootTo: s.Config.RootTo, Direct: s.Config.Direct})
	if perr := <-previewed; perr != nil {
		return table, diesOf{perr}
	}
	return table, err
}

// diesOf is what Postfix would die of, found by preview.
type diesOf struct{ error }

func (e diesOf) Unwrap() error { return e.error }

// unasked is the first change that nobody asked for, and the others below it; with Force
// they are told.
func unasked(s Setup, changes []flow.Change) error {
	if s.Force || len(changes) == 0 {
		for _, c := range changes {
			s.Report.Unproven("%s: %s", c.Class, c.Detail)
		}
		return nil
	}
	var others []string
	for _, c := range changes[1:] {
		others = append(others, c.Conflict().Error())
	}
	return withOthers(changes[0].Conflict(), others)
}

// Redact takes the passwords of c out of a text, whoever put them there.
func Redact(c config.Config, text string) string {
	for _, r := range c.Routes {
		for _, h := range r.Hops {
			text = secret.Redact(text, h.Username, h.Password)
		}
	}
	return text
}

// RedactedError is an error whose text has no secret in it.
type RedactedError struct {
	Err  error
	Text string
}

func (e RedactedError) Error() string { return e.Text }
func (e RedactedError) Unwrap() error { return e.Err }

// StatedError is an error with which of three is true at the end of a failed run:
// unchanged, restored, or manual intervention is needed.
type StatedError struct {
	Err   error
	State string
}

func (e StatedError) Error() string { return e.Err.Error() + "\nthis server: " + e.State }
func (e StatedError) Unwrap() error { return e.Err }

// ErrInterrupted is in the chain of a run that a signal has ended.
var ErrInterrupted = errors.New("interrupted")

// bridgeHost is what this host has for bridges of the Postfix in configDir: the program
// is the one that runs.
func bridgeHost(r *host.Reader, configDir string) plan.Bridge {
	b := plan.Bridge{GID: apply.BridgeGID(r), Elsewhere: otherBridges(r, configDir)}
	if self, err := os.Executable(); err == nil {
		b.Program = self
	}
	_, err := r.Stat("/run/systemd/system") // sd_booted(3)
	b.Systemd = err == nil
	return b
}

// bridgeInUse is bridgeHost with the program that master.cf names now, so that a look
// from another place finds no difference.
func bridgeInUse(r *host.Reader, s postfix.State) plan.Bridge {
	b := bridgeHost(r, s.ConfigDir)
	b.Program = cmp.Or(plan.BridgeProgram(s), b.Program)
	return b
}

// otherBridges are those that the instances of Postfix beside the one in configDir
// start, and where (multi_instance_directories of postconf(5)).
func otherBridges(r *host.Reader, configDir string) map[string]string {
	names := map[string]string{}
	dirs := []string{postfix.DefaultConfigDir}
	if text, err := r.ReadFile(filepath.Join(postfix.DefaultConfigDir, "main.cf")); err == nil {
		if main, err := postfix.ParseMain(text); err == nil {
			more, _ := main.Get("multi_instance_directories")
			dirs = append(dirs, postfix.Words(more)...)
		}
	}
	for _, dir := range dirs {
		if text, err := r.ReadFile(filepath.Join(dir, "master.cf")); err == nil && filepath.Clean(dir) != filepath.Clean(configDir) {
			master, _ := postfix.ParseMaster(text)
			for _, name := range plan.BridgesOf(master) {
				names[name] = dir
			}
		}
	}
	return names
}

// anyBridge reports whether a route goes by a bridge.
func anyBridge(cfg config.Config) bool {
	for _, r := range cfg.Routes {
		for _, h := range r.Hops {
			if h.Bridged() {
				return true
			}
		}
	}
	return false
}

// at is a hop of c by its place.
type at struct{ route, hop int }

// in is the hop itself, to be changed in place.
func (p at) in(c config.Config) *config.Hop { return &c.Routes[p.route].Hops[p.hop] }

// label names the hop in messages: "route shop, fallback 1".
func (p at) label(c config.Config) string { return config.Label(c.Routes[p.route].Name, p.hop) }

// key names a value of the hop in relayhost.toml ("fallback[0].port"); Config.Where and
// Config.Mistake find its line by that.
func (p at) key(value string) string { return config.Key(p.route, p.hop, value) }

// isFirst reports whether p is the first hop of the default route.
func (p at) isFirst() bool { return p == at{} }

// atOnce bounds the connections that a setup of several relays has open.
const atOnce = 8

// inParallel calls job for 0 to n-1, at most atOnce at the same time, and waits.
func inParallel(n int, job func(i int)) {
	var wait sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range n {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			job(i)
		})
	}
	wait.Wait()
}

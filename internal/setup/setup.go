// Package setup is the job of `relayhost setup`, without a command line and without
// a terminal: stages that are functions over values. In their order:
//
//   - Recover undoes a run that was killed (commit.go); Install, where Postfix is
//     missing (discover.go)
//   - Prepare finds out, asks and plans: Discover (discover.go), Named (relay.go),
//     ReadCredentials (account.go), LookAround (discover.go), Choose (relay.go),
//     SelectPorts (discover.go), Complete (account.go), Build
//   - MailFlow compares where mail goes before and after (flow.go); the caller shows the
//     plan and asks for consent
//   - SignIn fetches the tokens that Preflight logs in with, where the relay takes tokens
//     (signin.go)
//   - Preflight asks the relays (preflight.go), Rehearse sends through a private Postfix
//     (rehearse.go); TryOut is both side by side. LookAhead is what a dry run does in
//     their place
//   - Commit applies the plan and proves it, or restores what was there; Queue.Retry then
//     sends what has waited, and KeepLogin notes the last login that a relay has accepted
//     (commit.go)
//
// A stage is handed what the stages before it have returned: a Discovery, a Config, a
// Basis of what was asked for and found, a Setup with the plan, Tokens. Each is made whole
// by its stage, and stands in the file of that stage; a Basis, a Setup and the kinds of
// errors that several stages have are in this file. Until Commit the server's own Postfix
// is not touched. Beside the stages Prepare holds names against /etc/hosts (checkNames,
// relay.go), asks how to log in (chooseSignIn, signin.go), and may begin the rehearsal while
// ports are tried (rehearseAhead, rehearse.go). Setup.Close ends what an earlier stage has
// left running, whichever stage was the last. The other commands are in files of their own:
// adopt, metrics, rollback, status, unblock, verify, and signing in again.
//
// Words of other packages that every file here uses: a config.Route is a set of senders
// and its hops in order, of which the first is tried first and the others are its
// fallbacks; the first route is the default, and its first hop is what flags and
// questions are about. Postfix itself speaks SMTP to a hop, or a bridge does its part
// (Hop.Bridged), a process of this program: by SMTP with OAuth, or by the HTTPS API of
// the relay (Hop.ByAPI). A relay without Auth.Mechanisms wants no login.
package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
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

// Control starts, stops and reloads the Postfix of deps.
func (deps Deps) Control() postfix.Control {
	return postfix.Control{Host: deps.Host, ConfigDir: deps.ConfigDir}
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
// asked, Can is false and the others fail with a UsageError that names the flag,
// but for those that have a default. It is never nil. facts are nil where nothing was
// probed.
type Asker interface {
	Can() bool
	Relay(ctx context.Context, d Discovery, facts *detect.Facts) (id string, err error)
	// Smarthost completes a relay that is in no catalogue: h has what is known, and
	// "" or 0 for what is to be asked. login says that it wants a login.
	Smarthost(ctx context.Context, d Discovery, facts *detect.Facts, h config.Hop) (completed config.Hop, login bool, err error)
	// Region returns "" where the relay has a default, and none is asked for.
	Region(ctx context.Context, d Discovery, r *relays.Relay) (string, error)
	// APIKey fills in what c lacks of the key for the API of r.
	APIKey(ctx context.Context, a conf.API, r *relays.Relay, c *secret.Credentials) error
	// Credentials fills in what c lacks; typed is a user name to begin with.
	Credentials(ctx context.Context, r *relays.Relay, typed string, c *secret.Credentials) error
	From(ctx context.Context, d Discovery, r *relays.Relay) (string, error)
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

// Basis is what a Setup is decided from: what was asked for, and what was found.
type Basis struct {
	Deps
	Request
	Discovery
	Credentials Credentials
	// Facts is nil where nothing was probed. Where nothing can be asked it has the ports
	// alone (Look.Ports): what else was looked for is told when it has come.
	Facts *detect.Facts
}

// Setup is a setup about which everything is known, and nothing is done yet.
type Setup struct {
	Basis
	Config config.Config
	Plan   plan.Plan
	Look   *Look  // may not have ended yet; nil for none
	ahead  *ahead // a rehearsal that has begun already; nil for none
}

// Prepare makes a Setup for the Postfix of state: it finds out, asks for what is
// missing, chooses ports, and plans. The server's Postfix stays as it is, though a
// rehearsal may have begun beside it. Where it fails, the Setup has
// what it came to, and what it has begun is to be closed all the same.
func Prepare(ctx context.Context, deps Deps, state postfix.State, req Request, ask Asker) (Setup, error) {
	warnOfAnswers(deps, state)
	d, err := Discover(ctx, deps, state, req, ask)
	if err != nil {
		return Setup{}, err
	}
	c, err := Named(ctx, deps, d, req, ask)
	if err != nil {
		return Setup{}, err
	}
	if c.First().Name() != "" { // else the relay is chosen later, beside the stored routes
		d.Stored.Routes = slices.Clone(d.Stored.Routes[:1]) // c has the others: ten thousand are not kept twice
	}
	given, err := ReadCredentials(ctx, c, req, ask)
	if err != nil {
		return Setup{}, err
	}
	look, err := LookAround(ctx, deps, d, c, req)
	if err != nil {
		return Setup{}, err
	}
	// What begins here is ended by Close, so that the Setup is returned whatever comes.
	begun := rehearseAhead(ctx, Basis{deps, req, d, given, nil}, c, ask)
	facts, err := look.facts(c, deps.Report, ask)
	b := Basis{deps, req, d, given, facts}
	if err == nil {
		c, err = settleRelays(ctx, b, c, look, ask)
	}
	var p plan.Plan
	if err == nil {
		c, p, err = decide(ctx, b, c, ask, "", false)
	}
	return Setup{b, c, p, look, begun}, err
}

// settleRelays finds the relays of c, how they are logged in to, and their ports.
func settleRelays(ctx context.Context, b Basis, c config.Config, look *Look, ask Asker) (config.Config, error) {
	c, err := Choose(ctx, b, c, ask)
	if err != nil {
		return c, err
	}
	if err := checkNames(ctx, b, c); err != nil {
		return c, err
	}
	if c, err = chooseSignIn(ctx, b, c, ask); err != nil {
		return c, err
	}
	if c, err = SelectPorts(ctx, b, c); err != nil {
		_, _ = look.Whole(b.Report) // why no port is reachable; its own error says less
		return c, err
	}
	b.OpenConnections.Close(func(name string, port uint16) bool {
		return slices.ContainsFunc(c.Routes, func(r config.Route) bool {
			return slices.ContainsFunc(r.Hops, func(h config.Hop) bool { return h.Host == name && h.Port == int(port) })
		})
	})
	return c, nil
}

// decide completes c with accounts and addresses, and plans for that; see Complete.
func decide(ctx context.Context, b Basis, c config.Config, ask Asker, typed string, again bool) (config.Config, plan.Plan, error) {
	c, missing, err := Complete(ctx, b, c, ask, typed, again)
	if err != nil {
		return c, plan.Plan{}, err
	}
	p, err := Build(b, c, missing)
	return c, p, err
}

// Build makes the plan, with ignore lines where /etc is kept in a repository
// (etckeeper). missing says that placeholders may stand for credentials.
func Build(b Basis, c config.Config, missing bool) (plan.Plan, error) {
	p, err := plan.Build(b.server(missing), c)
	if err != nil {
		return p, err
	}
	return plan.KeepOutOfHistory(&b.Host.Reader, p)
}

func (b Basis) server(missing bool) plan.Server {
	open := b.Facts != nil && b.Facts.Port25.Verdict == detect.Open
	return plan.Server{State: b.State, Port25Open: open, Force: b.Force, NoCredentials: missing, Bridge: apply.BridgeHost(&b.Host.Reader, b.State.ConfigDir)}
}

// Again is a Setup for c, which is that of s without the answers that a relay has
// refused: they are asked for again. typed is the user name to begin with where a login
// that was typed has been refused.
func (s Setup) Again(ctx context.Context, c config.Config, ask Asker, typed string) (Setup, error) {
	c, p, err := decide(ctx, s.Basis, c, ask, typed, true)
	return Setup{s.Basis, c, p, s.Look, s.ahead}, err
}

// Close ends what s has left open or begun; it may be called again.
func (s Setup) Close() error {
	s.OpenConnections.Close(func(string, uint16) bool { return false })
	return s.ahead.close()
}

// ErrNoPostfix is a host without Postfix.
var ErrNoPostfix = errors.New("Postfix is not installed")

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

// maxOthers bounds the failures that are told beside the first.
const maxOthers = 5

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

// atOnce bounds the connections that a setup of several relays has open.
const atOnce = 8

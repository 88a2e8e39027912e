// Package setup is the job of `relayhost setup`, without a command line and without
// a terminal: stages that are functions over values. Prepare finds out, asks and
// plans; Preflight and Rehearse try what is planned without touching the server's
// Postfix; Commit applies it and proves it, or restores what was there. The caller
// shows, asks for consent and prints.
package setup

import (
	"context"
	"errors"
	"os"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge/api"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
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
// but for those that have a default.
type Asker interface {
	Can() bool
	Relay(ctx context.Context, d Discovery) (id string, err error)
	// Smarthost completes a relay that is in no catalogue: h has what is known, and
	// "" or 0 for what is to be asked. login says that it wants a login.
	Smarthost(ctx context.Context, d Discovery, h config.Hop) (completed config.Hop, login bool, err error)
	// Region returns "" where the relay has a default, and none is asked for.
	Region(ctx context.Context, d Discovery, r relays.Relay) (string, error)
	// APIKey fills in what c lacks of the key for the API of r.
	APIKey(ctx context.Context, a api.API, r relays.Relay, c *secret.Credentials) error
	// Credentials fills in what c lacks; typed is a user name to begin with.
	Credentials(ctx context.Context, r relays.Relay, typed string, c *secret.Credentials) error
	From(ctx context.Context, d Discovery, r relays.Relay) (string, error)
	To(ctx context.Context, d Discovery, from string) (string, error)
	// SignIn asks how to log in to a relay that can be signed in to by OAuth; no Grant
	// is by password.
	SignIn(ctx context.Context, r relays.Relay) (config.SignIn, error)
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
	config.Given
	NoProbe  bool // probe nothing beforehand
	NoVerify bool // neither rehearse nor prove
	DryRun   bool // nothing is applied: credentials may be missing
	Force    bool // where another tool manages this host's mail, or a *plan.Conflict is found
}

// Setup is a setup about which everything is known, and nothing is done yet.
type Setup struct {
	Deps
	Request
	Discovery
	Config config.Config
	Plan   plan.Plan
	// Tokens are those of SignIn, by the name of their bridge; not stored yet.
	Tokens map[string]oauth.Token
}

// Prepare makes a Setup for the Postfix of state: it finds out, asks for what is
// missing, chooses ports, and plans. It changes nothing.
func Prepare(ctx context.Context, deps Deps, state postfix.State, req Request, ask Asker) (s Setup, err error) {
	s = Setup{Deps: deps, Request: req}
	if s.Discovery, err = Discover(ctx, deps, state, req); err != nil {
		return s, err
	}
	if s.Config, err = Named(ctx, deps, s.Discovery, req, ask); err != nil {
		return s, err
	}
	if s.Credentials, err = ReadCredentials(ctx, s.Config, req, ask); err != nil {
		return s, err
	}
	if s.Facts, err = LookAround(ctx, deps, s.Discovery, s.Config, req); err != nil {
		return s, err
	}
	if s.Config, err = Choose(ctx, deps, s.Discovery, s.Config, req, ask); err != nil {
		return s, err
	}
	if s.Config, err = way(ctx, s, ask); err != nil {
		return s, err
	}
	if s.Config, err = SelectPorts(ctx, deps, s.Discovery, s.Config, req); err != nil {
		return s, err
	}
	return s.Again(ctx, ask, "")
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

// Build makes the plan. missing says that placeholders may stand for credentials.
func Build(s Setup, missing bool) (plan.Plan, error) {
	p, err := plan.Build(s.server(missing), s.Config)
	if err != nil {
		return p, err
	}
	return plan.KeepOutOfHistory(&s.Host.Reader, p)
}

func (s Setup) server(missing bool) plan.Server {
	open := s.Facts != nil && s.Facts.Port25.Verdict == detect.Open
	return plan.Server{State: s.State, Port25Open: open, Force: s.Force, NoCredentials: missing, Bridge: bridgeHost(&s.Host.Reader)}
}

// Recover finishes the undoing of a run that died. It reports whether there was one.
func Recover(ctx context.Context, deps Deps, force bool) (undone bool, err error) {
	o := apply.Options{ConfigDir: deps.ConfigDir, StateDir: deps.StateDir, Reload: deps.Control().ReloadIfRunning, Force: force}
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

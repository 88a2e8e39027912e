package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"relayhost/internal/apply"
	"relayhost/internal/diff"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// build makes the plan.
func (s *setup) build(ctx context.Context) (err error) {
	s.answers.Force = s.flags.force
	if s.state.Installed {
		if err := s.state.ConfirmMapTypes(ctx, &s.host.Reader); err != nil {
			return err
		}
	}
	s.state.Load(&s.host.Reader, plan.Paths(s.state)...)
	if s.plan, err = plan.Build(s.state, s.facts, s.answers); err != nil {
		return err
	}
	if s.plan, err = apply.KeepOutOfHistory(&s.host.Reader, s.plan); err != nil {
		return err
	}
	s.describe(s.plan)
	return nil
}

// unchanged is a second identical set-up: it probes, sends nothing and writes
// nothing.
func (s *setup) unchanged(ctx context.Context) error {
	if !s.flags.noProbe {
		if err := s.probe(ctx); err != nil {
			return err
		}
	}
	s.doc.Result = "unchanged"
	s.io.Done()
	if !s.json {
		fmt.Fprintln(s.io.Out, "unchanged")
	}
	if s.canAsk() {
		s.io.Tell("", "Mail of this server leaves through %s port %d already. relayhost setup --relay NAME chooses another service, "+
			"--credentials-file - asks for the credentials anew; relayhost verify proves delivery.", s.answers.Host, s.answers.Port)
	}
	return nil
}

// confirm shows the difference and asks once.
func (s *setup) confirm(ctx context.Context) (err error) {
	s.waiting, err = postfix.ReadQueue(ctx, &s.host.Reader, s.configDir)
	if err != nil && s.flags.queue == "hold" {
		return hint(err, "hold what waits first: postsuper -h ALL; then leave --queue hold out")
	}
	if err != nil && !errors.Is(err, postfix.ErrLongQueue) {
		s.waiting = nil // a Postfix that is stopped cannot list its queue
	}
	if !s.json {
		s.io.Done()
		s.showFlow()
		s.io.Say("\n%s", diff.Plan(s.plan, diff.Style{Color: s.io.Color, Brief: !s.flags.yes && !s.verbose}))
		s.notes()
		if n := len(s.waiting); n > 0 {
			s.io.Tell("", "%s", waitingLine(s.waiting))
		}
	}
	if !s.state.Running {
		s.io.Tell("note: ", "Postfix does not run; it will be started")
	}
	if s.flags.yes {
		return nil
	}
	p, err := s.ask(ctx, "the consent", "--yes")
	if err != nil {
		return err
	}
	s.summary()
	yes, err := p.Confirm("Apply this?")
	if err != nil {
		return err
	}
	if !yes {
		return errDeclined
	}
	if len(s.waiting) > 0 && s.flags.queue == "ask" {
		s.flags.queue, err = p.Select("What happens to the mail that waits?", queueChoices)
	}
	return err
}

// apply runs the transaction with the proof through the live Postfix.
func (s *setup) apply(ctx context.Context) error {
	var proven []outcome
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := apply.Options{
		ConfigDir: s.state.ConfigDir, StateDir: s.stateDir, Reload: s.reload, KeepOnFailure: s.flags.keep, Force: s.flags.force,
		Watchdog: []string{self, watchCommand}, Watch: s.watchLog, Hold: s.toHold(), Installed: s.installed,
		Progress: func(step string) {
			if !s.json || s.verbose {
				s.io.Part(step)
			}
		},
	}
	s.forProof(ctx, &o)
	defer func() { s.trial = nil }()
	if !s.flags.noVerify {
		o.Prove = func(ctx context.Context) error {
			proven = s.proveLive(ctx)
			return s.judge(proven)
		}
	}
	s.progress("writing the configuration")
	record, err := apply.Run(ctx, s.host, s.plan, o)
	if err != nil {
		return s.applyFailed(ctx, record, err, proven)
	}
	s.sendQueue(ctx)
	s.applied(record, proven)
	return nil
}

// applyFailed tells a failed proof from everything else, and what became of the
// host.
func (s *setup) applyFailed(ctx context.Context, record apply.Record, err error, proven []outcome) error {
	var proof *apply.ProofFailed
	var interrupted *apply.Interrupted
	if s.started {
		// It did not run before, so it does not run after.
		err = errors.Join(err, s.postfixCommand(context.WithoutCancel(ctx), "stop"))
	}
	var needs *apply.NeedsPerson
	if errors.As(err, &needs) {
		return err
	}
	if record.State == apply.RolledBack {
		s.doc.Result = "rolled_back"
	}
	switch {
	case errors.As(err, &interrupted):
		err = errors.Join(errInterrupted, err)
	case errors.As(err, &proof):
		failed := proofError{s.explainedOutcome(err, proven)}
		if proof.Kept {
			return stateOfHost(failed, "the new configuration was kept (--keep-on-failure)")
		}
		s.doc.Result = "rolled_back"
		return stateOfHost(failed, "restored")
	}
	if record.State == apply.RolledBack {
		return stateOfHost(err, "restored")
	}
	return err
}

// reload makes Postfix take the new configuration; one that does not run is
// started, which --yes or the question has consented to.
func (s *setup) reload(ctx context.Context) error {
	on, err := s.running(ctx)
	if err != nil {
		return err
	}
	if on {
		return s.postfixCommand(ctx, "reload")
	}
	s.progress("Postfix does not run: starting it")
	s.started = true
	return s.start(ctx)
}

// secretFree takes the passwords out of an error's text, whoever put them there.
func (s *setup) secretFree(err error) error {
	text := err.Error()
	if clean := s.redact(text); clean != text {
		return redacted{err, clean}
	}
	return err
}

func (s *setup) redact(text string) string {
	for _, r := range s.answers.AllRoutes() {
		for _, h := range r.Hops {
			text = secret.Redact(text, h.Username, h.Password)
		}
	}
	return text
}

type redacted struct {
	err  error
	text string
}

func (e redacted) Error() string { return e.text }
func (e redacted) Unwrap() error { return e.err }

package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/diff"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// proofTimeout bounds one proof of delivery.
const proofTimeout = 60 * time.Second

// patience is how long a relay that says "later" is tried again: greylisting
// and a busy moment are no faults of the set-up.
const patience = 20 * time.Second

// build makes the plan.
func (s *setup) build(context.Context) (err error) {
	s.answers.Force = s.flags.force
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
	if !s.json {
		fmt.Fprintln(s.io.Out, "unchanged")
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
		s.io.Say("\n%s", diff.Plan(s.plan, s.io.Color))
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
		return errors.New("nothing was changed")
	}
	if len(s.waiting) > 0 && s.flags.queue == "ask" {
		s.flags.queue, err = p.Select("What happens to the mail that waits?", queueChoices)
	}
	return err
}

// probe tries log-in, sender and recipient with our own client.
func (s *setup) probe(ctx context.Context) error {
	s.progress("probing %s port %d: log-in, sender, recipient", s.answers.Host, s.answers.Port)
	res, err := s.dial(ctx, smtpprobe.StepRcpt)
	for until := time.Now().Add(patience); err == nil && later(res) && time.Now().Add(retryPause).Before(until); {
		s.progress("%s says %d, later: trying again", s.answers.Host, res.Code)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
		res, err = s.dial(ctx, smtpprobe.StepRcpt)
	}
	if err != nil {
		return proofError{err}
	}
	switch {
	case res.Err == nil:
		return nil
	case s.answers.NoVerify && res.Fault.Certificate():
		// Our own client logs in on verified connections only; the rehearsal
		// goes the whole way.
		s.io.Tell("warning: ", "%v; it is not verified, as asked for", res.Err)
		return nil
	}
	return proofError{s.explainedProbe(fmt.Errorf("%s port %d fails at %s: %w", s.answers.Host, s.answers.Port, res.Failed, res.Err), res)}
}

// retryPause is the time between two tries of a relay that says "later".
const retryPause = 5 * time.Second

// later reports whether the relay put a probe off. A log-in that was put off is
// not tried again: services lock accounts that keep trying.
func later(res smtpprobe.Result) bool {
	return res.Fault == smtpprobe.FaultReply && res.Code/100 == 4 && res.Failed != smtpprobe.StepAuth
}

// dialTimeout bounds the dialogue with log-in, sender and recipient: a relay
// that takes seconds for each reply delivers nevertheless.
const dialTimeout = 30 * time.Second

// dial probes the relay's addresses, IPv4 first, until one connects.
func (s *setup) dial(ctx context.Context, until smtpprobe.Step) (smtpprobe.Result, error) {
	o := s.answers
	roots, err := s.roots(s.caFile())
	if err != nil {
		return smtpprobe.Result{}, err
	}
	v4, v6, err := s.resolver.Addrs(ctx, o.Host)
	if err != nil {
		return smtpprobe.Result{}, hint(fmt.Errorf("look up %s: %w", o.Host, err), "check the region, and the name servers in /etc/resolv.conf")
	}
	t := smtpprobe.Target{
		Name: o.Host, Implicit: o.TLS == relays.Implicit, Until: until, HELO: s.state.FQDN, Roots: roots, Pin: o.Pin,
		Username: o.Username, Password: o.Password, MailFrom: o.From, RcptTo: o.To,
		Timeout: dialTimeout,
	}
	if s.verbose {
		t.Trace = s.trace
	}
	var worst smtpprobe.Result
	for i, addr := range slices.Concat(v4, v6) {
		t.Addr = netip.AddrPortFrom(addr, uint16(o.Port))
		res := smtpprobe.Probe(ctx, t)
		if res.Reached != "" {
			return res, nil
		}
		// A family that this host does not have is no reason while the other
		// has one.
		if i == 0 || worst.Fault == smtpprobe.FaultNoRoute {
			worst = res
		}
	}
	return worst, nil
}

// rehearse sends the test message through a private Postfix that has exactly
// the planned configuration. The server's own has not been touched yet.
func (s *setup) rehearse(ctx context.Context) error {
	if s.flags.noVerify {
		return nil
	}
	s.progress("rehearsal: a private Postfix sends the test message")
	release, err := apply.Hold(ctx, s.host, apply.Options{ConfigDir: s.state.ConfigDir, StateDir: s.stateDir})
	if err != nil {
		return err
	}
	defer release()
	in, err := instance.Start(ctx, s.host, instance.Options{State: s.state, Plan: s.plan})
	if err != nil {
		return fmt.Errorf("rehearsal: %w", err)
	}
	d, err := s.deliver(ctx, in.ConfigDir, &in.Log)
	if cerr := in.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("rehearsal: %w", cerr))
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return errors.Join(ctx.Err(), err) // Ctrl-C is no fault of the delivery
	}
	if err != nil {
		return proofError{s.explainedDelivery(fmt.Errorf("rehearsal: %w", err), d, err)}
	}
	return nil
}

// deliver proves delivery through the Postfix whose configuration is in dir.
func (s *setup) deliver(ctx context.Context, dir string, log *postfix.Log) (verify.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	return verify.Proof{
		Mailer: &verify.PostfixMailer{Host: s.host, ConfigDir: dir, Sendmail: s.state.Params["sendmail_path"]},
		Reader: &s.host.Reader, Log: log,
		From: s.answers.From, To: s.answers.To,
		Service: s.plan.Service, Host: s.plan.Host, Port: s.plan.Port, Patience: patience,
	}.Run(ctx)
}

// apply runs the transaction with the proof through the live Postfix.
func (s *setup) apply(ctx context.Context) error {
	var proven *verify.Delivery
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := apply.Options{
		ConfigDir: s.state.ConfigDir, StateDir: s.stateDir, Reload: s.reload, KeepOnFailure: s.flags.keep, Force: s.flags.force,
		Watchdog: []string{self, watchCommand}, Watch: s.watchLog, Hold: s.toHold(),
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
			s.progress("proof: the test message goes through the server's own Postfix")
			d, err := s.proveLive(ctx)
			proven = &d
			report := verify.NewReport([]verify.Finding{s.delivered(d, err)})
			s.doc.Verification = &report
			if errors.Is(err, verify.ErrUnproven) {
				// The rehearsal has shown that the configuration delivers.
				s.io.Say("warning: %v", err)
				return nil
			}
			return err
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

// proveLive finds the log and sends the one message.
func (s *setup) proveLive(ctx context.Context) (verify.Delivery, error) {
	log, err := s.liveLog(ctx)
	if err != nil {
		s.io.Say("warning: %v", err)
		return s.deliver(ctx, s.configDir, nil)
	}
	return s.deliver(ctx, s.configDir, log)
}

// applyFailed tells a failed proof from everything else, and what became of the
// host.
func (s *setup) applyFailed(ctx context.Context, record apply.Record, err error, d *verify.Delivery) error {
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
		if d == nil {
			d = &verify.Delivery{}
		}
		failed := proofError{s.explainedDelivery(err, *d, err)}
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

// secretFree takes the password out of an error's text, whoever put it there.
func (s *setup) secretFree(err error) error {
	text := err.Error()
	if clean := secret.Redact(text, s.answers.Username, s.answers.Password); clean != text {
		return redacted{err, clean}
	}
	return err
}

type redacted struct {
	err  error
	text string
}

func (e redacted) Error() string { return e.text }
func (e redacted) Unwrap() error { return e.err }

// trace writes a line of the SMTP dialogue.
func (s *setup) trace(e smtpprobe.Exchange) {
	if e.Sent {
		s.io.Say("  > %s", e.Line)
		return
	}
	s.io.Say("  < %s", s.io.Reply(e.Line))
}

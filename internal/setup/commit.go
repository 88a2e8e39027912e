package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"relayhost/internal/apply"
	"relayhost/internal/flow"
	"relayhost/internal/maillog"
	"relayhost/internal/verify"
)

// WatchdogCommand is the command of this binary that runs the watchdog: a process
// that restores the old state when the run that started it dies.
const WatchdogCommand = "watch-transaction"

// CommitOptions are what Commit needs beside the Setup.
type CommitOptions struct {
	// Private is the log of a private Postfix, which nothing else uses; nil
	// stands for the server's own.
	Private       *maillog.Log
	Hold          []string // queue IDs to put on hold first
	Installed     []string // packages that were installed for the setup
	KeepOnFailure bool
	Flow          *flow.Table // of MailFlow; nil where nothing was compared
}

// Outcome is what a commit has done. It tells of a failed one as well.
type Outcome struct {
	Change apply.Record
	Proven []Delivered
	Report *verify.Report // on the live proof; nil without one
	// Kept says that the proof failed and the new configuration stays.
	Kept bool
	// ProofFailed says that everything worked but the live proof.
	ProofFailed bool
}

// Commit applies the plan of s as one transaction: journal, write, reload, watch the
// log, prove delivery through the live Postfix, and commit or restore.
func Commit(ctx context.Context, s Setup, o CommitOptions) (out Outcome, err error) {
	self, err := os.Executable()
	if err != nil {
		return out, err
	}
	live := liveLog{deps: s.Deps, state: s.State, private: o.Private}
	control, started := s.Control(), false
	a := apply.Options{
		ConfigDir: s.State.ConfigDir, StateDir: s.StateDir, KeepOnFailure: o.KeepOnFailure, Force: s.Force,
		Watchdog: []string{self, WatchdogCommand}, Hold: o.Hold, Installed: o.Installed, Progress: s.Report.Part,
		Reload: func(ctx context.Context) error {
			on, err := control.Running(ctx)
			if err != nil {
				return err
			}
			if on {
				return control.Run(ctx, "reload")
			}
			s.Report.Step("Postfix does not run: starting it")
			started = true // which --yes or the question has consented to
			return control.Start(ctx)
		},
	}
	if o.Private == nil && !s.NoVerify {
		a.Override = map[string]string{}
		// postmulti(1) makes instances that take no mail from sendmail(1).
		if users, set := s.State.Params["authorized_submit_users"]; set && users == "" {
			a.Override["authorized_submit_users"] = "root"
		}
		live.keep(ctx, &a, s.plannedMain())
	}
	a.Watch = func(ctx context.Context) (func(context.Context) error, error) {
		return live.watch(ctx, s.services(), s.NoVerify)
	}
	if !s.NoVerify {
		a.Prove = func(ctx context.Context) error {
			which := "the server's own Postfix"
			if o.Private != nil {
				which = "the private Postfix"
			}
			log, err := live.find(ctx)
			if err != nil {
				s.Report.Warn("%v", err)
				log = nil
			}
			out.Proven = s.proveLive(ctx, which, log, o.Flow)
			out.Report = s.report(out.Proven)
			return failure(out.Proven)
		}
	}
	s.Report.Step("writing the configuration")
	out.Change, err = apply.Run(ctx, s.Host, s.Plan, a)
	if err == nil {
		return out, nil
	}
	if started {
		// It did not run before, so it does not run after.
		err = errors.Join(err, control.Run(context.WithoutCancel(ctx), "stop"))
	}
	var needs *apply.NeedsPerson
	var interrupted *apply.Interrupted
	var proof *apply.ProofFailed
	if !errors.As(err, &needs) && !errors.As(err, &interrupted) && errors.As(err, &proof) {
		out.ProofFailed, out.Kept = true, proof.Kept
		err = ProofError{s.failedDelivery(err, out.Proven)}
	}
	return out, err
}

// report is on the live proof. What could not be followed is told: the rehearsal
// has shown that the configuration delivers.
func (s Setup) report(proven []Delivered) *verify.Report {
	var findings []verify.Finding
	unproven := error(nil)
	for _, d := range proven {
		findings = append(findings, s.finding(s.subject(d.message), d.Delivery, d.Err))
		if errors.Is(d.Err, verify.ErrUnproven) {
			unproven = d.Err
		}
	}
	if unproven != nil {
		s.Report.Warn("%v", unproven)
	}
	report := verify.NewReport(findings)
	return &report
}

// services are the entries of master.cf that the plan sends by.
func (s Setup) services() []string {
	list := []string{s.Plan.Service}
	for _, w := range s.Plan.Routes {
		if !slices.Contains(list, w.Service) {
			list = append(list, w.Service)
		}
	}
	return list
}

// plannedMain is main.cf as it will be.
func (s Setup) plannedMain() []byte {
	for _, f := range s.Plan.Files {
		if filepath.Base(f.Path) == "main.cf" {
			return f.After
		}
	}
	return nil
}

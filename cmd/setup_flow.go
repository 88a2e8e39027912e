package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
)

// preview tells what Postfix would die of, before anything is started.
func (s *setup) preview(ctx context.Context) error {
	if !s.plan.Changed() || s.flags.printConf || !s.state.Installed {
		return nil
	}
	faults, err := instance.Preview(ctx, &s.host.Reader, s.state, s.plan)
	if err != nil || len(faults) == 0 {
		return err
	}
	if s.flags.force {
		for i := range faults {
			s.leftOut("%v", &faults[i])
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
		return hint(err, "%s\n  %s", f.Remedy, f.Command)
	case f.Remedy != "":
		return hint(err, "%s", f.Remedy)
	}
	return err
}

// flows compares where mail goes before and after, and stops at what changes
// without having been asked for.
func (s *setup) flows(ctx context.Context) error {
	if !s.plan.Changed() || s.flags.printConf || s.state.Main == nil || s.state.Master == nil {
		return nil
	}
	if os.Geteuid() != 0 {
		s.leftOut("where mail goes before and after the change was not compared: that needs root")
		return nil
	}
	table, err := flow.Compute(ctx, s.host, s.state, s.plan, flow.Asked{From: s.answers.From, To: s.answers.To, Direct: s.answers.Direct})
	var fault *instance.Fault
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && strings.Contains(err.Error(), "Operation not permitted"):
		return nil // of a container that confines us; the rehearsal says so, with what to do
	case errors.As(err, &fault):
		return faultError("no mail can leave with this configuration", fault)
	case err != nil && s.flags.dryRun:
		s.leftOut("where mail goes before and after the change was not compared: %v", err)
		return nil
	case err != nil:
		return err
	}
	s.flow, s.doc.Flow = table, &table
	if table.Broken != "" {
		s.leftOut("no mail leaves now: %s", table.Broken)
	}
	if len(table.Changes) > 0 && !s.flags.force {
		return s.conflicts(table.Changes)
	}
	for _, c := range table.Changes {
		s.leftOut("%s: %s", c.Class, c.Detail)
	}
	return nil
}

// conflicts is the first change that nobody asked for, and the others below it.
func (s *setup) conflicts(changes []flow.Change) error {
	var others []string
	for _, c := range changes[1:] {
		others = append(others, c.Conflict().Error())
	}
	return withOthers(changes[0].Conflict(), others)
}

// deliverWatched is deliver in a private Postfix whose log ends it, as soon as it
// says why no mail moves.
func (s *setup) deliverWatched(ctx context.Context, in *instance.Instance, list []message) ([]outcome, *instance.Fault) {
	watched, end, err := in.Watch(ctx)
	if err != nil {
		return s.deliver(ctx, in.ConfigDir, &in.Log, list), nil
	}
	outcomes := s.deliver(watched, in.ConfigDir, &in.Log, list)
	return outcomes, end()
}

// maxForeign bounds the messages by services of others.
const maxForeign = 5

// rehearseForeign sends one message by each other service and account that shares a
// next hop with ours, with the planned configuration. One that would not have left
// before either is told, and stops nothing.
func (s *setup) rehearseForeign(ctx context.Context) error {
	list := flow.Shared(s.flow.Flows(), s.plan)
	if len(list) > maxForeign {
		s.leftOut("%d other services and accounts share a relay with this setup; %d of them were rehearsed", len(list), maxForeign)
		list = list[:maxForeign]
	}
	for _, f := range list {
		s.progress("rehearsal: a message by the service %s, which shares %s", f.Service, f.NextHop.Text)
		err := s.sendForeign(ctx, f, s.plan)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text := fmt.Sprintf("%s go to %s by the service %s", f.Class, f.NextHop.Text, f.Service)
		if was := s.sendForeign(ctx, f, flow.Unchanged(s.state)); was != nil {
			s.leftOut("%s, and do not leave, now as before: %v", text, was)
			continue
		}
		return proofError{hint(fmt.Errorf("rehearsal: %s; they would not leave any more: %w", text, err),
			"keep the parameters of that service: relayhost setup --dry-run --json shows what changes for it")}
	}
	return nil
}

// sendForeign sends a message with plan p, by the way of f whatever its recipient is.
func (s *setup) sendForeign(ctx context.Context, f flow.Foreign, p plan.Plan) error {
	in, err := instance.Start(ctx, s.host, instance.Options{State: s.state, Plan: p, Params: map[string]string{
		"transport_maps": "inline:{ {" + s.answers.To + " = " + f.Service + ":" + f.NextHop.Text + "} }",
	}})
	if err != nil {
		return host.Denied(err)
	}
	from := f.Sender
	if from == "" {
		from = s.answers.From
	}
	outcomes, fault := s.deliverWatched(ctx, in, []message{{from: from, host: f.NextHop.Host, port: f.NextHop.Port}})
	cerr := in.Close()
	if err := failure(outcomes); err != nil {
		if known := s.faultOf(fault, outcomes); known != nil {
			err = known
		}
		return errors.Join(err, cerr)
	}
	return cerr
}

// faultOf is the fault in the log of a rehearsal that failed, where that says more
// than the fate of the message does; nil where it does not.
func (s *setup) faultOf(f *instance.Fault, outcomes []outcome) error {
	if f == nil {
		return nil
	}
	silent := func(o outcome) bool { return errors.Is(o.err, verify.ErrNoTrace) }
	if f.Remedy == "" && !slices.ContainsFunc(outcomes, silent) {
		return nil
	}
	return faultError("rehearsal", f)
}

// showFlow prints the flow table before the differences.
func (s *setup) showFlow() {
	lines := s.flow.Lines()
	if len(lines) == 0 {
		return
	}
	if s.flags.dryRun {
		fmt.Fprintln(s.io.Out, "mail of this server:")
		for _, line := range lines {
			fmt.Fprintln(s.io.Out, "  "+smtpprobe.Sanitize(line))
		}
		fmt.Fprintln(s.io.Out)
		return
	}
	s.io.Tell("", "mail of this server:")
	for _, line := range lines {
		s.io.Tell("  ", "%s", smtpprobe.Sanitize(line))
	}
}

package setup

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
	"relayhost/internal/verify"
)

// preview tells what Postfix would die of, before anything is started.
func (s Setup) preview(ctx context.Context) error {
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
	if err := s.preview(ctx); err != nil || s.State.Main == nil || s.State.Master == nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		s.Report.Unproven("where mail goes before and after the change was not compared: that needs root")
		return nil, nil
	}
	table, err := flow.Compute(ctx, s.Host, s.State, s.Plan, flow.Asked{From: s.Config.From(), To: s.Config.To, RootTo: s.Config.RootTo, Direct: s.Config.Direct})
	var fault *instance.Fault
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && strings.Contains(err.Error(), "Operation not permitted"), errors.Is(err, instance.ErrNotStarted) && !errors.As(err, &fault):
		return nil, nil // a container confines us; the rehearsal, which needs more, says so and what to do
	case errors.As(err, &fault):
		return nil, faultError("no mail can leave with this configuration", fault)
	case err != nil && s.DryRun:
		s.Report.Unproven("where mail goes before and after the change was not compared: %v", err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	if table.Broken != "" {
		s.Report.Unproven("no mail leaves now: %s", table.Broken)
	}
	if len(table.Changes) > 0 && !s.Force {
		return &table, conflicts(table.Changes)
	}
	for _, c := range table.Changes {
		s.Report.Unproven("%s: %s", c.Class, c.Detail)
	}
	return &table, nil
}

// conflicts is the first change that nobody asked for, and the others below it.
func conflicts(changes []flow.Change) error {
	var others []string
	for _, c := range changes[1:] {
		others = append(others, c.Conflict().Error())
	}
	return withOthers(changes[0].Conflict(), others)
}

// sendWatched is send in a private Postfix whose log ends it, as soon as it
// says why no mail moves.
func (s Setup) sendWatched(ctx context.Context, in *instance.Instance, list []message) ([]Delivered, *instance.Fault) {
	watched, end, err := in.Watch(ctx)
	if err == nil {
		sent := s.send(watched, in.ConfigDir, &in.Log, list)
		return sent, end()
	}
	return s.send(ctx, in.ConfigDir, &in.Log, list), nil // a log that cannot be watched tells nothing
}

// maxForeign bounds the messages by services of others.
const maxForeign = 5

// rehearseForeign sends one message by each other service and account that shares a
// next hop with ours, with the planned configuration. One that would not have left
// before either is told, and stops nothing.
func (s Setup) rehearseForeign(ctx context.Context, table *flow.Table) error {
	if table == nil {
		return nil
	}
	list := flow.Shared(table.Flows(), s.Plan)
	if len(list) > maxForeign {
		s.Report.Unproven("%d other services and accounts share a relay with this setup; %d of them were rehearsed", len(list), maxForeign)
		list = list[:maxForeign]
	}
	for _, f := range list {
		s.Report.Step("rehearsal: a message by the service %s, which shares %s", f.Service, f.NextHop.Text)
		err := s.sendForeign(ctx, f, s.Plan)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text := fmt.Sprintf("%s go to %s by the service %s", f.Class, f.NextHop.Text, f.Service)
		if was := s.sendForeign(ctx, f, flow.Unchanged(s.State)); was != nil {
			s.Report.Unproven("%s, and do not leave, now as before: %v", text, was)
			continue
		}
		return ProofError{Hint(fmt.Errorf("rehearsal: %s; they would not leave any more: %w", text, err),
			"keep the parameters of that service: relayhost setup --dry-run --json shows what changes for it")}
	}
	return nil
}

// sendForeign sends a message with plan p, by the way of f whatever its recipient is.
func (s Setup) sendForeign(ctx context.Context, f flow.Foreign, p plan.Plan) error {
	in, err := instance.Start(ctx, s.Host, instance.Options{State: s.State, Plan: p, Params: map[string]string{
		"transport_maps": "inline:{ {" + s.Config.To + " = " + f.Service + ":" + f.NextHop.Text + "} }",
	}})
	if err != nil {
		return host.Denied(err)
	}
	sent, fault := s.sendWatched(ctx, in, []message{{from: first(f.Sender, s.Config.From()), host: f.NextHop.Host, port: f.NextHop.Port}})
	cerr := in.Close()
	if err := failure(sent); err != nil {
		if known := faultOf(fault, sent); known != nil {
			err = known
		}
		return errors.Join(err, cerr)
	}
	return cerr
}

// faultOf is the fault in the log of a rehearsal that failed, where that says more
// than the fate of the message does; nil where it does not.
func faultOf(f *instance.Fault, sent []Delivered) error {
	if f == nil {
		return nil
	}
	silent := func(d Delivered) bool { return errors.Is(d.Err, verify.ErrNoTrace) }
	if f.Remedy == "" && !slices.ContainsFunc(sent, silent) {
		return nil
	}
	return faultError("rehearsal", f)
}

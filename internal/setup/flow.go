package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

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

// rehearseForeign sends one message by each other service and account that shares a
// next hop with ours, with the planned configuration, and asks that hop whether it
// takes a real sender and recipient of that mail. What would not have left before
// either is told, and stops nothing.
func (s Setup) rehearseForeign(ctx context.Context, table *flow.Table) error {
	if table == nil {
		return nil
	}
	list := table.Foreign()
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
		text := fmt.Sprintf("%s go to %s by the service %s", f.Class, f.NextHop.Text, f.Service)
		if was := s.sendForeign(ctx, f, flow.Unchanged(s.State)); was != nil && ctx.Err() == nil {
			s.Report.Unproven("%s, and do not leave, now as before: %v", text, was)
			continue
		}
		// Again: a relay may have said "later" to the first.
		if err = s.sendForeign(ctx, f, s.Plan); ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return ProofError{Hint(fmt.Errorf("rehearsal: %s; they would not leave any more: %w", text, err), "%s", f.Keep(s.Plan))}
		}
	}
	return nil
}

// maxForeign bounds the messages by services of others.
const maxForeign = 5

// sendForeign sends a message to --to with plan p by the way of f, and asks with MAIL
// and RCPT alone for a sender and a recipient of that class: no message goes to
// strangers.
func (s Setup) sendForeign(ctx context.Context, f flow.Foreign, p plan.Plan) error {
	params, planned := flow.ProbeParams(cmp.Or(f.From, s.Config.From())), ""
	if m, err := postfix.ParseMain(p.Main().After); err == nil {
		planned, _ = m.Get("transport_maps")
	}
	params["transport_maps"] = "inline:{ {" + s.Config.To + " = " + f.Service + ":" + f.NextHop.Text + "} } " + planned
	in, err := instance.Start(ctx, s.Host, instance.Options{State: s.State, Plan: p, Params: params})
	if err != nil {
		return host.Denied(err)
	}
	sent, fault := s.sendWatched(ctx, in, []message{{from: cmp.Or(f.Sender, s.Config.From()), host: f.NextHop.Host, port: f.NextHop.Port}})
	if err := failure(sent); err != nil {
		cerr := in.Close()
		if known := faultOf(fault, sent); known != nil {
			err = known
		}
		return errors.Join(err, cerr)
	}
	return errors.Join(flow.Probe(ctx, in, cmp.Or(f.To, s.Config.To)), in.Close())
}

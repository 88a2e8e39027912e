package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// maxForeign bounds the messages by services of others.
const maxForeign = 5

// rehearseForeign sends one message by each other service and account that shares a
// next hop with ours, with the planned configuration, and asks that hop whether it
// takes a real sender and recipient of that mail. What would not have left before
// either is told, and stops nothing.
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
			return ProofError{Hint(fmt.Errorf("rehearsal: %s; they would not leave any more: %w", text, err),
				"keep the parameters of that service: relayhost setup --dry-run --json shows what changes for it")}
		}
	}
	return nil
}

// sendForeign sends a message to --to with plan p by the way of f, and asks with MAIL
// and RCPT alone for a sender and a recipient of that class: no message goes to
// strangers.
func (s Setup) sendForeign(ctx context.Context, f flow.Foreign, p plan.Plan) error {
	params := flow.ProbeParams(first(f.From, s.Config.From()))
	maps.Copy(params, map[string]string{
		"transport_maps": "inline:{ {" + s.Config.To + " = " + f.Service + ":" + f.NextHop.Text + "} } " + transportMaps(p),
	})
	in, err := instance.Start(ctx, s.Host, instance.Options{State: s.State, Plan: p, Params: params})
	if err != nil {
		return host.Denied(err)
	}
	sent, fault := s.sendWatched(ctx, in, []message{{from: first(f.Sender, s.Config.From()), host: f.NextHop.Host, port: f.NextHop.Port}})
	if err := failure(sent); err != nil {
		cerr := in.Close()
		if known := faultOf(fault, sent); known != nil {
			err = known
		}
		return errors.Join(err, cerr)
	}
	return errors.Join(flow.Probe(ctx, in, first(f.To, s.Config.To)), in.Close())
}

// transportMaps is the value of transport_maps in the main.cf of p.
func transportMaps(p plan.Plan) string {
	for _, f := range p.Files {
		if filepath.Base(f.Path) != "main.cf" {
			continue
		}
		if m, err := postfix.ParseMain(f.After); err == nil {
			value, _ := m.Get("transport_maps")
			return value
		}
	}
	return ""
}

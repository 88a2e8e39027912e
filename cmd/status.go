package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/setup"
)

func newStatusCmd(a *app) *cobra.Command {
	var prometheus string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the relay in use, drift, queue and last check",
		Long: `status shows how mail leaves this server now, whether relayhost set that up,
whether somebody has changed it since, what waits in the queue, and how the last
verification ended. It changes nothing and connects to nobody; what only root
can see is said to be missing.` + exitHelp(exitDifferences),
		Example: `  relayhost status
  sudo relayhost status --json
  sudo relayhost status --prometheus -`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
			defer cancel()
			return a.runStatus(ctx, prometheus)
		},
	}
	metricsFlag(cmd.Flags(), &prometheus)
	return cmd
}

func (a *app) runStatus(ctx context.Context, prometheus string) error {
	if err := a.checkMetrics(prometheus); err != nil {
		return err
	}
	doc, err := setup.ReadStatus(ctx, a.deps())
	if err != nil {
		return err
	}
	switch {
	case a.json:
		err = a.printJSON(doc)
	case prometheus != "-":
		a.showStatus(doc)
	}
	if prometheus != "" {
		err = errors.Join(err, a.writeMetrics(prometheus, setup.StatusMetrics(doc, version, time.Now())))
	}
	if err == nil && doc.Drifted() {
		return codeError(exitDifferences)
	}
	return err
}

// showRoutes prints a line a route, up to a screen of them.
func showRoutes(row func(label, format string, args ...any), routes []plan.Way) {
	for i, w := range routes {
		if i == maxRoutesShown && len(routes) > i+1 {
			row("Routes", "and %d more: --json lists them", len(routes)-i)
			return
		}
		whose := "everybody else"
		if len(w.Senders) > 0 {
			whose = strings.Join(w.Senders[:min(len(w.Senders), 4)], ", ")
			if n := len(w.Senders) - 4; n > 0 {
				whose += fmt.Sprintf(" and %d more", n)
			}
		}
		var hops []string
		for _, h := range w.Hops {
			hops = append(hops, strings.TrimSuffix(h.NextHop, ":0")) // no port is known before setup
		}
		row("Route", "%s: %s through %s", w.Name, whose, strings.Join(hops, ", then "))
	}
}

// maxRoutesShown fits a screen.
const maxRoutesShown = 20

// showWay says which Postfix there is, and where its mail goes.
func showWay(d setup.Status, row func(label, format string, args ...any)) {
	switch {
	case d.Postfix == "":
		row("Postfix", "not installed")
	case d.Unknown["configuration"] != "":
		row("Postfix", "installed; its configuration cannot be read")
	case d.Running:
		row("Postfix", "%s, running", d.Postfix)
	default:
		row("Postfix", "%s, not running", d.Postfix)
	}
	_, unread := d.Unknown["configuration"]
	switch {
	case unread: // said below
	case d.Postfix == "":
		row("Mail goes", "nowhere: there is no Postfix to send it")
	case d.NextHop == "":
		row("Mail goes", "directly to the recipients' servers")
	case len(d.Senders) > 0:
		row("Mail goes", "from %s through %s by the service %s; all other mail directly", strings.Join(d.Senders[:min(len(d.Senders), 5)], ", "), d.NextHop, d.Service)
	default:
		row("Mail goes", "through %s by the service %s", d.NextHop, d.Service)
	}
}

func (a *app) showStatus(d setup.Status) {
	out := a.io.Out
	row := func(label, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	showWay(d, row)
	showRoutes(row, d.Routes)
	switch {
	case d.ChangeID != "":
		row("Set up", "by relayhost for %s, change %s of %s", d.Relay, d.ChangeID, d.ChangedAt.Local().Format(time.DateTime))
	case d.Configured && !strings.HasPrefix(d.Service, plan.ServicePrefix):
		row("Set up", "not yet: relayhost setup applies %s", config.Path)
	case d.Relay == "" && d.Configured:
		row("Set up", "by relayhost")
	case d.Configured:
		row("Set up", "by relayhost for %s", d.Relay)
	default:
		row("Set up", "not by relayhost")
	}
	if r, err := a.findRelay(d.Relay); err == nil && r.Ends != nil {
		row("Ends", "%s", r.Notice(time.Now()))
	}
	if d.Pending != nil {
		row("Unfinished", "change %s did not finish; the next setup or rollback puts everything back", d.Pending.ID)
	}
	if d.Undone != nil {
		row("Undone", "change %s, at %s by %s", d.Undone.ID, d.Undone.Time.Local().Format(time.DateTime), d.Undone.By)
	}
	for _, item := range d.Drift {
		switch item.State {
		case apply.DriftNone:
		case apply.DriftForeign:
			row("Edited", "%s, since setup: relayhost's own lines are as it left them", item.Path)
		default:
			row("Drift", "%s: %s; restore it: sudo relayhost setup", item.Path, item.State)
		}
	}
	if d.ChangeID != "" && !d.Drifted() {
		row("Drift", "none: every file is as setup left it")
	}
	if d.Postfix != "" && d.Unknown["queue"] == "" {
		row("Queue", "%s", map[bool]string{true: "empty", false: fmt.Sprintf("%d message(s)", d.Waiting)}[d.Waiting == 0])
	}
	if d.Verified != nil {
		row("Verified", "%s, at %s", d.Verified.Result, d.Verified.Time.Local().Format(time.DateTime))
	}
	for _, what := range slices.Sorted(maps.Keys(d.Unknown)) {
		row("Not known", "%s: %s", what, d.Unknown[what])
	}
}

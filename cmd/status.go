package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/apply"
	"relayhost/internal/explain"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

func newStatusCmd(a *app) *cobra.Command {
	var prometheus string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What is set, by whom, drift, queue, last verification",
		Long: `status shows how mail leaves this server now, whether relayhost set that up,
whether somebody has changed it since, what waits in the queue, and how the last
verification ended. It changes nothing and connects to nobody; what only root
can see is said to be missing.` + exitHelp,
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

// statusDoc is the document that `status --json` prints.
type statusDoc struct {
	Version    int    `json:"version"`
	Postfix    string `json:"postfix"` // version; "" when it is not installed
	Running    bool   `json:"running"`
	Configured bool   `json:"configured"` // by relayhost
	Relay      string `json:"relay"`
	NextHop    string `json:"next_hop"` // as Postfix has it; "" delivers straight
	Service    string `json:"service"`  // entry of master.cf that sends

	Routes []plan.Way `json:"routes,omitempty"` // of relayhost.toml, the default first, where there are several

	ChangeID  string            `json:"change_id"`
	ChangedAt *time.Time        `json:"changed_at,omitempty"`
	Drift     []apply.DriftItem `json:"drift"`
	Pending   *apply.Record     `json:"pending,omitempty"`  // of a run that did not finish
	Undone    *apply.Undone     `json:"undone,omitempty"`   // by the dead-man's watch or a later run
	Waiting   int               `json:"waiting"`            // messages in the queue
	Verified  *lastVerification `json:"verified,omitempty"` // the last verification as root
	Unknown   map[string]string `json:"unknown,omitempty"`  // what could not be read, and why
}

func (a *app) runStatus(ctx context.Context, prometheus string) error {
	if err := a.checkMetrics(prometheus); err != nil {
		return err
	}
	doc := statusDoc{Version: 1, Drift: []apply.DriftItem{}, Unknown: map[string]string{}}
	r := &a.host.Reader
	state, err := postfix.Read(ctx, r, a.configDir)
	var unusable *postfix.ConfigError
	if errors.As(err, &unusable) {
		doc.Unknown["configuration"] = err.Error()
	} else if err != nil {
		return err
	}
	if state.Installed {
		doc.Postfix = fmt.Sprintf("%d.%d.%d", state.Version.Major, state.Version.Minor, state.Version.Patch)
		doc.Running = state.Running
		if unusable == nil {
			route := explain.RouteOf(state)
			doc.NextHop, doc.Service = route.NextHop, route.Service.Name
		}
		if queue, err := postfix.ReadQueue(ctx, r, a.configDir); err == nil || errors.Is(err, postfix.ErrLongQueue) {
			doc.Waiting = len(queue)
		} else {
			doc.Unknown["queue"] = err.Error()
		}
	}
	answers, err := a.readAnswers()
	if err != nil {
		doc.Unknown["answers"] = err.Error()
	}
	doc.Relay = answers.Relay
	doc.Configured = answers.Relay != "" || err != nil && strings.HasPrefix(doc.Service, plan.ServicePrefix)
	if doc.Routes, err = a.statusRoutes(answers, state); err != nil {
		doc.Unknown["routes"] = err.Error()
	}
	a.readHistory(&doc)
	if len(doc.Unknown) == 0 {
		doc.Unknown = nil
	}
	err = nil
	switch {
	case a.json:
		err = a.printJSON(doc)
	case prometheus != "-":
		a.showStatus(doc)
	}
	if prometheus != "" {
		err = errors.Join(err, a.writeMetrics(prometheus, statusMetrics(doc, time.Now())))
	}
	if err == nil && doc.drifted() {
		return codeError(exitDifferences)
	}
	return err
}

// statusRoutes are the routes of the file and the services that Postfix has for
// them, none where there is one way only.
func (a *app) statusRoutes(answers plan.Answers, state postfix.State) ([]plan.Way, error) {
	if !answers.Several() || answers.Relay == "" {
		return nil, nil
	}
	state.Load(&a.host.Reader, plan.Paths(state)...)
	o, err := plan.NewResolver(answers, state, a.findRelay).Options()
	if err != nil {
		return nil, err
	}
	inUse := plan.StoredAccounts(state)
	var ways []plan.Way
	for _, route := range o.AllRoutes() {
		w := plan.Way{Name: route.Name, Senders: route.Senders, From: route.From}
		if sender := append(route.Senders, "")[0]; state.Installed {
			w.Service = inUse.Service(sender)
		}
		for _, h := range route.Hops {
			w.Hops = append(w.Hops, plan.Destination{
				Relay: h.Relay.ID, Host: h.Host, Port: h.Port, TLS: string(h.TLS), NextHop: h.NextHop(), NoVerify: h.NoVerify,
			})
		}
		ways = append(ways, w)
	}
	return ways, nil
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

// readHistory adds what only root can read: the state folder is 0700.
func (a *app) readHistory(doc *statusDoc) {
	r, o := &a.host.Reader, apply.Options{ConfigDir: a.configDir}
	note := func(what string, err error) {
		if err != nil {
			doc.Unknown[what] = err.Error()
		}
	}
	history, err := apply.History(r, o)
	note("changes", err)
	if len(history) > 0 {
		doc.ChangeID, doc.ChangedAt = history[0].ID, &history[0].Time
		doc.Relay = first(doc.Relay, history[0].Relay) // where the file cannot be read
	}
	drift, err := apply.FindDrift(r, o)
	note("drift", err)
	if drift != nil {
		doc.Drift = drift
	}
	doc.Pending, err = apply.Pending(r, o)
	note("pending", err)
	doc.Undone, err = apply.LastUndone(r, o)
	note("undone", err)
	data, err := r.ReadFile(filepath.Join(apply.StateDir, verificationFile))
	if err == nil {
		err = json.Unmarshal(data, &doc.Verified)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		note("verified", err)
	}
}

func (d statusDoc) drifted() bool {
	for _, item := range d.Drift {
		if item.State != apply.DriftNone {
			return true
		}
	}
	return false
}

// showWay says which Postfix there is, and where its mail goes.
func (d statusDoc) showWay(row func(label, format string, args ...any)) {
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
	case d.NextHop == "":
		row("Mail goes", "straight to the recipients' servers")
	default:
		row("Mail goes", "through %s by the service %s", d.NextHop, d.Service)
	}
}

func (a *app) showStatus(d statusDoc) {
	out := a.io.Out
	row := func(label, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	d.showWay(row)
	showRoutes(row, d.Routes)
	switch {
	case d.ChangeID != "":
		row("Set up", "by relayhost for %s, change %s of %s", d.Relay, d.ChangeID, d.ChangedAt.Local().Format(time.DateTime))
	case d.Configured && !strings.HasPrefix(d.Service, plan.ServicePrefix):
		row("Set up", "not yet: relayhost setup applies %s", plan.AnswersPath)
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
		if item.State != apply.DriftNone {
			row("Drift", "%s: %s", item.Path, item.State)
		}
	}
	if d.ChangeID != "" && !d.drifted() {
		row("Drift", "none: every file is as setup left it")
	}
	if d.Postfix != "" && d.Unknown["queue"] == "" {
		row("Queue", "%d message(s) wait", d.Waiting)
	}
	if d.Verified != nil {
		row("Verified", "%s, at %s", d.Verified.Result, d.Verified.Time.Local().Format(time.DateTime))
	}
	for _, what := range slices.Sorted(maps.Keys(d.Unknown)) {
		row("Not known", "%s: %s", what, d.Unknown[what])
	}
}

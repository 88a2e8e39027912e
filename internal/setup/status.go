package setup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// Status is how mail leaves this server, and what has become of what setup did: the
// document that `status --json` prints.
type Status struct {
	Version    int    `json:"version"`
	Postfix    string `json:"postfix"` // version; "" when it is not installed
	Running    bool   `json:"running"`
	Outlived   bool   `json:"outlived,omitempty"` // the running master(8) is of an older installation: not restarted since
	Configured bool   `json:"configured"`         // by relayhost
	Relay      string `json:"relay"`
	NextHop    string `json:"next_hop"`      // as Postfix has it; "" delivers straight
	Service    string `json:"service"`       // entry of master.cf that sends
	API        string `json:"api,omitempty"` // host of the relay's API that this mail goes by; "" for SMTP

	// Senders are those of NextHop where all other mail goes out directly
	// (sender_dependent_*_maps); none where it is the relay of all.
	Senders []string `json:"senders,omitempty"`

	SignIns []SignInStatus `json:"sign_ins,omitempty"` // by OAuth

	Routes []plan.Route `json:"routes,omitempty"` // of relayhost.toml, the default first, where there are several

	ChangeID  string            `json:"change_id"`
	ChangedAt *time.Time        `json:"changed_at,omitempty"`
	Drift     []apply.DriftItem `json:"drift"`
	// Outdated are the files that setup would write differently now: relayhost.toml was
	// edited and not applied, or Postfix or relayhost is another.
	Outdated []string          `json:"outdated,omitempty"`
	Pending  *apply.Record     `json:"pending,omitempty"`  // of a run that did not finish
	Undone   *apply.Undone     `json:"undone,omitempty"`   // by the watchdog or a later run
	Waiting  int               `json:"waiting"`            // messages in the queue
	Verified *LastVerification `json:"verified,omitempty"` // the last verification as root
	Unknown  map[string]string `json:"unknown,omitempty"`  // what could not be read, and why

	configDir string // that the commands in Text are for
	answersOf string // the instance of Postfix that relayhost.toml was last written for, where that is another
	later     int    // changes of other instances since ChangeID
	transport string // default_transport, or what stands for it, where it sends nothing by SMTP; "" otherwise
	full      bool   // no room is left where the queue is
	more      bool   // the queue is longer than Waiting: it was not read to its end
}

// ReadStatus looks without changing anything and without connecting to anybody. What
// cannot be read is named in Unknown.
func ReadStatus(ctx context.Context, deps Deps) (Status, error) {
	doc := Status{Version: 1, configDir: deps.ConfigDir, Drift: []apply.DriftItem{}, Unknown: map[string]string{}}
	r := &deps.Host.Reader
	state, err := postfix.Read(ctx, r, deps.ConfigDir)
	var unusable *postfix.ConfigError
	if errors.As(err, &unusable) {
		doc.Unknown["configuration"] = err.Error()
	} else if err != nil {
		return doc, err
	}
	if state.Installed {
		doc.Postfix = fmt.Sprintf("%d.%d.%d", state.Version.Major, state.Version.Minor, state.Version.Patch)
		doc.Running, doc.Outlived = state.Running, state.Outlived != 0
		if unusable == nil {
			route := postfix.RouteOf(state)
			if senders, routes := postfix.SenderRoutes(state); len(routes) > 0 {
				route, doc.Senders = routes[0], senders
			}
			doc.NextHop, doc.Service, doc.transport = route.First().Text, route.Service.Name, otherTransport(state, route)
		}
		if queue, err := postfix.ReadQueue(ctx, r, deps.ConfigDir); err == nil || errors.Is(err, postfix.ErrLongQueue) {
			doc.Waiting, doc.more = len(queue), err != nil
			doc.full = r.Full(state.Params["queue_directory"])
		} else {
			doc.Unknown["queue"] = err.Error()
		}
	}
	stored, err := Stored(r)
	if err != nil {
		doc.Unknown["answers"] = err.Error()
	}
	doc.Relay = stored.First().Name()
	doc.Configured = doc.Relay != "" || err != nil && strings.HasPrefix(doc.Service, plan.ServicePrefix)
	doc.API = apiOf(stored)
	if doc.Routes, err = statusRoutes(r, stored, state); err != nil {
		doc.Unknown["routes"] = err.Error()
	}
	if doc.SignIns, err = signInStatus(r, state); err != nil {
		doc.Unknown["sign-in"] = err.Error()
	}
	doc.readHistory(r, apply.Options{ConfigDir: state.ConfigDir})
	if doc.ChangeID != "" && !doc.Drifted() && len(doc.Unknown) == 0 {
		doc.Outdated = deps.outdated(state, stored)
	}
	if len(doc.Unknown) == 0 {
		doc.Unknown = nil
	}
	return doc, nil
}

// outdated are the files of a setup that nobody has touched and that it would write
// differently now. Nothing is known of them where the passwords cannot be read.
func (deps Deps) outdated(state postfix.State, stored config.Config) (paths []string) {
	env := verify.Env{Reader: &deps.Host.Reader, State: state}
	if err := deps.environmentRoutes(&env, stored); err != nil || env.Plan == nil {
		return nil
	}
	for _, f := range env.Plan.Files {
		if f.Action != plan.Unchanged {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// otherTransport describes a route whose service is no mail client: error(8) rejects
// mail, and a service that master.cf does not have defers it. "" is smtp(8) or lmtp(8).
func otherTransport(state postfix.State, route postfix.Route) string {
	switch command := route.Service.Command; command {
	case "smtp", "lmtp":
		return ""
	case "":
		if state.Master == nil {
			return ""
		}
		return fmt.Sprintf("nowhere: master.cf does not have the service %s that default_transport names", route.Transport)
	case "error":
		return "nowhere: default_transport rejects it (" + route.Service.Name + ")"
	case "retry", "discard":
		return fmt.Sprintf("nowhere: default_transport hands it to %s(8)", command)
	default:
		return fmt.Sprintf("to the service %s of master.cf (%s), not to a relay", route.Service.Name, command)
	}
}

// apiOf is the host of the API that the default route goes by.
func apiOf(stored config.Config) string {
	if !stored.First().ByAPI() {
		return ""
	}
	all, err := Catalog()
	if err != nil {
		return ""
	}
	c, err := stored.Resolve(func(name string) (relays.Relay, error) { return FindRelay(all, name) }, nil)
	if err != nil {
		return ""
	}
	return c.First().APIHost()
}

// statusRoutes are the routes of the file and the services that Postfix has for
// them, none where there is one way only.
func statusRoutes(r *host.Reader, stored config.Config, state postfix.State) ([]plan.Route, error) {
	if !stored.Several() || stored.First().Name() == "" {
		return nil, nil
	}
	state.Load(r, plan.Paths(state)...)
	all, err := Catalog()
	if err != nil {
		return nil, err
	}
	c, missing, err := InUse(stored, state, func(name string) (relays.Relay, error) { return FindRelay(all, name) })
	if err != nil {
		return nil, err
	}
	inUse := plan.StoredAccounts(state)
	var routes []plan.Route
	for _, route := range c.Routes {
		r := plan.Described(route)
		for n := range r.Hops { // whether there is a login stands in tables
			r.Hops[n].NoAuth = r.Hops[n].NoAuth && !(missing && len(state.Unreadable) > 0)
		}
		if sender := append(route.Senders, "")[0]; state.Installed {
			r.Service = inUse.Service(sender)
		}
		routes = append(routes, r)
	}
	return routes, nil
}

// readHistory adds what only root can read: the state directory is 0700.
func (doc *Status) readHistory(r *host.Reader, o apply.Options) {
	note := func(what string, err error) {
		if err != nil {
			doc.Unknown[what] = err.Error()
		}
	}
	history, err := apply.History(r, o)
	note("changes", err)
	doc.answersOf = otherAnswers(history, o.ConfigDir)
	if i := slices.IndexFunc(history, func(c apply.Record) bool { return o.ConfigDir == "" || c.ConfigDir == o.ConfigDir }); i >= 0 {
		doc.ChangeID, doc.ChangedAt, doc.later = history[i].ID, &history[i].Time, i
		doc.Relay = cmp.Or(doc.Relay, history[i].Relay) // where the file cannot be read
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

// Drifted reports whether somebody has changed what setup wrote. Lines that were added
// beside it have no effect on it.
func (doc Status) Drifted() bool { return doc.driftedFiles() > 0 }

// driftedFiles is how many files somebody has changed in what setup wrote.
func (doc Status) driftedFiles() (n int) {
	for _, item := range doc.Drift {
		if item.State != apply.DriftNone && item.State != apply.DriftForeign && item.State != apply.DriftCompiled {
			n++
		}
	}
	return n
}

// verificationFile keeps the result of the last verification for status.
const verificationFile = "last-verification.json"

// LastVerification is what verificationFile holds.
type LastVerification struct {
	Time   time.Time     `json:"time"`
	Result verify.Result `json:"result"`
}

// RememberVerification writes the result down where root runs it on a host
// that relayhost has set up.
func RememberVerification(deps Deps, r verify.Report) {
	if _, err := deps.Host.Stat(apply.StateDir); err != nil || os.Geteuid() != 0 {
		return
	}
	data, err := json.Marshal(LastVerification{time.Now().UTC().Truncate(time.Second), r.Result})
	if err == nil {
		err = deps.Host.WriteFile(filepath.Join(apply.StateDir, verificationFile), data, host.Spec{Mode: 0o600})
	}
	if err != nil && !errors.Is(err, host.ErrChanged) { // by another verification
		deps.Report.Warn("could not save the result for status: %v", err)
	}
}

// writeRoutes prints a line a route, up to a screen of them. outdated says that setup
// would write something differently now: the file may say what Postfix does not do yet.
func writeRoutes(row func(label, format string, args ...any), routes []plan.Route, outdated bool) {
	asKept := ""
	if outdated {
		asKept = " (of relayhost.toml; may not be applied: see Outdated)"
	}
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
		row("Route", "%s: %s through %s%s", w.Name, whose, strings.Join(hops, ", then "), asKept)
	}
}

// maxRoutesShown fits a screen.
const maxRoutesShown = 20

// writeRoute says which Postfix there is, and where its mail goes.
func writeRoute(d Status, row func(label, format string, args ...any)) {
	switch {
	case d.Postfix == "":
		row("Postfix", "not installed")
	case d.Unknown["configuration"] != "":
		row("Postfix", "installed; its configuration cannot be read")
	case d.Outlived:
		row("Postfix", "%s, not restarted since it was replaced: relayhost verify", d.Postfix)
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
	case d.transport != "":
		row("Mail goes", "%s", d.transport)
	case d.NextHop == "":
		row("Mail goes", "directly to the recipients' servers")
	case len(d.Senders) > 0:
		row("Mail goes", "from %s through %s by the service %s; all other mail directly", strings.Join(d.Senders[:min(len(d.Senders), 5)], ", "), d.NextHop, d.Service)
	case d.API != "" && strings.HasPrefix(d.NextHop, "unix:"):
		row("Mail goes", "by HTTPS to the API at %s, by the service %s", d.API, d.Service)
	default:
		row("Mail goes", "through %s by the service %s", d.NextHop, d.Service)
	}
}

// writeDrift says what has become of the files of setup.
func writeDrift(row func(label, format string, args ...any), doc Status) {
	edited := false
	for _, item := range doc.Drift {
		switch item.State {
		case apply.DriftNone:
		case apply.DriftCompiled:
			edited = true
			row("Compiled", "%s, again since setup; its text is as setup left it", item.Path)
		case apply.DriftForeign:
			edited = true
			row("Edited", "%s, since setup: relayhost's own lines are as it left them", item.Path)
		default:
			row("Drift", "%s: %s; restore it: sudo relayhost setup", item.Path, item.State)
		}
	}
	switch {
	case doc.ChangeID == "" || doc.Drifted() || doc.Unknown["drift"] != "":
	case edited:
		row("Drift", "none in what relayhost wrote")
	default:
		row("Drift", "none: every file is as setup left it")
	}
	if len(doc.Outdated) > 0 {
		row("Outdated", "setup would write %s differently now: sudo relayhost setup --dry-run", strings.Join(doc.Outdated, ", "))
	}
}

// writeQueue says how many messages wait.
func writeQueue(row func(label, format string, args ...any), doc Status) {
	full := ""
	if doc.full {
		full = "; its file system is full: Postfix accepts no mail"
	}
	switch {
	case doc.Postfix == "" || doc.Unknown["queue"] != "":
	case doc.Waiting == 0:
		row("Queue", "empty%s", full)
	case doc.more:
		row("Queue", "more than %d messages%s", doc.Waiting, full)
	default:
		row("Queue", "%s%s", plural.Of(doc.Waiting, "message"), full)
	}
}

// writeVerified says what the last verification was of.
func writeVerified(row func(label, format string, args ...any), doc Status) {
	switch v := doc.Verified; {
	case v == nil:
	case doc.ChangedAt != nil && doc.ChangedAt.After(v.Time):
		row("Verified", "not since this change; before it: %s, at %s", v.Result, v.Time.Local().Format(time.DateTime))
	default:
		row("Verified", "%s, at %s", v.Result, v.Time.Local().Format(time.DateTime))
	}
}

// Text is the status for a person, a line each.
func (doc Status) Text() string {
	var out strings.Builder
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&out, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	writeRoute(doc, row)
	writeRoutes(row, doc.Routes, len(doc.Outdated) > 0)
	writeSignIns(row, doc.SignIns)
	switch {
	case doc.ChangeID != "":
		row("Set up", "by relayhost for %s at %s", doc.Relay, doc.ChangedAt.Local().Format(time.DateTime))
		if doc.later == 0 {
			row("Change", "%s; undo it: sudo relayhost rollback", doc.ChangeID)
		} else {
			row("Change", "%s; undo it, and %s of another Postfix: sudo relayhost rollback --to %s", doc.ChangeID, plural.Of(doc.later, "later change"), doc.ChangeID)
		}
	case doc.Configured && !strings.HasPrefix(doc.Service, plan.ServicePrefix):
		row("Set up", "not yet: relayhost setup applies %s", config.Path)
	case doc.Relay == "" && doc.Configured:
		row("Set up", "by relayhost")
	case doc.Configured:
		row("Set up", "by relayhost for %s", doc.Relay)
	case doc.Unknown["answers"] == "":
		row("Set up", "not by relayhost")
	}
	if doc.answersOf != "" {
		row("Answers", "%s was last written for the Postfix in %s", config.Path, doc.answersOf)
	}
	if all, err := Catalog(); err == nil {
		if r, err := FindRelay(all, doc.Relay); err == nil && r.Ends != nil && len(doc.SignIns) == 0 {
			row("Ends", "%s", r.Notice(today()))
		}
	}
	if doc.Pending != nil {
		row("Unfinished", "change %s did not finish; the next setup or rollback restores everything", doc.Pending.ID)
	}
	if doc.Undone != nil {
		row("Undone", "change %s, at %s by %s", doc.Undone.ID, doc.Undone.Time.Local().Format(time.DateTime), doc.Undone.By)
	}
	writeDrift(row, doc)
	writeQueue(row, doc)
	writeVerified(row, doc)
	for _, what := range slices.Sorted(maps.Keys(doc.Unknown)) {
		row("Not known", "%s: %s", cmp.Or(map[string]string{"answers": "the setup"}[what], what), doc.Unknown[what])
	}
	return postfix.AtInstance(out.String(), doc.configDir)
}

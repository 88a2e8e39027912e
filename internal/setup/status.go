package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/plan"
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
	Configured bool   `json:"configured"` // by relayhost
	Relay      string `json:"relay"`
	NextHop    string `json:"next_hop"` // as Postfix has it; "" delivers straight
	Service    string `json:"service"`  // entry of master.cf that sends

	// Senders are those of NextHop where all other mail goes out directly
	// (sender_dependent_*_maps); none where it is the relay of all.
	Senders []string `json:"senders,omitempty"`

	Routes []plan.Way `json:"routes,omitempty"` // of relayhost.toml, the default first, where there are several

	ChangeID  string            `json:"change_id"`
	ChangedAt *time.Time        `json:"changed_at,omitempty"`
	Drift     []apply.DriftItem `json:"drift"`
	Pending   *apply.Record     `json:"pending,omitempty"`  // of a run that did not finish
	Undone    *apply.Undone     `json:"undone,omitempty"`   // by the dead-man's watch or a later run
	Waiting   int               `json:"waiting"`            // messages in the queue
	Verified  *LastVerification `json:"verified,omitempty"` // the last verification as root
	Unknown   map[string]string `json:"unknown,omitempty"`  // what could not be read, and why
}

// ReadStatus looks without changing anything and without connecting to anybody. What
// cannot be read is named in Unknown.
func ReadStatus(ctx context.Context, deps Deps) (Status, error) {
	doc := Status{Version: 1, Drift: []apply.DriftItem{}, Unknown: map[string]string{}}
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
		doc.Running = state.Running
		if unusable == nil {
			route := explain.RouteOf(state)
			if senders, routes := explain.SenderRoutes(state); len(routes) > 0 {
				route, doc.Senders = routes[0], senders
			}
			doc.NextHop, doc.Service = route.NextHop, route.Service.Name
		}
		if queue, err := postfix.ReadQueue(ctx, r, deps.ConfigDir); err == nil || errors.Is(err, postfix.ErrLongQueue) {
			doc.Waiting = len(queue)
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
	if doc.Routes, err = statusRoutes(r, stored, state); err != nil {
		doc.Unknown["routes"] = err.Error()
	}
	doc.readHistory(r, apply.Options{ConfigDir: deps.ConfigDir})
	if len(doc.Unknown) == 0 {
		doc.Unknown = nil
	}
	return doc, nil
}

// statusRoutes are the routes of the file and the services that Postfix has for
// them, none where there is one way only.
func statusRoutes(r *host.Reader, stored config.Config, state postfix.State) ([]plan.Way, error) {
	if !stored.Several() || stored.First().Name() == "" {
		return nil, nil
	}
	state.Load(r, plan.Paths(state)...)
	all, err := Catalog()
	if err != nil {
		return nil, err
	}
	c, err := stored.Resolve(func(name string) (relays.Relay, error) { return FindRelay(all, name) }, plan.NextHops(state))
	if err != nil {
		return nil, err
	}
	inUse := plan.StoredAccounts(state)
	var ways []plan.Way
	for _, route := range c.Routes {
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

// readHistory adds what only root can read: the state folder is 0700.
func (doc *Status) readHistory(r *host.Reader, o apply.Options) {
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

// Drifted reports whether somebody has changed what setup wrote. Lines that were added
// beside it have no effect on it.
func (doc Status) Drifted() bool {
	for _, item := range doc.Drift {
		if item.State != apply.DriftNone && item.State != apply.DriftForeign {
			return true
		}
	}
	return false
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
		deps.Report.Warn("the result is not kept for status: %v", err)
	}
}

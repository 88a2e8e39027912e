package verify

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
)

// services checks that Postfix runs and sends what goes out through the entries
// of the relays, which find CA file and resolver.
func (r *run) services(ctx context.Context, checks []*routeCheck) []Finding {
	if !r.State.Installed {
		return skip("service", "there is no Postfix")
	}
	if !r.State.Running {
		f := Finding{Check: "service", Result: Fail, Detail: "Postfix does not run"}.known("postfix_down")
		f.Command = postfix.ByHand(ctx, r.Reader, r.State.ConfigDir, "start")
		return []Finding{f}
	}
	var findings []Finding
	if r.State.Outlived != 0 {
		findings = append(findings, outlived(ctx, r.Reader, r.State))
	}
	routing := postfix.NewRouting(r.State)
	for _, t := range checks {
		f := t.of(t.service(routing))
		faults := t.bridge(ctx)
		if f.Result != Pass || len(faults) == 0 {
			findings = append(findings, f)
		}
		for _, fault := range faults {
			if fault = t.of(fault); !slices.ContainsFunc(findings, func(g Finding) bool { return g.Detail == fault.Detail }) {
				findings = append(findings, fault)
			}
		}
	}
	return findings
}

// outlived says that Postfix was replaced under its master(8), and how it is restarted
// here: a reload keeps the process.
func outlived(ctx context.Context, r *host.Reader, s postfix.State) Finding {
	f := Finding{Check: "service", Result: Fail, Cause: "postfix_not_restarted",
		Detail: fmt.Sprintf("Postfix was replaced, as by an upgrade, and its master (process %d) still runs the old program: its daemons may not fit together, and mail may wait", s.Outlived),
		Remedy: "Restart Postfix; a reload is not enough."}
	if s.Outlived == 1 {
		f.Remedy = "Restart this container: its first process is the old program."
		return f
	}
	f.Command = postfix.ByHand(ctx, r, s.ConfigDir, "restart")
	return f
}

// service checks the entry of one route, and that Postfix sends the mail of its
// senders there.
func (t *routeCheck) service(routing *postfix.Routing) Finding {
	way, hop := t.asConfigured(), t.route.Hops[0]
	if f, ok := direct(t.State, way); ok && !t.ofSetup() { // else a relay is meant
		return f
	}
	switch {
	case way.Service.Name == "" && t.number > 1:
		return Finding{Check: "service", Result: Fail, Detail: "master.cf has no service " + t.route.Service, Cause: "service_missing",
			Remedy: "Run setup again.", Command: "relayhost setup"}
	case way.Service.Name == "":
		return Finding{Check: "service", Result: Fail, Detail: "default_transport names " + t.State.Params["default_transport"] + ", which master.cf does not define",
			Cause: "service_missing", Remedy: "Run setup again, or set default_transport to smtp.", Command: "relayhost setup"}
	case hop.elsewhere(way):
		f := Finding{Check: "service", Result: Fail, Detail: fmt.Sprintf("mail goes to %s, not to %s", leadsTo(way), hop.nextHop())}.known("override_elsewhere")
		if t.Plan != nil && t.Plan.Changed() { // what setup wrote was changed
			f.Remedy, f.Command = "Restore what setup wrote.", "relayhost setup"
		}
		return f
	}
	if by := routing.Route(t.route.From); t.listed() &&
		(by.Transport != t.route.Service || hop.Socket == "" && (len(by.NextHops) == 0 || !strings.EqualFold(by.NextHops[0].Text, hop.nextHop()))) {
		return Finding{Check: "service", Result: Fail, Detail: fmt.Sprintf("mail from %s is sent by %s (%s), not by %s to %s", t.route.From, by.Transport, by.By, t.route.Service, hop.nextHop())}.
			known("override_elsewhere")
	}
	if way.Service.Chrooted(t.State.Params["compatibility_level"]) {
		if f := jail(t.Reader, t.State.QueueDir); f != nil {
			return *f
		}
	}
	if t.number > 0 {
		return Finding{Check: "service", Result: Pass, Detail: fmt.Sprintf("mail from %s is sent by %s to %s", sendersOf(t.route), way.Service.Name, hopsOf(t.route))}
	}
	v := t.State.Version
	return Finding{Check: "service", Result: Pass, Detail: fmt.Sprintf("Postfix %d.%d.%d: %s sends to %s", v.Major, v.Minor, v.Patch, way.Service.Name, way.First().Text)}
}

// direct is the finding on a server whose default route has no relay; ok is false where
// it has one, or none can be told.
func direct(state postfix.State, to postfix.Route) (f Finding, ok bool) {
	if to.First().Text != "" && connects(to) {
		return f, false
	}
	if senders, routes := postfix.SenderRoutes(state); len(senders) > 0 {
		return Finding{Check: "service", Result: Pass, Detail: fmt.Sprintf("mail from %s goes by %s to %s; all other mail goes out directly",
			some(senders), routes[0].Service.Name, routes[0].First().Text)}, true
	}
	f = Finding{Check: "service", Result: Fail, Detail: "no relay is configured: mail is delivered directly", Cause: "relayhost_not_set",
		Remedy: "Set up a relay.", Command: "relayhost setup"}
	if !connects(to) {
		f.Detail = fmt.Sprintf("no relay is configured: default_transport is the service %s (%s)", to.Service.Name, to.Service.Command)
	}
	return f, to.Service.Name != ""
}

// ofSetup reports whether setup has been here, so that a relay is meant.
func (r *run) ofSetup() bool { return r.Plan != nil || r.Limited }

// connects reports whether mail goes to a server at all, and not to error(8), say.
func connects(way postfix.Route) bool {
	return way.Service.Command == "smtp" || way.Service.Command == "lmtp"
}

// leadsTo says where mail goes, for a person.
func leadsTo(way postfix.Route) string {
	switch {
	case !connects(way):
		return fmt.Sprintf("the service %s (%s)", way.Service.Name, way.Service.Command)
	case way.First().Text == "":
		return "the mail servers of its recipients"
	}
	return way.First().Text
}

// elsewhere reports whether Postfix sends the mail of a route to another next hop
// than h.
func (h Hop) elsewhere(way postfix.Route) bool {
	switch {
	case way.Service.Name != "" && !connects(way): // without a service it is a fault of its own
		return true
	case h.Socket != "":
		return way.First().Text != h.nextHop()
	}
	return h.Host != "" && (!strings.EqualFold(way.First().Host, h.Host) || way.First().Port != h.Port)
}

// listed reports whether the sender of the proof is one of the route's by name or
// domain. What is below a domain stands in a table of patterns, which only Postfix
// reads: there the delivery shows where mail goes.
func (t *routeCheck) listed() bool {
	_, domain, _ := strings.Cut(t.route.From, "@")
	return t.number > 1 && slices.ContainsFunc(t.route.Senders, func(s string) bool {
		return strings.EqualFold(s, t.route.From) || strings.EqualFold(s, domain)
	})
}

// sendersOf names those of the route for a person.
func sendersOf(route Route) string {
	if len(route.Senders) == 0 {
		return "all other senders"
	}
	return some(route.Senders)
}

// hopsOf names the next hops of the route in order.
func hopsOf(route Route) string {
	var names []string
	for _, h := range route.Hops {
		names = append(names, h.nextHop())
	}
	return strings.Join(names, ", then ")
}

// jail compares the resolver's files inside of the queue directory with those
// outside.
func jail(r *host.Reader, queueDir string) *Finding {
	const file = "/etc/resolv.conf"
	outside, err := r.ReadFile(file)
	if err != nil {
		return nil
	}
	inside, err := r.ReadFile(filepath.Join(queueDir, file))
	if err == nil && string(inside) == string(outside) {
		return nil
	}
	f := Finding{Check: "service", Result: Warn, Detail: "the service is chrooted, and resolv.conf in the chroot differs from this host's", Cause: "dns_chroot_resolv",
		Remedy: "Copy this host's resolv.conf into the chroot. After relayhost setup the relay has a service outside it."}
	f.Command = "install -D -m 644 " + file + " " + filepath.Join(queueDir, file)
	return &f
}

// drift compares what is there with what setup would write.
func (r *run) drift(context.Context) []Finding {
	if r.Unfinished != "" {
		return []Finding{{Check: "drift", Result: Warn, Cause: "drift", Detail: "change " + r.Unfinished + " has not finished: its run is at work, or was aborted",
			Remedy: "The next setup or rollback restores what an aborted run left."}}
	}
	if r.Plan == nil && r.Limited {
		return skip("drift", "some files can only be read by root")
	}
	if r.Plan == nil {
		return skip("drift", "this host was not set up by relayhost")
	}
	var changed, differs []string
	for _, f := range r.Plan.Files {
		switch how := r.Changed[f.Path]; {
		case f.Action == plan.Unchanged:
		case how != "":
			changed = append(changed, f.Path+" ("+how+")")
		case r.Changed[index(f)] != "":
			changed = append(changed, index(f)+" ("+r.Changed[index(f)]+")")
		case r.Changed != nil: // nobody has touched it
			differs = append(differs, f.Path)
		default:
			changed = append(changed, f.Path)
		}
	}
	var findings []Finding
	if len(changed) > 0 {
		findings = append(findings, Finding{Check: "drift", Result: Warn, Detail: "changed since setup: " + strings.Join(changed, ", "), Cause: "drift",
			Remedy: "See what setup would change; run setup to apply that. To keep the edit, do nothing.", Command: "relayhost setup --dry-run"})
	}
	if len(differs) > 0 {
		findings = append(findings, Finding{Check: "drift", Result: Warn, Cause: "outdated",
			Detail: fmt.Sprintf("as setup left it, but for Postfix %s setup would write it differently now: %s", r.State.Version, strings.Join(differs, ", ")),
			Remedy: "Postfix, relayhost or relayhost.toml is not the same as at the last setup. See what setup would change; run setup to apply that.", Command: "relayhost setup --dry-run"})
	}
	if len(findings) == 0 {
		return pass("drift", "what relayhost wrote is as setup left it")
	}
	return findings
}

// index is the compiled file of a lookup table, "" for another file.
func index(f plan.File) string {
	return postfix.Table{Type: f.Map, Path: f.Path}.Index()
}

// queue tells what waits, and why.
func (r *run) queue(ctx context.Context) []Finding {
	if !r.State.Installed || !r.State.Running {
		return skip("queue", "Postfix does not run")
	}
	if dir := r.State.Params["queue_directory"]; r.Reader.Full(dir) {
		return []Finding{Finding{Check: "queue", Result: Fail, Detail: "the file system of " + dir + " is full: Postfix accepts no mail"}.known("disk_full")}
	}
	messages, err := r.waiting()
	if err != nil && ctx.Err() != nil {
		return skip("queue", "the time was up before the queue was read")
	}
	if err != nil && !errors.Is(err, postfix.ErrLongQueue) {
		return []Finding{{Check: "queue", Result: Warn, Detail: err.Error(), Cause: "queue_unreadable", Remedy: "Run this as root."}}
	}
	c := explain.Collector{Signs: r.signs}
	if r.First().Relay.ID != "" {
		c.Relay = r.First().Relay
	}
	waiting := 0
	messages = slices.DeleteFunc(slices.Clone(messages), r.tests)
	for _, m := range messages {
		if m.Queue == "deferred" || m.Reason() != "" {
			waiting++
		}
		c.AddQueued(m)
	}
	if len(messages) == 0 {
		return pass("queue", "empty")
	}
	if waiting == 0 {
		return pass("queue", plural.Of(len(messages), "message")+", none delayed")
	}
	f := Finding{Check: "queue", Result: Warn, Detail: fmt.Sprintf("%d of %s delayed", waiting, plural.Of(len(messages), "message")), Cause: "queue_deferred"}
	var lead explain.Group // what the mail waits for
	if groups := c.Groups(); len(groups) > 0 {
		lead = groups[0]
		f.Detail += ", last reason: " + lead.Example
		if i := slices.IndexFunc(groups, func(g explain.Group) bool { return stuck(r.State, g) }); i >= 0 {
			lead, f.Result = groups[i], Fail
		}
		if lead.Cause.ID != "" {
			f = f.because([]explain.Cause{lead.Cause})
		}
	}
	if told, ok := r.told(lead); ok {
		f = f.referring(told)
	}
	f.Remedy = strings.TrimSpace(f.Remedy + " After fixing the cause, send the mail that waits.")
	f.Command = postfix.ByHand(ctx, r.Reader, r.State.ConfigDir, "flush")
	return []Finding{f}
}

// referring is the finding f on the queue where told has the remedy.
func (f Finding) referring(told Finding) Finding {
	f.Cause, f.Remedy = "queue_deferred", "Fix first: "+told.Check+"."
	if told.Route != "" {
		f.Remedy = "Fix first: " + told.Check + " of route " + told.Route + "."
	}
	if told.Result == Fail {
		f.Result = Warn
	}
	return f
}

// told is the finding on the fault that mail waits for; ok is false where none is known
// to be about it.
func (r *run) told(waits explain.Group) (f Finding, ok bool) {
	findings := NewReport(r.findings).Findings
	i := slices.IndexFunc(findings, func(f Finding) bool { return f.Result == Fail && r.explains(f, waits) })
	if i < 0 {
		i = slices.IndexFunc(findings, func(f Finding) bool {
			return f.Result == Warn && f.Cause != "" && f.Cause == waits.Cause.ID && r.concerns(f, waits)
		})
	}
	if i < 0 {
		return f, false
	}
	return findings[i], true
}

// phaseOf is where in the catalogue the causes of a check stand. The check does what
// Postfix does at that step: its fault is the one that mail waits for there, also where
// Postfix has other words for it.
var phaseOf = map[string]string{"maps": "map", "dns": "dns", "connect": "connect", "tls": "tls", "auth": "auth"}

// explains reports whether mail waits for the fault of f.
func (r *run) explains(f Finding, waits explain.Group) bool {
	if f.Cause == "secret_world_readable" || !r.concerns(f, waits) { // no mail waits for a mode
		return false
	}
	phase := phaseOf[f.Check]
	if waits.Cause.ID == "" {
		return phase != "" && phase != "map"
	}
	return waits.Cause.ComesOf(f.Cause) || phase != "" && phase == waits.Cause.Phase
}

// concerns reports whether a finding may be about the route by which mail waits: where
// the reason names a relay, about one of its routes.
func (r *run) concerns(f Finding, waits explain.Group) bool {
	if f.route == 0 {
		return true
	}
	reason, other := strings.ToLower(waits.Example), false
	for i, route := range r.Routes {
		for _, h := range route.Hops {
			if h.Host == "" || !strings.Contains(reason, strings.ToLower(h.Host)) {
				continue
			}
			if i+1 == f.route {
				return true
			}
			other = true
		}
	}
	return !other
}

// stuck reports whether mail waits for a fault of this server that time does not heal:
// mail that came after main.cf and master.cf had been written as they are. What came
// before may wait for a fault that is gone.
func stuck(s postfix.State, g explain.Group) bool {
	written := s.MainMeta.Mtime
	if s.MasterMeta.Mtime.After(written) {
		written = s.MasterMeta.Mtime
	}
	fault := g.Cause.Retry == "fix" && (g.Cause.Scope == "host" || g.Cause.Scope == "account")
	return fault && g.Delayed > 0 && g.Last.After(written)
}

// tests reports whether a queued message is, by all that the queue tells, one
// that this run sends.
func (r *run) tests(m postfix.QueuedMessage) bool {
	return !m.Arrival.Before(r.began.Truncate(time.Second)) && // the queue counts in seconds
		len(m.Recipients) == 1 && strings.EqualFold(m.Recipients[0].Address, r.To) &&
		slices.ContainsFunc(r.Routes, func(route Route) bool { return strings.EqualFold(route.From, m.Sender) })
}

package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/mailaddr"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// proofTimeout bounds one proof of delivery.
const proofTimeout = 60 * time.Second

// patience is how long a relay that says "later" is tried again: greylisting
// and a busy moment are no faults of the setup.
const patience = 20 * time.Second

// maxMessages bounds the test messages of a rehearsal, and those of the proof
// after it: they cost money and reputation.
const maxMessages = 100

// message is one test message and the route that it has to take.
type message struct {
	label   string // "" where there is one route only
	route   string
	relay   relays.Relay
	from    string
	service string
	host    string
	port    int
	socket  string // of the bridge that it goes by, "" for none
	rootTo  string // where a message for root has to arrive; "" is one to Config.To
}

// recipientOf is the recipient of m.
func recipientOf(cfg config.Config, m message) string {
	if m.rootTo != "" {
		return m.from // root writes to itself, as cron(8) does
	}
	return cfg.To
}

// Delivered is what became of a test message.
type Delivered struct {
	Label    string // of its route and hop; "" where there is one route only
	Relay    relays.Relay
	Delivery verify.Delivery
	Err      error  // nil, or what Proof.Run says; verify.ErrUnproven is no failure
	RootTo   string // of a message for root: where it has to arrive; "" of others

	message message
}

// TryOut is Preflight and Rehearse side by side, for a run that has asked nothing: the
// private Postfix starts while the relays are asked, and gets its first message when
// they have accepted everything, so that nothing logs in twice with a login that is
// refused. What Preflight says comes first.
func TryOut(ctx context.Context, s Setup, table *flow.Table) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	accepted, rehearsed := make(chan struct{}), make(chan error, 1)
	go func() { rehearsed <- s.rehearseOnce(ctx, table, accepted) }()
	if err := Preflight(ctx, s); err != nil {
		cancel()
		if rerr := <-rehearsed; rerr != nil && !errors.Is(rerr, context.Canceled) && !errors.Is(rerr, instance.ErrNotStarted) {
			err = errors.Join(err, rerr)
		}
		return err
	}
	close(accepted)
	return <-rehearsed
}

// Rehearse sends the test messages through a private Postfix that has exactly
// the planned configuration: one for the first hops of all routes, and one for
// each level of fallbacks, in which they come first (config.Config.Level). The server's
// own has not been touched yet. Mail for root goes with the first, where --root-to names
// an address. After that goes one by each other service that shares a next hop with ours
// in table. With NoVerify it sends nothing.
func Rehearse(ctx context.Context, s Setup, table *flow.Table) error {
	accepted := make(chan struct{})
	close(accepted)
	return s.rehearseOnce(ctx, table, accepted)
}

// rehearseOnce is Rehearse that sends nothing, and makes nothing for a bridge, before
// accepted is closed.
func (s Setup) rehearseOnce(ctx context.Context, table *flow.Table, accepted <-chan struct{}) error {
	if s.NoVerify {
		return nil
	}
	if anyBridge(s.Config) {
		if err := wait(ctx, accepted); err != nil {
			return err
		}
	}
	release, begun, err := s.Ahead.finish(ctx, s, accepted)
	if release == nil && err == nil {
		release, err = apply.Lock(ctx, s.Host, apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir})
	}
	if release != nil {
		defer release()
	}
	if err != nil {
		return err
	}
	tidy, err := s.prepareBridges(ctx)
	if err != nil {
		return err
	}
	if err := s.rehearseAll(ctx, table, accepted, begun); err != nil {
		tidy()
		return err
	}
	return nil
}

// wait waits until c is closed.
func wait(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rehearseAll is rehearseOnce for a run that holds the lock. begun says that its first
// message has gone already.
func (s Setup) rehearseAll(ctx context.Context, table *flow.Table, accepted <-chan struct{}, begun bool) error {
	left, budget := 0, maxMessages
	for level := range s.Config.Levels() {
		p := s.Plan
		if level > 0 {
			var err error
			if p, err = plan.Build(s.server(false), s.Config.Level(level)); err != nil {
				return err
			}
		}
		one, more := s.messages(p, level)
		list := append(one, more...)
		if m, _, ok := rootMessage(s.State, s.Config, table); ok && level == 0 {
			list = append(list, m)
		}
		if begun && level == 0 {
			list, budget = list[1:], budget-1
		}
		n := min(len(list), budget)
		left += len(list) - n
		budget -= n
		if n == 0 {
			continue
		}
		if err := s.rehearse(ctx, p, list[:n], accepted); err != nil {
			return err
		}
	}
	if err := s.rehearseForeign(ctx, table); err != nil {
		return err
	}
	if left > 0 {
		s.Report.Unproven("%d test messages are sent at most; %s of sender and hop not rehearsed: relayhost verify --route NAME proves one route", maxMessages, plural.Of(left, "pair"))
	}
	return nil
}

// messages are those that prove the hops of a level: one of each route, and more
// of the other senders. The null sender was asked for already; a message from
// nobody has no author.
func (s Setup) messages(p plan.Plan, level int) (one, more []message) {
	if !s.Config.Several() {
		return []message{{relay: s.Config.First().Relay, from: s.Config.From(), service: p.Default().Service, host: p.First().Host, port: p.First().Port, socket: p.Default().Socket()}}, nil
	}
	services, sockets := map[string]string{}, map[string]string{}
	for _, w := range p.Routes {
		services[w.Name], sockets[w.Name] = w.Service, w.Socket()
	}
	for _, r := range checkedRoutes(s.Config, s.Plan) {
		if len(r.Hops) <= level {
			continue
		}
		h, service := r.Hops[level], first(services[r.Name], p.Default().Service) // the default is the only route of its level
		senders := slices.DeleteFunc(sendersOf(r), func(from string) bool { return from == "" })
		for i, from := range senders {
			m := message{label: config.Label(r.Name, level), route: r.Name, relay: h.Relay, from: from, service: service, host: h.Host, port: h.Port, socket: sockets[r.Name]}
			if i == 0 {
				one = append(one, m)
			} else {
				more = append(more, m)
			}
		}
	}
	return one, more
}

// rehearse sends the messages through a private Postfix with plan p.
func (s Setup) rehearse(ctx context.Context, p plan.Plan, list []message, accepted <-chan struct{}) error {
	in, err := instance.Start(ctx, s.Host, instance.Options{State: s.State, Plan: p, Aliases: aliasesFor(s.State, s.Plan, list)})
	if err != nil {
		return fmt.Errorf("rehearsal: %w", host.Denied(err))
	}
	if err := wait(ctx, accepted); err != nil {
		return errors.Join(err, in.Close())
	}
	stepRehearsal(s.Report, list)
	sent, fault := s.sendWatched(ctx, in, list)
	return judgeRehearsal(ctx, s, sent, fault, in.Close())
}

func stepRehearsal(r Reporter, list []message) {
	if len(list) == 1 {
		r.Step("rehearsal: a private Postfix sends the test message")
	} else {
		r.Step("rehearsal: a private Postfix sends %d test messages", len(list))
	}
}

// judgeRehearsal says what a private Postfix has shown; cerr is that of closing it.
func judgeRehearsal(ctx context.Context, s Setup, sent []Delivered, fault *instance.Fault, cerr error) error {
	if cerr != nil {
		cerr = fmt.Errorf("rehearsal: %w", cerr)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return errors.Join(ctx.Err(), failure(sent), cerr) // Ctrl-C is no fault of the delivery
	}
	if err := failure(sent); err != nil {
		if known := faultOf(fault, sent); known != nil {
			return ProofError{errors.Join(known, cerr)}
		}
		return ProofError{failedDelivery(s.State, s.Config, fmt.Errorf("rehearsal: %w", errors.Join(err, cerr)), sent)}
	}
	if cerr != nil {
		return ProofError{failedDelivery(s.State, s.Config, cerr, sent)}
	}
	return nil
}

// failure is the first error among the deliveries, with the others below it. A message
// that left the queue where no log shows its way (verify.ErrUnproven) is none.
func failure(sent []Delivered) error {
	var failed error
	var others []string
	for _, d := range sent {
		if d.Err == nil || errors.Is(d.Err, verify.ErrUnproven) {
			continue
		}
		err := d.Err
		switch {
		case d.RootTo != "":
			err = fmt.Errorf("mail for root (%s): %w", d.message.from, d.Err)
		case d.Label != "":
			err = fmt.Errorf("%s, sender %s: %w", d.Label, d.message.from, d.Err)
		}
		if failed == nil {
			failed = err
		} else {
			others = append(others, err.Error())
		}
	}
	if failed == nil {
		return nil
	}
	return withOthers(failed, others)
}

// send proves each delivery through the Postfix whose configuration is in dir.
func (s Setup) send(ctx context.Context, dir string, log *maillog.Log, list []message) []Delivered {
	sent := make([]Delivered, len(list))
	inParallel(len(list), func(i int) {
		m := list[i]
		ctx, cancel := context.WithTimeout(ctx, proofTimeout)
		defer cancel()
		d, err := verify.Proof{
			Mailer: &verify.PostfixMailer{Host: s.Host, ConfigDir: dir, Sendmail: s.State.Params["sendmail_path"]},
			Reader: &s.Host.Reader, Log: log, From: m.from, To: recipientOf(s.Config, m),
			Service: m.service, Host: m.host, Port: m.port, Socket: m.socket, Patience: patience,
		}.Run(ctx)
		if err == nil && m.rootTo != "" && d.To != "" && !strings.EqualFold(d.To, m.rootTo) {
			err = fmt.Errorf("%w: to %s, not to %s: another table than that of the aliases has it (virtual_alias_maps, canonical_maps)", verify.ErrElsewhere, d.To, m.rootTo)
		}
		sent[i] = Delivered{m.label, m.relay, d, err, m.rootTo, m}
	})
	return sent
}

// proveLive sends one message by each route through the Postfix that has the new
// configuration, and follows log, which may be nil. Of table one for root is sent.
func (s Setup) proveLive(ctx context.Context, which string, log *maillog.Log, table *flow.Table) []Delivered {
	list, _ := s.messages(s.Plan, 0)
	if len(list) > maxMessages {
		s.Report.Unproven("the proof sends %d test messages at most; %s left out of it: relayhost verify --route NAME proves one", maxMessages, plural.Of(len(list)-maxMessages, "route"))
		list = list[:maxMessages]
	}
	m, why, ok := rootMessage(s.State, s.Config, table)
	if ok {
		list = append(list, m)
	} else if why != "" {
		s.Report.Unproven("%s", why)
	}
	if len(list) == 1 {
		s.Report.Step("proof: the test message goes through %s", which)
	} else {
		s.Report.Step("proof: %d test messages go through %s", len(list), which)
	}
	return s.send(ctx, s.ConfigDir, log, list)
}

// subject is what a proof was about: one hop, and the addresses that it was tried
// with.
type subject struct {
	route    string // "" where there is one route only
	relay    relays.Relay
	from, to string
}

func subjectOf(cfg config.Config, m message) subject {
	on := subject{relay: m.relay, from: m.from, to: first(m.rootTo, cfg.To)}
	if m.label != "" {
		on.route = m.route
	}
	return on
}

// deliveryFinding is the finding on a proof of delivery.
func deliveryFinding(state postfix.State, on subject, d verify.Delivery, err error) verify.Finding {
	f := verify.Delivered(d, err, explain.RouteOf(state), explain.Inspect(state, on.from))
	f.Route = on.route
	if err == nil {
		f = f.Showing(on.relay, on.to)
	}
	return f
}

// failedDelivery adds cause and remedy of the first message that failed.
func failedDelivery(state postfix.State, cfg config.Config, err error, sent []Delivered) error {
	on := subject{relay: cfg.First().Relay, from: cfg.From(), to: cfg.To}
	delivery, cause := verify.Delivery{}, err
	for _, d := range sent {
		if d.Err != nil && !errors.Is(d.Err, verify.ErrUnproven) {
			on, delivery, cause = subjectOf(cfg, d.message), d.Delivery, d.Err
			break
		}
	}
	f := deliveryFinding(state, on, delivery, cause)
	f.Detail = err.Error()
	if queueFull(err) {
		f.Remedy = "The disk that the queue is on is full; the relay has not been asked. Free some space there, then run setup again."
		f.Command = "df -h " + first(state.Params["queue_directory"], "/var/spool/postfix")
	}
	return explained(err, f.Remedied(on.refusal(verify.StepOf(delivery.Reply))))
}

// queueFull reports whether Postfix itself had no room for a message (postdrop(1),
// sendmail(1)).
func queueFull(err error) bool {
	text := err.Error()
	return strings.Contains(text, "hand the test message to Postfix") && (strings.Contains(text, "No space left on device") ||
		strings.Contains(text, "Insufficient system storage") || strings.Contains(text, "queue file write error"))
}

func (on subject) caused(err error, causes []explain.Cause) error {
	if len(causes) == 0 {
		return err
	}
	c := causes[0]
	if on.relay.ID == relays.SmarthostID && len(on.relay.Ports) > 0 {
		where := fmt.Sprintf("--smarthost %s --port %d", on.relay.Name, on.relay.Ports[0].Port)
		switch c.ID {
		case "tls_untrusted_issuer":
			c.Remedy = "Give the file with the relay's own certificate, or that of the authority that signed it; or its --fingerprint."
			c.Command = "relayhost setup " + where + " --ca-file /etc/ssl/" + on.relay.Name + ".pem"
		case "tls_not_offered":
			c.Remedy, c.Command = withoutTLS(on.relay, where)
		}
	}
	return explained(err, verify.Finding{
		Check: checkOf(c.Phase), Route: on.route, Result: verify.Fail, Detail: err.Error(), Cause: c.ID, Remedy: c.Remedy, Command: c.Command,
	})
}

// withoutTLS is the remedy for a relay of one's own that offers no TLS.
func withoutTLS(r relays.Relay, where string) (remedy, command string) {
	const offer = "Have the relay offer TLS, or name a port of it that does; a certificate of its own goes with --ca-file or --fingerprint. "
	addr, err := netip.ParseAddr(r.Name)
	switch {
	case len(r.Auth.Mechanisms) > 0:
		return offer + "No password goes over a connection without TLS: a relay that knows this host by its address can be set up without credentials.", ""
	case err == nil && !config.Private(addr):
		return offer + "Mail goes to a public address with TLS only.", ""
	}
	return offer + "On loopback, in a private network or through a tunnel the relay can be set up without TLS.", "relayhost setup " + where + " --insecure-plaintext"
}

// refusal is what a relay does not take of what was about on.
func (on subject) refusal(step smtpprobe.Step) verify.Refusal {
	return verify.Refusal{Step: step, Relay: on.relay, Route: on.route, From: on.from, To: on.to}
}

// checkOf is the check of verify that a phase of the failure catalogue belongs to.
func checkOf(phase string) string {
	if slices.Contains([]string{"dns", "connect", "tls", "auth"}, phase) {
		return phase
	}
	return "delivery"
}

// sendWatched is send in a private Postfix whose log ends it, as soon as it
// says why no mail moves.
func (s Setup) sendWatched(ctx context.Context, in *instance.Instance, list []message) ([]Delivered, *instance.Fault) {
	watched, end, err := in.Watch(ctx)
	if err == nil {
		sent := s.send(watched, in.ConfigDir, &in.Log, list)
		return sent, end()
	}
	if errors.Is(err, maillog.ErrNoLog) {
		return s.send(ctx, in.ConfigDir, nil, list), nil
	}
	return s.send(ctx, in.ConfigDir, &in.Log, list), nil // a log that cannot be watched tells nothing
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

// rootMessage is the message that shows that mail for root arrives at Config.RootTo:
// root writes to itself, as cron(8) does. Where there is none although that was asked
// for, why says so.
func rootMessage(state postfix.State, cfg config.Config, table *flow.Table) (m message, why string, ok bool) {
	if cfg.RootTo == "" || table == nil {
		return m, "", false
	}
	way, ok := table.Root()
	if !ok {
		return m, "", false
	}
	hop, err := postfix.ParseNextHop(way.NextHop)
	root := "root@" + plan.Origin(state)
	if !strings.HasPrefix(way.Transport, plan.ServicePrefix) || err != nil || mailaddr.CheckPath(root) != nil {
		return m, fmt.Sprintf("mail for root goes to %s by %s, and not through the relay: no test message shows it", cfg.RootTo, way), false
	}
	return message{relay: cfg.First().Relay, from: root, service: way.Transport, host: hop.Host, port: hop.Port, rootTo: cfg.RootTo}, "", true
}

// aliasesFor is the table with the alias of root, as the plan has it, where one of list is
// a message for root; "" where none is.
func aliasesFor(state postfix.State, p plan.Plan, list []message) string {
	if !slices.ContainsFunc(list, func(m message) bool { return m.rootTo != "" }) {
		return ""
	}
	for _, name := range []string{"alias_maps", "alias_database"} {
		for _, t := range postfix.ParseTables(state.Params[name], state.DefaultMap) {
			if slices.ContainsFunc(p.Files, func(f plan.File) bool { return f.Path == t.Path && f.Action != plan.Remove }) {
				return t.String()
			}
		}
	}
	return ""
}

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
			return ProofError{Hint(fmt.Errorf("rehearsal: %s; they would not leave any more: %w", text, err), "%s", keepForeign(s.Plan, f))}
		}
	}
	return nil
}

// keepForeign says how the mail of f can stay as it is: by what of main.cf the plan
// changes, all of which the service of f reads but for its own -o options.
func keepForeign(p plan.Plan, f flow.Foreign) string {
	var changed []string
	for _, file := range p.Files {
		if filepath.Base(file.Path) != "main.cf" {
			continue
		}
		before, err := postfix.ParseMain(file.Before)
		after, aerr := postfix.ParseMain(file.After)
		if err != nil || aerr != nil {
			continue
		}
		was := before.Values()
		for name, value := range after.Values() {
			// The first two choose the service, which is that of f before and after.
			if old, set := was[name]; (!set || old != value) && name != "default_transport" && name != "sender_dependent_default_transport_maps" && name != "delay_warning_time" {
				changed = append(changed, name)
			}
			delete(was, name)
		}
		for name := range was {
			if name != "relayhost" {
				changed = append(changed, name)
			}
		}
	}
	slices.Sort(changed)
	switch {
	case slices.Contains(changed, "sender_canonical_maps"):
		return fmt.Sprintf("sender_canonical_maps rewrites senders for the service %s too: take those of that mail out of [rewrite] in relayhost.toml, or give %s an account that may send as the new address", f.Service, f.Service)
	case len(changed) > 0:
		return fmt.Sprintf("%s change in main.cf, which the service %s reads too: give it those of now by -o in master.cf", strings.Join(changed, ", "), f.Service)
	}
	return fmt.Sprintf("nothing that the service %s reads in main.cf changes: compare the tables that it names with relayhost setup --dry-run", f.Service)
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

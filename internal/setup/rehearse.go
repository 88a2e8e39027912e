package setup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"relayhost/detect"
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

// Rehearse sends the test messages through a private Postfix that has exactly
// the planned configuration: one for the first hops of all routes, and one for
// each level of fallbacks, in which they come first (config.Config.Level). The server's
// own has not been touched yet. Mail for root goes with the first, where --root-to names
// an address. After that goes one by each other service that shares a next hop with ours
// in table. With NoProof it sends nothing.
func Rehearse(ctx context.Context, s Setup, tokens Tokens, table *flow.Table) error {
	accepted := make(chan struct{})
	close(accepted)
	return s.rehearseOnce(ctx, tokens, table, accepted)
}

// TryOut is Preflight and Rehearse side by side, for a run that has asked nothing: the
// private Postfix starts while the relays are asked, and gets its first message when
// they have accepted everything, so that nothing logs in twice with a login that is
// refused. What Preflight says comes first.
func TryOut(ctx context.Context, s Setup, tokens Tokens, table *flow.Table) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	accepted, rehearsed := make(chan struct{}), make(chan error, 1)
	go func() { rehearsed <- s.rehearseOnce(ctx, tokens, table, accepted) }()
	if err := Preflight(ctx, s, tokens); err != nil {
		cancel()
		if rerr := <-rehearsed; rerr != nil && !errors.Is(rerr, context.Canceled) && !errors.Is(rerr, instance.ErrNotStarted) {
			err = errors.Join(err, rerr)
		}
		return err
	}
	close(accepted)
	return <-rehearsed
}

// rehearseOnce is Rehearse that sends nothing, and makes nothing for a bridge, before
// accepted is closed.
func (s Setup) rehearseOnce(ctx context.Context, tokens Tokens, table *flow.Table, accepted <-chan struct{}) error {
	if s.NoProof {
		return nil
	}
	if slices.ContainsFunc(s.Config.Routes, config.Route.Bridged) {
		if err := wait(ctx, accepted); err != nil {
			return err
		}
	}
	release, begun, err := s.ahead.finish(ctx, s, accepted)
	if release == nil && err == nil {
		release, err = apply.Lock(ctx, s.Host, apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir})
	}
	if release != nil {
		defer release()
	}
	if err != nil {
		return err
	}
	tidy, err := s.prepareBridges(ctx, tokens)
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

// sendWatched is send in a private Postfix whose log ends it, as soon as it
// says why no mail moves.
func (s Setup) sendWatched(ctx context.Context, in *instance.Instance, list []message) ([]Delivered, *instance.Fault) {
	watched, end, err := in.Watch(ctx)
	if err == nil {
		sent := s.send(watched, in.ConfigDir, &in.Log, list, true)
		return sent, end()
	}
	if errors.Is(err, maillog.ErrNoLog) {
		return s.send(ctx, in.ConfigDir, nil, list, true), nil
	}
	return s.send(ctx, in.ConfigDir, &in.Log, list, true), nil // a log that cannot be watched tells nothing
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

// proofTimeout bounds one proof of delivery.
const proofTimeout = 60 * time.Second

// patience is how long a relay that says "later" is tried again: greylisting
// and a busy moment are no faults of the setup.
const patience = 20 * time.Second

// maxMessages bounds the test messages of a rehearsal, and those of the proof
// after it: they cost money and reputation.
const maxMessages = 100

// messages are those that prove the hops of a level: one of each route, and more
// of the other senders. The null sender was asked for already; a message from
// nobody has no author.
func (s Setup) messages(p plan.Plan, level int) (one, more []message) {
	if !s.Config.Several() {
		return []message{{relay: *s.Config.First().Relay, from: s.Config.From(), service: p.Default().Service, host: p.First().Host, port: p.First().Port, socket: p.Default().Socket()}}, nil
	}
	services, sockets := map[string]string{}, map[string]string{}
	for _, w := range p.Routes {
		services[w.Name], sockets[w.Name] = w.Service, w.Socket()
	}
	for _, r := range s.checkedRoutes() {
		if len(r.Hops) <= level {
			continue
		}
		h, service := r.Hops[level], cmp.Or(services[r.Name], p.Default().Service) // the default is the only route of its level
		senders := slices.DeleteFunc(sendersOf(r), func(from string) bool { return from == "" })
		for i, from := range senders {
			m := message{label: config.Label(r.Name, level), route: r.Name, relay: *h.Relay, from: from, service: service, host: h.Host, port: h.Port, socket: sockets[r.Name]}
			if i == 0 {
				one = append(one, m)
			} else {
				more = append(more, m)
			}
		}
	}
	return one, more
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
	return message{relay: *cfg.First().Relay, from: root, service: way.Transport, host: hop.Host, port: hop.Port, rootTo: cfg.RootTo}, "", true
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

// send proves each delivery through the Postfix whose configuration is in dir.
func (s Setup) send(ctx context.Context, dir string, log *maillog.Log, list []message, private bool) []Delivered {
	sent := make([]Delivered, len(list))
	inParallel(len(list), func(i int) {
		m := list[i]
		ctx, cancel := context.WithTimeout(ctx, proofTimeout)
		defer cancel()
		d, err := verify.Proof{
			Mailer: &verify.PostfixMailer{Host: s.Host, ConfigDir: dir, Sendmail: s.State.Params["sendmail_path"]},
			Reader: &s.Host.Reader, Log: log, From: m.from, To: recipientOf(s.Config, m),
			Service: m.service, Host: m.host, Port: m.port, Socket: m.socket, Patience: patience, Release: private,
		}.Run(ctx)
		if err == nil && m.rootTo != "" && d.To != "" && !strings.EqualFold(d.To, m.rootTo) {
			err = fmt.Errorf("%w: to %s, not to %s: another table than that of the aliases has it (virtual_alias_maps, canonical_maps)", verify.ErrElsewhere, d.To, m.rootTo)
		}
		sent[i] = Delivered{m.label, m.relay, d, err, m.rootTo, m}
	})
	return sent
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

func subjectOf(cfg config.Config, m message) subject {
	on := subject{relay: m.relay, from: m.from, to: cmp.Or(m.rootTo, cfg.To)}
	if m.label != "" {
		on.route = m.route
	}
	return on
}

// deliveryFinding is the finding on a proof of delivery.
func deliveryFinding(state postfix.State, on subject, d verify.Delivery, err error) verify.Finding {
	f := verify.Delivered(d, err, state.Running, explain.Inspect(state, on.from))
	f.Route = on.route
	if err == nil {
		f = f.Showing(on.relay, on.to)
	}
	return f
}

// failedDelivery adds cause and remedy of the first message that failed.
func failedDelivery(state postfix.State, cfg config.Config, err error, sent []Delivered) error {
	on := subject{relay: *cfg.First().Relay, from: cfg.From(), to: cfg.To}
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
		f.Command = "df -h " + cmp.Or(state.Params["queue_directory"], "/var/spool/postfix")
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

// ahead is a rehearsal that has begun while the relay's ports were still being tried: for
// the port that is tried first, with the plan for that. Its message goes as far as the
// login at the relay and waits there (instance.Options.Gate), until the relay has
// accepted login, sender and recipient from our own client, and the plan has been found
// to be in order.
type ahead struct {
	plan    plan.Plan
	list    []message
	cancel  context.CancelFunc
	started chan struct{} // closed when in is there, or will not be
	done    chan struct{} // closed when the message has gone, or will not go

	// Those of run, which closes started or done after it has set them.
	in      *instance.Instance
	release func() // the lock of the transaction
	sent    []Delivered
	fault   *instance.Fault
	closed  bool // by close
}

// rehearseAhead begins the rehearsal of a setup of one relay with a user name and a
// password, where the plan needs no consent; nil where it is not to begin yet. Whoever gets
// one ends it: by finish, or by close.
func rehearseAhead(ctx context.Context, b Basis, c config.Config, ask Asker) *ahead {
	h := c.First()
	switch {
	case ask.Can(), !b.Agreed, b.DryRun, b.NoProof, os.Geteuid() != 0, b.Host.Root != "":
		return nil
	case !b.State.Installed, b.State.Main == nil, b.State.Master == nil:
		return nil
	case b.State.SELinux.Enforcing: // smtp(8) may not connect to a process like this one
		return nil
	case h.Relay.ID == relays.SmarthostID: // it may announce no AUTH, and MAIL would follow at once
		return nil
	case h.Name() == "", h.Bridged(), h.ByAPI(), h.Plaintext(), len(h.Relay.Auth.Mechanisms) == 0, config.TakesTokens(h.Relay), c.Several():
		return nil
	}
	c = c.Clone()
	if h = c.First(); h.Port == 0 {
		order := h.Relay.PortOrder()
		if len(order) == 0 {
			return nil
		}
		h.Port = order[0]
		h.TLS, _ = h.Relay.TLSOf(h.Port)
	}
	// All is said of the plan that is made when the port is known.
	quiet := Basis{Deps{b.Host, b.ConfigDir, b.StateDir, unheard{}}, b.Request, b.Discovery, b.Credentials, b.Facts}
	c, p, err := decide(ctx, quiet, c, ask, "", false)
	if err != nil || !p.Changed() {
		return nil
	}
	s := Setup{Basis: quiet, Config: c, Plan: p}
	list, _ := s.messages(p, 0)
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{plan: p, list: list, cancel: cancel, started: make(chan struct{}), done: make(chan struct{})}
	go a.run(ctx, s)
	return a
}

func (a *ahead) run(ctx context.Context, s Setup) {
	defer close(a.done)
	err := a.start(ctx, s)
	close(a.started)
	if err == nil {
		a.sent, a.fault = s.sendWatched(ctx, a.in, a.list)
	}
}

// start leaves a.in nil where it fails: the rehearsal that follows says why.
func (a *ahead) start(ctx context.Context, s Setup) error {
	release, err := apply.Lock(ctx, s.Host, apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir})
	if err != nil {
		return err
	}
	a.release = release
	a.in, err = instance.Start(ctx, s.Host, instance.Options{State: s.State, Plan: s.Plan, Gate: true})
	return err
}

// fits reports whether it rehearses what p does.
func (a *ahead) fits(p plan.Plan) bool {
	return a != nil && a.plan.Default().Service == p.Default().Service && a.plan.First().NextHop == p.First().NextHop && slices.EqualFunc(a.plan.Files, p.Files, func(x, y plan.File) bool {
		return x.Path == y.Path && x.Action == y.Action && bytes.Equal(x.Before, y.Before) && bytes.Equal(x.After, y.After) &&
			x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID && x.Map == y.Map && x.Aliases == y.Aliases
	})
}

// finish lets the message go when accepted is closed, and says what became of it. done is
// false where it has not come as far as the login: the rehearsal is to be made then. The
// caller has the lock then, and gives it back; release is nil where it has not.
func (a *ahead) finish(ctx context.Context, s Setup, accepted <-chan struct{}) (release func(), done bool, err error) {
	if !a.fits(s.Plan) {
		return nil, false, a.close()
	}
	if err := wait(ctx, accepted); err != nil {
		return nil, false, err // Setup.Close ends it, and says what it cannot end
	}
	<-a.started
	if a.in != nil {
		stepRehearsal(s.Report, a.list)
		a.in.Gate.Open()
	}
	select {
	case <-a.done:
	case <-ctx.Done():
	}
	if a.in == nil {
		return nil, false, a.close()
	}
	passed := a.in.Gate.Passed()
	release, a.release = a.release, nil
	cerr := a.close()
	if !passed && ctx.Err() == nil {
		return release, false, cerr
	}
	return release, true, judgeRehearsal(ctx, s, a.sent, a.fault, cerr)
}

// close ends it and removes what it has made. It may be called again, and without one.
func (a *ahead) close() error {
	if a == nil || a.closed {
		return nil
	}
	a.closed = true
	a.cancel()
	<-a.done
	var err error
	if a.in != nil {
		err = a.in.Close()
	}
	if a.release != nil {
		a.release()
	}
	return err
}

// unheard is a Reporter whom nobody listens to.
type unheard struct{}

func (unheard) Step(string, ...any)             {}
func (unheard) Part(string)                     {}
func (unheard) Note(string, ...any)             {}
func (unheard) Warn(string, ...any)             {}
func (unheard) Unproven(string, ...any)         {}
func (unheard) Found(detect.Facts)              {}
func (unheard) Trace() func(smtpprobe.Exchange) { return nil }

// sweepRehearsal removes the private Postfix of a setup that was killed during its
// rehearsal: it holds a copy of the password.
func sweepRehearsal(ctx context.Context, h *host.Host, o apply.Options) error {
	if !instance.Left(&h.Reader) {
		return nil
	}
	release, err := apply.Lock(ctx, h, o)
	if err != nil {
		return err
	}
	defer release()
	if err := instance.Sweep(h); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil // somebody else's directories; a rehearsal would say so
}

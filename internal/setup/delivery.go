package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/flow"
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
		h, service := r.Hops[level], cmp.Or(services[r.Name], p.Default().Service) // the default is the only route of its level
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

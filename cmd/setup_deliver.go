package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// proofTimeout bounds one proof of delivery.
const proofTimeout = 60 * time.Second

// patience is how long a relay that says "later" is tried again: greylisting
// and a busy moment are no faults of the set-up.
const patience = 20 * time.Second

// maxMessages bounds the test messages of a rehearsal, and those of the proof
// after it: they cost money and reputation.
const maxMessages = 100

// message is one test message and the way that it has to take.
type message struct {
	label   string // "" where there is one way only
	route   string
	relay   relays.Relay
	from    string
	service string
	host    string
	port    int
}

func (m message) subject() subject {
	on := subject{relay: m.relay, from: m.from}
	if m.label != "" {
		on.route = m.route
	}
	return on
}

// outcome is what became of a message.
type outcome struct {
	message
	delivery verify.Delivery
	err      error
}

// rehearse sends the test messages through a private Postfix that has exactly
// the planned configuration: one for the first hops of all routes, and one for
// each level of fall-backs, in which they come first. The server's own has not
// been touched yet.
func (s *setup) rehearse(ctx context.Context) error {
	if s.flags.noVerify {
		return nil
	}
	release, err := apply.Hold(ctx, s.host, apply.Options{ConfigDir: s.state.ConfigDir, StateDir: s.stateDir})
	if err != nil {
		return err
	}
	defer release()
	left, budget := 0, maxMessages
	for level := range s.answers.Levels() {
		p := s.plan
		if level > 0 {
			if p, err = plan.Build(s.state, s.facts, s.answers.Level(level)); err != nil {
				return err
			}
		}
		one, more := s.messages(p, level)
		list := append(one, more...)
		n := min(len(list), budget)
		left += len(list) - n
		budget -= n
		if n == 0 {
			continue
		}
		if err := s.rehearseOne(ctx, p, list[:n]); err != nil {
			return err
		}
	}
	if err := s.rehearseForeign(ctx); err != nil {
		return err
	}
	if left > 0 {
		s.leftOut("%d test messages are sent at most; %d senders and hops were rehearsed without one: relayhost verify --route NAME proves one route", maxMessages, left)
	}
	return nil
}

// leftOut says what was not proven.
func (s *setup) leftOut(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.doc.Notes = append(s.doc.Notes, text)
	s.io.Tell("note: ", "%s", text)
}

// messages are those that prove the hops of a level: one of each route, and more
// of the other senders. The null sender was asked for already; a message from
// nobody has no author.
func (s *setup) messages(p plan.Plan, level int) (one, more []message) {
	if !s.isSeveral() {
		return []message{{relay: s.answers.Relay, from: s.answers.From, service: p.Service, host: p.Host, port: p.Port}}, nil
	}
	services := map[string]plan.Way{}
	for _, w := range p.Routes {
		services[w.Name] = w
	}
	for _, r := range s.routes() {
		if len(r.Hops) <= level {
			continue
		}
		h, w := r.Hops[level], services[r.Name]
		service := w.Service
		if service == "" {
			service = p.Service // the default is the only way of its level
		}
		senders := slices.DeleteFunc(sendersOf(r), func(from string) bool { return from == "" })
		for i, from := range senders {
			m := message{label: label(r.Name, level), route: r.Name, relay: h.Relay, from: from, service: service, host: h.Host, port: h.Port}
			if i == 0 {
				one = append(one, m)
			} else {
				more = append(more, m)
			}
		}
	}
	return one, more
}

// rehearseOne sends the messages through a private Postfix with plan p.
func (s *setup) rehearseOne(ctx context.Context, p plan.Plan, list []message) error {
	if len(list) == 1 {
		s.progress("rehearsal: a private Postfix sends the test message")
	} else {
		s.progress("rehearsal: a private Postfix sends %d test messages", len(list))
	}
	in, err := instance.Start(ctx, s.host, instance.Options{State: s.state, Plan: p})
	if err != nil {
		return fmt.Errorf("rehearsal: %w", host.Denied(err))
	}
	outcomes, fault := s.deliverWatched(ctx, in, list)
	cerr := in.Close()
	if cerr != nil {
		cerr = fmt.Errorf("rehearsal: %w", cerr)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return errors.Join(ctx.Err(), failure(outcomes), cerr) // Ctrl-C is no fault of the delivery
	}
	if err := failure(outcomes); err != nil {
		if known := s.faultOf(fault, outcomes); known != nil {
			return proofError{errors.Join(known, cerr)}
		}
		err = errors.Join(err, cerr)
		return proofError{s.explainedOutcome(fmt.Errorf("rehearsal: %w", err), outcomes)}
	}
	if cerr != nil {
		return proofError{s.explainedOutcome(cerr, outcomes)}
	}
	return nil
}

// failure is the first error among the outcomes, with the others below it.
func failure(outcomes []outcome) error {
	var failed error
	var others []string
	for _, o := range outcomes {
		if o.err == nil || errors.Is(o.err, verify.ErrUnproven) {
			continue
		}
		err := o.err
		if o.label != "" {
			err = fmt.Errorf("%s, sender %s: %w", o.label, o.from, o.err)
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

// explainedOutcome adds cause and remedy of the first message that failed.
func (s *setup) explainedOutcome(err error, outcomes []outcome) error {
	for _, o := range outcomes {
		if o.err != nil && !errors.Is(o.err, verify.ErrUnproven) {
			return s.explainedDelivery(err, o.subject(), o.delivery, o.err)
		}
	}
	return s.explainedDelivery(err, subject{relay: s.answers.Relay, from: s.answers.From}, verify.Delivery{}, err)
}

// deliver proves each delivery through the Postfix whose configuration is in dir.
func (s *setup) deliver(ctx context.Context, dir string, log *maillog.Log, list []message) []outcome {
	outcomes := make([]outcome, len(list))
	var jobs []func()
	for i, m := range list {
		jobs = append(jobs, func() {
			ctx, cancel := context.WithTimeout(ctx, proofTimeout)
			defer cancel()
			d, err := verify.Proof{
				Mailer: &verify.PostfixMailer{Host: s.host, ConfigDir: dir, Sendmail: s.state.Params["sendmail_path"]},
				Reader: &s.host.Reader, Log: log, From: m.from, To: s.answers.To,
				Service: m.service, Host: m.host, Port: m.port, Patience: patience,
			}.Run(ctx)
			outcomes[i] = outcome{m, d, err}
		})
	}
	several(jobs)
	return outcomes
}

// proveLive sends one message by each route through the server's own Postfix.
func (s *setup) proveLive(ctx context.Context) []outcome {
	list, _ := s.messages(s.plan, 0)
	if len(list) > maxMessages {
		s.leftOut("the proof sends %d test messages at most; %d routes were left out of it: relayhost verify --route NAME proves one", maxMessages, len(list)-maxMessages)
		list = list[:maxMessages]
	}
	which := "the server's own Postfix"
	if s.demo {
		which = "the private Postfix"
	}
	if len(list) == 1 {
		s.progress("proof: the test message goes through %s", which)
	} else {
		s.progress("proof: %d test messages go through %s", len(list), which)
	}
	log, err := s.liveLog(ctx)
	if err != nil {
		s.io.Say("warning: %v", err)
		log = nil
	}
	return s.deliver(ctx, s.configDir, log, list)
}

// judge puts the findings on the live proof into the document. What could not
// be followed is told: the rehearsal has shown that the configuration delivers.
func (s *setup) judge(outcomes []outcome) error {
	var findings []verify.Finding
	unproven := error(nil)
	for _, o := range outcomes {
		findings = append(findings, s.delivered(o.subject(), o.delivery, o.err))
		if errors.Is(o.err, verify.ErrUnproven) {
			unproven = o.err
		}
	}
	report := verify.NewReport(findings)
	s.doc.Verification = &report
	if unproven != nil {
		s.io.Say("warning: %v", unproven)
	}
	return failure(outcomes)
}

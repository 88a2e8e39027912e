package cmd

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// probe tries log-in, sender and recipient with our own client, at each hop of
// each route.
func (s *setup) probe(ctx context.Context) error {
	list, left, err := s.probings()
	if err != nil {
		return err
	}
	if s.isSeveral() {
		s.progress("probing %d relays and accounts of %d routes: log-in, senders, recipient", len(list), len(s.answers.Routes)+1)
	} else {
		s.progress("probing %s port %d: log-in, sender, recipient", s.answers.Host, s.answers.Port)
	}
	addrs := s.lookUp(ctx, list)
	var jobs []func()
	for _, p := range list {
		jobs = append(jobs, func() { s.probeOne(ctx, p, addrs[p.hop.Host]) })
	}
	several(jobs)
	for _, p := range list {
		if p.err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if left > 0 {
		s.leftOut("%d more senders were not asked for at their relays, which get %d on a connection", left, maxSenders)
	}
	return s.probed(list)
}

// probeOrAsk probes. Where the relay refuses a log-in that was typed at a question,
// it is asked for again: nothing has been written yet.
func (s *setup) probeOrAsk(ctx context.Context) error {
	for {
		err := s.probe(ctx)
		if !s.refused || !s.asked || s.isSeveral() {
			return err
		}
		s.complain("error: ", s.secretFree(err).Error())
		s.refused, s.typedUser = false, s.answers.Username
		for _, step := range []func(context.Context) error{s.readCredentials, s.build} {
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
}

// probed is the first failure, and the others below it.
func (s *setup) probed(list []*probing) error {
	var failed error
	var others []string
	for _, p := range list {
		err := s.probeFailed(p)
		switch {
		case err == nil:
		case failed == nil:
			failed = err
		default:
			others = append(others, s.probeText(p))
		}
	}
	if failed == nil {
		return nil
	}
	return proofError{withOthers(failed, others)}
}

// maxOthers bounds the failures that are told beside the first.
const maxOthers = 5

func withOthers(err error, others []string) error {
	for i, text := range others {
		if i == maxOthers {
			return fmt.Errorf("%w\nand %d more", err, len(others)-i)
		}
		err = fmt.Errorf("%w\nalso %s", err, text)
	}
	return err
}

// probeFailed judges one connection.
func (s *setup) probeFailed(p *probing) error {
	switch {
	case p.err != nil:
		if s.isSeveral() {
			return fmt.Errorf("%s: %w", p.of[p.senders[0]], p.err)
		}
		return p.err
	case p.result.Err == nil:
		return nil
	case p.outOfCuriosity():
		s.leftOut("%s refuses mail without a sender (%d %s): bounces and receipts of this server go nowhere; a route with \"<>\" among its senders takes them", p.hop.Host, p.result.Code, p.result.Text)
		return nil
	case p.hop.NoVerify && p.result.Fault.Certificate():
		// Our own client logs in on verified connections only; the rehearsal
		// goes the whole way.
		s.io.Tell("warning: ", "%v; it is not verified, as asked for", p.result.Err)
		return nil
	}
	s.refused = p.result.Failed == smtpprobe.StepAuth && p.result.Fault == smtpprobe.FaultReply && p.result.Code/100 == 5
	on := subject{relay: p.hop.Relay, from: first(p.result.Sender, p.senders[0])}
	if s.isSeveral() {
		on.route = p.route()
	}
	return s.explainedProbe(fmt.Errorf("%s: %w", s.probeText(p), p.result.Err), on, p.result)
}

// at labels the route and hop that the connection failed for.
func (p *probing) at() string {
	if owner, ok := p.of[p.result.Sender]; ok && p.result.Failed != "" {
		return owner
	}
	return p.of[p.senders[0]]
}

// route is the name in at.
func (p *probing) route() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(p.at(), "route "), ",")
	if name == label(plan.DefaultRoute, 0) {
		return plan.DefaultRoute
	}
	return name
}

// probeText says where a probe ended.
func (s *setup) probeText(p *probing) string {
	if p.err != nil {
		return fmt.Sprintf("%s: %v", p.of[p.senders[0]], p.err)
	}
	text := fmt.Sprintf("%s port %d fails at %s", p.hop.Host, p.hop.Port, p.result.Failed)
	if s.isSeveral() {
		text = p.at() + ": " + text
		if p.result.Failed == smtpprobe.StepMail || p.result.Failed == smtpprobe.StepRcpt {
			text += " for the sender <" + p.result.Sender + ">"
		}
	}
	return text
}

// probeOne tries one hop, and again for a while where it says "later".
func (s *setup) probeOne(ctx context.Context, p *probing, addrs addresses) {
	if p.err = addrs.err; p.err != nil {
		return
	}
	p.result = s.dial(ctx, p, addrs.list)
	for until := time.Now().Add(patience); p.later() && time.Now().Add(retryPause).Before(until); {
		s.progress("%s says %d, later: trying again", p.hop.Host, p.result.Code)
		select {
		case <-ctx.Done():
			p.err = ctx.Err()
			return
		case <-time.After(retryPause):
		}
		p.result = s.dial(ctx, p, addrs.list)
	}
}

// retryPause is the time between two tries of a relay that says "later".
const retryPause = 5 * time.Second

// later reports whether the relay put a probe off. A log-in that was put off is
// not tried again: services lock accounts that keep trying.
func (p *probing) later() bool {
	res := p.result
	return res.Fault == smtpprobe.FaultReply && res.Code/100 == 4 && res.Failed != smtpprobe.StepAuth && !p.outOfCuriosity()
}

// outOfCuriosity reports whether the one thing refused is the null sender that
// nobody needs there.
func (p *probing) outOfCuriosity() bool {
	res := p.result
	return p.curious && res.Sender == "" && res.Fault == smtpprobe.FaultReply && (res.Failed == smtpprobe.StepMail || res.Failed == smtpprobe.StepRcpt)
}

// addresses are those of a host, IPv4 first.
type addresses struct {
	list []netip.Addr
	err  error
}

// lookUp resolves each host once.
func (s *setup) lookUp(ctx context.Context, list []*probing) map[string]addresses {
	hosts := map[string]*addresses{}
	var jobs []func()
	for _, p := range list {
		name := p.hop.Host
		if hosts[name] != nil {
			continue
		}
		a := &addresses{}
		hosts[name] = a
		jobs = append(jobs, func() {
			v4, v6, err := s.resolver.Addrs(ctx, name)
			if err != nil {
				err = hint(fmt.Errorf("look up %s: %w", name, err), "check the region, and the name servers in /etc/resolv.conf")
			}
			a.list, a.err = slices.Concat(v4, v6), err
		})
	}
	several(jobs)
	found := map[string]addresses{}
	for name, a := range hosts {
		found[name] = *a
	}
	return found
}

// dialTimeout bounds the dialogue with log-in, sender and recipient: a relay
// that takes seconds for each reply delivers nevertheless.
const dialTimeout = 30 * time.Second

// dial probes the relay's addresses until one connects.
func (s *setup) dial(ctx context.Context, p *probing, addrs []netip.Addr) smtpprobe.Result {
	h := p.hop
	t := smtpprobe.Target{
		Name: h.Host, Implicit: h.TLS == relays.Implicit, Until: smtpprobe.StepRcpt, HELO: s.state.FQDN, Roots: p.roots, Pin: h.Pin,
		Username: h.Username, Password: h.Password, MailFrom: p.senders[0], Senders: p.senders[1:], RcptTo: s.answers.To,
		Timeout: dialTimeout + time.Duration(len(p.senders)-1)*time.Second,
	}
	if s.verbose {
		t.Trace = s.trace
	}
	var worst smtpprobe.Result
	for i, addr := range addrs {
		t.Addr = netip.AddrPortFrom(addr, uint16(h.Port))
		res := smtpprobe.Probe(ctx, t)
		if res.Reached != "" {
			return res
		}
		// A family that this host does not have is no reason while the other
		// has one.
		if i == 0 || worst.Fault == smtpprobe.FaultNoRoute && res.Fault != smtpprobe.FaultNoRoute {
			worst = res
		}
	}
	return worst
}

// trace writes a line of the SMTP dialogue.
func (s *setup) trace(e smtpprobe.Exchange) {
	if e.Sent {
		s.io.Say("  > %s", e.Line)
		return
	}
	s.io.Say("  < %s", s.io.Reply(e.Line))
}

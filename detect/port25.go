package detect

import (
	"context"
	"net/netip"
	"relayhost/internal/firewall"
	"slices"
	"sync"
	"time"

	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
)

// family is what was tried over one address family.
type family struct {
	ipv6     bool
	mu       sync.Mutex
	attempts []attempt
	controls []smtpprobe.Result
}

func (f *family) attempted(a attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts = append(f.attempts, a)
}

func (f *family) controlled(ctx context.Context, r smtpprobe.Result) {
	if cut(ctx, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.controls = append(f.controls, r)
}

// reached reports whether anything at all came back.
func (f *family) reached() bool {
	return slices.ContainsFunc(f.controls, answered) ||
		slices.ContainsFunc(f.attempts, func(a attempt) bool { return answered(a.result) })
}

// target is a mail exchanger to probe and what its name came to.
type target struct {
	host    string
	place   int  // order of the output
	informs bool // the own domain's: never decides
	ours    bool // one of DefaultTargets
	found   addresses
}

// survey is everything that goes on at once between the first DNS question and
// the verdict.
type survey struct {
	*run
	targets []*target
	v4, v6  family
	uidOnce sync.Once
	rules   firewall.Reader
}

// whatGetsOut probes port 25, the submission ports and the controls, all at
// once, and gives the verdict on port 25.
func (r *run) whatGetsOut(ctx context.Context) (Port25, []Submission) {
	s := &survey{run: r, v6: family{ipv6: true}}
	s.rules = firewall.Reader{Query: firewall.Query(r.query), Root: r.euid() == 0}
	s.pickTargets()
	var submission []Submission
	stop := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { s.literalControls(ctx, stop) })
	tasks := []func(){
		func() {
			if submission = s.submission(ctx); s.Tried != nil {
				s.Tried(submission)
			}
		},
	}
	for _, t := range s.targets {
		tasks = append(tasks, func() { s.probeTarget(ctx, t) })
	}
	for i, c := range Controls {
		tasks = append(tasks, func() { s.probeControl(ctx, c, i == 0) })
	}
	atOnce(tasks...)
	close(stop)
	background.Wait()
	s.secondLook(ctx)
	return s.conclude(ctx), submission
}

// pickTargets: at most three, the own domain's exchanger in the third place.
func (s *survey) pickTargets() {
	hosts := s.Targets
	if len(hosts) == 0 {
		hosts = DefaultTargets
	}
	hosts = hosts[:min(len(hosts), 3)]
	if s.Domain != "" && len(s.Targets) == 0 {
		hosts = hosts[:2]
	}
	for i, h := range hosts {
		s.targets = append(s.targets, &target{host: h, place: i, ours: len(s.Targets) == 0})
	}
	if s.Domain != "" && len(s.Targets) == 0 {
		s.targets = append(s.targets, &target{place: 2, informs: true})
	}
}

// probeTarget resolves a target and probes one address of each family.
func (s *survey) probeTarget(ctx context.Context, t *target) {
	if t.informs && !s.ownExchanger(ctx, t) {
		return
	}
	if t.ours {
		t.found = s.publicAddrs(ctx, t.host)
	} else {
		t.found = s.addrs(ctx, t.host)
	}
	atOnce(
		func() { s.probeFamily(ctx, t, &s.v4) },
		func() {
			if t.place < 2 { // two operators are enough to judge IPv6 by
				s.probeFamily(ctx, t, &s.v6)
			}
		},
	)
}

// ownExchanger names the exchanger of the server's own domain, unless it is
// this host itself or in a private network.
func (s *survey) ownExchanger(ctx context.Context, t *target) bool {
	dnsCtx, cancel := context.WithTimeout(ctx, dnsLimit)
	defer cancel()
	list, err := s.Resolver.MX(dnsCtx, s.Domain)
	if err != nil || len(list) == 0 || list[0].Host == "" {
		return false
	}
	t.host = list[0].Host
	v4, v6, err := s.Resolver.Addrs(dnsCtx, t.host)
	own := s.local()
	return err == nil && !slices.ContainsFunc(slices.Concat(v4, v6), func(a netip.Addr) bool {
		return !public(a) || slices.Contains(own, a)
	})
}

func (s *survey) probeFamily(ctx context.Context, t *target, f *family) {
	addr, ok := t.found.first(f.ipv6)
	if !ok {
		return
	}
	late := time.AfterFunc(readRulesAfter(ctx), func() { s.rules.Start(ctx) })
	a := s.attempt(ctx, t, addr, 0)
	late.Stop()
	if a == nil {
		return
	}
	f.attempted(*a)
	if !a.greeted() && !a.informs {
		s.rules.Start(ctx)
	}
	// The verdict is IPv4's wherever IPv4 has a route.
	decides := !f.ipv6 || len(t.found.v4) == 0 || !s.routed(t.found.v4[0])
	if a.greeted() && !a.informs && decides {
		s.asPostfix(ctx, t, addr, f)
	}
}

// attempt makes one connection to port 25, or none when the budget is spent.
func (s *survey) attempt(ctx context.Context, t *target, addr netip.Addr, uid int) *attempt {
	if s.routed(addr) && !s.takeLate(ctx) {
		return nil
	}
	o, known := operatorOf(t.host)
	a := &attempt{target: t.host, operator: o.name, known: known, informs: t.informs, uid: uid,
		result: s.probe25(ctx, t.host, addr, uid)}
	a.cut = !a.greeted() && cut(ctx, a.result)
	return a
}

// cut reports whether a probe ended for the sake of the whole run's time.
func cut(ctx context.Context, r smtpprobe.Result) bool {
	return r.Fault == smtpprobe.FaultTimeout && over(ctx)
}

// over reports whether the time of ctx is over. A connection sees its deadline
// a moment before the context does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < 10*time.Millisecond
}

// readRulesAfter is how long an attempt may take before the rules of this host
// are read meanwhile: after the first repeat of the SYN, or half of what is left
// of the run's time.
func readRulesAfter(ctx context.Context) time.Duration {
	after := 1200 * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok {
		after = min(after, time.Until(deadline)/2)
	}
	return after
}

// asPostfix probes the first target that let root through again as the user
// that sends the mail, since rules can go by user.
func (s *survey) asPostfix(ctx context.Context, t *target, addr netip.Addr, f *family) {
	if s.euid() != 0 {
		return
	}
	s.uidOnce.Do(func() {
		uid := postfixUID(s.Reader)
		if uid <= 0 {
			return
		}
		if a := s.attempt(ctx, t, addr, uid); a != nil {
			f.attempted(*a)
			if !a.greeted() {
				s.rules.Start(ctx)
				s.rootAgain(ctx, a, f) // tells a rule by user from a limit on the rate
			}
		}
	})
}

// rootAgain makes a second attempt, as root or whoever we are.
func (s *survey) rootAgain(ctx context.Context, first *attempt, f *family) *attempt {
	i := slices.IndexFunc(s.targets, func(t *target) bool { return t.host == first.target })
	second := s.attempt(ctx, s.targets[i], first.result.Addr.Addr(), 0)
	if second != nil {
		second.again = true
		f.attempted(*second)
	}
	return second
}

func (s *survey) probeControl(ctx context.Context, c Endpoint, both bool) {
	found := s.publicAddrs(ctx, c.Host)
	try := func(f *family) func() {
		return func() {
			addr, ok := found.first(f.ipv6)
			if !ok || s.routed(addr) && !s.take() {
				return
			}
			f.controlled(ctx, s.control(ctx, c.Host, addr, c.Port))
		}
	}
	if !both {
		try(&s.v4)()
		return
	}
	atOnce(try(&s.v4), try(&s.v6))
}

// literalControls asks hosts by address once it looks as if no name resolved.
func (s *survey) literalControls(ctx context.Context, stop <-chan struct{}) {
	select {
	case <-s.resolved:
		return
	case <-stop:
	case <-time.After(time.Second):
	}
	select {
	case <-s.resolved:
		return
	default:
	}
	var tasks []func()
	for _, literal := range LiteralControls {
		addr := netip.MustParseAddr(literal)
		f := &s.v4
		if addr.Is6() {
			f = &s.v6
		}
		tasks = append(tasks, func() {
			if !s.routed(addr) || s.take() {
				f.controlled(ctx, s.control(ctx, literal, addr, 443))
			}
		})
	}
	atOnce(tasks...)
}

// secondLook tries once more where the first attempts differ, or were turned
// down at once: one attempt says little about what is intermittent. Silence
// from everybody has been repeated by the kernel already.
func (s *survey) secondLook(ctx context.Context) {
	atOnce(
		func() { s.again(ctx, &s.v4) },
		func() { s.again(ctx, &s.v6) },
	)
}

func (s *survey) again(ctx context.Context, f *family) {
	var failed, greeted *attempt
	for i, a := range f.attempts {
		switch {
		case a.informs || a.uid > 0 || a.again || a.cut:
		case a.greeted():
			greeted = &f.attempts[i]
		case failed == nil && a.result.Fault != smtpprobe.FaultNoRoute:
			failed = &f.attempts[i]
		}
	}
	if failed == nil || greeted == nil && failed.result.Fault == smtpprobe.FaultTimeout {
		return
	}
	// One that fails twice may be shut for good: then it is for one that
	// answered to show whether it does so again.
	if second := s.rootAgain(ctx, failed, f); second != nil && !second.greeted() && greeted != nil {
		s.rootAgain(ctx, greeted, f)
	}
}

var _ Resolver = (*resolve.Resolver)(nil)

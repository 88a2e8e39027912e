package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/firewall"
	"relayhost/internal/plural"
	"relayhost/internal/smtpprobe"
)

// Times that tell a refusal of this host from one that travelled
// (measured with nftables and routers in between: local refusals take 0.03 to
// 0.2 ms). The comparison means nothing where the network itself is near.
const (
	localAtMost = time.Millisecond
	farAtLeast  = 5 * time.Millisecond
)

// attempt is one connection to port 25 and what came of it.
type attempt struct {
	target   string
	operator string
	known    bool // the operator is one of ours, so its greeting is known
	informs  bool // never decides: the own domain's exchanger
	again    bool // the second attempt at this target
	uid      int  // made as this user, where > 0
	cut      bool // the run's own time was over before it could answer
	result   smtpprobe.Result
}

// greeted reports whether a mail server spoke: a 4xx or 5xx greeting is an open
// port with a bad reputation.
func (a attempt) greeted() bool {
	r := a.result
	switch r.Fault {
	case smtpprobe.FaultNotSMTP:
		return false
	case smtpprobe.FaultReply:
		return true
	default:
		return r.Reached == smtpprobe.StepGreeting || r.Reached == smtpprobe.StepEHLO
	}
}

// turnedAway reports whether the greeting itself was a refusal.
func (a attempt) turnedAway() bool {
	return a.result.Fault == smtpprobe.FaultReply && a.result.Failed == smtpprobe.StepGreeting
}

// scene is all that the verdict on one address family is made from.
type scene struct {
	attempts  []attempt          // of this family
	controls  []smtpprobe.Result // of this family: controls and submission ports
	rule      *firewall.Rule     // the local rule that stands in the way of port 25, if one was found
	uidRule   *firewall.Rule     // the same for the user that Postfix sends as
	rulesRead bool               // the rules of this host could be read
	dnsFault  string             // why no target resolved, "" otherwise
	reached   bool               // anything at all came back, in any family
	lost      int                // connections to port 25 that needed a repeated SYN, in both families
	cut       bool               // the run's time was over: what is silent might have answered yet
}

// judgement is a verdict and its reason in one sentence.
type judgement struct {
	verdict Verdict
	why     string
}

func says(v Verdict, format string, args ...any) judgement {
	return judgement{v, fmt.Sprintf(format, args...)}
}

// judge gives the verdict on one address family. It is pure: everything that
// was seen is in the scene.
func judge(s scene) judgement {
	asRoot, asPostfix := s.deciding()
	if len(asRoot) == 0 {
		return s.withoutAttempts()
	}
	if j, ok := s.byUser(asRoot, asPostfix); ok {
		return j
	}
	if j, ok := intercepted(asRoot); ok {
		return j
	}
	if slices.ContainsFunc(asRoot, attempt.greeted) {
		return s.opened(asRoot)
	}
	if odd := oddities(asRoot); len(odd) > 0 {
		return says(Inconclusive, "one target looks odd and no other answers: %s", odd[0])
	}
	return s.closed(asRoot)
}

// deciding splits the attempts that count by the user that made them.
func (s scene) deciding() (asRoot, asPostfix []attempt) {
	for _, a := range s.attempts {
		switch {
		case a.informs || a.cut:
		case a.uid > 0:
			asPostfix = append(asPostfix, a)
		default:
			asRoot = append(asRoot, a)
		}
	}
	return asRoot, asPostfix
}

func (s scene) withoutAttempts() judgement {
	switch {
	case s.cut && s.dnsFault == "":
		return s.cutShort()
	case s.dnsFault == "":
		return says(NotProbed, "no target has an address of this family")
	case !s.reached:
		return says(Offline, "no outgoing connection works from this host, not even to its resolver: %s", s.dnsFault)
	default:
		return says(DNSFailed, "the names of the mail exchangers do not resolve as they should: %s", s.dnsFault)
	}
}

// cutShort judges nothing but by the rules: silence says something only when it
// has lasted.
func (s scene) cutShort() judgement {
	if s.rule != nil && s.rule.Action == firewall.Drop {
		return says(BlockedLocally, "a rule on this host stops it: %s", s.rule)
	}
	return says(Inconclusive, "the time for the whole run (--timeout) was over before port 25 had answered, or been silent for %s", silence)
}

// byUser finds a rule that lets root through and stops the user of Postfix. A
// limit on the rate looks the same, so root has to connect once more after.
func (s scene) byUser(asRoot, asPostfix []attempt) (judgement, bool) {
	for _, a := range asPostfix {
		if a.greeted() {
			continue
		}
		if s.uidRule != nil {
			return says(BlockedLocally, "root can connect, the user postfix cannot: %s", s.uidRule), true
		}
		// Where root fails now and then as well, the user is not the reason.
		i := slices.IndexFunc(asRoot, func(r attempt) bool { return r.again && r.target == a.target })
		switch {
		case slices.ContainsFunc(asRoot, func(r attempt) bool { return !r.greeted() }):
			return says(Intermittent, "%s answered once and not another time (%s): the rate may be limited", a.target, a.result.Fault), true
		case i < 0:
			return says(Inconclusive, "root can connect, the user postfix cannot (%s), and neither was tried again", a.result.Fault), true
		default:
			return says(BlockedLocally, "root can connect, the user postfix cannot (%s): a rule on this host matches by user", a.result.Fault), true
		}
	}
	return judgement{}, false
}

// opened judges a family in which somebody greeted.
func (s scene) opened(attempts []attempt) judgement {
	first := map[string]attempt{}
	for _, a := range attempts {
		if !a.again {
			first[a.target] = a
		}
	}
	for _, a := range attempts {
		before, now := first[a.target], a
		switch {
		case !a.again || before.greeted() == now.greeted():
		case now.greeted():
			return says(Intermittent, "%s failed once (%s) and answered the second time", a.target, before.result.Fault)
		default:
			return says(Intermittent, "%s answered once and failed the second time (%s)", a.target, now.result.Fault)
		}
	}
	if s.lost >= 2 && slices.ContainsFunc(attempts, attempt.repeated) && !slices.ContainsFunc(s.controls, repeatedSYN) {
		return says(Intermittent, "%d connections to port 25 were let through only when they were tried again, those to other ports at once", s.lost)
	}
	for _, a := range attempts {
		if a.turnedAway() {
			return says(Open, "port 25 is open, but %s turns this address away: %d %s", a.target, a.result.Code, clean(a.result.Text))
		}
	}
	for _, a := range attempts {
		if a.greeted() {
			return says(Open, "%s greeted on port 25", a.target)
		}
	}
	return says(Open, "port 25 is open")
}

// repeatAfter is when the kernel sends a SYN again, less a little for its
// timers (RFC 6298, section 2.1: one second).
const repeatAfter = 950 * time.Millisecond

// repeatedSYN reports whether the handshake needed a second SYN. A path as slow
// as that is not on this planet.
func repeatedSYN(r smtpprobe.Result) bool { return r.Reached != "" && r.Connect >= repeatAfter }

func (a attempt) repeated() bool { return repeatedSYN(a.result) }

// closed judges a family in which nobody greeted.
func (s scene) closed(attempts []attempt) judgement {
	answers, fastest := s.answers()
	fault, same := commonFault(attempts)
	// A port that the rules of this host leave alone is refused by somebody
	// else, however near; only routes are not in the rules.
	local := within(attempts, fastest) && !(s.rulesRead && fault == smtpprobe.FaultRefused)
	if j, ok := s.byRule(fault, same); ok {
		return j
	}
	if same && fault == smtpprobe.FaultNoRoute && answers == 0 {
		if s.reached {
			return says(Unreachable, "there is no route to the internet in this address family")
		}
		return says(Offline, "there is no route to the internet")
	}
	if answers == 0 {
		return s.unanswered(attempts)
	}
	switch {
	case !same:
		return says(Inconclusive, "the targets differ: %s", summary(attempts))
	case fault == smtpprobe.FaultTimeout && connected(attempts):
		return says(Inconclusive, "connections to port 25 are accepted, but nobody greets")
	case fault == smtpprobe.FaultTimeout:
		return says(Blocked, "no answer from %s on port 25, while %s to other ports got an answer", counted(attempts), plural.Of(answers, "connection"))
	case connected(attempts): // reset in the dialogue, malformed replies
		return says(Inconclusive, "connections to port 25 are accepted and then fail: %s", summary(attempts))
	case local, fault == smtpprobe.FaultNoRoute:
		return says(BlockedLocally, "port 25 is refused within this host (%s after %s, controls take %s)",
			fault, ms(slowest(attempts)), ms(fastest))
	case fault == smtpprobe.FaultProhibited && slowest(attempts) < localAtMost:
		return says(BlockedLocally, "this host itself forbids the connection (a prohibit route or a rule)")
	case fault == smtpprobe.FaultRefused, fault == smtpprobe.FaultReset:
		return says(Refused, "connections to port 25 are refused by %s, which mail exchangers themselves never do", counted(attempts))
	case fault == smtpprobe.FaultUnreachable, fault == smtpprobe.FaultProhibited:
		return says(Prohibited, "a router reports port 25 of %s as out of bounds, while %s to other ports got an answer", counted(attempts), plural.Of(answers, "connection"))
	default:
		return says(Inconclusive, "%s", summary(attempts))
	}
}

// byRule blames a rule of this host only where it fits what was seen: a drop is
// silent, a reject is not.
func (s scene) byRule(fault smtpprobe.Fault, same bool) (judgement, bool) {
	if s.rule == nil || !same {
		return judgement{}, false
	}
	silent := fault == smtpprobe.FaultTimeout
	if silent != (s.rule.Action == firewall.Drop) {
		return judgement{}, false
	}
	return says(BlockedLocally, "a rule on this host stops it: %s", s.rule), true
}

// unanswered judges a family in which the controls were silent as well.
func (s scene) unanswered(attempts []attempt) judgement {
	switch {
	case s.cut:
		return s.cutShort()
	case !s.reached:
		return says(Offline, "no outgoing connection works from this host, on any port")
	case len(s.controls) == 0:
		return says(Inconclusive, "no control could be asked: %s", summary(attempts))
	default:
		return says(Unreachable, "no outgoing connection works in this address family, on any port")
	}
}

// answers counts the controls that something came back from, acceptance or
// refusal, and gives the time of the fastest.
func (s scene) answers() (n int, fastest time.Duration) {
	for _, c := range s.controls {
		if !answered(c) {
			continue
		}
		n++
		if c.Reached != "" && (fastest == 0 || c.Connect < fastest) {
			fastest = c.Connect
		}
	}
	return n, fastest
}

// answered: a refusal from afar is an answer, one of this host's own is not.
func answered(r smtpprobe.Result) bool {
	if r.Reached != "" {
		return true
	}
	return (r.Fault == smtpprobe.FaultRefused || r.Fault == smtpprobe.FaultReset) && r.Total >= localAtMost
}

// within reports whether the errors came from this host itself: one faster than
// anything that leaves it, and all of them before any control, since a busy
// machine is late now and then. control is the time of the fastest one.
//
// Over IPv6 Linux reports the ICMP error of a local reject with the first repeat
// of the SYN only (measured on 6.18: 1.01 to 1.03 s).
func within(attempts []attempt, control time.Duration) bool {
	if control < farAtLeast || control >= repeatAfter {
		return false
	}
	fastest := attempts[0].result.Total
	for _, a := range attempts {
		took := a.result.Total
		repeat := a.result.Addr.Addr().Is6() && took >= repeatAfter && took < repeatAfter+350*time.Millisecond
		if repeat {
			took = 0
		}
		if took >= control {
			return false
		}
		fastest = min(fastest, took)
	}
	return fastest < localAtMost
}

func connected(attempts []attempt) bool {
	return slices.ContainsFunc(attempts, func(a attempt) bool { return a.result.Reached != "" })
}

// commonFault returns the fault that all attempts share.
func commonFault(attempts []attempt) (smtpprobe.Fault, bool) {
	for _, a := range attempts[1:] {
		if a.result.Fault != attempts[0].result.Fault {
			return "", false
		}
	}
	return attempts[0].result.Fault, true
}

func slowest(attempts []attempt) time.Duration {
	var most time.Duration
	for _, a := range attempts {
		most = max(most, a.result.Total)
	}
	return most
}

func summary(attempts []attempt) string {
	var parts []string
	for _, a := range attempts {
		parts = append(parts, a.target+" "+string(a.result.Fault))
	}
	return strings.Join(parts, ", ")
}

// counted names how many operators' targets the attempts were for.
func counted(attempts []attempt) string {
	seen := map[string]bool{}
	for _, a := range attempts {
		seen[a.operator] = true
	}
	return plural.Of(len(seen), "mail service")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

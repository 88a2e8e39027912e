package detect

import (
	"fmt"
	"net/netip"
	"relayhost/internal/firewall"
	"strings"
	"testing"
	"time"

	"relayhost/internal/smtpprobe"
)

// The times and errors are those measured with nftables rules and routers in
// network namespaces on Linux 6.18.
const (
	atOnceHere = 90 * time.Microsecond
	aRoundTrip = 20 * time.Millisecond
)

func made(target string, r smtpprobe.Result) attempt {
	o, known := operatorOf(target)
	return attempt{target: target, operator: o.name, known: known, result: r}
}

// to makes one attempt at each default target.
func to(results ...smtpprobe.Result) []attempt {
	var list []attempt
	for i, r := range results {
		list = append(list, made(DefaultTargets[i], r))
	}
	return list
}

// all gives every default target the same result.
func all(r smtpprobe.Result) []attempt { return to(r, r, r) }

var banners = []string{
	"mx.google.com ESMTP 5b1f17b1804b1-42 - gsmtp",
	"AM4PEPF00025F99.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready",
	"mtaproxy306.free.mail.bf1.yahoo.com ESMTP ready",
}

func hello(banner string) smtpprobe.Result {
	return smtpprobe.Result{Reached: smtpprobe.StepEHLO, Banner: banner, Code: 250, Extensions: map[string]string{"STARTTLS": "", "PIPELINING": ""},
		Connect: aRoundTrip, Total: 3 * aRoundTrip}
}

func hellos() []attempt { return to(hello(banners[0]), hello(banners[1]), hello(banners[2])) }

func failed(fault smtpprobe.Fault, after time.Duration) smtpprobe.Result {
	return smtpprobe.Result{Failed: smtpprobe.StepConnect, Fault: fault, Total: after}
}

func answers(after time.Duration) []smtpprobe.Result {
	r := smtpprobe.Result{Reached: smtpprobe.StepConnect, Connect: after, Total: after}
	return []smtpprobe.Result{r, r}
}

func silentControls() []smtpprobe.Result {
	return []smtpprobe.Result{failed(smtpprobe.FaultTimeout, silence), failed(smtpprobe.FaultTimeout, silence)}
}

func change(r smtpprobe.Result, f func(*smtpprobe.Result)) smtpprobe.Result {
	f(&r)
	return r
}

func with(list []attempt, more ...attempt) []attempt { return append(list, more...) }

// sixth is a refusal over IPv6 after so many milliseconds.
func sixth(ms int) attempt {
	r := failed(smtpprobe.FaultRefused, time.Duration(ms)*time.Millisecond)
	r.Addr = netip.MustParseAddrPort("[2001:db8::25]:25")
	return made(DefaultTargets[0], r)
}

func second(a attempt) attempt    { a.again = true; return a }
func byPostfix(a attempt) attempt { a.uid = 101; return a }
func forInformation(a attempt) attempt {
	a.informs = true
	return a
}

func TestJudge(t *testing.T) {
	var (
		silent    = failed(smtpprobe.FaultTimeout, silence)
		refused   = failed(smtpprobe.FaultRefused, aRoundTrip)
		rejected  = failed(smtpprobe.FaultRefused, atOnceHere)
		outlawed  = failed(smtpprobe.FaultUnreachable, aRoundTrip)
		unhere    = failed(smtpprobe.FaultUnreachable, atOnceHere)
		noRoute   = failed(smtpprobe.FaultNoRoute, 40*time.Microsecond)
		forbidden = failed(smtpprobe.FaultProhibited, 30*time.Microsecond)
		ICMPv6    = failed(smtpprobe.FaultProhibited, aRoundTrip)
		masked    = change(hello("****************"), func(r *smtpprobe.Result) { r.Masked = true })
		stranger  = hello("proxy.example.net ESMTP")
		stripped  = change(hello(banners[0]), func(r *smtpprobe.Result) { r.Extensions = map[string]string{"XXXXXXXA": ""} })
		stripped2 = change(hello(banners[1]), func(r *smtpprobe.Result) { r.Extensions = map[string]string{} })
		noEHLO    = smtpprobe.Result{Reached: smtpprobe.StepGreeting, Failed: smtpprobe.StepEHLO, Fault: smtpprobe.FaultReply, Code: 502, Banner: banners[0], Connect: aRoundTrip, Total: aRoundTrip}
		http      = smtpprobe.Result{Reached: smtpprobe.StepConnect, Failed: smtpprobe.StepGreeting, Fault: smtpprobe.FaultNotSMTP, Connect: aRoundTrip, Total: aRoundTrip}
		turned    = smtpprobe.Result{Reached: smtpprobe.StepConnect, Failed: smtpprobe.StepGreeting, Fault: smtpprobe.FaultReply, Code: 554, Text: "5.7.1 listed by PBL", Connect: aRoundTrip, Total: aRoundTrip}
		busy      = change(turned, func(r *smtpprobe.Result) { r.Code = 421 })
		late      = change(hello(banners[0]), func(r *smtpprobe.Result) { r.Total = 6500 * time.Millisecond })
		again     = change(hello(banners[1]), func(r *smtpprobe.Result) { r.Connect = 1020 * time.Millisecond })
		mute      = smtpprobe.Result{Reached: smtpprobe.StepConnect, Failed: smtpprobe.StepGreeting, Fault: smtpprobe.FaultTimeout, Connect: aRoundTrip, Total: greetingLimit}
		hangUp    = smtpprobe.Result{Reached: smtpprobe.StepConnect, Failed: smtpprobe.StepGreeting, Fault: smtpprobe.FaultReset, Connect: aRoundTrip, Total: aRoundTrip}

		dropRule   = &firewall.Rule{Tool: "nft", Text: "inet filter output: tcp dport 25 drop", Action: firewall.Drop}
		rejectRule = &firewall.Rule{Tool: "iptables", Text: "-A OUTPUT -p tcp -m tcp --dport 25 -j REJECT", Action: firewall.Reject}
	)
	for _, c := range []struct {
		name  string
		scene scene
		want  Verdict
		why   string // part of the sentence
	}{
		{"open", scene{attempts: hellos(), controls: answers(aRoundTrip)}, Open, "greeted"},
		{"open though the controls are silent", scene{attempts: hellos(), controls: silentControls()}, Open, ""},
		{"one greeting is enough", scene{attempts: to(silent, hello(banners[1]), silent), controls: answers(aRoundTrip)}, Open, "outlook"},
		{"greeting after 6.5 s", scene{attempts: to(late, silent, silent), controls: answers(aRoundTrip)}, Open, ""},
		{"554 greeting", scene{attempts: all(turned), controls: answers(aRoundTrip)}, Open, "554 5.7.1 listed by PBL"},
		{"421 greeting", scene{attempts: all(busy), controls: answers(aRoundTrip)}, Open, "turns this address away"},
		{"custom target with its own greeting", scene{attempts: []attempt{made("mx.example.org", hello("mail.example.org ESMTP"))}}, Open, ""},

		{"silence against answering controls", scene{attempts: all(silent), controls: answers(aRoundTrip)}, Blocked, "3 mail services"},
		{"silence against one answering control", scene{attempts: all(silent), controls: append(answers(aRoundTrip)[:1], silentControls()[0])}, Blocked, "1 connection"},
		{"silence against a control that refuses from afar", scene{attempts: all(silent), controls: []smtpprobe.Result{refused}}, Blocked, ""},
		{"silence; the own exchanger answers and does not decide",
			scene{attempts: with(all(silent), forInformation(made("mx.example.org", hello("mx.example.org ESMTP")))), controls: answers(aRoundTrip)}, Blocked, ""},

		{"silence, and a rule that drops", scene{attempts: all(silent), controls: answers(aRoundTrip), rule: dropRule}, BlockedLocally, "tcp dport 25 drop"},
		{"silence, and a rule that rejects, which does not fit", scene{attempts: all(silent), controls: answers(aRoundTrip), rule: rejectRule}, Blocked, ""},
		{"refused at once, controls take 20 ms", scene{attempts: all(rejected), controls: answers(aRoundTrip)}, BlockedLocally, "within this host"},
		{"refused at once, and a rule on a near network", scene{attempts: all(rejected), controls: answers(atOnceHere), rule: rejectRule}, BlockedLocally, "--dport 25 -j REJECT"},
		{"refused at once on a near network without a rule", scene{attempts: all(rejected), controls: answers(atOnceHere)}, Refused, ""},
		{"one of the local refusals is late on a busy machine", scene{attempts: to(rejected, failed(smtpprobe.FaultRefused, 3*time.Millisecond), rejected), controls: answers(aRoundTrip)}, BlockedLocally, ""},
		{"one is half a round trip late", scene{attempts: to(failed(smtpprobe.FaultRefused, 10*time.Millisecond), rejected, rejected), controls: answers(aRoundTrip)}, BlockedLocally, ""},
		{"one refused at once, the others from afar", scene{attempts: to(rejected, failed(smtpprobe.FaultRefused, aRoundTrip+time.Millisecond)), controls: answers(aRoundTrip)}, Refused, ""},
		{"refused at once, but no rule of this host does it", scene{attempts: all(rejected), controls: answers(aRoundTrip), rulesRead: true}, Refused, ""},
		{"IPv6 rejected here shows with the second SYN", scene{attempts: []attempt{sixth(1014), sixth(1031)}, controls: answers(aRoundTrip)}, BlockedLocally, ""},
		{"IPv6 rejected by a router", scene{attempts: []attempt{sixth(20), sixth(21)}, controls: answers(aRoundTrip)}, Refused, ""},
		{"host unreachable at once (reject with admin-prohibited)", scene{attempts: all(unhere), controls: answers(aRoundTrip)}, BlockedLocally, ""},
		{"no route to port 25 alone (reject with net-prohibited)", scene{attempts: all(noRoute), controls: answers(aRoundTrip), reached: true}, BlockedLocally, ""},
		{"prohibit route", scene{attempts: all(forbidden), controls: answers(aRoundTrip)}, BlockedLocally, ""},
		{"prohibit route on a near network", scene{attempts: all(forbidden), controls: answers(atOnceHere)}, BlockedLocally, ""},
		{"rule by user", scene{attempts: with(hellos(), byPostfix(made(DefaultTargets[0], rejected))), controls: answers(aRoundTrip), uidRule: rejectRule}, BlockedLocally, "the user postfix cannot"},
		{"rule by user, not found", scene{attempts: with(hellos(), byPostfix(made(DefaultTargets[0], silent)), second(made(DefaultTargets[0], hello(banners[0])))), controls: answers(aRoundTrip)}, BlockedLocally, "matches by user"},
		{"a limit on the rate, not a rule by user", scene{attempts: with(hellos(), byPostfix(made(DefaultTargets[0], silent)), second(made(DefaultTargets[0], silent))), controls: answers(aRoundTrip)}, Intermittent, "rate"},
		{"root fails now and then as well", scene{attempts: with(to(hello(banners[0]), silent), byPostfix(made(DefaultTargets[0], silent)), second(made(DefaultTargets[0], hello(banners[0])))), controls: answers(aRoundTrip)}, Intermittent, "rate"},
		{"postfix stopped, no connection left to tell why", scene{attempts: with(hellos(), byPostfix(made(DefaultTargets[0], silent))), controls: answers(aRoundTrip)}, Inconclusive, "neither"},
		{"root and postfix get through", scene{attempts: with(hellos(), byPostfix(made(DefaultTargets[0], hello(banners[0])))), controls: answers(aRoundTrip)}, Open, ""},

		{"refused from afar", scene{attempts: all(refused), controls: answers(aRoundTrip)}, Refused, "3 mail services"},
		{"a router says so", scene{attempts: all(outlawed), controls: answers(aRoundTrip)}, Prohibited, "router"},
		{"a router says so in ICMPv6", scene{attempts: all(ICMPv6), controls: answers(aRoundTrip)}, Prohibited, ""},

		{"the second attempt gets through", scene{attempts: with(to(refused, hello(banners[1])), second(made(DefaultTargets[0], hello(banners[0])))), controls: answers(aRoundTrip)}, Intermittent, "second time"},
		{"only the second attempt gets through", scene{attempts: with(all(refused), second(made(DefaultTargets[0], hello(banners[0])))), controls: answers(aRoundTrip)}, Intermittent, ""},
		{"the second attempt fails as well", scene{attempts: with(to(silent, hello(banners[1])), second(made(DefaultTargets[0], silent))), controls: answers(aRoundTrip)}, Open, ""},

		{"the second attempt is dropped", scene{attempts: with(hellos(), second(made(DefaultTargets[0], silent))), controls: answers(aRoundTrip)}, Intermittent, "answered once"},
		{"SYNs are lost on port 25 alone", scene{attempts: to(hello(banners[0]), again, again), controls: answers(aRoundTrip), lost: 2}, Intermittent, "2 connections"},
		{"one SYN is lost", scene{attempts: to(hello(banners[0]), again, hello(banners[2])), controls: answers(aRoundTrip), lost: 1}, Open, ""},
		{"SYNs are lost everywhere", scene{attempts: to(hello(banners[0]), again, again), controls: answers(1020 * time.Millisecond), lost: 2}, Open, ""},

		{"greetings masked by two operators", scene{attempts: to(masked, masked, silent), controls: answers(aRoundTrip)}, Intercepted, "masked"},
		{"greetings of a stranger", scene{attempts: to(stranger, stranger, stranger), controls: answers(aRoundTrip)}, Intercepted, "proxy.example.net"},
		{"STARTTLS removed by two operators", scene{attempts: to(stripped, stripped2), controls: answers(aRoundTrip)}, Intercepted, "STARTTLS"},
		{"EHLO not understood by two operators", scene{attempts: to(noEHLO, noEHLO), controls: answers(aRoundTrip)}, Intercepted, "EHLO"},
		{"HTTP on port 25 of two operators", scene{attempts: to(http, http, http), controls: answers(aRoundTrip)}, Intercepted, "no mail server"},
		{"one masked greeting may be the destination's own", scene{attempts: to(masked, hello(banners[1]), hello(banners[2])), controls: answers(aRoundTrip)}, Open, ""},
		{"one without STARTTLS", scene{attempts: to(stripped, hello(banners[1])), controls: answers(aRoundTrip)}, Open, ""},
		{"HTTP from one, silence from the others", scene{attempts: to(http, silent, silent), controls: answers(aRoundTrip)}, Inconclusive, "odd"},

		{"no route in this family", scene{attempts: all(noRoute), controls: []smtpprobe.Result{noRoute}, reached: true}, Unreachable, "no route"},
		{"silence on every port of this family", scene{attempts: all(silent), controls: silentControls(), reached: true}, Unreachable, "on any port"},
		{"no route at all", scene{attempts: all(noRoute), controls: []smtpprobe.Result{noRoute}}, Offline, ""},
		{"nothing gets out", scene{attempts: all(silent), controls: silentControls()}, Offline, "no outgoing connection works"},
		{"everything is refused at once", scene{attempts: all(rejected), controls: []smtpprobe.Result{rejected, rejected}}, Offline, ""},
		{"everything is refused at once, and a rule", scene{attempts: all(rejected), controls: []smtpprobe.Result{rejected}, rule: rejectRule}, BlockedLocally, ""},
		{"no resolver answers, hosts by address do", scene{dnsFault: "time-out", controls: answers(aRoundTrip), reached: true}, DNSFailed, "time-out"},
		{"no resolver answers, nobody else does", scene{dnsFault: "time-out", controls: silentControls()}, Offline, "resolver"},
		{"no address in this family", scene{controls: answers(aRoundTrip), reached: true}, NotProbed, ""},

		{"the targets differ", scene{attempts: to(silent, refused, silent), controls: answers(aRoundTrip)}, Inconclusive, "differ"},
		{"accepted, no greeting", scene{attempts: all(mute), controls: answers(aRoundTrip)}, Inconclusive, "nobody greets"},
		{"accepted, hung up", scene{attempts: all(hangUp), controls: answers(aRoundTrip)}, Inconclusive, "accepted"},
		{"silence, no controls", scene{attempts: all(silent), reached: true}, Inconclusive, "no control"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := judge(c.scene)
			if got.verdict != c.want || !strings.Contains(got.why, c.why) {
				t.Errorf("got %s: %s\nwant %s: ...%s...", got.verdict, got.why, c.want, c.why)
			}
			if got.why == "" {
				t.Errorf("%s: got no reason, want one", got.verdict)
			}
		})
	}
}

// IPv6 without a route is no block, and IPv4 without one leaves it to IPv6.
func TestVerdictOfBothFamilies(t *testing.T) {
	for _, c := range []struct {
		v4, v6 Verdict
		six    bool
	}{
		{Blocked, Unreachable, false},
		{Open, Blocked, false},
		{Unreachable, Open, true},
		{Unreachable, Unreachable, false},
		{NotProbed, Blocked, true},
		{Offline, Offline, false},
		{Blocked, Open, false},
	} {
		t.Run(fmt.Sprintf("IPv4 %s, IPv6 %s", c.v4, c.v6), func(t *testing.T) {
			judged := map[bool]judgement{false: {c.v4, ""}, true: {c.v6, ""}}
			if got := useIPv6(judged); got != c.six {
				t.Errorf("IPv6 decides: got %v, want %v", got, c.six)
			}
		})
	}
}

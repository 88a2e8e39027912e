package verify

import (
	"fmt"
	"strings"
	"testing"
)

// manyFindings is what verify has found on n routes of two relays: one of them refuses the
// login, no domain has a DMARC policy, some have an SPF record of their own to change, and
// each message gets another reply.
func manyFindings(n int) (r Report, routes []Route) {
	r = Report{Result: Fail, Findings: []Finding{{Check: "config", Result: Pass, Detail: "sound"}}}
	for i := range n {
		name, domain := fmt.Sprintf("r%d", i), fmt.Sprintf("d%d.example", i)
		route := Route{Name: name, Senders: []string{domain}, From: "postmaster@" + domain, Hops: make([]Hop, 1)}
		routes = append(routes, route)
		add := func(f Finding) {
			f.Route = name
			r.Findings = append(r.Findings, f)
		}
		add(Finding{Check: "service", Result: Pass, Detail: "mail from " + domain + " is sent by relayhost-a", Ms: float64(i)})
		if i%2 == 1 {
			add(Finding{Check: "auth", Result: Fail, Cause: "auth_535_generic", Detail: "smtp.b.example:587: said: 535 no", Remedy: "Give another password.", Command: "relayhost setup"})
			add(Finding{Check: "delivery", Result: Skip, Detail: "the login of route " + name + " is refused"})
		} else {
			add(Finding{Check: "auth", Result: Pass, Detail: "smtp.a.example:587: login"})
			add(Finding{Check: "delivery", Result: Warn, Cause: "unknown_reply", Detail: fmt.Sprintf("said: 451 later, ticket %d", i), Remedy: "Ask the relay.", Command: "relayhost verify --route " + name})
		}
		add(Finding{Check: "dmarc", Result: Warn, Cause: "dmarc_missing", Detail: domain + " has no DMARC policy", Remedy: "Publish the TXT record at _dmarc." + domain + ": v=DMARC1; p=none"})
	}
	return r, routes
}

// What many routes have in common is told once, with their number and the first names:
// thousands of routes fit on a screen.
func TestTextOfManyRoutes(t *testing.T) {
	const want = `this server
pass  config       sound

2000 routes (relayhost verify --route NAME shows one, --json all)
pass  service      2000 routes
pass  auth         1000 routes
fail  auth         smtp.b.example:587: said: 535 no
                   routes: r1, r3, r5, r7, r9 and 995 others
                   do: Give another password.
                       relayhost setup
warn  delivery     said: 451 later, ticket 0
                   route: r0
                   do: Ask the relay.
                       relayhost verify --route r0
warn  delivery     said: 451 later, ticket 2
                   route: r2
                   do: Ask the relay.
                       relayhost verify --route r2
warn  delivery     said: 451 later, ticket 4
                   route: r4
                   do: Ask the relay.
                       relayhost verify --route r4
warn  delivery     as above, with other details
                   routes: r6, r8, r10, r12, r14 and 992 others
warn  dmarc        d0.example has no DMARC policy
                   routes: r0, r1, r2, r3, r4 and 1995 others, each with its own
                     sender
                   do: Publish the TXT record at _dmarc.d0.example: v=DMARC1;
                       p=none
`
	style := Style{Width: 80, Colored: func(word string) string { return word }}
	r, routes := manyFindings(2000)
	if got, want := r.Text(routes, style), want+"not checked: delivery (--verbose shows why)\nresult: fail\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	style.Skipped = true
	const why = "skip  delivery     the login of route r1 is refused\n                   routes: r1, r3, r5, r7, r9 and 995 others\n"
	if got := r.Text(routes, style); !strings.Contains(got, why) || strings.Count(got, "\n") > 40 {
		t.Errorf("with what was skipped: got\n%s\nwant at most 40 lines, and\n%s", got, why)
	}
}

// A few routes are shown one by one, also where there are many and only these were checked.
func TestTextOfFewRoutes(t *testing.T) {
	for _, n := range []int{routeByRoute, routeByRoute + 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r, routes := manyFindings(n)
			got := r.Text(routes, Style{Width: 80, Colored: func(word string) string { return word }})
			if one, want := strings.Contains(got, "\nroute r3\n"), n == routeByRoute; one != want {
				t.Errorf("route by route: got %t, want %t:\n%s", one, want, got)
			}
		})
	}
	r, _ := manyFindings(1)
	_, routes := manyFindings(2000)
	const want = "this server\npass  config       sound\n\nroute r0\npass  service      mail from d0.example is sent by relayhost-a\n"
	if got := r.Text(routes, Style{Width: 80, Colored: func(word string) string { return word }}); !strings.HasPrefix(got, want) {
		t.Errorf("one of 2000: got\n%s\nwant at the beginning\n%s", got, want)
	}
}

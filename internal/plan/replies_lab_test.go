//go:build lab

package plan_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestLabReplies: the real smtp(8) does with each reply of testdata/replies.tsv
// what was written down for it, with one hop and with two.
func TestLabReplies(t *testing.T) {
	t.Parallel()
	suites, all := []lab.Suite{lab.Bookworm}, oneOfEachKind(sayings(t))
	if os.Getenv("LAB_FULL") != "" {
		suites, all = []lab.Suite{lab.Bullseye, lab.Sid}, sayings(t)
	}
	byRelay := map[string][]saying{}
	for _, s := range all {
		byRelay[s.relay] = append(byRelay[s.relay], s)
	}
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Relay("mailgun"), lab.Relay("brevo"))
			l.Server.StartPostfix()
			for relay, rows := range byRelay {
				for _, two := range []bool{false, true} {
					r := replying{s: l.Server, first: l.World.Relay("mailgun"), second: l.World.Relay("brevo"), relay: relay, two: two}
					t.Run(fmt.Sprintf("%s/%d", relay, r.hops()), func(t *testing.T) { r.run(t, rows) })
				}
			}
		})
	}
}

// oneOfEachKind is one reply of each kind for three relays.
func oneOfEachKind(all []saying) []saying {
	var seen []string
	return slices.DeleteFunc(all, func(s saying) bool {
		kind := fmt.Sprint(s.phase, s.alone, s.second, len(s.lines) > 1, s.relay)
		if slices.Contains(seen, kind) || !slices.Contains([]string{"ses", "gmail", "mandrill"}, s.relay) {
			return true
		}
		seen = append(seen, kind)
		return false
	})
}

// replying is a setup for one relay, whose words the first of two servers speaks.
type replying struct {
	s             *lab.Server
	first, second *lab.RelayService
	relay         string
	two           bool
}

func (r replying) hops() int {
	if r.two {
		return 2
	}
	return 1
}

// steps are the phases that a server is told to refuse for everybody.
var steps = map[string]smtpd.Step{"greeting": smtpd.StepGreeting, "ehlo": smtpd.StepEHLO, "auth": smtpd.StepAuth,
	"mail": smtpd.StepMail, "rcpt": smtpd.StepRcpt, "data": smtpd.StepData, "dot": smtpd.StepMessage}

func (r replying) run(t *testing.T, rows []saying) {
	r.first.Configure(func(c *smtpd.Config) { c.Replies, c.Sender, c.Recipient, c.Message = nil, nil, nil, nil })
	r.s.Shell("postsuper -d ALL 2>/dev/null")
	a := answersTo(r.first, 587, relays.StartTLS)
	a["Relay"] = r.relay
	if r.two {
		hop := hopTo(r.second, 587)
		hop["Relay"] = "postmark"
		if r.relay == "postmark" {
			hop["Relay"] = "mandrill"
		}
		a["Fallback"] = []any{hop}
	}
	write(t, r.s, a)
	relay, err := relays.Get(r.relay)
	if err != nil {
		t.Fatal(err)
	}
	var together, apart []saying
	for _, s := range rows {
		// A server that is down for one message is down for the next, and a relay
		// that takes one sender hides which message is meant.
		if s.endsSession() || s.phase == "data" || s.phase == "mail" && relay.Sender.Rule == "account" {
			apart = append(apart, s)
			continue
		}
		together = append(together, s)
	}
	r.first.Configure(func(c *smtpd.Config) {
		reply := func(phase, address string) *smtpd.Reply {
			id, _, _ := strings.Cut(address, "-")
			for _, s := range together {
				if s.id == id && s.phase == phase {
					said := s.said()
					return &said
				}
			}
			return nil
		}
		c.Sender = func(from string) *smtpd.Reply { return reply("mail", from) }
		c.Recipient = func(_, to string) *smtpd.Reply {
			if !strings.HasSuffix(to, "@example.net") {
				return nil // a bounce
			}
			return reply("rcpt", to)
		}
		c.Message = func(e smtpd.Envelope) *smtpd.Reply {
			if !strings.HasSuffix(e.To[0], "@example.net") {
				return nil
			}
			return reply("dot", e.To[0])
		}
	})
	r.send(together...)
	outcomes := r.wait(t, together)
	for i, s := range apart {
		if s.endsSession() || i > 0 && apart[i-1].endsSession() {
			r.s.Shell("postsuper -d ALL 2>/dev/null; postfix reload 2>/dev/null") // ends kept connections, and what qmgr knows of the relay
		}
		r.first.Configure(func(c *smtpd.Config) {
			c.Replies = map[smtpd.Step]smtpd.Reply{steps[s.phase]: s.said()}
			if s.phase == "ehlo" { // else Postfix goes on without TLS, and finds that it has to have it
				c.Replies[smtpd.StepHELO] = s.said()
			}
		})
		r.send(s)
		outcomes[s.id] = r.wait(t, []saying{s})[s.id]
		r.first.Configure(func(c *smtpd.Config) { c.Replies = nil })
	}
	for _, s := range rows {
		t.Run(s.id, func(t *testing.T) {
			want := map[string]string{"bounce": "bounced", "defer": "deferred"}[s.alone] + " by " + r.first.Hosts[0].Name
			if r.two && s.second == "next" {
				want = "sent by " + r.second.Hosts[0].Name
			}
			if got := outcomes[s.id]; got != want {
				t.Errorf("%s at %s, %d hops: %q\n%s, want %s (%s)", r.relay, s.phase, r.hops(), s.lines, got, want, s.reason)
			}
		})
	}
}

// endsSession reports that Postfix takes the server for down after the reply.
func (s saying) endsSession() bool {
	return slices.Contains([]string{"greeting", "ehlo", "auth"}, s.phase) || s.last()[:3] == "421"
}

// said is the reply as the server gives it.
func (s saying) said() smtpd.Reply {
	code, _ := strconv.Atoi(s.last()[:3])
	var text []string
	for _, line := range s.lines {
		text = append(text, line[4:])
	}
	return smtpd.Reply{Code: code, Text: strings.Join(text, "\n")}
}

func (r replying) address(s saying) string {
	return fmt.Sprintf("%s-%s-%d", s.id, r.relay, r.hops())
}

func (r replying) send(rows ...saying) {
	var script strings.Builder
	for _, s := range rows {
		fmt.Fprintf(&script, "echo hello | sendmail -f %[1]s@senders.test %[1]s@example.net\n", r.address(s))
	}
	r.s.Shell(script.String())
}

// wait is what became of the messages: "bounced by host".
func (r replying) wait(t *testing.T, rows []saying) map[string]string {
	t.Helper()
	outcomes := map[string]string{}
	for end := time.Now().Add(2 * time.Minute); len(outcomes) < len(rows); time.Sleep(50 * time.Millisecond) {
		log := r.s.MailLog()
		for _, s := range rows {
			line := regexp.MustCompile(`to=<` + r.address(s) + `@example\.net>, relay=([^\[,]+)[^\n]* status=([a-z]+) `)
			if m := line.FindStringSubmatch(log); m != nil {
				outcomes[s.id] = m[2] + " by " + m[1]
			}
		}
		if time.Now().After(end) {
			t.Fatalf("got the outcome of %d messages in 2 minutes, want that of %d\n%s", len(outcomes), len(rows), tail(log))
		}
	}
	return outcomes
}

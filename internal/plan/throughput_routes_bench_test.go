//go:build lab

package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestBenchThroughputOfTwo empties the queue of one server through two services
// 50 ms away, one after the other and both at once: the routes do not share
// connections, so that both at once reach the sum.
func TestBenchThroughputOfTwo(t *testing.T) {
	behaviour := func(c *smtpd.Config) { c.MaxConnections, c.Extensions = 20, []string{"PIPELINING", "8BITMIME"} }
	l := lab.New(t, lab.AllAuthorities(), lab.Delay(benchDelay), lab.Packages("dnsmasq-base"), lab.Resolver("127.0.0.1"),
		lab.Relay("mailgun", behaviour), lab.Relay("sendgrid", behaviour))
	s := l.Server
	s.Start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--server=192.0.2.53", "--listen-address=127.0.0.1", "--bind-interfaces", "--min-cache-ttl=3600")
	s.Shell("mkdir -p /var/spool/postfix/etc && cp /etc/resolv.conf /etc/hosts /etc/services /var/spool/postfix/etc/")
	a := answersTo(l.World.Relay("mailgun"), 587, relays.StartTLS)
	a["Routes"] = []any{routeTo("shop", []string{"shop.example"}, hopTo(l.World.Relay("sendgrid"), 587))}
	write(t, s, a)
	mailgun, sendgrid := drain(t, l, "mailgun"), drain(t, l, "sendgrid")
	both := drain(t, l, "mailgun", "sendgrid")
	fmt.Printf("figure: two_relays_per_second %.1f (alone %.1f and %.1f)\n", both, mailgun, sendgrid)
	lab.AtLeast(t, "two_relays_to_sum", both/(mailgun+sendgrid), 0.9)
}

// drain fills the queue with mail for each of the relays, lets it go and returns
// the messages a second from the tenth to the ninetieth percent.
func drain(t *testing.T, l *lab.Lab, ids ...string) float64 {
	t.Helper()
	const each = 800
	sender := map[string]string{"mailgun": "app@example.org", "sendgrid": "app@shop.example"}
	began := map[string]int{}
	var senders []string
	for _, id := range ids {
		began[id] = len(l.World.Relay(id).Mailbox())
		senders = append(senders, sender[id])
	}
	fill(t, l.Server, "relayhost-mailgun relayhost-shop", each, senders...)
	l.Server.Flush()
	var times []time.Time
	for end := time.Now().Add(5 * time.Minute); len(times) < each*len(ids); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %d messages by %s in 5 minutes, want %d\n%s", len(times), strings.Join(ids, " and "), each*len(ids), tail(l.Server.MailLog()))
		}
		times = times[:0]
		for _, id := range ids {
			for _, m := range l.World.Relay(id).Mailbox()[began[id]:] {
				times = append(times, m.Time)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	first, last := len(times)/10, len(times)*9/10
	return float64(last-first) / times[last-1].Sub(times[first-1]).Seconds()
}

//go:build lab

package verify_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/verify"
)

// TestBenchDelivery compares a whole `relayhost verify` with what Postfix alone
// takes for a message: from sendmail(1) to the relay's 250, on the clock of the
// relay.
func TestBenchDelivery(t *testing.T) {
	for _, link := range []struct {
		name string
		trip time.Duration
	}{{"near", 0}, {"100_ms", 100 * time.Millisecond}} {
		t.Run(link.name, func(t *testing.T) {
			l := sesLab(t, lab.AllAuthorities(), lab.Delay(link.trip/2))
			const times = 5
			var alone, whole, after, careful []time.Duration
			for range times {
				alone = append(alone, postfixAlone(t, l, link.trip))
				took, late := verified(t, l, link.trip)
				whole, after = append(whole, took), append(after, late)
				l.Server.Shell("chmod 600 /etc/postfix/sasl_passwd") // it may have been changed
				took, _ = verified(t, l, link.trip)
				careful = append(careful, took)
			}
			postfix, all := median(alone), median(whole)
			fmt.Printf("figure: %s_postfix_alone_milliseconds %d\n", link.name, postfix.Milliseconds())
			fmt.Printf("figure: %s_verify_milliseconds %d\n", link.name, all.Milliseconds())
			fmt.Printf("figure: %s_verify_new_password_milliseconds %d (it waits for verify's own login)\n", link.name, median(careful).Milliseconds())
			atMost(t, link.name+"_verify_beyond_postfix_milliseconds", all-postfix, 300*time.Millisecond)
			atMost(t, link.name+"_verify_after_its_250_milliseconds", median(after), 300*time.Millisecond)
		})
	}
}

// atMost tells a time with its bound, in milliseconds.
func atMost(t *testing.T, name string, value, bound time.Duration) {
	t.Helper()
	lab.AtMost(t, name, 1000*value.Seconds(), 1000*bound.Seconds())
}

func median(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }

// fresh starts Postfix again, so that no connection is there to be used again.
func fresh(l *lab.Lab) { l.Server.Shell("postfix stop; postfix start") }

// answered is when Postfix has the relay's 250 to the message that came last.
func answered(t *testing.T, l *lab.Lab, before int, trip time.Duration) time.Time {
	t.Helper()
	ses := l.World.Relay("ses")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if all := ses.Mailbox(); len(all) > before {
			return all[before].Time.Add(trip / 2)
		}
	}
	t.Fatalf("got no new message at the relay within 20 s, want one\n%s", l.Server.MailLog())
	return time.Time{}
}

func postfixAlone(t *testing.T, l *lab.Lab, trip time.Duration) time.Duration {
	t.Helper()
	fresh(l)
	before := len(l.World.Relay("ses").Mailbox())
	began := time.Now()
	l.Server.Shell(`printf 'Subject: x\n\nx\n' | sendmail -i -f app@example.com to@example.net`)
	return answered(t, l, before, trip).Sub(began)
}

// verified is how long verify takes, and how much of it after the relay's 250.
func verified(t *testing.T, l *lab.Lab, trip time.Duration) (took, after time.Duration) {
	t.Helper()
	fresh(l)
	before := len(l.World.Relay("ses").Mailbox())
	began := time.Now()
	res := l.Run("relayhost", "verify", "--json")
	took = time.Since(began)
	var r verify.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil || res.Code != 0 {
		t.Fatalf("verify --json: got %v, want a JSON document and exit 0\n%s", err, res)
	}
	return took, took - answered(t, l, before, trip).Sub(began)
}

// TestBenchConnect holds the probes of all ports, and the whole of `verify
// --no-send`, to the round trips of one dialogue as the link counts them.
func TestBenchConnect(t *testing.T) {
	const trip = 100 * time.Millisecond
	l := sesLab(t, lab.AllAuthorities(), lab.Delay(trip/2))
	var logins, whole []time.Duration
	needed := 0
	for range 5 {
		l.Server.ResetTraffic()
		began := time.Now()
		res := l.Run("relayhost", "verify", "--no-send", "--json")
		whole = append(whole, time.Since(began))
		// Connect and greeting are answers to no data; nobody waits for the answer
		// to the good-bye. DNS is asked before.
		needed = l.Server.Traffic().Turns[587] + 2
		var r verify.Report
		if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil || res.Code != 0 {
			t.Fatalf("verify --no-send --json: got %v, want a JSON document and exit 0\n%s", err, res)
		}
		longest := 0.0
		for _, f := range r.Findings {
			if f.Check == "auth" || f.Check == "connect" {
				longest = max(longest, f.Ms)
			}
		}
		logins = append(logins, time.Duration(longest*float64(time.Millisecond)))
	}
	bound := time.Duration(needed) * trip * 12 / 10
	fmt.Printf("figure: verify_no_send_round_trips %d\n", needed)
	atMost(t, "probe_connect_to_auth_on_all_ports_milliseconds", median(logins), bound)
	least := time.Duration(needed) * trip
	fmt.Printf("figure: verify_no_send_milliseconds %d\n", median(whole).Milliseconds())
	lab.AtMost(t, "verify_no_send_to_its_round_trips", median(whole).Seconds()/least.Seconds(), 1.2)
	// A port of the relay that this host's provider blocks, and that is not in use.
	l.World.Block(2587, lab.Dropped, lab.Both)
	var blocked []time.Duration
	for range 5 {
		began := time.Now()
		if res := l.Run("relayhost", "verify", "--no-send", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, "2587: no answer within") {
			t.Fatalf("verify --no-send with port 2587 blocked: got %s\nwant exit 0 and %q in stdout", res, "2587: no answer within")
		}
		blocked = append(blocked, time.Since(began))
	}
	fmt.Printf("figure: verify_port_blocked_milliseconds %d\n", median(blocked).Milliseconds())
	lab.AtMost(t, "verify_port_blocked_to_its_round_trips", median(blocked).Seconds()/least.Seconds(), 1.2)
}

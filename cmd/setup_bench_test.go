//go:build lab

package cmd_test

import (
	"fmt"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestBenchSetup is how long a setup takes from start to exit on a host whose port
// 25 is dropped, with a round trip of 100 ms, and how long one that changes nothing.
func TestBenchSetup(t *testing.T) {
	l := lab.New(t, lab.Postfix(), lab.AllAuthorities(), lab.Cloud("aws"), lab.Relay("sendgrid"), lab.MailExchangers(), lab.Port25(lab.Dropped), lab.Delay(50*time.Millisecond))
	l.Server.Install()
	credentials(l, "sendgrid", "")
	trips := 0
	fastest := func(want string, prepare func()) float64 {
		best := time.Hour
		for range 3 {
			prepare()
			l.Server.ResetTraffic()
			res := l.Run(setupArgs(five[1])...)
			if doc := decode[setupResult](t, res); res.Code != 0 || doc.Result != want {
				t.Fatalf("got %q, want %q: %s", doc.Result, want, res)
			}
			if res.Took < best {
				best, trips = res.Took, necessary(l.Server.Traffic())
			}
		}
		return best.Seconds()
	}
	took := fastest("applied", func() {
		if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
			t.Fatalf("want exit code 0, got %s", res)
		}
	})
	fmt.Printf("figure: setup_round_trips %d\n", trips)
	lab.AtMost(t, "setup_over_its_round_trips_seconds", took-float64(trips)/10, 1.5)
	lab.AtMost(t, "setup_seconds", took, 3.5)
	lab.AtMost(t, "setup_unchanged_milliseconds", 1000*fastest("unchanged", func() {}), 1000)
}

// necessary counts the round trips at the relay that a setup waits for one after the
// other: of its probe with the login, of the rehearsal from the login on, which comes as
// far beside the probe, and of the proof.
func necessary(t lab.Traffic) int {
	// Connect and greeting are answers to no data; nobody waits for that to the
	// good-bye. Postfix asks for AAAA and A one after the other, and tlsproxy(8) holds
	// the first command back until the end of the handshake is acknowledged.
	const dns, nagle = 1 + 2*2, 2
	// Both names, connect, greeting, EHLO, STARTTLS, handshake, what was held back, EHLO.
	const beside = 2 + 7
	return t.Turns[587] + t.Connections[587] + dns + nagle - beside
}

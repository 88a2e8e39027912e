//go:build lab

package cmd_test

import (
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
	fastest := func(want string, prepare func()) float64 {
		best := time.Hour
		for range 3 {
			prepare()
			res := l.Run(setupArgs(five[1])...)
			if doc := decode[setupResult](t, res); res.Code != 0 || doc.Result != want {
				t.Fatalf("got %q, want %q: %s", doc.Result, want, res)
			}
			best = min(best, res.Took)
		}
		return best.Seconds()
	}
	atMost(t, "setup_seconds", fastest("applied", func() {
		if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
			t.Fatal(res)
		}
	}), 9)
	atMost(t, "setup_unchanged_milliseconds", 1000*fastest("unchanged", func() {}), 1500)
}

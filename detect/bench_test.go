//go:build lab

package detect_test

import (
	"fmt"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// figure is one line of `make bench`.
func figure(t testing.TB, name string, value, bound float64, unit string) {
	t.Helper()
	word := "ok"
	if value > bound {
		word = "miss"
		t.Errorf("%s: got %.2f %s, want %.2f at most", name, value, unit, bound)
	}
	fmt.Printf("figure: %-44s %8.2f %-12s bound %6.2f  %s\n", name, value, unit, bound, word)
}

// best runs the program three times and gives the fastest, so that a busy
// machine is not taken for a slow program.
func best(l *lab.Lab, args ...string) (took time.Duration, connections int) {
	for range 3 {
		l.Server.ResetTraffic()
		res := l.Run(append([]string{"relayhost", "detect", "--json"}, args...)...)
		if took == 0 || res.Took < took {
			took = res.Took
		}
		connections = max(connections, l.Server.Traffic().Attempts())
	}
	return took, connections
}

// starting is how long the program takes to do nothing.
func starting(l *lab.Lab) time.Duration {
	least := time.Hour
	for range 5 {
		least = min(least, l.Run("relayhost", "version").Took)
	}
	return least
}

// TestBenchDetect prints how long detection takes on a link with a round trip of
// 100 ms, as round trips and as seconds.
func TestBenchDetect(t *testing.T) {
	const trip = 100 * time.Millisecond
	far := lab.Delay(trip / 2)
	trips := func(d time.Duration) float64 { return float64(d) / float64(trip) }
	const slack = 1.0 // 100 ms

	l := lab.New(t, lab.Cloud("aws"), lab.MailExchangers(), lab.Relay("ses"), far)
	took, n := best(l, "--relay", "ses", "--region", "eu-west-1")
	figure(t, "detect --relay, all open: time", trips(took), 8+slack, "round trips")
	figure(t, "detect --relay, all open: connections", float64(n), 24, "")
	took, n = best(l)
	figure(t, "detect, all open: time", trips(took), 6+slack, "round trips")
	figure(t, "detect, all open: connections", float64(n), 14, "")
	start := starting(l)
	took, _ = best(l, "--no-probe")
	figure(t, "detect --no-probe, metadata: time*", trips(took-start), 4.2, "round trips")
	l.World.Block(25, lab.Dropped, lab.Both)
	took, _ = best(l)
	figure(t, "detect, port 25 dropped: time", took.Seconds(), 4, "s")

	// A provider that has no metadata service: there is nothing to wait for.
	local := lab.New(t, lab.Cloud("brightbox"), far)
	start = starting(local)
	took, _ = best(local, "--no-probe")
	figure(t, "detect --no-probe, local files: time*", float64((took-start).Microseconds())/1000, 20, "ms")
	plain := lab.New(t, lab.MailExchangers(), far)
	plain.World.DNS.Fail("", lab.DNSFault{Drop: true})
	took, _ = best(plain)
	figure(t, "detect, DNS dead: time", took.Seconds(), 5, "s")
	fmt.Printf("figure: * less %.0f ms, which starting the program in the lab takes\n", float64(start.Microseconds())/1000)
}

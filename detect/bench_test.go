//go:build lab

package detect_test

import (
	"fmt"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// figure is one line of `make bench`.
func figure(b testing.TB, name string, value, bound float64, unit string) {
	b.Helper()
	word := "ok"
	if value > bound {
		word = "miss"
	}
	fmt.Printf("%-44s %8.2f %-12s bound %6.2f  %s\n", name, value, unit, bound, word)
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

// BenchmarkDetect prints how long detection takes on a link with a round trip of
// 100 ms, as round trips and as seconds.
func BenchmarkDetect(b *testing.B) {
	const trip = 100 * time.Millisecond
	far := lab.Delay(trip / 2)
	trips := func(d time.Duration) float64 { return float64(d) / float64(trip) }
	const slack = 1.0 // 100 ms

	l := lab.New(b, lab.Cloud("aws"), lab.MailExchangers(), lab.Relay("ses"), far)
	took, n := best(l, "--relay", "ses", "--region", "eu-west-1")
	figure(b, "detect --relay, all open: time", trips(took), 8+slack, "round trips")
	figure(b, "detect --relay, all open: connections", float64(n), 24, "")
	took, n = best(l)
	figure(b, "detect, all open: time", trips(took), 6+slack, "round trips")
	figure(b, "detect, all open: connections", float64(n), 14, "")
	start := starting(l)
	took, _ = best(l, "--no-probe")
	figure(b, "detect --no-probe, metadata: time*", trips(took-start), 4.2, "round trips")
	l.World.Block(25, lab.Dropped, lab.Both)
	took, _ = best(l)
	figure(b, "detect, port 25 dropped: time", took.Seconds(), 4, "s")

	// A provider that has no metadata service: there is nothing to wait for.
	local := lab.New(b, lab.Cloud("brightbox"), far)
	start = starting(local)
	took, _ = best(local, "--no-probe")
	figure(b, "detect --no-probe, local files: time*", float64((took-start).Microseconds())/1000, 20, "ms")
	plain := lab.New(b, lab.MailExchangers(), far)
	plain.World.DNS.Fail("", lab.DNSFault{Drop: true})
	took, _ = best(plain)
	figure(b, "detect, DNS dead: time", took.Seconds(), 5, "s")
	fmt.Printf("* less %.0f ms, which starting the program in the lab takes\n", float64(start.Microseconds())/1000)
	b.ReportMetric(0, "ns/op")
}

//go:build lab

package detect_test

import (
	"fmt"
	"testing"
	"time"

	"relayhost/internal/lab"
)

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
	lab.AtMost(t, "detect_relay_round_trips", trips(took), 8+slack)
	lab.AtMost(t, "detect_relay_connections", float64(n), 24)
	took, n = best(l)
	lab.AtMost(t, "detect_open_round_trips", trips(took), 6+slack)
	lab.AtMost(t, "detect_open_connections", float64(n), 14)
	start := starting(l)
	took, _ = best(l, "--no-probe")
	lab.AtMost(t, "detect_metadata_round_trips", trips(took-start), 4.2)
	l.World.Block(25, lab.Dropped, lab.Both)
	took, _ = best(l)
	lab.AtMost(t, "detect_port_25_dropped_seconds", took.Seconds(), 4)

	// A provider that has no metadata service: there is nothing to wait for.
	local := lab.New(t, lab.Cloud("brightbox"), far)
	start = starting(local)
	took, _ = best(local, "--no-probe")
	lab.AtMost(t, "detect_local_files_milliseconds", float64((took-start).Microseconds())/1000, 20)
	plain := lab.New(t, lab.MailExchangers(), far)
	plain.World.DNS.Fail("", lab.DNSFault{Drop: true})
	took, _ = best(plain)
	lab.AtMost(t, "detect_dns_dead_seconds", took.Seconds(), 5)
	fmt.Printf("figure: detect_start_milliseconds %.0f (starting the program; not in the times of metadata and local files)\n", float64(start.Microseconds())/1000)
}

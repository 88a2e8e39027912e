package lab

import "math"

// Taker is who takes a figure: a test, which fails where the figure misses its bound.
type Taker interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// AtLeast tells a figure with its lower bound. One that is below fails, and so does one
// that is no number or without end: nothing was measured.
func AtLeast(t Taker, name string, value, bound float64) {
	t.Helper()
	figure(t, name, ">=", value, bound, value >= bound)
}

// AtMost tells a figure with its upper bound, as AtLeast does.
func AtMost(t Taker, name string, value, bound float64) {
	t.Helper()
	figure(t, name, "<=", value, bound, value <= bound)
}

// Documented are the figures of docs/performance.md, with their bounds.
var Documented = map[string]float64{
	"size_amd64_megabytes": 20, "size_arm64_megabytes": 20, "size_catalogue_megabytes": 1,
	"start_milliseconds": 15, "start_memory_megabytes": 20,
	"dry_run_milliseconds": 100,
	"setup_seconds":        3.5, "setup_over_its_round_trips_seconds": 1.5, "setup_unchanged_milliseconds": 1000,
	"verify_no_send_to_its_round_trips": 1.2, "verify_port_blocked_to_its_round_trips": 1.2,
	"detect_open_round_trips": 7, "detect_port_25_dropped_seconds": 4, "detect_dns_dead_seconds": 5,
	"dry_run_10000_routes_seconds": 1, "dry_run_10000_routes_to_1000": 12, "dry_run_10000_routes_megabytes": 100,
	"setup_10000_routes_to_postmap": 1.5, "setup_10001_routes_to_postmap": 1.5,
	"explain_megabytes_per_second": 100,
	"no_pipelining_ours_to_guide":  2.3, "two_relays_to_sum": 0.9,
	"token_20_to_password_20": 0.9, "walk_20_to_password_20": 0.9,
	"api_20_to_smtp_20": 4, "api_20_to_limit": 0.8, "api_100_to_smtp_20": 10,
	"bridge_memory_megabytes": 25,
}

func figure(t Taker, name, sign string, value, bound float64, met bool) {
	t.Helper()
	if documented, ok := Documented[name]; ok && documented != bound {
		t.Errorf("%s: got the bound %g, want %g, as docs/performance.md has it", name, bound, documented)
	}
	verdict := "ok"
	if !met || math.IsInf(value, 0) {
		verdict = "miss"
		t.Errorf("%s: got %.2f, want %s %g", name, value, sign, bound)
	}
	t.Logf("figure: %s %.2f %s %g %s", name, value, sign, bound, verdict)
}

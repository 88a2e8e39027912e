//go:build lab

package cmd_test

import (
	"slices"
	"testing"

	"relayhost/internal/lab"
)

// TestBenchDryRun is how long one waits to see what would change.
func TestBenchDryRun(t *testing.T) {
	l := lab.New(t, lab.Postfix())
	var ms []float64
	for range 9 {
		res := l.Run("relayhost", "setup", "--relay", "ses", "--region", "eu-west-1", "--from", "app@example.com", "--dry-run", "--port", "587", "--no-probe")
		if res.Code != 0 {
			t.Fatalf("want exit code 0, got %s", res)
		}
		ms = append(ms, res.Took.Seconds()*1000)
	}
	slices.Sort(ms)
	lab.AtMost(t, "dry_run_milliseconds", ms[len(ms)/2], 100)
	t.Logf("the median of %d, %.0f to %.0f", len(ms), ms[0], ms[len(ms)-1])
}

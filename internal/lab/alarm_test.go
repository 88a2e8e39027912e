package lab

import (
	"slices"
	"testing"
	"time"
)

// An alarm goes off when it is due and never before.
func TestAlarm(t *testing.T) {
	for name, a := range map[string]*alarm{"kernel": newAlarm(), "runtime": {}} {
		t.Run(name, func(t *testing.T) {
			var late []time.Duration
			for range 9 {
				due := time.Now().Add(5 * time.Millisecond)
				a.sleepUntil(due)
				late = append(late, time.Since(due))
			}
			a.sleepUntil(time.Now().Add(-time.Hour))
			a.close()
			slices.Sort(late)
			t.Logf("%v late", late)
			// The machine may do other things: only what is absurd fails.
			if late[0] < 0 || late[0] > 100*time.Millisecond {
				t.Errorf("got %v late, want the least from 0 to %s", late, 100*time.Millisecond)
			}
		})
	}
}

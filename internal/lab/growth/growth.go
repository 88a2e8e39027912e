// Package growth measures by how much the cost of something grows with its input. It is for
// tests, and counts processor time: what else the machine does is not in it.
package growth

import (
	"syscall"
	"testing"
	"time"
)

// Ratio is the processor time that once takes for many inputs to that for few, the least of
// three. Nothing else may run in the process meanwhile: it is for tests that are not
// parallel.
func Ratio(t *testing.T, few, many int, once func(n int)) float64 {
	t.Helper()
	measured := func(n int) time.Duration {
		before := used(t)
		once(n)
		return used(t) - before
	}
	short := min(measured(few), measured(few), measured(few))
	long := measured(many)
	t.Logf("%d: %s, %d: %s", few, short, many, long)
	return float64(long) / float64(max(short, time.Microsecond))
}

// used is the processor time of the process so far (getrusage(2)).
func used(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

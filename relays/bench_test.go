package relays

import (
	"sync"
	"testing"
	"time"
)

// BenchmarkCatalog makes and validates every relay from nothing. A program does the
// first alone: the tests hold what is built in to the rules. The fastest run counts:
// the others wait for whatever else the machine does.
func BenchmarkCatalog(b *testing.B) {
	const bound = 10 * time.Millisecond
	fastest, made := time.Hour, time.Hour
	for b.Loop() {
		patterns, wholes = sync.Map{}, sync.Map{}
		start := time.Now()
		list := readCatalog()
		made = min(made, time.Since(start))
		for _, r := range list {
			if inherited(r.Replies) { // the generic ones, below
				r.Replies = nil
			}
			if problems := validate(r); len(problems) > 0 {
				b.Fatalf("validate(%s): got %v, want no problem", r.ID, problems)
			}
		}
		c := &checker{sources: generic().Sources}
		if c.replies("replies", generic().Replies); len(c.problems) > 0 {
			b.Fatalf("generic replies: got %v, want no problem", c.problems)
		}
		fastest = min(fastest, time.Since(start))
	}
	verdict := "ok"
	if fastest > bound {
		verdict = "miss"
		b.Errorf("load and validate the relay catalogue: got %v, want %v at most", fastest, bound)
	}
	b.Logf("load and validate the relay catalogue, fastest of %d: %v (%v without validation), bound %v, %s", b.N, fastest.Round(10*time.Microsecond), made.Round(time.Microsecond), bound, verdict)
}

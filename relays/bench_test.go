package relays

import (
	"sync"
	"testing"
	"time"
)

// BenchmarkCatalog reads and validates every file from nothing, as the first
// call in a process does. The fastest run counts: the others wait for whatever
// else the machine does.
func BenchmarkCatalog(b *testing.B) {
	const bound = 10 * time.Millisecond
	fastest := time.Hour
	for b.Loop() {
		patterns, wholes = sync.Map{}, sync.Map{}
		start := time.Now()
		if _, err := readCatalog(); err != nil {
			b.Fatal(err)
		}
		fastest = min(fastest, time.Since(start))
	}
	verdict := "ok"
	if fastest > bound {
		verdict = "miss"
		b.Errorf("load and validate the relay catalogue: got %v, want %v at most", fastest, bound)
	}
	b.Logf("load and validate the relay catalogue, fastest of %d: %v, bound %v, %s", b.N, fastest.Round(10*time.Microsecond), bound, verdict)
}

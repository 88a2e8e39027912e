package relays

import (
	"sync"
	"testing"
	"time"
)

// BenchmarkCatalog reads and validates every file from nothing, as the first
// call in a process does.
func BenchmarkCatalog(b *testing.B) {
	for b.Loop() {
		patterns = sync.Map{}
		if _, err := readCatalog(); err != nil {
			b.Fatal(err)
		}
	}
	const bound = 5 * time.Millisecond
	each := b.Elapsed() / time.Duration(b.N)
	verdict := "ok"
	if each > bound {
		verdict = "miss"
	}
	b.Logf("load and validate the relay catalogue: %v, bound %v, %s", each.Round(10*time.Microsecond), bound, verdict)
}

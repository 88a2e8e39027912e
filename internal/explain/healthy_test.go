package explain

import (
	"os"
	"path/filepath"
	"testing"
)

// TestHealthy: a log without a fault gives no cause. Six at least have a thousand
// lines and more; those of the lab's four releases of Postfix are
// TestLabHealthyLog's.
func TestHealthy(t *testing.T) {
	paths, err := filepath.Glob("testdata/healthy/*.log*")
	if err != nil {
		t.Fatal(err)
	}
	long := 0
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var c Collector
			if err := c.Read(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			for _, g := range c.Groups() {
				if !g.Past {
					t.Errorf("got cause %q, %d times, %s, want none but past ones", g.Cause.ID, g.Count, g.Example)
				}
			}
			if c.Lines >= 1000 {
				long++
			}
			if c.Lines < 300 || c.Understood < c.Lines*95/100 {
				t.Errorf("%d lines, of which %d were understood, want at least 300 and at least %d", c.Lines, c.Understood, c.Lines*95/100)
			}
		})
	}
	if long < 6 {
		t.Errorf("%d logs of a thousand lines, want 6", long)
	}
}

package explain

import (
	"os"
	"path/filepath"
	"testing"
)

// TestHealthy: a log without a fault gives no cause.
func TestHealthy(t *testing.T) {
	paths, err := filepath.Glob("testdata/healthy/*.log")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d logs, %v", len(paths), err)
	}
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
					t.Errorf("%q, %d times: %s", g.Cause.ID, g.Count, g.Example)
				}
			}
			if c.Lines < 300 || c.Understood < c.Lines*95/100 {
				t.Errorf("%d lines, of which %d were understood", c.Lines, c.Understood)
			}
		})
	}
}

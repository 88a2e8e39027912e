package cmd_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPerformanceDocument: each figure that the document names is one that a bench
// takes.
func TestPerformanceDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	benches, err := filepath.Glob("../*/*_bench_test.go")
	inner, err2 := filepath.Glob("../internal/*/*_bench_test.go")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range append(benches, inner...) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(source)
	}
	names := regexp.MustCompile("`([a-z]+(?:_[a-z0-9]+)+)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 6 {
		t.Errorf("got %d figures, want at least 6", len(names))
	}
	for _, name := range names {
		// The size is taken of each architecture by one line.
		name := regexp.MustCompile(`_(amd64|arm64)_megabytes$`).ReplaceAllString(name[1], "_")
		if !strings.Contains(all.String(), `"`+name) && !strings.Contains(all.String(), "figure: "+name) {
			t.Errorf("no bench takes %s, want one", name)
		}
	}
}

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// program is a relayhost, built where the suite has built none (.ci/suite).
func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("RELAYHOST_LAB_BINARY"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "relayhost")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./relayhost")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: want no error, got %v\n%s", err, out)
	}
	return path
}

// TestSpeaksHTTP2: nothing that builds the program leaves HTTP/2 out, which APIs offer.
func TestSpeaksHTTP2(t *testing.T) {
	for _, path := range []string{"../Makefile", "../.ci/package", "../.ci/suite/main.go", "../internal/lab/binary.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "nethttpomithttp2") {
			t.Errorf("%s: got the tag nethttpomithttp2, want none", path)
		}
	}
}

// TestMakefileTargets: each target has one recipe. Of two make takes the second, with no
// more than a warning: a suite would not run.
func TestMakefileTargets(t *testing.T) {
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):([^=]|$)`).FindAllStringSubmatch(string(text), -1) {
		if seen[m[1]] {
			t.Errorf("got two rules for %s, want one", m[1])
		}
		seen[m[1]] = true
	}
	if !seen["test"] || !seen["suites"] {
		t.Errorf("got the targets %v, want test and suites among them", seen)
	}
}

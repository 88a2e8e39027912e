// Command suite runs one test suite with `go test -json`, prints what failed
// and a count, and fails when a test failed or was skipped, or when none ran.
//
//	go run ./.ci/suite NAME go-test-arguments...
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: suite NAME go-test-arguments...")
		os.Exit(64)
	}
	name := os.Args[1]
	done, err := program(os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[2:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
	t := count(out)
	err = cmd.Wait()
	done()
	t.printSlowest()
	fmt.Printf("%s: %d passed, %d failed, %d skipped\n", name, t.passed, t.failed, t.skipped)
	switch {
	case err != nil || t.failed > 0:
		os.Exit(1)
	case t.skipped > 0:
		fmt.Fprintln(os.Stderr, "suite: no test may be skipped")
		os.Exit(1)
	case t.passed == 0:
		fmt.Fprintf(os.Stderr, "suite: no test of %s ran\n", name)
		os.Exit(1)
	}
}

// binaryEnv names a relayhost for the servers of lab tests: each test program would link
// its own (internal/lab).
const binaryEnv = "RELAYHOST_LAB_BINARY"

// program builds relayhost, as it is shipped, for a suite with lab tests. done removes it.
func program(args []string) (done func(), err error) {
	if os.Getenv(binaryEnv) != "" || !slices.Contains(args, "lab") {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "relayhost-suite-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "relayhost")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -funcalign=16", "-o", path, "./cmd/relayhost")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the program for servers: %w", err), os.RemoveAll(dir))
	}
	return func() { _ = os.RemoveAll(dir) }, os.Setenv(binaryEnv, path)
}

// tally is what the events come to.
type tally struct {
	passed, failed, skipped int
	took                    []event // tests that are no subtests, and packages
}

// slow is what is worth naming, in seconds.
const slow = 20

// printSlowest names what keeps a run long.
func (t tally) printSlowest() {
	slices.SortFunc(t.took, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for _, e := range t.took[:min(len(t.took), 20)] {
		if e.Elapsed >= slow {
			fmt.Printf("slow: %4.0f s %s %s\n", e.Elapsed, e.Package, e.Test)
		}
	}
}

// count reads the events and prints the output of what failed, and lines of
// tests that begin with "figure:" whatever the result.
func count(r io.Reader) (t tally) {
	outputs := map[string][]string{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // a compiler's own words
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			outputs[key] = append(outputs[key], e.Output)
			if i := strings.Index(e.Output, "figure:"); i >= 0 {
				fmt.Print(e.Output[i:])
			} else if e.Action == "build-output" {
				fmt.Print(e.Output)
			}
		case "pass", "fail", "skip":
			if e.Action == "fail" || e.Action == "skip" && e.Test != "" {
				fmt.Printf("--- %s: %s (%.1fs)\n%s", strings.ToUpper(e.Action), key, e.Elapsed, strings.Join(outputs[key], ""))
			}
			delete(outputs, key)
			if !strings.Contains(e.Test, "/") {
				t.took = append(t.took, e)
			}
			switch {
			case e.Test == "" && e.Action == "fail":
				t.failed++ // a package that does not build, or panicked
			case e.Test == "":
			case e.Action == "pass":
				t.passed++
			case e.Action == "fail":
				t.failed++
			default:
				t.skipped++
			}
		}
	}
	return t
}

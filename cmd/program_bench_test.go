//go:build lab

package cmd_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestBenchProgram prints the size of the program as it is shipped, how long it
// takes to start, and the memory that it takes for that.
func TestBenchProgram(t *testing.T) {
	dir := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		info, err := os.Stat(buildShipped(t, dir, arch))
		if err != nil {
			t.Fatal(err)
		}
		lab.AtMost(t, "size_"+arch+"_megabytes", float64(info.Size())/1e6, 20)
	}
	lab.AtMost(t, "size_catalogue_megabytes", float64(catalogueSize(t, t.TempDir()))/1e6, 1)
	program := filepath.Join(dir, "relayhost-"+runtime.GOARCH)
	// The fastest counts: the others wait for whatever else the machine does.
	fastest := time.Hour
	for range 20 {
		start := time.Now()
		if out, err := exec.CommandContext(t.Context(), program, "version").CombinedOutput(); err != nil {
			t.Fatalf("want no error, got %v\n%s", err, out)
		}
		fastest = min(fastest, time.Since(start))
	}
	lab.AtMost(t, "start_milliseconds", float64(fastest.Microseconds())/1000, 15)
	lab.AtMost(t, "start_memory_megabytes", float64(peakMemory(t, program, "version"))/1e6, 20)
}

// catalogueSize is by how many bytes the relays of the catalogue make the program
// larger.
func catalogueSize(t *testing.T, dir string) int64 {
	t.Helper()
	file, err := filepath.Abs("../relays/builtin.go")
	if err != nil {
		t.Fatal(err)
	}
	empty, overlay := filepath.Join(dir, "empty.go"), filepath.Join(dir, "overlay.json")
	for path, text := range map[string]string{
		empty:   "package relays\n\nfunc builtIn() []Relay { return nil }\n\nfunc builtInReplies() replyFile { return replyFile{} }\n",
		overlay: fmt.Sprintf(`{"Replace": {%q: %q}}`, file, empty),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int64
	for _, args := range [][]string{nil, {"-overlay", overlay}} {
		info, err := os.Stat(buildShipped(t, dir, runtime.GOARCH, args...))
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	return sizes[0] - sizes[1]
}

func buildShipped(t *testing.T, dir, arch string, more ...string) string {
	t.Helper()
	path := filepath.Join(dir, "relayhost-"+arch)
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w -funcalign=16", "-o", path}, more...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "relayhost/cmd/relayhost")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build for %s: want no error, got %v\n%s", arch, err, out)
	}
	return path
}

// peakMemory is the most memory that a command has had resident when it prints
// its answer, in bytes: it is stopped there by a pipe that is full. (ru_maxrss
// would count the memory of the process that started it.)
func peakMemory(t *testing.T, args ...string) int64 {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fill(t, w)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	waiting := regexp.MustCompile(`State:\tS`)
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	var kB int64
	for last := 0; last < 20; time.Sleep(5 * time.Millisecond) { // 100 ms of waiting
		text, err := os.ReadFile(status)
		if err != nil {
			t.Fatal(err)
		}
		if !waiting.Match(text) {
			continue
		}
		last++
		if m := peak.FindSubmatch(text); m != nil {
			kB, _ = strconv.ParseInt(string(m[1]), 10, 64)
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return kB * 1024
}

// fill writes until nothing more goes into the pipe.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); err != nil {
			break
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

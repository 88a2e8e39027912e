package cmd

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
)

// figure prints one line of `make bench`.
func figure(name string, value, bound float64, unit string) {
	verdict := "ok"
	if value > bound {
		verdict = "miss"
	}
	fmt.Printf("%-44s %8.2f %-12s bound %6.2f  %s\n", name, value, unit, bound, verdict)
}

// BenchmarkProgram prints the size of the program as it is shipped, how long it
// takes to start, and the memory that it takes for that.
func BenchmarkProgram(b *testing.B) {
	dir := b.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		info, err := os.Stat(buildShipped(b, dir, arch))
		if err != nil {
			b.Fatal(err)
		}
		figure("size, "+arch, float64(info.Size())/1e6, 15, "MB")
	}
	program := filepath.Join(dir, "relayhost-"+runtime.GOARCH)
	// The fastest counts: the others wait for whatever else the machine does.
	fastest := time.Hour
	for range 20 {
		start := time.Now()
		if out, err := exec.CommandContext(b.Context(), program, "version").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		fastest = min(fastest, time.Since(start))
	}
	figure("start, relayhost version", float64(fastest.Microseconds())/1000, 15, "ms")
	figure("memory, relayhost version", float64(peakMemory(b, program, "version"))/1e6, 20, "MB")
	b.ReportMetric(0, "ns/op")
}

func buildShipped(b *testing.B, dir, arch string) string {
	b.Helper()
	path := filepath.Join(dir, "relayhost-"+arch)
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "relayhost/cmd/relayhost")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("go build for %s: %v\n%s", arch, err, out)
	}
	return path
}

// peakMemory is the most memory that a command has had resident when it prints
// its answer, in bytes: it is stopped there by a pipe that is full. (ru_maxrss
// would count the memory of the process that started it.)
func peakMemory(b *testing.B, args ...string) int64 {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	fill(b, w)
	cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	_ = w.Close()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	waiting := regexp.MustCompile(`State:\tS`)
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	var kB int64
	for last := 0; last < 20; time.Sleep(5 * time.Millisecond) { // 100 ms of waiting
		text, err := os.ReadFile(status)
		if err != nil {
			b.Fatal(err)
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
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return kB * 1024
}

// fill writes until nothing more goes into the pipe.
func fill(b *testing.B, w *os.File) {
	b.Helper()
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		b.Fatal(err)
	}
	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); err != nil {
			break
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		b.Fatal(err)
	}
}

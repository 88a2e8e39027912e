//go:build lab

package lab_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// remains lists what a lab could leave on the machine: processes of its
// namespaces, mounts, links, control groups.
func remains(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, kind := range []string{"net", "mnt", "pid"} {
		links, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if ns, err := os.Readlink(l); err == nil {
				found["namespace "+ns] = true
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(mounts), "\n") {
		if _, what, ok := strings.Cut(l, "/"); ok {
			found["mount "+what] = true
		}
	}
	links, err := exec.Command("ip", "-o", "link").Output()
	if err != nil {
		t.Fatal(err)
	}
	found["links "+string(links)] = true
	groups, err := filepath.Glob("/sys/fs/cgroup/unified/relayhost-lab-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		found["group "+g] = true
	}
	return found
}

// since lists what there is now and was not before.
func since(t *testing.T, before map[string]bool) []string {
	t.Helper()
	var more []string
	for what := range remains(t) {
		if !before[what] {
			more = append(more, what)
		}
	}
	return more
}

func TestNothingIsLeft(t *testing.T) {
	before := remains(t)
	pids := make(chan int, 10)
	t.Run("labs", func(t *testing.T) {
		for _, o := range [][]lab.Option{{lab.Postfix()}, {lab.Systemd(), lab.Postfix()}, {lab.NoPostfix()}} {
			l := lab.New(t, o...)
			pids <- l.Server.Pid()
			pids <- l.Server.Start("sleep", "1000").Pid
			l.Run("sh", "-c", "setsid sleep 1000 &")
		}
		if len(since(t, before)) == 0 {
			t.Error("this test cannot see a lab")
		}
	})
	close(pids)
	for pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	var left []string
	for range 50 { // the kernel takes namespaces away a little later
		if left = since(t, before); len(left) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
}

// crash is what the test below runs as a process of its own.
const crash = "RELAYHOST_LAB_TEST_CRASH"

// TestCrashes kills a test process, lets one panic, and lets one fail.
func TestCrashes(t *testing.T) {
	if how := os.Getenv(crash); how != "" {
		l := lab.New(t)
		fmt.Printf("pid %d\n", l.Server.Pid())
		switch how {
		case "panic":
			panic("as asked")
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		t.FailNow()
	}
	for _, how := range []string{"panic", "kill", "fail"} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestCrashes$")
		cmd.Env = append(os.Environ(), crash+"="+how)
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("%s: no error", how)
		}
		var pid int
		for _, l := range strings.Split(string(out), "\n") {
			_, _ = fmt.Sscanf(l, "pid %d", &pid)
		}
		if pid == 0 {
			t.Fatalf("%s: no lab:\n%s", how, out)
		}
		for end := time.Now().Add(5 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: PID 1 lives on", how)
			}
		}
	}
}

// TestSideBySide runs labs at once that use the same addresses.
func TestSideBySide(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			l := lab.New(t, lab.Postfix())
			banner := fmt.Sprintf("220 lab %d\r\n", i)
			greet(t, l.World, mx4, banner)
			if _, said, err := try(l.Server, mx4); err != nil || said != banner {
				t.Errorf("lab %d: %q, %v", i, said, err)
			}
			deliver(t, l.Server)
		})
	}
	wg.Wait()
}

// BenchmarkNew is the time to a running server.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		lab.New(b)
	}
}

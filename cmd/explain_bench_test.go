//go:build lab

package cmd_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// mailDay writes n messages as a mail log has them; every fifth fails, each in
// words of its own.
func mailDay(w io.Writer, n int) {
	for i := range n {
		at := fmt.Sprintf("Nov 21 %02d:%02d:%02d host", i/36000%24, i/600%60, i/10%60)
		id := fmt.Sprintf("%X", 0xA0000000+i)
		fmt.Fprintf(w, "%s postfix/pickup[11]: %s: uid=0 from=<root>\n", at, id)
		fmt.Fprintf(w, "%s postfix/cleanup[12]: %s: message-id=<%d.abc@host.example.com>\n", at, id, i)
		fmt.Fprintf(w, "%s postfix/qmgr[13]: %s: from=<root@host.example.com>, size=4321, nrcpt=1 (queue active)\n", at, id)
		to := fmt.Sprintf("%s postfix/relayhost-ses/smtp[14]: %s: to=<user%d@example.net>, relay=email-smtp.eu-west-1.amazonaws.com[192.0.2.1]:587, delay=0.3, delays=0.02/0.01/0.2/0.07, ", at, id, i)
		switch i % 10 {
		case 3:
			fmt.Fprint(w, to+"dsn=4.7.8, status=deferred (SASL authentication failed; server email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 535 Authentication Credentials Invalid)\n")
		case 7:
			fmt.Fprintf(w, "%sdsn=5.0.0, status=bounced (host email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: user%d@example.com (in reply to end of DATA command))\n", to, i)
		default:
			fmt.Fprint(w, to+"dsn=2.0.0, status=sent (250 Ok 0102018f2c3d4e5f-1a2b3c4d-000000)\n")
		}
		fmt.Fprintf(w, "%s postfix/qmgr[13]: %s: removed\n", at, id)
	}
}

// TestBenchExplain fails when explain is too slow or takes too much memory. It prints how fast explain reads a large log, and a compressed
// one, and the memory that it takes for that.
func TestBenchExplain(t *testing.T) {
	dir := t.TempDir()
	buildShipped(t, dir, runtime.GOARCH)
	program := filepath.Join(dir, "relayhost-"+runtime.GOARCH)
	const messages = 600_000
	var size int64
	for _, name := range []string{"plain", "gzip"} {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		var w io.WriteCloser = f
		if name == "gzip" {
			w, _ = gzip.NewWriterLevel(f, gzip.BestSpeed)
		}
		b := bufio.NewWriterSize(w, 1<<20)
		mailDay(b, messages)
		if err := b.Flush(); err != nil {
			t.Fatal(err)
		}
		if name == "gzip" {
			_ = w.Close()
		}
		_ = f.Close()
		if info, err := os.Stat(path); err == nil && name == "plain" {
			size = info.Size()
		}
		fastest, memory := time.Hour, 0.0
		for range 3 {
			took, peak := explainFile(t, program, path, messages/5)
			fastest, memory = min(fastest, took), max(memory, peak)
		}
		rate := float64(size) / 1e6 / fastest.Seconds()
		if name == "plain" {
			fmt.Printf("figure: explain_log_megabytes %d\n", size/1e6)
			lab.AtLeast(t, "explain_megabytes_per_second", rate, 100)
		} else {
			fmt.Printf("figure: explain_gzip_megabytes_per_second %.0f (unpacked)\n", rate)
		}
		lab.AtMost(t, "explain_"+name+"_memory_megabytes", memory, 64)
	}
}

// explainFile has a log explained, which holds so many problems.
func explainFile(t *testing.T, program, path string, problems int) (processor time.Duration, megabytes float64) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "explain", "--json")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	for {
		select {
		case err := <-done:
			var doc struct{ Groups []struct{ Count int } }
			if err == nil {
				err = json.Unmarshal(out.Bytes(), &doc)
			}
			for _, g := range doc.Groups {
				problems -= g.Count
			}
			if err != nil || problems != 0 {
				t.Fatalf("got %v, %d problems are left out, want 0\n%.2000s", err, problems, out.String())
			}
			// The time of the processor: what else the machine does takes none of it.
			return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), megabytes
		case <-time.After(2 * time.Millisecond):
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)) // gone when it has ended
			if m := peak.FindSubmatch(text); m != nil {
				kB, _ := strconv.ParseFloat(string(m[1]), 64)
				megabytes = kB * 1024 / 1e6
			}
		}
	}
}

package setup

import (
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/smtpd"
)

// The limit grows with the file, is none where there is no file, and another one stays.
func TestLimitMemory(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	for _, tt := range []struct {
		name         string
		size         int // of relayhost.toml; -1 for none
		before, want int64
	}{
		{"no file", -1, math.MaxInt64, math.MaxInt64},
		{"one relay", 200, math.MaxInt64, 64 << 20},
		{"ten thousand routes", 1_200_000, math.MaxInt64, 16<<20 + 60_000_000},
		{"GOMEMLIMIT", 1_200_000, 1 << 30, 1 << 30},
	} {
		root := t.TempDir()
		if tt.size >= 0 {
			path := filepath.Join(root, config.Path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, make([]byte, tt.size), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		debug.SetMemoryLimit(tt.before)
		LimitMemory(&host.Reader{Root: root})
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("%s: got a limit of %d bytes, want %d", tt.name, got, tt.want)
		}
	}
}

// facts counts what it is told, and keeps the notes.
type facts struct {
	heard
	found int
	notes []string
}

func (f *facts) Found(detect.Facts)               { f.found++ }
func (f *facts) Unproven(format string, _ ...any) { f.notes = append(f.notes, format) }

// TestLook: the ports are there while port 25 is silent, and what is known in the end is
// told once, with a note where no relay is needed.
func TestLook(t *testing.T) {
	ports := []detect.Submission{{Host: "smtp.example.net", Port: 587, Result: string(detect.Open)}}
	begun := func() *Look {
		l := &Look{tried: make(chan []detect.Submission, 1), done: make(chan struct{})}
		l.tried <- ports
		return l
	}
	open := detect.Facts{Port25: detect.Port25{Verdict: detect.Open}, Submission: ports}
	for _, tt := range []struct {
		name  string
		look  func() *Look
		found int
		note  bool
	}{
		{"port 25 is silent", begun, 0, false},
		{"port 25 is closed", func() *Look { l := begun(); l.facts.Submission = ports; close(l.done); return l }, 1, false},
		{"port 25 is open", func() *Look { l := begun(); l.facts = open; close(l.done); return l }, 1, true},
		{"nothing could be found out", func() *Look {
			l := begun()
			l.facts.Submission, l.err = ports, errors.New("no")
			close(l.done)
			return l
		}, 0, false},
		{"nothing is looked at", func() *Look { return nil }, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, said := tt.look(), &facts{}
			if got := l.Ports(); l != nil && (len(got.Submission) != 1 || got.Port25.Verdict == detect.Open) {
				t.Errorf("got %+v, want the port alone", got)
			}
			l.Tell(said)
			l.Tell(said)
			if said.found != tt.found || strings.Contains(strings.Join(said.notes, ""), "port 25 is open") != tt.note {
				t.Errorf("got %d times, notes %q; want %d, note %v", said.found, said.notes, tt.found, tt.note)
			}
		})
	}
	l, said := begun(), &facts{}
	l.facts = open
	close(l.done)
	if got, err := l.Whole(said); err != nil || got.Port25.Verdict != detect.Open || said.found != 1 || len(said.notes) != 0 {
		t.Errorf("waited for: got %+v, %v, %d times, notes %q; want all of it, once, and the plan's note", got, err, said.found, said.notes)
	}
}

// A CA file that holds no PEM is refused for what it is.
func TestRoots(t *testing.T) {
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(ca.PEM())
	for _, tt := range []struct {
		name string
		file []byte
		want string // "" for none
	}{
		{"PEM", ca.PEM(), ""},
		{"DER", block.Bytes, "/root/ca.cer is in DER form, and Postfix reads PEM: convert it with openssl x509"},
		{"neither", []byte("a note"), "/root/ca.cer holds no certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, "root"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "root/ca.cer"), tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Roots(&host.Reader{Root: root}, "/root/ca.cer")
			if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

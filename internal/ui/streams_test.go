package ui

import (
	"os"
	"testing"
)

// TestSystemColor: colour on a terminal only, and not where somebody has said no.
func TestSystemColor(t *testing.T) {
	p := sit(t, 80, false)
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	for _, tt := range []struct {
		name          string
		out, err      *os.File
		noColor, term string
		flag, want    bool
	}{
		{"terminal", p.slave, p.slave, "", "xterm", false, true},
		{"--no-color", p.slave, p.slave, "", "xterm", true, false},
		{"NO_COLOR", p.slave, p.slave, "1", "xterm", false, false},
		{"TERM=dumb", p.slave, p.slave, "", "dumb", false, false},
		{"answer into a file", file, p.slave, "", "xterm", false, false},
		{"conversation into a file", p.slave, file, "", "xterm", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tt.noColor)
			t.Setenv("TERM", tt.term)
			os.Stdout, os.Stderr = tt.out, tt.err
			s := System(tt.flag)
			os.Stdout, os.Stderr = stdout, stderr
			if s.Color != tt.want {
				t.Errorf("got colour %v, want %v", s.Color, tt.want)
			}
			if got := s.Colored("fail"); (got != "fail") != tt.want {
				t.Errorf("Colored(%q): got %q, want it coloured: %v", "fail", got, tt.want)
			}
		})
	}
}

package cmd_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestExplainAnswer runs the program: an answer has its parts in one order, and a
// text of which nothing is known ends with 5 and a report in which names are masked.
func TestExplainAnswer(t *testing.T) {
	program := program(t)
	for _, tt := range []struct {
		name, text string
		parts      []string // in this order
		not        string
		code       int
	}{
		{"a known line", "postfix/smtp[9]: warning: SASL authentication failure: No worthy mechs found",
			[]string{"(sasl_", "  run: ", "  do: ", "  why: ", "  mail: ", "  line: "}, "", 0},
		{"a line that nothing is known of", "postfix/smtp[9]: 4F1D12C: to=<jane@example.net>, relay=mx.example.net[192.0.2.7]:25, delay=1, delays=0/0/0/1, dsn=5.0.0, status=bounced (host mx.example.net[192.0.2.7] said: 599 Qx9zq (in reply to end of DATA command))",
			[]string{"unknown: ", "three lines before", "--relay", "Qx9zq"}, "jane@example.net", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := exec.Command(program, "explain", "--no-host", tt.text)
			var out bytes.Buffer
			c.Stdout, c.Env = &out, append(os.Environ(), "LC_ALL=C")
			_ = c.Run() // the code is looked at below
			if got := c.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d\n%s", got, tt.code, out.Bytes())
			}
			at := 0
			for _, part := range tt.parts {
				i := strings.Index(out.String()[at:], part)
				if i < 0 {
					t.Fatalf("no %q after byte %d, want the parts %q in this order\n%s", part, at, tt.parts, out.Bytes())
				}
				at += i
			}
			_, report, _ := strings.Cut(out.String(), "masked:")
			if tt.not != "" && strings.Contains(report, tt.not) {
				t.Errorf("want no %q in the report\n%s", tt.not, report)
			}
		})
	}
}

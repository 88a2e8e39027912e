package ui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestStepOnTerminal: a step's line lives, ends with its time, and what is
// said meanwhile stands above it.
func TestStepOnTerminal(t *testing.T) {
	for _, cols := range []int{80, 30} {
		t.Run(fmt.Sprintf("%d columns", cols), func(t *testing.T) {
			p := sit(t, cols, false)
			s := p.streams()
			s.Live = true
			s.Step("asking the metadata service of Amazon EC2")
			s.Part("the first half")
			s.Say("a remark")
			time.Sleep(300 * time.Millisecond)
			s.Step("second")
			s.Done()
			s.Done()
			s.Say("the end")
			p.sees("the end")
			text := p.screen.String()
			if strings.ContainsAny(text, `\|`) || strings.Count(text, "asking") != 1 || strings.Count(text, " s)") != 1 || strings.Contains(text, "half") {
				t.Errorf("at %d columns: got\n%s\nwant no %q in it", cols, text, "half")
			}
			if w := p.screen.Wrapped(); w != 0 {
				t.Errorf("a line was %d columns wide on %d, want 0:\n%s", w, cols, text)
			}
		})
	}
}

func TestStepElsewhere(t *testing.T) {
	var out bytes.Buffer
	s := &Streams{Err: &out, Live: true}
	s.Step("first")
	s.Part("of it")
	s.Step("second %d", 2)
	s.Done()
	if got := out.String(); got != "first\nof it\nsecond 2\n" {
		t.Errorf("got %q, want %q", got, "first\nof it\nsecond 2\n")
	}
}

func TestReply(t *testing.T) {
	s := &Streams{Color: true}
	for line, color := range map[string]string{"250 ok": "32", "451 later": "33", "535 no": "31", "354 go": "", "": "", "EHLO": ""} {
		t.Run(fmt.Sprintf("%q", line), func(t *testing.T) {
			got := s.Reply(line)
			if want := "\x1b[" + color + "m" + line + "\x1b[0m"; color != "" && got != want || color == "" && got != line {
				t.Errorf("%q is shown as %q, want %q", line, got, want)
			}
		})
	}
	if got := (&Streams{}).Reply("535 no"); got != "535 no" {
		t.Errorf("got %q without colour, want %q", got, "535 no")
	}
}

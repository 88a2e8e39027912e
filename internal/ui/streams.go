package ui

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Streams are the three streams of a command and what they are connected to.
type Streams struct {
	In    io.Reader
	Out   io.Writer // the answer
	Err   io.Writer // the conversation
	Color bool      // escape codes may be written to Err and Out
}

// System returns the process's own streams. Colour needs terminals at both
// ends of what is written and no NO_COLOR (https://no-color.org).
func System(noColor bool) *Streams {
	color := !noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" &&
		IsTerminal(os.Stdout) && IsTerminal(os.Stderr)
	return &Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Color: color}
}

// CanAsk reports whether somebody can answer: the questions' stream and the
// answers' stream are both terminals. survey itself would read from a pipe.
func (s *Streams) CanAsk() bool { return IsTerminal(s.In) && IsTerminal(s.Err) }

// Width is the width of the terminal in columns, 80 where there is none.
func (s *Streams) Width() int {
	if f, ok := s.Out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// Say writes one line of conversation.
func (s *Streams) Say(format string, args ...any) { fmt.Fprintf(s.Err, format+"\n", args...) }

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// escape codes of the colours that results are shown in (ECMA-48, SGR).
var resultColors = map[string]string{"pass": "\x1b[32m", "warn": "\x1b[33m", "fail": "\x1b[31m"}

// Colored shows a word that is a result in its colour, where colours may be
// written. The word itself says it all, too.
func (s *Streams) Colored(word string) string {
	if code, ok := resultColors[word]; ok && s.Color {
		return code + word + "\x1b[0m"
	}
	return word
}

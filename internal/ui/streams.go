package ui

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Streams are the three streams of a command and what they are connected to.
type Streams struct {
	In    io.Reader
	Out   io.Writer // the answer
	Err   io.Writer // the conversation
	Color bool      // escape codes may be written to Err and Out
	Live  bool      // lines of progress may be written over

	progress progress
}

// System returns the process's own streams. Colour needs terminals at both
// ends of what is written and no NO_COLOR (https://no-color.org).
func System(noColor bool) *Streams {
	color := !noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" &&
		IsTerminal(os.Stdout) && IsTerminal(os.Stderr)
	return &Streams{In: os.Stdin, Out: &output{file: os.Stdout}, Err: os.Stderr, Color: color, Live: os.Getenv("TERM") != "dumb"}
}

// CanAsk reports whether somebody can answer: the questions' stream and the
// answers' stream are both terminals. survey itself would read from a pipe.
func (s *Streams) CanAsk() bool { return IsTerminal(s.In) && IsTerminal(s.Err) }

// widest is where text is wrapped at the latest: longer lines are hard to read.
const widest = 80

// Width is the width of the terminal in columns, 80 where there is none or a
// wider one.
func (s *Streams) Width() int {
	for _, w := range []io.Writer{s.Err, s.Out} {
		if f, ok := w.(descriptor); ok {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
				return min(w, widest)
			}
		}
	}
	return widest
}

// Say writes one line of conversation as it is.
func (s *Streams) Say(format string, args ...any) { s.say(fmt.Sprintf(format, args...)) }

// Tell writes text of the conversation, wrapped to the terminal where there is
// one. What begins with first goes on under it.
func (s *Streams) Tell(first, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if IsTerminal(s.Err) {
		s.say(Wrap(text, first, hanging(first, s.Width()), s.Width()))
		return
	}
	s.say(first + text)
}

// hanging is the indent of the lines under first: the width of first, unless
// that would leave less than two thirds of a narrow terminal to the text.
func hanging(first string, width int) string {
	n := utf8.RuneCountInString(first)
	if n > width/3 {
		n = 2
	}
	return strings.Repeat(" ", n)
}

// descriptor is a stream that may be a terminal.
type descriptor interface{ Fd() uintptr }

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(descriptor)
	return ok && term.IsTerminal(int(f.Fd()))
}

// escape codes of the colours that results are shown in (ECMA-48, SGR).
var resultColors = map[string]string{"pass": "\x1b[32m", "warn": "\x1b[33m", "fail": "\x1b[31m"}

// paint gives text a colour (SGR), where colours may be written.
func (s *Streams) paint(sgr, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// Reply shows a line of an SMTP dialogue in the colour of its reply code: 2yz
// green, 4yz yellow, 5yz red (RFC 5321 section 4.2.1).
func (s *Streams) Reply(line string) string {
	colors := map[byte]string{'2': "32", '4': "33", '5': "31"}
	if len(line) < 3 || colors[line[0]] == "" {
		return line
	}
	return s.paint(colors[line[0]], line)
}

// Colored shows a word that is a result in its colour, where colours may be
// written. The word itself says it all, too.
func (s *Streams) Colored(word string) string {
	if code, ok := resultColors[word]; ok && s.Color {
		return code + word + "\x1b[0m"
	}
	return word
}

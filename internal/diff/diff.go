// Package diff shows a plan as unified differences, with secrets masked in old
// and new. It reads no files: a Plan carries what it found.
package diff

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
)

// context is the number of unchanged lines around a change.
const context = 3

// File returns the unified difference of f with paths as on the host, or "" when
// nothing changes. Values of secret files are masked in old and new alike;
// control characters are shown as escapes.
func File(f plan.File) string {
	if f.Action == plan.Unchanged {
		return ""
	}
	if f.Recompile {
		return fmt.Sprintf("--- %s\n+++ %s\nstays as it is\n", f.Path, f.Path)
	}
	if bytes.Equal(f.Before, f.After) && f.Before != nil {
		return fmt.Sprintf("--- %s\n+++ %s\nmode becomes %04o\n", f.Path, f.Path, f.Mode)
	}
	old := f.Path
	if f.Before == nil {
		old = "/dev/null"
	}
	new := f.Path
	if f.Action == plan.Remove {
		new = "/dev/null"
	}
	show := shown
	if isConfig(f) {
		show = config(f)
	}
	if f.Secret {
		show = masked
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", old, new)
	for _, h := range hunks(lines(f.Before), lines(f.After)) {
		h.write(&b, show)
	}
	return b.String()
}

// Style is how Plan shows the differences.
type Style struct {
	Color bool // with ANSI colours
	// Brief shows the beginning only of a long file that is new as a whole: who
	// is asked about a change must find main.cf on the screen.
	Brief bool
}

// Plan returns everything that p would do: the differences, the maps that are
// compiled, and the commands that run after.
func Plan(p plan.Plan, style Style) string {
	var b strings.Builder
	for _, f := range p.Files {
		text := File(f)
		if text == "" {
			continue
		}
		if style.Brief && f.Before == nil && !isConfig(f) {
			text = beginning(text)
		}
		if style.Color {
			text = colored(text)
		}
		b.WriteString(text)
		if f.Map != "" {
			t := postfix.Table{Type: f.Map, Path: f.Path}
			if f.Action == plan.Remove {
				fmt.Fprintf(&b, "%s is removed\n", t.Index())
			} else {
				fmt.Fprintf(&b, "compile %s, mode %04o\n", t.Index(), f.Mode)
			}
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "unchanged\n"
	}
	b.WriteString("Commands:\n")
	for _, c := range p.Commands {
		b.WriteString("  " + strings.Join(c.Args, " ") + "\n")
	}
	return b.String()
}

// isConfig reports whether f is one of the two files in which every line counts.
func isConfig(f plan.File) bool {
	base := filepath.Base(f.Path)
	return base == "main.cf" || base == "master.cf"
}

// long is the number of lines of a difference that Brief shows whole, and head
// what it shows of a longer one, its three lines of header included.
const (
	long = 16
	head = 5
)

// beginning shortens the difference of a new file.
func beginning(text string) string {
	list := lines([]byte(text))
	if len(list) <= long {
		return text
	}
	return strings.Join(list[:head], "") + "... and " + plural.Of(len(list)-head, "more line") + " (--verbose shows them)\n"
}

// lines splits text after each line end; a missing one at the end of the file
// makes its last line differ, as it should.
func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	list := strings.SplitAfter(string(text), "\n")
	if list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// hunk is one group of changes with its context.
type hunk struct {
	oldStart, oldCount, newStart, newCount int
	lines                                  []line
}

type line struct {
	mark byte // ' ', '-' or '+'
	text string
}

// hunks compares two texts.
func hunks(old, new []string) []hunk {
	var list []hunk
	var h *hunk
	var tail []string // equal lines after the last change of h, context at most
	ops := compare(old, new)
	for n, op := range ops {
		if op.Tag == 'e' {
			equal := old[op.I1:op.I2]
			if h != nil && len(equal) <= 2*context && n < len(ops)-1 {
				h.add(' ', equal)
				continue
			}
			if h != nil {
				h.add(' ', equal[:min(context, len(equal))])
				list, h = append(list, *h), nil
			}
			tail = equal[max(len(equal)-context, 0):]
			continue
		}
		if h == nil {
			h = &hunk{oldStart: op.I1 - len(tail), newStart: op.J1 - len(tail)}
			h.add(' ', tail)
		}
		h.add('-', old[op.I1:op.I2])
		h.add('+', new[op.J1:op.J2])
		tail = nil
	}
	if h != nil {
		list = append(list, *h)
	}
	return list
}

func (h *hunk) add(mark byte, texts []string) {
	for _, t := range texts {
		h.lines = append(h.lines, line{mark, t})
	}
	if mark != '+' {
		h.oldCount += len(texts)
	}
	if mark != '-' {
		h.newCount += len(texts)
	}
}

func (h hunk) write(b *strings.Builder, show func(string) string) {
	fmt.Fprintf(b, "@@ -%s +%s @@\n", span(h.oldStart, h.oldCount), span(h.newStart, h.newCount))
	for _, l := range h.lines {
		text, ended := strings.CutSuffix(l.text, "\n")
		b.WriteByte(l.mark)
		b.WriteString(show(text))
		b.WriteByte('\n')
		if !ended {
			b.WriteString("\\ No newline at end of file\n")
		}
	}
}

// span is the range of a hunk: lines count from 1, an empty range names the
// line before it.
func span(start, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", start)
	case 1:
		return fmt.Sprint(start + 1)
	}
	return fmt.Sprintf("%d,%d", start+1, count)
}

// colored colours headers, hunk marks, removed and added lines.
func colored(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		l, _ = strings.CutSuffix(l, "\n")
		code := ""
		switch {
		case strings.HasPrefix(l, "---"), strings.HasPrefix(l, "+++"):
			code = "1"
		case strings.HasPrefix(l, "@@"):
			code = "36"
		case strings.HasPrefix(l, "-"):
			code = "31"
		case strings.HasPrefix(l, "+"):
			code = "32"
		}
		if code != "" {
			l = "\x1b[" + code + "m" + l + "\x1b[0m"
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

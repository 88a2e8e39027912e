package apply

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// maxMerge bounds the lines that are compared: the effort grows with the
// square. Equal lines at both ends do not count.
const maxMerge = 5000

// hunk replaces base[from:to] by lines.
type hunk struct {
	from, to int
	lines    []string
}

// merge takes ours (from base to without) into now, which somebody has made of
// base: the classical three-way merge by lines. It fails when both have changed
// the same lines, in different ways.
func merge(base, without, now []byte) ([]byte, bool) {
	b := lines(base)
	ours, ok1 := hunks(b, lines(without))
	theirs, ok2 := hunks(b, lines(now))
	if !ok1 || !ok2 {
		return nil, false
	}
	all, ok := combine(ours, theirs)
	if !ok {
		return nil, false
	}
	var out strings.Builder
	at := 0
	for _, h := range all {
		for _, line := range b[at:h.from] {
			out.WriteString(line)
		}
		for _, line := range h.lines {
			out.WriteString(line)
		}
		at = h.to
	}
	for _, line := range b[at:] {
		out.WriteString(line)
	}
	return []byte(out.String()), true
}

// holdsNone reports whether now has no line that was added from before to
// after, and every line that was removed. Blank lines tell nothing.
func holdsNone(before, after, now []byte) bool {
	ours, ok := hunks(lines(before), lines(after))
	have := map[string]bool{}
	for _, line := range lines(now) {
		have[line] = true
	}
	old := lines(before)
	for _, h := range ours {
		for _, line := range h.lines {
			ok = ok && (!have[line] || strings.TrimSpace(line) == "")
		}
		for _, line := range old[h.from:h.to] {
			ok = ok && (have[line] || strings.TrimSpace(line) == "")
		}
	}
	return ok
}

// lines splits text after each newline.
func lines(text []byte) []string {
	var list []string
	for line := range bytes.Lines(text) {
		list = append(list, string(line))
	}
	return list
}

// hunks is what turns a into b.
func hunks(a, b []string) ([]hunk, bool) {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	x, y := a[start:len(a)-end], b[start:len(b)-end]
	if len(x)+len(y) > maxMerge {
		return nil, false
	}
	var list []hunk
	for _, op := range difflib.NewMatcherWithJunk(x, y, false, nil).GetOpCodes() {
		if op.Tag != 'e' {
			list = append(list, hunk{from: op.I1 + start, to: op.I2 + start, lines: y[op.J1:op.J2]})
		}
	}
	return list, true
}

// combine joins two lists of hunks in order. The same hunk in both is done once.
func combine(ours, theirs []hunk) ([]hunk, bool) {
	var all []hunk
	for len(ours) > 0 && len(theirs) > 0 {
		a, b := ours[0], theirs[0]
		switch {
		case a.from == b.from && a.to == b.to && slices.Equal(a.lines, b.lines):
			all, ours, theirs = append(all, a), ours[1:], theirs[1:]
		case a.to < b.from || a.to == b.from && beside(a, b):
			all, ours = append(all, a), ours[1:]
		case b.to < a.from || b.to == a.from && beside(b, a):
			all, theirs = append(all, b), theirs[1:]
		default:
			return nil, false
		}
	}
	return append(append(all, ours...), theirs...), true
}

// beside reports whether b may follow a directly. Two insertions at one place
// have no order, and a line that begins with white space continues the one
// above it (postconf(5), master(5)), which a may have taken away.
func beside(a, b hunk) bool {
	if a.from == a.to && b.from == b.to {
		return false
	}
	return len(b.lines) == 0 || !strings.ContainsAny(b.lines[0][:1], " \t")
}

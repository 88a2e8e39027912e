package plan

import (
	"bytes"
	"strings"
)

// table is the source text of a lookup table (postmap(1)), changed without
// touching the entries that are not ours.
type table struct {
	lines []string // with their line ends
	eol   string
}

func parseTable(data []byte) *table {
	t := &table{eol: "\n"}
	if bytes.Contains(data, []byte("\r\n")) {
		t.eol = "\r\n"
	}
	if len(data) > 0 {
		t.lines = strings.SplitAfter(string(data), "\n")
		if t.lines[len(t.lines)-1] == "" {
			t.lines = t.lines[:len(t.lines)-1]
		}
	}
	return t
}

// entry is one logical line: the physical lines from first to last, comments
// and blank lines between a line and its continuation included.
type entry struct {
	key, value  string
	first, last int
}

// entries lists the logical lines. Keys are folded to lower case as postmap
// folds them.
func (t *table) entries() []entry {
	var out []entry
	for i, line := range t.lines {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		if blank(line[0]) {
			// A continuation; one without a line before it is ignored.
			if n := len(out); n > 0 {
				out[n-1].last = i
				out[n-1].value = strings.TrimSpace(out[n-1].value + " " + text)
			}
			continue
		}
		key, value := cutKey(text)
		out = append(out, entry{strings.ToLower(key), value, i, i})
	}
	return out
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// cutKey splits a line at the first blank; a key with blanks is quoted.
func cutKey(text string) (key, value string) {
	if strings.HasPrefix(text, `"`) {
		if i := strings.IndexByte(text[1:], '"'); i >= 0 {
			return text[1 : i+1], strings.TrimSpace(text[i+2:])
		}
	}
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimSpace(text[i:])
}

// get returns the value that Postfix would use: the first one.
func (t *table) get(key string) (string, bool) {
	for _, e := range t.entries() {
		if e.key == strings.ToLower(key) {
			return e.value, true
		}
	}
	return "", false
}

// set makes line the only entry with its key, in the place of the first one or
// at the end. An equal entry stays as it is written.
func (t *table) set(line string) {
	key, value := cutKey(strings.TrimSpace(line))
	key = strings.ToLower(key)
	done := false
	found := t.entries()
	for i := len(found) - 1; i >= 0; i-- {
		e := found[i]
		if e.key != key {
			continue
		}
		first := true
		for _, other := range found[:i] {
			first = first && other.key != key
		}
		switch {
		case !first:
			t.cut(e)
		case e.value == value:
			done = true
		default:
			t.replace(e, strings.TrimRight(line, "\n"))
			done = true
		}
	}
	if !done {
		t.add(strings.TrimRight(line, "\n"))
	}
}

// remove deletes all entries with key and reports whether there were any.
func (t *table) remove(key string) bool {
	found := t.entries()
	removed := false
	for i := len(found) - 1; i >= 0; i-- {
		if found[i].key == strings.ToLower(key) {
			t.cut(found[i])
			removed = true
		}
	}
	return removed
}

// cut deletes the lines of e and leaves the comments among them.
func (t *table) cut(e entry) { t.splice(e, nil) }

func (t *table) replace(e entry, line string) { t.splice(e, []string{line + t.eol}) }

func (t *table) splice(e entry, with []string) {
	kept := append([]string{}, with...)
	for _, line := range t.lines[e.first : e.last+1] {
		if text := strings.TrimSpace(line); text == "" || text[0] == '#' {
			kept = append(kept, line)
		}
	}
	t.lines = append(t.lines[:e.first:e.first], append(kept, t.lines[e.last+1:]...)...)
}

func (t *table) add(line string) {
	if n := len(t.lines); n > 0 && !strings.HasSuffix(t.lines[n-1], "\n") {
		t.lines[n-1] += t.eol
	}
	t.lines = append(t.lines, line+t.eol)
}

func (t *table) bytes() []byte { return []byte(strings.Join(t.lines, "")) }

package plan

import (
	"bytes"
	"strings"
)

// table is the source text of a lookup table (postmap(1)), changed without
// touching the entries that are not ours. Entries are found by an index, so
// that a change costs the same in a table of any size.
type table struct {
	// lines holds the text; an element is a line with its line end, or what an
	// entry was replaced by: no line or several.
	lines []string
	eol   string

	index map[string][]entry // by key, in order; nil until it is asked for
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

// entries lists the logical lines of a text that was not changed yet. Keys are
// folded to lower case as postmap folds them.
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

// find lists the entries with key.
func (t *table) find(key string) []entry {
	if t.index == nil {
		t.index = make(map[string][]entry)
		for _, e := range t.entries() {
			t.index[e.key] = append(t.index[e.key], e)
		}
	}
	return t.index[strings.ToLower(key)]
}

// get returns the value that Postfix would use: the first one.
func (t *table) get(key string) (string, bool) {
	found := t.find(key)
	if len(found) == 0 {
		return "", false
	}
	return found[0].value, true
}

// set makes line the only entry with its key, in the place of the first one or
// at the end. An equal entry stays as it is written.
func (t *table) set(line string) {
	line = strings.TrimRight(line, "\n")
	key, value := cutKey(strings.TrimSpace(line))
	key = strings.ToLower(key)
	found := t.find(key)
	if len(found) == 0 {
		t.add(line)
		n := len(t.lines) - 1
		t.index[key] = []entry{{key, value, n, n}}
		return
	}
	for _, e := range found[1:] {
		t.cut(e)
	}
	if e := found[0]; e.value != value {
		t.replace(e, line)
	}
	t.index[key] = []entry{{key, value, found[0].first, found[0].last}}
}

// remove deletes all entries with key and reports whether there were any.
func (t *table) remove(key string) bool {
	found := t.find(key)
	for _, e := range found {
		t.cut(e)
	}
	delete(t.index, strings.ToLower(key))
	return len(found) > 0
}

// cut deletes the lines of e and leaves the comments among them.
func (t *table) cut(e entry) { t.splice(e, "") }

func (t *table) replace(e entry, line string) { t.splice(e, line+t.eol) }

// splice puts with in the place of e. Other entries keep their numbers.
func (t *table) splice(e entry, with string) {
	for i := e.first; i <= e.last; i++ {
		text := strings.TrimSpace(t.lines[i])
		if i > e.first && (text == "" || text[0] == '#') {
			continue
		}
		t.lines[i] = ""
	}
	t.lines[e.first] = with
}

func (t *table) add(line string) {
	for i := len(t.lines) - 1; i >= 0; i-- {
		if t.lines[i] != "" {
			if !strings.HasSuffix(t.lines[i], "\n") {
				t.lines[i] += t.eol
			}
			break
		}
	}
	t.lines = append(t.lines, line+t.eol)
}

func (t *table) bytes() []byte { return []byte(strings.Join(t.lines, "")) }

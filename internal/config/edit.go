package config

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// edit changes text, the file as somebody wrote it, to what want says, the same file as
// [Config.Marshal] writes it: comments, order and the spelling of what stays are kept.
// Keys that text does not have are added where adds says so. Whether the result says
// what want does is for the caller to see: forms that are rare in such files (dotted
// keys) are not understood.
func edit(text, want []byte, adds func(key string) bool) []byte {
	have, wanted := tablesOf(text), tablesOf(want)
	haveAt, wantedAt := byPath(have), byPath(wanted)
	var changes []change
	for _, t := range have {
		i, ok := wantedAt[t.path]
		if !ok {
			changes = append(changes, change{aboveComments(text, t.from), t.end(), ""})
			continue
		}
		w := wanted[i]
		for _, e := range t.entries {
			other, ok := w.entry(e.key)
			switch {
			case !ok:
				changes = append(changes, change{e.from, e.to, ""})
			case !sameValue(e.value, other.value):
				changes = append(changes, change{e.at, e.at + len(e.value), other.value})
			}
		}
		for _, e := range w.entries {
			if _, ok := t.entry(e.key); !ok && adds(e.key) {
				changes = append(changes, change{t.end(), t.end(), e.raw + " = " + e.value + "\n"})
			}
		}
	}
	ends := map[string]int{} // of the last table of each route
	for _, t := range have {
		route, _, _ := strings.Cut(t.path, "/")
		ends[route] = t.end()
	}
	for _, w := range wanted {
		if _, ok := haveAt[w.path]; !ok {
			at := len(text)
			if route, _, below := strings.Cut(w.path, "/"); below { // a fallback of a route stands right after it
				if end, ok := ends[route]; ok {
					at = end
				}
			}
			changes = append(changes, change{at, at, "\n" + string(want[w.from:w.end()])})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	done := 0
	for _, c := range changes {
		out.Write(text[done:max(done, c.from)])
		if n := out.Len(); c.from == c.to && n > 0 && out.Bytes()[n-1] != '\n' {
			out.WriteByte('\n') // the last line had no end
		}
		out.WriteString(c.text)
		done = max(done, c.to)
	}
	out.Write(text[done:])
	return out.Bytes()
}

// change replaces the bytes from, up to to.
type change struct {
	from, to int
	text     string
}

// table is a table of the file: its path is "" for the top level, "rewrite",
// "fallback[0]", `route "shop"` by the route's name, or `route "shop"/fallback[0]`.
type table struct {
	path       string
	from, head int // where its header begins, and the line after it
	entries    []entry
}

// entry is a line, or several, with a key.
type entry struct {
	key        string // without quotes
	raw, value string // as written
	from, to   int    // the lines
	at         int    // where the value begins
}

// end is where the last line of t ends.
func (t table) end() int {
	if len(t.entries) == 0 {
		return t.head
	}
	return t.entries[len(t.entries)-1].to
}

func (t table) entry(key string) (entry, bool) {
	i := slices.IndexFunc(t.entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return entry{}, false
	}
	return t.entries[i], true
}

// byPath is where the first table of each path stands among tables.
func byPath(tables []table) map[string]int {
	at := map[string]int{}
	for i, t := range tables {
		if _, ok := at[t.path]; !ok {
			at[t.path] = i
		}
	}
	return at
}

// tablesOf takes text apart, which has been decoded before.
func tablesOf(text []byte) []table {
	tables := []table{{}}
	for at := 0; at < len(text); {
		start := at
		for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
			at++
		}
		next := lineEnd(text, at)
		switch line := strings.TrimSpace(string(text[at:next])); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			header, _, _ := strings.Cut(strings.TrimLeft(line, "[ \t"), "]")
			tables = append(tables, table{path: strings.TrimSpace(header), from: start, head: next})
		default:
			equals := at + valueEnd(text[at:], '=')
			if equals == len(text) {
				return tables
			}
			raw := strings.TrimSpace(string(text[at:equals]))
			value := equals + 1
			for value < len(text) && (text[value] == ' ' || text[value] == '\t') {
				value++
			}
			length := len(strings.TrimSpace(string(text[value : value+valueEnd(text[value:], '#')])))
			next = lineEnd(text, value+length)
			t := &tables[len(tables)-1]
			t.entries = append(t.entries, entry{key: keyOf(raw), raw: raw, value: string(text[value : value+length]), from: start, to: next, at: value})
		}
		at = next
	}
	name := "" // of the route that fallbacks stand below
	count := map[string]int{}
	for i := range tables {
		t := &tables[i]
		switch t.path {
		case "route":
			e, _ := t.entry("name")
			name = fmt.Sprintf("route %q", fmt.Sprint(decoded(e.value)))
			t.path = name
		case "fallback":
			t.path = fmt.Sprintf("fallback[%d]", count[""])
			count[""]++
		case "route.fallback":
			t.path = fmt.Sprintf("%s/fallback[%d]", name, count[name])
			count[name]++
		}
	}
	return tables
}

// lineEnd is where the line after the one with at begins.
func lineEnd(text []byte, at int) int {
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(text)
}

// valueEnd is where a value (or, for '=', a key) at the beginning of text ends: at end or
// at the end of the line, outside of strings and brackets.
func valueEnd(text []byte, end byte) int {
	depth := 0
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case c == '"' || c == '\'':
			at += stringEnd(text[at:]) - 1
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case depth > 0 && c == '#':
			at = lineEnd(text, at) - 1
		case depth == 0 && (c == end || c == '\n'):
			return at
		}
	}
	return len(text)
}

// stringEnd is the length of the TOML string that text begins with.
func stringEnd(text []byte) int {
	quote := text[:1]
	if three := bytes.Repeat(quote, 3); bytes.HasPrefix(text, three) {
		quote = three
	}
	for at := len(quote); at < len(text); at++ {
		switch {
		case quote[0] == '"' && text[at] == '\\':
			at++
		case bytes.HasPrefix(text[at:], quote):
			return at + len(quote)
		}
	}
	return len(text)
}

// aboveComments is where the comments right above the line at at begin.
func aboveComments(text []byte, at int) int {
	for at > 0 {
		before := bytes.LastIndexByte(text[:at-1], '\n') + 1
		if !strings.HasPrefix(strings.TrimSpace(string(text[before:at])), "#") {
			break
		}
		at = before
	}
	return at
}

func sameValue(a, b string) bool { return a == b || reflect.DeepEqual(decoded(a), decoded(b)) }

// keyOf is the key that raw writes, in quotes or bare.
func keyOf(raw string) string {
	if !strings.ContainsAny(raw, `"'`) {
		return raw // bare, as all but a few are
	}
	if key, ok := decoded(raw).(string); ok {
		return key
	}
	return raw
}

// decoded is a value of TOML, nil for what is none.
func decoded(value string) any {
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] && !strings.ContainsAny(value[1:n-1], "\\\"'") {
		return value[1 : n-1]
	}
	var doc map[string]any
	_ = toml.Unmarshal([]byte("value = "+value), &doc)
	return doc["value"]
}

// Package tomlpos finds the lines of a TOML file on which its keys stand, for what is
// said of a value that a decoder has taken.
package tomlpos

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Keys are the places of the keys of a file.
type Keys struct {
	text []byte
	at   map[string]int // offsets
}

// Find walks a file that has decoded already and notes where each table, key and value
// is. It is for when there is a mistake to report.
func Find(text []byte) Keys {
	w := walk{at: map[string]int{}, count: map[string]int{}}
	w.p.Reset(text)
	prefix := ""
	for w.p.NextExpression() {
		e := w.p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			prefix = w.table(e) + "."
		case unstable.KeyValue:
			w.value(prefix, e)
		}
	}
	return Keys{text, w.at}
}

// Line is the line of key, or of the nearest table that holds it: "port",
// "route[2].senders[0]", "fallback[1].credentials_file". It is 0 where nothing is known.
func (k Keys) Line(key string) int {
	for key != "" {
		if offset, ok := k.at[key]; ok {
			return 1 + bytes.Count(k.text[:offset], []byte("\n"))
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 0
}

type walk struct {
	p     unstable.Parser
	at    map[string]int
	count map[string]int // arrays of tables seen so far
}

// table notes a table and gives its path: "route[1].fallback[0]" for the second
// route's first [[route.fallback]].
func (w *walk) table(e *unstable.Node) string {
	path, offset := "", 0
	for it := e.Key(); it.Next(); {
		if path != "" {
			path += "."
		}
		path += string(it.Node().Data)
		offset = int(it.Node().Raw.Offset)
		last := it.IsLast()
		if last && e.Kind == unstable.ArrayTable {
			w.count[path]++
		}
		if n := w.count[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	w.at[path] = offset
	return path
}

// value notes a key, the elements of an array, and the keys of an inline table.
func (w *walk) value(prefix string, e *unstable.Node) {
	var parts []string
	offset := 0
	for it := e.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
		offset = int(it.Node().Raw.Offset)
	}
	key := prefix + strings.Join(parts, ".")
	w.at[key] = offset
	w.inside(key, e.Value())
}

func (w *walk) inside(key string, v *unstable.Node) {
	it := v.Children()
	switch v.Kind {
	case unstable.InlineTable:
		for it.Next() {
			w.value(key+".", it.Node())
		}
	case unstable.Array:
		for n := 0; it.Next(); n++ {
			element := fmt.Sprintf("%s[%d]", key, n)
			if offset := it.Node().Raw.Offset; offset > 0 {
				w.at[element] = int(offset)
			}
			w.inside(element, it.Node())
		}
	}
}

package config

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxMistakes bounds how many mistakes of a file are told at once.
const MaxMistakes = 20

// FileError is a mistake in the file at Path. Line is 0 where none can be named.
type FileError struct {
	Line int
	Msg  string
	Hint string // what to do; may be empty
}

// Error gives "file:line: message".
func (e *FileError) Error() string {
	msg := e.Msg
	if len(msg) > maxMessage { // it quotes a value of any length
		msg = strings.ToValidUTF8(msg[:maxMessage], "") + "..."
	}
	if e.Line == 0 {
		return Path + ": " + msg
	}
	return fmt.Sprintf("%s:%d: %s", Path, e.Line, msg)
}

// maxMessage bounds what is told of one mistake, in bytes.
const maxMessage = 500

// file is the text that a Config was read from.
type file struct {
	text   []byte
	stored Config         // as it was read
	at     map[string]int // where its keys are, once that has been asked
}

// Mistake is a *FileError at the line of key, or of the nearest table that holds
// it: "port", "route[2].senders[0]", "fallback[1].credentials_file".
func (c Config) Mistake(key, format string, args ...any) *FileError {
	return &FileError{Line: c.line(key), Msg: fmt.Sprintf(format, args...)}
}

// line is where key stands in the file that c was read from, 0 where it does not.
func (c Config) line(key string) int {
	if value, _, _ := strings.Cut(key, "["); c.file == nil || c.given[value] {
		return 0
	}
	if c.file.at == nil {
		c.file.at = keyOffsets(c.file.text)
	}
	for key != "" {
		if offset, ok := c.file.at[key]; ok {
			return lineAt(c.file.text, offset)
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 0
}

func lineAt(text []byte, offset int) int { return 1 + bytes.Count(text[:offset], []byte("\n")) }

// keyOffsets walks a file that has decoded already and notes where each table,
// key and value is. It runs only when there is a mistake to report.
func keyOffsets(text []byte) map[string]int {
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
	return w.at
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

// Where is "file:line" of key.
func (c Config) Where(key string) string {
	if line := c.line(key); line > 0 {
		return fmt.Sprintf("%s:%d", Path, line)
	}
	return Path
}

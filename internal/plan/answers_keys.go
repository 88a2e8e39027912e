package plan

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxAnswers is the largest file that is read, in bytes: some 30,000 routes.
const MaxAnswers = 4 << 20

// maxRewrites bounds the keys of [rewrite]. The decoder looks through all keys
// of a table for each, so that time grows with their square.
const maxRewrites = 10_000

// MemoryFor is what reading a file of size bytes, and planning by it, may take
// in bytes before it pays to tidy up.
func MemoryFor(size int) int64 { return 40 * int64(size) }

// knownKeys are the keys of a file, lists of tables without their number:
// "route.fallback.port". The key of a table is true.
var knownKeys = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	addKeys(known, "", reflect.TypeFor[Answers]())
	return known
})

func addKeys(known map[string]bool, prefix string, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous:
			addKeys(known, prefix, f.Type)
		case name == "":
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			known[prefix+name] = true
			addKeys(known, prefix+name+".", f.Type.Elem())
		default:
			known[prefix+name] = f.Type.Kind() == reflect.Map
		}
	}
}

// rewritePrefix begins the keys of which there are any number.
const rewritePrefix = "rewrite."

// keyCheck looks for keys that there are not before the file is decoded: the
// decoder can tell them too, and takes a time for it that grows with the square of
// their number.
type keyCheck struct {
	p        unstable.Parser
	text     []byte
	rewrites int
	found    []error
}

// unknownKeys lists MaxMistakes mistakes at most. What is no TOML ends the look
// and is the decoder's to tell.
func unknownKeys(text []byte) []error {
	c := keyCheck{text: text}
	c.p.Reset(text)
	prefix, known := "", true
	for c.p.NextExpression() && len(c.found) < MaxMistakes && c.rewrites <= maxRewrites {
		e := c.p.Expression()
		if e.Kind == unstable.KeyValue {
			if known {
				c.value(prefix, e)
			}
			continue
		}
		if e.Kind != unstable.Table && e.Kind != unstable.ArrayTable {
			continue
		}
		path, offset := keyOf(e)
		if known = knownKeys()[strings.ToLower(path)]; !known {
			c.bad(offset, "unknown key %s", path)
		}
		prefix = path + "."
	}
	return c.found
}

func (c *keyCheck) value(prefix string, e *unstable.Node) {
	key, offset := keyOf(e)
	path := prefix + key
	if strings.HasPrefix(strings.ToLower(path), rewritePrefix) {
		if c.rewrites++; c.rewrites > maxRewrites {
			c.bad(offset, "more than %d senders are rewritten", maxRewrites)
		}
		return
	}
	if _, known := knownKeys()[strings.ToLower(path)]; !known {
		c.bad(offset, "unknown key %s", path)
		return
	}
	c.inside(path+".", e.Value())
}

// inside looks into inline tables, and those of an array.
func (c *keyCheck) inside(prefix string, v *unstable.Node) {
	if v.Kind != unstable.InlineTable && v.Kind != unstable.Array {
		return
	}
	for it := v.Children(); it.Next() && len(c.found) < MaxMistakes; {
		if n := it.Node(); n.Kind == unstable.KeyValue {
			c.value(prefix, n)
		} else {
			c.inside(prefix, n)
		}
	}
}

func (c *keyCheck) bad(offset int, format string, args ...any) {
	c.found = append(c.found, &FileError{Line: lineAt(c.text, offset), Msg: fmt.Sprintf(format, args...)})
}

// keyOf is the key of a table or value as it is written, and where.
func keyOf(e *unstable.Node) (path string, offset int) {
	var parts []string
	for it := e.Key(); it.Next(); {
		if len(parts) == 0 {
			offset = int(it.Node().Raw.Offset)
		}
		part := string(it.Node().Data)
		if strings.Contains(part, ".") { // "route.name" in quotes is one key
			part = strconv.Quote(part)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "."), offset
}

package relays

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// positions maps a dotted key to the line it stands on.
type positions map[string]int

// keyLines walks a file that has decoded already and notes where each table
// and key is. It runs only when there is a mistake to report.
func keyLines(data []byte) positions {
	at := positions{}
	count := map[string]int{} // arrays of tables seen so far
	var p unstable.Parser
	p.Reset(data)
	prefix := ""
	for p.NextExpression() {
		e := p.Expression()
		var parts []string
		line := 0
		for it := e.Key(); it.Next(); {
			parts = append(parts, string(it.Node().Data))
			line = p.Shape(it.Node().Raw).Start.Line
		}
		key := strings.Join(parts, ".")
		switch e.Kind {
		case unstable.Table:
			prefix = key + "."
			at[key] = line
		case unstable.ArrayTable:
			key = fmt.Sprintf("%s[%d]", key, count[key])
			count[strings.Join(parts, ".")]++
			prefix = key + "."
			at[key] = line
		case unstable.KeyValue:
			at[prefix+key] = line
		}
	}
	return at
}

// of gives the line of a key, or of the nearest one that holds it: a value in
// an inline table has the line of that table. 0 when nothing is known.
func (at positions) of(key string) int {
	for key != "" {
		if line, ok := at[key]; ok {
			return line
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			return 0
		}
		key = key[:cut]
	}
	return 0
}

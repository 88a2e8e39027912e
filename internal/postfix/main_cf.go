package postfix

import (
	"strings"
)

// Main is the text of a main.cf that can be changed without touching a byte
// that is not ours (grammar: postconf(5)).
type Main struct{ doc *document }

// ParseMain reads data. It fails with a *SyntaxError where every Postfix program
// would fail (a line without "="), and on bytes that Postfix misreads: a byte
// order mark, NUL, and U+00A0 beside the "=".
func ParseMain(data []byte) (*Main, error) {
	doc, err := parseLines(data, parameterName)
	if err != nil {
		return nil, err
	}
	for i, n := range doc.nodes {
		if n.kind != head {
			continue
		}
		if msg := mainFault(doc, i); msg != "" {
			return nil, &SyntaxError{doc.line(i), msg}
		}
	}
	return &Main{doc}, nil
}

// parameterName is the text before white space or "=" (split_nameval(3)).
func parameterName(line string) string {
	for i := range len(line) {
		if isSpace(line[i]) || line[i] == '=' {
			return line[:i]
		}
	}
	return line
}

const nbsp = "\u00a0"

// mainFault says what is wrong with the definition at node i.
func mainFault(doc *document, i int) string {
	n := doc.nodes[i]
	rest := trimLeft(n.text[len(n.name):])
	if rest == "" { // the "=" may be on a continuation line
		rest = trimLeft(doc.logical(i)[len(n.name):])
	}
	switch {
	case strings.Contains(n.name, nbsp):
		return "a no-break space (U+00A0) is part of the parameter name"
	case n.name == "":
		return "parameter name missing before \"=\""
	case rest == "" || rest[0] != '=':
		return "\"=\" missing after the parameter name"
	case strings.HasPrefix(trimLeft(rest[1:]), nbsp):
		return "the value begins with a no-break space (U+00A0)"
	}
	return ""
}

// Get returns the raw value of the last definition of name, continuation lines
// joined as Postfix joins them.
func (m *Main) Get(name string) (string, bool) {
	i := m.doc.find(name, len(m.doc.nodes))
	if i < 0 {
		return "", false
	}
	return m.value(i), true
}

// Values returns what Get returns, for every parameter, in one pass.
func (m *Main) Values() map[string]string {
	values := map[string]string{}
	for i, n := range m.doc.nodes {
		if n.kind == head {
			values[n.name] = m.value(i)
		}
	}
	return values
}

func (m *Main) value(i int) string {
	_, value, _ := strings.Cut(m.doc.logical(i), "=")
	return trim(value)
}

// Set gives name a literal value ($ stays special, as in the file). An equal
// value leaves the text as it is. A line break in value becomes a blank.
func (m *Main) Set(name, value string) {
	value = oneLine(value)
	i := m.doc.find(name, len(m.doc.nodes))
	if i < 0 {
		m.doc.add(name, assignment(name+" = ", value))
		return
	}
	if m.value(i) == value {
		return
	}
	// The last definition is the effective one; the others would only mislead.
	m.doc.remove(name, i)
	m.doc.replace(i, assignment(spacing(m.doc.nodes[i]), value))
}

func assignment(before, value string) string {
	if value == "" {
		return trimRight(before)
	}
	return before + value
}

// spacing returns the line up to the value, in the manner of its author.
func spacing(n node) string {
	rest := n.text[len(n.name):]
	equals := strings.IndexByte(rest, '=')
	if equals < 0 || trim(rest[:equals]) != "" {
		return n.name + " = "
	}
	after := equals + 1
	for after < len(rest) && (rest[after] == ' ' || rest[after] == '\t') {
		after++
	}
	if after == equals+1 && equals > 0 {
		return n.name + rest[:after] + " "
	}
	return n.name + rest[:after]
}

// Remove deletes every definition of name with its continuation lines.
func (m *Main) Remove(name string) {
	if m.doc.remove(name, len(m.doc.nodes)) {
		m.doc.dropEmptyMarks()
	}
}

// Names lists the parameters defined, in order, duplicates included.
func (m *Main) Names() []string {
	heads := 0
	for _, n := range m.doc.nodes {
		if n.kind == head {
			heads++
		}
	}
	names := make([]string, 0, heads)
	for _, n := range m.doc.nodes {
		if n.kind == head {
			names = append(names, n.name)
		}
	}
	return names
}

// Marked lists the parameters that stand under our comment line.
func (m *Main) Marked() []string { return m.doc.underMark() }

// Dups lists the parameters that are defined more than once with different
// values; only the last one counts.
func (m *Main) Dups() []string {
	first := make(map[string]int)
	told := make(map[string]bool)
	var dups []string
	for i, n := range m.doc.nodes {
		if n.kind != head {
			continue
		}
		j, seen := first[n.name]
		if !seen {
			first[n.name] = i
		} else if !told[n.name] && m.value(i) != m.value(j) {
			told[n.name] = true
			dups = append(dups, n.name)
		}
	}
	return dups
}

// DropOverridden deletes the definitions that a later one of the same parameter
// overrides. What Postfix reads stays the same.
func (m *Main) DropOverridden() {
	seen := map[string]bool{}
	for i := len(m.doc.nodes) - 1; i >= 0; i-- {
		switch n := m.doc.nodes[i]; {
		case n.kind != head:
		case seen[n.name]:
			m.doc.drop(i)
		default:
			seen[n.name] = true
		}
	}
}

// InlineComments lists the parameters whose value holds a "#" after white
// space: Postfix knows no comment there, it is part of the value.
func (m *Main) InlineComments() []string {
	var names []string
	for i, n := range m.doc.nodes {
		if n.kind != head || !strings.Contains(n.text, "#") {
			continue
		}
		value := " " + m.value(i)
		for at := strings.IndexByte(value, '#'); at >= 0; {
			if isSpace(value[at-1]) {
				names = append(names, n.name)
				break
			}
			next := strings.IndexByte(value[at+1:], '#')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return names
}

// Clone returns a copy that can be changed without changing m.
func (m *Main) Clone() *Main { return &Main{m.doc.clone()} }

// Bytes returns the text as it now is.
func (m *Main) Bytes() []byte { return m.doc.bytes() }

package postfix

import (
	"strings"
)

// Source is the text of a lookup table (postmap(1), texthash) or of an alias
// file (aliases(5)) that can be changed without touching what is not ours. Of
// several entries with one key the first counts.
type Source struct {
	doc     *document
	aliases bool
}

// ParseSource reads the source of a lookup table: "key white space value".
func ParseSource(data []byte) (*Source, error) { return parseSource(data, false) }

// ParseAliases reads an alias file: "name: value".
func ParseAliases(data []byte) (*Source, error) { return parseSource(data, true) }

func parseSource(data []byte, aliases bool) (*Source, error) {
	doc, err := parseLines(data, func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	s := &Source{doc, aliases}
	clear(doc.heads)
	for i := range doc.nodes {
		if doc.nodes[i].kind == head {
			key, _, _ := s.split(doc.logical(i))
			doc.nodes[i].name = fold(key)
			doc.heads[doc.nodes[i].name]++
		}
	}
	return s, nil
}

// fold makes keys comparable: tables of this form are looked up in lower case.
func fold(key string) string { return strings.ToLower(key) }

// split returns the key as it is written, what stands between it and the value,
// and the value. The key of a line that postmap(1) would drop is "".
func (s *Source) split(line string) (key, between, value string) {
	end := keyEnd(line, s.aliases)
	if end < 0 {
		return "", "", ""
	}
	rest := trimLeft(line[end:])
	if s.aliases {
		var found bool
		if rest, found = strings.CutPrefix(rest, ":"); !found {
			return "", "", ""
		}
		rest = trimLeft(rest)
	}
	if trim(rest) == "" {
		return "", "", ""
	}
	return line[:end], line[end : len(line)-len(rest)], trim(rest)
}

// keyEnd finds the white space (or, in an alias file, the colon) that ends the
// key; -1 when a quote in it is left open.
func keyEnd(line string, aliases bool) int {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (isSpace(c) || aliases && c == ':'):
			return i
		}
	}
	if quoted {
		return -1
	}
	return len(line)
}

// first returns the node of the entry that counts, or -1.
func (s *Source) first(key string) int {
	first := -1
	for i := s.doc.find(key, len(s.doc.nodes)); i >= 0; i = s.doc.find(key, i) {
		first = i
	}
	return first
}

// Get returns the value of key, which is folded to lower case.
func (s *Source) Get(key string) (string, bool) {
	i := s.first(fold(key))
	if i < 0 || key == "" {
		return "", false
	}
	_, _, value := s.split(s.doc.logical(i))
	return value, true
}

// Keys lists the keys in order, in lower case, duplicates included.
func (s *Source) Keys() []string {
	var keys []string
	for _, n := range s.doc.nodes {
		if n.kind == head && n.name != "" {
			keys = append(keys, n.name)
		}
	}
	return keys
}

// Set adds or replaces the entry of key; further entries with that key, which
// would never be found but may hold an old password, go. An equal entry leaves
// the text as it is. A line break in value becomes a blank.
func (s *Source) Set(key, value string) {
	key, value = oneLine(key), oneLine(value)
	name, separator := fold(key), " "
	if s.aliases {
		separator = ": "
	}
	i := s.first(name)
	if i < 0 {
		s.doc.add(name, key+separator+value)
		return
	}
	for j := s.doc.find(name, len(s.doc.nodes)); j > i; j = s.doc.find(name, j) {
		s.doc.drop(j)
	}
	written, between, old := s.split(s.doc.logical(i))
	if old != value {
		s.doc.replace(i, written+between+value)
	}
}

// Remove deletes every entry of key.
func (s *Source) Remove(key string) {
	if s.doc.remove(fold(key), len(s.doc.nodes)) {
		s.doc.dropEmptyMarks()
	}
}

// Bytes returns the text as it now is.
func (s *Source) Bytes() []byte { return s.doc.bytes() }

package postfix

import (
	"strings"
)

// Source is the text of a lookup table (postmap(1), texthash) or of an alias
// file (aliases(5)) that can be changed without touching what is not ours. Of
// several entries with one key the first counts.
type Source struct {
	doc     *document
	at      map[string][]int // the nodes of the entries by key: a change costs the same in a table of any size
	aliases bool
}

// Entry is one entry of a table.
type Entry struct{ Key, Value string } // the key in lower case

// ParseSource reads the source of a lookup table: "key white space value".
func ParseSource(data []byte) (*Source, error) { return parseSource(data, false) }

// ParseAliases reads an alias file: "name: value".
func ParseAliases(data []byte) (*Source, error) { return parseSource(data, true) }

func parseSource(data []byte, aliases bool) (*Source, error) {
	doc, err := parseLines(data, func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	s := &Source{doc, map[string][]int{}, aliases}
	for i := range doc.nodes {
		if doc.nodes[i].kind == head {
			key, _, _ := s.split(doc.logical(i))
			doc.nodes[i].name = fold(key)
			s.at[fold(key)] = append(s.at[fold(key)], i)
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

// Get returns the value of key, which is folded to lower case.
func (s *Source) Get(key string) (string, bool) {
	found := s.at[fold(key)]
	if len(found) == 0 || key == "" {
		return "", false
	}
	_, _, value := s.split(s.doc.logical(found[0]))
	return value, true
}

// Entries lists all entries in order, repeated keys included.
func (s *Source) Entries() (all []Entry) {
	for i, n := range s.doc.nodes {
		if n.kind == head && n.name != "" {
			_, _, value := s.split(s.doc.logical(i))
			all = append(all, Entry{n.name, value})
		}
	}
	return all
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
	found := s.at[name]
	if len(found) == 0 {
		s.at[name] = []int{s.doc.append(name, key+separator+value)}
		return
	}
	for _, i := range found[1:] {
		s.doc.drop(i)
	}
	s.at[name] = found[:1]
	written, between, old := s.split(s.doc.logical(found[0]))
	if old != value {
		s.doc.replace(found[0], written+between+value)
	}
}

// Remove deletes every entry of key and reports whether there was one.
func (s *Source) Remove(key string) bool {
	found := s.at[fold(key)]
	for _, i := range found {
		s.doc.drop(i)
	}
	delete(s.at, fold(key))
	return len(found) > 0
}

// Bytes returns the text as it now is.
func (s *Source) Bytes() []byte { return s.doc.bytes() }

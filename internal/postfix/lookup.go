package postfix

import (
	"errors"
	"slices"
	"strings"
)

// Lookups reads lookup tables as Postfix would, from the sources that a State
// holds. Each table is taken apart once. The zero value is not usable.
type Lookups struct {
	state  State
	lists  map[string][]Table
	opened map[Table]opened
}

// opened is a table that has been taken apart.
type opened struct {
	keys   []string
	values map[string]string
	any    string // static: the value of every key
	static bool
	why    string // why it cannot be read; "" when it can
}

// NewLookups prepares the tables of s.
func NewLookups(s State) *Lookups {
	return &Lookups{state: s, lists: make(map[string][]Table), opened: make(map[Table]opened)}
}

// List is [ParseTables] for a list that is asked for again and again.
func (l *Lookups) List(maps string) []Table {
	tables, done := l.lists[maps]
	if !done {
		tables = ParseTables(maps, l.state.DefaultMap)
		l.lists[maps] = tables
	}
	return tables
}

// Get looks key up in a list of tables (the value of a ..._maps parameter, after
// expansion): the first table that has it counts. Keys are folded to lower case.
func (l *Lookups) Get(maps, key string) (value string, t Table, ok bool) {
	key = fold(key)
	for _, t := range l.List(maps) {
		switch o := l.open(t); {
		case o.static:
			return o.any, t, true
		case o.values != nil:
			if value, ok := o.values[key]; ok {
				return value, t, true
			}
		}
	}
	return "", Table{}, false
}

// Keys lists the keys of all tables of a list in order, in lower case, none
// twice. A table of static: has every key and is left out.
func (l *Lookups) Keys(maps string) []string {
	seen := make(map[string]bool)
	var keys []string
	for _, t := range l.List(maps) {
		for _, key := range l.open(t).keys {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// NoFile is why a table cannot be read whose source does not exist. Postfix finds
// nothing in it either, unless what was compiled from it is still there.
const NoFile = "there is no such file"

// Closed lists the tables of a list that cannot be read from here, each with
// the reason.
func (l *Lookups) Closed(maps string) (tables []Table, why []string) {
	for _, t := range l.List(maps) {
		if o := l.open(t); o.why != "" {
			tables, why = append(tables, t), append(why, o.why)
		}
	}
	return tables, why
}

func (l *Lookups) open(t Table) opened {
	o, done := l.opened[t]
	if !done {
		o = l.read(t)
		l.opened[t] = o
	}
	return o
}

func (l *Lookups) read(t Table) opened {
	switch {
	case t.Type == "static":
		return opened{static: true, any: unbrace(t.Path)}
	case t.Type == "inline":
		return inline(t.Path)
	case !t.Editable():
		return opened{why: "only Postfix can look into a table of the type " + t.Type}
	}
	data, ok := l.state.Maps[t.Path]
	switch {
	case !ok && slices.Contains(l.state.Unreadable, t.Path):
		return opened{why: "only root can read it"}
	case !ok:
		return opened{why: NoFile}
	}
	source, err := ParseSource(data)
	if err != nil {
		return opened{why: err.Error()}
	}
	keys, values := source.All()
	return opened{keys: keys, values: values}
}

// source gives the entries of the source of a table, whatever its type.
func (l *Lookups) source(path string) (map[string]string, error) {
	o := l.open(Table{"texthash", path})
	if o.values == nil {
		return nil, errors.New(o.why)
	}
	return o.values, nil
}

// All gives the entries that count, of several with one key the first: the keys
// in order, in lower case, and the value of each.
func (s *Source) All() (keys []string, values map[string]string) {
	values = make(map[string]string)
	for i, n := range s.doc.nodes {
		if n.kind != head || n.name == "" {
			continue
		}
		if _, seen := values[n.name]; !seen {
			_, _, values[n.name] = s.split(s.doc.logical(i))
			keys = append(keys, n.name)
		}
	}
	return keys, values
}

// inline reads "{ key=value, { key = value } }" (DATABASE_README, since 3.0).
func inline(text string) opened {
	o := opened{values: make(map[string]string)}
	for _, entry := range splitBraces(commasToBlanks(unbrace(text))) {
		key, value, found := strings.Cut(unbrace(entry), "=")
		key = fold(trim(key))
		if _, seen := o.values[key]; !found || seen {
			continue
		}
		o.keys, o.values[key] = append(o.keys, key), trim(value)
	}
	return o
}

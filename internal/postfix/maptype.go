package postfix

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/lint"
)

// Table names one lookup table: "hash:/etc/aliases".
type Table struct{ Type, Path string }

// String returns type:path.
func (t Table) String() string { return t.Type + ":" + t.Path }

// indexed are the types that postmap(1) compiles from a source file, with the
// suffix of the file it makes (DATABASE_README).
var indexed = map[string]string{"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag"}

// Index returns the file that postmap(1) makes of the source, "" where the type
// is read without one (texthash).
func (t Table) Index() string {
	if suffix, ok := indexed[t.Type]; ok {
		return t.Path + suffix
	}
	return ""
}

// Editable reports whether the source has the form "key value" of postmap(1).
// Of the others regexp, pcre and cidr have a form of their own, and the rest no
// source file.
func (t Table) Editable() bool {
	return strings.HasPrefix(t.Path, "/") && (t.Type == "texthash" || t.Index() != "")
}

// ParseTables reads a list of lookup tables, as the value of a ..._maps
// parameter after expansion: separated by commas or blanks, braces group
// (inline:{...}). A path without a type has defaultType; "proxy:" is looked
// through.
func ParseTables(value, defaultType string) []Table {
	var tables []Table
	for _, entry := range splitBraces(commasToBlanks(value)) {
		entry = strings.TrimPrefix(entry, "proxy:")
		typ, path, found := strings.Cut(entry, ":")
		if !found {
			typ, path = defaultType, entry
		}
		tables = append(tables, Table{typ, path})
	}
	return tables
}

// commasToBlanks replaces the commas that stand in no braces.
func commasToBlanks(s string) string {
	b, level := []byte(s), 0
	for i, c := range b {
		switch {
		case c == '{':
			level++
		case c == '}' && level > 0:
			level--
		case c == ',' && level == 0:
			b[i] = ' '
		}
	}
	return string(b)
}

// ErrNoMapType is returned when this Postfix has no type that would do.
var ErrNoMapType = errors.New("no usable lookup table type")

// PickMapType chooses the type of a new lookup table: want, if it was asked for;
// else default_database_type where postconf -m confirms it (a package with the
// driver may be missing); else another that is compiled; texthash, which every
// Postfix has and which needs a reload at each change, last.
func PickMapType(s State, want string) (string, error) {
	if want != "" {
		if !(Table{want, "/"}).Editable() {
			return "", fmt.Errorf("%w: %s is not read from a source file of keys and values", ErrNoMapType, want)
		}
		if !slices.Contains(s.MapTypes, want) {
			return "", fmt.Errorf("%w: this Postfix has no %s (it has %s)", ErrNoMapType, want, strings.Join(s.MapTypes, ", "))
		}
		return want, nil
	}
	for _, typ := range []string{s.DefaultMap, "lmdb", "cdb", "hash", "texthash"} {
		if (Table{typ, "/"}).Editable() && slices.Contains(s.MapTypes, typ) {
			return typ, nil
		}
	}
	return "", fmt.Errorf("%w: this Postfix has %s", ErrNoMapType, strings.Join(s.MapTypes, ", "))
}

// StaleAfter is how much newer a source may be than what is compiled from it: both
// are written by one run, one after the other.
const StaleAfter = time.Second

// IsOwn reports whether a path is that of a table of a setup, in whatever directory.
func IsOwn(path string) bool { return lint.IsOwn(path) }

// Words is lint.Words.
func Words(list string) []string { return lint.Words(list) }

// SplitList is lint.SplitList.
func SplitList(raw string) []string { return lint.SplitList(raw) }

// MatchList is lint.MatchList.
func MatchList(raw string) []string { return lint.MatchList(raw) }

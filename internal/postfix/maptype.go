package postfix

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
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

// mapParams name the lookup tables that a setup may merge into or has to know.
var mapParams = []string{
	"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "transport_maps",
	"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps", "sender_canonical_maps",
	"canonical_maps", "alias_maps", "alias_database", "virtual_alias_maps", "smtp_delivery_status_filter",
	"smtp_reply_filter",
}

// readMaps reads the sources that main.cf and the services of master.cf name.
func (s *State) readMaps(r *host.Reader) {
	s.Maps, s.MapMeta = make(map[string][]byte), make(map[string]host.Meta)
	var values []string
	for _, name := range mapParams {
		values = append(values, s.Params[name])
	}
	for _, o := range s.Master.Overrides(mapParams...) {
		values = append(values, o.Option.Value)
	}
	for _, value := range values {
		for _, t := range ParseTables(value, s.DefaultMap) {
			if t.Editable() {
				s.readMap(r, t.Path)
			}
		}
	}
	s.readOwn(r)
}

// OwnPrefix begins the names of the tables of a setup in config_directory.
const OwnPrefix = "relayhost_"

// readOwn reads the tables of a setup, named by a parameter or not: a new one
// may come in the place of one that was left behind.
func (s *State) readOwn(r *host.Reader) {
	names, err := r.ReadDir(s.ConfigDir)
	if err != nil {
		return
	}
	for _, name := range names {
		compiled := slices.Contains([]string{".db", ".lmdb", ".cdb", ".pag", ".dir"}, filepath.Ext(name))
		if strings.HasPrefix(name, OwnPrefix) && !compiled {
			s.readMap(r, filepath.Join(s.ConfigDir, name))
		}
	}
}

// Load adds files to Maps that no parameter names as a table of the common
// form; one that does not exist stays absent.
func (s *State) Load(r *host.Reader, paths ...string) {
	for _, path := range paths {
		s.readMap(r, path)
	}
}

func (s *State) readMap(r *host.Reader, path string) {
	if _, done := s.Maps[path]; done || slices.Contains(s.Unreadable, path) {
		return
	}
	data, err := r.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.lookCompiled(r, path)
	meta, statErr := r.Stat(path)
	if err != nil || statErr != nil {
		s.Unreadable = append(s.Unreadable, path)
		return
	}
	// Without a Postfix that Read could use there is neither.
	if s.Maps == nil {
		s.Maps = make(map[string][]byte)
	}
	if s.MapMeta == nil {
		s.MapMeta = make(map[string]host.Meta)
	}
	s.Maps[path], s.MapMeta[path] = data, meta
}

// lookCompiled looks at what may have been compiled from the source path.
func (s *State) lookCompiled(r *host.Reader, path string) {
	if s.Compiled == nil {
		s.Compiled = make(map[string]host.Meta)
	}
	for _, suffix := range indexed {
		// What is not there is the zero Meta; what cannot be looked at, nothing.
		if meta, err := r.Stat(path + suffix); err == nil || errors.Is(err, fs.ErrNotExist) {
			s.Compiled[path+suffix] = meta
		}
	}
}

// Words splits the value of a list parameter at commas and white space
// (postconf(5)). It does not know braces: names of tables may hold them.
func Words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// SplitList splits a raw list value at commas and blanks outside of braces.
func SplitList(raw string) []string {
	level := 0
	return strings.FieldsFunc(raw, func(r rune) bool {
		switch r {
		case '{':
			level++
		case '}':
			level--
		}
		return level == 0 && strings.ContainsRune(", \t\r\n", r)
	})
}

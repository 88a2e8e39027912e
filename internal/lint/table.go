package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// table is one lookup table that a parameter names.
type table struct {
	typ, path string
	param     string // parameter that names it
	file      string // where that stands
	line      int
	option    bool // named by -o of a service
	part      bool // of pipemap: or unionmap:, so that its values are not those of the parameter
}

func (t table) String() string { return t.typ + ":" + t.path }

// password reports whether the table holds passwords of the SMTP client.
func (t table) password() bool { return strings.HasSuffix(t.param, "_sasl_password_maps") }

// compiled are the types that postmap(1) compiles, with the suffix of the file
// that it makes (DATABASE_README).
var compiled = map[string]string{"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag"}

// packages are what Debian, Fedora and others put a type into (DATABASE_README
// says that it may be a package of its own).
var packages = map[string]string{"pcre": "postfix-pcre", "lmdb": "postfix-lmdb", "ldap": "postfix-ldap", "mysql": "postfix-mysql",
	"pgsql": "postfix-pgsql", "sqlite": "postfix-sqlite", "cdb": "postfix-cdb", "mongodb": "postfix-mongodb"}

// files are types that read a text without compiling it: the table, or who has it.
var files = []string{"texthash", "regexp", "pcre", "cidr", "mysql", "pgsql", "sqlite", "ldap", "memcache", "mongodb"}

// tables lists what the parameters name. Caches are no lookup tables.
func (v *View) tables() (all []table) {
	for _, p := range v.Defined {
		if last, _ := v.Last(p.Name); last.Line != p.Line {
			continue // a later definition counts
		}
		value := p.Value
		if effective, ok := v.Config.Params[p.Name]; ok {
			value = effective
		}
		all = append(all, tablesOf(p.Name, value, v.Main, p.Line, false)...)
	}
	for _, s := range v.Services {
		for _, o := range s.Options {
			all = append(all, tablesOf(o.Name, o.Value, v.Master, o.Line, true)...)
		}
	}
	return all
}

func tablesOf(param, value, file string, line int, option bool) (all []table) {
	if strings.HasSuffix(param, "_cache_database") || strings.HasSuffix(param, "_cache_map") || param == "address_verify_map" || param == "alias_database" {
		return nil
	}
	for _, entry := range SplitList(value) {
		entry = strings.TrimPrefix(entry, "proxy:")
		typ, path, ok := strings.Cut(entry, ":")
		if typ == "pipemap" || typ == "unionmap" { // tables of tables in braces
			for _, t := range tablesOf(param, strings.Trim(path, "{} "), file, line, option) {
				t.part = true
				all = append(all, t)
			}
			continue
		}
		if ok && (compiled[typ] != "" || packages[typ] != "" || slices.Contains(files, typ) || typ == "static" || typ == "inline") {
			all = append(all, table{typ: typ, path: path, param: param, file: file, line: line, option: option})
		}
	}
	return all
}

// Words splits the value of a list parameter at commas and white space
// (postconf(5)). It does not know braces: names of tables may hold them.
func Words(list string) []string { return strings.FieldsFunc(list, separates) }

// SplitList splits a list at commas and white space outside of braces.
func SplitList(list string) []string {
	level := 0
	return strings.FieldsFunc(list, func(r rune) bool {
		switch r {
		case '{':
			level++
		case '}':
			level = max(0, level-1)
		}
		return level == 0 && separates(r)
	})
}

// MatchList splits a list of domains or networks. Of such a list, and of no other, Postfix
// passes a comment over, with a warning (src/util/match_list.c).
func MatchList(list string) []string {
	words := SplitList(list)
	if i := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); i >= 0 {
		return words[:i]
	}
	return words
}

func separates(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }

// tableRules are about tables that cannot be opened.
func tableRules() []Rule {
	return []Rule{
		{"map_type_unsupported", Error, typeMissing},
		{"map_db_missing", Error, notCompiled},
	}
}

// typeMissing finds tables of a type that this Postfix does not have: every
// service that opens one ends with "unsupported dictionary type".
func typeMissing(v *View) []Finding { return v.unsupported(append(v.tables(), v.clientTables()...)) }

// clientTypeMissing finds those on the route of the mail alone.
func clientTypeMissing(v *View) []Finding { return v.unsupported(v.clientTables()) }

// clientTables are the tables that the next hops are reached through.
func (v *View) clientTables() (all []table) {
	for _, h := range v.hops() {
		if h.Bridge != "" || h.Lookups == nil {
			continue
		}
		for _, name := range []string{"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "transport_maps"} {
			for _, t := range h.Lookups.Tables(h.param(name)) {
				all = append(all, table{typ: t.Type, path: t.Path, param: name, file: v.Main})
			}
		}
	}
	return all
}

func (v *View) unsupported(tables []table) (found []Finding) {
	if len(v.Types) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range tables {
		if slices.Contains(v.Types, t.typ) || seen[t.typ+t.param] {
			continue
		}
		seen[t.typ+t.param] = true
		f := t.fault("this Postfix has no tables of the type " + t.typ)
		f.Remedy, f.Package = WithoutType(t.typ)
		if f.Package != "" {
			f.Command = "apt-get install " + f.Package
		}
		found = append(found, f)
	}
	return found
}

// WithoutType is what to do where Postfix has no tables of a type, and the package that
// brings it; "" where none does.
func WithoutType(typ string) (remedy, name string) {
	switch name = packages[typ]; {
	case name != "":
		return "Install the package " + name + ".", name
	case slices.Contains([]string{"hash", "btree", "dbm"}, typ):
		return "Write lmdb: in place of " + typ + ":, and compile the tables again with postmap.", ""
	}
	return "Use another type of table.", ""
}

// fault is a finding about the table. What is no file may hold a password.
func (t table) fault(detail string) Finding {
	f := Finding{File: t.file, Line: t.line, Parameter: t.param, Detail: t.param + ": " + detail}
	if strings.HasPrefix(t.path, "/") {
		f.Table, f.Detail = t.String(), t.param+" = "+t.String()+": "+detail
	}
	return f
}

// notCompiled finds tables that are not there, or whose compiled file is not.
func notCompiled(v *View) (found []Finding) {
	if v.Exists == nil {
		return nil
	}
	missing := func(path string) bool {
		exists, known := v.Exists(path)
		return known && !exists
	}
	seen := map[string]bool{}
	for _, t := range v.tables() {
		suffix := compiled[t.typ]
		switch {
		case suffix == "" && !slices.Contains(files, t.typ), len(v.Types) > 0 && !slices.Contains(v.Types, t.typ), // which is a fault of its own
			!strings.HasPrefix(t.path, "/"), seen[t.String()], !missing(t.path + suffix):
			continue
		}
		seen[t.String()] = true
		compile := "postmap " + t.String()
		if strings.HasPrefix(t.param, "alias_") {
			compile = "postalias " + t.String()
		}
		f := t.fault("there is no such file")
		switch {
		case suffix == "":
		case missing(t.path):
			f = t.fault(t.path + suffix + " does not exist, nor does its source")
			f.Command = "touch " + t.path + " && " + compile
		default:
			f = t.fault(t.path + suffix + " does not exist: the table was never compiled")
			f.Remedy, f.Command = "Compile the table.", compile
		}
		f.Remedy = cmp.Or(f.Remedy, "Write the table, or take it out of "+t.param+".")
		found = append(found, f)
	}
	return found
}

// entry is one line of the source of a table.
type entry struct {
	key, value string
	line       int
}

// entries reads the source of a table of keys and values.
func (v *View) entries(t table) (all []entry) {
	if compiled[t.typ] == "" && t.typ != "texthash" {
		return nil
	}
	for _, l := range logicalLines(v.Tables[t.path]) {
		key, value, _ := strings.Cut(strings.ReplaceAll(l.text, "\t", " "), " ")
		all = append(all, entry{key, strings.TrimSpace(value), l.line})
	}
	return all
}

// passwords calls f for each entry of each password table, each table once.
func (v *View) passwords(f func(table, entry)) {
	seen := map[string]bool{}
	for _, t := range v.tables() {
		if !t.password() || seen[t.path] {
			continue
		}
		seen[t.path] = true
		for _, e := range v.entries(t) {
			f(t, e)
		}
	}
}

// noColon finds lines "host user password" in password tables.
func noColon(v *View) (found []Finding) {
	v.passwords(func(t table, e entry) {
		if e.value == "" || strings.Contains(e.value, ":") {
			return
		}
		found = append(found, Finding{File: t.path, Line: e.line, Parameter: t.param, Table: t.String(),
			Detail: "the entry for " + e.key + " has no colon between user name and password, so Postfix logs in without a password",
			Remedy: "Write user:password behind the next hop, and compile the table.", Command: "postmap " + t.String()})
	})
	return found
}

// emptyEntry finds entries without a user name or without a value.
func emptyEntry(v *View) (found []Finding) {
	v.passwords(func(t table, e entry) {
		user, password, colon := strings.Cut(e.value, ":")
		if e.value != "" && (!colon || user != "" && password != "") {
			return
		}
		found = append(found, Finding{File: t.path, Line: e.line, Parameter: t.param, Table: t.String(),
			Detail: "the entry for " + e.key + " has no user name or no password",
			Remedy: "Remove the line, and set smtp_sasl_auth_enable = no where the relay wants no login.", Command: "postmap " + t.String()})
	})
	return found
}

// reference finds "$name", "${name}" and "$(name)" (postconf(5)).
var reference = regexp.MustCompile(`\$\$|\$[({]?([A-Za-z0-9_]*)`)

// dollar finds a "$" that main.cf expands in the content of a table.
func dollar(v *View) (found []Finding) {
	for _, p := range v.Defined {
		if !strings.Contains(p.Value, "static:") && !strings.Contains(p.Value, "inline:") || !strings.Contains(p.Value, "$") {
			continue
		}
		for _, m := range reference.FindAllStringSubmatch(p.Value, -1) {
			if m[0] == "$$" || v.defined(m[1]) {
				continue
			}
			found = append(found, Finding{File: v.Main, Line: p.Line, Parameter: p.Name,
				Detail: fmt.Sprintf("the \"$\" in the value of %s is taken for the name of a parameter", p.Name),
				Remedy: "Write \"$$\" for each \"$\", or put the entry into a table of its own."})
			break
		}
	}
	return found
}

// defined reports whether name is a parameter.
func (v *View) defined(name string) bool {
	if _, ok := v.Config.Params[name]; ok {
		return true
	}
	_, ok := v.Last(name)
	return ok
}

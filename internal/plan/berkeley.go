package plan

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// Berkeley DB goes: RHEL 10 and others build Postfix without it, and Postfix 3.11 warns
// of each such table. A main.cf that an upgrade has left with tables of a type that
// this Postfix does not have delivers no mail, ours or other.

// berkeleyNames finds the tables of Berkeley DB in a raw value, with what stands before
// the type ("proxy:", a blank, a brace).
var berkeleyNames = regexp.MustCompile(`(^|[\s,{(:])(hash|btree|dbm):([^\s,{}()]+)`)

// isCache reports whether Postfix itself writes the tables of a parameter: they have no
// source, and start empty.
func isCache(name string) bool {
	return strings.HasSuffix(name, "_cache_database") || strings.HasSuffix(name, "_cache_map") || name == "address_verify_map" || name == "postscreen_cache_map"
}

// missing reports whether typ is of Berkeley DB and this Postfix does not have it.
func missing(s postfix.State, typ string) bool {
	return len(s.MapTypes) > 0 && !slices.Contains(s.MapTypes, typ) && slices.Contains([]string{"hash", "btree", "dbm"}, typ)
}

// berkeleyPaths are the sources of the tables that main.cf names and this Postfix
// cannot open any more.
func berkeleyPaths(s postfix.State) (paths []string) {
	if s.Main == nil {
		return nil
	}
	for _, name := range s.Main.Names() {
		raw, _ := s.Main.Get(name)
		for _, m := range berkeleyNames.FindAllStringSubmatch(raw, -1) {
			if path := expandPath(s, m[3]); missing(s, m[2]) && !isCache(name) && filepath.IsAbs(path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// expandPath resolves the parameter that stands in names of tables.
func expandPath(s postfix.State, path string) string {
	const name = "config_directory"
	for _, form := range []string{"${" + name + "}", "$(" + name + ")", "$" + name} {
		path = strings.ReplaceAll(path, form, s.ConfigDir)
	}
	return path
}

// berkeley gives the tables of main.cf that this Postfix cannot open another type, and
// compiles them of their sources. A table whose source is not there stays, with a note.
func (b *builder) berkeley() {
	params := maps.Clone(b.s.Params)
	var moved []string
	for _, name := range b.main.Names() {
		raw, _ := b.main.Get(name)
		if (name == "default_database_type" || name == "default_cache_db_type") && missing(b.s, raw) {
			b.main.Set(name, b.out.mapType)
			continue
		}
		swap := func(value string) string {
			return berkeleyNames.ReplaceAllStringFunc(value, func(text string) string {
				m := berkeleyNames.FindStringSubmatch(text)
				if typ := successor(b.out, b.s, name, m[2], expandPath(b.s, m[3])); typ != "" {
					return m[1] + typ + ":" + m[3]
				}
				return text
			})
		}
		value := swap(raw)
		switch {
		case value != raw:
			b.main.Set(name, value)
			if effective, ok := params[name]; ok {
				params[name] = swap(effective)
			}
			moved = append(moved, name)
		case isCache(name) && berkeleyNames.MatchString(raw) && noCache(b.s, raw):
			b.main.Remove(name)
			delete(params, name)
			moved = append(moved, name)
		}
	}
	b.s.Params, b.out.state.Params = params, params
	if len(moved) > 0 {
		b.out.note("this Postfix has no tables of Berkeley DB (hash, btree) any more: tables of type %s take their place in %s, compiled from the same files", b.out.mapType, strings.Join(moved, ", "))
	}
}

// noCache reports whether this Postfix can keep no cache of the type in raw, nor in
// another: it works without.
func noCache(state postfix.State, raw string) bool {
	m := berkeleyNames.FindStringSubmatch(raw)
	return missing(state, m[2]) && !slices.Contains(state.MapTypes, "lmdb")
}

// successor is the type that a table of the type typ gets, "" where it stays. It adds
// the source of the table to the plan.
func successor(out *output, state postfix.State, param, typ, path string) string {
	if !missing(state, typ) {
		return ""
	}
	if isCache(param) {
		if slices.Contains(state.MapTypes, "lmdb") {
			return "lmdb"
		}
		return ""
	}
	source, there := state.Maps[path]
	aliases := param == "alias_maps" || param == "alias_database"
	if !there || aliases && (postfix.Table{Type: out.mapType, Path: path}).Index() == "" { // texthash(5) does not read aliases
		if filepath.IsAbs(path) {
			out.note("%s names %s:%s: this Postfix has no tables of that type, and no file to compile another one from", param, typ, path)
		}
		return ""
	}
	known := func(f File) bool { return f.Path == path }
	switch {
	case isOwn(state, typ+":"+path), path == filePath(state, passwdFile), slices.ContainsFunc(out.files, known):
	case (postfix.Table{Type: out.mapType, Path: path}).Index() == "":
	default:
		meta := state.MapMeta[path]
		f := File{Path: path, Action: Modify, Recompile: true, Before: source, After: source, Mode: meta.Mode.Perm(), UID: meta.UID, GID: meta.GID, Map: out.mapType}
		if aliases {
			f.Map, f.Aliases = "", out.mapType
		}
		out.files = append(out.files, f)
	}
	return out.mapType
}

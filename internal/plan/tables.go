package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// isOwn reports whether an entry of a list of tables ("type:path") is a table of ours.
func isOwn(state postfix.State, entry string) bool {
	return strings.HasSuffix(entry, ":"+filePath(state, filepath.Base(entry))) && postfix.IsOwn(entry)
}

// withTables returns the value of the list parameter name with our tables in it, at
// the front or at the end, whatever type they had there before. Files of ours
// that are not among them go.
func withTables(state postfix.State, main *postfix.Main, name string, first bool, ours ...string) string {
	raw, _ := main.Get(name)
	list := postfix.SplitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool {
		return isOwn(state, e) || slices.ContainsFunc(ours, func(t string) bool { return samePath(e, t) })
	})
	merged := append(slices.Clone(ours), others...)
	if !first {
		merged = append(others, ours...)
	}
	if slices.Equal(merged, list) {
		return raw
	}
	return strings.Join(merged, ", ")
}

// samePath reports whether two tables are one file, whatever their types.
func samePath(entry, table string) bool {
	_, path, _ := strings.Cut(table, ":")
	return strings.HasSuffix(entry, ":"+path)
}

// withoutTables returns the value of the list parameter name without our files, and
// whether one was in it.
func withoutTables(state postfix.State, main *postfix.Main, name string, files ...string) (string, bool) {
	raw, _ := main.Get(name)
	list := postfix.SplitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix(e, ":"+filePath(state, file)) })
	})
	return strings.Join(others, ", "), len(others) < len(list)
}

// entries are those of the table at path; none of one that is not there or that
// cannot be read.
func entries(s postfix.State, path string) []postfix.Entry {
	source, err := postfix.ParseSource(s.Maps[path])
	if err != nil {
		return nil
	}
	return source.Entries()
}

// sourceOf is the table at path, to be changed.
func sourceOf(state postfix.State, path string) (*postfix.Source, error) {
	source, err := postfix.ParseSource(state.Maps[path])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return source, nil
}

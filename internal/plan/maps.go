package plan

import (
	"slices"
	"strings"

	"relayhost/internal/postfix"
)

// merge returns the value of the list parameter name with our tables in it, at
// the front or at the end, whatever type they had there before. Files of ours
// that are not among them go.
func (b *builder) merge(name string, first bool, ours ...string) string {
	raw, _ := b.main.Get(name)
	list := postfix.SplitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool {
		return strings.Contains(e, ":"+b.path(ownPrefix)) || slices.ContainsFunc(ours, func(t string) bool { return samePath(e, t) })
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

// drop returns the value of the list parameter name without our files, and
// whether one was in it.
func (b *builder) drop(name string, files ...string) (string, bool) {
	raw, _ := b.main.Get(name)
	list := postfix.SplitList(raw)
	others := slices.DeleteFunc(slices.Clone(list), func(e string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix(e, ":"+b.path(file)) })
	})
	return strings.Join(others, ", "), len(others) < len(list)
}

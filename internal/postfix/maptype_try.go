//go:build unix

package postfix

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/host"
)

// ConfirmMapTypes takes the types out of s.MapTypes that postconf -m names and
// Postfix cannot load: dynamicmaps.cf may name a library that is not there any
// more, or that lacks one itself. It tries what PickMapType would choose, where it
// is one of those, by looking into a table.
func (s *State) ConfirmMapTypes(ctx context.Context, r *host.Reader) error {
	for {
		typ, err := PickMapType(*s, "")
		if err != nil || !s.isLoaded(r, typ) {
			return nil //nolint:nilerr // whoever needs a type learns of it
		}
		out, err := r.Query(ctx, host.PostmapGet(s.ConfigDir, s.someTable(r, typ).String(), "x"))
		if err != nil {
			return fmt.Errorf("try the lookup table type %s: %w", typ, err)
		}
		said := string(out.Stderr)
		if !strings.Contains(said, "unsupported dictionary type") && !strings.Contains(said, "load_library_symbols") { // dict_open.c, load_lib.c
			return nil
		}
		s.MapTypes = slices.DeleteFunc(s.MapTypes, func(t string) bool { return t == typ })
	}
}

// isLoaded reports whether a library for typ is named in dynamicmaps.cf or a file
// of dynamicmaps.cf.d beside it (postconf(5), meta_directory). Other types are
// built in.
func (s *State) isLoaded(r *host.Reader, typ string) bool {
	for _, dir := range []string{cmp.Or(s.Params["meta_directory"], s.ConfigDir), s.ConfigDir} {
		paths := []string{filepath.Join(dir, "dynamicmaps.cf")}
		more, _ := r.ReadDir(filepath.Join(dir, "dynamicmaps.cf.d"))
		for _, name := range more {
			paths = append(paths, filepath.Join(dir, "dynamicmaps.cf.d", name))
		}
		for _, path := range paths {
			text, _ := r.ReadFile(path)
			for line := range strings.Lines(string(text)) {
				if fields := strings.Fields(line); len(fields) > 1 && fields[0] == typ {
					return true
				}
			}
		}
	}
	return false
}

// someTable is a table of typ that everybody may read, or one that does not exist:
// of that postmap(1) writes "fatal:" to the mail log.
func (s *State) someTable(r *host.Reader, typ string) Table {
	paths := []string{"/etc/aliases"}
	for path := range s.Maps {
		paths = append(paths, path)
	}
	for _, path := range paths {
		t := Table{typ, path}
		if m, err := r.Stat(t.Index()); err == nil && m.Mode.IsRegular() && m.Mode.Perm()&0o004 != 0 {
			return t
		}
	}
	return Table{typ, filepath.Join(s.ConfigDir, "relayhost_no_such_table")}
}

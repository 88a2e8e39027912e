package postfix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only a type that dynamicmaps.cf names is tried, in a table that is there if one
// is: each look into one that is not puts a "fatal:" into the mail log.
func TestConfirmMapTypes(t *testing.T) {
	const plug = "lmdb postfix-lmdb.so dict_lmdb_open mkmap_lmdb_open\n"
	for name, test := range map[string]struct {
		files map[string]string
		says  string
		asked string
		types string
	}{
		"built in":       {map[string]string{"/etc/postfix/dynamicmaps.cf": "# type\n"}, "", "", "lmdb hash"},
		"plugged in":     {map[string]string{"/etc/postfix/dynamicmaps.cf": plug}, "open database: no such file", "lmdb:/etc/postfix/relayhost_no_such_table", "lmdb hash"},
		"in a directory": {map[string]string{"/usr/share/postfix/dynamicmaps.cf.d/lmdb.cf": plug}, "", "lmdb:/etc/postfix/relayhost_no_such_table", "lmdb hash"},
		"with a table": {map[string]string{"/etc/postfix/dynamicmaps.cf": plug, "/etc/aliases.lmdb": "", "/etc/aliases": ""}, "",
			"lmdb:/etc/aliases", "lmdb hash"},
		"library gone":   {map[string]string{"/etc/postfix/dynamicmaps.cf": plug}, "unsupported dictionary type: lmdb", "lmdb:", "hash"},
		"library broken": {map[string]string{"/etc/postfix/dynamicmaps.cf": plug}, "load_library_symbols: dlopen failure loading", "lmdb:", "hash"},
	} {
		t.Run(name, func(t *testing.T) {
			r, bin := tree(t, test.files), t.TempDir()
			script := "#!/bin/sh\necho \"$@\" >>" + bin + "/asked\necho '" + test.says + "' >&2\nexit 1\n"
			if err := os.WriteFile(filepath.Join(bin, "postmap"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			r.Path = bin
			s := State{ConfigDir: "/etc/postfix", DefaultMap: "lmdb", MapTypes: []string{"lmdb", "hash"}, Params: map[string]string{"meta_directory": "/usr/share/postfix"}}
			if err := s.ConfirmMapTypes(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			asked, _ := os.ReadFile(filepath.Join(bin, "asked"))
			if (test.asked == "") != (len(asked) == 0) || !strings.Contains(string(asked), test.asked) {
				t.Errorf("postmap's arguments: got %q, want %q in them, or no call where that is empty", asked, test.asked)
			}
			if got := strings.Join(s.MapTypes, " "); got != test.types {
				t.Errorf("types %s, want %s", got, test.types)
			}
		})
	}
}

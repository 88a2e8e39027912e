package postfix

import (
	"errors"
	"io/fs"
	"path/filepath"

	"relayhost/internal/host"
	"relayhost/internal/lint"
)

// Lint judges the configuration that s holds by its texts. Whether compiled
// tables are there is asked of r.
func (s State) Lint(r *host.Reader) []lint.Finding {
	if s.Main == nil || s.Master == nil {
		return nil
	}
	return lint.Check(lint.Config{
		Main:   lint.File{Path: filepath.Join(s.ConfigDir, "main.cf"), Text: s.Main.Bytes()},
		Master: lint.File{Path: filepath.Join(s.ConfigDir, "master.cf"), Text: s.Master.Bytes()},
		Params: s.Params, Tables: s.Maps, Types: s.MapTypes, DefaultType: s.DefaultMap,
		Exists: func(path string) (exists, known bool) {
			_, err := r.Stat(path)
			return err == nil, err == nil || errors.Is(err, fs.ErrNotExist)
		},
	})
}

package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/host"
)

// repositories are the version control systems that etckeeper(8) knows, by the
// directory that shows them, with their ignore file and how a line in it says
// "this file and what is compiled from it". %s is the path in the repository.
var repositories = []struct{ directory, name, ignore, line string }{
	{".git", "git", ".gitignore", "/%s*"},
	{".hg", "Mercurial", ".hgignore", "re:^%s"},
	{".bzr", "Bazaar", ".bzrignore", "./%s*"},
	{"_darcs", "darcs", "", ""},
}

// Looker is the part of host.Reader that etckeeper's repositories are looked for with.
type Looker interface {
	ReadFile(path string) ([]byte, error)
	Lstat(path string) (host.Meta, error)
	Stat(path string) (host.Meta, error)
}

// KeepOutOfHistory adds to p the ignore lines that keep its secrets out of a
// repository that /etc or the configuration directory is kept in (etckeeper): a
// password that is committed stays readable in the history for ever.
func KeepOutOfHistory(r Looker, p Plan) (Plan, error) {
	if !p.Changed() {
		return p, nil
	}
	for _, f := range p.Files {
		if !f.Secret || f.Action == Unchanged || f.Action == Remove {
			continue
		}
		var err error
		if p, err = ignore(r, p, f.Path); err != nil {
			return p, err
		}
	}
	return p, nil
}

func ignore(r Looker, p Plan, path string) (Plan, error) {
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		for _, repo := range repositories {
			if _, err := r.Lstat(filepath.Join(dir, repo.directory)); err != nil {
				continue
			}
			name, _ := filepath.Rel(dir, path)
			if repo.ignore == "" {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is kept in %s: exclude %s, it holds the password", dir, repo.name, name))
				return p, nil
			}
			p, added, err := appendLine(r, p, filepath.Join(dir, repo.ignore), fmt.Sprintf(repo.line, name))
			if err != nil {
				return p, err
			}
			if added {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is kept in %s: %s is added to its %s, since it holds the password",
					dir, repo.name, name, repo.ignore))
			}
			if tracked := inGitIndex(r, dir, name); repo.directory == ".git" && len(tracked) > 0 {
				list := strings.Join(tracked, " ")
				p.Notes = append(p.Notes, fmt.Sprintf("git has %[2]s already and would commit the password with it, whatever %[3]s says, until you run: git -C %[1]s rm --cached %[2]s",
					dir, list, repo.ignore))
			}
			return p, nil
		}
	}
	return p, nil
}

// inGitIndex lists name and what is compiled from it as far as the repository in dir
// tracks them: the index has paths as they are, with a NUL behind them and their
// length in the two bytes before (gitformat-index(5), version 2; git writes another
// one only when it is told to).
func inGitIndex(r Looker, dir, name string) (tracked []string) {
	index, err := r.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		return nil
	}
	for _, path := range []string{name, name + ".db", name + ".lmdb", name + ".cdb", name + ".dir", name + ".pag"} {
		entry := append([]byte{byte(len(path) >> 8), byte(len(path))}, path+"\x00"...)
		if len(path) < 0xfff && bytes.Contains(index, entry) {
			tracked = append(tracked, path)
		}
	}
	return tracked
}

// appendLine adds to p a file with one more line, ahead of Postfix's own, and reports
// whether the line was missing.
func appendLine(r Looker, p Plan, path, line string) (Plan, bool, error) {
	f := File{Path: path, Action: Create, Mode: 0o644}
	planned := slices.IndexFunc(p.Files, func(f File) bool { return f.Path == path })
	if planned >= 0 { // for another secret
		f = p.Files[planned]
	} else {
		m, err := r.Stat(path)
		switch {
		case err == nil:
			f.Action, f.Mode, f.UID, f.GID = Modify, m.Mode.Perm(), m.UID, m.GID
			if f.Before, err = r.ReadFile(path); err != nil {
				return p, false, err
			}
		case !errors.Is(err, fs.ErrNotExist):
			return p, false, err
		}
		f.After = bytes.Clone(f.Before)
	}
	for have := range strings.Lines(string(f.After)) {
		if strings.TrimSpace(have) == line {
			return p, false, nil
		}
	}
	if len(f.After) > 0 && !bytes.HasSuffix(f.After, []byte("\n")) {
		f.After = append(f.After, '\n')
	}
	f.After = append(f.After, line+"\n"...)
	if planned >= 0 {
		p.Files = slices.Clone(p.Files)
		p.Files[planned] = f
		return p, true, nil
	}
	p.Files = append([]File{f}, p.Files...)
	return p, true, nil
}

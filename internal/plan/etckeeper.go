package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"relayhost/internal/host"
)

// repositories are the version control systems that etckeeper(8) knows, by the
// folder that shows them, with their ignore file and how a line in it says
// "this file and what is compiled from it". %s is the path in the repository.
var repositories = []struct{ folder, name, ignore, line string }{
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
// repository that /etc or the configuration folder is kept in (etckeeper): a
// password that is committed stays readable in the history for ever.
func KeepOutOfHistory(r Looker, p Plan) (Plan, error) {
	if !p.Changed() {
		return p, nil
	}
	for _, f := range p.Files {
		if !f.Secret || f.Action == Unchanged {
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
			if _, err := r.Lstat(filepath.Join(dir, repo.folder)); err != nil {
				continue
			}
			name, _ := filepath.Rel(dir, path)
			if repo.ignore == "" {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is kept in %s: exclude %s, it holds the password", dir, repo.name, name))
				return p, nil
			}
			p.Notes = append(p.Notes, fmt.Sprintf("%s is kept in %s: %s is added to its %s, since it holds the password",
				dir, repo.name, name, repo.ignore))
			if repo.folder == ".git" && inGitIndex(r, dir, name) {
				p.Notes = append(p.Notes, fmt.Sprintf("git has %[2]s already and would commit the password with it, whatever %[3]s says, until you run: git -C %[1]s rm --cached %[2]s",
					dir, name, repo.ignore))
			}
			return appendLine(r, p, filepath.Join(dir, repo.ignore), fmt.Sprintf(repo.line, name))
		}
	}
	return p, nil
}

// inGitIndex reports whether the repository in dir tracks name or what is compiled
// from it: the index has paths as they are (gitformat-index(5), but for version 4,
// which git writes only when it is told to).
func inGitIndex(r Looker, dir, name string) bool {
	index, err := r.ReadFile(filepath.Join(dir, ".git", "index"))
	return err == nil && bytes.Contains(index, []byte(name))
}

// appendLine adds to p a file with one more line, ahead of Postfix's own.
func appendLine(r Looker, p Plan, path, line string) (Plan, error) {
	f := File{Path: path, Action: Create, Mode: 0o644}
	m, err := r.Stat(path)
	switch {
	case err == nil:
		f.Action, f.Mode, f.UID, f.GID = Modify, m.Mode.Perm(), m.UID, m.GID
		if f.Before, err = r.ReadFile(path); err != nil {
			return p, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return p, err
	}
	for have := range strings.Lines(string(f.Before)) {
		if strings.TrimSpace(have) == line {
			return p, nil
		}
	}
	f.After = bytes.Clone(f.Before)
	if len(f.After) > 0 && !bytes.HasSuffix(f.After, []byte("\n")) {
		f.After = append(f.After, '\n')
	}
	f.After = append(f.After, line+"\n"...)
	p.Files = append([]File{f}, p.Files...)
	return p, nil
}

//go:build unix

package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is Linux's own limit of symbolic links in one path (path_resolution(7)).
const maxLinks = 40

// Follow returns the path that path leads to once every symbolic link in it is
// resolved, inside Root. The last part need not exist: it is where a file would
// be created.
func (r *Reader) Follow(path string) (string, error) {
	at, links := "/", 0
	rest := strings.Split(filepath.Clean("/"+path), "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		link, err := os.Readlink(filepath.Join(r.Root, next))
		if err != nil {
			// EINVAL: no link. What is not there cannot be one either.
			if !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) {
				return "", err
			}
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: path, Err: syscall.ELOOP}
		}
		if filepath.IsAbs(link) {
			at = "/"
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	return at, nil
}

// leadsTo is the real path that opening path would open. Without a Root that is
// the kernel's work; with one, absolute links must stay inside.
func (r *Reader) leadsTo(path string) string {
	if r.Root == "" {
		return path
	}
	if target, err := r.Follow(path); err == nil {
		path = target
	}
	return filepath.Join(r.Root, path)
}

// itself is the real path of path, its last part not followed.
func (r *Reader) itself(path string) string {
	path = filepath.Clean(path)
	if r.Root == "" {
		return path
	}
	return filepath.Join(r.leadsTo(filepath.Dir(path)), filepath.Base(path))
}

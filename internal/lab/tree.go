package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Tree is what is below some directories: what each path is, by path.
type Tree map[string]Node

// Node is one entry of a [Tree].
type Node struct {
	Mode     fs.FileMode
	UID, GID uint32
	Target   string // of a symbolic link
	SHA256   string // of a regular file, in hex
	Size     int64  // of a regular file, in bytes
}

// String describes a node in one line.
func (n Node) String() string {
	s := fmt.Sprintf("%s %d:%d", n.Mode, n.UID, n.GID)
	switch {
	case n.Target != "":
		return s + " -> " + n.Target
	case n.SHA256 != "":
		return fmt.Sprintf("%s %d bytes sha256 %.12s", s, n.Size, n.SHA256)
	}
	return s
}

// Tree takes a snapshot of directories or files of the server, without following
// links. What does not exist is not in it.
func (s *Server) Tree(paths ...string) Tree {
	s.t.Helper()
	t := Tree{}
	err := s.enter(func() error {
		for _, p := range paths {
			if err := filepath.WalkDir(p, t.add); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatalf("lab: %s: %v", s.cfg.hostname, err)
	}
	return t
}

// add is a [fs.WalkDirFunc]. Files may vanish while it walks.
func (t Tree) add(path string, d fs.DirEntry, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	fi, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	n := Node{Mode: fi.Mode()}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		n.UID, n.GID = st.Uid, st.Gid
	}
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		n.Target, err = os.Readlink(path)
	case fi.Mode().IsRegular():
		var data []byte
		data, err = os.ReadFile(path)
		sum := sha256.Sum256(data)
		n.SHA256, n.Size = hex.EncodeToString(sum[:]), fi.Size()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	t[path] = n
	return err
}

// Diff tells how b differs from t, a line per difference: "- path: ..." is in
// t only, "+ path: ..." in b only. "" means no difference.
func (t Tree) Diff(b Tree) string {
	paths := slices.Sorted(maps.Keys(t))
	for p := range b {
		if _, ok := t[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var out strings.Builder
	for _, p := range paths {
		was, inT := t[p]
		is, inB := b[p]
		if inT && inB && was == is {
			continue
		}
		if inT {
			fmt.Fprintf(&out, "- %s: %s\n", p, was)
		}
		if inB {
			fmt.Fprintf(&out, "+ %s: %s\n", p, is)
		}
	}
	return out.String()
}

// Without returns the tree without the paths that are, or are below, one of
// these.
func (t Tree) Without(paths ...string) Tree {
	left := Tree{}
	for p, n := range t {
		if !slices.ContainsFunc(paths, func(q string) bool { return p == q || strings.HasPrefix(p, q+"/") }) {
			left[p] = n
		}
	}
	return left
}

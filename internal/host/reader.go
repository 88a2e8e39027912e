//go:build unix

package host

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MaxFile is the largest file that ReadFile returns, in bytes. A main.cf of
// 10 MB has to work; anything above this is refused with a clear message.
const MaxFile = 16 << 20

// Reader looks at a machine and changes nothing. Root is put before every
// path; it is empty outside of tests. The zero Reader is this machine.
type Reader struct {
	Root string
	Path string // directories that programs are looked for in; "" is the usual six
	// Owner, where Root is set, says to Lstat and Stat whose a path is: tests that are not
	// run by root cannot give files away. nil is as on the disk.
	Owner func(path string) (uid, gid int)
	// Limit is how long a child may take that has no limit of its own; 0 is
	// CommandTimeout.
	Limit time.Duration
}

// Real returns the path that is opened for path.
func (r *Reader) Real(path string) string { return filepath.Join(r.Root, path) }

// ReadFile returns the content of a regular file of at most MaxFile bytes.
// Symbolic links are followed.
func (r *Reader) ReadFile(path string) ([]byte, error) {
	// O_NONBLOCK: opening a FIFO without a writer must not hang.
	f, err := os.OpenFile(r.leadsTo(path), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	// Files in /proc and /sys have the size 0, and one may grow while it is read.
	data := bytes.NewBuffer(make([]byte, 0, min(info.Size(), MaxFile)+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(f, MaxFile+1)); err != nil {
		return nil, err
	}
	if data.Len() > MaxFile {
		return nil, fmt.Errorf("read %s: larger than %d MiB", path, MaxFile>>20)
	}
	return data.Bytes(), nil
}

// Lstat describes path itself; a symbolic link is not followed.
func (r *Reader) Lstat(path string) (Meta, error) { return meta(r, os.Lstat, r.itself(path)) }

// Stat describes what path leads to.
func (r *Reader) Stat(path string) (Meta, error) { return meta(r, os.Stat, r.leadsTo(path)) }

func meta(r *Reader, stat func(string) (fs.FileInfo, error), real string) (Meta, error) {
	info, err := stat(real)
	if err != nil {
		return Meta{}, err
	}
	m := Meta{Mode: info.Mode(), Size: info.Size(), Mtime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		// 32 bits on arm64.
		m.UID, m.GID, m.Nlink = int(st.Uid), int(st.Gid), uint64(st.Nlink) //nolint:unconvert // see above
		m.Ctime = time.Unix(st.Ctim.Unix())
	}
	if r.Root != "" && r.Owner != nil {
		m.UID, m.GID = r.Owner(filepath.Join("/", strings.TrimPrefix(real, filepath.Clean(r.Root))))
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		m.Link, err = os.Readlink(real)
	}
	return m, err
}

// ReadDir lists the names in a directory, sorted.
func (r *Reader) ReadDir(path string) ([]string, error) {
	entries, err := os.ReadDir(r.leadsTo(path))
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Query runs one of the read-only commands that this package lists and
// returns what it printed. An exit code other than 0 is no error here.
func (r *Reader) Query(ctx context.Context, q Query) (Output, error) {
	return r.run(ctx, q.command)
}

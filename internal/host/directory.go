//go:build unix

package host

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// tempPrefix starts the name of everything that is there for moments only.
const tempPrefix = ".relayhost."

// TempName is a fresh name for something temporary; IsTemp knows it again.
func TempName() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return tempPrefix + hex.EncodeToString(b[:])
}

// IsTemp reports whether name is one that TempName gave.
func IsTemp(name string) bool {
	rest, ok := strings.CutPrefix(name, tempPrefix)
	if !ok || len(rest) != 16 {
		return false
	}
	_, err := hex.DecodeString(rest)
	return err == nil
}

// directory is an open directory that files are reached through, so that nobody can
// put another one in its place in between.
type directory struct {
	fd   int
	path string
}

// open opens the directory path, whose symbolic links are resolved already.
func (h *Host) open(path string) (directory, error) {
	fd, err := unix.Open(filepath.Join(h.Root, path),
		unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return directory{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return directory{fd, path}, nil
}

func (d directory) close() { unix.Close(d.fd) }

// read returns the content of a regular file in the directory.
func (d directory) read(name string) ([]byte, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: filepath.Join(d.path, name), Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

// expect fails with ErrChanged when name is not what sum says (Spec.Expect).
func (d directory) expect(name, sum string) error {
	if sum == "" {
		return nil
	}
	data, err := d.read(name)
	switch {
	case errors.Is(err, unix.ENOENT):
		if sum == Absent {
			return nil
		}
		return fmt.Errorf("removed: %w", ErrChanged)
	case err != nil:
		return err
	case sum != Sum(data):
		return ErrChanged
	}
	return nil
}

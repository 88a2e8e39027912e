//go:build unix

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Mkdir makes one directory with exactly that mode and syncs its parent.
func (h *Host) Mkdir(path string, mode fs.FileMode) error {
	parent, name, err := h.parent(path)
	if err != nil {
		return err
	}
	defer parent.close()
	if err := h.before(OpMkdir, path); err != nil {
		return err
	}
	if err := unix.Mkdirat(parent.fd, name, uint32(mode.Perm())); err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	// The umask may have taken bits away.
	if err := unix.Fchmodat(parent.fd, name, uint32(mode.Perm()), 0); err != nil {
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	return h.sync(parent.fd, parent.path)
}

// Remove removes a file or an empty directory and syncs its parent. What does not
// exist is no error. expect is as in Spec.Expect; it is "" for directories.
func (h *Host) Remove(path, expect string) error {
	return h.remove(path, func(parent directory, name string) error {
		if err := parent.expect(name, expect); err != nil {
			return fmt.Errorf("remove %s: %w", path, err)
		}
		err := unix.Unlinkat(parent.fd, name, 0)
		if errors.Is(err, unix.EISDIR) {
			err = unix.Unlinkat(parent.fd, name, unix.AT_REMOVEDIR)
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return &fs.PathError{Op: "remove", Path: path, Err: err}
		}
		return nil
	})
}

// RemoveAll removes path and all below it, and syncs its parent. It is for
// directories of ours; symbolic links in it are removed, not followed.
func (h *Host) RemoveAll(path string) error {
	return h.remove(path, func(parent directory, name string) error {
		return os.RemoveAll(filepath.Join(h.Root, parent.path, name))
	})
}

// remove has a name removed from its directory, which is synced then.
func (h *Host) remove(path string, how func(parent directory, name string) error) error {
	parent, name, err := h.parent(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.close()
	if err := h.before(OpRemove, path); err != nil {
		return err
	}
	if err := how(parent, name); err != nil {
		return err
	}
	return h.sync(parent.fd, parent.path)
}

// Rename moves a file or directory within one file system and syncs both directories.
func (h *Host) Rename(from, to string) error {
	a, fromName, err := h.parent(from)
	if err != nil {
		return err
	}
	defer a.close()
	b, toName, err := h.parent(to)
	if err != nil {
		return err
	}
	defer b.close()
	if err := h.before(OpRename, to); err != nil {
		return err
	}
	if err := unix.Renameat(a.fd, fromName, b.fd, toName); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err := h.sync(b.fd, b.path); err != nil {
		return err
	}
	if a.path == b.path {
		return nil
	}
	return h.sync(a.fd, a.path)
}

// Chmod changes the permission bits of a file that is no symbolic link.
func (h *Host) Chmod(path string, mode fs.FileMode) error {
	parent, name, err := h.parent(path)
	if err != nil {
		return err
	}
	defer parent.close()
	if err := h.before(OpChmod, path); err != nil {
		return err
	}
	fd, err := unix.Openat(parent.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if err := unix.Fchmod(fd, uint32(mode.Perm())); err != nil {
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	return h.sync(fd, path)
}

// parent opens the directory that path is in; links on the way to it are followed.
func (h *Host) parent(path string) (directory, string, error) {
	dir, err := h.Follow(filepath.Dir(path))
	if err != nil {
		return directory{}, "", err
	}
	f, err := h.open(dir)
	return f, filepath.Base(path), err
}

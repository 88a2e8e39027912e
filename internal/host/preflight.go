//go:build unix

package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Refusal says why a path will not be touched and what to do about it. It is
// found before anything is changed.
type Refusal struct{ Path, Why, Fix string }

func (e *Refusal) Error() string { return e.Path + " " + e.Why + ": " + e.Fix }

// Need is one file that is going to be written or removed.
type Need struct {
	Path   string
	Bytes  int64
	UID    int
	GID    int
	Secret bool
}

// spare is what a file system must have left beyond three times the bytes that
// are written to it.
const (
	spareBytes  = 64 << 10
	spareInodes = 10
)

// Preflight reports every reason why one of the needs could not be met: all
// refusals joined, or nil. It writes and removes one test file in each directory.
func (h *Host) Preflight(needs []Need) error {
	var problems []error
	directories := map[string][]Need{}
	for _, n := range needs {
		target, err := h.Follow(n.Path)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if err := h.checkTarget(target, n); err != nil {
			problems = append(problems, err)
			continue
		}
		dir := nearest(&h.Reader, filepath.Dir(target))
		directories[dir] = append(directories[dir], n)
	}
	for dir, needs := range directories {
		if err := h.checkDirectory(dir, needs); err != nil {
			problems = append(problems, err)
		}
	}
	if err := h.checkSpace(directories); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// nearest is dir, or the first directory above it that exists.
func nearest(r *Reader, dir string) string {
	for dir != "/" {
		if _, err := r.Lstat(dir); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

// checkTarget refuses what a rename would break or could not replace.
func (h *Host) checkTarget(target string, n Need) error {
	m, err := h.Lstat(target)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	refuse := func(why, fix string) error { return &Refusal{target, why, fix} }
	switch {
	case !m.Mode.IsRegular():
		return refuse("is "+kind(m.Mode)+", not a regular file", "move it away")
	case m.Nlink > 1:
		return refuse(fmt.Sprintf("has %d names (hard links), which a change would separate", m.Nlink),
			fmt.Sprintf("cp -p %[1]s %[1]s.new && mv %[1]s.new %[1]s", target))
	case n.Secret && m.UID != 0 && m.UID != os.Geteuid():
		return refuse(fmt.Sprintf("holds a password and belongs to user %d", m.UID), "chown root:root "+target)
	}
	if mounted, err := isMount(h.Root, target); err != nil {
		return err
	} else if mounted {
		return refuse("is a mount point and cannot be replaced by a rename", "mount its directory instead of the file")
	}
	return checkFlags(h.Root, target)
}

// checkFlags refuses the immutable and append-only attributes (chattr(1)).
func checkFlags(root string, path string) error {
	fd, err := unix.Open(filepath.Join(root, path), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	// A file system without attributes answers with an error: there are none.
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	switch {
	case flags&unix.STATX_ATTR_IMMUTABLE != 0: // FS_IMMUTABLE_FL has the same value
		return &Refusal{path, "is immutable (chattr +i)", "chattr -i " + path}
	case flags&unix.STATX_ATTR_APPEND != 0: // FS_APPEND_FL has the same value
		return &Refusal{path, "is append-only (chattr +a)", "chattr -a " + path}
	}
	return nil
}

// isMount reports whether something is mounted on the file itself, as
// containers do with single configuration files.
func isMount(root string, path string) (bool, error) {
	table, err := os.ReadFile("/proc/self/mountinfo") // proc_pid_mountinfo(5): field 5 is the mount point
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	real := []byte(filepath.Join(root, path))
	for line := range bytes.Lines(table) {
		if f := bytes.Fields(line); len(f) > 4 && bytes.Equal(f[4], real) {
			return true, nil
		}
	}
	return false, err
}

// checkDirectory refuses a directory that others can write to, or that we cannot.
func (h *Host) checkDirectory(dir string, needs []Need) error {
	if err := checkChain(&h.Reader, dir); err != nil {
		return err
	}
	if err := checkFlags(h.Root, dir); err != nil {
		return err
	}
	temp := filepath.Join(dir, TempName())
	err := h.tryWrite(temp, needs)
	switch {
	case errors.Is(err, unix.EROFS):
		return &Refusal{dir, "is on a read-only file system", "mount -o remount,rw the file system of " + dir + ", or in a container a volume there"}
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return &Refusal{dir, "is on a full disk", "free some space, see df -h " + dir + " and df -i " + dir}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return &Refusal{dir, "cannot be written to (" + err.Error() + ")", permit()}
	}
	return err
}

// tryWrite writes a test file, owned as the needs will be, and removes it.
func (h *Host) tryWrite(temp string, needs []Need) error {
	dir, err := h.open(filepath.Dir(temp))
	if err != nil {
		return err
	}
	defer dir.close()
	name := filepath.Base(temp)
	// With some bytes in it: on a full disk a name alone may still fit.
	err = h.create(dir, name, make([]byte, 4096), Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
	for _, n := range needs {
		if err != nil {
			break
		}
		err = unix.Fchownat(dir.fd, name, n.UID, n.GID, unix.AT_SYMLINK_NOFOLLOW)
	}
	return errors.Join(err, h.dropTemp(dir, name))
}

// checkChain wants every directory on the way to belong to root or to us, and to
// be writable by nobody else. Above the last one, a sticky directory like /tmp is
// fine: others cannot rename what is ours in it.
func checkChain(r *Reader, dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		m, err := r.Lstat(at)
		if err != nil {
			return err
		}
		loose := m.Mode.Perm()&0o022 != 0
		if loose && at != dir && m.Mode&fs.ModeSticky != 0 {
			loose = false
		}
		switch {
		case !m.Mode.IsDir():
			return &Refusal{at, "is " + kind(m.Mode) + ", not a directory", "move it away"}
		case m.UID != 0 && m.UID != os.Geteuid():
			return &Refusal{at, fmt.Sprintf("belongs to user %d, who could replace what is in it", m.UID), "chown root " + at}
		case loose:
			return &Refusal{at, fmt.Sprintf("can be written to by others (mode %04o)", m.Mode.Perm()), "chmod go-w " + at}
		}
		if at == "/" {
			return nil
		}
	}
}

// Room wants some space and inodes on the file system of the directory dir.
func (h *Host) Room(dir string) error { return h.checkSpace(map[string][]Need{dir: nil}) }

// checkSpace wants room for three times the bytes on each file system.
func (h *Host) checkSpace(directories map[string][]Need) error {
	type need struct {
		dir   string
		bytes int64
	}
	disks := map[uint64]*need{}
	for dir, needs := range directories {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(h.Root, dir), &st); err != nil {
			return &fs.PathError{Op: "stat", Path: dir, Err: err}
		}
		d := disks[st.Dev]
		if d == nil {
			d = &need{dir: dir, bytes: spareBytes}
			disks[st.Dev] = d
		}
		for _, n := range needs {
			d.bytes += 3 * n.Bytes
		}
	}
	for _, d := range disks {
		var st unix.Statfs_t
		if err := unix.Statfs(filepath.Join(h.Root, d.dir), &st); err != nil {
			return &fs.PathError{Op: "statfs", Path: d.dir, Err: err}
		}
		if free := int64(st.Bavail) * st.Bsize; free < d.bytes {
			return &Refusal{d.dir, fmt.Sprintf("is on a disk with %d KiB left, %d KiB are needed", free>>10, d.bytes>>10),
				"free some space, see df -h " + d.dir}
		}
		// Btrfs and others count no inodes and say 0 of 0.
		if st.Files > 0 && st.Ffree < spareInodes {
			return &Refusal{d.dir, fmt.Sprintf("is on a disk with %d inodes left", st.Ffree), "remove some files, see df -i " + d.dir}
		}
	}
	return nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a regular file"
}

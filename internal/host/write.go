//go:build unix

package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Spec is what a written file will be apart from its content.
type Spec struct {
	Mode   fs.FileMode // permission bits
	UID    int
	GID    int
	Xattrs map[string][]byte
	Mtime  time.Time // zero: now
	// Expect is what the target must be right before it is replaced: the
	// SHA-256 of its content, Absent, or "" for whatever it is.
	Expect string
}

// Absent in Spec.Expect says that the target must not exist.
const Absent = "absent"

// ErrChanged is returned when a target is not what Spec.Expect says.
var ErrChanged = errors.New("changed by somebody else meanwhile")

// Sum is the SHA-256 of data in hex.
func Sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// WriteFile replaces or creates path by one rename in its own directory. The new
// content is 0600 from birth, complete, owned and synced before it gets the
// name; the directory is synced after. When path is a symbolic link, its target is
// replaced. On an error before the rename the target is untouched.
func (h *Host) WriteFile(path string, data []byte, s Spec) error {
	target, err := h.Follow(path)
	if err != nil {
		return err
	}
	dir, err := h.open(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer dir.close()
	temp, name := TempName(), filepath.Base(target)
	if err := h.create(dir, temp, data, s); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, h.dropTemp(dir, temp)))
	}
	if err := h.swap(dir, temp, name, s.Expect); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, h.dropTemp(dir, temp)))
	}
	if err := h.sync(dir.fd, dir.path); err != nil {
		return fmt.Errorf("sync directory of %s: %w", path, err)
	}
	// A disk that loses bytes says so here and not at the next reload.
	back, err := dir.read(name)
	if err != nil {
		return fmt.Errorf("read back %s: %w", path, err)
	}
	if !bytes.Equal(back, data) {
		return fmt.Errorf("read back %s: %w", path, ErrChanged)
	}
	return nil
}

// create makes the complete, synced file temp in dir.
func (h *Host) create(dir directory, temp string, data []byte, s Spec) error {
	full := filepath.Join(dir.path, temp)
	if err := h.before(OpCreate, full); err != nil {
		return err
	}
	fd, err := unix.Openat(dir.fd, temp,
		unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	defer unix.Close(fd)
	if err := h.before(OpWrite, full); err != nil {
		return err
	}
	if err := writeAll(fd, data); err != nil {
		return err
	}
	if err := h.before(OpOwner, full); err != nil {
		return err
	}
	if err := own(fd, s); err != nil {
		return err
	}
	if _, kept := s.Xattrs[SELinuxXattr]; !kept && h.SELinuxEnforces() {
		inheritLabel(dir.fd, fd)
	}
	return h.sync(fd, full)
}

// inheritLabel gives a new file the type of its directory: a service of systemd makes
// files of another type in /etc (etc_runtime_t), which restorecon(8) would
// correct later. Where the policy does not let it, the file stays as the kernel labels it.
func inheritLabel(dir, fd int) {
	var label [2][4096]byte
	var n [2]int
	for i, f := range []int{dir, fd} {
		var err error
		if n[i], err = unix.Fgetxattr(f, SELinuxXattr, label[i][:]); err != nil {
			return
		}
	}
	if want := label[0][:n[0]]; contextType(string(want)) != contextType(string(label[1][:n[1]])) {
		_ = unix.Fsetxattr(fd, SELinuxXattr, want, 0)
	}
}

// own gives the open file its owner, then attributes, then mode: an access list
// changes the group bits, and a wide mode must not meet the wrong owner.
func own(fd int, s Spec) error {
	if err := unix.Fchown(fd, s.UID, s.GID); err != nil {
		return fmt.Errorf("change owner: %w", err)
	}
	if err := setXattrs(fd, s.Xattrs); err != nil {
		return err
	}
	if err := unix.Fchmod(fd, uint32(s.Mode.Perm())); err != nil {
		return fmt.Errorf("change mode: %w", err)
	}
	if s.Mtime.IsZero() {
		return nil
	}
	ts := unix.NsecToTimeval(s.Mtime.UnixNano())
	if err := unix.Futimes(fd, []unix.Timeval{ts, ts}); err != nil {
		return fmt.Errorf("set time: %w", err)
	}
	return nil
}

// swap renames temp to name if name still is what is expected.
func (h *Host) swap(dir directory, temp, name, expect string) error {
	full := filepath.Join(dir.path, name)
	if err := h.before(OpRename, full); err != nil {
		return err
	}
	if err := dir.expect(name, expect); err != nil {
		return err
	}
	err := rename(dir, temp, name, expect == Absent)
	switch {
	case errors.Is(err, unix.EEXIST):
		return ErrChanged
	case errors.Is(err, unix.EBUSY):
		return &Refusal{Path: full, Why: "is a mount point and cannot be replaced by a rename",
			Fix: "mount its directory instead of the file"}
	case err != nil:
		return fmt.Errorf("rename: %w", err)
	}
	return nil
}

// rename gives temp its name. Whether fresh holds was looked at a moment ago, so
// that it is only made sure of where the file system and the kernel can: some file
// systems do not know the flag (EINVAL), some runtimes of containers refuse the
// call (ENOSYS, EPERM).
func rename(dir directory, temp, name string, fresh bool) error {
	if fresh {
		err := unix.Renameat2(dir.fd, temp, dir.fd, name, unix.RENAME_NOREPLACE)
		if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	return unix.Renameat(dir.fd, temp, dir.fd, name)
}

// dropTemp removes a temporary file that did not get its name.
func (h *Host) dropTemp(dir directory, temp string) error {
	if err := h.before(OpRemove, filepath.Join(dir.path, temp)); err != nil {
		return err
	}
	if err := unix.Unlinkat(dir.fd, temp, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove temporary file: %w", err)
	}
	return nil
}

// sync flushes a file or a directory. EIO is final: a second fsync would lie
// (fsync(2), "the error is reported once").
func (h *Host) sync(fd int, path string) error {
	if err := h.before(OpSync, path); err != nil {
		return err
	}
	if err := unix.Fsync(fd); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		data = data[n:]
	}
	return nil
}

//go:build unix

package bridge

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The rights of a process that is confined (landlock(7)): those of the first version
// of the interface, Linux 5.13. Everything else on the file system is refused, and
// nothing may be executed.
const (
	handledRights = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // all of version 1
	readRights    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	stateRights   = readRights | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
)

// systemFiles are what name resolution, certificates and time zones are read from.
var systemFiles = []string{"/etc", "/usr/share", "/usr/local/share", "/usr/lib", "/var/lib/ca-certificates", "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"}

// confine takes from this process, for good, every file but those in the directories
// state, files (which may be missing, and may be directories) and what name resolution and
// certificates need. The configurations and tokens of other bridges are not among them, and
// that of this bridge has been read. A kernel without Landlock leaves things as they are.
func confine(state []string, files ...string) error {
	attr, may := struct{ fs uint64 }{handledRights}, uint64(stateRights)
	if version, _, _ := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); int(version) >= 3 { //nolint:gosec // -1 for none
		attr.fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
		may |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno == unix.ENOSYS || errno == unix.EOPNOTSUPP {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("landlock: %w", errno)
	}
	defer func() { _ = unix.Close(int(ruleset)) }()
	for _, path := range state {
		if err := allow(int(ruleset), path, may); err != nil {
			return err
		}
	}
	if target, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil {
		files = append(files, filepath.Dir(target))
	}
	for _, path := range append(files, systemFiles...) {
		if err := allow(int(ruleset), path, readRights); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EACCES) {
			return err
		}
	}
	if err := onAllThreads(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}

// allow adds path, and what is below it, to a ruleset.
func allow(ruleset int, path string, rights uint64) error {
	if path == "" {
		return nil
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("landlock: %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("landlock: %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &^= unix.LANDLOCK_ACCESS_FS_READ_DIR // of directories alone
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)} //nolint:gosec // a descriptor
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("landlock: %s: %w", path, errno)
	}
	return nil
}

// onAllThreads makes a system call that a thread makes for itself alone in every
// thread. A program that is linked with C can do so in the present one only.
func onAllThreads(call uintptr, args ...uintptr) error {
	var a [5]uintptr
	copy(a[:], args)
	_, _, errno := syscall.AllThreadsSyscall6(call, a[0], a[1], a[2], a[3], a[4], 0)
	if errno == syscall.ENOTSUP {
		_, _, errno = syscall.Syscall6(call, a[0], a[1], a[2], a[3], a[4], 0)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

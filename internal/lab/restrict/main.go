// Command restrict runs a command under a filter of seccomp(2) that answers
// system calls with an error, as the runtimes of containers do:
//
//	restrict EPERM|EACCES|ENOSYS CALL,CALL... /path/of/COMMAND ARGUMENT...
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

var errnos = map[string]unix.Errno{"EPERM": unix.EPERM, "EACCES": unix.EACCES, "ENOSYS": unix.ENOSYS}

// calls are those that can be refused.
var calls = map[string]uint32{
	"pidfd_open": unix.SYS_PIDFD_OPEN, "pidfd_send_signal": unix.SYS_PIDFD_SEND_SIGNAL, "clone3": unix.SYS_CLONE3,
	"openat2": unix.SYS_OPENAT2, "statx": unix.SYS_STATX, "faccessat2": unix.SYS_FACCESSAT2, "linkat": unix.SYS_LINKAT,
	"renameat": unix.SYS_RENAMEAT, "renameat2": unix.SYS_RENAMEAT2, "fsync": unix.SYS_FSYNC, "utimensat": unix.SYS_UTIMENSAT,
	"fchown": unix.SYS_FCHOWN, "fchownat": unix.SYS_FCHOWNAT, "fchmod": unix.SYS_FCHMOD, "fchmodat": unix.SYS_FCHMODAT,
	"flock": unix.SYS_FLOCK, "listxattr": unix.SYS_LISTXATTR, "getxattr": unix.SYS_GETXATTR, "fsetxattr": unix.SYS_FSETXATTR,
	"fremovexattr": unix.SYS_FREMOVEXATTR, "setuid": unix.SYS_SETUID, "setresuid": unix.SYS_SETRESUID, "setgroups": unix.SYS_SETGROUPS,
	"statfs": unix.SYS_STATFS, "mkdirat": unix.SYS_MKDIRAT, "inotify_init1": unix.SYS_INOTIFY_INIT1,
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: restrict ERRNO CALL,CALL... COMMAND ARGUMENT...")
		os.Exit(64)
	}
	err := restrict(os.Args[1], strings.Split(os.Args[2], ","))
	if err == nil {
		err = unix.Exec(os.Args[3], os.Args[3:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "restrict:", err)
	os.Exit(64)
}

// restrict puts the filter on this thread; exec(2) makes it the process's.
func restrict(name string, refused []string) error {
	errno, known := errnos[name]
	if !known {
		return fmt.Errorf("no errno %s", name)
	}
	// The number of the call is at 0 in struct seccomp_data. Programs of
	// another architecture do not occur here.
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	for _, call := range refused {
		number, known := calls[call]
		if !known {
			return fmt.Errorf("no system call %s", call)
		}
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: number},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

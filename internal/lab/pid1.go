package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// pid1Env holds the spec of a server in the environment of its PID 1, which
// is the test binary run once more.
const pid1Env = "RELAYHOST_LAB_PID1"

// Descriptors of PID 1: it reports on one and waits for its start on the other.
const (
	reportFD = 3
	startFD  = 4
)

// spec is what PID 1 has to know.
type spec struct {
	Layers  []string
	Scratch string
	Systemd bool
}

// init turns the test binary into PID 1 of a server when it was started as
// that. It runs before any test and never returns then.
func init() {
	text, ok := os.LookupEnv(pid1Env)
	if !ok {
		return
	}
	if err := pid1(text); err != nil {
		fmt.Fprintln(os.NewFile(reportFD, "report"), err)
	}
	os.Exit(1)
}

// pid1 mounts the root, says so, waits for the word to start and becomes the
// server's init.
func pid1(text string) error {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	unix.CloseOnExec(reportFD)
	unix.CloseOnExec(startFD)
	if err := s.mount(); err != nil {
		return err
	}
	if err := confine(); err != nil {
		return err
	}
	report, start := os.NewFile(reportFD, "report"), os.NewFile(startFD, "start")
	if err := report.Close(); err != nil {
		return err
	}
	if n, err := start.Read(make([]byte, 1)); n != 1 {
		return err // the test has gone
	}
	if s.Systemd {
		return unix.Exec("/sbin/init", []string{"/sbin/init"}, []string{"container=lab", "PATH=" + path, "TERM=dumb"})
	}
	return reap()
}

// reap collects orphans, as an init does, until the server is killed.
func reap() error {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGPIPE)
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	for {
		switch _, err := unix.Wait4(-1, nil, 0, nil); {
		case err == nil || errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECHILD):
			<-child
		default:
			return err
		}
	}
}

// mounts is a list of mounts to do, that stops at the first error.
type mounts struct{ err error }

func (m *mounts) mount(source, target, kind string, flags uintptr, data string) {
	if m.err == nil {
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			m.err = fmt.Errorf("mount %s on %s: %w", source, target, err)
		}
	}
}

func (m *mounts) dir(path string, mode fs.FileMode) {
	if m.err == nil {
		m.err = os.MkdirAll(path, mode)
	}
}

func (m *mounts) do(f func() error) {
	if m.err == nil {
		m.err = f()
	}
}

// rootMark is a file that only the root of a server has.
const rootMark = "/.relayhost-lab"

// mount makes the server's file system and goes into it.
func (s *spec) mount() error {
	var m mounts
	at := func(p string) string { return filepath.Join(s.Scratch, p) }
	m.mount("lab", s.Scratch, "tmpfs", 0, "mode=0755")
	for _, d := range []string{"upper", "work", "root"} {
		m.dir(at(d), 0o755)
	}
	m.mount("overlay", at("root"), "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s",
		strings.Join(s.Layers, ":"), at("upper"), at("work")))
	root := at("root")
	m.mount("proc", root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	// The kernel's settings are the machine's, not the server's.
	for _, p := range []string{"/proc/sys", "/proc/sysrq-trigger"} {
		if _, err := os.Stat(p); err != nil {
			continue
		}
		m.mount(root+p, root+p, "", unix.MS_BIND, "")
		m.mount("", root+p, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	}
	m.do(func() error { return os.WriteFile(root+rootMark, nil, 0o444) })
	devices(&m, root+"/dev")
	if s.Systemd {
		systemd(&m, root)
	}
	m.do(func() error { return os.Chdir(root) })
	// pivot_root(2): the old root is stacked on the new and taken away.
	m.do(func() error { return unix.PivotRoot(".", ".") })
	m.do(func() error { return unix.Unmount(".", unix.MNT_DETACH) })
	m.do(func() error { return os.Chdir("/") })
	if s.Systemd {
		// What systemd mounts for a unit has to reach it: credentials.
		m.mount("", "/", "", unix.MS_REC|unix.MS_SHARED, "")
	}
	return m.err
}

// nodes are the device files of a container, by minor number of major 1
// (Linux, admin-guide/devices.txt).
var nodes = map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}

// devices fills /dev with what a container has. The nodes are the server's
// own: a bind mount would hand it the inodes of the machine's, and with them
// their owners and modes.
func devices(m *mounts, dev string) {
	m.mount("dev", dev, "tmpfs", unix.MS_NOSUID, "mode=0755")
	for name, minor := range nodes {
		node(m, dev+"/"+name, unix.Mkdev(1, minor), 0o666)
	}
	node(m, dev+"/tty", unix.Mkdev(5, 0), 0o666)
	m.dir(dev+"/pts", 0o755)
	m.mount("devpts", dev+"/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5")
	m.dir(dev+"/shm", 0o1777)
	m.mount("shm", dev+"/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
	for link, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		m.do(func() error { return os.Symlink(target, dev+"/"+link) })
	}
}

// node makes a device file, whatever the umask is.
func node(m *mounts, path string, dev uint64, mode fs.FileMode) {
	m.do(func() error { return unix.Mknod(path, unix.S_IFCHR|uint32(mode), int(dev)) })
	m.do(func() error { return os.Chmod(path, mode) })
}

// systemd prepares what systemd would otherwise mount itself: a /sys without
// the machine's devices, which it finds read only and so leaves alone, and the
// control groups of its namespace.
func systemd(m *mounts, root string) {
	m.mount("sys", root+"/sys", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755")
	m.dir(root+"/sys/fs/cgroup", 0o755)
	m.dir(root+"/sys/class", 0o755)
	m.mount("cgroup", root+"/sys/fs/cgroup", "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	node(m, root+"/dev/console", unix.Mkdev(1, nodes["null"]), 0o600)
}

// confine takes from this thread, and from what it executes, the capabilities
// over things that have no namespace: the machine's clock, kernel modules,
// audit, kernel log, ports and power.
func confine() error {
	for _, c := range []uintptr{
		unix.CAP_SYS_TIME, unix.CAP_SYS_MODULE, unix.CAP_AUDIT_CONTROL, unix.CAP_AUDIT_READ,
		unix.CAP_SYS_BOOT, unix.CAP_SYSLOG, unix.CAP_SYS_RAWIO,
	} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return nil
}

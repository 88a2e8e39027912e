package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Server is a host of the lab: a Debian with processes, files and a network of
// its own.
type Server struct {
	// IPv4 and IPv6 are its public addresses. With [NoIPv6] it lacks the latter.
	IPv4, IPv6 netip.Addr

	t      testing.TB
	lab    *Lab
	cfg    *config
	cgroup string
	pid1   *exec.Cmd
	pidfd  int
	net    netns.NsHandle
	link   *link
	stop   chan struct{}
	ended  chan error
	waits  sync.WaitGroup
	binary sync.Once
}

// newServer starts the n-th server of a lab.
func newServer(l *Lab, cfg *config, n int) (*Server, error) {
	last := byte(10 + n)
	s := &Server{
		t: l.t, lab: l, cfg: cfg, pidfd: -1, net: netns.None(),
		IPv4:  netip.AddrFrom4([4]byte{203, 0, 113, last}),
		IPv6:  netip.MustParseAddr(fmt.Sprintf("2001:db8:a::%d", last)),
		stop:  make(chan struct{}),
		ended: make(chan error, 1),
	}
	stack, err := layers(cfg)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(s.end)
	start, err := s.spawn(stack)
	if err != nil {
		return nil, err
	}
	defer start.Close()
	if s.pidfd, err = unix.PidfdOpen(s.Pid(), 0); err != nil {
		return nil, fmt.Errorf("pid 1: %w", err)
	}
	if s.net, err = netns.GetFromPid(s.Pid()); err != nil {
		return nil, err
	}
	if err := inNet(s.net, s.logQueue); err != nil {
		return nil, err
	}
	if err := s.connect(n); err != nil {
		return nil, err
	}
	if err := s.enter(s.furnish); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.hostname, err)
	}
	if _, err := start.Write([]byte{1}); err != nil {
		return nil, fmt.Errorf("pid 1: start: %w", err)
	}
	if cfg.systemd {
		return s, s.booted()
	}
	return s, nil
}

// logQueue sets how many messages a datagram socket of the server holds.
func (s *Server) logQueue() error {
	return os.WriteFile("/proc/sys/net/unix/max_dgram_qlen", []byte(strconv.Itoa(s.cfg.logQueue)), 0)
}

// spawn starts PID 1, waits until it has mounted its root and returns the
// pipe on which it waits for its start.
func (s *Server) spawn(stack []string) (*os.File, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	// All servers mount over the same empty directory, each in its own namespace.
	scratch := filepath.Join(cache, "mnt")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	text, err := json.Marshal(spec{Layers: stack, Scratch: scratch, Systemd: s.cfg.systemd})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe")
	cmd.Args = []string{"lab-init"}
	cmd.Env = []string{pid1Env + "=" + string(text), "GORACE=atexit_sleep_ms=0", "GOMAXPROCS=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID,
		// Made by the child itself, so that its control group namespace
		// begins at the group that it was started in.
		Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
			unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP,
		Pdeathsig: unix.SIGKILL,
		Setsid:    true,
	}
	if s.cfg.systemd {
		group, err := s.newCgroup()
		if err != nil {
			return nil, err
		}
		defer group.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	report, reportW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer report.Close()
	startR, start, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{reportW, startR}
	err = s.keep(cmd)
	_ = reportW.Close()
	_ = startR.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pid 1: %w", err), start.Close())
	}
	said, err := io.ReadAll(report)
	if err != nil || len(said) > 0 {
		return nil, errors.Join(fmt.Errorf("pid 1: %s", said), err, start.Close())
	}
	return start, nil
}

// keep starts PID 1 on a thread that lives as long as it does: it gets the
// signal of its parent's death when that thread ends, for whatever reason.
func (s *Server) keep(cmd *exec.Cmd) error {
	started := make(chan bool)
	go func() {
		s.ended <- onThread(func() error {
			if err := cmd.Start(); err != nil {
				started <- false
				return err
			}
			started <- true
			<-s.stop
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed, as asked
			return nil
		})
	}()
	if !<-started {
		return <-s.ended
	}
	s.pid1 = cmd
	return nil
}

// end takes the server away.
func (s *Server) end() {
	var errs []error
	if s.pid1 != nil {
		close(s.stop)
		errs = append(errs, <-s.ended)
		s.waits.Wait()
	}
	if s.link != nil {
		errs = append(errs, s.link.close())
	}
	if s.pidfd >= 0 {
		errs = append(errs, unix.Close(s.pidfd))
	}
	if s.net.IsOpen() {
		errs = append(errs, s.net.Close())
	}
	if s.cgroup != "" {
		errs = append(errs, removeCgroup(s.cgroup))
	}
	if err := errors.Join(errs...); err != nil {
		s.t.Errorf("lab: %s: clean up: %v", s.cfg.hostname, err)
	}
}

// Pid is the process id of the server's PID 1 on this machine.
func (s *Server) Pid() int { return s.pid1.Process.Pid }

// enter runs f on a thread that is in all of the server's namespaces, its
// root included. Children that f starts are processes of the server.
func (s *Server) enter(f func() error) error {
	return onThread(func() error {
		// A thread that shares its root with others may not change it.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		if err := unix.Setns(s.pidfd, unix.CLONE_NEWNS|unix.CLONE_NEWPID|unix.CLONE_NEWUTS|
			unix.CLONE_NEWIPC|unix.CLONE_NEWNET|unix.CLONE_NEWCGROUP); err != nil {
			return fmt.Errorf("join the server's namespaces: %w", err)
		}
		// Under chroot(2) the namespace's root is still the machine's: what f
		// writes would end there.
		if _, err := os.Lstat(rootMark); err != nil {
			return fmt.Errorf("the server's root was not reached (is this a chroot?): %w", err)
		}
		return f()
	})
}

// someAuthorities are how many of the distribution's authorities a server trusts. Each
// program of Postfix that speaks TLS reads them all when it starts, and 140 take it
// longer than all else that it does; no test meets a certificate of one.
const someAuthorities = 5

// firstOf is the beginning of a PEM file, up to the n-th certificate.
func firstOf(pem []byte, n int) []byte {
	const end = "-----END CERTIFICATE-----\n"
	at := 0
	for range n {
		next := bytes.Index(pem[at:], []byte(end))
		if next < 0 {
			return pem
		}
		at += next + len(end)
	}
	return pem[:at]
}

// furnish writes what makes the root this server's.
func (s *Server) furnish() error {
	c := s.cfg
	if err := unix.Sethostname([]byte(c.hostname)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	short, _, _ := strings.Cut(c.hostname, ".")
	hosts := append([]string{
		"127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback",
		"127.0.1.1 " + c.hostname + " " + short,
	}, c.hosts...)
	var resolv strings.Builder
	for _, a := range c.resolver {
		fmt.Fprintf(&resolv, "nameserver %s\n", a)
	}
	files := map[string]file{
		"/etc/hostname":    {[]byte(c.hostname + "\n"), 0o644},
		"/etc/hosts":       {[]byte(strings.Join(hosts, "\n") + "\n"), 0o644},
		"/etc/resolv.conf": {[]byte(resolv.String()), 0o644},
		"/usr/local/share/ca-certificates/relayhost-lab.crt": {s.lab.World.CA.PEM, 0o644},
	}
	for name, value := range dmiFiles(c.dmi) {
		mode := os.FileMode(0o444)
		if slices.Contains(dmiSecret, name) {
			mode = 0o400
		}
		files["/sys/class/dmi/id/"+name] = file{[]byte(value + "\n"), mode}
	}
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	if old, err := os.ReadFile(bundle); err == nil {
		if !c.authorities {
			old = firstOf(old, someAuthorities)
		}
		files[bundle] = file{slices.Concat(old, s.lab.World.CA.PEM), 0o644}
	}
	if c.postfix {
		main, err := s.mainCF()
		if err != nil {
			return err
		}
		files["/etc/postfix/main.cf"] = file{main, 0o644}
		files["/etc/mailname"] = file{[]byte(c.hostname + "\n"), 0o644}
	}
	maps.Copy(files, c.files)
	// postfix(1) sleeps until main.cf has been left alone for two seconds.
	old := time.Now().Add(-time.Hour)
	for path, f := range files {
		if err := writeFile(path, f.data, f.mode); err != nil {
			return err
		}
		if err := os.Chtimes(path, old, old); err != nil {
			return err
		}
	}
	if !c.systemd {
		return nil
	}
	// Nobody logs in, and /dev/console is no terminal.
	if err := os.Symlink("/dev/null", "/etc/systemd/system/console-getty.service"); err != nil {
		return err
	}
	// systemd starts udev only where /sys can be written.
	return unix.Mount("", "/sys", "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755")
}

// booted waits until systemd has started everything.
func (s *Server) booted() error {
	const limit = runTime
	var last Result
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		last = s.Do(Command{Args: []string{"systemctl", "is-system-running"}, Timeout: limit})
		switch state := strings.TrimSpace(last.Stdout); state {
		case "running":
			return nil
		case "degraded":
			failed := s.Run("systemctl", "--failed", "--no-pager", "--plain", "--no-legend")
			return fmt.Errorf("systemd is degraded: %s", failed.Stdout)
		}
	}
	return fmt.Errorf("systemd has not booted within %s: %s%s", limit, last.Stdout, last.Stderr)
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// path is the server's PATH.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// runTime bounds a command that says nothing else. It is several times what
// any needs, so that a busy machine fails no test.
const runTime = 3 * time.Minute

// Command is a command to run on a server.
type Command struct {
	Args  []string
	Stdin string
	// Env is added to the server's plain environment (PATH, HOME, ...).
	Env []string
	// Dir is where it runs; "" is /root.
	Dir string
	// UID and GID: 0 is root.
	UID, GID uint32
	// Timeout is its limit, three minutes if zero. Then it and its process group
	// are killed and the test fails.
	Timeout time.Duration
}

// Result is what a command has said. Code is its exit code, 128 plus the
// signal that ended it, 127 where it was not found, -1 after its time.
type Result struct {
	Stdout, Stderr string
	Code           int
	Took           time.Duration
}

// String shows all of a result, for messages of tests.
func (r Result) String() string {
	return fmt.Sprintf("exit %d after %s\n--- stdout\n%s\n--- stderr\n%s", r.Code, r.Took.Round(time.Millisecond), r.Stdout, r.Stderr)
}

// Run runs a command on the server as root, within three minutes. "relayhost" is built
// and installed first.
func (s *Server) Run(args ...string) Result {
	s.t.Helper()
	return s.Do(Command{Args: args})
}

// RunInput is [Server.Run] with a standard input.
func (s *Server) RunInput(stdin string, args ...string) Result {
	s.t.Helper()
	return s.Do(Command{Args: args, Stdin: stdin})
}

// RunAs is [Server.Run] as another user, by number, with the group of the same.
func (s *Server) RunAs(uid uint32, args ...string) Result {
	s.t.Helper()
	return s.Do(Command{Args: args, UID: uid, GID: uid})
}

// Shell runs a line of sh(1), as root, and fails the test if that fails.
func (s *Server) Shell(line string) string {
	s.t.Helper()
	r := s.Run("sh", "-c", line)
	if r.Code != 0 {
		s.t.Fatalf("lab: %s: %s", line, r)
	}
	return r.Stdout
}

// Do runs a command and waits for it.
func (s *Server) Do(c Command) Result {
	s.t.Helper()
	p, err := s.start(c, nil)
	if err != nil {
		return notStarted(err)
	}
	r := p.Wait()
	if p.late {
		s.t.Errorf("lab: %s: %q has run out of time: %s", s.cfg.hostname, c.Args, r)
	}
	return r
}

func notStarted(err error) Result {
	code := 126
	if errors.Is(err, os.ErrNotExist) {
		code = 127
	}
	return Result{Stderr: err.Error(), Code: code}
}

// Start starts a command in the background, as root. It ends with the server
// at the latest.
func (s *Server) Start(args ...string) *Process {
	s.t.Helper()
	p, err := s.start(Command{Args: args, Timeout: time.Hour}, nil)
	if err != nil {
		s.t.Fatalf("lab: %s: start %q: %v", s.cfg.hostname, args, err)
	}
	return p
}

// Process is a command that runs on a server.
type Process struct {
	// Pid is its process id on this machine (not the server's view of it),
	// so that a test can kill it. It leads its process group.
	Pid int

	cmd      *exec.Cmd
	out, err *stream // nil on a terminal
	began    time.Time
	done     chan struct{}
	result   Result
	late     bool
}

// start starts c in the server's namespaces. terminal, if any, becomes its
// controlling terminal and its standard streams.
func (s *Server) start(c Command, terminal *os.File) (*Process, error) {
	if c.Args[0] == "relayhost" {
		s.Install()
	}
	if c.Timeout == 0 {
		c.Timeout = runTime
	}
	if c.Dir == "" {
		c.Dir = "/root"
		if c.UID != 0 {
			c.Dir = "/"
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	p := &Process{done: make(chan struct{}), began: time.Now()}
	cmd := exec.CommandContext(ctx, c.Args[0])
	cmd.Err = nil // it is looked up on the server, not here
	cmd.Args = c.Args
	cmd.Dir = c.Dir
	cmd.Env = append([]string{
		"PATH=" + path, "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "LANG=C.UTF-8", "TERM=dumb",
	}, c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.UID != 0 || c.GID != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.UID, Gid: c.GID}
	}
	if terminal != nil {
		cmd.SysProcAttr.Setctty = true
		cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	} else {
		var err error
		if p.out, p.err, err = streams(); err != nil {
			cancel()
			return nil, err
		}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.Stdin), p.out.w, p.err.w
	}
	cmd.Cancel = func() error {
		p.late = true
		return unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	}
	// A daemon that it leaves behind may hold its input open.
	cmd.WaitDelay = time.Second
	err := s.enter(func() error {
		var err error
		if cmd.Path, err = lookPath(c.Args[0]); err != nil {
			return err
		}
		if err := confine(); err != nil {
			return err
		}
		return cmd.Start()
	})
	p.out.started()
	p.err.started()
	if err != nil {
		p.out.ended()
		p.err.ended()
		cancel()
		return nil, err
	}
	p.cmd, p.Pid = cmd, cmd.Process.Pid
	s.waits.Go(func() {
		defer cancel()
		p.wait()
	})
	return p, nil
}

// wait collects the process.
func (p *Process) wait() {
	_ = p.cmd.Wait() // the state says it all
	p.out.ended()
	p.err.ended()
	p.result = Result{
		Stdout: p.out.String(), Stderr: p.err.String(),
		Code: p.cmd.ProcessState.ExitCode(), Took: time.Since(p.began),
	}
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		p.result.Code = 128 + int(ws.Signal())
	}
	if p.late {
		p.result.Code = -1
	}
	close(p.done)
}

// Wait waits for the end of the process.
func (p *Process) Wait() Result {
	<-p.done
	return p.result
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill sends a signal to the process alone. One that has ended already is no
// error.
func (p *Process) Kill(sig syscall.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// KillGroup sends a signal to the process and to its children that have not
// left its process group.
func (p *Process) KillGroup(sig syscall.Signal) error {
	err := unix.Kill(-p.Pid, sig)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// Stdout is what the process has said so far.
func (p *Process) Stdout() string { return p.out.String() }

// Stderr is what the process has complained about so far.
func (p *Process) Stderr() string { return p.err.String() }

// lookPath finds a program in the server's PATH; it runs in the server's root.
func lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(path) {
		p := filepath.Join(dir, name)
		if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", &exec.Error{Name: name, Err: os.ErrNotExist}
}

// Dial connects from the server's network to a literal address, as the kernel
// there lets it.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var c net.Conn
	err := inNet(s.net, func() error {
		var err error
		c, err = new(net.Dialer).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

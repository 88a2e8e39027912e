package bridge

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// The limits that a process sets itself: a bridge holds one connection on each side.
const (
	memoryLimit = 20 << 20 // bytes, soft
	openFiles   = 64
)

// Run is a whole process that Postfix's spawn(8) has started: the connection is
// standard input, which is the one place where anything is said.
func Run(ctx context.Context, directory, name string) error {
	conn, err := standardInput()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := harden(); err != nil {
		return err
	}
	return Serve(ctx, conn, "relayhost-bridge", func(ctx context.Context) (Hop, error) {
		return open(ctx, directory, name)
	})
}

// open connects the bridge name to its next hop.
func open(ctx context.Context, directory, name string) (Hop, error) {
	c, err := Load(directory, name)
	if err != nil {
		return nil, err
	}
	server, err := c.server()
	if err != nil {
		return nil, &ConfigError{ConfigPath(directory, name), err}
	}
	hop, err := Connect(ctx, server, c.deps(directory, name))
	if err != nil {
		return nil, err
	}
	return hop, nil
}

// server is the next hop of c, with the roots of its CA file.
func (c Config) server() (Server, error) {
	s := Server{
		Host: c.Host, Port: c.Port, Implicit: c.Implicit, HELO: c.HELO, Username: c.Username, Password: c.Password,
		Pin: c.Pin, Connections: c.Connections,
	}
	if c.Pin != "" {
		return s, nil
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return s, err
	}
	s.Roots = x509.NewCertPool()
	if !s.Roots.AppendCertsFromPEM(text) {
		return s, fmt.Errorf("%s holds no certificate", c.CAFile)
	}
	return s, nil
}

func (c Config) deps(directory, name string) Deps {
	deps := Deps{Slots: directory, Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
	if c.OAuth != nil {
		source := c.Source(directory, name)
		deps.Token = func(ctx context.Context, refused secret.Value) (secret.Value, error) {
			if refused.IsZero() {
				return source.Token(ctx)
			}
			return source.Replace(ctx, refused)
		}
	}
	return deps
}

// Source gives the access tokens of the bridge name. The token endpoint is
// verified with the system's roots.
func (c Config) Source(directory, name string) oauth.Source {
	return oauth.Source{Client: *c.OAuth, Path: TokenPath(directory, name), HTTP: oauth.HTTPClient(nil)}
}

// standardInput is the connection that spawn(8) has put in place of standard
// input, output and error. Nothing but the dialogue may be written there, so that
// output and error are closed to everything else.
func standardInput() (net.Conn, error) {
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		return nil, errors.New("standard input is no socket: Postfix's spawn(8) starts this command, see master.cf")
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// harden gives up what a bridge does not need.
func harden() error {
	if os.Geteuid() == 0 || os.Getuid() == 0 {
		return fmt.Errorf("a bridge does not run as root: %w", fs.ErrPermission)
	}
	debug.SetMemoryLimit(memoryLimit)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	limit := unix.Rlimit{Cur: openFiles, Max: openFiles}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit open files: %w", err)
	}
	return nil
}

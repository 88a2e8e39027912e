//go:build unix

package bridge

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// The limits that a process sets itself: a bridge holds one connection on each side.
const (
	memoryLimit = 20 << 20 // bytes, soft
	openFiles   = 64

	greeting = "relayhost-bridge"
)

// Run is a whole process that Postfix's spawn(8) has started: the connection is
// standard input, which is the one place where anything is said.
func Run(ctx context.Context, directory, name string) error {
	conn, err := standardInput()
	if err != nil {
		return err
	}
	defer conn.Close()
	// One connection is one thing at a time: a second processor would only be woken.
	runtime.GOMAXPROCS(1)
	o := newOpener(directory, name)
	open := o.open
	if err := harden(memoryLimit, openFiles); err != nil {
		open = refuse("bridge "+name, err)
	} else {
		_, _ = o.config() // before anything is read; open reports errors
	}
	// Postfix has been told what went wrong, and logs it; spawn(8) would only add that
	// there was an exit status.
	_ = Serve(ctx, conn, greeting, open)
	return nil
}

// refuse opens nothing: Postfix is told what is wrong, and keeps the mail.
func refuse(what string, err error) func(context.Context) (Hop, error) {
	return func(context.Context) (Hop, error) { return nil, &ConfigError{what, err} }
}

// config is the configuration. Once it is read, the process gives up what else there is to
// read, for good.
func (o *opener) config() (conf.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read != nil {
		return *o.read, nil
	}
	c, err := o.load()
	if err != nil {
		return c, err
	}
	if err := confine([]string{conf.StateDirectory(o.directory), o.state}, filesOf(c, o.directory)...); err != nil {
		return c, &ConfigError{o.state, err}
	}
	o.read = &c
	return c, nil
}

// load reads the configuration and the CA files that it names.
func (o *opener) load() (conf.Config, error) {
	o.before, _ = os.Lstat(conf.ConfigPath(o.directory, o.name))
	c, err := load(o.directory, o.name)
	if err != nil {
		return c, err
	}
	o.cas = map[string]authority{}
	for _, h := range c.Hops() {
		if h.CAFile != "" {
			o.cas[h.CAFile] = readAuthority(h.CAFile)
		}
	}
	return c, nil
}

// authority are the roots of a CA file, or why there are none.
type authority struct {
	before os.FileInfo // of the file, nil where it was missing
	pool   *x509.CertPool
	err    error
}

func readAuthority(path string) (a authority) {
	a.before, _ = os.Stat(path) // of what a link points to
	a.pool, a.err = readRoots(path)
	return a
}

// filesOf are the files that the hops of c read while they run, and the directories of those
// that others renew by renaming.
func filesOf(c conf.Config, directory string) (files []string) {
	for _, h := range c.Hops() {
		if h.API == nil || h.API.AWS == nil {
			continue
		}
		for _, path := range []string{h.API.AWS.TokenFile, h.API.AWS.Path} {
			files = append(files, path)
			target, err := filepath.EvalSymlinks(path)
			for _, dir := range []string{filepath.Dir(path), filepath.Dir(target)} {
				// One that holds those of bridges is not given away for it.
				if path != "" && err == nil && !within(dir, directory) && !within(directory, dir) {
					files = append(files, dir)
				}
			}
		}
	}
	return files
}

// within reports whether path is dir, or below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// opener connects the bridge name to its next hop. Connections of one process share the
// client of an API.
type opener struct {
	directory, name string
	state           string // where the bridge keeps its own

	mu     sync.Mutex
	read   *conf.Config         // before the process was confined; nil: not yet
	before os.FileInfo          // of its file
	cas    map[string]authority // by path; the process may not read a file that takes its place
	once   sync.Mutex           // of client
	client *api.Client
}

func newOpener(directory, name string) *opener {
	return &opener{directory: directory, name: name, state: conf.OwnDirectory(directory, name)}
}

// stale reports whether the configuration or a CA file is not the one that was read. The
// process may not read the new one.
func (o *opener) stale() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read == nil {
		return false // the next connection reads it
	}
	if now, err := os.Lstat(conf.ConfigPath(o.directory, o.name)); err == nil && o.before != nil && changed(o.before, now) {
		return true
	}
	for path, ca := range o.cas {
		if now, err := os.Stat(path); err == nil && (ca.before == nil || changed(ca.before, now)) {
			return true
		}
	}
	return false
}

// changed reports whether a file is another, or was written to.
func changed(before, now os.FileInfo) bool {
	return !os.SameFile(before, now) || !before.ModTime().Equal(now.ModTime())
}

// roots are those of the CA file of a hop, as they were when the configuration was read; nil,
// the system's, where none is named.
func (o *opener) roots(c conf.Config) (*x509.CertPool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ca := o.cas[c.CAFile]
	return ca.pool, ca.err
}

func (o *opener) open(ctx context.Context) (Hop, error) {
	c, err := o.config()
	if err != nil {
		return nil, err
	}
	if c.Walk {
		return o.openWalk(ctx, c)
	}
	if c.Via == conf.ViaHTTPS {
		return o.openAPI(ctx, c)
	}
	to, err := o.server(c)
	if err != nil {
		return nil, err
	}
	hop, err := Connect(ctx, to, deps(c, o.directory, o.name))
	if err != nil {
		return nil, err
	}
	return hop, nil
}

// openWalk connects to the first hop of a route that can be reached.
func (o *opener) openWalk(ctx context.Context, c conf.Config) (Hop, error) {
	var steps []*Step
	for _, h := range c.Hops() {
		name := conf.HopName(o.name, h.Number)
		s := &Step{Name: h.Host, Filters: h.Filters, Open: func(ctx context.Context) (Hop, error) { return o.openHop(ctx, h, name) }}
		if h.Via == conf.ViaHTTPS {
			client, err := o.apiClient(h, name)
			if err != nil {
				return nil, err
			}
			if s.Name, err = client.API.Host(client.Account.Account); err != nil {
				return nil, &ConfigError{conf.ConfigPath(o.directory, o.name), err}
			}
			s.Open = func(ctx context.Context) (Hop, error) {
				return connectAPI(ctx, client, o.state, conf.StateDirectory(o.directory), h.Connections)
			}
		}
		steps = append(steps, s)
	}
	w, err := OpenWalk(ctx, o.state, steps)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// openHop connects to an SMTP server of a walk.
func (o *opener) openHop(ctx context.Context, c conf.Config, name string) (Hop, error) {
	to, err := o.server(c)
	if err != nil {
		return nil, err
	}
	to.Impatient = true
	hop, err := Connect(ctx, to, deps(c, o.directory, name))
	if err != nil {
		return nil, err
	}
	return hop, nil
}

func (o *opener) openAPI(ctx context.Context, c conf.Config) (Hop, error) {
	client, err := o.sharedClient(c)
	if err != nil {
		return nil, err
	}
	return connectAPI(ctx, client, o.state, conf.StateDirectory(o.directory), c.Connections)
}

// sharedClient is the one client of all connections to the API of c.
func (o *opener) sharedClient(c conf.Config) (*api.Client, error) {
	o.once.Lock()
	defer o.once.Unlock()
	if o.client == nil {
		client, err := o.apiClient(c, o.name)
		if err != nil {
			return nil, err
		}
		o.client = client
	}
	return o.client, nil
}

// apiClient is the client of the API of a hop of that name.
func (o *opener) apiClient(c conf.Config, name string) (*api.Client, error) {
	pool, err := o.roots(c)
	if err == nil {
		var client *api.Client
		if client, err = newClient(c, pool, o.directory, name); err == nil {
			return client, nil
		}
	}
	return nil, &ConfigError{conf.ConfigPath(o.directory, o.name), err}
}

// Client is the client of the API of c that the bridge name sends through, for its mail
// and for the check that sends nothing.
func Client(c conf.Config, directory, name string) (*api.Client, error) {
	pool, err := roots(c)
	if err != nil {
		return nil, err
	}
	return newClient(c, pool, directory, name)
}

func newClient(c conf.Config, pool *x509.CertPool, directory, name string) (*api.Client, error) {
	a, ok := api.Get(c.API.ID)
	if !ok {
		return nil, fmt.Errorf("no API of %q is known", c.API.ID)
	}
	client, err := api.HTTPClient(api.Options{Roots: pool, Proxy: c.API.Proxy})
	if err != nil {
		return nil, err
	}
	account := api.NewAccount(c.Account())
	if c.OAuth != nil {
		account.Token = deps(c, directory, name).Token
	}
	if account.Keys != nil {
		account.Keys.STS = client
	}
	return &api.Client{API: a, Account: account, HTTP: client, Pause: api.NewPause(conf.PausePath(directory, name))}, nil
}

// Checker is a client that shares nothing with the bridge's processes: for a check that
// somebody else than User makes.
func Checker(c conf.Config) (*api.Client, error) {
	client, err := Client(c, "", "")
	if err == nil {
		client.Pause = api.NewPause("")
	}
	return client, err
}

// server is the next hop of c, with the roots of its CA file.
func (o *opener) server(c conf.Config) (Server, error) {
	s := Server{
		Host: c.Host, Port: c.Port, Implicit: c.Implicit, HELO: c.HELO, Username: c.Username, Password: c.Password,
		Pin: c.Pin, Connections: c.Connections, PerMinute: c.PerMinute, NoTLS: c.NoTLS,
	}
	if c.Pin != "" || c.NoTLS {
		return s, nil
	}
	var err error
	if s.Roots, err = o.roots(c); err != nil {
		return s, &ConfigError{conf.ConfigPath(o.directory, o.name), err}
	}
	return s, nil
}

// roots are those of the CA file; nil, the system's, where none is named.
func roots(c conf.Config) (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	return readRoots(c.CAFile)
}

func readRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}

func deps(c conf.Config, directory, name string) Deps {
	d := Deps{Slots: conf.StateDirectory(directory), Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
	if c.OAuth != nil {
		tokens := source(c, directory, name)
		d.Token = func(ctx context.Context, refused secret.Value) (secret.Value, error) {
			if refused.IsZero() {
				return tokens.Token(ctx)
			}
			return tokens.Replace(ctx, refused)
		}
	}
	return d
}

// source gives the access tokens of the bridge name. The token endpoint is
// verified with the system's roots, and reached by the proxy of the API, if there is
// one.
func source(c conf.Config, directory, name string) oauth.Source {
	var proxy *url.URL
	if c.API != nil && c.API.Proxy != "" {
		proxy, _ = url.Parse(c.API.Proxy) // checked with the client of the API
	}
	return oauth.Source{Client: *c.OAuth, Path: conf.TokenPath(directory, name), HTTP: oauth.HTTPClientThrough(nil, proxy)}
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

// notRoot refuses the user numbers of a process that is root, or could be again.
func notRoot(uids ...int) error {
	if slices.Contains(uids, 0) {
		return errors.New("does not run as root")
	}
	return nil
}

// harden gives up what a bridge does not need.
func harden(memory int64, files uint64) error {
	if err := notRoot(unix.Getresuid()); err != nil {
		return err
	}
	debug.SetMemoryLimit(memory)
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	limit := unix.Rlimit{Cur: files, Max: files}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit open files: %w", err)
	}
	return nil
}

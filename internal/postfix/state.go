// Package postfix is the Postfix on this host: version, map types, main.cf and
// master.cf as lossless texts, queue and log. It reads through host.Reader and
// decides nothing.
package postfix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"relayhost/internal/host"
)

// State is what Postfix is on this host. It is what plan.Build starts from.
type State struct {
	Installed bool    `json:"installed"`
	Version   Version `json:"version"`
	ConfigDir string  `json:"config_directory"`
	QueueDir  string  `json:"queue_directory"`
	DataDir   string  `json:"data_directory"`
	DaemonDir string  `json:"daemon_directory"`
	MailOwner string  `json:"mail_owner"`
	Running   bool    `json:"running"`

	Main   *Main   `json:"-"` // main.cf as it is on disk
	Master *Master `json:"-"` // master.cf as it is on disk

	MainMeta   host.Meta `json:"-"`
	MasterMeta host.Meta `json:"-"`

	Params     map[string]string `json:"-"`         // effective values, expanded (postconf -x)
	Warnings   []string          `json:"-"`         // what postconf said of the configuration, not sanitised
	MapTypes   []string          `json:"map_types"` // postconf -m
	DefaultMap string            `json:"default_database_type"`
	SASLTypes  []string          `json:"sasl_types"` // postconf -A

	// Maps holds the text of the lookup table sources that a setup may
	// merge into, by path: sasl_passwd, TLS policy, aliases. MapMeta says what
	// each is; Unreadable names those that exist and could not be read.
	Maps       map[string][]byte    `json:"-"`
	MapMeta    map[string]host.Meta `json:"-"`
	Unreadable []string             `json:"-"`
	// Compiled is what the files are that postmap(1) may have made of the tables
	// in Maps, by path: the zero Meta for one that does not exist.
	Compiled map[string]host.Meta `json:"-"`

	CAFile      string   `json:"ca_file"`      // the distribution's bundle; "" if none was found
	SASLPlugins []string `json:"sasl_plugins"` // PLAIN, LOGIN, ... whose plug-in is on disk
	Hostname    string   `json:"hostname"`     // kernel host name
	FQDN        string   `json:"fqdn"`         // usable fully qualified name, or ""
	SELinux     SELinux  `json:"selinux"`

	distribution string // key of releases
}

// DefaultConfigDir is config_directory of every distribution's Postfix.
const DefaultConfigDir = "/etc/postfix"

// ConfigError is returned when Postfix is there, but its configuration cannot be
// used as it is. Err is a *SyntaxError, or wraps fs.ErrNotExist (Debian's "No
// configuration" installs no main.cf) or host.ErrNotRegular.
type ConfigError struct {
	Path string
	Err  error
}

func (e *ConfigError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// Read looks at the Postfix whose configuration is in configDir ("" asks
// postconf). A host without Postfix gives Installed == false and no error. With
// an unusable configuration the error is a *ConfigError, and State holds what
// could be found out without it.
//
// It starts three children at most: postconf -x, -m and -A.
func Read(ctx context.Context, r *host.Reader, configDir string) (State, error) {
	s := State{ConfigDir: configDir, Hostname: hostname(r), CAFile: CABundle(r), SASLPlugins: saslPlugins(r)}
	s.FQDN, s.distribution = fqdn(r, s), family(r)
	if !r.Has("postconf") {
		return s, nil
	}
	s.Installed = true
	if s.ConfigDir == "" {
		s.ConfigDir = DefaultConfigDir
	}
	// The files come first: postconf would wait for ever on a FIFO.
	if err := s.readFiles(r); err != nil && (configDir != "" || !errors.Is(err, fs.ErrNotExist)) {
		return s, err
	}
	if err := s.ask(ctx, r, configDir); err != nil {
		return s, err
	}
	if dir := s.Params["config_directory"]; configDir == "" && dir != s.ConfigDir || s.Master == nil {
		s.ConfigDir = dir
		if err := s.readFiles(r); err != nil {
			return s, err
		}
	}
	s.Version, _ = ParseVersion(s.Params["mail_version"])
	s.QueueDir, s.DataDir, s.DaemonDir = s.Params["queue_directory"], s.Params["data_directory"], s.Params["daemon_directory"]
	s.MailOwner = s.Params["mail_owner"]
	s.DefaultMap = s.Params["default_database_type"]
	s.Running = running(r, s.QueueDir)
	s.FQDN, s.SELinux = fqdn(r, s), selinux(r, s.DaemonDir, s.DataDir)
	s.readMaps(r)
	return s, nil
}

// ReadStaged reads the configuration in dir as one that is going to be in live:
// what refers to config_directory means the latter.
func ReadStaged(ctx context.Context, r *host.Reader, dir, live string) (State, error) {
	s, err := Read(ctx, r, dir)
	if err != nil {
		return s, err
	}
	for name, value := range s.Params {
		s.Params[name] = strings.ReplaceAll(value, dir, live)
	}
	s.readMaps(r)
	return s, nil
}

// readFiles reads main.cf and master.cf in s.ConfigDir.
func (s *State) readFiles(r *host.Reader) error {
	path := filepath.Join(s.ConfigDir, "main.cf")
	data, err := r.ReadFile(path)
	if err == nil {
		s.Main, err = ParseMain(data)
	}
	if err == nil {
		s.MainMeta, err = r.Stat(path)
	}
	if err != nil {
		return &ConfigError{path, err}
	}
	path = filepath.Join(s.ConfigDir, "master.cf")
	data, err = r.ReadFile(path)
	if err == nil {
		s.Master, err = ParseMaster(data)
	}
	if err == nil {
		s.MasterMeta, err = r.Stat(path)
	}
	if err != nil {
		return &ConfigError{path, err}
	}
	return nil
}

// ask asks postconf, three questions at once.
func (s *State) ask(ctx context.Context, r *host.Reader, dir string) error {
	if dir != "" {
		dir = r.Real(dir)
	}
	var params, maps, sasl host.Output
	var errs [3]error
	var wg sync.WaitGroup
	wg.Go(func() { params, errs[0] = r.Query(ctx, host.Postconf(dir, "-x")) })
	wg.Go(func() { maps, errs[1] = r.Query(ctx, host.Postconf(dir, "-m")) })
	wg.Go(func() { sasl, errs[2] = r.Query(ctx, host.Postconf(dir, "-A")) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("ask postconf: %w", err)
	}
	if params.Code != 0 {
		msg := strings.TrimSpace(string(params.Stderr))
		if dir == "" && s.Main == nil {
			return &ConfigError{filepath.Join(s.ConfigDir, "main.cf"), fmt.Errorf("%w: %s", fs.ErrNotExist, msg)}
		}
		return &ConfigError{s.ConfigDir, fmt.Errorf("postconf: %s", msg)}
	}
	// It reads more of main.cf than postconf -x does. That no interface is up is
	// no fault of main.cf (own_inet_addr.c); who asks the relay finds that as well.
	if maps.Code != 0 && !strings.Contains(string(maps.Stderr), "active network interfaces") {
		return &ConfigError{s.ConfigDir, fmt.Errorf("postconf: %s", strings.TrimSpace(string(maps.Stderr)))}
	}
	s.Params = parseParams(string(params.Stdout))
	s.Warnings = lines(string(params.Stderr))
	s.MapTypes = strings.Fields(string(maps.Stdout))
	s.SASLTypes = strings.Fields(string(sasl.Stdout))
	return nil
}

// parseParams reads "name = value" lines.
func parseParams(text string) map[string]string {
	params := make(map[string]string, 1100)
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			params[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return params
}

func lines(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

//go:build unix

package postfix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"relayhost/internal/host"
	"relayhost/internal/lint"
)

// Read looks at the Postfix whose configuration is in configDir ("" asks
// postconf). A host without Postfix gives Installed == false and no error. With
// an unusable configuration the error is a *ConfigError, and State holds what
// could be found out without it.
//
// It starts three children at most: postconf -x, -m and -A.
func Read(ctx context.Context, r *host.Reader, configDir string) (State, error) {
	s := State{ConfigDir: configDir, Hostname: hostname(r), CAFile: CABundle(r), SASLPlugins: saslPlugins(r)}
	s.FQDN, s.distribution, s.Accounts = fqdn(r, s), family(r), accounts(r)
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
	if s.Running = running(r, s.QueueDir); s.Running {
		s.Outlived = outlived(r, s.QueueDir, s.DaemonDir)
	}
	s.FQDN, s.SELinux = fqdn(r, s), selinux(r, s.DaemonDir, s.DataDir)
	s.Names = hostNames(r, s)
	s.readMaps(r)
	s.LostCertificates = lint.LostCertificate(s.Params, Exists(r))
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
	s.LostCertificates = lint.LostCertificate(s.Params, Exists(r))
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
	wg.Go(func() { maps, errs[1] = r.Query(ctx, host.Postconf(dir, "-m")) })
	wg.Go(func() { sasl, errs[2] = r.Query(ctx, host.Postconf(dir, "-A")) })
	params, errs[0] = r.Query(ctx, host.Postconf(dir, "-x")) // the longest begins first
	wg.Wait()
	if err := cmp.Or(errs[:]...); err != nil { // one is enough: the reason is the same
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

// mapParams name the lookup tables that a setup may merge into or has to know.
var mapParams = []string{
	"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_tls_per_site", "smtp_generic_maps", "transport_maps",
	"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps", "sender_canonical_maps",
	"canonical_maps", "alias_maps", "alias_database", "virtual_alias_maps", "smtp_delivery_status_filter",
	"smtp_reply_filter",
}

// readMaps reads the sources that main.cf and the services of master.cf name.
func (s *State) readMaps(r *host.Reader) {
	s.Maps, s.MapMeta = make(map[string][]byte), make(map[string]host.Meta)
	var values []string
	for _, name := range mapParams {
		values = append(values, s.Params[name])
	}
	for _, o := range s.Master.Overrides(mapParams...) {
		values = append(values, o.Option.Value)
	}
	for _, value := range values {
		for _, t := range ParseTables(value, s.DefaultMap) {
			if t.Editable() {
				s.readMap(r, t.Path)
			}
		}
	}
	s.readOwn(r)
}

// readOwn reads the tables of a setup, named by a parameter or not: a new one
// may come in the place of one that was left behind.
func (s *State) readOwn(r *host.Reader) {
	names, err := r.ReadDir(s.ConfigDir)
	if err != nil {
		return
	}
	for _, name := range names {
		compiled := slices.Contains([]string{".db", ".lmdb", ".cdb", ".pag", ".dir"}, filepath.Ext(name))
		if IsOwn(name) && !compiled {
			s.readMap(r, filepath.Join(s.ConfigDir, name))
		}
	}
}

// Load adds files to Maps that no parameter names as a table of the common
// form; one that does not exist stays absent.
func (s *State) Load(r *host.Reader, paths ...string) {
	for _, path := range paths {
		s.readMap(r, path)
	}
}

func (s *State) readMap(r *host.Reader, path string) {
	if _, done := s.Maps[path]; done || slices.Contains(s.Unreadable, path) {
		return
	}
	data, err := r.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.lookCompiled(r, path)
	meta, statErr := r.Stat(path)
	if err != nil || statErr != nil {
		s.Unreadable = append(s.Unreadable, path)
		return
	}
	// Without a Postfix that Read could use there is neither.
	if s.Maps == nil {
		s.Maps = make(map[string][]byte)
	}
	if s.MapMeta == nil {
		s.MapMeta = make(map[string]host.Meta)
	}
	s.Maps[path], s.MapMeta[path] = data, meta
}

// lookCompiled looks at what may have been compiled from the source path.
func (s *State) lookCompiled(r *host.Reader, path string) {
	if s.Compiled == nil {
		s.Compiled = make(map[string]host.Meta)
	}
	for _, suffix := range indexed {
		// What is not there is the zero Meta; what cannot be looked at, nothing.
		if meta, err := r.Stat(path + suffix); err == nil || errors.Is(err, fs.ErrNotExist) {
			s.Compiled[path+suffix] = meta
		}
	}
}

// family is the key of releases that ID, or else ID_LIKE, of os-release(5) names.
func family(r *host.Reader) string {
	data, err := r.ReadFile("/etc/os-release")
	if err != nil {
		return ""
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[name] = strings.Trim(value, `"'`)
	}
	version := fields["VERSION_ID"]
	major, _, _ := strings.Cut(version, ".")
	for _, id := range strings.Fields(fields["ID"] + " " + fields["ID_LIKE"]) {
		switch id {
		case "centos", "rocky", "almalinux":
			id = "rhel"
		case "suse", "sles", "opensuse-leap", "opensuse-tumbleweed":
			id = "opensuse"
		}
		for _, key := range []string{id + ":" + version, id + ":" + major, id} {
			if _, ok := releases[key]; ok {
				return key
			}
		}
	}
	return ""
}

// Exists looks files up for Lint.
func Exists(r *host.Reader) func(path string) (exists, known bool) {
	return func(path string) (exists, known bool) {
		_, err := r.Stat(path)
		return err == nil, err == nil || errors.Is(err, fs.ErrNotExist)
	}
}

// ReadQueue lists the queue of the instance in configDir.
func ReadQueue(ctx context.Context, r *host.Reader, configDir string) ([]QueuedMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, host.CommandTimeout)
	defer cancel()
	var messages []QueuedMessage
	out, err := r.Stream(ctx, host.PostqueueJSON(configDir), func(line []byte) error {
		if len(messages) == MaxQueue {
			return ErrLongQueue
		}
		if m, err := parseQueued(line); err == nil {
			messages = append(messages, m)
		}
		return nil
	})
	if err != nil {
		return messages, fmt.Errorf("read the queue: %w", err)
	}
	if out.Code != 0 {
		return messages, fmt.Errorf("read the queue: postqueue: %s", strings.TrimSpace(string(out.Stderr)))
	}
	return messages, nil
}

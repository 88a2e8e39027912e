// Package postfix is the Postfix on this host: version, map types, main.cf and
// master.cf as lossless texts, queue and log. It reads through host.Reader and
// decides nothing.
package postfix

import (
	"errors"
	"io/fs"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/lint"
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
	// Outlived is the process of a master(8) whose program is not the one of DaemonDir any
	// more, as after an upgrade without a restart; 0 if it is, and where that cannot be seen.
	Outlived int `json:"-"`

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

	CAFile string `json:"ca_file"` // the distribution's bundle; "" if none was found
	// LostCertificates are the parameters of a client certificate whose file does not exist.
	LostCertificates []lint.Param `json:"-"`
	SASLPlugins      []string     `json:"sasl_plugins"` // PLAIN, LOGIN, ... whose plugin is on disk
	Hostname         string       `json:"hostname"`     // kernel host name
	FQDN             string       `json:"fqdn"`         // usable fully qualified name, or ""
	Names            []string     `json:"-"`            // further names that programs of this host send with: see hostNames
	Accounts         []string     `json:"-"`            // system accounts, root first: see accounts
	SELinux          SELinux      `json:"selinux"`

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

func (e *ConfigError) Error() string {
	if path, ok := errors.AsType[*fs.PathError](e.Err); ok { // which names it again
		return e.Path + ": " + path.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

func (e *ConfigError) Unwrap() error { return e.Err }

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

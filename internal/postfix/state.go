// Package postfix is the Postfix on this host: version, map types, main.cf and
// master.cf as lossless texts, queue and log. It reads through host.Reader and
// decides nothing.
package postfix

import (
	"context"

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
	MapTypes   []string          `json:"map_types"` // postconf -m
	DefaultMap string            `json:"default_database_type"`
	SASLTypes  []string          `json:"sasl_types"` // postconf -A

	// Maps holds the text of the lookup table sources that a set-up may
	// merge into, by path: sasl_passwd, TLS policy, aliases.
	Maps map[string][]byte `json:"-"`

	CAFile      string   `json:"ca_file"`      // the distribution's bundle; "" if none was found
	SASLPlugins []string `json:"sasl_plugins"` // PLAIN, LOGIN, ... whose plug-in is on disk
	Hostname    string   `json:"hostname"`     // kernel host name
	FQDN        string   `json:"fqdn"`         // usable fully qualified name, or ""
}

// Read looks at the Postfix whose configuration is in configDir ("" asks
// postconf). A host without Postfix gives Installed == false and no error.
func Read(ctx context.Context, r *host.Reader, configDir string) (State, error) {
	panic("not written yet")
}

// Version of Postfix: 3.7.11 is {3, 7, 11}.
type Version struct{ Major, Minor, Patch int }

// AtLeast reports whether v is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// Package plan decides what will be: from the Postfix that is there and the
// Config it builds the new files as bytes and the commands
// to run. It is pure: it reads nothing and writes nothing.
package plan

import (
	"io/fs"
	"path/filepath"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// Server is the Postfix that is planned for.
type Server struct {
	postfix.State
	Port25Open bool // as detect has found; adds a note
	Force      bool // go on in spite of a *Conflict; each becomes a note
	// NoCredentials builds a plan to look at (--dry-run): where nothing is
	// stored yet, secret.Mask stands for user name and password.
	NoCredentials bool
	Bridge        Bridge // needed where a hop goes by one
}

// Plan is what will be on disk and what will be run, in order. The last file is
// main.cf: its rename is the commit.
type Plan struct {
	Routes   []Route // the default first; none in a plan that sets no relay up
	Files    []File
	Commands []Command // after the files, in order
	Notes    []string  // what the administrator should know
	// Incomplete says that placeholders stand for credentials: such a plan is
	// shown and never applied.
	Incomplete bool
}

// Default is the route of all senders that no other route has, the zero Route where
// there is none.
func (p Plan) Default() Route {
	if len(p.Routes) == 0 {
		return Route{}
	}
	return p.Routes[0]
}

// First is the first hop of the default route, the zero Hop where there is none.
func (p Plan) First() Hop {
	if len(p.Routes) == 0 {
		return Hop{}
	}
	return p.Routes[0].Hops[0]
}

// Main is main.cf, the zero File where p does not have it.
func (p Plan) Main() File {
	for _, f := range p.Files {
		if filepath.Base(f.Path) == "main.cf" {
			return f
		}
	}
	return File{}
}

// Route is a planned route, as a row of the documents of setup and status: its name and
// senders of config.Route, and what stands in Postfix for it.
type Route struct {
	Name    string   `json:"name"`
	Senders []string `json:"senders,omitempty"`
	From    string   `json:"from"`
	Service string   `json:"service"` // entry of master.cf
	Hops    []Hop    `json:"hops"`
	Bridge  string   `json:"-"` // name of the bridge that it goes by, "" for none
	Unit    bool     `json:"-"` // a unit of systemd runs the bridge
}

// Socket is where the log shows the mail of w to go by a bridge, "private/NAME"; ""
// where it goes by none.
func (w Route) Socket() string {
	if w.Bridge == "" {
		return ""
	}
	if w.Unit {
		return "private/" + w.Service + config.ServiceSuffix
	}
	return "private/" + w.Service + outSuffix
}

// Hop is a hop of a Route: what may be printed of a config.Hop, and what stands in Postfix
// for it.
type Hop struct {
	Relay    string `json:"relay"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	TLS      string `json:"tls"`
	NextHop  string `json:"next_hop"`
	NoVerify bool   `json:"no_verify,omitempty"`
	NoAuth   bool   `json:"no_auth,omitempty"`
	Via      string `json:"via,omitempty"` // as config.Via; Postfix has the socket of a bridge as its next hop
}

// Action is what happens to a file.
type Action string

// The actions of a plan.
const (
	Create    Action = "create"
	Modify    Action = "modify"
	Remove    Action = "remove" // with its compiled map; After is nil
	Unchanged Action = "none"
)

// File is one file of the plan: what was found and what will be.
type File struct {
	Path   string      `json:"path"`
	Action Action      `json:"action"`
	Before []byte      `json:"-"` // nil when it did not exist
	After  []byte      `json:"-"`
	Mode   fs.FileMode `json:"mode"` // permission bits; for Modify those of the file
	UID    int         `json:"uid"`
	GID    int         `json:"gid"`
	Secret bool        `json:"secret"` // values are masked in differences; the mode is 0600, or 0640 with Group
	Group  string      `json:"-"`      // that may read a secret, made where it is missing; GID is its number
	// Map is the lookup table type when a compiled map is made of this file
	// ("hash", "lmdb", "cdb"); "" for none, as with texthash.
	Map string `json:"map,omitempty"`
	// Aliases is the type of the map that postalias(1) compiles of an alias file; ""
	// for other files.
	Aliases string `json:"-"`
	// Recompile says that the text stays, and that its compiled map is missing,
	// older, or open to others.
	Recompile bool `json:"recompile,omitempty"`
	// Keys are looked up in the compiled map before it goes live, each with
	// the value that must come back.
	Keys map[string]secret.Value `json:"-"`
}

// Compiled is the type of the map that is compiled of f, "" for none, and the program
// that does it.
func (f File) Compiled() (mapType, program string) {
	switch {
	case f.Map != "":
		return f.Map, "postmap"
	case f.Aliases != "" && f.Action != Unchanged:
		return f.Aliases, "postalias"
	}
	return "", ""
}

// Command is what brings the files into effect, as one would type it. Who applies a
// plan compiles a map aside, moves it in with its source, and reloads Postfix.
type Command struct {
	Args []string `json:"args"`
	Why  string   `json:"why"`
}

// Changed reports whether anything would be written.
func (p Plan) Changed() bool {
	for _, f := range p.Files {
		if f.Action != Unchanged {
			return true
		}
	}
	return false
}

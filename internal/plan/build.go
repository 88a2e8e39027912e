package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// Names of the files that are ours, in the configuration directory.
const (
	passwdFile    = "sasl_passwd"
	privateFile   = "relayhost_sasl_passwd" // where passwdFile is somebody else's
	policyFile    = "relayhost_tls_policy"
	genericFile   = "relayhost_generic"
	senderFile    = "relayhost_sender"
	transportFile = "relayhost_transport"
	filterFile    = "relayhost_status_filter"
	replyFile     = "relayhost_reply_filter"
	bySenderFile  = "relayhost_by_sender"
	belowFile     = "relayhost_by_subdomain"
	ownPasswdFile = "relayhost_passwd" // and the name of the service
)

// ServicePrefix begins the names of our entries in master.cf.
const ServicePrefix = "relayhost-"

// proxySuffix ends the name of the tlsproxy(8) entry of a service.
const proxySuffix = config.ProxySuffix

// oldest is the first Postfix with per-destination reuse of TLS connections and
// SNI (RELEASE_NOTES-3.4).
var oldest = postfix.Version{Major: 3, Minor: 4}

// builder carries what the steps of Build share.
type builder struct {
	s      postfix.State
	facts  lint.Config // s as the rules of lint take it
	server Server
	cfg    config.Config
	main   *postfix.Main
	master *postfix.Master

	mainBefore, masterBefore []byte // nil where there is no file

	accounts Accounts
	routes   []*route   // the default first
	services []*service // the default first

	out *output
	d   *templates.Data // of the default service, and what holds for all
	set []string        // parameters of main.cf that the plan sets
}

// Build makes the plan for c, which Resolve has completed, on the Postfix of s. It
// is pure: equal arguments give equal bytes, and a plan made on the result of
// another is unchanged.
//
// Errors are those of Config.Validate for a value that cannot be used, *Conflict for
// something on the host that has to be settled first, and anything else for a
// host on which no plan can be made.
func Build(server Server, c config.Config) (Plan, error) {
	s := server.State
	b := &builder{s: s, facts: s.Facts(), server: server, cfg: c.Normal(), accounts: StoredAccounts(s)}
	if err := b.cfg.Validate(!server.NoCredentials); err != nil {
		return Plan{}, err
	}
	if s.Installed && !s.Version.AtLeast(oldest.Major, oldest.Minor) {
		return Plan{}, fmt.Errorf("Postfix %d.%d is too old: %d.%d or later is needed", s.Version.Major, s.Version.Minor, oldest.Major, oldest.Minor)
	}
	if err := b.open(); err != nil {
		return Plan{}, err
	}
	b.berkeley()
	b.routes = routesOf(b.out, b.cfg)
	incomplete := fillLogins(b.server, b.accounts, b.routes)
	if err := b.assemble(); err != nil {
		return Plan{}, err
	}
	for _, sv := range b.services {
		b.describe(sv)
	}
	if err := b.conflicts(); err != nil {
		return Plan{}, err
	}
	for _, step := range []func() error{
		b.passwd,
		func() error { return tlsPolicies(b.out, b.s, b.main, b.services) },
		b.rewriteSenders,
		b.filter,
		func() error { return writeBridges(b.out, b.s, b.server, b.services) },
		b.transportMaps,
		b.bySenderMaps,
		func() error { return rootAliases(b.out, b.s, b.facts, b.cfg) },
		func() error { return storeConfig(b.out, b.s, b.cfg) },
		b.masterCF,
		func() error { return leftovers(b.out, b.s, b.server) },
		b.mainCF,
	} {
		if err := step(); err != nil {
			return Plan{}, err
		}
	}
	b.findings()
	p := Plan{Routes: describedRoutes(b.routes), Files: b.out.files, Notes: b.out.notes, Incomplete: incomplete}
	p.Commands = commandsFor(b.s, p)
	return p, nil
}

// describedRoutes is what the plan says of its routes.
func describedRoutes(routes []*route) []Route {
	list := make([]Route, len(routes))
	for i, w := range routes {
		list[i] = Described(w.Route)
		list[i].From, list[i].Service = w.sender(), w.service.d.Service
		if w.service.bridge {
			list[i].Bridge, list[i].Unit = w.service.bridgeName(), w.service.byUnit()
		}
	}
	return list
}

// Described is r as the documents show it, without what Postfix has for it.
func Described(r config.Route) Route {
	d := Route{Name: r.Name, Senders: r.Senders, From: r.From, Hops: make([]Hop, len(r.Hops))}
	for n, h := range r.Hops {
		host, port := h.Shown()
		d.Hops[n] = Hop{Relay: h.Relay.ID, Host: host, Port: port, TLS: string(h.TLS), NextHop: h.NextHop(),
			NoVerify: h.NoVerify, NoAuth: !h.NeedsLogin(), Via: string(h.Via)}
	}
	return d
}

// open takes private copies of main.cf and master.cf and chooses the map type.
func (b *builder) open() error {
	if b.s.ConfigDir == "" {
		b.s.ConfigDir = postfix.DefaultConfigDir
	}
	b.main, _ = postfix.ParseMain(nil)
	if b.s.Main != nil {
		b.mainBefore, b.main = notNil(b.s.Main.Bytes()), b.s.Main.Clone()
	}
	b.master, _ = postfix.ParseMaster(nil)
	if b.s.Master != nil {
		b.masterBefore, b.master = notNil(b.s.Master.Bytes()), b.s.Master.Clone()
	}
	var err error
	b.out = &output{state: b.s}
	b.out.mapType, err = postfix.PickMapType(b.s, b.cfg.MapType)
	if errors.Is(err, postfix.ErrNoMapType) {
		return &config.InputError{Field: "map-type", Msg: err.Error(), Hint: "postconf -m lists the types that this Postfix has"}
	}
	return err
}

// storeConfig adds the file of the Config.
func storeConfig(out *output, state postfix.State, cfg config.Config) error {
	text, err := cfg.Text(state.Maps[config.Path])
	if err != nil {
		return err
	}
	out.file(File{Path: config.Path, After: text, Mode: 0o644})
	return nil
}

// notNil tells an empty file from none.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// minimumTLS is TLS 1.2 in the form that v reads: ">=" came with Postfix 3.6
// (smtp_tls_mandatory_protocols).
func minimumTLS(v postfix.Version) string {
	if v.AtLeast(3, 6) {
		return ">=TLSv1.2"
	}
	return "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"
}

// filePath is a file of the configuration directory.
func filePath(state postfix.State, name string) string { return filepath.Join(state.ConfigDir, name) }

// output collects what the steps of Build have made.
type output struct {
	state   postfix.State // what is there
	mapType string        // of our tables
	files   []File
	notes   []string
}

func (o *output) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(o.notes, n) {
		o.notes = append(o.notes, n)
	}
}

// file adds one file; the mode of an existing one is kept, but for secrets.
func (o *output) file(f File) {
	f.Action = Create
	if before, ok := o.state.Maps[f.Path]; ok && f.Before == nil {
		f.Before = notNil(before)
	}
	if f.Before != nil {
		f.Action = Modify
		if bytes.Equal(f.Before, f.After) {
			f.Action = Unchanged
		}
	}
	if meta, ok := o.state.MapMeta[f.Path]; ok {
		if f.Secret && (meta.Mode.Perm() != f.Mode || meta.UID != f.UID || meta.GID != f.GID) {
			f.Action = Modify
		}
		if !f.Secret {
			f.Mode, f.UID, f.GID = meta.Mode.Perm(), meta.UID, meta.GID
		}
	}
	if f.Action == Unchanged && f.Map != "" && unsound(o.state, f) {
		f.Action, f.Recompile = Modify, true
	}
	if i := slices.IndexFunc(o.files, func(g File) bool { return g.Path == f.Path && g.Recompile }); i >= 0 { // of berkeley
		if f.Action == Unchanged {
			return
		}
		o.files = slices.Delete(o.files, i, i+1)
	}
	o.files = append(o.files, f)
}

// unsound reports whether what is compiled from f is missing, holds what f said
// before somebody edited it, or is a secret that is not root's alone: postmap(1)
// keeps the mode of a map that is there. Aliases wait for their newaliases(1).
func unsound(state postfix.State, f File) bool {
	meta, looked := state.Compiled[postfix.Table{Type: f.Map, Path: f.Path}.Index()]
	missing := !meta.Mode.IsRegular() || meta.Nlink == 0
	stale := state.MapMeta[f.Path].Mtime.Sub(meta.Mtime) > postfix.StaleAfter && f.Path != aliasFile(state).Path
	return looked && (missing || stale || f.Secret && (meta.Mode.Perm() != f.Mode || meta.UID != f.UID || meta.GID != f.GID))
}

// newMap adds a lookup table of ours, rendered from tmpl, and returns it as
// "type:path".
func (o *output) newMap(name string, tmpl templates.Name, d *templates.Data, keys map[string]secret.Value) (string, error) {
	text, err := templates.Render(tmpl, d)
	if err != nil {
		return "", err
	}
	f := File{Path: filePath(o.state, name), After: text, Mode: 0o644, Keys: keys}
	if (postfix.Table{Type: o.mapType, Path: f.Path}).Index() != "" {
		f.Map = o.mapType
	}
	o.file(f)
	return o.mapType + ":" + f.Path, nil
}

// commandsFor lists what makes Postfix read the result, as an administrator would
// type it.
func commandsFor(state postfix.State, p Plan) []Command {
	if !p.Changed() {
		return nil
	}
	program := []string{"postfix"}
	if state.ConfigDir != postfix.DefaultConfigDir {
		program = append(program, "-c", state.ConfigDir)
	}
	var list []Command
	for _, f := range p.Files {
		mapType, program := f.Compiled()
		if mapType == "" || f.Action == Unchanged || f.Action == Remove {
			continue
		}
		why := "compile the table"
		if f.Aliases != "" {
			why = "compile the aliases"
		}
		list = append(list, Command{[]string{program, mapType + ":" + f.Path}, why})
	}
	list = append(list, unitCommands(p)...)
	if state.Running {
		return append(list, Command{append(program, "reload"), "make Postfix read the new configuration"})
	}
	return append(list, Command{append(program, "start"), "Postfix is not running"})
}

// existingMode is the mode of a file of Postfix that is there, or 0644.
func existingMode(mode fs.FileMode) fs.FileMode {
	if mode.Perm() == 0 {
		return 0o644
	}
	return mode.Perm()
}

// oneLine makes text of a catalogue fit for a comment line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == ' ' }), " ")
}

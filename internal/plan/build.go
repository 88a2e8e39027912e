package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
	"relayhost/templates"
)

// Names of the files that are ours, in the configuration folder.
const (
	passwdFile    = "sasl_passwd"
	policyFile    = "relayhost_tls_policy"
	genericFile   = "relayhost_generic"
	senderFile    = "relayhost_sender"
	transportFile = "relayhost_transport"
	filterFile    = "relayhost_status_filter"
)

// ServicePrefix begins the names of our entries in master.cf.
const ServicePrefix = "relayhost-"

// proxySuffix ends the name of the tlsproxy(8) entry of a service.
const proxySuffix = "-tls"

// oldest is the first Postfix with per-destination reuse of TLS connections and
// SNI (RELEASE_NOTES-3.4).
var oldest = postfix.Version{Major: 3, Minor: 4}

// builder carries what the steps of Build share.
type builder struct {
	s      postfix.State
	facts  *detect.Facts
	o      Options
	main   *postfix.Main
	master *postfix.Master

	mainBefore, masterBefore []byte // nil where there is no file

	mapType string
	d       templates.Data
	files   []File
	notes   []string
	set     []string // parameters of main.cf that the plan sets
}

// Build makes the plan for relay o.Relay on the Postfix of s. It is pure: equal
// arguments give equal bytes, and a plan made on the result of another is
// unchanged. facts may be nil; they only add notes.
//
// Errors are *InputError for an answer that cannot be used, *Conflict for
// something on the host that has to be settled first, and anything else for a
// host on which no plan can be made.
func Build(s postfix.State, facts *detect.Facts, o Options) (Plan, error) {
	o.Host = strings.ToLower(o.Host)
	b := &builder{s: s, facts: facts, o: o}
	if err := checkOptions(o); err != nil {
		return Plan{}, err
	}
	if s.Installed && !s.Version.AtLeast(oldest.Major, oldest.Minor) {
		return Plan{}, fmt.Errorf("Postfix %d.%d is too old: %d.%d or later is needed", s.Version.Major, s.Version.Minor, oldest.Major, oldest.Minor)
	}
	if err := b.open(); err != nil {
		return Plan{}, err
	}
	incomplete := b.login()
	b.describe()
	if err := b.conflicts(); err != nil {
		return Plan{}, err
	}
	for _, step := range []func() error{
		b.passwd, b.policy, b.senders, b.filter, b.routes, b.aliases, b.answers, b.masterCF, b.mainCF,
	} {
		if err := step(); err != nil {
			return Plan{}, err
		}
	}
	b.findings()
	p := Plan{
		Relay: o.Relay.ID, Host: o.Host, Port: o.Port, TLS: string(o.TLS), Service: b.d.Service, NextHop: b.d.NextHop,
		Files: b.files, Notes: b.notes, Incomplete: incomplete, NoVerify: o.NoVerify, NoAuth: b.d.Username == "",
	}
	p.Commands = b.commands(p)
	return p, nil
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
	b.mapType, err = postfix.PickMapType(b.s, b.o.MapType)
	if errors.Is(err, postfix.ErrNoMapType) {
		return &InputError{"map-type", err.Error(), "postconf -m lists the types that this Postfix has"}
	}
	return err
}

// notNil tells an empty file from none.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// login fills in stored or masked credentials where none were given, and
// reports whether placeholders are in use.
func (b *builder) login() (incomplete bool) {
	if !needsLogin(b.o) || !b.o.NoCredentials || b.o.Username != "" && !b.o.Password.IsZero() {
		return false
	}
	if user, password, ok := Credentials(b.s, nextHop(b.o.Host, b.o.Port)); ok && (b.o.Username == "" || b.o.Username == user) {
		b.o.Username, b.o.Password = user, password
		return false
	}
	if b.o.Username == "" {
		b.o.Username = b.o.Relay.Auth.Username.Fixed
	}
	if b.o.Username == "" {
		b.o.Username = secret.Mask
	}
	b.o.Password = secret.New(secret.Mask)
	return true
}

func nextHop(host string, port int) string { return fmt.Sprintf("[%s]:%d", host, port) }

// describe decides what does not depend on the files that are there.
func (b *builder) describe() {
	name := b.o.Relay.Name
	if name == "" {
		name = b.o.Relay.ID
	}
	b.d = templates.Data{
		RelayName:          oneLine(name),
		Service:            ServicePrefix + b.o.Relay.ID,
		Host:               b.o.Host,
		NextHop:            nextHop(b.o.Host, b.o.Port),
		From:               b.o.From,
		CAFile:             b.s.CAFile,
		WrapperMode:        b.o.TLS == relays.Implicit,
		Mechanisms:         "plain,login",
		TLSSecurityOptions: "noplaintext,noanonymous",
		Level:              "secure",
		Match:              "nexthop",
		Protocols:          minimumTLS(b.s.Version),
		Processes:          "-",
	}
	if needsLogin(b.o) {
		b.d.Username, b.d.Password = b.o.Username, b.o.Password.Reveal()
	}
	if b.o.CAFile != "" {
		b.d.CAFile = b.o.CAFile
	}
	if _, err := netip.ParseAddr(b.o.Host); err != nil {
		b.d.ServerName = "hostname" // RFC 6066 section 3 allows no address in SNI
	}
	switch {
	case b.o.Pin != "":
		pin, _ := fingerprint(b.o.Pin) // checked before
		b.d.Level, b.d.Match, b.d.Digest = "fingerprint", pin, "sha256"
		b.note("the certificate is pinned: mail waits when the service renews it")
	case b.o.NoVerify:
		b.d.Level, b.d.Match, b.d.TLSSecurityOptions = "encrypt", "", "noanonymous"
		b.note("the relay's certificate is not verified: whoever stands in between can read the password and the mail")
	}
	b.limits()
	b.reuse()
}

// minimumTLS is TLS 1.2 in the form that v reads: ">=" came with Postfix 3.6
// (smtp_tls_mandatory_protocols). A policy entry separates by colons.
func minimumTLS(v postfix.Version) string {
	if v.AtLeast(3, 6) {
		return ">=TLSv1.2"
	}
	return "!SSLv2:!SSLv3:!TLSv1:!TLSv1.1"
}

func (b *builder) path(name string) string { return filepath.Join(b.s.ConfigDir, name) }

func (b *builder) param(name string) string { return b.s.Params[name] }

func (b *builder) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(b.notes, n) {
		b.notes = append(b.notes, n)
	}
}

// file adds one file; the mode of an existing one is kept, but for secrets.
func (b *builder) file(f File) {
	f.Action = Create
	if before, ok := b.s.Maps[f.Path]; ok && f.Before == nil {
		f.Before = notNil(before)
	}
	if f.Before != nil {
		f.Action = Modify
		if bytes.Equal(f.Before, f.After) {
			f.Action = Unchanged
		}
	}
	if meta, ok := b.s.MapMeta[f.Path]; ok {
		if f.Secret && (meta.Mode.Perm() != f.Mode || meta.UID != f.UID || meta.GID != f.GID) {
			f.Action = Modify
		}
		if !f.Secret {
			f.Mode, f.UID, f.GID = meta.Mode.Perm(), meta.UID, meta.GID
		}
	}
	b.files = append(b.files, f)
}

// newMap adds a lookup table of ours, rendered from tmpl.
func (b *builder) newMap(name string, tmpl templates.Name, keys map[string]secret.Value) (string, error) {
	text, err := templates.Render(tmpl, b.d)
	if err != nil {
		return "", err
	}
	f := File{Path: b.path(name), After: text, Mode: 0o644, Keys: keys}
	if (postfix.Table{Type: b.mapType, Path: f.Path}).Index() != "" {
		f.Map = b.mapType
	}
	b.file(f)
	return b.mapType + ":" + f.Path, nil
}

// commands lists what makes Postfix read the result, as an administrator would
// type it.
func (b *builder) commands(p Plan) []Command {
	if !p.Changed() {
		return nil
	}
	program := []string{"postfix"}
	if b.s.ConfigDir != postfix.DefaultConfigDir {
		program = append(program, "-c", b.s.ConfigDir)
	}
	var list []Command
	for _, f := range p.Files {
		switch {
		case f.Action == Unchanged:
		case f.Path == b.aliasFile().Path && b.aliasFile().Index() != "":
			list = append(list, Command{[]string{"postalias", b.aliasFile().String()}, "compile the aliases"})
		case f.Map != "":
			list = append(list, Command{[]string{"postmap", f.Map + ":" + f.Path}, "compile the table"})
		}
	}
	if b.s.Running {
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

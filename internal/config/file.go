package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"relayhost/internal/oauth"
	"relayhost/relays"
)

// MaxSize is the largest file that is read, in bytes: some 30,000 routes.
const MaxSize = 4 << 20

const header = "# The answers that relayhost set this server up with. It holds no secrets.\n# \"relayhost setup\" keeps what is here unless told otherwise.\n"

// version is raised when a key changes its meaning.
const version = 1

// fileConfig, fileRoute and fileHop are the keys of the file: those of the default
// route and of its first hop stand at the top level.
type fileConfig struct {
	Version int `toml:"version"`
	fileRelay
	From    string   `toml:"from"`
	To      string   `toml:"to,omitempty"`
	RootTo  string   `toml:"root_to,omitempty"`
	Direct  []string `toml:"direct,omitempty"`
	MapType string   `toml:"map_type,omitempty"`
	fileAccess
	Fallback []fileHop         `toml:"fallback,omitempty"`
	Rewrite  map[string]string `toml:"rewrite,omitempty"`
	Routes   []fileRoute       `toml:"route,omitempty"`
}

// fileHop is a Hop in the words of the file: a Hop has its relay looked up, and secrets,
// which no file has.
type fileHop struct {
	fileRelay
	fileAccess
}

// fileRelay is where a hop is.
type fileRelay struct {
	Relay  string `toml:"relay,omitempty"`
	Region string `toml:"region,omitempty"`
	Host   string `toml:"host,omitempty"`
	Port   int    `toml:"port,omitempty"`
	TLS    string `toml:"tls,omitempty"` // starttls | implicit
}

// fileAccess is how a hop is reached and logged in to.
type fileAccess struct {
	// CredentialsFile is where the account is read from; "" keeps the stored one.
	CredentialsFile string `toml:"credentials_file,omitempty"`
	CAFile          string `toml:"ca_file,omitempty"`
	Fingerprint     string `toml:"fingerprint,omitempty"`
	NoVerify        bool   `toml:"insecure_no_verify_certificate,omitempty"`
	Plaintext       bool   `toml:"insecure_plaintext,omitempty"`
	Connections     int    `toml:"connections,omitempty"`
	Via             string `toml:"via,omitempty"` // smtp | smtp-oauth | https
	Proxy           string `toml:"https_proxy,omitempty"`
	BridgeService   bool   `toml:"bridge_service,omitempty"`
	SignIn          string `toml:"sign_in,omitempty"`
	Tenant          string `toml:"tenant,omitempty"`
	ClientID        string `toml:"client_id,omitempty"`
}

// fileRoute is a Route in the words of the file, its first hop without a table of its own.
type fileRoute struct {
	Name    string   `toml:"name"`
	Senders []string `toml:"senders"`
	fileHop
	From     string    `toml:"from,omitempty"`
	Fallback []fileHop `toml:"fallback,omitempty"`
}

// Read reads the text of Path. Errors are *FileError, or several of them joined:
// what is no TOML, unknown keys, and what contradicts itself.
func Read(text []byte) (Config, error) {
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return Config{}, &FileError{Line: 1, Msg: "the file begins with a byte order mark", Hint: "save it as UTF-8 without one"}
	}
	if len(text) > MaxSize {
		return Config{}, &FileError{Msg: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20), Hint: "combine routes of the same relay and account into one, with all their senders"}
	}
	var f fileConfig
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&f); err != nil {
		return Config{}, decodeError(err)
	}
	c := f.config()
	c.file = &file{text: text, stored: &f}
	switch f.Version {
	case 0:
		return Config{}, c.Mistake("version", "version = %d is missing", version)
	case version:
	default:
		return Config{}, c.Mistake("version", "version %d is not known to this relayhost", f.Version)
	}
	if err := c.check(asRead, false); err != nil {
		return Config{}, err
	}
	return c, nil
}

func decodeError(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var unknown []error
		for _, e := range strict.Errors[:min(len(strict.Errors), MaxMistakes)] {
			row, _ := e.Position()
			unknown = append(unknown, &FileError{Line: row, Msg: "unknown key " + strings.Join(e.Key(), ".")})
		}
		return errors.Join(unknown...)
	}
	var d *toml.DecodeError
	if !errors.As(err, &d) {
		return fmt.Errorf("%s: %w", Path, err)
	}
	row, _ := d.Position()
	return &FileError{Line: row, Msg: strings.TrimPrefix(d.Error(), "toml: ")}
}

func (f *fileConfig) config() Config {
	c := Config{Routes: make([]Route, len(f.Routes)+1), To: f.To, RootTo: f.RootTo, Direct: f.Direct, MapType: f.MapType, Rewrite: f.Rewrite}
	all := named{}
	for i := range c.Routes {
		c.Routes[i] = f.route(i, all)
	}
	return c
}

// route is the i-th route of the Config, of which the first is the default.
func (f *fileConfig) route(i int, all named) Route {
	r := fileRoute{Name: DefaultRoute, From: f.From, fileHop: fileHop{f.fileRelay, f.fileAccess}, Fallback: f.Fallback}
	if i > 0 {
		r = f.Routes[i-1]
	}
	route := Route{Name: r.Name, Senders: r.Senders, From: r.From, Hops: make([]Hop, 0, len(r.Fallback)+1)}
	route.Hops = append(route.Hops, r.hop(all))
	for _, h := range r.Fallback {
		route.Hops = append(route.Hops, h.hop(all))
	}
	return route
}

func (f fileHop) hop(all named) Hop {
	h := Hop{
		Region: f.Region, Host: f.Host, Port: f.Port, TLS: relays.TLSMode(f.TLS), CredentialsFile: f.CredentialsFile,
		CAFile: f.CAFile, Pin: f.Fingerprint, NoVerify: f.NoVerify, Connections: f.Connections,
		Via: fileVia(f.Via), Proxy: f.Proxy, BridgeService: f.BridgeService, SignIn: SignIn{Grant: oauth.Grant(f.SignIn), Tenant: f.Tenant, ClientID: f.ClientID},
	}
	if f.Plaintext {
		h.TLS = relays.NoTLS
	}
	if isRelayFile(f.Relay) {
		h.RelayFile, f.Relay = f.Relay, ""
	}
	h.Relay = all.relay(f.Relay)
	return h
}

// named are relays that have an ID alone, one for all hops that name it.
type named map[string]*relays.Relay

func (n named) relay(id string) *relays.Relay {
	if n[id] == nil {
		n[id] = &relays.Relay{ID: id}
	}
	return n[id]
}

// isRelayFile tells the path of a catalogue file from the name of a relay.
func isRelayFile(name string) bool { return strings.ContainsRune(name, '/') }

// Marshal writes c as the text of Path.
func (c Config) Marshal() ([]byte, error) {
	first := fileHopOf(*c.First())
	f := fileConfig{
		Version: version, fileRelay: first.fileRelay, From: c.From(), To: c.To, RootTo: c.RootTo, Direct: c.Direct, MapType: c.MapType,
		fileAccess: first.fileAccess, Fallback: fileHopsOf(c.Routes[0].Hops[1:]), Rewrite: c.Rewrite,
	}
	f.Routes = make([]fileRoute, 0, len(c.Routes)-1)
	for _, r := range c.Routes[1:] {
		route := fileRoute{Name: r.Name, Senders: r.Senders, fileHop: fileHopOf(r.Hops[0]), From: r.From, Fallback: fileHopsOf(r.Hops[1:])}
		if ProofSender(r.Senders) == "" {
			route.From = "" // bounces have no sender that could be another
		}
		f.Routes = append(f.Routes, route)
	}
	text, err := toml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", Path, err)
	}
	return append([]byte(header), text...), nil
}

func fileHopOf(h Hop) fileHop {
	mode := string(h.TLS)
	if h.Plaintext() {
		mode = ""
	}
	return fileHop{fileRelay{Relay: h.Name(), Region: h.Region, Host: h.Host, Port: h.Port, TLS: mode}, fileAccess{
		CredentialsFile: h.CredentialsFile, CAFile: h.CAFile, Fingerprint: h.Pin, NoVerify: h.NoVerify, Plaintext: h.Plaintext(), Connections: h.Connections,
		Via: string(h.Via), Proxy: h.Proxy, BridgeService: h.BridgeService, SignIn: string(h.SignIn.Grant), Tenant: h.SignIn.Tenant, ClientID: h.SignIn.ClientID,
	}}
}

func fileHopsOf(hops []Hop) []fileHop {
	var list []fileHop
	for _, h := range hops {
		list = append(list, fileHopOf(h))
	}
	return list
}

// Text is the text of Path that says c: before, the text that is there, where it
// says the same in other words, as one written by hand does. One that somebody has
// written in is edited, so that comments stay; else it is a new one.
func (c Config) Text(before []byte) ([]byte, error) {
	var have *fileConfig
	if len(before) > 0 {
		have = c.file.read(before)
	}
	if have != nil && have.config().Says(c) {
		return before, nil
	}
	text, err := c.Marshal()
	if err != nil || have == nil { // what is there is no file of relayhost, and is replaced
		return text, err
	}
	if ours, err := have.config().Marshal(); err == nil && bytes.Equal(ours, before) {
		return text, nil
	}
	// Each hand leaves out what follows from the rest: first nothing is added that it
	// left out, then what only the relay's catalogue would say, then all.
	for _, adds := range []func(string) bool{
		func(string) bool { return false },
		func(key string) bool { return key != "host" && key != "port" && key != "tls" },
		func(string) bool { return true },
	} {
		edited := edit(before, text, adds)
		if got, err := Read(edited); err == nil && got.Says(c) {
			return edited, nil
		}
	}
	return text, nil
}

// read is text as Read reads it, which may be that of f; nil for what Read refuses.
func (f *file) read(text []byte) *fileConfig {
	if f != nil && bytes.Equal(f.text, text) {
		return f.stored
	}
	c, err := Read(text)
	if err != nil {
		return nil
	}
	return c.file.stored
}

// Package conf is what a bridge is told: where its mail goes and as whom, the file
// that holds it, and what is known of the HTTPS APIs of relays. It is apart from
// the bridge, since a plan writes that file and has to run in a browser too.
package conf

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// Directory holds the configurations of all bridges. It is root's, so that User can
// read them and change nothing there. The name fits the SELinux policies' pattern for
// Postfix's data, /var/lib/postfix.*; without its end it would be the data of the
// private Postfix that rehearses a setup.
const Directory = "/var/lib/postfix-relayhost-bridge"

// User runs the bridges; a group of that name reads their configurations.
const User = "relayhost"

// trial ends the name of the bridge of a rehearsal. It keeps its state where the
// bridge does that is rehearsed. No route and no relay has such a name.
const trial = "_rehearsal"

// TrialName is the name under which the bridge name is rehearsed.
func TrialName(name string) string { return name + trial }

// IsTrial reports whether name is one that TrialName gave.
func IsTrial(name string) bool { return strings.HasSuffix(name, trial) }

// StateDirectory is the part of directory that is User's own (0700): tokens, pauses,
// the slots of connections, and large messages while they are sent.
func StateDirectory(directory string) string { return filepath.Join(directory, "state") }

// Via is how a bridge hands mail on.
type Via string

// The ways.
const (
	ViaSMTP  Via = "smtp"
	ViaHTTPS Via = "https" // by the relay's API
)

// Config is one bridge: where its mail goes, and as whom. It holds secrets.
type Config struct {
	Via         Via    // "" is ViaSMTP
	Host        string // of ViaHTTPS: in place of the API's own, may be empty
	Port        int    // of ViaHTTPS: 0 is 443
	Implicit    bool
	HELO        string
	Username    string
	Password    secret.Value
	CAFile      string
	Pin         string
	Connections int
	PerMinute   int           // messages; of ViaSMTP
	OAuth       *oauth.Client // nil: log in by password
	API         *APIConfig    // of ViaHTTPS
}

// APIConfig is the account at a relay's API.
type APIConfig struct {
	ID       string           // of the relay in the catalogue: "ses"
	Settings map[Field]string // what API.Needs names, but for the key
	Key      secret.Value     // api_key or private_key
	AWS      *AWSKeys         // of Amazon SES
	Proxy    string           // https_proxy, "" for none
}

// file is Config as it is written.
type file struct {
	Version     int        `toml:"version"`
	Via         string     `toml:"via,omitempty"`
	Host        string     `toml:"host,omitempty"`
	Port        int        `toml:"port,omitempty"`
	TLS         string     `toml:"tls,omitempty"`
	HELO        string     `toml:"helo,omitempty"`
	Username    string     `toml:"username,omitempty"`
	Password    string     `toml:"password,omitempty"`
	CAFile      string     `toml:"ca_file,omitempty"`
	Fingerprint string     `toml:"fingerprint,omitempty"`
	Connections int        `toml:"connections,omitempty"`
	PerMinute   int        `toml:"messages_per_minute,omitempty"`
	Proxy       string     `toml:"https_proxy,omitempty"`
	OAuth       *fileOAuth `toml:"oauth,omitempty"`
	API         *fileAPI   `toml:"api,omitempty"`
}

type fileAPI struct {
	ID         string            `toml:"id"`
	Key        string            `toml:"api_key,omitempty"`
	PrivateKey string            `toml:"private_key,omitempty,multiline"`
	Settings   map[string]string `toml:"settings,omitempty"`
	AWS        *fileAWS          `toml:"aws,omitempty"`
}

type fileAWS struct {
	Source    string `toml:"source"`
	AccessKey string `toml:"access_key,omitempty"`
	SecretKey string `toml:"secret_key,omitempty"`
	URL       string `toml:"url,omitempty"`
	TokenFile string `toml:"token_file,omitempty"`
	RoleARN   string `toml:"role_arn,omitempty"`
	Path      string `toml:"path,omitempty"`
	Profile   string `toml:"profile,omitempty"`
}

type fileOAuth struct {
	Grant        string   `toml:"grant"`
	TokenURL     string   `toml:"token_url"`
	DeviceURL    string   `toml:"device_url,omitempty"`
	AuthorizeURL string   `toml:"authorize_url,omitempty"`
	RedirectURL  string   `toml:"redirect_url,omitempty"`
	Scopes       []string `toml:"scopes"`
	ClientID     string   `toml:"client_id"`
	ClientSecret string   `toml:"client_secret,omitempty"`
	Certificate  string   `toml:"client_certificate,omitempty,multiline"`
	EarlySeconds int      `toml:"early_seconds,omitempty"`
}

const fileVersion = 1

// Marshal is the text of the configuration file, which holds secrets: it belongs
// in a file of mode 0600.
func (c Config) Marshal() ([]byte, error) {
	f := file{
		Version: fileVersion, Host: c.Host, Port: c.Port, TLS: "starttls", HELO: c.HELO, Username: c.Username,
		Password: c.Password.Reveal(), CAFile: c.CAFile, Fingerprint: c.Pin, Connections: c.Connections, PerMinute: c.PerMinute,
	}
	if c.Implicit {
		f.TLS = "implicit"
	}
	if a := c.API; a != nil {
		f.Via, f.TLS, f.Proxy, f.API = string(ViaHTTPS), "", a.Proxy, a.file()
	}
	if o := c.OAuth; o != nil {
		f.OAuth = &fileOAuth{
			Grant: string(o.Grant), TokenURL: o.TokenURL, DeviceURL: o.DeviceURL, AuthorizeURL: o.AuthorizeURL, RedirectURL: o.RedirectURL,
			Scopes: o.Scopes, ClientID: o.ID, ClientSecret: o.Secret.Reveal(), Certificate: o.Certificate.Reveal(), EarlySeconds: int(o.Early / time.Second),
		}
	}
	var b bytes.Buffer
	b.WriteString("# Written by relayhost setup.\n")
	if err := toml.NewEncoder(&b).Encode(f); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Parse reads the text of a configuration file. Errors hold nothing of it.
func Parse(data []byte) (Config, error) {
	var f file
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, column := at.Position()
			return Config{}, fmt.Errorf("line %d, column %d is not understood", row, column)
		}
		return Config{}, errors.New("a key is not known")
	}
	c := Config{
		Host: f.Host, Port: f.Port, Implicit: f.TLS == "implicit", HELO: f.HELO, Username: f.Username, Password: secret.New(f.Password),
		CAFile: f.CAFile, Pin: f.Fingerprint, Connections: f.Connections, PerMinute: f.PerMinute,
	}
	if o := f.OAuth; o != nil {
		c.OAuth = &oauth.Client{
			Grant: oauth.Grant(o.Grant), TokenURL: o.TokenURL, DeviceURL: o.DeviceURL, AuthorizeURL: o.AuthorizeURL, RedirectURL: o.RedirectURL,
			Scopes: o.Scopes, ID: o.ClientID, Account: f.Username, Secret: secret.New(o.ClientSecret), Certificate: secret.New(o.Certificate), Early: time.Duration(o.EarlySeconds) * time.Second,
		}
	}
	if f.API != nil {
		c.API = f.API.config(f.Proxy)
	}
	c.Via = Via(f.Via)
	if f.Version != fileVersion {
		return Config{}, fmt.Errorf("version %d is not that of this program (%d)", f.Version, fileVersion)
	}
	if c.Via == ViaHTTPS {
		return c, c.Validate()
	}
	if f.TLS != "starttls" && f.TLS != "implicit" {
		return Config{}, errors.New(`tls is neither "starttls" nor "implicit"`)
	}
	return c, c.Validate()
}

// file is an account as it is written.
func (a *APIConfig) file() *fileAPI {
	f := &fileAPI{ID: a.ID, Settings: map[string]string{}}
	for name, value := range a.Settings {
		f.Settings[string(name)] = value
	}
	if strings.HasPrefix(a.Key.Reveal(), "-----BEGIN ") {
		f.PrivateKey = a.Key.Reveal()
	} else {
		f.Key = a.Key.Reveal()
	}
	if k := a.AWS; k != nil {
		f.AWS = &fileAWS{
			Source: string(k.Source), AccessKey: k.AccessKey, SecretKey: k.Secret.Reveal(), URL: k.URL, TokenFile: k.TokenFile,
			RoleARN: k.RoleARN, Path: k.Path, Profile: k.Profile,
		}
	}
	return f
}

// config is an account as it was read.
func (f *fileAPI) config(proxy string) *APIConfig {
	a := &APIConfig{ID: f.ID, Key: secret.New(f.Key + f.PrivateKey), Settings: map[Field]string{}, Proxy: proxy}
	for name, value := range f.Settings {
		a.Settings[Field(name)] = value
	}
	if k := f.AWS; k != nil {
		a.AWS = &AWSKeys{
			Source: AWSSource(k.Source), AccessKey: k.AccessKey, Secret: secret.New(k.SecretKey), URL: k.URL, TokenFile: k.TokenFile,
			RoleARN: k.RoleARN, Path: k.Path, Profile: k.Profile, Region: f.Settings[string(Region)],
		}
	}
	return a
}

// validateHTTPS is Validate for ViaHTTPS.
func (c Config) validateHTTPS() error {
	if c.API == nil {
		return errors.New("missing [api]")
	}
	a, ok := Get(c.API.ID)
	switch {
	case !ok:
		return fmt.Errorf("no API of %q is known", c.API.ID)
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("port %d is not a port", c.Port)
	case c.Pin != "":
		return errors.New("fingerprint does not go with via = \"https\"")
	case c.Connections < 0:
		return errors.New("connections is below 0")
	case a.Signed() && c.API.AWS == nil:
		return errors.New("missing [api.aws]")
	case a.Tokens() && c.OAuth == nil:
		return errors.New("missing [oauth]")
	}
	if c.API.AWS != nil {
		if err := c.API.AWS.Validate(); err != nil {
			return err
		}
	}
	if c.OAuth != nil {
		if err := c.OAuth.Validate(); err != nil {
			return err
		}
	}
	return a.Validate(c.Account())
}

// Account is the account at the API.
func (c Config) Account() Account {
	host := c.Host
	if host != "" && c.Port != 0 && c.Port != 443 {
		if strings.Contains(host, ":") { // an IPv6 address; package net is not for a browser
			host = "[" + host + "]"
		}
		host += ":" + strconv.Itoa(c.Port)
	}
	return Account{Host: host, Settings: c.API.Settings, Key: c.API.Key, AWS: c.API.AWS}
}

// Validate reports what is missing or cannot be.
func (c Config) Validate() error {
	switch {
	case c.Via == ViaHTTPS:
		return c.validateHTTPS()
	case c.Via != ViaSMTP && c.Via != "":
		return fmt.Errorf("unknown via %q", c.Via)
	case c.API != nil:
		return errors.New("[api] goes with via = \"https\" only")
	case c.Host == "":
		return errors.New("missing host")
	case c.Port < 1 || c.Port > 65535:
		return fmt.Errorf("port %d is not a port", c.Port)
	case c.Username == "":
		return errors.New("missing username")
	case c.CAFile == "" && c.Pin == "":
		return errors.New("missing ca_file or fingerprint")
	case c.Connections < 0 || c.PerMinute < 0:
		return errors.New("connections or messages_per_minute is below 0")
	case c.OAuth == nil && c.Password.IsZero():
		return errors.New("missing password or [oauth]")
	case c.OAuth != nil:
		return c.OAuth.Validate()
	}
	return nil
}

// PausePath is the file that says until when the API of a bridge wants no requests.
func PausePath(directory, name string) string { return statePath(directory, name, ".pause") }

// ConfigPath is the configuration file of a bridge.
func ConfigPath(directory, name string) string { return filepath.Join(directory, name+".conf") }

// TokenPath is the token store of a bridge.
func TokenPath(directory, name string) string { return statePath(directory, name, ".token") }

func statePath(directory, name, kind string) string {
	return filepath.Join(StateDirectory(directory), strings.TrimSuffix(name, trial)+kind)
}

// ValidName reports whether name may be part of a path and of a service's name.
func ValidName(name string) bool {
	return name != "" && len(name) <= 64 && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

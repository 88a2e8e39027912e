package conf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// file is Config as it is written.
type file struct {
	Version int `toml:"version"`
	fileHop
	Fallback []fileHop `toml:"fallback,omitempty"`
}

// fileHop is one hop.
type fileHop struct {
	Via         string       `toml:"via,omitempty"`
	Host        string       `toml:"host,omitempty"`
	Port        int          `toml:"port,omitempty"`
	TLS         string       `toml:"tls,omitempty"`
	HELO        string       `toml:"helo,omitempty"`
	Username    string       `toml:"username,omitempty"`
	Password    string       `toml:"password,omitempty"`
	CAFile      string       `toml:"ca_file,omitempty"`
	Fingerprint string       `toml:"fingerprint,omitempty"`
	Connections int          `toml:"connections,omitempty"`
	PerMinute   int          `toml:"messages_per_minute,omitempty"`
	Proxy       string       `toml:"https_proxy,omitempty"`
	Walk        bool         `toml:"walk,omitempty"`
	Number      int          `toml:"number,omitempty"`
	OAuth       *fileOAuth   `toml:"oauth,omitempty"`
	API         *fileAPI     `toml:"api,omitempty"`
	Filters     []fileFilter `toml:"filter,omitempty"`
}

type fileFilter struct {
	Match string `toml:"match"`
	Keep  bool   `toml:"keep,omitempty"`
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
	SecretEnds   string   `toml:"client_secret_expires,omitempty"`
	Certificate  string   `toml:"client_certificate,omitempty,multiline"`
	EarlySeconds int      `toml:"early_seconds,omitempty"`
}

const fileVersion = 1

// Marshal is the text of the configuration file, which holds secrets: it belongs
// in a file of mode 0600.
func (c Config) Marshal() ([]byte, error) {
	f := file{Version: fileVersion, fileHop: c.file()}
	for _, h := range c.Fallback {
		f.Fallback = append(f.Fallback, h.file())
	}
	var b bytes.Buffer
	b.WriteString("# Written by relayhost setup.\n")
	if err := toml.NewEncoder(&b).Encode(f); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// The values of the key tls.
const (
	startTLS = "starttls"
	implicit = "implicit"
	noTLS    = "none"
)

// file is one hop as it is written.
func (c Config) file() fileHop {
	f := fileHop{
		Host: c.Host, Port: c.Port, TLS: startTLS, HELO: c.HELO, Username: c.Username, Password: c.Password.Reveal(),
		CAFile: c.CAFile, Fingerprint: c.Pin, Connections: c.Connections, PerMinute: c.PerMinute, Walk: c.Walk, Number: c.Number,
	}
	switch {
	case c.Implicit:
		f.TLS = implicit
	case c.NoTLS:
		f.TLS = noTLS
	}
	if a := c.API; a != nil {
		f.Via, f.TLS, f.Proxy, f.API = string(ViaHTTPS), "", a.Proxy, a.file()
	}
	if o := c.OAuth; o != nil {
		f.OAuth = &fileOAuth{
			Grant: string(o.Grant), TokenURL: o.TokenURL, DeviceURL: o.DeviceURL, AuthorizeURL: o.AuthorizeURL, RedirectURL: o.RedirectURL,
			Scopes: o.Scopes, ClientID: o.ID, ClientSecret: o.Secret.Reveal(), Certificate: o.Certificate.Reveal(), EarlySeconds: int(o.Early / time.Second),
		}
		if !o.SecretEnds.IsZero() {
			f.OAuth.SecretEnds = o.SecretEnds.Format(time.DateOnly)
		}
	}
	for _, filter := range c.Filters {
		f.Filters = append(f.Filters, fileFilter(filter))
	}
	return f
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
	if f.Version != fileVersion {
		return Config{}, fmt.Errorf("version %d is not that of this program (%d)", f.Version, fileVersion)
	}
	c, err := f.config()
	for i := 0; i < len(f.Fallback) && err == nil; i++ {
		var h Config
		if h, err = f.Fallback[i].config(); err == nil {
			c.Fallback = append(c.Fallback, h)
		}
	}
	if err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// config is one hop as it was read.
func (f fileHop) config() (Config, error) {
	c := Config{
		Via: Via(f.Via), Host: f.Host, Port: f.Port, Implicit: f.TLS == implicit, NoTLS: f.TLS == noTLS, HELO: f.HELO,
		Username: f.Username, Password: secret.New(f.Password), CAFile: f.CAFile, Pin: f.Fingerprint,
		Connections: f.Connections, PerMinute: f.PerMinute, Walk: f.Walk, Number: f.Number,
	}
	if o := f.OAuth; o != nil {
		c.OAuth = &oauth.Client{
			Grant: oauth.Grant(o.Grant), TokenURL: o.TokenURL, DeviceURL: o.DeviceURL, AuthorizeURL: o.AuthorizeURL, RedirectURL: o.RedirectURL,
			Scopes: o.Scopes, ID: o.ClientID, Account: f.Username, Secret: secret.New(o.ClientSecret), Certificate: secret.New(o.Certificate), Early: time.Duration(o.EarlySeconds) * time.Second,
		}
		if o.SecretEnds != "" {
			var err error
			if c.OAuth.SecretEnds, err = time.Parse(time.DateOnly, o.SecretEnds); err != nil {
				return c, errors.New("client_secret_expires is no day")
			}
		}
	}
	if f.API != nil {
		c.API = f.API.config(f.Proxy)
	}
	for _, filter := range f.Filters {
		c.Filters = append(c.Filters, Filter(filter))
	}
	if c.Via != ViaHTTPS && f.TLS != startTLS && f.TLS != implicit && (f.TLS != noTLS || !f.Walk) {
		return c, errors.New(`tls is neither "starttls" nor "implicit"`)
	}
	return c, nil
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

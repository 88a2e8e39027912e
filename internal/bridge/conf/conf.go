// Package conf is what a bridge is told: where its mail goes and as whom, the file
// that holds it, and what is known of the HTTPS APIs of relays. It is apart from
// the bridge, since a plan writes that file and has to run in a browser too.
package conf

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp/syntax"
	"strconv"
	"strings"

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

// rehearsal ends the name of the bridge of a rehearsal. It keeps its state where the
// bridge does that is rehearsed. No route and no relay has such a name.
const rehearsal = "_rehearsal"

// RehearsalName is the name under which the bridge name is rehearsed.
func RehearsalName(name string) string { return name + rehearsal }

// IsRehearsal reports whether name is one that RehearsalName gave.
func IsRehearsal(name string) bool { return strings.HasSuffix(name, rehearsal) }

// StateDirectory is what the bridges of directory share, and User's own (0700): the slots
// of connections to one account.
func StateDirectory(directory string) string { return filepath.Join(directory, "state") }

// OwnDirectory is what the bridge name has for itself, User's own (0700): tokens, pauses,
// and large messages while they are sent. No other bridge may look into it.
func OwnDirectory(directory, name string) string {
	bridge, _, _ := strings.Cut(name, ".")
	return filepath.Join(directory, strings.TrimSuffix(bridge, rehearsal)+ownSuffix)
}

const ownSuffix = ".state"

// IsOwnDirectory is the bridge whose OwnDirectory has the base name file.
func IsOwnDirectory(file string) (bridge string, ok bool) { return strings.CutSuffix(file, ownSuffix) }

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
	OAuth       *oauth.Client // nil: log in by password, or without Username not at all
	API         *APIConfig    // of ViaHTTPS
	NoTLS       bool          // of ViaSMTP without login

	// Walk says that the bridge walks the hops of its route itself, as smtp(8) walks
	// those of smtp_fallback_relay: this one is the first, and Fallback are the others.
	Walk     bool
	Fallback []Config
	// Filters tell apart, with Walk, whose fault a permanent refusal of this hop is; the
	// first that matches counts. One that none matches is a recipient's or a message's.
	Filters []Filter
	// Number is the place of this hop in its route, from 0 on, and part of the names of
	// its files: a rehearsal may have a later hop alone.
	Number int
}

// Filter is a line of the status filter of a hop.
type Filter struct {
	// Match is an expression (RE2, compared without case) for a refusal as smtp(8) would
	// log it: "5.1.1 host h[a] said: 550 5.1.1 no such user (in reply to RCPT TO command)".
	Match string
	Keep  bool // the recipient's or the message's fault: not tried at the next hop
}

// Hops are the hops of c, in the order in which they are tried.
func (c Config) Hops() []Config {
	first := c
	first.Fallback = nil
	return append([]Config{first}, c.Fallback...)
}

// HopName names the files of the hop with that number in the bridge name.
func HopName(name string, number int) string {
	if number == 0 {
		return name
	}
	return fmt.Sprintf("%s.%d", name, number)
}

// APIConfig is the account at a relay's API.
type APIConfig struct {
	ID       string           // of the relay in the catalogue: "ses"
	Settings map[Field]string // what API.Needs names, but for the key
	Key      secret.Value     // api_key or private_key
	AWS      *AWSKeys         // of Amazon SES
	Proxy    string           // https_proxy, "" for none
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
	if !c.Walk && len(c.Fallback) > 0 {
		return errors.New("[[fallback]] without walk")
	}
	for i, f := range c.Filters {
		if _, err := syntax.Parse(f.Match, syntax.Perl|syntax.FoldCase); err != nil {
			return fmt.Errorf("filter %d: %w", i+1, err)
		}
	}
	for i, f := range c.Fallback {
		if len(f.Fallback) > 0 || !f.Walk {
			return fmt.Errorf("fallback %d has fallbacks of its own", i+1)
		}
		if err := f.Validate(); err != nil {
			return fmt.Errorf("fallback %d: %w", i+1, err)
		}
	}
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
	case c.Connections < 0 || c.PerMinute < 0:
		return errors.New("connections or messages_per_minute is below 0")
	}
	return c.validateLogin()
}

// validateLogin checks how a server is verified and logged in to. One that a bridge
// walks past may know this host by its address.
func (c Config) validateLogin() error {
	switch {
	case c.Username == "" && !c.Walk:
		return errors.New("missing username")
	case c.NoTLS && c.Username != "":
		return errors.New("no login without TLS")
	case c.CAFile == "" && c.Pin == "" && !c.NoTLS:
		return errors.New("missing ca_file or fingerprint")
	case c.OAuth == nil && c.Password.IsZero() != (c.Username == ""):
		return errors.New("missing password or [oauth]")
	case c.OAuth != nil:
		return c.OAuth.Validate()
	}
	return nil
}

// PausePath is the file that says until when the API of a bridge, or of the hop of a
// bridge that HopName names, wants no requests.
func PausePath(directory, name string) string { return statePath(directory, name, ".pause") }

// ConfigPath is the configuration file of a bridge.
func ConfigPath(directory, name string) string { return filepath.Join(directory, name+".conf") }

// IsConfig reports whether path is the configuration of a bridge.
func IsConfig(path string) bool { return filepath.Dir(path) == Directory }

// TokenPath is the token store of a bridge, or of the hop of a bridge that HopName names.
func TokenPath(directory, name string) string { return statePath(directory, name, ".token") }

func statePath(directory, name, kind string) string {
	own := OwnDirectory(directory, name)
	bridge, hop, several := strings.Cut(name, ".")
	name = strings.TrimSuffix(bridge, rehearsal)
	if several {
		name += "." + hop
	}
	return filepath.Join(own, name+kind)
}

// MaxName is the length of the longest name of a bridge.
const MaxName = 64

// ValidName reports whether name may be part of a path and of a service's name.
func ValidName(name string) bool {
	return name != "" && len(name) <= MaxName && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

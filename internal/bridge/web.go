//go:build !unix

// Package bridge runs on a server only. In a browser it has the names that a plan
// uses; a configuration for it cannot be made there.
package bridge

import (
	"errors"

	"relayhost/internal/bridge/api"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// The names of design and disk.
const (
	Directory = "/var/lib/postfix-relayhost-bridge"
	User      = "relayhost"
)

// Via is how a bridge hands mail on.
type Via string

// ViaHTTPS is by the relay's API.
const ViaHTTPS Via = "https"

// Config is one bridge.
type Config struct {
	Via                  Via
	Host, HELO, Username string
	Port, Connections    int
	Implicit             bool
	Password             secret.Value
	CAFile, Pin          string
	OAuth                *oauth.Client
	API                  *APIConfig
}

// APIConfig is the account at a relay's API.
type APIConfig struct {
	ID       string
	Settings map[api.Field]string
	Key      secret.Value
	AWS      *api.AWSKeys
	Proxy    string
}

var errBrowser = errors.New("a hop that goes by a bridge is set up on the server itself")

// Marshal, Parse, ConfigPath and ValidName have nothing to work on.
func (Config) Marshal() ([]byte, error) { return nil, errBrowser }
func Parse([]byte) (Config, error)      { return Config{}, errBrowser }
func ConfigPath(_, name string) string  { return Directory + "/" + name + ".conf" }
func ValidName(string) bool             { return false }

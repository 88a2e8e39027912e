//go:build !unix

// Package api has no APIs in a browser, which takes mail nowhere: only the names
// that a configuration uses.
package api

import (
	"errors"

	"relayhost/internal/secret"
)

// API is never known here.
type API struct {
	Name   string
	Limits Limits
	Needs  []Field
}

// Limits are what one request may hold.
type Limits struct {
	Bytes                   int64
	Recipients, Connections int
}

// Field is a setting of an account.
type Field string

// Region is the region of the account.
const Region Field = "region"

// AWSKeys are keys of Amazon Web Services.
type AWSKeys struct {
	Source, AccessKey, URL, TokenFile, RoleARN, Region, Path, Profile string
	Secret                                                            secret.Value
}

// Account is an account at an API.
type Account struct {
	Host     string
	Settings map[Field]string
	Key      secret.Value
	AWS      *AWSKeys
}

var errBrowser = errors.New("a hop by HTTPS is set up on the server itself")

// Get knows no API.
func Get(string) (API, bool) { return API{}, false }

// Signed, Tokens, Host and Validate are never called on a known API.
func (API) Signed() bool                 { return false }
func (API) Tokens() bool                 { return false }
func (API) Host(Account) (string, error) { return "", errBrowser }
func (API) Validate(Account) error       { return errBrowser }

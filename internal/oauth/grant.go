// Package oauth gets access tokens for SMTP from an identity provider and keeps
// them fresh: client credentials with a secret or a certificate, device code, and
// authorization code with PKCE. It stores what has to outlive a process in one
// file that a lock of its own protects. It knows nothing of mail.
package oauth

import (
	"errors"
	"fmt"
	"net/url"
	"relayhost/internal/secret"
	"slices"
	"time"
)

// Grant is how tokens are obtained (RFC 6749, section 1.3; RFC 8628).
type Grant string

// The grants.
const (
	ClientCredentials Grant = "client_credentials" // the application itself; no user signs in
	DeviceCode        Grant = "device"             // a user signs in on another machine (RFC 8628)
	AuthorizationCode Grant = "url"                // a user signs in and pastes the address that the browser ends at (RFC 7636)
)

// Grants are all grants, for help texts and validation.
func Grants() []Grant { return []Grant{ClientCredentials, DeviceCode, AuthorizationCode} }

// Client is an application registered with an identity provider.
type Client struct {
	Grant        Grant
	TokenURL     string // https
	DeviceURL    string // of DeviceCode
	AuthorizeURL string // of AuthorizationCode
	RedirectURL  string // of AuthorizationCode
	Scopes       []string
	ID           string
	Account      string       // the mailbox, which tells stores of several apart; not sent
	Secret       secret.Value // of a confidential client
	SecretEnds   time.Time    // as somebody has said; zero where nobody has: the provider does not tell
	Certificate  secret.Value // PEM of private key and certificate, in place of Secret (RFC 7523)
	// Early is how long before its end a token is renewed; 0 is a minute.
	// Microsoft 365 High Volume Email refuses tokens with less than about ten
	// minutes left (501 5.5.127).
	Early time.Duration
}

// defaultEarly covers one SMTP login and a clock that is off by some seconds.
const defaultEarly = time.Minute

func (c Client) early() time.Duration {
	if c.Early > 0 {
		return c.Early
	}
	return defaultEarly
}

// Validate reports what is missing or cannot be.
func (c Client) Validate() error {
	if !slices.Contains(Grants(), c.Grant) {
		return fmt.Errorf("unknown grant %q", c.Grant)
	}
	if c.ID == "" {
		return errors.New("missing client_id")
	}
	if !c.Secret.IsZero() && !c.Certificate.IsZero() {
		return errors.New("client_secret and client_certificate exclude each other")
	}
	if !c.Certificate.IsZero() && c.Grant != ClientCredentials {
		return fmt.Errorf("client_certificate goes with the grant %s only", ClientCredentials)
	}
	urls := map[string]string{"token endpoint": c.TokenURL}
	switch c.Grant {
	case ClientCredentials:
		if c.Secret.IsZero() && c.Certificate.IsZero() {
			return errors.New("missing client_secret or client_certificate")
		}
	case DeviceCode:
		urls["device endpoint"] = c.DeviceURL
	case AuthorizationCode:
		urls["authorization endpoint"] = c.AuthorizeURL
	}
	for name, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("the %s %q is no https address", name, raw)
		}
	}
	return nil
}

// Host is the identity provider's host name, for messages.
func (c Client) Host() string {
	u, err := url.Parse(c.TokenURL)
	if err != nil {
		return c.TokenURL
	}
	return u.Hostname()
}

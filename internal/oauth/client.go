// Package oauth gets access tokens for SMTP from an identity provider and keeps
// them fresh: client credentials with a secret or a certificate, device code, and
// authorization code with PKCE. It stores what has to outlive a process in one
// file that a lock of its own protects. It knows nothing of mail.
package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"relayhost/internal/secret"
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

// config is the client as x/oauth2 wants it: credentials in the form's body,
// which every provider takes.
func (c Client) config() *oauth2.Config {
	return &oauth2.Config{
		ClientID:     c.ID,
		ClientSecret: c.Secret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: c.AuthorizeURL, DeviceAuthURL: c.DeviceURL, TokenURL: c.TokenURL,
			AuthStyle: oauth2.AuthStyleInParams,
		},
		RedirectURL: c.RedirectURL,
		Scopes:      c.Scopes,
	}
}

// assertion are the form values that prove the client by its certificate.
func (c Client) assertion(now time.Time) (url.Values, error) {
	if c.Certificate.IsZero() {
		return nil, nil
	}
	signed, err := signAssertion(c.Certificate, c.ID, c.TokenURL, now)
	if err != nil {
		return nil, err
	}
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {signed},
	}, nil
}

// Request gets a token without a user, and stores it nowhere: by the client's own
// credentials, or by the refresh token of an earlier sign-in.
func (c Client) Request(ctx context.Context, client *http.Client, refresh secret.Value, now time.Time) (Token, error) {
	return c.fetch(with(ctx, client), refresh, now)
}

// fetch gets a token without a user: by the client's own credentials, or by the
// refresh token of an earlier sign-in.
func (c Client) fetch(ctx context.Context, refresh secret.Value, now time.Time) (Token, error) {
	if c.Grant == ClientCredentials {
		values, err := c.assertion(now)
		if err != nil {
			return Token{}, err
		}
		conf := clientcredentials.Config{
			ClientID: c.ID, ClientSecret: c.Secret.Reveal(), TokenURL: c.TokenURL, Scopes: c.Scopes,
			EndpointParams: values, AuthStyle: oauth2.AuthStyleInParams,
		}
		t, err := conf.Token(ctx)
		return c.token(t, err, secret.Value{}, now)
	}
	if refresh.IsZero() {
		return Token{}, &Refusal{Host: c.Host(), Code: "not_signed_in", Text: "nobody has signed in yet"}
	}
	t, err := c.config().TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	return c.token(t, err, refresh, now)
}

// token is what the endpoint gave, checked. The refresh token stays the one that
// was used when the endpoint gives no new one (RFC 6749, section 6).
func (c Client) token(t *oauth2.Token, err error, refresh secret.Value, now time.Time) (Token, error) {
	if err != nil {
		return Token{}, c.refusal(err)
	}
	if !strings.EqualFold(t.Type(), "bearer") {
		return Token{}, &Refusal{Host: c.Host(), Code: "token_type", Text: fmt.Sprintf("gives a token of type %.20q, not Bearer", t.Type())}
	}
	if t.AccessToken == "" || len(t.AccessToken) > maxToken || strings.ContainsFunc(t.AccessToken, notVisible) {
		return Token{}, &Refusal{Host: c.Host(), Code: "token_form", Text: "gives a token that is empty, too long or not printable"}
	}
	got := Token{Access: secret.New(t.AccessToken), Refresh: refresh, Expiry: t.Expiry, Obtained: now}
	if t.RefreshToken != "" {
		got.Refresh = secret.New(t.RefreshToken)
	}
	if got.Expiry.IsZero() {
		got.Expiry = now // of unknown life: good for this login
	}
	return got, nil
}

// maxToken bounds an access token, in bytes. Tokens of 14 kB were seen.
const maxToken = 60 << 10

// notVisible reports what may not stand in a bearer token (RFC 6750, section 2.1)
// nor in an XOAUTH2 response.
func notVisible(r rune) bool { return r <= ' ' || r >= 0x7f }

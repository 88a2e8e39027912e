//go:build unix

package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"relayhost/internal/secret"
)

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

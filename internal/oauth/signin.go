//go:build unix

package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"relayhost/internal/secret"
)

// Device is a device authorization in progress (RFC 8628, section 3.2): a person
// opens URL on any machine and enters Code.
type Device struct {
	URL    string
	Code   string
	Expiry time.Time

	answer *oauth2.DeviceAuthResponse
}

// StartDevice asks for a device code.
func (c Client) StartDevice(ctx context.Context, client *http.Client) (Device, error) {
	d, err := c.config().DeviceAuth(with(ctx, client))
	if err != nil {
		return Device{}, c.refusal(err)
	}
	page, err := url.Parse(d.VerificationURI)
	if err != nil || page.Scheme != "https" || d.UserCode == "" || d.DeviceCode == "" {
		return Device{}, &Refusal{Host: c.Host(), Code: "device_form", Text: "the answer names no page or code"}
	}
	return Device{URL: printable(d.VerificationURI, 200), Code: printable(d.UserCode, 40), Expiry: d.Expiry, answer: d}, nil
}

// WaitDevice waits until the person has signed in, refused, or let the code end. A
// provider that is busy or silent for a moment is asked again at the next interval.
func (c Client) WaitDevice(ctx context.Context, client *http.Client, d Device, now func() time.Time) (Token, error) {
	for {
		t, err := c.config().DeviceAccessToken(with(ctx, client), d.answer)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			if d.Expiry.IsZero() || time.Now().Before(d.Expiry) {
				continue // that was the limit of one request
			}
			return Token{}, &Refusal{Host: c.Host(), Code: "expired_token", Text: "nobody signed in before the code ended"}
		}
		got, err := c.token(t, err, secret.Value{}, now())
		var r *Refusal
		if errors.As(err, &r) && r.Code == "" && r.Status >= http.StatusInternalServerError && ctx.Err() == nil {
			continue
		}
		return got, err
	}
}

// URLSignIn is a sign-in by authorization code with PKCE (RFC 7636): a person
// opens URL and pastes the address that the browser ends at.
type URLSignIn struct {
	URL string

	state, verifier string
}

// StartURL makes the address to open. hint is the user's name, offered to the
// sign-in page.
func (c Client) StartURL(hint string) URLSignIn {
	s := URLSignIn{state: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(s.verifier), oauth2.SetAuthURLParam("login_hint", hint)}
	if c.TokenURL == googleToken { // which gives a refresh token only when it is asked for, and asks again
		options = append(options, oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"))
	}
	s.URL = c.config().AuthCodeURL(s.state, options...)
	return s
}

// FinishURL exchanges the code in the pasted address for tokens.
func (c Client) FinishURL(ctx context.Context, client *http.Client, s URLSignIn, pasted string, now func() time.Time) (Token, error) {
	u, err := url.Parse(pasted)
	if err != nil {
		return Token{}, errors.New("that is no address; paste the whole line from the browser")
	}
	q := u.Query()
	switch {
	case q.Get("error") != "":
		return Token{}, &Refusal{Host: c.Host(), Code: printable(q.Get("error"), 60), Number: number(q.Get("error_description")),
			Text: c.redact(firstSentence(q.Get("error_description")))}
	case q.Get("code") == "":
		return Token{}, errors.New("that address holds no code; paste the one that the browser shows after the sign-in")
	case q.Get("state") != s.state:
		return Token{}, fmt.Errorf("that address belongs to another sign-in; open %s again", s.URL)
	}
	t, err := c.config().Exchange(with(ctx, client), q.Get("code"), oauth2.VerifierOption(s.verifier))
	return c.token(t, err, secret.Value{}, now())
}

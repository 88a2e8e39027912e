package ask

import (
	"cmp"
	"context"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// APIKey asks for the key of an API. A paste that cannot be one is told at once.
func (q *Questions) APIKey(ctx context.Context, a conf.API, r relays.Relay, c *secret.Credentials) error {
	if a.Signed() {
		if c.Username != "" && !c.SecretAccessKey.IsZero() {
			return nil
		}
		q.IO.Tell("", "This host has no role of AWS that it could send as: an access key with the permission ses:SendEmail and ses:SendRawEmail is needed.")
		return q.accessKey(ctx, r, c)
	}
	if !c.API.Key.IsZero() {
		return nil
	}
	p, err := q.ask(ctx, "the API key", "api_key= in --credentials-file FILE, or - for standard input")
	if err != nil {
		return err
	}
	q.IO.Done()
	if page := cmp.Or(r.Auth.Where, r.Docs); page != "" {
		q.IO.Tell("", "Where to make an API key of %s:", r.Name)
		q.IO.Tell("  ", "%s", page)
	}
	q.typed = true
	answer, err := p.Secret("API key", func(text string) error {
		if wrong := a.WrongKey(text); wrong != "" {
			return errorText(wrong)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.API.Key = secret.New(answer)
	return nil
}

// accessKey asks for both halves of an access key.
func (q *Questions) accessKey(ctx context.Context, r relays.Relay, c *secret.Credentials) error {
	p, err := q.ask(ctx, "an access key", "username= and secret_access_key= in --credentials-file FILE")
	if err != nil {
		return err
	}
	q.typed = true
	if c.Username, err = p.Input("Access key ID", c.Username, nil); err != nil {
		return err
	}
	answer, err := p.Secret("Secret access key", func(text string) error {
		if !r.IsSecretAccessKey(text) {
			return errorText("a secret access key has 40 characters; the password for SMTP is none")
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.SecretAccessKey = secret.New(answer)
	return nil
}

// errorText is an error that a question is asked again with.
type errorText string

func (e errorText) Error() string { return string(e) }

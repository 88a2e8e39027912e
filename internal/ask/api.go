package ask

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// apiQuestions ask for what an API needs beside its key.
var apiQuestions = map[conf.Field]string{
	conf.AccountID: "Account ID", conf.Tenancy: "OCID of the tenancy",
	conf.Fingerprint: "Fingerprint of the key", conf.Compartment: "OCID of the compartment", conf.PrivateKey: "PEM file of the private key",
	hostOfAPI: "Host name of the resource",
}

// hostOfAPI is the key of a credentials file for an API whose host is the account's own.
const hostOfAPI conf.Field = "host"

// APIKey asks for what proves whose the account at an API is, and for what else the API
// needs of it. A paste that cannot be a key is told at once.
func (q *Questions) APIKey(ctx context.Context, a conf.API, r *relays.Relay, c *secret.Credentials) error {
	if a.Signed() {
		if c.Username != "" && !c.SecretAccessKey.IsZero() {
			return nil
		}
		q.IO.Tell("", "No role of AWS was found on this host. Enter an access key that is allowed ses:SendEmail and ses:SendRawEmail.")
		p, err := q.ask(ctx, "an access key", "username= and secret_access_key= in --credentials-file FILE")
		if err != nil {
			return err
		}
		q.typed = true
		return accessKey(p, r, c)
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
	needs := a.Needs
	if _, err := a.Host(conf.Account{Settings: map[conf.Field]string{conf.Region: "x"}}); err != nil {
		needs = append([]conf.Field{hostOfAPI}, needs...)
	}
	for _, f := range needs {
		if err := answerAPI(p, a, f, c); err != nil {
			return err
		}
	}
	return nil
}

// answerAPI asks for one field of an account that is not given.
func answerAPI(p ui.Prompter, a conf.API, f conf.Field, c *secret.Credentials) error {
	question, ok := apiQuestions[f]
	switch {
	case f == conf.APIKey:
		question := askAPIKey
		if a.ID == "mailjet" {
			question = askSecretKey
		}
		answer, err := p.Secret(question, func(text string) error {
			if wrong := a.WrongKey(text); wrong != "" {
				return errors.New(wrong)
			}
			return nil
		})
		c.API.Key = secret.New(answer)
		return err
	case f == conf.PrivateKey:
		_, err := p.Input(question, "", func(path string) (err error) {
			c.API.Key, err = secret.ReadPrivateKey(strings.TrimSpace(path))
			return err
		})
		return err
	case f == conf.Login:
		question = "OCID of the user"
		if a.ID == "mailjet" {
			question = "API key"
		}
		answer, err := p.Input(question, c.Username, given("the "+question))
		c.Username = strings.TrimSpace(answer)
		return err
	case !ok || c.API.Settings[string(f)] != "": // the region or the sender says it
		return nil
	}
	answer, err := p.Input(question, "", given("the "+question))
	if c.API.Settings == nil {
		c.API.Settings = map[string]string{}
	}
	c.API.Settings[string(f)] = strings.TrimSpace(answer)
	return err
}

// accessKey asks for both halves of an access key.
func accessKey(p ui.Prompter, r *relays.Relay, c *secret.Credentials) (err error) {
	if c.Username, err = p.Input(askAccessKey, c.Username, nil); err != nil {
		return err
	}
	answer, err := p.Secret(askAccessSecret, func(text string) error {
		if !r.Auth.IsSecretAccessKey(text) {
			return errors.New("a secret access key has 40 characters; the password for SMTP is none")
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.SecretAccessKey = secret.New(answer)
	return nil
}

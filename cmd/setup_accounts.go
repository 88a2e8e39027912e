package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"relayhost/internal/plan"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// readAccounts gives each hop beside the first of the default route its account.
func (s *setup) readAccounts(chains []chain, stored plan.Accounts) error {
	for _, c := range chains {
		for i, h := range c.hops {
			if c.route >= 0 || i > 0 {
				knowLogin(c, h, stored)
			}
			if c.route < 0 && i == 0 || len(h.Relay.Auth.Mechanisms) == 0 {
				continue
			}
			if err := s.readAccount(c, i, stored); err != nil {
				return err
			}
		}
	}
	return nil
}

// knowLogin finds out whether a smarthost wants a log-in, where the file names no
// credentials: it does when Postfix logs in there already.
func knowLogin(c chain, h *plan.Hop, stored plan.Accounts) {
	if h.Relay.ID != relays.SmarthostID || len(h.Relay.Auth.Mechanisms) > 0 {
		return
	}
	if _, _, ok := stored.Find(h.NextHop(), c.from...); ok {
		h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, true)
	}
}

// readAccount takes the account of a hop from the file that it names; that of the
// first hop where both are of one service; else what Postfix has stored for it.
func (s *setup) readAccount(c chain, hop int, stored plan.Accounts) error {
	h, head := c.hops[hop], c.hops[0]
	given, err := s.fileCredentials(c.key(hop, "credentials_file"), h.CredentialsFile)
	if err != nil {
		return err
	}
	same := hop > 0 && h.Relay.ID == head.Relay.ID && h.CredentialsFile == head.CredentialsFile
	if same && c.route < 0 && !isZero(s.creds) {
		given = s.creds
	}
	switch {
	case !isZero(given):
		problems, err := fillAccount(given, h)
		if err != nil {
			return inFile{s.file.Where(c.key(hop, "credentials_file")), fmt.Errorf("%s: %w", label(c.name, hop), err)}
		}
		s.doubt(h.CredentialsFile, label(c.name, hop), problems)
		return nil
	case same && h.Host == head.Host && head.Username != "":
		h.Username, h.Password = head.Username, head.Password
		return nil
	}
	if user, password, ok := stored.Find(h.NextHop(), c.from...); ok {
		h.Username, h.Password = user, password
		return nil
	}
	if s.flags.dryRun {
		s.answers.NoCredentials = true
		return nil
	}
	e := s.file.Mistake(c.key(hop, "relay"), "%s: no credentials for %s port %d are given, and none are stored", label(c.name, hop), h.Host, h.Port)
	e.Hint = "name a file with credentials_file; relayhost help credentials shows what is in it"
	return e
}

// doubt tells what only looks wrong, once for each file: many routes may share one.
func (s *setup) doubt(file, where string, problems []relays.Problem) {
	for _, p := range problems {
		key := file + "\x00" + p.Field + "\x00" + p.Message
		if file != "" && s.doubted[key] {
			continue
		}
		s.remember(key)
		s.io.Tell("warning: ", "%s: %s: %s", where, p.Field, p.Message)
	}
}

// remember keeps a doubt that has been told.
func (s *setup) remember(key string) {
	if s.doubted == nil {
		s.doubted = map[string]bool{}
	}
	s.doubted[key] = true
}

func isZero(c secret.Credentials) bool { return c.Password.IsZero() && c.SecretAccessKey.IsZero() }

// fileCredentials reads a file that relayhost.toml names, each once. A look
// without root, to whom the file is closed, goes on without.
func (s *setup) fileCredentials(key, path string) (secret.Credentials, error) {
	if path == "" {
		return secret.Credentials{}, nil
	}
	if c, ok := s.credFiles[path]; ok {
		return c, nil
	}
	c, err := secret.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) && s.flags.dryRun && os.Geteuid() != 0 {
		err = nil
	}
	if err != nil {
		return c, inFile{s.file.Where(key), credentialsHint(err, path)}
	}
	if s.credFiles == nil {
		s.credFiles = map[string]secret.Credentials{}
	}
	s.credFiles[path] = c
	return c, nil
}

// readCredentialsFiles reads what the file names before anything takes time.
func (s *setup) readCredentialsFiles() error {
	for i, r := range append([]plan.RouteAnswers{{HopAnswers: s.file.First(), Fallback: s.file.Fallback}}, s.file.Routes...) {
		c := chain{route: i - 1}
		for j, h := range append([]plan.HopAnswers{r.HopAnswers}, r.Fallback...) {
			if i == 0 && j == 0 {
				continue // takeCredentials reads it where it counts
			}
			if _, err := s.fileCredentials(c.key(j, "credentials_file"), h.CredentialsFile); err != nil {
				return err
			}
		}
	}
	return nil
}

// credentialsHint says what helps against a credentials file that cannot be used.
func credentialsHint(err error, path string) error {
	switch {
	case errors.Is(err, secret.ErrReadableByOthers):
		return hint(err, "chmod 600 %s, and change the password if others may have read it", path)
	case errors.Is(err, secret.ErrFormat):
		return hint(err, "two lines: username=... and password=...; see relayhost help credentials")
	}
	return err
}

// fillAccount makes user name and password of h from c by the rules of the
// service. What only looks wrong is returned.
func fillAccount(c secret.Credentials, h *plan.Hop) ([]relays.Problem, error) {
	r := h.Relay
	if c.Username == "" {
		c.Username = r.Auth.Username.Fixed
	}
	if !c.SecretAccessKey.IsZero() {
		if r.Auth.Derive != "ses" {
			return nil, usageError{errors.New("secret_access_key is for Amazon SES"), "give password="}
		}
		// The region may be a full host name: a FIPS or a VPC endpoint.
		region, ok := r.RegionOf(h.Host)
		if !ok {
			return nil, usageError{fmt.Errorf("no region is known for %s", h.Host), "give password= in place of secret_access_key="}
		}
		c.Password = secret.New(relays.SESPassword(c.SecretAccessKey.Reveal(), region))
	}
	if r.Auth.Same && c.Username == "" {
		c.Username = c.Password.Reveal()
	}
	user, pass := r.Normalise(c.Username, c.Password.Reveal())
	h.Username, h.Password = user, secret.New(pass)
	var doubts []relays.Problem
	for _, p := range r.CheckCredentials(user, pass) {
		if p.Refuse {
			return nil, usageError{fmt.Errorf("%s: %s", p.Field, p.Message), "relayhost relays " + r.ID + " shows what the service expects"}
		}
		doubts = append(doubts, p)
	}
	if user == "" {
		return nil, usageError{errors.New("the credentials name no user"), "give username= as well"}
	}
	return doubts, nil
}

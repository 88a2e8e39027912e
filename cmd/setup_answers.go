package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/plan"
	"relayhost/internal/secret"
	"relayhost/relays"
)

var errNotRoot = errors.New("setup changes the mail configuration and must run as root")

// checkFlags finds what no later step could make sense of.
func (s *setup) checkFlags() error {
	f := s.flags
	if f.port != "auto" {
		if n, err := strconv.Atoi(f.port); err != nil || n < 1 || n > 65535 {
			return usageError{fmt.Errorf("--port %s is no port", f.port), "a number from 1 to 65535, or auto"}
		}
	}
	switch {
	case f.noProbe && f.port == "auto" && !s.filePort():
		return errNoPort
	case !slices.Contains([]string{"ask", "send", "hold"}, f.queue):
		return usageError{fmt.Errorf("--queue %s is not known", f.queue), "ask, send or hold"}
	case f.printConf && s.json:
		return usageError{errors.New("--print-config prints TOML, --json a document"), "give one of them"}
	case f.detailedExit && !f.dryRun:
		return usageError{errors.New("--detailed-exitcode goes with --dry-run"), ""}
	case f.insecure && f.fingerprint != "":
		return usageError{errors.New("--fingerprint and --insecure-no-verify-certificate exclude each other"), ""}
	}
	for _, a := range []struct{ flag, value string }{{"from", f.from}, {"to", f.to}, {"root-to", f.rootTo}} {
		if a.value == "" {
			continue
		}
		if err := plan.CheckAddress(a.flag, a.value); err != nil {
			return err
		}
	}
	return nil
}

var errNoPort = usageError{errors.New("--no-probe cannot choose a port"), "give the port: --port 587 --no-probe"}

// filePort reports whether relayhost.toml may name the port. One that cannot be
// read is looked at later.
func (s *setup) filePort() bool {
	file, err := s.answersFile()
	return err != nil || file.Port != 0
}

// readRelay finds the service: from the flags, or from the set-up that is
// there. It stays unset when neither says.
func (s *setup) readRelay(ctx context.Context) (err error) {
	name := s.flags.relay
	if name == "" && s.flags.smarthost == "" {
		name = s.before.Relay
	}
	switch {
	case s.flags.smarthost != "" || name == relays.SmarthostID:
		host := s.flags.smarthost
		if host == "" {
			host = s.before.Host
		}
		if s.answers.Relay, err = s.smarthost(host); err != nil {
			return err
		}
	case name == "":
		return nil
	default:
		if s.answers.Relay, err = s.findRelay(name); err != nil {
			return usageError{err, "relayhost relays lists the services"}
		}
		if s.answers.RelayFile, err = relayFile(name); err != nil {
			return err
		}
		if s.answers.RelayFile != "" && s.before.Relay == s.answers.RelayFile {
			s.before.Relay = s.answers.Relay.ID
		}
	}
	return s.readRegion(ctx)
}

// findRelay takes a path to a catalogue file, a service of the user's own
// folder, or one of the catalogue.
func (a *app) findRelay(name string) (relays.Relay, error) {
	if strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".toml") {
		return relays.Load(name)
	}
	all, err := a.catalog()
	if err != nil {
		return relays.Relay{}, err
	}
	return relays.Find(all, name)
}

// relayFile is the absolute path of a catalogue file, "" for the name of a
// service.
func relayFile(name string) (string, error) {
	if !strings.ContainsRune(name, '/') && !strings.HasSuffix(name, ".toml") {
		return "", nil
	}
	return filepath.Abs(name)
}

// catalog is ours with the administrator's own services added or put over it.
func (a *app) catalog() ([]relays.Relay, error) {
	all, err := relays.Catalog()
	if err != nil {
		return nil, err
	}
	own, err := relays.LoadDir(userCatalog)
	if err != nil {
		return nil, err
	}
	return relays.Merge(all, own), nil
}

// userCatalog is where administrators keep services of their own.
const userCatalog = "/etc/relayhost/relays.d"

func (s *setup) smarthost(host string) (relays.Relay, error) {
	if s.flags.port == "auto" && s.before.Port == 0 {
		return relays.Relay{}, usageError{errors.New("a smarthost needs its port"), "give --port, e.g. --port 587"}
	}
	port, mode := s.before.Port, relays.TLSMode(s.before.TLS)
	if s.flags.port != "auto" {
		port, _ = strconv.Atoi(s.flags.port)
		mode = relays.UsualTLS(port)
	}
	_, _, stored := plan.Credentials(s.state, s.nextHopBefore())
	auth := s.flags.credentialsFile != "" || s.flags.username != "" || credentialOfSystemd() != "" ||
		stored && s.before.Host == host // those of another relay say nothing of this one
	return relays.Smarthost(host, port, mode, auth), nil
}

// takeCredentials reads what was given before anything takes time: a file that
// cannot be used is told at once.
func (s *setup) takeCredentials(ctx context.Context) (err error) {
	if err := s.readCredentialsFiles(); err != nil {
		return err
	}
	s.creds, err = s.givenCredentials(ctx)
	return err
}

// readCredentials takes user name and password from what was given, the set-up
// that is there, or questions, and holds them against the service's rules.
func (s *setup) readCredentials(ctx context.Context) error {
	r := s.answers.Relay
	if len(r.Auth.Mechanisms) == 0 {
		return nil
	}
	c := s.creds
	if s.flags.username != "" {
		c.Username = s.flags.username
	}
	if c.Username == "" {
		c.Username = r.Auth.Username.Fixed
	}
	if isZero(c) {
		user, password := s.storedCredentials(c.Username)
		if s.askAnew {
			s.typedUser = user
		} else {
			c.Username, c.Password = user, password
		}
	}
	if c.Password.IsZero() && c.SecretAccessKey.IsZero() && s.flags.dryRun {
		s.answers.NoCredentials = true
		s.answers.Username = c.Username
		return nil
	}
	if err := s.askCredentials(ctx, &c); err != nil {
		return err
	}
	h := s.answers.Hop()
	problems, err := fillAccount(c, &h)
	if err != nil {
		return err
	}
	s.answers.Username, s.answers.Password = h.Username, h.Password
	if !s.canAsk() { // else it has been said at the question
		for _, p := range problems {
			s.io.Tell("warning: ", "%s: %s", p.Field, p.Message)
		}
	}
	return nil
}

// storedCredentials are those of an earlier set-up for the same host, under
// the user name that was given, if one was.
func (s *setup) storedCredentials(user string) (string, secret.Value) {
	if !s.sameRelay() {
		return user, secret.Value{}
	}
	stored, password, ok := plan.Credentials(s.state, s.nextHopBefore())
	if !ok || user != "" && user != stored {
		return user, secret.Value{}
	}
	return stored, password
}

func (s *setup) nextHopBefore() string { return fmt.Sprintf("[%s]:%d", s.before.Host, s.before.Port) }

func (s *setup) sameRelay() bool {
	return s.before.Relay == s.answers.Relay.ID && s.before.Host == s.answers.Host
}

// credentialOfSystemd is the file of LoadCredential=relayhost:... (systemd.exec(5)),
// "" where there is none.
func credentialOfSystemd() string {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, "relayhost")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return path
}

// givenCredentials are those of --credentials-file, of systemd, or of the file
// that relayhost.toml names.
func (s *setup) givenCredentials(ctx context.Context) (c secret.Credentials, err error) {
	path := first(s.flags.credentialsFile, credentialOfSystemd())
	switch path {
	case "":
		if !s.sameRelay() && s.answers.Relay.ID != "" {
			return secret.Credentials{}, nil
		}
		return s.fileCredentials("credentials_file", s.before.CredentialsFile)
	case "-":
		if s.canAsk() { // nobody types into a question that is not asked, nor a password that is shown
			s.askAnew = true
			return c, nil
		}
		c, err = secret.Read(s.io.InUntil(ctx))
		switch {
		case ctx.Err() != nil:
			return c, fmt.Errorf("read standard input: %w", context.Cause(ctx))
		case err != nil:
			err = fmt.Errorf("standard input %w", err)
		}
	default:
		c, err = secret.ReadFile(path)
	}
	return c, credentialsHint(err, path)
}

// readAddresses takes sender and recipient of the proof.
func (s *setup) readAddresses(ctx context.Context) (err error) {
	from := first(s.flags.from, s.before.From)
	if from == "" {
		if from, err = s.askFrom(ctx); err != nil {
			return err
		}
	}
	to := first(s.flags.to, s.before.To)
	if to == "" {
		if to, err = s.askTo(ctx, from); err != nil {
			return err
		}
	}
	s.answers.From, s.answers.To = from, to
	s.answers.RootTo = first(s.flags.rootTo, s.before.RootTo)
	s.answers.Direct = s.flags.direct
	if !s.given("direct") {
		if s.answers.Direct, err = s.askDirect(ctx); err != nil {
			return err
		}
	}
	s.answers.MapType = first(s.flags.mapType, s.before.MapType)
	return nil
}

// keepConnection takes how the relay is connected to and verified: what an
// earlier set-up for the same relay said, unless this one says otherwise.
func (s *setup) keepConnection() {
	o, f := &s.answers, s.flags
	o.Connections, o.CAFile, o.Pin, o.NoVerify = f.connections, f.caFile, f.fingerprint, f.insecure
	if !s.sameRelay() {
		return
	}
	if !s.given("connections") {
		o.Connections = s.before.Connections
	}
	o.CredentialsFile = s.credentialsReference()
	if f.caFile == "" && f.fingerprint == "" && !f.insecure {
		o.CAFile, o.Pin, o.NoVerify = s.before.CAFile, s.before.Fingerprint, s.before.NoVerify
	}
}

// credentialsReference is the file that relayhost.toml goes on naming: where
// credentials are given anew, the old one would bring the old password back.
func (s *setup) credentialsReference() string {
	path := s.flags.credentialsFile
	if s.before.CredentialsFile == "" || path == "" {
		return s.before.CredentialsFile
	}
	if abs, err := filepath.Abs(path); err == nil && path != "-" {
		return abs
	}
	return ""
}

// first returns the first string that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

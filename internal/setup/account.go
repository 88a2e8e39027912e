package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// ReadCredentials reads what was given, and each file that c names, before anything
// takes time: a file that cannot be used is told at once.
func ReadCredentials(ctx context.Context, c config.Config, req Request, ask Asker) (got Credentials, err error) {
	path := cmp.Or(req.CredentialsFile, credentialOfSystemd())
	switch {
	case path == "":
	case path == "-" && ask.Can(): // nobody types into a question that is not asked, nor a password that is shown
		got.Typed = true
	case path == "-":
		in, ok := ask.(stdin)
		if !ok {
			return got, errors.New("there is no standard input")
		}
		got.Flag, err = in.Stdin(ctx)
	default:
		got.Flag, err = secret.ReadFile(path)
	}
	if err != nil {
		return got, credentialsHint(err, path)
	}
	got.Files = map[string]secret.Credentials{}
	for i, r := range c.Routes {
		for n, h := range r.Hops {
			if p := (at{i, n}); h.CredentialsFile != "" && !(p.isFirst() && path != "") {
				if err := got.read(c, p, req); err != nil {
					return got, err
				}
			}
		}
	}
	return got, nil
}

// Credentials are those that were given, before any account is made of them.
type Credentials struct {
	Flag  secret.Credentials            // of --credentials-file, or of systemd
	Files map[string]secret.Credentials // of the files that the Config names
	// Typed says that they are to be typed: what is stored does not count.
	Typed bool
}

// first are the credentials that were given for the first hop.
func (got Credentials) first(h config.Hop) secret.Credentials {
	if !got.Flag.Empty() {
		return got.Flag
	}
	return got.Files[h.CredentialsFile]
}

// stdin is implemented by an Asker that hands on credentials from standard input.
type stdin interface {
	Stdin(ctx context.Context) (secret.Credentials, error)
}

// read reads the file of a hop, unless it has been read. A look without root, to
// whom the file is closed, goes on without.
func (got Credentials) read(c config.Config, p at, req Request) error {
	path := p.in(c).CredentialsFile
	if _, done := got.Files[path]; done {
		return nil
	}
	file, err := secret.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) && req.DryRun && os.Geteuid() != 0 {
		err = nil
	}
	if err != nil {
		return InFile{c.Where(p.key("credentials_file")), credentialsHint(err, path)}
	}
	got.Files[path] = file
	return nil
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

// credentialsHint says what helps against a credentials file that cannot be used.
func credentialsHint(err error, path string) error {
	var key *secret.KeyFileError
	switch {
	case errors.As(err, &key) && errors.Is(err, secret.ErrReadableByOthers):
		return Hint(err, "chmod 600 %s, and make a new key if others may have read it", key.Path)
	case errors.As(err, &key):
		return Hint(err, "give the absolute path of a file with the private key (for client_certificate: and its certificate) in PEM form")
	case errors.Is(err, secret.ErrReadableByOthers):
		return Hint(err, "chmod 600 %s, and change the password or secret if others may have read it", path)
	case errors.Is(err, secret.ErrFormat):
		return Hint(err, "each line is key=value; relayhost help credentials shows the keys")
	}
	return err
}

// Complete is c with accounts, the addresses that are still missing, and every value
// checked. missing is true in a dry run alone: an account has to be shown by
// placeholders. again says that a relay has refused an answer, and typed is the user name
// to begin with where that was the login.
func Complete(ctx context.Context, b Basis, c config.Config, ask Asker, typed string, again bool) (_ config.Config, missing bool, err error) {
	if c, missing, err = accounts(ctx, b, c, ask, typed); err != nil {
		return c, missing, err
	}
	relay := c.First().Relay
	if c.From() == "" {
		if c.Routes[0].From, err = ask.From(ctx, b.Discovery, relay); err != nil {
			return c, missing, err
		}
	}
	if c.To == "" {
		if c.To, err = ask.To(ctx, b.Discovery, c.From()); err != nil {
			return c, missing, err
		}
	}
	if b.Direct == nil && !again && ask.Can() && b.Stored.First().Name() == "" {
		if c.Direct, err = ask.Direct(ctx, b.Discovery); err != nil {
			return c, missing, err
		}
	}
	if r := c.First().Relay; r.Sender.Rule == "verified" && !ask.Can() && mailaddr.IsPublic(mailaddr.Domain(c.From())) {
		b.Report.Warn("%s is a public mail service: %s does not verify addresses in it, or receivers reject such mail", mailaddr.Domain(c.From()), r.Name)
	}
	for i := range c.Routes {
		c.Routes[i].From = cmp.Or(c.Routes[i].From, c.From())
		for n := range c.Routes[i].Hops {
			ofSender(c, at{i, n})
		}
	}
	return c, missing, c.Validate(!missing)
}

// accounts gives every hop that wants a login its account: what was given; that of
// the first hop of the route where both are of one relay; what Postfix has stored;
// and for the first hop of all an answer. missing says that a hop has none, which a
// dry run admits. What Postfix has stored is found by the next hop ("[host]:port") and,
// but for the default route, the senders (plan.Accounts).
func accounts(ctx context.Context, b Basis, c config.Config, ask Asker, typed string) (_ config.Config, missing bool, err error) {
	c = c.Clone()
	stored := plan.StoredAccounts(b.State)
	told := map[string]bool{}
	for i, r := range c.Routes {
		for n := range r.Hops {
			p := at{i, n}
			h := p.in(c)
			if !p.isFirst() && !h.Plaintext() && h.Relay.ID == relays.SmarthostID && len(h.Relay.Auth.Mechanisms) == 0 {
				if _, _, ok := stored.Find(h.NextHop(), r.Senders...); ok { // it wants a login where Postfix logs in there already
					h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, true)
				}
			}
			if h.ByAPI() {
				found, err := apiAccount(ctx, b, c, p, stored, ask)
				if err != nil {
					return c, missing, err
				}
				missing = missing || !found
				continue
			}
			if len(h.Relay.Auth.Mechanisms) == 0 {
				continue
			}
			found, err := account(ctx, b, c, p, stored, ask, typed, told)
			if err != nil {
				return c, missing, err
			}
			missing = missing || !found
		}
	}
	return c, missing, nil
}

// account gives one hop its account, in place. found is false in a dry run alone.
func account(ctx context.Context, b Basis, c config.Config, p at, stored plan.Accounts, ask Asker, typed string, told map[string]bool) (found bool, err error) {
	h := p.in(c)
	if typed == "" && p.isFirst() && !h.Password.IsZero() { // answered before, and not refused
		return true, nil
	}
	given := givenFor(b, c, p)
	if h.Via == config.SMTPOAuth {
		return application(ctx, b, c, p, given, ask)
	}
	if given.IsZero() {
		if inherited(b, c, p, stored) {
			return true, nil
		}
		typed = restore(b, c, p, stored, &given, typed)
	}
	if given.IsZero() && b.DryRun {
		h.Username = given.Username
		return false, nil
	}
	asked := false
	if p.isFirst() && (given.IsZero() || given.Username == "" && !h.Relay.Auth.Same) {
		if err := ask.Credentials(ctx, h.Relay, typed, &given); err != nil {
			return false, err
		}
		asked = true
	}
	if given.IsZero() {
		e := c.Mistake(p.key("relay"), "%s: no credentials for %s port %d are given, and none are stored", p.label(c), h.Host, h.Port)
		e.Hint = "name a file with credentials_file; relayhost help credentials shows what is in it"
		return false, e
	}
	doubts, err := fill(given, h)
	if err != nil && !p.isFirst() {
		err = InFile{c.Where(p.key("credentials_file")), fmt.Errorf("%s: %w", p.label(c), err)}
	}
	if asked || err != nil { // what only looks wrong has been told at the question
		return true, err
	}
	warnOf(b, c, p, doubts, told)
	return true, nil
}

// shares reports whether a fallback has the credentials of the first hop of its route.
func shares(c config.Config, p at) bool {
	h, head := p.in(c), &c.Routes[p.route].Hops[0]
	return p.hop > 0 && h.Relay.ID == head.Relay.ID && h.CredentialsFile == head.CredentialsFile
}

// inherited gives a hop, in place, the account of the first hop of its route where it is
// a fallback that shares it, or else what Postfix has stored for it.
func inherited(b Basis, c config.Config, p at, stored plan.Accounts) bool {
	h, head := p.in(c), &c.Routes[p.route].Hops[0]
	if shares(c, p) && h.Host == head.Host && head.Username != "" {
		h.Username, h.Password = head.Username, head.Password
		return true
	}
	if p.isFirst() {
		return false
	}
	user, password, ok := storedAccount(b, c, p, stored, "")
	if ok {
		h.Username, h.Password = user, password
	}
	return ok
}

// restore fills given with the account that Postfix has stored for the first hop of
// all. Where the account is to be typed, its user name is what the question begins
// with.
func restore(b Basis, c config.Config, p at, stored plan.Accounts, given *secret.Credentials, typed string) string {
	if !p.isFirst() {
		return typed
	}
	user, password, ok := storedAccount(b, c, p, stored, given.Username)
	switch {
	case !ok:
	case b.Credentials.Typed || typed != "":
		return cmp.Or(typed, user)
	default:
		given.Username, given.Password = user, password
	}
	return typed
}

// givenFor are the credentials that were given for a hop.
func givenFor(b Basis, c config.Config, p at) secret.Credentials {
	h := p.in(c)
	given := b.Credentials.Files[h.CredentialsFile]
	if flag := b.Credentials.Flag; !flag.Empty() && p.route == 0 && (p.hop == 0 || shares(c, p)) {
		given = flag
	}
	if p.isFirst() {
		given.Username = cmp.Or(b.Username, given.Username, h.Relay.Auth.Username.Fixed)
	}
	return given
}

// warnOf tells what only looks wrong, once for a file that several routes share.
func warnOf(b Basis, c config.Config, p at, doubts []relays.Problem, told map[string]bool) {
	where := ""
	if !p.isFirst() {
		where = p.label(c) + ": "
	}
	file := p.in(c).CredentialsFile
	for _, d := range doubts {
		key := file + "\x00" + d.Field + "\x00" + d.Message
		if file == "" || !told[key] {
			b.Report.Warn("%s%s: %s", where, d.Field, d.Message)
		}
		told[key] = true
	}
}

// storedAccount is the account that Postfix logs in with now. For the first hop that
// is the one of the earlier setup, if it was for the same relay, also where the port
// is another, and under the user name that was given, if one was.
func storedAccount(b Basis, c config.Config, p at, stored plan.Accounts, user string) (string, secret.Value, bool) {
	h := p.in(c)
	if !p.isFirst() {
		return stored.Find(h.NextHop(), c.Routes[p.route].Senders...)
	}
	before := b.Before
	if !before.SameRelay(*h) {
		return "", secret.Value{}, false
	}
	name, password, ok := stored.Find(before.NextHop())
	return name, password, ok && (user == "" || user == name)
}

// fill makes user name and password of h from c by the rules of the relay. What only
// looks wrong is returned.
func fill(c secret.Credentials, h *config.Hop) ([]relays.Problem, error) {
	r := h.Relay
	c.Username = cmp.Or(c.Username, r.Auth.Username.Fixed)
	if !c.SecretAccessKey.IsZero() {
		if r.Auth.Derive != "ses" {
			return nil, UsageError{errors.New("secret_access_key is for Amazon SES"), "give password="}
		}
		// The region may be a full host name: a FIPS or a VPC endpoint.
		region, ok := r.Hosts.RegionOf(h.Host)
		if !ok {
			return nil, UsageError{fmt.Errorf("no region is known for %s", h.Host), "give password= in place of secret_access_key="}
		}
		c.Password = secret.New(relays.SESPassword(c.SecretAccessKey.Reveal(), region))
	}
	if r.Auth.Same && c.Username == "" {
		c.Username = c.Password.Reveal()
	}
	user, pass := r.Auth.Normalise(c.Username, c.Password.Reveal())
	h.Username, h.Password = user, secret.New(pass)
	var doubts []relays.Problem
	for _, p := range r.CheckCredentials(user, pass) {
		if p.Refuse {
			return nil, UsageError{fmt.Errorf("wrong %s: %s", p.Field, p.Message), "relayhost relays " + r.ID + " shows what the service expects"}
		}
		doubts = append(doubts, p)
	}
	if user == "" {
		return nil, UsageError{errors.New("the credentials name no user"), "give username= as well"}
	}
	return doubts, nil
}

// apiAccount gives a hop that goes by the API of its relay its account, in place: what
// was given, what its bridge has stored, for Amazon SES the role of this host, and for
// the first hop of all an answer. An API wants a token of OAuth (conf.API.Tokens), AWS
// keys (Signed), or a key. found is false in a dry run alone.
func apiAccount(ctx context.Context, b Basis, c config.Config, p at, stored plan.Accounts, ask Asker) (found bool, err error) {
	h := p.in(c)
	a, ok := conf.Get(h.Relay.ID)
	if !ok {
		return true, nil // Validate says so
	}
	if p.isFirst() && h.API.Given() { // answered before, and not refused
		return true, nil
	}
	given := givenFor(b, c, p)
	old, known := stored.BridgeHop(*h, c.Routes[p.route].Senders...)
	if known = known && old.API != nil; known && given.API.ProxyLogin.IsZero() {
		given.API.ProxyLogin = config.ProxyLogin(old.API.Proxy)
	}
	if a.Tokens() {
		found, err = application(ctx, b, c, p, given, ask)
		h.API = config.API{}
		apiSettings(a, c, p, given)
		return found, err
	}
	h.API = config.API{Settings: map[conf.Field]string{}}
	if known && old.API.ID == h.Relay.ID && !(p.isFirst() && b.Credentials.Typed) {
		h.API = config.API{Host: old.Host, Settings: maps.Clone(old.API.Settings), Key: old.API.Key, AWS: old.API.AWS}
	}
	complete := func() error {
		if a.Signed() {
			return awsAccount(ctx, b, h, given)
		}
		return keyAccount(a, h, given)
	}
	if err := complete(); err != nil {
		return true, err
	}
	if !h.API.Given() && b.DryRun {
		apiSettings(a, c, p, given)
		return false, nil
	}
	if !h.API.Given() && p.isFirst() {
		if err := ask.APIKey(ctx, a, h.Relay, &given); err != nil {
			return false, err
		}
		err = complete()
	}
	apiSettings(a, c, p, given)
	return true, err
}

// keyAccount takes the key that was given. The password for SMTP of some relays is an
// API key.
func keyAccount(a conf.API, h *config.Hop, given secret.Credentials) error {
	key := given.API.Key
	if key.IsZero() && !given.Password.IsZero() {
		if !a.SameKey() {
			return UsageError{fmt.Errorf("the credentials give a password, which is for SMTP: the API of %s wants a key", a.Name), "give it as api_key= in the file of --credentials-file"}
		}
		key = given.Password
	}
	if key.IsZero() {
		return nil
	}
	key = secret.New(strings.TrimSpace(key.Reveal()))
	if wrong := a.WrongKey(key.Reveal()); wrong != "" {
		return UsageError{fmt.Errorf("api_key: %s", wrong), "relayhost relays " + h.Relay.ID + " says where it is made"}
	}
	h.API.Key = key
	return nil
}

// awsAccount takes an access key, else the role of this host.
func awsAccount(ctx context.Context, b Basis, h *config.Hop, given secret.Credentials) error {
	switch {
	case !given.SecretAccessKey.IsZero():
		h.API.AWS = &conf.AWSKeys{Source: conf.AWSStatic, AccessKey: given.Username, Secret: given.SecretAccessKey}
		if given.Username == "" {
			return UsageError{errors.New("the credentials name no access key"), "give username= (AKIA...) beside secret_access_key="}
		}
		return nil
	case !given.Password.IsZero() || !given.API.Key.IsZero():
		return UsageError{errors.New("the API of Amazon SES needs the secret access key, not the SMTP password that is derived from it"),
			"give username= and secret_access_key=; on an EC2 instance, in ECS and in EKS with a role give nothing"}
	case h.API.AWS != nil:
		return nil
	}
	region := h.RegionName()
	if keys, ok := conf.AWSFromEnvironment(os.Getenv, region); ok {
		h.API.AWS = &keys
		b.Report.Note("Amazon SES is asked with the keys that the environment names: none is stored")
		return nil
	}
	keys := api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSInstance}}
	ctx, cancel := context.WithTimeout(ctx, roleTime)
	defer cancel()
	if _, err := keys.Get(ctx); err == nil {
		h.API.AWS = &conf.AWSKeys{Source: conf.AWSInstance}
		b.Report.Note("Amazon SES is asked as the role of this instance: no key is stored")
	}
	return nil
}

// roleTime is how long the metadata service of an instance may take to say whether
// there is a role.
const roleTime = 3 * time.Second

// apiSettings fills in what the account needs beside its key: as given, or what the
// host and the sender say. The login that is given goes with the key that is given, so it
// replaces that of a former setup.
func apiSettings(a conf.API, c config.Config, p at, given secret.Credentials) {
	h := p.in(c)
	region := h.RegionName()
	usual := map[conf.Field]string{conf.Region: region, conf.Mailbox: h.Username, conf.Login: given.Username}
	if h.API.Settings == nil {
		h.API.Settings = map[conf.Field]string{}
	}
	h.API.ProxyLogin = given.API.ProxyLogin
	set := func(f conf.Field, value string) {
		if value != "" {
			h.API.Settings[f] = value
		}
	}
	for _, f := range a.Needs {
		if f != conf.APIKey && f != conf.PrivateKey && (f == conf.Region || f == conf.Login || h.API.Settings[f] == "") {
			set(f, usual[f])
		}
	}
	set(conf.Region, region)
	if a.ID == "mailtrap" && region == "bulk" { // the catalogue has its streams as regions
		set(conf.Stream, region)
	}
	for name, value := range given.API.Settings {
		if name == "host" {
			h.API.Host = value
			continue
		}
		set(conf.Field(name), value)
	}
	if h.API.AWS != nil {
		h.API.AWS.Region = h.API.Settings[conf.Region]
	}
}

// ofSender fills in what the API of a hop needs and what its sender says: the sender is
// known after the account.
func ofSender(c config.Config, p at) {
	h := p.in(c)
	a, ok := conf.Get(h.Relay.ID)
	if !ok || !h.ByAPI() || h.API.Settings == nil {
		return
	}
	from := c.Routes[p.route].From
	usual := map[conf.Field]string{conf.Domain: mailaddr.Domain(from), conf.Mailbox: from}
	for _, f := range a.Needs {
		if value := usual[f]; value != "" && h.API.Settings[f] == "" {
			h.API.Settings[f] = value
		}
	}
}

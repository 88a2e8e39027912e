package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge"
	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/verify"
)

// bridgeHost is what this host has for bridges of the Postfix in configDir: the program
// is the one that runs.
func bridgeHost(r *host.Reader, configDir string) plan.Bridge {
	b := plan.Bridge{GID: apply.BridgeGID(r), Elsewhere: otherBridges(r, configDir)}
	if self, err := os.Executable(); err == nil {
		b.Program = self
	}
	_, err := r.Stat("/run/systemd/system") // sd_booted(3)
	b.Systemd = err == nil
	return b
}

// bridgeInUse is bridgeHost with the program that master.cf names now, so that a look
// from another place finds no difference.
func bridgeInUse(r *host.Reader, s postfix.State) plan.Bridge {
	b := bridgeHost(r, s.ConfigDir)
	b.Program = first(plan.BridgeProgram(s), b.Program)
	return b
}

// otherBridges are those that the instances of Postfix beside the one in configDir
// start, and where (multi_instance_directories of postconf(5)).
func otherBridges(r *host.Reader, configDir string) map[string]string {
	names := map[string]string{}
	dirs := []string{postfix.DefaultConfigDir}
	if text, err := r.ReadFile(filepath.Join(postfix.DefaultConfigDir, "main.cf")); err == nil {
		if main, err := postfix.ParseMain(text); err == nil {
			more, _ := main.Get("multi_instance_directories")
			dirs = append(dirs, postfix.Words(more)...)
		}
	}
	for _, dir := range dirs {
		if text, err := r.ReadFile(filepath.Join(dir, "master.cf")); err == nil && filepath.Clean(dir) != filepath.Clean(configDir) {
			master, _ := postfix.ParseMaster(text)
			for _, name := range plan.BridgesOf(master) {
				names[name] = dir
			}
		}
	}
	return names
}

// anyBridge reports whether a route goes by a bridge.
func anyBridge(cfg config.Config) bool {
	for _, r := range cfg.Routes {
		for _, h := range r.Hops {
			if h.Bridged() {
				return true
			}
		}
	}
	return false
}

// prepareBridges makes what the bridges of the plan need before they can be rehearsed.
// The caller holds the lock. undo takes it away again where no setup follows.
func (s Setup) prepareBridges(ctx context.Context) (undo func(), err error) {
	if !anyBridge(s.Config) {
		return func() {}, nil
	}
	o := apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir, Progress: s.Report.Part}
	undo = func() { apply.TidyBridges(ctx, s.Host, o) }
	if err := reachableByAll(&s.Host.Reader, bridgeHost(&s.Host.Reader, s.State.ConfigDir).Program); err != nil {
		return undo, err
	}
	if _, _, err = apply.PrepareBridge(ctx, s.Host, o); err == nil {
		err = s.SaveTokens(ctx)
	}
	if err != nil {
		undo()
		return undo, host.Denied(err)
	}
	return undo, nil
}

// KeepBridges makes again what the bridges of an unchanged setup need and have lost, and
// stores the tokens of SignIn.
func (s Setup) KeepBridges(ctx context.Context) error {
	if !anyBridge(s.Config) {
		return nil
	}
	release, err := apply.Lock(ctx, s.Host, apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir})
	if err != nil {
		return err
	}
	defer release()
	_, err = s.prepareBridges(ctx)
	return err
}

// reachableByAll wants that the user of the bridges can start a program, and that no
// other user can replace it.
func reachableByAll(r *host.Reader, program string) error {
	if program == "" {
		return errors.New("the path of this program is unknown, and Postfix has to start it")
	}
	if why, how := verify.ProgramFault(r, program); why != "" {
		return Hint(errors.New(why), "%s", strings.ToLower(how[:1])+strings.TrimSuffix(how[1:], "."))
	}
	return nil
}

// fromBridge gives h the account that its bridge has stored.
func fromBridge(h *config.Hop, c conf.Config) {
	if a := c.API; a != nil {
		h.API = config.API{Host: c.Host, Settings: a.Settings, Key: a.Key, AWS: a.AWS, ProxyLogin: config.ProxyLogin(a.Proxy)}
		if c.OAuth == nil {
			return
		}
	}
	h.Username = c.Username
	if c.OAuth != nil {
		h.SignIn.Secret, h.SignIn.Certificate, h.SignIn.SecretEnds = c.OAuth.Secret, c.OAuth.Certificate, c.OAuth.SecretEnds
		h.SignIn.Grant, h.SignIn.ClientID = c.OAuth.Grant, c.OAuth.ID
	}
}

// roleTime is how long the metadata service of an instance may take to say whether
// there is a role.
const roleTime = 3 * time.Second

// apiAccount gives a hop that goes by the API of its relay its account, in place: what
// was given, what its bridge has stored, for Amazon SES the role of this host, and for
// the first hop of all an answer. An API wants a token of OAuth (conf.API.Tokens), AWS
// keys (Signed), or a key. found is false in a dry run alone.
func apiAccount(ctx context.Context, s Setup, c config.Config, p at, stored plan.Accounts, ask Asker) (found bool, err error) {
	h := p.in(c)
	a, ok := conf.Get(h.Relay.ID)
	if !ok {
		return true, nil // Validate says so
	}
	if p.isFirst() && h.API.Given() { // answered before, and not refused
		return true, nil
	}
	given := givenFor(s, c, p)
	if old, ok := stored.BridgeHop(*h, c.Routes[p.route].Senders...); ok && old.API != nil && given.API.ProxyLogin.IsZero() {
		given.API.ProxyLogin = config.ProxyLogin(old.API.Proxy)
	}
	if a.Tokens() {
		found, err = application(ctx, s, c, p, given, ask)
		h.API = config.API{}
		apiSettings(a, c, p, given)
		return found, err
	}
	h.API = config.API{Settings: map[conf.Field]string{}}
	if old, ok := stored.BridgeHop(*h, c.Routes[p.route].Senders...); ok && old.API != nil && old.API.ID == h.Relay.ID && !(p.isFirst() && s.Credentials.Typed) {
		h.API = config.API{Host: old.Host, Settings: maps.Clone(old.API.Settings), Key: old.API.Key, AWS: old.API.AWS}
	}
	account := func() error {
		if a.Signed() {
			return awsAccount(ctx, s, h, given)
		}
		return keyAccount(a, h, given)
	}
	if err := account(); err != nil {
		return true, err
	}
	if !h.API.Given() && s.DryRun {
		apiSettings(a, c, p, given)
		return false, nil
	}
	if !h.API.Given() && p.isFirst() {
		if err := ask.APIKey(ctx, a, h.Relay, &given); err != nil {
			return false, err
		}
		err = account()
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
func awsAccount(ctx context.Context, s Setup, h *config.Hop, given secret.Credentials) error {
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
		s.Report.Note("Amazon SES is asked with the keys that the environment names: none is stored")
		return nil
	}
	keys := api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSInstance}}
	ctx, cancel := context.WithTimeout(ctx, roleTime)
	defer cancel()
	if _, err := keys.Get(ctx); err == nil {
		h.API.AWS = &conf.AWSKeys{Source: conf.AWSInstance}
		s.Report.Note("Amazon SES is asked as the role of this instance: no key is stored")
	}
	return nil
}

// apiSettings fills in what the account needs beside its key: as given, or what the
// host and the sender say.
func apiSettings(a conf.API, c config.Config, p at, given secret.Credentials) {
	h := p.in(c)
	region := h.RegionName()
	usual := map[conf.Field]string{conf.Region: region, conf.Mailbox: h.Username, conf.OCIUser: given.Username}
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
		if f != conf.APIKey && f != conf.PrivateKey && (f == conf.Region || h.API.Settings[f] == "") {
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

// checkAPI asks the API of a hop whether it takes the key, where it has a call for
// that which sends nothing.
func (s Setup) checkAPI(ctx context.Context, h config.Hop) error {
	client, err := bridge.Checker(plan.APIConfig(h, first(h.CAFile, s.State.CAFile)))
	if err != nil {
		return err
	}
	if h.APITakesTokens() { // which is not stored yet
		client.Account.Token = func(context.Context, secret.Value) (secret.Value, error) { return tokenOf(s.Plan, s.Tokens, h), nil }
	}
	proved, err := client.Check(ctx)
	if err == nil {
		if !proved {
			s.Report.Unproven("the API of %s has no call that proves a key and sends nothing: the test message shows whether it is right", client.API.Name)
		}
		return nil
	}
	var said *api.Reply
	if !errors.As(err, &said) {
		return err
	}
	failed := explained(err, verify.Finding{Check: "auth", Result: verify.Fail, Detail: err.Error()})
	if strings.HasSuffix(said.Enhanced, ".7.8") { // credentials invalid (RFC 4954, section 6)
		return refused{failed, ErrLoginRefused}
	}
	return failed
}

// byAPI has verify ask the API of a hop.
func byAPI(to *verify.Hop, h config.Hop, caFile string) error {
	client, err := bridge.Checker(plan.APIConfig(h, first(h.CAFile, caFile)))
	if err != nil {
		return err
	}
	to.Host, to.Port = h.Shown()
	if source := to.SignIn; source != nil {
		client.Account.Token = func(ctx context.Context, refused secret.Value) (secret.Value, error) {
			if refused.IsZero() {
				return source.Token(ctx)
			}
			return source.Replace(ctx, refused)
		}
	}
	to.Check, to.Proxy = client.Check, h.Proxy
	return nil
}

// byHTTPS reports whether the API of the first hop is what is left, where no port of
// its relay for mail gets through: it has one, nothing else was asked for, and port 443
// of it answers.
func byHTTPS(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) bool {
	h := *c.First()
	host := h.APIHost()
	if req.Port != 0 || req.Via != "" || len(c.Routes[0].Hops) > 1 || h.Pin != "" || h.NoVerify || !config.HasAPI(h.Relay) || config.APITakesTokens(h.Relay) || host == "" {
		return false
	}
	o, err := detectOptions(deps, d, h)
	if err != nil || detect.HTTPS(ctx, o, h.Relay.ID, host).Result != string(detect.Open) {
		return false
	}
	deps.Report.Note("no mail port of %s is reachable from here, but its API at %s on port 443 is: mail is sent by HTTPS (--via https; --via smtp refuses that)", h.Relay.Name, host)
	return true
}

package setup

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// Environment collects what the checks of verify look at: from the stored Config, or,
// where there is none, from what Postfix is told. from and to are given in place of
// the stored addresses, from for the route of that name; "" keeps the stored ones.
func Environment(ctx context.Context, deps Deps, from, to, routeName string) (verify.Env, error) {
	r := &deps.Host.Reader
	state, err := postfix.Read(ctx, r, deps.ConfigDir)
	if err != nil {
		return verify.Env{}, err
	}
	if !state.Installed {
		return verify.Env{}, Hint(ErrNoPostfix, "relayhost setup --install installs it")
	}
	env := verify.Env{Reader: r, State: state, Mailer: &verify.PostfixMailer{Host: deps.Host, ConfigDir: deps.ConfigDir, Sendmail: state.Params["sendmail_path"]}}
	stored, err := Stored(r)
	if err != nil {
		return env, err
	}
	if err := deps.environmentRoutes(&env, stored); err != nil {
		return env, err
	}
	env.Routes[0].From = stored.From()
	env.To = cmp.Or(to, stored.To, from, stored.From())
	if from != "" { // of the route that it is asked for
		i := slices.IndexFunc(env.Routes, func(r verify.Route) bool { return r.Name == routeName })
		env.Routes[max(i, 0)].From = from
	}
	for flag, addr := range map[string]string{"--from": from, "--to": to} {
		if addr == "" {
			continue
		}
		if err := config.CheckAddress(flag, addr); err != nil {
			return env, err
		}
	}
	service := postfix.RouteOf(state).Service
	if env.Resolver, err = Resolver(r, func(name string) string { return state.Param(service, name) }); err != nil {
		return env, err
	}
	log, err := maillog.Find(ctx, r, state)
	if env.LogError = err; err == nil {
		env.Log = &log
	}
	env.Accepted = acceptedBefore(r, state)
	deps.drift(&env)
	return env, publicAddress(ctx, &env)
}

// drift says what has become of the files that the changes so far have left. Somebody
// without root cannot see that, and is told by other findings.
func (deps Deps) drift(env *verify.Env) {
	o := apply.Options{ConfigDir: env.State.ConfigDir}
	if pending, err := apply.Pending(env.Reader, o); err == nil && pending != nil {
		env.Unfinished = pending.ID
	}
	items, err := apply.FindDrift(env.Reader, o)
	if err != nil {
		return
	}
	env.Changed = map[string]string{}
	for _, item := range items {
		switch item.State {
		case apply.DriftNone, apply.DriftCompiled:
		case apply.DriftRemoved:
			env.Changed[item.Path] = "removed"
		case apply.DriftMode:
			env.Changed[item.Path] = "others may read it"
		default:
			env.Changed[item.Path] = "edited by hand"
		}
	}
}

// applied reports whether what Postfix does is ours: a relayhost.toml may have
// been written and not set up yet, or rolled back.
func (deps Deps) applied(s postfix.State) bool {
	if strings.HasPrefix(postfix.NewRouting(s).Route("").Transport, plan.ServicePrefix) {
		return true
	}
	history, err := apply.History(&deps.Host.Reader, apply.Options{ConfigDir: deps.ConfigDir})
	return err != nil || len(history) > 0
}

// environmentRoutes finds relays, next hops, credentials and, where setup has been
// here, what it would write now.
func (deps Deps) environmentRoutes(env *verify.Env, stored config.Config) error {
	if stored.First().Name() == "" || !deps.applied(env.State) {
		return byHand(env)
	}
	env.State.Load(env.Reader, plan.Paths(env.State)...)
	state := env.State
	all, err := Catalog()
	if err != nil {
		return err
	}
	c, missing, err := InUse(stored, state, func(name string) (relays.Relay, error) { return FindRelay(all, name) })
	if err != nil {
		return err
	}
	bridge := apply.BridgeHost(env.Reader, state.ConfigDir)
	bridge.Program = cmp.Or(plan.BridgeProgram(state), bridge.Program) // the one in use: a look from another place finds no difference
	p, err := plan.Build(plan.Server{State: state, Force: true, NoCredentials: missing, Bridge: bridge}, c)
	if err != nil {
		return err
	}
	// An Incomplete plan has placeholders for credentials.
	// Somebody without root cannot read the passwords, so nothing is known of
	// their file. A file that is gone is a difference like any other.
	if env.Limited = p.Incomplete && len(state.Unreadable) > 0; !env.Limited {
		env.Plan = &p
	}
	services, sockets := map[string]string{}, map[string]string{}
	for _, w := range p.Routes {
		services[w.Name], sockets[w.Name] = w.Service, w.Socket()
	}
	cas := map[string]*x509.CertPool{}
	for _, r := range c.Routes {
		route := verify.Route{Name: r.Name, Senders: r.Senders, From: r.From, Service: services[r.Name]}
		for _, h := range r.Hops {
			hop := verify.Hop{Hop: h, Socket: sockets[r.Name], Source: signInSource(p, h)}
			file := cmp.Or(h.CAFile, state.CAFile)
			if cas[file] == nil {
				if cas[file], err = Roots(env.Reader, file); err != nil {
					return err
				}
			}
			hop.Roots = cas[file]
			if h.ByAPI() && (h.API.Given() || hop.Source != nil) {
				if err := byAPI(&hop, h, state.CAFile); err != nil {
					return err
				}
			}
			route.Hops = append(route.Hops, hop)
		}
		env.Routes = append(env.Routes, route)
	}
	return nil
}

// signInSource has the tokens of h; nil where it logs in by password, or where their
// configuration cannot be read.
func signInSource(p plan.Plan, h config.Hop) *oauth.Source {
	if b, ok := bridgeFor(p, h); ok && !p.Incomplete {
		return &oauth.Source{Client: *b.Config.OAuth, Path: conf.TokenPath(conf.Directory, b.Name), HTTP: httpOf()}
	}
	return nil
}

// byHand takes the setup as Postfix has it: whoever made it.
func byHand(env *verify.Env) (err error) {
	route := postfix.RouteOf(env.State)
	if _, routes := postfix.SenderRoutes(env.State); len(routes) > 0 {
		route = routes[0] // all other mail goes out directly
	}
	h := verify.Hop{Hop: config.Hop{Relay: &relays.Relay{}}} // where mail goes out directly
	next := route.First()
	h.Host, h.Port, h.TLS, h.Written = next.Host, next.Port, relays.StartTLS, next.Text
	if env.State.Param(route.Service, "smtp_tls_wrappermode") == "yes" {
		h.TLS = relays.Implicit
	}
	h.Username, h.Password, _ = plan.Credentials(env.State, next.Text)
	if explain.OAuth(env.State, route, h.Password.Reveal()) || tokenFile(env.Reader, h.Password) { // its path is no password, and must not be sent as one
		h.OAuth, h.Username, h.Password = true, "", secret.Value{}
	}
	if h.Roots, err = Roots(env.Reader, env.State.CAFile); err != nil {
		return err
	}
	all, err := Catalog()
	if err != nil {
		return err
	}
	if relay, _, ok := relays.ByHost(all, h.Host); ok {
		h.Relay = &relay
	} else if h.Host != "" {
		h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, h.Username != "")
	}
	env.Routes = []verify.Route{{Name: config.DefaultRoute, Service: route.Service.Name, Hops: []verify.Hop{h}}}
	return nil
}

// tokenFile reports whether what is stored as a password is the path of a file.
func tokenFile(r *host.Reader, password secret.Value) bool {
	if !strings.HasPrefix(password.Reveal(), "/") {
		return false
	}
	m, err := r.Stat(password.Reveal())
	return err == nil && m.Mode.IsRegular()
}

// publicAddress adds this host's own addresses, from local files only.
func publicAddress(ctx context.Context, env *verify.Env) error {
	facts, err := detect.Run(ctx, detect.Options{Reader: env.Reader, NoProbe: true, NoMetadata: true})
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(facts.Host.PublicIPv4); err == nil {
		env.Public = append(env.Public, addr)
	}
	return nil
}

// RememberLogin keeps what a verification that began at a time has seen of the
// login.
func RememberLogin(deps Deps, r verify.Report, configDir string, began time.Time) {
	passed, failed := false, false
	for _, f := range r.Findings {
		if f.Check == "auth" {
			passed = passed || f.Result == verify.Pass
			failed = failed || f.Result == verify.Fail || f.Result == verify.Warn
		}
	}
	switch {
	case failed:
		KeepLogin(deps, configDir, time.Time{})
	case passed:
		KeepLogin(deps, configDir, began)
	}
}

// acceptedBefore reports whether the relay has accepted the login, and nothing that
// decides about it was touched since: main.cf, master.cf, and the password tables.
func acceptedBefore(r *host.Reader, s postfix.State) bool {
	var last lastLogin
	data, err := r.ReadFile(filepath.Join(apply.StateDir, loginFile))
	if err != nil || json.Unmarshal(data, &last) != nil || last.ConfigDir != s.ConfigDir || last.Time.After(time.Now()) {
		return false
	}
	files := []string{filepath.Join(s.ConfigDir, "main.cf"), filepath.Join(s.ConfigDir, "master.cf")}
	tables := postfix.ParseTables(s.Param(postfix.RouteOf(s).Service, "smtp_sasl_password_maps"), s.DefaultMap)
	for _, t := range tables {
		if !t.Editable() {
			return false // a service that somebody else keeps
		}
		files = append(files, t.Path)
		if index := t.Index(); index != "" {
			files = append(files, index)
		}
	}
	for _, file := range files {
		m, err := r.Stat(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || m.Ctime.After(last.Time) {
			return false
		}
	}
	return len(tables) > 0
}

// byAPI has verify ask the API of a hop.
func byAPI(to *verify.Hop, h config.Hop, caFile string) error {
	client, err := bridge.Checker(plan.APIConfig(h, cmp.Or(h.CAFile, caFile)))
	if err != nil {
		return err
	}
	to.Host, to.Port = h.Shown()
	if source := to.Source; source != nil {
		client.Account.Token = func(ctx context.Context, refused secret.Value) (secret.Value, error) {
			if refused.IsZero() {
				return source.Token(ctx)
			}
			return source.Replace(ctx, refused)
		}
	}
	to.Check = client.Check
	return nil
}

package cmd

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/explain"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// verifyEnv collects what the checks look at: from the answers of setup, or,
// where there are none, from what Postfix is told.
func (a *app) verifyEnv(ctx context.Context, f verifyFlags) (verify.Env, error) {
	r := &a.host.Reader
	state, err := postfix.Read(ctx, r, a.configDir)
	if err != nil {
		return verify.Env{}, err
	}
	if !state.Installed {
		return verify.Env{}, hint(errNoPostfix, "relayhost setup --install installs it")
	}
	env := verify.Env{Reader: r, State: state, Mailer: &verify.PostfixMailer{Host: a.host, ConfigDir: a.configDir, Sendmail: state.Params["sendmail_path"]}}
	answers, err := a.readAnswers()
	if err != nil {
		return env, err
	}
	if err := a.verifyRoutes(&env, answers); err != nil {
		return env, err
	}
	env.From = first(f.from, answers.From)
	env.To = first(f.to, answers.To, env.From)
	if f.from != "" { // of the route that it is asked for
		for i := range env.Routes {
			if env.Routes[i].Name == f.route {
				env.Routes[i].From, env.From = f.from, answers.From
			}
		}
	}
	for flag, addr := range map[string]string{"from": env.From, "to": env.To} {
		if err := smtpprobe.CheckAddress(addr); addr != "" && err != nil {
			return env, usageError{fmt.Errorf("--%s: %w", flag, err), ""}
		}
	}
	if env.Resolver, err = a.resolver(state); err != nil {
		return env, err
	}
	log, err := maillog.Find(ctx, r, state)
	if env.LogError = err; err == nil {
		env.Log = &log
	}
	env.Accepted = a.acceptedBefore(state)
	a.verifyDrift(&env)
	return env, a.verifyHost(ctx, &env)
}

// verifyDrift says what has become of the files of the last change. Somebody
// without root cannot see that, and is told by other findings.
func (a *app) verifyDrift(env *verify.Env) {
	o := apply.Options{ConfigDir: a.configDir}
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
		case apply.DriftNone:
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
// been written and not set up yet, or taken back.
func (a *app) applied(s postfix.State) bool {
	if strings.HasPrefix(postfix.NewRouting(s).Way("").Transport, plan.ServicePrefix) {
		return true
	}
	history, err := apply.History(&a.host.Reader, apply.Options{ConfigDir: a.configDir})
	return err != nil || len(history) > 0
}

// verifyRoutes finds relays, next hops, credentials and, where setup has been
// here, what it would write now.
func (a *app) verifyRoutes(env *verify.Env, answers plan.Answers) error {
	if answers.Relay == "" || !a.applied(env.State) {
		return a.verifyByHand(env)
	}
	env.State.Load(env.Reader, plan.Paths(env.State)...)
	state := env.State
	o, err := a.storedOptions(state, answers)
	if err != nil {
		return err
	}
	p, err := plan.Build(state, nil, o)
	if err != nil {
		return err
	}
	// Somebody without root cannot read the passwords, so nothing is known of
	// their file. A file that is gone is a difference like any other.
	if env.Limited = p.Incomplete && len(state.Unreadable) > 0; !env.Limited {
		env.Plan = &p
	}
	services := map[string]string{plan.DefaultRoute: p.Service}
	for _, w := range p.Routes {
		services[w.Name] = w.Service
	}
	cas := map[string]*x509.CertPool{}
	for i, r := range o.AllRoutes() {
		route := verify.Route{Name: r.Name, Senders: r.Senders, From: r.From, Service: services[r.Name]}
		for _, h := range r.Hops {
			hop := verify.Hop{Relay: h.Relay, Host: h.Host, Port: h.Port, TLS: h.TLS, Username: h.Username, Password: h.Password, Pin: h.Pin, Unverified: h.NoVerify}
			file := first(h.CAFile, state.CAFile)
			if cas[file] == nil {
				if cas[file], err = a.roots(file); err != nil {
					return err
				}
			}
			hop.Roots = cas[file]
			route.Hops = append(route.Hops, hop)
		}
		if i == 0 {
			env.Hop, env.Fallback, env.Service = route.Hops[0], route.Hops[1:], route.Service
			continue
		}
		env.Routes = append(env.Routes, route)
	}
	return nil
}

// storedOptions are the answers of an earlier set-up with the accounts that the
// password tables hold.
func (a *app) storedOptions(state postfix.State, answers plan.Answers) (plan.Options, error) {
	resolver := plan.NewResolver(answers, state, a.findRelay)
	answers, err := resolver.Complete()
	if err != nil {
		return plan.Options{}, err
	}
	relay, err := a.relayOf(answers)
	if err != nil {
		return plan.Options{}, err
	}
	o := plan.Options{Relay: relay, Region: answers.Region, Force: true}
	answers.Fill(&o)
	if err := resolver.Fill(&o); err != nil {
		return o, err
	}
	accounts := plan.StoredAccounts(state)
	o.Username, o.Password, _ = accounts.Find(o.Hop().NextHop())
	for i := range o.Fallback {
		h := &o.Fallback[i]
		h.Username, h.Password, _ = accounts.Find(h.NextHop())
	}
	o.NoCredentials = o.Password.IsZero()
	for _, r := range o.Routes {
		for i := range r.Hops {
			h := &r.Hops[i]
			h.Username, h.Password, _ = accounts.Find(h.NextHop(), r.Senders...)
			o.NoCredentials = o.NoCredentials || h.Password.IsZero() // what is lost is a finding, no reason to stop
		}
	}
	if o.Relay.ID == relays.SmarthostID {
		o.Relay = relays.Smarthost(o.Host, o.Port, o.TLS, o.Username != "")
	}
	return o, nil
}

// relayOf is the service of the default route.
func (a *app) relayOf(answers plan.Answers) (relays.Relay, error) {
	if answers.Relay == relays.SmarthostID {
		return relays.Smarthost(answers.Host, answers.Port, relays.TLSMode(answers.TLS), true), nil
	}
	return a.findRelay(answers.Relay)
}

// verifyByHand takes the set-up as Postfix has it: whoever made it.
func (a *app) verifyByHand(env *verify.Env) (err error) {
	route := explain.RouteOf(env.State)
	env.Service, env.Host, env.Port = route.Service.Name, route.Host, route.Port
	env.TLS = relays.StartTLS
	if route.Param("smtp_tls_wrappermode") == "yes" {
		env.TLS = relays.Implicit
	}
	env.Username, env.Password, _ = plan.Credentials(env.State, route.NextHop)
	if a.tokenFile(route, env.Password) { // its path is no password, and must not be sent as one
		env.OAuth, env.Username, env.Password = true, "", secret.Value{}
	}
	if env.Roots, err = a.roots(env.State.CAFile); err != nil {
		return err
	}
	all, err := a.catalog()
	if err != nil {
		return err
	}
	if relay, _, ok := relays.ByHost(all, env.Host); ok {
		env.Relay = relay
	} else if env.Host != "" {
		env.Relay = relays.Smarthost(env.Host, env.Port, env.TLS, env.Username != "")
	}
	return nil
}

// tokenFile reports whether a route logs in by OAuth, with a token file in place
// of the password.
func (a *app) tokenFile(route explain.Route, password secret.Value) bool {
	if route.OAuth(password.Reveal()) {
		return true
	}
	if !strings.HasPrefix(password.Reveal(), "/") {
		return false
	}
	m, err := a.host.Stat(password.Reveal())
	return err == nil && m.Mode.IsRegular()
}

// knownRoute refuses the name of a route that there is not.
func knownRoute(env verify.Env, name string) error {
	var names []string
	for _, r := range env.AllRoutes() {
		names = append(names, r.Name)
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return usageError{fmt.Errorf("there is no route %s", name), "the routes are " + strings.Join(names, ", ")}
}

// verifyHost adds this host's own addresses, from local files only.
func (a *app) verifyHost(ctx context.Context, env *verify.Env) error {
	facts, err := detect.Run(ctx, detect.Options{Reader: env.Reader, NoProbe: true, NoMetadata: true})
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(facts.Host.PublicIPv4); err == nil {
		env.Public = append(env.Public, addr)
	}
	return nil
}

package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
)

// ErrNoSignIn is a server none of whose routes is signed in to by OAuth.
var ErrNoSignIn = errors.New("no route of this server is signed in to by OAuth")

// Renewed is a sign-in that was renewed.
type Renewed struct {
	Bridge   string    `json:"bridge"`
	Username string    `json:"username"`
	Host     string    `json:"host"`
	Expiry   time.Time `json:"expires_at"` // of the access token
}

// SignInAgain signs in again for the bridges of a route, of all routes where route is
// "", and stores the tokens once the relay has accepted them. It changes nothing else.
func SignInAgain(ctx context.Context, deps Deps, route string, who Person) ([]Renewed, error) {
	state, err := postfix.Read(ctx, &deps.Host.Reader, deps.ConfigDir)
	if err != nil {
		return nil, err
	}
	if !state.Installed {
		return nil, ErrNoPostfix
	}
	state.Load(&deps.Host.Reader, plan.Paths(state)...)
	bridges, err := deps.signedIn(state, route)
	if err != nil {
		return nil, err
	}
	var done []Renewed
	var failed []error
	for _, b := range bridges {
		t, err := deps.signInAgain(ctx, state, b, who)
		if err != nil {
			if ctx.Err() != nil {
				return done, ProofError{signInFailed(b.Config, err)}
			}
			failed = append(failed, signInFailed(b.Config, err))
			continue
		}
		done = append(done, Renewed{b.Name, b.Config.Username, b.Config.Host, t.Expiry})
	}
	if len(failed) > 0 {
		return done, ProofError{errors.Join(failed...)}
	}
	return done, nil
}

// signedIn are the bridges in use whose tokens come from a sign-in.
func (deps Deps) signedIn(state postfix.State, route string) ([]plan.BridgeEntry, error) {
	all := slices.DeleteFunc(plan.StoredBridges(state), func(b plan.BridgeEntry) bool { return b.Config.OAuth == nil })
	if len(all) == 0 {
		if len(state.Unreadable) > 0 {
			return nil, Hint(errors.New("the configuration of the bridges cannot be read"), "run it with sudo")
		}
		return nil, UsageError{ErrNoSignIn, "relayhost setup --relay m365 --sign-in device sets one up"}
	}
	if route == "" {
		return all, nil
	}
	stored, err := Stored(&deps.Host.Reader)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(stored.Routes, func(r config.Route) bool { return r.Name == route })
	if i < 0 {
		return nil, UsageError{fmt.Errorf("there is no route %s", route), "relayhost status lists the routes"}
	}
	bridge, _, ok := plan.StoredAccounts(state).Bridge(stored.Routes[i].Senders...)
	all = slices.DeleteFunc(all, func(b plan.BridgeEntry) bool { return b.Bridge() != bridge })
	if !ok || len(all) == 0 {
		return nil, UsageError{fmt.Errorf("route %s: %w", route, ErrNoSignIn), ""}
	}
	return all, nil
}

func (deps Deps) signInAgain(ctx context.Context, state postfix.State, b plan.BridgeEntry, who Person) (t oauth.Token, err error) {
	client := *b.Config.OAuth
	deps.Report.Step("signing in at %s as %s", client.Host(), b.Config.Username)
	if client.Grant == oauth.ClientCredentials {
		t, err = client.Request(ctx, httpOf(), secret.Value{}, time.Now())
	} else {
		t, err = interactive(ctx, client, b.Config.Username, who)
	}
	if err != nil {
		return t, err
	}
	deps.Report.Step("logging in to %s port %d", b.Config.Host, b.Config.Port)
	if err := deps.tryToken(ctx, state, b.Config, t.Access); err != nil {
		return t, err
	}
	source := oauth.Source{Client: client, Path: conf.TokenPath(conf.Directory, b.Name)}
	return t, source.Save(ctx, t)
}

// tryToken logs in to the relay with a token.
func (deps Deps) tryToken(ctx context.Context, state postfix.State, c conf.Config, token secret.Value) error {
	if c.Via == conf.ViaHTTPS {
		return nil // the API is not asked: there is no call that sends nothing and needs the same permission
	}
	dns, err := Resolver(&deps.Host.Reader, func(name string) string { return state.Params[name] })
	if err != nil {
		return err
	}
	v4, v6, err := dns.Addrs(ctx, c.Host)
	if err != nil {
		return fmt.Errorf("look up %s: %w", c.Host, err)
	}
	roots, err := Roots(&deps.Host.Reader, c.CAFile)
	if err != nil {
		return err
	}
	result := smtpprobe.Probe(ctx, smtpprobe.Target{
		Name: c.Host, Implicit: c.Implicit, Until: smtpprobe.StepAuth, HELO: c.HELO,
		Roots: roots, Pin: c.Pin, Username: c.Username, Token: token, Timeout: dialTimeout, Trace: deps.Report.Trace(),
	}.At(c.Port, slices.Concat(v4, v6)))
	if result.Err != nil {
		return fmt.Errorf("%s: %w", failedStep(c.Host, c.Port, result), result.Err)
	}
	return nil
}

package setup

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// SignIn gets a token for each bridge of the plan that needs one: by the application
// itself, by the sign-in that is stored, or by a person. A stored sign-in whose token is
// over is renewed where it is stored; Commit stores the tokens of a new one. Refusals are
// ProofErrors.
func SignIn(ctx context.Context, s Setup, who Person) (Tokens, error) {
	tokens := Tokens{}
	for _, b := range s.Plan.Bridges() {
		if b.Config.OAuth == nil {
			continue
		}
		t, err := s.signIn(ctx, b, who)
		if err != nil {
			return nil, ProofError{signInFailed(b.Config, err)}
		}
		tokens[b.Name] = t
	}
	return tokens, nil
}

// Tokens are access tokens by the name of their bridge.
type Tokens map[string]oauth.Token

// Person signs in: shows what to do, and hands over what a browser ended at.
type Person interface {
	// Device shows a code, and is told when the sign-in is done, or has failed.
	Device(d oauth.Device, user string) (done func())
	URL(ctx context.Context, link, user string) (pasted string, err error)
}

func (s Setup) signIn(ctx context.Context, b plan.BridgeEntry, who Person) (oauth.Token, error) {
	client := *b.Config.OAuth
	s.Report.Step("signing in at %s", client.Host())
	if client.Grant == oauth.ClientCredentials {
		return client.Request(ctx, httpOf(), secret.Value{}, time.Now())
	}
	if t, ok, err := storedToken(ctx, s.State, b); ok || err != nil {
		return t, err
	}
	return interactive(ctx, client, b.Config.Username, who)
}

// storedToken is a token by the sign-in that is stored for this mailbox, unless that
// is none or is over.
func storedToken(ctx context.Context, state postfix.State, b plan.BridgeEntry) (t oauth.Token, ok bool, err error) {
	stored := ""
	for _, before := range plan.StoredBridges(state) {
		if sameSignIn(before.Config, b.Config) && (stored == "" || before.Name == b.Name) {
			stored = before.Name // of a hop that has moved in its route, perhaps
		}
	}
	if stored == "" {
		return t, false, nil
	}
	source := oauth.Source{Client: *b.Config.OAuth, Path: conf.TokenPath(conf.Directory, stored), HTTP: httpOf()}
	if _, err = source.Token(ctx); err == nil {
		t, err = oauth.Load(source.Path, source.Client)
		return t, err == nil, err
	}
	var over *oauth.Refusal
	if errors.As(err, &over) && over.Final() {
		return t, false, nil
	}
	return t, false, err
}

// sameSignIn reports whether two hops are signed in to as one mailbox by one application.
func sameSignIn(a, b conf.Config) bool {
	return a.OAuth != nil && b.OAuth != nil && a.OAuth.ID == b.OAuth.ID && a.OAuth.TokenURL == b.OAuth.TokenURL &&
		a.OAuth.Grant == b.OAuth.Grant && strings.EqualFold(a.Username, b.Username) && (a.API != nil) == (b.API != nil)
}

// interactive has a person sign in as user.
func interactive(ctx context.Context, client oauth.Client, user string, who Person) (oauth.Token, error) {
	if client.Grant == oauth.DeviceCode {
		d, err := client.StartDevice(ctx, httpOf())
		if err != nil {
			return oauth.Token{}, err
		}
		defer who.Device(d, user)()
		return client.WaitDevice(ctx, httpOf(), d, time.Now)
	}
	in := client.StartURL(user)
	pasted, err := who.URL(ctx, in.URL, user)
	if err != nil {
		return oauth.Token{}, err
	}
	return client.FinishURL(ctx, httpOf(), in, strings.TrimSpace(pasted), time.Now)
}

// httpOf is the client for token endpoints.
func httpOf() *http.Client { return oauth.HTTPClient(nil) }

// signInFailed is a refusal in words, with what to do.
func signInFailed(c conf.Config, err error) error {
	wrapped := fmt.Errorf("sign in as %s: %w", c.Username, err)
	var r *oauth.Refusal
	var unfit *oauth.CertificateError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unfit):
		return Hint(wrapped, "%s", unfit.Fix)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Hint(wrapped, "check this server's clock first: date -u")
	case !errors.As(err, &r) || r.Reason() == (oauth.Reason{}):
		return wrapped
	}
	reason := r.Reason()
	if reason.Meaning != "" {
		wrapped = fmt.Errorf("sign in as %s: %s (%w)", c.Username, reason.Meaning, err)
	}
	return Hint(wrapped, "%s", cmp.Or(reason.Remedy, "run setup again"))
}

// bridgeFor is the bridge of p that carries mail to a hop that is signed in to.
func bridgeFor(p plan.Plan, h config.Hop) (plan.BridgeEntry, bool) {
	for _, b := range p.Bridges() {
		if h.Bridged() && b.Config.OAuth != nil && plan.SameWay(b.Config, h) && b.Config.Username == h.Username && b.Config.OAuth.ID == h.SignIn.ClientID {
			return b, true
		}
	}
	return plan.BridgeEntry{}, false
}

// of is the token for a hop; the zero Value where it logs in by password.
func (tokens Tokens) of(p plan.Plan, h config.Hop) secret.Value {
	b, _ := bridgeFor(p, h)
	return tokens[b.Name].Access
}

// save stores them where the bridges keep their state, which exists and whose owner they
// are given to.
func (tokens Tokens) save(ctx context.Context, p plan.Plan) error {
	for _, b := range p.Bridges() {
		t, ok := tokens[b.Name]
		if !ok {
			continue
		}
		source := oauth.Source{Client: *b.Config.OAuth, Path: conf.TokenPath(conf.Directory, b.Name)}
		if err := source.Save(ctx, t); err != nil {
			return fmt.Errorf("store the token of %s: %w", b.Name, err)
		}
	}
	return nil
}

// chooseSignIn finds how the first hop is logged in to, where its relay can be signed in to by
// OAuth and neither flags nor the file say: by the application of the credentials
// file, as before, or as the answer to a question.
func chooseSignIn(ctx context.Context, b Basis, c config.Config, ask Asker) (config.Config, error) {
	c = c.CloneFirst()
	h := c.First()
	given, asked := b.Credentials.first(*h), b.Given.Via
	switch {
	case h.APITakesTokens() && h.Relay.ID == config.GmailID:
		h.SignIn.Grant = oauth.AuthorizationCode // the one way that Google has for mail
	case !config.TakesTokens(h.Relay):
	case given.Application.Proves() && asked == "":
		h.Via, h.SignIn.Grant = config.SMTPOAuth, oauth.ClientCredentials
	case h.Bridged() && h.SignIn.Grant == "" && given.Application.Proves():
		h.SignIn.Grant = oauth.ClientCredentials
	case !ask.Can():
	case h.APITakesTokens() && h.SignIn.Grant == "", !h.Bridged() && asked == "" && given.IsZero() && !b.Before.SameRelay(*h):
		in, err := ask.SignIn(ctx, *h)
		if err != nil {
			return c, err
		}
		switch {
		case h.ByAPI():
			h.SignIn = in
		case in.Grant != "":
			h.Via, h.SignIn = config.SMTPOAuth, in
		}
	}
	return c, nil
}

// application gives a hop that is signed in to by OAuth its mailbox and application,
// in place: as given, as stored, or as answered. found is false in a dry run alone.
func application(ctx context.Context, b Basis, c config.Config, p at, given secret.Credentials, ask Asker) (found bool, err error) {
	h := p.in(c)
	a, flags := given.Application, b.Given.SignIn
	if !p.isFirst() {
		flags = h.SignIn // what the file says of it
	}
	if a.Tenant != "" && flags.Tenant == "" {
		h.SignIn.Tenant = a.Tenant
	}
	if a.ClientID != "" && flags.ClientID == "" {
		h.SignIn.ClientID = a.ClientID
	}
	if a.Proves() {
		h.SignIn.Secret, h.SignIn.Certificate = a.Secret, a.Certificate
		h.SignIn.SecretEnds, _ = time.Parse(time.DateOnly, a.SecretEnds) // checked as it was read
	}
	h.Username = cmp.Or(given.Username, h.Username)
	stored, known := storedBridge(b.State, *h)
	if known {
		h.Username = cmp.Or(h.Username, stored.Username)
		if h.SignIn.Secret.IsZero() && h.SignIn.Certificate.IsZero() {
			h.SignIn.Secret, h.SignIn.Certificate, h.SignIn.SecretEnds = stored.OAuth.Secret, stored.OAuth.Certificate, stored.OAuth.SecretEnds
		}
	}
	if p.isFirst() {
		h.Username = cmp.Or(h.Username, c.From())
		if ask.Can() && !b.DryRun {
			if err := ask.Application(ctx, h); err != nil {
				return false, err
			}
		}
	}
	if b.DryRun && (h.Username == "" || LacksProof(*h)) {
		return false, nil
	}
	return true, checkApplication(*h)
}

// LacksProof reports whether an application has neither secret nor certificate, and
// needs one: Google's have a secret although a user signs in.
func LacksProof(h config.Hop) bool {
	return (h.SignIn.Grant == oauth.ClientCredentials || h.Relay.ID == config.GmailID) && h.SignIn.Secret.IsZero() && h.SignIn.Certificate.IsZero()
}

// storedBridge is the bridge that carries mail to the host of h by the same
// application now.
func storedBridge(state postfix.State, h config.Hop) (conf.Config, bool) {
	for _, b := range plan.StoredBridges(state) {
		if o := b.Config.OAuth; o != nil && plan.SameWay(b.Config, h) && (h.SignIn.ClientID == "" || o.ID == h.SignIn.ClientID) &&
			(h.Username == "" || strings.EqualFold(h.Username, b.Config.Username)) {
			return b.Config, true
		}
	}
	return conf.Config{}, false
}

// checkApplication tells what was pasted into the wrong place, by its form: Microsoft
// gives a secret a Secret ID and a Value, of which the Value is shown once, and an
// application two IDs (Application (client) ID, Object ID), both GUIDs.
func checkApplication(h config.Hop) error {
	in := h.SignIn
	bad := func(hint, format string, args ...any) error {
		return UsageError{fmt.Errorf(format, args...), hint}
	}
	switch {
	case in.ClientID == "":
		return bad("give client_id= in the file of --credentials-file, or --client-id", "missing client_id: the Application (client) ID of the registration")
	case strings.EqualFold(in.ClientID, in.Tenant):
		return bad("the overview page of the registration has both, the client ID above the tenant ID", "tenant and client_id are the same")
	case in.Tenant != "" && in.Tenant == in.Secret.Reveal():
		return bad("it is a domain of the organisation, or the Directory (tenant) ID", "the tenant is the client secret")
	case strings.Contains(in.Tenant, "/"):
		return bad("give the domain of the organisation, or the Directory (tenant) ID, alone", "the tenant is an address, or has a slash in it")
	case in.Grant == oauth.ClientCredentials && in.Tenant == "":
		return bad("give tenant= in the file of --credentials-file, or --tenant: a domain of the organisation, or the Directory (tenant) ID", "missing tenant")
	case LacksProof(h):
		return bad("give client_secret= or client_certificate= in the file of --credentials-file", "missing client_secret or client_certificate")
	}
	if t := in.Tenant; t != "" && !strings.Contains(t, ".") && !guid.MatchString(t) && !slices.Contains([]string{"organizations", "common", "consumers"}, t) {
		return bad("it is a domain of the organisation, or the Directory (tenant) ID", "the tenant is no domain or ID")
	}
	if err := ClientIDCheck(h.Relay)(in.ClientID); err != nil {
		return UsageError{err, "the overview page of the registration shows it"}
	}
	if !in.Secret.IsZero() {
		if err := CheckClientSecret(in.Secret.Reveal()); err != nil {
			return UsageError{err, "Certificates & secrets of the registration makes a new one"}
		}
	}
	if ends := in.SecretEnds; !ends.IsZero() && time.Now().After(ends.AddDate(0, 0, 1)) {
		return bad("make a new one, and give its day", "client_secret ended on %s", ends.Format(time.DateOnly))
	}
	if !in.Certificate.IsZero() {
		_, err := oauth.CheckCertificate(in.Certificate, time.Now())
		var unfit *oauth.CertificateError
		if errors.As(err, &unfit) {
			return UsageError{err, unfit.Fix}
		}
	}
	return nil
}

var guid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ClientIDCheck is what the ID of an application at r's identity provider is held
// against.
func ClientIDCheck(r *relays.Relay) func(string) error {
	if r.ID != config.GmailID {
		return checkClientID
	}
	return func(id string) error {
		if !strings.HasSuffix(strings.TrimSpace(id), ".apps.googleusercontent.com") {
			return errors.New("client_id is no ID of an OAuth client at Google, which ends in .apps.googleusercontent.com")
		}
		return nil
	}
}

// checkClientID holds what was given as the ID of an application against its form.
func checkClientID(id string) error {
	switch id = strings.TrimSpace(id); {
	case strings.Contains(id, "~"):
		return errors.New("client_id has the form of a client secret: give the Application (client) ID")
	case !guid.MatchString(id):
		return errors.New("client_id is not an Application (client) ID such as 11111111-2222-3333-4444-555555555555")
	}
	return nil
}

// CheckClientSecret holds what was given as an application's secret against its form.
func CheckClientSecret(value string) error {
	switch {
	case guid.MatchString(strings.TrimSpace(value)):
		return errors.New("client_secret has the form of a Secret ID: give the secret's Value, which is shown only when it is made")
	case strings.HasPrefix(value, "-----BEGIN"):
		return errors.New("client_secret holds a certificate or key: name its file with client_certificate=")
	case strings.TrimSpace(value) != value || value == "":
		return errors.New("client_secret begins or ends with a blank, or is empty: copy the Value alone")
	case strings.ContainsAny(value, " \t"):
		return errors.New("client_secret has a blank in it: copy the Value alone")
	case strings.ContainsAny(value[:1], `"'`) && value[0] == value[len(value)-1]:
		return errors.New("client_secret is in quotes, which would be sent too: leave them out")
	}
	return nil
}

// GiveSignIn puts the flags of a sign-in into what was given.
func GiveSignIn(g *config.Given, way, tenant, clientID string) error {
	if way != "" {
		grant, err := grantOf(way)
		if err != nil {
			return err
		}
		g.SignIn.Grant = grant
		switch {
		case grant == "":
			g.Via = "smtp"
		case g.Via != string(config.HTTPS): // which may want a sign-in too
			g.Via = string(config.SMTPOAuth)
		}
	}
	g.SignIn.Tenant, g.SignIn.ClientID = tenant, clientID
	if g.Via == "" && (tenant != "" || clientID != "") {
		g.Via = string(config.SMTPOAuth)
	}
	if g.Via == "smtp" && (tenant != "" || clientID != "") {
		return UsageError{errors.New("--tenant and --client-id go with a sign-in by OAuth"), "leave --sign-in password out"}
	}
	return nil
}

// grantOf is a way to sign in as a flag names it; password is the zero Grant.
func grantOf(name string) (oauth.Grant, error) {
	if name == "password" {
		return "", nil
	}
	for _, g := range oauth.Grants() {
		if name == string(g) {
			return g, nil
		}
	}
	return "", UsageError{fmt.Errorf("--sign-in %s is not known", name), "client_credentials, device, url or password"}
}

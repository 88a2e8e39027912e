package config

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// Via is how mail gets to a hop.
type Via string

// The ways to a hop.
const (
	SMTP      Via = ""           // by Postfix itself; "smtp" in the file
	SMTPOAuth Via = "smtp-oauth" // by a bridge that logs in with a token (XOAUTH2)
	HTTPS     Via = "https"      // by a bridge that calls the relay's API
)

// SignIn is the application that gets the tokens of a hop.
type SignIn struct {
	Grant    oauth.Grant
	Tenant   string // domain or id; "" where the provider has one for all
	ClientID string
	// Secret or Certificate prove the application; one that a user signs in to
	// may have neither.
	Secret      secret.Value
	SecretEnds  time.Time    // zero where it is not known
	Certificate secret.Value // PEM of private key and certificate
}

// OAuthSuffix ends the name of a service that goes by a bridge, so that no delivery
// meets the protocol of one with the next hop of the other when a login by password
// becomes one by token; WalkSuffix that of a service whose first hop is logged in to by
// password, and a later one not. OutSuffix follows in the name of the bridge's own entry.
const (
	OAuthSuffix = "-oauth"
	WalkSuffix  = "-hops"
	OutSuffix   = "-out"

	// ServiceSuffix ends the name of the socket that systemd opens in its place.
	ServiceSuffix = "-service"
)

// Bridged reports whether mail gets to h by a bridge, not by smtp(8).
func (h Hop) Bridged() bool { return h.Via == SMTPOAuth || h.Via == HTTPS }

// StoresPassword reports whether h needs a login whose password smtp(8) looks up.
func (h Hop) StoresPassword() bool { return h.NeedsLogin() && !h.Bridged() }

// hveEarly is before the ten minutes in which High Volume Email refuses a token
// (501 5.5.127).
const hveEarly = 11 * time.Minute

// Client is the application of a hop at the identity provider of its relay, with
// that provider's endpoints and scopes.
func (h Hop) Client() (oauth.Client, error) {
	c := oauth.Client{Grant: h.SignIn.Grant, ID: h.SignIn.ClientID, Account: h.Username, Secret: h.SignIn.Secret, SecretEnds: h.SignIn.SecretEnds, Certificate: h.SignIn.Certificate}
	cloud := oauth.Global
	switch {
	case h.Relay.ID == "outlook":
		cloud = oauth.Outlook
	case strings.HasSuffix(h.Host, ".us"):
		cloud = oauth.USGov
	case strings.HasSuffix(h.Host, ".cn"):
		cloud = oauth.China
	}
	if h.Relay.ID == "m365-hve" {
		c.Early = hveEarly
	}
	switch {
	case h.Relay.ID == GmailID:
		return oauth.Google(c)
	case h.ByAPI():
		return oauth.MicrosoftGraph(c, cloud, h.SignIn.Tenant)
	}
	return oauth.Microsoft(c, cloud, h.SignIn.Tenant)
}

// GmailID is the one relay whose tokens are Google's.
const GmailID = "gmail"

// takesTokens are the relays whose identity provider is known.
var takesTokens = []string{"m365", "m365-hve", "outlook"}

// TakesTokens reports whether a hop of relay r can be signed in to by OAuth.
func TakesTokens(r *relays.Relay) bool { return slices.Contains(takesTokens, r.ID) }

// grants are the values of sign_in, as a text lists them.
func grants() string {
	var words []string
	for _, g := range oauth.Grants() {
		words = append(words, string(g))
	}
	return strings.Join(words, ", ")
}

// signIn checks what is said of the way to a hop.
func (k *checker) signIn(at func(string) string, route []Hop, n int) {
	h := &route[n]
	if h.NoVerify && !h.Bridged() && (Route{Hops: route}).Walked() {
		k.bad(at("insecure_no_verify_certificate"), "name a CA file with ca_file, or a fingerprint", "a route with a hop by OAuth or HTTPS uses verified connections only")
	}
	if h.BridgeService && !h.Bridged() {
		k.bad(at("bridge_service"), "leave bridge_service out: Postfix itself connects to the relay", "bridge_service goes with via = %q or %q", HTTPS, SMTPOAuth)
	}
	if h.Via != HTTPS && h.Proxy != "" {
		k.bad(at("https_proxy"), "", "https_proxy goes with via = %q", HTTPS)
	}
	switch {
	case h.Via == HTTPS:
		k.https(at, h)
		return
	case h.Via == SMTP:
		k.noSignIn(at, h)
		return
	case h.Via != SMTPOAuth:
		k.bad(at("via"), "", "via is smtp, %s or %s, not %q", SMTPOAuth, HTTPS, h.Via)
		return
	}
	k.oauth(at, h)
}

// noSignIn refuses what is said of a sign-in by OAuth where there is none.
func (k *checker) noSignIn(at func(string) string, h *Hop) {
	for _, v := range []struct{ key, value string }{{"sign_in", string(h.SignIn.Grant)}, {"tenant", h.SignIn.Tenant}, {"client_id", h.SignIn.ClientID}} {
		if v.value != "" {
			k.bad(at(v.key), "", "%s goes with via = %q", v.key, SMTPOAuth)
		}
	}
}

// oauth checks what is said of a sign-in by OAuth.
func (k *checker) oauth(at func(string) string, h *Hop) {
	s := &h.SignIn
	if !k.asRead && !h.ByAPI() && !TakesTokens(h.Relay) {
		k.bad(at("via"), "leave via out", "signing in by OAuth is not supported for %s: its identity provider is not known", cmp.Or(h.Relay.Name, h.Name()))
	}
	if h.NoVerify {
		k.bad(at("insecure_no_verify_certificate"), "name a CA file with ca_file, or a fingerprint", "a token is sent on verified connections only")
	}
	k.grant(at, h)
	for _, v := range []struct{ key, value string }{{"client_id", s.ClientID}, {"tenant", s.Tenant}} {
		if len(v.value) > maxUsername || strings.Trim(v.value, lower+upper+digits+".-_") != "" {
			// Its text stays out: a secret is pasted here by mistake.
			k.bad(at(v.key), "", "the value is not an ID of letters, digits, dots and hyphens")
		}
	}
	if s.ClientID == "" && k.complete {
		k.bad(at("client_id"), "it is the Application (client) ID of the registration", "the application's id is missing")
	}
	if s.Tenant == "" && k.complete && s.Grant == oauth.ClientCredentials {
		k.bad(at("tenant"), "it is a domain of the organisation, or the Directory (tenant) ID", "the tenant is missing")
	}
}

// grant checks how a hop is signed in to.
func (k *checker) grant(at func(string) string, h *Hop) {
	switch grant := h.SignIn.Grant; {
	case grant == "" && k.complete:
		k.bad(at("sign_in"), "choose one of: "+grants(), "the way to sign in is missing")
	case grant != "" && !slices.Contains(oauth.Grants(), grant):
		k.bad(at("sign_in"), "choose one of: "+grants(), "%q is not a way to sign in", grant)
	case grant != "" && grant != oauth.AuthorizationCode && h.ByAPI() && h.Relay.ID == GmailID:
		k.bad(at("sign_in"), "use sign_in = \"url\"", "Gmail does not support signing in by %s", grant)
	}
}

// application checks the account of a hop that is signed in to by OAuth.
func (k *checker) application(at func(string) string, h *Hop) {
	if h.Username == "" {
		k.bad(at("username"), "give it with --username or in the file of --credentials-file", "no mailbox was given to log in as")
	} else if msg := unstorable(h.Username, maxUsername); msg != "" {
		k.bad(at("username"), "", "%s", msg)
	}
	if !k.complete || len(k.found) > 0 {
		return
	}
	if _, err := h.Client(); err != nil {
		k.bad(at("credentials_file"), "give client_secret= or client_certificate= in the file of --credentials-file", "%v", err)
	}
}

// fileVia is a way as the file names it: nothing for the one that is usual.
func fileVia(word string) Via {
	if word == "smtp" {
		return SMTP
	}
	return Via(word)
}

// BridgeEntry is the entry of spawn(8) that belongs to a bridge's socket, "private/NAME"
// or "NAME": the one behind it, or the one that stands in for systemd's.
func BridgeEntry(socket string) string {
	name := strings.TrimPrefix(socket, "private/")
	if service, ok := strings.CutSuffix(name, ServiceSuffix); ok {
		return service + OutSuffix
	}
	return name
}

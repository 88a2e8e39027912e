//go:build unix

// Package api sends mail through the HTTPS APIs of relays: one file per API, with
// the page that it follows and that page's date. A fact that no page was found for
// carries the mark unsure. APIs that take the message as it is get its bytes
// unchanged; for those that want fields the message is taken apart, and what an API
// cannot carry is refused with a reply that says so. The package knows nothing of
// Postfix; its replies are SMTP replies.
package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// API is how one relay takes mail over HTTPS.
type API struct {
	conf.API

	build  func(*Message, Account) (*call, error)
	sign   func(context.Context, *http.Request, signing) error
	result func(*answer, *Message) (result, bool)
	check  func(Account) check
}

// known are the facts of the API of a relay.
func known(id string) conf.API {
	a, ok := conf.Get(id)
	if !ok {
		panic("no API is known of " + id)
	}
	return a
}

// Account is whose mail it is.
type Account struct {
	conf.Account

	// Token returns an access token; refused is one that the API has refused.
	Token func(ctx context.Context, refused secret.Value) (secret.Value, error)

	Keys *AWSKeys // of Amazon SES
}

// NewAccount is an account whose keys, if it has some, are fetched when they are
// needed.
func NewAccount(c conf.Account) Account {
	a := Account{Account: c}
	if c.AWS != nil {
		a.Keys = &AWSKeys{AWSKeys: *c.AWS}
	}
	return a
}

// Message is one message with its envelope.
type Message struct {
	From string   // envelope sender, "" for the null sender
	To   []string // envelope recipients
	Data io.ReaderAt
	Size int64

	content *Content
}

// Reader reads the message from its beginning; lines end in CRLF.
func (m *Message) Reader() io.Reader { return io.NewSectionReader(m.Data, 0, m.Size) }

// Reply is an SMTP reply with enhanced status code (RFC 5321, RFC 3463).
type Reply struct {
	Code     int
	Enhanced string
	Text     string // foreign text, not sanitised
}

// Error makes a Reply usable as the refusal of a message.
func (r *Reply) Error() string { return fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text) }

// Refused reports whether the reply is not a 2xx.
func (r Reply) Refused() bool { return r.Code/100 != 2 }

// refuse is the refusal of a message that the API cannot carry.
func refuse(enhanced, format string, args ...any) error {
	return &Reply{Code: 554, Enhanced: enhanced, Text: fmt.Sprintf(format, args...)}
}

// call is a request to be made.
type call struct {
	method string // "" is POST
	path   string // with query
	header map[string]string
	body   payload
	asks   bool // sends nothing: no message can be on its way twice
}

// signing is what a request is signed with.
type signing struct {
	account Account
	digest  digest // of the body
	token   secret.Value
	now     time.Time
}

// result is what an API said about a message that it took.
type result struct {
	id      string           // for the log
	refused map[string]Reply // recipients that were not taken, by address
}

// check is a request that proves the credentials and sends nothing.
type check struct {
	call
	// allowed are error codes or texts of a 4xx that only a valid credential gets: a
	// key that may send and nothing else.
	allowed []string
}

// all are the APIs in the order of the documentation.
var all = []*API{
	&ses, &mailgun, &smtp2go, &sparkpost, &mandrill, &oci, &graph, &gmail, &cloudflare,
	&sendgrid, &postmark, &brevo, &resend, &mailtrap, &mailersend, &acs, &mailjet, &lettermint,
}

// Get returns the API of a relay of the catalogue.
func Get(id string) (API, bool) {
	for _, a := range all {
		if a.ID == id {
			return *a, true
		}
	}
	return API{}, false
}

// All returns every API, those that take whole messages first.
func All() []API {
	var list []API
	for _, a := range all {
		list = append(list, *a)
	}
	return list
}

// HasCheck reports whether the API has a request that proves the credentials and
// sends nothing.
func (a API) HasCheck() bool { return a.check != nil }

// Catalogued is the relay's entry in the catalogue, which holds its replies.
func (a API) Catalogued() relays.Relay {
	r, err := relays.Get(a.ID)
	if err != nil {
		panic(err) // every API is one of a relay of the catalogue
	}
	return r
}

// bearer signs with "Authorization: Bearer" (RFC 6750) and the API key.
func bearer(_ context.Context, r *http.Request, s signing) error {
	r.Header.Set("Authorization", "Bearer "+s.account.Key.Reveal())
	return nil
}

// token signs with an access token.
func token(_ context.Context, r *http.Request, s signing) error {
	r.Header.Set("Authorization", "Bearer "+s.token.Reveal())
	return nil
}

// keyHeader signs with the API key in a header.
func keyHeader(name string) func(context.Context, *http.Request, signing) error {
	return func(_ context.Context, r *http.Request, s signing) error {
		r.Header.Set(name, s.account.Key.Reveal())
		return nil
	}
}

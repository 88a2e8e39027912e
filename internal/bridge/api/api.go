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
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"relayhost/internal/secret"
)

// API is how one relay takes mail over HTTPS.
type API struct {
	ID     string // of the relay in the catalogue
	Name   string // for messages: "Amazon SES"
	Source string // address of the page that describes it
	Date   string // when it was read, or what the comment names in its place

	// Whole says that the API takes the message as it is; else it wants fields.
	Whole bool
	// ByHeader says that the API has no envelope: it delivers to the addresses in To,
	// Cc and Bcc. A message whose headers name others than its recipients is refused.
	ByHeader bool
	// Keyed says that the API recognises a request that is sent twice.
	Keyed bool

	Limits Limits
	Needs  []Field // settings of the account without which it does not work

	host    func(Account) string // host name of the API, "" if it has to be given
	build   func(*Message, Account) (*call, error)
	sign    func(context.Context, *http.Request, signing) error
	result  func(*answer, *Message) (result, bool)
	replies []Rule
	reset   string // response header with the seconds to wait after a 429, beside Retry-After
	check   func(Account) check
}

// Limits are what one request may hold.
type Limits struct {
	Bytes      int64 // of the message as Postfix hands it over, base64 counted in
	Recipients int

	Connections int // requests at once of one account; 0: none documented
}

// Field is a setting of an account.
type Field string

// The settings. The configuration file has them under [api], by these names.
const (
	APIKey      Field = "api_key"
	Region      Field = "region"
	Domain      Field = "domain"
	AccountID   Field = "account_id"
	Mailbox     Field = "mailbox"
	Compartment Field = "compartment"
	Tenancy     Field = "tenancy"
	User        Field = "user"
	Fingerprint Field = "key_fingerprint"
	PrivateKey  Field = "private_key"
	Stream      Field = "stream" // Postmark's message stream, SES's configuration set
)

// Account is whose mail it is.
type Account struct {
	Host     string // in place of the API's own
	Settings map[Field]string
	Key      secret.Value // api_key, or private_key

	// Token returns an access token; refused is one that the API has refused.
	Token func(ctx context.Context, refused secret.Value) (secret.Value, error)
	// AWS are the keys of Amazon SES.
	AWS *AWSKeys
}

// get is one setting.
func (a Account) get(f Field) string { return a.Settings[f] }

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
	&sendgrid, &postmark, &brevo, &resend, &mailtrap, &mailersend, &acs,
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

// Signed reports whether the API takes requests signed with AWS keys.
func (a API) Signed() bool { return a.ID == ses.ID }

// Tokens reports whether the API takes access tokens of OAuth.
func (a API) Tokens() bool { return a.ID == graph.ID || a.ID == gmail.ID }

// Host is the host name that the API of this account answers at.
func (a API) Host(account Account) (string, error) {
	if account.Host != "" {
		return account.Host, nil
	}
	if host := a.host(account); host != "" && !strings.ContainsAny(host, "/ ") {
		return host, nil
	}
	return "", fmt.Errorf("%s: missing host", a.Name)
}

// HasCheck reports whether the API has a request that proves the credentials and
// sends nothing.
func (a API) HasCheck() bool { return a.check != nil }

// Rules are the replies of the API that are known, the first that fits counts.
func (a API) Rules() []Rule { return slices.Concat(a.replies, general) }

// Validate reports what an account lacks.
func (a API) Validate(account Account) error {
	for _, f := range a.Needs {
		switch f {
		case APIKey, PrivateKey:
			if account.Key.IsZero() {
				return fmt.Errorf("missing %s", f)
			}
		default:
			v := account.get(f)
			if v == "" {
				return fmt.Errorf("missing %s", f)
			}
			if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\?#%"'<>`, r) }) {
				return fmt.Errorf("%s contains a character that cannot be part of it", f)
			}
		}
	}
	if v := account.Key.Reveal(); a.needs(APIKey) && strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("api_key contains a space or a control character")
	}
	_, err := a.Host(account)
	return err
}

func (a API) needs(f Field) bool { return slices.Contains(a.Needs, f) }

// fixed is the host function of an API with one address.
func fixed(host string) func(Account) string { return func(Account) string { return host } }

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

// keyForms are the keys of the relays that can be told by their form, and the SMTP
// passwords that are pasted in their place.
var keyForms = map[string]struct{ key, smtp string }{
	"brevo":      {"xkeysib-", "xsmtpsib-"},
	"sendgrid":   {"SG.", ""}, // the same key serves SMTP
	"resend":     {"re_", ""},
	"mailersend": {"mlsn.", "mssp."},
}

// sameKey are the APIs whose key is the password for SMTP as well, as the relay's entry
// in the catalogue says of that password.
var sameKey = []string{"sendgrid", "postmark", "resend", "mandrill", "mailtrap", "cloudflare"}

// SameKey reports whether the password for SMTP is a key of this API.
func (a API) SameKey() bool { return slices.Contains(sameKey, a.ID) }

// WrongKey says what a pasted API key is that cannot be one of this relay: "" when
// nothing speaks against it. It is for the prompt and never quotes the key.
func (a API) WrongKey(key string) string {
	form, ok := keyForms[a.ID]
	switch {
	case !ok || strings.HasPrefix(key, form.key):
		return ""
	case form.smtp != "" && strings.HasPrefix(key, form.smtp):
		return fmt.Sprintf("this is the password for SMTP (%s...): create an API key (%s...)", form.smtp, form.key)
	}
	return fmt.Sprintf("an API key of %s begins with %s", a.Name, form.key)
}

package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/secret"
)

// API is what is known of how one relay takes mail over HTTPS. How a message is sent
// is in package api.
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

	host func(Account) string // host name of the API, "" if it has to be given
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
	Login       Field = "user"
	Fingerprint Field = "key_fingerprint"
	PrivateKey  Field = "private_key"
	Stream      Field = "stream" // Postmark's message stream, SES's configuration set
)

// Account is whose mail it is.
type Account struct {
	Host     string // in place of the API's own
	Settings map[Field]string
	Key      secret.Value // api_key, or private_key
	AWS      *AWSKeys     // of Amazon SES
}

// Get is one setting.
func (a Account) Get(f Field) string { return a.Settings[f] }

// apis are the APIs in the order of the documentation. Where a fact comes from is said
// at the API's file in package api.
var apis = []API{
	{
		ID: "ses", Name: "Amazon SES", Whole: true,
		Source: "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html", Date: "2026-11-28",
		Limits: Limits{Bytes: 40_000_000, Recipients: 50},
		Needs:  []Field{Region},
		host: func(a Account) string {
			if a.Get(Region) == "" {
				return ""
			}
			return "email." + a.Get(Region) + ".amazonaws.com"
		},
	},
	{
		ID: "mailgun", Name: "Mailgun", Whole: true,
		Source: "https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages-mime.md", Date: "2026-11-28",
		Limits: Limits{Bytes: 25 << 20, Recipients: 1000},
		Needs:  []Field{APIKey, Domain},
		host: func(a Account) string {
			if a.Get(Region) == "eu" {
				return "api.eu.mailgun.net"
			}
			return "api.mailgun.net"
		},
	},
	{
		ID: "smtp2go", Name: "SMTP2GO", Whole: true, ByHeader: true,
		Source: "https://developers.smtp2go.com/reference/send-mime-email", Date: "2026-11-28",
		Limits: Limits{Bytes: 50_000_000 / 4 * 3, Recipients: 100},
		Needs:  []Field{APIKey},
		host: func(a Account) string {
			switch a.Get(Region) {
			case "us", "eu", "au":
				return a.Get(Region) + "-api.smtp2go.com"
			}
			return "api.smtp2go.com"
		},
	},
	{
		ID: "sparkpost", Name: "SparkPost", Whole: true,
		Source: "https://developers.sparkpost.com/api/transmissions/", Date: "2026-11-28",
		Limits: Limits{Bytes: 20_000_000, Recipients: 1000},
		Needs:  []Field{APIKey},
		host: func(a Account) string {
			if a.Get(Region) == "eu" {
				return "api.eu.sparkpost.com"
			}
			return "api.sparkpost.com"
		},
	},
	{
		ID: "mandrill", Name: "Mandrill", Whole: true,
		Source: "https://mailchimp.com/developer/transactional/api/messages/send-mime-document/", Date: "2026-11-28",
		Limits: Limits{Bytes: 25 << 20, Recipients: 1000},
		Needs:  []Field{APIKey},
		host:   fixed("mandrillapp.com"),
	},
	{
		ID: "oci", Name: "OCI Email Delivery", Whole: true,
		Source: "https://docs.oracle.com/en-us/iaas/api/#/en/emaildeliverysubmission/20220926/EmailRawSubmittedResponse/SubmitRawEmail", Date: "2026-11-28",
		Limits: Limits{Bytes: 2 << 20, Recipients: 50},
		Needs:  []Field{Region, Tenancy, Login, Fingerprint, Compartment, PrivateKey},
		host: func(a Account) string {
			if a.Get(Region) == "" {
				return ""
			}
			return "cell0.submit.email." + a.Get(Region) + ".oci.oraclecloud.com"
		},
	},
	{
		ID: "m365", Name: "Microsoft Graph", Whole: true, ByHeader: true,
		Source: "https://learn.microsoft.com/en-us/graph/api/user-sendmail", Date: "2026-11-28",
		Limits: Limits{Bytes: 3_000_000, Recipients: 500, Connections: 4},
		Needs:  []Field{Mailbox},
		host: func(a Account) string {
			switch a.Get(Region) {
			case "us-gov", "gov": // L4; L5 is dod-graph.microsoft.us, given as host
				return "graph.microsoft.us"
			case "china":
				return "microsoftgraph.chinacloudapi.cn"
			}
			return "graph.microsoft.com"
		},
	},
	{
		ID: "gmail", Name: "Gmail", Whole: true, ByHeader: true,
		Source: "https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send", Date: "2026-11-28",
		Limits: Limits{Bytes: 25 << 20, Recipients: 500},
		host:   fixed("gmail.googleapis.com"),
	},
	{
		ID: "cloudflare", Name: "Cloudflare Email Sending", Whole: true,
		Source: "https://developers.cloudflare.com/api/resources/email_sending/methods/send_raw", Date: "2026-11-28",
		Limits: Limits{Bytes: 5 << 20, Recipients: 50},
		Needs:  []Field{APIKey, AccountID},
		host:   fixed("api.cloudflare.com"),
	},
	{
		ID: "sendgrid", Name: "Twilio SendGrid",
		Source: "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send", Date: "2026-11-28",
		Limits: Limits{Bytes: 30_000_000, Recipients: 1000},
		Needs:  []Field{APIKey},
		host: func(a Account) string {
			if a.Get(Region) == "eu" {
				return "api.eu.sendgrid.com"
			}
			return "api.sendgrid.com"
		},
	},
	{
		ID: "postmark", Name: "Postmark",
		Source: "https://postmarkapp.com/developer/user-guide/send-email-with-api", Date: "2026-11-28",
		Limits: Limits{Bytes: 10 << 20, Recipients: 50},
		Needs:  []Field{APIKey},
		host:   fixed("api.postmarkapp.com"),
	},
	{
		ID: "brevo", Name: "Brevo", Keyed: true,
		Source: "https://developers.brevo.com/reference/sendtransacemail", Date: "2026-11-28",
		Limits: Limits{Bytes: 20_000_000, Recipients: 99},
		Needs:  []Field{APIKey},
		host:   fixed("api.brevo.com"),
	},
	{
		ID: "resend", Name: "Resend", Keyed: true,
		Source: "https://resend.com/docs/api-reference/emails/send-email", Date: "2026-11-28",
		Limits: Limits{Bytes: 40_000_000, Recipients: 50},
		Needs:  []Field{APIKey},
		host:   fixed("api.resend.com"),
	},
	{
		ID: "mailtrap", Name: "Mailtrap",
		Source: "https://api-docs.mailtrap.io/docs/mailtrap-api-docs/bcf61cdc1547e-send-email", Date: "2026-11-28",
		Limits: Limits{Bytes: 10_000_000, Recipients: 1000},
		Needs:  []Field{APIKey},
		host: func(a Account) string {
			if a.Get(Stream) == "bulk" {
				return "bulk.api.mailtrap.io"
			}
			return "send.api.mailtrap.io"
		},
	},
	{
		ID: "mailersend", Name: "MailerSend",
		Source: "https://developers.mailersend.com/api/v1/email", Date: "2026-11-28",
		Limits: Limits{Bytes: 25_000_000, Recipients: 50},
		Needs:  []Field{APIKey},
		host:   fixed("api.mailersend.com"),
	},
	{
		ID: "acs", Name: "Azure Communication Services",
		Source: "https://learn.microsoft.com/en-us/rest/api/communication/email/email/send", Date: "2026-11-28",
		Limits: Limits{Bytes: 10_000_000, Recipients: 50},
		Needs:  []Field{APIKey},
		host:   fixed(""), // RESOURCE.communication.azure.com
	},
	{
		ID: "mailjet", Name: "Mailjet",
		Source: "https://dev.mailjet.com/docs/email-api/send_api_v31/send_basic_email", Date: "2026-11-29",
		Limits: Limits{Bytes: 15_000_000, Recipients: 50},
		Needs:  []Field{Login, APIKey},
		host:   fixed("api.mailjet.com"),
	},
	{
		ID: "lettermint", Name: "Lettermint", Keyed: true,
		Source: "https://lettermint.co/docs/api-reference/sending/send", Date: "2026-11-29",
		Limits: Limits{Bytes: 20_000_000, Recipients: 50},
		Needs:  []Field{APIKey},
		host:   fixed("api.lettermint.co"),
	},
}

// Get returns the API of a relay of the catalogue.
func Get(id string) (API, bool) {
	for _, a := range apis {
		if a.ID == id {
			return a, true
		}
	}
	return API{}, false
}

// Signed reports whether the API takes requests signed with AWS keys.
func (a API) Signed() bool { return a.ID == "ses" }

// Tokens reports whether the API takes access tokens of OAuth.
func (a API) Tokens() bool { return a.ID == "m365" || a.ID == "gmail" }

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

// Validate reports what an account lacks.
func (a API) Validate(account Account) error {
	for _, f := range a.Needs {
		switch f {
		case APIKey, PrivateKey:
			if account.Key.IsZero() {
				return fmt.Errorf("missing %s", f)
			}
		default:
			v := account.Get(f)
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

// keyForms are the keys of the relays that can be told by their form, and the SMTP
// passwords that are pasted in their place.
var keyForms = map[string]struct{ key, smtp string }{
	"brevo":      {"xkeysib-", "xsmtpsib-"},
	"sendgrid":   {"SG.", ""}, // the same key serves SMTP
	"resend":     {"re_", ""},
	"mailersend": {"mlsn.", "mssp."},
	"lettermint": {"lm_", ""}, // the same token serves SMTP
}

// sameKey are the APIs whose key is the password for SMTP as well, as the relay's entry
// in the catalogue says of that password.
var sameKey = []string{"sendgrid", "postmark", "resend", "mandrill", "mailtrap", "cloudflare", "lettermint", "mailjet"}

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

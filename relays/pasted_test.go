package relays

import (
	"slices"
	"strings"
	"testing"
)

const (
	hex32    = "0123456789abcdef0123456789abcdef"
	uuid     = "01234567-89ab-cdef-0123-456789abcdef"
	iamKey   = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	sesPass  = "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"
	sesUser  = "AKIAIOSFODNN7EXAMPLE"
	sgKey    = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	brevoKey = "xsmtpsib-" + hex32 + hex32 + "-AbCdEfGhIjKlMnOp"
	someone  = "someone@example.com"
	ociUser  = "ocid1.user.oc1..aaaaexample@ocid1.tenancy.oc1..aaaaexample.x1.com"
)

// One good pair for each service without an example in its file: nothing may
// be said about it.
var good = map[string][2]string{
	"ses":          {sesUser, sesPass},
	"sendgrid":     {"apikey", sgKey},
	"mailgun":      {"postmaster@mg.example.com", hex32 + "-01234567-89abcdef"},
	"postmark":     {uuid, uuid},
	"brevo":        {"8a1b2c001@smtp-brevo.com", brevoKey},
	"m365":         {someone, "Correct-Horse-7"},
	"acs":          {"mail-res." + uuid + "." + uuid, "abc8Q~0123456789012345678901234567890"},
	"gmail-relay":  {someone, "abcdefghijklmnop"},
	"gmail":        {someone, "abcdefghijklmnop"},
	"yahoo":        {someone, "abcdefghijklmnop"},
	"ovh":          {someone, "Correct-Horse-7"},
	"mailjet":      {hex32, hex32},
	"sparkpost":    {"SMTP_Injection", hex32 + "01234567"},
	"smtp2go":      {"relay-user", "any pass:word#$"},
	"resend":       {"resend", "re_0123456789abcdefGHIJ"},
	"mailersend":   {"MS_AbCdEf@example.com", "mssp.AbCdEfG.0123456789abcdef.HiJkLmN"},
	"mailtrap":     {"api", hex32},
	"scaleway":     {uuid, uuid},
	"zeptomail":    {"emailapikey", strings.Repeat("Ab1+", 20) + "=="},
	"elasticemail": {someone, strings.Repeat("0123456789AB", 3)},
	"oci":          {ociUser, "a$#Zp>9{k"},
	"alibaba":      {someone, "Abcdef123"},
	"mandrill":     {someone, "md-0123456789abcdefABCDEF"},
}

func TestGoodCredentials(t *testing.T) {
	for _, r := range catalog(t) {
		if !r.TakesPassword() {
			continue
		}
		pair, ok := good[r.ID]
		if !ok {
			pair = [2]string{r.Auth.Username.Example, r.Auth.Password.Example}
		}
		for _, p := range r.CheckCredentials(pair[0], pair[1]) {
			t.Errorf("%s: %s: got %q, want no problem", r.ID, p.Field, p.Message)
		}
	}
}

type wrongPaste struct {
	relay, user, pass string
	field, message    string
	refuse            bool
}

// wrongPastes are what people enter by mistake, and what is said of it.
var wrongPastes = []wrongPaste{
	{"ses", sesUser, iamKey, "password", "secret_access_key=", true},
	{"ses", sesUser, "Ag" + sesPass[2:], "password", "old form", false},
	{"ses", "ASIAIOSFODNN7EXAMPLE", sesPass, "username", "temporary", true},
	{"ses", "inp-0123456789", sesPass, "username", "Mail Manager", true},
	{"ses", "someuser", sesPass, "username", "does not look like", false},
	{"ses", sesUser, "hunter2", "password", "does not look like", false},
	{"sendgrid", sgKey, sgKey, "username", "this is the API key", true},
	{"sendgrid", someone, sgKey, "username", "the word apikey", true},
	{"sendgrid", "apikey", "apikey", "password", "this is the user name", true},
	{"sendgrid", "apikey", sgKey[:20] + " " + sgKey[20:], "password", "blank or line break", true},
	{"sendgrid", "apikey", "SG.short", "password", "does not look like", false},
	{"mailgun", "postmaster@mg.example.com", "key-" + hex32, "password", "API key", true},
	{"mailgun", "postmaster@mg.example.com", "pubkey-" + hex32, "password", "API key", true},
	{"mailgun", "api", "whatever", "username", "HTTP API", true},
	{"mailgun", "somebody", "whatever", "username", "does not look like", false},
	{"postmark", "POSTMARK_API_TEST", "POSTMARK_API_TEST", "username", "never delivered", true},
	{"postmark", uuid, strings.Replace(uuid, "0", "1", 1), "password", "same token", false},
	{"brevo", someone, "xkeysib-" + hex32 + hex32 + "-AbCdEfGhIjKlMnOp", "password", "xsmtpsib-", true},
	{"brevo", someone, "AbCdEfGhIjKlMnOp", "password", "does not look like", false},
	{"acs", "mail-res." + uuid + "." + uuid, uuid, "password", "id of the secret", true},
	{"gmail", someone, "abcd efgh ijkl mnop", "password", "blanks", false},
	{"gmail", someone, "hunter2hunter2", "password", "app password", false},
	{"gmail-relay", someone, "abcd efgh ijkl mnop", "password", "blanks", false},
	{"yahoo", someone, "abcd efgh ijkl mnop", "password", "blanks", false},
	{"mailjet", someone, hex32, "username", "API key", false},
	{"sparkpost", hex32 + "01234567", hex32 + "01234567", "username", "SMTP_Injection", true},
	{"sparkpost", "smtp_injection", hex32 + "01234567", "username", "SMTP_Injection", true},
	{"sparkpost", "SMTP_Injection:X-MSYS-SUBACCOUNT=1", hex32 + "01234567", "username", "colon", true},
	{"resend", "re_0123456789abcdefGHIJ", "re_0123456789abcdefGHIJ", "username", "the word resend", true},
	{"mailersend", "MS_AbCdEf@example.com", "mlsn." + hex32, "password", "API token", true},
	{"mailtrap", "api", "0123456789abcd", "password", "sandbox", true},
	{"scaleway", uuid, "SCW0123456789ABCDEFG", "password", "access key", true},
	{"scaleway", "SCW0123456789ABCDEFG", uuid, "username", "project id", true},
	{"zeptomail", "emailapikey", "Zoho-enczapikey " + strings.Repeat("Ab1+", 20), "password", "prefix", true},
	{"oci", someone, "a$#Zp>9{k", "username", "does not look like", false},
	{"mandrill", someone, "hunter2", "password", "does not look like", false},
	{"smtp2go", "relay:user", "x", "username", "colon", true},
	{"smtp2go", "relay-user", "two\nlines", "password", "line break", true},
	{"smtp2go", "relay-user", "nul\x00", "password", "line break", true},
	{"smtp2go", "relay-user", "trailing ", "password", "blank at its beginning or end", true},
	{"smtp2go", "", "x", "username", "is empty", true},
	{"smtp2go", "relay-user", "", "password", "is empty", true},
	{"gmail-relay", someone, "", "password", "is empty", true},
	{"cloudflare", someone, strings.Repeat("a1B2", 10), "username", "the word api_token", true},
	{"cloudflare", "api_token", hex32 + "01234", "password", "Global API Key", false},
	{"lettermint", "lettermint", "lm_team_0123456789", "password", "token of the team", true},
	{"ahasend", "a1B2c3D4e5", "aha-sk-0123456789", "password", "HTTP API", true},
	{"plunk", "plunk", "pk_0123456789abcdef", "password", "public key", true},
	{"maileroo", someone, "roo_0123456789", "password", "HTTP API", true},
	{"usesend", "us_0123456789", "us_0123456789", "username", "the word usesend", true},
	{"emailit", "secret_0123456789", "secret_0123456789", "username", "the word emailit", true},
	{"tencent", "AKID0123456789abcdef0123456789abcdef", "x", "username", "sender address", true},
	{"webde", "someone@web.de", "Correct-Horse-7", "username", "before the @", false},
	{"free-fr", "someone@free.fr", "Correct-Horse-7", "username", "before the @", false},
	{"laposte", "someone@laposte.net", "Correct-Horse-7", "username", "before the @", false},
	{"o2-pl", "someone@o2.pl", "Correct-Horse-7", "username", "before the @", false},
	{"uol", "someone@uol.com.br", "Correct-Horse-7", "username", "before the @", false},
	{"wp-pl", "someone@wp.pl", "Correct-Horse-7", "username", "before the @", false},
	{"aol", someone, "abcd efgh ijkl mnop", "password", "blanks", false},
	{"att", someone, "abcd efgh ijkl mnop", "password", "blanks", false},
	{"yandex", someone, "abcd efgh ijkl mnop", "password", "blanks", false},
	// The password of the account in place of an app password or token.
	{"fastmail", "someone@fastmail.com", "Correct-Horse-7", "password", "app password", false},
	{"icloud", "someone@icloud.com", "Correct-Horse-7", "password", "app-specific password", false},
	{"proton", someone, "Correct-Horse-7", "password", "SMTP token", false},
	{"qq", "someone@qq.com", "Correct-Horse-7", "password", "authorisation code", false},
	// The key of another service.
	{"gmx", "someone@gmx.net", sgKey, "password", "a key of Twilio SendGrid", false},
	{"icloud", "someone@icloud.com", "re_0123456789abcdefGHIJ", "password", "a key of Resend", false},
	{"cloudflare", "api_token", brevoKey, "password", "a key of Brevo", false},
	{"usesend", "usesend", "lm_0123456789abcdef", "password", "a key of Lettermint", false},
	{"outlook", "someone@outlook.com", "Correct-Horse-7", "password", "OAuth alone", true},
}

func TestWrongCredentials(t *testing.T) {
	for _, tt := range wrongPastes {
		t.Run(tt.relay+": "+tt.message, func(t *testing.T) {
			r, err := Get(tt.relay)
			if err != nil {
				t.Fatal(err)
			}
			problems := r.CheckCredentials(tt.user, tt.pass)
			found := false
			for _, p := range problems {
				if p.Field == tt.field && strings.Contains(p.Message, tt.message) && p.Refuse == tt.refuse {
					found = true
				}
				for _, secret := range []string{tt.user, tt.pass} {
					// The user name of a service is a word that a message may well hold.
					if len(secret) > 6 && secret != "apikey" && strings.Contains(p.Message, secret) {
						t.Errorf("%s: got what was entered (*** here) in %q, want it left out", tt.relay, strings.ReplaceAll(p.Message, secret, "***"))
					}
				}
			}
			if !found {
				t.Errorf("%s %q: %+v, want %s %q refuse %v", tt.relay, tt.user, problems, tt.field, tt.message, tt.refuse)
			}
		})
	}
}

// Each wrong paste that a file names is tried above.
func TestEveryWrongPasteIsTried(t *testing.T) {
	for _, r := range catalog(t) {
		for _, w := range r.Auth.Wrong {
			tried := slices.ContainsFunc(wrongPastes, func(p wrongPaste) bool {
				value := p.user
				if w.Field == "password" {
					value = p.pass
				}
				return p.relay == r.ID && matches(w.Pattern, value)
			})
			if !tried {
				t.Errorf("%s: wrong %s %s: got no such paste in wrongPastes, want one", r.ID, w.Field, w.Pattern)
			}
		}
	}
}

func TestCredentialsMayBeLeftOut(t *testing.T) {
	for _, r := range catalog(t) {
		if got := r.CheckCredentials("", ""); (len(got) == 0) != (r.ID == "gmail-relay") {
			t.Errorf("CheckCredentials of %s without any: got %v, want problems: %v", r.ID, got, r.ID != "gmail-relay")
		}
	}
}

func TestNormalise(t *testing.T) {
	gmail, _ := Get("gmail")
	if _, pass := gmail.Auth.Normalise(someone, "abcd efgh ijkl mnop"); pass != "abcdefghijklmnop" {
		t.Errorf("got %q, want %q", pass, "abcdefghijklmnop")
	}
	if _, pass := gmail.Auth.Normalise(someone, "Four words 4 me"); pass != "Four words 4 me" {
		t.Errorf("got %q, want %q", pass, "Four words 4 me")
	}
	ovh, _ := Get("ovh")
	if _, pass := ovh.Auth.Normalise(someone, "four word pass phrase"); pass != "four word pass phrase" {
		t.Errorf("got %q, want %q", pass, "four word pass phrase")
	}
}

func TestFixedUsername(t *testing.T) {
	want := map[string]string{"sendgrid": "apikey", "sparkpost": "SMTP_Injection", "resend": "resend", "mailtrap": "api", "zeptomail": "emailapikey",
		"cloudflare": "api_token", "lettermint": "lettermint", "plunk": "plunk", "usesend": "usesend", "emailit": "emailit"}
	for _, r := range catalog(t) {
		if r.Auth.Username.Fixed != want[r.ID] {
			t.Errorf("%s: %q, want %q", r.ID, r.Auth.Username.Fixed, want[r.ID])
		}
	}
}

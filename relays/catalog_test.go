package relays

import (
	"slices"
	"strings"
	"testing"
)

// ids are the services of the catalogue: the names are an interface.
var ids = strings.Fields(`ses sendgrid mailgun postmark brevo m365 acs gmail-relay gmail yahoo ovh mailjet sparkpost smtp2go resend
	mailersend mailtrap scaleway zeptomail elasticemail oci alibaba mandrill
	a1 ahasend aol att bell bluewin bt cloudflare comcast-mail domainfactory dondominio earthlink emailit
	fastmail forwardemail free-fr gandi gmx godaddy hetzner-mail hostinger icloud infobip infomaniak ionos kpn
	laposte lettermint libero m365-hve mail-com mailboxorg mailchannels maileroo mailru migadu netease o2-pl
	onecom onet orange outlook plunk pobox posteo proton proximus purelymail qq rackspace sapo seznam sfr sky
	strato sweego t-online telstra tencent tim uol usesend virgilio virginmedia vodafone-de webde
	websupport wp-pl xtra yandex ziggo zoho`)

func catalog(t testing.TB) []Relay {
	t.Helper()
	all, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCatalogIsComplete(t *testing.T) {
	all := catalog(t)
	if len(all) != len(ids) {
		t.Errorf("%d relays, want %d", len(all), len(ids))
	}
	for i, r := range all {
		if !slices.Contains(ids, r.ID) {
			t.Errorf("catalogue: got %s, want only what the list of this test has", r.ID)
		}
		if (r.Tier == 1) != (i < 5) {
			t.Errorf("%s: got tier %d at place %d, want tier 1 at places 0 to 4 and at no other", r.ID, r.Tier, i)
		}
	}
	replies := 0
	for _, r := range all {
		if !inherited(r.Replies) {
			replies += len(r.Replies)
		}
	}
	// 77 are known from the research of 2026-11-21; two of them share one text,
	// and the others were read since.
	if replies < 120 {
		t.Errorf("%d replies in all, want 120 or more", replies)
	}
	// Sources quote replies of these; the others inherit the generic ones.
	own := strings.Fields("ses brevo mailgun postmark sendgrid alibaba acs cloudflare gmail gmail-relay mailersend m365-hve m365 oci ovh resend sparkpost emailit " +
		"smtp2go icloud fastmail zoho qq netease mailru yandex yahoo ionos webde " +
		"forwardemail plunk usesend tencent zeptomail mailjet mailtrap gmx scaleway mailchannels")
	for _, r := range all {
		if got, want := !inherited(r.Replies), slices.Contains(own, r.ID); got != want {
			t.Errorf("%s has replies of its own: %v, want %v", r.ID, got, want)
		}
	}
}

// Parse has checked already what a user's file must keep to; these are the
// rules for ours.
func TestEveryFile(t *testing.T) {
	for _, r := range catalog(t) {
		t.Run(r.ID, func(t *testing.T) {
			if r.Docs == "" {
				t.Error("docs: got no link, want one to the documentation")
			}
			for _, f := range r.Facts() {
				if f.Source == "" && !slices.Contains([]string{"name", "docs", "order", "sender.null_sender"}, f.Key) {
					t.Errorf("%s (%s): got no source, want one", f.Key, f.Value)
				}
			}
			for id := range r.Sources {
				if !slices.Contains(sourceIDs(r.Facts()), id) {
					t.Errorf("[source.%s]: got no fact that names it, want 1 or more", id)
				}
			}
			if len(r.PortOrder()) == 0 {
				t.Error("ports to try: got none, want 1 or more")
			}
			if r.Auth.Username.Pattern == "" || r.Auth.Password.Pattern == "" {
				t.Errorf("patterns: got %q for the user name and %q for the password, want one for each", r.Auth.Username.Pattern, r.Auth.Password.Pattern)
			}
			for _, c := range []Credential{r.Auth.Username, r.Auth.Password} {
				if r.Tier == 3 && c.Example == "" {
					t.Errorf("%s: got no example, want one", c.Label)
				}
			}
			if r.Auth.Username.Example != "" && r.TakesPassword() {
				if p := r.CheckCredentials(r.Auth.Username.Example, r.Auth.Password.Example); len(p) > 0 {
					t.Errorf("CheckCredentials of the example: got %v, want no problem", p)
				}
			}
			if r.NeedsRegion() {
				if _, err := r.Host(r.Hosts.Example); err != nil {
					t.Errorf("Host(%q), the example region: got the error %v, want none", r.Hosts.Example, err)
				}
			}
		})
	}
}

func TestSamplesMatchOneReply(t *testing.T) {
	count := 0
	check := func(name string, replies []Reply) {
		for _, r := range replies {
			if r.Sample == "" {
				t.Errorf("%s: reply %s: got no sample, want one", name, r.ID)
			}
			for _, other := range replies {
				if got, want := matches(other.Match, r.Sample), other.ID == r.ID; got != want {
					t.Errorf("%s: sample of %s against match of %s: %v, want %v", name, r.ID, other.ID, got, want)
				}
			}
			count++
		}
	}
	for _, r := range catalog(t) {
		check(r.ID, r.Replies)
	}
	check("generic", Generic())
	if count < 90 {
		t.Errorf("%d samples tried, want 90 or more", count)
	}
}

// An id stands for one reply of one service in the whole program.
func TestReplyIDsAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, r := range catalog(t) {
		if inherited(r.Replies) {
			continue
		}
		for _, reply := range r.Replies {
			if other, ok := seen[reply.ID]; ok {
				t.Errorf("%s: reply %s: got it from %s too, want it from one relay", r.ID, reply.ID, other)
			}
			seen[reply.ID] = r.ID
		}
	}
	for _, reply := range Generic() {
		if other, ok := seen[reply.ID]; ok {
			t.Errorf("generic: reply %s: got it from %s too, want it from no relay", reply.ID, other)
		}
	}
}

func TestMatchReply(t *testing.T) {
	for _, tt := range []struct {
		relay, text, id, scope, retry string
		inherited                     bool
	}{
		{"ses", "535 Authentication Credentials Invalid", "ses_credentials_invalid", "account", "fix", false},
		{"ses", "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.example", "ses_unverified_identity", "account", "fix", false},
		{"ses", "454 Throttling failure: Daily message quota exceeded.", "ses_daily_quota", "rate", "wait", false},
		{"ses", "550 5.1.1 User unknown", "no_such_recipient", "recipient", "fix", true},
		{"sendgrid", "451 Authentication failed: Could not authenticate", "sendgrid_ip_not_allowed", "account", "fix", false},
		{"mailgun", "421 Domain x.mailgun.org is not allowed to send: Sandbox subdomains are for test purposes only. Please add", "mailgun_sandbox", "account", "fix", false},
		{"mailgun", "554 Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients in domain settings.", "mailgun_sandbox_old", "account", "fix", false},
		{"postmark", "Sender Signature not confirmed", "postmark_sender_signature", "account", "fix", false},
		{"brevo", "525-5.7.1 Unauthorized IP address", "brevo_unauthorized_ip", "account", "fix", false},
		{"m365", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.", "o365_smtpauth_disabled", "account", "fix", false},
		{"m365", "535 5.7.3 Authentication unsuccessful [AM0PR.example]", "o365_auth_failed", "account", "fix", false},
		{"oci", "254 4.7.1 Suppression for user ocid1 to a@b.example", "oci_suppressed", "recipient", "fix", false},
		{"gmail-relay", "550 5.4.5 Daily SMTP relay limit exceeded for user. For more information", "gmail_relay_daily_limit", "rate", "wait", false},
		{"smtp2go", "535 5.7.8 Error: authentication failed", "auth_535_generic", "account", "fix", true},
		{"mandrill", "530 5.7.0 Must issue a STARTTLS command first", "starttls_required", "account", "fix", true},
		{"yahoo", "554 5.7.1 <a@b.example>: Relay access denied", "relay_access_denied", "account", "fix", true},
	} {
		t.Run(tt.relay+" "+tt.id, func(t *testing.T) {
			r, err := Get(tt.relay)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := r.MatchReply(tt.text)
			if !ok || got.ID != tt.id || got.Scope != tt.scope || got.Retry != tt.retry || got.Inherited != tt.inherited {
				t.Errorf("%q: got %v %s %s %s inherited %v, want %s %s %s %v", tt.text, ok, got.ID, got.Scope, got.Retry, got.Inherited, tt.id, tt.scope, tt.retry, tt.inherited)
			}
		})
	}
	ses, _ := Get("ses")
	if got, ok := ses.MatchReply("250 Ok 0100018c-example"); ok {
		t.Errorf("MatchReply of a success: got %s, want no match", got.ID)
	}
}

func TestGet(t *testing.T) {
	for _, tt := range []struct{ id, err string }{
		{"ses", ""},
		{"sess", "did you mean ses"},
		{"send-grid", "sendgrid"},
		{"amazon", "did you mean ses"},
		{"sendinblue", "did you mean brevo"},
		{"office365", "did you mean m365"},
		{"no-such-thing", "see relayhost relays"},
		{"", "see relayhost relays"},
	} {
		t.Run("relay "+tt.id, func(t *testing.T) {
			r, err := Get(tt.id)
			switch {
			case tt.err == "" && (err != nil || r.ID != tt.id):
				t.Errorf("got %q and the error %v, want %q and no error", r.ID, err, tt.id)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got the error %v, want one with %q", err, tt.err)
			}
		})
	}
}

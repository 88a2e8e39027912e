//go:build lab

package cmd_test

import (
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// TestLabForeignRefused: a setup after which mail of another service that shares the
// relay would not leave any more stops before anything is written: it names the setting,
// the class of mail and the remedy, and the server stays as it is, byte for byte.
func TestLabForeignRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid", func(c *smtpd.Config) {
		c.Accounts = append(c.Accounts, smtpd.Account{Username: "shop", Password: secret.New(markedPassword)})
		// The account of the shop sends as the shop alone, in the envelope and in From.
		c.Message = func(m smtpd.Envelope) *smtpd.Reply {
			if m.Username != "shop" {
				return nil
			}
			text, err := mail.ReadMessage(strings.NewReader(string(m.Data)))
			if err == nil && strings.HasSuffix(m.From, "@shop.example") && strings.Contains(text.Header.Get("From"), "@shop.example") {
				return nil
			}
			return &smtpd.Reply{Code: 550, Text: "5.7.1 the account sends as shop.example only"}
		}
	}))
	s := l.Server
	credentials(l, "sendgrid", "")
	const rewrite = `version = 1
relay = "sendgrid"
from = "app@example.com"
to = "somebody@yahoo.com"

[rewrite]
"@shop.example" = "app@example.com"
`
	s.WriteFile("/etc/postfix/theirs", "[smtp.sendgrid.net]:587 shop:"+markedPassword+"\n", 0o600)
	s.Shell("mkdir /root/clean && cp -a /etc/postfix/. /root/clean/")
	const service = `postconf -e 'sender_dependent_default_transport_maps = inline:{ {@shop.example = shop-smtp:[smtp.sendgrid.net]:587} }'
cat >>/etc/postfix/master.cf <<'X'
shop-smtp unix - - n - - smtp
  -o smtp_tls_security_level=encrypt -o smtp_sasl_auth_enable=yes -o smtp_sasl_security_options=noanonymous
  -o smtp_sasl_password_maps=texthash:/etc/postfix/theirs
X
`
	for _, test := range []struct {
		name, set, file string
		args            []string
		code            int
		earlier         bool     // another setup comes before set
		user            string   // of the credentials; "" is that of the lab
		error, hint     []string // parts of both
	}{
		{name: "a sender is rewritten in the envelope", set: service, file: rewrite, code: 1,
			error: []string{"sender_dependent_default_transport_maps", "mail from @shop.example", "<app@example.com>"}, hint: []string{"[rewrite] in relayhost.toml", "sender_dependent_default_transport_maps"}},
		{name: "a sender is rewritten in From alone", set: service + "postconf -e 'sender_canonical_classes = header_sender'", file: rewrite, code: 3,
			error: []string{"by the service shop-smtp", "would not leave any more", "the account sends as shop.example only"},
			hint:  []string{"sender_canonical_maps", "[rewrite] in relayhost.toml"}},
		{name: "a next hop without a service", code: 1, set: `postconf -e 'transport_maps = inline:{ {partner.example = :[smtp.sendgrid.net]:587} }' 'smtp_tls_security_level = encrypt' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = texthash:/etc/postfix/theirs'`,
			error: []string{"transport_maps", "partner.example"}, hint: []string{"smtp:"}},
		// The service has the table of an earlier setup, which the next one gives another account.
		{name: "an account that another service uses", code: 1, earlier: true, user: "shop",
			set: `postconf -e 'sender_dependent_default_transport_maps = inline:{ {@shop.example = shop-smtp:[smtp.sendgrid.net]:587} }'
postconf -M shop-smtp/unix="shop-smtp unix - - n - - smtp -o smtp_tls_security_level=encrypt -o smtp_sasl_auth_enable=yes -o smtp_sasl_security_options=noanonymous -o smtp_sasl_password_maps=$(postconf -Ph relayhost-smarthost/unix/smtp_sasl_password_maps)"`,
			error: []string{"mail from @shop.example would log in as shop at [smtp.sendgrid.net]:587"}, hint: []string{"keep the entry of that next hop in the password table of the service shop-smtp"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append(setupArgs(five[1]), "--port", "587", "--no-probe", "--to", "somebody@yahoo.com")
			s.Shell("rm -rf /etc/postfix/* /etc/relayhost && cp -a /root/clean/. /etc/postfix/ && postfix reload")
			if test.earlier { // with any name of an account
				args = append([]string{"relayhost", "setup", "--smarthost", "smtp.sendgrid.net"}, args[slices.Index(args, "--from"):]...)
				if res := l.Run(args...); res.Code != 0 {
					t.Fatalf("the setup before: want exit code 0, got %s", res)
				}
			}
			s.Shell(test.set + "\npostfix reload")
			if test.user != "" {
				s.WriteFile("/root/credentials", "username="+test.user+"\npassword="+markedPassword+"\n", 0o600)
			}
			if test.file != "" {
				s.Shell("mkdir -p /etc/relayhost")
				s.WriteFile("/etc/relayhost/relayhost.toml", test.file, 0o644)
			}
			if strings.Contains(test.set, "= shop-smtp:[") {
				// It leaves now.
				seen := len(l.World.Relay("sendgrid").Mailbox())
				s.RunInput("From: info@shop.example\nTo: somebody@yahoo.com\nSubject: before\n\nhello\n", "sendmail", "-i", "-f", "info@shop.example", "somebody@yahoo.com")
				for end := time.Now().Add(patience); len(l.World.Relay("sendgrid").Mailbox()) == seen && time.Now().Before(end); {
					time.Sleep(30 * time.Millisecond)
				}
				if got := l.World.Relay("sendgrid").Mailbox(); len(got) != seen+1 || !test.earlier && got[seen].Session.Username != "shop" {
					t.Fatalf("before: got %d messages, want 1 by the service of the shop\n%s", len(got)-seen, tail(s.MailLog()))
				}
			}
			doc := decode[flowDoc](t, unchangedAfter(t, l, test.code, append(args, test.args...)...))
			for _, want := range test.error {
				if !strings.Contains(doc.Error, want) {
					t.Errorf("got error %q, want %q in it", doc.Error, want)
				}
			}
			for _, want := range test.hint {
				if !strings.Contains(doc.Hint, want) {
					t.Errorf("got hint %q, want %q in it", doc.Hint, want)
				}
			}
			if strings.Contains(doc.Error+doc.Hint, markedPassword) {
				t.Error("the password is in the error or the hint, want it in neither")
			}
		})
	}
}

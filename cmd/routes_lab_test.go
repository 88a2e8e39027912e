//go:build lab

package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

const answersPath = "/etc/relayhost/relayhost.toml"

// accountFile writes a credentials file for the service on the server.
func accountFile(l *lab.Lab, id string) {
	r := l.World.Relay(id)
	text := "username=" + r.Username + "\npassword=" + r.Password + "\n"
	if r.SecretAccessKey != "" {
		text = "username=" + r.Username + "\nsecret_access_key=" + r.SecretAccessKey + "\n"
	}
	l.Server.WriteFile("/root/"+id+".txt", text, 0o600)
}

// mailFrom sends one message and waits until it is at the service, whose mailbox
// it returns.
func mailFrom(t *testing.T, l *lab.Lab, from, id string) smtpd.Message {
	t.Helper()
	had := len(l.World.Relay(id).Mailbox())
	l.Server.SendMail(from, "someone@elsewhere.example", "hello")
	return waitMessages(t, l, id, had+1)[had]
}

// threeServices is a set-up by hand: SES by default, two domains elsewhere.
const threeServices = `# Ours. Kept by Ansible.
version = 1
relay = "ses"
region = "eu-west-1"
from = "app@example.com"
to = "you@example.net"
credentials_file = "/root/ses.txt"

[rewrite]
"www-data@localhost" = "orders@shop.example"

[[route]]
name = "shop"
senders = ["shop.example", "news@example.com", "<>"]
relay = "postmark"
from = "orders@shop.example"
credentials_file = "/root/postmark.txt"

[[route]]
name = "blog"
senders = ["blog.example", ".blog.example"]
relay = "brevo"
credentials_file = "/root/brevo.txt"
`

func threeLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	l := newLab(t, append([]lab.Option{lab.Relay("ses"), lab.Relay("postmark"), lab.Relay("brevo")}, opts...)...)
	for _, id := range []string{"ses", "postmark", "brevo"} {
		accountFile(l, id)
	}
	l.Server.WriteFile(answersPath, threeServices, 0o644)
	return l
}

// TestLabRoutes: two domains on two services and a third by default, from a file
// written by hand and nothing else; proven, unchanged, and rolled back.
func TestLabRoutes(t *testing.T) {
	t.Parallel()
	l := threeLab(t)
	s := l.Server
	before := s.Tree(mailConfig...)
	res := l.Run("relayhost", "setup", "--yes", "--json")
	if res.Code != 0 {
		t.Fatalf("setup: %s\n%s", res, s.MailLog())
	}
	valid(t, "setup", res.Stdout)
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || doc.Verification.Result != "pass" || len(doc.Verification.Findings) != 3 {
		t.Errorf("setup said %+v", doc)
	}
	if got := s.ReadFile(answersPath); got != threeServices {
		t.Errorf("the file of hand was changed:\n%s", got)
	}
	// Rehearsal: each sender but the null sender and unknown names below a
	// domain; proof: one for each route.
	for id, want := range map[string][]string{
		"ses":      {"app@example.com", "app@example.com"},
		"postmark": {"news@example.com", "orders@shop.example", "orders@shop.example"},
		"brevo":    {"postmaster@blog.example", "postmaster@blog.example"},
	} {
		if got := senders(l, id); !slices.Equal(got, want) {
			t.Errorf("%s got %q, want %q", id, got, want)
		}
	}
	for from, id := range map[string]string{
		"root": "ses", "someone@shop.example": "postmark", "News@Example.com": "postmark", "app@example.com": "ses",
		"x@blog.example": "brevo", "x@deep.blog.example": "brevo", "<>": "postmark", "www-data@localhost": "postmark",
	} {
		if m := mailFrom(t, l, from, id); from == "www-data@localhost" && m.From != "orders@shop.example" {
			t.Errorf("mail of www-data came from %s", m.From)
		}
	}
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || decode[setupResult](t, res).Result != "unchanged" {
		t.Errorf("again: %s", res)
	}
	// Another answer of the default relay keeps the routes.
	if res := l.Run("relayhost", "setup", "--to", "other@example.net", "--yes", "--json"); res.Code != 0 {
		t.Errorf("with a flag: %s", res)
	}
	if got := s.ReadFile(answersPath); !strings.Contains(got, "'brevo'") || !strings.Contains(got, "other@example.net") {
		t.Errorf("the routes were lost:\n%s", got)
	}
	mailFrom(t, l, "x@blog.example", "brevo")

	res = l.Run("relayhost", "status", "--json")
	valid(t, "status", res.Stdout)
	if !strings.Contains(res.Stdout, `"blog.example"`) || !strings.Contains(res.Stdout, "[smtp.postmarkapp.com]:587") {
		t.Errorf("status: %s", res)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: %s", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("rollback left differences:\n%s", d)
	}
}

// senders are those of the messages that a service got, sorted.
func senders(l *lab.Lab, id string) []string {
	var list []string
	for _, m := range l.World.Relay(id).Mailbox() {
		list = append(list, m.From)
	}
	slices.Sort(list)
	return list
}

// TestLabTwoAccounts: two accounts on one host name, each with its own senders.
func TestLabTwoAccounts(t *testing.T) {
	t.Parallel()
	const other = "0123456789abcdef0123456789abcdef-89abcdef-01234567"
	l := newLab(t, lab.Relay("mailgun", func(c *smtpd.Config) {
		c.Accounts = append(c.Accounts, smtpd.Account{Username: "postmaster@mg.shop.example", Password: secret.New(other)})
	}))
	accountFile(l, "mailgun")
	l.Server.WriteFile("/root/shop.txt", "username=postmaster@mg.shop.example\npassword="+other+"\n", 0o600)
	l.Server.WriteFile(answersPath, `version = 1
relay = "mailgun"
from = "app@example.com"
credentials_file = "/root/mailgun.txt"
[[route]]
name = "shop"
senders = ["shop.example"]
relay = "mailgun"
credentials_file = "/root/shop.txt"
`, 0o644)
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 {
		t.Fatalf("setup: %s\n%s", res, l.Server.MailLog())
	}
	for from, user := range map[string]string{"app@example.com": "postmaster@mg.example.com", "x@shop.example": "postmaster@mg.shop.example"} {
		if m := mailFrom(t, l, from, "mailgun"); m.Session.Username != user {
			t.Errorf("%s went by the account %s", from, m.Session.Username)
		}
	}
	// The references may go: what is stored is kept, for each sender its own.
	l.Server.Run("rm", "/root/shop.txt", "/root/mailgun.txt")
	text := l.Server.ReadFile(answersPath)
	for _, id := range []string{"shop", "mailgun"} {
		text = strings.Replace(text, fmt.Sprintf("credentials_file = \"/root/%s.txt\"\n", id), "", 1)
	}
	l.Server.WriteFile(answersPath, text, 0o644)
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || decode[setupResult](t, res).Result != "unchanged" {
		t.Errorf("with what is stored: %s", res)
	}
}

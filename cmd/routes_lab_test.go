//go:build lab

package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
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

// threeServices is a setup by hand: SES by default, two domains elsewhere.
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
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	valid(t, "setup", res.Stdout)
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || doc.Verification.Result != "pass" || len(doc.Verification.Findings) != 3 {
		t.Errorf("setup: got %+v, want the results %q and %q, and 3 findings", doc, "applied", "pass")
	}
	if got := s.ReadFile(answersPath); got != threeServices {
		t.Errorf("the file of hand was changed: got\n%s\nwant\n%s", got, threeServices)
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
		t.Run(from, func(t *testing.T) {
			if m := mailFrom(t, l, from, id); from == "www-data@localhost" && m.From != "orders@shop.example" {
				t.Errorf("mail of www-data came from %s, want %q", m.From, "orders@shop.example")
			}
		})
	}
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || decode[setupResult](t, res).Result != "unchanged" {
		t.Errorf("again: want exit code 0 and the result %q, got %s", "unchanged", res)
	}
	// Another answer of the default relay keeps the routes.
	if res := l.Run("relayhost", "setup", "--to", "other@example.net", "--yes", "--json"); res.Code != 0 {
		t.Errorf("with a flag: want exit code 0, got %s", res)
	}
	if got := s.ReadFile(answersPath); !strings.Contains(got, "brevo") || !strings.Contains(got, "other@example.net") {
		t.Errorf("the routes were lost: got\n%s\nwant %q in it and %q in it", got, "brevo", "other@example.net")
	}
	mailFrom(t, l, "x@blog.example", "brevo")

	// Somebody without root is not told that passwords are missing.
	if res := s.RunAs(65534, "relayhost", "verify", "--no-send", "--json"); strings.Contains(res.Stdout, `"fail"`) || !strings.Contains(res.Stdout, "can only be read by root") {
		t.Errorf("verify without root: want %q in stdout and no %q in stdout, got %s", "can only be read by root", `"fail"`, res)
	}
	res = l.Run("relayhost", "status", "--json")
	valid(t, "status", res.Stdout)
	if !strings.Contains(res.Stdout, `"blog.example"`) || !strings.Contains(res.Stdout, "[smtp.postmarkapp.com]:587") {
		t.Errorf("status: want %q and %q in stdout, got %s", `"blog.example"`, "[smtp.postmarkapp.com]:587", res)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
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
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, l.Server.MailLog())
	}
	for from, user := range map[string]string{"app@example.com": "postmaster@mg.example.com", "x@shop.example": "postmaster@mg.shop.example"} {
		t.Run(from, func(t *testing.T) {
			if m := mailFrom(t, l, from, "mailgun"); m.Session.Username != user {
				t.Errorf("%s went by the account %s, want %s", from, m.Session.Username, user)
			}
		})
	}
	// The references may go: what is stored is kept, for each sender its own.
	l.Server.Run("rm", "/root/shop.txt", "/root/mailgun.txt")
	text := l.Server.ReadFile(answersPath)
	for _, id := range []string{"shop", "mailgun"} {
		text = strings.Replace(text, fmt.Sprintf("credentials_file = \"/root/%s.txt\"\n", id), "", 1)
	}
	l.Server.WriteFile(answersPath, text, 0o644)
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || decode[setupResult](t, res).Result != "unchanged" {
		t.Errorf("with what is stored: want exit code 0 and the result %q, got %s", "unchanged", res)
	}
	// Also when the entry that named the table is lost.
	l.Server.Run("postconf", "-MX", "relayhost-shop/unix")
	res := l.Run("relayhost", "verify", "--no-send", "--json")
	if res.Code != 3 || !strings.Contains(res.Stdout, "master.cf has no service relayhost-shop") {
		t.Errorf("verify of a lost service: want exit code 3 and %q in stdout, got %s", "master.cf has no service relayhost-shop", res)
	}
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || decode[setupResult](t, res).Result != "applied" {
		t.Errorf("without the service: want exit code 0 and the result %q, got %s", "applied", res)
	}
	if m := mailFrom(t, l, "y@shop.example", "mailgun"); m.Session.Username != "postmaster@mg.shop.example" {
		t.Errorf("then mail went by the account %s, want %q", m.Session.Username, "postmaster@mg.shop.example")
	}
}

// twoHops is SendGrid with Brevo in its place when it fails.
const twoHops = `version = 1
relay = "sendgrid"
port = 587
from = "app@example.com"
credentials_file = "/root/sendgrid.txt"
[[fallback]]
relay = "brevo"
port = 2525
credentials_file = "/root/brevo.txt"
`

func twoHopLab(t *testing.T) *lab.Lab {
	t.Helper()
	l := newLab(t, lab.Relay("sendgrid"), lab.Relay("brevo"))
	accountFile(l, "sendgrid")
	accountFile(l, "brevo")
	l.Server.WriteFile(answersPath, twoHops, 0o644)
	return l
}

// TestLabFallbackRefused: the second hop is proven before anything is written.
func TestLabFallbackRefused(t *testing.T) {
	t.Parallel()
	l := twoHopLab(t)
	refused := func(name string, says ...string) {
		t.Helper()
		doc := decode[setupResult](t, unchangedAfter(t, l, 3, "relayhost", "setup", "--yes", "--json"))
		for _, want := range says {
			if !strings.Contains(doc.Error, want) {
				t.Errorf("%s: got error %q, want %q in it", name, doc.Error, want)
			}
		}
		if len(doc.Verification.Findings) != 1 || doc.Hint == "" {
			t.Errorf("%s: want one finding and a hint, got %+v", name, doc)
		}
	}
	l.Server.WriteFile("/root/brevo.txt", "username="+l.World.Relay("brevo").Username+"\npassword=xsmtpsib-"+strings.Repeat("0", 64)+"-AAAAAAAAAAAAAAAA\n", 0o600)
	refused("wrong password", "default route, fallback 1", "smtp-relay.brevo.com port 2525", "535")
	accountFile(l, "brevo")
	brevo := l.World.Relay("brevo")
	brevo.Configure(func(c *smtpd.Config) {
		c.Sender = func(string) *smtpd.Reply {
			return &smtpd.Reply{Code: 550, Enhanced: "5.7.1", Text: "sender not verified"}
		}
	})
	refused("sender", "default route, fallback 1", "for the sender <app@example.com>")
	// What only a message shows is found by the rehearsal of that hop alone.
	brevo.Configure(func(c *smtpd.Config) {
		c.Sender = nil
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "account suspended"}
		}
	})
	refused("message", "rehearsal: default route, fallback 1", "account suspended")
	if n := len(brevo.Mailbox()); n != 0 {
		t.Errorf("%d messages at the second service, want 0", n)
	}
}

// TestLabFailOver: whatever ails the first service, mail leaves by the second,
// and once only.
func TestLabFailOver(t *testing.T) {
	t.Parallel()
	l := twoHopLab(t)
	s := l.Server
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	first, second := l.World.Relay("sendgrid"), l.World.Relay("brevo")
	if n, m := len(first.Mailbox()), len(second.Mailbox()); n != 2 || m != 1 {
		t.Errorf("set-up sent %d and %d messages, want 2 and 1", n, m)
	}
	accounts := []smtpd.Account{{Username: first.Username, Password: secret.New(first.Password)}}
	for _, ail := range []struct {
		name     string
		now, end func()
	}{
		{"refuses connections", func() { l.World.Block(587, lab.Reset, lab.Both) }, func() { l.World.Block(587, lab.Open, lab.Both) }},
		{"says later", func() {
			first.Configure(func(c *smtpd.Config) {
				c.Sender = func(string) *smtpd.Reply { return &smtpd.Reply{Code: 451, Enhanced: "4.3.0", Text: "try later"} }
			})
		}, func() { first.Configure(func(c *smtpd.Config) { c.Sender = nil }) }},
		{"knows the sender no more", func() {
			first.Configure(func(c *smtpd.Config) {
				c.Message = func(smtpd.Envelope) *smtpd.Reply {
					return &smtpd.Reply{Code: 550, Text: "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved."}
				}
			})
		}, func() { first.Configure(func(c *smtpd.Config) { c.Message = nil }) }},
		{"rejects the password", func() { first.Configure(func(c *smtpd.Config) { c.Accounts = nil }) },
			func() { first.Configure(func(c *smtpd.Config) { c.Accounts = accounts }) }},
		{"hangs", func() {
			first.Configure(func(c *smtpd.Config) { c.Delays = map[smtpd.Step]time.Duration{smtpd.StepGreeting: time.Hour} })
		}, func() { first.Configure(func(c *smtpd.Config) { c.Delays = nil }) }},
		{"drops packets", func() { l.World.Block(587, lab.Dropped, lab.Both) }, func() { l.World.Block(587, lab.Open, lab.Both) }},
	} {
		t.Run(ail.name, func(t *testing.T) {
			time.Sleep(3 * time.Second) // kept connections end (smtp_connection_cache_time_limit)
			ail.now()
			defer ail.end()
			n, m := len(first.Mailbox()), len(second.Mailbox())
			start := time.Now()
			s.SendMail("app@example.com", "someone@elsewhere.example", ail.name)
			for len(second.Mailbox()) == m && time.Since(start) < 70*time.Second {
				time.Sleep(50 * time.Millisecond)
			}
			t.Logf("by the second service after %.1f s", time.Since(start).Seconds())
			if len(first.Mailbox()) != n || len(second.Mailbox()) != m+1 {
				t.Errorf("got %d messages by the first and %d by the second relay, want 0 and 1\n%s", len(first.Mailbox())-n, len(second.Mailbox())-m, s.MailLog())
			}
		})
	}
	if q := s.Queue(); q != "" {
		t.Errorf("the queue is not empty: got %s, want none", q)
	}
}

// TestLabHandMadeRoutes: ways that others have made, without TLS or login, go on
// working beside ours.
func TestLabHandMadeRoutes(t *testing.T) {
	t.Parallel()
	l := threeLab(t, lab.RelayAt([]string{"mail.corp.example"}, []relays.Port{{Port: 2526, TLS: relays.StartTLS}}, func(c *smtpd.Config) {
		c.TLS, c.NoSTARTTLS, c.NoAuth = nil, true, true
	}))
	s := l.Server
	hop := fmt.Sprintf("smtp:[%s]:2526\n", l.World.Relay("smarthost").Hosts[0].Addrs[0]) // Debian's chroot has no resolv.conf
	s.WriteFile("/etc/postfix/transport", "corp.example "+hop, 0o644)
	s.WriteFile("/etc/postfix/internal", "@intern.example "+hop, 0o644)
	s.Shell("postmap hash:/etc/postfix/transport hash:/etc/postfix/internal && postconf -e transport_maps=hash:/etc/postfix/transport " +
		"sender_dependent_default_transport_maps=hash:/etc/postfix/internal && postfix reload")
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	s.SendMail("x@shop.example", "boss@corp.example", "hello")
	waitMessages(t, l, "smarthost", 1)
	s.SendMail("x@intern.example", "someone@elsewhere.example", "hello")
	if m := waitMessages(t, l, "smarthost", 2)[1]; m.Session.TLSVersion != "" || m.Session.Username != "" {
		t.Errorf("got the session %+v, want no TLS and no user name", m.Session)
	}
	mailFrom(t, l, "x@shop.example", "postmark")
}

// TestLabNullSender: a default relay that refuses bounces is found out, and a
// route that takes them keeps them going.
func TestLabNullSender(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("postmark"), lab.Relay("ses", func(c *smtpd.Config) {
		c.Sender = func(from string) *smtpd.Reply {
			if from == "" {
				return &smtpd.Reply{Code: 501, Text: "Invalid MAIL FROM address provided"}
			}
			return nil
		}
	}))
	accountFile(l, "ses")
	accountFile(l, "postmark")
	_, blog, _ := strings.Cut(threeServices, "[[route]]\nname = \"blog\"")
	text := strings.TrimSuffix(threeServices, "[[route]]\nname = \"blog\""+blog)
	l.Server.WriteFile(answersPath, strings.Replace(text, `, "<>"`, "", 1), 0o644)
	res := l.Run("relayhost", "setup", "--yes", "--json")
	if res.Code != 0 || !strings.Contains(res.Stdout, "rejects the null sender <> (501") {
		t.Fatalf("setup: want exit code 0 and %q in stdout, got %s\n%s", "rejects the null sender <> (501", res, l.Server.MailLog())
	}
	valid(t, "setup", res.Stdout)
	if res := l.Run("relayhost", "verify", "--no-send", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, `"null_sender_refused"`) {
		t.Errorf("verify: want exit code 0 and %q in stdout, got %s", `"null_sender_refused"`, res)
	}
	l.Server.WriteFile(answersPath, text, 0o644)
	res = l.Run("relayhost", "setup", "--yes", "--json")
	if res.Code != 0 || strings.Contains(res.Stdout, "rejects the null sender") {
		t.Fatalf("with a route: want exit code 0 and no %q in stdout, got %s\n%s", "rejects the null sender", res, l.Server.MailLog())
	}
	mailFrom(t, l, "<>", "postmark")
}

// TestLabRoutesDocument sets a server up by each file of docs/routes.md, one
// after the other, and makes the mistake that it shows.
func TestLabRoutesDocument(t *testing.T) {
	t.Parallel()
	const path = "../docs/routes.md"
	const shop = "0123456789abcdef0123456789abcdef-89abcdef-01234567"
	l := threeLab(t, lab.Relay("sendgrid"), lab.Relay("mailgun", func(c *smtpd.Config) {
		c.Accounts = append(c.Accounts, smtpd.Account{Username: "postmaster@mg.shop.example", Password: secret.New(shop)})
	}))
	s := l.Server
	accountFile(l, "mailgun")
	accountFile(l, "sendgrid")
	s.WriteFile("/root/mailgun-shop.txt", "username=postmaster@mg.shop.example\npassword="+shop+"\n", 0o600)
	files := 0
	for _, f := range fences(t, path) {
		switch {
		case f.lang == "toml":
			files++
			s.WriteFile(answersPath, f.text, 0o644)
			if res := l.Run("relayhost", "setup", "--queue", "send", "--yes", "--json"); res.Code != 0 || decode[setupResult](t, res).Result != "applied" {
				t.Fatalf("%s:%d: want exit code 0 and the result %q, got %s\n%s", path, f.line, "applied", res, s.MailLog())
			}
			if got := s.ReadFile(answersPath); got != f.text {
				t.Errorf("%s:%d: the file of hand was changed: got\n%s\nwant\n%s", path, f.line, got, f.text)
			}
			if res := l.Run("relayhost", "setup", "--yes"); !strings.Contains(res.Stdout, "unchanged") {
				t.Errorf("%s:%d: again: want %q in stdout, got %s", path, f.line, "unchanged", res)
			}
		case strings.Contains(f.text, "error:"):
			twice := strings.Replace(threeServices, `"blog.example",`, `"shop.example",`, 1)
			at := strings.Count(twice[:strings.LastIndex(twice, `"shop.example"`)], "\n") + 1
			s.WriteFile(answersPath, twice, 0o644)
			res := unchangedAfter(t, l, 64, "relayhost", "setup", "--yes")
			if want := strings.NewReplacer(":14:", fmt.Sprintf(":%d:", at), "line 8", "line 14").Replace(f.text); !strings.Contains(res.Stderr, strings.TrimSpace(want)) {
				t.Errorf("%s:%d: want %q in stderr, got %s", path, f.line, strings.TrimSpace(want), res)
			}
		}
	}
	if files != 3 {
		t.Errorf("%d files in %s, want 3", files, path)
	}
	if res := l.Run("relayhost", "status"); !strings.Contains(res.Stdout, "then [smtp-relay.brevo.com]:") {
		t.Errorf("status: want %q in stdout, got %s", "then [smtp-relay.brevo.com]:", res)
	}
	// The last file has no routes any more: nothing is left of them.
	mailFrom(t, l, "x@shop.example", "sendgrid")
	if main := s.ReadFile("/etc/postfix/main.cf") + s.ReadFile("/etc/postfix/master.cf"); strings.Contains(main, "by_sender") || strings.Contains(main, "relayhost-shop") {
		t.Errorf("something is left of the routes: got\n%s\nwant no %q in it and no %q in it", main, "by_sender", "relayhost-shop")
	}
}

// TestLabRouteFailsLive: rehearsal and reload pass, then one route's service
// turns its message away. Everything goes back, and the route is named.
func TestLabRouteFailsLive(t *testing.T) {
	t.Parallel()
	l := threeLab(t)
	taken := 0
	l.World.Relay("brevo").Configure(func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			if taken++; taken > 1 {
				return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
			}
			return nil
		}
	})
	res := unchangedAfter(t, l, 3, "relayhost", "setup", "--yes", "--json")
	doc := decode[setupResult](t, res)
	if doc.Result != "rolled_back" || !strings.Contains(doc.Error, "route blog, sender postmaster@blog.example") || !strings.Contains(doc.Error, "Relay access denied") || doc.Hint == "" {
		t.Errorf("setup: got %+v, want the result %q, %q and %q in the error, and a hint", doc, "rolled_back", "route blog, sender postmaster@blog.example", "Relay access denied")
	}
	valid(t, "setup", res.Stdout)
	if n := len(l.World.Relay("postmark").Mailbox()); n != 3 {
		t.Errorf("%d messages by the route that works, want 3", n)
	}
}

// TestLabManyAccounts: more accounts at one host than there are services find
// theirs by the sender; 100 messages are sent at most, and what is left out is
// said.
func TestLabManyAccounts(t *testing.T) {
	t.Parallel()
	const n = 110
	account := func(i int) (user, password string) {
		return fmt.Sprintf("postmaster@mg%03d.example", i), fmt.Sprintf("%032x-89abcdef-01234567", i)
	}
	l := newLab(t, lab.Relay("mailgun", func(c *smtpd.Config) {
		for i := range n {
			user, password := account(i)
			c.Accounts = append(c.Accounts, smtpd.Account{Username: user, Password: secret.New(password)})
		}
	}))
	s := l.Server
	accountFile(l, "mailgun")
	file := "version = 1\nrelay = \"mailgun\"\nport = 587\nfrom = \"app@example.com\"\ncredentials_file = \"/root/mailgun.txt\"\n"
	for i := range n {
		user, password := account(i)
		s.WriteFile(fmt.Sprintf("/root/%03d.txt", i), "username="+user+"\npassword="+password+"\n", 0o600)
		file += fmt.Sprintf("[[route]]\nname = \"r%03d\"\nsenders = [\"d%03d.example\"]\nrelay = \"mailgun\"\nport = 587\ncredentials_file = \"/root/%03d.txt\"\n", i, i, i)
	}
	s.WriteFile(answersPath, file, 0o644)
	res := l.Run("relayhost", "setup", "--no-probe", "--yes", "--json")
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res.Stderr)
	}
	for _, want := range []string{"100 test messages are sent at most; 11 pairs of sender and hop", "11 routes left out of it"} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("want %q in stdout, got %s", want, res)
		}
	}
	box := l.World.Relay("mailgun").Mailbox()
	if len(box) != 200 {
		t.Errorf("%d messages, want 200", len(box))
	}
	for _, m := range box {
		want := l.World.Relay("mailgun").Username
		if domain, ok := strings.CutPrefix(m.From, "postmaster@d"); ok {
			want = "postmaster@mg" + domain
		}
		if m.Session.Username != want {
			t.Errorf("%s went by the account %s, want %s", m.From, m.Session.Username, want)
		}
	}
	// Without the references each route keeps the account that is stored.
	for line := range strings.Lines(file) {
		if strings.HasPrefix(line, "credentials_file") {
			file = strings.Replace(file, line, "", 1)
		}
	}
	s.WriteFile(answersPath, file, 0o644)
	if res := l.Run("relayhost", "setup", "--no-probe", "--yes"); res.Code != 0 || !strings.Contains(res.Stdout, "unchanged") {
		t.Errorf("with what is stored: got %d %s, want 0", res.Code, res.Stderr)
	}
}

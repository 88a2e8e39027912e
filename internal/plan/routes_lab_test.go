//go:build lab

package plan_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// arrival is one message and the way that it has to take.
type arrival struct {
	from, relay string
	port        int
	username    string // "": the relay's own account
}

// routesCase is a setup of several relays and mail through it.
type routesCase struct {
	name  string
	setUp func(ses, postmark, sendgrid, mailgun *lab.RelayService) answers
	mail  []arrival
}

func routeTo(name string, senders []string, hops ...any) map[string]any {
	return map[string]any{"Name": name, "Senders": senders, "Hops": hops}
}

// as is hopTo with another account, which the service knows as well.
func as(r *lab.RelayService, username string) map[string]any {
	h := hopTo(r, 587)
	h["Username"], h["Password"] = username, "pw of "+username
	return h
}

// by are the answers with these relays.
func by(first *lab.RelayService, routes ...any) answers {
	a := answersTo(first, 587, relays.StartTLS)
	a["Routes"] = routes
	return a
}

// routesCases are those of the golden files. The first shows each mechanism.
var routesCases = []routesCase{
	{"subdomains and accounts", func(ses, postmark, sendgrid, mailgun *lab.RelayService) answers {
		return by(ses, routeTo("all", []string{".example.org", "example.org", "<>"}, hopTo(postmark, 587)),
			routeTo("one", []string{"one.example.org", "root@two.example.org"}, hopTo(mailgun, 587)),
			routeTo("other", []string{".deep.example.org"}, as(mailgun, "other")))
	}, []arrival{
		{"x@elsewhere.test", "ses", 587, ""}, {"x@example.org", "postmark", 587, ""}, {"x@sub.example.org", "postmark", 587, ""},
		{"X@Sub.Example.ORG", "postmark", 587, ""}, {"x@one.example.org", "mailgun", 587, ""}, {"root+x@two.example.org", "mailgun", 587, ""},
		{"x@two.example.org", "postmark", 587, ""}, {"x@a.deep.example.org", "mailgun", 587, "other"}, {"x@deep.example.org", "postmark", 587, ""},
		{"x@notexample.org", "ses", 587, ""}, {"", "postmark", 587, ""},
	}},
	{"two domains", func(ses, postmark, sendgrid, _ *lab.RelayService) answers {
		return by(ses, routeTo("shop", []string{"shop.example"}, hopTo(postmark, 587)), routeTo("news", []string{"news.example", "news@example.org"}, hopTo(sendgrid, 587)))
	}, []arrival{
		{"x@shop.example", "postmark", 587, ""}, {"x@news.example", "sendgrid", 587, ""}, {"news@example.org", "sendgrid", 587, ""},
		{"news+a@example.org", "sendgrid", 587, ""}, {"x@example.org", "ses", 587, ""}, {"root@host.example.com", "ses", 587, ""}, {"", "ses", 587, ""},
	}},
	{"two accounts", func(_, _, _, mailgun *lab.RelayService) answers {
		return by(mailgun, routeTo("shop", []string{"shop.example"}, as(mailgun, "shop")), routeTo("blog", []string{"blog.example"}, hopTo(mailgun, 587)))
	}, []arrival{{"x@shop.example", "mailgun", 587, "shop"}, {"x@blog.example", "mailgun", 587, ""}, {"x@example.org", "mailgun", 587, ""}}},
	{"implicit TLS beside STARTTLS", func(ses, postmark, _, mailgun *lab.RelayService) answers {
		implicit := hopTo(mailgun, 465)
		implicit["TLS"] = relays.Implicit
		return by(ses, routeTo("shop", []string{"shop.example"}, implicit), routeTo("blog", []string{"blog.example"}, hopTo(mailgun, 587)))
	}, []arrival{{"x@shop.example", "mailgun", 465, ""}, {"x@blog.example", "mailgun", 587, ""}, {"x@example.org", "ses", 587, ""}}},
	{"rewritten", func(ses, postmark, _, _ *lab.RelayService) answers {
		a := by(ses, routeTo("shop", []string{"orders@shop.example"}, hopTo(postmark, 587)))
		a["Rewrite"] = map[string]string{"www-data@host.example.com": "orders@shop.example"}
		return a
	}, []arrival{{"www-data@host.example.com", "postmark", 587, ""}, {"root@host.example.com", "ses", 587, ""}}},
	{"by sender", func(ses, _, _, mailgun *lab.RelayService) answers {
		var routes []any
		for i := range 60 {
			routes = append(routes, routeTo(fmt.Sprintf("shop%d", i), []string{fmt.Sprintf("shop%d.example", i)}, as(mailgun, fmt.Sprintf("user%d", i))))
		}
		return by(ses, routes...)
	}, []arrival{
		{"x@shop0.example", "mailgun", 587, "user0"}, {"x@shop59.example", "mailgun", 587, "user59"}, {"x@shop0.example", "mailgun", 587, "user0"},
		{"x@example.org", "ses", 587, ""},
	}},
	{"one relay again", func(ses, _, _, _ *lab.RelayService) answers { return by(ses) },
		[]arrival{{"x@shop0.example", "ses", 587, ""}, {"x@example.org", "ses", 587, ""}, {"", "ses", 587, ""}}},
}

// TestLabRoutes: one setup after another on one server, each read back by the
// real Postfix; mail goes by the right relay with the right account.
func TestLabRoutes(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			accounts := func(c *smtpd.Config) {
				for _, name := range append(numbered("user", 60), "shop", "other") {
					c.Accounts = append(c.Accounts, smtpd.Account{Username: name, Password: secret.New("pw of " + name)})
				}
			}
			l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("ses"), lab.Relay("postmark"), lab.Relay("sendgrid"), lab.Relay("mailgun", accounts))
			for i, c := range routesCases {
				if i == 0 || i == len(routesCases)-1 || os.Getenv("LAB_FULL") != "" {
					t.Run(c.name, func(t *testing.T) { c.run(t, l) })
				}
			}
		})
	}
}

func numbered(name string, n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint(name, i))
	}
	return names
}

func (c routesCase) run(t *testing.T, l *lab.Lab) {
	relay := l.World.Relay
	a := c.setUp(relay("ses"), relay("postmark"), relay("sendgrid"), relay("mailgun"))
	if files := write(t, l.Server, a); len(files) == 0 {
		t.Fatal("got nothing written, want the files")
	}
	readBack(t, l.Server)
	if again := write(t, l.Server, a); len(again) != 0 {
		t.Errorf("got %q written by a second run, want nothing", again)
	}
	leftovers(t, l.Server)
	for i, m := range c.mail {
		m.arrives(t, l, i)
	}
}

// arrives sends m and looks at the one session that brought it.
func (m arrival) arrives(t *testing.T, l *lab.Lab, i int) {
	t.Helper()
	to := fmt.Sprintf("ops%d@example.net", i)
	before := map[string]int{}
	for _, id := range []string{"ses", "postmark", "sendgrid", "mailgun"} {
		before[id] = len(l.World.Relay(id).Mailbox())
	}
	l.Server.SendMail(m.from, to, "hello")
	relay := l.World.Relay(m.relay)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := relay.WaitMessage(ctx); err != nil {
		t.Fatalf("mail from %q: got %v, want it at %s\n%s", m.from, err, m.relay, tail(l.Server.MailLog()))
	}
	for id, n := range before {
		want := n
		if id == m.relay {
			want++
		}
		if got := len(l.World.Relay(id).Mailbox()); got != want {
			t.Errorf("mail from %q: got %d new messages at %s, want %d", m.from, got-n, id, want-n)
		}
	}
	box := relay.Mailbox()
	message, username := box[len(box)-1], m.username
	if username == "" {
		username = relay.Username
	}
	session := message.Session
	if len(message.To) != 1 || message.To[0] != to || session.Username != username {
		t.Errorf("%q came as %s to %q with the account %s, want %s", m.from, message.From, message.To, session.Username, username)
	}
	if !session.Authenticated || session.AuthBeforeTLS || !strings.HasSuffix(session.Local, fmt.Sprint(":", m.port)) {
		t.Errorf("mail from %q: got the session %+v, want a login under TLS on port %v", m.from, session, m.port)
	}
}

// leftovers looks for files of ours that nothing names, and for passwords in
// them.
func leftovers(t *testing.T, s *lab.Server) {
	t.Helper()
	configuration := s.Shell("postconf -n; postconf -P")
	for _, path := range strings.Fields(s.Shell("ls /etc/postfix/relayhost_* | grep -vE '[.](db|cdb|lmdb)$'")) {
		if strings.Contains(path, "_passwd_") && !strings.Contains(configuration, path) {
			t.Errorf("got %s, which no setting names, want it removed", path)
		}
	}
	for _, path := range strings.Fields(s.Shell("ls /etc/postfix/*.db /etc/postfix/*.cdb /etc/postfix/*.lmdb 2>/dev/null || true")) {
		s.Shell("test -e " + path[:strings.LastIndexByte(path, '.')])
	}
}

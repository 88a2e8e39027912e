//go:build lab

package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
)

// TestLabAccountsDoNotMix: connections are kept and used again, and yet no
// message goes out under another's account, whether accounts have services of
// their own or share one.
func TestLabAccountsDoNotMix(t *testing.T) {
	t.Parallel()
	users := numbered("user", 60)
	for _, suite := range suites() {
		for name, n := range map[string]int{"services": 3, "by sender": 60} {
			t.Run(string(suite)+"/"+name, func(t *testing.T) {
				l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("ses"), lab.Relay("mailgun", func(c *smtpd.Config) {
					for _, user := range users {
						c.Accounts = append(c.Accounts, smtpd.Account{Username: user, Password: secret.New("pw of " + user)})
					}
				}))
				relay := l.World.Relay("mailgun")
				var routes []any
				for _, user := range users[:n] {
					routes = append(routes, routeTo(user, []string{user + ".example"}, as(relay, user)))
				}
				write(t, l.Server, by(l.World.Relay("ses"), routes...))
				const each = 20
				var script strings.Builder
				for i := range each {
					for _, user := range users[:3] {
						fmt.Fprintf(&script, "echo hello | sendmail -f x@%s.example ops%d@example.net; ", user, i)
					}
				}
				l.Server.Shell(script.String())
				for end := time.Now().Add(time.Minute); len(relay.Mailbox()) < 3*each; time.Sleep(50 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("got %d messages, want %d\n%s", len(relay.Mailbox()), 3*each, tail(l.Server.MailLog()))
					}
				}
				for _, m := range relay.Mailbox() {
					if want := m.Session.Username + ".example"; !strings.HasSuffix(m.From, "@"+want) {
						t.Errorf("mail of %s came with the account %s, want %v at its end", m.From, m.Session.Username, "@"+want)
					}
				}
				if c := relay.Counters(); c.Messages != 3*each || c.Logins >= c.Messages {
					t.Errorf("%d messages, %d log-ins: no connection was used again, want %d", c.Messages, c.Logins, 3*each)
				}
			})
		}
	}
}

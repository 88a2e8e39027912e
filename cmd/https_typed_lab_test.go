//go:build lab

package cmd_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabTypedAPIKey: a key of an API is typed at the terminal, after a wrong paste and
// after a key that the API does not take: each is told, asked for again, and none is on
// the screen. What else an API needs is asked for as well.
func TestLabTypedAPIKey(t *testing.T) {
	t.Parallel()
	l := lab.New(t, append(noPorts(), lab.Postfix(), lab.API("brevo", "api.brevo.com"), lab.API("cloudflare", "api.cloudflare.com"), lab.API("mailgun", "api.mailgun.net"))...)
	s := l.Server
	before := s.Tree(everywhere...)
	for _, row := range []struct {
		relay, host string
		wrong, told string
		from, more  string // the sender, and what is asked beside the key
	}{
		{relay: "brevo", host: "api.brevo.com", wrong: "xsmtpsib-0123456789abcdef", told: "this is the password for SMTP", from: "app@example.com"},
		{relay: "cloudflare", host: "api.cloudflare.com", from: "app@example.com", more: "? Account ID:"},
		{relay: "mailgun", host: "api.mailgun.net", from: "app@mg.example.com"}, // whose domain it is
	} {
		t.Run(row.relay, func(t *testing.T) {
			key := apitest.KeyOf(row.relay)
			refused := strings.Replace(key, "0123456789", "9876543210", 1)
			p := sit(t, l, 80, false, "relayhost", "setup", "--relay", row.relay, "--via", "https", "--to", "ops@example.net")
			asks := func(question string) {
				t.Helper()
				for end := time.Now().Add(40 * time.Second); !strings.HasSuffix(strings.TrimSpace(p.screen.String()), question); time.Sleep(5 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("%q is not asked:\n%s", question, p.screen)
					}
				}
			}
			answer := func(question, text string) {
				t.Helper()
				asks(question)
				p.term.Type(text + "\r")
			}
			if row.relay == "mailgun" {
				p.sees("? Region of Mailgun")
				p.term.Type("\r")
			}
			if row.wrong != "" {
				answer("? API key:", row.wrong)
				p.sees(row.told)
			}
			for _, typed := range []string{refused, key} {
				answer("? API key:", typed)
				if row.more != "" && typed == refused {
					answer(row.more, "acc")
				} else if row.more != "" {
					answer(row.more+" (acc)", "") // as it was given
				}
				if typed == refused {
					answer("? Sender address:", row.from)
					if row.relay == "mailgun" { // which DNS does not know
						p.sees("enter the address again")
						answer("? Sender address:", row.from)
					}
				}
				p.sees("Relay " + row.host + " port 443, verified TLS Account its API key (not shown)")
				answer("? Apply this? [y/N/d]:", "y")
			}
			p.ends(0)
			p.sees("delivered:")
			if screen := flat(p.screen.String()); strings.Contains(screen, key) || strings.Contains(screen, refused) || row.wrong != "" && strings.Contains(screen, row.wrong) {
				t.Errorf("a key is on the screen: got\n%s\nwant none", p.screen)
			}
			if got := len(l.World.API(row.relay).Got()); got != 2 {
				t.Errorf("messages: got %d, want the rehearsal's and the proof's", got)
			}
			if found := s.Run("grep", "-rlF", key, "/etc", "/var/log", "/run").Stdout; found != "" {
				t.Errorf("the key is in %s, want none", found)
			}
			if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Fatalf("rollback: %s", res)
			}
			if d := before.Diff(s.Tree(everywhere...)); d != "" {
				t.Errorf("rollback left differences: got\n%s\nwant none", d)
			}
		})
	}
}

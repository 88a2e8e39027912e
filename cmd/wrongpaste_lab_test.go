//go:build lab

package cmd_test

import (
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/relays"
)

// TestLabWrongPaste pastes what people take for the credentials of a relay at the
// questions for them: each is answered with what it is, and the right one is taken
// then. One relay for each kind of mistake.
func TestLabWrongPaste(t *testing.T) {
	t.Parallel()
	type paste struct{ question, wrong, told string }
	rows := []struct {
		name, relay string
		paste       paste
	}{
		{"account_password", "icloud", paste{"? Password", "Correct-Horse-7", "app-specific password"}},
		{"account_password_for_a_token", "proton", paste{"? Password", "Correct-Horse-7", "SMTP token"}},
		{"key_of_another_service", "gmx", paste{"? Password", "re_0123456789abcdefGHIJ", "has the form of a key of Resend"}},
		{"key_of_the_HTTP_API", "ahasend", paste{"? Password", "aha-sk-0123456789", "HTTP API"}},
		{"key_of_the_account", "cloudflare", paste{"? Password", "0123456789abcdef0123456789abcdef01234", "Global API Key"}},
		{"token_of_the_team", "lettermint", paste{"? Password", "lm_team_0123456789", "token of the team"}},
		{"public_key", "plunk", paste{"? Password", "pk_0123456789abcdef", "public key"}},
		{"login_address", "webde", paste{"? User name", "someone@web.de", "before the @"}},
		{"key_for_the_user_name", "tencent", paste{"? User name", "AKID0123456789abcdef0123456789abcdef", "sender address"}},
	}
	options := []lab.Option{lab.Postfix(), lab.MailExchangers()}
	for _, row := range rows {
		options = append(options, lab.Relay(row.relay))
	}
	l := lab.New(t, options...)
	before := l.Server.Tree("/etc", "/var/lib")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := l.World.Relay(row.relay)
			known, err := relays.Get(row.relay)
			if err != nil {
				t.Fatal(err)
			}
			p := sit(t, l, 80, false, "relayhost", "setup", "--relay", row.relay, "--no-probe", "--port", strconv.Itoa(known.PortOrder()[0]))
			if len(known.Hosts.Regions()) > 0 {
				p.sees(" of " + known.Name)
				p.term.Type("\r")
			}
			right := r.Password
			if row.paste.question == "? User name" {
				right = r.Username
			} else if known.Auth.Username.Fixed == "" {
				p.sees("? User name")
				p.term.Type(r.Username + "\r")
			}
			p.sees(row.paste.question)
			p.term.Type(row.paste.wrong + "\r")
			p.sees(row.paste.told)
			p.term.Type(right + "\r")
			if row.paste.question == "? User name" {
				p.sees("? Password")
			} else {
				p.sees("? Sender address")
			}
			if screen := p.screen.String(); row.paste.question == "? Password" && (strings.Contains(screen, row.paste.wrong) || strings.Contains(screen, right)) {
				t.Errorf("screen: got a password (*** here) in\n%s\nwant none", strings.NewReplacer(row.paste.wrong, "***", right, "***").Replace(screen))
			}
			p.term.Type("\x03")
			p.ends(130)
		})
	}
	if d := before.Diff(l.Server.Tree("/etc", "/var/lib")); d != "" {
		t.Errorf("the host is not as before: got\n%s\nwant none", d)
	}
}

//go:build lab

package cmd_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// mailboxes has two of one tenant, each with a sign-in of its own.
const mailboxes = `version = 1
relay = "m365"
via = "smtp-oauth"
sign_in = "device"
tenant = "contoso.example"
client_id = "` + clientID + `"
from = "` + mailbox + `"
to = "ops@example.net"
credentials_file = "/root/app.txt"

[[route]]
name = "shop"
senders = ["shop@contoso.example"]
relay = "m365"
via = "smtp-oauth"
sign_in = "device"
tenant = "contoso.example"
client_id = "` + clientID + `"
credentials_file = "/root/shop.txt"
`

// TestLabSignInRoutes: of two routes with a mailbox each, mail is sent by its own; a new
// sign-in of one leaves the other's as it is, one of all renews both, and where the first
// fails the second is renewed all the same.
func TestLabSignInRoutes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	by := map[string]string{} // token: mailbox that logged in with it
	l := signInLab(t, lab.Bookworm)
	s, m365, identity := l.Server, l.World.Relay("m365"), l.World.Identity()
	m365.Configure(func(c *smtpd.Config) {
		c.Token = func(user, token string) *smtpd.Reply {
			mu.Lock()
			defer mu.Unlock()
			if had := by[token]; !identity.Valid(token) || had != "" && had != user || user != mailbox && user != "shop@contoso.example" {
				return &smtpd.Reply{Code: 535, Enhanced: "5.7.3", Text: "Authentication unsuccessful"}
			}
			by[token] = user
			return nil
		}
	})
	s.WriteFile("/root/app.txt", "mailbox="+mailbox+"\n", 0o600)
	s.WriteFile("/root/shop.txt", "mailbox=shop@contoso.example\n", 0o600)
	s.WriteFile(answersPath, mailboxes, 0o644)
	before := s.Tree(append(mailConfig, "/var/lib/postfix-relayhost-bridge")...)
	if res := l.Run("/usr/local/bin/relayhost", "setup", "--yes"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	const state = "/var/lib/postfix-relayhost-bridge/"
	names := strings.Fields(s.Shell("cd " + state + " && ls *.state/*.token"))
	if len(names) != 2 {
		t.Fatalf("token stores: got %q, want two", names)
	}
	token := func(name string) string { return s.ReadFile(state + name) }
	renewed := func(args ...string) (changed []string) {
		t.Helper()
		had := map[string]string{}
		for _, name := range names {
			had[name] = token(name)
		}
		if res := l.Run(append([]string{"/usr/local/bin/relayhost", "sign-in"}, args...)...); res.Code != 0 {
			t.Fatalf("sign-in %v: want exit code 0, got %s", args, res)
		}
		for _, name := range names {
			if token(name) != had[name] {
				changed = append(changed, name)
			}
		}
		return changed
	}
	one := renewed("shop")
	if len(one) != 1 {
		t.Errorf("sign-in shop: got new tokens in %q, want one", one)
	}
	if other := renewed("default"); len(other) != 1 || len(one) == 1 && other[0] == one[0] {
		t.Errorf("sign-in default: got new tokens in %q, want one, and not that of %q", other, one)
	}
	if all := renewed(); len(all) != 2 {
		t.Errorf("sign-in: got new tokens in %q, want both", all)
	}
	if res := l.Run("/usr/local/bin/relayhost", "sign-in", "none"); res.Code != 64 || !strings.Contains(res.Stderr, "there is no route none") {
		t.Errorf("sign-in of no route: got %s, want exit code 64", res)
	}

	for n, from := range []string{mailbox, "shop@contoso.example"} {
		s.SendMail(from, fmt.Sprintf("n%d@example.net", n), "hello")
		s.WaitLog(fmt.Sprintf(`to=<n%d@example\.net>.*status=sent`, n))
	}
	for _, session := range m365.Sessions() {
		if session.Messages > 0 && !session.Authenticated {
			t.Errorf("session: got %+v, want a login", session)
		}
	}

	// The first sign-in that is asked for is refused.
	asked := 0
	identity.Answer(func(_ int, r lab.TokenRequest) (int, any) {
		if strings.HasSuffix(r.Path, "/devicecode") {
			if asked++; asked == 1 {
				return http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": "AADSTS90002: Tenant not found."}
			}
		}
		return 0, nil
	})
	had := map[string]string{names[0]: token(names[0]), names[1]: token(names[1])}
	res := l.Run("/usr/local/bin/relayhost", "sign-in")
	if res.Code != 3 || !strings.Contains(res.Stderr, "AADSTS90002") || !strings.Contains(res.Stdout, "signed in as ") {
		t.Errorf("sign-in with one refused: got %s, want exit code 3, the reason, and the other signed in", res)
	}
	changed := 0
	for name, text := range had {
		if token(name) != text {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("sign-in with one refused: got %d new tokens, want 1", changed)
	}
	identity.Answer(nil)
	if res := l.Run("/usr/local/bin/relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(s.Tree(append(mailConfig, "/var/lib/postfix-relayhost-bridge")...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
	}
}

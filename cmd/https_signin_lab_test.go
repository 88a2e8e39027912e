//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestLabSetupGraph: Microsoft Graph by an application and Gmail by a user's sign-in,
// where no port of mail gets out: set up in one command, delivered, verified, and gone
// again without a trace. A token that was revoked is told, and mail waits.
func TestLabSetupGraph(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id, host string
		tokens   lab.Option
		way      way
		flags    []string
	}{
		{"m365", "graph.microsoft.com", lab.TokenEndpoint(), ways()[0], []string{"--region", "world"}},
		{"gmail", "gmail.googleapis.com", lab.GoogleTokens(), way{paste: true, file: "mailbox=app@contoso.example\nclient_id=7-a.apps.googleusercontent.com\nclient_secret=" + clientSecret + "\n"}, nil},
	} {
		t.Run(test.id, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, append(noPorts(), lab.Postfix(), test.tokens, lab.API(test.id, test.host))...)
			srv, service := l.Server, l.World.API(test.id)
			srv.Install()
			service.AcceptToken = l.World.Identity().Valid
			before := srv.Tree(everywhere...)
			test.way.relay = test.id
			res := test.way.setup(l, append(test.flags, "--via", "https")...)
			if res.Code != 0 {
				t.Fatalf("setup: want exit code 0, got %s\n%s", res, srv.MailLog())
			}
			if got := service.Got(); len(got) != 2 || fmt.Sprint(got[1].To) != "[ops@example.net]" {
				t.Errorf("messages: got %d, want the rehearsal's and the proof's", len(got))
			}
			for _, args := range [][]string{{"verify", "--json"}, {"status", "--json"}} {
				if res := l.Run(append([]string{"relayhost"}, args...)...); res.Code != 0 {
					t.Errorf("%v: want exit code 0, got %s", args, res)
				}
			}
			if res := l.Run("relayhost", "setup", "--dry-run", "--detailed-exitcode"); res.Code != 0 {
				t.Errorf("a second setup: got %s, want no difference", res)
			}
			hidesSecrets(t, l)

			l.World.Identity().Revoke()
			l.World.Identity().Answer(func(int, lab.TokenRequest) (int, any) {
				return 400, map[string]any{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
			})
			time.Sleep(3 * time.Second) // until Postfix has closed the connection that it keeps
			srv.Shell("printf 'From: app@contoso.example\\nTo: later@example.net\\n\\nx\\n' | sendmail -i -f app@contoso.example later@example.net")
			srv.WaitLog(`to=<later@example\.net>.*dsn=4\.7\.8, status=deferred`)
			l.World.Identity().Answer(nil)
			again := []string{"relayhost", "sign-in"}
			if test.way.paste {
				again = append([]string{"sh", "-c", paste, "sh"}, again...)
			}
			if res := l.Run(again...); res.Code != 0 {
				t.Fatalf("sign-in: want exit code 0, got %s", res)
			}
			srv.Flush()
			srv.WaitLog(`to=<later@example\.net>.*status=sent`)

			if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Fatalf("rollback: want exit code 0, got %s", res)
			}
			if d := before.Diff(srv.Tree(everywhere...)); d != "" {
				t.Errorf("rollback left differences: got\n%s\nwant none", d)
			}
			if log := srv.MailLog(); strings.Contains(log, "status=bounced") || strings.Contains(log, "fatal:") {
				t.Errorf("log: got\n%s\nwant neither a bounce nor fatal", log)
			}
		})
	}
}

//go:build lab

package cmd_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// complaints are the lines of a mail log that tell of something wrong.
var complaints = regexp.MustCompile(`(?m)^.*: (warning|error|fatal|panic): .*$`)

// TestLabQuiet: nothing complains in the log while all goes well: in that of a demo, and
// in the server's own during setup, mail and verify, by SMTP and by a bridge. LAB_FULL has
// every release.
func TestLabQuiet(t *testing.T) {
	t.Parallel()
	suites := []lab.Suite{lab.Trixie}
	if fullTable() {
		suites = []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
	}
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Cloud("aws"), lab.API("ses", "email.eu-west-1.amazonaws.com"), lab.Relay("ses"))
			s := l.Server
			run := func(args ...string) {
				t.Helper()
				if res := l.Run(args...); res.Code != 0 {
					t.Fatalf("%v: want exit code 0, got %s\n%s", args, res, s.MailLog())
				}
			}
			run("relayhost", "demo", "--keep")
			demo := s.Shell("cat /run/relayhost-demo-*/postfix/log/mail.log; rm -r /run/relayhost-demo-*")
			if got := complaints.FindAllString(demo, -1); got != nil || demo == "" {
				t.Errorf("demo: the log of %d bytes complains: got %q, want nothing", len(demo), got)
			}
			credentials(l, "ses", five[0].host)
			for _, via := range []string{"smtp", "https"} {
				if via == "smtp" {
					run(setupArgs(five[0])...)
				} else {
					run("relayhost", "setup", "--via", "https", "--yes", "--json")
				}
				for _, to := range []string{"a@example.net", "b@example.net"} {
					s.SendMail("root@host.example.com", via+to, "hello")
					s.WaitLog("to=<" + via + to + ">, .*status=sent")
				}
				run("relayhost", "verify", "--json")
			}
			run("relayhost", "rollback", "--all", "--yes")
			got := complaints.FindAllString(s.MailLog(), -1)
			got = slices.DeleteFunc(got, func(line string) bool { // of the cache that Debian's own main.cf names
				return strings.Contains(line, "postfix/tlsmgr[") && (strings.Contains(line, "smtp_scache: hash/btree support is deprecated") || strings.Contains(line, "NON_BERKELEYDB_README"))
			})
			if len(got) > 0 {
				t.Errorf("the log complains: got %q, want nothing", got)
			}
		})
	}
}

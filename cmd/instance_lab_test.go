//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabInstances sets up the second instance of a server with two, and leaves
// the first alone (postmulti(1)).
func TestLabInstances(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.On(suite), lab.Systemd(), lab.Relay("sendgrid"), lab.API("mailgun", "api.mailgun.net"))
			s := l.Server
			credentials(l, "sendgrid", "")
			s.WriteFile("/root/mailgun.txt", "api_key="+apitest.KeyOf("mailgun")+"\ndomain=mg.example.com\n", 0o600)
			s.Shell(`postmulti -e init && postmulti -I postfix-out -e create &&
				postmulti -i postfix-out -x postconf -e inet_interfaces=loopback-only master_service_disable= syslog_name=postfix-out && postmulti -i postfix-out -x postconf -e alias_maps= alias_database= &&
				sed -i 's/^smtp  *inet/#&/' /etc/postfix-out/master.cf && postmulti -i postfix-out -e enable && systemctl daemon-reload && systemctl restart postfix`)
			trees := []string{"/etc/postfix", "/etc/postfix-out", "/etc/relayhost", "/var/lib/postfix-relayhost-bridge"}
			first, both := s.Tree("/etc/postfix"), s.Tree(trees...)
			dir := []string{"--config-dir", "/etc/postfix-out"}
			run := func(args ...string) lab.Result { return l.Run(append(args, dir...)...) }

			if res := l.Run(append(setupArgs(five[1]), "--dry-run")...); !strings.Contains(res.Stdout, "/etc/postfix-out") {
				t.Errorf("the first instance is taken, and the second not named: want %q in stdout, got %s", "/etc/postfix-out", res)
			}
			type row struct {
				stop string
				args []string
			}
			rows := []row{{"true", setupArgs(five[1])}, {"postmulti -i postfix-out -p stop", setupArgs(five[1])}}
			if fullTable() {
				rows = append(rows, row{"true # by a bridge", []string{"relayhost", "setup", "--relay", "mailgun", "--via", "https", "--from", "app@example.com", "--to", "ops@example.net",
					"--credentials-file", "/root/mailgun.txt", "--yes", "--json"}})
			}
			for _, row := range rows {
				stop := row.stop
				s.Shell(stop)
				res := run(row.args...)
				if res.Code != 0 || decode[setupResult](t, res).Verification.Findings[0].Result != "pass" {
					t.Fatalf("%s: setup: want exit code 0 and the result %q of the proof, got %s\n%s", stop, "pass", res, s.Shell("postmulti -l; systemctl --no-pager status postfix@postfix-out || true; journalctl --no-pager -n 60"))
				}
				if d := first.Diff(s.Tree("/etc/postfix")); d != "" {
					t.Errorf("%s: the first instance has changed: got\n%s\nwant none", stop, d)
				}
				if state := s.Run("sh", "-c", "systemctl is-active 'postfix@*out.service'"); state.Code != 0 {
					t.Errorf("%s: the unit of the instance: want exit code 0, got %s", stop, state)
				}
				for _, args := range [][]string{{"relayhost", "verify"}, {"relayhost", "status"}} {
					if res := run(args...); res.Code != 0 {
						t.Errorf("%s: want exit code 0, got %s", stop, res)
					}
				}
				if res := run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
					t.Errorf("%s: rollback: want exit code 0, got %s", stop, res)
				}
				if d := both.Diff(s.Tree(trees...)); d != "" {
					t.Errorf("%s: rolled back, but: got\n%s\nwant none", stop, d)
				}
				if res := s.Run("postfix", "-c", "/etc/postfix-out", "status"); res.Code != 0 {
					t.Errorf("%s: the instance: want exit code 0, got %s", stop, res)
				}
			}
		})
	}
}

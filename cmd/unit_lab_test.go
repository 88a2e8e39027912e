//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// realUnit is the systemd unit that Postfix runs in: on Debian 9 to 12
// postfix.service does nothing, and is active whatever becomes of Postfix.
func realUnit(l *lab.Lab) string {
	if l.Server.Run("systemctl", "is-active", "postfix@-.service").Code == 0 {
		return "postfix@-.service"
	}
	return "postfix.service"
}

// TestLabUnit: a Postfix that is stopped, in whatever way, is started by the
// unit that it belongs to.
func TestLabUnit(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.On(suite), lab.Systemd(), lab.Relay("sendgrid"))
			s := l.Server
			credentials(l, "sendgrid", "")
			unit := realUnit(l)
			before := s.Tree(mailConfig...)
			for _, stop := range []string{"systemctl stop postfix", "systemctl stop " + unit, "postfix stop", "systemctl kill --kill-who=all -s KILL " + unit} {
				t.Run(stop, func(t *testing.T) {
					s.Shell(stop)
					for i := 0; s.Run("postfix", "status").Code == 0; i++ {
						if i == 100 {
							t.Fatalf("Postfix runs, want it stopped")
						}
					}
					if res := l.Run("relayhost", "status", "--json"); !strings.Contains(res.Stdout, `"running": false`) {
						t.Errorf("status: want %q in stdout, got %s", `"running": false`, res)
					}
					res := l.Run(setupArgs(five[1])...)
					if res.Code != 0 {
						t.Errorf("setup: want exit code 0, got %s\n%s", res, s.Shell("systemctl status --no-pager "+unit+" postfix || true; journalctl --no-pager -n 50"))
						s.Shell("systemctl restart postfix")
						return
					}
					if state := strings.TrimSpace(s.Shell("systemctl is-active " + unit + " || true")); state != "active" {
						t.Errorf("after setup %s is %s, want %q", unit, state, "active")
					}
					if res := l.Run("relayhost", "status", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, `"running": true`) {
						t.Errorf("status: want exit code 0 and %q in stdout, got %s", `"running": true`, res)
					}
					if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 || s.Run("postfix", "status").Code != 0 {
						t.Errorf("rollback: want exit code 0 and a Postfix that runs, got %s", res)
					}
					if d := before.Diff(s.Tree(mailConfig...)); d != "" {
						t.Errorf("rolled back, but: got\n%s\nwant none", d)
					}
				})
			}
		})
	}
}

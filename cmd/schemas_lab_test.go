//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabSchemas runs every command with --json through the life of a server and
// holds each document against its schema.
func TestLabSchemas(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo"), lab.Relay("ses"))
	s := l.Server
	credentials(l, "brevo", "")
	set := func(more ...string) []string {
		return append(setupArgs(five[5], "--port", "587", "--no-probe")[1:], more...)
	}
	documents := 0
	run := func(code int, args ...string) string {
		t.Helper()
		if args[len(args)-1] != "--json" {
			args = append(args, "--json")
		}
		res := l.Run(append([]string{"relayhost"}, args...)...)
		if res.Code != code {
			t.Errorf("%s: want exit code %d, got %s", strings.Join(args, " "), code, res)
		}
		valid(t, args[0], res.Stdout)
		documents++
		return res.Stdout
	}

	// Before.
	run(0, "version")
	run(0, "relays")
	run(0, "relays", "ses")
	run(0, "hosts")
	run(0, "hosts", "vultr")
	run(0, "unblock", "--host", "hetzner", "--domain", "example.com")
	run(0, "unblock")
	run(0, "detect", "--relay", "ses", "--region", "eu-west-1")
	run(0, "detect", "--no-probe")
	run(0, "detect", "--relay", "brevo", "--target", "nobody.invalid")
	run(0, "status")
	run(3, "verify", "--no-send")
	run(0, "rollback", "--list")
	run(0, "rollback", "--yes")
	run(0, "explain", "535 Authentication Credentials Invalid")
	run(5, "explain", "nobody has ever seen this")

	// Refused, shown, done, done again.
	run(64, "setup", "--relay", "sengrid", "--from", "app@example.com", "--yes")
	run(64, set("--from", "app@exa mple.com")...)
	run(0, set("--dry-run")...)
	run(2, set("--dry-run", "--detailed-exitcode")...)
	if out := run(0, set()...); !strings.Contains(out, `"applied"`) {
		t.Errorf("not applied: got %s, want %q in it", out, `"applied"`)
	}
	run(0, "setup", "--yes")
	run(0, "verify")
	run(0, "verify", "--offline")
	run(0, "verify", "--blocklists", "--no-send")
	run(0, "status")
	valid(t, "status", s.RunAs(1000, "relayhost", "status", "--json").Stdout)
	run(0, "rollback", "--list")

	// In trouble: the account is closed, mail waits, and somebody has been here.
	s.WriteFile("/root/wrong", "username="+l.World.Relay("brevo").Username+"\npassword=xsmtpsib-"+strings.Repeat("0", 64)+"-AAAAAAAAAAAAAAAA\n", 0o600)
	run(3, set("--credentials-file", "/root/wrong")...)
	l.World.Block(587, lab.Dropped, lab.Both)
	s.Shell("postconf -e default_transport=relayhost-brevo:[127.0.0.1]:9")
	s.SendMail("root", "someone@elsewhere.example", "hello")
	run(2, "status")
	run(3, "verify", "--no-send")
	run(0, "explain")

	run(0, "rollback", "--all", "--yes", "--force")
	run(0, "status")
	if documents < 33 {
		t.Errorf("got %d documents only, want at least 33", documents)
	}
}

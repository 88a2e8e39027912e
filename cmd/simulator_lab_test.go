//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/verify"
)

// TestLabSimulator: a message to the service's own simulator proves less, and
// setup says so as verify does.
func TestLabSimulator(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("ses"))
	credentials(l, "ses", five[0].host)
	const to = "success@simulator.amazonses.com"
	warned := func(who string, r *verify.Report) verify.Finding {
		t.Helper()
		if r == nil || r.Result != verify.Warn {
			t.Fatalf("%s: got %+v, want a report with the result %q", who, r, verify.Warn)
		}
		for _, f := range r.Findings {
			if f.Check == "delivery" {
				if f.Result != verify.Warn || f.Cause != "simulator" || f.Remedy == "" || !strings.Contains(f.Detail, "sandbox") {
					t.Errorf("%s: got %+v, want a warning with the cause %q, a remedy and %q in its detail", who, f, "simulator", "sandbox")
				}
				return f
			}
		}
		t.Fatalf("%s: want a finding on the delivery, got %+v", who, r)
		return verify.Finding{}
	}
	res := l.Run(setupArgs(five[0], "--to", to)...)
	doc := decode[struct {
		Result       string
		Verification *verify.Report
	}](t, res)
	if res.Code != 0 || doc.Result != "applied" {
		t.Fatalf("setup: want exit code 0 and the result %q, got %s\n%s", "applied", res, l.Server.MailLog())
	}
	bySetup := warned("setup", doc.Verification)
	res = l.Run("relayhost", "verify", "--json")
	report := decode[verify.Report](t, res)
	if byVerify := warned("verify", &report); res.Code != 0 || byVerify.Remedy != bySetup.Remedy {
		t.Errorf("got by verify %+v, want exit code 0 and the remedy of setup in %+v", byVerify, bySetup)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	var args []string
	for _, arg := range setupArgs(five[0], "--to", to) {
		if arg != "--json" {
			args = append(args, arg)
		}
	}
	res = l.Run(args...)
	if res.Code != 0 || !strings.Contains(res.Stdout, "the relay's own test address does not show that a real recipient gets the mail") ||
		!strings.Contains(res.Stdout, "relayhost verify --to app@example.com") || strings.Contains(res.Stdout, "in the mailbox of "+to) {
		t.Errorf("want exit code 0, %q and %q in stdout and no %q in stdout, got %s", "the relay's own test address does not show that a real recipient gets the mail", "relayhost verify --to app@example.com", "in the mailbox of "+to, res)
	}
}

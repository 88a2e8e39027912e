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
			t.Fatalf("%s: got %+v, want an error", who, r)
		}
		for _, f := range r.Findings {
			if f.Check == "delivery" {
				if f.Result != verify.Warn || f.Cause != "simulator" || f.Remedy == "" || !strings.Contains(f.Detail, "sandbox") {
					t.Errorf("%s: %+v", who, f)
				}
				return f
			}
		}
		t.Fatalf("%s: no delivery in %+v", who, r)
		return verify.Finding{}
	}
	res := l.Run(setupArgs(five[0], "--to", to)...)
	doc := decode[struct {
		Result       string
		Verification *verify.Report
	}](t, res)
	if res.Code != 0 || doc.Result != "applied" {
		t.Fatalf("setup: %s\n%s", res, l.Server.MailLog())
	}
	bySetup := warned("setup", doc.Verification)
	res = l.Run("relayhost", "verify", "--json")
	report := decode[verify.Report](t, res)
	if byVerify := warned("verify", &report); res.Code != 0 || byVerify.Remedy != bySetup.Remedy {
		t.Errorf("setup says %+v, verify %+v", bySetup, byVerify)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: %s", res)
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
		t.Errorf("%s", res)
	}
}

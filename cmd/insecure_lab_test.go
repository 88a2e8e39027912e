//go:build lab

package cmd_test

import (
	"slices"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
)

// TestLabCertificateNotVerified: what is asked for in plain words is done, by
// Postfix alone, and stays when the password is changed with the port left to
// setup.
func TestLabCertificateNotVerified(t *testing.T) {
	t.Parallel()
	const name = "smtp.postmarkapp.com"
	l := newLab(t, lab.Relay("postmark", func(c *smtpd.Config) {
		cert, err := smtpd.SelfSigned(name)
		if err != nil {
			t.Fatal(err)
		}
		c.TLS = smtpd.ServerTLS(cert)
	}))
	credentials(l, "postmark", "")
	unchangedAfter(t, l, 3, setupArgs(five[4])...)
	for _, args := range [][]string{
		setupArgs(five[4], "--insecure-no-verify-certificate"),
		setupArgs(five[4], "--from", "other@example.com"),
	} {
		res := l.Run(args...)
		if res.Code != 0 {
			t.Fatalf("want exit code 0, got %s", res)
		}
	}
	if n := len(l.World.Relay("postmark").Mailbox()); n != 4 {
		t.Errorf("%d messages, want 4: rehearsal and proof of both", n)
	}
	res := l.Run("relayhost", "verify", "--json")
	if report := decode[verify.Report](t, res); res.Code != 0 || !slices.ContainsFunc(report.Findings, func(f verify.Finding) bool {
		return f.Check == "tls" && f.Result == verify.Warn && f.Cause == "certificate_not_verified"
	}) {
		t.Errorf("verify: want exit code 0 and the warning %q, got %s", "certificate_not_verified", res)
	}
}

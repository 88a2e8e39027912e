//go:build lab

package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/lab"
	"relayhost/internal/verify"
)

// TestLabHostsFile: a relay whose name is in /etc/hosts alone is looked up by detect, relays,
// verify and setup as by Postfix itself, and each says why there is none.
func TestLabHostsFile(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("ses"))
	credentials(l, "ses", five[0].host)
	if res := l.Run(setupArgs(five[0])...); res.Code != 0 {
		t.Fatalf("want exit code 0, got %s", res)
	}
	hosts := l.Server.ReadFile("/etc/hosts")
	for _, addr := range l.World.Relay("ses").Hosts[0].Addrs {
		hosts += fmt.Sprintf("%s %s\n", addr, five[0].host)
	}
	l.Server.WriteFile("/etc/hosts", hosts, 0o644)
	l.World.DNS.Delete(five[0].host)

	const reason = "is in /etc/hosts only, and Postfix asks DNS (smtp_host_lookup = dns)"
	ports := func() []detect.Submission {
		t.Helper()
		return decode[detect.Facts](t, l.Run("relayhost", "detect", "--relay", "ses", "--region", "eu-west-1", "--json")).Submission
	}
	for _, p := range ports() {
		if p.Result != string(detect.DNSFailed) || !strings.Contains(p.Detail, reason) {
			t.Errorf("detect, port %d: got %s (%s), want %s with %q", p.Port, p.Result, p.Detail, detect.DNSFailed, reason)
		}
	}
	res := l.Run("relayhost", "verify", "--json")
	if f := decode[verify.Report](t, res).Findings; !slices.ContainsFunc(f, func(f verify.Finding) bool {
		return f.Check == "dns" && f.Result == verify.Fail && strings.Contains(f.Detail, reason) && strings.Contains(f.Command, "dns, native")
	}) || !slices.ContainsFunc(f, func(f verify.Finding) bool { return f.Check == "delivery" && f.Cause == "dns_nxdomain" }) {
		t.Errorf("verify: got %s\nwant a failed dns with %q, and no delivery by Postfix itself", res, reason)
	}
	for _, args := range [][]string{setupArgs(five[0]), setupArgs(five[0], "--port", "587")} {
		if res := l.Run(args...); res.Code == 0 || !strings.Contains(res.String(), reason) {
			t.Errorf("%q: got %s\nwant a failure with %q", args, res, reason)
		}
	}

	l.Server.Shell("postconf -e 'smtp_host_lookup = dns, native' && postfix reload")
	for _, p := range ports() {
		if p.Port != 25 && p.Result != string(detect.Open) {
			t.Errorf("detect with /etc/hosts, port %d: got %s (%s), want it open", p.Port, p.Result, p.Detail)
		}
	}
	if res := l.Run("relayhost", "verify", "--json"); res.Code != 0 {
		t.Errorf("verify with /etc/hosts: got %s, want exit code 0", res)
	}
}

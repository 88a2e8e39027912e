//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/verify"
)

// TestLabVerifyManners: verify suits cron (no word while all is well), touches
// nothing, sends what it is told to and no more, and its commands work when they
// are pasted.
func TestLabVerifyManners(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("ses"))
	s, ses := l.Server, l.World.Relay("ses")
	credentials(l, "ses", five[0].host)
	l.World.DNS.Set("example.com", "TXT", "v=spf1 include:amazonses.com ~all")
	l.World.DNS.Set("_dmarc.example.com", "TXT", "v=DMARC1; p=none")
	if res := l.Run(setupArgs(five[0])...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	report := func(code int, args ...string) verify.Report {
		t.Helper()
		res := l.Run(append([]string{"relayhost", "verify", "--json"}, args...)...)
		if res.Code != code {
			t.Fatalf("%q: want exit code %d, got %s", args, code, res)
		}
		return decode[verify.Report](t, res)
	}
	found := func(r verify.Report, check string) (f verify.Finding) {
		for _, f = range r.Findings {
			if f.Check == check {
				return f
			}
		}
		t.Errorf("got no finding on %s, want one", check)
		return verify.Finding{}
	}

	// All is well: not a word, and nothing is changed.
	folders := []string{"/etc", "/usr/local"}
	before, sent := s.Tree(folders...), len(ses.Mailbox())
	if res := l.Run("relayhost", "verify"); res.Code != 0 || res.Stdout+res.Stderr != "" {
		t.Errorf("all is well, and it says: want exit code 0 and no output, got %s", res)
	}
	if d := before.Diff(s.Tree(folders...)); d != "" {
		t.Errorf("verify has changed: got\n%s\nwant none", d)
	}
	box := ses.Mailbox()
	if len(box) != sent+1 {
		t.Errorf("got %d messages, want 1", len(box)-sent)
	} else if to := strings.Join(box[sent].To, " "); to != "app@example.com" {
		t.Errorf("got a message to %q, want it to %q: without --to the sender gets it", to, "app@example.com")
	}
	if res := l.Run("relayhost", "verify", "--verbose"); res.Code != 0 || !strings.HasSuffix(res.Stdout, "result: pass\n") {
		t.Errorf("--verbose: want exit code 0 and %q at the end of stdout, got %s", "result: pass\n", res)
	}

	// Several at once are as quiet, and each finds its own message.
	sent = len(ses.Mailbox())
	if res := l.Run("sh", "-c", "for i in 1 2 3 4 5; do relayhost verify & done; wait"); res.Stdout+res.Stderr != "" {
		t.Errorf("several at once: want no output, got %s", res)
	}
	if n := len(ses.Mailbox()) - sent; n != 5 {
		t.Errorf("five at once have sent %d messages, want 5", n)
	}

	r := report(0, "--to", "you@example.net")
	if f := found(r, "delivery"); !strings.Contains(f.Detail, "not tested: whether the account may send to everybody, suppression lists, the inbox") {
		t.Errorf("got %+v, want %q in the detail", f, "not tested: whether the account may send to everybody, suppression lists, the inbox")
	}
	if f := found(r, "dns"); !strings.Contains(f.Detail, "1 IPv4 address and 1 IPv6 address") {
		t.Errorf("got %+v, want %q in the detail", f, "1 IPv4 address and 1 IPv6 address")
	}
	box = ses.Mailbox()
	if to := strings.Join(box[len(box)-1].To, " "); to != "you@example.net" {
		t.Errorf("sent to %q, want %q", to, "you@example.net")
	}

	sent = len(box)
	s.ResetTraffic()
	report(0, "--offline")
	if got := s.Traffic(); got.Attempts() != 0 || got.DNSQueries != 0 {
		t.Errorf("--offline: got %+v, want no connection and no question to DNS", got)
	}
	report(0, "--no-send")
	if n := len(ses.Mailbox()) - sent; n != 0 {
		t.Errorf("--no-send has sent %d messages, want 0", n)
	}

	// The port in use is dead: the command that it gives works as it stands.
	l.World.Block(587, lab.Reset, lab.Both)
	f := found(report(3, "--no-send"), "connect")
	if !strings.HasPrefix(f.Command, "relayhost setup --port ") || !strings.Contains(f.Remedy, "465") {
		t.Fatalf("got %+v, want the command %q and %q in the remedy", f, "relayhost setup --port ", "465")
	}
	if res := l.Run("sh", "-c", f.Command+" --yes"); res.Code != 0 {
		t.Errorf("%s: want exit code 0, got %s\n%s", f.Command, res, s.MailLog())
	}
	report(0)

	// A relay for everybody.
	s.Shell("postconf -e inet_interfaces=all mynetworks=0.0.0.0/0")
	if f := found(report(3, "--offline"), "relay_access"); f.Result != verify.Fail || f.Cause == "" || f.Remedy == "" {
		t.Errorf("got %+v, want a failure with cause and remedy", f)
	}
}

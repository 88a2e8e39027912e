//go:build lab

package cmd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestLabMistakesAsJSON: --json gives one document on every error, mistakes in
// the flags too.
func TestLabMistakesAsJSON(t *testing.T) {
	t.Parallel()
	l := lab.New(t)
	for _, args := range [][]string{
		{"setup", "--nope", "--json"}, {"--json", "setup", "extra"}, {"setup", "--relay", "ses", "--smarthost", "x", "--json"},
		{"detect", "--relay", "nope", "--json"}, {"relays", "nope", "--json"}, {"hosts", "nope", "--json"},
		{"unblock", "--host", "nope", "--json"}, {"nope", "--json"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			res := l.Run(append([]string{"relayhost"}, args...)...)
			doc := decode[setupResult](t, res)
			if res.Code != 64 || doc.Version != 1 || doc.Result != "failed" || doc.Error == "" || !strings.Contains(res.Stderr, "error:") {
				t.Errorf("%q: want exit code 64, version 1, the result %q, an error and %q in stderr, got %s", args, "failed", "error:", res)
			}
		})
	}
}

// TestLabTooOld: a Postfix without what the setup is made of is refused before
// anything else, in one line. mail_version may be set in main.cf.
func TestLabTooOld(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("postmark"))
	credentials(l, "postmark", "")
	l.Server.Shell("echo 'mail_version = 3.3.22' >> /etc/postfix/main.cf")
	res := unchangedAfter(t, l, 1, remove(setupArgs(five[4]), "--json")...)
	if want := "error: Postfix 3.3 is too old\n"; !strings.Contains(res.Stderr, want) || !strings.Contains(res.Stderr, "hint: relayhost needs Postfix 3.4 or later") {
		t.Errorf("got %q, want %q and a hint", res.Stderr, want)
	}
	if res := l.Run("relayhost", "setup", "--dry-run", "--relay", "postmark", "--from", "app@example.com", "--port", "587", "--no-probe"); res.Code != 1 {
		t.Errorf("want exit code 1, got %s", res)
	}
}

// TestLabToldRight: what is said at the end of a run is what is.
func TestLabToldRight(t *testing.T) {
	t.Parallel()
	t.Run("kept", func(t *testing.T) {
		t.Parallel()
		taken := 0
		l := newLab(t, lab.Relay("postmark", func(c *smtpd.Config) {
			c.Message = func(smtpd.Envelope) *smtpd.Reply {
				if taken++; taken > 1 {
					return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
				}
				return nil
			}
		}))
		credentials(l, "postmark", "")
		res := l.Run(append(remove(setupArgs(five[4]), "--json"), "--keep-on-failure")...)
		if res.Code != 3 || !strings.Contains(res.Stderr, "was kept") || strings.Contains(res.Stderr, "this server: unchanged") {
			t.Errorf("want exit code 3, %q in stderr and no %q in stderr, got %s", "was kept", "this server: unchanged", res)
		}
		list := l.Server.RunAs(1000, "relayhost", "rollback", "--list")
		if list.Code != 1 || !strings.Contains(list.Stderr, "sudo") {
			t.Errorf("rollback --list as any user: want exit code 1 and %q in stderr, got %s", "sudo", list)
		}
		verify := l.Server.RunAs(1000, "relayhost", "verify", "--no-send", "--json")
		var doc struct {
			Findings []struct{ Check, Detail string }
		}
		if err := json.Unmarshal([]byte(verify.Stdout), &doc); err != nil {
			t.Fatal(err)
		}
		for _, f := range doc.Findings {
			if (f.Check == "drift" || f.Check == "auth") && !strings.Contains(f.Detail, "by root") {
				t.Errorf("%s as any user: got %s, want %q in it", f.Check, f.Detail, "by root")
			}
		}
	})
	t.Run("no_log", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.NoLog(), lab.Relay("postmark"))
		// With keys twice in main.cf no log is made for the proof either.
		l.Server.Shell("printf 'mail_name = Other\nmail_name = Postfix\n' >> /etc/postfix/main.cf")
		credentials(l, "postmark", "")
		res := l.Run(remove(setupArgs(five[4]), "--json")...)
		if res.Code != 0 || !strings.Contains(res.Stdout, "no log shows where it went") || strings.Contains(res.Stdout, "delivered:") {
			t.Errorf("want exit code 0, %q in stdout and no %q in stdout, got %s", "no log shows where it went", "delivered:", res)
		}
	})
	t.Run("no_ipv6", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.NoRoute6(), lab.Relay("postmark"), lab.Port(587, lab.Dropped, lab.Both))
		credentials(l, "postmark", "")
		doc := decode[setupResult](t, unchangedAfter(t, l, 3, setupArgs(five[4], "--port", "587", "--no-probe")...))
		if f := doc.Verification.Findings; len(f) != 1 || f[0].Cause != "net_timeout" {
			t.Errorf("got %+v, want one finding, with the cause %q", doc, "net_timeout")
		}
	})
	t.Run("unknown_name", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("ses"))
		credentials(l, "ses", five[0].host)
		doc := decode[setupResult](t, unchangedAfter(t, l, 3, setupArgs(service{id: "ses", region: "eu-west-9"})...))
		if !strings.Contains(doc.Error, "does not exist") || !strings.Contains(doc.Hint, "region") {
			t.Errorf("got %+v, want %q in the error and %q in the hint", doc, "does not exist", "region")
		}
	})
	t.Run("smarthost_after_a_service", func(t *testing.T) {
		t.Parallel()
		open := func(c *smtpd.Config) { c.NoAuth, c.Accounts, c.Mechanisms = true, nil, []string{} }
		l := newLab(t, lab.Relay("postmark"), lab.RelayAt([]string{"mx.corp.example"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}, open))
		credentials(l, "postmark", "")
		if res := l.Run(setupArgs(five[4])...); res.Code != 0 {
			t.Fatalf("want exit code 0, got %s", res)
		}
		if res := l.Run("relayhost", "setup", "--smarthost", "mx.corp.example", "--port", "587", "--yes", "--json"); res.Code != 0 {
			t.Errorf("want exit code 0, got %s", res)
		}
		if box := l.World.Relay(relays.SmarthostID).Mailbox(); len(box) != 2 {
			t.Errorf("%d messages came, want 2", len(box))
		}
	})
}

// TestLabExplainWithoutInput: an empty standard input, as ssh gives it, means
// this host's own log.
func TestLabExplainWithoutInput(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.Server.SendMail("root", "customer@gmail.com", "an invoice")
	l.Server.WaitLog(`status=deferred`)
	res := l.Server.RunInput("", "relayhost", "explain", "--json")
	var doc struct{ Lines int }
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil || doc.Lines == 0 {
		t.Errorf("want a document with lines in it, got the error %v of %s", err, res)
	}
}

// TestLabExplainUnread: of a log that may not be read nothing good is said.
func TestLabExplainUnread(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.Run("relayhost", "version") // from now on the program is there
	l.Server.Shell("chmod 600 /var/log/mail.log")
	if res := l.Server.RunAs(1000, "sh", "-c", "relayhost explain </dev/null"); res.Code != 1 || res.Stdout != "" || !strings.Contains(res.Stderr, "the mail log cannot be read") {
		t.Errorf("want exit code 1, empty stdout and %q in stderr, got %s", "the mail log cannot be read", res)
	}
	// What the queue tells is shown.
	l.Server.SendMail("root", "customer@gmail.com", "an invoice")
	l.Server.WaitLog(`status=deferred`)
	if res := l.Server.RunAs(1000, "sh", "-c", "relayhost explain </dev/null"); res.Code != 0 || !strings.Contains(res.Stdout, "delayed") || !strings.Contains(res.Stderr, "the mail log cannot be read") {
		t.Errorf("want exit code 0, %q in stdout and %q in stderr, got %s", "delayed", "the mail log cannot be read", res)
	}
}

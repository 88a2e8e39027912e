//go:build lab

package cmd_test

import (
	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"strings"
	"testing"
)

// unchangedAfter runs a command that must fail with the code and leave the
// mail configuration as it was. It returns what the command printed.
func unchangedAfter(t *testing.T, l *lab.Lab, code int, args ...string) lab.Result {
	t.Helper()
	before := l.Server.Tree(mailConfig...)
	queue := l.Server.Queue()
	res := l.Run(args...)
	if res.Code != code {
		t.Fatalf("exit code %d, want %d\n%s\n%s", res.Code, code, res, l.Server.MailLog())
	}
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("the host is not as before: got\n%s\nwant none", d)
	}
	if q := l.Server.Queue(); q != queue {
		t.Errorf("the queue is not as before: got\n%s\nwant\n%s", q, queue)
	}
	return res
}

// TestLabHostileRelay: a relay that cannot be verified gets no credentials and
// no mail.
func TestLabHostileRelay(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T) func(*smtpd.Config){
		"self_signed": func(t *testing.T) func(*smtpd.Config) {
			return func(c *smtpd.Config) {
				cert, err := smtpd.SelfSigned("smtp.sendgrid.net")
				if err != nil {
					t.Fatal(err)
				}
				c.TLS = smtpd.ServerTLS(cert)
			}
		},
		"no_starttls": func(*testing.T) func(*smtpd.Config) {
			return func(c *smtpd.Config) { c.NoSTARTTLS, c.AuthWithoutTLS = true, true }
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Relay("sendgrid", change(t)))
			credentials(l, "sendgrid", "smtp.sendgrid.net")
			for _, more := range [][]string{{"--port", "587"}, {"--port", "587", "--no-probe"}} {
				t.Run(strings.Join(more, " "), func(t *testing.T) {
					res := unchangedAfter(t, l, 3, setupArgs(five[1], more...)...)
					doc := decode[setupResult](t, res)
					if doc.Result != "failed" || doc.Error == "" {
						t.Errorf("setup: got %+v, want the result %q and an error", doc, "failed")
					}
				})
			}
			assertNothingSent(t, l, "sendgrid")
		})
	}
	t.Run("wrong_name", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Relay("sendgrid"), lab.Relay("brevo"))
		// Mail for SendGrid ends at a server that can show Brevo's
		// certificate only.
		l.World.DNS.Host("smtp.sendgrid.net.", l.World.Relay("brevo").Hosts[0].Addrs...)
		credentials(l, "sendgrid", "smtp.sendgrid.net")
		unchangedAfter(t, l, 3, setupArgs(five[1])...)
		assertNothingSent(t, l, "brevo")
	})
}

func assertNothingSent(t *testing.T, l *lab.Lab, id string) {
	t.Helper()
	for _, s := range l.World.Relay(id).Sessions() {
		if len(s.Mechanisms) > 0 || s.Username != "" || s.AuthBeforeTLS || s.Messages > 0 {
			t.Errorf("an unverified connection: got %+v, want no AUTH and no message on it", s)
		}
	}
}

func TestLabWrongPassword(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo"))
	l.Server.WriteFile("/root/credentials", "username="+l.World.Relay("brevo").Username+"\npassword=xsmtpsib-"+strings.Repeat("0", 64)+"-AAAAAAAAAAAAAAAA\n", 0o600)
	// The log of a Postfix that has just started comes late.
	log := l.Server.WaitLog(`(?s)(.*daemon started -- version .*\n)`)
	res := unchangedAfter(t, l, 3, setupArgs(five[5])...)
	doc := decode[setupResult](t, res)
	if !strings.Contains(doc.Error, "535") || doc.Hint == "" {
		t.Errorf("got %+v, want %q in the error, and a hint", doc, "535")
	}
	if after := l.Server.MailLog(); after != log {
		t.Errorf("the log of the server's Postfix: got these lines, want none:\n%s", strings.TrimPrefix(after, log))
	}
	attempts := 0
	for _, s := range l.World.Relay("brevo").Sessions() {
		attempts += len(s.Mechanisms)
	}
	if attempts != 1 {
		t.Errorf("%d log-ins were tried, want 1: repeated ones lock accounts", attempts)
	}
}

// TestLabLiveProofFails: probe and rehearsal pass, then the service turns
// mail away. Everything goes back, the test message is deleted, other mail is
// not.
func TestLabLiveProofFails(t *testing.T) {
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
	credentials(l, "postmark", "smtp.postmarkapp.com")
	// Mail that waits already, since port 25 is dropped.
	l.Server.SendMail("root", "customer@gmail.com", "an invoice")
	l.Server.WaitLog(`status=deferred`)
	before := l.Server.Tree(mailConfig...)
	res := l.Run(setupArgs(five[4], "--queue", "send")...)
	if res.Code != 3 {
		t.Fatalf("exit code %d, want 3\n%s\n%s", res.Code, res, l.Server.MailLog())
	}
	if doc := decode[setupResult](t, res); doc.Result != "rolled_back" || !strings.Contains(doc.Error, "Relay access denied") {
		t.Errorf("setup: got %+v, want the result %q and %q in the error", doc, "rolled_back", "Relay access denied")
	}
	if doc := decode[setupResult](t, res); len(doc.Verification.Findings) != 1 || doc.Verification.Findings[0].Cause != "relay_access_denied" || doc.Hint == "" {
		t.Errorf("got %+v, want one finding, with the cause %q, and a hint", doc, "relay_access_denied")
	}
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("the host is not as before: got\n%s\nwant none", d)
	}
	if q := l.Server.Queue(); strings.Count(q, "queue_id") != 1 || !strings.Contains(q, "customer@gmail.com") {
		t.Errorf("the queue should hold the customer's message alone: got\n%s\nwant %q in it", q, "customer@gmail.com")
	}
}

// TestLabRefusedInput: one clear line that says what to do, nothing changed.
func TestLabRefusedInput(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	password := credentials(l, "sendgrid", "")
	s.WriteFile("/root/loose", "username=apikey\npassword="+password+"\n", 0o644)
	s.WriteFile("/root/newline", "username=apikey\npassword=abc\nmore\n", 0o600)
	s.WriteFile("/root/cr", "username=api\rkey\npassword="+password+"\n", 0o600)
	base := []string{"relayhost", "setup", "--from", "app@example.com", "--yes"}
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"unknown_relay", []string{"--relay", "sengrid", "--credentials-file", "/root/credentials"}, 64, "sendgrid"},
		{"unknown_region", []string{"--relay", "ses", "--region", "Dublin", "--credentials-file", "/root/credentials"}, 64, "region"},
		{"file_others_can_read", []string{"--relay", "sendgrid", "--credentials-file", "/root/loose"}, 1, "chmod 600"},
		{"no_file", []string{"--relay", "sendgrid", "--credentials-file", "/root/none"}, 1, "/root/none"},
		{"newline_in_password", []string{"--relay", "sendgrid", "--credentials-file", "/root/newline"}, 1, "line 3"},
		{"control_in_username", []string{"--relay", "sendgrid", "--port", "587", "--no-probe", "--credentials-file", "/root/cr"}, 64, "username"},
		{"no_credentials", []string{"--relay", "sendgrid"}, 64, "--credentials-file"},
		{"bad_port", []string{"--relay", "sendgrid", "--port", "0", "--credentials-file", "/root/credentials"}, 64, "port"},
		{"bad_from", []string{"--relay", "sendgrid", "--from", "app@exa mple.com", "--credentials-file", "/root/credentials"}, 64, "from"},
		{"unknown_flag", []string{"--password", "x"}, 64, "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := append(append([]string{}, base...), tt.args...)
			res := unchangedAfter(t, l, tt.code, args...)
			if !strings.Contains(strings.ToLower(res.Stderr), tt.says) || !strings.Contains(res.Stderr, "error:") {
				t.Errorf("%q is not in: got\n%s\nwant %q in it", tt.says, res.Stderr, "error:")
			}
			if strings.Contains(res.Stderr, password) {
				t.Error("the password is in stderr, want it nowhere")
			}
		})
	}
	t.Run("rollback_of_nothing", func(t *testing.T) {
		res := unchangedAfter(t, l, 1, "relayhost", "rollback", "--to", "20260101-000000-1", "--yes")
		if !strings.Contains(res.Stderr, "no such change") || !strings.Contains(res.Stderr, "rollback --list") {
			t.Errorf("rollback: want %q and %q in stderr, got %s", "no such change", "rollback --list", res)
		}
	})
	t.Run("not_root", func(t *testing.T) {
		before := s.Tree(mailConfig...)
		res := s.RunAs(1000, append(base, "--relay", "sendgrid")...)
		if res.Code != 1 || !strings.Contains(res.Stderr, "sudo") {
			t.Errorf("not root: want exit code 1 and %q in stderr, got %s", "sudo", res)
		}
		if d := before.Diff(s.Tree(mailConfig...)); d != "" {
			t.Errorf("got %q, want none", d)
		}
	})
	if n := len(l.World.Relay("sendgrid").Mailbox()); n != 0 {
		t.Errorf("%d messages were sent, want 0", n)
	}
}

func TestLabNoPostfix(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.NoPostfix(), lab.Relay("sendgrid"))
	credentials(l, "sendgrid", "")
	res := l.Run(setupArgs(five[1])...)
	if res.Code != 1 && res.Code != 64 || !strings.Contains(res.Stderr, "Postfix is not installed") || !strings.Contains(res.Stderr, "--install") {
		t.Errorf("without Postfix: want exit code 1 or 64, %q and %q in stderr, got %s", "Postfix is not installed", "--install", res)
	}
}

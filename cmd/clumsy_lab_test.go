//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabPasswordAgain: a password that looks right and is wrong is asked for
// again, on a narrow terminal, and the run goes on; a second run says what to do
// next, and "--credentials-file -" asks there, too, without showing what is typed.
func TestLabPasswordAgain(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("linode"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(), lab.Relay("brevo"))
	// Whoever reads --json answers nothing, terminal or not; a directory that is not
	// there says nothing of where mail goes.
	p := sit(t, l, 80, false, "relayhost", "setup", "--json")
	p.ends(64)
	p.sees("with --yes or --json nothing is asked")
	if res := l.Run("relayhost", "status", "--config-dir", "/nowhere"); strings.Contains(res.Stdout, "directly") || !strings.Contains(res.Stdout, "cannot be read") {
		t.Errorf("status of no configuration: want %q in stdout and no %q in stdout, got %s", "cannot be read", "directly", res)
	}

	r := l.World.Relay("brevo")
	wrong := strings.ReplaceAll(r.Password, "0123", "3210")
	p = sit(t, l, 40, false, "relayhost", "setup", "--relay", "brevo", "--from", "app@example.com", "--to", "you@example.net")
	p.sees("? User name:")
	p.term.Type(r.Username + "\r")
	p.sees("? Password:")
	p.term.Type(wrong + "\r")
	p.sees("? Apply this?")
	p.term.Type("y\r")
	p.sees("cause: the relay refuses user name and password")
	p.sees("? User name: (" + r.Username + ")")
	p.term.Type("\r") // the same one
	p.sees("? Password: ")
	p.term.Type(r.Password + " \r") // pasted with what stood behind it
	p.ends(0)
	p.sees("delivered: the test message to you@example.net")
	if n := len(r.Mailbox()); n != 2 {
		t.Errorf("%d messages at the service, want 2", n)
	}

	p = sit(t, l, 80, false, "relayhost", "setup")
	p.ends(0)
	p.sees("unchanged\nAlready set up for smtp-relay.brevo.com port 587.")
	for line := range strings.Lines(p.screen.String()) {
		if strings.Contains(line, "unchanged") && strings.TrimSpace(line) != "unchanged" {
			t.Errorf("got the line %q, want %q alone in it", line, "unchanged")
		}
	}

	p = sit(t, l, 80, false, "relayhost", "setup", "--credentials-file", "-")
	p.sees("? User name: (" + r.Username + ")")
	p.term.Type("\r")
	p.sees("? Password: ")
	p.term.Type(wrong + "\r")
	p.sees("? Apply this?")
	p.term.Type("y\r")
	p.sees("cause: the relay refuses user name and password")
	p.term.Type("\r")
	p.sees("? Password: ")
	p.term.Type(r.Password + "\r") // the one that is stored
	p.ends(0)
	p.sees("unchanged")
	if strings.Contains(p.screen.String(), "change ;") || strings.Contains(p.screen.String(), "Done. Undo") {
		t.Errorf("nothing was applied: want no %q or %q on the screen:\n%s", "change ;", "Done. Undo", p.screen)
	}
	if strings.Contains(flat(p.screen.String()), r.Password) {
		t.Error("got the password on the screen, want none of it")
	}
}

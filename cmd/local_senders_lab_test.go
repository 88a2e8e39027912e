//go:build lab

package cmd_test

import (
	"relayhost/internal/lab"
	"slices"
	"strings"
	"testing"
)

// TestLabRootTo: mail for root of this host reaches the address of --root-to by
// the relay, and stays here again when the set-up is rolled back.
func TestLabRootTo(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	s.Shell("echo 'postmaster: root' >/etc/aliases; newaliases")
	credentials(l, "sendgrid", "")
	before := s.Tree(mailConfig...)
	if res := l.Run(setupArgs(five[1], "--root-to", "ops@example.net")...); res.Code != 0 {
		t.Fatalf("setup: %s", res)
	}
	proven := false
	for _, m := range l.World.Relay("sendgrid").Mailbox() {
		proven = proven || m.From == "app@example.com" && slices.Equal(m.To, []string{"ops@example.net"})
	}
	if !proven {
		t.Errorf("got no message for root at ops@example.net during the setup")
	}
	seen := len(l.World.Relay("sendgrid").Mailbox())
	s.SendMail("cron@host.example.com", "postmaster", "a report")
	waitMessages(t, l, "sendgrid", seen+1)
	m := l.World.Relay("sendgrid").Mailbox()[seen]
	if m.From != "app@example.com" || len(m.To) != 1 || m.To[0] != "ops@example.net" {
		t.Errorf("from %s to %q", m.From, m.To)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: %s", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("rolled back, but:\n%s", d)
	}
	s.SendMail("cron@host.example.com", "root", "a report")
	s.WaitLog(`to=<root@\S+>, (orig_to=<root>, )?relay=local, .*status=sent`)
}

// TestLabRootElsewhere: where another table than that of the aliases has root,
// setup with --root-to finds out, and changes nothing.
func TestLabRootElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	s.Shell("postconf -e 'virtual_alias_maps = inline:{ {root@host.example.com = boss@example.net} }'; postfix reload")
	credentials(l, "sendgrid", "")
	before := s.Tree(mailConfig...)
	res := l.Run(setupArgs(five[1], "--root-to", "ops@example.net")...)
	if res.Code != 3 || !strings.Contains(res.Stderr, "to boss@example.net, not to ops@example.net") {
		t.Errorf("got %s, want exit code 3 and who gets the mail for root", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("setup failed, but:\n%s", d)
	}
}

// TestLabLocalSenders: whatever name of mydestination a program of this host sends
// as, the relay gets the address of --from.
func TestLabLocalSenders(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	s.Shell("postconf -e 'mydestination = $myhostname, host, localhost.example.com, localhost.localdomain, localhost'; postfix reload")
	credentials(l, "sendgrid", "")
	if res := l.Run(setupArgs(five[1])...); res.Code != 0 {
		t.Fatalf("setup: %s", res)
	}
	seen := len(l.World.Relay("sendgrid").Mailbox())
	senders := []string{"root", "www-data@host.example.com", "cron@localhost", "nobody@localhost.localdomain", "backup@host", "x@localhost.example.com"}
	for _, from := range senders {
		s.SendMail(from, "somebody@gmail.com", "a report")
	}
	waitMessages(t, l, "sendgrid", seen+len(senders))
	for _, m := range l.World.Relay("sendgrid").Mailbox()[seen:] {
		if m.From != "app@example.com" {
			t.Errorf("got the sender %s, want app@example.com", m.From)
		}
	}
}

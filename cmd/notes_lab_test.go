//go:build lab

package cmd_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabNotesOfSetup: notes of setup and verify that need a whole server are told where
// they hold, and not where they are false.
func TestLabNotesOfSetup(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	password := credentials(l, "sendgrid", "")
	setup := remove(append(setupArgs(five[1]), "--port", "587", "--no-probe", "--to", "somebody@yahoo.com"), "--json")
	said := func(res lab.Result) string { return strings.Join(strings.Fields(res.Stdout+res.Stderr), " ") }
	has := func(what, text, want string, holds bool) {
		t.Helper()
		if strings.Contains(text, want) != holds {
			t.Errorf("%s: got %q, want %q in it: %t", what, text, want, holds)
		}
	}
	const needsRoot, notStarted, broken = "was not compared: that needs root", "before and after the change was not compared: ", "no mail leaves now: "
	dry := append(remove(setup, "--yes"), "--dry-run")
	sound := said(l.Run(dry...))
	for _, note := range []string{needsRoot, notStarted, broken} {
		has("a sound server", sound, note, false)
	}

	s.Shell("useradd -m jane && install -m 600 -o jane /root/credentials /home/jane/credentials")
	jane := strings.Split(strings.Replace(strings.Join(dry, "\n"), "/root/credentials", "/home/jane/credentials", 1), "\n")
	uid, err := strconv.ParseUint(strings.TrimSpace(s.Shell("id -u jane")), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	has("another user", said(s.RunAs(uint32(uid), jane...)), needsRoot, true)

	s.Shell("for dir in /var/spool /var/lib /run; do mount --bind $dir $dir && mount -o remount,bind,ro $dir; done")
	has("a queue that cannot be made", said(l.Run(dry...)), notStarted, true)
	s.Shell("umount /var/spool /var/lib /run")

	// A table of routes that somebody has removed: this plan, which has none, repairs that.
	s.Shell("postconf -e 'sender_dependent_default_transport_maps = hash:/etc/postfix/relayhost_by_sender'")
	// It dies of that, or says first that it cannot ask the table.
	if text := said(l.Run(dry...)); !strings.Contains(text, broken) && !strings.Contains(text, "now deferred: a table cannot be asked") {
		t.Errorf("a Postfix that dies: got %q, want %q in it", text, broken)
	}

	// Six services with the relay as their next hop, of which five are rehearsed.
	var senders, entries strings.Builder
	for i := range 6 {
		fmt.Fprintf(&senders, "{@shop%d.example = shop%d:[smtp.sendgrid.net]:587} ", i, i)
		fmt.Fprintf(&entries, "shop%d unix - - n - - smtp\n", i)
	}
	s.Shell("postconf -e 'sender_dependent_default_transport_maps = inline:{ " + senders.String() + "}' 'smtp_tls_security_level = encrypt' 'smtp_sasl_auth_enable = yes' " +
		"'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = texthash:/etc/postfix/theirs'; cat >>/etc/postfix/master.cf <<'X'\n" + entries.String() + "X\n")
	s.WriteFile("/etc/postfix/theirs", "[smtp.sendgrid.net]:587 "+l.World.Relay("sendgrid").Username+":"+password+"\n", 0o600)
	res := l.Run(setup...)
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	has("six services", said(res), "6 other services and accounts share a relay with this setup; 5 of them were rehearsed", true)

	verify := []string{"relayhost", "verify", "--no-send"}
	text := said(l.Run(verify...))
	s.Shell("mount --bind /var/lib/relayhost /var/lib/relayhost && mount -o remount,bind,ro /var/lib/relayhost")
	unsaved := said(l.Run(verify...))
	s.Shell("umount /var/lib/relayhost")
	for _, note := range []string{"could not save for verify that the relay accepted the login", "could not save the result for status"} {
		has("a directory that can be written", text, note, false)
		has("one that cannot", unsaved, note, true)
	}
}

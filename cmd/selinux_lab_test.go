//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// denials are what the kernel's policy denied to relayhost and to Postfix.
const denials = "ausearch -m avc,selinux_err -ts boot 2>/dev/null | grep -E 'type=(AVC|SELINUX_ERR)' | grep -E 'postfix_|relayhost' || true"

// TestLabSELinux sets up a Debian whose kernel enforces SELinux by Debian's policy, from
// root's login. The kernel is emulated, so it is tried with LAB_FULL=1.
func TestLabSELinux(t *testing.T) {
	if !fullTable() {
		t.Log("SELinux is tried with LAB_FULL=1")
		return
	}
	l, v := lab.NewVM(t, lab.On(lab.Trixie), lab.Relay("sendgrid"), lab.MailExchangers(), lab.Port25(lab.Dropped))
	relay := l.World.Relay("sendgrid")
	if got := strings.TrimSpace(v.Shell("getenforce; id -Z | cut -d: -f3 | cat")); got != "Enforcing\nunconfined_t" {
		t.Fatalf("got %q, want a login that SELinux keeps to its policy", got)
	}
	const labels = "restorecon -nvr /etc /var/lib /var/spool /usr/local 2>&1 | cat"
	before := v.Shell(labels) // what a Postfix that was started leaves is Debian's own affair
	v.Shell("umask 077; printf 'username=" + relay.Username + "\\npassword=" + relay.Password + "\\n' > /root/credentials")
	for _, step := range []string{
		"setup --relay sendgrid --port 587 --from app@example.com --credentials-file /root/credentials --yes",
		"verify",
		"rollback --all --yes",
		"demo",
	} {
		if r := v.Run("sh", "-c", "relayhost "+step+" --timeout 20m"); r.Code != 0 {
			t.Errorf("%s: want exit 0, got %s", step, r)
		} else {
			t.Logf("%s: exit 0 after %s", step, r.Took)
		}
		if got := v.Shell(labels); got != before {
			t.Errorf("labels after %s: %s", step, got)
		}
		t.Logf("denied until after %s:\n%s", step, v.Shell(denials))
	}
	if n := len(relay.Mailbox()); n < 2 {
		t.Errorf("got %d messages at the relay, want those of the rehearsal and the proof", n)
	}
}

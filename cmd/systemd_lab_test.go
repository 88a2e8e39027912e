//go:build lab

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// unit reads a unit file as the packages ship it; the lab has the program in
// /usr/local.
func unit(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "integrations", "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(string(data), "/usr/bin/relayhost", "/usr/local/bin/relayhost"))
}

// TestLabSystemd sets up from a systemd credential, with the journal as the
// only log, and runs the daily verification as the timer does: it passes,
// finds what has changed since, and writes the metrics.
func TestLabSystemd(t *testing.T) {
	t.Parallel()
	suites := []lab.Suite{lab.Bookworm}
	if fullTable() {
		suites = []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
	}
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			onSystemd(t, suite)
		})
	}
}

func onSystemd(t *testing.T, suite lab.Suite) {
	const metrics = "/var/lib/prometheus/node-exporter/relayhost_verify.prom"
	l := newLab(t, lab.On(suite), lab.Systemd(), lab.Relay("brevo"),
		lab.File("/etc/systemd/system/relayhost-verify.service", unit(t, "relayhost-verify.service"), 0o644),
		lab.File("/etc/systemd/system/relayhost-verify.timer", unit(t, "relayhost-verify.timer"), 0o644),
		lab.File("/etc/default/relayhost", []byte("VERIFY_OPTIONS=--prometheus "+metrics+"\n"), 0o644),
		lab.File(filepath.Dir(metrics)+"/.keep", nil, 0o644))
	s := l.Server
	s.Install()
	password := credentials(l, "brevo", "")

	res := l.Run("systemd-run", "--quiet", "--wait", "--pipe", "-p", "LoadCredential=relayhost:/root/credentials",
		"relayhost", "setup", "--relay", "brevo", "--from", "app@example.com", "--yes", "--json")
	if res.Code != 0 {
		t.Fatalf("setup from a credential: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	if doc := decode[setupResult](t, res); doc.Result != "applied" {
		t.Errorf("setup: got %+v, want the result %q", doc, "applied")
	}
	if n := len(l.World.Relay("brevo").Mailbox()); n != 2 {
		t.Errorf("%d messages at the service, want 2", n)
	}
	if strings.Contains(s.Shell("journalctl --no-pager --all"), password) {
		t.Error("the password is in the journal, want it nowhere")
	}

	// The timer is armed and its service passes, without a message.
	s.Shell("systemctl daemon-reload && systemctl start relayhost-verify.timer")
	if timers := s.Shell("systemctl list-timers --all --no-pager"); !strings.Contains(timers, "relayhost-verify.service") {
		t.Errorf("the timer is not armed: got\n%s\nwant %q in it", timers, "relayhost-verify.service")
	}
	if said := s.Shell("systemd-analyze verify --man=no /etc/systemd/system/relayhost-verify.timer /etc/systemd/system/relayhost-verify.service 2>&1"); strings.Contains(said, "relayhost-verify") {
		t.Errorf("systemd-analyze verify: got %s, want no %q in it", said, "relayhost-verify")
	}
	run := func() lab.Result { return l.Run("systemctl", "start", "relayhost-verify.service") }
	if res := run(); res.Code != 0 {
		t.Errorf("the daily verification fails: want exit code 0, got %s\n%s", res, s.Shell("journalctl --no-pager -u relayhost-verify"))
	}
	if n := len(l.World.Relay("brevo").Mailbox()); n != 2 {
		t.Errorf("the daily verification: got %d messages more, want none", n-2)
	}
	if text := s.ReadFile(metrics); !strings.Contains(text, "relayhost_verify_success 1\n") || !strings.Contains(text, `check="auth",result="pass"`) {
		t.Errorf("metrics: got\n%s\nwant %q in it and %q in it", text, "relayhost_verify_success 1\n", `check="auth",result="pass"`)
	}

	// Somebody takes the relay away: the unit fails, and the journal says why.
	s.Shell("postconf -e default_transport=smtp")
	if res := run(); res.Code == 0 {
		t.Errorf("the daily verification without a relay: want an exit code other than 0, got %s", res)
	}
	if said := s.Shell("journalctl --no-pager -u relayhost-verify"); !strings.Contains(said, "fail") || !strings.Contains(said, "drift") {
		t.Errorf("the journal does not say what is wrong: got\n%s\nwant %q in it and %q in it", said, "fail", "drift")
	}
	if text := s.ReadFile(metrics); !strings.Contains(text, "relayhost_verify_success 0\n") {
		t.Errorf("metrics: got\n%s\nwant %q in it", text, "relayhost_verify_success 0\n")
	}
	if state := l.Run("systemctl", "is-failed", "relayhost-verify.service"); state.Code != 0 {
		t.Errorf("the unit is not failed: want exit code 0, got %s", state)
	}
}

//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabBridgeService: with --bridge-service one process under systemd serves all
// connections, by the same code. It is set up, proven, verified, started again when it
// dies, taken back for spawn(8) and rolled back without a trace.
func TestLabBridgeService(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			bridgeService(t, suite)
		})
	}
}

func bridgeService(t *testing.T, suite lab.Suite) {
	l := lab.New(t, append(noPorts(), lab.On(suite), lab.Postfix(), lab.Systemd(), lab.API("mailgun", "api.mailgun.net"))...)
	s, service := l.Server, l.World.API("mailgun")
	s.WriteFile("/root/credentials", "api_key="+apitest.KeyOf("mailgun")+"\ndomain=mg.example.com\n", 0o600)
	trees := append([]string{"/etc/systemd/system"}, everywhere...)
	before := s.Tree(trees...)
	run := func(args ...string) lab.Result {
		t.Helper()
		res := l.Run(append([]string{"relayhost"}, args...)...)
		if res.Code != 0 {
			t.Fatalf("%v: want exit code 0, got %s\n%s\n%s", args, res, s.MailLog(), s.Shell("journalctl --no-pager -n 40 2>&1; true"))
		}
		return res
	}
	setup := func(more ...string) lab.Result {
		return run(append([]string{"setup", "--relay", "mailgun", "--via", "https", "--from", "app@example.com", "--to", "ops@example.net",
			"--credentials-file", "/root/credentials", "--yes", "--json"}, more...)...)
	}
	const unit = "relayhost-bridge-mailgun-https"
	sent := 0
	send := func() {
		t.Helper()
		sent++
		s.SendMail("app@example.com", fmt.Sprintf("m%d@example.net", sent), "by one process")
		s.WaitLog(fmt.Sprintf(`relayhost-mailgun-https/lmtp.*to=<m%d@example\.net>.*status=sent \(250 2\.0\.0 Mailgun`, sent))
	}
	listening := func() string { return strings.TrimSpace(s.Shell("pgrep -u relayhost -f 'bridge --listen'; true")) }

	if doc := decode[setupResult](t, setup("--bridge-service")); doc.Result != "applied" {
		t.Errorf("setup: got %+v, want the result %q", doc, "applied")
	}
	if got := len(service.Got()); got != 2 {
		t.Errorf("messages: got %d, want the rehearsal's and the proof's", got)
	}
	if state := s.Shell("systemctl is-active " + unit + ".socket"); state != "active\n" {
		t.Errorf("socket unit: got %q, want active", state)
	}
	if wanted := s.Shell("systemctl show -p Wants sockets.target"); !strings.Contains(wanted, unit+".socket") {
		t.Errorf("sockets.target: got %q, want it to start %s.socket", wanted, unit)
	}
	if said := s.Shell("systemd-analyze verify --man=no /etc/systemd/system/" + unit + ".socket /etc/systemd/system/" + unit + ".service 2>&1; true"); strings.Contains(said, "relayhost") {
		t.Errorf("systemd-analyze verify: want no %q in\n%s", "relayhost", said)
	}
	send()
	first := listening()
	if first == "" || strings.Contains(first, "\n") {
		t.Errorf("processes: got %q, want one", first)
	}
	for range 5 {
		send()
	}
	if got := listening(); got != first {
		t.Errorf("process: got %q, want %q still", got, first)
	}
	if got := strings.TrimSpace(s.Shell("pgrep -u relayhost | wc -l")); got != "1" {
		t.Errorf("processes of the bridge: got %s, want 1", got)
	}
	s.Shell("kill -KILL " + first)
	send()
	if got := listening(); got == first {
		t.Errorf("process: got %q again, want a new one", got)
	}
	// The process may not read another configuration than the one that it began with.
	for _, change := range []func(){
		func() { s.Shell("touch /var/lib/postfix-relayhost-bridge/mailgun-https.conf") },
		func() { setup("--connections", "2") },
	} {
		before := listening()
		change()
		for end := time.Now().Add(time.Minute); listening() == before && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond) // it ends by itself
		}
		send()
		if got := listening(); got == before || got == "" || strings.Contains(got, "\n") {
			t.Errorf("a new configuration: got the process %q, want one other than %q", got, before)
		}
	}
	run("verify")
	if doc := decode[setupResult](t, setup()); doc.Result != "unchanged" {
		t.Errorf("setup again said %+v, want unchanged", doc)
	}

	setup("--bridge-service=false")
	send()
	if got := listening(); got != "" {
		t.Errorf("process: got %q, want none under systemd", got)
	}
	if left := s.Shell("ls /etc/systemd/system /etc/systemd/system/sockets.target.d 2>/dev/null | grep relayhost-bridge; true"); left != "" {
		t.Errorf("units: got %s, want none", left)
	}
	run("rollback", "--yes")
	if state := s.Shell("systemctl is-active " + unit + ".socket"); state != "active\n" {
		t.Errorf("socket unit after a rollback: got %q, want active", state)
	}
	send()
	if got := listening(); got == "" {
		t.Error("after a rollback: got no process under systemd, want one")
	}
	run("rollback", "--all", "--yes")
	if d := before.Diff(s.Tree(trees...)); d != "" {
		t.Errorf("rollback: got the differences\n%s\nwant none", d)
	}
	if left := s.Shell("systemctl list-units --all --no-legend 'relayhost-bridge*'; ls /var/spool/postfix/private | grep -e '-service$'; true"); left != "" {
		t.Errorf("after a rollback: got %s, want no unit and no socket", left)
	}
}

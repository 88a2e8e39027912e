//go:build lab

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabPrometheus holds the metrics of a server that is set up, of one that
// is not, and our alerts against Prometheus' own promtool.
func TestLabPrometheus(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(filepath.Join("..", "integrations", "prometheus", "relayhost.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, lab.Relay("postmark"), lab.Packages("prometheus"), lab.File("/root/relayhost.rules.yml", rules, 0o644))
	s := l.Server
	s.Install()
	if said := s.Shell("promtool check rules /root/relayhost.rules.yml"); !strings.Contains(said, "4 rules") {
		t.Errorf("got %q, want %q in it", said, "4 rules")
	}
	check := func() string {
		t.Helper()
		// status ends with 2 on drift, verify with 3 on a failure.
		s.Shell("relayhost verify --no-send --prometheus /root/verify.prom >/dev/null || [ $? = 3 ]")
		s.Shell("relayhost status --prometheus - > /root/status.prom || [ $? = 2 ]")
		return s.Shell("cat /root/verify.prom /root/status.prom") + s.Shell("cat /root/verify.prom /root/status.prom | promtool check metrics 2>&1")
	}
	if text := check(); !strings.Contains(text, "relayhost_configured 0\n") {
		t.Errorf("before: got\n%s\nwant %q in it", text, "relayhost_configured 0\n")
	}
	credentials(l, "postmark", "")
	if res := l.Run(setupArgs(five[4], "--port", "587", "--no-probe")...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	text := check()
	for _, line := range []string{
		"relayhost_configured 1", "relayhost_postfix_running 1", "relayhost_drifted_files 0", "relayhost_queue_messages 0",
		"relayhost_verify_success 1", "relayhost_last_verification_success 1", `relayhost_verify_findings{check="auth",result="pass",cause=""} `,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("want %s in\n%s", line, text)
		}
	}
	s.Shell("postconf -e default_transport=smtp")
	text = check()
	for _, line := range []string{"relayhost_drifted_files 1\n", "relayhost_verify_success 0\n", "relayhost_last_verification_success 0\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("after a change by somebody else: want %s in\n%s", line, text)
		}
	}
}

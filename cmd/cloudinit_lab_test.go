//go:build lab

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestLabCloudInit boots a server with our user data, as the distribution's own
// cloud-init runs it: its schema accepts it, and mail goes through the relay.
func TestLabCloudInit(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "integrations", "cloud-init", "user-data.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// The packages are in the lab's root; there is no mirror to ask.
	text := strings.Replace(string(data), "packages: [postfix, libsasl2-modules, ca-certificates]\n", "", 1)
	if text == string(data) {
		t.Error("the user data installs no packages, want a line that does")
	}
	l := newLab(t, lab.Systemd(), lab.Relay("ses"), lab.Packages("cloud-init"),
		lab.File("/root/user-data", data, 0o644),
		lab.File("/var/lib/cloud/seed/nocloud/user-data", []byte(text), 0o644),
		lab.File("/var/lib/cloud/seed/nocloud/meta-data", []byte("instance-id: lab-1\n"), 0o644),
		lab.File("/etc/cloud/cloud.cfg.d/90_lab.cfg", []byte("datasource_list: [NoCloud, None]\nnetwork: {config: disabled}\nlocale: false\n"), 0o644),
		lab.File("/etc/cloud/cloud-init.disabled", nil, 0o644), // we boot it
		lab.File("/etc/systemd/system/relayhost-verify.service", unit(t, "relayhost-verify.service"), 0o644),
		lab.File("/etc/systemd/system/relayhost-verify.timer", unit(t, "relayhost-verify.timer"), 0o644),
	)
	s := l.Server
	s.Install()
	relay := l.World.Relay("ses")
	s.WriteFile("/usr/local/bin/aws", "#!/bin/sh\nprintf 'username="+relay.Username+"\\nsecret_access_key="+relay.SecretAccessKey+"\\n'\n", 0o755)
	s.Shell("cloud-init schema --config-file /root/user-data")
	for _, stage := range [][]string{{"init", "--local"}, {"init"}, {"modules", "--mode", "config"}, {"modules", "--mode", "final"}} {
		if res := s.Do(lab.Command{Args: append([]string{"cloud-init"}, stage...), Timeout: 2 * time.Minute}); res.Code != 0 {
			t.Fatalf("cloud-init %v: want exit code 0, got %s\n%s", stage, res, s.Shell("tail -50 /var/log/cloud-init.log"))
		}
	}
	valid(t, "setup", s.ReadFile("/var/log/relayhost-setup.json"))
	if n := len(relay.Mailbox()); n != 2 {
		t.Errorf("%d messages at the service, want 2\n%s", n, s.ReadFile("/var/log/relayhost-setup.json"))
	}
	if timers := s.Shell("systemctl list-timers --all --no-pager"); !strings.Contains(timers, "relayhost-verify.timer") {
		t.Errorf("the timer is not armed: got\n%s\nwant %q in it", timers, "relayhost-verify.timer")
	}
	if left := s.Shell("grep -rlF -- '" + relay.SecretAccessKey + "' /etc /var /root /run /tmp || true"); left != "" {
		t.Errorf("the secret is in %s, want none", left)
	}
}

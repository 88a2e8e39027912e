//go:build lab

package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/verify"
)

// TestLabBridgeHurt: whatever a bridge needs on this host and does not have, verify has
// a finding for without sending anything, and what it advises fixes it.
func TestLabBridgeHurt(t *testing.T) {
	t.Parallel()
	l := signInLab(t, lab.Bookworm)
	s := l.Server
	if res := ways()[0].setup(l, "--no-verify"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	faults := func() []verify.Finding {
		t.Helper()
		report := decode[verify.Report](t, l.Run("/usr/local/bin/relayhost", "verify", "--offline", "--json"))
		return slices.DeleteFunc(report.Findings, func(f verify.Finding) bool { return f.Result != verify.Fail })
	}
	if got := faults(); len(got) > 0 {
		t.Fatalf("a sound bridge: got %+v, want no fault", got)
	}
	const home = "/var/lib/postfix-relayhost-bridge"
	for _, test := range []struct{ name, hurt, cause, says, fix string }{
		{"program gone", "mv /usr/local/bin/relayhost /usr/local/bin/moved; ln /usr/local/bin/moved /usr/bin/relayhost", "bridge_gone", "/usr/local/bin/relayhost is missing", "mv /usr/local/bin/moved /usr/local/bin/relayhost; rm /usr/bin/relayhost"},
		{"program closed", "chmod 0700 /usr/local/bin/relayhost", "bridge_gone", "closed to others (mode 0700)", "chmod 0755 /usr/local/bin/relayhost"},
		{"directory of the program closed", "chmod 0700 /usr/local/bin", "bridge_gone", "/usr/local/bin is closed to others", "chmod 0755 /usr/local/bin"},
		{"program of another user", "chown 33 /usr/local/bin/relayhost", "bridge_gone", "belongs to user 33, who could replace it", "chown 0 /usr/local/bin/relayhost"},
		{"program open to all", "chmod 0777 /usr/local/bin/relayhost", "bridge_gone", "every user can write to /usr/local/bin/relayhost", "chmod 0755 /usr/local/bin/relayhost"},
		{"socket missing", "rm /var/spool/postfix/private/relayhost-m365-oauth-out", "bridge_gone", "private/relayhost-m365-oauth-out is missing", ""},
		{"user missing", "pkill -u relayhost; sleep 0.2; cp -p /etc/passwd /etc/group /etc/shadow /etc/gshadow /root; userdel relayhost", "bridge_gone", "/etc/passwd does not have that user", ""},
		{"configuration missing", "rm " + home + "/m365.conf", "bridge_config", home + "/m365.conf is missing", ""},
		{"configuration of another", "chown 33 " + home + "/m365.conf", "bridge_config", "m365.conf is 33:", ""},
		{"configuration closed", "chmod 0600 " + home + "/m365.conf", "bridge_config", "0600, not root:relayhost 0640", ""},
		{"configuration open", "chmod 0644 " + home + "/m365.conf", "bridge_config", "0644, not root:relayhost 0640", ""},
		{"configuration damaged", "echo '[' >> " + home + "/m365.conf", "bridge_config", "m365.conf: ", ""},
		{"directory open", "chmod 0755 " + home, "bridge_config", home + " is 0:", ""},
		{"state missing", "rm -r " + home + "/state", "bridge_config", home + "/state is missing", ""},
		{"state of root", "chown root:root " + home + "/state", "bridge_config", home + "/state is 0:0 0700", ""},
		{"token of root", "chown root:root " + home + "/m365.state/m365.token", "bridge_config", "m365.token is 0:0 0600", ""},
		{"token open", "chmod 0644 " + home + "/m365.state/m365.token", "bridge_config", "0644, not relayhost:relayhost 0600", ""},
		{"lock of root", "chown root " + home + "/m365.state/m365.token.lock", "bridge_config", "m365.token.lock is 0:", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.Shell(test.hurt)
			program := "/usr/local/bin/relayhost"
			if test.name == "program gone" {
				program = "/usr/bin/relayhost"
			}
			report := decode[verify.Report](t, l.Run(program, "verify", "--offline", "--json"))
			i := slices.IndexFunc(report.Findings, func(f verify.Finding) bool {
				return f.Check == "service" && f.Result == verify.Fail && f.Cause == test.cause && strings.Contains(f.Detail, test.says)
			})
			if i < 0 {
				t.Fatalf("verify: got %+v, want a failed service by %s that says %q", report.Findings, test.cause, test.says)
			}
			fix := test.fix
			if fix == "" {
				if fix = report.Findings[i].Command; fix == "" {
					t.Fatalf("verify: want a command in %+v", report.Findings[i])
				}
			}
			if strings.HasPrefix(fix, "relayhost setup") {
				fix = strings.Replace(fix, "FILE", "/root/m365.txt", 1) + " --yes"
			}
			if res := l.Run("sh", "-c", "PATH=/usr/local/bin:$PATH; "+fix); res.Code != 0 {
				t.Fatalf("%s: want exit code 0, got %s", fix, res)
			}
			if got := faults(); len(got) > 0 {
				t.Fatalf("after %q: got %+v, want no fault", fix, got)
			}
		})
	}
	// What the log says of it is told as what it is.
	for n, hurt := range []string{
		"mv " + home + "/state " + home + "/away",
		"mount -t tmpfs -o size=64k,mode=0700,uid=$(id -u relayhost),gid=$(id -g relayhost) none " + home + "/m365.state; dd if=/dev/zero of=" + home + "/m365.state/fill bs=1k count=100 2>/dev/null || :",
	} {
		s.Shell("pkill -u relayhost || :; " + hurt)
		to := fmt.Sprintf("n%d@example.net", n)
		s.SendMail("root", to, "waits")
		s.WaitLog(`to=<` + to + `>.*status=deferred .*421 4\.[37]\.[58] relayhost: .*state`)
		if res := l.Run("/usr/local/bin/relayhost", "explain", "--json"); !strings.Contains(res.Stdout, `"bridge_store"`) || strings.Contains(res.Stdout, `"pipe_failed"`) {
			t.Errorf("explain after %q: got %s, want bridge_store alone", hurt, res)
		}
		s.Shell("umount " + home + "/m365.state 2>/dev/null || mv " + home + "/away " + home + "/state")
		s.Flush()
		s.WaitLog(`to=<` + to + `>.*status=sent`)
	}
	s.SendMail("root", "someone@elsewhere.example", "fixed")
	s.WaitLog(`to=<someone@elsewhere\.example>.*status=sent`)
}

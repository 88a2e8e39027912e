//go:build lab

package cmd_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// formerSetup puts what an earlier release has written (plan/testdata/former) on the
// server, with the account of the relay.
func formerSetup(t *testing.T, l *lab.Lab, suite lab.Suite) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../internal/plan/testdata/former/plain.txtar")
	if err != nil {
		t.Fatal(err)
	}
	relay := l.World.Relay("ses")
	files, path := map[string]string{}, ""
	for line := range strings.Lines(string(data)) {
		if rest, is := strings.CutPrefix(line, "-- "); is {
			path = strings.TrimSuffix(rest, " --\n")
		} else if path != "" {
			files[path] += strings.ReplaceAll(line, "ses:pw-ses", relay.Username+":"+relay.Password)
		}
	}
	if suite == lab.Bullseye { // Postfix 3.5: what that release wrote there
		files["/etc/postfix/main.cf"] = strings.Replace(files["/etc/postfix/main.cf"], "compatibility_level = 3.6", "compatibility_level = 2", 1)
		const policy = "/etc/postfix/relayhost_tls_policy"
		files[policy] = strings.Replace(files[policy], "protocols=>=TLSv1.2", "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", 1)
	}
	files["/etc/postfix/main.cf"] += "maillog_file = /var/log/mail.log\n"
	for path, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasSuffix(path, "sasl_passwd") {
			mode = 0o600
		}
		l.Server.Shell("mkdir -p $(dirname " + path + ")")
		l.Server.WriteFile(path, text, mode)
	}
	l.Server.Shell("cd /etc/postfix && postmap hash:sasl_passwd hash:relayhost_tls_policy hash:relayhost_generic && newaliases; touch -d '1 hour ago' /etc/postfix/*.cf")
	l.Server.StartPostfix()
	return files
}

// TestLabSetupOfAnEarlierRelease: verify says that setup should be run again, setup
// changes it in one transaction while mail goes out and waits, and rollback restores it.
// At no time does mail leave in the clear, though main.cf asks for no TLS and the relay
// takes what comes.
func TestLabSetupOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	suites := []lab.Suite{lab.Trixie}
	if os.Getenv("LAB_FULL") != "" {
		suites = []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
	}
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Cloud("aws"), lab.Relay("ses"), lab.MailExchangers(), lab.Port25(lab.Dropped))
			s, relay := l.Server, l.World.Relay("ses")
			files := formerSetup(t, l, suite)
			res := l.Run("relayhost", "verify", "--no-send", "--json")
			if !strings.Contains(res.Stdout, `"shared_settings"`) {
				t.Errorf("verify does not name the earlier release: want %q in stdout, got %s", `"shared_settings"`, res)
			}
			if danger := strings.Contains(res.Stdout, "TLS-Required: no"); danger != (suite == lab.Trixie || suite == lab.Sid) {
				t.Errorf("verify on %s names the danger: got %v: %s, want %v", suite, danger, res, (suite == lab.Trixie || suite == lab.Sid))
			}

			// Mail in the queue, and mail that comes meanwhile.
			relay.Configure(func(c *smtpd.Config) {
				c.NoAuth, c.AuthWithoutTLS = true, true
				c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepRcpt: {Code: 450, Text: "later"}}
			})
			for i := range 5 {
				s.SendMail("root@host.example.com", fmt.Sprintf("waiting%d@example.net", i), "hello")
				s.WaitLog(fmt.Sprintf(`to=<waiting%d@example\.net>, .*status=deferred`, i))
			}
			relay.Configure(func(c *smtpd.Config) { c.Replies = nil })
			s.WriteFile("/root/send", "i=0; while [ ! -e /root/stop ]; do i=$((i+1)); echo hello | sendmail -f root@host.example.com during$i@example.net; sleep 0.05; done; echo $i > /root/sent\n", 0o755)
			s.Shell("nohup sh /root/send >/dev/null 2>&1 &")
			if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, `"applied"`) {
				t.Fatalf("setup: want exit code 0 and %q in stdout, got %s\n%s", `"applied"`, res, s.MailLog())
			}
			main := s.ReadFile("/etc/postfix/main.cf")
			for _, line := range []string{"\nrelayhost = [", "smtp_sasl_", "smtp_tls_policy_maps"} {
				if strings.Contains(main, line) {
					t.Errorf("want no %q in main.cf:\n%s", line, main)
				}
			}
			if !strings.Contains(main, "\ndefault_transport = relayhost-ses:[email-smtp.eu-west-1.amazonaws.com]:587\n") {
				t.Errorf("main.cf is\n%s\nwant %q in it", main, "\ndefault_transport = relayhost-ses:[email-smtp.eu-west-1.amazonaws.com]:587\n")
			}
			if s.Exists("/etc/postfix/relayhost_tls_policy") || s.Exists("/etc/postfix/relayhost_tls_policy.db") {
				t.Error("the policy table of that release or its compiled file is left, want both gone")
			}
			if res := l.Run("relayhost", "verify", "--no-send", "--json"); strings.Contains(res.Stdout, "shared_settings") || strings.Contains(res.Stdout, "TLS-Required") {
				t.Errorf("verify after setup: want no %q or %q in stdout, got %s", "shared_settings", "TLS-Required", res)
			}
			if res := l.Run("relayhost", "setup", "--yes", "--json"); !strings.Contains(res.Stdout, `"unchanged"`) {
				t.Errorf("a second setup: want %q in stdout, got %s", `"unchanged"`, res)
			}
			if res := l.Run("relayhost", "rollback", "--yes"); res.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", res)
			}
			for path, text := range files {
				if got := s.ReadFile(path); got != text {
					t.Errorf("after the rollback %s is\n%s\nwant\n%s", path, got, text)
				}
			}
			s.Shell("touch /root/stop; while [ ! -e /root/sent ]; do sleep 0.05; done")
			sent, err := strconv.Atoi(strings.TrimSpace(s.Shell("cat /root/sent")))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range 5 {
				want = append(want, fmt.Sprintf("waiting%d@example.net", i))
			}
			for i := range sent {
				want = append(want, fmt.Sprintf("during%d@example.net", i+1))
			}
			arrived := map[string]int{}
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
				s.Shell("postqueue -f") // a reload interrupts what is under way, which waits then
				clear(arrived)
				for _, m := range relay.Mailbox() {
					arrived[m.To[0]]++
				}
				if !slices.ContainsFunc(want, func(to string) bool { return arrived[to] == 0 }) {
					break
				}
			}
			for _, to := range want {
				if arrived[to] != 1 {
					t.Errorf("%s came %d times, want once\n%s", to, arrived[to], s.Queue())
				}
			}
			for _, session := range relay.Sessions() {
				if session.Count("MAIL") > 0 && (session.TLSVersion == "" || !session.Authenticated || session.AuthBeforeTLS) {
					t.Errorf("session %+v, want a login under TLS", session)
				}
			}
		})
	}
}

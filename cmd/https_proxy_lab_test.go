//go:build lab

package cmd_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabHTTPSProxy: with https_proxy the API is reached by CONNECT of a real proxy,
// without and with a login, which is in no file that others can read. While the proxy
// wants another login or is gone, mail waits, with the reason.
func TestLabHTTPSProxy(t *testing.T) {
	t.Parallel()
	for _, by := range starters() {
		t.Run(by.name, func(t *testing.T) {
			t.Parallel()
			httpsProxy(t, by)
		})
	}
}

func httpsProxy(t *testing.T, by starter) {
	l := lab.New(t, append(append(noPorts(), by.options...), lab.Postfix(), lab.Packages("tinyproxy-bin"), lab.API("mailgun", "api.mailgun.net"))...)
	s, service := l.Server, l.World.API("mailgun")
	const credentials = "/root/credentials"
	account := "api_key=" + apitest.KeyOf("mailgun") + "\ndomain=mg.example.com\n"
	var stop func()
	proxy := func(more string) {
		t.Helper()
		if stop != nil {
			stop()
		}
		s.WriteFile("/etc/tinyproxy-lab.conf", "Port 3128\nListen 127.0.0.1\nTimeout 600\nLogFile \"/var/log/tinyproxy.log\"\nLogLevel Connect\nConnectPort 443\n"+more, 0o644)
		p := s.Start("tinyproxy", "-d", "-c", "/etc/tinyproxy-lab.conf")
		stop = func() { _ = p.Kill(syscall.SIGKILL); time.Sleep(100 * time.Millisecond) }
		s.Shell("for i in $(seq 100); do ss -Hltn sport = :3128 | grep -q . && break; sleep 0.1; done")
	}
	setup := func(text string) {
		t.Helper()
		s.WriteFile(credentials, text, 0o600)
		res := l.Run(append([]string{"relayhost", "setup", "--relay", "mailgun", "--via", "https", "--https-proxy", "http://127.0.0.1:3128", "--from", "app@example.com",
			"--to", "ops@example.net", "--credentials-file", credentials, "--yes"}, by.flags...)...)
		if res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s\n%s\n%s", res, s.MailLog(), s.Shell("cat /var/log/tinyproxy.log; true"))
		}
	}
	proxy("")
	setup(account)
	if log := s.ReadFile("/var/log/tinyproxy.log"); !strings.Contains(log, "CONNECT api.mailgun.net:443") || len(service.Got()) != 2 {
		t.Errorf("got %d messages and the proxy's log\n%s\nwant two, by CONNECT", len(service.Got()), log)
	}

	proxy("BasicAuth mail Gehe1mProxy\n")
	endBridges(s)
	s.SendMail("app@example.com", "login@example.net", "x")
	s.WaitLog(`to=<login@example\.net>.*dsn=4\.7\.8, status=deferred .*the proxy 127\.0\.0\.1:3128 refuses the connection: 407`)
	setup(account + "https_proxy_login=mail:Gehe1mProxy\n")
	s.Flush()
	s.WaitLog(`to=<login@example\.net>.*status=sent`)
	if res := l.Run("relayhost", "verify"); res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	if res := l.Run("relayhost", "setup", "--dry-run", "--detailed-exitcode"); res.Code != 0 {
		t.Errorf("a second setup: got %s, want no difference", res)
	}
	if found := s.Run("sh", "-c", "grep -rl Gehe1mProxy /etc/relayhost /etc/postfix /etc/systemd /var/log/mail.log 2>/dev/null; journalctl --no-pager 2>/dev/null | grep Gehe1mProxy; find /var/lib -perm /007 -type f -exec grep -l Gehe1mProxy {} +").Stdout; found != "" {
		t.Errorf("got the login in %s, want it in no file", found)
	}

	stop()
	endBridges(s)
	s.SendMail("app@example.com", "gone@example.net", "x")
	s.WaitLog(`to=<gone@example\.net>.*dsn=4\.4\.1, status=deferred .*proxyconnect tcp: dial tcp 127\.0\.0\.1:3128: connect: connection refused`)
	if res := l.Run("relayhost", "verify"); res.Code == 0 || !strings.Contains(res.Stdout, "127.0.0.1:3128") {
		t.Errorf("verify without the proxy: got %s, want a failure that names it", res)
	}
	if log := s.MailLog(); strings.Contains(log, "sent twice") || strings.Contains(log, "status=bounced") {
		t.Errorf("log: got\n%s\nwant neither a second copy nor a bounce", log)
	}
}

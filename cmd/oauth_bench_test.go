//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestBenchOAuth empties a queue of 2,000 messages of one server three times through one
// relay with as many connections: by smtp(8) with a password, by a bridge with a token,
// and by a bridge that walks the hops of a route and so holds each message. Then it looks
// at the memory of a bridge.
func TestBenchOAuth(t *testing.T) {
	const account = "app@contoso.example"
	var l *lab.Lab
	l = lab.New(t, lab.Postfix(), lab.Delay(benchDelay), lab.Packages("dnsmasq-base"), lab.Resolver("127.0.0.1"), lab.TokenEndpoint(), lab.Relay("sendgrid"),
		lab.Relay("m365-hve", func(c *smtpd.Config) { c.MaxConnections, c.Mechanisms = 100, []string{"LOGIN", "XOAUTH2"} },
			func(c *smtpd.Config) {
				c.Token = func(_, token string) *smtpd.Reply {
					if l.World.Identity().Valid(token) {
						return nil
					}
					return &smtpd.Reply{Code: 535, Enhanced: "5.7.3", Text: "Authentication unsuccessful"}
				}
			}))
	l.Server.Install()
	s, relay := l.Server, l.World.Relay("m365-hve")
	s.Start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--server=192.0.2.53", "--listen-address=127.0.0.1", "--bind-interfaces", "--min-cache-ttl=3600")
	s.WriteFile("/root/password.txt", "username="+relay.Username+"\npassword="+relay.Password+"\n", 0o600)
	s.WriteFile("/root/token.txt", "mailbox="+account+"\ntenant=contoso.example\nclient_id="+clientID+"\nclient_secret="+clientSecret+"\n", 0o600)
	accountFile(l, "sendgrid")
	base := []string{"/usr/local/bin/relayhost", "setup", "--relay", "m365-hve", "--from", account, "--no-verify", "--yes", "--port", "587", "--connections", "20"}
	run := func(service string, args ...string) float64 {
		t.Helper()
		if res := l.Run(args...); res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s", res)
		}
		return emptyQueue(t, s, service, func() int { return relay.Counters().Messages })
	}
	smtp := run("relayhost-m365-hve", append(base, "--sign-in", "password", "--credentials-file", "/root/password.txt")...)
	token := run("relayhost-m365-hve-oauth", append(base, "--credentials-file", "/root/token.txt")...)
	memory := 0
	for line := range strings.Lines(s.Shell(`for p in $(pgrep -u relayhost); do grep VmHWM /proc/$p/status; done`)) {
		var kB int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); err == nil {
			memory = max(memory, kB)
		}
	}
	toml := s.ReadFile(answersPath) + "\n[[fallback]]\nrelay = \"sendgrid\"\nport = 587\ncredentials_file = \"/root/sendgrid.txt\"\n"
	s.WriteFile(answersPath, toml, 0o644)
	walk := run("relayhost-m365-hve-oauth", "/usr/local/bin/relayhost", "setup", "--no-verify", "--yes")
	fmt.Printf("figure: password_20_per_second %.1f\nfigure: token_20_per_second %.1f\nfigure: walk_20_per_second %.1f\n", smtp, token, walk)
	lab.AtLeast(t, "token_20_to_password_20", token/smtp, 0.9)
	lab.AtLeast(t, "walk_20_to_password_20", walk/smtp, 0.9)
	if memory == 0 {
		t.Error("memory of a bridge: got none, want a process that has sent mail")
	}
	lab.AtMost(t, "bridge_memory_megabytes", float64(memory)*1024/1e6, 25)
	if got := len(l.World.Relay("sendgrid").Mailbox()); got != 0 {
		t.Errorf("messages at the fallback: got %d, want none", got)
	}
}

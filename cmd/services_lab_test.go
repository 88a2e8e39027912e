//go:build lab

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestLabCatalogue sets every relay of the catalogue up under its real host
// name: on its first port, and with LAB_FULL on each of them. Several share a
// server, which goes from one to the next; with LAB_FULL those that are used
// much have one each.
func TestLabCatalogue(t *testing.T) {
	t.Parallel()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 80 {
		t.Errorf("%d relays in the catalogue, want 80 or more", len(all))
	}
	var shared []relays.Relay
	for _, r := range all {
		if r.Tier > 2 || !fullTable() {
			shared = append(shared, r)
			continue
		}
		for _, port := range labPorts(r) {
			t.Run(fmt.Sprintf("%s_%d", r.ID, port), func(t *testing.T) {
				t.Parallel()
				l := lab.New(t, lab.Relay(r.ID), lab.Postfix())
				oneService(t, l, r, port)
			})
		}
	}
	for some := range slices.Chunk(shared, 12) {
		t.Run(some[0].ID+"_to_"+some[len(some)-1].ID, func(t *testing.T) {
			t.Parallel()
			options := []lab.Option{lab.Postfix()}
			for _, r := range some {
				options = append(options, lab.Relay(r.ID))
			}
			l := lab.New(t, options...)
			for _, r := range some {
				for _, port := range labPorts(r) {
					t.Run(fmt.Sprintf("%s_%d", r.ID, port), func(t *testing.T) { oneService(t, l, r, port) })
				}
			}
		})
	}
}

// labPorts are the ports that a relay is set up on in this run.
func labPorts(r relays.Relay) []int {
	if os.Getenv("LAB_FULL") == "" {
		return r.PortOrder()[:1]
	}
	return r.PortOrder()
}

// oneService sets a relay up on a port, and wants two messages there: the rehearsal's
// and the live proof's.
func oneService(t *testing.T, l *lab.Lab, r relays.Relay, port int, more ...string) {
	service := l.World.Relay(r.ID)
	from := "app@example.com"
	if r.Sender.Single {
		from = service.Username
		if !strings.Contains(from, "@") { // the part before the @ alone logs in
			from += "@example.com"
		}
		service.Configure(func(c *smtpd.Config) {
			c.Sender = func(sender string) *smtpd.Reply {
				if sender == from {
					return nil
				}
				return &smtpd.Reply{Code: 553, Enhanced: "5.7.1", Text: "Sender address rejected: not owned by user"}
			}
		})
	}
	l.Server.WriteFile("/root/credentials", "username="+service.Username+"\npassword="+service.Password+"\n", 0o600)
	args := []string{"relayhost", "setup", "--relay", r.ID, "--from", from, "--to", "you@example.net",
		"--port", strconv.Itoa(port), "--no-probe", "--credentials-file", "/root/credentials", "--yes", "--json"}
	args = append(args, more...)
	if r.NeedsRegion() {
		args = append(args, "--region", r.Hosts.Example)
	}
	if !r.TakesPassword() {
		if res := unchangedAfter(t, l, 64, args...); !strings.Contains(res.Stderr, "OAuth alone") {
			t.Errorf("not told that no password opens it: want %q in stderr, got %s", "OAuth alone", res)
		}
		return
	}
	before := len(service.Mailbox())
	res := l.Run(args...)
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, l.Server.MailLog())
	}
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || doc.Port != port || doc.Host != service.Hosts[0].Name {
		t.Errorf("setup: got %+v, want the result %q, port %d and the host %q", doc, "applied", port, service.Hosts[0].Name)
	}
	box := service.Mailbox()[before:]
	if len(box) != 2 {
		t.Fatalf("%d messages at the service, want 2\n%s", len(box), l.Server.MailLog())
	}
	for _, m := range box {
		s := m.Session
		if s.TLSVersion == "" || s.AuthBeforeTLS || !s.Authenticated || s.Username != service.Username {
			t.Errorf("got the session %+v, want TLS before a login as %q", s, service.Username)
		}
		if m.From != from || fmt.Sprint(m.To) != "[you@example.net]" {
			t.Errorf("envelope %s -> %v, want %s", m.From, m.To, from)
		}
	}
}

// corp is a relay of the administrator's own, in the format of the catalogue.
const corp = `id = "corp"
name = "Our own relay"
docs = "https://wiki.corp.example/mail"
[hosts]
default = "mail.corp.example"
[[ports]]
port = 587
tls = "starttls"
[auth]
mechanisms = ["PLAIN", "LOGIN"]
username = { label = "staff number" }
password = { label = "intranet password" }
[sender]
rule = "any"
null_sender = "accepted"
`

// TestLabOwnRelay takes a catalogue file by path, the same by name from the
// directory for them, and a smarthost that goes by address.
func TestLabOwnRelay(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.RelayAt([]string{"mail.corp.example"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}), lab.Postfix())
	s, service := l.Server, l.World.Relay("smarthost")
	s.WriteFile("/root/corp.toml", corp, 0o644)
	s.WriteFile("/etc/relayhost/relays.d/corp2.toml", strings.Replace(corp, `"corp"`, `"corp2"`, 1), 0o644)
	s.WriteFile("/root/credentials", "username="+service.Username+"\npassword="+service.Password+"\n", 0o600)
	for _, args := range [][]string{
		{"--relay", "/root/corp.toml"}, {"--relay", "corp2"}, {"--smarthost", "mail.corp.example", "--port", "587"},
	} {
		sent := len(service.Mailbox())
		res := l.Run(append([]string{"relayhost", "setup", "--from", "app@example.com", "--credentials-file", "/root/credentials", "--yes", "--json"}, args...)...)
		if res.Code != 0 {
			t.Fatalf("setup %v: want exit code 0, got %s\n%s", args, res, s.MailLog())
		}
		if n := len(service.Mailbox()) - sent; n != 2 {
			t.Errorf("setup %v: %d messages, want 2", args, n)
		}
		if res := l.Run("relayhost", "setup", "--yes"); !strings.Contains(res.Stdout, "unchanged") {
			t.Errorf("setup %v and again: want %q in stdout, got %s", args, "unchanged", res)
		}
	}
	s.WriteFile("/root/bad.toml", strings.Replace(corp, "mechanisms", "mechanism", 1), 0o644)
	res := unchangedAfter(t, l, 64, "relayhost", "setup", "--relay", "/root/bad.toml", "--from", "app@example.com", "--yes")
	if !strings.Contains(res.Stderr, "/root/bad.toml:10") || !strings.Contains(res.Stderr, "mechanism") {
		t.Errorf("the mistake is not named by file, line and key: got\n%s\nwant %q in it and %q in it", res.Stderr, "/root/bad.toml:10", "mechanism")
	}
}

// TestLabReachableRelays probes the free relays from a server where port 587 is
// blocked: a relay that answers on others is listed with those, one that has no other,
// or is not there, is left out.
func TestLabReachableRelays(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Relay("smtp2go"), lab.Relay("ahasend"), lab.Relay("m365"), lab.Port(587, lab.Dropped, lab.Both))
	l.Server.Install()
	res := l.Run("relayhost", "relays", "--reachable", "--json")
	if res.Code != 0 {
		t.Fatalf("want exit code 0, got %s", res)
	}
	var doc struct {
		Relays []struct {
			ID    string
			Order []int
		}
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(doc.Relays)
	if want := "[{smtp2go [465 2525 8025 8465 443 80]} {ahasend [2525]}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	text := l.Run("relayhost", "relays", "--reachable", "--free")
	if !strings.Contains(text.Stdout, "\nahasend        AhaSend                1000/m 2026-08  own      2525\n") || !strings.Contains(text.Stderr, " relays have a port that works from here") {
		t.Errorf("want the row of %q and %q in stderr, got %s", "ahasend", " relays have a port that works from here", text)
	}
}

// TestLabLimitsSeen: verify counts what the relay has taken in the log of the last day,
// and names the mail that came back since it does not offer SMTPUTF8.
func TestLabLimitsSeen(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.RelayAt([]string{"mail.corp.example"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}), lab.Postfix())
	s, service := l.Server, l.World.Relay("smarthost")
	service.Configure(func(c *smtpd.Config) { c.Extensions = []string{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"} })
	s.WriteFile("/root/corp.toml", corp+"[limits]\nper_day = 10\n[ehlo]\nlacks = [\"SMTPUTF8\"]\n", 0o644)
	s.WriteFile("/root/credentials", "username="+service.Username+"\npassword="+service.Password+"\n", 0o600)
	if res := l.Run("relayhost", "setup", "--relay", "/root/corp.toml", "--from", "app@example.com", "--to", "you@example.net",
		"--credentials-file", "/root/credentials", "--yes", "--json"); res.Code != 0 || !strings.Contains(res.Stdout, "10 messages a day") || !strings.Contains(res.Stdout, "does not offer SMTPUTF8") {
		t.Fatalf("setup: want exit code 0, %q and %q in stdout, got %s\n%s", "10 messages a day", "does not offer SMTPUTF8", res, s.MailLog())
	}
	limits := func() (list []string) {
		t.Helper()
		for _, f := range decode[struct {
			Findings []struct{ Check, Result, Cause, Detail string }
		}](t, l.Run("relayhost", "verify", "--no-send", "--json")).Findings {
			if f.Check == "limits" || f.Check == "smtputf8" {
				list = append(list, f.Result+" "+f.Detail)
			}
		}
		return list
	}
	// One message has been proven live; that of the rehearsal is in another log.
	if got := limits(); len(got) != 2 || !strings.HasPrefix(got[0], "pass Our own relay accepted 1 message in the last 24 hours; its limit is 10") ||
		!strings.HasPrefix(got[1], "pass Our own relay does not offer SMTPUTF8, and no mail in the log of the last day needed it") {
		t.Errorf("after setup: got %q, want 1 message in the last 24 hours, and no mail that needed SMTPUTF8", got)
	}
	for i := range 8 {
		s.SendMail("app@example.com", fmt.Sprintf("r%d@example.net", i), "hello")
		s.WaitLog(fmt.Sprintf(`to=<r%d@example\.net>, .*status=sent`, i))
	}
	// Postfix looks at the extensions when a session begins (smtp_helo), not on one that is reused.
	s.WaitLog(`to=<r7@example\.net>(?s:.*)tlsproxy\[\d+\]: DISCONNECT`)
	s.Shell("echo hello | sendmail -f app@example.com jürgen@example.net")
	s.WaitLog(`to=<jürgen@example\.net>, .*status=bounced \(SMTPUTF8 is required`)
	s.WaitLog(`from=<>, (?s:.*)to=<app@example\.com>, .*status=sent`) // the bounce
	got := limits()
	if len(got) != 2 || !strings.HasPrefix(got[0], "warn Our own relay accepted 10 messages in the last 24 hours; its limit is 10") || !strings.HasPrefix(got[1], "warn ") || !strings.HasSuffix(got[1], "mail to jürgen@example.net was returned") {
		t.Errorf("after nine messages and a bounce: got %q, want two warnings: 10 messages in the last 24 hours, and mail to jürgen@example.net that was returned", got)
	}
}

//go:build lab

package cmd_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/relays"
)

// TestLabCatalogue sets every service of the catalogue up under its real host
// name: on its first port, and with LAB_FULL on each of them.
func TestLabCatalogue(t *testing.T) {
	t.Parallel()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 23 {
		t.Errorf("%d services in the catalogue, want 23", len(all))
	}
	for _, r := range all {
		ports := r.PortOrder()
		if os.Getenv("LAB_FULL") == "" {
			ports = ports[:1]
		}
		for _, port := range ports {
			t.Run(fmt.Sprintf("%s_%d", r.ID, port), func(t *testing.T) {
				t.Parallel()
				oneService(t, r, port)
			})
		}
	}
}

func oneService(t *testing.T, r relays.Relay, port int) {
	l := lab.New(t, lab.Relay(r.ID), lab.Postfix())
	service := l.World.Relay(r.ID)
	from := "app@example.com"
	if r.Sender.Single && strings.Contains(service.Username, "@") {
		from = service.Username
	}
	l.Server.WriteFile("/root/credentials", "username="+service.Username+"\npassword="+service.Password+"\n", 0o600)
	args := []string{"relayhost", "setup", "--relay", r.ID, "--from", from, "--to", "you@example.net",
		"--port", strconv.Itoa(port), "--no-probe", "--credentials-file", "/root/credentials", "--yes", "--json"}
	if r.NeedsRegion() {
		args = append(args, "--region", r.Hosts.Example)
	}
	res := l.Run(args...)
	if res.Code != 0 {
		t.Fatalf("setup: %s\n%s", res, l.Server.MailLog())
	}
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || doc.Port != port || doc.Host != service.Hosts[0].Name {
		t.Errorf("setup said %+v", doc)
	}
	box := service.Mailbox()
	if len(box) != 2 {
		t.Fatalf("%d messages at the service, want 2\n%s", len(box), l.Server.MailLog())
	}
	for _, m := range box {
		s := m.Session
		if s.TLSVersion == "" || s.AuthBeforeTLS || !s.Authenticated || s.Username != service.Username {
			t.Errorf("session %+v", s)
		}
		if m.From != from || fmt.Sprint(m.To) != "[you@example.net]" {
			t.Errorf("envelope %s -> %v", m.From, m.To)
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
// folder for them, and a smarthost that goes by address.
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
			t.Fatalf("setup %v: %s\n%s", args, res, s.MailLog())
		}
		if n := len(service.Mailbox()) - sent; n != 2 {
			t.Errorf("setup %v: %d messages, want 2", args, n)
		}
		if res := l.Run("relayhost", "setup", "--yes"); !strings.Contains(res.Stdout, "unchanged") {
			t.Errorf("setup %v and again: %s", args, res)
		}
	}
	s.WriteFile("/root/bad.toml", strings.Replace(corp, "mechanisms", "mechanism", 1), 0o644)
	res := unchangedAfter(t, l, 64, "relayhost", "setup", "--relay", "/root/bad.toml", "--from", "app@example.com", "--yes")
	if !strings.Contains(res.Stderr, "/root/bad.toml:10") || !strings.Contains(res.Stderr, "mechanism") {
		t.Errorf("the mistake is not named by file, line and key:\n%s", res.Stderr)
	}
}

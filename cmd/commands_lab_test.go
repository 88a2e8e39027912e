//go:build lab

package cmd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabNothingOpen: where no port of the service gets out, that is said and
// nothing is written.
func TestLabNothingOpen(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("postmark"), lab.Port(587, lab.Dropped, lab.Both), lab.Port(2525, lab.Reset, lab.Both))
	credentials(l, "postmark", "")
	res := unchangedAfter(t, l, 3, setupArgs(five[4])...)
	doc := decode[setupResult](t, res)
	if doc.Result != "failed" || !strings.Contains(doc.Error, "port 587: timeout") || !strings.Contains(doc.Error, "port 2525: refused") || doc.Hint == "" {
		t.Errorf("setup: got %+v, want the result %q, %q and %q in the error, and a hint", doc, "failed", "port 587: timeout", "port 2525: refused")
	}
}

// TestLabUnblock fills the request with what is known of this server and its
// domain.
func TestLabUnblock(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("hetzner"))
	l.World.DNS.Set("example.com.", "TXT", "v=spf1 ip4:203.0.113.10 -all")
	l.World.DNS.Host("host.example.com.", l.Server.IPv4)
	res := l.Run("relayhost", "unblock", "--domain", "example.com", "--purpose", "order confirmations", "--volume", "200 a day", "--json")
	if res.Code != 0 {
		t.Fatalf("want exit code 0, got %s", res)
	}
	var doc struct {
		Version           int
		Provider, Request string
		Missing           []string
		Instead           string
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != 1 || doc.Provider != "hetzner" {
		t.Errorf("got %+v, want version 1 and the provider %q", doc, "hetzner")
	}
	for _, want := range []string{"203.0.113.10", "host.example.com", "order confirmations", "200 a day", "v=spf1 ip4:203.0.113.10 -all"} {
		if !strings.Contains(doc.Request, want) {
			t.Errorf("the request: want %q in\n%s", want, doc.Request)
		}
	}
	if missing := strings.Join(doc.Missing, "\n"); !strings.Contains(missing, "DMARC") || strings.Contains(missing, "SPF") || strings.Contains(missing, "reverse DNS") {
		t.Errorf("missing: got %s, want %q in it and no %q in it and no %q in it", missing, "DMARC", "SPF", "reverse DNS")
	}
	// Hetzner blocks 465 as well.
	if !strings.Contains(doc.Instead, "587") {
		t.Errorf("instead: got %s, want %q in it", doc.Instead, "587")
	}
	text, _, _ := strings.Cut(l.Run("relayhost", "unblock", "--domain", "example.com").Stdout, "Request, ready to paste")
	for line := range strings.Lines(text) {
		if len(line) > 81 && !strings.Contains(line, "https://") {
			t.Errorf("got a line wider than 80 columns, want none: %s", line)
		}
	}
}

// TestLabDemo goes the whole way over loopback beside a Postfix that runs, and
// leaves nothing behind.
func TestLabDemo(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Postfix())
	s := l.Server
	before := s.Tree("/etc", "/run", "/var/lib", "/var/spool/postfix", "/root")
	log := s.WaitLog(`(?s)(.*daemon started -- version .*\n)`)
	s.ResetTraffic()
	res := l.Run("relayhost", "demo")
	if res.Code != 0 {
		t.Fatalf("want exit code 0, got %s", res)
	}
	for _, want := range []string{"+default_transport = relayhost-smarthost:[localhost]:", "demo:***", "localhost[", "250 2.0.0 Ok", "over TLS 1.3", "This message was sent to prove", "byte for byte"} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("want %q in\n%s", want, res.Stdout)
		}
	}
	if !strings.HasPrefix(res.Stdout, "This demo runs a relay of its own") || !strings.HasSuffix(res.Stdout, "\nSet up this server: sudo relayhost setup\n") {
		t.Errorf("got\n%s\nwant what it does at the beginning, and the next command at the end", res.Stdout)
	}
	// The card says of this demo what setup's says of a setup, and nothing that a demo does not do.
	card, _, _ := strings.Cut(res.Stdout[strings.Index(res.Stdout, "\nRelay ")+1:], "\n\n")
	card = strings.Join(strings.Fields(card), " ")
	for _, want := range []string{"TLS, verified with ", "Account demo Sender app@example.com; the server's own accounts", "Test one message to you@example.net, which", "Undo at the end of this demo"} {
		if !strings.Contains(card, want) || strings.Contains(card, "before and after") {
			t.Errorf("the card: got\n%s\nwant %q in it, and no second message", card, want)
		}
	}
	if strings.Contains(res.Stdout+res.Stderr, "p#a:s") {
		t.Error("the password was printed, want it nowhere in the output")
	}
	if d := before.Diff(s.Tree("/etc", "/run", "/var/lib", "/var/spool/postfix", "/root")); d != "" {
		t.Errorf("something was left: got\n%s\nwant none", d)
	}
	if s.MailLog() != log {
		t.Errorf("the log of the system's Postfix: got these lines, want none:\n%s", strings.TrimPrefix(s.MailLog(), log))
	}
	if n := s.Traffic().Attempts(); n != 0 || len(l.World.DNS.Queries()) != 0 {
		t.Errorf("%d connections left the host, %d DNS queries, want 0 and 0", n, len(l.World.DNS.Queries()))
	}
	if out := s.Shell("pgrep -f '[r]elayhost-demo' || true"); strings.TrimSpace(out) != "" {
		t.Errorf("got processes that were left, want none: %s", out)
	}
}

//go:build lab

package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

type flowRow struct {
	Class, Change string
	From, To      []string
	Count         int
	Before, After struct {
		Transport, TLS, Account, Sender string
		NextHop                         string `json:"next_hop"`
	}
}

type flowDoc struct {
	Result, Error, Hint string
	Flow                struct {
		Rows      []flowRow
		Conflicts []struct{ Parameter, Table, Key, Remedy string }
	}
}

// Where mail goes is part of the answer, before anything is written, and a fault of
// the configuration is named before anything is started, with --dry-run as well.
func TestLabFlow(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	credentials(l, "sendgrid", "")
	setup := append(setupArgs(five[1]), "--port", "587", "--no-probe", "--to", "somebody@yahoo.com")
	s.Shell("postconf -e 'transport_maps = hash:/etc/postfix/transport' && echo 'partner.example smtp:[192.0.2.200]' >/etc/postfix/transport && postmap /etc/postfix/transport")
	res := unchangedAfter(t, l, 0, append(setup, "--dry-run")...)
	valid(t, "setup", res.Stdout)
	doc := decode[flowDoc](t, res)
	seen := map[string]string{}
	for _, r := range doc.Flow.Rows {
		seen[r.Class] = r.Change + ": " + r.Before.Transport + " " + r.Before.NextHop + ", " + r.After.NextHop + " as " + r.After.Account
	}
	for class, want := range map[string]string{
		"other mail":                   "asked: smtp , [smtp.sendgrid.net]:587 as " + l.World.Relay("sendgrid").Username,
		"recipients in transport_maps": "same: smtp [192.0.2.200], [192.0.2.200] as ",
	} {
		if seen[class] != want {
			t.Errorf("%s: got %q, want %q", class, seen[class], want)
		}
	}
	if text := unchangedAfter(t, l, 0, append(remove(setup, "--json"), "--dry-run")...).Stdout; !strings.HasPrefix(text, "mail of this server:\n  other mail, ") || !strings.Contains(text, "\n  senders of this host (root, www-data, ") {
		t.Errorf("want %q at the start and %q in\n%s", "mail of this server:\n  other mail, ", "\n  senders of this host (root, www-data, ", text)
	}
	for _, more := range [][]string{{"--dry-run"}, {}} {
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			res := unchangedAfter(t, l, 1, append(setup, append(more, "--to", "somebody@partner.example")...)...)
			doc := decode[flowDoc](t, res)
			if !strings.Contains(doc.Error, "mail to somebody@partner.example does not leave through the relay") || !strings.Contains(doc.Hint, "--to") {
				t.Errorf("%q: got error %q and hint %q, want %q in the first and %q in the second", more, doc.Error, doc.Hint, "mail to somebody@partner.example does not leave through the relay", "--to")
			}
			valid(t, "setup", res.Stdout)
		})
	}
	s.Shell("postconf -e 'append_dot_mydomain = gitlab.localhost' 'relay_domains = hash:/etc/postfix/relay'")
	for _, more := range [][]string{{"--dry-run"}, {}} {
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			began := time.Now()
			doc := decode[flowDoc](t, unchangedAfter(t, l, 1, append(setup, more...)...))
			for _, want := range []string{"append_dot_mydomain", "relay_domains = hash:/etc/postfix/relay"} {
				if !strings.Contains(doc.Error, want) {
					t.Errorf("%q: got error %q, want %q in it", more, doc.Error, want)
				}
			}
			if !strings.Contains(doc.Hint, "postconf -X append_dot_mydomain") || time.Since(began) > 20*time.Second {
				t.Errorf("%q: got hint %q after %s, want %q in it within 20s", more, doc.Hint, time.Since(began), "postconf -X append_dot_mydomain")
			}
		})
	}
}

// TestLabForeignRehearsal: each other service that shares the relay has a message of
// its own in the rehearsal, by its own entry of master.cf, and the relay is asked for
// a sender and a recipient of that mail, who get no message.
func TestLabForeignRehearsal(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	password := credentials(l, "sendgrid", "")
	s.Shell(`postconf -e 'transport_maps = inline:{ {partner.example = smtp:[smtp.sendgrid.net]:587} }' \
  'sender_dependent_default_transport_maps = inline:{ {@shop.example = shop-smtp:[smtp.sendgrid.net]:587} }' \
  'smtp_tls_security_level = encrypt' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = texthash:/etc/postfix/theirs'
echo 'shop-smtp unix - - n - - smtp -o smtp_helo_name=out.shop.example' >>/etc/postfix/master.cf`)
	s.WriteFile("/etc/postfix/theirs", "[smtp.sendgrid.net]:587 "+l.World.Relay("sendgrid").Username+":"+password+"\n", 0o600)
	var mu sync.Mutex
	asked := map[string]bool{}
	l.World.Relay("sendgrid").Configure(func(c *smtpd.Config) {
		c.Recipient = func(from, to string) *smtpd.Reply {
			mu.Lock()
			defer mu.Unlock()
			asked[from+" "+to] = true
			return nil
		}
	})
	res := l.Run(append(setupArgs(five[1]), "--port", "587", "--to", "somebody@yahoo.com")...)
	if res.Code != 0 || strings.Contains(res.Stdout+res.Stderr, "share a relay with this setup") {
		t.Fatalf("setup: %s\nwant exit code 0, and no note on services that were left out", res)
	}
	mu.Lock()
	for _, want := range []string{"postmaster@shop.example somebody@yahoo.com", "app@example.com postmaster@partner.example"} {
		if !asked[want] {
			t.Errorf("the relay was asked for: got %v, want %s among them", asked, want)
		}
	}
	mu.Unlock()
	probes := 0
	for _, s := range l.World.Relay("sendgrid").Sessions() {
		if s.HELO == "out.shop.example" && s.Authenticated && s.TLSVersion != "" && s.Count("RCPT") == 1 && s.Count("DATA") == 0 {
			probes++
		}
	}
	if probes != 1 {
		t.Errorf("got %d sessions of shop-smtp with RCPT and without DATA, want 1", probes)
	}
	shop := 0
	all := l.World.Relay("sendgrid").Mailbox()
	for _, m := range all {
		if slices.Contains(m.To, "postmaster@partner.example") {
			t.Errorf("got a message from %s to %v, want none to %s", m.From, m.To, "postmaster@partner.example")
		}
		if m.Session.HELO == "out.shop.example" && m.From == "postmaster@shop.example" {
			shop++
		}
	}
	if len(all) != 4 || shop != 1 {
		t.Errorf("got %d messages, %d of them by shop-smtp; want 4 (rehearsal, smtp, shop-smtp, proof) and 1", len(all), shop)
	}
}

// TestLabForeignRecipient: mail of another service that the relay does not take now
// either is told, with the relay's words, and stops nothing.
func TestLabForeignRecipient(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	password := credentials(l, "sendgrid", "")
	s.Shell(`postconf -e 'transport_maps = inline:{ {partner.example = smtp:[smtp.sendgrid.net]:587} }' \
  'smtp_tls_security_level = encrypt' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = texthash:/etc/postfix/theirs'`)
	s.WriteFile("/etc/postfix/theirs", "[smtp.sendgrid.net]:587 "+l.World.Relay("sendgrid").Username+":"+password+"\n", 0o600)
	l.World.Relay("sendgrid").Configure(func(c *smtpd.Config) {
		c.Recipient = func(_, to string) *smtpd.Reply {
			if to == "postmaster@partner.example" {
				return &smtpd.Reply{Code: 550, Text: "5.1.1 not here"}
			}
			return nil
		}
	})
	// Refused now as then: told, and nothing is stopped.
	res := l.Run(append(setupArgs(five[1]), "--port", "587", "--to", "somebody@yahoo.com")...)
	if said := res.Stdout + res.Stderr; res.Code != 0 || !strings.Contains(said, "do not leave, now as before") || !strings.Contains(said, "postmaster@partner.example") {
		t.Errorf("got %s, want exit code 0 and that mail to partner.example does not leave", res)
	}
	for _, m := range l.World.Relay("sendgrid").Mailbox() {
		if slices.Contains(m.To, "postmaster@partner.example") {
			t.Errorf("got a message from %s to %v, want none to %s", m.From, m.To, "postmaster@partner.example")
		}
	}
}

//go:build lab

package cmd_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

type flowDoc struct {
	Result, Error, Hint string
	Flow                struct {
		Rows []struct {
			Class, Change string
			From, To      []string
			Before, After struct {
				Transport, TLS, Account string
				NextHop                 string `json:"next_hop"`
			}
		}
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
	if text := unchangedAfter(t, l, 0, append(remove(setup, "--json"), "--dry-run")...).Stdout; !strings.HasPrefix(text, "mail of this server:\n  other mail, ") {
		t.Errorf("the table is not the first answer:\n%s", text)
	}
	for _, more := range [][]string{{"--dry-run"}, {}} {
		res := unchangedAfter(t, l, 1, append(setup, append(more, "--to", "somebody@partner.example")...)...)
		doc := decode[flowDoc](t, res)
		if !strings.Contains(doc.Error, "mail to somebody@partner.example does not leave through the relay") || !strings.Contains(doc.Hint, "--to") {
			t.Errorf("%q: got error %q, hint %q", more, doc.Error, doc.Hint)
		}
		valid(t, "setup", res.Stdout)
	}
	s.Shell("postconf -e 'append_dot_mydomain = gitlab.localhost' 'relay_domains = hash:/etc/postfix/relay'")
	for _, more := range [][]string{{"--dry-run"}, {}} {
		began := time.Now()
		doc := decode[flowDoc](t, unchangedAfter(t, l, 1, append(setup, more...)...))
		for _, want := range []string{"append_dot_mydomain", "relay_domains = hash:/etc/postfix/relay"} {
			if !strings.Contains(doc.Error, want) {
				t.Errorf("%q: got error %q, want %q in it", more, doc.Error, want)
			}
		}
		if !strings.Contains(doc.Hint, "postconf -X append_dot_mydomain") || time.Since(began) > 20*time.Second {
			t.Errorf("%q: got hint %q after %s", more, doc.Hint, time.Since(began))
		}
	}
}

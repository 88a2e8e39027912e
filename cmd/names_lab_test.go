//go:build lab

package cmd_test

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabNamesOfTheHost: a relay that knows one address alone gets all mail that the host
// sends by itself, by whatever name of it, in the envelope and in From; addresses of
// people and of other domains stay as they are.
func TestLabNamesOfTheHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, hostname, hosts string
		set                   string   // makes the server
		own                   []string // senders that become the address of --from; "user" sends as such
		kept                  []string // that stay, and that the relay has to know
	}{
		{"a server whose name Postfix does not have", "web1", "127.0.1.1 web1.provider.example web1.lan web1 www.shop.example",
			`postconf -e myhostname=mail.example.org 'mydestination = $myhostname, localhost' append_dot_mydomain=no; echo mail.example.org >/etc/mailname`,
			[]string{"user", "root@web1", "root@web1.provider.example", "www-data@web1.provider.example", "root@web1.lan", "jane@web1.lan", "jane@web1", "root@localhost",
				"root@localhost.localdomain", "jane@mail.example.org", "www-data@web1.localdomain", "ROOT@Web1.Provider.Example"},
			[]string{"jane@web1.provider.example", "root@www.shop.example", "info@shop.example", "app@example.com"}},
		{"a mail server that is called as its domain", "example.org", "127.0.1.1 example.org",
			`postconf -e myhostname=example.org 'mydestination = $myhostname, localhost' append_dot_mydomain=yes; echo example.org >/etc/mailname`,
			[]string{"user", "root@example.org", "www-data@localhost", "www-data@example.org"},
			[]string{"jane@example.org", "news@example.org", "app@example.com"}},
		{"a web server with a domain as its origin", "web1.example.org", "127.0.1.1 web1.example.org web1",
			`postconf -e 'mydestination = $myhostname, localhost' myorigin=/etc/mailname 'virtual_alias_domains = example.org' inet_interfaces=loopback-only; echo example.org >/etc/mailname`,
			[]string{"user", "root@example.org", "root@web1.example.org", "jane@web1.example.org", "root@web1", "www-data@web1.localdomain"},
			[]string{"jane@example.org", "app@example.com"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Relay("postmark"), lab.Hostname(test.hostname), lab.Hosts(test.hosts))
			s := l.Server
			credentials(l, "postmark", "")
			s.Shell(test.set + "; useradd -m jane; postfix reload")
			before := s.Tree(mailConfig...)
			res := l.Run(append(setupArgs(five[4]), "--port", "587", "--no-probe", "--to", "somebody@yahoo.com")...)
			if res.Code != 0 {
				t.Fatalf("setup: want exit code 0, got %s", res)
			}
			// The table says it, in the document by class.
			doc := decode[flowDoc](t, res)
			if i := slices.IndexFunc(doc.Flow.Rows, func(r flowRow) bool {
				return r.Class == "mail of root and of services" && r.After.Sender == "app@example.com"
			}); i < 0 || doc.Flow.Rows[i].Count < 5 {
				t.Errorf("the flow table: want a row of the host's own senders with at least 5, got %+v", doc.Flow.Rows)
			}
			known := slices.Clone(test.kept)
			r := l.World.Relay("postmark")
			r.Configure(func(c *smtpd.Config) {
				c.Sender = func(from string) *smtpd.Reply {
					if !slices.Contains(known, from) {
						return &smtpd.Reply{Code: 550, Text: "5.7.1 the sender <" + from + "> is not yours"}
					}
					return nil
				}
			})
			done := strings.Count(s.MailLog(), " status=")
			sent := map[string]string{} // subject to the sender that has to arrive
			for i, from := range slices.Concat(test.own, test.kept) {
				subject := fmt.Sprintf("name-%d", i)
				args := []string{"sendmail", "-i"}
				header := "Subject: " + subject + "\nTo: somebody@yahoo.com\n"
				if from != "user" {
					args, header = append(args, "-f", from), "From: Sender <"+from+">\n"+header
				}
				sent[subject] = "app@example.com"
				if slices.Contains(test.kept, from) {
					sent[subject] = from
				}
				s.RunInput(header+"\nhello\n", append(args, "--", "somebody@yahoo.com")...)
			}
			for end := time.Now().Add(patience); strings.Count(s.MailLog(), " status=") < done+len(sent) && time.Now().Before(end); {
				time.Sleep(50 * time.Millisecond)
			}
			got := map[string][2]string{}
			for _, m := range r.Mailbox() {
				text, err := mail.ReadMessage(strings.NewReader(string(m.Data)))
				if err != nil {
					t.Fatal(err)
				}
				a, err := mail.ParseAddress(text.Header.Get("From"))
				if err != nil {
					t.Fatalf("From %q: want no error, got %v", text.Header.Get("From"), err)
				}
				got[text.Header.Get("Subject")] = [2]string{m.From, a.Address}
			}
			for i, from := range slices.Concat(test.own, test.kept) {
				subject := fmt.Sprintf("name-%d", i)
				if want := [2]string{sent[subject], sent[subject]}; got[subject] != want {
					t.Errorf("mail of %s: got envelope and From %q, want %q", from, got[subject], want)
				}
			}
			if res := l.Run("relayhost", "rollback", "--yes"); res.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", res)
			}
			if d := before.Without("/etc/relayhost").Diff(s.Tree(mailConfig...).Without("/etc/relayhost")); d != "" {
				t.Errorf("rollback: got the differences\n%s\nwant none", d)
			}
		})
	}
}

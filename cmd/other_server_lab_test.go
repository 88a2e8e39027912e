//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// TestLabOtherServer plays the session of a company's own server: no relay service is
// reachable, the SMTP server in the network has a self-signed certificate and wants a
// login, and a wrong host, a wrong port and a wrong password do not end the session.
func TestLabOtherServer(t *testing.T) {
	t.Parallel()
	const name = "mail.corp.example"
	l := lab.New(t, lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(),
		lab.RelayAt([]string{name}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}, func(c *smtpd.Config) {
			cert, err := smtpd.SelfSigned(name)
			if err != nil {
				t.Fatal(err)
			}
			c.TLS = smtpd.ServerTLS(cert)
			c.Accounts = []smtpd.Account{{Username: "joe", Password: secret.New("s3cret-pass")}}
		}))
	p := sit(t, l, 80, false, "relayhost", "setup")
	p.sees("? Relay service")
	p.term.Type("\x1b[B\x1b[Banother\r") // the cursor goes back to what the text leaves
	p.sees("? SMTP server (host name)")
	p.term.Type("mail.corp.exmaple\r")
	p.sees("DNS has no address for mail.corp.exmaple")
	p.term.Type(name + "\r")
	p.sees("? Port")
	p.term.Type("5870\r")
	p.sees("cannot use " + name)
	p.sees("? SMTP server (host name): (" + name + ")")
	p.term.Type("\r")
	p.sees("? Port (587, 465 and 25 are usual): (5870)")
	p.term.Type("587\r")
	p.sees("it is self-signed or from an unknown CA")
	p.sees("SHA-256")
	p.sees("? Is this the right server?")
	p.term.Type("y\r")
	p.sees("? User name")
	p.term.Type("joe\r")
	p.sees("? Password")
	p.term.Type("wrong\r")
	p.sees("? Sender address")
	p.term.Type("noreply\r")
	p.sees("enter a full address, e.g. app@example.com")
	p.term.Type("app@example.com\r")
	p.sees("? Send a test message to")
	p.term.Type("\r")
	p.sees("TLS, certificate pinned by its fingerprint")
	p.sees("? Apply this?")
	p.term.Type("y\r")
	p.sees("? User name: (joe)")
	p.term.Type("\r")
	p.sees("? Password")
	p.term.Type("s3cret-pass\r")
	p.ends(0)
	p.sees("delivered: the test message to app@example.com")
	waitMessages(t, l, "smarthost", 2)
	if conf := l.Server.Shell("cat /etc/relayhost/relayhost.toml"); !strings.Contains(conf, "fingerprint") {
		t.Errorf("the certificate is not pinned:\n%s", conf)
	}
}

// TestLabPort25Open: where mail leaves without a relay, setup says so first.
func TestLabPort25Open(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.MailExchangers(), lab.Postfix(), lab.Relay("brevo"))
	p := sit(t, l, 80, false, "relayhost", "setup")
	p.sees("port 25 is open from this host: no relay is needed to send mail")
	p.sees("? Set up a relay anyway?")
	p.term.Type("n\r")
	p.ends(1)
	p.sees("aborted; nothing was changed")
}

// TestLabLocalRecipient is the session of a mail server: its own domain is not offered
// as the recipient of the test, and not accepted.
func TestLabLocalRecipient(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo"))
	l.Server.Shell("postconf -e 'mydestination=localhost, example.com' && postfix reload")
	credentials(l, "brevo", "")
	before := l.Server.Tree(mailConfig...)
	p := sit(t, l, 80, false, "relayhost", "setup", "--relay", "brevo", "--credentials-file", "/root/credentials")
	p.sees("? Sender address")
	p.term.Type("me@gmail.com\r")
	p.sees("gmail.com is a public mail service")
	p.term.Type("max@example.com\r")
	p.sees("example.com is delivered here")
	p.sees("? Send a test message to")
	p.term.Type("max@example.com\r")
	p.sees("choose a recipient elsewhere")
	p.term.Type("you@example.net\r")
	p.sees("? Domains to deliver directly")
	p.term.Type("\r")
	p.sees("Undo sudo relayhost rollback")
	p.sees("? Apply this? [y/N/d]")
	p.term.Type("n\r")
	p.ends(1)
	p.sees("aborted; nothing was changed")
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("the host is not as before:\n%s", d)
	}
}

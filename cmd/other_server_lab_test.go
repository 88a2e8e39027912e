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
		t.Errorf("the certificate is not pinned: got\n%s\nwant %q in it", conf, "fingerprint")
	}
}

// TestLabPrivateCA plays the session of a server in an office: the certificate is of the
// office's own CA, whose file is named at the question, after a wrong path.
func TestLabPrivateCA(t *testing.T) {
	t.Parallel()
	const name = "smtp.office.example"
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	l := lab.New(t, lab.MailExchangers(), lab.Port25(lab.Dropped), lab.Postfix(),
		lab.RelayAt([]string{name}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}, func(c *smtpd.Config) {
			c.TLS = smtpd.ServerTLS(cert)
			c.Accounts = []smtpd.Account{{Username: "svc-app01", Password: secret.New("Winter-2026-Blue")}}
		}))
	l.Server.WriteFile("/root/office-ca.pem", string(ca.PEM()), 0o644)
	l.Server.Shell("sed /-----/d /root/office-ca.pem | base64 -d > /root/office-ca.cer")
	p := sit(t, l, 80, false, "relayhost", "setup")
	for _, step := range []struct{ see, typed string }{
		{"? Relay service", name}, // nothing in the list is called so
		{"Another SMTP server ...", "\r"},
		{"? SMTP server (host name)", "smtp.office.exmple\r"},
		{"DNS has no address for smtp.office.exmple", name + "\r"},
		{"? Port", "25\r"},
		{"no answer on port 25", ""},
		{"Port 25 is blocked for this server", "\r"},
		{"? Port (587, 465 and 25 are usual): (587)", "\r"},
		{"answer n and name it", ""},
		{"? Is this the right server?", "n\r"},
		{"? CA certificate file", "/root/office.pem\r"},
		{"no such file or directory", "/root/office-ca.cer\r"},
		{"is in DER form, and Postfix reads PEM", "\r"},
		{"cannot use smtp.office.example: its certificate is not trusted", "\r"},
		{"? Port (587, 465 and 25 are usual)", "\r"},
		{"? Is this the right server?", "n\r"},
		{"? CA certificate file", "/root/office-ca.pem\r"},
		{"? User name", "svc-app01\r"},
		{"? Password", "Winter-2026-Blue\r"},
		{"setup tests whether it accepts the address", "app@example.com\r"},
		{"? Send a test message to", "\r"},
		{"TLS, verified with /root/office-ca.pem", ""},
		{"? Apply this?", "y\r"},
	} {
		p.sees(step.see)
		if step.typed != "" {
			p.term.Type(step.typed)
		}
	}
	p.ends(0)
	p.sees("delivered: the test message to app@example.com")
	if strings.Contains(p.screen.String(), "x509:") || strings.Contains(p.screen.String(), "accepts any sender") {
		t.Errorf("want no %q or %q on the screen:\n%s", "x509:", "accepts any sender", p.screen)
	}
	waitMessages(t, l, "smarthost", 2)
	if conf := l.Server.Shell("cat /etc/relayhost/relayhost.toml"); !strings.Contains(conf, "/root/office-ca.pem") || strings.Contains(conf, "fingerprint") {
		t.Errorf("the CA file is not kept: got\n%s\nwant %q in it and no %q in it", conf, "/root/office-ca.pem", "fingerprint")
	}
	if res := l.Run("relayhost", "verify", "--no-send"); res.Code != 0 {
		t.Errorf("verify of a sound setup: want exit code 0, got %s", res)
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
		t.Errorf("the host is not as before: got\n%s\nwant none", d)
	}
}

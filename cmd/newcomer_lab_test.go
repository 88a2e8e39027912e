//go:build lab

package cmd_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabNewcomer plays first runs at a terminal, with the mistakes that people make:
// each ends configured and delivered in one session. TestLabOtherServer is the one of
// a company's own server.
func TestLabNewcomer(t *testing.T) {
	t.Parallel()
	type step struct{ see, typed string }
	for _, session := range []struct {
		name, cloud, relay string
		shell              string
		domains            []string // of senders, in DNS
		steps              func(r *lab.RelayService) []step
		want, not          []string // at the end of the screen
		messages           int
	}{
		{
			name: "wordpress", cloud: "digitalocean", relay: "postmark",
			steps: func(r *lab.RelayService) []step {
				wrong := strings.Replace(r.Password, r.Password[:4], "0000", 1)
				return []step{
					{"? Relay service", "\x1b[B\x1b[Bpost\r"}, // arrows first: it is Postmark, not what is below it
					{"? Region of Postmark", "\x1b"},          // one question back
					{"broadcasts.postmarkapp.com Type a part of the name", "postmark\r"},
					{"? Region of Postmark", "\r"},
					{"? Token", "short\r"},
					{"enter it again to use it anyway", wrong + "\r"},
					{"? Sender address", "me@gmail.com\r"},
					{"gmail.com is a public mail service", "noreply\r"},
					{"enter a full address, e.g. app@example.com", "app@example.com\r"},
					{"? Send a test message to", "<\r"},
					{"? Sender address: (app@example.com)", "\r"},
					{"? Send a test message to", "\r"},
					{"? Apply this?", "y\r"},
					{"cause: ", r.Password + "\r"}, // asked for alone; everything else is kept
				}
			},
			want: []string{"delivered: the test message to app@example.com"}, not: []string{"SparkPost", "both fields", "Account    0000"}, messages: 2,
		},
		{
			name: "aws", cloud: "aws", relay: "ses",
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"Recommended: Amazon SES", "\r"},
					{"? User name", r.Username + "\r"},
					{"? Password", r.SecretAccessKey + "\r"},
					{"the SMTP password is computed from it", "app@exampel.com\r"},
					{"DNS has no domain exampel.com", "app@example.com\r"},
					{"? Send a test message to", "you@example.net\r"},
					{"? Apply this?", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net"}, not: []string{"include:amazonses.com"}, messages: 2,
		},
		{
			name: "mail_server", cloud: "hetzner", relay: "mailgun",
			shell: "postconf -e 'mydestination=localhost, example.com' && postfix reload",
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"? Relay service", "mailgun\r"},
					{"? Region of Mailgun", "eu\r"},
					{"? User name", r.Username + "\r"},
					{"? Password", r.Password + "\r"},
					{"? Sender address", "max@example.com\r"},
					{"? Send a test message to", "\r"},
					{"enter a full address", "max@example.com\r"},
					{"choose a recipient elsewhere", "you@example.net\r"},
					{"? Domains to deliver directly", "corp_example!\r"},
					{"is not a domain", "corp.example\r"},
					{"? Apply this?", "d\r"},
					{"Commands:", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net"}, messages: 2,
		},
		{
			name: "gmail", cloud: "hetzner", relay: "gmail",
			steps: func(r *lab.RelayService) []step {
				p := r.Password
				return []step{
					{"? Relay service", "gmail\r\x7f"},
					{"? User name", r.Username + "\r"},
					{"? Password", p[:4] + " " + p[4:8] + " " + p[8:12] + " " + p[12:] + "\r"},
					{"? Sender address: (" + r.Username + ")", "\r"}, // the mailbox itself
					{"? Send a test message to", "you@example.net\r"},
					{"? Apply this?", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net"}, not: []string{"Gmail takes", "v=spf1", "_domainkey", "_dmarc"}, messages: 2,
		},
		{
			// A computer at home without a provider, a mailbox, and a yes where a domain is asked for.
			name: "home", relay: "gmx", domains: []string{"gmx.net"},
			shell: "postconf -e 'mydestination=localhost, lan.example' && postfix reload",
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"Type a part of the name", "gmx\r"},
					{"? Server of GMX", "\r"},
					{"? User name", "mailer\r"},
					{"does not look like the user name of GMX", r.Username + "\r"},
					{"? Password", r.Password + "\r"},
					{"? Sender address: (" + r.Username + ")", "\r"},
					{"? Send a test message to: (" + r.Username + ")", "you@example.net\r"},
					{"? Domains to deliver directly", "no\r"},
					{"press Enter for none", "\r"},
					{"? Apply this?", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net"}, not: []string{"v=spf1", "_domainkey", "_dmarc", "Region"}, messages: 2,
		},
		{
			// A NAS at home, a mailbox whose owner's name is typed, and a sender of the LAN.
			name: "nas", relay: "icloud", domains: []string{"icloud.com"},
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"Type a part of the name", "apple\r"},
					{"? User name", "\r"},
					{"enter the user name", r.Username + "\r"},
					{"? Password", "MyApplePassword1\r"},
					{"does not look like the password of iCloud Mail: app-specific password", r.Password + "\r"},
					{"? Sender address: (" + r.Username + ")", "backup@nas.lan\r"},
					{"iCloud Mail sends for addresses of your account only", "backup@nas.lan\r"},
					{"? Sender address: backup@nas.lan", ""}, // twice, and not forced
					{"? Sender address: (" + r.Username + ")", "\r"},
					{"? Send a test message to: (" + r.Username + ")", "you@example.net\r"},
					{"? Apply this?", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net"}, not: []string{"v=spf1", "to use it anyway (arrow"}, messages: 2,
		},
		{
			// A mailbox provider that sends for a domain of one's own: the account's name and
			// password first, a system user as sender, words in place of y.
			name: "own_domain", cloud: "upcloud", relay: "fastmail", domains: []string{"fastmail.com"},
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"? Relay service", "fastmail\r"},
					{"? User name", "jane\r"},
					{"does not look like the user name of Fastmail", r.Username + "\r"},
					{"? Password", "MyOwnPassw0rd\r"},
					{"does not look like the password of Fastmail: app password", r.Password + "\r"},
					{"? Sender address: (" + r.Username + ")", "root\r"},
					{"enter a full address, e.g. app@example.com", "info@example.com\r"},
					{"? Send a test message to", "jane\r"},
					{"enter a full address, e.g. you@example.com", "you@example.net\r"},
					{"? Apply this?", "yes please\r"},
					{"y, n or d", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net", "CNAME fm1._domainkey.example.com: fm1.example.com.dkim.fmhosted.com", "TXT _dmarc.example.com: v=DMARC1; p=none"}, not: []string{"<domain>", "(replace"}, messages: 2,
		},
		{
			// A wrong password; "<" at the question that it leads to goes to the one before.
			name: "shop", cloud: "linode", relay: "smtp2go",
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"? Relay service", "smtp2go\r"},
					{"? Region of SMTP2GO", "eu\r"},
					{"? User name", r.Username + "\r"},
					{"? Password", "CorrectHorse7\r"},
					{"? Sender address", "no-reply@example.com\r"},
					{"Choose a mailbox that you can open.", "you@example.net\r"},
					{"? Apply this?", "y\r"},
					{"port 587 refused the login", "<\r"},
					{"? Region of SMTP2GO", "default\r"},
					{"? User name", r.Username + "\r"},
					{"? Password", r.Password + "\r"},
					{"mail.smtp2go.com port 587, verified TLS", ""},
					{"? Apply this?", "y\r"},
				}
			},
			want: []string{"delivered: the test message to you@example.net"}, messages: 2,
		},
		{
			name: "phoenix", cloud: "oracle", relay: "mailjet",
			steps: func(r *lab.RelayService) []step {
				return []step{
					{"Recommended: Oracle OCI Email Delivery", "mailjet\r"},
					{"? User name", r.Username + "\r"},
					{"? Password", r.Password + "\r"},
					{"? Sender address", "shop@gmail.com\r"},
					{"gmail.com is a public mail service", "shop@example.com\r"},
					{"? Send a test message to", "\r"},
					{"? Apply this?", "y\r"},
				}
			},
			want: []string{"delivered: the test message to shop@example.com", "TXT example.com: v=spf1 include:spf.mailjet.com ~all"}, not: []string{"gmail.com:"}, messages: 2,
		},
	} {
		t.Run(session.name, func(t *testing.T) {
			t.Parallel()
			options := []lab.Option{lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(), lab.Relay(session.relay)}
			if session.cloud != "" {
				options = append(options, lab.Cloud(session.cloud))
			}
			l := lab.New(t, options...)
			for _, domain := range session.domains {
				l.World.DNS.Set(domain, "TXT", "a domain of senders")
			}
			if session.shell != "" {
				l.Server.Shell(session.shell)
			}
			p := sit(t, l, 80, false, "relayhost", "setup")
			for _, s := range session.steps(l.World.Relay(session.relay)) {
				p.sees(s.see)
				if s.typed != "" {
					p.term.Type(s.typed)
				}
				// With a key right behind it Escape would be another key.
				for end := time.Now().Add(5 * time.Second); s.typed == "\x1b" && strings.Contains(flat(p.screen.String()), flat(s.see)) && time.Now().Before(end); {
					time.Sleep(20 * time.Millisecond)
				}
			}
			p.ends(0)
			for _, text := range session.want {
				p.sees(text)
			}
			for _, text := range session.not {
				if strings.Contains(flat(p.screen.String()), flat(text)) {
					t.Errorf("want no %q on the screen:\n%s", text, p.screen)
				}
			}
			waitMessages(t, l, session.relay, session.messages)
			if res := l.Run("relayhost", "verify", "--no-send"); res.Code != 0 {
				t.Errorf("verify of a sound setup: want exit code 0, got %s", res)
			}
		})
	}
}

// TestLabAborted: Ctrl-C keeps nothing on disk; the next run takes the answers up,
// asks for the password, and, when the relay refuses the message for its sender, for
// the sender alone.
func TestLabAborted(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo", func(c *smtpd.Config) {
		c.Message = func(e smtpd.Envelope) *smtpd.Reply {
			if strings.HasPrefix(e.From, "app@") {
				return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "the sender is not verified in this account"}
			}
			return nil
		}
	}))
	l.Server.Shell("mountpoint -q /run || mount -t tmpfs -o mode=755 tmpfs /run")
	r := l.World.Relay("brevo")
	before := l.Server.Tree("/etc", "/var/lib")
	p := sit(t, l, 80, false, "relayhost", "setup")
	p.sees("? Relay service")
	p.term.Type("postmark\r") // of which this world has no DNS
	p.sees("? Region of Postmark")
	p.term.Type("\r")
	p.sees("? What do you want to change?")
	p.term.Type("relay\r")
	p.sees("? Relay service")
	p.term.Type("brevo\r")
	p.sees("? User name")
	p.term.Type(r.Username + "\r")
	p.sees("? Password")
	p.term.Type(r.Password + "\r")
	p.sees("? Sender address")
	p.term.Type("app@example.com\r")
	p.sees("? Send a test message to")
	p.term.Type("you@example.net\r")
	p.sees("? Apply this?")
	p.term.Type("\x03")
	p.ends(130)
	p.sees("Nothing is saved on disk. For an hour the next relayhost setup offers your answers again, without the password.")
	p.sees("this server: unchanged")
	if d := before.Diff(l.Server.Tree("/etc", "/var/lib")); d != "" {
		t.Errorf("on disk: got\n%s\nwant none", d)
	}
	if kept := l.Server.ReadFile("/run/relayhost-answers.json"); strings.Contains(kept, r.Password) || !strings.Contains(kept, "app@example.com") {
		t.Errorf("kept: got %s (password: ***), want no password in it and %q in it", strings.ReplaceAll(kept, r.Password, "***"), "app@example.com")
	}
	p = sit(t, l, 80, false, "relayhost", "setup")
	p.sees("Sender address: app@example.com")
	p.sees("? Continue with them?")
	p.term.Type("y\r")
	p.sees("? Password")
	p.term.Type(r.Password + "\r")
	p.sees("messages to you@example.net")
	p.sees("? Apply this?")
	p.term.Type("y\r")
	p.sees("the sender is not verified in this account")
	p.sees("? Sender address: (app@example.com)")
	p.term.Type("ops@example.com\r")
	p.sees("ops@example.com")
	p.sees("? Apply this?")
	p.term.Type("y\r")
	p.ends(0)
	p.sees("delivered: the test message to you@example.net")
	if res := l.Run("test", "-e", "/run/relayhost-answers.json"); res.Code == 0 {
		t.Errorf("the answers after a setup that has succeeded: want an exit code other than 0, got %s", res)
	}
}

// TestLabAllGiven: who gives everything by flags is asked for consent alone.
func TestLabAllGiven(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.MailExchangers(), lab.Postfix(), lab.Relay("mailgun"))
	credentials(l, "mailgun", "")
	p := sit(t, l, 80, false, "relayhost", "setup", "--relay", "mailgun", "--credentials-file", "/root/credentials", "--from", "app@example.com", "--to", "you@example.net")
	p.sees("port 25 is open from this host: no relay is needed to send mail")
	p.sees("? Apply this?")
	p.term.Type("n\r")
	p.ends(1)
	if strings.Contains(p.screen.String(), "Region") {
		t.Errorf("want no question %q on the screen:\n%s", "Region", p.screen)
	}
}

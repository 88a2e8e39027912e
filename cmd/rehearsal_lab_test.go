//go:build lab

package cmd_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabRehearsalWaits: with --yes the rehearsal goes ahead as far as its login, and
// waits there until the relay has accepted login, sender and recipient from our own
// client. Where it refuses one of them, nothing logs in a second time; where it announces no
// AUTH, it sees no MAIL. A rehearsal that cannot be ended is told.
func TestLabRehearsalWaits(t *testing.T) {
	t.Parallel()
	var refuse, jam atomic.Bool
	var l *lab.Lab
	until := func(limit time.Duration, f func() bool) {
		for end := time.Now().Add(limit); !f() && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
	}
	waits := func() bool {
		return slices.ContainsFunc(l.World.Relay("sendgrid").Sessions(), func(s smtpd.Session) bool {
			return s.Ended.IsZero() && strings.HasSuffix(s.Local, ":587") && s.Count("EHLO") == 2 && len(s.Mechanisms) == 0
		})
	}
	const jammed = "/etc/postfix-relayhost/jammed" // in the way of whoever removes the directory
	came := atomic.Int32{}
	open := openRelay{until: until}
	l = newLab(t, lab.Relay("sendgrid", func(c *smtpd.Config) {
		c.Recipient = func(string, string) *smtpd.Reply {
			until(25*time.Second, func() bool { return came.Load() != 0 || waits() && came.Add(1) != 0 })
			if jam.Swap(false) {
				l.Server.Shell("mkdir " + jammed + " && mount -t tmpfs none " + jammed)
			}
			if refuse.Load() {
				return &smtpd.Reply{Code: 550, Text: "no such mailbox"}
			}
			return nil
		}
	}), lab.Relay("postmark", open.change(&l)))
	credentials(l, "sendgrid", "")
	refuse.Store(true)
	unchangedAfter(t, l, 3, setupArgs(five[1])...)
	if got := l.Server.Shell("ls -d /etc/postfix-relayhost* /var/spool/postfix-relayhost* 2>/dev/null || true"); got != "" || came.Load() != 1 {
		t.Errorf("refused: the rehearsal came as far as the login %d times and left %q, want 1 and nothing", came.Load(), got)
	}
	count := func() (connections, logins int) {
		for _, s := range l.World.Relay("sendgrid").Sessions() {
			logins += len(s.Mechanisms)
			if strings.HasSuffix(s.Local, ":587") {
				connections++
			}
		}
		return connections, logins
	}
	connections, logins := count()
	if connections != 2 || logins != 1 {
		t.Errorf("refused: got %d connections to port 587 and %d logins, want 2 and 1", connections, logins)
	}
	refuse.Store(false)
	came.Store(0)
	if res := l.Run(setupArgs(five[1])...); res.Code != 0 {
		t.Fatalf("want exit code 0, got %s\n%s", res, l.Server.MailLog())
	}
	// Our own client, the rehearsal, and the proof.
	all, tried := count()
	if all-connections != 3 || tried-logins != 3 || came.Load() != 1 || len(l.World.Relay("sendgrid").Mailbox()) != 2 {
		t.Errorf("accepted: got %d connections to port 587, %d logins, %d rehearsals ahead and %d messages, want 3, 3, 1 and 2",
			all-connections, tried-logins, came.Load(), len(l.World.Relay("sendgrid").Mailbox()))
	}
	credentials(l, "postmark", "")
	res := l.Run(setupArgs(five[4], "--port", "587", "--no-probe")...)
	held, mail := open.seen(l)
	if res.Code != 3 || !held || mail != 0 || len(l.World.Relay("postmark").Mailbox()) != 0 {
		t.Errorf("no AUTH: got a rehearsal ahead: %v, %d MAIL, %s, want true, 0 and exit code 3", held, mail, res)
	}
	credentials(l, "sendgrid", "")
	came.Store(0)
	refuse.Store(true)
	jam.Store(true)
	res = l.Run(setupArgs(five[1], "--from", "third@example.com")...)
	l.Server.Shell("umount " + jammed)
	if doc := decode[setupResult](t, res); res.Code != 3 || !strings.Contains(doc.Error, "no such mailbox") || !strings.Contains(doc.Error, jammed) {
		t.Errorf("a rehearsal that cannot be ended: want exit code 3 and an error with the refusal and %s, got %s", jammed, res)
	}
}

// openRelay takes mail from anybody, and announces no AUTH. It lets nobody but a Postfix
// through its handshake before that is encrypted.
type openRelay struct {
	until func(time.Duration, func() bool)
}

func (o openRelay) change(l **lab.Lab) func(*smtpd.Config) {
	return func(c *smtpd.Config) {
		c.NoAuth, c.Accounts, c.Mechanisms = true, nil, []string{}
		c.TLS = c.TLS.Clone()
		c.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			const ed448 = 0x0808 // of OpenSSL, not of crypto/tls
			if !slices.Contains(hello.SignatureSchemes, ed448) {
				o.until(25*time.Second, func() bool { held, _ := o.seen(*l); return held })
				o.until(time.Second, func() bool { _, mail := o.seen(*l); return mail > 0 })
			}
			return nil, nil
		}
	}
}

// seen are whether somebody has come as far as EHLO by TLS, and how often MAIL was sent.
func (openRelay) seen(l *lab.Lab) (encrypted bool, mail int) {
	for _, s := range l.World.Relay("postmark").Sessions() {
		encrypted = encrypted || s.Count("EHLO") == 2
		mail += s.Count("MAIL")
	}
	return encrypted, mail
}

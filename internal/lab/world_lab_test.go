//go:build lab

package lab_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// A server with a hand-made setup sends through a relay service over verified
// TLS, looks names up, and reaches exchangers and metadata.
func TestLabWorldFromAServer(t *testing.T) {
	l := lab.New(t, lab.Cloud("aws"), lab.Relay("postmark"), lab.MailExchangers())
	r := l.World.Relay("postmark")
	s := l.Server

	s.WriteFile("/etc/postfix/sasl_passwd", "[smtp.postmarkapp.com]:587 "+r.Username+":"+r.Password+"\n", 0o600)
	s.Shell(`postmap /etc/postfix/sasl_passwd && postconf -e 'relayhost=[smtp.postmarkapp.com]:587' smtp_sasl_auth_enable=yes ` +
		`smtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd smtp_tls_security_level=secure smtp_sasl_tls_security_options=noanonymous ` +
		`smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt && ` +
		`postconf -F smtp/unix/chroot=n`) // Debian's chroot has no resolv.conf until its start script copies it
	s.StartPostfix()
	s.SendMail("from@example.com", "to@example.net", "Subject: world\n\nhello\n")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	m, err := r.WaitMessage(ctx)
	if err != nil {
		t.Fatalf("wait for the message: got %v, want no error\n%s", err, s.MailLog())
	}
	if m.From != "from@example.com" || m.To[0] != "to@example.net" || !strings.Contains(string(m.Data), "Subject: world") {
		t.Errorf("message: got it from %q to %q:\n%s\nwant it from %q to %q, with %q in it",
			m.From, m.To, m.Data, "from@example.com", "to@example.net", "Subject: world")
	}
	session := m.Session
	if session.TLSVersion != "TLS 1.3" || session.Username != r.Username || session.AuthBeforeTLS ||
		!strings.HasPrefix(session.Remote, "203.0.113.10:") && !strings.HasPrefix(session.Remote, "[2001:db8:a::10]:") {
		t.Errorf("session: got %q from %s, the relay's user name %v, AUTH before TLS %v, want %q from 203.0.113.10 or 2001:db8:a::10, true, false",
			session.TLSVersion, session.Remote, session.Username == r.Username, session.AuthBeforeTLS, "TLS 1.3")
	}
	if log := s.WaitLog(`status=sent.*`); !strings.Contains(log, m.Reply) {
		t.Errorf("log: got\n%s\nwant the relay's reply %q in it", log, m.Reply)
	}

	bash := func(script string) string { return s.Run("bash", "-c", script).Stdout }
	x := l.World.Exchanger("gmail-smtp-in.l.google.com")
	got := bash(`exec 3<>/dev/tcp/gmail-smtp-in.l.google.com/25; read -r line <&3; echo "$line"; printf 'EHLO host.example.com\r\nQUIT\r\n' >&3; cat <&3`)
	if !strings.HasPrefix(got, "220 mx.google.com") || !strings.Contains(got, "STARTTLS") {
		t.Errorf("exchanger: got %q, want %q at its start and %q in it", got, "220 mx.google.com", "STARTTLS")
	}
	if err := x.Manners(); err != nil {
		t.Error(err)
	}
	got = bash(`exec 3<>/dev/tcp/169.254.169.254/80; printf 'GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&3; cat <&3`)
	if !strings.HasPrefix(got, "HTTP/1.1 401") || l.World.Metadata().WithoutToken() != 1 {
		t.Errorf("metadata: got %q, want %q at its start", got, "HTTP/1.1 401")
	}
	if got := s.ReadFile("/sys/class/dmi/id/sys_vendor"); strings.TrimSpace(got) != "Amazon EC2" {
		t.Errorf("sys_vendor: got %q, want %q", got, "Amazon EC2")
	}
	if n := l.World.DNS.Count("smtp.postmarkapp.com", "A"); n == 0 {
		t.Errorf("A queries for %s: got none, want 1 or more", "smtp.postmarkapp.com")
	}
}

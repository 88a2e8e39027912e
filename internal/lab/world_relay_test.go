package lab

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// roots trust the lab's CA alone.
func roots(w *World) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.CA.PEM)
	return pool
}

// login is LOGIN for net/smtp.
type login struct{ user, pass string }

func (l login) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }
func (l login) Next(challenge []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case string(challenge) == "Username:":
		return []byte(l.user), nil
	}
	return []byte(l.pass), nil
}

// deliver sends one message through a relay with the library's own client.
func deliver(w *World, addr, host string, port relays.Port, r *RelayService, from string) error {
	conf := &tls.Config{ServerName: host, RootCAs: roots(w), MinVersion: tls.VersionTLS12}
	var conn net.Conn
	var err error
	if port.TLS == relays.Implicit {
		conn, err = tls.Dial("tcp", addr, conf)
	} else {
		conn, err = net.Dial("tcp", addr)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if port.TLS != relays.Implicit {
		if err := c.StartTLS(conf); err != nil {
			return err
		}
	}
	_, offered := c.Extension("AUTH")
	var auth smtp.Auth = login{r.Username, r.Password}
	if strings.Contains(offered, "PLAIN") {
		auth = smtp.PlainAuth("", r.Username, r.Password, host)
	}
	if err := c.Auth(auth); err != nil {
		return fmt.Errorf("auth (%s): %w", offered, err)
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt("to@example.net"); err != nil {
		return err
	}
	d, err := c.Data()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d, "From: %s\r\nSubject: %s %d\r\n\r\nhello\r\n", from, host, port.Port)
	if err := errors.Join(err, d.Close()); err != nil {
		return err
	}
	return c.Quit()
}

// Every service of the catalogue takes mail at each of its host names and
// ports, over IPv4 and IPv6, with credentials that pass its own rules.
func TestRelayServices(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, cat := range all {
		if !cat.TakesPassword() {
			continue // its mechanisms are none that the embedded server checks
		}
		t.Run(cat.ID, func(t *testing.T) {
			w, n := testWorld(t, Relay(cat.ID))
			r := w.Relay(cat.ID)
			if problems := cat.CheckCredentials(r.Username, r.Password); len(problems) > 0 {
				t.Errorf("CheckCredentials of the lab's account: got %+v, want no problem", problems)
			}
			if len(r.Hosts) == 0 {
				t.Fatal("hosts: got none, want 1 or more")
			}
			sent := 0
			for i, h := range r.Hosts {
				for _, port := range h.Ports {
					for _, addr := range h.Addrs {
						if i > 0 && (addr.Is6() || port.Port != h.Ports[0].Port) {
							continue
						}
						account := *r
						if cat.ID == "ses" {
							_, region, _ := relays.ByHost(all, h.Name)
							account.Password = relays.SESPassword(r.SecretAccessKey, region)
						}
						at := n.at("tcp", net.JoinHostPort(addr.String(), strconv.Itoa(port.Port)))
						if err := deliver(w, at, h.Name, port, &account, "from@example.com"); err != nil {
							t.Errorf("%s %s port %d: got the error %v, want none", h.Name, addr, port.Port, err)
						}
						sent++
					}
				}
				if !w.DNS.Has(h.Name) {
					t.Errorf("DNS: got no record of %s, want one", h.Name)
				}
			}
			if got := len(r.Mailbox()); got != sent {
				t.Errorf("messages: got %d, want %d", got, sent)
			}
			for _, s := range r.Sessions() {
				if s.TLSVersion != "TLS 1.3" || s.AuthBeforeTLS || !s.Authenticated || s.Username != r.Username || s.SNI == "" {
					t.Errorf("session: got %q, SNI %q, AUTH before TLS %v, logged in %v, the account's user name %v, want %q, an SNI, false, true, true",
						s.TLSVersion, s.SNI, s.AuthBeforeTLS, s.Authenticated, s.Username == r.Username, "TLS 1.3")
				}
			}
		})
	}
}

func TestRelayOfOnesOwn(t *testing.T) {
	w, n := testWorld(t, RelayAt([]string{"relay.corp.example"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}, func(c *smtpd.Config) {
		c.Sender = func(string) *smtpd.Reply {
			return &smtpd.Reply{Code: 554, Text: "Message rejected: Email address is not verified."}
		}
	}))
	r := w.Relay(relays.SmarthostID)
	at := n.at("tcp", net.JoinHostPort(r.Hosts[0].Addrs[0].String(), "587"))
	err := deliver(w, at, "relay.corp.example", r.Hosts[0].Ports[0], r, "from@example.com")
	if err == nil || !strings.Contains(err.Error(), "not verified") {
		t.Errorf("deliver from a sender that is refused: got the error %v, want one with %q", err, "not verified")
	}
	r.Configure(func(c *smtpd.Config) { c.Sender = nil })
	if err := deliver(w, at, "relay.corp.example", r.Hosts[0].Ports[0], r, "from@example.com"); err != nil {
		t.Error(err)
	}
	if err := deliver(w, at, "other.example", r.Hosts[0].Ports[0], r, "from@example.com"); err == nil {
		t.Errorf("deliver to %s with a certificate of another name: got no error, want one", "other.example")
	}
}

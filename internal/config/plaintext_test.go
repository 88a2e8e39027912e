package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/secret"
	"relayhost/relays"
)

const plaintext = `version = 1
relay = "smarthost"
host = "10.0.0.5"
port = 25
from = "app@example.com"
insecure_plaintext = true
`

// A hop without TLS is one of one's own, on a private network, without a password.
func TestPlaintext(t *testing.T) {
	c, err := resolved(t, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	if h := c.First(); !h.Plaintext() || h.NeedsLogin() {
		t.Errorf("got TLS %q, login %t; want none of both", h.TLS, h.NeedsLogin())
	}
	if err := c.Validate(true); err != nil {
		t.Errorf("got %v, want it accepted", err)
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if again := read(t, string(text)); !again.First().Plaintext() {
		t.Errorf("TLS after it was written and read: got %q, want none, of\n%s", again.First().TLS, text)
	}
	withPassword := c.Clone()
	withPassword.First().Username, withPassword.First().Password = "user", secret.New("x")
	if err := withPassword.Validate(true); err == nil || !strings.Contains(err.Error(), "no password goes over") {
		t.Errorf("with a password: got the error %v, want one with %q", err, "no password goes over")
	}
	for name, test := range map[string]struct{ old, line, want string }{
		"tls as well":       {"port = 25", "port = 25\ntls = \"starttls\"", "and no tls"},
		"tls = none":        {"insecure_plaintext = true", "tls = \"none\"", "insecure_plaintext = true"},
		"a public address":  {"10.0.0.5", "192.0.2.5", "is a public address"},
		"a relay of others": {"relay = \"smarthost\"\nhost = \"10.0.0.5\"\nport = 25", "relay = \"sendgrid\"", "a relay of your own"},
		"credentials":       {"port = 25", "port = 25\ncredentials_file = \"/root/x\"", "no password goes over"},
		"a CA file":         {"port = 25", "port = 25\nca_file = \"/root/x.pem\"", "no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Read([]byte(strings.Replace(plaintext, test.old, test.line, 1)))
			if err == nil {
				_, err = c.Resolve(relays.Get, nil)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestPrivate(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "172.31.0.1": true, "192.168.1.1": true, "169.254.1.1": true, "100.64.0.1": true, "100.127.255.255": true,
		"::1": true, "fd00::1": true, "fe80::1": true, "::ffff:10.0.0.1": true,
		"172.32.0.1": false, "100.128.0.1": false, "198.51.100.1": false, "8.8.8.8": false, "2001:db8::1": false, "0.0.0.0": false, "::": false,
	} {
		t.Run(text, func(t *testing.T) {
			if got := config.Private(netip.MustParseAddr(text)); got != want {
				t.Errorf("got %t, want %t", got, want)
			}
		})
	}
}

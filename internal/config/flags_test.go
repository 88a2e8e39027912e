package config_test

import (
	"testing"

	"relayhost/internal/config"
	"relayhost/relays"
)

// What was said before is kept for the same relay until something else is said.
func TestMerge(t *testing.T) {
	before := config.Hop{Relay: &relays.Relay{ID: "corp"}, Host: "a.test", Port: 2525, TLS: relays.StartTLS, Connections: 50, CAFile: "/ca.pem"}
	seven, none := 7, 0
	type want struct {
		port, connections int
		caFile, pin       string
		noVerify          bool
	}
	for _, test := range []struct {
		name, host string
		given      config.Given
		want       want
	}{
		{"nothing said", "A.test", config.Given{}, want{2525, 50, "/ca.pem", "", false}},
		{"another host", "b.test", config.Given{}, want{0, 0, "", "", false}},
		{"another port", "a.test", config.Given{Port: 587}, want{587, 50, "/ca.pem", "", false}},
		{"other connections", "a.test", config.Given{Connections: &seven}, want{2525, 7, "/ca.pem", "", false}},
		{"the relay's connections again", "a.test", config.Given{Connections: &none}, want{2525, 0, "/ca.pem", "", false}},
		{"a fingerprint in place of the CA", "a.test", config.Given{Fingerprint: "00"}, want{2525, 50, "", "00", false}},
		{"no verification in place of the CA", "a.test", config.Given{NoVerify: true}, want{2525, 50, "", "", true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config.New()
			*c.First() = before
			c.Routes[0].From, c.MapType = "a@b.test", "lmdb"
			c = c.Merge(config.Hop{Relay: before.Relay, Host: test.host}, before, test.given)
			h := c.First()
			if got := (want{h.Port, h.Connections, h.CAFile, h.Pin, h.NoVerify}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if c.From() != "a@b.test" || c.MapType != "lmdb" {
				t.Errorf("got from %q and map type %q, want those of before", c.From(), c.MapType)
			}
		})
	}
}

// TestMergeRegion: in another region mail goes by the API still, as before.
func TestMergeRegion(t *testing.T) {
	before := config.Hop{Relay: &relays.Relay{ID: "mailgun"}, Host: "smtp.mailgun.org", Via: config.HTTPS, Port: 443, TLS: relays.Implicit, Proxy: "http://proxy.test:3128", BridgeService: true, CAFile: "/ca.pem", Connections: 7}
	for _, test := range []struct {
		name  string
		relay string
		given config.Given
		want  config.Via
	}{
		{"another region", "mailgun", config.Given{}, config.HTTPS},
		{"another region by SMTP", "mailgun", config.Given{Via: "smtp"}, config.SMTP},
		{"another region and a port", "mailgun", config.Given{Port: 587}, config.SMTP},
		{"another relay", "corp", config.Given{}, config.SMTP},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config.New()
			*c.First() = before
			h := c.Merge(config.Hop{Relay: &relays.Relay{ID: test.relay}, Host: "smtp.eu.mailgun.org"}, before, test.given).First()
			if h.Via != test.want {
				t.Errorf("via: got %q, want %q", h.Via, test.want)
			}
			kept := h.Proxy == before.Proxy && h.BridgeService && h.Port == 443 && h.CAFile == before.CAFile && h.Connections == 7
			if kept != (test.want == config.HTTPS) {
				t.Errorf("hop: got %+v, want what was before kept: %v", h, test.want == config.HTTPS)
			}
		})
	}
}

// A value that a flag has replaced has no line in the file any more.
func TestMistakeOfAFlag(t *testing.T) {
	c, err := config.Read([]byte("version = 1\nrelay = \"corp\"\nfrom = \"a@b.example\"\nconnections = 5\n"))
	if err != nil {
		t.Fatal(err)
	}
	many := 5000
	c = c.Merge(*c.First(), *c.First(), config.Given{Connections: &many})
	c.First().Host, c.First().Port, c.First().TLS = "a.test", 587, relays.StartTLS
	const want = "connections: 5000 is not a number from 1 to 1000"
	if err := c.Validate(false); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

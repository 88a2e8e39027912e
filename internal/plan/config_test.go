package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/secret"
	"relayhost/relays"
)

func TestAnswersThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, field string
		change      func(*config.Config)
	}{
		{"a relay with a space", "relay", func(o *config.Config) { o.First().Relay.ID = "a b" }},
		{"no relay", "relay", func(o *config.Config) { o.First().Relay.ID = "" }},
		{"no smarthost", "smarthost", func(o *config.Config) { o.First().Host = "" }},
		{"a smarthost in brackets", "smarthost", func(o *config.Config) { o.First().Host = "[smtp.example.net]" }},
		{"a smarthost that ends with a dot", "smarthost", func(o *config.Config) { o.First().Host = "smtp.example.net." }},
		{"a smarthost with a port", "smarthost", func(o *config.Config) { o.First().Host = "smtp.example.net:587" }},
		{"a smarthost from a parameter", "smarthost", func(o *config.Config) { o.First().Host = "$mydomain" }},
		{"two smarthosts", "smarthost", func(o *config.Config) { o.First().Host = "a, b" }},
		{"a smarthost of two lines", "smarthost", func(o *config.Config) { o.First().Host = "a\nb = c" }},
		{"an invalid IPv4 address", "smarthost", func(o *config.Config) { o.First().Host = "300.1.1.1" }},
		{"an IPv6 address with a zone", "smarthost", func(o *config.Config) { o.First().Host = "fe80::1%eth0" }},
		{"an invalid international name", "smarthost", func(o *config.Config) { o.First().Host = "xn--a-b.example.net" }},
		{"a smarthost that is too long", "smarthost", func(o *config.Config) { o.First().Host = strings.Repeat("a.", 127) + "aa" }},
		{"port 0", "port", func(o *config.Config) { o.First().Port = 0 }},
		{"port 65536", "port", func(o *config.Config) { o.First().Port = 65536 }},
		{"an unsure TLS mode", "port", func(o *config.Config) { o.First().TLS = relays.Unsure }},
		{"no user name", "username", func(o *config.Config) { o.First().Username = "" }},
		{"a user name with a colon", "username", func(o *config.Config) { o.First().Username = "a:b" }},
		{"a user name of two lines", "username", func(o *config.Config) { o.First().Username = "a\nb" }},
		{"a user name that is too long", "username", func(o *config.Config) { o.First().Username = strings.Repeat("a", 321) }},
		{"no password", "credentials-file", func(o *config.Config) { o.First().Password = secret.Value{} }},
		{"a password of two lines", "credentials-file", func(o *config.Config) { o.First().Password = secret.New("a\nb c:d") }},
		{"a password that ends with a carriage return", "credentials-file", func(o *config.Config) { o.First().Password = secret.New("a\r") }},
		{"a password with a null byte", "credentials-file", func(o *config.Config) { o.First().Password = secret.New("a\x00b") }},
		{"a password that begins with a space", "credentials-file", func(o *config.Config) { o.First().Password = secret.New(" a") }},
		{"a password that ends with a no-break space", "credentials-file", func(o *config.Config) { o.First().Password = secret.New("a\u00a0") }},
		{"a password that is not UTF-8", "credentials-file", func(o *config.Config) { o.First().Password = secret.New("\xff") }},
		{"a password that is too long", "credentials-file", func(o *config.Config) { o.First().Password = secret.New(strings.Repeat("a", 1025)) }},
		{"no sender", "from", func(o *config.Config) { o.Routes[0].From = "" }},
		{"a sender without a domain", "from", func(o *config.Config) { o.Routes[0].From = "root" }},
		{"a sender with two at signs", "from", func(o *config.Config) { o.Routes[0].From = "a@b@c.d" }},
		{"a sender with a space", "from", func(o *config.Config) { o.Routes[0].From = "a b@example.org" }},
		{"a sender at localhost", "from", func(o *config.Config) { o.Routes[0].From = "a@localhost" }},
		{"a sender from a parameter", "from", func(o *config.Config) { o.Routes[0].From = "${x}@example.org" }},
		{"a recipient in angle brackets", "to", func(o *config.Config) { o.To = "<a@example.org>" }},
		{"a recipient that is too long", "to", func(o *config.Config) { o.To = "a@" + strings.Repeat("b.", 125) + "org" }}, // 255 bytes
		{"a program for root", "root-to", func(o *config.Config) { o.RootTo = "|/bin/sh@example.org" }},
		{"a direct domain with a transport", "direct", func(o *config.Config) { o.Direct = []string{"corp.test smtp:[x]"} }},
		{"every domain direct", "direct", func(o *config.Config) { o.Direct = []string{"*"} }},
		{"connections below 0", "connections", func(o *config.Config) { o.First().Connections = -1 }},
		{"connections above 1000", "connections", func(o *config.Config) { o.First().Connections = 1001 }},
		{"a relative path of the CA file", "ca-file", func(o *config.Config) { o.First().CAFile = "ca.pem" }},
		{"a path of the CA file with a space", "ca-file", func(o *config.Config) { o.First().CAFile = "/etc/a b.pem" }},
		{"a path of the CA file with dots", "ca-file", func(o *config.Config) { o.First().CAFile = "/etc/../ca.pem" }},
		{"a fingerprint that is too short", "fingerprint", func(o *config.Config) { o.First().Pin = "AB:CD" }},
		{"a fingerprint and no verification", "fingerprint", func(o *config.Config) { o.First().Pin, o.First().NoVerify = strings.Repeat("00", 32), true }},
		{"a map type that is not compiled in", "map-type", func(o *config.Config) { o.MapType = "lmdb" }},
		{"a map type without a file", "map-type", func(o *config.Config) { o.MapType = "static" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(test.change)
			_, err := plan.Build(plan.Server{State: debian(t).state(t)}, o)
			var bad *config.InputError
			if !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("want %s refused, got %v", test.field, err)
			}
			if password := o.First().Password.Reveal(); err != nil && len(password) > 3 && strings.Contains(err.Error(), password) {
				t.Error("got the password in the error, want it left out")
			}
		})
	}
}

func TestPasswordsThatAreStored(t *testing.T) {
	for i, password := range []string{"a", "#x", "a:b:c", "{a}", `"q"`, "'", `\n\`, "a b", "a\tb", "$mydomain${x}$$", "pässwörd", "日本", strings.Repeat("x", 1024)} {
		t.Run(fmt.Sprintf("password %d", i), func(t *testing.T) {
			s := debian(t)
			p := build(t, s, options(func(o *config.Config) { o.First().Password = secret.New(password) }))
			s.apply(p)
			s.set("smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd")
			user, stored, ok := plan.Credentials(s.state(t), p.First().NextHop)
			if !ok || user != "joe" || stored.Reveal() != password {
				t.Errorf("a password of %d bytes: got it stored %v, user %q, the same password %v, want true, %q, true", len(password), ok, user, stored.Reveal() == password, "joe")
			}
		})
	}
}

func TestHostsThatAreTaken(t *testing.T) {
	for _, h := range []string{"smtp.example.net", "SMTP.Example.NET", "relay", "192.0.2.1", "2001:db8::1", "xn--bcher-kva.example", "a-b.c1.example"} {
		t.Run(h, func(t *testing.T) {
			p := build(t, debian(t), options(func(o *config.Config) { o.First().Host = h }))
			if want := "[" + strings.ToLower(h) + "]:587"; p.First().NextHop != want || param(t, p, "default_transport") != p.Default().Service+":"+want {
				t.Errorf("next hop %s, default_transport %s, want %s and %s", p.First().NextHop, param(t, p, "default_transport"), want, p.Default().Service+":"+want)
			}
		})
	}
}

func TestAnswersComeBack(t *testing.T) {
	o := options(func(o *config.Config) {
		o.First().Region, o.To, o.RootTo, o.Direct = "eu-west-1", "ops@example.org", "ops@example.org", []string{"corp.test"}
		o.First().Connections, o.First().CAFile = 50, "/etc/ssl/corp.pem"
	})
	written := text(t, build(t, debian(t), o), config.Path)
	if strings.Contains(written, "joe") || strings.Contains(written, "s3c") {
		t.Errorf("credentials among the answers: got\n%s\nwant no %q in it and no %q in it", written, "joe", "s3c")
	}
	again, err := config.Read([]byte(written))
	if err != nil {
		t.Fatal(err)
	}
	*again.First() = *o.First()
	if got := text(t, build(t, debian(t), again), config.Path); got != written {
		t.Errorf("want\n%s\ngot\n%s", written, got)
	}
	for _, bad := range []string{"version = 2\n", "version = 1\npassword = 'x'\n", "relay"} {
		t.Run(fmt.Sprintf("%q", bad), func(t *testing.T) {
			if _, err := config.Read([]byte(bad)); err == nil || !strings.Contains(err.Error(), config.Path) {
				t.Errorf("%q: got the error %v, want one with %s", bad, err, config.Path)
			}
		})
	}
}

// The next hops in use are those of all routes and their fallbacks: what a file
// leaves out of them is found there again.
func TestNextHops(t *testing.T) {
	s, c := debian(t), routeCases(t)["fail-over-route"]
	s.apply(build(t, s, c))
	got := plan.NextHops(s.state(t))
	for _, r := range c.Routes {
		for _, h := range r.Hops {
			if !slices.Contains(got, h.NextHop()) {
				t.Errorf("got %q, want %s of route %s among them", got, h.NextHop(), r.Name)
			}
		}
	}
}

package plan_test

import (
	"errors"
	"strings"
	"testing"

	"relayhost/internal/plan"
	"relayhost/internal/secret"
	"relayhost/relays"
)

func TestAnswersThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		field  string
		change func(*plan.Options)
	}{
		{"relay", func(o *plan.Options) { o.Relay.ID = "a b" }},
		{"relay", func(o *plan.Options) { o.Relay.ID = "" }},
		{"smarthost", func(o *plan.Options) { o.Host = "" }},
		{"smarthost", func(o *plan.Options) { o.Host = "[smtp.example.net]" }},
		{"smarthost", func(o *plan.Options) { o.Host = "smtp.example.net." }},
		{"smarthost", func(o *plan.Options) { o.Host = "smtp.example.net:587" }},
		{"smarthost", func(o *plan.Options) { o.Host = "$mydomain" }},
		{"smarthost", func(o *plan.Options) { o.Host = "a, b" }},
		{"smarthost", func(o *plan.Options) { o.Host = "a\nb = c" }},
		{"smarthost", func(o *plan.Options) { o.Host = "300.1.1.1" }},
		{"smarthost", func(o *plan.Options) { o.Host = "fe80::1%eth0" }},
		{"smarthost", func(o *plan.Options) { o.Host = "xn--a-b.example.net" }},
		{"smarthost", func(o *plan.Options) { o.Host = strings.Repeat("a.", 127) + "aa" }},
		{"port", func(o *plan.Options) { o.Port = 0 }},
		{"port", func(o *plan.Options) { o.Port = 65536 }},
		{"port", func(o *plan.Options) { o.TLS = relays.Unsure }},
		{"username", func(o *plan.Options) { o.Username = "" }},
		{"username", func(o *plan.Options) { o.Username = "a:b" }},
		{"username", func(o *plan.Options) { o.Username = "a\nb" }},
		{"username", func(o *plan.Options) { o.Username = strings.Repeat("a", 321) }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.Value{} }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New("a\nb c:d") }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New("a\r") }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New("a\x00b") }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New(" a") }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New("a\u00a0") }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New("\xff") }},
		{"credentials-file", func(o *plan.Options) { o.Password = secret.New(strings.Repeat("a", 1025)) }},
		{"from", func(o *plan.Options) { o.From = "" }},
		{"from", func(o *plan.Options) { o.From = "root" }},
		{"from", func(o *plan.Options) { o.From = "a@b@c.d" }},
		{"from", func(o *plan.Options) { o.From = "a b@example.org" }},
		{"from", func(o *plan.Options) { o.From = "a@localhost" }},
		{"from", func(o *plan.Options) { o.From = "${x}@example.org" }},
		{"to", func(o *plan.Options) { o.To = "<a@example.org>" }},
		{"to", func(o *plan.Options) { o.To = "a@" + strings.Repeat("b.", 125) + "org" }}, // 255 bytes
		{"root-to", func(o *plan.Options) { o.RootTo = "|/bin/sh@example.org" }},
		{"direct", func(o *plan.Options) { o.Direct = []string{"corp.test smtp:[x]"} }},
		{"direct", func(o *plan.Options) { o.Direct = []string{"*"} }},
		{"connections", func(o *plan.Options) { o.Connections = -1 }},
		{"connections", func(o *plan.Options) { o.Connections = 1001 }},
		{"ca-file", func(o *plan.Options) { o.CAFile = "ca.pem" }},
		{"ca-file", func(o *plan.Options) { o.CAFile = "/etc/a b.pem" }},
		{"ca-file", func(o *plan.Options) { o.CAFile = "/etc/../ca.pem" }},
		{"fingerprint", func(o *plan.Options) { o.Pin = "AB:CD" }},
		{"fingerprint", func(o *plan.Options) { o.Pin, o.NoVerify = strings.Repeat("00", 32), true }},
		{"map-type", func(o *plan.Options) { o.MapType = "lmdb" }},
		{"map-type", func(o *plan.Options) { o.MapType = "static" }},
	} {
		o := options(test.change)
		_, err := plan.Build(debian(t).state(t), nil, o)
		var bad *plan.InputError
		if !errors.As(err, &bad) || bad.Field != test.field {
			t.Errorf("want %s refused, got %v", test.field, err)
		}
		if password := o.Password.Reveal(); err != nil && len(password) > 3 && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestPasswordsThatAreStored(t *testing.T) {
	for _, password := range []string{"a", "#x", "a:b:c", "{a}", `"q"`, "'", `\n\`, "a b", "a\tb", "$mydomain${x}$$", "pässwörd", "日本", strings.Repeat("x", 1024)} {
		s := debian(t)
		p := build(t, s, options(func(o *plan.Options) { o.Password = secret.New(password) }))
		s.apply(p)
		s.set("smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd")
		user, stored, ok := plan.Credentials(s.state(t), p.NextHop)
		if !ok || user != "joe" || stored.Reveal() != password {
			t.Errorf("%q came back as %q (%v)", password, stored.Reveal(), ok)
		}
	}
}

func TestHostsThatAreTaken(t *testing.T) {
	for _, h := range []string{"smtp.example.net", "SMTP.Example.NET", "relay", "192.0.2.1", "2001:db8::1", "xn--bcher-kva.example", "a-b.c1.example"} {
		p := build(t, debian(t), options(func(o *plan.Options) { o.Host = h }))
		if want := "[" + strings.ToLower(h) + "]:587"; p.NextHop != want || param(t, p, "default_transport") != p.Service+":"+want {
			t.Errorf("%s: next hop %s, default_transport %s", h, p.NextHop, param(t, p, "default_transport"))
		}
	}
}

func TestAnswersComeBack(t *testing.T) {
	o := options(func(o *plan.Options) {
		o.Region, o.To, o.RootTo, o.Direct = "eu-west-1", "ops@example.org", "ops@example.org", []string{"corp.test"}
		o.Connections, o.CAFile = 50, "/etc/ssl/corp.pem"
	})
	written := text(t, build(t, debian(t), o), plan.AnswersPath)
	if strings.Contains(written, "joe") || strings.Contains(written, "s3c") {
		t.Errorf("credentials among the answers:\n%s", written)
	}
	a, err := plan.ReadAnswers([]byte(written))
	if err != nil {
		t.Fatal(err)
	}
	again := plan.Options{Relay: o.Relay, Username: o.Username, Password: o.Password}
	a.Fill(&again)
	if got := text(t, build(t, debian(t), again), plan.AnswersPath); got != written {
		t.Errorf("filled from\n%s\ncame\n%s", written, got)
	}
	for _, bad := range []string{"version = 2\n", "version = 1\npassword = 'x'\n", "relay"} {
		if _, err := plan.ReadAnswers([]byte(bad)); err == nil || !strings.Contains(err.Error(), plan.AnswersPath) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAnswersOfAnotherRelayKeepOnlyWhatIsTheHosts(t *testing.T) {
	a := plan.Answers{Version: 1, Relay: "ses", Region: "eu-west-1", Host: "smtp.example.net", Port: 2587, TLS: "starttls", From: "a@example.org", CAFile: "/x"}
	o := plan.Options{Relay: relays.Relay{ID: "postmark"}}
	a.Fill(&o)
	if o.Host != "" || o.Port != 0 || o.CAFile != "" || o.From != "a@example.org" {
		t.Errorf("%+v", o)
	}
}

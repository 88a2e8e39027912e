package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

func TestTransportGoesBesideWhatIsThere(t *testing.T) {
	s := debian(t).set("smtp_tls_policy_maps", "hash:/etc/postfix/policy").set("transport_maps", "hash:/etc/postfix/transport").
		with("/etc/postfix/transport", "a.test smtp:[10.0.0.1]\nbackup.test relay:[10.0.0.2]\n").
		set("relay_domains", "backup.test, mx.test")
	p := build(t, s, options(func(o *config.Config) { o.Direct = []string{"corp.test"} }))
	if got := param(t, p, "smtp_tls_policy_maps"); got != "hash:/etc/postfix/policy" {
		t.Errorf("smtp_tls_policy_maps = %s, want %q", got, "hash:/etc/postfix/policy")
	}
	if got := param(t, p, "transport_maps"); got != "hash:/etc/postfix/transport, hash:/etc/postfix/relayhost_transport" {
		t.Errorf("transport_maps = %s, want %q", got, "hash:/etc/postfix/transport, hash:/etc/postfix/relayhost_transport")
	}
	want := "# Written by relayhost: destinations that do not go through Amazon SES.\ncorp.test smtp:\n"
	if got := text(t, p, "/etc/postfix/relayhost_transport"); got != want {
		t.Errorf("routes: got\n%s\nwant\n%s", got, want)
	}
	s.apply(p)
	if again := build(t, s, options(func(o *config.Config) { o.Direct = []string{"corp.test"} })); again.Changed() {
		t.Errorf("a second plan: got the changes %q, want none", changed(again))
	}
}

func TestLocalMailStays(t *testing.T) {
	// relay_domains is $mydestination below compatibility_level 1.
	p := build(t, debian(t).set("relay_domains", "$mydestination"), options())
	if has(p, "/etc/postfix/relayhost_transport") || param(t, p, "transport_maps") != "(not set)" {
		t.Errorf("got the changes %q, transport_maps = %s, want no relayhost_transport and %s", changed(p), param(t, p, "transport_maps"), "(not set)")
	}
	for _, name := range []string{"mydestination", "mynetworks", "inet_interfaces", "message_size_limit", "smtp_tls_security_level"} {
		m, _ := postfix.ParseMain([]byte(debian(t).files[mainPath]))
		want, ok := m.Get(name)
		if got := param(t, p, name); ok && got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

func TestDomainsInFilesAndTables(t *testing.T) {
	s := debian(t).set("mydestination", "$myhostname, /etc/postfix/local-names").set("relay_domains", "hash:/etc/postfix/relay_domains, /etc/postfix/more, ldap:/x").
		with("/etc/postfix/local-names", "# mine\nexample.org\nlocal.test\n").with("/etc/postfix/relay_domains", "backup.test OK\nlocal.test OK\n").
		with("/etc/postfix/more", "other.test\n")
	st := s.state(t)
	for _, path := range []string{"/etc/postfix/local-names", "/etc/postfix/relay_domains", "/etc/postfix/more", "/etc/mailname"} {
		delete(st.Maps, path)
		if !slices.Contains(plan.Paths(st), path) {
			t.Errorf("paths: got %q, want %s among them", plan.Paths(st), path)
		}
	}
	p := build(t, s, options())
	if has(p, "/etc/postfix/relayhost_transport") || !hasNote(p, "example.org is in mydestination") {
		t.Errorf("got the changes %q, notes %q, want no relayhost_transport and a note with %q", changed(p), p.Notes, "example.org is in mydestination")
	}
	// Their mail goes by relayhost, which another transport of ours leaves alone.
	for _, domains := range []string{"hash:/etc/postfix/relay_domains", "/etc/postfix/more", "ldap:/x", "local.test", ""} {
		t.Run(fmt.Sprintf("%q", domains), func(t *testing.T) {
			p := build(t, s.set("relay_domains", domains).set("relayhost", "[gw.test]"), options())
			want := "[gw.test]"
			if domains == "local.test" || domains == "" {
				want = ""
			}
			if got := param(t, p, "relayhost"); got != want || hasNote(p, "relayhost = [gw.test] stays") != (want != "") {
				t.Errorf("relay_domains = %s: relayhost = %s, want %s; notes %q", domains, got, want, p.Notes)
			}
		})
	}
}

func TestLocalOnly(t *testing.T) {
	s := debian(t).set("default_transport", "error").set("relay_transport", "error")
	p := build(t, s, options())
	if got := param(t, p, "default_transport"); got != "relayhost-ses:[smtp.example.net]:587" {
		t.Errorf("default_transport = %s, want %q", got, "relayhost-ses:[smtp.example.net]:587")
	}
	if !hasNote(p, "default_transport was error") || !hasNote(p, "relay_transport = error stays") {
		t.Errorf("got the notes %q, want one with %q and one with %q", p.Notes, "default_transport was error", "relay_transport = error stays")
	}
}

// TestCatchAll: an entry "*" that names the relay itself gives way to relayhost;
// any other, and one that tables of senders stand beside, is a conflict.
func TestCatchAll(t *testing.T) {
	const path = "/etc/postfix/transport"
	for _, tc := range []struct {
		name    string
		entry   string
		lines   []string
		removed bool
	}{
		{"the relay", "* smtp:[smtp.example.net]:587", nil, true},
		{"the relay by another transport", "*\tother:[SMTP.example.net]:submission", nil, true},
		{"the relay without brackets", "* smtp:smtp.example.net:587", nil, true},
		{"another port", "* smtp:[smtp.example.net]:2525", nil, false},
		{"another host", "* smtp:[other.example.net]:587", nil, false},
		{"no next hop", "* smtp:", nil, false},
		{"the relay beside a table of senders", "* smtp:[smtp.example.net]:587", []string{"sender_dependent_relayhost_maps = hash:/x"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := debian(t, append(tc.lines, "transport_maps = hash:"+path)...).with(path, "corp.test smtp:[inside]\n"+tc.entry+"\n# end\n")
			p, err := plan.Build(plan.Server{State: s.state(t)}, options())
			var c *plan.Conflict
			if errors.As(err, &c) == tc.removed {
				t.Errorf("got the error %v, want a conflict: %t", err, !tc.removed)
			}
			if !tc.removed {
				return
			}
			if got := text(t, p, path); got != "corp.test smtp:[inside]\n# end\n" {
				t.Errorf("the table is\n%s\nwant\n%q", got, "corp.test smtp:[inside]\n# end\n")
			}
			found := false
			for _, c := range p.Commands {
				found = found || strings.Join(c.Args, " ") == "postmap hash:"+path
			}
			if !found {
				t.Errorf("got the commands %v, want %q among them", p.Commands, "postmap hash:"+path)
			}
			s.apply(p)
			if again := build(t, s, options()); again.Changed() {
				t.Errorf("a second plan: got the changes %q, want none", changed(again))
			}
		})
	}
}

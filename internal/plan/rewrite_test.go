package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/relays"
)

// TestExemptSenders: a sender of sender_dependent_relayhost_maps that has DUNNO there
// goes the default way, which is the relay; planning again changes nothing.
func TestExemptSenders(t *testing.T) {
	s := debian(t).set("sender_dependent_relayhost_maps", "hash:/etc/postfix/senders").with("/etc/postfix/senders", "@a.test [b.test]\nboss@a.test DUNNO\n")
	const want = "inline:{{boss@a.test=DUNNO}}, pipemap:{hash:/etc/postfix/senders,static:smtp:}"
	p, err := plan.Build(plan.Server{State: s.state(t)}, options())
	if err != nil {
		t.Fatal(err)
	}
	if got := param(t, p, "sender_dependent_default_transport_maps"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.set("sender_dependent_default_transport_maps", want)
	if p, err = plan.Build(plan.Server{State: s.state(t)}, options()); err != nil {
		t.Fatal(err)
	}
	if got := param(t, p, "sender_dependent_default_transport_maps"); got != want {
		t.Errorf("again: got %s, want %s", got, want)
	}
}

// TestRootToRefused: no alias of root where its mail is not delivered here.
func TestRootToRefused(t *testing.T) {
	for name, s := range map[string]*server{
		"local delivery is off": debian(t).set("local_transport", "error:local delivery is disabled"),
		"another's domain":      debian(t).set("myorigin", "elsewhere.test"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := plan.Build(plan.Server{State: s.state(t)}, options(func(o *config.Config) { o.RootTo = "admin@example.com" }))
			var wrong *config.InputError
			if !errors.As(err, &wrong) || wrong.Field != "root-to" || wrong.Hint == "" {
				t.Errorf("got %v, want a refusal of root-to", err)
			}
		})
	}
}

func TestHelo(t *testing.T) {
	for _, test := range []struct{ myhostname, fqdn, want string }{
		{"host.example.com", "host.example.com", "(not set)"},
		{"vm", "vm.example.com", "vm.example.com"},
		{"localhost.localdomain", "", "example.org"},
		{"bad_name.example.com", "", "example.org"},
	} {
		t.Run(test.myhostname, func(t *testing.T) {
			st := debian(t).set("myhostname", test.myhostname).state(t)
			st.FQDN = test.fqdn
			p, err := plan.Build(plan.Server{State: st}, options())
			if err != nil {
				t.Fatal(err)
			}
			if got := option(t, p, "smtp_helo_name"); got != test.want {
				t.Errorf("smtp_helo_name: got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSenders(t *testing.T) {
	lines := func(text string) []string { return strings.Split(strings.TrimSpace(text), "\n")[1:] }
	single := func(o *config.Config) {
		o.First().Relay = service(func(r *relays.Relay) { r.Sender.Single = true })
	}
	t.Run("server", func(t *testing.T) {
		p := build(t, debian(t), options())
		want := []string{"@host.example.com alerts@example.org", "@host alerts@example.org", "@host.localdomain alerts@example.org", "@localhost alerts@example.org",
			"@localhost.example.com alerts@example.org", "@localhost.localdomain alerts@example.org"}
		if got := lines(text(t, p, "/etc/postfix/relayhost_generic")); !slices.Equal(got, want) {
			t.Errorf("generic: got %q, want %q", got, want)
		}
		if param(t, p, "sender_canonical_maps") != "(not set)" {
			t.Errorf("sender_canonical_maps = %s, want %s", param(t, p, "sender_canonical_maps"), "(not set)")
		}
	})
	t.Run("null client", func(t *testing.T) {
		// Mail to this host's name leaves: a generic map would rewrite it.
		p := build(t, debian(t).set("mydestination", ""), options())
		want := []string{"@host alerts@example.org", "@host.localdomain alerts@example.org", "@localhost alerts@example.org", "@localhost.example.com alerts@example.org",
			"@localhost.localdomain alerts@example.org"}
		if got := lines(text(t, p, "/etc/postfix/relayhost_generic")); !slices.Equal(got, want) {
			t.Errorf("generic %q, want %q: recipients at this host's name are rewritten, or names that are no mail domain leave", got, want)
		}
		if got := lines(text(t, p, "/etc/postfix/relayhost_sender")); !slices.Equal(got, []string{"@host.example.com alerts@example.org"}) {
			t.Errorf("sender_canonical: got %q, want @host.example.com alerts@example.org alone", got)
		}
	})
	t.Run("a name that Postfix does not have", func(t *testing.T) {
		// vps7.provider.example may have a mail exchanger: a table for recipients too may not hold it.
		named := debian(t).set("myhostname", "mail.example.com").set("mydestination", "$myhostname, localhost")
		st := named.state(t)
		st.Hostname, st.FQDN, st.Accounts = "vps7.provider.example", "mail.example.com", []string{"root", "news", "www-data"}
		p, err := plan.Build(plan.Server{State: st}, options())
		if err != nil {
			t.Fatal(err)
		}
		got := text(t, p, "/etc/postfix/relayhost_generic")
		if !strings.Contains(got, "\n@vps7 alerts@") || strings.Contains(got, "@vps7.provider") {
			t.Errorf("generic: got\n%s\nwant %q and no %q in it", got, "\n@vps7 alerts@", "@vps7.provider")
		}
		want := "@vps7.provider.example alerts@example.org"
		there := slices.DeleteFunc(lines(text(t, p, "/etc/postfix/relayhost_sender")), func(l string) bool { return !strings.Contains(l, "vps7") })
		if got := there; !slices.Equal(got, []string{"root" + want, "news" + want, "www-data" + want}) {
			t.Errorf("sender_canonical %q, want the system accounts at that name", got)
		}
		if !hasNote(p, `"@vps7.provider.example" = "alerts@example.org"`) {
			t.Errorf("got the notes %q, want one with %q", p.Notes, `"@vps7.provider.example" = "alerts@example.org"`)
		}
		rewritten := options(func(o *config.Config) { o.Rewrite = map[string]string{"@vps7.provider.example": "alerts@example.org"} })
		if p, err = plan.Build(plan.Server{State: st}, rewritten); err != nil || hasNote(p, "vps7") || strings.Contains(text(t, p, "/etc/postfix/relayhost_sender"), "root@vps7") {
			t.Errorf("with [rewrite]: got %v, notes %q, want none about it, and no other entry", err, p.Notes)
		}
	})
	t.Run("a host of a cloud", func(t *testing.T) {
		st := debian(t).set("myhostname", "mail.example.com").set("mydestination", "$myhostname, localhost").state(t)
		st.Hostname, st.FQDN = "ip-10-1-2-3.ec2.internal", "mail.example.com"
		p, err := plan.Build(plan.Server{State: st}, options())
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, p, "/etc/postfix/relayhost_generic"); !strings.Contains(got, "\n@ip-10-1-2-3.ec2.internal alerts@") {
			t.Errorf("generic: got\n%s\nwant %q in it", got, "\n@ip-10-1-2-3.ec2.internal alerts@")
		}
	})
	t.Run("sender at this host", func(t *testing.T) {
		p := build(t, debian(t), options(func(o *config.Config) { o.Routes[0].From = "alerts@host.example.com" }))
		if strings.Contains(text(t, p, "/etc/postfix/relayhost_generic"), "@host.example.com a") {
			t.Errorf("generic: got\n%s\nwant no %q in it", text(t, p, "/etc/postfix/relayhost_generic"), "@host.example.com a")
		}
	})
	t.Run("a mail domain as origin", func(t *testing.T) {
		s := debian(t).with("/etc/mailname", "example.com\n").set("mydestination", "$myhostname, example.com, localhost")
		p := build(t, s, options())
		got := text(t, p, "/etc/postfix/relayhost_generic")
		if !strings.Contains(got, "\nroot@example.com alerts@") || strings.Contains(got, "\n@example.com") {
			t.Errorf("generic: got\n%s\nwant %q and no %q in it", got, "\nroot@example.com alerts@", "\n@example.com")
		}
	})
	// A name of the host that people have addresses at: theirs stay as they are, and only
	// those of daemons and of cron become the address of --from.
	for name, test := range map[string]struct {
		set       []string // parameter and value
		files     map[string]string
		host      string // that the kernel knows, with the domain
		generic   string // keys at "example.com" and below, as expressions of want
		canonical string
	}{
		"hosted by virtual_mailbox_domains": {set: []string{"myhostname", "srv.example.net", "virtual_mailbox_domains", "eu.example.com"}, host: "eu.example.com",
			generic: "root@eu.example.com www-data@eu.example.com"},
		"hosted by relay_domains": {set: []string{"myhostname", "srv.example.net", "relay_domains", "eu.example.com"}, host: "eu.example.com",
			generic: "root@eu.example.com www-data@eu.example.com"},
		"a domain of two labels, with mailboxes": {set: []string{"myhostname", "example.com", "mydestination", "$myhostname, localhost"}, host: "example.com",
			generic: "root@example.com www-data@example.com"},
		"a domain of two labels, without": {set: []string{"myhostname", "example.com", "mydestination", "localhost"}, host: "example.com",
			canonical: "root@example.com www-data@example.com"},
		"above the name of the host": {set: []string{"myhostname", "mail.eu.example.com", "mydestination", "$myhostname, eu.example.com"}, host: "eu.example.com",
			generic: "@mail.eu.example.com root@eu.example.com www-data@eu.example.com"},
		"the name of a host":       {set: []string{"myhostname", "web1.example.com", "mydestination", "$myhostname"}, host: "web1.example.com", generic: "@web1.example.com"},
		"no name that others know": {set: []string{"myhostname", "nas.lan", "mydestination", "$myhostname"}, host: "nas.lan", generic: "@nas.lan"},
		"a relay of its own": {set: []string{"myhostname", "mail.example.com", "sender_dependent_relayhost_maps", "hash:/etc/postfix/senders"}, host: "vps.example.com",
			files: map[string]string{"/etc/postfix/senders": "root@vps.example.com [other.test]\n"}, generic: "@mail.example.com", canonical: "news@vps.example.com www-data@vps.example.com"},
		"a new address of its own": {set: []string{"myhostname", "mail.example.com", "smtp_generic_maps", "hash:/etc/postfix/generic"}, host: "vps.example.com",
			files: map[string]string{"/etc/postfix/generic": "@vps.example.com ops@example.com\n"}, generic: "@mail.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := debian(t).with("/etc/mailname", "srv.example.net\n")
			for i := 0; i < len(test.set); i += 2 {
				s.set(test.set[i], test.set[i+1])
			}
			for path, text := range test.files {
				s.with(path, text)
			}
			st := s.state(t)
			st.Hostname, st.FQDN, st.Accounts = test.host, test.host, []string{"root", "news", "www-data"}
			p, err := plan.Build(plan.Server{State: st}, options())
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]string{"/etc/postfix/relayhost_generic": test.generic, "/etc/postfix/relayhost_sender": test.canonical} {
				var got []string
				if i := slices.IndexFunc(p.Files, func(f plan.File) bool { return f.Path == path }); i >= 0 {
					for _, line := range lines(string(p.Files[i].After)) {
						key, _, _ := strings.Cut(line, " ")
						if strings.HasSuffix(key, "example.com") && !strings.HasPrefix(key, "@localhost") || strings.HasSuffix(key, ".lan") {
							got = append(got, key)
						}
					}
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%s: got %q, want %q", path, got, want)
				}
			}
		})
	}
	t.Run("one sender, null client", func(t *testing.T) {
		p := build(t, debian(t).set("mydestination", ""), options(single))
		if got := param(t, p, "sender_canonical_maps"); got != "static:alerts@example.org" {
			t.Errorf("sender_canonical_maps = %s, want %s", got, "static:alerts@example.org")
		}
	})
	t.Run("one sender, server with people", func(t *testing.T) {
		p := build(t, debian(t).set("mydestination", "$myhostname, example.com"), options(single))
		if got := param(t, p, "sender_canonical_maps"); got != "(not set)" || !hasNote(p, "sends mail as alerts@example.org only") {
			t.Errorf("sender_canonical_maps = %s, notes %q, want it not set and a note with %q", got, p.Notes, "sends mail as alerts@example.org only")
		}
	})
}

func TestRootAlias(t *testing.T) {
	for _, test := range []struct{ name, before, want string }{
		{"none yet", "postmaster: root\n", "postmaster: root\nroot: ops@example.org\n"},
		{"another, on two lines", "# a\nroot:\tbob\n  , eve\npostmaster: root", "# a\nroot:\tops@example.org\npostmaster: root"},
		{"there already", "Root : ops@example.org\n", "Root : ops@example.org\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := debian(t).with("/etc/aliases", test.before)
			p := build(t, s, options(func(o *config.Config) { o.RootTo = "ops@example.org" }))
			if got := text(t, p, "/etc/aliases"); got != test.want {
				t.Errorf("%q became %q, want %q", test.before, got, test.want)
			}
			compiled := slices.ContainsFunc(p.Commands, func(c plan.Command) bool { return slices.Equal(c.Args, []string{"postalias", "hash:/etc/aliases"}) })
			if compiled != (test.before != test.want) {
				t.Errorf("%q: got the commands %v, want postalias hash:/etc/aliases among them: %t", test.before, p.Commands, test.before != test.want)
			}
		})
	}
}

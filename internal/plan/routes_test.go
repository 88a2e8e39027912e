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
	"relayhost/internal/secret"
	"relayhost/relays"
)

// entries are the -o of a service of the planned master.cf, by name.
func entries(t *testing.T, p plan.Plan, service string) map[string]string {
	t.Helper()
	m, err := postfix.ParseMaster([]byte(text(t, p, masterPath)))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := m.Get(service, "unix")
	if !ok {
		t.Fatalf("master.cf: got no service %s, want one", service)
	}
	found := map[string]string{}
	for _, o := range s.Options {
		found[o.Name] = o.Value
	}
	return found
}

// A relay of one's own may be called as the tlsproxy(8) or the implicit TLS of a
// route is.
func TestRouteUnderTheDefaultsName(t *testing.T) {
	for _, id := range []string{"corp-tls", "corp-smtps", "corp-smtps-tls"} {
		t.Run(id, func(t *testing.T) {
			o := options(func(o *config.Config) { o.First().Relay.ID = id })
			o.Routes = append(o.Routes[:1], route("corp", []string{"corp.example"}, hop(t, "postmark", 587, "pm")))
			var input *config.InputError
			if _, err := plan.Build(plan.Server{State: debian(t).state(t)}, o); !errors.As(err, &input) || input.Field != "route corp" {
				t.Errorf("got the error %v, want one of the field %q", err, "route corp")
			}
			text := "version = 1\nrelay = '" + id + "'\n[[route]]\nname = 'corp'\nsenders = ['corp.example']\nrelay = 'postmark'\n"
			if _, err := config.Read([]byte(text)); err == nil || !strings.Contains(err.Error(), "not free") {
				t.Errorf("Read of the route corp beside %s: got the error %v, want one with %q", id, err, "not free")
			}
		})
	}
}

func TestRoutesAreRefused(t *testing.T) {
	ses, postmark := hop(t, "ses", 587, "ses"), hop(t, "postmark", 587, "pm")
	implicit, pinned, ca := hop(t, "ses", 465, "ses"), ses, ses
	pinned.Pin, ca.CAFile = strings.Repeat("ab", 32), "/etc/ssl/own.pem"
	nameless := postmark
	nameless.Password = secret.Value{}
	shop := func(hops ...config.Hop) config.Route { return route("shop", []string{"shop.example"}, hops...) }
	for _, tc := range []struct {
		name     string
		routes   []config.Route
		fallback []config.Hop
		field    string
		msg      string
	}{
		{"no name", []config.Route{route("", []string{"a.example"}, postmark)}, nil, "route ", "needs a name"},
		{"capitals", []config.Route{route("Shop", []string{"a.example"}, postmark)}, nil, "route Shop", "small letters"},
		{"the default's name", []config.Route{route(config.DefaultRoute, []string{"a.example"}, postmark)}, nil, "route default", "not free"},
		{"the default's service", []config.Route{route("ses", []string{"a.example"}, postmark)}, nil, "route ses", "not free"},
		{"a tlsproxy's name", []config.Route{route("ses-tls", []string{"a.example"}, postmark)}, nil, "route ses-tls", "own"},
		{"twice", []config.Route{shop(postmark), shop(postmark)}, nil, "route shop", "defined already"},
		{"no senders", []config.Route{route("shop", nil, postmark)}, nil, "route shop", "no senders"},
		{"no hops", []config.Route{shop()}, nil, "route shop", "no relay"},
		{"sender twice", []config.Route{shop(postmark), route("blog", []string{"b.example", "SHOP.example"}, postmark)}, nil, "route blog", "in the route shop already"},
		{"sender twice in one", []config.Route{route("shop", []string{"a.example", "A.example"}, postmark)}, nil, "route shop", "in the route shop already"},
		{"a blank", []config.Route{route("shop", []string{"a example"}, postmark)}, nil, "route shop", "neither a domain"},
		{"a line break", []config.Route{route("shop", []string{"a@b.example\nx"}, postmark)}, nil, "route shop", "neither a domain"},
		{"a comment", []config.Route{route("shop", []string{"#a@b.example"}, postmark)}, nil, "route shop", "neither a domain"},
		{"an address for a domain", []config.Route{route("shop", []string{"192.0.2.1"}, postmark)}, nil, "route shop", "neither a domain"},
		{"from", []config.Route{{Name: "shop", Senders: []string{"a.example"}, From: "x", Hops: []config.Hop{postmark}}}, nil, "route shop", "not an address"},
		{"no password", []config.Route{shop(nameless)}, nil, "route shop", "credentials-file: no password"},
		{"TLS modes", nil, []config.Hop{implicit}, "route default", "one smtp(8) process does one"},
		{"TLS modes in a route", []config.Route{shop(postmark, implicit)}, nil, "route shop", "STARTTLS"},
		{"CA files", []config.Route{shop(postmark, ca)}, nil, "route shop", "one CA file"},
		{"pins", []config.Route{shop(postmark, pinned)}, nil, "route shop", "verified in one way"},
		{"pin of another route", []config.Route{shop(pinned)}, nil, "route shop", "another way in another route"},
		{"hop twice", nil, []config.Hop{postmark, ses}, "route default", "in this route already"},
		{"bad fallback", nil, []config.Hop{{Relay: ses.Relay, Host: "[x]", Port: 587, TLS: relays.StartTLS}}, "route default", "smarthost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := routed(ses, tc.routes...)
			o.Routes[0].Hops = append(o.Routes[0].Hops, tc.fallback...)
			_, err := plan.Build(plan.Server{State: debian(t).state(t)}, o)
			var input *config.InputError
			if !errors.As(err, &input) || input.Field != tc.field || !strings.Contains(input.Msg+input.Hint, tc.msg) {
				t.Errorf("%v (%+v), want %s: %s", err, input, tc.field, tc.msg)
			}
		})
	}
}

func TestRewriteIsChecked(t *testing.T) {
	for from, to := range map[string]string{"root": "a@b.example", "a b@c": "a@b.example", "#x@c": "a@b.example", "@c": "b.example", "a@b@c": "a@b.example"} {
		t.Run(from, func(t *testing.T) {
			o := options(func(o *config.Config) { o.Rewrite = map[string]string{from: to} })
			var input *config.InputError
			if _, err := plan.Build(plan.Server{State: debian(t).state(t)}, o); !errors.As(err, &input) || input.Field != "rewrite" {
				t.Errorf("rewriting %q to %q: got the error %v, want one of the field %q", from, to, err, "rewrite")
			}
		})
	}
}

// The table of rewritten senders comes first, and stays where an administrator
// has put it since.
func TestPlaceOfRewritten(t *testing.T) {
	const own, theirs = "hash:/etc/postfix/relayhost_sender", "hash:/etc/postfix/senders"
	s := debian(t).set("sender_canonical_maps", theirs).with("/etc/postfix/senders", "a@b.example c@d.example\n")
	rewrite := func(from string) config.Config {
		return options(func(o *config.Config) { o.Rewrite = map[string]string{from: "x@shop.example"} })
	}
	for _, step := range []struct {
		value string // that somebody has set; "" leaves what we did
		from  string
		want  string
	}{
		{"", "www@web1", own + ", " + theirs},
		{"", "www@web1", own + ", " + theirs},
		{theirs + " " + own, "www@web1", theirs + " " + own},
		{theirs + ", " + own + ",regexp:/x", "www@web1", theirs + ", " + own + ",regexp:/x"},
		{theirs + ", btree:/etc/postfix/relayhost_sender", "www@web1", own + ", " + theirs},
		{theirs + ", " + own, "cron@web1", own + ", " + theirs}, // asked for anew
	} {
		if step.value != "" {
			s.set("sender_canonical_maps", step.value)
		}
		p := build(t, s, rewrite(step.from))
		s.apply(p)
		if got := param(t, p, "sender_canonical_maps"); got != step.want {
			t.Errorf("%q became %q, want %q", step.value, got, step.want)
		}
		if again := changed(build(t, s, rewrite(step.from))); len(again) > 0 {
			t.Errorf("a second run after %q: got the changes %q, want none", step.value, again)
		}
	}
}

// A setup with every kind of table, and then one relay: nothing of the routes
// is left, no password least of all.
func TestRoutesThatGoLeaveNothing(t *testing.T) {
	s := debian(t).set("smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd").with("/etc/postfix/sasl_passwd", "[kept.test]:25 joe:kept\n")
	o := routeCases(t)["subdomains"]
	o.Routes = append(o.Routes, manyAccounts(t, 60)...)
	o.Routes = append(o.Routes, route("other", []string{"other.example"}, hop(t, "postmark", 587, "second")))
	o.Routes[1].Hops = append(o.Routes[1].Hops, hop(t, "smtp2go", 587, "s2g"))
	s.apply(build(t, s, o))
	if again := build(t, s, o); again.Changed() {
		t.Errorf("a second plan: got the changes %q, want none", changed(again))
	}
	one := routed(hop(t, "ses", 587, "ses"))
	p := build(t, s, one)
	removed := 0
	for _, f := range p.Files {
		if f.Action == plan.Remove {
			removed++
			if f.After != nil || f.Before == nil || f.Secret != strings.Contains(f.Path, "_passwd") {
				t.Errorf("removing %s: got a text after it %t, one before it %t, secret %t, want false, true, %t",
					f.Path, f.After != nil, f.Before != nil, f.Secret, strings.Contains(f.Path, "_passwd"))
			}
		}
	}
	if removed < 8 {
		t.Errorf("only %d files are removed, want at least 8", removed)
	}
	s.apply(p)
	for path, text := range s.files {
		if strings.Contains(path, "/relayhost_") && strings.Contains(path, "_shop") || strings.Contains(path, "by_sender") {
			t.Errorf("got %s left, want no file of the route shop and none by sender", path)
		}
		for _, part := range []string{"pw-pm", "pw-user", "pw-mg", "pw-second", "pw-s2g", "relayhost-all", "relayhost-one", "by-sender", "relayhost_by"} {
			if strings.Contains(text, part) {
				t.Errorf("%s: got a password, a service or a table of the routes in it, want none", path)
			}
		}
	}
	if got := s.files["/etc/postfix/sasl_passwd"]; got != "[kept.test]:25 joe:kept\n" {
		t.Errorf("sasl_passwd: got another text of %d bytes, want the entry of kept.test alone, as it was", len(got))
	}
	if got := s.files["/etc/postfix/relayhost_sasl_passwd"]; got != "[email-smtp.eu-west-1.amazonaws.com]:587 ses:pw-ses\n" {
		t.Errorf("relayhost_sasl_passwd: got another text of %d bytes, want the account of SES alone", len(got))
	}
	if again := build(t, s, one); again.Changed() {
		t.Errorf("a second plan of the one relay: got the changes %q, want none", changed(again))
	}
}

// A look without root says that a table is there and changes, not that it is new.
func TestOwnTableThatCannotBeRead(t *testing.T) {
	s, o := debian(t), routeCases(t)["two-accounts"]
	s.apply(build(t, s, o))
	const path = "/etc/postfix/relayhost_passwd_shop"
	delete(s.files, path)
	for _, test := range []struct {
		name string
		o    config.Config
		want string
	}{{"still in use", o, "modify " + path}, {"no longer in use", routed(hop(t, "ses", 587, "ses")), "remove " + path}} {
		t.Run(test.name, func(t *testing.T) {
			st := s.state(t)
			st.Unreadable = []string{path}
			p, err := plan.Build(plan.Server{State: st}, test.o)
			if err != nil || !slices.Contains(changed(p), test.want) {
				t.Errorf("%v, changes %q, want %q", err, changed(p), test.want)
			}
		})
	}
}

// The table of patterns goes with the last sender that needs one.
func TestPatternsGo(t *testing.T) {
	s, o := debian(t), routeCases(t)["subdomains"]
	s.apply(build(t, s, o))
	o.Routes = []config.Route{o.Routes[0], o.Routes[2]}
	p := build(t, s, o)
	if got := param(t, p, "sender_dependent_default_transport_maps"); got != "hash:/etc/postfix/relayhost_by_sender" ||
		!slices.Contains(changed(p), "remove /etc/postfix/relayhost_by_subdomain") {
		t.Errorf("maps %s, changes %q, want %q and %q in it", got, changed(p), "hash:/etc/postfix/relayhost_by_sender", "remove /etc/postfix/relayhost_by_subdomain")
	}
}

func changed(p plan.Plan) []string {
	var paths []string
	for _, f := range p.Files {
		if f.Action != plan.Unchanged {
			paths = append(paths, string(f.Action)+" "+f.Path)
		}
	}
	return paths
}

// Adding a route is one line in each table.
func TestOneRouteIsOneLine(t *testing.T) {
	s := debian(t)
	ses := hop(t, "ses", 587, "ses")
	routes := manyAccounts(t, 1001)
	s.apply(build(t, s, routed(ses, routes[:1000]...)))
	p := build(t, s, routed(ses, routes...))
	n := 0
	for _, f := range p.Files {
		if f.Action == plan.Unchanged || f.Path == config.Path {
			continue
		}
		n++
		rest, found := strings.CutPrefix(string(f.After), string(f.Before))
		if f.Action != plan.Modify || !found || strings.Count(rest, "\n") != 1 {
			t.Errorf("%s: got %s, more %v, %q, want %s", f.Path, f.Action, found, rest, plan.Modify)
		}
	}
	if n != 2 {
		t.Errorf("%d tables change: %v, want 2", n, changed(p))
	}
}

// The limits of a chain are the smallest of its hops.
func TestLimitsOfAChain(t *testing.T) {
	with := func(l relays.Limits, host string) config.Hop {
		h := hop(t, "ses", 587, "a")
		h.Host, h.Relay = host, service(func(r *relays.Relay) { r.Limits = l })
		return h
	}
	a := with(relays.Limits{Connections: 15, Recipients: 40, MessagesPerConnection: 100}, "a.example.net")
	b := with(relays.Limits{Connections: 3, Recipients: 45, MessagesPerConnection: 20, RatePerSecond: 0.5}, "b.example.net")
	p := build(t, debian(t), routed(hop(t, "mailgun", 587, "mg"), route("shop", []string{"shop.example"}, a, b)))
	for name, want := range map[string]string{
		"relayhost-shop_destination_concurrency_limit": "3", "relayhost-shop_destination_recipient_limit": "40",
		"relayhost-shop_destination_rate_delay": "2s", "relayhost-mailgun_destination_concurrency_limit": "(not set)",
	} {
		if got := param(t, p, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	o := entries(t, p, "relayhost-shop")
	if o["smtp_connection_reuse_count_limit"] != "19" ||
		o["smtp_fallback_relay"] != "[b.example.net]:587" || o["smtp_helo_timeout"] != "15s" {
		t.Errorf("got options %v, want reuse of 19, the fallback [b.example.net]:587 and 15s for HELO", o)
	}
	if o := entries(t, p, "relayhost-mailgun"); o["smtp_helo_timeout"] != "" || o["smtp_fallback_relay"] != "" {
		t.Errorf("the service without a fallback: got smtp_helo_timeout %q, smtp_fallback_relay %q, want neither", o["smtp_helo_timeout"], o["smtp_fallback_relay"])
	}
}

// A service that may not keep connections does not, and another one with the same
// next hop does.
func TestReuseIsByService(t *testing.T) {
	once := hop(t, "mailgun", 587, "mg")
	once.Relay.Limits.MessagesPerConnection = 1
	once.Host = "once.example.net"
	pm := hop(t, "postmark", 587, "pm")
	p := build(t, debian(t), routed(pm, route("shop", []string{"shop.example"}, once, pm)))
	if o := entries(t, p, "relayhost-shop"); o["smtp_tls_connection_reuse"] != "" || o["tlsproxy_service_name"] != "" {
		t.Errorf("got options %v, want no reuse and no tlsproxy", o)
	}
	if o := entries(t, p, "relayhost-postmark"); o["smtp_tls_connection_reuse"] != "yes" || o["tlsproxy_service_name"] != "relayhost-postmark-tls" {
		t.Errorf("got options %v, want reuse by relayhost-postmark-tls", o)
	}
}

// What main.cf says for hand-made sender accounts must not reach a service that
// has none.
func TestSenderAuthenticationOfMain(t *testing.T) {
	for _, test := range []struct {
		name string
		o    config.Config
		want map[string]string
	}{
		{"one relay", routed(hop(t, "ses", 587, "ses")), map[string]string{"relayhost-ses": "no"}},
		{"two domains", routeCases(t)["two-domains"], map[string]string{"relayhost-ses": "no", "relayhost-shop": "no"}},
		{"by sender", routeCases(t)["by-sender"], map[string]string{"relayhost-ses": "no", "relayhost-by-sender-mailgun-587": "yes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, debian(t, "smtp_sender_dependent_authentication = yes"), test.o)
			for service, want := range test.want {
				if got := entries(t, p, service)["smtp_sender_dependent_authentication"]; got != want {
					t.Errorf("%s: %q, want %q", service, got, want)
				}
			}
		})
	}
	p := build(t, debian(t), routeCases(t)["by-sender"])
	if got := entries(t, p, "relayhost-ses")["smtp_sender_dependent_authentication"]; got != "" {
		t.Errorf("the default says %q, want none", got)
	}
}

func TestServicesAreShared(t *testing.T) {
	ses, pm := hop(t, "ses", 587, "ses"), hop(t, "postmark", 587, "pm")
	p := build(t, debian(t), routed(ses, route("a", []string{"a.example"}, pm), route("b", []string{"b.example"}, pm), route("c", []string{"c.example"}, pm, ses),
		route("d", []string{"d.example"}, ses)))
	var got []string
	for _, w := range p.Routes {
		got = append(got, w.Name+" "+w.Service)
	}
	if want := []string{"default relayhost-ses", "a relayhost-a", "b relayhost-a", "c relayhost-c", "d relayhost-ses"}; !slices.Equal(got, want) {
		t.Errorf("services %q, want %q", got, want)
	}
}

func TestTooManyServices(t *testing.T) {
	var routes []config.Route
	for i := range 60 {
		routes = append(routes, route(fmt.Sprint("r", i), []string{fmt.Sprintf(".d%d.example", i)}, hop(t, "mailgun", 587, fmt.Sprint("u", i))))
	}
	_, err := plan.Build(plan.Server{State: debian(t).state(t)}, routed(hop(t, "ses", 587, "ses"), routes...))
	var input *config.InputError
	if !errors.As(err, &input) || !strings.Contains(input.Msg, "61 services") {
		t.Errorf("60 routes with an account each: got the error %v, want an input error with %q in it", err, "61 services")
	}
}

// The null sender goes where it is named, else to a relay that takes it where
// the default one does not.
func TestNullSender(t *testing.T) {
	takes := func(id, null string) config.Hop {
		h := hop(t, id, 587, id)
		h.Relay.Sender.NullSender = null
		return h
	}
	for _, tc := range []struct {
		name   string
		o      config.Config
		want   string // service of "<>", "" for none
		note   string
		silent bool
	}{
		{"unknown", routed(takes("ses", "unknown"), route("shop", []string{"a.example"}, takes("postmark", "accepted"))), "", "", true},
		{"moved", routed(takes("ses", "refused"), route("x", []string{"x.example"}, takes("sendgrid", "unknown")), route("shop", []string{"a.example"}, takes("postmark", "accepted"))),
			"relayhost-shop", "bounces use the route shop", false},
		{"named", routed(takes("ses", "refused"), route("shop", []string{"a.example"}, takes("postmark", "accepted")), route("x", []string{config.NullSender}, takes("sendgrid", "unknown"))),
			"relayhost-x", "", true},
		{"nobody", routed(takes("ses", "refused"), route("shop", []string{"a.example"}, takes("postmark", "refused"))), "", "rejected by Amazon SES: bounces", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := build(t, debian(t).set("inet_interfaces", "all"), tc.o)
			service := ""
			for line := range strings.Lines(text(t, p, "/etc/postfix/relayhost_by_sender")) {
				if value, ok := strings.CutPrefix(line, "<> "); ok {
					service, _, _ = strings.Cut(value, ":")
				}
			}
			if service != tc.want || tc.note != "" && !hasNote(p, tc.note) || tc.silent && hasNote(p, "null sender") {
				t.Errorf("service %q, notes %q, want %q", service, p.Notes, tc.want)
			}
			if strings.Contains(text(t, p, config.Path), "<>") != (tc.name == "named") {
				t.Errorf("%s: got\n%s\nwant %q in it: %t", config.Path, text(t, p, config.Path), "<>", tc.name == "named")
			}
			for _, w := range p.Routes {
				if slices.Contains(w.Senders, config.NullSender) != (w.Service == tc.want) {
					t.Errorf("route %s by %s: got the senders %q, want %s among them: %t", w.Name, w.Service, w.Senders, config.NullSender, w.Service == tc.want)
				}
			}
		})
	}
}

func TestLevels(t *testing.T) {
	ses, pm, sg, mg := hop(t, "ses", 587, "ses"), hop(t, "postmark", 587, "pm"), hop(t, "sendgrid", 587, "sg"), hop(t, "mailgun", 587, "mg")
	ses.Relay.Sender.NullSender, pm.Relay.Sender.NullSender = "refused", "accepted"
	o := routed(ses, route("shop", []string{"shop.example"}, pm, mg, sg), route("blog", []string{"blog.example"}, mg))
	o.Routes[0].Hops = append(o.Routes[0].Hops[:1], sg)
	if o.Levels() != 3 {
		t.Errorf("got %d levels, want 3", o.Levels())
	}
	for k, want := range []string{
		"default=ses shop=postmark blog=mailgun", "default=sendgrid shop=mailgun", "default=ses shop=sendgrid",
	} {
		t.Run(fmt.Sprintf("level %d", k), func(t *testing.T) {
			p := build(t, debian(t), o.Level(k))
			var got []string
			for _, w := range p.Routes {
				if len(w.Hops) != 1 {
					t.Errorf("level %d: route %s: got %d hops, want 1", k, w.Name, len(w.Hops))
				}
				if slices.Contains(w.Senders, config.NullSender) != (w.Name == "shop") {
					t.Errorf("level %d: route %s: got the senders %q, want %s among them: %t", k, w.Name, w.Senders, config.NullSender, w.Name == "shop")
				}
				got = append(got, w.Name+"="+w.Hops[0].Relay)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("level %d: %q, want %s", k, got, want)
			}
		})
	}
	if len(o.Routes[1].Hops) != 3 || len(o.Routes[1].Senders) != 1 || len(o.Routes[0].Hops) != 2 {
		t.Errorf("the answers after all levels: got %d hops and %d senders of shop, %d hops of the default, want 3, 1 and 2",
			len(o.Routes[1].Hops), len(o.Routes[1].Senders), len(o.Routes[0].Hops))
	}
}

// Without credentials a plan looks as it does with them.
func TestRoutesWithoutCredentials(t *testing.T) {
	for name, o := range routeCases(t) {
		t.Run(name, func(t *testing.T) {
			s := debian(t)
			s.apply(build(t, s, o))
			for i := range o.Routes {
				for n := range o.Routes[i].Hops {
					o.Routes[i].Hops[n].Username, o.Routes[i].Hops[n].Password = "", secret.Value{}
				}
			}
			p := lookAt(t, s, o)
			if p.Changed() || p.Incomplete {
				t.Errorf("without credentials: got incomplete %t, changes %q, want false and none", p.Incomplete, changed(p))
			}
			// Who cannot read the passwords sees the same services.
			for path := range s.files {
				if strings.Contains(path, "passwd") {
					delete(s.files, path)
				}
			}
			p = lookAt(t, s, o)
			for _, f := range p.Files {
				if f.Action != plan.Unchanged && !f.Secret {
					t.Errorf("without the passwords: %s: got %s from\n%s\nto\n%s\nwant it unchanged", f.Path, f.Action, f.Before, f.After)
				}
			}
		})
	}
}

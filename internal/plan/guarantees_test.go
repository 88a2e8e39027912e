package plan_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// with puts a file on the server.
func (s *server) with(path, text string) *server {
	s.files[path] = text
	return s
}

// set replaces a parameter of main.cf.
func (s *server) set(name, value string) *server {
	m, err := postfix.ParseMain([]byte(s.files[mainPath]))
	if err != nil {
		panic(err)
	}
	m.Set(name, value)
	s.files[mainPath] = string(m.Bytes())
	return s
}

// param is what main.cf says after p.
func param(t *testing.T, p plan.Plan, name string) string {
	t.Helper()
	m, err := postfix.ParseMain([]byte(text(t, p, mainPath)))
	if err != nil {
		t.Fatal(err)
	}
	value, ok := m.Get(name)
	if !ok {
		return "(not set)"
	}
	return value
}

// option is what the relay's entry in master.cf says after p.
func option(t *testing.T, p plan.Plan, name string) string {
	t.Helper()
	m, err := postfix.ParseMaster([]byte(text(t, p, masterPath)))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := m.Get(p.Service, "unix")
	if !ok {
		t.Fatalf("master.cf has no %s", p.Service)
	}
	for _, o := range s.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return "(not set)"
}

func hasNote(p plan.Plan, part string) bool {
	return slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, part) })
}

func has(p plan.Plan, path string) bool {
	return slices.ContainsFunc(p.Files, func(f plan.File) bool { return f.Path == path })
}

const genericPath = "/etc/postfix/relayhost_generic"

func TestMinimumTLSByVersion(t *testing.T) {
	for _, test := range []struct {
		version postfix.Version
		want    string
	}{
		{postfix.Version{Major: 3, Minor: 4}, "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"},
		{postfix.Version{Major: 3, Minor: 5, Patch: 25}, "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"},
		{postfix.Version{Major: 3, Minor: 6}, ">=TLSv1.2"},
		{postfix.Version{Major: 3, Minor: 11, Patch: 7}, ">=TLSv1.2"},
	} {
		s := debian(t)
		s.version = test.version
		p := build(t, s, options())
		if got := option(t, p, "smtp_tls_mandatory_protocols"); got != test.want {
			t.Errorf("%v: %s, want %s", test.version, got, test.want)
		}
		// A header of the message must not turn verified TLS off (RFC 8689).
		want := "(not set)"
		if test.version.AtLeast(3, 10) {
			want = "no"
		}
		if got := option(t, p, "tls_required_enable"); got != want {
			t.Errorf("%v: tls_required_enable = %s, want %s", test.version, got, want)
		}
	}
}

func TestPasswordsNeedVerifiedTLS(t *testing.T) {
	pin := strings.Repeat("ab", 32)
	const verified, encrypted = "smtp_sasl_tls_verified_security_options", "smtp_sasl_tls_security_options"
	for _, test := range []struct {
		name    string
		change  func(*config.Config)
		options map[string]string
	}{
		{"verified", func(*config.Config) {}, map[string]string{
			"smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "nexthop", "smtp_tls_servername": "hostname", verified: "noanonymous", encrypted: "(not set)",
		}},
		{"pinned", func(o *config.Config) { o.First().Pin = pin }, map[string]string{
			"smtp_tls_security_level": "fingerprint", "smtp_tls_fingerprint_digest": "sha256",
			"smtp_tls_fingerprint_cert_match": strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), verified: "noanonymous", encrypted: "(not set)",
		}},
		{"unverified as asked", func(o *config.Config) { o.First().NoVerify = true }, map[string]string{
			"smtp_tls_security_level": "encrypt", "smtp_tls_secure_cert_match": "(not set)", encrypted: "noanonymous", verified: "noanonymous",
		}},
		{"by address", func(o *config.Config) { o.First().Host = "192.0.2.1" }, map[string]string{"smtp_tls_security_level": "secure", "smtp_tls_servername": "(not set)"}},
	} {
		p := build(t, debian(t), options(test.change))
		for name, want := range map[string]string{
			"smtp_tls_policy_maps": "", "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd",
			"smtp_sasl_mechanism_filter": "plain,login", "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt", "smtp_tls_CApath": "",
		} {
			test.options[name] = want
		}
		for name, want := range test.options {
			if got := option(t, p, name); got != want {
				t.Errorf("%s: %s = %s, want %s", test.name, name, got, want)
			}
		}
	}
}

// Hops that differ in more than their names have a policy table that their service
// alone reads.
func TestHopsThatDifferHaveATableOfTheirOwn(t *testing.T) {
	const path = "/etc/postfix/relayhost_tls_policy_ses"
	o := options()
	o.Routes[0].Hops = append(o.Routes[0].Hops[:1], *o.First())
	o.Routes[0].Hops[1].Host = "192.0.2.1"
	s := debian(t)
	p := build(t, s, o)
	want := "# Written by relayhost: TLS with the hops of relayhost-ses, which differ.\n" +
		"[smtp.example.net]:587 secure match=nexthop servername=hostname\n[192.0.2.1]:587 secure match=nexthop\n"
	if got := text(t, p, path); got != want || option(t, p, "smtp_tls_policy_maps") != "hash:"+path {
		t.Errorf("smtp_tls_policy_maps = %s:\n%s\nwant\n%s", option(t, p, "smtp_tls_policy_maps"), got, want)
	}
	s.apply(p)
	o.Routes[0].Hops = o.Routes[0].Hops[:1]
	if p = build(t, s, o); !slices.Contains(changed(p), "remove "+path) {
		t.Errorf("changes %q, want the table removed", changed(p))
	}
}

func TestImplicitTLSDiffersByOneOption(t *testing.T) {
	p := build(t, debian(t), options())
	q := build(t, debian(t), options(func(o *config.Config) { o.First().Port, o.First().TLS = 465, relays.Implicit }))
	if got := option(t, q, "smtp_tls_wrappermode"); got != "yes" {
		t.Errorf("smtp_tls_wrappermode = %s on 465", got)
	}
	got := strings.Replace(text(t, q, masterPath), "  -o smtp_tls_wrappermode=yes\n", "", 1)
	if got = strings.ReplaceAll(got, p.Service+"-smtps", p.Service); q.Service != p.Service+"-smtps" || got != text(t, p, masterPath) {
		t.Errorf("465 differs from 587 by more than smtp_tls_wrappermode:\n%s", got)
	}
	if got := option(t, build(t, debian(t).set("smtp_tls_wrappermode", "yes"), options()), "smtp_tls_wrappermode"); got != "no" {
		t.Errorf("smtp_tls_wrappermode of main.cf reaches the STARTTLS service: %s", got)
	}
}

func TestWhatReachesTheServiceFromMain(t *testing.T) {
	for name, test := range map[string]struct{ global, want string }{
		"tls_append_default_CA":      {"yes", "no"},
		"smtp_fallback_relay":        {"[other.example.com]", ""},
		"smtp_sasl_auth_soft_bounce": {"no", "yes"},
		"smtp_skip_5xx_greeting":     {"no", "yes"},
		"smtp_never_send_ehlo":       {"yes", "no"},
		"smtp_discard_ehlo_keywords": {"PIPELINING, STARTTLS", ""},
		"smtp_sasl_type":             {"dovecot", "cyrus"},

		"smtp_tls_policy_maps":                 {"hash:/etc/postfix/policy", ""},
		"smtp_tls_per_site":                    {"hash:/etc/postfix/sites", ""},
		"smtp_tls_trust_anchor_file":           {"/etc/ssl/anchor.pem", ""},
		"smtp_sasl_auth_enable":                {"no", "yes"},
		"smtp_sasl_password_maps":              {"hash:/etc/postfix/sasl_passwd", "hash:/etc/postfix/relayhost_sasl_passwd"},
		"smtp_sender_dependent_authentication": {"yes", "no"},
		"smtp_cname_overrides_servername":      {"yes", "no"},
		"smtp_connection_cache_on_demand":      {"no", "yes"},

		"smtp_sasl_password_result_delimiter": {"|", ":"},

		"smtp_delivery_status_filter": {"pcre:/etc/postfix/own", "regexp:/etc/postfix/relayhost_status_filter,pcre:/etc/postfix/own"},
		"smtp_generic_maps":           {"hash:/etc/postfix/generic", "hash:/etc/postfix/relayhost_generic,hash:/etc/postfix/generic"},
	} {
		p := build(t, debian(t).set(name, test.global), options())
		if got := option(t, p, name); got != test.want {
			t.Errorf("%s = %s in main.cf: the service has %q, want %q", name, test.global, got, test.want)
		}
		if got := param(t, p, name); got != test.global {
			t.Errorf("%s in main.cf became %s", name, got)
		}
	}
}

const passwd, private = "/etc/postfix/sasl_passwd", "/etc/postfix/relayhost_sasl_passwd"

// sasl_passwd is ours where nobody else has it; a table of somebody else and what
// main.cf says of it stay byte for byte.
func TestPasswordTable(t *testing.T) {
	const ours = "[smtp.example.net]:587 joe:s3c:ret#x\n"
	const hop = "[smtp.example.net]:587 theirs:other\n"
	for _, test := range []struct {
		name, maps, before, master, path string
	}{
		{"none", "", "", "", passwd},
		{"theirs", "hash:/etc/postfix/sasl_passwd", "# mine\n[a.test]:25 x:y\n  z\n\nsmtp.example.net old:old", "", private},
		{"theirs, for the same hop", "hash:/etc/postfix/sasl_passwd", hop, "", private},
		{"theirs, not used", "", hop, "", private},
		{"theirs, not there yet", "lmdb:/etc/postfix/sasl_passwd", "", "", private},
		{"of another service", "", "", "own unix - - n - - smtp -o smtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd", private},
		{"static", "static:a:b", "", "", passwd},
		{"not a file", "ldap:/etc/postfix/ldap.cf", "", "", passwd},
		{"own place", "texthash:/etc/mail/pw", "", "", passwd},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := debian(t)
			wantMaps := "(not set)"
			if test.maps != "" {
				s.set("smtp_sasl_password_maps", test.maps)
				wantMaps = test.maps
			}
			if test.before != "" {
				s.with(passwd, test.before)
			}
			if test.master != "" {
				s.service(test.master)
			}
			p := build(t, s, options())
			if got := text(t, p, test.path); got != ours {
				t.Errorf("%s:\n%q\nwant\n%q", test.path, got, ours)
			}
			if test.path == private && has(p, passwd) {
				t.Error("sasl_passwd is in the plan")
			}
			if got := option(t, p, "smtp_sasl_password_maps"); got != "hash:"+test.path {
				t.Errorf("the service has %s, want %s", got, test.path)
			}
			if got := param(t, p, "smtp_sasl_password_maps"); got != wantMaps {
				t.Errorf("smtp_sasl_password_maps = %s, want %s", got, wantMaps)
			}
			s.apply(p)
			if again := build(t, s, options()); again.Changed() {
				t.Errorf("not unchanged on its own result: %q", changed(again))
			}
		})
	}
}

// What somebody has added to a table of ours stays, but for what would win over
// our entries.
func TestPasswordTableOfOursThatWasEdited(t *testing.T) {
	const ours = "[smtp.example.net]:587 joe:s3c:ret#x\n"
	for name, test := range map[string]struct{ edited, want string }{
		"others stay":         {"# mine\n[a.test]:25 x:y\n  z\n\n[b.test] q:r", "# mine\n[a.test]:25 x:y\n  z\n\n[b.test] q:r\n" + ours},
		"bare host would win": {"smtp.example.net old:old\n[a.test] x:y\n", "[a.test] x:y\n" + ours},
		"first of two wins":   {"[SMTP.example.net]:587 a:b\n[a.test] x:y\n[smtp.example.net]:587 c:d\n", ours + "[a.test] x:y\n"},
		"CRLF":                {"[a.test] x:y\r\n", "[a.test] x:y\r\n" + strings.TrimSpace(ours) + "\r\n"},
	} {
		s := debian(t)
		s.apply(build(t, s, options()))
		p := build(t, s.with(passwd, test.edited), options())
		if got := text(t, p, passwd); got != test.want {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, test.want)
		}
		if bare := strings.HasPrefix(test.edited, "smtp."); bare != hasNote(p, "without a port, which would take") {
			t.Errorf("%s: notes %q", name, p.Notes)
		}
	}
}

func TestLooseSecretIsTightened(t *testing.T) {
	s := debian(t)
	s.apply(build(t, s, options()))
	st := s.state(t)
	for mode, want := range map[fs.FileMode]plan.Action{0o600: plan.Unchanged, 0o644: plan.Modify} {
		st.MapMeta[passwd] = host.Meta{Mode: mode}
		p, err := plan.Build(plan.Server{State: st}, options())
		if err != nil || p.Files[0].Path != passwd || p.Files[0].Action != want || p.Files[0].Mode != 0o600 {
			t.Errorf("%o: %v %+v", mode, err, p.Files[0].Action)
		}
	}
}

// A compiled map that is open to others, or gone, is made anew although its
// source is right.
func TestCompiledMapsAreLookedAt(t *testing.T) {
	const genericDB, passwdDB = genericPath + ".db", passwd + ".db"
	s := debian(t)
	s.apply(build(t, s, options()))
	edited := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	right := func() map[string]host.Meta {
		return map[string]host.Meta{passwdDB: {Mode: 0o600, Nlink: 1, Mtime: edited}, genericDB: {Mode: 0o644, Nlink: 1, Mtime: edited}, genericPath + ".cdb": {}}
	}
	for _, test := range []struct {
		name, path string
		meta       *host.Meta // nil: not looked at
		want       string     // the file that is compiled anew
	}{
		{"right", passwdDB, &host.Meta{Mode: 0o600, Nlink: 1, Mtime: edited}, ""},
		{"not looked at", passwdDB, nil, ""},
		{"open to others", passwdDB, &host.Meta{Mode: 0o644, Nlink: 1, Mtime: edited}, passwd},
		{"somebody else's", passwdDB, &host.Meta{Mode: 0o600, Nlink: 1, UID: 1000, Mtime: edited}, passwd},
		{"gone", passwdDB, &host.Meta{}, passwd},
		{"a table without secrets gone", genericDB, &host.Meta{}, genericPath},
		{"the source edited since", passwdDB, &host.Meta{Mode: 0o600, Nlink: 1, Mtime: edited.Add(-time.Minute)}, passwd},
		{"a table without secrets edited since", genericDB, &host.Meta{Mode: 0o644, Nlink: 1, Mtime: edited.Add(-2 * time.Second)}, genericPath},
		{"both written by one run", genericDB, &host.Meta{Mode: 0o644, Nlink: 1, Mtime: edited.Add(-time.Second)}, ""},
	} {
		st := s.state(t)
		st.MapMeta = map[string]host.Meta{passwd: {Mode: 0o600, Mtime: edited}, genericPath: {Mode: 0o644, Mtime: edited}}
		st.Compiled = right()
		delete(st.Compiled, test.path)
		if test.meta != nil {
			st.Compiled[test.path] = *test.meta
		}
		p, err := plan.Build(plan.Server{State: st}, options())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Files {
			if want := f.Path == test.want; (f.Action == plan.Modify) != want || f.Recompile != want {
				t.Errorf("%s: %s: %s, compiled anew: %v", test.name, f.Path, f.Action, f.Recompile)
			}
		}
	}
}

func TestPasswordTableThatCannotBeRead(t *testing.T) {
	s := debian(t)
	s.apply(build(t, s, options()))
	delete(s.files, passwd)
	st := s.state(t)
	st.Unreadable = []string{passwd}
	p, err := plan.Build(plan.Server{State: st}, options())
	if err != nil || p.Files[0].Action != plan.Modify || !hasNote(p, "cannot be read without root") {
		t.Errorf("%v %s %q", err, p.Files[0].Action, p.Notes)
	}
}

func TestChangingTheRelayLeavesNothingOfTheOldOne(t *testing.T) {
	s := debian(t)
	s.apply(build(t, s, options(func(o *config.Config) { o.First().Connections = 50 })))
	other := func(o *config.Config) {
		o.First().Relay = service(func(r *relays.Relay) { r.ID, r.Name = "postmark", "Postmark" })
		o.First().Host, o.First().Username, o.First().Password = "smtp.example.com", "token", secret.New("token")
	}
	p := build(t, s, options(other))
	for _, f := range p.Files {
		for _, old := range []string{"relayhost-ses", "smtp.example.net", "s3c:ret"} {
			if strings.Contains(string(f.After), old) {
				t.Errorf("%s still holds %s:\n%s", f.Path, old, f.After)
			}
		}
	}
}

func TestTransportGoesBesideWhatIsThere(t *testing.T) {
	s := debian(t).set("smtp_tls_policy_maps", "hash:/etc/postfix/policy").set("transport_maps", "hash:/etc/postfix/transport").
		with("/etc/postfix/transport", "a.test smtp:[10.0.0.1]\nbackup.test relay:[10.0.0.2]\n").
		set("relay_domains", "backup.test, mx.test")
	p := build(t, s, options(func(o *config.Config) { o.Direct = []string{"corp.test"} }))
	if got := param(t, p, "smtp_tls_policy_maps"); got != "hash:/etc/postfix/policy" {
		t.Errorf("smtp_tls_policy_maps = %s", got)
	}
	if got := param(t, p, "transport_maps"); got != "hash:/etc/postfix/transport, hash:/etc/postfix/relayhost_transport" {
		t.Errorf("transport_maps = %s", got)
	}
	want := "# Written by relayhost: destinations that do not go through Amazon SES.\ncorp.test smtp:\n"
	if got := text(t, p, "/etc/postfix/relayhost_transport"); got != want {
		t.Errorf("routes:\n%s", got)
	}
	s.apply(p)
	if again := build(t, s, options(func(o *config.Config) { o.Direct = []string{"corp.test"} })); again.Changed() {
		t.Error("not unchanged on its own result")
	}
}

func TestLocalMailStays(t *testing.T) {
	// relay_domains is $mydestination below compatibility_level 1.
	p := build(t, debian(t).set("relay_domains", "$mydestination"), options())
	if has(p, "/etc/postfix/relayhost_transport") || param(t, p, "transport_maps") != "(not set)" {
		t.Error("local domains got a transport entry")
	}
	for _, name := range []string{"mydestination", "mynetworks", "inet_interfaces", "message_size_limit", "smtp_tls_security_level"} {
		m, _ := postfix.ParseMain([]byte(debian(t).files[mainPath]))
		want, ok := m.Get(name)
		if got := param(t, p, name); ok && got != want {
			t.Errorf("%s became %s", name, got)
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
			t.Errorf("%s is not among the paths", path)
		}
	}
	p := build(t, s, options())
	if has(p, "/etc/postfix/relayhost_transport") || !hasNote(p, "example.org is in mydestination") {
		t.Errorf("changes %q, notes %q", changed(p), p.Notes)
	}
	// Their mail goes by relayhost, which another transport of ours leaves alone.
	for _, domains := range []string{"hash:/etc/postfix/relay_domains", "/etc/postfix/more", "ldap:/x", "local.test", ""} {
		p := build(t, s.set("relay_domains", domains).set("relayhost", "[gw.test]"), options())
		want := "[gw.test]"
		if domains == "local.test" || domains == "" {
			want = ""
		}
		if got := param(t, p, "relayhost"); got != want || hasNote(p, "relayhost = [gw.test] stays") != (want != "") {
			t.Errorf("relay_domains = %s: relayhost = %s, want %s; notes %q", domains, got, want, p.Notes)
		}
	}
}

func TestLocalOnly(t *testing.T) {
	s := debian(t).set("default_transport", "error").set("relay_transport", "error")
	p := build(t, s, options())
	if got := param(t, p, "default_transport"); got != "relayhost-ses:[smtp.example.net]:587" {
		t.Errorf("default_transport = %s", got)
	}
	if !hasNote(p, "default_transport was error") || !hasNote(p, "relay_transport = error stays") {
		t.Errorf("notes %q", p.Notes)
	}
}

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

// TestSecondPass: a default way through a program on this server is not replaced.
func TestSecondPass(t *testing.T) {
	for value, conflict := range map[string]bool{
		"smtp:127.0.0.1:10027": true, "smtp:[::1]:10027": true, "smtp:localhost:10027": true, "smtp:[mx.test]": false, "smtp": false, "error:no mail": false,
	} {
		_, err := plan.Build(plan.Server{State: debian(t).set("default_transport", value).state(t)}, options())
		var c *plan.Conflict
		if got := errors.As(err, &c); got != conflict {
			t.Errorf("%s: got %v, want a conflict: %t", value, err, conflict)
		}
	}
}

// TestRootToRefused: no alias of root where its mail is not delivered here.
func TestRootToRefused(t *testing.T) {
	for name, s := range map[string]*server{
		"local delivery is off": debian(t).set("local_transport", "error:local delivery is disabled"),
		"another's domain":      debian(t).set("myorigin", "elsewhere.test"),
	} {
		_, err := plan.Build(plan.Server{State: s.state(t)}, options(func(o *config.Config) { o.RootTo = "admin@example.com" }))
		var wrong *config.InputError
		if !errors.As(err, &wrong) || wrong.Field != "root-to" || wrong.Hint == "" {
			t.Errorf("%s: got %v, want a refusal of root-to", name, err)
		}
	}
}

func TestConflicts(t *testing.T) {
	open := func(s *server) *server { return s.set("inet_interfaces", "all") }
	for _, test := range []struct {
		name, param string
		host        func(*server) *server
		to          string
	}{
		{"catch-all", "transport_maps", func(s *server) *server {
			return s.set("transport_maps", "hash:/etc/postfix/transport").with("/etc/postfix/transport", "* smtp:[old.test]\n")
		}, ""},
		{"a next hop without a transport", "transport_maps", func(s *server) *server {
			return s.set("transport_maps", "hash:/etc/postfix/transport").with("/etc/postfix/transport", "web.test :[mx.web.test]:25\n")
		}, ""},
		{"relay_domains by the default", "relay_transport", func(s *server) *server { return s.set("relay_transport", "${default_transport}") }, ""},
		{"a sender by the default", "sender_dependent_relayhost_maps", func(s *server) *server {
			return s.set("sender_dependent_relayhost_maps", "hash:/etc/postfix/senders").with("/etc/postfix/senders", "@a.test [b.test]\no'brien@a.test DUNNO\n")
		}, ""},
		{"local recipient", "mydestination", func(s *server) *server { return s }, "root@host.example.com"},
		{"everybody's network", "mynetworks", func(s *server) *server { return open(s).set("mynetworks", "127.0.0.0/8 0.0.0.0/0") }, ""},
		{"open behind other restrictions", "smtpd_relay_restrictions", func(s *server) *server {
			return open(s).set("smtpd_relay_restrictions", "permit_mynetworks, reject_unknown_client_hostname, permit, reject")
		}, ""},
		{"an open port", "smtpd_recipient_restrictions", func(s *server) *server {
			return open(s).service("submission inet n - y - - smtpd -o smtpd_relay_restrictions= -o smtpd_recipient_restrictions=permit,reject")
		}, ""},
		{"an open network behind postscreen", "mynetworks", func(s *server) *server {
			return open(s).service("smtpd pass - - y - - smtpd -o mynetworks=0.0.0.0/0")
		}, ""},
		{"open restrictions", "smtpd_relay_restrictions", func(s *server) *server { return open(s).set("smtpd_relay_restrictions", "permit") }, ""},
	} {
		s := test.host(debian(t))
		o := options(func(o *config.Config) { o.To = test.to })
		_, err := plan.Build(plan.Server{State: s.state(t)}, o)
		var c *plan.Conflict
		if !errors.As(err, &c) || c.Param != test.param || c.Hint == "" {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if p, err := plan.Build(plan.Server{State: s.state(t), Force: true}, o); err != nil || !hasNote(p, c.Msg) {
			t.Errorf("%s, forced: %v", test.name, err)
		}
	}
	for name, s := range map[string]*server{
		"a next hop of relay_domains": debian(t).set("relay_domains", "web.test").set("transport_maps", "hash:/etc/postfix/transport").
			with("/etc/postfix/transport", "web.test :[mx.web.test]:25\n"),
		"no-op catch-all":    debian(t).set("transport_maps", "hash:/etc/postfix/transport").with("/etc/postfix/transport", "* :\n"),
		"loopback only":      debian(t).set("mynetworks", "0.0.0.0/0"),
		"back from a filter": open(debian(t)).service("127.0.0.1:10025 inet n - y - - smtpd -o mynetworks=0.0.0.0/0 -o smtpd_relay_restrictions=permit -o smtpd_recipient_restrictions="),
		"submission":         open(debian(t)).service("submission inet n - y - - smtpd -o smtpd_relay_restrictions=permit_sasl_authenticated,reject -o smtpd_recipient_restrictions=permit"),
		"own networks":       open(debian(t)).set("mynetworks", "127.0.0.0/8 10.0.0.0/8 [::1]/128 [::ffff:127.0.0.0]/104"),
		"both lists count":   open(debian(t)).set("smtpd_relay_restrictions", "permit").set("smtpd_recipient_restrictions", "permit_mynetworks, reject_unauth_destination"),
	} {
		if _, err := plan.Build(plan.Server{State: s.state(t)}, options()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatGoesAnotherWayIsNamed(t *testing.T) {
	filtered := debian(t).set("content_filter", "smtp:[127.0.0.1]:10025").set("sender_dependent_relayhost_maps", "hash:/etc/postfix/by_sender").
		set("smtp_sender_dependent_authentication", "yes").set("multi_instance_directories", "/etc/postfix-out")
	p := build(t, filtered, options())
	for _, want := range []string{"content_filter = smtp:[127.0.0.1]:10025 stays", "further instances (/etc/postfix-out)"} {
		if !hasNote(p, want) {
			t.Errorf("no %q in %q", want, p.Notes)
		}
	}
}

// An -o of the programs that choose the way, the limits and the senders wins
// over main.cf.
func TestOverridesInMasterCF(t *testing.T) {
	for _, test := range []struct{ entry, want string }{
		{"rewrite unix - - y - - trivial-rewrite -o default_transport=smtp", "rewrite has -o default_transport=smtp, which stays: it wins"},
		{"rewrite unix - - y - - trivial-rewrite -o transport_maps=hash:/x", "rewrite has -o transport_maps=hash:/x"},
		{"rewrite unix - - y - - trivial-rewrite -o relayhost=[old.test]:25", ""},
		{"qmgr unix n - n 300 1 qmgr -o relayhost-ses_destination_concurrency_limit=1", "qmgr has -o relayhost-ses_destination_concurrency_limit=1"},
		{"qmgr unix n - n 300 1 qmgr -o queue_run_delay=100s", ""},
		{"pickup unix n - y 60 1 pickup -o content_filter=dksign:", "pickup has -o content_filter=dksign:, which stays"},
		{"smtp unix - - y - - smtp -o smtp_bind_address=192.0.2.1", "-o smtp_bind_address=192.0.2.1 of the service smtp does not hold"},
	} {
		s := debian(t).service(test.entry)
		p := build(t, s, options())
		if named := hasNote(p, "master.cf: "); named != (test.want != "") || named && !hasNote(p, test.want) {
			t.Errorf("%s: notes %q", test.entry, p.Notes)
		}
		if !strings.Contains(text(t, p, masterPath), test.entry) {
			t.Errorf("%s is gone", test.entry)
		}
	}
}

// Mail that comes from outside and leaves again, and mail without a sender.
func TestForwardedMailIsNamed(t *testing.T) {
	const forwarded, bounces = "forwarded mail (aliases", "the null sender (<>) is rejected"
	relay := func(rule, null string) config.Config {
		return options(func(o *config.Config) {
			o.First().Relay = service(func(r *relays.Relay) { r.Sender.Rule, r.Sender.NullSender = rule, null })
		})
	}
	null := func() *server { return debian(t).set("mydestination", "").set("inet_interfaces", "loopback-only") }
	mail := func() *server { return debian(t).set("inet_interfaces", "all").set("mydestination", "example.com") }
	for _, test := range []struct {
		name                    string
		host                    *server
		o                       config.Config
		wantForward, wantBounce bool
	}{
		{"null client", null(), relay("verified", "refused"), false, false},
		{"mail server", mail(), relay("verified", "refused"), true, true},
		{"mail server, any sender", mail(), relay("any", "accepted"), false, false},
		{"nothing from outside", mail().set("inet_interfaces", "loopback-only"), relay("account", "accepted"), false, false},
	} {
		p := build(t, test.host, test.o)
		if hasNote(p, forwarded) != test.wantForward || hasNote(p, bounces) != test.wantBounce {
			t.Errorf("%s: notes %q", test.name, p.Notes)
		}
	}
}

func TestObsoleteLines(t *testing.T) {
	s := debian(t).set("smtp_use_tls", "yes")
	p := build(t, s, options())
	if got := param(t, p, "smtp_use_tls"); got != "(not set)" || !hasNote(p, "smtp_use_tls = yes had no effect") {
		t.Errorf("beside a level smtp_use_tls = %s; notes %q", got, p.Notes)
	}
	s = debian(t)
	s.files[mainPath] = strings.Replace(s.files[mainPath], "smtp_tls_security_level=may\n", "smtp_enforce_tls = yes\nsmtp_use_tls =\n", 1)
	p = build(t, s, options())
	if got := param(t, p, "smtp_enforce_tls"); got != "yes" {
		t.Errorf("smtp_enforce_tls still counts without a level and became %s", got)
	}
	if got := param(t, p, "smtp_use_tls"); got != "(not set)" {
		t.Errorf("an empty boolean stays: %s", got)
	}
}

func TestHelo(t *testing.T) {
	for _, test := range []struct{ myhostname, fqdn, want string }{
		{"host.example.com", "host.example.com", "(not set)"},
		{"vm", "vm.example.com", "vm.example.com"},
		{"localhost.localdomain", "", "example.org"},
		{"bad_name.example.com", "", "example.org"},
	} {
		st := debian(t).set("myhostname", test.myhostname).state(t)
		st.FQDN = test.fqdn
		p, err := plan.Build(plan.Server{State: st}, options())
		if err != nil {
			t.Fatal(err)
		}
		if got := option(t, p, "smtp_helo_name"); got != test.want {
			t.Errorf("myhostname %s: smtp_helo_name %s, want %s", test.myhostname, got, test.want)
		}
	}
}

func TestSenders(t *testing.T) {
	lines := func(text string) []string { return strings.Split(strings.TrimSpace(text), "\n")[1:] }
	single := func(o *config.Config) {
		o.First().Relay = service(func(r *relays.Relay) { r.Sender.Single = true })
	}
	t.Run("server", func(t *testing.T) {
		p := build(t, debian(t), options())
		want := []string{"@host.example.com alerts@example.org", "@localhost alerts@example.org", "@localhost.example.com alerts@example.org"}
		if got := lines(text(t, p, "/etc/postfix/relayhost_generic")); !slices.Equal(got, want) {
			t.Errorf("generic %q", got)
		}
		if param(t, p, "sender_canonical_maps") != "(not set)" {
			t.Error("local mail is rewritten too")
		}
	})
	t.Run("null client", func(t *testing.T) {
		// Mail to this host's name leaves: a generic map would rewrite it.
		p := build(t, debian(t).set("mydestination", ""), options())
		if has(p, "/etc/postfix/relayhost_generic") || option(t, p, "smtp_generic_maps") != "(not set)" {
			t.Error("recipients at this host's name are rewritten")
		}
		if got := lines(text(t, p, "/etc/postfix/relayhost_sender")); !slices.Equal(got, []string{"@host.example.com alerts@example.org"}) {
			t.Errorf("sender_canonical %q", got)
		}
	})
	t.Run("sender at this host", func(t *testing.T) {
		p := build(t, debian(t), options(func(o *config.Config) { o.Routes[0].From = "alerts@host.example.com" }))
		if strings.Contains(text(t, p, "/etc/postfix/relayhost_generic"), "@host.example.com a") {
			t.Error("senders that the relay accepts are rewritten")
		}
	})
	t.Run("a mail domain as origin", func(t *testing.T) {
		s := debian(t).with("/etc/mailname", "example.com\n").set("mydestination", "$myhostname, example.com, localhost")
		p := build(t, s, options())
		got := text(t, p, "/etc/postfix/relayhost_generic")
		if !strings.Contains(got, "\nroot@example.com alerts@") || strings.Contains(got, "\n@example.com") {
			t.Errorf("generic\n%s", got)
		}
	})
	t.Run("one sender, null client", func(t *testing.T) {
		p := build(t, debian(t).set("mydestination", ""), options(single))
		if got := param(t, p, "sender_canonical_maps"); got != "static:alerts@example.org" {
			t.Errorf("sender_canonical_maps = %s", got)
		}
	})
	t.Run("one sender, server with people", func(t *testing.T) {
		p := build(t, debian(t).set("mydestination", "$myhostname, example.com"), options(single))
		if got := param(t, p, "sender_canonical_maps"); got != "(not set)" || !hasNote(p, "accepts mail from alerts@example.org only") {
			t.Errorf("sender_canonical_maps = %s, notes %q", got, p.Notes)
		}
	})
}

func TestLimits(t *testing.T) {
	limited := func(l relays.Limits, connections int) config.Config {
		return options(func(o *config.Config) {
			o.First().Relay, o.First().Connections = service(func(r *relays.Relay) { r.Limits = l }), connections
		})
	}
	type want struct{ concurrency, initial, recipients, delay, reuse string }
	none := "(not set)"
	for _, test := range []struct {
		limits      relays.Limits
		connections int
		want        want
	}{
		{relays.Limits{}, 0, want{none, none, none, none, none}},
		{relays.Limits{Connections: 2, Recipients: 10}, 0, want{"2", none, "10", none, none}},
		{relays.Limits{Connections: 500, Recipients: 1000}, 0, want{none, none, none, none, none}},
		{relays.Limits{}, 100, want{"100", "20", none, none, none}},
		{relays.Limits{MessagesPerConnection: 100}, 0, want{none, none, none, none, "99"}},
		{relays.Limits{RatePerSecond: 0.5}, 0, want{none, none, none, "2s", none}},
		{relays.Limits{RatePerSecond: 14}, 0, want{none, none, none, none, none}},
	} {
		p := build(t, debian(t), limited(test.limits, test.connections))
		got := want{
			param(t, p, "relayhost-ses_destination_concurrency_limit"), param(t, p, "relayhost-ses_initial_destination_concurrency"),
			param(t, p, "relayhost-ses_destination_recipient_limit"), param(t, p, "relayhost-ses_destination_rate_delay"),
			option(t, p, "smtp_connection_reuse_count_limit"),
		}
		if got != test.want {
			t.Errorf("%+v, %d asked for: %+v, want %+v", test.limits, test.connections, got, test.want)
		}
	}
	p := build(t, debian(t), limited(relays.Limits{MessageBytes: 1000}, 0))
	if !hasNote(p, "refuses messages above 1000 bytes") || param(t, p, "message_size_limit") != none {
		t.Errorf("message size: notes %q", p.Notes)
	}
}

func TestReuseOnlyWhereItIsSafe(t *testing.T) {
	p := build(t, debian(t), options())
	m, _ := postfix.ParseMaster([]byte(text(t, p, masterPath)))
	proxy, ok := m.Get("relayhost-ses-tls", "unix")
	if !ok || proxy.Chroot != "n" || proxy.Command != "tlsproxy" || option(t, p, "tlsproxy_service_name") != proxy.Name {
		t.Errorf("tlsproxy entry %+v", proxy)
	}
	if param(t, p, "smtp_tls_connection_reuse") != "(not set)" {
		t.Error("reuse is switched on for other mail as well")
	}
	s := debian(t)
	s.files[masterPath] = strings.Replace(s.files[masterPath], "scache    unix", "#scache    unix", 1)
	p = build(t, s, options())
	if option(t, p, "smtp_tls_connection_reuse") != "(not set)" || option(t, p, "tlsproxy_service_name") != "(not set)" || !hasNote(p, "not reused") {
		t.Errorf("reuse without scache; notes %q", p.Notes)
	}
}

// Where SELinux keeps tlsproxy(8) from the connections of smtp(8), or smtp(8)
// from the port, mail would wait; the note holds the command that changes it.
func TestSELinux(t *testing.T) {
	const label, port = "semanage fcontext -a -t postfix_smtp_exec_t /usr/libexec/postfix/tlsproxy && restorecon /usr/libexec/postfix/tlsproxy",
		"semanage port -a -t smtp_port_t -p tcp 2525"
	for _, test := range []struct {
		name        string
		policy      postfix.SELinux
		port        int
		reuse, note bool
	}{
		{"off", postfix.SELinux{TLSProxy: "postfix_exec_t"}, 2525, true, false},
		{"label of before August 2025", postfix.SELinux{Enforcing: true, TLSProxy: "postfix_exec_t"}, 587, false, false},
		{"label of since", postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"}, 465, true, false},
		{"another port", postfix.SELinux{Enforcing: true, TLSProxy: "postfix_smtp_exec_t"}, 2525, true, true},
		{"any port", postfix.SELinux{Enforcing: true, AnyPort: true}, 2525, true, false},
		{"told already", postfix.SELinux{Enforcing: true, MorePorts: []postfix.Ports{{First: 2525, Last: 2525}}}, 2525, true, false},
	} {
		st := debian(t).state(t)
		st.SELinux, st.DaemonDir = test.policy, "/usr/libexec/postfix"
		p, err := plan.Build(plan.Server{State: st}, options(func(o *config.Config) { o.First().Port = test.port }))
		if err != nil {
			t.Fatal(err)
		}
		if got := option(t, p, "tlsproxy_service_name") != "(not set)"; got != test.reuse || hasNote(p, label) == test.reuse {
			t.Errorf("%s: connections are reused: %v; notes %q", test.name, got, p.Notes)
		}
		if hasNote(p, port) != test.note {
			t.Errorf("%s: notes %q", test.name, p.Notes)
		}
	}
}

func TestMissingServicesAreAdded(t *testing.T) {
	s := debian(t)
	s.files[masterPath] = strings.NewReplacer("\ntlsmgr ", "\n#tlsmgr ", "\npostlog ", "\n#postlog ").Replace(s.files[masterPath])
	m, _ := postfix.ParseMaster([]byte(text(t, build(t, s, options()), masterPath)))
	for name, typ := range map[string]string{"tlsmgr": "unix", "postlog": "unix-dgram"} {
		if _, ok := m.Get(name, typ); !ok {
			t.Errorf("no %s", name)
		}
	}
}

func TestHostsWithoutWhatIsNeeded(t *testing.T) {
	st := debian(t).state(t)
	st.CAFile = ""
	if _, err := plan.Build(plan.Server{State: st}, options()); err == nil || !strings.Contains(err.Error(), "no CA bundle") {
		t.Errorf("without a CA bundle: %v", err)
	}
	st = debian(t).state(t)
	st.Version = postfix.Version{Major: 3, Minor: 3, Patch: 9}
	if _, err := plan.Build(plan.Server{State: st}, options()); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("on 3.3: %v", err)
	}
	st = debian(t).state(t)
	st.SASLPlugins = []string{}
	if p, err := plan.Build(plan.Server{State: st}, options()); err != nil || !hasNote(p, "no SASL plug-in") {
		t.Errorf("without plug-ins: %v %q", err, p.Notes)
	}
}

func TestRootAlias(t *testing.T) {
	for _, test := range []struct{ before, want string }{
		{"postmaster: root\n", "postmaster: root\nroot: ops@example.org\n"},
		{"# a\nroot:\tbob\n  , eve\npostmaster: root", "# a\nroot: ops@example.org\npostmaster: root"},
		{"Root : ops@example.org\n", "Root : ops@example.org\n"},
	} {
		s := debian(t).with("/etc/aliases", test.before)
		p := build(t, s, options(func(o *config.Config) { o.RootTo = "ops@example.org" }))
		if got := text(t, p, "/etc/aliases"); got != test.want {
			t.Errorf("%q became %q, want %q", test.before, got, test.want)
		}
		compiled := slices.ContainsFunc(p.Commands, func(c plan.Command) bool { return slices.Equal(c.Args, []string{"postalias", "hash:/etc/aliases"}) })
		if compiled != (test.before != test.want) {
			t.Errorf("%q: commands %v", test.before, p.Commands)
		}
	}
}

func TestPlanWithoutCredentials(t *testing.T) {
	look := options(func(o *config.Config) {
		o.First().Username, o.First().Password = "", secret.Value{}
	})
	if p := lookAt(t, debian(t), look); !p.Incomplete {
		t.Error("placeholders in a plan that says it is complete")
	}
	s := debian(t)
	s.apply(build(t, s, options()))
	if p := lookAt(t, s, look); p.Incomplete || p.Changed() {
		t.Errorf("stored credentials are not used: incomplete %v, changed %v", p.Incomplete, p.Changed())
	}
}

// A change of the relay adds no empty lines to master.cf, however often.
func TestMasterKeepsItsLines(t *testing.T) {
	s := debian(t)
	var first int
	for i, id := range []string{"ses", "postmark", "brevo", "ses"} {
		p := build(t, s, options(func(c *config.Config) { c.First().Relay.ID, c.First().Host = id, "smtp."+id+".example" }))
		s.apply(p)
		lines := strings.Count(s.files["/etc/postfix/master.cf"], "\n\n")
		if i == 0 {
			first = lines
		}
		if lines != first {
			t.Errorf("%s: got %d empty lines in master.cf, want %d\n%s", id, lines, first, s.files["/etc/postfix/master.cf"])
		}
	}
}

package plan_test

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
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
	s, ok := m.Get(p.Default().Service, "unix")
	if !ok {
		t.Fatalf("got no %s in master.cf, want it", p.Default().Service)
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
				t.Errorf("%s: got %s in it still, want it gone:\n%s", f.Path, old, f.After)
			}
		}
	}
}

func TestObsoleteLines(t *testing.T) {
	s := debian(t).set("smtp_use_tls", "yes")
	p := build(t, s, options())
	if got := param(t, p, "smtp_use_tls"); got != "(not set)" || !hasNote(p, "smtp_use_tls = yes had no effect") {
		t.Errorf("beside a level smtp_use_tls = %s; notes %q, want %q", got, p.Notes, "(not set)")
	}
	s = debian(t)
	s.files[mainPath] = strings.Replace(s.files[mainPath], "smtp_tls_security_level=may\n", "smtp_enforce_tls = yes\nsmtp_use_tls =\n", 1)
	p = build(t, s, options())
	if got := param(t, p, "smtp_enforce_tls"); got != "yes" {
		t.Errorf("smtp_enforce_tls still counts without a level and became %s, want %q", got, "yes")
	}
	if got := param(t, p, "smtp_use_tls"); got != "(not set)" {
		t.Errorf("an empty boolean stays: got %s, want %q", got, "(not set)")
	}
}

func TestMissingServicesAreAdded(t *testing.T) {
	s := debian(t)
	s.files[masterPath] = strings.NewReplacer("\ntlsmgr ", "\n#tlsmgr ", "\npostlog ", "\n#postlog ").Replace(s.files[masterPath])
	m, _ := postfix.ParseMaster([]byte(text(t, build(t, s, options()), masterPath)))
	for name, typ := range map[string]string{"tlsmgr": "unix", "postlog": "unix-dgram"} {
		if _, ok := m.Get(name, typ); !ok {
			t.Errorf("got no entry %s, want it as before", name)
		}
	}
}

func TestHostsWithoutWhatIsNeeded(t *testing.T) {
	st := debian(t).state(t)
	st.CAFile = ""
	if _, err := plan.Build(plan.Server{State: st}, options()); err == nil || !strings.Contains(err.Error(), "no CA bundle") {
		t.Errorf("without a CA bundle: got the error %v, want one with %q", err, "no CA bundle")
	}
	st = debian(t).state(t)
	st.Version = postfix.Version{Major: 3, Minor: 3, Patch: 9}
	if _, err := plan.Build(plan.Server{State: st}, options()); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("on 3.3: got the error %v, want one with %q", err, "too old")
	}
	st = debian(t).state(t)
	st.SASLPlugins = []string{}
	if p, err := plan.Build(plan.Server{State: st}, options()); err != nil || !hasNote(p, "no SASL plugin") {
		t.Errorf("without plugins: got the error %v and the notes %q, want no error and a note with %q", err, p.Notes, "no SASL plugin")
	}
}

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D8: an empty line more in master.cf with each change": TestMasterKeepsItsLines,
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

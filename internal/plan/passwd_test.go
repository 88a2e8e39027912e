package plan_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/secret"
)

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
				t.Errorf("got %s in the plan, want %s alone", passwd, private)
			}
			if got := option(t, p, "smtp_sasl_password_maps"); got != "hash:"+test.path {
				t.Errorf("the service has %s, want %s", got, test.path)
			}
			if got := param(t, p, "smtp_sasl_password_maps"); got != wantMaps {
				t.Errorf("smtp_sasl_password_maps = %s, want %s", got, wantMaps)
			}
			s.apply(p)
			if again := build(t, s, options()); again.Changed() {
				t.Errorf("a second plan: got the changes %q, want none", changed(again))
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
		"first of two wins":   {"[SMTP.example.net]:587 a:b\n[a.test] x:y\n[smtp.example.net]:587 c:d\n", "[SMTP.example.net]:587 joe:s3c:ret#x\n[a.test] x:y\n"},
		"CRLF":                {"[a.test] x:y\r\n", "[a.test] x:y\r\n" + strings.TrimSpace(ours) + "\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := debian(t)
			s.apply(build(t, s, options()))
			p := build(t, s.with(passwd, test.edited), options())
			if got := text(t, p, passwd); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if bare := strings.HasPrefix(test.edited, "smtp."); bare != hasNote(p, "without a port, which would take") {
				t.Errorf("got the notes %q, want one with %q: %t", p.Notes, "without a port, which would take", bare)
			}
		})
	}
}

func TestLooseSecretIsTightened(t *testing.T) {
	s := debian(t)
	s.apply(build(t, s, options()))
	st := s.state(t)
	for mode, want := range map[fs.FileMode]plan.Action{0o600: plan.Unchanged, 0o644: plan.Modify} {
		t.Run(fmt.Sprintf("mode %04o", mode), func(t *testing.T) {
			st.MapMeta[passwd] = host.Meta{Mode: mode}
			p, err := plan.Build(plan.Server{State: st}, options())
			if err != nil || p.Files[0].Path != passwd || p.Files[0].Action != want || p.Files[0].Mode != 0o600 {
				t.Errorf("%o: got %v %+v, want %v", mode, err, p.Files[0].Action, want)
			}
		})
	}
}

// A compiled map that is open to others, or gone, is made again although its
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
		want       string     // the file that is compiled again
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
		t.Run(test.name, func(t *testing.T) {
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
					t.Errorf("%s: %s, compiled again: got %v, want %v", f.Path, f.Action, f.Recompile, want)
				}
			}
		})
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
		t.Errorf("got %v %s %q, want %s", err, p.Files[0].Action, p.Notes, plan.Modify)
	}
}

func TestPlanWithoutCredentials(t *testing.T) {
	look := options(func(o *config.Config) {
		o.First().Username, o.First().Password = "", secret.Value{}
	})
	if p := lookAt(t, debian(t), look); !p.Incomplete {
		t.Error("a plan without credentials: got a complete one, want an incomplete one")
	}
	s := debian(t)
	s.apply(build(t, s, options()))
	if p := lookAt(t, s, look); p.Incomplete || p.Changed() {
		t.Errorf("a plan on stored credentials: got incomplete %t, changes %q, want false and none", p.Incomplete, changed(p))
	}
}

package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// former is a server that the release of commit da3a0ba has set up, from
// testdata/former: its files, "-- path --" above each.
func former(t testing.TB, name string) *server {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "former", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	s := debian(t)
	s.files = map[string]string{}
	path := ""
	for line := range strings.Lines(string(data)) {
		if rest, is := strings.CutPrefix(line, "-- "); is {
			path = strings.TrimSuffix(rest, " --\n")
			continue
		}
		if path != "" {
			s.files[path] += line
		}
	}
	return s
}

// A setup of an earlier release becomes what a new one on the same server would be:
// nothing of ours is left where other services read it, and lines of others stay.
func TestSetupOfAnEarlierRelease(t *testing.T) {
	cases := routeCases(t)
	plain := routed(hop(t, "ses", 587, "ses"))
	for name, o := range map[string]config.Config{
		"plain": plain, "shared": plain, "routes": cases["two-domains"], "accounts": cases["two-accounts"],
		"fail-over": cases["fail-over-services"], "by-sender": cases["by-sender"],
	} {
		t.Run(name, func(t *testing.T) {
			s := former(t, name)
			if got := s.state(t).Facts().SharedSettings(); len(got) != 1 {
				t.Errorf("settings of an earlier release: got %v, want one finding", got)
			}
			// The accounts are found where that release has stored them.
			if p := lookAt(t, s, blank(o)); p.Incomplete {
				t.Error("got no stored accounts, want them found")
			}
			p := build(t, s, o)
			for _, f := range p.Files {
				if f.Action == plan.Remove {
					continue
				}
				if strings.HasSuffix(f.Path, "sasl_passwd") && (!f.Secret || f.Mode != 0o600) {
					t.Errorf("%s: secret %v, mode %o, want %o", f.Path, f.Secret, f.Mode, 0o600)
				}
			}
			s.apply(p)
			if again := build(t, s, o); again.Changed() {
				t.Errorf("got changes of a second plan, want none: %q", changed(again))
			}
			if got := s.state(t).Facts().SharedSettings(); len(got) > 0 {
				t.Errorf("settings of an earlier release: got %v, want none", got)
			}
			fresh := debian(t)
			if name == "shared" {
				fresh = theirs(t)
			}
			fresh.apply(build(t, fresh, o))
			if got, want := named(t, s, mainPath), named(t, fresh, mainPath); got != want {
				t.Errorf("main.cf:\n%s\nwant\n%s", got, want)
			}
			if got, want := named(t, s, masterPath), named(t, fresh, masterPath); got != want {
				t.Errorf("master.cf:\n%s\nwant\n%s", got, want)
			}
			for path, want := range fresh.files {
				if path != mainPath && path != masterPath && s.files[path] != want {
					t.Errorf("%s is\n%s\nwant\n%s", path, s.files[path], want)
				}
			}
			for path := range s.files {
				if _, wanted := fresh.files[path]; !wanted {
					t.Errorf("got %s left, want it gone", path)
				}
			}
		})
	}
}

// theirs is the server of testdata/former/shared.txtar as it was before.
func theirs(t testing.TB) *server {
	return debian(t, "smtp_sasl_auth_enable = yes\n", "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n", "smtp_tls_policy_maps = hash:/etc/postfix/policy\n",
		"relay_domains = backup.test\n", "transport_maps = hash:/etc/postfix/transport").
		with("/etc/postfix/sasl_passwd", "# theirs\n[gw.test]:587 joe:kept\n").with("/etc/postfix/policy", "[gw.test]:587 encrypt\n").
		with("/etc/postfix/transport", "gw.test smtp:[gw.test]:587\n")
}

// named is what a file of Postfix says, in order of the names.
func named(t testing.TB, s *server, path string) string {
	t.Helper()
	var lines []string
	if path == mainPath {
		m, err := postfix.ParseMain([]byte(s.files[path]))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range m.Names() {
			value, _ := m.Get(name)
			lines = append(lines, name+" = "+value)
		}
	} else {
		m, err := postfix.ParseMaster([]byte(s.files[path]))
		if err != nil {
			t.Fatal(err)
		}
		for _, service := range m.Services() {
			lines = append(lines, service.String())
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// blank is c without its accounts.
func blank(c config.Config) config.Config {
	c = c.Clone()
	for i := range c.Routes {
		for n := range c.Routes[i].Hops {
			c.Routes[i].Hops[n].Username, c.Routes[i].Hops[n].Password = "", config.Hop{}.Password
		}
	}
	return c
}

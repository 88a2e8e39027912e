package plan_test

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// TestBerkeley: on a Postfix without Berkeley DB, or with another type as its default, the
// tables of a setup and of main.cf move to that type, each compiled of its source.
func TestBerkeley(t *testing.T) {
	c := options()
	before := debian(t)
	before.with("/etc/postfix/virtual", "list@example.com someone@example.net\n").set("virtual_alias_maps", "proxy:hash:$config_directory/virtual, hash:/etc/postfix/gone")
	before.apply(build(t, before, c))
	for _, tt := range []struct {
		name, def string
		types     []string
		main      map[string]string
		compiled  string // what is compiled, in order
	}{
		{"gone", "lmdb", []string{"lmdb", "regexp", "static", "texthash", "inline", "pipemap"}, map[string]string{
			"alias_maps": "lmdb:/etc/aliases", "alias_database": "lmdb:/etc/aliases", "virtual_alias_maps": "proxy:lmdb:$config_directory/virtual, hash:/etc/postfix/gone",
			"smtp_tls_session_cache_database": "lmdb:${data_directory}/smtp_scache"},
			"postalias lmdb:/etc/aliases, postmap lmdb:/etc/postfix/virtual, postmap lmdb:/etc/postfix/sasl_passwd, postmap lmdb:/etc/postfix/relayhost_generic"},
		{"gone, and nothing that is compiled", "texthash", []string{"regexp", "static", "texthash", "inline", "pipemap"}, map[string]string{
			"alias_maps": "hash:/etc/aliases", "virtual_alias_maps": "proxy:texthash:$config_directory/virtual, hash:/etc/postfix/gone", "smtp_tls_session_cache_database": ""}, ""},
		{"there, and another is the default", "cdb", []string{"btree", "cdb", "hash", "lmdb", "regexp", "static", "texthash", "inline", "pipemap"}, map[string]string{
			"alias_maps": "hash:/etc/aliases", "virtual_alias_maps": "proxy:hash:$config_directory/virtual, hash:/etc/postfix/gone",
			"smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache"},
			"postmap cdb:/etc/postfix/sasl_passwd, postmap cdb:/etc/postfix/relayhost_generic"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := *before
			s.types, s.def = tt.types, tt.def
			st := s.state(t)
			st.Compiled = map[string]host.Meta{}
			for path := range st.Maps {
				for _, typ := range []string{"lmdb", "cdb"} {
					st.Compiled[postfix.Table{Type: typ, Path: path}.Index()] = host.Meta{}
				}
			}
			p, err := plan.Build(plan.Server{State: st}, c)
			if err != nil {
				t.Fatal(err)
			}
			main, err := postfix.ParseMain(file(t, p, mainPath).After)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range tt.main {
				if got, _ := main.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			var compiled []string
			for _, command := range p.Commands {
				if strings.HasPrefix(command.Args[0], "post") && command.Args[0] != "postfix" {
					compiled = append(compiled, strings.Join(command.Args, " "))
				}
			}
			slices.Sort(compiled)
			want := strings.Split(tt.compiled, ", ")
			slices.Sort(want)
			if got := strings.Join(compiled, ", "); got != strings.Join(want, ", ") {
				t.Errorf("compiled: got %s, want %s", got, strings.Join(want, ", "))
			}
			master := string(file(t, p, masterPath).After)
			if got := strings.Count(master, "_maps="+tt.def+":"); got != 2 || strings.Contains(master, "=hash:") {
				t.Errorf("master.cf: got %d tables of type %s, want 2\n%s", got, tt.def, master)
			}
		})
	}
}

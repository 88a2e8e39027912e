package plan_test

import (
	"path/filepath"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// TestOtherSenders: senders whose relayhost is another's keep their service, which
// is not the relay's.
func TestOtherSenders(t *testing.T) {
	const name = "sender_dependent_default_transport_maps"
	line := func(p plan.Plan) string {
		for line := range strings.Lines(text(t, p, mainPath)) {
			if strings.HasPrefix(line, name) {
				return strings.TrimSpace(line)
			}
		}
		return ""
	}
	routed := func(o *config.Config) {
		o.Routes = append(o.Routes[:1], config.Route{Name: "shop", Senders: []string{"shop.example"}, Hops: []config.Hop{*o.First()}})
		o.Routes[1].Hops[0].Port = 2525
	}
	for _, tc := range []struct {
		name   string
		lines  []string
		master string
		change []func(*config.Config)
		want   string
	}{
		{name: "none"},
		{name: "theirs stay as they are", lines: []string{name + " = hash:/x,  hash:/y"}, want: name + " = hash:/x,  hash:/y"},
		{name: "by the service they had", lines: []string{"sender_dependent_relayhost_maps = hash:/x, regexp:/y /z"},
			want: name + " = pipemap:{hash:/x,static:smtp:}, pipemap:{regexp:/y,static:smtp:}, pipemap:{hash:/z,static:smtp:}"},
		{name: "after theirs", lines: []string{"sender_dependent_relayhost_maps = hash:/x", name + " = hash:/t"}, want: name + " = hash:/t, pipemap:{hash:/x,static:smtp:}"},
		{name: "a service of its own", lines: []string{"sender_dependent_relayhost_maps = hash:/x", "default_transport = smtps:[a.example]:465"}, master: "smtps unix - - n - - smtp",
			want: name + " = pipemap:{hash:/x,static:smtps:}"},
		{name: "not smtp(8)", lines: []string{"sender_dependent_relayhost_maps = hash:/x", "default_transport = error"}, want: name + " = pipemap:{hash:/x,static:smtp:}"},
		{name: "after our routes", lines: []string{"sender_dependent_relayhost_maps = hash:/x"}, change: []func(*config.Config){routed},
			want: name + " = hash:/etc/postfix/relayhost_by_sender, pipemap:{hash:/x,static:smtp:}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := debian(t, tc.lines...)
			if tc.master != "" {
				s.service(tc.master)
			}
			first := build(t, s, options(tc.change...))
			if got := line(first); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			s.apply(first)
			second := build(t, s, options(tc.change...))
			if second.Changed() {
				t.Errorf("want the same of a second plan, got %s", line(second))
			}
			// The others' relays go: nothing may point at their tables.
			s.files[mainPath] = strings.ReplaceAll(s.files[mainPath], "sender_dependent_relayhost_maps = ", "other = ")
			if third := line(build(t, s, options(tc.change...))); strings.Contains(third, "pipemap:") {
				t.Errorf("without others: got %s, want no %q in it", third, "pipemap:")
			}
		})
	}
	s := debian(t, "sender_dependent_relayhost_maps = hash:/x")
	s.types = []string{"hash", "static", "texthash"}
	if _, err := plan.Build(plan.Server{State: s.state(t)}, options()); err == nil || !strings.Contains(err.Error(), "no pipemap tables") {
		t.Errorf("without pipemap: got the error %v, want one with %q", err, "no pipemap tables")
	}
}

// Tables of others may be named as ours begin: "relayhost_map" is in many a how-to. They
// stay, and so does what names them.
func TestForeignTablesNamedRelayhost(t *testing.T) {
	for name, entry := range map[string]string{
		"sender_dependent_default_transport_maps": "@shop.example shop:[smtp.shop.example]:587\n",
		"transport_maps":                  "partner.example smtp:[mail.partner.example]\n",
		"sender_dependent_relayhost_maps": "@shop.example [smtp.shop.example]:587\n",
	} {
		for _, base := range []string{"relayhost_map", "relayhost_maps", "relayhost_senders"} {
			t.Run(name+" "+base, func(t *testing.T) {
				path := "/etc/postfix/" + base
				host := debian(t).set(name, "hash:"+path).with(path, entry).service("shop unix - - n - - smtp\n")
				p := build(t, host, options())
				for _, f := range p.Files {
					if f.Path == path {
						t.Errorf("got the action %s for %s, want the file left alone", f.Action, path)
					}
				}
				if got := text(t, p, mainPath); !strings.Contains(got, path) {
					t.Errorf("got main.cf\n%s\nwant %s = hash:%s in it", got, name, path)
				}
			})
		}
	}
}

// Each table that a plan writes is known as ours, so that a later one replaces it.
func TestOwnTables(t *testing.T) {
	routed := func(o *config.Config) {
		o.Routes = append(o.Routes[:1], config.Route{Name: "shop", Senders: []string{".shop.example", "shop.example"}, Hops: []config.Hop{*o.First()}})
		o.Routes[1].Hops[0].Port, o.Direct = 2525, []string{"near.example"}
	}
	for _, f := range build(t, debian(t, "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd"), options(routed)).Files {
		if base := filepath.Base(f.Path); strings.HasPrefix(base, "relayhost_") && !postfix.IsOwn(f.Path) {
			t.Errorf("got %s for a table of others, want it known as ours", base)
		}
	}
}

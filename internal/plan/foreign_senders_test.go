package plan_test

import (
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
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

package plan_test

import (
	"errors"
	"strings"
	"testing"

	"relayhost/internal/plan"
)

// TestCatchAll: an entry "*" that names the relay itself gives way to relayhost;
// any other, and one that tables of senders stand beside, is a conflict.
func TestCatchAll(t *testing.T) {
	const path = "/etc/postfix/transport"
	for _, tc := range []struct {
		entry   string
		lines   []string
		removed bool
	}{
		{"* smtp:[smtp.example.net]:587", nil, true},
		{"*\tother:[SMTP.example.net]:submission", nil, true},
		{"* smtp:smtp.example.net:587", nil, true},
		{"* smtp:[smtp.example.net]:2525", nil, false},
		{"* smtp:[other.example.net]:587", nil, false},
		{"* smtp:", nil, false},
		{"* smtp:[smtp.example.net]:587", []string{"sender_dependent_relayhost_maps = hash:/x"}, false},
	} {
		s := debian(t, append(tc.lines, "transport_maps = hash:"+path)...).with(path, "corp.test smtp:[inside]\n"+tc.entry+"\n# end\n")
		p, err := plan.Build(plan.Server{State: s.state(t)}, options())
		var c *plan.Conflict
		if errors.As(err, &c) == tc.removed {
			t.Errorf("%s: %v", tc.entry, err)
		}
		if !tc.removed {
			continue
		}
		if got := text(t, p, path); got != "corp.test smtp:[inside]\n# end\n" {
			t.Errorf("%s: the table is\n%s\nwant\n%q", tc.entry, got, "corp.test smtp:[inside]\n# end\n")
		}
		found := false
		for _, c := range p.Commands {
			found = found || strings.Join(c.Args, " ") == "postmap hash:"+path
		}
		if !found {
			t.Errorf("%s: %v", tc.entry, p.Commands)
		}
		s.apply(p)
		if again := build(t, s, options()); again.Changed() {
			t.Errorf("%s: a second plan changes something", tc.entry)
		}
	}
}

package plan_test

import (
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// What the plan says of senders is what its files do: all of them, those of the server's
// own accounts, or none.
func TestRewritten(t *testing.T) {
	single := func(c *config.Config) { c.First().Relay.Sender.Single = true }
	for _, tt := range []struct {
		name   string
		server *server
		opts   []func(*config.Config)
		want   plan.Rewriting
	}{
		{"the host's own names", debian(t), nil, plan.RewriteOwn},
		{"a mailbox, null client", debian(t).set("mydestination", ""), []func(*config.Config){single}, plan.RewriteEvery},
		{"a mailbox, server with people", debian(t).set("mydestination", "$myhostname, example.com"), []func(*config.Config){single}, plan.RewriteOwn},
		{"root of a mail domain", debian(t).with("/etc/mailname", "example.com\n").set("mydestination", "$myhostname, example.com, localhost"), nil, plan.RewriteOwn},
		{"the relay's own domain", debian(t).with("/etc/mailname", "example.org\n").set("myhostname", "example.org"), nil, plan.RewriteNone},
		{"somebody else's static table", debian(t).set("sender_canonical_maps", "static:boss@example.org"), nil, plan.RewriteOwn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(tt.opts...)
			if got := plan.Rewritten(tt.server.state(t), build(t, tt.server, o), o.From()); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := plan.Rewritten(postfix.State{}, plan.Plan{}, "a@example.com"); got != plan.RewriteNone {
		t.Errorf("an empty plan: got %v, want none", got)
	}
}

package plan_test

import (
	"slices"
	"testing"

	"relayhost/internal/plan"
)

// A server that does more than send is told from one that does not.
func TestDuties(t *testing.T) {
	for _, test := range []struct {
		name string
		host *server
		want []string
	}{
		{"as Debian installs it", debian(t), nil},
		{"satellite", debian(t).set("mydestination", ""), nil},
		{"relay_domains as of old", debian(t).set("relay_domains", "$mydestination"), nil},
		{"mail server", debian(t).set("mydestination", "$myhostname, example.com, localhost"), []string{"receives mail for example.com (mydestination)"}},
		{"mailboxes, backup", debian(t).set("virtual_mailbox_domains", "a.test b.test").set("relay_domains", "backup.test"),
			[]string{"passes on mail for backup.test (relay_domains)", "receives mail for a.test, b.test (virtual_mailbox_domains)"}},
		{"many", debian(t).set("relay_domains", "a.test b.test c.test d.test e.test f.test"), []string{"passes on mail for a.test, b.test, c.test, d.test, e.test, ... (relay_domains)"}},
		{"internal ways", debian(t).set("transport_maps", "hash:/etc/postfix/transport").set("content_filter", "smtp:[127.0.0.1]:10025"),
			[]string{"has mail filtered (content_filter = smtp:[127.0.0.1]:10025)", "sends some mail by ways of its own (transport_maps = hash:/etc/postfix/transport)"}},
		{"ways of ours alone", debian(t).set("transport_maps", "hash:/etc/postfix/relayhost_transport"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := plan.Roles(test.host.state(t)); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

package postfix

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lint"
)

// routedStaged has a second service with a fallback, for some senders, and a
// third that finds its accounts by the sender.
func routedStaged(t *testing.T) Staged {
	t.Helper()
	c := goodStaged(t)
	entry := func(name string, options ...Option) {
		s, _ := c.State.Master.Get("relayhost-x", "unix")
		s.Name, s.Options = name, append(slices.Clone(s.Options), options...)
		c.State.Master.Set(s)
	}
	entry("relayhost-shop", Option{"smtp_fallback_relay", "[b.test]:587"}, Option{"smtp_sasl_password_maps", "hash:/etc/postfix/relayhost_passwd_shop"})
	entry("relayhost-many", Option{"smtp_sender_dependent_authentication", "yes"}, Option{"smtp_sasl_password_maps", "hash:/etc/postfix/relayhost_passwd_many"})
	c.set("sender_dependent_default_transport_maps", "hash:/etc/postfix/relayhost_by_sender, regexp:/etc/postfix/relayhost_by_subdomain")
	c.State.Params["empty_address_default_transport_maps_lookup_key"] = "<>"
	for name, text := range map[string]string{
		"tls_policy":             "[smtp.example.test]:587 secure connection_reuse=yes\n[a.test]:587 secure\n[b.test]:587 secure\n",
		"relayhost_passwd_shop":  "[a.test]:587 u:p\n[b.test]:587 v:p\n",
		"relayhost_passwd_many":  "@one.test u:p\nx@two.test v:p\n",
		"relayhost_by_sender":    "@shop.test relayhost-shop:[a.test]:587\n<> relayhost-shop:[a.test]:587\n@one.test relayhost-many:[a.test]:587\nx@two.test relayhost-many:[a.test]:587\n",
		"relayhost_by_subdomain": "/@.*\\.shop\\.test$/ relayhost-shop:[a.test]:587\n",
	} {
		c.State.Maps["/etc/postfix/"+name] = []byte(text)
	}
	a, b := lint.Hop{NextHop: "[a.test]:587"}, lint.Hop{NextHop: "[b.test]:587"}
	c.Meant = []lint.Route{
		c.Meant[0],
		{Service: "relayhost-shop", Senders: []string{"@shop.test", "<>", `/@.*\.shop\.test$/`}, Hops: []lint.Hop{a, b}},
		{Service: "relayhost-many", Senders: []string{"@one.test"}, Hops: []lint.Hop{a}},
		{Service: "relayhost-many", Senders: []string{"x@two.test"}, Hops: []lint.Hop{a}},
	}
	return c
}

func TestCheckWays(t *testing.T) {
	file := func(name, text string) func(*Staged) {
		return func(c *Staged) { c.State.Maps["/etc/postfix/"+name] = []byte(text) }
	}
	for _, tc := range []struct {
		name   string
		change func(*Staged)
		want   string // part of the fatal problem; "" for none
	}{
		{"nothing", func(*Staged) {}, ""},
		{"service gone", func(c *Staged) { c.State.Master.Remove("relayhost-shop", "unix") }, "there is no service relayhost-shop"},
		{"other fallback", func(c *Staged) { c.Meant[1].Hops[1].NextHop = "[c.test]:587" }, `is "[b.test]:587", not [c.test]:587`},
		{"no fallback", func(c *Staged) {
			c.Meant[2].Hops = append(c.Meant[2].Hops, lint.Hop{NextHop: "[b.test]:587"})
		}, "is empty, not [b.test]:587"},
		{"no password of the second hop", file("relayhost_passwd_shop", "[a.test]:587 u:p\n[b.test] v:p\n"), "no table has the key [b.test]:587"},
		{"bare host of the second hop", file("relayhost_passwd_shop", "[a.test]:587 u:p\n[b.test]:587 v:p\nb.test w:p\n"), "has the key b.test, which wins"},
		{"second hop not verified", file("tls_policy", "[smtp.example.test]:587 secure\n[a.test]:587 secure\n[b.test]:587 may\n"), `the level for [b.test]:587 is "may"`},
		{"second hop without policy", file("tls_policy", "[smtp.example.test]:587 secure\n[a.test]:587 secure\n"), "the level for [b.test]:587 is empty"},
		{"sender without account", file("relayhost_passwd_many", "@one.test u:p\n"), "no table has the key x@two.test"},
		{"sender goes elsewhere", file("relayhost_by_sender", "@shop.test smtp:[a.test]:587\n<> relayhost-shop:[a.test]:587\n@one.test relayhost-many:[a.test]:587\nx@two.test relayhost-many:[a.test]:587\n"),
			`sends mail of @shop.test to "smtp:[a.test]:587"`},
		{"bounces go elsewhere", func(c *Staged) { c.State.Params["empty_address_default_transport_maps_lookup_key"] = "null" }, "sends mail of <> to empty"},
		{"pattern gone", file("relayhost_by_subdomain", ""), "sends mail of /@"},
		{"overridden", func(c *Staged) {
			rewrite, _ := c.State.Master.Get("smtp", "unix")
			rewrite.Name, rewrite.Command = "rewrite", "trivial-rewrite"
			rewrite.Options = []Option{{"sender_dependent_default_transport_maps", ""}}
			c.State.Master.Set(rewrite)
		}, "overrides main.cf"},
		{"bad value at a service of a route", func(c *Staged) { c.option("relayhost-shop", "smtp_tls_security_level", "on") }, `"on" is none of`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := routedStaged(t)
			tc.change(&c)
			fatal := slices.DeleteFunc(Check(c), func(p lint.Finding) bool { return p.Severity != lint.Error })
			if tc.want == "" && len(fatal) > 0 || tc.want != "" && !slices.ContainsFunc(fatal, func(p lint.Finding) bool { return strings.Contains(p.Detail, tc.want) }) {
				t.Errorf("found %v, want %q", fatal, tc.want)
			}
			if tc.want != "" && len(fatal) > 4 {
				t.Errorf("one fault, %d problems: %v, want at most 4", len(fatal), fatal)
			}
		})
	}
}

package flow

import (
	"testing"

	"relayhost/internal/plan"
)

// TestShared: each foreign route to a next hop of the plan has a sender and a recipient
// of its own class, and none that could mean something in main.cf.
func TestShared(t *testing.T) {
	p := plan.Plan{Routes: []plan.Route{{Service: "relayhost-x", Hops: []plan.Hop{{NextHop: "[relay.example]:587"}}}}}
	way := func(service, account string) Route {
		return Route{Transport: service, NextHop: "[relay.example]:587", Account: account}
	}
	list := Shared([]Flow{
		{Question: Question{Sender: anybody, Recipient: "somebody@partner.example"}, After: way("smtp", "")},
		{Question: Question{Sender: "somebody@shop.example", Recipient: elsewhere}, After: way("shop", "")},
		{Question: Question{Sender: "boss@shop.example", Recipient: "x@partner.example"}, After: way("shop", "boss")},
		{Question: Question{Recipient: elsewhere}, After: way("bounces", "")},
		{Question: Question{Sender: "a$myhostname@shop.example", Recipient: "b${x}@partner.example"}, After: way("odd", "")},
		{Question: Question{Sender: "root", Recipient: elsewhere}, After: way("local-users", "")},
		{Question: Question{Sender: anybody, Recipient: elsewhere}, After: way("relayhost-x", "")},
		{Question: Question{Sender: anybody, Recipient: elsewhere}, After: Route{Transport: "other", NextHop: "[elsewhere.example]:587"}},
	}, p)
	want := [][3]string{
		{"smtp", "", "postmaster@partner.example"}, {"shop", "postmaster@shop.example", ""}, {"shop", "boss@shop.example", "x@partner.example"},
		{"bounces", "<>", ""}, {"odd", "", ""}, {"local-users", "", ""},
	}
	if len(list) != len(want) {
		t.Fatalf("got %+v, want %d routes", list, len(want))
	}
	for i, w := range want {
		if got := [3]string{list[i].Service, list[i].From, list[i].To}; got != w {
			t.Errorf("route %d: got %q, want %q", i, got, w)
		}
	}
}

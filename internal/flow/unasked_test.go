package flow

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/plan"
)

const hop = "[relay.example]:587"

// planOf has a default route and one of news.example.
var planOf = plan.Plan{Routes: []plan.Route{
	{Name: "default", From: "app@example.org", Service: "relayhost-a"},
	{Name: "news", Senders: []string{"news.example", ".lists.example", "<>", "boss@vip.example"}, Service: "relayhost-b"},
}}

var (
	direct  = Route{Transport: "smtp", TLS: "may"}
	relayed = Route{Transport: "relayhost-a", NextHop: hop, TLS: "secure", Account: "user"}
	news    = Route{Transport: "relayhost-b", NextHop: "[news.relay.example]:587", TLS: "secure", Account: "news"}
	own     = Route{Transport: "smtp", NextHop: hop, TLS: "encrypt", Account: "user"}
	shop    = Route{Transport: "shop-smtp", TLS: "may"}
	local   = Route{Transport: "local", Local: true}
)

func TestCompare(t *testing.T) {
	const senders, recipients = "senders in sender_dependent_default_transport_maps", "recipients in transport_maps"
	secure := own
	secure.TLS = "secure"
	byShop := Route{Transport: "shop-smtp", NextHop: hop, TLS: "secure", Account: "user"}
	otherHop := Route{Transport: "relayhost-a", NextHop: "[mx.example]", TLS: "secure"}
	renamed := own
	renamed.Sender = "x@y.example"
	rerouted := relayed
	rerouted.Sender = "app@example.org"
	lent := secure
	lent.policy = "hash:/etc/postfix/relayhost_tls_policy"
	account := direct
	account.Account = "shop"
	failed := direct
	failed.Failed = true
	for name, test := range map[string]struct {
		usual, usualAfter Route
		f                 Flow
		want              string // "" for no change; else what the change says
	}{
		"default to the relay":      {direct, relayed, Flow{Question{Class: ownMail, Sender: "root"}, direct, relayed}, ""},
		"old relay to the new":      {own, relayed, Flow{Question{Class: nullSender}, own, relayed}, ""},
		"local only to the relay":   {Route{Transport: "error"}, relayed, Flow{Question{Class: nullSender}, Route{Transport: "error"}, relayed}, ""},
		"relay domain stays":        {direct, relayed, Flow{Question{Class: "recipients in relay_domains", Param: "relay_domains", Key: "b.example"}, Route{Transport: "relay"}, Route{Transport: "relay"}}, ""},
		"relay domain pulled over":  {direct, relayed, Flow{Question{Class: "recipients in relay_domains", Param: "relay_domains", Key: "b.example"}, Route{Transport: "relay"}, Route{Transport: "relay", NextHop: hop}}, "mail to b.example would go to " + hop + " by the service relay"},
		"policy of the same hop":    {direct, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "gmail.com"}, own, secure}, "TLS level encrypt; it would be secure"},
		"as the default was":        {own, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "gmail.com"}, own, secure}, "TLS level encrypt; it would be secure"},
		"policy was lent":           {lent, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "gmail.com"}, lent, own}, ""},
		"sender without a next hop": {direct, relayed, Flow{Question{Class: senders, Param: "sender_dependent_default_transport_maps", Key: "@shop.example", Sender: "a@shop.example"}, shop, byShop}, "mail from @shop.example would go to " + hop + " by the service shop-smtp"},
		"sender that is rewritten":  {direct, relayed, Flow{Question{Class: senders, Param: "sender_dependent_default_transport_maps", Key: "@shop.example", Sender: "a@shop.example"}, shop, rerouted}, "mail from @shop.example would become <app@example.org> and so leave by the service relayhost-a"},
		"hop without a service":     {direct, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "c.example"}, Route{Transport: "smtp", NextHop: "[mx.example]"}, otherHop}, "would leave by the service relayhost-a instead of the service smtp"},
		"account of its own":        {direct, relayed, Flow{Question{Class: "senders with an account of their own", Param: "smtp_sasl_password_maps", Key: "a@b.example"}, account, relayed}, "would leave by"},
		"route":                     {direct, relayed, Flow{Question{Class: senders, Param: "x", Sender: "a@news.example"}, shop, news}, ""},
		"route below a domain":      {direct, relayed, Flow{Question{Class: senders, Param: "x", Sender: "a@b.lists.example"}, shop, news}, ""},
		"route of an address":       {direct, relayed, Flow{Question{Class: senders, Param: "x", Sender: "boss@vip.example"}, shop, news}, ""},
		"route of somebody else":    {direct, relayed, Flow{Question{Class: senders, Param: "x", Key: "@vip.example", Sender: "aid@vip.example"}, shop, news}, "mail from @vip.example"},
		"null sender by a route":    {direct, relayed, Flow{Question{Class: nullSender}, direct, news}, ""},
		"earlier setup":             {relayed, news, Flow{Question{Class: senders, Param: "x", Sender: "a@old.example"}, Route{Transport: "relayhost-old"}, news}, ""},
		"--direct":                  {own, relayed, Flow{Question{Class: "direct domains", Recipient: "a@in.example"}, own, direct}, ""},
		"direct unasked":            {own, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "out.example", Recipient: "a@out.example"}, own, direct}, "mail to out.example would go to the recipient's mail exchangers"},
		"out of a catch-all":        {own, relayed, Flow{Question{Class: "recipients in mydestination", Param: "mydestination", Key: "h.example"}, own, local}, ""},
		"no longer here":            {direct, relayed, Flow{Question{Class: "recipients in mydestination", Param: "mydestination", Key: "h.example"}, local, relayed}, "mail to h.example would leave by"},
		"sender of another":         {direct, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "d.example", Sender: "a@z.example"}, own, renamed}, "would leave as <x@y.example>, not as <a@z.example>"},
		"table that fails":          {direct, relayed, Flow{Question{Class: recipients, Param: "transport_maps", Key: "e.example"}, direct, failed}, "would be deferred"},
	} {
		t.Run(name, func(t *testing.T) {
			flows := []Flow{{Question{Class: ordinary, Sender: anybody, Recipient: elsewhere}, test.usual, test.usualAfter}, test.f}
			got := Compare(flows, planOf, Asked{From: "app@example.org", Direct: []string{"in.example"}})
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("got %+v, want no change", got)
			case test.want != "" && (len(got) != 1 || !strings.Contains(got[0].Detail, test.want) || got[0].Remedy == ""):
				t.Errorf("got %+v, want one that says %q, with a remedy", got, test.want)
			}
		})
	}
}

// A test message that bypasses the relay proves nothing, and the reason is named.
func TestTestMessageElsewhere(t *testing.T) {
	usual := Flow{Question{Class: ordinary}, direct, relayed}
	test := Flow{Question{Class: testMail, Sender: "a@shop.example", Recipient: "b@gmail.com"}, shop, shop}
	for name, row := range map[string]struct {
		from Route
		want string
	}{"by its sender": {shop, "mail from a@shop.example does not leave through the relay"}, "by its recipient": {relayed, "mail to b@gmail.com does not leave through the relay"}} {
		t.Run(name, func(t *testing.T) {
			got := Compare([]Flow{usual, test, {Question{Class: fromMail}, shop, row.from}}, planOf, Asked{})
			if len(got) != 1 || !strings.HasPrefix(got[0].Detail, row.want) {
				t.Errorf("got %+v, want %q", got, row.want)
			}
		})
	}
}

// Many tables make eight lines.
func TestLines(t *testing.T) {
	var flows []Flow
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
		w := Route{Transport: "smtp", NextHop: "[" + key + ".example]", TLS: "may"}
		flows = append(flows, Flow{Question{Class: "recipients in transport_maps", Recipient: "x@" + key + ".test", Param: "transport_maps", Key: key}, w, w})
	}
	flows = append(flows, Flow{Question{Class: ordinary, Sender: anybody, Recipient: elsewhere}, direct, relayed})
	lines := Table{Rows: fold(flows, planOf, Asked{})}.Lines()
	if len(lines) != maxLines || lines[0] != "other mail: now directly (TLS where offered), then to "+hop+" (verified TLS, as user)" ||
		lines[maxLines-1] != "and 5 other classes of mail; --json lists all" {
		t.Errorf("Lines: got %d:\n%s\nwant %d, the first %q, the last %q", len(lines), strings.Join(lines, "\n"), maxLines,
			"other mail: now directly (TLS where offered), then to "+hop+" (verified TLS, as user)", "and 5 other classes of mail; --json lists all")
	}
	as := relayed
	as.Sender = "app@example.org"
	for _, sender := range []string{"root", "www-data", "root@srv.example.org", "root@srv"} {
		flows = append(flows, Flow{Question{Class: ownMail, Sender: sender, Recipient: elsewhere}, direct, as})
	}
	const want = "senders of this host (root, www-data, root@srv.example.org and 1 more): sent as app@example.org"
	if got := (Table{Rows: fold(flows, planOf, Asked{})}.Senders()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Table{Rows: fold(flows[:3], planOf, Asked{})}.Senders()); got != "" {
		t.Errorf("without a sender that is rewritten: got %q, want none", got)
	}
}

func TestPatternSamples(t *testing.T) {
	got := strings.Join(patternSamples("# comment\n/@shop\\.example$/   shop-smtp:\n/^.*@a\\.example$/i x:\n/^jane@b\\.example$/ y:\n/^(a|b)@c\\.example$/ z:\nif /x/\n"+
		"/[^@]+@d\\.example/ d:\n/\\.sub\\.example$/ e:\n"), " ")
	if want := "@shop.example @a.example jane@b.example @d.example .sub.example"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSome(t *testing.T) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = strings.Repeat("k", i+1)
	}
	got := some(keys)
	if len(got) != perTable {
		t.Fatalf("some of 1000 keys: got %d, want %d", len(got), perTable)
	}
	if got[0] != keys[0] || got[perTable-1] != keys[999] || got[1] == got[2] {
		t.Errorf("some of 1000 keys: got the lengths %d, %d, %d to %d, want the first 1, the last 1000, and the second and third unlike",
			len(got[0]), len(got[1]), len(got[2]), len(got[perTable-1]))
	}
}

// Of thousands of routes that go the same way a line names the first ones, but for a change
// that nobody asked for.
func TestLinesOfManyRoutes(t *testing.T) {
	rows := func(change string, n int) (list []Row) {
		for i := range n {
			list = append(list, Row{Class: fmt.Sprintf("senders of the route r%d", i), Change: change, Before: direct, After: relayed})
		}
		return list
	}
	for _, tt := range []struct {
		change string
		n      int
		names  int
		more   string
	}{
		{AskedFor, 9, 9, ""}, {AskedFor, 2000, maxNames, ", 1992 more classes of mail (--json lists them): now "},
		{Same, 2000, maxNames, ", 1992 more classes of mail (--json lists them): as now, "}, {Unasked, 2000, 2000, ""},
	} {
		t.Run(fmt.Sprint(tt.change, tt.n), func(t *testing.T) {
			line := strings.Join(Table{Rows: rows(tt.change, tt.n)}.Lines(), "\n")
			if got := strings.Count(line, "senders of the route"); got != tt.names || !strings.Contains(line, tt.more) {
				t.Errorf("got %d names in %.600s, want %d and %q", got, line, tt.names, tt.more)
			}
		})
	}
}

// Where no entry is known to send all mail elsewhere, the parameters that may are named as they stand.
func TestTableWithoutKeys(t *testing.T) {
	for text, want := range map[string]string{
		"sender_dependent_default_transport_maps = randmap:{relay1,\n  relay2}\n": "sender_dependent_default_transport_maps = randmap:{relay1, relay2} sends all of it",
		"sender_dependent_default_transport_maps = hash:/etc/postfix/relayhost_by_sender, pipemap:{hash:/r,static:smtp:}\ntransport_maps = hash:/etc/postfix/relayhost_transport tcp:127.0.0.1:23000\n": "relay: transport_maps = tcp:127.0.0.1:23000 sends all of it",
		"transport_maps = tcp:127.0.0.1:23000\n":                                               "transport_maps = tcp:127.0.0.1:23000 sends all of it",
		"transport_maps = a:/b\nsender_dependent_default_transport_maps = c:/d\nrelayhost =\n": "transport_maps = a:/b or sender_dependent_default_transport_maps = c:/d sends all of it",
	} {
		t.Run(want, func(t *testing.T) {
			p := planOf
			p.Files = []plan.File{{Path: "/etc/postfix/main.cf", After: []byte(text)}}
			flows := []Flow{
				{Question{Class: ordinary, Sender: anybody, Recipient: elsewhere}, shop, shop}, {Question{Class: testMail, Sender: "app@example.org", Recipient: "a@out.example"}, shop, shop},
			}
			got := Compare(flows, p, Asked{From: "app@example.org"})
			if len(got) != 1 || !strings.Contains(got[0].Detail, want) || !strings.Contains(got[0].Remedy, "sender_dependent_default_transport_maps") {
				t.Errorf("got %+v, want one change that says %q", got, want)
			}
		})
	}
}

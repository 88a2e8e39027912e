package setup

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// heard is a Reporter that keeps what it is told.
type heard struct{ lines []string }

func (h *heard) add(kind, format string, args ...any) {
	h.lines = append(h.lines, kind+fmt.Sprintf(format, args...))
}

func (h *heard) Step(format string, args ...any)     { h.add("", format, args...) }
func (h *heard) Part(string)                         {}
func (h *heard) Note(format string, args ...any)     { h.add("note: ", format, args...) }
func (h *heard) Warn(format string, args ...any)     { h.add("warning: ", format, args...) }
func (h *heard) Unproven(format string, args ...any) { h.add("unproven: ", format, args...) }
func (h *heard) Found(detect.Facts)                  {}
func (h *heard) Trace() func(smtpprobe.Exchange)     { return nil }

// with is a Setup for routes, the default first.
func with(routes ...config.Route) Setup {
	return Setup{Basis: Basis{Deps: Deps{Host: &host.Host{}, Report: &heard{}}}, Config: config.Config{Routes: routes}}
}

// Each sender is proven once, the null sender and names below a domain aside.
func TestSendersOf(t *testing.T) {
	for _, test := range []struct {
		name  string
		route config.Route
		want  string
	}{
		{"default route", config.Route{Name: config.DefaultRoute, From: "a@b.example"}, `["a@b.example"]`},
		{"addresses and domains", config.Route{Name: "r", From: "x@s.example", Senders: []string{"s.example", "y@t.example", "u.example"}}, `["x@s.example" "y@t.example" "postmaster@u.example"]`},
		{"below a domain, and the null sender", config.Route{Name: "r", From: "x@y.s.example", Senders: []string{".s.example", config.NullSender}}, `["x@y.s.example" ""]`},
		{"the null sender alone", config.Route{Name: "r", From: "a@b.example", Senders: []string{config.NullSender}}, `[""]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := fmt.Sprintf("%q", sendersOf(test.route)); got != test.want {
				t.Errorf("senders %q: got %s, want %s", test.route.Senders, got, test.want)
			}
		})
	}
}

// Hops that share an account share a connection, whoever sends there.
func TestChecks(t *testing.T) {
	hop := config.Hop{Relay: &relays.Relay{}, Host: "a.test", Port: 587, Username: "u", Password: secret.New("p")}
	other := hop
	other.Username = "v"
	s := with(config.Route{Name: config.DefaultRoute, From: "a@b.example", Hops: []config.Hop{hop}},
		config.Route{Name: "one", Senders: []string{"x@one.example"}, Hops: []config.Hop{hop}},
		config.Route{Name: "two", Senders: []string{"x@two.example"}, Hops: []config.Hop{other, hop}})
	for i := range maxSenders {
		s.Config.Routes = append(s.Config.Routes, config.Route{Name: "more", Senders: []string{fmt.Sprintf("x@%d.example", i)}, Hops: []config.Hop{other}})
	}
	list, left, err := s.checks(nil)
	if err != nil || len(list) != 2 || left != 1 {
		t.Fatalf("got %d connections, %d left out (%v), want 2 and 1", len(list), left, err)
	}
	if got, want := fmt.Sprint(list[0].senders), "[a@b.example x@one.example x@two.example ]"; got != want {
		t.Errorf("senders of the first: got %s, want %s", got, want)
	}
	if got, want := list[0].of["x@two.example"], "route two, fallback 1"; got != want {
		t.Errorf("label: got %q, want %q", got, want)
	}
	if got := len(list[1].senders); got != maxSenders {
		t.Errorf("senders of the second: got %d, want %d", got, maxSenders)
	}
}

// Each route has its message before any has a second one, the null sender aside.
func TestMessages(t *testing.T) {
	hop := func(port int) config.Hop { return config.Hop{Relay: &relays.Relay{}, Host: "a.test", Port: port} }
	s := with(config.Route{Name: config.DefaultRoute, From: "a@b.example", Hops: []config.Hop{hop(587), hop(2525)}},
		config.Route{Name: "one", From: "x@one.example", Senders: []string{"one.example", "y@two.example", config.NullSender}, Hops: []config.Hop{hop(587), hop(2525)}},
		config.Route{Name: "bounces", From: "a@b.example", Senders: []string{config.NullSender}, Hops: []config.Hop{hop(587)}})
	s.Plan = plan.Plan{Routes: []plan.Route{
		{Name: config.DefaultRoute, Service: "relayhost-a"},
		{Name: "one", Service: "relayhost-one", Senders: s.Config.Routes[1].Senders},
		{Name: "bounces", Service: "relayhost-b", Senders: s.Config.Routes[2].Senders},
	}}
	for level, want := range []string{
		"default route a@b.example relayhost-a 587, route one x@one.example relayhost-one 587; route one y@two.example relayhost-one 587",
		"default route, fallback 1 a@b.example relayhost-a 2525, route one, fallback 1 x@one.example relayhost-one 2525; route one, fallback 1 y@two.example relayhost-one 2525",
	} {
		t.Run(fmt.Sprintf("level %d", level), func(t *testing.T) {
			one, more := s.messages(s.Plan, level)
			var text []string
			for _, list := range [][]message{one, more} {
				var part []string
				for _, m := range list {
					part = append(part, fmt.Sprintf("%s %s %s %d", m.label, m.from, m.service, m.port))
				}
				text = append(text, strings.Join(part, ", "))
			}
			if got := strings.Join(text, "; "); got != want {
				t.Errorf("level %d: got %s, want %s", level, got, want)
			}
		})
	}
}

// A smarthost of a route goes on being logged in to when the file that the
// account came from is no longer named.
func TestStoredAccountOfASmarthost(t *testing.T) {
	for _, test := range []struct {
		name string
		port int
		want string
	}{{"the port of the table", 587, "u"}, {"another port", 465, ""}} {
		t.Run(test.name, func(t *testing.T) {
			first := config.Hop{Relay: &relays.Relay{ID: "corp"}, Host: "corp.test", Port: 587}
			hop := config.Hop{Relay: relays.Smarthost("mail.test", test.port, relays.StartTLS, false), Host: "mail.test", Port: test.port, TLS: relays.StartTLS}
			s := with(config.Route{Name: config.DefaultRoute, Hops: []config.Hop{first}}, config.Route{Name: "one", Senders: []string{"one.example"}, Hops: []config.Hop{hop}})
			s.State = postfix.State{
				DefaultMap: "hash", Params: map[string]string{"smtp_sasl_password_maps": "hash:/p"},
				Maps: map[string][]byte{"/p": []byte("[mail.test]:587 u:p\n")},
			}
			c, _, err := accounts(t.Context(), s.Basis, s.Config, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Routes[1].Hops[0]; got.Username != test.want || len(got.Relay.Auth.Mechanisms) > 0 != (test.want != "") {
				t.Errorf("port %d: got user name %q, want %q", test.port, got.Username, test.want)
			}
		})
	}
}

// A hop whose account is nowhere is told with its line, and a password that looks
// wrong once, however many routes name its file.
func TestAccountsOfRoutes(t *testing.T) {
	c, err := config.Read([]byte(`version = 1
relay = "corp"
[[route]]
name = "shop"
senders = ["shop.example"]
relay = "postmark"
port = 587
credentials_file = "/a"
[[route]]
name = "blog"
senders = ["blog.example"]
relay = "postmark"
port = 587
credentials_file = "/a"
[[route]]
name = "news"
senders = ["news.example"]
relay = "postmark"
port = 587
credentials_file = "/b"
`))
	if err != nil {
		t.Fatal(err)
	}
	postmark, err := relays.Get("postmark")
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Routes[1:] {
		c.Routes[i+1].Hops[0].Relay = &postmark
	}
	told := &heard{}
	s := Setup{Basis: Basis{Deps: Deps{Report: told}}, Config: c}
	odd := secret.Credentials{Username: "u", Password: secret.New("p")}
	s.Credentials.Files = map[string]secret.Credentials{"/a": odd, "/b": odd}
	if _, _, err := accounts(t.Context(), s.Basis, s.Config, nil, ""); err != nil {
		t.Fatal(err)
	}
	once := map[string]bool{}
	for _, line := range told.lines {
		route, _, _ := strings.Cut(strings.TrimPrefix(line, "warning: "), ":")
		once[route] = true
	}
	if !once["route shop"] || once["route blog"] || !once["route news"] {
		t.Errorf("got warnings %q, want one for shop and one for news", told.lines)
	}
	s.Credentials.Files = nil
	_, _, err = accounts(t.Context(), s.Basis, s.Config, nil, "")
	if want := config.Path + ":6: route shop: no credentials"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Of many routes the default one is tested first, and then those whose mail goes another
// way than now: a renamed sender, another next hop, a service that is new.
func TestChangedRoutesFirst(t *testing.T) {
	const by = "sender_dependent_default_transport_maps"
	master, err := postfix.ParseMaster([]byte("relayhost-a unix - - n - - smtp\nrelayhost-b unix - - n - - smtp\n"))
	if err != nil {
		t.Fatal(err)
	}
	smarthost := relays.Smarthost("b.test", 587, relays.StartTLS, false)
	hop := config.Hop{Relay: smarthost, Host: "b.test", Port: 587}
	s := with(config.Route{Name: config.DefaultRoute, From: "a@b.example", Hops: []config.Hop{{Relay: smarthost, Host: "a.test", Port: 587}}})
	s.Plan.Routes = []plan.Route{{Name: config.DefaultRoute, Service: "relayhost-a", Hops: []plan.Hop{{NextHop: "[a.test]:587"}}}}
	var table strings.Builder
	add := func(name, service, nextHop, was string, senders ...string) {
		from := "x@" + strings.TrimPrefix(senders[0], "x@")
		if senders[0][0] == '.' {
			from = "x@mail" + senders[0]
		}
		s.Config.Routes = append(s.Config.Routes, config.Route{Name: name, From: from, Senders: senders, Hops: []config.Hop{hop}})
		s.Plan.Routes = append(s.Plan.Routes, plan.Route{Name: name, Service: service, Senders: senders, Hops: []plan.Hop{{NextHop: nextHop}}})
		table.WriteString(was)
	}
	for i := range maxMessages + 5 {
		domain := fmt.Sprintf("d%d.example", i)
		add("same"+domain, "relayhost-b", "[b.test]:587", "@"+domain+" relayhost-b:[b.test]:587\n", domain)
	}
	add("below", "relayhost-b", "[b.test]:587", "", ".sub.example")
	add("renamed", "relayhost-b", "[b.test]:587", "@old.example relayhost-b:[b.test]:587\n", "new.example")
	add("another port", "relayhost-b", "[b.test]:2525", "x@port.example relayhost-b:[b.test]:587\n", "x@port.example")
	add("new service", "relayhost-c", "[c.test]:587", "", ".new.example")
	add("one of three", "relayhost-b", "[b.test]:587", "@first.example relayhost-b:[b.test]:587\n@third.example relayhost-b:[b.test]:587\n", "first.example", "second.example", "third.example")
	s.State = postfix.State{Master: master, DefaultMap: "hash", ConfigDir: "/etc/postfix",
		Params: map[string]string{by: "hash:/etc/postfix/relayhost_by_sender", "default_transport": "relayhost-a:[a.test]:587"},
		Maps:   map[string][]byte{"/etc/postfix/relayhost_by_sender": []byte(table.String())}}
	one, more := s.messages(s.Plan, 0)
	var names []string
	for _, m := range one[:min(len(one), 6)] {
		names = append(names, m.route)
	}
	if got, want := strings.Join(names, ", "), "default, renamed, new service, another port, one of three, samed0.example"; got != want {
		t.Errorf("messages: got first %s, want %s", got, want)
	}
	if len(more) != 2 || more[0].from != "postmaster@second.example" {
		t.Errorf("further senders: got %v, want 2, the changed one first", more)
	}
	list, _, err := s.checks(nil)
	if err != nil || len(list) != 2 || list[1].senders[0] != "x@new.example" {
		t.Errorf("preflight: got %d connections (%v), want 2, the second with the changed sender first", len(list), err)
	}
	// Where nothing has been set up the order of the file stays, and with more routes than
	// messages one of each service comes first.
	s.State.Params, s.State.Master = map[string]string{}, nil
	one, _ = s.messages(s.Plan, 0)
	if got, want := one[1].route+", "+one[2].route+", "+one[len(one)-1].route, "samed0.example, new service, one of three"; got != want {
		t.Errorf("a first setup: got %s, want %s", got, want)
	}
	s.Config.Routes, s.Plan.Routes = s.Config.Routes[maxMessages:], s.Plan.Routes[maxMessages:]
	one, _ = s.messages(s.Plan, 0)
	for i, m := range one {
		if want := s.Config.Routes[i].Name; m.route != want {
			t.Errorf("a first setup of a few routes, message %d: got %s, want %s", i, m.route, want)
		}
	}
}

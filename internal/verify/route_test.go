package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/lab/growth"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// hop is one to s with the account of env, changed.
func (s service) hop(t *testing.T, change func(*Hop)) Hop {
	h := *s.env(t).First()
	if change != nil {
		change(&h)
	}
	return h
}

// byRoute is "route: check:result[:cause] ..." of the checks named.
func byRoute(r Report, checks ...string) string {
	var lines []string
	last := "-"
	for _, f := range r.Findings {
		if !slices.Contains(checks, f.Check) {
			continue
		}
		if f.Route != last {
			lines = append(lines, f.Route+":")
			last = f.Route
		}
		word := f.Check + ":" + string(f.Result)
		if f.Cause != "" {
			word += ":" + f.Cause
		}
		lines[len(lines)-1] += " " + word
	}
	return strings.Join(lines, "\n")
}

func TestSeveralRoutes(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	wrong := func(h *Hop) { h.Username = "other" }
	env.Routes = append(env.Routes, []Route{
		{Name: "shop", Senders: []string{"shop.test"}, From: "a@shop.test", Service: "relayhost-shop", Hops: []Hop{s.hop(t, wrong)}},
		{Name: "twin", Senders: []string{"twin.test"}, From: "a@twin.test", Service: "relayhost-shop", Hops: []Hop{s.hop(t, wrong)}},
		{Name: "news", Senders: []string{"news.test"}, From: "a@news.test", Service: "relayhost-x", Hops: []Hop{s.hop(t, nil)}},
	}...)
	var shown []string
	r := Run(t.Context(), env, Options{NoSend: true, Found: func(f Finding) {
		if f.Route != "" && (len(shown) == 0 || shown[len(shown)-1] != f.Route) {
			shown = append(shown, f.Route)
		}
	}})
	const failed = "dns:pass connect:pass connect:pass tls:pass auth:fail:auth_535_generic"
	const passed = "dns:pass connect:pass connect:pass tls:pass auth:pass"
	want := "default: " + passed + "\nshop: " + failed + "\ntwin: " + failed + "\nnews: " + passed
	if got := byRoute(r, "dns", "connect", "tls", "auth"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// Each account logs in once, whoever shares it, and findings are shown route by route.
	if c := s.Counters(); c.Logins != 1 || c.Refusals != 1 {
		t.Errorf("%d logins and %d refusals, want 1 and 1", c.Logins, c.Refusals)
	}
	slices.Sort(shown)
	if got := strings.Join(shown, " "); got != "default news shop twin" {
		t.Errorf("shown in turn: got %s, want %q", got, "default news shop twin")
	}
	for _, f := range r.Findings {
		if f.Check == "auth" && !strings.Contains(f.Detail, fmt.Sprintf("relay.test:%d", s.starttls)) {
			t.Errorf("got %+v, want %q in its detail", f, fmt.Sprintf("relay.test:%d", s.starttls))
		}
	}
	one := Run(t.Context(), env, Options{NoSend: true, Route: "news"})
	if got := byRoute(one, "dns", "connect", "tls", "auth"); got != "news: "+passed {
		t.Errorf("one of them: got %s, want %s", got, "news: "+passed)
	}
}

func TestFallback(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Hop)
		relay  func(*smtpd.Config)
		want   string // of the fallback: connect, tls, auth, delivery
		text   string
	}{
		{"sound", nil, nil, "connect:pass tls:pass auth:pass delivery:pass", "accepts mail from a@example.com to b@example.com; nothing was sent"},
		{"dead", func(h *Hop) { h.Port = 1 }, nil, "connect:warn:net_refused", "fallback relay.test:1: "},
		{"wrong password", func(h *Hop) { h.Username = "other" }, nil, "connect:pass tls:pass auth:warn:auth_535_generic", "fallback relay.test:"},
		{"sender refused", nil, func(c *smtpd.Config) {
			c.Sender = func(string) *smtpd.Reply {
				return &smtpd.Reply{Code: 550, Enhanced: "5.7.1", Text: "Sender address rejected: not owned by user"}
			}
		},
			"connect:pass tls:pass auth:pass delivery:fail:root_at_hostname", "mail that fails over to it would bounce"},
		{"later", nil, func(c *smtpd.Config) {
			c.Recipient = func(string, string) *smtpd.Reply {
				return &smtpd.Reply{Code: 451, Enhanced: "4.7.1", Text: "Greylisted, please come back"}
			}
		},
			"connect:pass tls:pass auth:pass delivery:warn:later", "Greylisted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second := relay(t), relay(t)
			if tt.relay != nil {
				second.Configure(tt.relay)
			}
			env := first.env(t)
			env.Routes[0].Hops = append(env.Routes[0].Hops, second.hop(t, tt.change))
			r := Run(t.Context(), env, Options{NoSend: true})
			var got []string
			text := ""
			for _, f := range r.Findings {
				if f.Route != "default" || !strings.Contains(f.Detail, "fallback") {
					continue
				}
				text += f.Detail + "\n"
				word := f.Check + ":" + string(f.Result)
				if f.Cause != "" {
					word += ":" + f.Cause
				}
				got = append(got, word)
				if f.Result == Fail && f.Remedy == "" {
					t.Errorf("got %+v, want a remedy in a failure", f)
				}
			}
			if s := strings.Join(got, " "); s != tt.want || !strings.Contains(text, tt.text) {
				t.Errorf("got  %s\nwant %s\n%s", s, tt.want, text)
			}
			if n := len(second.Mailbox()); n != 0 {
				t.Errorf("%d messages were sent, want 0", n)
			}
		})
	}
}

func TestNullSender(t *testing.T) {
	refused := relays.Relay{ID: "r", Name: "R", Sender: relays.Sender{NullSender: "refused"}}
	accepts := relays.Relay{ID: "a", Name: "A", Sender: relays.Sender{NullSender: "accepted"}}
	tests := []struct {
		name   string
		first  relays.Relay
		routes []Route
		warns  bool
	}{
		{"one relay", refused, nil, false},
		{"nobody takes it", refused, []Route{{Name: "shop", Senders: []string{"shop.test"}, Hops: []Hop{{Hop: config.Hop{Relay: &accepts}}}}}, true},
		{"a route takes it", refused, []Route{{Name: "shop", Senders: []string{"shop.test", "<>"}, Hops: []Hop{{Hop: config.Hop{Relay: &accepts}}}}}, false},
		{"the default takes it", accepts, []Route{{Name: "shop", Senders: []string{"shop.test"}, Hops: []Hop{{Hop: config.Hop{Relay: &refused}}}}}, false},
		{"the route that has it refuses it", accepts, []Route{{Name: "shop", Senders: []string{"<>"}, Hops: []Hop{{Hop: config.Hop{Relay: &refused}}}}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &run{Env: Env{Routes: append([]Route{{Name: config.DefaultRoute, Hops: []Hop{{Hop: config.Hop{Relay: &tt.first}}}}}, tt.routes...)}}
			if got := r.nullSender(); len(got) == 1 != tt.warns {
				t.Errorf("got %d findings %+v, want exactly one: %v", len(got), got, tt.warns)
			}
		})
	}
}

// TestMessagesAreBounded: of many routes each service gets one message, then the
// others as far as it goes.
func TestMessagesAreBounded(t *testing.T) {
	r := &run{Env: Env{Routes: []Route{{Name: config.DefaultRoute, Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: "a"}}}}}, State: postfix.State{}}}
	for i := range 300 {
		r.Routes = append(r.Routes, Route{Name: fmt.Sprint("r", i), Service: fmt.Sprint("s", i%150/100), Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: "b"}}}})
	}
	r.Routes[300].Service = "rare"
	checks := r.routeChecks()
	chosen := chosen(checks)
	if len(chosen) != maxDeliveries || !chosen[checks[300]] || !chosen[checks[0]] || chosen[checks[299]] {
		t.Errorf("got %d chosen, want %d", len(chosen), maxDeliveries)
	}
}

func TestHandMadeBySender(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.Plan = nil
	env.State.DefaultMap = "hash"
	env.State.Params["sender_dependent_relayhost_maps"] = "hash:/etc/postfix/bysender"
	env.State.Maps = map[string][]byte{"/etc/postfix/bysender": []byte("@shop.test [smtp.shop.test]:587\n")}
	r := Run(t.Context(), env, Options{Offline: true})
	if f := find(r, "config")[0]; f.Cause != "by_sender" || !strings.Contains(f.Detail, "@shop.test") {
		t.Errorf("a table by sender made by hand: got %+v, want cause %q and %q in its detail", f, "by_sender", "@shop.test")
	}
}

// manyRoutes is a server with n routes.
func manyRoutes(t *testing.T, n int) Env {
	t.Helper()
	env := relay(t).env(t)
	env.State.DefaultMap = "hash"
	env.State.Params["smtp_tls_policy_maps"] = "hash:/etc/postfix/policy"
	env.State.Params["sender_dependent_default_transport_maps"] = "hash:/etc/postfix/senders"
	var policy, senders strings.Builder
	for i := range n {
		r := Route{Name: fmt.Sprint("r", i), Senders: []string{fmt.Sprintf("d%d.test", i)}, From: fmt.Sprintf("a@d%d.test", i), Service: "relayhost-x",
			Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: fmt.Sprintf("smtp%d.test", i), Port: 587, TLS: relays.StartTLS}}}}
		env.Routes = append(env.Routes, r)
		fmt.Fprintf(&policy, "[smtp%d.test]:587 secure\n", i)
		fmt.Fprintf(&senders, "@d%d.test relayhost-x:[smtp%d.test]:587\n", i, i)
	}
	env.State.Maps = map[string][]byte{"/etc/postfix/policy": []byte(policy.String()), "/etc/postfix/senders": []byte(senders.String())}
	return env
}

// TestManyRoutes: the cost on this host grows with the routes, not with their
// square.
func TestManyRoutes(t *testing.T) {
	const n = 10_000
	var r Report
	ratio := growth.Ratio(t, n/10, n, func(n int) { r = Run(t.Context(), manyRoutes(t, n), Options{Offline: true}) })
	if ratio > 40 { // 10 times the routes; with their square it would be 100
		t.Errorf("%d routes take %.0f times as long as a tenth of them, want at most 40 times", n, ratio)
	}
	passed := 0
	for _, f := range r.Findings {
		if f.Check == "service" && f.Result == Pass {
			passed++
		}
	}
	if passed != n+1 {
		t.Errorf("%d routes: got %d services that pass, want %d", n, passed, n+1)
	}
}

// noMail is a Mailer that nothing is to be sent by.
type noMail struct {
	Mailer
	t *testing.T
}

func (m noMail) Send(context.Context, string, string, []byte) error {
	m.t.Error("got a message to send, want none")
	return ErrNoTrace
}

func (noMail) Find(context.Context, string, time.Time) (postfix.QueuedMessage, bool, error) {
	return postfix.QueuedMessage{}, false, ErrNoTrace
}

// TestBouncesAlone: a message with a sender is no proof of a route for bounces.
func TestBouncesAlone(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.State.Running, env.To, env.Mailer = true, "to@relay.test", noMail{t: t}
	env.Routes = append(env.Routes, Route{Name: "bounces", Senders: []string{"<>"}, From: env.From(), Service: "relayhost-bounces", Hops: []Hop{s.hop(t, nil)}})
	if got := byRoute(Run(t.Context(), env, Options{Route: "bounces"}), "delivery"); got != "bounces: delivery:skip" {
		t.Errorf("got %q, want %q", got, "bounces: delivery:skip")
	}
}

package plan_test

import (
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/relays"
)

// What a relay documents becomes parameters where Postfix has them, and a note
// where it has none.
func TestLimitsOfTheCatalogue(t *testing.T) {
	for _, tt := range []struct {
		relay   string
		options map[string]string // of the service in master.cf
		main    map[string]string // in main.cf, after the name of the service
		notes   []string
	}{
		// 50 recipients a connection: 10 messages of 5.
		{"cloudflare", map[string]string{"smtp_connection_reuse_count_limit": "9"}, map[string]string{"_destination_recipient_limit": "5"},
			[]string{"does not offer SMTPUTF8"}},
		{"m365", nil, map[string]string{"_destination_concurrency_limit": "3", "_destination_rate_delay": "2s"},
			[]string{"accepts one message in 2 s", "10000 recipients a day; Postfix cannot count them"}},
		{"icloud", nil, nil, []string{"1000 messages a day and 1000 recipients a day; Postfix cannot count them"}},
		{"ahasend", map[string]string{"smtp_connection_reuse_count_limit": "9999"}, nil, nil},
		{"fastmail", nil, nil, []string{"does not offer SMTPUTF8"}},
		{"emailit", nil, nil, []string{"2 messages a second and 5000 messages a day; Postfix cannot count them"}},
	} {
		t.Run(tt.relay, func(t *testing.T) {
			r, err := relays.Get(tt.relay)
			if err != nil {
				t.Fatal(err)
			}
			port := r.PortOrder()[0]
			mode, _ := r.TLSOf(port)
			p := build(t, debian(t).set("smtputf8_enable", "yes"), answersFor(t, r, mode, port))
			for name, want := range tt.options {
				if got := option(t, p, name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			for name, want := range tt.main {
				if !strings.Contains(text(t, p, mainPath), name+" = "+want+"\n") {
					t.Errorf("no line that ends in %s = %s in\n%s", name, want, text(t, p, mainPath))
				}
			}
			for _, want := range tt.notes {
				if !hasNote(p, want) {
					t.Errorf("no note %q in %q", want, p.Notes)
				}
			}
		})
	}
}

// smtputf8_enable = no loses nothing, so nothing is said.
func TestNoSMTPUTF8(t *testing.T) {
	r, err := relays.Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{"yes": true, "no": false} {
		t.Run("smtputf8_enable = "+value, func(t *testing.T) {
			p := build(t, debian(t).set("smtputf8_enable", value), options(func(o *config.Config) { o.First().Relay = &r }))
			if got := hasNote(p, "SMTPUTF8"); got != want {
				t.Errorf("smtputf8_enable = %s: noted %v, want %v", value, got, want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	limited := func(l relays.Limits, connections int) config.Config {
		return options(func(o *config.Config) {
			o.First().Relay, o.First().Connections = service(func(r *relays.Relay) { r.Limits = l }), connections
		})
	}
	type want struct{ concurrency, initial, recipients, delay, reuse string }
	none := "(not set)"
	for _, test := range []struct {
		name        string
		limits      relays.Limits
		connections int
		want        want
	}{
		{"none", relays.Limits{}, 0, want{none, none, none, none, none}},
		{"below those of Postfix", relays.Limits{Connections: 2, Recipients: 10}, 0, want{"2", none, "10", none, none}},
		{"above those of Postfix", relays.Limits{Connections: 500, Recipients: 1000}, 0, want{none, none, none, none, none}},
		{"connections asked for", relays.Limits{}, 100, want{"100", "20", none, none, none}},
		{"messages for each connection", relays.Limits{MessagesPerConnection: 100}, 0, want{none, none, none, none, "99"}},
		{"one message in two seconds", relays.Limits{RatePerSecond: 0.5}, 0, want{none, none, none, "2s", none}},
		{"14 messages a second", relays.Limits{RatePerSecond: 14}, 0, want{none, none, none, none, none}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, debian(t), limited(test.limits, test.connections))
			got := want{
				param(t, p, "relayhost-ses_destination_concurrency_limit"), param(t, p, "relayhost-ses_initial_destination_concurrency"),
				param(t, p, "relayhost-ses_destination_recipient_limit"), param(t, p, "relayhost-ses_destination_rate_delay"),
				option(t, p, "smtp_connection_reuse_count_limit"),
			}
			if got != test.want {
				t.Errorf("%+v, %d asked for: got %+v, want %+v", test.limits, test.connections, got, test.want)
			}
		})
	}
	// A limit for all mail that is lower than ours holds for the relay, one that is higher does not.
	for value, want := range map[string]string{"2": none, "100": "20", "0": "20"} {
		t.Run("default_destination_concurrency_limit = "+value, func(t *testing.T) {
			p := build(t, debian(t).set("default_destination_concurrency_limit", value), limited(relays.Limits{Connections: 50}, 0))
			if got := param(t, p, "relayhost-ses_destination_concurrency_limit"); got != want {
				t.Errorf("default_destination_concurrency_limit = %s: got the relay's own %s, want %s", value, got, want)
			}
		})
	}
	// So does a longer pause between two messages.
	for value, want := range map[string]string{"0s": "2s", "1s": "2s", "5s": none, "1m": none} {
		t.Run("default_destination_rate_delay = "+value, func(t *testing.T) {
			p := build(t, debian(t).set("default_destination_rate_delay", value), limited(relays.Limits{RatePerSecond: 0.5}, 0))
			if got := param(t, p, "relayhost-ses_destination_rate_delay"); got != want {
				t.Errorf("default_destination_rate_delay = %s: got the relay's own %s, want %s", value, got, want)
			}
		})
	}
	p := build(t, debian(t), limited(relays.Limits{MessageBytes: 1000}, 0))
	if !hasNote(p, "refuses messages above 1000 bytes") || param(t, p, "message_size_limit") != none {
		t.Errorf("a limit of 1000 bytes: message_size_limit = %s, notes %q, want %s and a note with %q",
			param(t, p, "message_size_limit"), p.Notes, none, "refuses messages above 1000 bytes")
	}
}

package setup

import (
	"errors"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/relays"
)

// Of the ports that are reachable the first in the relay's order is taken that
// starts TLS as the other hops of the route do and is none of theirs; the one that
// the hop has had comes first.
func TestSelectPorts(t *testing.T) {
	relay := relays.Relay{ID: "corp", Name: "Corp", Hosts: relays.Hosts{Default: "mail.test"}, Ports: []relays.Port{
		{Port: 587, TLS: relays.StartTLS}, {Port: 465, TLS: relays.Implicit}, {Port: 2525, TLS: relays.StartTLS}, {Port: 2465, TLS: relays.Implicit},
	}}
	open := func(port int, mode relays.TLSMode) detect.Submission {
		return detect.Submission{Relay: "corp", Host: "mail.test", Port: port, TLS: string(mode), Result: string(detect.Open)}
	}
	shut := detect.Submission{Relay: "corp", Host: "mail.test", Port: 587, TLS: "starttls", Result: "timeout", Step: "connect"}
	all := []detect.Submission{shut, open(465, relays.Implicit), open(2525, relays.StartTLS), open(2465, relays.Implicit)}
	fresh := config.Hop{Relay: relay, Host: "mail.test"}
	at := func(port int, mode relays.TLSMode) config.Hop {
		h := fresh
		h.Port, h.TLS = port, mode
		return h
	}
	for _, test := range []struct {
		name  string
		hops  []config.Hop
		req   Request
		tried []detect.Submission
		want  []int
		fails string
	}{
		{"the first that is open", []config.Hop{fresh}, Request{}, all, []int{465}, ""},
		{"the one that it has had", []config.Hop{at(2525, relays.StartTLS)}, Request{}, all, []int{2525}, ""},
		{"another than the one that it has had", []config.Hop{at(587, relays.StartTLS)}, Request{}, all, []int{465}, ""},
		{"given", []config.Hop{at(587, relays.StartTLS)}, Request{Given: config.Given{Port: 587}}, all, []int{587}, ""},
		{"TLS as the fallback has it", []config.Hop{fresh, at(2525, relays.StartTLS)}, Request{}, append(all, open(587, relays.StartTLS)), []int{587, 2525}, ""},
		{"a port for each hop", []config.Hop{fresh, fresh}, Request{}, all, []int{465, 2465}, ""},
		{"none with that TLS", []config.Hop{fresh, at(2525, relays.StartTLS)}, Request{}, all, nil, "with starttls is reachable"},
		{"none at all", []config.Hop{fresh}, Request{}, []detect.Submission{shut}, nil, "port 587: timeout at connect"},
		{"no probe, and none known", []config.Hop{fresh}, Request{NoProbe: true}, nil, nil, "--no-probe cannot choose a port"},
		{"no probe, and one known", []config.Hop{at(587, relays.StartTLS)}, Request{NoProbe: true}, nil, []int{587}, ""},
		{"no probe, and none known of a fallback", []config.Hop{at(587, relays.StartTLS), fresh}, Request{NoProbe: true}, nil, nil, "default route, fallback 1 names no port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := with(config.Route{Name: config.DefaultRoute, Hops: test.hops})
			s.Facts = &detect.Facts{Submission: test.tried}
			c, err := SelectPorts(t.Context(), s.Deps, s.Discovery, s.Config, test.req)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range test.want {
				if got := c.Routes[0].Hops[i].Port; got != want {
					t.Errorf("hop %d: got port %d, want %d", i, got, want)
				}
			}
			if len(test.hops) > 0 && s.Config.Routes[0].Hops[0].Port != test.hops[0].Port {
				t.Error("the Config that was handed in has changed")
			}
		})
	}
}

// A port that nobody can choose is a proof that failed, with its cause.
func TestUnreachable(t *testing.T) {
	h := config.Hop{Relay: relays.Relay{ID: "corp"}, Host: "mail.test"}
	err := unreachable(h, []detect.Submission{{Port: 587, Result: string(detect.DNSFailed), Detail: "no such host"}})
	var proof ProofError
	var found Explained
	if !errors.As(err, &proof) || !errors.As(err, &found) || found.Finding.Check != "dns" {
		t.Errorf("got %v, want a failed proof with a finding on dns", err)
	}
}

package cmd

import (
	"testing"

	"relayhost/internal/plan"
	"relayhost/relays"
)

// What was said before is kept for the same relay until something else is said.
func TestConnectionAnswersAreKept(t *testing.T) {
	before := plan.Answers{Relay: "corp", Host: "a.test", From: "a@b.test", To: "c@d.test", MapType: "lmdb", Connections: 50, CAFile: "/ca.pem"}
	type want struct {
		connections int
		caFile, pin string
		noVerify    bool
	}
	for _, test := range []struct {
		name, host string
		flags      setupFlags
		given      string
		want       want
	}{
		{"nothing said", "a.test", setupFlags{}, "", want{50, "/ca.pem", "", false}},
		{"another relay", "b.test", setupFlags{}, "", want{0, "", "", false}},
		{"other connections", "a.test", setupFlags{connections: 7}, "connections", want{7, "/ca.pem", "", false}},
		{"the service's connections again", "a.test", setupFlags{}, "connections", want{0, "/ca.pem", "", false}},
		{"a fingerprint in place of the CA", "a.test", setupFlags{fingerprint: "00"}, "fingerprint", want{50, "", "00", false}},
		{"no verification in place of the CA", "a.test", setupFlags{insecure: true}, "", want{50, "", "", true}},
	} {
		s := &setup{flags: test.flags, before: before, given: func(name string) bool { return name == test.given }}
		s.answers.Relay, s.answers.Host = relays.Relay{ID: "corp"}, test.host
		if err := s.readAddresses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := (want{s.answers.Connections, s.answers.CAFile, s.answers.Pin, s.answers.NoVerify}); got != test.want || s.answers.MapType != "lmdb" {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
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
		s.keepConnection()
		if err := s.readAddresses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := (want{s.answers.Connections, s.answers.CAFile, s.answers.Pin, s.answers.NoVerify}); got != test.want || s.answers.MapType != "lmdb" {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// A fingerprint, or none at all, is in place before the ports are probed: their
// certificates need not verify by the CA file then.
func TestCertificateNeedNotVerify(t *testing.T) {
	untrusted := detect.Submission{Result: string(smtpprobe.FaultUntrusted)}
	for _, test := range []struct {
		name   string
		before plan.Answers
		flags  setupFlags
		want   bool
	}{
		{"by the CA file", plan.Answers{}, setupFlags{}, false},
		{"pinned now", plan.Answers{}, setupFlags{fingerprint: "00"}, true},
		{"pinned before", plan.Answers{Fingerprint: "00"}, setupFlags{}, true},
		{"pinned before, by a CA file now", plan.Answers{Fingerprint: "00"}, setupFlags{caFile: "/ca.pem"}, false},
		{"not verified", plan.Answers{}, setupFlags{insecure: true}, true},
	} {
		s := &setup{app: &app{io: &ui.Streams{}}, flags: test.flags, before: test.before, given: func(string) bool { return false }}
		s.before.Relay, s.before.Host = "corp", "mail.test"
		s.answers.Relay = relays.Relay{ID: "corp", Hosts: relays.Hosts{Default: "mail.test"}}
		if err := s.readRegion(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := getsThrough(s.answers.Hop(), untrusted); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if getsThrough(s.answers.Hop(), detect.Submission{Result: string(smtpprobe.FaultTimeout)}) {
			t.Errorf("%s: silence gets through", test.name)
		}
	}
}

// A smarthost wants a log-in wherever credentials are given, however they are.
func TestSmarthostLogsIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "relayhost"), []byte("username=u\npassword=p\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, systemd string
		flags         setupFlags
		want          bool
	}{
		{"none", "", setupFlags{}, false},
		{"a file", "", setupFlags{credentialsFile: "-"}, true},
		{"a user name alone", "", setupFlags{username: "u"}, true},
		{"systemd's", dir, setupFlags{}, true},
		{"systemd's of something else", t.TempDir(), setupFlags{}, false},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", test.systemd)
		test.flags.port = "587"
		r, err := (&setup{flags: test.flags}).smarthost("mail.test")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(r.Auth.Mechanisms) > 0; got != test.want {
			t.Errorf("%s: log-in %v, want %v", test.name, got, test.want)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	_, err := (&setup{}).givenCredentials(t.Context())
	if h := hints(err); err == nil || len(h) != 1 || !strings.Contains(h[0], dir) {
		t.Errorf("credentials of systemd that others can read: %v, hint %q", err, h)
	}
}

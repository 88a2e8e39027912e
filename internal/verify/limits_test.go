package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/maillog"
	"relayhost/relays"
)

// logging is env with a log of these lines, each "AGO TEXT".
func (s service) logging(t *testing.T, lines ...string) Env {
	t.Helper()
	e := s.env(t)
	var text strings.Builder
	for _, line := range lines {
		ago, rest, _ := strings.Cut(line, " ")
		d, err := time.ParseDuration(ago)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s host %s\n", time.Now().Add(-d).Format(time.RFC3339), rest)
	}
	path := filepath.Join(e.Reader.Root, "var/log/mail.log")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	e.Log = &maillog.Log{File: "/var/log/mail.log"}
	return e
}

// delivered is a line of smtp(8) for the n-th message.
func delivered(ago, service string, n int, host string) string {
	return fmt.Sprintf("%s postfix/%s/smtp[7]: 4F0C2A%04d: to=<b%d@example.com>, relay=%s[192.0.2.1]:587, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok)", ago, service, n, n, host)
}

func TestLimits(t *testing.T) {
	s := relay(t)
	lines := []string{delivered("30h", "relayhost-x", 1, "relay.test")} // too old
	for i := range 8 {
		lines = append(lines, delivered("5h", "relayhost-x", 10+i, "relay.test"))
	}
	lines = append(lines,
		delivered("5h", "relayhost-x", 10, "relay.test"), // another recipient of the same message
		delivered("4h", "relayhost-x", 30, "other.test"), // somebody else's
		delivered("4h", "own", 31, "relay.test"),
		"3h postfix/relayhost-x/smtp[7]: 4F0C2A0099: to=<x@example.com>, relay=relay.test[192.0.2.1]:587, delay=1, delays=0/0/0/0, dsn=4.7.0, status=deferred (host relay.test[192.0.2.1] said: 450 later)")
	for _, tt := range []struct {
		name   string
		limits relays.Limits
		want   string // result, cause and words
	}{
		{"far", relays.Limits{PerDay: 100}, "pass  X accepted 8 messages in the last 24 hours; its limit is 100"},
		{"near", relays.Limits{PerDay: 10}, "warn limit_near X accepted 8 messages in the last 24 hours; its limit is 10"},
		{"recipients", relays.Limits{PerDay: 100, RecipientsPerDay: 10}, "warn limit_near X accepted 9 recipients in the last 24 hours; its limit is 10"},
		{"an hour", relays.Limits{PerHour: 9}, "warn limit_near X accepted 8 messages in the busiest hour of the last day; its limit is 9"},
		{"a minute", relays.Limits{PerMinute: 30, PerDay: 50}, "pass  X accepted 8 messages in the busiest minute of the last day; its limit is 30"},
		{"a second", relays.Limits{RatePerSecond: 2, PerDay: 100}, "warn limit_near X accepted 8 messages in the busiest second of the last day; its limit is 2"},
		{"as much as a second allows", relays.Limits{RatePerSecond: 8, PerDay: 100}, "pass  X accepted 8 messages in the last 24 hours; its limit is 100"},
		{"none", relays.Limits{Connections: 2}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := s.logging(t, lines...)
			e.First().Relay.Limits = tt.limits
			got := ""
			for _, f := range find(Run(t.Context(), e, Options{Offline: true}), "limits") {
				got += fmt.Sprintf("%s %s %s", f.Result, f.Cause, f.Detail)
			}
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	e := s.env(t)
	e.First().Relay.Limits = relays.Limits{PerDay: 10}
	e.LogError = maillog.ErrNoLog
	if got := find(Run(t.Context(), e, Options{Offline: true}), "limits"); len(got) != 1 || got[0].Result != Skip || !strings.Contains(got[0].Detail, "no mail log") {
		t.Errorf("without a log: got %+v, want one finding of result %q with %q in its detail", got, Skip, "no mail log")
	}
}

// What a bridge handed over counts at the hop that took it, which the reply names
// where it is not the first one.
func TestLimitsOfABridge(t *testing.T) {
	s := relay(t)
	by := func(n int, reply string) string {
		return fmt.Sprintf("2h postfix/relayhost-x/lmtp[7]: 4F0C2A%04d: to=<b@example.com>, relay=host.example.com[private/relayhost-x-out], delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (%s)", n, reply)
	}
	first, fallback := "250 2.0.0 X: id-1", "250 2.0.0 "+conf.FallbackText("other.test", []string{"relay.test: 503"})+" ok"
	e := s.logging(t, delivered("30h", "relayhost-x", 9, "relay.test"), by(1, first), by(2, first), by(3, fallback),
		strings.Replace(by(4, first), "relayhost-x/lmtp", "own/lmtp", 1), delivered("2h", "relayhost-x", 5, "relay.test"))
	hop := e.First()
	hop.Relay.Limits, hop.Socket = relays.Limits{PerDay: 100}, "private/relayhost-x-out"
	second := *hop
	second.Host, second.Relay = "other.test", &relays.Relay{ID: "y", Name: "Y", Limits: relays.Limits{PerDay: 50}}
	e.Routes[0].Hops = append(e.Routes[0].Hops, second)
	got := ""
	for _, f := range find(Run(t.Context(), e, Options{Offline: true}), "limits") {
		got += f.Detail + "\n"
	}
	if want := "X accepted 2 messages in the last 24 hours; its limit is 100\nY accepted 1 message in the last 24 hours; its limit is 50\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWithoutSMTPUTF8(t *testing.T) {
	s := relay(t)
	lost := func(n int, to string) string {
		return fmt.Sprintf("2h postfix/relayhost-x/smtp[7]: 4F0C2A%04d: to=<%s>, relay=relay.test[192.0.2.1]:587, delay=0.1, delays=0/0/0/0, dsn=5.6.7, status=bounced (SMTPUTF8 is required, but was not offered by host relay.test[192.0.2.1])", n, to)
	}
	for _, tt := range []struct {
		name, enable string
		lines        []string
		want         string
	}{
		{"none", "yes", []string{delivered("1h", "relayhost-x", 1, "relay.test")}, "pass  X does not offer SMTPUTF8, and no mail in the log of the last day needed it"},
		{"returned", "yes", []string{lost(1, "jürgen@example.com"), lost(2, "jürgen@example.com"), lost(3, "ops@example.com")},
			"warn smtputf8 X does not offer SMTPUTF8, which mail with UTF-8 in an address or with bare UTF-8 in a header field needs: in the last day mail to jürgen@example.com, ops@example.com was returned"},
		{"switched off", "no", []string{lost(1, "jürgen@example.com")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := s.logging(t, tt.lines...)
			e.First().Relay.EHLO.Lacks = []string{"SMTPUTF8"}
			e.State.Params["smtputf8_enable"] = tt.enable
			got := ""
			for _, f := range find(Run(t.Context(), e, Options{Offline: true}), "smtputf8") {
				got += fmt.Sprintf("%s %s %s", f.Result, f.Cause, f.Detail)
			}
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestBusiest(t *testing.T) {
	var times []time.Time
	for _, seconds := range []int{0, 10, 59, 60, 61, 200} {
		times = append(times, time.Unix(int64(seconds), 0))
	}
	if got := busiest(times, time.Minute); got != 4 {
		t.Errorf("%d within a minute, want 4", got)
	}
	if got := busiest(nil, time.Minute); got != 0 {
		t.Errorf("got %d of none, want 0", got)
	}
}

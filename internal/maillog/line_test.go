package maillog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

func TestParse(t *testing.T) {
	year := time.Now().Year()
	local := time.Date(year, 1, 2, 1, 1, 52, 0, time.Local)
	if local.After(time.Now().AddDate(0, 0, 1)) {
		local = local.AddDate(-1, 0, 0)
	}
	for _, tc := range []struct {
		name, line string
		want       Line
	}{
		{
			"postlogd and RFC 3164", "Jan  2 01:01:52 host postfix/SECOND/smtp[114]: 0298F48: to=<a@x.test>, relay=none",
			Line{local, "postfix/SECOND/smtp", "smtp", "0298F48", "to=<a@x.test>, relay=none"},
		},
		{
			"RFC 3164 on the wire", "<22>Jan  2 01:01:52 host postfix/qmgr[1]: 4jX6xj2sK5z1WXyX: removed",
			Line{local, "postfix/qmgr", "qmgr", "4jX6xj2sK5z1WXyX", "removed"},
		},
		{
			"rsyslog with RFC 3339 time", "2026-11-22T01:01:52.123456+01:00 host postfix/master[103]: reload -- version 3.7.11, configuration /etc/postfix",
			Line{time.Date(2026, 11, 22, 0, 1, 52, 123456000, time.UTC), "postfix/master", "master", "", "reload -- version 3.7.11, configuration /etc/postfix"},
		},
		{
			"RFC 5424", `<22>1 2026-11-22T01:01:52Z host postfix-out/cleanup 7 - [a@1 b="x\] "][c@1 d="e"] E6FB73F: message-id=<x@y>`,
			Line{time.Date(2026, 11, 22, 1, 1, 52, 0, time.UTC), "postfix-out/cleanup", "cleanup", "E6FB73F", "message-id=<x@y>"},
		},
		{
			"RFC 5424 without data", `1 2026-11-22T01:01:52Z host mta/smtp 7 - - warning: x`,
			Line{time.Date(2026, 11, 22, 1, 1, 52, 0, time.UTC), "mta/smtp", "smtp", "", "warning: x"},
		},
		{
			"journal", `{"MESSAGE":"E6FB73F: removed","SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"9","__REALTIME_TIMESTAMP":"1795309312000001"}`,
			Line{time.UnixMicro(1795309312000001), "postfix/qmgr", "qmgr", "E6FB73F", "removed"},
		},
		{
			"journal, bytes that are no UTF-8", `{"MESSAGE":[119,255],"SYSLOG_IDENTIFIER":"postfix/qmgr","SYSLOG_PID":"8","_PID":"9"}`,
			Line{time.Time{}, "postfix/qmgr", "qmgr", "", "w\xff"},
		},
		{
			"busybox", "Jan  2 01:01:52 host mail.info postfix/smtp[1]: 0298F48: removed",
			Line{local, "postfix/smtp", "smtp", "0298F48", "removed"},
		},
		{
			"busybox, small", "Jan  2 01:01:52 postfix/smtp[1]: 0298F48: removed",
			Line{local, "postfix/smtp", "smtp", "0298F48", "removed"},
		},
		{
			"journalctl -o short-iso-precise", "2026-11-22T01:01:52.123456+0100 host postfix/smtp[1]: fatal: x",
			Line{time.Date(2026, 11, 22, 0, 1, 52, 123456000, time.UTC), "postfix/smtp", "smtp", "", "fatal: x"},
		},
		{"no time at all", "postfix/smtp[1]: fatal: x\r\n", Line{time.Time{}, "postfix/smtp", "smtp", "", "fatal: x"}},
		{"before the daemon knows its name", "Jan  2 01:01:52 host postfix[1]: fatal: x", Line{local, "postfix", "postfix", "", "fatal: x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := Parse(tc.line)
			if !ok || !got.Time.Equal(tc.want.Time) {
				t.Errorf("time %v, %v, want %v", got.Time, ok, tc.want.Time)
			}
			got.Time = tc.want.Time
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
			}
		})
	}
	for _, line := range []string{
		"", "{", "Jan  2 01:01:52 host dovecot[1]: x", "Jan  2 01:01:52 host sshd/smtpx[1]: x", "Jan  2 01:01:52 host kernel: postfix/smtp[1]: x",
		"Jan  2 01:01:52 host mail.info kernel: postfix/smtp[1]: x", "Jan  2 01:01:52 sshd[1]: postfix/smtp[1]: x",
		`{"MESSAGE":null,"SYSLOG_IDENTIFIER":"postfix/qmgr"}`, `{"MESSAGE":"x","SYSLOG_IDENTIFIER":"sshd"}`, "1 2 3",
	} {
		t.Run(fmt.Sprintf("%.60q", line), func(t *testing.T) {
			if got, ok := Parse(line); ok {
				t.Errorf("Parse(%q): got %+v, want it not taken for Postfix's", line, got)
			}
		})
	}
}

func TestGuessYear(t *testing.T) {
	now := time.Date(2027, 1, 1, 0, 5, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		t, want time.Time
	}{
		{"six minutes ago", time.Date(0, 12, 31, 23, 59, 0, 0, time.UTC), time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)},
		{"in a minute", time.Date(0, 1, 1, 0, 6, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 6, 0, 0, time.UTC)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := guessYear(tc.t, now); !got.Equal(tc.want) {
				t.Errorf("guessYear(%v) = %v, want %v", tc.t, got, tc.want)
			}
		})
	}
}

func TestIsQueueID(t *testing.T) {
	for id, want := range map[string]bool{
		"0298F48": true, "E6FB73F": true, "4jX6xj2sK5z1WXyX": true, "3yvP5N1DGqz2x": true,
		"warning": false, "fatal": false, "NOQUEUE": false, "statistics": false, "0298f48": false, "12345": false, "": false, "connection": false,
	} {
		t.Run(fmt.Sprintf("%q", id), func(t *testing.T) {
			if got := IsQueueID(id); got != want {
				t.Errorf("IsQueueID(%q) = %v, want %v", id, got, want)
			}
		})
	}
}

func TestParseDelivery(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       Delivery
	}{
		{
			"3.7", "to=<b@dest.test>, relay=relay.test[192.0.2.1]:587, delay=0.36, delays=0.01/0.02/0.3/0.03, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4jX6xj3GWtz1WXyf)",
			Delivery{
				To: "b@dest.test", Relay: "relay.test[192.0.2.1]:587", Host: "relay.test", Addr: "192.0.2.1", Port: 587,
				DSN: "2.0.0", Status: "sent", Reply: "250 2.0.0 Ok: queued as 4jX6xj3GWtz1WXyf",
			},
		},
		{
			"3.11, reused, aliased, IPv6", "to=<b@dest.test>, orig_to=<root>, relay=relay.test[2001:db8::1]:465, conn_use=2, delay=1, delays=0/0/0/1, tls=may:none, dsn=4.7.8, status=deferred (SASL authentication failed; server relay.test[2001:db8::1] said: 535 5.7.8 no (really))",
			Delivery{
				To: "b@dest.test", OrigTo: "root", Relay: "relay.test[2001:db8::1]:465", Host: "relay.test", Addr: "2001:db8::1", Port: 465,
				DSN: "4.7.8", Status: "deferred",
				Reply: "SASL authentication failed; server relay.test[2001:db8::1] said: 535 5.7.8 no (really)",
			},
		},
		{
			"no relay", "to=<a@x.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.4.3, status=deferred (Host not found, try again)",
			Delivery{To: "a@x.test", Relay: "none", DSN: "4.4.3", Status: "deferred", Reply: "Host not found, try again"},
		},
		{
			"a quoted address that looks like a field", `to=<"x>, relay=good[1.2.3.4]:587, status=sent (250 ok) \""@evil.test>, relay=local, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)`,
			Delivery{To: `"x>, relay=good[1.2.3.4]:587, status=sent (250 ok) \""@evil.test`, Relay: "local", DSN: "2.0.0", Status: "sent", Reply: "delivered to mailbox"},
		},
		{
			"a socket", "to=<a@x.test>, relay=x[/var/run/lmtp], delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)",
			Delivery{To: "a@x.test", Relay: "x[/var/run/lmtp]", DSN: "2.0.0", Status: "sent", Reply: "250 ok"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := ParseDelivery(tc.text)
			if !ok {
				t.Fatalf("ParseDelivery(%q): got false, want a delivery", tc.text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
			}
		})
	}
	for _, text := range []string{"", "removed", "from=<a>, size=1, nrcpt=1 (queue active)", "to=<a", `to=<"a>, relay=none`, "to=<a>", "to=<a>, relay=none, delay=1", "to=<a>, status="} {
		t.Run(fmt.Sprintf("%.50q", text), func(t *testing.T) {
			if got, ok := ParseDelivery(text); ok {
				t.Errorf("ParseDelivery(%q): got %+v, want no delivery", text, got)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	parse := func(line string) Line {
		l, ok := Parse("Jan  2 01:01:52 host " + line)
		if !ok {
			t.Fatalf("Parse(%q): got false, want a line of Postfix", line)
		}
		return l
	}
	if id, ok := MessageID(parse("postfix/cleanup[1]: E6FB73F: message-id=<20261122@host>").Text); !ok || id != "20261122@host" {
		t.Errorf("MessageID: got %q, %v, want %q", id, ok, "20261122@host")
	}
	if program, ok := parse("postfix/master[1]: warning: /usr/lib/postfix/sbin/smtp: bad command startup -- throttling").Throttled(); !ok || program != "smtp" {
		t.Errorf("Throttled: got %q, %v, want %q", program, ok, "smtp")
	}
	if _, ok := parse("postfix/smtp[1]: warning: x: bad command startup -- throttling").Throttled(); ok {
		t.Error("Throttled of a line of smtp: got true, want false: only master tells of it")
	}
	if severity, text := parse("postfix/smtp[1]: fatal: bad numerical configuration").Severity(); severity != "fatal" || text != "bad numerical configuration" {
		t.Errorf("Severity: got %q %q, want %q and %q", severity, text, "fatal", "bad numerical configuration")
	}
	if what, v, ok := parse("postfix/master[1]: reload -- version 3.12-20260821, configuration /etc/postfix").Started(); !ok || what != "reload" || v != (postfix.Version{Major: 3, Minor: 12}) {
		t.Errorf("Started: got %q %v %v, want %q and %v", what, v, ok, "reload", (postfix.Version{Major: 3, Minor: 12}))
	}
}

// collect reads n lines, or fails after ten seconds.
func collect(t *testing.T, lines <-chan Line, n int) []string {
	t.Helper()
	var texts []string
	end := time.After(10 * time.Second)
	for len(texts) < n {
		select {
		case l, ok := <-lines:
			if !ok {
				t.Fatalf("lines: got the end after %q, want %d", texts, n)
			}
			texts = append(texts, l.Text)
		case <-end:
			t.Fatalf("lines: got %q in ten seconds, want %d", texts, n)
		}
	}
	return texts
}

func TestFollow(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "mail.log")
	write := func(path, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	const prefix = "Jan  2 01:01:52 host postfix/smtp[1]: "
	write(path, prefix+"old\n")
	lines, err := Log{File: "/mail.log"}.Follow(t.Context(), &host.Reader{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	step := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, collect(t, lines, len(want))); diff != "" {
			t.Errorf("%s: got %s, want none", what, diff)
		}
	}
	write(path, prefix+"one\nJan  2 01:01:52 host sshd[1]: x\n"+prefix+"tw")
	step("appended", "one")
	write(path, "o\n")
	step("completed", "two")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(path+".1", prefix+"to the rotated file\n")
	step("rotated", "to the rotated file")
	write(path, prefix+"three\n")
	step("new file", "three")
	write(path+".1", prefix+"late\n")
	step("late to the rotated file", "late")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // what is shorter must be seen to be so
	write(path, prefix+"four\n")
	step("truncated", "four")
	write(path, prefix+string(make([]byte, 2*maxLogLine))+"\n"+prefix+"five\n")
	if got := collect(t, lines, 2); len(got[0]) > maxLogLine || got[1] != "five" {
		t.Errorf("a long line: %d bytes, then %q, want at most %d and %q", len(got[0]), got[1], maxLogLine, "five")
	}
}

func TestFollowEnds(t *testing.T) {
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines, err := Log{File: "/not/yet.log"}.Follow(ctx, &host.Reader{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "not"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "not/yet.log"), []byte("postfix/smtp[1]: first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, lines, 1); got[0] != "first" {
		t.Errorf("a file that was not there: got %q, want %q", got[0], "first")
	}
	cancel()
	select {
	case _, ok := <-lines:
		if ok {
			t.Error("after the end: got a line, want none")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("after the end: got an open channel for 5 seconds, want it closed")
	}
}

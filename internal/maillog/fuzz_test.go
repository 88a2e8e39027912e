package maillog

import (
	"strings"
	"testing"
)

func FuzzLog(f *testing.F) {
	f.Add("Jan  2 01:01:52 host postfix/smtp[114]: 0298F48: to=<a@x.test>, relay=a[::1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)")
	f.Add(`<22>1 2026-11-22T01:01:52Z host postfix/cleanup 7 - [a@1 b="x\]"] E6FB73F: message-id=<x@y>`)
	f.Add(`{"MESSAGE":[1,2,300],"SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"9","__REALTIME_TIMESTAMP":"1"}`)
	f.Fuzz(func(t *testing.T, line string) {
		l, ok := Parse(line)
		if !ok {
			return
		}
		if l.Daemon == "" && !strings.HasPrefix(l.Tag, "postfix") {
			t.Errorf("Parse(%q): got %+v, want a daemon, or a tag that begins with %q", line, l, "postfix")
		}
		if !strings.HasPrefix(line, "{") && !strings.Contains(line, l.Text) {
			t.Errorf("Parse(%q): got text %q, want a part of the line", line, l.Text)
		}
		if d, ok := ParseDelivery(l.Text); ok && (d.Status == "" || !strings.Contains(l.Text, d.To)) {
			t.Errorf("got %q gives %+v, want %v in it", l.Text, d, d.To)
		}
		if id, ok := MessageID(l.Text); ok && !strings.Contains(l.Text, id) {
			t.Errorf("MessageID(%q): got %q, want a part of the text", l.Text, id)
		}
		l.Throttled()
		l.Started()
	})
}

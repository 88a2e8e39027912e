package maillog

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecognise(t *testing.T) {
	const text = "0298F48AB1: to=<a@x.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to x[192.0.2.1]:25: Connection timed out)"
	const tagged = "postfix/smtp[114]: " + text
	for _, line := range []string{
		tagged,
		"Jan  2 01:01:52 host " + tagged + "\r\n",
		"Jan 02 01:01:52.123456 host " + tagged,
		"Jan  2 2026 01:01:52 host " + tagged,
		"Jan  2 01:01:52 <mail.info> host " + tagged,
		"Jan  2 01:01:52 host mail.info " + tagged,
		"Fri Jan  2 01:01:52 2026 mail.info " + tagged,
		"Fri 2026-01-02 01:01:52 UTC host " + tagged,
		"2026-01-02T01:01:52+00:00 host " + tagged,
		"2026-01-02 01:01:52 host " + tagged,
		"[  123.456789] host " + tagged,
		"1795309312.000001 host " + tagged,
		"2026-01-02T01:01:52.123456789Z " + tagged,
		"2026-01-02T01:01:52.123456789Z stdout F Jan  2 01:01:52 host " + tagged,
		"postfix_1    | Jan  2 01:01:52 host " + tagged,
		"\x1b[36mpostfix-1  | \x1b[0mJan  2 01:01:52 host " + tagged,
		"2026-01-02T01:01:52.1+01:00 INFO    " + tagged,
		`{"log":"Jan  2 01:01:52 host ` + tagged + `\n","stream":"stdout","time":"2026-01-02T01:01:52.1Z"}`,
		`{"MESSAGE":"` + text + `","SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"114"}`,
		`{"message":"` + text + `","program":"postfix/smtp","pid":114,"@timestamp":"2026-01-02T01:01:52Z"}`,
		`{"syslog":{"appname":"postfix/smtp","procid":"114"},"message":"` + text + `"}`,
		"mail.log:123:Jan  2 01:01:52 host " + tagged,
		"/var/log/mail.log-Jan  2 01:01:52 host " + tagged,
		"    > Jan  2 01:01:52 host " + tagged,
		"`" + tagged + "`",
		"\"Jan  2 01:01:52 host " + tagged + "\"",
		"<22>1 2026-01-02T01:01:52Z host postfix/smtp 114 - - " + text,
		"211 <22>1 2026-01-02T01:01:52Z host postfix/smtp 114 - - " + text,
		"<22>Jan  2 01:01:52 host " + tagged,
		"[pod/mail-0/postfix] Jan  2 01:01:52 host " + tagged,
		"Jan 25 08:43:17 mail smtp[1426]: Jan 25 08:43:17 mail " + tagged,
		"Jan  2 01:01:52 host postfix/smtp: " + text,
	} {
		t.Run(strings.Replace(line, tagged, "...", 1), func(t *testing.T) {
			if l, origin := Recognise(line); origin != Postfix || l.Text != text[len("0298F48AB1: "):] || l.QueueID != "0298F48AB1" || l.Daemon != "smtp" {
				t.Errorf("%s: origin %d, %+v, want %d", line, origin, l, Postfix)
			}
		})
	}
	for line, want := range map[string]Origin{
		"Jan  2 01:01:52 host sshd[1]: postfix/smtp[9]: fatal: x": Other,
		"Jan  2 01:01:52 host kernel: eth0: up":                   Other,
		"-- Journal begins at Mon 2026-07-06":                     Other,
		"2026-11-12 05:00:26 1tnPC6-0000qT-2X <= root@x U=root":   Mailer,
		"the moon is full": Unknown,
		"":                 Other,
		"/usr/local/sbin/postconf: warning: /data/etc/main.cf: unused parameter: x=y": Postfix,
		"postalias: fatal: unsupported dictionary type: lmdb":                         Postfix,
		"sendmail: could not send mail (account default from /etc/msmtprc)":           Unknown,
	} {
		t.Run(fmt.Sprintf("%.50q", line), func(t *testing.T) {
			if l, got := Recognise(line); got != want {
				t.Errorf("%s: origin %d, want %d, %+v", line, got, want, l)
			}
		})
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add("postfix_1 | Jan  2 01:01:52 host postfix/smtp[114]: 0298F48: to=<a@x.test>")
	f.Add(`{"log":"{\"log\":\"x\"}"}`)
	f.Add("\x1b[36m\x1b")
	f.Fuzz(func(t *testing.T, line string) {
		l, origin := Recognise(line)
		if origin == Postfix && l.Text == "" { // of a line cut out of a log nobody knows the daemon
			t.Errorf("Recognise(%q): got %+v, want a text", line, l)
		}
	})
}

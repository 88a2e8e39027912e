//go:build lab

package cmd_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/explain"
)

const refusedLog = `postfix/relayhost-ses/smtp[9]: 4B01A2C3: to=<a@example.net>, relay=email-smtp.eu-west-1.amazonaws.com[192.0.2.1]:587, delay=1, delays=0/0/0/1, dsn=4.7.8, status=deferred (SASL authentication failed; server email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 535 Authentication Credentials Invalid)`

// TestLabExplainTheHost: explain follows a log that grows, and reads one for no
// longer than it may.
func TestLabExplainTheHost(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.Server
	l.Run("relayhost", "version") // from now on the program is there
	s.Shell(fmt.Sprintf(`log=/var/log/mail.log
echo 'Nov 21 01:02:03 host postfix/smtp[1]: 4B01A2C2: to=<a@example.net>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.1, status=deferred (connect to x[192.0.2.1]:587: Connection timed out)' >>$log
(relayhost explain --follow --json >/root/followed 2>&1; echo $? >/root/code) &
sleep 2
echo 'Nov 22 01:02:03 host postfix/qmgr[1]: 4B01A2C3: from=<x@example.com>, size=1, nrcpt=1 (queue active)' >>$log
echo 'Nov 22 01:02:03 host %s' >>$log
mv $log $log.1; : >$log; sleep 1
echo 'Nov 22 01:02:04 host postfix/smtp[9]: fatal: Invalid TLS level "x"' >>$log
sleep 1
kill -INT $(pidof relayhost)
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s /root/code ] && break; sleep 0.3; done`, strings.ReplaceAll(refusedLog, "'", "")))
	var causes []string
	decoder := json.NewDecoder(strings.NewReader(s.ReadFile("/root/followed")))
	for decoder.More() {
		var raw json.RawMessage
		var doc struct {
			Version int
			Groups  []explain.Group
		}
		err := decoder.Decode(&raw)
		if err == nil {
			err = json.Unmarshal(raw, &doc)
		}
		if err != nil || doc.Version != 1 || len(doc.Groups) != 1 {
			break // what is said of the interruption
		}
		valid(t, "explain", string(raw))
		causes = append(causes, doc.Groups[0].Cause.ID)
	}
	if got := strings.Join(causes, " "); got != "ses_credentials_invalid smtp_fatal_level" {
		t.Errorf("followed: got %s, want %q\n%s", got, "ses_credentials_invalid smtp_fatal_level", s.ReadFile("/root/followed"))
	}

	s.Shell(fmt.Sprintf(`yes 'Nov 22 01:02:03 host %s' | head -c 300000000 >/var/log/mail.log`, refusedLog))
	res := l.Run("sh", "-c", "relayhost explain --timeout 100ms --json </dev/null")
	doc := decode[struct {
		Lines  int
		Groups []explain.Group
	}](t, res)
	if res.Code != 0 || doc.Lines == 0 || doc.Lines > 700000 || len(doc.Groups) == 0 || !strings.Contains(res.Stderr, "was read for 100ms and no further") {
		t.Errorf("got %d lines: %s, want anything but 0 and at most 700000 and %q in it", doc.Lines, res.Stderr, "was read for 100ms and no further")
	}
}

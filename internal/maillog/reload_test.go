package maillog

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestWatchReload(t *testing.T) {
	const reloaded = "postfix/master[1]: reload -- version 3.7.11, configuration /etc/postfix"
	for name, test := range map[string]struct {
		lines []string
		died  string
	}{
		"well":              {[]string{"postfix/postfix-script[2]: refreshing the Postfix mail system", reloaded}, ""},
		"ours dies":         {[]string{reloaded, "postfix/relayhost-ses/smtp[3]: fatal: bad string length 0 < 1: x ="}, "bad string length"},
		"qmgr dies":         {[]string{"postfix/qmgr[3]: fatal: open dictionary", reloaded}, "open dictionary"},
		"qmgr is throttled": {[]string{reloaded, "postfix/master[1]: warning: /usr/lib/postfix/sbin/qmgr: bad command startup -- throttling"}, "qmgr is throttled"},
		"theirs dies":       {[]string{reloaded, "postfix/dovecot/smtp[3]: fatal: x", "postfix/master[1]: warning: /usr/lib/postfix/sbin/smtp: bad command startup -- throttling"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			lines := make(chan Line, len(test.lines))
			for _, text := range test.lines {
				line, ok := Parse("Jan  2 01:01:52 host " + text)
				if !ok {
					t.Fatalf("Parse of %q: got false, want a line of Postfix", text)
				}
				lines <- line
			}
			start := time.Now()
			err := WatchReload(t.Context(), lines, []string{"relayhost-ses"}, 3*time.Second, 10*time.Millisecond, func(string) {})
			if (err == nil) != (test.died == "") || err != nil && (!errors.Is(err, ErrDied) || !strings.Contains(err.Error(), test.died)) {
				t.Errorf("got %v, want %v", err, ErrDied)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %s, want at most %s", took, time.Second)
			}
		})
	}
}

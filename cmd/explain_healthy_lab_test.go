//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/explain"
	"relayhost/internal/lab"
)

// TestLabHealthyLog: a thousand lines and more that each release of Postfix logs while
// all mail goes out give no cause, and every line is understood.
func TestLabHealthyLog(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.On(suite), lab.Relay("ses"))
			credentials(l, "ses", five[0].host)
			if res := l.Run(setupArgs(five[0])...); res.Code != 0 {
				t.Fatalf("want exit code 0, got %s", res)
			}
			l.Server.Shell(`for i in $(seq 175); do printf 'Subject: x\n\nx\n' | sendmail -f app@example.com to$i@example.net; done
for i in $(seq 200); do [ -n "$(postqueue -j)" ] || break; postqueue -f; sleep 0.2; done`)
			log := l.Server.MailLog()
			var c explain.Collector
			if err := c.Read(t.Context(), strings.NewReader(log)); err != nil {
				t.Fatal(err)
			}
			for _, g := range c.Groups() {
				if !g.Past {
					t.Errorf("got %q, %d times, want no fault that goes on: %s", g.Cause.ID, g.Count, g.Example)
				}
			}
			if sent := strings.Count(log, "status=sent"); sent < 175 || c.Lines < 1000 || c.Unread > 0 {
				t.Errorf("%d messages sent, %d lines, of which %d were not understood, want at least 175 and at least 1000 and at most 0", sent, c.Lines, c.Unread)
			}
		})
	}
}

package explain

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/postfix"
)

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D10: explain counts a message twice, and one that was delivered since": TestCountedOnce,
}

// A message is counted once, though a line of the log and the queue both tell of it;
// after it was delivered nothing of it is reported as delayed.
func TestCountedOnce(t *testing.T) {
	const (
		deferred = "2026-11-28T12:00:00+00:00 host postfix/relayhost-ses/smtp[9]: 4F0C2A0001: to=<b@example.net>, relay=none, delay=31, delays=0/0/31/0, dsn=4.4.1, status=deferred (connect to relay.test[192.0.2.1]:587: Connection timed out)\n"
		again    = "2026-11-28T12:10:00+00:00 host postfix/relayhost-ses/smtp[9]: 4F0C2A0001: to=<b@example.net>, relay=none, delay=631, delays=0/0/31/0, dsn=4.4.1, status=deferred (connect to relay.test[192.0.2.1]:587: Connection timed out)\n"
		sent     = "2026-11-28T12:20:00+00:00 host postfix/relayhost-ses/smtp[9]: 4F0C2A0001: to=<b@example.net>, relay=relay.test[192.0.2.1]:587, delay=1200, delays=1199/0/1/0, dsn=2.0.0, status=sent (250 ok)\n"
		removed  = "2026-11-28T12:20:00+00:00 host postfix/qmgr[2]: 4F0C2A0001: removed\n"
	)
	waiting := postfix.QueuedMessage{Queue: "deferred", ID: "4F0C2A0001", Arrival: time.Date(2026, 11, 28, 11, 59, 0, 0, time.UTC), Sender: "a@example.com",
		Recipients: []postfix.QueuedRecipient{{Address: "b@example.net", Reason: "connect to relay.test[192.0.2.1]:587: Connection timed out"}}}
	for _, tt := range []struct {
		name, log string
		queue     []postfix.QueuedMessage
		delayed   int
	}{
		{"log and queue", deferred, []postfix.QueuedMessage{waiting}, 1},
		{"tried twice", deferred + again, []postfix.QueuedMessage{waiting}, 1},
		{"queue alone", "", []postfix.QueuedMessage{waiting}, 1},
		{"delivered since", deferred + again + sent + removed, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Collector
			if err := c.Read(t.Context(), strings.NewReader(tt.log)); err != nil {
				t.Fatal(err)
			}
			for _, m := range tt.queue {
				c.AddQueued(m)
			}
			got := 0
			for _, g := range c.Groups() {
				got += g.Delayed
			}
			if got != tt.delayed {
				t.Errorf("got %d delayed messages in %+v, want %d", got, c.Groups(), tt.delayed)
			}
		})
	}
}

package setup

import (
	"fmt"
	"testing"
	"time"

	"relayhost/internal/postfix"
)

// What waits is shown with its number, age, senders and domains, and nothing that
// a terminal would act on.
func TestQueueSummary(t *testing.T) {
	message := func(age time.Duration, from string, to ...string) postfix.QueuedMessage {
		m := postfix.QueuedMessage{Sender: from, Arrival: time.Now().Add(-age)}
		for _, addr := range to {
			m.Recipients = append(m.Recipients, postfix.QueuedRecipient{Address: addr})
		}
		return m
	}
	many := []postfix.QueuedMessage{}
	for n := range 9 {
		many = append(many, message(time.Minute, fmt.Sprintf("s%d@a.test", n), fmt.Sprintf("x@d%d.test", n)))
	}
	for _, test := range []struct {
		name    string
		waiting []postfix.QueuedMessage
		want    string
	}{
		{"one", []postfix.QueuedMessage{message(2*time.Hour, "root@h.test", "a@gmail.com", "b@gmail.com", "c@corp.test")},
			"1 message in the queue (the oldest for 2h0m0s), from root@h.test, for gmail.com, corp.test"},
		{"three of two senders", []postfix.QueuedMessage{message(time.Minute, "b@h.test", "x@b.test"), message(3*time.Minute, "a@h.test", "x@a.test"), message(time.Minute, "a@h.test", "y@a.test")},
			"3 messages in the queue (the oldest for 3m0s), from a@h.test, b@h.test, for a.test, b.test"},
		{"many", many, "9 messages in the queue (the oldest for 1m0s), from s0@a.test, s1@a.test, s2@a.test, ..., for d0.test, d1.test, d2.test, d3.test, d4.test, ..."},
		{"control characters", []postfix.QueuedMessage{message(time.Minute, "\x1b[2Ja@b.test", "x@\x07.test")},
			`1 message in the queue (the oldest for 1m0s), from \x1b[2Ja@b.test, for \x07.test`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Queue{Messages: test.waiting}).Summary(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

package postfix

import (
	"fmt"
	"strings"
	"testing"
)

// TestCutOff: a message with very many recipients is not lost from sight.
func TestCutOff(t *testing.T) {
	const head = `{"queue_name": "deferred", "queue_id": "0298F48", "arrival_time": 1795309314, "message_size": 2068, "forced_expire": false, "sender": "a@x.test", "recipients": [`
	const recipient = `{"address": "b@x.test", "delay_reason": "said: 451 {x} }"}`
	whole := head + strings.Repeat(recipient+", ", 3) + recipient + "]}"
	for end := len(head + recipient); end <= len(whole); end++ {
		line := []byte(whole)
		m, err := parseQueued(line[:end])
		if err != nil || m.ID != "0298F48" || m.Queue != "deferred" || len(m.Recipients) == 0 || m.Recipients[0].Address != "b@x.test" {
			t.Fatalf("cut at %d (%s): got %+v and the error %v, want 0298F48 of the queue deferred, to b@x.test first, and no error", end, whole[:end], m, err)
		}
		if string(line) != whole {
			t.Fatalf("cut at %d: got the line written to, want it as it was", end)
		}
	}
	for _, line := range []string{"", "}", "{}}", head, "warning: x", strings.Repeat("}", 100)} {
		t.Run(fmt.Sprintf("%.20q", line), func(t *testing.T) {
			if m, err := parseQueued([]byte(line)); err == nil && m.ID != "" {
				t.Errorf("parseQueued(%q): got %+v, want an error or no queue ID", line, m)
			}
		})
	}
}

func FuzzQueue(f *testing.F) {
	f.Add([]byte(`{"queue_name": "deferred", "queue_id": "0298F48", "arrival_time": 1795309314, "message_size": 2068, "forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": "a@x.test", "delay_reason": "Host not found"}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if m, err := parseQueued(line); err == nil && m.Reason() != "" && len(m.Recipients) == 0 {
			t.Errorf("parseQueued(%q): got a reason and no recipient in %+v, want a recipient with it", line, m)
		}
	})
}

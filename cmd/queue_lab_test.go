//go:build lab

package cmd_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabQueueHold: what waits stays where it is, on hold while the setup
// stands and as it was when it is taken back.
func TestLabQueueHold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		refuse bool
		queue  string
		code   int
	}{
		"set_up":      {false, `"queue_name": "hold"`, 0},
		"rolled_back": {true, `"queue_name": "deferred"`, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := 0
			l := newLab(t, lab.Relay("postmark", func(c *smtpd.Config) {
				c.Message = func(smtpd.Envelope) *smtpd.Reply {
					if taken++; test.refuse && taken > 1 {
						return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
					}
					return nil
				}
			}))
			credentials(l, "postmark", "")
			for _, to := range []string{"customer@gmail.com", "another@gmail.com"} {
				l.Server.SendMail("root", to, "an invoice")
				l.Server.WaitLog(`to=<` + to + `>.*status=deferred`)
			}
			if res := l.Run(setupArgs(five[4], "--queue", "hold")...); res.Code != test.code {
				t.Fatalf("exit code %d, want %d\n%s\n%s", res.Code, test.code, res, l.Server.MailLog())
			}
			if q := l.Server.Queue(); strings.Count(q, test.queue) != 2 || strings.Count(q, "queue_id") != 2 {
				t.Errorf("want twice %s:\n%s", test.queue, q)
			}
		})
	}
}

// TestLabQueueHoldUndone: what a setup has put on hold is released, and nothing
// else, when its run is killed (by the watch), when the watch dies with it (by
// the next command), and when the setup is rolled back.
func TestLabQueueHoldUndone(t *testing.T) {
	l, stop, args := transactionLab(t)
	s := l.Server
	for _, to := range []string{"customer@gmail.com", "another@gmail.com", "held@gmail.com"} {
		s.SendMail("root", to, "an invoice")
		s.WaitLog(`to=<` + to + `>.*status=deferred`)
	}
	s.Shell(`postsuper -h "$(postqueue -j | sed -n 's/.*"queue_id": "\([^"]*\)".*held@gmail.*/\1/p')"`)
	onHold := func(when string, want int) {
		t.Helper()
		q := s.Queue()
		if n := strings.Count(q, `"queue_name": "hold"`); n != want || strings.Count(q, "@gmail.com\"") != 3 {
			t.Errorf("%s: %d of 3 messages on hold, want %d:\n%s", when, n, want, q)
		}
		for line := range strings.Lines(q) {
			if strings.Contains(line, "held@gmail") && !strings.Contains(line, `"hold"`) {
				t.Errorf("%s: got %q, want the message that somebody else holds on hold still", when, line)
			}
		}
	}
	onHold("before", 1)
	args = append(args, "--queue", "hold")
	for _, watched := range []bool{true, false} {
		reached := stop.arm(false, 2)
		p := s.Start(args...)
		waitFor(t, "proof", reached)
		onHold("during the proof", 3)
		if !watched {
			s.Shell("pkill -KILL -f [w]atch-transaction")
		}
		if err := p.Kill(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.Wait()
		if !watched {
			onHold("killed with its watch", 3)
			if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", r)
			}
		}
		for start := time.Now(); s.Exists("/var/lib/relayhost/in-progress") && time.Since(start) < 20*time.Second; {
			time.Sleep(20 * time.Millisecond)
		}
		onHold("undone", 1)
		// The test message that the relay has taken meanwhile goes; the next run
		// would put it on hold as well.
		for start := time.Now(); strings.Contains(s.Queue(), `"sender": "app@example.com"`) && time.Since(start) < time.Minute; time.Sleep(200 * time.Millisecond) {
			s.Shell("postqueue -f")
		}
	}
	if r := l.Run(args...); r.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", r)
	}
	onHold("set up", 3)
	if r := l.Run("relayhost", "rollback", "--list", "--json"); !strings.Contains(r.Stdout, `"held": 2`) {
		t.Errorf("the list does not tell: want %q in stdout, got %s", `"held": 2`, r)
	}
	if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", r)
	}
	onHold("rolled back", 1)
}

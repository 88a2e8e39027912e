//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestLabRelayChange puts one relay in the place of another and back, then rolls
// that back, while mail comes all the time: each message is delivered once, none
// bounces, and none is put off because a delivery has met half a configuration.
func TestLabRelayChange(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"), lab.Relay("postmark"))
	s := l.Server
	l.Server.Install()
	to := func(service service) {
		t.Helper()
		credentials(l, service.id, service.host)
		if r := l.Run(setupArgs(service)...); r.Code != 0 {
			t.Fatalf("setup of %s: %s\n%s", service.id, r, s.MailLog())
		}
	}
	sendgrid, postmark := five[1], five[4]
	to(sendgrid)
	before := s.Tree(mailConfig...)
	const messages = 200
	mail := s.Start("sh", "-c", fmt.Sprintf(`i=0; while [ $i -lt %d ]; do
printf 'Subject: lab\n\nmessage %%d.\n' $i | sendmail -i -f app@example.com someone@elsewhere.example || exit 1; i=$((i+1)); sleep 0.1; done`, messages))
	changes := 0
	for running := true; running; {
		to(postmark)
		if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
			t.Errorf("rollback: %s", r)
		}
		if d := before.Diff(s.Tree(mailConfig...)); d != "" {
			t.Errorf("rolled back, not as before:\n%s", d)
		}
		to(postmark)
		to(sendgrid)
		before = s.Tree(mailConfig...)
		changes += 4
		select {
		case <-mail.Done():
			running = false
		default:
		}
	}
	if r := mail.Wait(); r.Code != 0 {
		t.Errorf("sendmail: %s", r)
	}
	// A message that was in flight at a reload is looked at again after
	// minimal_backoff_time, though all of it is delivered: no address is left.
	for end := time.Now().Add(30 * time.Second); strings.Contains(s.Queue(), `"address"`) && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	if q := s.Queue(); strings.Contains(q, `"address"`) {
		t.Errorf("still queued:\n%.2000s", q)
	}
	for line := range strings.Lines(s.MailLog()) {
		for _, bad := range []string{"status=deferred", "status=bounced", "status=SOFTBOUNCE", "transport unavailable", "private/relayhost-",
			"killed by signal", "throttling", "fatal:"} {
			if strings.Contains(line, bad) {
				t.Error(line)
			}
		}
	}
	came := map[string]int{}
	at := map[string]int{}
	for _, id := range []string{"sendgrid", "postmark"} {
		for _, m := range l.World.Relay(id).Mailbox() {
			if _, text, ok := strings.Cut(string(m.Data), "\r\nmessage "); ok {
				number, _, _ := strings.Cut(text, ".")
				came[number]++
				at[id]++
			}
		}
	}
	for i := range messages {
		if n := came[fmt.Sprint(i)]; n != 1 {
			t.Errorf("message %d came %d times", i, n)
		}
	}
	if at["sendgrid"] == 0 || at["postmark"] == 0 {
		t.Errorf("all mail went one way: %v", at)
	}
	t.Logf("figure: %d messages, each delivered once, through %v, during %d changes", len(came), at, changes)
}

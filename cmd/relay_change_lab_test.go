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
			t.Fatalf("setup of %s: want exit code 0, got %s\n%s", service.id, r, s.MailLog())
		}
	}
	sendgrid, postmark := five[1], five[4]
	to(sendgrid)
	before := s.Tree(mailConfig...)
	const messages = 200
	mail := mailAllTheTime(s, messages)
	changes := 0
	for running := true; running; {
		to(postmark)
		if r := l.Run("relayhost", "rollback", "--yes"); r.Code != 0 {
			t.Errorf("rollback: want exit code 0, got %s", r)
		}
		if d := before.Diff(s.Tree(mailConfig...)); d != "" {
			t.Errorf("rolled back, not as before: got\n%s\nwant none", d)
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
	sentAll(t, s, mail)
	neverHalfConfigured(t, s)
	at := eachOnce(t, l, messages, "sendgrid", "postmark")
	if at["sendgrid"] == 0 || at["postmark"] == 0 {
		t.Errorf("got the messages %v, want some at each relay", at)
	}
	t.Logf("figure: %d messages, each delivered once, through %v, during %d changes", messages, at, changes)
}

// halfConfigured is what Postfix logs of deliveries that meet half a
// configuration, or are ended.
var halfConfigured = []string{"status=deferred", "status=bounced", "status=SOFTBOUNCE", "transport unavailable", "private/relayhost-",
	"killed by signal", "throttling", "fatal:"}

// mailAllTheTime sends so many messages, ten a second.
func mailAllTheTime(s *lab.Server, messages int) *lab.Process {
	return s.Start("sh", "-c", fmt.Sprintf(`i=0; while [ $i -lt %d ]; do
printf 'Subject: lab\n\nmessage %%d.\n' $i | sendmail -i -f app@example.com someone@elsewhere.example || exit 1; i=$((i+1)); sleep 0.1; done`, messages))
}

// sentAll waits until all that was sent has left the queue.
func sentAll(t *testing.T, s *lab.Server, mail *lab.Process) {
	t.Helper()
	if r := mail.Wait(); r.Code != 0 {
		t.Errorf("sendmail: want exit code 0, got %s", r)
	}
	// A message that was in flight at a reload is looked at again after
	// minimal_backoff_time, though all of it is delivered: no address is left.
	for end := time.Now().Add(30 * time.Second); strings.Contains(s.Queue(), `"address"`) && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	if q := s.Queue(); strings.Contains(q, `"address"`) {
		t.Errorf("still queued: got\n%.2000s\nwant no %q in it", q, `"address"`)
	}
}

// eachOnce wants each message to have come once, and counts them by service.
func eachOnce(t *testing.T, l *lab.Lab, messages int, ids ...string) map[string]int {
	t.Helper()
	came := map[string]int{}
	at := map[string]int{}
	for _, id := range ids {
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
			t.Errorf("message %d came %d times, want 1", i, n)
		}
	}
	return at
}

// neverHalfConfigured wants no line in the log of a delivery that met half a
// configuration.
func neverHalfConfigured(t *testing.T, s *lab.Server) {
	t.Helper()
	for line := range strings.Lines(s.MailLog()) {
		for _, bad := range halfConfigured {
			if strings.Contains(line, bad) {
				t.Errorf("got %v, want no %v in it", line, bad)
			}
		}
	}
}

// TestLabPortChange goes from one port of a relay to another, STARTTLS to implicit
// TLS, while mail comes all the time: none is put off because a delivery has met
// the one port with the other's TLS, none bounces, none comes twice.
func TestLabPortChange(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	credentials(l, "sendgrid", "")
	to := func(port string) {
		t.Helper()
		if r := l.Run(setupArgs(five[1], "--port", port, "--no-probe")...); r.Code != 0 {
			t.Fatalf("port %s: want exit code 0, got %s\n%s", port, r, s.MailLog())
		}
	}
	to("587")
	const messages = 80
	mail := mailAllTheTime(s, messages)
	changes := 0
	for running := true; running; changes += 2 {
		to("465")
		to("587")
		select {
		case <-mail.Done():
			running = false
		default:
		}
	}
	sentAll(t, s, mail)
	neverHalfConfigured(t, s)
	eachOnce(t, l, messages, "sendgrid")
	for _, c := range l.World.Relay("sendgrid").Sessions() {
		if c.AuthBeforeTLS || c.Messages > 0 && c.TLSVersion == "" {
			t.Errorf("got a message or a login without TLS, want none: %+v", c)
		}
	}
	t.Logf("figure: %d messages, each delivered once, none put off, during %d changes of the port", messages, changes)
}

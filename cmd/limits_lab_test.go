//go:build lab

package cmd_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// fewEnough is the largest count of messages on a connection that a test sends more of.
const fewEnough = 200

// TestLabLimitsOnTheWire gives Postfix more mail than a relay takes in one message, on one
// connection, on all of them, or in a minute. The relay's server refuses what is beyond
// its limits, and has to refuse nothing. One relay for each kind; with LAB_FULL every
// relay that has a limit, one after the other on one Postfix.
func TestLabLimitsOnTheWire(t *testing.T) {
	t.Parallel()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{"postmark": true, "sparkpost": true, "cloudflare": true, "m365": true}
	var chosen []relays.Relay
	for _, r := range all {
		if full := os.Getenv("LAB_FULL") != ""; r.TakesPassword() && (full && limited(r.Limits) || !full && kinds[r.ID]) {
			chosen = append(chosen, r)
		}
	}
	if os.Getenv("LAB_FULL") == "" {
		for _, r := range chosen {
			t.Run(r.ID, func(t *testing.T) {
				t.Parallel()
				l := lab.New(t, lab.Relay(r.ID), lab.Postfix())
				withinLimits(t, l, r)
			})
		}
		return
	}
	options := []lab.Option{lab.Postfix()}
	for _, r := range chosen {
		options = append(options, lab.Relay(r.ID))
	}
	l := lab.New(t, options...)
	for _, r := range chosen {
		t.Run(r.ID, func(t *testing.T) { withinLimits(t, l, r) })
	}
}

// limited reports whether Postfix has a parameter for one of the limits.
func limited(l relays.Limits) bool {
	return l.Recipients+l.RecipientsPerSession+l.MessagesPerConnection+l.Connections > 0 || pause(l) > 0
}

// pause is what Postfix has to wait between two messages where a relay takes less than
// one a second, in whole seconds.
func pause(l relays.Limits) time.Duration {
	if l.PerMinute < 1 || l.PerMinute >= 60 {
		return 0
	}
	return time.Duration((60+l.PerMinute-1)/l.PerMinute) * time.Second
}

// withinLimits sets r up and sends more than each of its limits.
func withinLimits(t *testing.T, l *lab.Lab, r relays.Relay) {
	// An administrator who has raised what holds for all mail.
	l.Server.Shell("postconf -e default_destination_recipient_limit=5000 smtpd_client_connection_rate_limit=0 in_flow_delay=0s initial_destination_concurrency=20")
	if res := l.Run("relayhost", "status"); !strings.Contains(res.Stdout, "not by relayhost") { // the relay before
		if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
			t.Fatalf("want exit code 0, got %s", res)
		}
	}
	lim, port := r.Limits, r.PortOrder()[0]
	if n := lim.Connections; pause(lim) > 0 {
		oneService(t, l, r, port)
		oneByOne(t, l, r)
	} else if n > 0 && n < 20 { // of Postfix itself, and ours
		oneService(t, l, r, port)
		manyConnections(t, l, r)
	}
	if n := max(lim.Recipients, lim.RecipientsPerSession); n > 0 {
		oneService(t, l, r, port, "--connections", "1")
		manyRecipients(t, l, r, n+n/5)
	}
	if n := lim.MessagesPerConnection; n > fewEnough {
		if cf := l.Server.ReadFile("/etc/postfix/master.cf"); !strings.Contains(cf, fmt.Sprintf("smtp_connection_reuse_count_limit=%d", n-1)) {
			t.Errorf("master.cf does not limit the messages of a connection to %d: got\n%s\nwant %v in it", n, cf, fmt.Sprintf("smtp_connection_reuse_count_limit=%d", n-1))
		}
	} else if n > 0 {
		oneService(t, l, r, port, "--connections", "1")
		manyMessages(t, l, r, 2*n+n/5)
	}
}

// traffic is what a relay's server has seen of some mail.
type traffic struct {
	messages []smtpd.Message
	sessions []smtpd.Session
}

// send runs a command on the server that sends mail to n recipients in all, and waits
// until all of it is at the relay, which must have refused none.
func send(t *testing.T, l *lab.Lab, r relays.Relay, n int, command string) (seen traffic) {
	t.Helper()
	service := l.World.Relay(r.ID)
	logged, before, old := len(l.Server.MailLog()), len(service.Mailbox()), len(service.Sessions())
	l.Server.Shell(command)
	recipients := 0
	for deadline := time.Now().Add(90 * time.Second); recipients < n && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		recipients, seen.messages = 0, service.Mailbox()[before:]
		for _, m := range seen.messages {
			recipients += len(m.To)
		}
	}
	// The sessions of before may still be open, and carry some of it.
	for i, s := range service.Sessions() {
		if i >= old || s.Ended.IsZero() || len(seen.messages) > 0 && s.Ended.After(seen.messages[0].Time) {
			seen.sessions = append(seen.sessions, s)
		}
		if i >= old && s.Refused {
			t.Errorf("the relay turned connection %d away, want none: too many at once", s.ID)
		}
	}
	if recipients != n {
		t.Errorf("got %d recipients at the relay, want %d", recipients, n)
	}
	if log := l.Server.MailLog()[logged:]; strings.Contains(log, "status=deferred") || strings.Contains(log, "status=bounced") || recipients != n {
		t.Errorf("the relay refused some of it: got\n%s\nwant no %q in it and no %q in it", log, "status=deferred", "status=bounced")
	}
	return seen
}

// manyRecipients sends one message to n recipients, more than one message, or one
// connection, may have.
func manyRecipients(t *testing.T, l *lab.Lab, r relays.Relay, n int) {
	t.Helper()
	to := make([]string, n)
	for i := range to {
		to[i] = fmt.Sprintf("r%d@example.net", i)
	}
	seen := send(t, l, r, n, "printf 'Subject: many\\n\\nhello\\n' | sendmail -f "+account(l, r)+" "+strings.Join(to, " "))
	inMessage, onConnection := 0, 0
	for _, m := range seen.messages {
		inMessage = max(inMessage, len(m.To))
	}
	for _, s := range seen.sessions {
		onConnection = max(onConnection, s.Recipients)
	}
	if most := r.Limits.Recipients; most > 0 && (inMessage > most || inMessage < most && r.Limits.RecipientsPerSession == 0) {
		t.Errorf("got %d recipients in a message, want the limit of %d", inMessage, most)
	}
	if most := r.Limits.RecipientsPerSession; most > 0 && (onConnection > most || onConnection <= most/2) {
		t.Errorf("got %d recipients on a connection, want the limit of %d, or nearly", onConnection, most)
	}
	t.Logf("%d recipients: at most %d in a message, %d on a connection", n, inMessage, onConnection)
}

// manyMessages sends n messages by one connection at a time, more than two may have.
func manyMessages(t *testing.T, l *lab.Lab, r relays.Relay, n int) {
	t.Helper()
	seen := send(t, l, r, n, smtpSource(l, r, n))
	most := 0
	for _, s := range seen.sessions {
		most = max(most, s.Messages)
	}
	if most != r.Limits.MessagesPerConnection {
		t.Errorf("got %d messages on a connection, want the limit of %d", most, r.Limits.MessagesPerConnection)
	}
	t.Logf("%d messages: at most %d on a connection", n, most)
}

// manyConnections sends more messages than there may be connections to a relay that is
// slow to take each.
func manyConnections(t *testing.T, l *lab.Lab, r relays.Relay) {
	t.Helper()
	service := l.World.Relay(r.ID)
	service.Configure(func(c *smtpd.Config) {
		c.Delays = map[smtpd.Step]time.Duration{smtpd.StepMessage: 600 * time.Millisecond}
	})
	n := 6 * r.Limits.Connections
	send(t, l, r, n, smtpSource(l, r, n))
	if got := service.Counters().MostOpen; got > r.Limits.Connections || got <= r.Limits.Connections/2 { // a slow machine does not get there
		t.Errorf("got %d connections at once, want the limit of %d, or nearly", got, r.Limits.Connections)
	}
	t.Logf("%d messages: at most %d connections at once", n, service.Counters().MostOpen)
}

// oneByOne sends messages at once to a relay that takes one in some seconds.
func oneByOne(t *testing.T, l *lab.Lab, r relays.Relay) {
	t.Helper()
	const n = 4
	seen := send(t, l, r, n, smtpSource(l, r, n))
	least := time.Hour
	for i := 1; i < len(seen.messages); i++ {
		least = min(least, seen.messages[i].Time.Sub(seen.messages[i-1].Time))
	}
	// The pause begins at the end of a delivery, of which the relay sees the end of DATA.
	if want := pause(r.Limits) - 100*time.Millisecond; least < want {
		t.Errorf("got messages %s apart, want %s: the relay takes %d a minute", least, want, r.Limits.PerMinute)
	}
	if got, most := l.World.Relay(r.ID).Counters().MostOpen, r.Limits.Connections; most > 0 && got > most {
		t.Errorf("got %d connections at once, want %d at most", got, most)
	}
	t.Logf("%d messages: at least %s apart", n, least)
}

func smtpSource(l *lab.Lab, r relays.Relay, n int) string {
	return "smtp-source -s 5 -m " + strconv.Itoa(n) + " -l 500 -f " + account(l, r) + " -t you@example.net 127.0.0.1:25"
}

// account is a sender that the relay takes as it is.
func account(l *lab.Lab, r relays.Relay) string {
	if !r.Sender.Single {
		return "app@example.com"
	}
	if user := l.World.Relay(r.ID).Username; strings.Contains(user, "@") {
		return user
	}
	return l.World.Relay(r.ID).Username + "@example.com"
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/explain"
	"relayhost/internal/maillog"
	"relayhost/internal/smtpprobe"
)

// tracker follows one message through the log.
type tracker struct {
	proof     Proof
	messageID string
	queueIDs  []string          // a content filter or an alias gives it a new one
	to        []string          // what an alias in front of a content filter makes of its recipient
	held      string            // what has put it on hold, in the words of cleanup(8); "" for nothing
	diverted  string            // what has redirected it, in the same way
	before    map[string]string // what cleanup(8) has said of a message whose Message-ID it has not logged yet
	release   <-chan time.Time  // fires when a message on hold is to be released
	fatal     string            // why the relay's service died, if it did
	throttled bool              // master(8) has throttled some smtp(8); we do not know whose
	delivery  Delivery
	talked    string // how the conversation with an address of the relay ended, before the next one is tried

	until time.Time        // when patience ends
	retry <-chan time.Time // fires when a deferred message is to be tried again
}

// retryPause is the time between two tries of a deferred message.
const retryPause = 2 * time.Second

// releasePause is the time between two tries to release a message from hold.
const releasePause = 300 * time.Millisecond

// follow reads lines until the message's fate is known.
func (t *tracker) follow(ctx context.Context, lines <-chan maillog.Line) error {
	for {
		select {
		case <-ctx.Done():
			return t.noTrace(ctx)
		case <-t.release:
			// cleanup(8) says it before the message is in the queue.
			if err := t.proof.Mailer.Release(ctx, t.delivery.QueueID); err != nil {
				return errors.Join(fmt.Errorf("%w: %s", ErrRefused, t.held), err)
			}
			t.release = time.After(releasePause)
		case <-t.retry:
			t.retry = nil
			if err := t.proof.Mailer.Retry(ctx, t.delivery.QueueID); err != nil {
				return t.refused(err)
			}
		case line, ok := <-lines:
			if !ok {
				return t.noTrace(ctx)
			}
			if done, err := t.read(line); done {
				return err
			}
		}
	}
}

// noTrace says how far the message came when no more is to be learnt.
func (t *tracker) noTrace(ctx context.Context) error {
	why := context.Cause(ctx)
	if why == nil {
		why = fmt.Errorf("%s ended", t.proof.Log)
	}
	t.delivery.Throttled = t.fatal
	switch {
	case t.fatal != "":
		return fmt.Errorf("%w: %s", ErrThrottled, t.fatal)
	case t.throttled:
		return fmt.Errorf("%w: master(8) has throttled an smtp(8) service", ErrThrottled)
	case t.delivery.Status == "deferred":
		return t.refused(nil)
	case t.delivery.Status != "":
		return fmt.Errorf("%w: last seen as %s through %s: %w", ErrNoTrace, t.delivery.Status, t.delivery.Relay, why)
	case t.held != "":
		return fmt.Errorf("%w: %s is on hold, and nothing has released it: %s: %w", ErrNoTrace, t.queueIDs[0], t.held, why)
	case len(t.queueIDs) > 0:
		return fmt.Errorf("%w: %s was queued and not tried: %w", ErrNoTrace, t.queueIDs[0], why)
	}
	return fmt.Errorf("%w: it was never queued: %w", ErrNoTrace, why)
}

// read takes in one line. done is true when the fate is known; err is nil then
// if the message has gone where it should.
func (t *tracker) read(line maillog.Line) (done bool, err error) {
	if program, ok := line.Throttled(); ok && t.sends(program) {
		if t.fatal != "" {
			t.delivery.Throttled = t.fatal
			return true, fmt.Errorf("%w: %s", ErrThrottled, t.fatal)
		}
		t.throttled = true
		return false, nil
	}
	if severity, text := line.Severity(); (severity == "fatal" || severity == "panic") && t.ours(line.Tag) {
		t.fatal = smtpprobe.Sanitize(severity + ": " + text)
		return false, nil
	}
	if line.QueueID == "" {
		return false, nil
	}
	if line.Daemon == "cleanup" {
		return t.cleanedUp(line)
	}
	if t.requeued(line) {
		t.queueIDs = append(t.queueIDs, line.QueueID)
	}
	if !slices.Contains(t.queueIDs, line.QueueID) {
		return false, nil
	}
	if line.Daemon == "qmgr" {
		t.release = nil // it is in the queue
	}
	if talked.MatchString(line.Text) && t.ours(line.Tag) { // and the next address is tried
		t.talked = smtpprobe.Sanitize(line.Text)
		if loginRefused(line.Text) {
			t.delivery.LoginRefused = t.talked
		}
		return false, nil
	}
	return t.delivered(line)
}

// delivered takes in a line about a delivery of the message.
func (t *tracker) delivered(line maillog.Line) (done bool, err error) {
	d, ok := maillog.ParseDelivery(line.Text)
	if !ok || !t.recipient(d.To) && !t.recipient(d.OrigTo) {
		return false, nil // a blind copy has the same queue id and another recipient
	}
	if !t.recipient(d.To) {
		t.to = append(t.to, d.To) // behind a content filter it has no other name
	}
	t.note(line, d)
	done, err = t.judge(line, d)
	if err != nil && t.diverted != "" {
		err = fmt.Errorf("%w: %s", ErrElsewhere, t.diverted)
	}
	return done, err
}

// cleanedUp takes in a line of cleanup(8): a queue ID that the message has got, or what is
// done to it by its content.
func (t *tracker) cleanedUp(line maillog.Line) (done bool, err error) {
	if id, ok := maillog.MessageID(line.Text); ok && id == t.messageID {
		t.queueIDs = append(t.queueIDs, line.QueueID)
		if t.delivery.QueueID == "" {
			t.delivery.QueueID = line.QueueID
		}
		return t.checked(t.before[line.QueueID])
	}
	if !checks.MatchString(line.Text) {
		return false, nil
	}
	if slices.Contains(t.queueIDs, line.QueueID) {
		return t.checked(line.Text)
	}
	if t.before == nil {
		t.before = map[string]string{}
	}
	t.before[line.QueueID] = line.Text
	return false, nil
}

func (t *tracker) recipient(address string) bool {
	return slices.ContainsFunc(append(t.to, t.proof.To), func(to string) bool { return strings.EqualFold(to, address) })
}

// checks finds what cleanup(8) does to a message by its content (header_checks(5)): on
// hold it waits for somebody, rejected or discarded it is neither queued nor reported to
// anybody, and redirected it goes to somebody else.
var checks = regexp.MustCompile(`^(?:milter-)?(hold|reject|discard|redirect): ((?:mime |nested )?header|body|\S+)`)

// later finds the status that a milter gives for a time.
var later = regexp.MustCompile(`: 4\.\d+\.\d+ `)

// checked takes in what cleanup(8) has done to the message by its content.
func (t *tracker) checked(text string) (done bool, err error) {
	m := checks.FindStringSubmatch(text)
	if m == nil {
		return false, nil
	}
	by := "a milter"
	if m[2] == "body" || strings.HasSuffix(m[2], "header") {
		by = strings.ReplaceAll(m[2], " ", "_") + "_checks"
	}
	text = smtpprobe.Sanitize(text)
	switch {
	case m[1] == "redirect":
		t.diverted = by + " redirects it: " + text
		return false, nil
	case later.MatchString(text) && m[1] == "reject":
		return false, nil // pickup(8) tries again
	case m[1] != "hold":
		t.delivery.Status, t.delivery.Reply = m[1]+"ed", by+" "+m[1]+"s it: "+text
		return true, t.refused(nil)
	}
	t.held = by + " holds it: " + text
	if t.proof.Release {
		t.release = time.After(releasePause)
	}
	return false, nil
}

// requeued reports whether a message on hold has come back under another queue ID, as a
// scanner makes it that reads the hold queue: no cleanup(8) has had that one.
func (t *tracker) requeued(line maillog.Line) bool {
	return t.held != "" && line.Daemon == "qmgr" && strings.HasSuffix(line.Text, "(queue active)") &&
		strings.HasPrefix(strings.ToLower(line.Text), "from=<"+strings.ToLower(t.proof.From)+">") && !slices.Contains(t.queueIDs, line.QueueID)
}

// sends reports whether mail of the proof goes by that program of Postfix.
func (t *tracker) sends(program string) bool {
	return program == "smtp" || t.proof.Socket != "" && (program == "lmtp" || program == "spawn")
}

// ours reports whether tag is that of smtp(8) for the relay.
func (t *tracker) ours(tag string) bool {
	if t.proof.Socket != "" {
		return strings.HasSuffix(tag, "/"+t.proof.Service+"/lmtp")
	}
	if t.proof.Service == "" {
		return strings.HasSuffix(tag, "/smtp")
	}
	return strings.HasSuffix(tag, "/"+t.proof.Service+"/smtp")
}

func (t *tracker) note(line maillog.Line, d maillog.Delivery) {
	t.delivery.QueueID, t.delivery.To = line.QueueID, d.To
	t.delivery.Status = smtpprobe.Sanitize(d.Status)
	t.delivery.DSN = smtpprobe.Sanitize(d.DSN)
	t.delivery.Relay = smtpprobe.Sanitize(d.Relay)
	t.delivery.Service = smtpprobe.Sanitize(line.Tag)
	t.delivery.Reply = smtpprobe.Sanitize(d.Reply)
	t.delivery.RemoteID = remoteID(t.delivery.Reply)
	if loginRefused(d.Reply) && t.ours(line.Tag) {
		t.delivery.LoginRefused = t.delivery.Reply
	}
	// The last address decides what Postfix says of the message, reachable or not: of a
	// host without IPv6 it says nothing of what the relay has answered.
	if t.talked != "" && strings.HasPrefix(d.Reply, "connect to ") {
		t.delivery.Reply = t.talked
		if server := serverOf.FindString(t.talked); server != "" {
			t.delivery.Relay = fmt.Sprintf("%s:%d", server, t.proof.Port)
		}
	}
	t.talked = ""
}

// talked finds how smtp(8) logs the end of a conversation with one address of several
// (src/smtp/smtp_trouble.c, smtp_bulk_fail): by the queue ID and the reason alone.
var talked = regexp.MustCompile(`^(?:host \S+ (?:said|refused to talk to me): |SASL (?:\[CACHED\] )?authentication failed; |lost connection with |conversation with \S+ timed out |TLS is required, |Cannot start TLS: |Server certificate not )`)

// serverOf is the server in such a line.
var serverOf = regexp.MustCompile(`[^\s\[]+\[[0-9A-Fa-f.:]+\]`)

// judge decides by one status line.
func (t *tracker) judge(line maillog.Line, d maillog.Delivery) (done bool, err error) {
	expected := t.ours(line.Tag) && t.proof.reached(d)
	other, after, took := conf.TookOver(d.Reply)
	switch {
	case d.Status == "sent" && expected && t.proof.Socket != "" && took:
		return true, fmt.Errorf("%w: the fallback %s accepted it after %s", ErrElsewhere, smtpprobe.Sanitize(other), smtpprobe.Sanitize(after))
	case d.Status == "sent" && expected && len(explain.SilentDrop(d.Reply, d.Host, nil)) > 0:
		return true, t.refused(nil)
	case d.Status == "sent" && expected && strings.HasPrefix(d.DSN, "2."):
		return true, nil
	case d.Status == "sent" && !strings.EqualFold(d.Host, t.proof.Host) && interim(line, d):
		return false, nil
	case d.Status == "sent":
		return true, fmt.Errorf("%w: relay=%s by %s, not %s by %s", ErrElsewhere,
			t.delivery.Relay, t.delivery.Service, t.proof.nextHop(), t.proof.Service)
	case d.Status == "deferred" && time.Now().Add(retryPause).Before(t.until) && temporary(t.delivery):
		t.retry = time.After(retryPause)
		return false, nil
	default:
		return true, t.refused(nil)
	}
}

// reached reports whether a delivery ended where it was to.
func (p Proof) reached(d maillog.Delivery) bool {
	if p.Socket != "" {
		return d.Addr == p.Socket
	}
	return strings.EqualFold(d.Host, p.Host) && d.Port == p.Port
}

// nextHop is where the message was to go, for messages.
func (p Proof) nextHop() string {
	if p.Socket != "" {
		return p.Socket
	}
	return fmt.Sprintf("%s:%d", p.Host, p.Port)
}

// temporary reports whether waiting is what helps, by every cause that comes
// into question. Where none is known the relay's own code counts (RFC 5321,
// 4.2.1: 4yz), but not that of a login, which is not to be tried again and again.
func temporary(d Delivery) bool {
	causes := DeliveryCauses(d, nil)
	// "Later" is what any temporary reply says; a login is not tried again for it.
	if len(causes) == 0 || causes[0].ID == "later" {
		return d.LoginRefused == "" && strings.Contains(d.Reply, " said: 4")
	}
	return !slices.ContainsFunc(causes, func(c explain.Cause) bool { return c.Retry == "fix" })
}

// refused is the error for a message that was deferred or bounced.
func (t *tracker) refused(also error) error {
	status := t.delivery.Status
	if status == "SOFTBOUNCE" { // soft_bounce of the rehearsal: bounced otherwise
		status = "refused"
	}
	err := fmt.Errorf("%w: %s: %s", ErrRefused, status, t.delivery.Reply)
	return errors.Join(err, also)
}

// interim reports whether a message that was "sent" comes back into the queue:
// from an alias, or from a content filter on this host.
func interim(line maillog.Line, d maillog.Delivery) bool {
	switch line.Daemon {
	case "local":
		return strings.HasPrefix(d.Reply, "forwarded as ")
	case "pipe":
		return true
	case "smtp", "lmtp":
		addr, err := netip.ParseAddr(d.Addr)
		return err == nil && addr.IsLoopback() || strings.Contains(d.Relay, "[/") || strings.Contains(d.Relay, "[private/")
	}
	return false
}

// remoteIDs find the relay's own message id in its 250, in the wordings of the
// services: "queued as X" (Postfix, SendGrid, Mailgun), "id=X", "250 Ok X" (SES).
var remoteIDs = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bqueued(?: mail for delivery)? as ([^\s()]+)`),
	regexp.MustCompile(`(?i)\bid[=:] ?<?([^\s()<>]+)`),
	regexp.MustCompile(`^2\d\d (?:2\.\d+\.\d+ )?(?i:ok):? ([0-9A-Za-z@._-]{16,})$`),
	regexp.MustCompile(`<([^\s<>]{8,})>`),
}

func remoteID(reply string) string {
	if !strings.HasPrefix(reply, "2") {
		return ""
	}
	for _, re := range remoteIDs {
		if m := re.FindStringSubmatch(reply); m != nil {
			return strings.TrimRight(m[1], ".,;>")
		}
	}
	return ""
}

// queueInterval is how often the queue is looked at where there is no log.
const queueInterval = 250 * time.Millisecond

// watchQueue is follow without a log. The queue tells a deferral and its
// reason; a message that left it may have gone anywhere.
func (t *tracker) watchQueue(ctx context.Context, since time.Time) error {
	seen := false
	tick := time.NewTicker(queueInterval)
	defer tick.Stop()
	for {
		m, ok, err := t.proof.Mailer.Find(ctx, t.messageID, since)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ErrNoTrace, context.Cause(ctx))
		case err != nil:
			return err
		case ok && m.Queue != "maildrop" && !slices.Contains(t.queueIDs, m.ID):
			t.queueIDs = append(t.queueIDs, m.ID)
			t.delivery.QueueID = m.ID
		case !ok && (seen || time.Since(since) > 2*time.Second):
			return ErrUnproven
		}
		seen = seen || ok
		if reason := m.Reason(); reason != "" {
			t.delivery.Status, t.delivery.Reply = "deferred", smtpprobe.Sanitize(reason)
			return t.refused(nil)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

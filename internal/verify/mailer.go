package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/mailaddr"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// Mailer hands the test message to Postfix and takes it back. It is all that a
// check may do to the host.
type Mailer interface {
	// Send gives message, with header and LF line ends, to Postfix. No report
	// of its fate is to be mailed to anybody.
	Send(ctx context.Context, from, to string, message []byte) error
	// Find looks for the message with the Message-ID (without <>) among those
	// in the queue since a time. ok is false when it is not there.
	Find(ctx context.Context, messageID string, since time.Time) (m postfix.QueuedMessage, ok bool, err error)
	// Retry has the queue try the message again now.
	Retry(ctx context.Context, queueID string) error
	// Release takes the message off hold and has it tried now; one that is not on hold
	// (yet) stays as it is.
	Release(ctx context.Context, queueID string) error
	// Delete takes the message queueID off the queue if, and only if, it has
	// that Message-ID. One that is gone already is no error.
	Delete(ctx context.Context, queueID, messageID string) error
}

// PostfixMailer is the Mailer of a Postfix instance, over sendmail(1),
// postqueue(1), postcat(1) and postsuper(1). Deleting needs root.
type PostfixMailer struct {
	Host      *host.Host
	ConfigDir string // "" is the default instance
	Sendmail  string // sendmail_path; "" looks for sendmail
}

// maxCandidates is how many queued messages Find opens at most.
const maxCandidates = 50

// Send runs sendmail(1). "-N never" keeps non-delivery reports from being made
// (RFC 3461): a failed proof must not become mail.
func (p *PostfixMailer) Send(ctx context.Context, from, to string, message []byte) error {
	for _, addr := range []string{from, to} {
		if err := mailaddr.CheckPath(addr); err != nil {
			return err
		}
	}
	args := []string{p.Sendmail}
	if p.Sendmail == "" {
		args[0] = "sendmail"
	}
	if p.ConfigDir != "" {
		args = append(args, "-C", p.ConfigDir)
	}
	args = append(args, "-i", "-N", "never", "-f", from, "--", to)
	return p.run(ctx, "hand the test message to Postfix", host.Command{Args: args, Stdin: message})
}

// Find lists the queue and opens what is young enough.
func (p *PostfixMailer) Find(ctx context.Context, messageID string, since time.Time) (postfix.QueuedMessage, bool, error) {
	// While Postfix is down, postqueue lists maildrop and then fails all the
	// same; so the list counts first.
	messages, err := postfix.ReadQueue(ctx, &p.Host.Reader, p.ConfigDir)
	if errors.Is(err, postfix.ErrLongQueue) {
		err = nil
	}
	opened := 0
	for _, m := range messages {
		// The queue counts in seconds.
		if m.Arrival.Before(since.Truncate(time.Second)) || opened == maxCandidates {
			continue
		}
		opened++
		if ours, err := p.has(ctx, m.ID, messageID); err == nil && ours {
			return m, true, nil
		}
	}
	return postfix.QueuedMessage{}, false, err
}

// Retry runs postqueue -i (postqueue(1)).
func (p *PostfixMailer) Retry(ctx context.Context, queueID string) error {
	return p.run(ctx, "try message "+queueID+" again", host.Command{Args: host.WithConfig(p.ConfigDir, "postqueue", "-i", queueID)})
}

// Release runs postsuper -H (postsuper(1)).
func (p *PostfixMailer) Release(ctx context.Context, queueID string) error {
	if err := p.postsuper(ctx, "-H", queueID); err != nil {
		return err
	}
	_ = p.Retry(ctx, queueID) // of one that cleanup(8) has not finished there is nothing to try
	return nil
}

// Delete looks before it touches: a short queue id may have gone to another
// message. It looks again once the message is on hold, since only then can it
// not change any more.
func (p *PostfixMailer) Delete(ctx context.Context, queueID, messageID string) error {
	if !maillog.IsQueueID(queueID) {
		return fmt.Errorf("delete the test message: %q is no queue id", smtpprobe.Sanitize(queueID))
	}
	ours, err := p.has(ctx, queueID, messageID)
	if err != nil || !ours {
		return err
	}
	// In maildrop nothing can be put on hold, and postsuper says so.
	held := p.postsuper(ctx, "-h", queueID) == nil
	ours, err = p.has(ctx, queueID, messageID)
	switch {
	case err != nil:
		return err
	case !ours && held:
		return p.postsuper(ctx, "-H", queueID) // released
	case !ours:
		return nil
	}
	return p.postsuper(ctx, "-d", queueID)
}

// has reports whether the queued message has the Message-ID. A message that is
// not there has not.
func (p *PostfixMailer) has(ctx context.Context, queueID, messageID string) (bool, error) {
	out, err := p.Host.Run(ctx, host.Command{Args: host.WithConfig(p.ConfigDir, "postcat", "-qh", queueID)})
	if err != nil {
		return false, fmt.Errorf("read message %s: %w", queueID, err)
	}
	for line := range bytes.Lines(out.Stdout) {
		name, value, ok := strings.Cut(string(line), ":")
		if ok && textproto.CanonicalMIMEHeaderKey(name) == "Message-Id" && strings.TrimSpace(value) == "<"+messageID+">" {
			return true, nil
		}
	}
	return false, nil
}

func (p *PostfixMailer) postsuper(ctx context.Context, args ...string) error {
	return p.run(ctx, "postsuper "+strings.Join(args, " "), host.Command{Args: host.WithConfig(p.ConfigDir, "postsuper", args...)})
}

// run runs a program of Postfix; what is what it does, for the error.
func (p *PostfixMailer) run(ctx context.Context, what string, c host.Command) error {
	out, err := p.Host.Run(ctx, c)
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("exit status %d: %s", out.Code, smtpprobe.Sanitize(out.Fault()))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

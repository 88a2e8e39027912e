//go:build unix

package maillog

import (
	"context"
	"time"

	"relayhost/internal/host"
)

// MailFacility is the journal match for everything that mail software logs
// (RFC 5424 facility 2), whatever syslog_name is.
const MailFacility = "SYSLOG_FACILITY=2"

// Follow sends the lines that are written from now on until ctx ends, then
// closes the channel. It watches the file (inotify), it does not poll. The file
// may be rotated, truncated, or not exist yet.
func (l Log) Follow(ctx context.Context, r *host.Reader) (<-chan Line, error) {
	lines := make(chan Line, 64)
	send := func(raw []byte) error {
		line, ok := Parse(string(raw))
		if !ok {
			return nil
		}
		select {
		case lines <- line:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if l.Journal {
		start := time.Now()
		// journalctl starts at whole seconds; what is older is dropped here.
		sendNew := func(raw []byte) error {
			if line, ok := Parse(string(raw)); ok && line.Time.Before(start) {
				return nil
			}
			return send(raw)
		}
		go func() {
			defer close(lines)
			_, _ = r.Stream(ctx, host.JournalFollow(start, MailFacility), sendNew)
		}()
		return lines, nil
	}
	t, err := openTail(r.Real(l.File))
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(lines)
		defer t.close()
		t.follow(ctx, send)
	}()
	return lines, nil
}

package postfix

import (
	"context"
	"time"

	"relayhost/internal/host"
)

// LogLine is one line of the mail log, split.
type LogLine struct {
	Time    time.Time // zero where the line carries none that can be read
	Tag     string    // "postfix/relayhost-ses/smtp"
	Daemon  string    // "smtp": the last part of Tag
	PID     int
	QueueID string // "" when the line has none
	Text    string // after the queue id, sanitised by nobody
}

// ParseLogLine reads a line of syslog (RFC 3164 or 5424), postlogd or a
// journald JSON object. ok is false when it is not Postfix's.
func ParseLogLine(line string) (l LogLine, ok bool) { panic("not written yet") }

// Log is where this Postfix logs.
type Log struct {
	File    string // maillog_file or syslog's file; "" for the journal
	Journal bool
}

// FindLog finds out where the Postfix of s logs and whether we can read it.
func FindLog(ctx context.Context, r *host.Reader, s State) (Log, error) { panic("not written yet") }

// Follow sends the lines that are written from now on until ctx ends, then
// closes the channel. It watches the file (inotify), it does not poll.
func (l Log) Follow(ctx context.Context, r *host.Reader) (<-chan LogLine, error) {
	panic("not written yet")
}

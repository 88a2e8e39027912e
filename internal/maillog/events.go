package maillog

import (
	"path"
	"strings"

	"relayhost/internal/postfix"
)

// MessageID reads cleanup's line "message-id=<...>" and returns the id without
// the angle brackets. A header without them is logged as it is.
func MessageID(text string) (id string, ok bool) {
	id, ok = strings.CutPrefix(text, "message-id=")
	if !ok {
		id, ok = strings.CutPrefix(text, "resent-message-id=")
	}
	return strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">"), ok
}

// Severity returns "warning", "error", "fatal" or "panic", with which Postfix
// begins such lines (msg(3)), and the text behind it; "" for an ordinary line.
func (l Line) Severity() (severity, text string) {
	for _, severity := range []string{"warning", "error", "fatal", "panic"} {
		if text, ok := strings.CutPrefix(l.Text, severity+": "); ok {
			return severity, text
		}
	}
	return "", l.Text
}

// Throttled reads the line of master(8) that announces that a service dies on
// start and will be tried again after service_throttle_time only, and returns
// the name of the program. Mail for it stays in the active queue without any
// status line.
func (l Line) Throttled() (program string, ok bool) {
	if l.Daemon != "master" {
		return "", false
	}
	_, text := l.Severity()
	program, ok = strings.CutSuffix(text, ": bad command startup -- throttling")
	return path.Base(program), ok
}

// Started reads the lines of master(8) for a completed start ("daemon started")
// or reload ("reload"), with the version that runs.
func (l Line) Started() (what string, v postfix.Version, ok bool) {
	if l.Daemon != "master" {
		return "", v, false
	}
	what, rest, found := strings.Cut(l.Text, " -- version ")
	if !found {
		return "", v, false
	}
	version, _, _ := strings.Cut(rest, ",")
	v, err := postfix.ParseVersion(version)
	return what, v, err == nil
}

package maillog

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is one line of the mail log, split.
type Line struct {
	Time    time.Time // zero where the line carries none that can be read
	Tag     string    // "postfix/relayhost-ses/smtp"
	Daemon  string    // "smtp": the last part of Tag
	QueueID string    // "" when the line has none
	Text    string    // after the queue id, sanitised by nobody
}

// daemons are the programs of Postfix that log (the last part of a tag); the
// first part is syslog_name, which may be anything.
var daemons = []string{
	"anvil", "bounce", "cleanup", "discard", "dnsblog", "error", "flush", "lmtp", "local", "master", "nqmgr",
	"oqmgr", "pickup", "pipe", "postalias", "postdrop", "postfix-script", "postlog", "postlogd", "postmap",
	"postmulti", "postqueue", "postscreen", "postsuper", "proxymap", "qmgr", "qmqpd", "scache", "sendmail",
	"showq", "smtp", "smtpd", "spawn", "tlsmgr", "tlsproxy", "trivial-rewrite", "verify", "virtual",
}

// Parse reads a line of syslog (RFC 3164 or 5424, rsyslog's files with
// either time stamp, and busybox's), of postlogd(8), of journalctl(1), or a
// journald JSON object. ok is false
// when it is not Postfix's. A time stamp without a year is taken as of the last
// twelve months, local time.
func Parse(line string) (l Line, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	if strings.HasPrefix(line, "{") {
		return parseJournal(line)
	}
	if strings.HasPrefix(line, "<") { // the priority of a raw syslog message
		if _, rest, found := strings.Cut(line, ">"); found {
			line = rest
		}
	}
	if rest, found := strings.CutPrefix(line, "1 "); found {
		return parse5424(rest)
	}
	rest := line
	if t, after, found := stamp(line); found {
		l.Time = t
		rest = afterHost(after)
	}
	tag, text, ok := splitTag(rest)
	if !ok {
		return Line{}, false
	}
	return l.fill(tag, text)
}

// splitTag reads the common end of the line formats: "postfix/smtp[123]: text".
func splitTag(s string) (tag, text string, ok bool) {
	open := strings.IndexByte(s, '[')
	if open <= 0 || strings.ContainsAny(s[:open], " \t\v\f\n\r:]") {
		return "", "", false
	}
	pid, text, ok := strings.Cut(s[open+1:], "]:")
	if !ok || pid == "" || strings.Trim(pid, "0123456789") != "" || strings.Contains(text, "\n") {
		return "", "", false
	}
	return s[:open], strings.TrimPrefix(text, " "), true
}

// afterHost takes the host off what follows the time stamp. busybox's syslogd
// writes the priority after it ("mail.info"), and with -S neither of them.
func afterHost(s string) string {
	host, rest, _ := strings.Cut(s, " ")
	if strings.HasSuffix(host, "]:") {
		return s
	}
	if word, more, _ := strings.Cut(rest, " "); strings.Contains(word, ".") && !strings.ContainsAny(word, "[/:") {
		return more
	}
	return rest
}

// stamp reads the time at the start of a line, as RFC 3164 or RFC 3339 write it.
func stamp(line string) (t time.Time, rest string, found bool) {
	const traditional = "Jan _2 15:04:05"
	if len(line) > len(traditional) && line[len(traditional)] == ' ' {
		if t, err := time.ParseInLocation(traditional, line[:len(traditional)], time.Local); err == nil {
			return guessYear(t, time.Now()), line[len(traditional)+1:], true
		}
	}
	first, rest, found := strings.Cut(line, " ")
	if !found {
		return t, line, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700"} { // the latter by journalctl -o short-iso
		if t, err := time.Parse(layout, first); err == nil {
			return t, rest, true
		}
	}
	return t, rest, false
}

// guessYear puts t into the year that makes it the latest time not after now; a
// day is granted to clocks that differ.
func guessYear(t, now time.Time) time.Time {
	t = t.AddDate(now.Year()-t.Year(), 0, 0)
	if t.After(now.AddDate(0, 0, 1)) {
		return t.AddDate(-1, 0, 0)
	}
	return t
}

// parse5424 reads what follows the version: time, host, app, pid, message id,
// structured data, text (RFC 5424 section 6).
func parse5424(rest string) (l Line, ok bool) {
	f := strings.SplitN(rest, " ", 6)
	if len(f) < 6 {
		return l, false
	}
	l.Time, _ = time.Parse(time.RFC3339Nano, f[0])
	text := strings.TrimPrefix(f[5], "- ")
	if strings.HasPrefix(f[5], "[") {
		// "]" inside of a value is written "\]".
		end := 0
		for end < len(f[5]) && (f[5][end] != ']' || f[5][end-1] == '\\' || strings.HasPrefix(f[5][end:], "][")) {
			end++
		}
		text = strings.TrimPrefix(f[5][min(end+1, len(f[5])):], " ")
	}
	return l.fill(f[2], strings.TrimPrefix(text, "\ufeff"))
}

// parseJournal reads one object of journalctl --output=json
// (systemd.journal-fields(7)).
func parseJournal(line string) (l Line, ok bool) {
	var j struct {
		Message    json.RawMessage `json:"MESSAGE"`
		Identifier string          `json:"SYSLOG_IDENTIFIER"`
		Realtime   string          `json:"__REALTIME_TIMESTAMP"` // microseconds
	}
	if json.Unmarshal([]byte(line), &j) != nil {
		return l, false
	}
	if us, err := strconv.ParseInt(j.Realtime, 10, 64); err == nil {
		l.Time = time.UnixMicro(us)
	}
	var text string
	if json.Unmarshal(j.Message, &text) != nil {
		// Bytes that are not UTF-8 come as an array of numbers.
		var raw []uint16
		if json.Unmarshal(j.Message, &raw) != nil {
			return l, false
		}
		for _, b := range raw {
			text += string([]byte{byte(b)})
		}
	}
	if text == "" { // journalctl prints null for what is too long for it
		return l, false
	}
	return l.fill(j.Identifier, text)
}

// fill sets tag and text and finds the queue id. ok is false when the tag is not
// of Postfix.
func (l Line) fill(tag, text string) (Line, bool) {
	slash := strings.LastIndexByte(tag, '/')
	l.Tag, l.Daemon = tag, tag[slash+1:]
	if !strings.HasPrefix(tag, "postfix") && (slash < 0 || !slices.Contains(daemons, l.Daemon)) {
		return Line{}, false
	}
	if strings.HasPrefix(text, "[ID ") { // Solaris
		if _, rest, ok := strings.Cut(text, "] "); ok {
			text = rest
		}
	}
	l.Text = text
	if id, rest, found := strings.Cut(text, ": "); found && IsQueueID(id) {
		l.QueueID, l.Text = id, rest
	}
	return l, true
}

// IsQueueID reports whether id has the form of a queue id: short (hexadecimal
// microseconds and inode) or long (enable_long_queue_ids; base 52, which has no
// vowels, so that no English word is one).
func IsQueueID(id string) bool {
	if len(id) >= 6 && len(id) <= 21 && strings.Trim(id, "0123456789ABCDEF") == "" {
		return true
	}
	return len(id) >= 10 && len(id) <= 26 &&
		strings.Trim(id, "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz") == ""
}

package explain

import "bytes"

// boring reports, fast, that a line is one of Postfix's that tells of no
// problem: most lines of a log are. It knows the form that syslogd, journalctl
// and postlogd write; every other line is looked at closely.
func boring(line []byte) bool {
	at := bytes.Index(line[:min(len(line), 160)], []byte("postfix"))
	if at < 0 || line[0] == '{' || bytes.IndexByte(line[:at], '"') >= 0 || bytes.Contains(line[:at], []byte("]: ")) {
		return false
	}
	end := bytes.Index(line[at:], []byte("]: "))
	if end < 0 || bytes.IndexByte(line[at:at+end], ' ') >= 0 {
		return false
	}
	text := line[at+end+3:]
	colon := bytes.IndexByte(text[:min(len(text), 30)], ':')
	if colon < 0 {
		return begins(text, idle)
	}
	if bytes.ContainsFunc(text[:colon], notAlphanumeric) {
		return begins(text, idle)
	}
	if len(text) < colon+4 {
		return false
	}
	rest := text[colon+2:]
	switch rest[0] {
	case 'f': // from=
		return begins(rest, marks) && !bytes.Contains(rest, expired)
	case 'm', 'r', 'u', 'c': // message-id=, removed, uid=, client=
		return begins(rest, marks)
	case 't':
		if !bytes.HasPrefix(rest, []byte("to=<")) {
			return false
		}
		status := bytes.Index(rest, []byte(", status=sent (2"))
		return status >= 0 && bytes.HasPrefix(rest[status+16:], []byte("50 ")) && bytes.Count(rest, []byte("status=")) == 1
	}
	return false
}

func notAlphanumeric(c rune) bool {
	return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

func begins(text []byte, words [][]byte) bool {
	for _, w := range words {
		if bytes.HasPrefix(text, w) {
			return true
		}
	}
	return false
}

func list(words ...string) (b [][]byte) {
	for _, w := range words {
		b = append(b, []byte(w))
	}
	return b
}

var (
	expired = []byte("status=expired")
	marks   = list("from=<", "message-id=", "removed", "uid=", "client=", "resent-message-id=")
	idle    = list("connect from ", "disconnect from ", "statistics: ", "Anonymous TLS connection established", "Trusted TLS connection established",
		"Untrusted TLS connection established", "Verified TLS connection established", "setting up TLS connection")
)

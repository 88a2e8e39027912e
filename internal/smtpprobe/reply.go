//go:build unix

package smtpprobe

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Bounds of a reply. RFC 5321, section 4.5.3.1.5, allows 512 octets a line;
// real servers send a little more, and hostile ones send without end.
const (
	maxLine  = 2 << 10  // bytes, line end included
	maxLines = 64       // of one reply
	maxReply = 16 << 10 // bytes of one reply
)

// reply is one SMTP reply (RFC 5321, section 4.2), as the server sent it.
type reply struct {
	code  int
	lines []string // text after the code, not sanitised
}

// enhanced is an enhanced status code at the start of a reply's text (RFC 3463).
var enhanced = regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})(?: |$)`)

// status returns the enhanced status code, or "".
func (r reply) status() string {
	if m := enhanced.FindStringSubmatch(r.lines[0]); m != nil {
		return m[1]
	}
	return ""
}

// readReply reads one reply. The reader's buffer is what bounds a line, so it
// must be of maxLine bytes.
func readReply(br *bufio.Reader) (reply, error) {
	var r reply
	for size := 0; ; {
		line, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return r, protocolError(fmt.Sprintf("a line of its reply is longer than %d bytes", maxLine))
		}
		if err != nil {
			return r, err
		}
		size += len(line)
		code, text, last, err := parseLine(strings.TrimRight(string(line), "\r\n"))
		switch {
		case err != nil:
			return r, err
		case len(r.lines) > 0 && code != r.code:
			return r, protocolError(fmt.Sprintf("its reply changes from %d to %d", r.code, code))
		case len(r.lines) == maxLines || size > maxReply:
			return r, protocolError(fmt.Sprintf("its reply is longer than %d lines or %d bytes", maxLines, maxReply))
		}
		r.code = code
		r.lines = append(r.lines, text)
		if last {
			return r, nil
		}
	}
}

// parseLine splits one line of a reply. last is false for "250-".
func parseLine(line string) (code int, text string, last bool, err error) {
	malformed := protocolError(`"` + Sanitize(line) + `" is no SMTP reply`)
	if len(line) < 3 {
		return 0, "", false, malformed
	}
	for _, c := range []byte(line[:3]) {
		if c < '0' || c > '9' {
			return 0, "", false, malformed
		}
		code = code*10 + int(c-'0')
	}
	if code < 200 || code > 599 {
		return 0, "", false, malformed
	}
	switch {
	case len(line) == 3:
		return code, "", true, nil
	case line[3] == ' ':
		return code, line[4:], true, nil
	case line[3] == '-':
		return code, line[4:], false, nil
	}
	return 0, "", false, malformed
}

// foreign names the protocol that the first bytes of a connection belong to,
// or "" for what may be SMTP or is unknown.
func foreign(first []byte) string {
	for _, p := range []struct{ prefix, name string }{
		{"HTTP/", "HTTP"},
		{"<!", "HTTP"},
		{"<h", "HTTP"},
		{"SSH-", "SSH"},
		{"* OK", "IMAP"},
		{"+OK", "POP3"},
		{"\x15\x03", "TLS"}, // an alert: it wants TLS from the first byte
		{"\x16\x03", "TLS"},
		{"RFB ", "VNC"},
		{"\x00", "a binary protocol"},
	} {
		if strings.HasPrefix(string(first), p.prefix) {
			return p.name
		}
	}
	return ""
}

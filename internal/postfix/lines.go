package postfix

import (
	"bytes"
	"fmt"
	"strings"
)

// Mark precedes what relayhost adds to a file, once. It is recognised by
// markPrefix, so that the rest of the sentence may change.
const (
	Mark       = markPrefix + "; see /etc/relayhost/relayhost.toml"
	markPrefix = "# Set by relayhost"
)

// SyntaxError says where a file cannot be read as Postfix reads it.
type SyntaxError struct {
	Line int // from 1
	Msg  string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// main.cf, master.cf and the sources of lookup tables share one grammar of
// lines (postconf(5); src/util/readlline.c): a line that starts with white space
// continues the logical line before it, and neither comments nor blank lines in
// between end that one. A document keeps every byte of such a file and knows
// which physical lines belong together.
type document struct {
	nodes []node
	heads map[string]int // how many heads there are of a name
	eol   string         // what the file itself uses: "\n" or "\r\n"
}

// node is one physical line, a run of lines that mean nothing, or a logical line
// that we have rendered. Deleted nodes stay, empty, so that edits in a large file
// do not move it.
type node struct {
	text string // with its end of line
	name string // what the logical line defines; only for head
	kind kind
}

type kind uint8

const (
	gone    kind = iota
	ignored      // comments, blank lines, and white space that continues nothing
	mark         // our comment line
	head         // first line of a logical line
	cont         // continues the last head
)

// parseLines splits data. define gives the name that a head line defines.
func parseLines(data []byte, define func(line string) string) (*document, error) {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, &SyntaxError{1, "starts with a byte order mark (U+FEFF)"}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, &SyntaxError{1 + bytes.Count(data[:i], []byte("\n")), "contains a NUL byte"}
	}
	text := string(data)
	lines := strings.Count(text, "\n")
	d := &document{eol: "\n", heads: map[string]int{}}
	d.nodes = make([]node, 0, 8+min(lines, len(text)/16))
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		d.eol = "\r\n"
	}
	seen := false // a logical line that can be continued
	run := 0      // start of the ignored lines before pos
	for pos := 0; pos < len(text); {
		line := firstLine(text[pos:])
		k := classify(line, seen)
		if k != ignored {
			d.appendIgnored(text[run:pos])
			n := node{text: line, kind: k}
			if k == head {
				n.name, seen = define(line), true
				d.heads[n.name]++
			}
			d.nodes = append(d.nodes, n)
			run = pos + len(line)
		}
		pos += len(line)
	}
	d.appendIgnored(text[run:])
	return d, nil
}

func (d *document) appendIgnored(text string) {
	if text != "" {
		d.nodes = append(d.nodes, node{text: text, kind: ignored})
	}
}

func firstLine(text string) string {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1]
	}
	return text
}

func classify(line string, seen bool) kind {
	switch trimmed := trimLeft(line); {
	case strings.HasPrefix(line, markPrefix):
		return mark
	case trimmed == "" || trimmed[0] == '#':
		return ignored
	case len(trimmed) == len(line):
		return head
	case seen:
		return cont
	default:
		// Postfix warns and ignores it ("logical line must not start with
		// whitespace").
		return ignored
	}
}

// isSpace is Postfix's ISSPACE(): ASCII only, so that U+00A0 is none.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trim(s string) string { return trimLeft(trimRight(s)) }

// oneLine makes text safe as a part of one line: a line break in it would
// define something of its own.
func oneLine(text string) string {
	if !strings.ContainsAny(text, "\r\n\x00") {
		return trim(text)
	}
	return trim(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\x00", "").Replace(text))
}

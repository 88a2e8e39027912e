package explain

import (
	"strings"

	"relayhost/internal/lazy"
	"relayhost/internal/maillog"
)

// maxStory is how much of a text of another program is read as one story, in
// bytes.
const maxStory = 16 << 10

// Bounds of what one story is taken apart into.
const (
	maxReplies = 40
	maxReply   = 1000 // bytes
)

// statements takes apart whatever somebody pasted: lines of Postfix, each of
// which speaks for itself, or else one story.
func statements(s string) []text {
	var list []text
	var rest []string
	for line := range strings.Lines(s[:min(len(s), 4*maxStory)]) {
		l, origin := maillog.Recognise(line)
		switch {
		case origin == maillog.Postfix:
			list = append(list, splitLine(l))
		case origin != maillog.Other || l.Text != "":
			rest = append(rest, strings.TrimRight(line, "\r\n"))
		}
	}
	if len(list) > 0 {
		return list
	}
	return story(strings.Join(rest, "\n"))
}

var (
	queueLine   = lazy.MustCompile(`^\s*(?:[0-9A-F]{6,21}|[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz]{10,26}): `)
	delivery    = lazy.MustCompile(`(?:^|\s)to=<[^>]*>, (?:orig_to|relay)=`)
	statusPart  = lazy.MustCompile(`status=(\w+) \(`)
	transcript  = lazy.MustCompile(`^\s*(?:\[?\d{4}-\d\d-\d\d[T ][\d:.,]+\S*\]?[\s:]+)?(?:(?:DEBUG|INFO|TRACE) *(?:SMTP)?:? *(?:\[\w+\] )?|\[?SMTP\]? ?)?((?:SERVER -> CLIENT|CLIENT -> SERVER|SERVER|Server|server|CLIENT|Client|client|S|C|reply|send|R|T)(?: \d+)?:|<<<|>>>|<<|>>|<--?|--?>|<==|==>|<~\*?|~>|<\*\*|\*\*>|<=|=>|<|>)\s+(\S.*)$`)
	fromClient  = lazy.MustCompile(`^((C|CLIENT|Client|client|CLIENT -> SERVER|send|T)(?: \d+)?:|>>>|>>|--?>|==>|~>|\*\*>|=>|>)$`)
	serverSaid  = lazy.MustCompile(`^(?:FROM SERVER|ERROR|NOTICE): ?`) // PHPMailer 5: SMTP -> ERROR: ...
	begin       = lazy.MustCompile(`^<[^<>\s]+@[^<>\s]+>(?: \(expanded from <[^<>]*>\))?: |^Diagnostic-Code: `)
	openText    = lazy.MustCompile(`\([245]\d\d, b?(?:'[^']{20,}|"[^"]{20,})$`) // of Python's smtplib
	header      = lazy.MustCompile(`^[A-Z][A-Za-z-]+: |^--`)
	quoted      = lazy.MustCompile(`(?m)^>{1,2}(?: >{1,2})*(?:[ \t]|\b|$)`)
	spoken      = lazy.MustCompile(`(?m)^\s*(?:<|>+ *(?i:(?:EHLO|HELO|LHLO|AUTH) \S+(?: \S+)?\s*$|MAIL FROM:|RCPT TO:|(?:DATA|STARTTLS|RSET|QUIT|NOOP)\s*$)|>+ *[A-Za-z0-9+/=]{8,}\s*$)`)
	raised      = lazy.MustCompile(`Exception|Error\b`)
	bytesMark   = lazy.MustCompile(`\bb(['"])`)
	escapedEnd  = lazy.MustCompile(`\\r\\n|\\n|\\r|\\x0d\\x0a|&#13;|<br ?/?>`)
	replyStart  = lazy.MustCompile(`(?:^|[\s:;'"(\[>,=\x60]|returned |said )(?:SMTP;|smtp;)?[<#]?([245]\d\d)(?:['",)]{1,2},? *b?['"]?| ?- ?|-| |:  ?| #|\s\()(?:[\s:]*\(?#?([2456]\.\d{1,3}\.\d{1,3})[\s:;)-]+(\S.*)|[\s:;)-]*([A-Za-z<(\[*"'{.=#].*))$`)
	bareStart   = lazy.MustCompile(`(?:^|[\s:;'"(\[>])#?([245])\.(\d{1,3})\.(\d{1,3})[\s:;)]+([A-Za-z<(\[].*)$`)
	quotedEnd   = lazy.MustCompile(`(["']\)?[,;)}\]]|['"] ?(\(code|errormsg=|, ?['"]|\)$)|['"]$| !! | >> | \+\+ ).*$`)
	notPorts    = lazy.MustCompile(`(?i)(port|:|ssl0?|tcp|line|id|fd|pid|bytes|size|uid|delay|after|in|of|got|flush)[ =:]*$`)
	inReplyTo   = lazy.MustCompile(` \(in reply to [^)]*\).*$`)
	continuesIt = lazy.MustCompile(`^([245]\d\d)([- ])`)
)

// story reads the words of another program, or a part of a line of Postfix: what
// servers said in it, and the whole.
func story(s string) []text {
	s = s[:min(len(s), maxStory)]
	lines := unfold(s)
	whole := strings.TrimSpace(strings.Join(lines, "\n"))
	if whole == "" {
		return nil
	}
	var list []text
	for _, line := range lines {
		if t, ok := part(line); ok {
			list = append(list, t)
		}
	}
	host := hostIn(whole)
	if m := remoteMTA.FindStringSubmatch(whole); m != nil && host == "" {
		host = m[1]
	}
	whole += dialogue(s)
	if len(list) == 0 {
		for _, r := range replies(lines) {
			list = append(list, text{reply: r, host: host, program: whole})
		}
	}
	if len(list) == 0 {
		list = append(list, text{program: whole, own: whole, host: host})
	}
	return list
}

// part reads a line of Postfix's that has lost its beginning: a queue id, a
// recipient, a status, or what stands in its parentheses.
func part(line string) (text, bool) {
	s := strings.TrimSpace(line)
	if m := diagnostic.FindStringSubmatch(s); m != nil {
		s = m[1]
		return splitReason(s), true
	}
	if m := queueLine.FindString(s); m != "" {
		s = strings.TrimSpace(s[len(m):])
	} else if !strings.HasPrefix(s, "status=") && !strings.HasPrefix(s, "said: ") && !delivery.MatchString(s) &&
		!bracketed(s) && !postfixWords.MatchString(s) {
		return text{}, false
	}
	if i := strings.Index(s, "to=<"); i > 0 {
		s = s[i:]
	}
	if d, ok := maillog.ParseDelivery(s); ok {
		t := splitDelivery(d)
		t.own += facts(t.own, t)
		return t, true
	}
	if s = strings.TrimPrefix(s, "("); isReply(s) {
		return text{reply: oneLineReply(strings.TrimSuffix(s, ")")), program: s}, true
	}
	s = strings.TrimPrefix(s, "delivery temporarily suspended: ")
	t := splitReason(s)
	if m := statusPart.FindStringSubmatchIndex(s); m != nil {
		t = splitReason(s[m[1]:])
		if r := s[m[1]:]; isReply(r) {
			t = text{reply: oneLineReply(strings.TrimSuffix(r, ")"))}
		}
		t.status = s[m[2]:m[3]]
		t.own = s[:m[1]] + t.own
	}
	t.own += facts(t.own, t)
	return t, true
}

// bracketed reports whether s is what stands in the parentheses of a delivery
// line, and no tuple of another program.
func bracketed(s string) bool {
	s, ok := strings.CutPrefix(s, "(")
	return ok && (isReply(s) || postfixWords.MatchString(s))
}

// postfixWords begin what Postfix says in its own name.
var postfixWords = lazy.MustCompile(`^(connect to \S+\[|SASL authentication fail|TLS is required, but|Server certificate not |Cannot start TLS|mail for \S+ loops|Host or domain name not found|lost connection with |conversation with |delivery temporarily|local data error|SSL_connect error to|warning: |fatal: |error: [^\[]|panic: |host \S+\[)`)

var (
	boxes      = strings.NewReplacer("└──", "", "├──", "", "│", "", "└─", "")
	diagnostic = lazy.MustCompile(`(?i)^Diagnostic-Code: *x-postfix; *(\S.*)$`)
	askedTLS   = lazy.MustCompile(`(?m)(CLIENT|C|>>?|->|~>).{0,6} STARTTLS`)
	askedAuth  = lazy.MustCompile(`(?mi)(CLIENT|C|>|send)\S*.{0,12}\bAUTH\b|^auth `)
	remoteMTA  = lazy.MustCompile(`(?im)(?:^Remote-MTA: *dns; *|\bhost |\bH=|while talking to |\bhost=)([A-Za-z0-9][\w.-]*\.[A-Za-z]{2,})`)
)

// unfold joins what mail programs have wrapped, takes the marks of transcripts
// off, and leaves out what the client said, which can be a secret.
func unfold(s string) []string {
	s = escapedEnd.ReplaceAllString(s, "\n")
	s = bytesMark.ReplaceAllString(s, "$1")
	s, wrapped := unquote(boxes.Replace(s))
	var lines []string
	statement := false // in one that a blank line ends
	for raw := range strings.Lines(s) {
		raw = strings.TrimRight(raw, "\r\n \t")
		trimmed := strings.TrimSpace(raw)
		m := transcript.FindStringSubmatch(raw)
		begins := begin.MatchString(trimmed) || openText.MatchString(trimmed)
		statement = trimmed != "" && (statement && !header.MatchString(trimmed) || begins)
		switch {
		case trimmed == "":
			lines = append(lines, "")
		case m != nil && m[1] == "->" && serverSaid.MatchString(m[2]):
			lines = append(lines, serverSaid.ReplaceAllString(m[2], ""))
		case m != nil && ofClient(m[1], m[2]):
			lines = append(lines, "")
		case m != nil:
			lines = append(lines, m[2])
		case len(lines) > 0 && lines[len(lines)-1] != "" && !isReply(trimmed) && (statement && !begins || goesOn(raw, wrapped)):
			lines[len(lines)-1] += " " + trimmed
		default:
			lines = append(lines, trimmed)
		}
	}
	return lines
}

// ofClient reports whether the client said a line of a transcript with that mark.
func ofClient(mark, said string) bool {
	return fromClient.MatchString(mark) && !(mark == "=>" && raised.MatchString(said))
}

// goesOn reports whether a line goes on with the one before it: it is indented or, in a
// text that is wrapped, does not begin like a sentence.
func goesOn(line string, wrapped bool) bool {
	return line[0] == ' ' || line[0] == '\t' || wrapped && 'a' <= line[0] && line[0] <= 'z'
}

// unquote takes the marks of quoted mail off, and reports whether it did: such
// lines are wrapped. In a transcript > is the client.
func unquote(s string) (string, bool) {
	if quoted.MatchString(s) && !spoken.MatchString(s) {
		return quoted.ReplaceAllString(s, ""), true
	}
	return s, false
}

// dialogue are facts of a transcript: what the client has sent.
func dialogue(s string) string {
	if !strings.Contains(s, "EHLO") && !strings.Contains(s, "HELO") {
		return ""
	}
	facts := ""
	if strings.Contains(s, "STARTTLS\n") || strings.Contains(s, "STARTTLS\r\n") || askedTLS.MatchString(s) {
		facts += " {starttls-sent}"
	}
	if !askedAuth.MatchString(s) {
		facts += " {no-auth}"
	}
	return facts
}

// replies finds the refusals that servers gave, in the order of the text.
func replies(lines []string) []string {
	var list []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		for len(list) < maxReplies {
			code, rest, at := findReply(line)
			if code == "" {
				break
			}
			said := rest
			next := at
			// Further lines of the same reply.
			for i+1 < len(lines) {
				m := continuesIt.FindStringSubmatch(lines[i+1])
				follows := m != nil && m[1] == code
				if !follows && (!strings.HasSuffix(said, ":") || lines[i+1] == "") {
					break
				}
				i++
				if follows {
					said += " " + strings.TrimSpace(lines[i][4:])
				} else {
					said += " " + lines[i]
				}
			}
			said = inReplyTo.ReplaceAllString(said, "")
			said = quotedEnd.ReplaceAllString(said, "")
			reply := oneLineReply(code + " " + said[:min(len(said), maxReply)])
			if code[0] != '2' && len(reply) > 4 {
				list = append(list, reply)
			}
			line = line[next:]
		}
	}
	return list
}

// findReply finds the first reply in a line: its code, what follows, and where
// to look for the next one. A reply without its code, as .NET has it, gets the
// code of its class.
func findReply(line string) (code, rest string, next int) {
	for from := 0; from < len(line); {
		m := replyStart.FindStringSubmatchIndex(line[from:])
		if m == nil {
			break
		}
		code, before := line[from+m[2]:from+m[3]], line[:from+m[2]]
		enhanced := m[4] >= 0
		next := from + max(m[6], m[8])
		rest := line[next:]
		if enhanced {
			rest = line[from+m[4]:from+m[5]] + " " + rest
		}
		port := code == "465" || code == "587"
		if !enhanced && before != "" && (port || notPorts.MatchString(before) && !strings.HasSuffix(before, ": ") && !strings.HasSuffix(before, `"`)) {
			from += m[3]
			continue
		}
		return code, rest, next
	}
	if m := bareStart.FindStringSubmatchIndex(line); m != nil && line[m[2]] != '2' {
		class := line[m[2]:m[3]]
		return class + "00", line[m[2]:m[7]] + " " + line[m[8]:], m[8]
	}
	return "", "", 0
}

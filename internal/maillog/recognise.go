package maillog

import (
	"encoding/json"
	"html"
	"relayhost/internal/lazy"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Origin says whose a line of a log is.
type Origin uint8

// The origins of a line.
const (
	Unknown Origin = iota // not understood
	Postfix               // Postfix's own
	Mailer                // of another program that sends mail
	Other                 // of some other program, or no message at all
)

// maxDepth bounds how many loggers may have wrapped a line.
const maxDepth = 6

// Recognise finds the line of Postfix in whatever a logger, a container runtime,
// a shipper, a terminal or a person has put around it. Each line is judged by
// itself. For a line of another program Text is its message, and Tag its name.
func Recognise(raw string) (Line, Origin) { return recognise(raw, maxDepth) }

func recognise(raw string, depth int) (Line, Origin) {
	s := undress(raw)
	if s == "" || depth == 0 {
		return Line{}, Other
	}
	if l, ok := Parse(s); ok && l.Text != "" {
		return l, Postfix
	}
	if noMessage(s) {
		return Line{}, Other
	}
	if i := strings.IndexByte(s, '{'); i >= 0 && strings.HasSuffix(s, "}") && (i == 0 || !strings.Contains(s[:i], "postfix")) {
		if l, origin, ok := recogniseJSON(s[i:], depth); ok {
			return l, origin
		}
	}
	if m := priority5424.FindStringIndex(s); m != nil && m[0] > 0 && m[0] < 120 {
		if l, ok := Parse(s[m[0]:]); ok {
			return l, Postfix
		}
	}
	if l, ok := unprefixed(s, depth); ok {
		return l, Postfix
	}
	if m := unit.FindStringSubmatchIndex(s); m != nil {
		if l, origin := recognise(s[m[1]:], depth-1); origin == Postfix {
			l.Time = timeIn(s[:m[0]])
			return l, Postfix
		}
	}
	return foreign(s, depth)
}

// spawning is master(8) before it becomes another program: it has no "postfix/" in
// front of its name then.
var spawning = lazy.MustCompile(`\bmaster\[\d+\]: ((?:fatal|warning): master_\w+: .*)$`)

// unprefixed finds a line whose tag stands anywhere in it, or that has none.
func unprefixed(s string, depth int) (Line, bool) {
	if l, ok := findTag(s); ok {
		return l, true
	}
	if m := command.FindStringSubmatch(s); m != nil {
		l, _ := Line{}.fill("postfix/"+m[1], m[2])
		return l, true
	}
	if m := spawning.FindStringSubmatch(s); m != nil {
		l, _ := Line{}.fill("postfix/master", m[1])
		return l, true
	}
	if l, ok := fields(s, depth); ok {
		return l, true
	}
	if !bare.MatchString(s) {
		return Line{}, false
	}
	l := Line{Text: s}
	if id, rest, ok := strings.Cut(s, ": "); ok && IsQueueID(id) {
		l.QueueID, l.Text = id, rest
	}
	return l, true
}

var (
	ansi         = lazy.MustCompile("\x1b(\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)|[@-_])")
	priority5424 = lazy.MustCompile(`<\d{1,3}>1 \d{4}-`)
	// tag is the name with which Postfix logs; syslog_name may be anything, so that
	// a name without "postfix" needs one of its daemons.
	tag = lazy.MustCompile(`(?:^|[\s|>"'\x60\])(=,])((?:[\w.-]+/)*postfix[\w.-]*(?:/[\w.-]+)*|[\w.-]+(?:/[\w.-]+)*/(?:` + strings.Join(daemons, "|") + `))(?:\[(\d+)\])?: ?(\S.*)$`)
	// command is one of Postfix's commands that writes to the terminal.
	command = lazy.MustCompile(`^(?:[\w.-]+@?[\w.-]*[:~][^$#]*[$#] )?(?:\S*/)?(postfix|postconf|postmap|postalias|newaliases|postqueue|postsuper|postdrop|postkick|postlog|postcat|postmulti|postlock|postfix-script|sendmail|send-mail|mailq|postsuper): ((?:warning|fatal|error|panic): .*)$`)
	// program is the common end of the line formats, for other programs.
	// bare is what Postfix logs, without who and when.
	bare = lazy.MustCompile(`^(?:(?:[0-9A-F]{6,21}|[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz]{10,26}|NOQUEUE): (?:to=<|from=<|message-id=|resent-message-id=|uid=\d|client=|removed$|sender non-delivery|reject: |milter-|host \S+\[|lost connection with |conversation with |Cannot start TLS|enabling PIX|sender delay|skipped|filter: |discard: |info: |warning: )|(?:daemon started|reload|terminating) -- version|starting the Postfix mail system|(?:connect|disconnect) (?:to|from) \S+\[[^\]]*\]|(?:Anonymous|Untrusted|Trusted|Verified) TLS connection established|SSL_(?:connect|accept) error (?:to|from) |(?:setting up|lost) (?:TLS )?connection (?:to|from|with|after) |statistics: max|(?:warning|fatal|panic): |error: [^\[]|refreshing the Postfix|stopping the Postfix|SASL authentication failure|certificate verification failed for |server certificate verification failed|cannot load Certifi|mapping DSN status|table \S+ has changed -- restarting|Postfix is using backwards|private/\S+ socket|Host offered STARTTLS|improper command pipelining|too many errors|timeout after|status=\w+ \()`)
	// unit is what journalctl -o with-unit prints in place of the tag.
	unit    = lazy.MustCompile(`\bpostfix[\w@.:\\-]*\.service(?:/\S+)?(?:\[\d+\])?: `)
	program = lazy.MustCompile(`^([\w./@+()-]{1,60})(?:\[(\d+|-)\])?: ?(.*)$`)
	clock   = lazy.MustCompile(`\d{1,2}:\d{2}:\d{2}`)
	exim    = lazy.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?) (?:\[\d+\] )?(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} |H=|SMTP |Start queue|End queue|exim|no host|no IP|TLS )`)
	eximID  = lazy.MustCompile(`^(?:\d+ +)?(?:LOG: MAIN|[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} (?:<=|=>|->|==|\*\*|Completed|Frozen))`)
	header  = lazy.MustCompile(`^(\x60{1,3}\w*$|\w+ \d{4}-\d\d-\d\d [\d:.]+ \S+ \[s=[0-9a-f]+;|-- (Logs|Journal) begin|-- No entries|-- (Re)?[Bb]oot|--+$|-- cursor:|==> .* <==$|\.\.\.+$|lines? \d+-\d+|~~~|__CURSOR=|Attaching to )`)
)

// noMessage reports what a program that prints logs puts between the messages.
func noMessage(s string) bool { return header.MatchString(s) }

// undress takes off what a terminal, a mail or a web page puts around a line.
func undress(s string) string {
	s = strings.TrimLeft(s, "\ufeff")
	if strings.IndexByte(s, 0x1b) >= 0 {
		s = ansi.ReplaceAllString(s, "")
	}
	s = strings.TrimRight(s, "\r\n \t\x00")
	for {
		before := s
		s = strings.TrimLeft(s, " \t\u00a0")
		for _, mark := range []string{"> ", ">>", ">", "| ", "**", "* ", "• ", "- ", "+ ", "+", "`", "&gt; ", "# ", "data: "} {
			if rest, ok := strings.CutPrefix(s, mark); ok && rest != "" && !strings.HasPrefix(s, ">>>") {
				s = rest
				break
			}
		}
		if n := len(s); n > 1 && (s[0] == '"' || s[0] == '\'') && (s[n-1] == s[0] || strings.HasSuffix(s, string(s[0])+",")) {
			s = strings.TrimSuffix(s[1:], ",")
			s = s[:len(s)-1]
		}
		s = strings.TrimSuffix(strings.TrimSuffix(s, "`"), "**")
		if s == before {
			break
		}
	}
	if strings.Contains(s, "&lt;") || strings.Contains(s, "&gt;") || strings.Contains(s, "&#34;") || strings.Contains(s, "&quot;") {
		s = html.UnescapeString(s)
	}
	return s
}

// findTag finds Postfix's tag behind a prefix that is none of a message: what
// another program says of Postfix is not Postfix's.
func findTag(s string) (Line, bool) {
	for from := 0; from < len(s); {
		m := tag.FindStringSubmatchIndex(s[from:])
		if m == nil {
			return Line{}, false
		}
		name, text := s[from+m[2]:from+m[3]], s[from+m[6]:from+m[7]]
		if m[4] < 0 && !strings.Contains(name, "/") && !severe(text) && name != "postfix" {
			return Line{}, false
		}
		if strings.HasPrefix(name, "public/") || strings.HasPrefix(name, "private/") { // a socket, not who speaks
			from += m[3]
			continue
		}
		if prefix := s[:from+m[2]]; isPrefix(prefix) {
			l := Line{Time: timeIn(prefix)}
			if l, ok := l.fill(name, text); ok {
				return l, true
			}
		}
		from += m[3]
	}
	return Line{}, false
}

func severe(text string) bool {
	for _, word := range []string{"warning: ", "fatal: ", "error: ", "panic: "} {
		if strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}

var grepped = lazy.MustCompile(`^[\w./~+-]*[./][\w./~+-]*[:-](\d+[:-])?`)

// isPrefix reports whether s can be what loggers write before a message: words
// without the colon that ends the name of a program, but for the last of several
// loggers, which begins with a time again.
func isPrefix(s string) bool {
	if at := lastProgram(s); at > 0 {
		s = s[at:]
		if !clock.MatchString(s) {
			return false
		}
	}
	words := strings.Fields(grepped.ReplaceAllString(s, ""))
	return len(words) <= 16
}

var ended = lazy.MustCompile(`[\w)\]]: `)

// lastProgram is where the words of the last program named in s begin, 0 where
// none is.
func lastProgram(s string) int {
	if m := grepped.FindString(s); m != "" && len(m) < len(s) {
		return lastProgramIn(s, len(m))
	}
	return lastProgramIn(s, 0)
}

func lastProgramIn(s string, from int) int {
	at := 0
	for _, m := range ended.FindAllStringIndex(s[from:], -1) {
		word := s[from : from+m[0]+1]
		if i := strings.LastIndexAny(word, " \t"); i >= 0 {
			word = word[i+1:]
		}
		switch strings.ToLower(strings.Trim(word, "[]<>()")) {
		case "info", "warn", "warning", "error", "err", "notice", "debug", "mail.info", "mail.warn", "mail.err", "mail.warning", "mail.notice", "stdout", "stderr":
			continue
		}
		at = from + m[1]
	}
	return at
}

var stamps = []struct {
	re     *lazy.Regexp
	layout string
	zone   bool // the text has its zone
}{
	{lazy.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)`), time.RFC3339Nano, true},
	{lazy.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?[+-]\d{4}`), "2006-01-02T15:04:05Z0700", true},
	{lazy.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d+)? ?[+-]\d{4}`), "2006-01-02 15:04:05Z0700", true},
	{lazy.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "2006-01-02 15:04:05 MST", true},
	{lazy.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d`), "2006-01-02 15:04:05", false},
	{lazy.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}`), "Mon Jan _2 15:04:05 2006", false},
	{lazy.MustCompile(`[A-Z][a-z]{2} [ \d]\d \d{4} \d\d:\d\d:\d\d`), "Jan _2 2006 15:04:05", false},
	{lazy.MustCompile(`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`), time.Stamp, false},
	{lazy.MustCompile(`\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}`), "2/Jan/2006:15:04:05 -0700", true},
}

var unixStamp = lazy.MustCompile(`^(?:\S+ )?(1[0-9]{9})\.([0-9]{6})\b`)

// timeIn reads the last time in a prefix: that of the logger nearest to the
// message.
func timeIn(prefix string) time.Time {
	if m := unixStamp.FindStringSubmatch(prefix); m != nil {
		sec, _ := strconv.ParseInt(m[1], 10, 64)
		us, _ := strconv.ParseInt(m[2], 10, 64)
		return time.Unix(sec, us*1000)
	}
	best, at := time.Time{}, -1
	for _, f := range stamps {
		all := f.re.FindAllStringIndex(prefix, -1)
		if len(all) == 0 {
			continue
		}
		last := all[len(all)-1]
		if last[0] <= at {
			continue
		}
		text := strings.Replace(prefix[last[0]:last[1]], ",", ".", 1)
		var t time.Time
		var err error
		switch {
		case f.zone:
			t, err = time.Parse(f.layout, text)
			if err != nil {
				t, err = time.Parse(f.layout, strings.Replace(text, " +", "+", 1))
			}
		case f.layout == time.Stamp:
			t, err = time.ParseInLocation(f.layout, text, time.Local)
			t = guessYear(t, time.Now())
		default:
			t, err = time.ParseInLocation(f.layout, strings.Replace(text, "T", " ", 1), time.Local)
		}
		if err == nil {
			best, at = t, last[0]
		}
	}
	return best
}

var exportField = lazy.MustCompile(`^\s*(_{0,2}[A-Z][A-Z0-9_]*)=(.*)$`)

// ExportField reads a field of an entry of the journal, as journalctl(1) prints it
// with -o export and -o verbose.
func ExportField(raw string) (name, value string, ok bool) {
	if i := strings.IndexByte(raw, '='); i < 0 || i > 60 {
		return "", "", false
	}
	m := exportField.FindStringSubmatch(strings.TrimRight(raw, "\r\n"))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// FromFields makes a line of the fields of an entry of the journal; false when it
// is not Postfix's.
func FromFields(fields map[string]string) (Line, bool) {
	l := Line{}
	if us, err := strconv.ParseInt(fields["__REALTIME_TIMESTAMP"], 10, 64); err == nil {
		l.Time = time.UnixMicro(us)
	}
	if fields["MESSAGE"] == "" {
		return l, false
	}
	return l.fill(fields["SYSLOG_IDENTIFIER"], fields["MESSAGE"])
}

// The names that log shippers give to the message, to the name of the program,
// and to the time.
var (
	messageKeys = []string{"MESSAGE", "message", "log", "msg", "Message", "@message", "text", "line", "short_message", "full_message", "body", "Body", "syslog_message", "event.original", "textPayload", "content", "_raw", "raw"}
	programKeys = []string{"SYSLOG_IDENTIFIER", "program", "syslog_identifier", "ident", "appname", "app-name", "app_name", "appName", "programname", "syslogtag", "process", "tag", "PROGRAM", "application_name", "identifier", "syslog_program", "process.name"}
	timeKeys    = []string{"time", "@timestamp", "timestamp", "ts", "date", "DATE", "Timestamp", "__REALTIME_TIMESTAMP", "timegenerated", "isodate", "ISODATE", "eventTime"}
)

// recogniseJSON reads one object as container runtimes, shippers and journalctl
// write it.
func recogniseJSON(s string, depth int) (Line, Origin, bool) {
	var object map[string]any
	if json.Unmarshal([]byte(s), &object) != nil {
		return Line{}, Unknown, false
	}
	text, name, at := lookUp(object, messageKeys), lookUp(object, programKeys), lookUp(object, timeKeys)
	if text == "" {
		return Line{Text: s}, Unknown, false
	}
	name = strings.TrimSuffix(strings.TrimSpace(name), ":")
	name, _, _ = strings.Cut(name, "[")
	when := timeIn(at)
	if us, err := strconv.ParseInt(at, 10, 64); err == nil && len(at) == 16 {
		when = time.UnixMicro(us)
	}
	if name != "" {
		if l, ok := (Line{Time: when}).fill(name, strings.TrimRight(text, "\r\n")); ok {
			return l, Postfix, true
		}
	}
	l, origin := recognise(text, depth-1)
	if l.Time.IsZero() {
		l.Time = when
	}
	if origin == Unknown && name != "" {
		l.Tag, origin = name, Other
	}
	return l, origin, true
}

// lookUp finds the first of the keys that an object, or one inside of it, has.
func lookUp(object map[string]any, keys []string) string {
	for _, key := range keys {
		switch v := object[key].(type) {
		case string:
			return v
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		case map[string]any:
			if name, ok := v["name"].(string); ok {
				return name
			}
		case []any: // bytes that are not UTF-8 (systemd.journal-fields(7))
			b := make([]byte, 0, len(v))
			for _, n := range v {
				f, ok := n.(float64)
				if !ok || f < 0 || f > 255 {
					b = nil
					break
				}
				b = append(b, byte(f))
			}
			if len(b) > 0 {
				return string(b)
			}
		}
	}
	for _, key := range keys {
		if outer, inner, ok := strings.Cut(key, "."); ok {
			if in, ok := object[outer].(map[string]any); ok {
				if found := lookUp(in, []string{inner}); found != "" {
					return found
				}
			}
		}
	}
	for _, outer := range []string{"jsonPayload", "fields", "syslog", "event", "log", "record", "attributes", "_source", "result", "data", "host", "process"} {
		if in, ok := object[outer].(map[string]any); ok && outer != "host" {
			if found := lookUp(in, keys); found != "" {
				return found
			}
		}
	}
	return ""
}

var field = lazy.MustCompile(`(?:^|[\s,;])(\w[\w.@-]*)=("(?:[^"\\]|\\.)*"|\S+)`)

// fields reads a line of key=value pairs, as logfmt, GELF and export formats
// have it.
func fields(s string, depth int) (Line, bool) {
	if !strings.Contains(s, "=") || !strings.Contains(s, "postfix") {
		return Line{}, false
	}
	object := map[string]any{}
	for _, m := range field.FindAllStringSubmatch(s, 40) {
		value := m[2]
		if strings.HasPrefix(value, `"`) {
			if unquoted, err := strconv.Unquote(value); err == nil {
				value = unquoted
			}
		}
		if _, ok := object[m[1]]; !ok {
			object[m[1]] = value
		}
	}
	text := lookUp(object, messageKeys)
	if text == "" {
		return Line{}, false
	}
	b, err := json.Marshal(object)
	if err != nil {
		return Line{}, false
	}
	l, origin, ok := recogniseJSON(string(b), depth-1)
	return l, ok && origin == Postfix
}

// mailers are the names of other programs that send mail, as they log.
var mailers = []string{"exim", "exim4", "sendmail", "sm-mta", "sm-msp-queue", "msmtp", "ssmtp", "sSMTP", "nullmailer", "nullmailer-send", "dma", "smtpd", "opensmtpd", "esmtp", "qmail", "swaks", "php", "mail", "mailx", "s-nail", "smtp", "sasl-xoauth2", "sendEmail"}

// foreign tells the lines of other programs from those that nobody understands.
func foreign(s string, depth int) (Line, Origin) {
	if m := exim.FindStringSubmatch(s); m != nil || eximID.MatchString(s) {
		l := Line{Tag: "exim", Text: s}
		if m != nil {
			l.Time, l.Text = timeIn(m[1]), strings.TrimSpace(s[len(m[1]):])
		}
		return l, Mailer
	}
	rest, l := s, Line{}
	if m := clock.FindStringIndex(s); m != nil && m[0] < 80 {
		l.Time = timeIn(s[:min(len(s), m[1]+16)])
		words := strings.Fields(s[m[1]:])
		rest = strings.Join(words[min(1, len(words)):], " ")
		// The name of the program is one of the first words behind the time.
		for i, word := range words[:min(len(words), 4)] {
			if strings.HasSuffix(word, ":") && (i > 0 || strings.Contains(word, "[")) {
				rest = strings.Join(words[i:], " ")
				break
			}
		}
	} else if !strings.HasSuffix(strings.SplitN(s, " ", 2)[0], "]:") {
		return Line{Text: s}, Unknown
	}
	m := program.FindStringSubmatch(rest)
	if m == nil {
		return Line{Text: s, Time: l.Time}, Unknown
	}
	// A program that passes on what it has read.
	if clock.MatchString(m[3]) && depth > 1 {
		if inner, origin := recognise(m[3], depth-1); origin == Postfix {
			return inner, origin
		}
	}
	if c := command.FindStringSubmatch(m[3]); c != nil {
		l, _ := Line{Time: l.Time}.fill("postfix/"+c[1], c[2])
		return l, Postfix
	}
	l.Tag, l.Text = m[1], m[3]
	name := m[1][strings.LastIndexByte(m[1], '/')+1:]
	if slices.Contains(mailers, name) {
		return l, Mailer
	}
	return l, Other
}

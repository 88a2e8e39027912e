package explain

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relayhost/internal/lazy"
	"relayhost/internal/lint"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Bounds of what a Collector keeps, however long the log.
const (
	maxUnknown = 200     // groups of lines that nobody knows
	maxExample = 2000    // bytes of a line that are kept
	maxCache   = 4096    // explanations kept for lines that come again
	maxSeen    = 1 << 16 // messages remembered, to count each once and to see it sent
	maxFields  = 100     // of an entry of the journal
	maxPasted  = 60      // lines of a text that is a story and no log
)

// warned is a warning whose cause nobody knows.
type warned struct {
	text    text
	line    maillog.Line
	example string
}

// Collector groups lines by cause. The zero value explains for any service.
type Collector struct {
	Relay *relays.Relay // nil: found out line by line
	Signs Signs         // of this host, to choose between candidates
	// Faults are those of this host's files; nil where the text is of another host.
	Faults []lint.Finding
	// Here are causes that this host's files show, whatever the text says; they come
	// last, where no line tells of them.
	Here []Cause
	// ConfigDir is that of the Postfix that commands are for; "" is the default instance.
	ConfigDir string
	Since     time.Time // lines with an older time are passed over

	Lines      int  // read
	Postfix    bool // one of them at least is Postfix's
	Problems   int  // of them, lines that tell of a problem
	Unread     int  // lines that were not understood
	Understood int  // lines that were: of Postfix, or known to be of another program

	groups        map[string]*Group
	unknown       int
	cache         explanations
	unfinished    *maillog.Line // a line that may go on in the next one
	unfinishedRaw int           // its length
	pasted        []string      // lines that are not Postfix's, of one story
	pastedUnread  int           // of them, those that were not understood
	mailer        bool          // one of them is of another program that sends mail
	asked         bool          // one of them is not known to be of a program that has nothing to do with mail
	warnings      []warned      // of a short text, lines that nobody knows
	whole         []string      // the first lines, for a report
	messages      fingerprints
	seen          map[uint64]*Group  // of a message and recipient
	entry         map[string]string  // of journalctl -o export, so far
	heard         func(maillog.Line) // of a test: each line of Postfix, as it was understood
	sentAt        int                // the last line that told of a delivery
	startAt       int                // the last line that told of a start or a reload
}

// blanks puts blanks in place of what a browser copies for some.
func blanks(raw []byte) []byte {
	if !bytes.Contains(raw, nbsp) {
		return raw
	}
	return bytes.ReplaceAll(raw, nbsp, []byte(" "))
}

var nbsp = []byte("\u00a0")

// Add takes in one raw line of a log. It is quick about lines that tell of no
// problem. End must follow the last one.
func (c *Collector) Add(raw []byte) {
	c.Lines++
	if len(c.whole) < maxPasted {
		c.whole = append(c.whole, string(raw[:min(len(raw), maxExample)]))
	}
	if (c.entry != nil || likeField(raw)) && c.exported(string(raw)) {
		return
	}
	if len(raw) > 0 && c.heard == nil && boring(raw) {
		c.release()
		c.Postfix = true
		c.Understood++
		c.sent(raw)
		return
	}
	raw = blanks(raw)
	line, origin := maillog.Recognise(string(raw))
	switch origin {
	case maillog.Postfix:
		c.release()
		c.Understood++
		c.Postfix = true
		c.unfinished, c.unfinishedRaw = &line, len(raw)
		return
	case maillog.Other:
		c.Understood++
		// In a log it is no matter of mail; of a text that somebody pasted it is a part.
		if c.Lines <= maxPasted && !c.Postfix {
			c.pasted = append(c.pasted, strings.TrimRight(string(raw), "\r\n"))
		}
		return
	case maillog.Mailer:
		c.Understood++
		if c.Lines > maxPasted && !trouble.Match(raw) {
			return
		}
		c.mailer = true
		if len(c.pasted) >= maxPasted {
			c.tell()
		}
	default:
		if !c.unread(raw) {
			return
		}
	}
	c.asked = c.asked || origin == maillog.Unknown || trouble.Match(raw)
	if len(c.pasted) <= maxPasted {
		c.pasted = append(c.pasted, strings.TrimRight(string(raw), "\r\n"))
	}
}

// unread takes in a line that nothing is known of. It reports whether the line can
// be part of a text that somebody pasted.
func (c *Collector) unread(raw []byte) bool {
	if c.unfinished != nil && c.goesOn(string(raw)) {
		c.Understood++
		return false
	}
	c.Unread++
	if c.Postfix {
		return false
	}
	c.pastedUnread++
	return true
}

// likeField reports whether a line can be NAME=value.
func likeField(raw []byte) bool {
	raw = bytes.TrimLeft(raw[:min(len(raw), 60)], " \t")
	i := bytes.IndexByte(raw, '=')
	return i > 0 && (raw[0] == '_' || raw[0] >= 'A' && raw[0] <= 'Z') && bytes.IndexByte(raw[:i], ' ') < 0
}

// exported gathers the fields of an entry that journalctl(1) prints line by line
// (-o export, -o verbose).
func (c *Collector) exported(raw string) bool {
	name, value, ok := maillog.ExportField(raw)
	if ok {
		if c.entry == nil {
			c.entry = map[string]string{}
		}
		if len(c.entry) < maxFields {
			c.entry[name] = value
		}
		c.Understood++
		return true
	}
	c.exportEnds()
	return false
}

// exportEnds takes in the entry whose fields have been read.
func (c *Collector) exportEnds() {
	if c.entry == nil {
		return
	}
	line, ok := maillog.FromFields(c.entry)
	c.entry = nil
	if ok {
		c.release()
		c.Postfix = true
		c.unfinished, c.unfinishedRaw = &line, 0
	}
}

// trouble are words of other mail programs that no delivery has which went well.
var trouble = lazy.MustCompile(`(?i)\*\*|==|fail|error|defer|reject|denied|refus|unable|could not|not `)

// cutOff ends a line that is short, because a long word was to follow.
var cutOff = lazy.MustCompile(`(^|[:,(]|\b(to|from|with|for|host|name))$`)

// goesOn joins a line without a beginning to the one before, which a terminal or
// a mail program has wrapped.
func (c *Collector) goesOn(raw string) bool {
	text := c.unfinished.Text
	complete := strings.HasSuffix(text, ")") && strings.Count(text, "(") <= strings.Count(text, ")")
	short := c.unfinishedRaw < 50 && !cutOff.MatchString(text)
	if complete || short || len(text) > maxExample || strings.TrimSpace(raw) == "" {
		return false
	}
	raw = strings.TrimRight(raw, "\r\n")
	gap := " "
	if strings.HasSuffix(text, " ") {
		gap = ""
	}
	c.unfinished.Text = text + gap + strings.TrimLeft(raw, " \t>")
	c.unfinishedRaw = max(len(raw), c.unfinishedRaw)
	return true
}

// release takes in the line that was held back.
func (c *Collector) release() {
	if c.unfinished == nil {
		return
	}
	line := *c.unfinished
	c.unfinished = nil
	if line.QueueID == "" && line.Tag != "" {
		if id, rest, ok := strings.Cut(line.Text, ": "); ok && maillog.IsQueueID(id) {
			line.QueueID, line.Text = id, rest
		}
	}
	if c.heard != nil {
		c.heard(line)
	}
	c.AddLine(line)
}

// End takes in what was held back; Groups may be asked afterwards.
func (c *Collector) End() {
	c.exportEnds()
	c.release()
	c.tell()
	if c.Lines <= maxPasted && len(c.groups) == 0 {
		for _, w := range c.warnings {
			c.Problems++
			c.count(nil, w.text, w.line, w.example)
		}
	}
	c.warnings = nil
}

// tell explains the lines of other programs, as one story.
func (c *Collector) tell() {
	lines := c.pasted
	unread := c.pastedUnread
	c.pasted, c.pastedUnread = nil, 0
	if len(lines) == 0 || c.Postfix && !c.mailer || strings.TrimSpace(strings.Join(lines, "")) == "" {
		return
	}
	all := statements(strings.Join(lines, "\n"))
	var causes []Cause
	first := -1
	for i, t := range all {
		found := c.cache.of(t, c.Relay)
		if first < 0 && len(found) > 0 {
			first = i
		}
		causes = append(causes, found...)
	}
	causes = Decide(ordered(causes), c.Signs)
	// What is said of one failure in a Postfix log, line by line, is said of one
	// story all at once.
	if len(causes) > 0 || c.asked && !c.Postfix {
		c.Problems++
	}
	if len(causes) == 0 {
		if !c.Postfix && len(all) > 0 && c.asked {
			c.count(nil, all[0], maillog.Line{}, strings.Join(lines, "\n"))
		}
		return
	}
	c.Unread -= unread // they are a part of what is explained
	c.Understood += unread
	t := all[first]
	for _, x := range all {
		if x.status != "" {
			t.status = x.status
		}
	}
	c.count(causes, t, maillog.Line{}, strings.Join(lines, "\n"))
}

// AddLine takes in one line of the log of Postfix and returns its causes, none
// for a line that tells of no problem.
func (c *Collector) AddLine(line maillog.Line) []Cause {
	if !line.Time.IsZero() && line.Time.Before(c.Since) {
		return nil
	}
	c.lifeSigns(line)
	t := splitLine(line)
	example := line.Tag + ": " + line.Text
	if line.QueueID != "" {
		example = line.Tag + ": " + line.QueueID + ": " + line.Text
	}
	if t.status == "sent" || t.status == "deliverable" {
		causes := SilentDrop(t.reply, t.host, c.Relay)
		if len(causes) > 0 {
			c.Problems++
			c.count(causes, t, line, example)
		} else {
			c.sentAt = c.Lines
			c.resolve(line.QueueID)
		}
		return causes
	}
	causes := Decide(c.cache.of(t, c.Relay), c.Signs)
	if len(causes) > 0 && causes[0].Phase != "host" && strangers(t.own) {
		causes = slices.Clone(causes)
		causes[0].notice = true
	}
	severity, _ := line.Severity()
	switch trouble := severity == "fatal" || severity == "panic" || severity == "error"; {
	case len(causes) > 0, trouble, t.status != "":
	case severity == "warning" && !must().knownHarmless(t.own): // worth telling of a short text
		if c.Lines <= maxPasted {
			c.warnings = append(c.warnings, warned{t, line, example})
		}
		return nil
	default:
		return nil
	}
	c.Problems++
	c.count(causes, t, line, example)
	return causes
}

var client = lazy.MustCompile(`^(?:smtpd|postscreen): .*\breject: \S+ from \S+\[([0-9a-fA-F.:]+)\]`)

// strangers reports whether this server has refused a client of the internet,
// which is what it should do, unless a fault of the host makes it; one of an own
// network would be a fault.
func strangers(own string) bool {
	if !strings.HasPrefix(own, "smtpd: ") && !strings.HasPrefix(own, "postscreen: ") {
		return false
	}
	m := client.FindStringSubmatch(own)
	if m == nil {
		return false
	}
	addr, err := netip.ParseAddr(m[1])
	return err == nil && !addr.IsPrivate() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast()
}

// lifeSigns notes a start or a reload, after which older faults may be gone.
func (c *Collector) lifeSigns(line maillog.Line) {
	if line.Daemon == "master" && (strings.HasPrefix(line.Text, "reload -- ") || strings.HasPrefix(line.Text, "daemon started -- ")) {
		c.startAt = c.Lines
	}
}

// AddQueued takes in what waits in the queue: each reason of a delay.
func (c *Collector) AddQueued(m postfix.QueuedMessage) {
	for _, r := range m.Recipients {
		if r.Reason == "" {
			continue
		}
		t := splitReason(strings.TrimPrefix(r.Reason, "delivery temporarily suspended: "))
		t.status, t.to = "deferred", r.Address
		t.own += facts(t.own, t)
		c.Problems++
		c.count(Decide(c.cache.of(t, c.Relay), c.Signs), t, maillog.Line{Time: m.Arrival, QueueID: m.ID}, m.ID+": "+r.Address+": "+r.Reason)
	}
}

// explanations are match with a memory: the same text comes again and again.
type explanations map[string][]Cause

func (e *explanations) of(t text, relay *relays.Relay) []Cause {
	key := t.host + "\x00" + t.status + "\x00" + shape(t.own) + "\x00" + shape(t.reply) + "\x00" + t.program
	if causes, ok := (*e)[key]; ok {
		return causes
	}
	causes := must().match(t, relay)
	if *e == nil || len(*e) >= maxCache {
		*e = explanations{}
	}
	(*e)[key] = causes
	return causes
}

// shape is a text without what differs from message to message: addresses of
// people, and long words with digits in them.
func shape(s string) string {
	if s == "" {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for start := 0; start < len(s); {
		end := strings.IndexByte(s[start:], ' ')
		word := s[start:]
		if end >= 0 {
			word = s[start : start+end]
		}
		switch {
		case strings.IndexByte(word, '@') >= 0:
			b.WriteByte('@')
		case len(word) > 12 && strings.IndexByte(word, '[') < 0 && strings.IndexByte(word, ':') < 0 && strings.IndexByte(word, '/') < 0 && strings.ContainsAny(word, "0123456789"):
			b.WriteByte('#')
		default:
			b.WriteString(word)
		}
		b.WriteByte(' ')
		start += len(word) + 1
	}
	return b.String()
}

// fingerprints are short for messages.
type fingerprints struct{ seed maphash.Seed }

// of is that of a message to a recipient, or to "" of the message as a whole.
func (f *fingerprints) of(queueID, to string) uint64 {
	if f.seed == (maphash.Seed{}) {
		f.seed = maphash.MakeSeed()
	}
	if to == "" {
		return maphash.String(f.seed, queueID)
	}
	return maphash.String(f.seed, queueID+"\x00"+to)
}

// count adds a line to the group of its first cause.
func (c *Collector) count(causes []Cause, t text, line maillog.Line, example string) {
	g := c.group(causes, t, line)
	again := c.counted(g, t, line)
	if !again {
		g.Count++
	}
	if line.Time.Before(g.First) {
		g.First = line.Time
	}
	g.lastLine = c.Lines
	if !line.Time.Before(g.Last) {
		g.Last, g.Example, g.latest = line.Time, example[:min(len(example), maxExample)], t
		g.Cause.Lost = g.Cause.Lost || len(causes) > 0 && causes[0].Lost
	}
	switch t.status {
	case "bounced", "expired", "sent":
		if t.status != "sent" || !again {
			g.Lost++
		}
		if again && g.Delayed > 0 {
			g.Delayed--
		}
	case "deferred", "SOFTBOUNCE":
		if !again {
			g.Delayed++
		}
	}
}

// group is the group of the first cause, or of what an unknown line says.
func (c *Collector) group(causes []Cause, t text, line maillog.Line) *Group {
	var key string
	var first Cause
	var others []Cause
	if len(causes) > 0 {
		first, others = causes[0], causes[1:]
		if key = first.ID; first.notice {
			key += "\x00notice"
		}
	} else {
		key = "\x00" + skeleton(t)
	}
	if g := c.groups[key]; g != nil {
		return g
	}
	if first.ID == "" {
		if c.unknown++; c.unknown > maxUnknown {
			key = "\x00"
		}
	}
	if c.groups == nil {
		c.groups = map[string]*Group{}
	}
	g := c.groups[key]
	if g == nil {
		g = &Group{Cause: first, Others: others, First: line.Time, order: c.Lines, open: map[uint64]bool{}}
		c.groups[key] = g
	}
	return g
}

// counted notes the message and recipient of a line, and reports whether they were
// counted for the group already.
func (c *Collector) counted(g *Group, t text, line maillog.Line) (again bool) {
	if line.QueueID == "" {
		g.lines++
		return false
	}
	if c.seen == nil {
		c.seen = map[uint64]*Group{}
	}
	id := c.messages.of(line.QueueID, t.to)
	if again = c.seen[id] == g; !again && len(c.seen) < maxSeen {
		c.seen[id] = g
	}
	if len(g.open) < maxSeen && t.status != "bounced" && t.status != "expired" {
		g.open[c.messages.of(line.QueueID, "")] = true
	}
	if !again {
		g.ids++
	}
	return again
}

// sent notes a delivery that a line, which boring knows, tells of.
func (c *Collector) sent(raw []byte) {
	i := bytes.Index(raw, []byte("]: "))
	if i < 0 {
		return
	}
	id, rest, ok := bytes.Cut(raw[i+3:], []byte(": "))
	if !ok || !bytes.HasPrefix(rest, []byte("to=<")) {
		return
	}
	c.sentAt = c.Lines
	if len(c.groups) > 0 {
		c.resolve(string(id))
	}
}

// resolve takes a message that was sent after all off the groups that it was
// counted for.
func (c *Collector) resolve(queueID string) {
	if queueID == "" || len(c.groups) == 0 {
		return
	}
	id := c.messages.of(queueID, "")
	for _, g := range c.groups {
		if g.open[id] {
			delete(g.open, id)
			g.Delayed = max(0, g.Delayed-1)
		}
	}
}

// skeleton is the text of an unknown line without what differs from message to
// message: numbers, addresses, names.
func skeleton(t text) string {
	words := strings.Fields(t.own + " " + t.reply + " " + t.program)
	kept := words[:0]
	for _, w := range words {
		if !strings.ContainsAny(w, "0123456789@<>[]") && len(kept) < 12 {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// Report is a text to paste into a bug report when nothing is known.
func (c *Collector) Report() string { return masked(strings.Join(c.whole, "")) }

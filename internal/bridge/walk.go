//go:build unix

package bridge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/smtpprobe"
)

// The limits of a walk.
const (
	walkLimit     = 9 * time.Minute // for one message at all hops: below lmtp_data_done_timeout, 600 s
	maxRecipients = 1000            // of a message; Postfix sends the others with the next
	skipTime      = time.Minute     // for which a hop that could not be reached is left out
	maxReason     = 300             // bytes of what one hop said before another took the message
)

// Step is one hop of a Walk.
type Step struct {
	Name    string // host, for the log
	Filters []conf.Filter
	Open    func(context.Context) (Hop, error)

	hop     Hop       // nil: not connected
	skipped time.Time // until when it is left out
	why     string    // it is left out
	rules   []*regexp.Regexp
}

// Walk is a next hop that is a list of them. A recipient that one hop defers, refuses
// for a fault of the account, or cannot be asked for goes to the next, as smtp(8) does
// with smtp_fallback_relay and smtp_reply_filter (postconf(5)); the fault of a recipient
// or a message ends there. The message is held until every recipient has a reply.
type Walk struct {
	steps     []*Step
	directory string // of the files that hold large messages

	open       bool // an envelope has begun
	mail       Command
	recipients []Command
}

// WalkError says why no hop of a walk could be reached.
type WalkError struct {
	names  []string
	causes []error
}

func (e *WalkError) Error() string {
	var all []string
	for i, cause := range e.causes {
		all = append(all, of(e.names[i], text(cause)))
	}
	return strings.Join(all, "; ")
}

func (e *WalkError) Unwrap() error { return e.causes[0] }

// OpenWalk connects to the first of steps that can be reached. Where none can, the
// error is a *WalkError.
func OpenWalk(ctx context.Context, directory string, steps []*Step) (*Walk, error) {
	failed := &WalkError{}
	for _, s := range steps {
		err := s.connect(ctx)
		if err == nil {
			return &Walk{steps: steps, directory: directory}, nil
		}
		failed.names, failed.causes = append(failed.names, s.Name), append(failed.causes, err)
	}
	return nil, failed
}

// Extensions are those that do not depend on the hop. DSN is not among them: Postfix
// itself reports what was relayed (RFC 3461, section 5.2.2).
func (w *Walk) Extensions() []string { return []string{"8BITMIME", "SMTPUTF8"} }

// Envelope keeps the envelope: which hop takes it shows with the message.
func (w *Walk) Envelope(_ context.Context, commands []Command) ([]smtpprobe.Reply, error) {
	var replies []smtpprobe.Reply
	for _, c := range commands {
		r := reply(250, "2.1.0", "Ok")
		switch {
		case c.Verb == Mail && w.open:
			r = reply(503, "5.5.1", "nested MAIL command")
		case c.Verb == Mail:
			w.open, w.mail, w.recipients = true, c, nil
		case !w.open:
			r = reply(503, "5.5.1", "need MAIL command")
		case c.Verb == Rcpt && len(w.recipients) == maxRecipients:
			r = reply(452, "4.5.3", "too many recipients")
		case c.Verb == Rcpt:
			w.recipients = append(w.recipients, c)
			r = reply(250, "2.1.5", "Ok")
		case len(w.recipients) == 0:
			w.open = false
			r = reply(554, "5.5.1", "no valid recipients")
		default:
			r = reply(354, "", "End data with <CR><LF>.<CR><LF>")
		}
		replies = append(replies, r)
	}
	return replies, nil
}

// Reset forgets the envelope.
func (w *Walk) Reset() { w.open, w.mail, w.recipients = false, Command{}, nil }

// Close says good-bye to every hop.
func (w *Walk) Close() {
	for _, s := range w.steps {
		s.close()
	}
}

// Message takes the whole message before any hop gets a part of it, and returns what
// the hop that had the last word said of each recipient.
func (w *Walk) Message(ctx context.Context, r io.Reader) ([]smtpprobe.Reply, error) {
	defer w.Reset()
	m := &held{Spool: api.Spool{Directory: w.directory}}
	defer m.Close()
	if _, err := io.Copy(m, r); err != nil { // of r, the dialogue says it
		failed := reply(452, "4.3.1", "relayhost: hold the message: "+smtpprobe.Sanitize(err.Error()))
		return slices.Repeat([]smtpprobe.Reply{failed}, len(w.recipients)), nil
	}
	ctx, cancel := context.WithTimeout(ctx, walkLimit)
	defer cancel()
	fates := make([]*fate, len(w.recipients))
	for i, rcpt := range w.recipients {
		fates[i] = &fate{rcpt: rcpt}
	}
	for i, s := range w.steps {
		pending := slices.DeleteFunc(slices.Clone(fates), func(f *fate) bool { return f.settled })
		if len(pending) == 0 {
			break
		}
		w.try(ctx, s, i == len(w.steps)-1, pending, m)
	}
	replies := make([]smtpprobe.Reply, len(fates))
	for i, f := range fates {
		replies[i] = f.reply
	}
	return replies, nil
}

// fate is what becomes of a recipient.
type fate struct {
	rcpt    Command
	settled bool
	reply   smtpprobe.Reply
	before  []string // what the hops before said
}

// try offers the message for the pending recipients to one hop.
func (w *Walk) try(ctx context.Context, s *Step, last bool, pending []*fate, m *held) {
	if !last && time.Now().Before(s.skipped) {
		for _, f := range pending {
			f.before = append(f.before, of(s.Name, s.why))
		}
		return
	}
	recipients := make([]Command, len(pending))
	for i, f := range pending {
		recipients[i] = f.rcpt
	}
	answers, err := s.send(ctx, w.mail, recipients, m)
	for i, f := range pending {
		a := answer{verb: Data}
		if err != nil {
			a.reply = Unavailable(err)
			a.reply.Code = 451 // of one message: the dialogue with Postfix goes on
		} else {
			a = answers[i]
		}
		f.settled = a.reply.Class() == 2 || a.reply.Class() == 5 && a.own == "" && !s.passes(a)
		told := a.reply
		if !f.settled && a.own == "" {
			told = deferred(told)
		}
		f.reply = s.told(told, f.before)
		why := told.Text()
		if err != nil {
			why = text(err)
		}
		f.before = append(f.before, of(s.Name, why))
	}
}

// told puts in front of a reply what the hops before said of the recipient, so that the
// log has it; the reply itself is unchanged.
func (s *Step) told(r smtpprobe.Reply, before []string) smtpprobe.Reply {
	if len(before) == 0 {
		return r
	}
	words := conf.FallbackText(s.Name, before)
	if status := enhancedOf(r); status != "" {
		words = status + " " + words
	}
	return smtpprobe.Reply{Code: r.Code, Lines: append([]string{words}, r.Lines...)}
}

// answer is a hop's reply about one recipient.
type answer struct {
	reply smtpprobe.Reply
	verb  Verb // that it answers
	// own is an extension that the hop lacks: the refusal is the bridge's, and another
	// hop may have it.
	own string
}

// connect opens the connection, unless there is one.
func (s *Step) connect(ctx context.Context) error {
	if s.hop != nil {
		return nil
	}
	hop, err := s.Open(ctx)
	if err != nil {
		s.skip(err)
		return err
	}
	s.hop = hop
	return nil
}

// skip leaves a hop out for a while.
func (s *Step) skip(err error) {
	s.skipped, s.why = time.Now().Add(skipTime), text(err)
}

func (s *Step) close() {
	if s.hop != nil {
		s.hop.Close()
		s.hop = nil
	}
}

// send offers a message to the hop, and returns an answer for each recipient.
func (s *Step) send(ctx context.Context, mail Command, recipients []Command, m *held) ([]answer, error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	mail, lacks := s.adapt(mail, m)
	if lacks != "" {
		refusal := reply(553, "5.6.7", "relayhost: "+s.Name+" does not offer "+lacks+", which the addresses need")
		return slices.Repeat([]answer{{refusal, Mail, lacks}}, len(recipients)), nil
	}
	replies, err := s.hop.Envelope(ctx, append(append([]Command{mail}, recipients...), Command{Verb: Data}))
	if err == nil && len(replies) != len(recipients)+2 {
		err = fmt.Errorf("%s: %d replies to %d commands", s.Name, len(replies), len(recipients)+2)
	}
	if err != nil {
		s.close()
		s.skip(err)
		return nil, err
	}
	answers := make([]answer, len(recipients))
	var accepted []int
	first, data := replies[0], replies[len(replies)-1]
	for i, r := range replies[1 : len(replies)-1] {
		switch {
		case first.Class() != 2:
			answers[i] = answer{reply: first, verb: Mail}
		case r.Class() != 2:
			answers[i] = answer{reply: r, verb: Rcpt}
		default:
			answers[i], accepted = answer{reply: data, verb: Data}, append(accepted, i)
		}
	}
	if first.Class() != 2 || len(accepted) == 0 || data.Code != 354 {
		s.hop.Reset()
		return answers, nil
	}
	last, err := s.hop.Message(ctx, io.NewSectionReader(m, 0, m.Size()))
	if err == nil && len(last) != len(accepted) {
		err = fmt.Errorf("%s: %d replies for %d recipients", s.Name, len(last), len(accepted))
	}
	if err != nil {
		s.close()
		failed := Unavailable(err)
		failed.Code = 451
		last = slices.Repeat([]smtpprobe.Reply{failed}, len(accepted))
	}
	for i, n := range accepted {
		answers[n] = answer{reply: last[i], verb: Data}
	}
	return answers, nil
}

// adapt is MAIL with the parameters that the hop takes. A hop without 8BITMIME gets the
// message as it is: Postfix has made it for all hops.
func (s *Step) adapt(mail Command, m *held) (adapted Command, lacks string) {
	offers := func(keyword string) bool {
		return slices.ContainsFunc(s.hop.Extensions(), func(line string) bool {
			name, _, _ := strings.Cut(line, " ")
			return strings.EqualFold(name, keyword)
		})
	}
	adapted = Command{Verb: Mail, Address: mail.Address}
	if offers("SIZE") {
		adapted.Params = append(adapted.Params, fmt.Sprintf("SIZE=%d", m.wire()))
	}
	for _, p := range mail.Params {
		switch name, _, _ := strings.Cut(strings.ToUpper(p), "="); {
		case name == "BODY" && offers("8BITMIME"), name == "SMTPUTF8" && offers("SMTPUTF8"):
			adapted.Params = append(adapted.Params, p)
		case name == "SMTPUTF8":
			return adapted, "SMTPUTF8"
		}
	}
	return adapted, ""
}

// passes reports whether a permanent refusal is no fault of the recipient or message, so
// that the next hop may take it.
func (s *Step) passes(a answer) bool {
	if len(s.rules) != len(s.Filters) {
		s.rules = nil
		for _, f := range s.Filters {
			s.rules = append(s.rules, regexp.MustCompile("(?i)"+f.Match)) // as conf.Config.Validate did
		}
	}
	logged := asLogged(s.Name, a)
	for i, rule := range s.rules {
		if rule.MatchString(logged) {
			return !s.Filters[i].Keep
		}
	}
	return false
}

// asLogged is a refusal as smtp(8) words it (src/smtp/smtp_trouble.c).
func asLogged(name string, a answer) string {
	command := map[Verb]string{Mail: "MAIL FROM", Rcpt: "RCPT TO", Data: "end of DATA"}[a.verb]
	status := enhancedOf(a.reply)
	if status == "" {
		status = fmt.Sprintf("%d.0.0", a.reply.Class())
	}
	lines := strings.Split(strings.TrimRight(string(a.reply.Bytes()), "\r\n"), "\r\n")
	return status + " host " + name + "[bridge] said: " + strings.Join(lines, " ") + " (in reply to " + command + " command)"
}

var enhanced = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}( |$)`)

// enhancedOf is the enhanced status code of the last line of a reply; "" for none.
func enhancedOf(r smtpprobe.Reply) string {
	return strings.TrimSpace(enhanced.FindString(r.Lines[len(r.Lines)-1]))
}

// deferred is a refusal as a temporary one, its text unchanged.
func deferred(r smtpprobe.Reply) smtpprobe.Reply {
	if r.Class() != 5 {
		return r
	}
	lines := slices.Clone(r.Lines)
	for i, line := range lines {
		if enhanced.MatchString(line) {
			lines[i] = "4" + line[1:]
		}
	}
	return smtpprobe.Reply{Code: r.Code - 100, Lines: lines}
}

// of puts the name of a hop before what was said of it, unless it is there.
func of(name, said string) string {
	if strings.HasPrefix(said, name) {
		return short(said)
	}
	return name + ": " + short(said)
}

// short cuts what a hop said.
func short(s string) string {
	s = smtpprobe.Sanitize(s)
	if len(s) > maxReason {
		return strings.ToValidUTF8(s[:maxReason], "") + "..."
	}
	return s
}

// held is a message whose lines end in LF.
type held struct {
	api.Spool
	lines int64
}

func (m *held) Write(p []byte) (int, error) {
	m.lines += int64(bytes.Count(p, []byte("\n")))
	return m.Spool.Write(p)
}

// wire is its size with the line ends of SMTP.
func (m *held) wire() int64 { return m.Size() + m.lines }

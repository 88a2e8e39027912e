package cmd

import (
	"errors"
	"slices"
	"strings"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
)

// conversation asks the questions of a setup and remembers the answers: "<" goes back
// to the question before, with its answer, while the answers before that one stand. A
// pass over the questions begins at the first one again and asks only what is open.
type conversation struct {
	ui.Prompter
	offer  func() []setup.Answer // the answers of an aborted run to begin with; nil asked already
	given  []given               // in the order of the questions
	open   map[string]bool       // questions of given that this pass has not come to yet
	before map[string]string     // what was answered before, to begin with
	about  []func()              // what is told above the next question
}

// given is one answer.
type given struct {
	setup.Answer
	secret bool
}

// pass begins at the first question again.
func (c *conversation) pass() {
	c.open, c.about = map[string]bool{}, nil
	for _, g := range c.given {
		c.open[g.Question] = true
	}
}

// back takes the last answer out and begins again; false where there is none.
func (c *conversation) back() bool {
	n := len(c.given) - 1
	if n >= 0 {
		c.given = c.given[:n]
	}
	c.pass()
	return n >= 0
}

// forget takes answers out that have turned out wrong. The next pass asks for them.
func (c *conversation) forget(questions ...string) {
	c.given = slices.DeleteFunc(c.given, func(g given) bool { return slices.Contains(questions, g.Question) })
}

// forgetSecret is forget for what is not offered again.
func (c *conversation) forgetSecret(questions ...string) {
	c.forget(questions...)
	for _, q := range questions {
		delete(c.before, q)
	}
}

// known is the answer to a question that this pass need not ask. What was to be told
// above it is told where it is asked.
func (c *conversation) known(question string) (string, bool) {
	if c.offer != nil {
		offer := c.offer
		c.offer = nil
		for _, a := range offer() {
			c.record(a.Question, a.Answer, false)
		}
		about := c.about
		c.pass()
		c.about = about
	}
	if c.open[question] {
		delete(c.open, question)
		for _, g := range c.given {
			if g.Question == question {
				c.about = nil
				return g.Answer.Answer, true
			}
		}
	}
	c.tell()
	return "", false
}

// tell shows what stands above the next question.
func (c *conversation) tell() {
	for _, show := range c.about {
		show()
	}
	c.about = nil
}

// record keeps an answer. Another relay wants another login.
func (c *conversation) record(question, answer string, secret bool) {
	if old := c.before[question]; old != "" && old != answer && (question == askRelay || question == askHost) {
		c.forgetSecret(askUser, askPassword, askToken)
	}
	c.forget(question)
	c.given = append(c.given, given{setup.Answer{Question: question, Answer: answer}, secret})
	if c.before == nil {
		c.before = map[string]string{}
	}
	c.before[question] = answer
}

// public are the answers without the secrets.
func (c *conversation) public() (list []setup.Answer) {
	for _, g := range c.given {
		if !g.secret {
			list = append(list, g.Answer)
		}
	}
	return list
}

func (c *conversation) Select(question string, options []ui.Option) (string, error) {
	if answer, ok := c.known(question); ok && slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == answer }) {
		return answer, nil
	}
	answer, err := c.Prompter.Select(question, options)
	if err == nil {
		c.record(question, answer, false)
	}
	return answer, err
}

func (c *conversation) Input(question, preset string, check func(string) error) (string, error) {
	if answer, ok := c.known(question); ok {
		return answer, nil
	}
	answer, err := c.Prompter.Input(question, first(c.before[question], preset), check)
	if err == nil {
		c.record(question, answer, false)
	}
	return answer, err
}

// Secret offers a password that was typed before without showing it.
func (c *conversation) Secret(question string, check func(string) error) (string, error) {
	if answer, ok := c.known(question); ok {
		return answer, nil
	}
	text, typed := question, c.before[question]
	if typed != "" {
		text += " (Enter: as before)"
	}
	answer, err := c.Prompter.Secret(text, func(v string) error { return check(first(v, typed)) })
	if answer = first(answer, typed); err == nil {
		c.record(question, answer, true)
	}
	return answer, err
}

func (c *conversation) Confirm(question string) (bool, error) {
	if answer, ok := c.known(question); ok {
		return answer == "yes", nil
	}
	yes, err := c.Prompter.Confirm(question)
	if err == nil {
		c.record(question, map[bool]string{true: "yes", false: "no"}[yes], false)
	}
	return yes, err
}

// The questions that others refer to.
const (
	askRelay    = "Relay service"
	askHost     = "SMTP server (host name)"
	askPort     = "Port (587, 465 and 25 are usual)"
	askUser     = "User name"
	askPassword = "Password"
	askToken    = "Token"
	askFrom     = "Sender address"
	askTo       = "Send a test message to"
)

// flagsOf tells runs apart whose questions differ.
func (f setupFlags) flagsOf() string {
	return strings.Join([]string{f.relay, f.region, f.smarthost, f.port, f.username, f.credentialsFile, f.from, f.to}, "\x00")
}

// earlier offers the answers of a run that was aborted.
func (q *questions) earlier(p ui.Prompter) []setup.Answer {
	saved, at := setup.LoadAnswers(q.deps(), q.flags.flagsOf())
	if len(saved) == 0 {
		return nil
	}
	q.io.Tell("", "A setup was aborted at %s after these answers:", at.Local().Format(time.TimeOnly))
	for _, a := range saved {
		q.io.Tell("  "+a.Question+": ", "%s", a.Answer)
	}
	if yes, err := p.Confirm("Continue with them?"); err != nil || !yes {
		return nil
	}
	return saved
}

// aborted says what is kept of a run that has ended early.
func (q *questions) aborted() {
	if q.talk == nil || len(q.talk.given) == 0 {
		return
	}
	q.io.Done()
	if setup.SaveAnswers(q.deps(), q.flags.flagsOf(), q.talk.public()) {
		q.io.Tell("", "Nothing is saved on disk. For an hour the next relayhost setup offers your answers again, without the password.")
		return
	}
	q.io.Tell("", "Nothing is saved on disk.")
}

// change asks, after a refusal, for the answer that was wrong, or which one to change,
// and keeps the others. It is false where there is none to change.
func (q *questions) change(err error, redact func(string) string) bool {
	if code := exitCode(err); q.talk == nil || !q.Can() || len(q.talk.given) == 0 || code != exitProof && code != exitUsage {
		return false
	}
	wrong := ""
	var found setup.Explained
	if errors.As(err, &found) {
		if c, ok := explain.ByID(found.Finding.Cause); ok && c.Phase == "sender" {
			wrong = askFrom
		}
	}
	if !slices.ContainsFunc(q.talk.given, func(g given) bool { return g.Question == wrong }) {
		wrong = ""
	}
	q.complain("error: ", redact(err.Error()))
	for _, h := range hints(err) {
		q.complain("hint: ", redact(h))
	}
	if wrong == "" {
		options := []ui.Option{{Value: "", Text: "Nothing: end here"}}
		for _, g := range q.talk.given {
			text := g.Question
			if !g.secret && g.Answer.Answer != "" {
				text += ": " + g.Answer.Answer
			}
			options = append(options, ui.Option{Value: g.Question, Text: text})
		}
		var asked error
		if wrong, asked = q.talk.Prompter.Select("What do you want to change?", options); asked != nil || wrong == "" {
			return false
		}
	}
	q.talk.forget(wrong)
	q.talk.pass()
	return true
}

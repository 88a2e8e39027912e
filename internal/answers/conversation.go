package answers

import (
	"cmp"
	"slices"

	"relayhost/internal/ui"
)

// Conversation is a Prompter that remembers the answers: "<" (ui.ErrBack) goes back to
// the question before, with its answer, while the answers before that one stand. A
// pass over the questions begins at the first one again and asks only what is open.
type Conversation struct {
	ui.Prompter
	// Offer are the answers of an aborted run, asked for at the first question.
	Offer func() []Answer
	// Resets are, by a question, the secrets that another answer to it makes useless.
	Resets map[string][]string

	given  []given           // in the order of the questions
	open   map[string]bool   // questions of given that this pass has not come to yet
	passed []string          // questions that this pass has come to, in order
	before map[string]string // what was answered before, to begin with
	about  []func()          // what is told above the next question
}

// given is one answer.
type given struct {
	Answer
	secret bool
}

// Above has show called when the next question is asked, and not when it need not be.
func (c *Conversation) Above(show ...func()) { c.about = append(c.about, show...) }

// Before is what a question was answered before, "" for nothing.
func (c *Conversation) Before(question string) string { return c.before[question] }

// Answered reports whether a question has an answer now.
func (c *Conversation) Answered(question string) bool {
	return slices.ContainsFunc(c.given, func(g given) bool { return g.Question == question })
}

// Choices are the questions that were answered, to choose from, with the answers that
// are no secrets.
func (c *Conversation) Choices() (list []ui.Option) {
	for _, g := range c.given {
		text := g.Question
		if !g.secret && g.Answer.Answer != "" {
			text += ": " + g.Answer.Answer
		}
		list = append(list, ui.Option{Value: g.Question, Text: text})
	}
	return list
}

// Public are the answers without the secrets.
func (c *Conversation) Public() (list []Answer) {
	for _, g := range c.given {
		if !g.secret {
			list = append(list, g.Answer)
		}
	}
	return list
}

// known is the answer to a question that this pass need not ask. What was to be told
// above it is told where it is asked.
func (c *Conversation) known(question string) (string, bool) {
	if c.Offer != nil {
		offer := c.Offer
		c.Offer = nil
		for _, a := range offer() {
			c.record(a.Question, a.Answer, false)
		}
		about := c.about
		c.Restart()
		c.about = about
	}
	about := c.about
	c.about = nil
	if i := slices.Index(c.passed, question); i >= 0 { // asked once more
		c.passed = c.passed[:i]
	}
	c.passed = append(c.passed, question)
	if c.open[question] {
		delete(c.open, question)
		for _, g := range c.given {
			if g.Question == question {
				return g.Answer.Answer, true
			}
		}
	}
	for _, show := range about {
		show()
	}
	return "", false
}

// record keeps an answer.
func (c *Conversation) record(question, answer string, secret bool) {
	if old := c.before[question]; old != "" && old != answer {
		c.ForgetSecret(c.Resets[question]...)
	}
	c.Forget(question)
	c.given = append(c.given, given{Answer{Question: question, Answer: answer}, secret})
	if c.before == nil {
		c.before = map[string]string{}
	}
	c.before[question] = answer
}

// Select asks for one of options; an answer of before that is none of them is asked
// for again.
func (c *Conversation) Select(question string, options []ui.Option) (string, error) {
	if answer, ok := c.known(question); ok && slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == answer }) {
		return answer, nil
	}
	answer, err := c.Prompter.Select(question, options)
	if err == nil {
		c.record(question, answer, false)
	}
	return answer, err
}

// Input offers what was typed before in place of preset.
func (c *Conversation) Input(question, preset string, check func(string) error) (string, error) {
	if answer, ok := c.known(question); ok {
		return answer, nil
	}
	answer, err := c.Prompter.Input(question, cmp.Or(c.before[question], preset), check)
	if err == nil {
		c.record(question, answer, false)
	}
	return answer, err
}

// Secret offers a password that was typed before without showing it.
func (c *Conversation) Secret(question string, check func(string) error) (string, error) {
	if answer, ok := c.known(question); ok {
		return answer, nil
	}
	text, typed := question, c.before[question]
	if typed != "" {
		text += " (Enter: as before)"
	}
	answer, err := c.Prompter.Secret(text, func(v string) error { return check(cmp.Or(v, typed)) })
	if answer = cmp.Or(answer, typed); err == nil {
		c.record(question, answer, true)
	}
	return answer, err
}

// Confirm asks for yes or no.
func (c *Conversation) Confirm(question string) (bool, error) {
	if answer, ok := c.known(question); ok {
		return answer == "yes", nil
	}
	yes, err := c.Prompter.Confirm(question)
	if err == nil {
		c.record(question, map[bool]string{true: "yes", false: "no"}[yes], false)
	}
	return yes, err
}

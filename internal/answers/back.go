package answers

import (
	"slices"
)

// Restart begins a pass at the first question.
func (c *Conversation) Restart() {
	c.open, c.passed, c.about = map[string]bool{}, nil, nil
	for _, g := range c.given {
		c.open[g.Question] = true
	}
}

// Back takes the answer before the open question out and begins again; false where
// there is none. Answers to later questions stand.
func (c *Conversation) Back() bool {
	defer c.Restart()
	for _, question := range slices.Backward(c.passed) {
		if c.Answered(question) {
			c.Forget(question)
			return true
		}
	}
	return false
}

// Forget takes answers out that have turned out wrong. The next pass asks for them,
// and offers what was answered.
func (c *Conversation) Forget(questions ...string) {
	c.given = slices.DeleteFunc(c.given, func(g given) bool { return slices.Contains(questions, g.Question) })
}

// ForgetSecret is Forget for what is not offered again.
func (c *Conversation) ForgetSecret(questions ...string) {
	c.Forget(questions...)
	for _, q := range questions {
		delete(c.before, q)
	}
}

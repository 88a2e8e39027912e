package ui

import (
	"fmt"
	"strconv"
	"strings"
)

// linePrompter asks a line at a time, with words and numbers only.
type linePrompter struct {
	keys    *keyboard
	streams *Streams
}

func (p *linePrompter) say(format string, args ...any) {
	fmt.Fprintf(p.streams.Err, format, args...)
}

// line reads a line and shows it where the terminal has not.
func (p *linePrompter) line() (string, error) {
	s, ahead, err := p.keys.line()
	switch {
	case err != nil:
		p.say("\n")
	case ahead:
		p.say("%s\n", s)
	}
	return strings.TrimSpace(s), err
}

func (p *linePrompter) Select(question string, options []Option) (string, error) {
	p.say("%s:\n", question)
	for i, o := range options {
		text := o.Text
		if o.Detail != "" {
			text += " - " + o.Detail
		}
		p.say("%s", Wrap(text, fmt.Sprintf("  %2d ", i+1), "      ", p.streams.Width()))
	}
	index := 0
	_, err := ask(p.streams, func() (string, error) {
		p.say("Number or name (1): ")
		return p.line()
	}, func(s string) (err error) {
		index, err = pick(s, options)
		return err
	})
	if err != nil {
		return "", err
	}
	return options[index].Value, nil
}

// pick finds the option that is meant by its number, its name or a part of it.
func pick(s string, options []Option) (int, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= len(options) {
		return n - 1, nil
	}
	var found []int
	for i, o := range options {
		if strings.EqualFold(s, o.Value) || strings.EqualFold(s, o.name()) {
			return i, nil
		}
		if strings.Contains(strings.ToLower(o.Text), strings.ToLower(s)) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, fmt.Errorf("%q is none of them: a number from 1 to %d", s, len(options))
	default:
		return 0, fmt.Errorf("%q is more than one of them: a number from 1 to %d", s, len(options))
	}
}

func (p *linePrompter) Input(question, preset string, check func(string) error) (string, error) {
	return ask(p.streams, func() (string, error) {
		if preset != "" {
			p.say("%s (%s): ", question, preset)
		} else {
			p.say("%s: ", question)
		}
		s, err := p.line()
		if s == "" {
			s = preset
		}
		return s, err
	}, check)
}

func (p *linePrompter) Secret(question string, check func(string) error) (string, error) {
	return ask(p.streams, func() (string, error) {
		restore, err := noEcho(p.keys.file)
		if err != nil {
			return "", err
		}
		defer restore()
		p.say("%s (not shown): ", question)
		defer p.say("\n")
		s, _, err := p.keys.line()
		return strings.TrimSpace(s), err
	}, check)
}

func (p *linePrompter) Confirm(question string) (bool, error) {
	answer := ""
	_, err := ask(p.streams, func() (string, error) {
		p.say("%s (y/N): ", question)
		return p.line()
	}, func(s string) error {
		answer = strings.ToLower(s)
		if answer == "" || strings.HasPrefix("yes", answer) || strings.HasPrefix("no", answer) {
			return nil
		}
		return fmt.Errorf("yes or no")
	})
	return strings.HasPrefix(answer, "y"), err
}

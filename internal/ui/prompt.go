package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// ErrInterrupted is returned when the person broke a question off: by Ctrl-C,
// Ctrl-D, or by closing the terminal.
var ErrInterrupted = errors.New("interrupted")

// ErrBack is returned when "<" or Esc asks for the question before; which one that is,
// answers.Conversation knows.
var ErrBack = errors.New("one question back")

// back is what is typed for ErrBack.
const back = "<"

// Option is one choice of a list: a word that is returned, what is shown, and
// a remark about it, which is cut where the terminal is too narrow.
type Option struct {
	Value, Text, Detail string
	Words               string // in lower case: finds the option where no text matches what is typed
	Else                bool   // stays in the list where nothing matches
}

// name is the text without what stands in parentheses at its end.
func (o Option) name() string {
	name, _, _ := strings.Cut(o.Text, "  (")
	return name
}

// has reports whether typed, in lower case, is a part of the option's text or value.
func (o Option) has(typed string) bool {
	return strings.Contains(strings.ToLower(o.Text), typed) || strings.Contains(o.Value, typed)
}

// matching is what remains of a list when typed, in lower case, is typed: the best
// of what its texts, its words and its misspelled names give. Where none does, what
// is for everything else remains.
func matching(options []Option, typed string) func(Option) bool {
	for _, match := range []func(Option) bool{
		func(o Option) bool { return o.has(typed) },
		func(o Option) bool { return len(typed) > 2 && strings.Contains(o.Words, typed) },
		func(o Option) bool { return o.near(typed) },
	} {
		if slices.ContainsFunc(options, match) {
			return match
		}
	}
	return func(o Option) bool { return o.Else }
}

// near reports whether a word of the option's name begins like typed but for a letter
// that is missing, wrong, too many, or swapped with the next: an empty list would not
// say what to do.
func (o Option) near(typed string) bool {
	words := append(strings.Fields(strings.ToLower(o.name())), o.Value)
	return len(typed) > 2 && slices.ContainsFunc(words, func(word string) bool { return mistyped(typed, word) })
}

// mistyped reports whether a begins as b does but for one mistake.
func mistyped(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	rest := func(from, to int) bool { return from <= len(a) && to <= len(b) && strings.HasPrefix(b[to:], a[from:]) }
	swapped := i+1 < len(a) && i+1 < len(b) && a[i] == b[i+1] && a[i+1] == b[i] && rest(i+2, i+2)
	return rest(i, i+1) || rest(i+1, i) || rest(i+1, i+1) || swapped
}

// Prompter asks a person. Check refuses an answer with a message, which is
// shown, and the question comes again. Every question may return ErrBack.
type Prompter interface {
	Select(question string, options []Option) (string, error)
	Input(question, preset string, check func(string) error) (string, error)
	Secret(question string, check func(string) error) (string, error)
	Confirm(question string) (bool, error)
}

// NewPrompter returns survey's prompts on a terminal that answers a cursor
// query, and plain line prompts on every other (a serial console, TERM=dumb,
// which suits a screen reader too), where survey would wait for ever.
func NewPrompter(ctx context.Context, s *Streams) (Prompter, error) {
	in, okIn := s.In.(*os.File)
	out, okOut := s.Err.(*os.File)
	if !okIn || !okOut || !s.CanAsk() {
		return nil, errors.New("stdin is not a terminal")
	}
	keys, err := newKeyboard(ctx, in)
	if err != nil {
		return nil, err
	}
	if os.Getenv("TERM") != "dumb" && keys.answers(out) {
		return newSurveyPrompter(keys, out, s), nil
	}
	return &linePrompter{keys: keys, streams: s}, nil
}

// ask puts a question until check is satisfied.
func ask(s *Streams, once func() (string, error), check func(string) error) (string, error) {
	for {
		answer, err := once()
		if err != nil {
			return "", err
		}
		if answer == back {
			return "", ErrBack
		}
		if check == nil {
			return answer, nil
		}
		problem := check(answer)
		if problem == nil {
			return answer, nil
		}
		fmt.Fprint(s.Err, s.paint("31", Wrap(problem.Error(), "  ", "  ", s.Width())))
	}
}

// Pausing returns a Prompter that pauses the time limit of a run while a question is open.
func Pausing(p Prompter, l *Limit) Prompter { return pausing{p, l} }

type pausing struct {
	Prompter
	limit *Limit
}

func (p pausing) Select(question string, options []Option) (string, error) {
	defer p.limit.Pause()()
	return p.Prompter.Select(question, options)
}

func (p pausing) Input(question, preset string, check func(string) error) (string, error) {
	defer p.limit.Pause()()
	return p.Prompter.Input(question, preset, check)
}

func (p pausing) Secret(question string, check func(string) error) (string, error) {
	defer p.limit.Pause()()
	return p.Prompter.Secret(question, check)
}

func (p pausing) Confirm(question string) (bool, error) {
	defer p.limit.Pause()()
	return p.Prompter.Confirm(question)
}
